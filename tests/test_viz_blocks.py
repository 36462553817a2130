"""level="layer" draws every vector and matrix of both passes, with the engine's numbers."""

import itertools
import random
import re

import numpy as np
import pytest

import nn
import viz
from autograd import Value, affine, tanh, total
from tests.drawn import SVG, Area, ground, inside, meet, parsed, rectangles, strokes, texts, written
from viz.style import numeral


def case(sizes, loss="half_squared_error", examples=1, **options):
    model = nn.MLP(sizes[0], list(sizes[1:]), **{"activation": "tanh", "seed": 0, **options})
    rng = np.random.default_rng(0)
    X = [[Value(v, f"x[{k}]") for k, v in enumerate(rng.normal(size=sizes[0]))] for _ in range(examples)]
    T = np.eye(sizes[-1])[[k % sizes[-1] for k in range(examples)]]
    losses = [getattr(nn, loss)(model(x), list(t)) for x, t in zip(X, T, strict=True)]
    return model, X, losses[0] if examples == 1 else total(losses) / float(examples)


def residual():
    rng = random.Random(2)
    a = [Value(rng.uniform(-1, 1), f"x{k}") for k in range(3)]
    for l in range(2):
        w = [[Value(rng.uniform(-1, 1), f"W{l}[{j},{k}]") for k in range(3)] for j in range(3)]
        a = [x + tanh(affine(row, a, Value(0.1, f"b{l}[{j}]"))) for j, (x, row) in enumerate(zip(a, w, strict=True))]
    w = [Value(rng.uniform(-1, 1), f"v{k}") for k in range(3)]
    y = affine(w, a, Value(0.2, "c"))
    return (y - 1.0) * (y - 1.0)


def closed_form(model, X, T):
    """Both passes by the matrix equations, which do not know the engine."""
    return nn.closed_form.backprop(
        model.weights, model.biases, X, T, activations=["tanh", "identity"], loss="half_squared_error"
    )


def test_every_number_is_that_of_the_matrix_equations():
    model, X, cost = case((2, 3, 2))
    x = np.array([[v.data for v in X[0]]])
    found = closed_form(model, x, np.eye(2)[:1])
    root = parsed(viz.draw_backward(cost, level="layer", digits=6))
    shown = [numeral(n, 6) for n in (*x.ravel(), *found.z[0].ravel(), *found.a[1].ravel(), *found.z[1].ravel())]
    shown += [numeral(n, 6) for W in model.weights for n in W.ravel()]
    shown += [numeral(n, 6) for b in model.biases for n in b.ravel()]
    values = written(root, "value")
    assert not [text for text in shown if text not in values]
    da1 = found.delta[1] @ model.weights[1]
    dx = found.delta[0] @ model.weights[0]
    slopes = [numeral(n, 6) for n in (*dx.ravel(), *found.delta[0].ravel(), *da1.ravel(), *found.delta[1].ravel())]
    slopes += [numeral(n, 6) for own in (*found.dW, *found.db) for n in own.ravel()]
    gradients = written(root, "gradient")
    assert not [text for text in slopes if text not in gradients]
    assert f"C = {numeral(found.loss, 6)}" in values
    assert written(root, "slope")[1:-1] == [numeral(n, 6) for n in (1.0 - found.a[1] ** 2).ravel()]
    # every cell is one of these: a¹ and ∂C/∂a¹ are drawn twice, beside their layer and at the next one
    cells = [*rectangles(root, "cell")]
    assert len(cells) == 2 * (2 + 6 + 3 + 3 + 3 + 3 + 6 + 2 + 2) + 3


def squares(root):
    """Each group of squares as a matrix of signed sizes."""
    for group in root.iter(f"{SVG}g"):
        if group.get("class") == "areas":
            cells = {}
            for path in group:
                if path.get("class") != "slot":
                    size = float(path.get("stroke-width")) * (-1 if path.get("class") == "negative" else 1)
                    cells.update({(int(y), int(x)): size for x, y in re.findall(r"M(\d+) (\d+)h", path.get("d"))})
            yield group, cells


def test_areas_are_the_matrices():
    model, X, cost = case((7, 9, 3))
    x = np.array([[v.data for v in X[0]]])
    found = closed_form(model, x, np.eye(3)[:1])
    da1, dx = found.delta[1] @ model.weights[1], found.delta[0] @ model.weights[0]
    (W1, W2), (b1, b2), (dW1, dW2), (db1, db2) = model.weights, model.biases, found.dW, found.db
    (z1, z2), (delta1, delta2), a1 = found.z, found.delta, found.a[1]
    expected = [W1, dW1, x, dx, b1[:, None], db1[:, None], z1.T, delta1.T, 1.0 - a1.T**2, a1.T, da1.T]
    expected += [W2, dW2, a1, da1, b2[:, None], db2[:, None], z2.T, delta2.T]
    drawn = [cells for _, cells in squares(parsed(viz.draw(cost, level="layer")))]
    assert len(drawn) == len(expected)
    for cells, matrix in zip(drawn, expected, strict=True):
        top = 1.0 if matrix is expected[8] else np.abs(matrix).max()
        for place, number in np.ndenumerate(matrix):
            size = 0.94 * np.sqrt(abs(number) / top) * np.sign(number) if top else 0.0
            assert cells.get(place, 0.0) == pytest.approx(size, abs=0.94 / 128 + 0.006)


CASES = {
    "2-2-1": lambda: case((2, 2, 1))[2],
    "2-3-2": lambda: case((2, 3, 2))[2],
    "4-8-6-1": lambda: case((4, 8, 6, 1))[2],
    "64-30-10": lambda: case((64, 30, 10), "cross_entropy")[2],
    "wide": lambda: case((130, 70, 3), "cross_entropy")[2],
    "deep": lambda: case((3, 4, 4, 4, 4, 4, 2))[2],
    "a neuron": lambda: case((3, 1))[2],
    "without biases": lambda: case((3, 4, 2), bias=False)[2],
    "a small batch": lambda: case((2, 2, 1), examples=3)[2],
    "a batch": lambda: case((8, 4, 3), "cross_entropy", examples=14)[2],
    "residual": residual,
}


@pytest.mark.parametrize("name", CASES)
def test_nothing_lies_on_anything_or_is_cut(name):
    figure = viz.draw_backward(CASES[name](), level="layer")
    root = parsed(figure)
    whole, words = ground(root), list(texts(root))
    cells, boxes = list(rectangles(root, "cell")), list(rectangles(root, "box"))
    numbers = [w for w in words if any(inside(w, cell) for cell in cells)]
    outside = [w for w in words if w not in numbers and not any(inside(w, box) for box in boxes)]
    assert len(outside) > 8
    assert all(inside(area, whole) for area in (*words, *cells, *boxes))
    shapes = cells + boxes
    for own, other in ((words, words), (shapes, shapes), (outside, shapes)):
        for a, b in itertools.combinations(own, 2) if own is other else itertools.product(own, other):
            assert not meet(a, b), (a, b)
    ways = [path for path in root.iter(f"{SVG}path") if path.get("class").startswith("line ")]
    assert len(ways) >= 2
    for x, y in (point for way in ways for point in strokes(way.get("d"))[0]):
        dot = Area(x - 0.1, y - 0.1, x + 0.1, y + 0.1, "")
        assert not [area for area in (*shapes, *outside) if meet(dot, area, slack=0.15)]


@pytest.mark.parametrize("name", CASES)
def test_squares_stay_on_their_grounds(name):
    root = parsed(viz.draw(CASES[name](), level="layer"))
    grounds = list(rectangles(root, "cell"))
    for group, cells in squares(root):
        x, y, cell = map(float, re.fullmatch(r"translate\((.*) (.*)\) scale\((.*)\)", group.get("transform")).groups())
        bottom, right = (max((place[k] for place in cells), default=0) + 1 for k in (0, 1))
        area = Area(x, y, x + right * cell, y + bottom * cell, "")
        assert any(inside(area, each, slack=0.2) for each in grounds)


def test_of_a_large_network_the_first_rows_and_columns_are_drawn_and_the_picture_says_so():
    picture = viz.draw(CASES["wide"](), level="layer").pipe("svg", encoding="utf-8")
    assert len(picture) < 250_000
    assert "the first 60 rows and 100 columns" in picture
    assert ">70 × 130<" in picture
    assert "columns" not in viz.draw(CASES["64-30-10"](), level="layer").pipe("svg", encoding="utf-8")


def test_what_goes_around_a_layer_is_what_the_next_one_weighs():
    root = parsed(viz.draw(residual(), level="layer", digits=8))
    traced = viz.trace(residual())
    joined = [node for node in traced.nodes if node.op and node.op.name == "add"][:3]
    values, gradients = written(root, "value"), written(root, "gradient")
    assert "joined" in values
    assert [numeral(n.data, 8) for n in joined if numeral(n.data, 8) not in values] == []
    assert [numeral(n.adjoint, 8) for n in joined if numeral(n.adjoint, 8) not in gradients] == []


def test_layers_are_all_or_none():
    _, X, cost = case((2, 2, 1))
    with pytest.raises(ValueError, match='level="layer" shows all layers'):
        viz.draw(cost, level="layer", focus=X[0][0])
    with pytest.raises(ValueError, match='level="layer" shows all layers'):
        viz.draw_backward(cost, level="layer", depth=1)
    h = Value(0.1)
    w, u = Value(0.3, "w"), Value(0.2, "u")
    for k in range(3):
        h = tanh(w * h + u * Value(float(k)))
    with pytest.raises(ValueError, match='level="layer" needs neurons in layers'):
        viz.draw(h, level="layer")
