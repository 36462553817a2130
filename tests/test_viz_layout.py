import itertools
import random

import pytest

import viz
import viz.svg
from autograd import Value
from viz.layout import STRAIGHT, layered


def random_case(seed: int):
    rng = random.Random(seed)
    count = rng.randint(2, 40)
    sizes = [(rng.uniform(20, 160), rng.uniform(20, 60)) for _ in range(count)]
    edges = [(a, b) for b in range(1, count) for a in sorted(rng.choices(range(b), k=min(b, rng.randint(0, 3))))]
    labels = [(rng.uniform(10, 90), 13.0) if rng.random() < 0.8 else None for _ in edges]
    return sizes, edges, labels


def rectangle(centre, size):
    (x, y), (w, h) = centre, size
    return x - w / 2, y - h / 2, x + w / 2, y + h / 2


def meet(a, b, slack=0.01):
    return a[0] < b[2] - slack and b[0] < a[2] - slack and a[1] < b[3] - slack and b[1] < a[3] - slack


@pytest.mark.parametrize("direction", ["LR", "TB", "RL", "BT"])
@pytest.mark.parametrize("seed", range(15))
def test_boxes_and_labels_never_overlap(seed, direction):
    sizes, edges, labels = random_case(seed)
    layout = layered(sizes, edges, labels, direction)
    shapes = [rectangle(centre, size) for centre, size in zip(layout.boxes, sizes, strict=True)]
    shapes += [rectangle(c, s) for c, s in zip(layout.labels, labels, strict=True) if c and s]
    for a, b in itertools.combinations(shapes, 2):
        assert not meet(a, b)
    for left, top, right, bottom in shapes:
        assert left >= -STRAIGHT  # a label follows its line, which is straightened by that much
        assert top >= -STRAIGHT
        assert right <= layout.size[0] + STRAIGHT
        assert bottom <= layout.size[1] + STRAIGHT


@pytest.mark.parametrize("seed", range(15))
def test_lines_pass_no_box_but_their_ends(seed):
    sizes, edges, labels = random_case(seed)
    layout = layered(sizes, edges, labels, "LR")
    shapes = [rectangle(centre, size) for centre, size in zip(layout.boxes, sizes, strict=True)]
    for (tail, head), route in zip(edges, layout.routes, strict=True):
        assert route[0][0] == pytest.approx(shapes[tail][2])
        assert route[-1][0] == pytest.approx(shapes[head][0])
        for (x, y), (u, v) in itertools.pairwise(route):
            swept = (x, min(y, v), u, max(y, v))  # a curve with level ends stays between them
            for k, shape in enumerate(shapes):
                if k not in (tail, head) and x < u:
                    inside = meet(swept, shape)
                    assert not (inside and y == v), "a level stretch crosses a box"
                    assert not (inside and shape[0] > x + 0.01 and shape[2] < u - 0.01), "a rank is skipped"


def test_arrows_point_the_way_they_are_asked_to():
    x = Value(1.0)
    for rankdir, axis, sign in (("LR", 0, 1), ("RL", 0, -1), ("TB", 1, 1), ("BT", 1, -1)):
        figure = viz.draw(x * 2.0 + 1.0, rankdir=rankdir)
        layout = viz.svg.place(figure.diagram)
        first, last = layout.boxes[0], layout.boxes[-1]
        assert sign * (last[axis] - first[axis]) > 0


def test_neurons_keep_their_order():
    sizes = [(50.0, 20.0)] * 6
    edges = [(a, b) for a in (0, 1, 2) for b in (3, 4, 5)]
    layout = layered(sizes, edges, [None] * 9, "LR", [0, 0, 0, 1, 1, 1])
    assert [y for _, y in layout.boxes[:3]] == sorted(y for _, y in layout.boxes[:3])
    assert [y for _, y in layout.boxes[3:]] == sorted(y for _, y in layout.boxes[3:])
    assert len({x for x, _ in layout.boxes[:3]}) == 1


def crossings(figure):
    """How many pairs of lines of a picture cross."""
    lines = [list(itertools.pairwise(route)) for route in viz.svg.place(figure.diagram).routes]

    def side(a, b, c):
        return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])

    def cross(one, other):
        (p, q), (r, s) = one, other
        return side(p, q, r) * side(p, q, s) < -1e-9 and side(r, s, p) * side(r, s, q) < -1e-9

    return sum(any(cross(one, other) for one in a for other in b) for a, b in itertools.combinations(lines, 2))


@pytest.mark.parametrize("rankdir", ["LR", "TB", "RL", "BT"])
@pytest.mark.parametrize("draw", [viz.draw, viz.draw_backward])
@pytest.mark.parametrize(
    "expression",
    [
        lambda a, b, c, x, y: x * y + x,
        lambda a, b, c, x, y: (a + b) * a,
        lambda a, b, c, x, y: a * b + a * c,
        lambda a, b, c, x, y: x * x + 2.0 * x,
    ],
)
def test_the_lines_of_small_expressions_do_not_cross(expression, draw, rankdir):
    values = [Value(float(k + 2), name) for k, name in enumerate("abcxy")]
    assert crossings(draw(expression(*values), rankdir=rankdir)) == 0


def test_crossings_are_counted():
    """Four values, each two of which are multiplied, have no picture without."""
    a, b, c, d = (Value(1.0, name) for name in "abcd")
    figure = viz.draw((a * c) + (b * c) + (a * d) + (b * d) + (a * b) + (c * d))
    assert crossings(figure) > 0
