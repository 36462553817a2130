"""What is handed in: the function is called in its own layout, and what it returns is brought into one form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arguments import FloatArray
from ..mlp import MLP

__all__ = ["Backprop", "Submission", "submitted"]

Backprop = Callable[[list[FloatArray], list[FloatArray], FloatArray, FloatArray], Any]


@dataclass(frozen=True, slots=True)
class Submission:
    """The arrays that a hand-written backward pass returned, in rows.

    Attributes:
        dW: One array a layer.
        db: One array a layer.
        delta: One array a layer, with 1/N or without; None if δ was not handed in.
    """

    dW: list[FloatArray]  # noqa: N815  # the gradient by W, as the documents write it
    db: list[FloatArray]
    delta: list[FloatArray] | None


def submitted(my_backprop: Backprop, model: MLP, X: FloatArray, T: FloatArray, *, columns: bool) -> Submission:
    """Return what a backward pass returns for copies of the network's arrays and of a batch in rows.

    Raises:
        TypeError: If what comes back is not numbers.
        ValueError: If an array is missing.
    """
    weights, biases = [np.array(W) for W in model.weights], [np.array(b) for b in model.biases]
    if columns:
        returned = my_backprop(weights, [b[:, None] for b in biases], X.T.copy(), T.T.copy())
    else:
        returned = my_backprop(weights, biases, X.copy(), T.copy())
    dW, db, delta = _parts(returned)
    if dW is None or db is None:
        raise ValueError("my_backprop must return both dW and db")
    return Submission(
        _arrays(dW, "dW", len(weights)),
        [array.ravel() if array.ndim == 2 and 1 in array.shape else array for array in _arrays(db, "db", len(weights))],
        None if delta is None else [_in_rows(d, len(X), columns) for d in _arrays(delta, "delta", len(weights))],
    )


def _parts(returned: Any) -> tuple[Any, Any, Any]:
    """Return dW, db and δ, in whatever form they came; None for what is missing."""
    if isinstance(returned, Mapping):
        return returned.get("dW"), returned.get("db"), returned.get("delta")
    if hasattr(returned, "dW") and hasattr(returned, "db"):
        return returned.dW, returned.db, getattr(returned, "delta", None)
    if isinstance(returned, (tuple, list)) and len(returned) in (2, 3):
        dW, db, *rest = returned
        return dW, db, rest[0] if rest else None
    raise TypeError(f"my_backprop must return (dW, db) or (dW, db, delta), got {type(returned).__name__}")


def _arrays(arrays: Any, name: str, L: int) -> list[FloatArray]:
    if not isinstance(arrays, (list, tuple)) or len(arrays) != L:
        got = f"{len(arrays)}" if isinstance(arrays, (list, tuple)) else f"a {type(arrays).__name__}"
        raise ValueError(f"my_backprop must return {name} as a list of {L} arrays, one a layer, got {got}")
    found = []
    for l, array in enumerate(arrays):
        try:
            found.append(np.array(array, dtype=float))
        except (TypeError, ValueError) as error:
            raise TypeError(f"{name}[{l}] must be an array of real numbers, got {array!r}") from error
    return found


def _in_rows(delta: FloatArray, N: int, columns: bool) -> FloatArray:
    """Return a δ with a row for each example; one example may come as a vector."""
    rows = delta.T if columns else delta
    return rows[None, :] if rows.ndim == 1 and N == 1 else rows
