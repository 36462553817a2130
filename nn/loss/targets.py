"""What a target is: what each loss requires of it, one-hot rows, and the class that a row of outputs stands for."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arguments import FloatArray, whole_number

__all__ = ["Decision", "Requirement", "decision", "distribution", "one_hot", "probabilities", "signs"]

Requirement: TypeAlias = Callable[[Sequence[float]], str]
"""Says what a loss needs and what is wrong with a target, or nothing if it is right."""

Decision: TypeAlias = Callable[[FloatArray], NDArray[np.int64]]
"""Gives the class that each row of outputs, or of targets, stands for."""


def one_hot(classes: ArrayLike, n_classes: int) -> FloatArray:
    """Return a row of zeros with a single 1.0, for one class or for each of several.

    Args:
        classes: A class, or N of them, from 0 to n_classes − 1.
        n_classes: The length of a row.

    Returns:
        An array of shape (n_classes,) for one class, (N, n_classes) for N.

    Raises:
        TypeError: If the classes are not whole numbers.
        ValueError: If a class is out of range.

    Example:
        >>> one_hot([1, 0], 3).tolist()
        [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    """
    n_classes = whole_number("n_classes", n_classes)
    index = np.asarray(classes)
    if index.dtype.kind not in "iu":
        raise TypeError(f"one_hot needs whole numbers as classes, got {classes!r}")
    if index.ndim > 1:
        raise ValueError(f"one_hot needs one class or a vector of them, got shape {index.shape}")
    if index.size and not (index.min() >= 0 and index.max() < n_classes):
        raise ValueError(f"classes must lie between 0 and {n_classes - 1}, got {index.min()} to {index.max()}")
    rows: FloatArray = np.eye(n_classes)[index]
    return rows


def probabilities(target: Sequence[float]) -> str:
    """Return what is wrong with a target whose entries must lie between 0 and 1."""
    wrong = [t for t in target if not 0.0 <= t <= 1.0]
    return f"targets between 0 and 1, got {wrong[0]!r}" if wrong else ""


def distribution(target: Sequence[float]) -> str:
    """Return what is wrong with a target that must be a probability vector."""
    # The sum of floats such as 0.1 is seldom exactly 1; 1e-9 is far above rounding and far below a slip.
    if min(target) >= 0.0 and abs(math.fsum(target) - 1.0) <= 1e-9:
        return ""
    return (
        f"a probability vector as target, entries from 0 up with sum 1, got sum {math.fsum(target)!r} and least entry "
        f"{min(target)!r}; nn.one_hot makes one from a class"
    )


def signs(target: Sequence[float]) -> str:
    """Return what is wrong with a target whose entries must be −1 or +1."""
    wrong = [t for t in target if t not in (-1.0, 1.0)]
    return f"targets −1 or +1, got {wrong[0]!r}; 2 * T − 1 makes them from 0 and 1" if wrong else ""


def decision(T: FloatArray, loss: str) -> Decision | None:
    """Return how classes are read from outputs, or None where the targets are not classes.

    Rows of targets with a single 1 among zeros (−1s for hinge_loss) are classes, read by the largest output. A single
    column of zeros and ones is read at the middle: whether the output exceeds ½, or 0 for losses that take scores.

    Args:
        T: Targets, shape (N, n_out).
        loss: The name of the loss.
    """
    lowest = -1.0 if loss == "hinge_loss" else 0.0
    if not np.isin(T, [lowest, 1.0]).all():
        return None
    if T.shape[1] > 1:
        return _largest if (np.count_nonzero(T == 1.0, axis=1) == 1).all() else None
    if loss in ("half_squared_error", "mse_loss", "binary_cross_entropy"):
        return _above_half
    return _positive if loss in ("binary_cross_entropy_with_logits", "hinge_loss") else None


def _largest(rows: FloatArray) -> NDArray[np.int64]:
    classes: NDArray[np.int64] = rows.argmax(axis=1)
    return classes


def _above_half(rows: FloatArray) -> NDArray[np.int64]:
    return (rows[:, 0] > 0.5).astype(np.int64)


def _positive(rows: FloatArray) -> NDArray[np.int64]:
    return (rows[:, 0] > 0.0).astype(np.int64)
