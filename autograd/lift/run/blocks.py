"""Many rows, a block at a time: what a program gives for a large batch, from what it gives for parts of it.

A block is small enough for its arrays to stay in the caches, and large enough for the matrix products. The order of the
sums over a batch of several blocks is block by block.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .forward_code import WITH_GRADIENT, Kind

__all__ = ["BLOCK", "by_blocks", "has_blocks"]

Array = np.ndarray[Any, Any]
BLOCK = 1024
"""The number of rows in a block."""


def has_blocks(given: Mapping[str, Any]) -> bool:
    """Return whether a batch is to be taken in blocks: it has more rows than a block, or is not in memory."""
    return any(_is_elsewhere(values) or _is_long(values) for values in given.values())


def _is_long(values: Any) -> bool:
    if isinstance(values, np.ndarray):
        return values.ndim == 2 and len(values) > BLOCK
    return isinstance(values, (list, tuple)) and len(values) > BLOCK and hasattr(values[0], "__len__")


def _is_elsewhere(values: Any) -> bool:
    if values.__class__ is np.ndarray or (isinstance(values, np.ndarray) and not isinstance(values, np.memmap)):
        return False
    shape = getattr(values, "shape", None)
    return isinstance(shape, tuple) and len(shape) == 2 and hasattr(values, "__getitem__")


def by_blocks(
    run: Callable[[Mapping[str, Any]], Any],
    gradient_of: Callable[[Kind], Array],
    kind: Kind,
    given: Mapping[str, Any],
    *,
    mean: bool,
) -> Any:
    """Return what a program gives for a batch, running it for one block of rows after the other.

    Args:
        run: What runs the program for the rows of a block.
        gradient_of: Gives the array in which a run of some kind leaves its gradient.
        kind: What is asked for.
        given: The rows by input.
        mean: Whether the loss of the batch is the mean over its rows.

    Raises:
        ValueError: If the inputs have different numbers of rows, or a number is not finite.
        DomainError: If the engine would raise one; a note says at which row of the batch the block began.
    """
    counts = {name: int(values.shape[0]) if hasattr(values, "shape") else len(values) for name, values in given.items()}
    if len(set(counts.values())) > 1:
        raise ValueError(f"the inputs have different numbers of rows: {counts}")
    (count,) = set(counts.values())
    if not count:
        raise ValueError("a batch needs at least one row, got none")
    total: Array | float = 0.0
    losses: list[float] = []
    parts: list[Any] = []
    for start in range(0, count, BLOCK):
        stop = min(start + BLOCK, count)
        part = (stop - start) / count if mean else 1.0
        try:
            found = run({name: _rows(values, start, stop) for name, values in given.items()})
        except (ArithmeticError, ValueError, RuntimeError) as error:
            if kind in WITH_GRADIENT:
                _clear(gradient_of, kind)
            error.add_note(f"rows are counted from row {start} of the batch, where a block of {stop - start} begins")
            raise
        if kind in WITH_GRADIENT:
            total = total + part * gradient_of(kind)
        if kind == "backward_with_outputs":
            losses.append(part * found[0])
            parts.append(found[1])
        elif kind in ("backward", "value"):
            losses.append(part * found)
        else:
            parts.append(found)
    if kind in WITH_GRADIENT:
        gradient_of(kind)[...] = total
    if kind == "losses":
        return np.concatenate(parts)
    outputs = {name: np.concatenate([each[name] for each in parts]) for name in parts[0]} if parts else {}
    if kind == "outputs":
        return outputs
    loss = math.fsum(losses)
    return (loss, outputs) if kind == "backward_with_outputs" else loss


def _clear(gradient_of: Callable[[Kind], Array], kind: Kind) -> None:
    try:
        gradient_of(kind)[...] = 0.0
    except RuntimeError:
        return  # nothing was recorded


def _rows(values: Any, start: int, stop: int) -> Any:
    rows = values.iloc[start:stop] if hasattr(values, "iloc") else values[start:stop]
    return np.asarray(rows) if _is_elsewhere(values) else rows
