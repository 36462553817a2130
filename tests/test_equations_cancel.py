"""The printed equations after exact algebra: what cancels, and what is assumed for it and said."""

import numpy as np
import pytest

from autograd import Value, exp, log, log_softmax, softmax, total
from autograd.lift import compile, lift
from tests.equation_programs import backward, leaves, network, program_of


def test_sigmoid_and_cross_entropy_cancel_in_every_way_of_writing_them():
    def clipped(a, t):
        return -(t * log(a) + (1 - t) * log(1 - a))

    def factored(a, t):
        return -log(1 - a) - t * (log(a) - log(1 - a))

    def odds(a, t):
        return -log(1 - a) - t * log(a / (1 - a))

    for cost in (clipped, factored, odds):
        a, x = network()
        t = leaves([0.2, 0.7])
        program = lift(total([cost(p, q) for p, q in zip(a, t, strict=True)]), {"x": x, "t": t})
        assert backward(program)["δ²"] == "a² − t"


def test_the_cross_entropy_of_two_softplus_cancels():
    z, x = network(output="identity")
    t = leaves([0.2, 0.7])
    cost = total([q * (-p).softplus() + (1 - q) * p.softplus() for p, q in zip(z, t, strict=True)])
    assert backward(lift(cost, {"x": x, "t": t}))["δ²"] == "σ(z²) − t"


@pytest.mark.parametrize("target", [(0.25, 0.75), (0.25, 0.25)])
@pytest.mark.parametrize("way", ["softmax", "log_softmax", "by hand"])
def test_softmax_cancels_and_says_what_it_assumes_of_the_target(way, target):
    z, x = network(output="identity")
    t = leaves(target)
    if way == "softmax":
        logs = [log(p) for p in softmax(z)]
    elif way == "log_softmax":
        logs = log_softmax(z)
    else:
        powers = [exp(each) for each in z]
        logs = [log(each / sum(powers, 0.0)) for each in powers]
    program = lift(-total([q * each for q, each in zip(t, logs, strict=True)]), {"x": x, "t": t})
    text = program.equations()
    if sum(target) == 1.0:
        assert backward(program)["δ²"] == "softmax(z²) − t"
        assert "Assumed, checked on the recorded example and on no later one: the members of t sum to 1." in text
        assert "Without it:\n  δ² = " in text
    else:
        assert "Σ t" in backward(program)["δ²"]
        assert "Assumed" not in text


@pytest.mark.parametrize("other", [(0.5, 0.5), (0.5, 0.4)])
def test_what_is_assumed_of_the_target_is_checked_on_every_row_of_the_first_batch(other):
    parameters, bias = [Value(0.3, "w[0]"), Value(-0.2, "w[1]")], Value(0.1, "b")

    def cost(x, t):
        logs = [log(p) for p in softmax([w * x[0] + bias for w in parameters])]
        return -total([q * each for q, each in zip(t, logs, strict=True)])

    program = compile(cost)
    loss = program.value(x=[[1.0], [2.0], [3.0]], t=[(0.25, 0.75), (0.0, 1.0), other])
    assert np.isfinite(loss)
    text = program.equations("superscript")
    assert ("Assumed, checked on the recorded 3 examples" in text) == (sum(other) == 1.0)
    assert ("Assumed" in text) == (sum(other) == 1.0)


def test_logits_need_no_assumption():
    assert "Assumed" not in program_of("cross_entropy", activations=("sigmoid", "identity")).equations()


def test_a_factor_is_cancelled_within_another():
    """(1 − a²) / (1 − a) is 1 + a."""
    a, x = network(output="tanh")
    t = leaves([0.2, 0.7])
    cost = total([-log(1 - p) * q for p, q in zip(a, t, strict=True)])
    assert backward(lift(cost, {"x": x, "t": t}))["δ²"] == "t ⊙ (1 + a²)"
