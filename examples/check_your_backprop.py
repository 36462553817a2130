"""Check a backpropagation that was derived by hand, and read the diagnosis."""

import numpy as np

import nn


def my_backprop(weights, biases, X, T):
    """Return the gradients of a sigmoid network with ½‖a − t‖², as derived on paper: with one mistake in δ¹."""
    W1, W2 = weights
    b1, b2 = biases
    a1 = 1 / (1 + np.exp(-(X @ W1.T + b1)))
    a2 = 1 / (1 + np.exp(-(a1 @ W2.T + b2)))
    delta2 = (a2 - T) * a2 * (1 - a2)
    delta1 = delta2 @ W2  # the mistake: σ′(z¹) is missing
    N = len(X)
    return [delta1.T @ X / N, delta2.T @ a1 / N], [delta1.mean(axis=0), delta2.mean(axis=0)], [delta1, delta2]


model = nn.MLP(3, [4, 2], activation="sigmoid", output_activation="sigmoid", seed=0)
rng = np.random.default_rng(0)
X, T = rng.normal(size=(5, 3)), rng.uniform(size=(5, 2))

report = nn.check_backprop(my_backprop, model, X, T, "half_squared_error")
print(report)

# In a test suite of your own: report.assert_ok() raises with this text unless every array is right.
