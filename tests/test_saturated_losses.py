"""Probabilities and the losses of them, where the functions that make them are rounded to 0 or 1."""

from __future__ import annotations

import numpy as np
import pytest
from mpmath import mp, mpf

import autograd as ag
import nn
from autograd import Value, compile, hessian, logsumexp, softmax
from nn.closed_form import backprop

ULPS = 1e-14
Z = [-2000.0, -800.0, -745.0, -40.0, -30.0, -1.0, 0.0, 2.0, 30.0, 36.5, 40.0, 700.0, 720.0, 800.0, 2000.0]
T = [0.0, 0.3, 1.0]


def logits_form(z, t):
    leaf = Value(z)
    loss = nn.binary_cross_entropy_with_logits([leaf], [t])
    loss.backward()
    return loss.data, leaf.grad


def cancelled(z):
    """What rounding leaves of log(1 + e^z) − t z, which the logits form subtracts and logarithms of σ do not."""
    return 4e-16 * max(1.0, abs(z))


@pytest.mark.parametrize("t", T)
@pytest.mark.parametrize("z", Z)
def test_the_cross_entropy_of_a_sigmoid_is_that_of_its_logit(z, t):
    expected, slope = logits_form(z, t)
    leaf = Value(z)
    loss = nn.binary_cross_entropy([ag.sigmoid(leaf)], [t])
    loss.backward()
    assert loss.data == pytest.approx(expected, rel=ULPS, abs=cancelled(z))
    assert leaf.grad == pytest.approx(slope, rel=ULPS, abs=1e-16)
    closed = backprop([[[1.0]]], [[0.0]], [z], [t], activations="sigmoid", loss="binary_cross_entropy")
    assert closed.loss == pytest.approx(expected, rel=ULPS, abs=cancelled(z))
    assert closed.delta[0][0] == pytest.approx(slope, rel=ULPS, abs=2.3e-16)  # a unit of σ near 1


def test_a_program_with_a_saturated_output_gives_the_numbers_of_the_logits_form():
    w, b = Value(1.0, "w"), Value(0.0, "b")
    program = compile(lambda x, t: nn.binary_cross_entropy([ag.sigmoid(w * x[0] + b)], t), parameters=[w, b])
    program.value_and_grad(x=[[0.3], [0.4]], t=[[0.0], [1.0]])
    X, targets = np.array([[z] for z in Z for _ in T]), np.array([[t] for _ in Z for t in T])
    expected = [logits_form(z, t) for z in Z for t in T]
    losses = program.losses(x=X, t=targets)
    allowed = [ULPS * loss + cancelled(z) for (loss, _), z in zip(expected, X[:, 0], strict=True)]
    assert (np.abs(losses - [loss for loss, _ in expected]) <= allowed).all()
    _, gradients = program.value_and_grad(x=X, t=targets)
    slopes = np.array([slope for _, slope in expected])
    assert gradients["b"] == pytest.approx(slopes.mean(), rel=1e-13)
    assert gradients["w"] == pytest.approx((slopes * X[:, 0]).mean(), rel=1e-13)


def test_training_goes_on_where_the_outputs_are_rounded_to_0_and_1():
    X = np.array([[-4.0], [-1.0], [1.0], [900.0]])
    T = np.array([[0.0], [1.0], [0.0], [0.0]])
    for engine in ("eager", "compiled"):
        model = nn.MLP(1, [1], activation="sigmoid", output_activation="sigmoid", seed=0)
        model.load_state_dict({"W1": np.array([[3.0]]), "b1": np.array([0.0])})
        history = nn.fit(
            model,
            X,
            T,
            loss="binary_cross_entropy",
            epochs=3,
            optimizer=nn.SGD(model.parameters(), 1e-3),
            batch_size=4,
            seed=0,
            engine=engine,
        )
        assert np.isfinite(history.loss).all(), engine


def test_the_printed_equations_are_those_of_the_loss_as_it_is_written():
    w = Value(0.5, "w")
    program = compile(lambda x, t: nn.binary_cross_entropy([ag.sigmoid(w * x[0])], t), parameters=[w])
    program.value(x=[[1.0]], t=[[1.0]])
    assert "log(" in program.equations()
    assert "softplus" not in program.equations()


# --- softmax ----------------------------------------------------------------------------------------

ROWS = [[1e16, 1e16], [1e16, 1e16 - 2.0, -1e16], [1e10, 1e10 + 1.0], [1000.0, 999.0, 998.5], [0.3, -0.2], [-1e8] * 3]


def exact_shares(row):
    with mp.workdps(60):
        terms = [mp.exp(mpf(v) - max(row)) for v in row]
        return [float(term / sum(terms)) for term in terms]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_shares_are_right_at_every_scale(row):
    exact = pytest.approx(exact_shares(row), rel=ULPS)
    values = [Value(v) for v in row]
    assert softmax(row) == exact
    assert [p.data for p in softmax(values)] == exact
    assert sum(softmax(row)) == pytest.approx(1.0, rel=4e-16)
    logsumexp(values).backward()
    assert [v.grad for v in values] == exact
    assert [column[0] for column in softmax([np.array([v, v]) for v in row])] == exact
    p = exact_shares(row)
    second = [[p[i] * ((i == j) - p[j]) for j in range(len(p))] for i in range(len(p))]
    np.testing.assert_allclose(hessian(logsumexp)(row), second, rtol=ULPS, atol=1e-16)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_programs_and_source_and_closed_form_give_the_same_shares(row):
    n = len(row)
    b = [Value(0.0) for _ in range(n)]
    target = [1.0] + [0.0] * (n - 1)
    program = compile(
        lambda x: nn.cross_entropy([v + w for v, w in zip(x, b, strict=True)], target), parameters={"b": b}
    )
    program.value_and_grad(x=[[0.1 * k for k in range(n)]])
    slopes = [p - t for p, t in zip(exact_shares(row), target, strict=True)]
    _, found = program.value_and_grad(x=[row])
    np.testing.assert_allclose(found["b"], slopes, rtol=ULPS, atol=1e-16)
    module: dict = {}
    exec(program.source, module)
    np.testing.assert_allclose(
        module["value_and_grad"](dict(program.parameters), [row])[1]["b"], slopes, rtol=ULPS, atol=1e-16
    )
    closed = backprop(np.eye(n)[None], [np.zeros(n)], row, target, activations="identity", loss="cross_entropy")
    np.testing.assert_allclose(closed.delta[0], slopes, rtol=ULPS, atol=1e-16)

    weights = [Value(1.0) for _ in range(n)]
    attention = compile(
        lambda x: ag.total([w * p for w, p in zip(weights, softmax([v * 1.0 for v in x]), strict=True)]),
        parameters={"w": weights},
    )
    attention.value_and_grad(x=[[0.1 * k for k in range(n)]])
    _, found = attention.value_and_grad(x=[row])
    np.testing.assert_allclose(found["w"], exact_shares(row), rtol=ULPS, atol=1e-16)
    module = {}
    exec(attention.source, module)
    by_source = module["value_and_grad"](dict(attention.parameters), [row])[1]["w"]
    np.testing.assert_allclose(by_source, exact_shares(row), rtol=ULPS, atol=1e-16)
