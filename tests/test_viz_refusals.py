"""Pictures that cannot be drawn or written are refused by name, and those with much to show say what they leave out."""

import re

import pytest

import nn
import viz
from autograd import Value, total
from viz import figure
from viz.network import draw_network


def product() -> Value:
    return Value(2.0, "x") * Value(3.0, "y")


@pytest.mark.parametrize(
    "option",
    [{"max_nodes": 0}, {"max_nodes": True}, {"level": "pixel"}, {"depth": -1}, {"depth": True}, {"depth": 1.0}],
)
@pytest.mark.parametrize("draw", [viz.draw, viz.draw_backward])
def test_an_option_out_of_range_is_named_with_what_was_given(draw, option):
    ((name, given),) = option.items()
    with pytest.raises(ValueError, match=rf"{name} must be .*, got {re.escape(repr(given))}"):
        draw(product(), **option)


def test_auto_draws_values_where_there_are_many_and_no_neurons():
    out = Value(1.0, "x")
    for _ in range(200):
        out = out.sin()
    assert viz.draw(out, level="auto").source == viz.draw(out).source


def test_a_sum_of_many_contributions_shows_three_and_their_number():
    x = Value(1.0, "x")
    uses = [x * k for k in range(2, 8)]
    assert ">7 + 6 + 5 + … (6 terms) = 27<" in viz.draw_backward(total(uses)).source
    assert ">5 + 4 + 3 + 2 = 14<" in viz.draw_backward(total([x * k for k in range(2, 6)])).source


def test_one_value_has_no_loss_beside_it():
    with pytest.raises(TypeError, match="a model and its loss, or one Value"):
        draw_network(product(), product())


def test_a_model_of_ones_own_needs_its_loss():
    class Own(nn.Module):
        def __init__(self):
            self.layer = nn.MLP(2, [1], seed=0)

        def parameters(self):
            return self.layer.parameters()

        def __call__(self, x):
            return self.layer(x)

    model = Own()
    with pytest.raises(ValueError, match=r"draw_network\(model, loss\)"):
        draw_network(model)
    assert "identity" in draw_network(model, total(model([1.0, 2.0]))).source


def test_the_picture_is_opened_when_that_is_asked_for(tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr("graphviz.view", opened.append)
    path = viz.draw(product()).render(outfile=tmp_path / "p.svg", view=True)
    assert opened == [path] == [str(tmp_path / "p.svg")]


def without_graphviz(monkeypatch):
    monkeypatch.setattr(figure.shutil, "which", lambda *_, **__: None)


@pytest.mark.parametrize("kind", ["dot", "gv"])
def test_the_dot_text_needs_no_graphviz(kind, monkeypatch):
    without_graphviz(monkeypatch)
    picture = viz.draw(product())
    assert picture.pipe(kind, encoding="utf-8") == picture.source


def test_a_picture_is_not_written_over_a_folder_or_into_none(tmp_path):
    (tmp_path / "p.svg").mkdir()
    with pytest.raises(IsADirectoryError, match="it is a folder"):
        viz.draw(product()).render(outfile=tmp_path / "p.svg")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        viz.draw(product()).render(outfile=tmp_path / "none" / "p.svg")
    assert [path.name for path in tmp_path.rglob("*")] == ["p.svg"]


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_only_linux_is_searched_for_fonts(system, monkeypatch):
    monkeypatch.setattr(figure.sys, "platform", system)
    monkeypatch.setattr(figure.Path, "rglob", lambda *_: pytest.fail("searched"))
    assert figure._has_fonts.__wrapped__()
