"""Layers without biases are layers whose biases are zeros that nobody trains."""

import numpy as np
import pytest

import autograd
import nn
from nn import closed_form
from nn.train.evaluation import eager_gradient

RNG = np.random.default_rng(0)
X, T = RNG.normal(size=(12, 3)), nn.one_hot(RNG.integers(0, 2, 12), 2)


def network(bias=False):
    return nn.MLP(3, [4, 2], bias=bias, seed=0)


def test_the_parameters_are_the_weights():
    model = network()
    assert list(model.state_dict()) == ["W1", "W2"]
    assert len(model.parameters()) == 20
    assert list(network([True, False]).state_dict()) == ["W1", "b1", "W2"]
    assert [b.tolist() for b in model.biases] == [[0.0] * 4, [0.0] * 2]
    assert not any(label.startswith("b") for label in (leaf.label for leaf in model.parameters()))


def test_outputs_are_those_with_biases_of_zero():
    with_zeros = network(True)
    np.testing.assert_array_equal(network().predict(X), with_zeros.predict(X))
    assert [v.data for v in network()(X[0])] == [v.data for v in with_zeros(X[0])]


@pytest.mark.parametrize("engine", ["compiled", "eager", "closed_form"])
@pytest.mark.parametrize("bias", [False, [True, False]])
def test_training_moves_the_weights_along_the_closed_form(engine, bias):
    model = network(bias)
    expected = closed_form.backprop(
        model.weights, model.biases, X, T, activations=model.activations, loss="cross_entropy", l2=0.1
    )
    before = model.state_dict()
    sgd = nn.SGD(model.parameters(), learning_rate=0.5)
    nn.fit(model, X, T, loss="cross_entropy", optimizer=sgd, epochs=1, batch_size=12, seed=0, l2=0.1, engine=engine)
    for l, (dW, db) in enumerate(zip(expected.dW, expected.db, strict=True), start=1):
        np.testing.assert_allclose(model.state_dict()[f"W{l}"], before[f"W{l}"] - 0.5 * dW, rtol=0, atol=1e-14)
        if f"b{l}" in before:
            np.testing.assert_allclose(model.state_dict()[f"b{l}"], before[f"b{l}"] - 0.5 * db, rtol=0, atol=1e-14)


def test_the_equations_have_no_biases():
    model = network()
    program = autograd.compile(lambda x, t: nn.cross_entropy(model(x), t), parameters=model)
    program.value(x=X, t=T)
    lines = [line.strip() for line in program.equations().splitlines()]
    assert "z¹ = W¹a⁰" in lines
    assert not any("b" in line.partition("=")[0] for line in lines if "∂C/∂" in line)


def test_biases_that_are_not_there_can_be_assigned_zeros_only():
    model = network([True, False])
    model.biases = [[1.0, 2.0, 3.0, 4.0], [0.0, 0.0]]
    assert model.biases[0].tolist() == [1.0, 2.0, 3.0, 4.0]
    with pytest.raises(ValueError, match="layer 2 has no biases"):
        model.biases = [[0.0] * 4, [0.0, 1.0]]
    assert model.biases[0].tolist() == [1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize("bias", [False, [True, False], [False, True]])
def test_a_file_and_pytorch_keep_it(bias, tmp_path):
    model = network(bias)
    nn.save(model, tmp_path / "m.npz")
    loaded = nn.load(tmp_path / "m.npz")
    again = nn.from_torch_state_dict(nn.to_torch_state_dict(model))
    for other in (loaded, again):
        assert list(other.state_dict()) == list(model.state_dict())
        assert all(np.array_equal(a, b) for a, b in zip(other.weights, model.weights, strict=True))


def test_gradients_agree_and_the_referee_takes_it():
    model = network()
    rows = nn.gradient_agreement(model, X, T, loss="cross_entropy")
    assert [row.name for row in rows] == ["W1", "W2"]
    assert all(row.equals_closed_form and row.equals_differences for row in rows)
    eager_gradient(model, nn.cross_entropy, model.parameters())({"x": X, "t": T})

    def mine(weights, biases, X, T):
        found = closed_form.backprop(weights, biases, X, T, activations=["tanh", "identity"], loss="cross_entropy")
        return found.dW, found.db, found.delta

    assert nn.check_backprop(mine, model, X, T, "cross_entropy").ok


@pytest.mark.parametrize(("bias", "error"), [("no", TypeError), ([1, 0], TypeError), ([False], ValueError)])
def test_what_does_not_say_whether_is_an_error(bias, error):
    with pytest.raises(error, match="bias"):
        network(bias)


def test_neurons_and_layers_have_it_too():
    neuron = nn.Neuron(2, bias=False, init="zeros")
    assert neuron.b is None
    assert len(neuron.parameters()) == 2
    assert neuron([1.0, 2.0]).data == 0.0
    assert list(nn.Layer(2, 3, bias=False).state_dict()) == ["W"]
