"""An undefined derivative is passed over where nothing arrives at it, and only there: in engine, program and source.

Nothing arrives where an operation did not take its argument, or a constant 0 multiplies it. An adjoint that happens to
be 0 asks. The oracle carries tangents forwards, with NaN for an undefined one and None for what does not move.
"""

from __future__ import annotations

import math
import random
import warnings

import numpy as np
import pytest

import autograd as ag
from autograd import DomainError, Value, compile, grad, gradients, hessian, jvp, tangent
from tests.sampled import sampled


@pytest.mark.parametrize(
    ("function", "at", "slope"),
    [
        (lambda x: ag.where(x > 0.0, ag.sqrt(x), 0.0), 0.0, 0.0),
        (lambda x: ag.where(ag.step(x), ag.sqrt(x), 0.0) + x, 0.0, 1.0),
        (lambda x: ag.relu(ag.sqrt(x) - 1.0), 0.0, 0.0),
        (lambda x: ag.maximum(ag.sqrt(x), 1.0), 0.0, 0.0),
        (lambda x: ag.minimum(ag.sqrt(x), -1.0), 0.0, 0.0),
        (lambda x: ag.sqrt(x).step() + x, 0.0, 1.0),
        (lambda x: ag.sqrt(x).stop_gradient() * x, 0.0, 0.0),
        (lambda x: ag.sqrt(ag.relu(x)), -1.0, 0.0),
        (lambda x: ag.sqrt(x) * 0.0, 0.0, 0.0),
        (lambda x: x ** Value(2.0).stop_gradient(), -2.0, -4.0),
        (lambda x: (x ** Value(2.0)).stop_gradient() + x, -2.0, 1.0),
        (lambda x: ag.hypot(x, 0.0) ** 2, 0.0, 0.0),
        (lambda x: ag.sqrt(x) ** 0.0, 0.0, 0.0),
        (lambda x: ag.sqrt(x) ** 2, 0.0, None),
        (lambda x: ag.sqrt(x) * ag.sqrt(x), 0.0, None),
        (lambda x: ag.sqrt(x) * x, 0.0, None),
        (lambda x: ag.sqrt(x * x), 0.0, None),
        (lambda x: abs(ag.sqrt(x)), 0.0, None),
        (lambda x: (x**0.5) * (x - 0.0), 0.0, None),
    ],
)
def test_every_mode_gives_the_same_slope_or_refuses(function, at, slope):
    def by_backward():
        x = Value(at)
        function(x).backward()
        return x.grad

    def by_tangent():
        x = Value(at)
        return tangent(function(x), {x: 1.0})

    def recorded():
        x = Value(at)
        return gradients(function(x), [x], create_graph=True)[0].data

    modes = [by_backward, by_tangent, recorded, lambda: grad(function)(at), lambda: jvp(function, (at,), (1.0,))[1]]
    for mode in modes:
        if slope is None:
            with pytest.raises(DomainError, match="undefined"):
                mode()
        else:
            assert mode() == slope


def test_a_second_derivative_on_a_branch_that_was_not_taken_is_not_asked_for():
    assert hessian(lambda x: ag.where(ag.step(x), ag.sqrt(x), x * x))(0.0) == 2.0
    with pytest.raises(DomainError, match="undefined"):
        hessian(lambda v: ag.hypot(v[0], v[1]) ** 2)([0.0, 0.0])


# --- random graphs --------------------------------------------------------------------------------


class Dual:
    """A number and its tangent: None if it does not move, NaN where it is undefined."""

    def __init__(self, data, moved=None):
        self.data, self.moved = data, moved


def moved(*terms):
    """Σ local · tangent over the arguments that move; a local of None is one that was not taken."""
    found = [local * t for local, t in terms if t is not None and local is not None]
    return math.fsum(found) if found else None


def product(a, b):
    """A constant 0 leaves the product constant."""
    left = None if b.moved is None and b.data == 0.0 else b.data
    right = None if a.moved is None and a.data == 0.0 else a.data
    return Dual(a.data * b.data, moved((left, a.moved), (right, b.moved)))


def root(a):
    return Dual(math.sqrt(a.data), moved((0.5 / math.sqrt(a.data) if a.data else math.nan, a.moved)))


def power(a, n):
    local = n * a.data ** (n - 1.0) if a.data or n >= 1.0 else math.nan
    return Dual(a.data**n, moved((local, a.moved)))


def larger(a, b, sign):
    x, y = sign * a.data, sign * b.data
    halves = (0.5 * (x > y) + 0.5 * (x >= y)) or None, (0.5 * (y > x) + 0.5 * (y >= x)) or None
    return Dual(sign * max(x, y), moved((halves[0], a.moved), (halves[1], b.moved)))


def hypotenuse(a, b):
    r = math.hypot(a.data, b.data)
    return Dual(r, moved((a.data / r if r else 0.0, a.moved), (b.data / r if r else 0.0, b.moved)))


def logarithm(a):
    return Dual(math.log(a.data), moved((1.0 / a.data, a.moved)))


KINDS = {
    "add": (2, lambda a, b: a + b, lambda a, b: Dual(a.data + b.data, moved((1.0, a.moved), (1.0, b.moved)))),
    "sub": (2, lambda a, b: a - b, lambda a, b: Dual(a.data - b.data, moved((1.0, a.moved), (-1.0, b.moved)))),
    "mul": (2, lambda a, b: a * b, product),
    "relu": (1, ag.relu, lambda a: Dual(max(a.data, 0.0), moved((1.0 if a.data > 0.0 else None, a.moved)))),
    "step": (1, ag.step, lambda a: Dual(float(a.data > 0.0))),
    "stop": (1, ag.stop_gradient, lambda a: Dual(a.data)),
    "max": (2, ag.maximum, lambda a, b: larger(a, b, 1.0)),
    "min": (2, ag.minimum, lambda a, b: larger(a, b, -1.0)),
    "where": (
        3,
        lambda c, a, b: ag.where(ag.step(c), a, b),
        lambda c, a, b: Dual((a if c.data > 0.0 else b).data, (a if c.data > 0.0 else b).moved),
    ),
    "root": (1, lambda a: ag.sqrt(ag.relu(a)), lambda a: root(KINDS["relu"][2](a))),
    "root of a square": (1, lambda a: ag.sqrt(a * a), lambda a: root(product(a, a))),
    "power": (1, lambda a: ag.relu(a) ** 1.5, lambda a: power(KINDS["relu"][2](a), 1.5)),
    "steep power": (1, lambda a: ag.relu(a) ** 0.5, lambda a: power(KINDS["relu"][2](a), 0.5)),
    "hypot": (2, ag.hypot, hypotenuse),
    "log": (1, lambda a: ag.log(ag.maximum(a, 0.25)), lambda a: logarithm(larger(a, Dual(0.25), 1.0))),
    "square": (1, lambda a: a**2.0, lambda a: power(a, 2.0)),
}


def graph(seed, x, w, column):
    """A random graph over numbers and parameters; `column` says which form of an operation to use."""
    rng = random.Random(seed)
    pool = [*x, *w]
    for _ in range(rng.randint(2, 9)):
        arity, *forms = KINDS[rng.choice([*KINDS])]
        pool.append(forms[column](*[rng.choice([*pool[-6:], *w]) for _ in range(arity)]))
    total = pool[-1]
    for each in pool[-3:-1]:
        total = KINDS["add"][1 + column](total, each)
    return total


def by_oracle(seed, x, w):
    """The loss and the gradient; NaN where a derivative is undefined."""
    found = []
    for k in range(len(w)):
        duals = [Dual(v, float(i == k)) for i, v in enumerate(w)]
        out = graph(seed, [Dual(v) for v in x], duals, 1)
        found.append(out.moved or 0.0)
    return out.data, found


def by_engine(seed, x, w):
    leaves = [Value(v) for v in w]
    out = graph(seed, x, leaves, 0)
    out = out if isinstance(out, Value) else Value(out)
    out.backward()
    return out.data, [leaf.grad for leaf in leaves]


def points(seed):
    rng = random.Random(~seed)
    grid = [-1.0, 0.0, 0.0, 1.0, 2.0]
    return [[rng.choice(grid) for _ in range(2)] for _ in range(3)], [rng.choice(grid) for _ in range(3)]


def compare(seed):
    X, w = points(seed)
    leaves = [Value(v) for v in w]
    program = compile(
        lambda x: ag.total([graph(seed, list(x), leaves, 0), *(0.0 * each for each in (*x, *leaves))]),
        parameters={"w": leaves},
    )
    try:
        program.value(x=X[:1])
    except (DomainError, TypeError, RuntimeError):
        return  # without a graph, or with a constant the program does not depend on
    for x in X:
        loss, exact = by_oracle(seed, x, w)
        undefined = any(map(math.isnan, exact))
        if undefined:
            with pytest.raises(DomainError):
                by_engine(seed, x, w)
            with pytest.raises(DomainError):
                program.value_and_grad(x=[x])
            continue
        assert by_engine(seed, x, w) == (pytest.approx(loss), pytest.approx(exact))
        found, gradients_ = program.value_and_grad(x=[x])
        assert (found, gradients_["w"].tolist()) == (pytest.approx(loss), pytest.approx(exact))
        module: dict = {}
        exec(program.source, module)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy's, where a derivative is undefined and nothing arrives
            found, gradients_ = module["value_and_grad"](dict(program.parameters), [x])
        assert (found, gradients_["w"].tolist()) == (pytest.approx(loss), pytest.approx(exact))


@pytest.mark.parametrize("seed", sampled(range(60), 3))
def test_random_graphs_at_the_edges_agree_with_tangents(seed):
    compare(seed)


KNOWS_MORE = {624}
"""Graphs with √((w − w)²), whose derivative the engine refuses and a program knows."""


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(10))
def test_many_random_graphs_at_the_edges_agree_with_tangents(chunk):
    for seed in range(100 + 150 * chunk, 250 + 150 * chunk):
        if seed not in KNOWS_MORE:
            compare(seed)


def test_a_program_may_know_that_the_difference_of_the_same_is_0():
    """√((w − w)²) is the constant 0; the engine sees a root at 0 and refuses, the algebra of a program sees w − w."""
    w = Value(1.5, "w")
    with pytest.raises(DomainError, match="undefined"):
        (ag.sqrt((w - w) ** 2) + w).backward()
    program = compile(lambda x: ag.sqrt((w - w) ** 2) + w * x[0], parameters={"w": [w]})
    loss, gradients_ = program.value_and_grad(x=[[2.0]])
    assert (loss, gradients_["w"].tolist()) == (3.0, [2.0])


UNDEFINED_AT = {
    "sqrt": (ag.sqrt, 0.0),
    "cbrt": (ag.cbrt, 0.0),
    "arcsin": (ag.arcsin, 1.0),
    "arccos": (ag.arccos, -1.0),
    "arccosh": (ag.arccosh, 1.0),
    "arctan2": (lambda v: ag.arctan2(v, 0.0 * v), 0.0),
}


@pytest.mark.parametrize("form", ["factor", "where", "relu", "constant"])
@pytest.mark.parametrize("name", UNDEFINED_AT)
def test_whatever_derivative_is_undefined_the_text_passes_over_it_too(name, form):
    op, at = UNDEFINED_AT[name]
    w = Value(2.0, "w")
    function = {
        "factor": lambda x: op(w * x[0]) * ag.step(-w) + w,
        "where": lambda x: ag.where(ag.step(-w), op(w * x[0]), w),
        "relu": lambda x: ag.relu(op(w * x[0]) - 9.0) + w,
        "constant": lambda x: op(at + (w * 0.0) * x[0]) + w,
    }[form]
    program = compile(function, parameters={"w": [w]})
    row = [at / 2.0]
    function(row).backward()
    loss, found = program.value_and_grad(x=[row])
    assert (loss, found["w"].tolist()) == (function(row).data, [w.grad])
    module: dict = {}
    exec(program.source, module)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loss, found = module["value_and_grad"](dict(program.parameters), [row])
    assert (loss, found["w"].tolist()) == (function(row).data, [w.grad])


def test_a_factor_0_that_does_not_move_is_seen_where_it_stands_alone():
    compare(910)


def test_the_generator_reaches_undefined_derivatives_and_ones_that_are_not_asked_for():
    undefined = passed_over = 0
    for seed in range(200):
        X, w = points(seed)
        for x in X:
            _, exact = by_oracle(seed, x, w)
            undefined += any(map(math.isnan, exact))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                passed_over += not any(map(math.isnan, exact)) and np.isfinite(exact).all() and any(exact)
    assert undefined > 20
    assert passed_over > 100
