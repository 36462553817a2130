"""What a result shows of itself in a notebook: HTML or Markdown that is well formed, escaped, and says the numbers."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

import autograd
import nn
import viz.plots
from autograd import Op, Value, notebook


def network(n_in=2, sizes=(3, 1)):
    return nn.MLP(n_in, sizes, activation="sigmoid", seed=0)


X, T = [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [[1.0], [0.0], [1.0]]


def trained(epochs=3, **options):
    model = network()
    sgd = nn.SGD(model.parameters(), learning_rate=0.1)
    return nn.fit(model, X, T, loss="mse_loss", optimizer=sgd, epochs=epochs, batch_size=2, seed=0, **options)


def program():
    model = network()
    made = autograd.compile(lambda x, t: nn.half_squared_error(model(x), t), parameters=model)
    made.value(x=X, t=T)
    return made


def backprop_without_slope(weights, biases, X, T):
    found = nn.closed_form.backprop(
        weights, biases, X, T, activations=["sigmoid", "identity"], loss="half_squared_error"
    )
    wrong = list(found.dW)
    wrong[0] = wrong[0] * 2.0
    return wrong, found.db


def report():
    return nn.check_backprop(backprop_without_slope, network(), X, T, "half_squared_error")


def explanation():
    x = Value(3.0, "<x>")
    return autograd.explain(x * x + 2.0 * x, x)


SHOWN = {
    "GradientReport": lambda: autograd.check_gradients(lambda x: abs(x[0]) * x[1], [0.0, 2.0]),
    "Report": report,
    "Explanation": explanation,
    "History": lambda: trained(validation=(X, T)),
    "Dataset": lambda: nn.data.xor(),
    "MLP, small": network,
    "MLP, large": lambda: network(40, (30, 10)),
    "Value": lambda: Value(2.0, "<x>") * 3.0,
}


def parsed(html):
    """The HTML as a tree: well formed, with every tag closed."""
    assert "<script" not in html
    return ElementTree.fromstring(f"<div>{html}</div>")


@pytest.mark.parametrize("name", SHOWN)
def test_what_is_shown_is_well_formed_and_holds_more_than_nothing(name):
    shown = SHOWN[name]()._repr_html_()
    assert "".join(parsed(shown).itertext()).strip()
    assert "<x>" not in shown


@pytest.mark.parametrize("name", SHOWN)
def test_a_terminal_gets_text_that_is_no_dump_of_fields(name):
    text = repr(SHOWN[name]())
    assert not re.search(r"(findings|coordinates|paths|loss)=", text)
    assert len(text.splitlines()) < 60


def test_a_report_shows_each_verdict_in_its_place():
    rows = [["".join(cell.itertext()) for cell in row] for row in parsed(report()._repr_html_()).iter("tr")]
    assert rows == [["layer", "∂C/∂W", "∂C/∂b"], ["2", "right", "right"], ["1", "wrong", "right"]]


def test_a_history_shows_every_epoch_and_the_curves_of_its_numbers():
    history = trained(validation=(X, T))
    shown = parsed(history._repr_html_())
    rows = [["".join(cell.itertext()) for cell in row] for row in shown.iter("tr")]
    assert [row[1] for row in rows[1:]] == [f"{loss:.6g}" for loss in history.loss]
    lines = [line for line in shown.iter() if line.tag.endswith("polyline")]
    assert len(lines) == sum(1 for _ in history.series())
    assert [line.get("stroke-dasharray") is not None for line in lines] == [False, True] * (len(lines) // 2)
    assert len(list(parsed(trained(epochs=50)._repr_html_()).iter("tr"))) == 21
    assert nn.History(np.zeros(0))._repr_html_() is None


def test_curves_go_down_where_numbers_fall_and_stay_in_the_picture():
    for values in ([3.0, 2.0, 1.0], [1e6, 1e3, 1.0], [2.0, 2.0], [5.0], [-1.0, -2.0]):
        (line,) = (e for e in ElementTree.fromstring(notebook.curves({"loss": values})).iter() if "polyline" in e.tag)
        points = [tuple(map(float, point.split(","))) for point in line.get("points").split()]
        heights = [y for _, y in points]
        assert len(points) == len(values)
        assert heights == sorted(heights)
        assert all(0 <= x <= 460 and 0 <= y <= 170 for x, y in points)
    assert "logarithmic" in notebook.curves({"loss": [1e6, 1.0]})


def test_a_program_shows_its_equations_as_mathematics_its_source_and_its_report():
    made = program()
    shown = made._repr_markdown_()
    assert shown.count("$$\\begin{align*}") == shown.count("\\end{align*}$$") == 3
    assert "paragraph" not in shown
    assert made.source in shown
    assert made.report() in shown
    assert made._repr_latex_() == made.latex()
    tree = ElementTree.fromstring(f"<div>{made._repr_html_()}</div>")
    assert sum(element.tag == "math" for element in tree.iter()) == made.equations().count("\n  ")
    assert [each.text for each in tree.iter("pre")] == [made.source.rstrip(), made.report().rstrip()]
    assert repr(made) == "<Program of x, t; parameters W1 (3, 2), b1 (3,), W2 (1, 3), b2 (1,)>"


def test_a_program_without_a_source_says_why():
    cube = Op("cube", forward=lambda x: x**3, partials=(lambda out, x: 3.0 * x**2.0,), samples=((0.7,),))
    w = Value(2.0, "w")
    made = autograd.compile(lambda x: cube(w * x[0]), parameters=[w])
    made.value(x=[[1.0]])
    reason = notebook.shown_source(made)
    assert re.match("# .*cube", reason)
    assert f"```python\n{reason}\n```" in made._repr_markdown_()
    tree = ElementTree.fromstring(f"<div>{made._repr_html_()}</div>")
    assert next(tree.iter("pre")).text == reason


def test_a_program_without_a_recording_says_what_to_call():
    model = network()
    made = autograd.compile(lambda x, t: nn.half_squared_error(model(x), t), parameters=model)
    assert "call value_and_grad" in repr(made)
    assert made._repr_markdown_() is made._repr_latex_() is made._repr_html_() is None


def test_a_value_shows_a_small_graph_as_a_tree_and_a_large_one_as_a_line():
    x = Value(3.0, "x")
    assert "1 × 3 = 3" in (x * x)._repr_html_()
    large = x
    for _ in range(50):
        large = large * 1.01 + 0.5
    assert x._repr_html_() is large._repr_html_() is None
    assert x.grad == 0.0


def test_a_large_network_shows_its_layers():
    rows = [
        ["".join(cell.itertext()) for cell in row] for row in parsed(network(40, (30, 10))._repr_html_()).iter("tr")
    ]
    assert rows[1:] == [["1", "30 × 40", "30", "sigmoid"], ["2", "10 × 30", "10", "identity"]]


def test_without_viz_there_is_a_table(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "viz.notebook", None)
    assert "<table" in network()._repr_html_()
    assert (Value(1.0) * 2.0)._repr_html_() is None


@pytest.mark.extra
def test_curves_of_matplotlib_show_themselves_as_pictures():
    pytest.importorskip("matplotlib", reason="matplotlib, of the extra plot, is not installed")
    assert viz.plots.learning_curves(trained())._repr_png_().startswith(b"\x89PNG")
