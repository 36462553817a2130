"""What a trained network says: outputs, probabilities of classes, and how often or how well it is right.

A network does not know the loss it was trained with, so the activation of its last layer says what its outputs are:
`sigmoid` outputs are probabilities, `identity` outputs are logits.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

import autograd
from autograd import DomainError

from ..arguments import FloatArray, float_array, float_rows
from ..loss.metrics import r2
from .layers import Layer
from .module import data_of

__all__ = ["outputs", "probabilities", "score"]


def outputs(layers: tuple[Layer, ...], X: ArrayLike) -> FloatArray:
    """Return the activations of the last layer, shape (N, n_out), for inputs of shape (N, n_in).

    Raises:
        TypeError: If X does not hold real numbers.
        ValueError: If it has not one row of n_in finite numbers per example.
        DomainError: If a number on the way exceeds the floats.
    """
    a = float_rows("X", X)
    if a.shape[1] != layers[0].n_in:
        raise ValueError(f"this MLP takes {layers[0].n_in} inputs, got rows of {a.shape[1]}")
    for number, layer in enumerate(layers, start=1):
        arrays = layer.parameter_arrays()
        with np.errstate(all="ignore"):
            a = a @ data_of(arrays["W"]).T + data_of(arrays["b"])
        if not np.isfinite(a).all():
            n, j = (int(k) for k in np.argwhere(~np.isfinite(a))[0])
            raise DomainError(f"z{number}[{j}] has no finite result (overflow) at row {n} of X")
        if layer.activation.op is not None:
            a = layer.activation.op(a)
    return a


def probabilities(layers: tuple[Layer, ...], X: ArrayLike) -> FloatArray:
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


def score(layers: tuple[Layer, ...], X: ArrayLike, T: ArrayLike) -> float:
    """Return the share of right classes, or R² where the targets are not classes.

    Raises:
        TypeError: If X or T does not hold real numbers, or T of one dimension something else than whole numbers.
        ValueError: If the shapes do not fit, a class does not exist, or R² is not defined.
    """
    y = outputs(layers, X)
    targets = np.asarray(T)
    if len(targets.shape) == 0 or len(targets) != len(y):
        raise ValueError(f"X and T must have as many rows, got {len(y)} and T of shape {targets.shape}")
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


def _classes(layers: tuple[Layer, ...], y: FloatArray) -> NDArray[np.int64]:
    if y.shape[1] > 1:
        largest: NDArray[np.int64] = y.argmax(axis=1)
        return largest
    return (y[:, 0] > (0.5 if layers[-1].activation.name == "sigmoid" else 0.0)).astype(np.int64)
