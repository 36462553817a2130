"""How an array of indices lies in a block: the whole of it, its transpose, a part, a repetition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ..matrices.strided import Strided, is_everything, strided

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
    if is_everything(index, size):
        matrix = len(shape) == 1 and index.ndim == 2 and min(index.shape) > 1
        return Layout("shaped", _shape_text(index.shape)) if matrix else Layout("whole")
    if index.ndim == 2 and is_everything(index.T, size):
        if len(shape) == 2 and index.shape == shape[::-1]:
            return Layout("transposed")
        if len(shape) == 1:
            return Layout("shaped", _shape_text(index.shape[::-1]), transposed=True)
    permuted = index.size == size and len(np.unique(index)) == size
    return _repeated(shape, index) or _part(shape, index) or Layout("permuted" if permuted else "picked")


def _shape_text(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))


def _repeated(shape: tuple[int, ...], index: Array) -> Layout | None:
    """Return the layout of a vector's members repeated, each as a column or all as a row of a matrix."""
    size = shape[0]
    if len(shape) != 1 or index.size % size or index.size == size:
        return None
    times = index.size // size
    for axis, matrix, steps in ((1, (size, times), (1, 0)), (0, (times, size), (0, 1))):
        fits = index.ndim == 1 or index.shape == matrix
        if fits and strided(index.reshape(matrix)) == Strided(0, steps, matrix):
            return Layout("repeated", axis=axis)
    return None


def _part(shape: tuple[int, ...], index: Array) -> Layout | None:
    """Return the layout of a slice of a vector, or of rows and columns of a matrix."""
    if len(shape) == 1:
        text = _slice(index.ravel(), shape[0]) if max(index.shape) == index.size else ""
        return Layout("part", f"[{text}]") if text else None
    ways = [(index, False), (index.T, True)] if index.ndim == 2 else [(index[None], False), (index[:, None], False)]
    for matrix, transposed in ways:
        rows, columns = np.divmod(matrix, shape[1])
        if (rows == rows[:, :1]).all() and (columns == columns[:1]).all():
            texts = _slice(rows[:, 0], shape[0]), _slice(columns[0], shape[1])
            if all(texts):
                return Layout("part", f"[{texts[0]}]" if texts[1] == ":" else f"[{', '.join(texts)}]", transposed)
    return None


def _slice(index: Array, length: int) -> str:
    """Return the slice that reads some members of a vector, as Python writes it; empty if there is none."""
    regular = strided(index)
    text = regular.slice_text if regular else ""
    return ":" if text and index.size == length > 1 else text
