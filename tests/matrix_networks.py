"""Networks as matrices with data that suit a loss, for the tests of the closed form."""

import itertools

import numpy as np

# A central difference with step h = 1e-6 errs by about h² times the third derivative plus rounding / h, 1e-10 in all,
# for losses and derivatives of the order of 1.
STEP = 1e-6
FINITE_DIFFERENCE_TOLERANCE = 1e-8
# Both sides take fewer than 100 roundings of 1e-16 each.
ROUNDING = 1e-14

FAR = [-800.0, -40.0, -1.5, 0.0, 0.7, 3.0, 35.0, 800.0]  # where the textbook form of σ overflows or cancels, and near 0

ACTIVATIONS = ["identity", "sigmoid", "tanh", "relu", "leaky_relu", "softplus"]
LOSSES = [
    "half_squared_error",
    "mse_loss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "hinge_loss",
]
SIZES = [3, 4, 5, 2]


def network(sizes, seed):
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(n, m)) for m, n in itertools.pairwise(sizes)]
    biases = [rng.normal(size=n) for n in sizes[1:]]
    return weights, biases


def targets(loss, shape, rng):
    if loss == "hinge_loss":
        return rng.choice([-1.0, 1.0], size=shape)
    if loss == "cross_entropy":
        return rng.dirichlet(np.ones(shape[-1]), size=shape[:-1])
    return rng.uniform(0.1, 0.9, size=shape)


def problem(loss, hidden="tanh", sizes=SIZES, N=4, seed=0):
    rng = np.random.default_rng(seed + 1000)
    weights, biases = network(sizes, seed)
    X = rng.normal(size=(N, sizes[0]))
    T = targets(loss, (N, sizes[-1]), rng)
    output = "sigmoid" if loss == "binary_cross_entropy" else "identity"
    activations = [hidden] * (len(sizes) - 2) + [output]
    return weights, biases, X, T, activations


def central_differences(f, array):
    """The derivative of f() by every entry of the array, which f reads."""
    gradient = np.empty_like(array)
    for index in np.ndindex(array.shape):
        saved = array[index]
        array[index] = saved + STEP
        above = f()
        array[index] = saved - STEP
        below = f()
        array[index] = saved
        gradient[index] = (above - below) / (2 * STEP)
    return gradient
