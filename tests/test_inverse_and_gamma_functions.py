"""Inverse functions, logarithms to other bases, the gamma function and the rest of a division, as programs use them."""

import math

import numpy as np
import pytest
from mpmath import mp

import autograd
from autograd import DomainError, Value, ops
from autograd.op import PRIMITIVES

DERIVED = 1e-12  # relative, or of n! (radius of convergence)ⁿ for the n-th: six divisions, each of rounded terms

ONE = {
    "cbrt": (lambda x: mp.sign(x) * mp.cbrt(abs(x)), (0.7, -1.3, 1e-9, -1e-9, 1e9)),
    "exp2": (lambda x: mp.mpf(2) ** x, (0.7, -1.3, 0.0, 1e-9, -1e-9)),
    "log2": (lambda x: mp.log(x, 2), (0.7, 1.0, 1.0 + 1e-9, 1e-9, 1e9)),
    "log10": (mp.log10, (0.7, 1.0, 1.0 + 1e-9, 1e-9, 1e9)),
    "arcsin": (mp.asin, (0.7, -0.3, 0.0, 1e-9, -1e-9, 1.0 - 1e-9, -1.0 + 1e-9)),
    "arccos": (mp.acos, (0.7, -0.3, 0.0, 1e-9, -1e-9, 1.0 - 1e-9, -1.0 + 1e-9)),
    "arcsinh": (mp.asinh, (0.7, -1.3, 0.0, 1e-9, -1e-9, 1e9)),
    "arccosh": (mp.acosh, (1.3, 4.0, 1.0 + 1e-9, 1e9)),
    "arctanh": (mp.atanh, (0.7, -0.3, 0.0, 1e-9, -1e-9, 1.0 - 1e-9)),
    "lgamma": (lambda x: mp.log(abs(mp.gamma(x))), (0.7, -1.3, 1.0, 2.0, 1e-9, -1e-9, -1.0 + 1e-9, 12.5)),
    "floor": (lambda x: mp.floor(x), (0.7, -1.3, 2.0 + 1e-9, 2.0 - 1e-9)),
}


def derivatives(function, x, count):
    """The function at x and its derivatives, each the gradient of the graph of the one before."""
    x = Value(x)
    found = [function(x)]
    for _ in range(count):
        found += autograd.gradients(found[-1], [x], create_graph=True)
    return [value.data for value in found]


def exact(name, function, x, order):
    """The derivative by mpmath; ψ of the order below for log |Γ|, whose differences mpmath cannot take at a pole."""
    if name == "lgamma" and order:
        return mp.psi(order - 1, x)
    if name == "floor" and order:
        return mp.mpf(0)
    return mp.diff(function, x, order) if order else function(x)


@pytest.mark.parametrize(("name", "x"), [(name, x) for name, (_, points) in ONE.items() for x in points])
def test_derivatives_up_to_the_sixth_are_those_of_mpmath(name, x):
    function = ONE[name][0]
    distance = {"arcsin": 1 - abs(x), "arccos": 1 - abs(x), "arctanh": 1 - abs(x), "arcsinh": math.hypot(1, x)}
    with mp.workdps(80):
        for order, found in enumerate(derivatives(PRIMITIVES[name], x, 6)):
            right = exact(name, function, mp.mpf(x), order)
            scale = abs(right)
            if name in distance or name == "lgamma":
                scale += math.factorial(max(order - 1, 0)) / distance.get(name, 1.0) ** max(order - 1, 0)
            assert abs(found - right) <= DERIVED * scale, (order, found, right)


@pytest.mark.parametrize(("y", "x"), [(0.7, -1.3), (-0.5, 0.8), (1e-9, 1.0), (-1e-9, 1.0), (1.0, 1e-9)])
def test_arctan2_has_the_derivatives_of_the_angle(y, x):
    with mp.workdps(60):
        gradient = autograd.grad(lambda v: ops.arctan2(v[0], v[1]))([y, x])
        hessian = autograd.hessian(lambda v: ops.arctan2(v[0], v[1]))([y, x])
        for k, orders in enumerate([(1, 0), (0, 1)]):
            assert abs(gradient[k] - mp.diff(mp.atan2, (mp.mpf(y), mp.mpf(x)), orders)) <= DERIVED
        for (i, j), orders in {(0, 0): (2, 0), (0, 1): (1, 1), (1, 1): (0, 2)}.items():
            assert abs(hessian[i][j] - mp.diff(mp.atan2, (mp.mpf(y), mp.mpf(x)), orders)) <= DERIVED


@pytest.mark.parametrize("n", range(8))
@pytest.mark.parametrize("x", [0.1, 0.7, 1.3, 15.9, 40.0, 1e30, -0.3, -2.5, -30.2, 1e-9, -1e-9, -3.0 + 1e-9])
def test_polygamma_is_that_of_mpmath(n, x):
    with mp.workdps(60):
        right = mp.psi(n, mp.mpf(x))
        text = {"np": np, "math": math}
        exec(ops.polygamma.numpy, text)
        for found in (ops.polygamma(float(n), x), float(text["polygamma"](float(n), x))):
            assert abs(found - right) <= 4e-15 * (n + 1) * abs(right)


def test_digamma_is_the_derivative_of_lgamma_on_numbers_arrays_and_values():
    assert autograd.digamma(1.0) == pytest.approx(-0.5772156649015329, rel=1e-15, abs=0.0)
    assert autograd.grad(autograd.lgamma)(2.5) == autograd.digamma(2.5)
    np.testing.assert_array_equal(
        autograd.digamma(np.array([1.0, 2.5])), [autograd.digamma(1.0), autograd.digamma(2.5)]
    )
    x = Value(2.5)
    autograd.digamma(x).backward()
    assert x.grad == pytest.approx(float(mp.psi(1, 2.5)), rel=1e-15, abs=0.0)


def test_logaddexp_is_right_where_the_arguments_are_further_apart_than_any_float():
    x, y = Value(1e308), Value(-1e308)
    out = autograd.logaddexp(x, y)
    out.backward()
    assert (out.data, x.grad, y.grad) == (1e308, 1.0, 0.0)
    assert autograd.hessian(lambda v: autograd.logaddexp(v[0], v[1]))([1e308, -1e308]) == [[0.0, 0.0], [0.0, 0.0]]


@pytest.mark.parametrize(("x", "y"), [(7.5, 2.0), (-7.5, 2.0), (7.5, -2.0), (1.0, 0.1), (-1e-20, 1.0)])
def test_the_percent_sign_is_the_rest_of_a_division(x, y):
    a, b = Value(x), Value(y)
    for rest in (a % b, a % y, x % b):
        assert rest.data == x % y
        assert rest.op is ops.mod
    (a % b).backward()
    assert (a.grad, b.grad) == (1.0, -np.floor((x - x % y) / y + 0.5))
    assert autograd.hessian(lambda v: v[0] % v[1])([x, y]) == [[0.0, 0.0], [0.0, 0.0]]
    with pytest.raises(DomainError, match="mod needs y ≠ 0"):
        a % 0
    with pytest.raises(TypeError):
        a % "2"


def test_floor_is_a_whole_number_with_derivative_0():
    x = Value(-2.3)
    assert math.floor(x).data == np.floor(np.array([x]))[0].data == -3.0
    (x.floor() * x).backward()
    assert x.grad == -3.0


X = np.array([[0.3, -1.2, 2.0], [0.7, 0.4, -0.1]])


@pytest.mark.parametrize(
    "function",
    [
        lambda a: np.hypot(a[0], a[1]).sum(),
        lambda a: np.hypot(a[0], 2.0).sum(),
        lambda a: np.arctan2(a[0], a[1]).sum(),
        lambda a: np.std(a),
        lambda a: a.std(axis=0, ddof=1).sum(),
        lambda a: np.var(a, axis=1).sum(),
        lambda a: np.linalg.norm(a),
        lambda a: np.linalg.norm(a, axis=1).sum(),
        lambda a: np.linalg.norm(a[0], ord=1),
        lambda a: np.mod(a, 0.65).sum(),
        lambda a: np.log2(a * a).sum() + np.log10(a * a).sum(),
        lambda a: np.cbrt(a).sum() + np.exp2(a).sum() + np.arcsinh(a).sum(),
        lambda a: (np.arcsin(a / 3) + np.arccos(a / 3) ** 2 + np.arctanh(a / 3) + np.arccosh(a + 3.0)).sum(),
    ],
)
def test_numpy_functions_work_on_object_arrays_and_are_differentiated(function):
    values = np.array([[Value(x) for x in row] for row in X])
    out = function(values)
    assert out.data == pytest.approx(function(X), rel=1e-14, abs=0.0)
    out.backward()
    h = 1e-6
    for i, j in np.ndindex(X.shape):
        moved = [X.copy(), X.copy()]
        moved[0][i, j] += h
        moved[1][i, j] -= h
        difference = (function(moved[0]) - function(moved[1])) / (2 * h)
        assert values[i, j].grad == pytest.approx(difference, rel=1e-7, abs=1e-8)


ADDED = ("arcsin", "arccos", "arctan2", "arcsinh", "arccosh", "arctanh", "cbrt", "exp2", "log2", "log10", "logaddexp")


@pytest.mark.parametrize("name", [*ADDED, "lgamma", "polygamma", "mod", "floor"])
def test_a_compiled_program_and_its_source_give_what_the_engine_gives(name):
    op = PRIMITIVES[name]
    inputs = [sample for sample in op.samples if name != "polygamma" or sample[0] == 1.0]
    order = [1.0] if name == "polygamma" else []
    rows = np.array([sample[len(order) :] for sample in inputs])
    scale = [Value(1.0, f"w{k}") for k in range(rows.shape[1])]

    def loss(x):
        return op(*order, *[w * value for w, value in zip(scale, x, strict=True)]) ** 2

    program = autograd.compile(loss, parameters=scale)
    value, gradients = program.value_and_grad(x=rows)
    mean = sum(loss(list(map(float, row))) for row in rows) / len(rows)
    mean.backward()
    assert value == pytest.approx(mean.data, rel=1e-14, abs=0.0)
    assert [float(g) for g in gradients.values()] == pytest.approx([w.grad for w in scale], rel=1e-13, abs=1e-300)
    module = {}
    exec(program.source, module)
    assert name in program.source
