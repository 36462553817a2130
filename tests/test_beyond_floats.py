"""What overflows on the way may come back among the floats, in the engine and in programs; nobody reads it before.

The right numbers are by mpmath.
"""

from __future__ import annotations

import numpy as np
import pytest
from mpmath import mp, mpf

import autograd as ag
from autograd import DomainError, Value, compile, grad, gradients, hessian, no_grad, tangent

ULPS = 1e-13  # relative: a few roundings of the operations that floats can do

BACK = {
    "exp(-x*x)": (lambda x: ag.exp(-x * x), lambda x: mp.exp(-x * x), lambda x: -2 * x * mp.exp(-x * x)),
    "exp(-x**2)": (lambda x: ag.exp(-(x**2)), lambda x: mp.exp(-x * x), lambda x: -2 * x * mp.exp(-x * x)),
    "1/(1+x*x)": (lambda x: 1 / (1 + x * x), lambda x: 1 / (1 + x * x), lambda x: -2 * x / (1 + x * x) ** 2),
    "x*exp(-x*x)": (
        lambda x: x * ag.exp(-x * x),
        lambda x: x * mp.exp(-x * x),
        lambda x: (1 - 2 * x * x) * mp.exp(-x * x),
    ),
    "x/sqrt(1+x*x)": (
        lambda x: x / ag.sqrt(1 + x * x),
        lambda x: x / mp.sqrt(1 + x * x),
        lambda x: (1 + x * x) ** mpf(-1.5),
    ),
    "log(1+x*x)": (lambda x: ag.log(1 + x * x), lambda x: mp.log(1 + x * x), lambda x: 2 * x / (1 + x * x)),
}
EXPONENTIAL = {
    "1/(1+exp(-x))": (
        lambda x: 1 / (1 + ag.exp(-x)),
        lambda x: 1 / (1 + mp.exp(-x)),
        lambda x: mp.exp(-x) / (1 + mp.exp(-x)) ** 2,
    ),
    "log(1+exp(x))": (
        lambda x: ag.log(1 + ag.exp(x)),
        lambda x: mp.log(1 + mp.exp(x)),
        lambda x: 1 / (1 + mp.exp(-x)),
    ),
    "tanh by exp": (
        lambda x: (ag.exp(x) - ag.exp(-x)) / (ag.exp(x) + ag.exp(-x)),
        mp.tanh,
        lambda x: mp.sech(x) ** 2,
    ),
}
CASES = [(name, BACK[name], x) for name in BACK for x in (1e160, -1e160, 1e200, -1e200)]
CASES += [(name, EXPONENTIAL[name], x) for name in EXPONENTIAL for x in (-710.0, 710.0, -745.0, 1000.0, -1e5, 3e6)]


def close(found, exact):
    return abs(mpf(found) - exact) <= max(mpf(ULPS) * abs(exact), mpf(2) ** -1070)


@pytest.mark.parametrize(("name", "case", "x"), CASES, ids=lambda v: "" if isinstance(v, tuple) else str(v))
def test_the_finite_answer_is_given_with_its_derivatives(name, case, x):
    function, value, slope = case
    with mp.workdps(60):
        exact, derivative = value(mpf(x)), slope(mpf(x))
        if name == "log(1+exp(x))" and x < 0.0:
            exact = mpf(0)  # 1 + e^x is rounded to 1 in floats, as it always was; e^x is the derivative
        leaf = Value(x)
        out = function(leaf)
        assert close(out.data, exact)
        out.backward()
        cancelled = mpf(1e-36) * abs(exact / x)  # of the terms of a quotient, in numbers of forty digits
        assert close(leaf.grad, derivative) or abs(leaf.grad - derivative) <= cancelled
        assert grad(function)(x) == pytest.approx(leaf.grad, rel=ULPS)
        if x > 0.0:
            again = Value(x)
            assert tangent(function(again), {again: 1.0}) == pytest.approx(leaf.grad, rel=ULPS)
            (recorded,) = gradients(out, [leaf], create_graph=True)
            assert recorded.data == pytest.approx(leaf.grad, rel=ULPS, abs=1e-150)  # 1/x² underflows, as in floats
    with no_grad():
        assert function(Value(x)).data == out.data


@pytest.mark.parametrize(("name", "case", "x"), CASES, ids=lambda v: "" if isinstance(v, tuple) else str(v))
def test_a_program_gives_what_the_engine_gives(name, case, x):  # noqa: ARG001  # it names the test
    function, _, _ = case
    w, b = Value(1.0), Value(1.0)
    program = compile(lambda x: (b * function(w * x[0]), {"y": [function(w * x[0])]}), parameters={"w": [w], "b": [b]})
    program.value_and_grad(x=[[0.5], [0.7]])
    X = np.array([[0.5], [x], [0.25]])
    losses, gradients_ = [], np.zeros(2)
    for row in X.tolist():
        v, c = Value(1.0), Value(1.0)
        out = c * function(v * row[0])
        out.backward(1.0 / 3.0)
        losses.append(out.data)
        gradients_ += [v.grad, c.grad]
    loss, found = program.value_and_grad(x=X)
    assert loss == pytest.approx(np.mean(losses), rel=1e-12)
    assert [found["w"][0], found["b"][0]] == pytest.approx(gradients_.tolist(), rel=1e-12)
    assert program.losses(x=X).tolist() == pytest.approx(losses, rel=1e-12)
    assert program.outputs(x=X)["y"].ravel().tolist() == pytest.approx(losses, rel=1e-12)


@pytest.mark.parametrize(("name", "case", "x"), CASES[::4], ids=lambda v: "" if isinstance(v, tuple) else str(v))
def test_a_program_may_be_recorded_from_a_row_with_numbers_beyond_floats(name, case, x):  # noqa: ARG001  # it names the test
    function, _, _ = case
    w = Value(1.0)
    program = compile(lambda x: function(w * x[0]), parameters={"w": [w]})
    function(w * x).backward()
    loss, found = program.value_and_grad(x=[[x]])
    assert loss == pytest.approx(function(Value(x)).data, rel=1e-12)
    assert found["w"] == pytest.approx([w.grad], rel=1e-12)


def test_second_derivatives_come_back_too():
    assert hessian(lambda x: ag.log(1 + x * x))(1e160) == pytest.approx(-2e-320, rel=1e-3)
    assert hessian(lambda x: ag.exp(-x * x))(1e200) == 0.0


def test_nobody_reads_a_number_beyond_all_floats():
    x = Value(1e200, "x")
    large = x * x
    message = r'mul has no finite result \(overflow\) at x = 1e\+200 \("x"\), y = 1e\+200 \("x"\)'
    for read in (
        lambda: large.data,
        lambda: f"{large:.3f}",
        large.detach,
        large.backward,
        lambda: (large + 1.0).data,
        lambda: ag.relu(large),
        lambda: ag.maximum(large, 1.0),
        lambda: ag.affine([large], [1.0], 0.0),
        lambda: ag.sin(large),
        lambda: ag.logsumexp([large, 1.0]),
    ):
        with pytest.raises(DomainError, match=message):
            read()
    assert x.grad == 0.0
    assert repr(large) == "Value(beyond all floats, grad=0.0, op=mul)"


def test_numbers_beyond_all_floats_are_compared_as_numbers():
    large = Value(1e200) * 1e200
    assert large > 5.0
    assert large < large * 2.0
    assert not large * 2.0 <= large
    assert -large < Value(0.0)
    assert large < float("inf")
    assert large > 1e308


def test_a_branch_that_is_beyond_all_floats_may_be_left():
    x = Value(1e200)
    out = ag.where(ag.step(-x), x * x, x)
    out.backward()
    assert (out.data, x.grad) == (1e200, 1.0)


def test_sums_of_products_beyond_floats_come_back_in_a_program():
    """They are one matrix product there, and single operations in the engine."""
    w = [Value(1000.0, "w[0]"), Value(1.0, "w[1]"), Value(3.0, "w[2]")]

    def loss(x):
        z = [sum(ag.exp(w[k]) * v for k, v in enumerate(x)), sum(ag.exp(w[2 - k]) * v for k, v in enumerate(x))]
        return sum(1.0 / (1.0 + v * v) for v in z) * w[1]

    program = compile(loss, parameters=w)
    loss([1.0, 2.0, 3.0]).backward()
    value, found = program.value_and_grad(x=[[1.0, 2.0, 3.0]])
    assert value == pytest.approx(loss([1.0, 2.0, 3.0]).data, rel=1e-12, abs=0.0)
    assert next(iter(found.values())) == pytest.approx([leaf.grad for leaf in w], rel=1e-12, abs=0.0)


@pytest.mark.parametrize("call", [lambda: ag.exp(1000.0), lambda: ag.mul(1e200, 1e200), lambda: Value(1.0) / 0.0])
def test_plain_numbers_and_undefined_results_are_refused_at_once(call):
    with pytest.raises(DomainError):
        call()
