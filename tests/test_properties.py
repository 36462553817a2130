"""Laws of differentiation on random expression graphs."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd
from autograd import (
    Value,
    affine,
    check_gradients,
    exp,
    grad,
    gradients,
    hessian,
    hvp,
    hypot,
    jvp,
    lift,
    logsumexp,
    maximum,
    relu,
    sigmoid,
    sin,
    softplus,
    tangent,
    tanh,
)

LEAVES = 3
# Graphs have at most ten operations whose local derivatives stay below about 10, so products and sums of paths carry
# a few hundred roundings; results are compared relative to the largest entry and 1.
ROUNDING = 1e-11

SMOOTH = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / (2.5 + tanh(b)),
    "**": lambda a, b: tanh(a) ** 3 + (1.5 + sin(a)) ** tanh(b),
    "tanh": lambda a, b: tanh(a),
    "sin": lambda a, b: sin(b),
    "exp": lambda a, b: exp(tanh(a)),
    "sigmoid": lambda a, b: sigmoid(a),
    "softplus": lambda a, b: softplus(b),
    "affine": lambda a, b: affine([a, b, 0.5], [b, 1.5, a], a),
    "logsumexp": lambda a, b: logsumexp([a, b, 0.0]),
    "hypot": lambda a, b: hypot(a, 1.0 + sigmoid(b)),
}
KINKED = {"relu": lambda a, b: relu(a), "maximum": lambda a, b: maximum(a, b), "abs": lambda a, b: abs(b)}


@st.composite
def functions(draw, kinked=True):
    """A function of a list of three numbers or Values, made of random operations with sharing."""
    table = {**SMOOTH, **(KINKED if kinked else {})}
    steps = []
    for k in range(draw(st.integers(1, 8))):
        i, j = (draw(st.integers(0, LEAVES + k - 1)) for _ in "ij")
        steps.append((draw(st.sampled_from(sorted(table))), i, j))

    def function(x):
        values = list(x)
        for name, i, j in steps:
            values.append(tanh(table[name](values[i], values[j])) * 2.0)  # keeps everything within ±2
        return sum(values[LEAVES:], values[-1] * 0.5)

    function.steps = steps
    return function


points = st.lists(st.floats(-2, 2).map(lambda x: round(x, 3) + 0.0005), min_size=LEAVES, max_size=LEAVES)
numbers = st.floats(-3, 3)


def close(a, b):
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    return np.all(abs(a - b) <= ROUNDING * max(1.0, abs(a).max(), abs(b).max()))


@settings(max_examples=60, deadline=None)
@given(functions(), points, points)
def test_reverse_is_forward_is_recorded(function, x, v):
    leaves = [Value(at) for at in x]
    out = function(leaves)
    recorded = gradients(out, leaves, create_graph=True)
    forward = [tangent(out, {leaf: 1.0}) for leaf in leaves]
    out.backward()
    reverse = [leaf.grad for leaf in leaves]
    assert close(reverse, forward)
    assert close(reverse, [slope.data for slope in recorded])
    assert close(np.dot(reverse, v), jvp(function, (x,), (v,))[1])


@settings(max_examples=25, deadline=None)
@given(functions(), points)
def test_reverse_is_compiled(function, x):
    leaves = [Value(at) for at in x]
    out = function(leaves)
    value, found = lift(out, parameters={"p": leaves}).value_and_grad()
    assert close(value, out.data)
    assert close(found["p"], gradients(out, leaves))


@settings(max_examples=15, deadline=None)
@given(functions(kinked=False), points, points)
def test_reverse_is_compiled_for_a_batch(function, one, other):
    """The mean over two rows of f(x + p), by one program for any row."""
    p = [Value(0.25 * k) for k in range(LEAVES)]
    program = autograd.compile(
        lambda x: function([x_k + p_k for x_k, p_k in zip(x, p, strict=True)]), parameters={"p": p}
    )
    value, found = program.value_and_grad(x=[one, other])
    rows = [[at + p_k.data for at, p_k in zip(x, p, strict=True)] for x in (one, other)]
    assert close(value, np.mean([function([Value(at) for at in row]).data for row in rows]))
    assert close(found["p"], np.mean([grad(function)(row) for row in rows], axis=0))


@settings(max_examples=25, deadline=None)
@given(functions(), points)
def test_reverse_is_differences_or_a_kink(function, x):
    report = check_gradients(function, x)
    assert report.ok, f"{function.steps} at {x}\n{report}"


@settings(max_examples=40, deadline=None)
@given(functions(), functions(), numbers, numbers, points)
def test_the_derivative_is_linear(f, g, a, b, x):
    combined = grad(lambda y: a * f(y) + b * g(y))(x)
    assert close(combined, a * np.array(grad(f)(x)) + b * np.array(grad(g)(x)))


@settings(max_examples=40, deadline=None)
@given(functions(), functions(), points)
def test_sums_and_products_obey_their_rules(f, g, x):
    at_f, at_g = (h([Value(at) for at in x]).data for h in (f, g))
    df, dg = np.array(grad(f)(x)), np.array(grad(g)(x))
    assert close(grad(lambda y: f(y) + g(y))(x), df + dg)
    assert close(grad(lambda y: f(y) * g(y))(x), df * at_g + at_f * dg)


@settings(max_examples=40, deadline=None)
@given(functions(), points)
def test_the_chain_rule_holds_through_a_function(f, x):
    inner = f([Value(at) for at in x]).data
    assert close(grad(lambda y: sin(f(y)))(x), math.cos(inner) * np.array(grad(f)(x)))


@settings(max_examples=40, deadline=None)
@given(functions(), points, points)
def test_hessians_are_symmetric_and_act_as_hvp(function, x, v):
    H = np.array(hessian(function)(x))
    assert close(H, H.T)
    assert close(hvp(function, x, v), H @ np.array(v))
