"""How the formulas of a document are held against the engine."""

import numpy as np

from autograd import Value

TOLERANCE = 1e-12  # of the largest entry: each side takes some ten roundings of 1e-16 per example
CLEARLY = 1e-2  # of the largest entry: what a wrong formula must differ by


def logistic(z):
    return 1 / (1 + np.exp(-z))


SIGMA = {
    "sigmoid": (logistic, lambda z: logistic(z) * (1 - logistic(z))),
    "tanh": (np.tanh, lambda z: 1 / np.cosh(z) ** 2),
    "softplus": (lambda z: np.log(1 + np.exp(z)), logistic),
}


def agree(actual, formula):
    assert np.shape(actual) == np.shape(formula)
    np.testing.assert_allclose(actual, formula, rtol=0, atol=TOLERANCE * np.abs(formula).max())


def differ(actual, printed):
    assert np.abs(actual - printed).max() > CLEARLY * np.abs(actual).max()


def values(array):
    """The array with a Value in place of every number."""
    return np.vectorize(Value, otypes=[object])(array)


def data(array):
    """The numbers of an array of Values, among which numbers may stand."""
    return np.vectorize(lambda v: v.data if isinstance(v, Value) else v, otypes=[float])(array)


def grad(array):
    """The gradients of leaves, or the adjoints of other nodes."""
    return np.vectorize(lambda v: v.grad, otypes=[float])(array)
