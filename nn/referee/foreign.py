"""Chains of layers of PyTorch and Keras as a reference: weights and activations in an MLP that gives the same outputs.

Neither library is imported: a model that is handed in brings its own.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from ..arguments import FloatArray
from ..model.activations import ACTIVATIONS
from ..model.mlp import MLP
from .torch_network import TorchNetwork

__all__ = ["as_mlp"]

UNCHANGED = ("Dropout", "Flatten", "Identity")  # of rows, once they are evaluated
CLOSE = 1e-4  # of outputs in single precision

Step = tuple[Any, Any, str]
"""Weights (out, in), bias or None, and activation."""


def as_mlp(model: Any, X: Any) -> tuple[Any, str]:
    """Return the MLP that is the same function as a chain of layers of PyTorch or Keras, and where it is from.

    Another network of PyTorch becomes a `TorchNetwork`. Anything else is returned as it is.

    Args:
        model: Anything.
        X: Inputs, one row an example, on which both must give the same outputs.

    Raises:
        TypeError: If it is a model of Keras and no such chain, or one of PyTorch without parameters.
    """
    library = next((name for name in ("torch", "keras") if _is_of(model, name)), "")
    if not library:
        return model, ""
    why = ", but has other outputs"
    try:
        steps = _of_torch(model) if library == "torch" else _of_keras(model)
        found = _mlp(steps)
        rows = np.atleast_2d(np.asarray(X, dtype=float))
        outputs = _outputs(model, rows, library)
        if np.allclose(found.predict(rows), outputs, rtol=CLOSE, atol=CLOSE):
            return found, f"the weights of the {type(model).__name__} of {library}"
    except (AttributeError, RuntimeError, TypeError, ValueError, IndexError) as error:
        why = f": {error}"
    if library == "torch":
        network = TorchNetwork(model)
        return network, f"the parameters of the {network.name} of torch, {', '.join(network.parameters)}"
    raise TypeError(
        f"the {type(model).__name__} of {library} is not a chain of dense layers, each followed by one of "
        f"{', '.join(ACTIVATIONS)}, in the order in which they are kept{why}. Build the network with nn.MLP and set "
        "its weights and biases, or write it with Values"
    )


def _is_of(model: Any, library: str) -> bool:
    loaded = sys.modules.get(library)
    kind = (
        getattr(getattr(loaded, "nn", None), "Module", None) if library == "torch" else getattr(loaded, "Model", None)
    )
    return isinstance(kind, type) and isinstance(model, kind)


def _of_torch(model: Any) -> list[Step]:
    steps: list[Step] = []
    for module in model.modules():
        if any(True for _ in module.children()):
            continue
        if hasattr(module, "weight"):
            bias = None if module.bias is None else module.bias.detach().cpu().numpy()
            steps.append((module.weight.detach().cpu().numpy(), bias, "identity"))
        elif type(module).__name__ not in UNCHANGED:
            steps[-1] = (*steps[-1][:2], _plain(type(module).__name__))
    return steps


def _of_keras(model: Any) -> list[Step]:
    steps: list[Step] = []
    for layer in model.layers:
        arrays = [np.asarray(array) for array in layer.get_weights()]
        activation = getattr(getattr(layer, "activation", None), "__name__", type(layer).__name__)
        if arrays:
            steps.append((arrays[0].T, arrays[1] if len(arrays) > 1 else None, _plain(activation)))
        elif type(layer).__name__ != "InputLayer":
            steps[-1] = (*steps[-1][:2], _plain(activation))
    return steps


def _plain(name: str) -> str:
    """Return the activation of another library's name: "LeakyReLU", "linear"."""
    letters = name.lower().replace("_", "")
    same = {"linear": "identity", "swish": "silu"}.get(letters, letters)
    return next((ours for ours in ACTIVATIONS if ours.replace("_", "") == same), name)


def _mlp(steps: list[Step]) -> MLP:
    weights = [np.asarray(W, dtype=float) for W, _, _ in steps]
    has_bias = [b is not None for _, b, _ in steps]
    model = MLP(weights[0].shape[1], [len(W) for W in weights], [name for *_, name in steps], bias=has_bias, seed=0)
    model.weights = weights
    model.biases = [
        np.zeros(len(W)) if b is None else np.asarray(b, dtype=float)
        for W, (_, b, _) in zip(weights, steps, strict=True)
    ]
    return model


def _outputs(model: Any, rows: FloatArray, library: str) -> FloatArray:
    if library == "keras":
        return np.asarray(model(rows), dtype=float)
    torch = sys.modules["torch"]
    kind = next(model.parameters()).dtype
    return np.asarray(model(torch.as_tensor(rows, dtype=kind)).detach().cpu().numpy(), dtype=float)
