"""The referee on losses and activations that people use beside the usual ones."""

import numpy as np
import pytest

import autograd
from autograd import Op
from nn import MLP, check_backprop, half_squared_error
from nn.loss.loss_table import loss_named

LOSS = "half_squared_error"


def network(activation="tanh"):
    rng = np.random.default_rng(5)
    model = MLP(3, [4, 2], activation=activation, seed=1)
    model.biases = [rng.normal(size=b.shape) for b in model.biases]
    return model, rng.normal(size=(6, 3)), rng.normal(size=(6, 2))


def regularised(weights, biases, X, T):
    hidden = np.tanh(X @ weights[0].T + biases[0])
    delta = (hidden @ weights[1].T + biases[1] - T) / len(X)
    below = delta @ weights[1] * (1 - hidden**2)
    dW = [below.T @ X + 0.3 * weights[0], delta.T @ hidden + 0.3 * weights[1]]
    return dW, [below.sum(axis=0) + 0.3 * biases[0], delta.sum(axis=0) + 0.3 * biases[1]]


def regularised_wrong(weights, biases, X, T):
    hidden = np.tanh(X @ weights[0].T + biases[0])
    delta = (hidden @ weights[1].T + biases[1] - T) / len(X)
    below = delta @ weights[1] * (1 - hidden)
    dW = [below.T @ X + 0.3 * weights[0], delta.T @ hidden + 0.3 * weights[1]]
    return dW, [below.sum(axis=0) + 0.3 * biases[0], delta.sum(axis=0)]


def test_a_penalty_may_have_the_biases_in_it():
    model, X, T = network()
    report = check_backprop(regularised, model, X, T, LOSS, l2=0.3, l2_biases=True)
    assert report.ok, str(report)
    assert "l2 = 0.3 on weights and biases" in report.subject
    summed = check_backprop(
        lambda *given: [[len(X) * g for g in part] for part in regularised(*given)],
        model, X, T, LOSS, l2=0.3 * len(X), l2_biases=True, reduce="sum",
    )  # fmt: skip
    assert summed.ok
    without = check_backprop(regularised, model, X, T, LOSS, l2=0.3, time_limit=0)
    assert without.of("b", 2).kinds == {"bias regularised"}
    wrong = check_backprop(regularised_wrong, model, X, T, LOSS, l2=0.3, l2_biases=True, time_limit=0)
    assert wrong.of("b", 2).kinds == {"no l2"}
    assert "∂C/∂b² = (1/N) Σ δ² + l2 · b²" in str(wrong)
    read = check_backprop(regularised_wrong, model, X, T, LOSS, l2=0.3, l2_biases=True)
    assert "below = delta @ weights[1] * (1 - hidden ** 2)" in [c.corrected.strip() for c in read.corrections]


def softmax(z):
    exponentials = np.exp(z - z.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def of_softmax(weights, biases, X, T):
    hidden = np.tanh(X @ weights[0].T + biases[0])
    p = softmax(hidden @ weights[1].T + biases[1])
    g = (p - T) / len(X)
    delta = p * (g - (g * p).sum(axis=1, keepdims=True))
    below = delta @ weights[1] * (1 - hidden**2)
    return [below.T @ X, delta.T @ hidden], [below.sum(axis=0), delta.sum(axis=0)]


def of_softmax_wrong(weights, biases, X, T):
    hidden = np.tanh(X @ weights[0].T + biases[0])
    p = softmax(hidden @ weights[1].T + biases[1])
    g = (p - T) / len(X)
    delta = g * p * (1 - p)
    below = delta @ weights[1] * (1 - hidden**2)
    return [below.T @ X, delta.T @ hidden], [below.sum(axis=0), delta.sum(axis=0)]


def softmax_then_squares(z, t):
    return half_squared_error(autograd.softmax(z), t)


def test_softmax_may_come_before_squares():
    assert check_backprop(of_softmax, *network(), softmax_then_squares).ok
    report = check_backprop(of_softmax_wrong, *network(), softmax_then_squares)
    assert [c.expression for c in report.corrections] == ["g * p * (1 - p)"]
    with pytest.raises(ValueError, match=r"half_squared_error\(autograd.softmax\(z\), t\)"):
        MLP(3, [2], output_activation="softmax")


LEAKY = Op(
    "leaky_relu",
    forward=lambda x: x if x > 0 else 0.2 * x,
    partials=(lambda out, x: autograd.where(x > 0, 1.0, 0.2),),
)


def leaky(weights, biases, X, T):
    z = X @ weights[0].T + biases[0]
    hidden = np.where(z > 0, z, 0.2 * z)
    delta = (hidden @ weights[1].T + biases[1] - T) / len(X)
    below = delta @ weights[1] * np.where(z > 0, 1, 0.2)
    return [below.T @ X, delta.T @ hidden], [below.sum(axis=0), delta.sum(axis=0)]


def leaky_wrong(weights, biases, X, T):
    z = X @ weights[0].T + biases[0]
    hidden = np.where(z > 0, z, 0.2 * z)
    delta = (hidden @ weights[1].T + biases[1] - T) / len(X)
    below = delta @ weights[1] * np.where(z > 0, 1, 0.01)
    return [below.T @ X, delta.T @ hidden], [below.sum(axis=0), delta.sum(axis=0)]


def test_a_slope_of_ones_own_is_read_and_no_other_one_told():
    assert check_backprop(leaky, *network(LEAKY), LOSS).ok
    report = check_backprop(leaky_wrong, *network(LEAKY), LOSS)
    assert [c.corrected.strip() for c in report.corrections] == ["below = delta @ weights[1] * np.where(z > 0, 1, 0.2)"]
    assert "else 0.01" not in str(report)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("MSE", "mse_loss"),
        ("MeanSquaredError", "mse_loss"),
        ("BinaryCrossEntropy", "binary_cross_entropy"),
        ("cross-entropy", "cross_entropy"),
        ("Quadratic Cost", "half_squared_error"),
        ("BCEWithLogits", "binary_cross_entropy_with_logits"),
    ],
)
def test_losses_are_found_by_the_names_that_people_type(typed, name):
    assert loss_named(typed).__name__ == name


@pytest.mark.parametrize("typed", ["SSE", "SumSquaredError", "RMSE", "NLLLoss", "CategoricalCrossentropy", "L1Loss"])
def test_losses_that_are_not_here_are_answered_with_what_to_write(typed):
    with pytest.raises(ValueError, match=f"unknown loss '{typed}': [^k]"):
        loss_named(typed)
