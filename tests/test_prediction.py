"""Predictions are the outputs of the scalars; probabilities and scores follow from them."""

import math

import numpy as np
import pytest

import nn
from autograd import DomainError, Value
from nn.model.activations import ACTIVATIONS

X = np.random.default_rng(0).normal(size=(20, 3))

# A matrix product may add in another order than the scalars: some units in the last place of terms of size 1.
ROUNDING = 1e-14


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_predictions_are_the_outputs_of_the_scalars(activation):
    model = nn.MLP(3, [5, 2], activation, activation, seed=0)
    scalars = [[y.data for y in model(x)] for x in X]
    np.testing.assert_allclose(model.predict(X), scalars, rtol=ROUNDING, atol=ROUNDING)


def test_probabilities_of_several_logits_are_their_softmax():
    model = nn.MLP(3, [4], seed=0)
    exponentials = [[math.exp(y.data) for y in model(x)] for x in X]
    expected = [[e / math.fsum(row) for e in row] for row in exponentials]
    np.testing.assert_allclose(model.predict_proba(X), expected, rtol=1e-13)


def test_probabilities_of_one_logit_are_those_of_both_classes():
    model = nn.MLP(3, [1], seed=0)
    expected = [1 / (1 + math.exp(-model(x)[0].data)) for x in X]
    np.testing.assert_allclose(model.predict_proba(X), [[1 - p, p] for p in expected], rtol=1e-13)
    sigmoid = nn.MLP(3, [1], "sigmoid", "sigmoid", seed=0)
    np.testing.assert_allclose(sigmoid.predict_proba(X)[:, 1], sigmoid.predict(X)[:, 0], rtol=0)


def test_sigmoid_outputs_are_probabilities_as_they_are():
    model = nn.MLP(3, [2], "tanh", "sigmoid", seed=0)
    np.testing.assert_array_equal(model.predict_proba(X), model.predict(X))


def test_probabilities_of_large_logits_do_not_overflow():
    model = nn.MLP(1, [2], seed=0)
    model.weights = [[[1000.0], [-1000.0]]]
    assert model.predict_proba([[1.0], [-1.0]]).tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_the_score_of_classes_is_the_share_of_right_ones():
    model = nn.MLP(3, [4], seed=0)
    classes = model.predict(X).argmax(axis=1)
    classes[:5] = (classes[:5] + 1) % 4
    assert model.score(X, classes) == 0.75
    assert model.score(X, nn.one_hot(classes, 4)) == 0.75


@pytest.mark.parametrize(("activation", "middle"), [("identity", 0.0), ("sigmoid", 0.5), ("tanh", 0.0)])
def test_the_score_of_one_output_is_read_at_its_middle(activation, middle):
    model = nn.MLP(3, [1], "tanh", activation, seed=0)
    right = (model.predict(X)[:, 0] > middle).astype(int)
    assert 0 < right.sum() < 20
    assert model.score(X, right) == 1.0
    assert model.score(X, 1 - right) == 0.0


def test_the_score_of_numbers_is_r2():
    model = nn.MLP(3, [2], seed=0)
    T = np.random.default_rng(1).normal(size=(20, 2))
    y = model.predict(X)
    assert model.score(X, T) == pytest.approx(1 - ((y - T) ** 2).sum() / ((T - T.mean(axis=0)) ** 2).sum())
    assert model.score(X, y) == 1.0


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda model: model.predict(X[0]), ValueError, "X must have two dimensions"),
        (lambda model: model.predict(X[:, :2]), ValueError, "this MLP takes 3 inputs, got rows of 2"),
        (lambda model: model.predict([["a", "b", "c"]]), TypeError, "X must hold real numbers"),
        (lambda model: model.predict([[1.0, math.nan, 0.0]]), ValueError, "X must be finite"),
        (lambda model: model.predict([[1e308, 1e308, 1e308]]), DomainError, r"z1\[\d\] has no finite result"),
        (lambda model: model.score(X, [0, 1]), ValueError, "as many rows, got 20"),
        (lambda model: model.score(X, 1), ValueError, "as many rows"),
        (lambda model: model.score(X, [0.5] * 20), TypeError, "must hold classes"),
        (lambda model: model.score(X, [2] * 20), ValueError, "classes must lie between 0 and 1, got 2 to 2"),
        (lambda model: model.score(X, [-1] * 20), ValueError, "classes must lie between 0 and 1"),
        (lambda model: model.score(X, np.zeros((20, 3))), ValueError, r"T must have shape \(20, 2\)"),
        (lambda model: model.score(X, np.zeros((20, 2))), ValueError, "r2 needs targets that differ"),
    ],
)
def test_what_cannot_be_predicted_is_an_error(call, error, message):
    model = nn.MLP(3, [2], seed=0)
    model.weights = [[[1.0, 1.0, 1.0], [0.5, 1.0, 2.0]]]
    with pytest.raises(error, match=message):
        call(model)


def test_outputs_that_are_no_probabilities_are_refused():
    with pytest.raises(ValueError, match="outputs of tanh are no probabilities"):
        nn.MLP(3, [2], "tanh", "tanh", seed=0).predict_proba(X)


# --- the network as a function of its parameters


@pytest.mark.parametrize("bias", [True, [True, False], False])
def test_a_network_applied_to_its_own_parameters_is_itself(bias):
    model = nn.MLP(2, [3, 2], activation="softplus", bias=bias, seed=0)
    X = np.random.default_rng(0).normal(size=(5, 2))
    flat = [leaf.data for leaf in model.parameters()]
    for parameters in (model.state_dict(), flat, np.array(flat)):
        np.testing.assert_array_equal(model.apply(parameters, X), model.predict(X))
        np.testing.assert_allclose(model.apply(parameters, X[0]), model.predict(X)[0], rtol=1e-14)


def test_a_network_is_applied_to_values_and_other_numbers_and_stays_as_it_is():
    model, other = nn.MLP(2, [3, 1], seed=0), nn.MLP(2, [3, 1], seed=1)
    before = model.state_dict()
    leaves = [Value(leaf.data) for leaf in other.parameters()]
    (y,) = model.apply(leaves, [0.5, -1.0])
    (expected,) = other([0.5, -1.0])
    assert y.data == expected.data
    y.backward()
    expected.backward()
    assert [leaf.grad for leaf in leaves] == [leaf.grad for leaf in other.parameters()]
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


@pytest.mark.parametrize(
    ("parameters", "x", "error", "message"),
    [
        ([1.0] * 4, [1.0, 2.0], ValueError, r"3 parameters, got an array of shape \(4,\)"),
        ({"W1": [[1.0, 2.0]]}, [1.0, 2.0], ValueError, "missing b1; unknown nothing"),
        ({"W1": [[1.0, 2.0]], "b1": [0.0], "W2": 1}, [1.0, 2.0], ValueError, "unknown W2"),
        ({"W1": [[1.0]], "b1": [0.0]}, [1.0, 2.0], ValueError, r"W1 must have shape \(1, 2\)"),
        ({"W1": [[1.0, np.nan]], "b1": [0.0]}, [1.0, 2.0], ValueError, "W1 must be finite"),
        ({"W1": [["a", "b"]], "b1": [0.0]}, [1.0, 2.0], TypeError, "W1 must hold real numbers"),
        ([1.0] * 3, [1.0], ValueError, "2 inputs, got 1"),
        ([Value(1.0)] * 3, [[1.0, 2.0]], TypeError, "one example at a time"),
        ([1.0] * 3, [[1e308, 1e308]], DomainError, "overflow"),
    ],
)
def test_what_a_network_cannot_be_applied_to_is_an_error(parameters, x, error, message):
    with pytest.raises(error, match=message):
        nn.MLP(2, [1], seed=0).apply(parameters, x)
