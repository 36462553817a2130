"""The closed form against finite differences, mpmath and numbers worked out by hand."""

import math

import mpmath
import numpy as np
import pytest

from nn.closed_form import backprop
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
