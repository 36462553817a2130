"""Arrays that are read a block of rows at a time, never as a whole: in memory, mapped from a file, or behind slices.

An array of NumPy in memory is taken as it is where it holds floats. A `numpy.memmap`, or any object with a `shape` of
two dimensions whose slices are arrays (such as a data set of h5py or zarr), stays where it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arguments import FloatArray, float_rows, real_array, require_finite

__all__ = ["BLOCK", "Rows"]

BLOCK = 1024
"""Rows that are read at a time: few enough for the caches of a processor, and enough for its matrix products."""


class Rows:
    """The rows of an array that has been checked.

    Args:
        name: What the array is called in error messages.
        given: Real numbers, a row for each example; or an object as the description of this module says.

    Attributes:
        shape: (N, columns).

    Raises:
        TypeError: If it holds something else than real numbers.
        ValueError: If it is not two-dimensional, is empty, or holds NaN or an infinity.
    """

    def __init__(self, name: str, given: Any) -> None:
        self._mapped = _stays_where_it_is(given)
        self._name = name
        self._array: Any = given
        if not self._mapped and not _is_plain(given):
            self._array = float_rows(name, given)
        self.shape: tuple[int, ...] = tuple(int(n) for n in self._array.shape)
        if 0 in self.shape:
            float_rows(name, np.empty(self.shape))  # raises
        if self._mapped or _is_plain(given):
            for start, block in self.blocks():
                require_finite(name, block, start)

    def __len__(self) -> int:
        return self.shape[0]

    def blocks(self, rows: int = BLOCK) -> Iterator[tuple[int, FloatArray]]:
        """Yield the number of the first row of each block, and the block."""
        for start in range(0, len(self), rows):
            yield start, self.between(start, min(start + rows, len(self)))

    def between(self, start: int, stop: int) -> FloatArray:
        """Return the rows from one number up to another."""
        return self._floats(self._array[start:stop])

    def taken(self, rows: NDArray[np.int64]) -> FloatArray:
        """Return the rows with some numbers, in their order."""
        if isinstance(self._array, np.ndarray):
            return self._floats(self._array.take(rows, 0))
        if len(rows) and (np.diff(rows) == 1).all():
            return self.between(int(rows[0]), int(rows[-1]) + 1)
        return np.concatenate([self.between(int(row), int(row) + 1) for row in rows])

    def _floats(self, block: Any) -> FloatArray:
        if type(block) is np.ndarray and block.dtype == float:
            return block
        return real_array(self._name, block) if self._mapped else np.asarray(block, dtype=float)


def _stays_where_it_is(given: Any) -> bool:
    if isinstance(given, np.memmap):
        return given.ndim == 2
    shape = getattr(given, "shape", None)
    if isinstance(given, np.ndarray) or not isinstance(shape, tuple) or len(shape) != 2:
        return False
    return hasattr(given, "__getitem__") and not hasattr(given, "iloc")  # a table of pandas is in memory


def _is_plain(given: ArrayLike) -> bool:
    return type(given) is np.ndarray and given.dtype == float and given.ndim == 2
