"""A network as an ONNX model gives what the network gives, run by onnxruntime in double precision."""

import numpy as np
import pytest

import nn
from autograd import Op
from nn.files.onnx_model import _FORMULAS
from nn.model.activations import ACTIVATIONS

X = np.concatenate([np.linspace(-8.0, 8.0, 41)[:, None] * [1.0, -0.7, 0.3], np.zeros((1, 3)), [[1e-9, -1e-9, 0.0]]])
SAME = 1e-12  # of the largest output: sums in another order, and formulas in double precision


def test_every_activation_has_its_formula():
    assert set(_FORMULAS) == set(ACTIVATIONS)


@pytest.mark.extra
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_runtime_gives_what_the_network_gives(activation, tmp_path):
    onnx = pytest.importorskip("onnx", reason="onnx, of the extra onnx, is not installed")
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime, of the extra onnx, is not installed")
    model = nn.MLP(3, [7, 5, 2], activation=[activation, "tanh", activation], seed=0)
    model.biases = [np.linspace(-2.0, 2.0, b.size) for b in model.biases]
    path = tmp_path / "model.onnx"
    nn.save_onnx(model, path)
    onnx.checker.check_model(onnx.load(path), full_check=True)
    (found,) = runtime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(["Y"], {"X": X})
    assert found.dtype == np.float64
    expected = model.predict(X)
    assert np.abs(found - expected).max() <= SAME * np.abs(expected).max()


def test_what_is_no_network_of_named_activations_is_refused():
    pytest.importorskip("onnx", reason="onnx, of the extra onnx, is not installed")
    own = Op("tanh", forward=abs, partials=(lambda out, x: 1.0,))
    with pytest.raises(ValueError, match="'tanh' is one of your own"):
        nn.to_onnx(nn.MLP(2, [1], activation=[own], seed=0))
    with pytest.raises(TypeError, match=r"takes an nn\.MLP"):
        nn.to_onnx("model")


def test_without_onnx_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(ImportError, match="pip install onnx"):
        nn.to_onnx(nn.MLP(2, [1], seed=0))
