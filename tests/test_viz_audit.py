"""Every picture of boxes, of every kind of graph, at every level and in every direction: nothing lies on anything."""

import itertools
import math
import random

import numpy as np
import pytest

import nn
import viz
from autograd import Value, affine, exp, explain, sigmoid, tanh, total
from tests.drawn import Area, ground, inside, lines, meet, parsed, rectangles, texts
from tests.sampled import sampled


def named(name, number):
    return Value(number, name)


def expression():
    x, y = named("x", 2.0), named("y", 3.0)
    return x * y + x


def used_thrice():
    x = named("x", 3.0)
    return x * x + 2.0 * x


def neuron():
    w, x = [named(f"w{k}", 0.3 * k - 0.4) for k in range(3)], [named(f"x{k}", 0.5 - k) for k in range(3)]
    return tanh(affine(w, x, named("b", 0.25)))


def network(sizes):
    model = nn.MLP(sizes[0], list(sizes[1:]), activation="tanh", seed=0)
    return nn.half_squared_error(model([0.3 * k - 0.5 for k in range(sizes[0])]), [0.5] * sizes[-1])


def chain():
    """60 operations."""
    out = named("x", 0.5)
    for k in range(60):
        out = tanh(out) if k % 2 else out * 1.2
    return out


def constants():
    """A polynomial of many numbers."""
    x = named("x", 0.7)
    return total([(k + 0.5) * x**k + 0.1 for k in range(1, 24)])


def attention():
    """Two positions of width two: scores, softmax, and what it picks."""
    rng = random.Random(0)
    q, k, v = (
        [[named(f"{letter}[{i},{j}]", rng.uniform(-1, 1)) for j in range(2)] for i in range(2)] for letter in "qkv"
    )
    out = []
    for i in range(2):
        scores = [exp(total([a * b for a, b in zip(q[i], each, strict=True)]) / math.sqrt(2.0)) for each in k]
        weights = [score / total(scores) for score in scores]
        out += [total([w * row[j] for w, row in zip(weights, v, strict=True)]) for j in range(2)]
    return total([o * o for o in out])


def lstm():
    """Two steps of one cell."""
    rng = random.Random(1)
    w = {f"{gate}{name}": named(f"{gate}{name}", rng.uniform(-1, 1)) for gate in "ifog" for name in "xhb"}
    h, c = named("h0", 0.1), named("c0", -0.2)
    for t in range(2):
        x = named(f"x{t}", 0.5 - t)
        i, f, o, g = (w[f"{gate}x"] * x + w[f"{gate}h"] * h + w[f"{gate}b"] for gate in "ifog")
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        h = sigmoid(o) * tanh(c)
    return h * h


def residual():
    rng = random.Random(2)
    a = [named(f"x{k}", rng.uniform(-1, 1)) for k in range(3)]
    for l in range(2):
        w = [[named(f"W{l}[{j},{k}]", rng.uniform(-1, 1)) for k in range(3)] for j in range(3)]
        a = [x + tanh(affine(row, a, named(f"b{l}[{j}]", 0.1))) for j, (x, row) in enumerate(zip(a, w, strict=True))]
    return total([x * x for x in a])


GRAPHS = {
    "x·y + x": expression,
    "x used three times": used_thrice,
    "a neuron": neuron,
    "2-2-1": lambda: network((2, 2, 1)),
    "2-3-2": lambda: network((2, 3, 2)),
    "4-8-6-1": lambda: network((4, 8, 6, 1)),
    "a chain": chain,
    "constants": constants,
    "attention": attention,
    "an LSTM": lstm,
    "a residual network": residual,
}


def has_neurons(name):
    return name in ("a neuron", "2-2-1", "2-3-2", "4-8-6-1", "a residual network")


PICTURES = {
    f"{name}, {kind}": (graph, draw)
    for name, graph in GRAPHS.items()
    for kind, draw in {
        "draw": viz.draw,
        "draw_backward": viz.draw_backward,
        "draw folded": lambda root, **o: viz.draw(root, fold=True, **o),
        "draw_backward folded": lambda root, **o: viz.draw_backward(root, fold=True, **o),
        "draw neurons": lambda root, **o: viz.draw(root, level="neuron", **o),
        "draw_backward neurons": lambda root, **o: viz.draw_backward(root, level="neuron", **o),
        "draw_network": viz.draw_network,
        "draw_paths": lambda root, **o: viz.draw_paths(explain(root, leaf(root)), **o),
    }.items()
    if has_neurons(name) or ("network" not in kind and "neurons" not in kind)
}


def leaf(root):
    """A Value that something depends on."""
    return next(node.value for node in viz.trace(root).nodes if node.op is None and not node.is_constant)


DRAWN = [(name, rankdir) for name in PICTURES for rankdir in ("LR", "TB", "RL", "BT")]


@pytest.fixture(scope="module", params=sampled([(each,) for each in DRAWN], 5), ids=", ".join)
def picture(request):
    """A picture and what it shows, read back."""
    name, rankdir = request.param
    graph, draw = PICTURES[name]
    figure = draw(graph(), rankdir=rankdir, max_nodes=2000)
    return figure, parsed(figure)


def test_nothing_lies_on_anything(picture):
    figure, root = picture
    whole, boxes, pills = ground(root), list(rectangles(root, "box")), list(rectangles(root, "pill"))
    words = list(texts(root))
    assert len(boxes) == len(figure.diagram.boxes)
    assert len(pills) == sum(bool(arrow.label) for arrow in figure.diagram.arrows)
    for area in (*boxes, *pills, *words):
        assert inside(area, whole), area
    for a, b in itertools.combinations(boxes + pills, 2):
        assert not meet(a, b), (a, b)
    for a, b in itertools.combinations(words, 2):
        assert not meet(a, b), (a, b)
    holders = [*boxes, *pills, Area(whole.left, max(b.bottom for b in boxes), whole.right, whole.bottom, "caption")]
    for word in words:
        assert any(inside(word, holder) for holder in holders), word


def test_no_line_passes_behind_a_box_or_a_number(picture):
    figure, root = picture
    boxes, pills = list(rectangles(root, "box")), list(rectangles(root, "pill"))
    prefix = boxes[0].what.split("-")[0]
    ends = {
        f"{prefix}-e{k}": (f"{prefix}-{arrow.tail}", f"{prefix}-{arrow.head}")
        for k, arrow in enumerate(figure.diagram.arrows)
    }
    drawn = 0
    for key, points, wide in lines(root):
        drawn += 1
        own = [(box.what in ends[key]) for box in boxes]
        for area in passed(points, boxes, np.where(own, 1.0, -0.1)):
            raise AssertionError(f"{key} passes behind {area}")
        for area in passed(points, pills, np.full(len(pills), wide / 2 + 0.2)):
            raise AssertionError(f"{key} passes behind the number {area}")
    assert drawn == len(figure.diagram.arrows)


def passed(points, areas, shrunk):
    """The areas, each smaller by so much on every side, in which one of the points lies."""
    if not areas:
        return []
    (left, top, right, bottom), (x, y) = np.array([area[:4] for area in areas]).T, np.array(points).T[:, :, None]
    within = (x > left + shrunk) & (x < right - shrunk) & (y > top + shrunk) & (y < bottom - shrunk)
    return [areas[k] for k in np.flatnonzero(within.any(axis=0))]
