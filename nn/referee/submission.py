"""What is handed in: the function is called in its own layout, and what it returns is brought into one form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arguments import FloatArray

__all__ = ["Backprop", "Calling", "Submission"]

NAMES = ("dW", "db", "delta")

Backprop = Callable[[list[FloatArray], list[FloatArray], FloatArray, FloatArray], Any]


@dataclass(frozen=True, slots=True)
class Submission:
    """The arrays that a hand-written backward pass returned, in rows.

    Attributes:
        dW: One array a layer.
        db: One array a layer.
        delta: One array a layer, with 1/N or without; None if δ was not handed in.
        precision: The least precise type of floats among them.
    """

    dW: list[FloatArray]  # noqa: N815  # the gradient by W, as the documents write it
    db: list[FloatArray]
    delta: list[FloatArray] | None
    precision: np.dtype[Any]

    def arrays(self) -> dict[tuple[str, int], FloatArray]:
        """Return all of them by "W", "b" or "δ" and the layer, counted from 1."""
        lists = (("W", self.dW), ("b", self.db), ("δ", self.delta))
        return {(name, l): array for name, arrays in lists if arrays for l, array in enumerate(arrays, start=1)}


@dataclass(frozen=True, slots=True)
class Calling:
    """How a hand-written backward pass is called, and how what it returns is read.

    Attributes:
        function: What was handed in.
        columns: Whether it works with one column an example.

    Raises:
        TypeError: If it is no function.
    """

    function: Backprop
    columns: bool = False

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise TypeError(f"my_backprop must be a function of (weights, biases, X, T), got {self.function!r}")

    @property
    def functions(self) -> tuple[Any, ...]:
        """What the user wrote: the code that a reader begins with."""
        return (self.function,)

    def __call__(self, weights: list[FloatArray], biases: list[FloatArray], X: FloatArray, T: FloatArray) -> Submission:
        """Return what the function returns for the arrays of a network and a batch in rows, which it may change.

        Raises:
            TypeError: If what comes back is not numbers.
            ValueError: If an array is missing.
        """
        if self.columns:
            returned = self.function(weights, [b[:, None] for b in biases], X.T.copy(), T.T.copy())
        else:
            returned = self.function(weights, biases, X, T)
        return _submission(returned, len(weights), len(X), self.columns)


def _submission(returned: Any, L: int, N: int, columns: bool) -> Submission:
    parts = _parts(returned)
    given = {name: _arrays(part, name, L) for name, part in parts.items() if part is not None}
    if "dW" not in given or "db" not in given:
        names = f", got the names {', '.join(map(str, returned))}" if isinstance(returned, Mapping) else ""
        raise ValueError(f"my_backprop must return both dW and db{names}")
    types = {array.dtype for arrays in given.values() for array in arrays if array.dtype.kind == "f"}
    dW, db, *delta = ([array.astype(float) for array in arrays] for arrays in given.values())
    return Submission(
        dW,
        [array.ravel() if array.ndim == 0 or (array.ndim == 2 and 1 in array.shape) else array for array in db],
        [_in_rows(array, N, columns) for array in delta[0]] if delta else None,
        max(types, key=lambda dtype: np.finfo(dtype).eps, default=np.dtype(float)),
    )


def _parts(returned: Any) -> dict[str, Any]:
    """Return dW, db and δ by name, in whatever form they came; None for what is missing."""
    if isinstance(returned, Mapping):
        return {name: returned.get(name) for name in NAMES}
    if hasattr(returned, "dW") and hasattr(returned, "db"):
        return {name: getattr(returned, name, None) for name in NAMES}
    if isinstance(returned, (tuple, list)) and len(returned) in (2, 3):
        return dict(zip(NAMES, returned, strict=False))
    raise TypeError(f"my_backprop must return (dW, db) or (dW, db, delta), got {type(returned).__name__}")


def _arrays(arrays: Any, name: str, L: int) -> list[np.ndarray[Any, Any]]:
    if not isinstance(arrays, (list, tuple)) or len(arrays) != L:
        got = f"{len(arrays)}" if isinstance(arrays, (list, tuple)) else f"a {type(arrays).__name__}"
        raise ValueError(f"my_backprop must return {name} as a list of {L} arrays, one a layer, got {got}")
    return [_numbers(array, f"{name}[{l}]") for l, array in enumerate(arrays)]


def _numbers(given: Any, name: str) -> np.ndarray[Any, Any]:
    """Return an array of bools, integers or floats; objects are read as floats."""
    try:
        array = np.asarray(given)
        array = array.astype(float) if array.dtype.kind == "O" else array
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must be an array of real numbers, got {given!r}") from error
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must be an array of real numbers, got one of {array.dtype}")
    return array


def _in_rows(delta: FloatArray, N: int, columns: bool) -> FloatArray:
    """Return a δ with a row for each example; one example may come as a vector."""
    rows = delta.T if columns else delta
    return rows[None, :] if rows.ndim == 1 and N == 1 else rows
