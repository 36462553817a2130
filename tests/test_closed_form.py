"""The closed form against finite differences, mpmath and numbers worked out by hand."""

import itertools
import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest

from autograd import Value
from nn.closed_form import backprop

# A central difference with step h = 1e-6 errs by about h² times the third derivative plus rounding / h, 1e-10 in all,
# for losses and derivatives of the order of 1.
STEP = 1e-6
FINITE_DIFFERENCE_TOLERANCE = 1e-8
# Both sides take fewer than 100 roundings of 1e-16 each.
ROUNDING = 1e-14

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


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("hidden", ACTIVATIONS)
def test_gradients_are_the_central_differences_of_the_loss(hidden, loss):
    weights, biases, X, T, activations = problem(loss, hidden)

    def run():
        return backprop(weights, biases, X, T, activations=activations, loss=loss, l2=0.3)

    result = run()
    for parameters, gradients in ((weights, result.dW), (biases, result.db)):
        for parameter, gradient in zip(parameters, gradients, strict=True):
            expected = central_differences(lambda: run().loss, parameter)
            np.testing.assert_allclose(gradient, expected, rtol=0, atol=FINITE_DIFFERENCE_TOLERANCE)


@pytest.mark.parametrize("output", ACTIVATIONS)
def test_every_activation_may_stand_in_the_last_layer(output):
    weights, biases, X, T, _ = problem("half_squared_error")
    activations = ["sigmoid", "tanh", output]

    def run():
        return backprop(weights, biases, X, T, activations=activations, loss="half_squared_error")

    expected = central_differences(lambda: run().loss, weights[0])
    np.testing.assert_allclose(run().dW[0], expected, rtol=0, atol=FINITE_DIFFERENCE_TOLERANCE)


@pytest.mark.parametrize("loss", LOSSES)
def test_delta_is_the_derivative_of_each_example_s_own_loss_by_its_weighted_inputs(loss):
    weights, biases, X, T, activations = problem(loss)
    delta = backprop(weights, biases, X, T, activations=activations, loss=loss, l2=0.3).delta
    for l, bias in enumerate(biases):  # shifting b^l shifts z^l, and nothing else
        for i in range(len(X)):

            def example_loss(i=i):
                return backprop(weights, biases, X[i], T[i], activations=activations, loss=loss).loss

            expected = central_differences(example_loss, bias)
            np.testing.assert_allclose(delta[l][i], expected, rtol=0, atol=FINITE_DIFFERENCE_TOLERANCE)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_batch_is_the_mean_of_its_examples(loss):
    weights, biases, X, T, activations = problem(loss)
    batch = backprop(weights, biases, X, T, activations=activations, loss=loss)
    examples = [backprop(weights, biases, x, t, activations=activations, loss=loss) for x, t in zip(X, T, strict=True)]
    assert math.isclose(batch.loss, np.mean([e.loss for e in examples]), rel_tol=ROUNDING)
    for l in range(len(weights)):
        np.testing.assert_allclose(batch.dW[l], np.mean([e.dW[l] for e in examples], axis=0), atol=ROUNDING)
        np.testing.assert_allclose(batch.db[l], np.mean([e.db[l] for e in examples], axis=0), atol=ROUNDING)
        np.testing.assert_allclose(batch.delta[l], [e.delta[l] for e in examples], atol=ROUNDING)
        np.testing.assert_allclose(batch.z[l], [e.z[l] for e in examples], atol=ROUNDING)
        np.testing.assert_allclose(batch.a[l + 1], [e.a[l + 1] for e in examples], atol=ROUNDING)


def test_one_example_gives_vectors_and_a_batch_of_one_gives_rows():
    weights, biases, X, T, _ = problem("mse_loss", sizes=[3, 4, 2])
    one = backprop(weights, biases, X[0], T[0], activations="tanh", loss="mse_loss")
    row = backprop(weights, biases, X[:1], T[:1], activations="tanh", loss="mse_loss")
    assert [z.shape for z in one.z] == [d.shape for d in one.delta] == [(4,), (2,)]
    assert [a.shape for a in one.a] == [(3,), (4,), (2,)]
    assert [z.shape for z in row.z] == [d.shape for d in row.delta] == [(1, 4), (1, 2)]
    assert [a.shape for a in row.a] == [(1, 3), (1, 4), (1, 2)]
    for result in (one, row):
        assert [g.shape for g in result.dW] == [(4, 3), (2, 4)]
        assert [g.shape for g in result.db] == [(4,), (2,)]
    assert type(one.loss) is float
    assert one.loss == row.loss


def test_one_name_stands_for_all_layers():
    weights, biases, X, T, _ = problem("mse_loss")
    one = backprop(weights, biases, X, T, activations="tanh", loss="mse_loss")
    each = backprop(weights, biases, X, T, activations=("tanh", "tanh", "tanh"), loss="mse_loss")
    np.testing.assert_array_equal(one.dW[0], each.dW[0])


def test_a_network_of_one_layer_is_linear_regression():
    # C = mean of (2x + 1 - t)²: residuals 1 and -3, gradient 2 · mean of residual · x.
    result = backprop([[[2.0]]], [[1.0]], [[1.0], [2.0]], [[2.0], [8.0]], activations="identity", loss="mse_loss")
    assert result.loss == 5.0
    assert result.dW[0].tolist() == [[2 * (1 * 1 - 3 * 2) / 2]]
    assert result.db[0].tolist() == [2 * (1 - 3) / 2]
    assert result.delta[0].tolist() == [[2.0], [-6.0]]


def test_five_layers_of_one_unit_multiply_their_factors():
    # z^l = 2 a^{l-1} + 1 from a⁰ = 1: 3, 7, 15, 31, 63; C = ½ 63²; δ⁵ = 63, then twice as much per layer down.
    result = backprop([[[2]]] * 5, [[1]] * 5, [1], [0], activations="identity", loss="half_squared_error")
    assert [float(z[0]) for z in result.z] == [3, 7, 15, 31, 63]
    assert [float(d[0]) for d in result.delta] == [63 * 16, 63 * 8, 63 * 4, 63 * 2, 63]
    assert [float(g[0, 0]) for g in result.dW] == [63 * 16 * 1, 63 * 8 * 3, 63 * 4 * 7, 63 * 2 * 15, 63 * 31]


def test_l2_is_half_the_coefficient_times_the_squared_weights_once_per_batch():
    weights, biases, X, T, activations = problem("mse_loss")
    plain = backprop(weights, biases, X, T, activations=activations, loss="mse_loss")
    penalised = backprop(weights, biases, X, T, activations=activations, loss="mse_loss", l2=0.25)
    penalty = 0.125 * sum(float((W**2).sum()) for W in weights)
    assert math.isclose(penalised.loss - plain.loss, penalty, rel_tol=ROUNDING)
    for l, W in enumerate(weights):
        np.testing.assert_allclose(penalised.dW[l] - plain.dW[l], 0.25 * W, atol=ROUNDING)
        np.testing.assert_array_equal(penalised.db[l], plain.db[l])
        np.testing.assert_array_equal(penalised.delta[l], plain.delta[l])


def test_the_sum_or_mean_over_components_is_as_documented():
    # Two outputs, equal to X because W is the identity matrix.
    def loss(name, x, t):
        return backprop([np.eye(2)], [[0, 0]], x, t, activations="identity", loss=name).loss

    assert loss("half_squared_error", [3, 5], [1, 1]) == (4 + 16) / 2
    assert loss("mse_loss", [3, 5], [1, 1]) == (4 + 16) / 2
    assert loss("hinge_loss", [0.5, -2], [1, 1]) == 0.5 + 3
    assert math.isclose(loss("binary_cross_entropy", [0.5, 0.25], [1, 0]), -math.log(0.5) - math.log(0.75))
    assert math.isclose(loss("binary_cross_entropy_with_logits", [0, 0], [1, 0]), 2 * math.log(2))
    assert math.isclose(loss("cross_entropy", [0, math.log(3)], [0.5, 0.5]), -0.5 * math.log(1 / 4 * 3 / 4))


def test_mse_loss_is_a_mean_over_three_components():
    result = backprop([np.eye(3)], [[0, 0, 0]], [3, 0, 0], [0, 0, 3], activations="identity", loss="mse_loss")
    assert result.loss == 6.0
    assert result.delta[0].tolist() == [2.0, 0.0, -2.0]


# Derivatives that are not limits


@pytest.mark.parametrize(("name", "below", "at", "above"), [("relu", 0, 0, 1), ("leaky_relu", 0.01, 0.01, 1)])
def test_derivatives_at_the_kink_of_an_activation(name, below, at, above):
    # With t = a - 1 the gradient by a is 1, so that δ is σ′(z).
    for z, expected in ((-2.0, below), (-0.0, at), (0.0, at), (2.0, above)):
        a = backprop([[[1]]], [[0]], [z], [0], activations=name, loss="half_squared_error").a[1]
        result = backprop([[[1]]], [[0]], [z], a - 1, activations=name, loss="half_squared_error")
        assert math.isclose(result.delta[0][0], expected, rel_tol=ROUNDING)


def test_the_derivative_of_the_hinge_at_the_margin_is_0():
    result = backprop([np.eye(3)], [[0] * 3], [1, -1, 0.5], [1, -1, 1], activations="identity", loss="hinge_loss")
    assert result.delta[0].tolist() == [0.0, 0.0, -1.0]


def test_binary_cross_entropy_takes_0_times_log_0_as_0():
    result = backprop([np.eye(2)], [[0, 0]], [0.0, 1.0], [0, 1], activations="identity", loss="binary_cross_entropy")
    assert result.loss == 0.0
    assert result.delta[0].tolist() == [1.0, -1.0]  # one-sided: (1 - t)/(1 - a) and -t/a


# Against mpmath, at inputs where the textbook form overflows or cancels

mp = mpmath.mp.clone()
mp.dps = 50
FAR = [-800.0, -40.0, -1.5, 0.0, 0.7, 3.0, 35.0, 800.0]


def mp_sigmoid(z):
    return 1 / (1 + mp.exp(-z))


EXACT = {
    "sigmoid": (mp_sigmoid, lambda z: mp_sigmoid(z) * mp_sigmoid(-z)),
    "tanh": (mp.tanh, lambda z: mp.sech(z) ** 2),
    "softplus": (lambda z: mp.log(1 + mp.exp(z)), mp_sigmoid),
}


@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize("z", FAR)
def test_activations_hold_their_digits_far_from_0(name, z):
    value, derivative = EXACT[name]
    z = mp.mpf(z)
    a = backprop([[[1]]], [[0]], [float(z)], [0], activations=name, loss="half_squared_error").a[1]
    assert math.isclose(a[0], float(value(z)), rel_tol=ROUNDING)
    result = backprop([[[1]]], [[0]], [float(z)], a - 1, activations=name, loss="half_squared_error")
    gradient = result.a[1][0] - (a[0] - 1)
    # a(1 - a) and 1 - a², the documents' forms, are exact to the rounding of a, not of the derivative itself.
    assert math.isclose(result.delta[0][0] / gradient, float(derivative(z)), rel_tol=ROUNDING, abs_tol=ROUNDING)


@pytest.mark.parametrize("t", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("z", FAR)
def test_the_logistic_loss_holds_its_digits_far_from_0(z, t):
    z, t = mp.mpf(z), mp.mpf(t)
    result = backprop(
        [[[1]]], [[0]], [float(z)], [float(t)], activations="identity", loss="binary_cross_entropy_with_logits"
    )
    exact = t * mp.log(1 + mp.exp(-z)) + (1 - t) * mp.log(1 + mp.exp(z))
    assert math.isclose(result.loss, float(exact), rel_tol=ROUNDING)
    assert math.isclose(result.delta[0][0], float(mp_sigmoid(z) - t), rel_tol=ROUNDING, abs_tol=ROUNDING)


@pytest.mark.parametrize("z", [[0, 0, 0], [1, -2, 0.5], [1000, 999, -1000], [-1000, -1001, -999.5]])
def test_softmax_cross_entropy_holds_its_digits_far_from_0(z):
    t = [0.2, 0.5, 0.3]
    result = backprop([np.eye(3)], [[0, 0, 0]], z, t, activations="identity", loss="cross_entropy")
    exponentials = [mp.exp(v) for v in z]
    softmax = [e / mp.fsum(exponentials) for e in exponentials]
    exact = -mp.fsum(mp.mpf(t_k) * mp.log(p) for t_k, p in zip(t, softmax, strict=True))
    assert math.isclose(result.loss, float(exact), rel_tol=ROUNDING)
    for delta, p, t_k in zip(result.delta[0], softmax, t, strict=True):
        assert math.isclose(delta, float(p - mp.mpf(t_k)), abs_tol=ROUNDING)


def test_a_whole_network_agrees_with_mpmath():
    weights, biases, X, T, _ = problem("mse_loss", sizes=[2, 3, 2], N=2)
    activations = ["tanh", "softplus"]

    def mp_loss(W):
        total = mp.mpf(0)
        for x, t in zip(X.tolist(), T.tolist(), strict=True):
            a = [mp.mpf(v) for v in x]
            for W_l, b_l, name in zip(W, biases, activations, strict=True):
                z = [mp.fdot(row, a) + mp.mpf(b) for row, b in zip(W_l, b_l.tolist(), strict=True)]
                a = [EXACT[name][0](v) for v in z]
            total += mp.fsum((a_k - mp.mpf(t_k)) ** 2 for a_k, t_k in zip(a, t, strict=True)) / len(t)
        return total / len(X)

    result = backprop(weights, biases, X, T, activations=activations, loss="mse_loss")
    exact_weights = [[[mp.mpf(w) for w in row] for row in W.tolist()] for W in weights]
    assert math.isclose(result.loss, float(mp_loss(exact_weights)), rel_tol=ROUNDING)
    h = mp.mpf(10) ** -15  # truncation h² = 1e-30, rounding 1e-50 / h = 1e-35
    for l, j, k in ((0, 2, 1), (1, 0, 2)):
        w = exact_weights[l][j][k]
        exact_weights[l][j][k] = w + h
        above = mp_loss(exact_weights)
        exact_weights[l][j][k] = w - h
        below = mp_loss(exact_weights)
        exact_weights[l][j][k] = w
        assert math.isclose(result.dW[l][j, k], float((above - below) / (2 * h)), rel_tol=10 * ROUNDING)


# On arrays of Values


def values(array):
    """The array with a Value in place of every number."""
    return np.vectorize(Value, otypes=[object])(array)


def data(array):
    return np.vectorize(lambda v: v.data if isinstance(v, Value) else v, otypes=[float])(array)


def grad(array):
    return np.vectorize(lambda v: v.grad, otypes=[float])(array)


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


# What may be passed


def test_arguments_are_neither_changed_nor_shared():
    weights, biases, X, T, activations = problem("cross_entropy")
    arguments = [*weights, *biases, X, T]
    copies = [array.copy() for array in arguments]
    result = backprop(weights, biases, X, T, activations=activations, loss="cross_entropy", l2=0.1)
    for array, copy in zip(arguments, copies, strict=True):
        np.testing.assert_array_equal(array, copy)
    arrays = [*arguments, *result.z, *result.a, *result.delta, *result.dW, *result.db]
    assert not any(np.shares_memory(one, other) for one, other in itertools.combinations(arrays, 2))


def test_integers_fractions_and_float32_count_as_floats():
    plain = backprop([[[0.5, 2.0]]], [[1.0]], [1.0, 2.0], [3.0], activations="tanh", loss="mse_loss")
    same = backprop(
        [[[Fraction(1, 2), 2]]], [np.float32([1])], np.array([1, 2]), [3], activations="tanh", loss="mse_loss"
    )
    assert same.loss == plain.loss
    assert same.dW[0].dtype == np.float64
    np.testing.assert_array_equal(same.dW[0], plain.dW[0])


GOOD = {
    "weights": [[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0]]],
    "biases": [[1.0, 2.0], [3.0]],
    "X": [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]],
    "T": [[1.0], [0.0], [1.0]],
    "activations": "tanh",
    "loss": "half_squared_error",
    "l2": 0.0,
}
BAD = [
    ({"weights": []}, ValueError, "0 weights and 2 biases"),
    ({"weights": [], "biases": []}, ValueError, "at least one"),
    ({"biases": [[1.0, 2.0]]}, ValueError, "2 weights and 1 biases"),
    ({"weights": [[1.0, 2.0], [[5.0, 6.0]]]}, ValueError, r"weights\[0\] must have shape \(n_1, 2\).*got \(2,\)"),
    ({"weights": [np.ones((2, 3)), [[5.0, 6.0]]]}, ValueError, r"weights\[0\].*the columns of X; got \(2, 3\)"),
    ({"weights": [np.ones((2, 2)), np.ones((1, 3))]}, ValueError, r"weights\[1\].*\(n_2, 2\).*got \(1, 3\)"),
    ({"weights": [np.ones((0, 2)), np.ones((1, 0))], "biases": [[], [1.0]]}, ValueError, r"weights\[0\].*\(0, 2\)"),
    ({"weights": [[[1.0, 2.0], [3.0]], [[5.0, 6.0]]]}, ValueError, r"weights\[0\] must be a rectangular array"),
    ({"biases": [[1.0, 2.0], [[3.0]]]}, ValueError, r"biases\[1\] must have shape \(1,\).*got \(1, 1\)"),
    ({"biases": [[1.0, 2.0, 3.0], [3.0]]}, ValueError, r"biases\[0\] must have shape \(2,\).*got \(3,\)"),
    ({"X": np.ones((3, 4))}, ValueError, r"weights\[0\] must have shape \(n_1, 4\)"),
    ({"X": np.ones((0, 2)), "T": np.ones((0, 1))}, ValueError, r"X must have shape \(N, n_0\).*got \(0, 2\)"),
    ({"X": np.ones((3, 2, 1))}, ValueError, r"X must have shape.*got \(3, 2, 1\)"),
    ({"X": 1.0}, ValueError, r"X must have shape.*got \(\)"),
    ({"T": [[1.0], [0.0]]}, ValueError, r"T must have shape \(3, 1\).*got \(2, 1\)"),
    ({"T": [1.0, 0.0, 1.0]}, ValueError, r"T must have shape \(3, 1\).*got \(3,\)"),
    ({"X": [1.0, 2.0]}, ValueError, r"T must have shape \(1,\).*got \(3, 1\)"),
    ({"X": [[1.0, math.nan]] * 3}, ValueError, "X must be finite"),
    ({"T": [[math.inf]] * 3}, ValueError, "T must be finite"),
    ({"biases": [[1.0, 10**400], [3.0]]}, ValueError, r"biases\[0\] must be finite"),
    ({"weights": [[[1.0, -math.inf], [3.0, 4.0]], [[5.0, 6.0]]]}, ValueError, r"weights\[0\] must be finite"),
    ({"X": [["1", "2"]] * 3}, TypeError, "X must hold real numbers"),
    ({"X": [[1.0, None]] * 3}, TypeError, "X must hold real numbers, got None"),
    ({"X": [[True, Value(1.0)]] * 3}, TypeError, "X must hold real numbers, got True"),
    ({"X": [[1j, 2.0]] * 3}, TypeError, "complex"),
    ({"T": [[True]] * 3}, TypeError, "bool"),
    ({"activations": "swish"}, ValueError, "activations must be one of identity, .*got 'swish'"),
    ({"activations": ["tanh", "softmax"]}, ValueError, r"activations\[1\] must be one of .*got 'softmax'"),
    ({"activations": ["tanh"]}, ValueError, "one for each of the 2 layers; got 1"),
    ({"activations": [math.tanh, "tanh"]}, TypeError, r"activations\[0\] must be a name"),
    ({"activations": math.tanh}, TypeError, "a name or a list of names"),
    ({"loss": "mae"}, ValueError, "loss must be one of half_squared_error, .*got 'mae'"),
    ({"loss": None}, TypeError, "loss must be a name"),
    ({"l2": -0.1}, ValueError, "l2 must be finite and not negative, got -0.1"),
    ({"l2": math.nan}, ValueError, "l2"),
    ({"l2": math.inf}, ValueError, "l2"),
    ({"l2": "0.1"}, TypeError, "l2 must be a real number"),
    ({"l2": True}, TypeError, "l2 must be a real number"),
    ({"loss": "hinge_loss"}, ValueError, r"-1 or \+1.*2 \* T - 1"),
    ({"loss": "cross_entropy"}, ValueError, "probability vector.*one-hot"),
    ({"loss": "binary_cross_entropy_with_logits", "T": [[2.0]] * 3}, ValueError, "targets between 0 and 1"),
    ({"loss": "binary_cross_entropy", "T": [[-1.0]] * 3}, ValueError, "targets between 0 and 1"),
    ({"loss": "binary_cross_entropy", "activations": "identity"}, ValueError, "outputs between 0 and 1.*with_logits"),
    ({"X": [[1e308, 1e308]] * 3, "activations": "identity"}, OverflowError, "z1 exceeds the range"),
    ({"T": [[1e200]] * 3}, OverflowError, "the loss of batch 1 exceeds the range"),
]


@pytest.mark.parametrize(("change", "exception", "message"), BAD)
def test_what_cannot_be_computed_is_refused_with_the_reason(change, exception, message):
    arguments = {**GOOD, **change}
    backprop(**GOOD)
    with pytest.raises(exception, match=message):
        backprop(**arguments)


def test_a_target_with_a_negative_entry_is_no_probability_vector():
    with pytest.raises(ValueError, match=r"got entries from -0\.5 up"):
        backprop([np.eye(2)], [[0, 0]], [1, 2], [1.5, -0.5], activations="identity", loss="cross_entropy")


@pytest.mark.parametrize(("a", "t"), [(0.0, 1.0), (1.0, 0.0), (0.0, 0.5), (1.0, 0.5), (-0.5, 0.0), (1.5, 1.0)])
def test_a_binary_cross_entropy_that_is_infinite_or_undefined_is_refused(a, t):
    with pytest.raises(ValueError, match="binary_cross_entropy_with_logits"):
        backprop([[[1]]], [[0]], [a], [t], activations="identity", loss="binary_cross_entropy")
