"""The matrix equations against the network of scalars, each with its own activations, losses and penalty."""

import numpy as np
import pytest

import nn
from autograd import mean
from nn.closed_form import backprop
from tests.matrix_networks import ACTIVATIONS, targets

TOLERANCE = 1e-12  # of the largest gradient: some hundred roundings of 1e-16 on each side
N = 7


@pytest.mark.parametrize("loss", nn.LOSSES)
@pytest.mark.parametrize("hidden", ACTIVATIONS)
def test_gradients_of_scalars_and_of_matrices_agree(hidden, loss):
    rng = np.random.default_rng(3)
    output = "sigmoid" if loss == "binary_cross_entropy" else "identity"
    model = nn.MLP(4, [6, 5, 3], [hidden, "tanh", output], seed=1)
    model.biases = [rng.normal(size=b.shape) for b in model.biases]
    X, T = rng.normal(size=(N, 4)), targets(loss, (N, 3), rng)
    result = backprop(model.weights, model.biases, X, T, activations=model.activations, loss=loss, l2=0.2)
    cost = mean([nn.LOSSES[loss](model(x), t) for x, t in zip(X, T, strict=True)]) + nn.l2_penalty(model, 0.2)
    cost.backward()
    assert abs(cost.data - result.loss) <= TOLERANCE * result.loss
    largest = max(np.abs(gradient).max() for gradient in (*result.dW, *result.db))
    for name, parameters in model.parameter_arrays().items():
        formula = (result.dW if name[0] == "W" else result.db)[int(name[1:]) - 1]
        gradient = np.vectorize(lambda v: v.grad, otypes=[float])(parameters)
        assert gradient.shape == formula.shape
        assert np.abs(gradient - formula).max() <= TOLERANCE * largest


def test_a_target_that_sums_to_1_only_nearly_has_the_same_gradient():
    model = nn.MLP(2, [2], init="normal", seed=0)
    x, t = [1.0, 2.0], [0.3, 0.7 + 5e-10]
    result = backprop(model.weights, model.biases, x, t, activations="identity", loss="cross_entropy")
    nn.cross_entropy(model(x), t).backward()
    gradient = np.array([b.grad for b in model.parameter_arrays()["b1"]])
    assert np.abs(gradient - result.db[0]).max() <= TOLERANCE
