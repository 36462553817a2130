"""A network of many neurons is drawn as tiles, whose areas and numbers are those of the engine."""

import itertools
import math
import re

import numpy as np
import pytest

import nn
import viz
from autograd import Value, tanh, total
from tests.drawn import SVG, Area, ground, inside, meet, parsed, rectangles, texts, written
from viz import palette
from viz.areas import FULL
from viz.style import numeral


def digit(sizes=(64, 30, 10), loss="cross_entropy", examples=1, **options):
    """A network, what it reads, the loss, and the gradients that the engine finds."""
    model = nn.MLP(sizes[0], list(sizes[1:]), activation="tanh", seed=0, **options)
    rng = np.random.default_rng(1)
    X = [[Value(v, f"x[{k}]") for k, v in enumerate(rng.uniform(0, 1, sizes[0]))] for _ in range(examples)]
    T = np.eye(sizes[-1])[[(3 + k) % sizes[-1] for k in range(examples)]]
    outputs = [model(x) for x in X]
    losses = [getattr(nn, loss)(y, list(t)) for y, t in zip(outputs, T, strict=True)]
    cost = losses[0] if examples == 1 else total(losses) / float(examples)
    return model, X, outputs, cost


def picture(*args, **options):
    return parsed(viz.draw_network(*args, **options))


def grids(root):
    """Each group of squares, as what it says of its cells: their signs and sides, and whether they are gradients."""
    for group in root.iter(f"{SVG}g"):
        if group.get("class") != "areas":
            continue
        cells, kinds = {}, {path.get("class") for path in group} - {"negative", "slot"}
        for path in group:
            if path.get("class") == "slot":
                continue
            sign = -1.0 if path.get("class") == "negative" else 1.0
            side = float(path.get("stroke-width"))
            move = float(re.match(r"translate\(([.\d]+) \.5\)", path.get("transform"))[1])
            for x, y, long in re.findall(r"M(\d+) (\d+)h([.\d]+)", path.get("d")):
                assert float(long) == side
                assert move + side / 2 == pytest.approx(0.5, abs=0.01)  # in the middle of its cell; two decimals
                cells[int(x), int(y)] = sign * side
        yield kinds, cells


def assert_is_drawn(cells, numbers, columns, largest, steps=16):
    for k, number in enumerate(numbers.ravel()):
        expected = FULL * math.copysign(math.sqrt(abs(number) / largest), number)
        assert cells.get((k % columns, k // columns), 0.0) == pytest.approx(expected, abs=FULL / 2 / steps + 0.006)


def gradients(model, X, _, cost):
    """∂C/∂W and ∂C/∂x of each, by the engine's own backward pass."""
    cost.backward()
    by_name = {name: p.grad for name, p in model.named_parameters()}
    dW = [
        np.array([[by_name[f"W{l}[{j},{k}]"] for k in range(W.shape[1])] for j in range(W.shape[0])])
        for l, W in enumerate(model.weights, 1)
    ]
    db = [np.array([by_name[f"b{l}[{j}]"] for j in range(len(b))]) for l, b in enumerate(model.biases, 1)]
    return dW, db, np.array([x.grad for x in X[0]])


def test_every_square_is_a_number_of_the_engine():
    case = digit()
    model, X, _, cost = case
    drawn = list(grids(picture(model, cost)))
    dW, _, dx = gradients(*case)
    x = np.array([v.data for v in X[0]])
    assert len(drawn) == 2 + 2 * 30 + 2 * 10
    assert_is_drawn(drawn[0][1], x, 8, 1.0, steps=64)
    assert_is_drawn(drawn[1][1], dx, 8, np.abs(dx).max(), steps=64)
    for start, l, count, columns in ((2, 0, 30, 8), (62, 1, 10, 6)):
        for at, numbers, kind in ((start, model.weights[l], "value"), (start + count, dW[l], "gradient")):
            for j in range(count):
                kinds, cells = drawn[at + j]
                assert kinds <= {kind}
                assert_is_drawn(cells, numbers[j], columns, np.abs(numbers).max())


def test_bars_are_the_activations_and_deltas():
    case = digit(loss="half_squared_error")
    model, _, outputs, cost = case
    root = picture(model, cost)
    _, db, _ = gradients(*case)
    z = [float(w @ [v.data for v in case[1][0]] + b) for w, b in zip(model.weights[0], model.biases[0], strict=True)]
    rows = [r for r in root.iter(f"{SVG}rect") if r.get("class", "").startswith("bar")]
    own = [(float(r.get("width")) * float(r.get("height")), r.get("class")) for r in rows]
    heights = [float(r.get("height")) for r in rows]
    sides = [float(r.get("width")) for r in rows]
    for start, numbers, kind in ((0, np.tanh(z), "value"), (30, db[0], "gradient")):
        top = np.abs(numbers).max()
        for j, number in enumerate(numbers):  # by their heights, 7 pixels at most, to a tenth
            assert heights[start + j] == pytest.approx(7 * math.sqrt(abs(number) / top), abs=0.06)
            assert own[start + j][1] == ("bar negative" if number < 0 else f"bar {kind}")
    for start, numbers, kind in ((60, [y.data for y in outputs[0]], "value"), (70, db[1], "gradient")):
        top = np.abs(numbers).max()
        for j, number in enumerate(numbers):
            assert sides[start + j] == pytest.approx(95 * abs(number) / top, abs=0.06)
            assert own[start + j][1] == ("bar negative" if number < 0 else f"bar {kind}")
    assert len(rows) == 80


@pytest.mark.parametrize("loss", ["cross_entropy", "half_squared_error"])
def test_the_numbers_written_are_the_engines(loss):
    case = digit(loss=loss)
    model, _, outputs, cost = case
    root = picture(model, cost, digits=5)
    _, db, _ = gradients(*case)
    values, slopes = written(root, "value"), written(root, "gradient")
    assert f"C = {numeral(cost.data, 6)}" in values
    assert slopes[-11:-1] == [numeral(d, 5) for d in db[1]]
    y = np.array([v.data for v in outputs[0]])
    if loss == "cross_entropy":
        p = np.exp(y) / np.exp(y).sum()
        assert [float(t.rstrip("%")) for t in values if t.endswith("%")] == pytest.approx(list(100 * p), rel=0.05)
    else:
        assert values[2:12] == [numeral(v, 5) for v in y]


def test_a_pointer_is_told_the_numbers_of_a_neuron():
    model, _, outputs, cost = digit(loss="half_squared_error")
    titles = [title.text.split("\n") for title in picture(model, cost).iter(f"{SVG}title")]
    _, db, _ = gradients(model, [[Value(0.0)]], outputs, cost)
    assert len(titles) == 2 * (30 + 10)
    assert titles[:30] == titles[30:60]
    for j, told in enumerate(titles[60:70]):
        y = outputs[0][j].data
        assert told == [
            f"neuron 2.{j}",
            "b 0",
            *(f"{k} {numeral(n, 12)}" for k, n in zip("zaδ", (y, y, db[1][j]), strict=True)),
        ]
    assert picture(*digit((64, 4, 3), examples=2)[0::3]).find(f".//{SVG}title").text == "neuron 1.0\nb 0"


def test_of_numbers_as_inputs_the_first_layer_tells_the_gradient():
    model, X, _, cost = digit()
    inputs = [v.data for v in X[0]]
    with_numbers = nn.cross_entropy(model(inputs), list(np.eye(10)[3]))
    drawn = [list(grids(picture(model, loss)))[1][1] for loss in (cost, with_numbers)]
    assert drawn[0] == drawn[1]


# --- all kinds of networks ------------------------------------------------------------------------

CASES = {
    "digit": lambda: (digit()[0::3], {}),
    "without a loss": lambda: ((digit()[0],), {}),
    "deep": lambda: (digit((64, 30, 25, 20, 20, 21, 10))[0::3], {}),
    "a batch": lambda: (digit(examples=3)[0::3], {}),
    "a large batch": lambda: (digit((16, 12, 3), examples=14)[0::3], {"image": (4, 4)}),
    "one output": lambda: (digit((30, 24, 1), "half_squared_error")[0::3], {"image": (3, 10)}),
    "one layer": lambda: (digit((64, 10))[0::3], {"image": (8, 8), "classes": ["a long name of a class"] * 10}),
    "many outputs": lambda: (digit((9, 4, 40))[0::3], {}),
    "flat": lambda: (digit((60, 22, 2))[0::3], {"image": (1, 60)}),
    "small with an image": lambda: (digit((4, 2, 2))[0::3], {"image": (2, 2)}),
    "without biases": lambda: (digit((25, 9, 3), bias=False)[0::3], {}),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("theme", ["auto", pytest.param("dark", marks=pytest.mark.slow)])
def test_no_text_lies_on_another_or_on_what_is_drawn_or_is_cut(name, theme):
    args, options = CASES[name]()
    root = picture(*args, theme=theme, **options)
    whole, words = ground(root), list(texts(root))
    shapes = [*rectangles(root, "cell"), *rectangles(root, "bar")]
    assert len(words) > 3
    assert all(inside(area, whole) for area in words + shapes)
    for a, b in itertools.chain(itertools.combinations(words, 2), itertools.product(words, shapes)):
        assert not meet(a, b), (a, b)


@pytest.mark.parametrize("name", CASES)
def test_squares_stay_on_their_grounds(name):
    args, options = CASES[name]()
    root = picture(*args, **options)
    grounds = list(rectangles(root, "cell"))
    for group in (g for g in root.iter(f"{SVG}g") if g.get("class") == "areas"):
        x, y, cell = map(float, re.fullmatch(r"translate\((.*) (.*)\) scale\((.*)\)", group.get("transform")).groups())
        places = [(int(a), int(b)) for path in group for a, b in re.findall(r"M(\d+) (\d+)h", path.get("d"))]
        right, bottom = (max(p[k] for p in places) + 1 if places else 0 for k in (0, 1))
        squares = Area(x, y, x + right * cell, y + bottom * cell, "")
        assert any(inside(squares, each, slack=0.1) for each in grounds)


def test_a_picture_of_784_inputs_is_a_file_that_can_be_sent():
    model, _, _, cost = digit((784, 30, 10))
    figure = viz.draw_network(model, cost)
    assert len(figure.pipe("svg")) < 750_000


def test_a_wide_layer_shows_its_first_neurons(monkeypatch):
    monkeypatch.setattr("viz.tiles.MOST_CELLS", 64 * 12)
    model, _, _, cost = digit()
    root = picture(model, cost)
    assert "W¹ and a¹ = tanh(z¹), 12 of 30" in written(root, "value")
    assert len(list(grids(root))) == 2 + 2 * 12 + 2 * 10


def test_layers_in_the_middle_are_left_out_and_counted():
    root = picture(*CASES["deep"]()[0][:2])
    assert "… 1 more layers" not in written(root, "muted")
    assert "… 1 more layer" in written(root, "muted")


# --- when there are tiles ---------------------------------------------------------------------------


def test_a_network_that_can_be_read_has_boxes():
    model, _, _, cost = digit((20, 4, 3))
    assert viz.draw_network(model, cost).drawn is None
    assert viz.draw_network(model, cost, image=(4, 5)).drawn is not None
    assert viz.draw_network(*digit((21, 4, 3))[0::3]).drawn is not None
    assert viz.draw_network(*digit((4, 21, 3))[0::3]).drawn is not None


def test_a_large_network_without_nn_is_tiles_too():
    rng = np.random.default_rng(0)
    x = [Value(v) for v in rng.normal(size=30)]
    h = [tanh(sum((Value(w) * v for w, v in zip(row, x, strict=True)), Value(0.1))) for row in rng.normal(size=(5, 30))]
    root = picture(total([y * y for y in h]))
    assert len(list(grids(root))) == 2 + 2 * 5


def test_dot_has_a_box_for_each_layer():
    model, _, _, cost = digit()
    source = viz.draw_network(model, cost).source
    assert re.findall(r"^\t(\w+) -> (\w+) \[", source, re.MULTILINE) == [("l0", "l1"), ("l1", "l2"), ("l2", "c")]
    assert "30 tanh" in source
    _, db, _ = gradients(*digit())
    assert f"‖δ‖ {numeral(float(np.linalg.norm(db[0])), 3)}" in source


def test_what_does_not_fit_is_refused():
    model, _, _, cost = digit()
    with pytest.raises(ValueError, match=r"image must have as many pixels .* got 8 × 9 for 64"):
        viz.draw_network(model, cost, image=(8, 9))
    with pytest.raises(ValueError, match="classes must name each output of a network, got 2 for 10"):
        viz.draw_network(model, cost, classes=["a", "b"])
    x = Value(1.0)
    skipping = tanh(Value(0.5) * x + Value(0.1)) + tanh(Value(0.2) * x + Value(0.3)) * Value(2.0)
    with pytest.raises(ValueError, match=r"image .* got 1 × 1 for 0"):
        viz.draw_network(skipping, image=(1, 1))


def test_tiles_follow_the_readers_theme_in_the_colours_of_the_palette():
    model, _, _, cost = digit((25, 4, 3))
    auto, light, dark = (
        viz.draw_network(model, cost, theme=t).pipe("svg", encoding="utf-8") for t in ("auto", "light", "dark")
    )
    colours = [set(re.findall(r"#[0-9a-f]{6}\b(?=[;}])", text)) for text in (auto, light, dark)]
    assert colours[0] == colours[1] | colours[2]
    assert colours[1] <= set(palette.LIGHT.values())
    assert colours[2] <= set(palette.DARK.values())
    assert "@media (prefers-color-scheme:dark)" in auto
    assert "@media" not in light + dark


def test_the_same_network_gives_the_same_bytes_and_shows_in_notebooks():
    model, _, _, cost = digit((25, 4, 3))
    figure = viz.draw_network(model, cost)
    assert figure.pipe("svg") == viz.draw_network(model, cost).pipe("svg") == figure.copy().pipe("svg")
    shown = [figure._repr_mimebundle_()["text/html"] for _ in range(2)]
    ids = [set(re.findall(r'\bid="([^"]+)"', text)) for text in shown]
    assert ids[0]
    assert not ids[0] & ids[1]
