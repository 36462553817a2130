"""Derivatives up to the sixth order of every operation against mpmath: at its samples, at 0, and beside its kinks."""

import pytest
from mpmath import mp, mpf

from autograd import Value, gradients
from autograd.op import PRIMITIVES
from tests.accuracy import EXACT, EXACT_2, EXACT_N
from tests.sampled import sampled

ORDERS = 6
DIGITS = 120  # of which numerical differentiation loses a sixth for each order
NEAR = 1e-9
TOLERANCE = 1e-10  # of the largest derivative up to that order: the rules of high orders are sums that cancel
DIRECTION = (1.0, -0.35, 0.75, 0.25)


def value_of(name):
    """The operation by mpmath."""
    if name in EXACT_N:
        return lambda *x: _first(EXACT_N[name](*x)[0])
    exact = (EXACT | EXACT_2)[name][0]
    return lambda *x: _first(exact(*x))


def _first(value):
    return value[0] if isinstance(value, tuple) else value


def direction(op, point):
    u = [DIRECTION[k % len(DIRECTION)] for k in range(len(point))]
    if op.name in ("where", "polygamma"):
        u[0] = 0.0  # the condition, or the order, selects
    return u


def points(op):
    """Samples, the origin and its neighbours, and the neighbours of kinks, where the operation is smooth."""
    kinks = {kink.at for kink in op.at_kinks}
    width = op.arity or len(op.samples[-1])
    around: list[tuple[float, ...]] = [(s * NEAR,) * width for s in (0.0, 1.0, -1.0)]
    for kink in kinks:
        around += [tuple(x + s * NEAR * (k + 1) for k, x in enumerate(kink)) for s in (1.0, -1.0)]
    found = [*op.samples, *around]
    return [p for p in dict.fromkeys(found) if p not in kinks and op.domain.holds(*p) and not _on_a_tie(op, p)]


def _on_a_tie(op, point):
    if op.name == "mod":
        return point[0] % point[1] == 0.0  # where it jumps
    return (op.name in ("maximum", "minimum") and point[0] == point[1]) or (op.name == "hypot" and not any(point))


def by_engine(op, point):
    t = Value(0.0)
    args = [x + u * t if u else x for x, u in zip(point, direction(op, point), strict=True)]
    y = op(args) if op.arity is None else op(*args)
    found = [y.data]
    for _ in range(ORDERS):
        (y,) = gradients(y, [t], create_graph=True)
        found.append(y.data)
    return found


def by_mpmath(op, point):
    function, u = value_of(op.name), direction(op, point)
    with mp.workdps(DIGITS):
        along = mp.taylor(lambda t: function(*(mpf(x) + t * c for x, c in zip(point, u, strict=True))), 0, ORDERS)
        return [float(c * mp.factorial(k)) for k, c in enumerate(along)]


CASES = [(op, point) for op in PRIMITIVES.values() for point in points(op) if op.name != "stop_gradient"]


@pytest.mark.parametrize(
    ("op", "point"),
    sampled(CASES, 10, {op: (op, point) for op, point in CASES}.values()),  # of every operation one
    ids=lambda case: getattr(case, "name", str(case)),
)
def test_derivatives_up_to_the_sixth_order_are_those_of_the_function(op, point):
    exact = by_mpmath(op, point)
    for order, (ours, theirs) in enumerate(zip(by_engine(op, point), exact, strict=True)):
        largest = max(map(abs, exact[: order + 1]))
        assert abs(ours - theirs) <= TOLERANCE * largest, f"order {order}: {ours} instead of {theirs}"


def test_every_operation_is_differentiated_at_0_or_beside_it():
    beside = {op.name for op, point in CASES if all(abs(x) <= 2 * NEAR for x in point)}
    undefined_there = {"arccosh", "mod", "polygamma"}
    assert {op.name for op in PRIMITIVES.values()} - beside == {"stop_gradient", *undefined_there}
