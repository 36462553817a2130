"""What a trained network says: outputs, probabilities of classes, and how often or how well it is right.

A network does not know the loss it was trained with, so the activation of its last layer says what its outputs are:
`sigmoid` outputs are probabilities, `identity` outputs are logits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

import autograd
from autograd import DomainError, Value, affine, vector

from ..arguments import FloatArray, float_array, float_rows
from ..loss.classes import Classes, positions
from ..loss.metrics import r2
from ..rows import Rows
from .layers import Layer, inputs_of
from .module import data_of

__all__ = ["applied", "classes", "outputs", "probabilities", "score"]


def outputs(layers: Sequence[Layer], X: ArrayLike) -> FloatArray:
    """Return the activations of the last layer, shape (N, n_out), for inputs of shape (N, n_in).

    Raises:
        TypeError: If X does not hold real numbers.
        ValueError: If it has not one row of n_in finite numbers per example.
        DomainError: If a number on the way exceeds the floats.
    """
    arrays = [layer.parameter_arrays() for layer in layers]
    rows = Rows("X", X)
    weights = [(data_of(of["W"]), data_of(of["b"]) if "b" in of else None) for of in arrays]
    return np.concatenate([_responses(layers, weights, block, start) for start, block in rows.blocks()])


def applied(layers: Sequence[Layer], parameters: Mapping[str, Any] | Sequence[Any], x: Any) -> Any:
    """Return the outputs of layers with other parameters in them; `MLP.apply` says how.

    Raises:
        TypeError: If something is neither a number nor a Value, or many examples come with Values.
        ValueError: If a name is missing or unknown, a shape differs, or a number is not finite.
        DomainError: If a number on the way exceeds the floats.
    """
    arrays = _parameters(layers, parameters)
    values = any(isinstance(held, Value) for of in arrays for array in of for held in np.ravel(array))
    if np.ndim(x) == 2:
        if values or np.asarray(x).dtype == object:
            raise TypeError("apply takes one example at a time where parameters or inputs are Values")
        weights = [(np.asarray(W, dtype=float), None if not b else np.asarray(b[0], dtype=float)) for W, *b in arrays]
        return _responses(layers, weights, float_rows("x", x), 0)
    a: Any = inputs_of("this MLP", x, layers[0].n_in)
    for layer, (W, *b) in zip(layers, arrays, strict=True):
        z = [affine(row, a, *bias) for row, *bias in zip(W, *b, strict=True)]
        y = z if layer.activation.op is None else [layer.activation.op(z_j) for z_j in z]
        a = vector(y)
    return y


def _parameters(layers: Sequence[Layer], given: Mapping[str, Any] | Sequence[Any]) -> list[list[Any]]:
    """Return the array W and, where there is one, b for each layer."""
    shapes = [
        (f"{kind}{l}", array.shape)
        for l, layer in enumerate(layers, start=1)
        for kind, array in layer.parameter_arrays().items()
    ]
    if not isinstance(given, Mapping):
        flat, count = np.asarray(given), sum(math.prod(shape) for _, shape in shapes)
        if flat.shape != (count,):
            raise ValueError(f"this MLP has {count} parameters, got an array of shape {flat.shape}")
        cuts = np.cumsum([math.prod(shape) for _, shape in shapes])[:-1]
        given = {name: part.reshape(shape) for (name, shape), part in zip(shapes, np.split(flat, cuts), strict=True)}
    unknown = [str(name) for name in given if name not in dict(shapes)]
    missing = [name for name, _ in shapes if name not in given]
    if unknown or missing:
        raise ValueError(
            f"these are not the parameters of this MLP: missing {', '.join(missing) or 'nothing'}; unknown "
            f"{', '.join(unknown) or 'nothing'}"
        )
    found: dict[str, Any] = {}
    for name, shape in shapes:
        array = np.asarray(given[name])
        found[name] = array if array.dtype == object else float_array(name, array, shape)
        if array.shape != shape:
            raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
    return [[found[f"{kind}{l}"] for kind in layer.parameter_arrays()] for l, layer in enumerate(layers, start=1)]


def _responses(
    layers: Sequence[Layer], weights: Sequence[tuple[FloatArray, FloatArray | None]], a: FloatArray, start: int
) -> FloatArray:
    if a.shape[1] != layers[0].n_in:
        raise ValueError(f"this MLP takes {layers[0].n_in} inputs, got rows of {a.shape[1]}")
    for number, (layer, (W, b)) in enumerate(zip(layers, weights, strict=True), start=1):
        with np.errstate(all="ignore"):
            a = a @ W.T if b is None else a @ W.T + b
        if not np.isfinite(a).all():
            n, j = (int(k) for k in np.argwhere(~np.isfinite(a))[0])
            raise DomainError(f"z{number}[{j}] has no finite result (overflow) at row {start + n} of X")
        if layer.activation.op is not None:
            a = layer.activation.op(a)
    return a


def classes(layers: Sequence[Layer], X: ArrayLike) -> NDArray[np.int64]:
    """Return the number of the class of each example, shape (N,)."""
    return _classes(layers, outputs(layers, X))


def probabilities(layers: Sequence[Layer], X: ArrayLike) -> FloatArray:
    """Return the probability of each class, shape (N, n_classes); `MLP.predict_proba` says how.

    Raises:
        ValueError: If the last activation is neither identity nor sigmoid; and as `outputs` does.
    """
    kind = layers[-1].activation.name
    if kind not in ("identity", "sigmoid"):
        raise ValueError(
            f"outputs of {kind} are no probabilities: predict_proba needs 'identity' (logits) or 'sigmoid' as the "
            "activation of the last layer"
        )
    y = outputs(layers, X)
    if y.shape[1] == 1:
        p: FloatArray = autograd.sigmoid(y) if kind == "identity" else y
        return np.hstack([1.0 - p, p])
    if kind == "sigmoid":
        return y
    e = np.exp(y - y.max(axis=1, keepdims=True))
    softmax: FloatArray = e / e.sum(axis=1, keepdims=True)
    return softmax


def score(layers: Sequence[Layer], X: ArrayLike, T: ArrayLike, labels: Classes | None = None) -> float:
    """Return the share of right classes, or R² where the targets are not classes.

    Raises:
        TypeError: If X or T does not hold real numbers, or T of one dimension something else than whole numbers.
        ValueError: If the shapes do not fit, a class does not exist, or R² is not defined.
    """
    y = outputs(layers, X)
    targets = np.asarray(T)
    if len(targets.shape) == 0 or len(targets) != len(y):
        raise ValueError(f"X and T must have as many rows, got {len(y)} and T of shape {targets.shape}")
    if targets.ndim == 1 and labels is not None:
        return float((_classes(layers, y) == positions("T", targets, labels)).mean())
    if targets.ndim == 1:
        if targets.dtype.kind not in "iu":
            raise TypeError(
                f"T of one dimension must hold classes, which are whole numbers, got an array of {targets.dtype}; "
                "T[:, None] makes targets of a single output"
            )
        n_classes = max(y.shape[1], 2)
        if targets.min() < 0 or targets.max() >= n_classes:
            raise ValueError(f"classes must lie between 0 and {n_classes - 1}, got {targets.min()} to {targets.max()}")
        return float((_classes(layers, y) == targets).mean())
    rows = float_array("T", T, y.shape)
    if y.shape[1] > 1 and np.isin(rows, [0.0, 1.0]).all() and (rows.sum(axis=1) == 1.0).all():
        return float((y.argmax(axis=1) == rows.argmax(axis=1)).mean())
    return r2(y, rows)


def _classes(layers: Sequence[Layer], y: FloatArray) -> NDArray[np.int64]:
    if y.shape[1] > 1:
        largest: NDArray[np.int64] = y.argmax(axis=1)
        return largest
    return (y[:, 0] > (0.5 if layers[-1].activation.name == "sigmoid" else 0.0)).astype(np.int64)
