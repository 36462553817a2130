"""How an array of indices lies in a block: the whole of it, its transpose, a part, a repetition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

__all__ = ["Layout", "layout_of"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Layout:
    """What an array of indices reads of a block.

    Attributes:
        kind: "whole": every member in order, perhaps as a flat vector; "transposed"; "shaped": a vector laid out as a
            matrix; "part": a slice of rows and columns; "scalar": the only member, repeated; "repeated": a vector as
            every column (axis 1) or row (axis 0) of a matrix; "permuted": every member once; "picked": anything else.
        view: For a part, its slices; for a shaped vector, how it is laid out.
        transposed: Whether a part or a shaped vector is transposed afterwards.
        axis: For a repetition.
    """

    kind: Literal["whole", "transposed", "shaped", "part", "scalar", "repeated", "permuted", "picked"]
    view: str = ""
    transposed: bool = False
    axis: int = 0


def layout_of(shape: tuple[int, ...], index: Array | None) -> Layout:
    """Return how `index` lies in a block of the given shape.

    Example:
        >>> layout_of((2, 3), np.array([[0, 3], [1, 4], [2, 5]])).kind
        'transposed'
        >>> layout_of((2, 3), np.array([[1, 2], [4, 5]])).view
        '[:, 1:3]'
    """
    size = int(np.prod(shape))
    if index is None:
        return Layout("whole")
    if index.size == 0 or (index < 0).any():
        return Layout("picked")
    if size == 1:
        return Layout("scalar")
    flat, everything = index.ravel(), np.arange(size)
    if np.array_equal(flat, everything):
        matrix = len(shape) == 1 and index.ndim == 2 and min(index.shape) > 1
        return Layout("shaped", _shape_text(index.shape)) if matrix else Layout("whole")
    if index.ndim == 2 and np.array_equal(index.T.ravel(), everything):
        if len(shape) == 2 and index.shape == shape[::-1]:
            return Layout("transposed")
        if len(shape) == 1:
            return Layout("shaped", _shape_text(index.shape[::-1]), transposed=True)
    return _repeated(shape, index) or _part(shape, index) or _scattered(flat, size)


def _scattered(flat: Array, size: int) -> Layout:
    return Layout("permuted" if flat.size == size and len(np.unique(flat)) == size else "picked")


def _shape_text(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))


def _repeated(shape: tuple[int, ...], index: Array) -> Layout | None:
    size = int(np.prod(shape))
    if len(shape) != 1 or index.size % size or index.size == size:
        return None
    flat, members = index.ravel(), np.arange(size)
    times = index.size // size
    if np.array_equal(flat, np.repeat(members, times)) and (index.ndim == 1 or index.shape[0] == size):
        return Layout("repeated", axis=1)
    if np.array_equal(flat, np.tile(members, times)) and (index.ndim == 1 or index.shape[1] == size):
        return Layout("repeated", axis=0)
    return None


def _part(shape: tuple[int, ...], index: Array) -> Layout | None:
    if len(shape) == 1:
        text = _slice(index.ravel(), shape[0]) if index.ndim == 1 or min(index.shape) == 1 else None
        return Layout("part", f"[{text}]") if text else None
    rows, columns = np.divmod(index, shape[1])
    if index.ndim == 1:
        if (rows == rows[0]).all():
            rows, columns = rows[:, None], columns[:, None]
            return _rectangle(shape, rows[:1, 0], columns[:, 0], transposed=False)
        if (columns == columns[0]).all():
            return _rectangle(shape, rows, columns[:1], transposed=False)
        return None
    if (rows == rows[:, :1]).all() and (columns == columns[:1]).all():
        return _rectangle(shape, rows[:, 0], columns[0], transposed=False)
    if (rows == rows[:1]).all() and (columns == columns[:, :1]).all():
        return _rectangle(shape, rows[0], columns[:, 0], transposed=True)
    return None


def _rectangle(shape: tuple[int, ...], rows: Array, columns: Array, *, transposed: bool) -> Layout | None:
    texts = [_slice(rows, shape[0]), _slice(columns, shape[1])]
    if None in texts:
        return None
    view = f"[{texts[0]}]" if texts[1] == ":" else f"[{texts[0]}, {texts[1]}]"
    return Layout("part", view, transposed=transposed)


def _slice(index: Array, length: int) -> str | None:
    """Return the slice that reads these indices, as Python writes it, or None."""
    if len(index) == 1:
        return f"{index[0]}:{index[0] + 1}"
    step = int(index[1] - index[0])
    if step < 1 or (np.diff(index) != step).any():
        return None
    if len(index) == length:
        return ":"
    return f"{index[0]}:{index[-1] + 1}" + (f":{step}" if step > 1 else "")
