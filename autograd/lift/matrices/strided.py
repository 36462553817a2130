"""Arrays of numbers by which members of a block are read or written, and which of them a view can stand for.

Where the numbers lie at equal distances along each axis they are a slice, a transpose, a repetition or a rectangle of
the block, and nothing has to be copied; everything else is gathered one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

__all__ = ["Strided", "is_everything", "is_injective", "strided"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Strided:
    """Numbers that are affine in their coordinates i: start + Σ steps[k]·i[k].

    Attributes:
        start: The first number.
        steps: The distance along each axis, 0 where its length is 1.
        shape: The shape of the array of numbers.
    """

    start: int
    steps: tuple[int, ...]
    shape: tuple[int, ...]

    @property
    def repeated(self) -> tuple[int, ...]:
        """The axes along which a number is repeated."""
        return tuple(k for k, (step, n) in enumerate(zip(self.steps, self.shape, strict=True)) if not step and n > 1)

    @property
    def distinct(self) -> tuple[int | slice, ...]:
        """The index into the array of numbers that leaves out repetitions along whole axes."""
        repeated = self.repeated
        return tuple(0 if k in repeated else slice(None) for k in range(len(self.shape)))

    @property
    def slice_text(self) -> str:
        """The numbers of a vector as Python writes a slice, such as "2:8:3"; empty where they do not ascend."""
        if len(self.shape) != 1 or not self.shape[0] or (self.steps[0] < 1 and self.shape[0] > 1):
            return ""
        step = self.steps[0]
        stop = self.start + step * (self.shape[0] - 1) + 1
        return f"{self.start}:{stop}" + (f":{step}" if step > 1 else "")

    def view(self, rows: Array) -> Array:
        """Return the rows of an array that have these numbers, as a view of shape (*shape, *rows.shape[1:])."""
        stride, *inner = rows.strides
        return as_strided(
            rows[self.start :], (*self.shape, *rows.shape[1:]), (*(step * stride for step in self.steps), *inner)
        )


def strided(index: Array) -> Strided | None:
    """Return an array of numbers as one that is affine in its coordinates, None if it is not or a number is negative.

    Example:
        >>> strided(np.array([[3, 5], [13, 15]]))
        Strided(start=3, steps=(10, 2), shape=(2, 2))
        >>> strided(np.array([2, 5])).slice_text
        '2:6:3'
        >>> strided(np.array([0, 1, 3]))
    """
    if not index.size:
        return Strided(0, (0,) * index.ndim, index.shape)
    steps = []
    lowest = first = int(index.item(0))
    expected: Any = first
    for axis, length in enumerate(index.shape):
        behind = index.ndim - axis - 1
        step = int(index[(0,) * axis + (1,) + (0,) * behind]) - first if length > 1 else 0
        steps.append(step)
        lowest += min(0, step * (length - 1))
        if step:
            expected = expected + np.arange(0, length * step, step).reshape((length,) + (1,) * behind)
    if lowest < 0 or not (index == expected).all():
        return None
    return Strided(first, tuple(steps), index.shape)


def is_injective(index: Array) -> bool:
    """Whether no number occurs twice in an array of numbers, none of them negative."""
    seen = np.zeros(int(index.max(initial=0)) + 1, dtype=bool)
    seen[index] = True
    return int(np.count_nonzero(seen)) == index.size


def is_everything(index: Array, size: int) -> bool:
    """Whether an array of numbers, in C order, counts through all members of a block of some size."""
    return index.size == size and bool((index.ravel() == np.arange(size)).all())
