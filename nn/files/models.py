"""Models as files, and as the state of a PyTorch module.

`nn.files.storage` describes the file. A model's header content is its architecture ("MLP"), the number of inputs, the
number of neurons and the activation of each layer, and notes of your own; the arrays are W1, b1, W2, b2, …. Where they
are not the usual ones it also holds: which layers have biases, the rates of dropout, and the classes of the outputs.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from autograd import Op
from autograd.files import FilePath

from ..arguments import FloatArray, float_array
from ..model.activations import ACTIVATIONS
from ..model.mlp import MLP
from .safetensors import read_with_metadata, save_safetensors
from .storage import FORMAT, MAX_BYTES, ModelFileError, Stored, plain_text, read, write

__all__ = ["from_torch_state_dict", "load", "load_with_notes", "save", "to_torch_state_dict"]

SAFETENSORS = ".safetensors"
"""The suffix that asks for this format."""


def save(model: MLP, path: FilePath, *, notes: Mapping[str, Any] | None = None) -> None:
    """Write a model to a file, atomically: the path holds the old file or the new one, whatever happens.

    Args:
        model: The network.
        path: Where to; `.npz` is a good suffix. `.safetensors` asks for that format, which other libraries read.
        notes: Plain data to keep beside it: strings, numbers, lists and dicts with string keys.

    Raises:
        TypeError: If `model` is no MLP, or the notes are not plain data.
        ValueError: If an activation is an operation of your own, which a file cannot hold, or the file would be too
            large.
        OSError: If it cannot be written.
    """
    if not isinstance(model, MLP):
        raise TypeError(f"save takes an nn.MLP, got {type(model).__name__}; numpy.savez keeps any state_dict")
    for layer in model.layers:
        known = ACTIVATIONS.get(layer.activation.name)
        if known is None or known.op is not layer.activation.op:
            raise ValueError(f"a file holds activations by name, and {layer.activation.name!r} is one of your own")
    content = {
        "architecture": "MLP",
        "n_in": model.n_in,
        "n_outs": [layer.n_out for layer in model.layers],
        "activations": list(model.activations),
        "notes": dict(notes or {}),
        **_unusual(model),
    }
    if Path(path).suffix == SAFETENSORS:
        save_safetensors(model.state_dict(), path, metadata={FORMAT: plain_text(content)})
    else:
        write(path, "model", Stored(content, model.state_dict()))


def load(path: FilePath, *, max_bytes: int = MAX_BYTES) -> MLP:
    """Return the model in a file that `save` wrote, after everything in the file has been checked.

    Args:
        path: The file.
        max_bytes: The largest file to read; 64 MiB unless given.

    Raises:
        ModelFileError: If the file is damaged, too large, or not the file of a model; it says what and where.
        OSError: If it cannot be read.
    """
    return load_with_notes(path, max_bytes=max_bytes)[0]


def load_with_notes(path: FilePath, *, max_bytes: int = MAX_BYTES) -> tuple[MLP, dict[str, Any]]:
    """Return the model in a file and the notes beside it, after everything in the file has been checked.

    Takes what `load` does.

    Raises:
        ModelFileError: If the file is damaged, too large, or not the file of a model; it says what and where.
        OSError: If it cannot be read.
    """
    if Path(path).suffix == SAFETENSORS:
        content, arrays = _from_safetensors(path, max_bytes)
    else:
        content, arrays = read(path, "model", max_bytes=max_bytes)
    problem = _problem(content, {name: array.shape for name, array in arrays.items()})
    if problem:
        raise ModelFileError(f"{path}: {problem}")
    model = MLP(
        content["n_in"],
        content["n_outs"],
        activation=content["activations"],
        bias=content.get("bias", True),
        dropout=content.get("dropout", 0.0),
        init="zeros",
        seed=0,
    )
    model.load_state_dict(arrays)
    model.classes = tuple(content["classes"]) if "classes" in content else None
    return model, content["notes"]


def _unusual(model: MLP) -> dict[str, Any]:
    """Return what a network has that most have not: plain data."""
    bias = [layer.has_bias for layer in model.layers]
    found: dict[str, Any] = {} if all(bias) else {"bias": bias}
    if any(model.dropout):
        found["dropout"] = list(model.dropout)
    if model.classes is not None:
        found["classes"] = list(model.classes)
    return found


def _from_safetensors(path: FilePath, max_bytes: int) -> tuple[dict[str, Any], dict[str, FloatArray]]:
    arrays, metadata = read_with_metadata(path, max_bytes=max_bytes)
    try:
        content = json.loads(metadata.get(FORMAT, ""))
    except (ValueError, RecursionError):
        raise ModelFileError(
            f"{path} does not say which network its arrays are of: nn.load_safetensors reads arrays of other libraries"
        ) from None
    order = sorted(arrays, key=lambda name: (name[1:].zfill(9), name))  # W1, b1, W2, …: writers may sort by name
    return content if isinstance(content, dict) else {}, {name: arrays[name] for name in order}


def _problem(content: dict[str, Any], shapes: dict[str, tuple[int, ...]]) -> str:
    """Return what is wrong with the description of a network, or nothing."""
    usual = {"architecture", "n_in", "n_outs", "activations", "notes"}
    if set(content) - {"bias", "dropout", "classes"} != usual or content["architecture"] != "MLP":
        return "the header describes no network that this program knows"
    sizes = [content["n_in"], *content["n_outs"]] if isinstance(content["n_outs"], list) else []
    if len(sizes) < 2 or any(type(n) is not int or n < 1 for n in sizes):
        return f"the header gives {content['n_in']!r} inputs and {content['n_outs']!r} neurons"
    activations = content["activations"]
    if not isinstance(activations, list) or len(activations) != len(sizes) - 1:
        return f"the header gives {activations!r} as activations of {len(sizes) - 1} layers"
    for name in activations:
        if not isinstance(name, str) or name not in ACTIVATIONS:
            return f"the header names the activation {name!r}, which is not known"
    if not isinstance(content["notes"], dict):
        return "the header has no notes"
    problem = _problem_with_the_unusual(content, sizes)
    if problem:
        return problem
    expected: dict[str, tuple[int, ...]] = {}
    bias = content.get("bias", [True] * len(activations))
    for l, (n_in, n_out) in enumerate(itertools.pairwise(sizes), start=1):
        expected |= {f"W{l}": (n_out, n_in), **({f"b{l}": (n_out,)} if bias[l - 1] else {})}
    if list(expected.items()) != list(shapes.items()):
        return f"the header promises the arrays {expected}, the file holds {shapes}"
    return ""


def _problem_with_the_unusual(content: dict[str, Any], sizes: list[int]) -> str:
    """Return what is wrong with the description of what most networks have not, or nothing."""
    n_layers, n_classes = len(sizes) - 1, max(sizes[-1], 2)
    bias: Any = content.get("bias")
    dropout: Any = content.get("dropout")
    classes: Any = content.get("classes")
    if "bias" in content and (not _is_list(bias, n_layers, bool) or all(bias)):
        return f"the header says of biases {bias!r}"
    if "dropout" in content:
        rates = _is_list(dropout, n_layers, float) and all(0.0 <= rate < 1.0 for rate in dropout)
        if not (rates and any(dropout) and dropout[-1] == 0.0):
            return f"the header says of dropout {dropout!r}"
    if "classes" in content:
        kinds = {type(label) for label in classes} if isinstance(classes, list) else set()
        if len(kinds) != 1 or not _is_list(classes, n_classes, *kinds & {int, str, bool}):
            return f"the header gives the classes {classes!r}"
        if len(set(classes)) != n_classes:
            return f"the header gives a class twice: {classes!r}"
    return ""


def _is_list(given: Any, length: int, *kinds: type) -> bool:
    return isinstance(given, list) and len(given) == length and all(type(item) in kinds for item in given)


def to_torch_state_dict(model: MLP) -> dict[str, FloatArray]:
    """Return weights and biases under the names and in the shapes of a `torch.nn.Sequential`.

    The Sequential is one of `Linear` layers, each followed by the module of its activation; identity has none. So a
    network with tanh between two layers has the names `0.weight`, `0.bias`, `2.weight`, `2.bias`.

    Raises:
        TypeError: If `model` is no MLP.

    Example:
        With PyTorch at hand, in double precision:

            net = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1)).double()
            net.load_state_dict({name: torch.from_numpy(a) for name, a in nn.to_torch_state_dict(model).items()})

        >>> sorted(to_torch_state_dict(MLP(2, [3, 1], seed=0)))
        ['0.bias', '0.weight', '2.bias', '2.weight']
    """
    if not isinstance(model, MLP):
        raise TypeError(f"to_torch_state_dict takes an nn.MLP, got {type(model).__name__}")
    state, position = {}, 0
    for layer, W, b in zip(model.layers, model.weights, model.biases, strict=True):
        state[f"{position}.weight"] = W.copy()
        if layer.has_bias:
            state[f"{position}.bias"] = b.copy()
        position += 1 if layer.activation.name == "identity" else 2
    return state


def from_torch_state_dict(
    state: Mapping[str, ArrayLike],
    activation: str | Op | list[str | Op] = "tanh",
    output_activation: str | Op | None = None,
) -> MLP:
    """Return the network with the weights of a `torch.nn.Sequential` of Linear layers.

    A state holds no activations, so they are given as for `MLP`. PyTorch's `relu`, `tanh`, `sigmoid`, `elu`, `silu`,
    `softplus` and `gelu` with their defaults are those of the same name here; so is `leaky_relu`.

    Args:
        state: The `state_dict()`: `0.weight`, `0.bias`, …, as tensors on the CPU or arrays.
        activation: The activation of the hidden layers, or a list of one for every layer.
        output_activation: The activation of the last layer, identity unless given.

    Raises:
        TypeError: If `state` is not a mapping of names to arrays of numbers.
        ValueError: If a name is not that of a Linear layer, shapes do not follow each other or a number is not finite.
    """
    if not isinstance(state, Mapping):
        raise TypeError(f"from_torch_state_dict needs a mapping of names to arrays, got {type(state).__name__}")
    weights: list[FloatArray] = []
    biases: list[FloatArray | None] = []
    for position in _positions(state):
        W = float_array(f"{position}.weight", _array(state[f"{position}.weight"]))
        if W.ndim != 2 or W.size == 0 or (weights and W.shape[1] != len(weights[-1])):
            before = f"{len(weights[-1])} outputs of the layer before" if weights else "at least one input"
            raise ValueError(f"{position}.weight must have two dimensions and take {before}, got shape {W.shape}")
        weights.append(W)
        bias = f"{position}.bias"
        biases.append(float_array(bias, _array(state[bias]), (len(W),)) if bias in state else None)
    model = MLP(
        weights[0].shape[1],
        [len(W) for W in weights],
        activation,
        output_activation,
        bias=[b is not None for b in biases],
        init="zeros",
        seed=0,
    )
    model.weights = tuple(weights)
    model.biases = tuple(np.zeros(len(W)) if b is None else b for W, b in zip(weights, biases, strict=True))
    return model


def _positions(state: Iterable[str]) -> list[int]:
    """Return the positions of the Linear layers in a Sequential, in order."""
    names = set(state)
    positions = sorted({int(name.split(".")[0]) for name in names if str(name).split(".")[0].isdecimal()})
    weights = {f"{position}.weight" for position in positions}
    if not positions or not weights <= names or names - weights - {f"{position}.bias" for position in positions}:
        raise ValueError(
            "a Sequential of Linear layers has the names 0.weight, 0.bias and so on, got "
            f"{', '.join(sorted(map(str, names))) or 'none'}"
        )
    return positions


def _array(tensor: Any) -> Any:
    return np.asarray(tensor.detach().cpu() if hasattr(tensor, "detach") else tensor)
