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


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"pip install matplotlib"):
        plots.learning_curves(HISTORY)


@pytest.mark.extra
def test_curves_show_the_numbers_of_the_history(tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    figure = plots.learning_curves(HISTORY)
    loss, accuracy = figure.axes
    assert [list(line.get_ydata()) for line in loss.lines] == [[1.0, 0.4, 0.2], [1.1, 0.5, 0.3]]
    assert [list(line.get_ydata()) for line in accuracy.lines] == [[0.5, 0.8, 0.9], [0.5, 0.7, 0.8]]
    assert list(loss.lines[0].get_xdata()) == [1, 2, 3]
    assert save(figure, tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert len(plots.learning_curves(nn.History(loss=np.array([1.0]))).axes) == 1


@pytest.mark.extra
def test_courses_show_the_losses_of_each_history(tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    other = nn.History(loss=np.array([0.9, 0.1]))
    figure = plots.courses({"one": HISTORY, "other": other})
    (axes,) = figure.axes
    assert [list(line.get_ydata()) for line in axes.lines] == [[1.0, 0.4, 0.2], [0.9, 0.1]]
    assert [line.get_label() for line in axes.lines] == ["one", "other"]
    assert axes.get_yscale() == "log"
    assert save(figure, tmp_path / "courses.svg").read_bytes()
    for wrong in ({}, {"none": nn.History(loss=np.empty(0))}, {"zero": nn.History(loss=np.array([0.0]))}):
        with pytest.raises(ValueError, match=r"needed|needs"):
            plots.courses(wrong)


@pytest.mark.extra
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


@pytest.mark.parametrize("targets", [[0, 1, 2], [[1, 0, 0], [0, 1, 0], [0, 0, 1]], None])
@pytest.mark.extra
def test_the_map_of_several_outputs_shows_the_largest_ones_class(targets):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")

    def model(x):
        return [Value(0.0) + x[0], Value(0.0) - x[0], Value(0.0) + 2.0 * x[1]]

    X = np.array([[1.0, -1.0], [-1.0, -1.0], [0.25, 1.0]])
    (axes,) = plots.decision_boundary(model, X, targets).axes
    areas, *examples = axes.collections
    shown = areas.get_coordinates()  # of the corners of each point's square
    x, y = ((shown[:-1, :-1, k] + shown[1:, 1:, k]) / 2.0 for k in (0, 1))
    wanted = np.argmax([x, -x, 2.0 * y], axis=0)
    clear = np.sort([x, -x, 2.0 * y], axis=0)  # away from ties, where rounding decides
    clear = clear[2] - clear[1] > 1e-9
    assert set(np.unique(wanted)) == {0, 1, 2}
    assert np.array_equal(areas.get_array()[clear], wanted[clear])
    # Each example has the colour of its own area, beside which it stands.
    theme = plots.THEMES["light"]
    colours = [theme["v"], theme["g"], theme["bad"]]
    assert [areas.cmap(areas.norm(k))[:3] for k in range(3)] == [pytest.approx(_rgb(colour)) for colour in colours]
    expected = {0: X} if targets is None else {k: X[k : k + 1] for k in range(3)}
    assert [some.get_offsets().tolist() for some in examples] == [rows.tolist() for rows in expected.values()]
    assert [tuple(some.get_facecolor()[0][:3]) for some in examples] == [
        pytest.approx(_rgb(colours[k])) for k in expected
    ]


def _rgb(colour):
    from matplotlib.colors import to_rgb

    return to_rgb(colour)


@pytest.mark.extra
def test_an_output_of_one_sign_has_no_boundary():
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    (axes,) = plots.decision_boundary(lambda x: x[0] * 0.0 + 1.0 + Value(0.0), np.eye(2)).axes
    assert (len(axes.images), len(axes.collections)) == (1, 1)  # the shades, and the examples


@pytest.mark.parametrize(("last", "scale"), [(0.01, "log"), (0.1, "linear"), (-0.01, "linear")])
@pytest.mark.extra
def test_a_loss_that_falls_fiftyfold_is_shown_by_its_logarithm(last, scale):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    (axes,) = plots.learning_curves(nn.History(loss=np.array([1.0, 0.5, last]))).axes
    assert axes.get_yscale() == scale
