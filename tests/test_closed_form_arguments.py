"""What the closed form takes and refuses: nothing is changed, and every refusal says why."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from autograd import Value
from nn.closed_form import backprop
from tests.matrix_networks import (
    problem,
)


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


def two_layers(w2, x):
    W, b, X, T = [[[0.0]], [[w2]]], [[0.0], [0.0]], [[x]] * 2, [[1.0]] * 2
    return backprop(W, b, X, T, activations=["tanh", "identity"], loss="hinge_loss")


def test_a_derivative_that_overflows_is_named():
    assert two_layers(1e307, 0.0).db[0].tolist() == [-1e307]
    with pytest.raises(OverflowError, match=r"^db1 exceeds the range of a float"):
        two_layers(1e308, 0.0)
    with pytest.raises(OverflowError, match=r"^dW1 exceeds the range of a float"):
        two_layers(1e307, 100.0)
    weights, biases = [[[0.0]], [[1e200]], [[1e200]]], [[0.0]] * 3
    with pytest.raises(OverflowError, match=r"^delta1 exceeds the range of a float"):
        backprop(weights, biases, [[0.0]], [[1.0]], activations="identity", loss="hinge_loss")
    with pytest.raises(OverflowError, match=r"^the loss of batch 1 exceeds the range of a float"):
        backprop(weights, biases, [[0.0]], [[1.0]], activations="identity", loss="hinge_loss", l2=0.1)
