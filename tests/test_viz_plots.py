import sys

import numpy as np
import pytest

import nn
from autograd import Value
from viz import plots, save

HISTORY = nn.History(
    loss=np.array([1.0, 0.4, 0.2]),
    accuracy=np.array([0.5, 0.8, 0.9]),
    validation_loss=np.array([1.1, 0.5, 0.3]),
    validation_accuracy=np.array([0.5, 0.7, 0.8]),
)


def test_without_matplotlib_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"deltagrad\[plot\]"):
        plots.learning_curves(HISTORY)


def test_curves_show_the_numbers_of_the_history(tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    figure = plots.learning_curves(HISTORY)
    loss, accuracy = figure.axes
    assert [list(line.get_ydata()) for line in loss.lines] == [[1.0, 0.4, 0.2], [1.1, 0.5, 0.3]]
    assert [list(line.get_ydata()) for line in accuracy.lines] == [[0.5, 0.8, 0.9], [0.5, 0.7, 0.8]]
    assert list(loss.lines[0].get_xdata()) == [1, 2, 3]
    assert save(figure, tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert len(plots.learning_curves(nn.History(loss=np.array([1.0]))).axes) == 1


def test_the_boundary_lies_where_the_output_changes_sign():
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")

    def model(x):
        return Value(1.0) * x[0] - 0.25

    X = np.array([[-1.0, -1.0], [1.0, 1.0], [1.0, -1.0]])
    (axes,) = plots.decision_boundary(model, X, [0, 1, 1]).axes
    line = np.concatenate([path.vertices for c in axes.collections for path in c.get_paths() if len(path) > 50])
    # the contour is interpolated linearly, and the output is linear
    assert line[:, 0] == pytest.approx(0.25, abs=1e-9)


def test_wrong_arguments_of_plots_are_named():
    with pytest.raises(ValueError, match="no epochs"):
        plots.learning_curves(nn.History(loss=np.array([])))
    with pytest.raises(ValueError, match="theme"):
        plots.learning_curves(HISTORY, theme="grey")
    with pytest.raises(ValueError, match=r"\(N, 2\)"):
        plots.decision_boundary(lambda x: x[0], np.zeros((3, 3)))
    with pytest.raises(ValueError, match="row for each"):
        plots.decision_boundary(lambda x: x[0], np.zeros((3, 2)), [1, 2])
