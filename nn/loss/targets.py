"""What a target is: what each loss requires of it, one-hot rows, and the class that a row of outputs stands for."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arguments import FloatArray, whole_number

__all__ = ["ANYTHING", "DISTRIBUTION", "PROBABILITIES", "SIGNS", "Decision", "Requirement", "decision", "one_hot"]


@dataclasses.dataclass(frozen=True)
class Requirement:
    """What a loss requires of a target.

    Attributes:
        problem: Says what is needed and what is wrong with the target of one example, or nothing if it is right.
        surely: Says of each row of targets, (N, n_out), whether it is right for sure; about others `problem` decides.
    """

    problem: Callable[[Sequence[float]], str]
    surely: Callable[[FloatArray], NDArray[np.bool_]]


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


def _no_probability(target: Sequence[float]) -> str:
    wrong = [t for t in target if not 0.0 <= t <= 1.0]
    return f"targets between 0 and 1, got {wrong[0]!r}" if wrong else ""


def _no_distribution(target: Sequence[float]) -> str:
    # The sum of floats such as 0.1 is seldom exactly 1; 1e-9 is far above rounding and far below a slip.
    if min(target) >= 0.0 and abs(math.fsum(target) - 1.0) <= 1e-9:
        return ""
    return (
        f"a probability vector as target, entries from 0 up with sum 1, got sum {math.fsum(target)!r} and least entry "
        f"{min(target)!r}; nn.one_hot makes one from a class"
    )


def _no_sign(target: Sequence[float]) -> str:
    wrong = [t for t in target if t not in (-1.0, 1.0)]
    return f"targets −1 or +1, got {wrong[0]!r}; 2 * T − 1 makes them from 0 and 1" if wrong else ""


def _all_true(holds: NDArray[np.bool_]) -> NDArray[np.bool_]:
    rows: NDArray[np.bool_] = np.logical_and.reduce(holds, axis=1)
    return rows


ANYTHING = Requirement(lambda _target: "", lambda T: np.ones(len(T), dtype=bool))
"""Nothing is required."""

PROBABILITIES = Requirement(_no_probability, lambda T: _all_true((T >= 0.0) & (T <= 1.0)))
"""Entries between 0 and 1."""

DISTRIBUTION = Requirement(_no_distribution, lambda T: _all_true(T >= 0.0) & (np.abs(T.sum(axis=1) - 1.0) <= 0.5e-9))
"""A probability vector."""

SIGNS = Requirement(_no_sign, lambda T: _all_true(np.abs(T) == 1.0))
"""Entries −1 or +1."""


def decision(T: FloatArray, *, off: float, middle: float | None) -> Decision | None:
    """Return how classes are read from outputs, or None where the targets are not classes.

    Rows of targets with a single 1, and `off` elsewhere, are classes, read by the largest output. A single column of
    these two numbers is read at the middle, if there is one: by whether the output exceeds it.

    Args:
        T: Targets, shape (N, n_out).
        off: What stands in a target for a class that is not the example's.
        middle: Where a single output is read; None if it means no class.
    """
    ones = T == 1.0
    if not (ones | (off == T)).all():
        return None
    if T.shape[1] > 1:
        return _largest if (np.count_nonzero(ones, axis=1) == 1).all() else None
    return None if middle is None else lambda rows: (rows[:, 0] > middle).astype(np.int64)


def _largest(rows: FloatArray) -> NDArray[np.int64]:
    classes: NDArray[np.int64] = rows.argmax(axis=1)
    return classes
