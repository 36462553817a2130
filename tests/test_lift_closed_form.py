"""Compiled networks equal the closed form, and saturated functions keep their digits."""

from __future__ import annotations

import numpy as np
import pytest

import nn
from autograd import Value, compile, logsumexp, total
from nn.closed_form import backprop

EXACT = 1e-10


def test_saturated_sigmoids_are_right_far_out():
    w = Value(1.0, "w")
    program = compile(lambda x: -(w * x[0]).sigmoid().log(), parameters=[w])
    program.value(x=[[1.0], [2.0]])
    for x in (-720.0, -500.0, 40.0, 800.0):
        leaf = Value(x)
        exact = -(w * leaf).sigmoid().log()
        assert program.value(x=[[x]]) == pytest.approx(exact.data, rel=1e-12)


@pytest.mark.parametrize("activation", ["identity", "sigmoid", "tanh", "relu", "leaky_relu", "softplus"])
@pytest.mark.parametrize(
    "loss",
    [
        "half_squared_error",
        "mse_loss",
        "hinge_loss",
        "cross_entropy",
        "binary_cross_entropy_with_logits",
        "binary_cross_entropy",
    ],
)
def test_networks_of_every_activation_and_loss_equal_the_closed_form(activation, loss):
    rng = np.random.default_rng(5)
    last = "sigmoid" if loss == "binary_cross_entropy" else "identity"
    model = nn.MLP(3, [5, 4, 3], activation=activation, output_activation=last, seed=2)
    X, T = rng.normal(size=(6, 3)), rng.random((6, 3))
    T = {"hinge_loss": np.sign(T - 0.5), "cross_entropy": T / T.sum(axis=1, keepdims=True)}.get(loss, T)
    formula = getattr(nn, loss)
    program = compile(lambda x, t: formula(model(x), t), parameters=model)
    value, gradient = program.value_and_grad(x=X, t=T)
    exact = backprop(model.weights, model.biases, X, T, activations=[activation, activation, last], loss=loss)
    assert value == pytest.approx(float(exact.loss), rel=EXACT)
    for l in range(3):
        for name, array in ((f"W{l + 1}", exact.dW[l]), (f"b{l + 1}", exact.db[l])):
            np.testing.assert_allclose(gradient[name], array, rtol=0.0, atol=EXACT * max(1e-3, np.abs(array).max()))


def test_a_compiled_logsumexp_keeps_its_small_terms():
    """Of 0 and −40 it is log(1 + e⁻⁴⁰), about e⁻⁴⁰; log of the rounded sum would be 0."""
    program = compile(lambda x: logsumexp([x[0], x[1]]))
    x = np.array([[0.0, -40.0], [-40.0, 0.0], [0.0, -40.0]])
    assert program.losses(x=x) == pytest.approx([np.exp(-40.0)] * 3, rel=1e-15, abs=0.0)
    namespace = {}
    exec(program.source, namespace)
    assert namespace["value_and_grad"]({}, x)[0] == pytest.approx(np.exp(-40.0), rel=1e-15, abs=0.0)


@pytest.mark.parametrize("heads", [1, 3])
def test_a_compiled_logsumexp_counts_ties_and_keeps_small_terms_in_each_set(heads):
    """The value is log(n + s) above the largest: n terms that are largest, and s, the small ones."""
    program = compile(lambda x: total([logsumexp(x[3 * k : 3 * k + 3]) for k in range(heads)]))
    cases = [([7.0, 7.0, 7.0], 7.0 + np.log(3.0)), ([0.0, -40.0, -41.0], np.exp(-40.0) + np.exp(-41.0))]
    cases += [
        ([-3.0, -3.0, -43.0], -3.0 + np.log(2.0 + np.exp(-40.0))),
        ([800.0, -800.0, 799.0], 800.0 + np.log1p(np.exp(-1.0))),
    ]
    for k in range(heads):
        for numbers, expected in cases:
            x = np.zeros((2, 3 * heads))
            x[:, 3 * k : 3 * k + 3] = numbers
            found = program.losses(x=x)[0] - (heads - 1) * np.log(3.0)
            assert found == pytest.approx(expected, rel=4e-16, abs=0.0 if heads == 1 else 1e-15)
