"""A network of PyTorch or Keras is taken as the reference; stand-ins take the place of what is not installed."""

import sys
import types

import numpy as np
import pytest

from nn import MLP, check_backprop
from tests.test_referee_submissions import gradients

X = np.random.default_rng(0).normal(size=(5, 3))
T = np.random.default_rng(1).normal(size=(5, 2))
LOSS = "half_squared_error"


class Tensor(np.ndarray):
    def detach(self):
        return self

    cpu = detach

    def numpy(self):
        return np.asarray(self)


def tensor(array):
    return np.asarray(array, dtype=np.float32).view(Tensor)


class TorchModule:
    def __init__(self, *parts):
        self.parts = parts

    def children(self):
        return iter(self.parts)

    def modules(self):
        yield self
        for part in self.parts:
            yield from part.modules()

    def parameters(self):
        yield from (module.weight for module in self.modules() if hasattr(module, "weight"))

    def __call__(self, x):
        for part in self.parts:
            x = part(x)
        return x.view(Tensor)


class Linear(TorchModule):
    def __init__(self, n_in, n_out):
        super().__init__()
        rng = np.random.default_rng(n_in)
        self.weight, self.bias = tensor(rng.normal(size=(n_out, n_in))), tensor(rng.normal(size=n_out))

    def __call__(self, x):
        return x @ np.asarray(self.weight).T + np.asarray(self.bias)


class Tanh(TorchModule):
    def __call__(self, x):
        return np.tanh(x)


@pytest.fixture
def torch(monkeypatch):
    module = types.ModuleType("torch")
    module.nn = types.SimpleNamespace(Module=TorchModule)
    module.as_tensor = lambda array, dtype: np.asarray(array, dtype=dtype)
    monkeypatch.setitem(sys.modules, "torch", module)


@pytest.mark.usefixtures("torch")
def test_a_module_of_pytorch_is_a_reference():
    model = TorchModule(Linear(3, 4), Tanh(), Linear(4, 2))
    report = check_backprop(gradients, model, X, T, LOSS)
    assert report.ok, str(report)
    assert "the weights of the TorchModule of torch" in report.understood
    assert "MLP(3, [4, 2]) with tanh, identity" in report.subject
    wrong = check_backprop(lambda *given: gradients(*given, slip=-1.0), model, X, T, LOSS, time_limit=0)
    assert wrong.of("W", 1).kinds == {"sign"}


class Dense:
    def __init__(self, n_in, n_out, activation):
        source = MLP(n_in, [n_out], seed=n_out)
        self.kernel = source.weights[0].T.astype(np.float32)
        self.activation = activation

    def get_weights(self):
        return [self.kernel, np.full(self.kernel.shape[1], 0.25, dtype=np.float32)]

    def __call__(self, x):
        z = x @ self.kernel + 0.25
        return np.tanh(z) if self.activation.__name__ == "tanh" else z


def linear(x):
    return x


class KerasModel:
    def __init__(self, *layers):
        self.layers = layers

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


def test_a_model_of_keras_is_a_reference(monkeypatch):
    module = types.ModuleType("keras")
    module.Model = KerasModel
    monkeypatch.setitem(sys.modules, "keras", module)
    tanh = types.SimpleNamespace(__name__="tanh")
    report = check_backprop(gradients, KerasModel(Dense(3, 4, tanh), Dense(4, 2, linear)), X, T, LOSS)
    assert report.ok, str(report)
    assert "the weights of the KerasModel of keras" in report.understood


def test_what_is_no_chain_of_layers_is_refused(monkeypatch):
    class Twice(KerasModel):
        def __call__(self, x):
            return 2 * super().__call__(x)

    module = types.ModuleType("keras")
    module.Model = KerasModel
    monkeypatch.setitem(sys.modules, "keras", module)
    tanh = types.SimpleNamespace(__name__="tanh")
    layers = Dense(3, 4, tanh), Dense(4, 2, linear)
    with pytest.raises(TypeError, match=r"Twice of keras is not a chain of dense layers, .* but has other outputs"):
        check_backprop(gradients, Twice(*layers), X, T, LOSS)
    with pytest.raises(TypeError, match=r"is not a chain .*: list index out of range.* or write it with Values"):
        check_backprop(gradients, KerasModel(types.SimpleNamespace(get_weights=list), *layers), X, T, LOSS)
