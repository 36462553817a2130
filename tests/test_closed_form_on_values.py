"""The closed form on arrays of Values: the same numbers, and derivatives that check its own formulas once more."""

import math

import numpy as np
import pytest

from autograd import Value
from nn.closed_form import backprop
from tests.documents import data, grad, values
from tests.matrix_networks import (
    ACTIVATIONS,
    FAR,
    FINITE_DIFFERENCE_TOLERANCE,
    LOSSES,
    ROUNDING,
    central_differences,
    problem,
)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("hidden", ACTIVATIONS)
def test_on_values_the_numbers_are_the_same_and_backward_finds_the_same_gradients(hidden, loss):
    weights, biases, X, T, activations = problem(loss, hidden)
    plain = backprop(weights, biases, X, T, activations=activations, loss=loss, l2=0.3)
    W, b = [values(array) for array in weights], [values(array) for array in biases]
    recorded = backprop(W, b, X, T, activations=activations, loss=loss, l2=0.3)
    assert math.isclose(recorded.loss.data, plain.loss, rel_tol=ROUNDING)
    for name in ("z", "delta", "dW", "db"):
        for array, expected in zip(getattr(recorded, name), getattr(plain, name), strict=True):
            np.testing.assert_allclose(data(array), expected, rtol=ROUNDING, atol=ROUNDING)
    recorded.loss.backward()
    largest = max(abs(gradient).max() for gradient in plain.dW)
    for array, expected in zip((*W, *b), (*plain.dW, *plain.db), strict=True):
        np.testing.assert_allclose(grad(array), expected, rtol=0, atol=1e-12 * largest)


def test_on_values_the_gradient_can_be_differentiated_again():
    weights, biases, X, T, activations = problem("cross_entropy", "softplus")

    def gradient_entry():
        return backprop(weights, biases, X, T, activations=activations, loss="cross_entropy").dW[1][2, 1]

    W = [values(array) for array in weights]
    backprop(W, biases, X, T, activations=activations, loss="cross_entropy").dW[1][2, 1].backward()
    for array, parameter in zip(W, weights, strict=True):
        expected = central_differences(gradient_entry, parameter)
        np.testing.assert_allclose(grad(array), expected, rtol=0, atol=FINITE_DIFFERENCE_TOLERANCE)


@pytest.mark.parametrize(
    ("activation", "loss"),
    [(activation, "half_squared_error") for activation in ACTIVATIONS]
    + [("sigmoid", LOSSES[2])]
    + [("identity", loss) for loss in LOSSES if loss != LOSSES[2]],
)
def test_values_keep_their_gradient_where_a_weighted_input_is_0(activation, loss):
    _, _, X, T, _ = problem(loss, sizes=[3, 2])
    W, b = [values(np.zeros((2, 3)))], [values(np.zeros(2))]
    recorded = backprop(W, b, X, T, activations=activation, loss=loss)
    recorded.loss.backward()
    for array, own in zip((*W, *b), (*recorded.dW, *recorded.db), strict=True):
        np.testing.assert_allclose(grad(array), data(own), rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("z", FAR)
@pytest.mark.parametrize(
    ("activation", "loss"), [(name, "half_squared_error") for name in ACTIVATIONS] + [("identity", LOSSES[3])]
)
def test_on_values_no_exponential_overflows(activation, loss, z):
    recorded = backprop([[[Value(1.0)]]], [[0]], [z], [1], activations=activation, loss=loss)
    plain = backprop([[[1.0]]], [[0]], [z], [1], activations=activation, loss=loss)
    assert math.isclose(recorded.loss.data, plain.loss, rel_tol=ROUNDING)


def test_a_target_that_sums_to_1_only_nearly_has_the_gradient_of_its_own_loss():
    W = values(np.eye(2))
    T = [0.3, 0.7 + 5e-10]
    recorded = backprop([W], [[0, 0]], [1.0, 2.0], T, activations="identity", loss="cross_entropy")
    recorded.loss.backward()
    np.testing.assert_allclose(grad(W), data(recorded.dW[0]), rtol=0, atol=ROUNDING)


def test_values_among_the_inputs_only_get_the_gradient_by_the_inputs():
    # Some units of the relu are off, so that numbers and Values stand side by side in one layer.
    weights, biases, X, T, _ = problem("binary_cross_entropy_with_logits")
    activations = ["relu", "softplus", "identity"]
    x = values(X)
    x[0, 0] = X[0, 0]

    def run(inputs):
        return backprop(weights, biases, inputs, T, activations=activations, loss="binary_cross_entropy_with_logits")

    run(x).loss.backward()
    expected = run(X).delta[0] @ weights[0] / len(X)
    variables = x != X
    assert not variables[0, 0]
    np.testing.assert_allclose(grad(x[variables]), expected[variables], rtol=0, atol=ROUNDING)
