"""Axes and indices: where a reference reads a family.

An index is affine in axes, `const + Σ k·axis` (whole, slice, window p + k, stride, lag t − 1, a constant), or a table
of numbers over axes, where nothing is regular. A number outside of the dimension that it indexes reads 0.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

__all__ = ["Axis", "Index", "at", "fixed"]

Array = np.ndarray[Any, Any]
_serials = itertools.count(1)


class Axis:
    """An index variable, which runs from 0 to `size` − 1.

    Attributes:
        size: How many values it takes.
        hint: "h" for the number of a part that a dimension was split into, "t" for a step, else "".
        serial: A number that grows with every axis.
    """

    __slots__ = ("hint", "serial", "size")

    def __init__(self, size: int, hint: str = "") -> None:
        self.size, self.hint, self.serial = int(size), hint, next(_serials)

    def like(self) -> Axis:
        """Return a new axis of the same size."""
        return Axis(self.size, self.hint)

    def __repr__(self) -> str:
        return f"{self.hint or 'i'}{self.serial}"


class Index:
    """An index of a reference: `const + Σ k·axis`, or a table of numbers over axes.

    Attributes:
        const: What is added.
        parts: The axes with their coefficients, none 0, in the order of their serials.
        table: The numbers, if it is a table; then `const` is 0 and `parts` are empty.
        axes: The axes of the table.
    """

    __slots__ = ("axes", "const", "parts", "table")

    def __init__(
        self,
        const: int = 0,
        parts: Iterable[tuple[Axis, int]] = (),
        table: Array | None = None,
        axes: Sequence[Axis] = (),
    ) -> None:
        self.const = int(const)
        found: dict[Axis, int] = {}
        for axis, k in parts:
            found[axis] = found.get(axis, 0) + int(k)
        self.parts = tuple(sorted(((a, k) for a, k in found.items() if k), key=lambda part: part[0].serial))
        self.table = table
        self.axes = tuple(axes)

    @property
    def free(self) -> frozenset[Axis]:
        """The axes that occur."""
        return frozenset(self.axes) | frozenset(axis for axis, _ in self.parts)

    @property
    def shifted(self) -> Axis | None:
        """The axis, if this is one axis plus a constant."""
        return self.parts[0][0] if len(self.parts) == 1 and self.parts[0][1] == 1 else None

    @property
    def plain(self) -> Axis | None:
        """The axis, if this is nothing else."""
        return self.shifted if self.const == 0 else None

    @property
    def is_fixed(self) -> bool:
        """Whether this is a number."""
        return self.table is None and not self.parts

    def key(self, names: Mapping[Axis, Any]) -> tuple[Any, ...]:
        """Return what equal indices have in common, with some axes under other names."""
        if self.table is not None:
            return ("table", self.table.shape, self.table.tobytes(), tuple(names.get(a, a) for a in self.axes))
        return (self.const, frozenset((names.get(a, a), k) for a, k in self.parts))

    def substituted(self, by: Mapping[Axis, Index]) -> Index:
        """Return the index with axes replaced by indices."""
        if not any(axis in by for axis in self.free):
            return self
        if self.table is None and all(by[a].table is None for a, _ in self.parts if a in by):
            const, parts = self.const, []
            for axis, k in self.parts:
                inner = by.get(axis)
                if inner is None:
                    parts.append((axis, k))
                else:
                    const += k * inner.const
                    parts += [(a, k * m) for a, m in inner.parts]
            return Index(const, parts)
        if self.table is not None:
            renamed = [by[a].plain if a in by else a for a in self.axes]
            if len(set(renamed)) == len(renamed) and all(
                new is not None and new.size == a.size for new, a in zip(renamed, self.axes, strict=True)
            ):
                return Index(table=self.table, axes=[new for new in renamed if new is not None])
        return self._tabulated(by)

    def _tabulated(self, by: Mapping[Axis, Index]) -> Index:
        """Return the index with axes replaced, as a table over all axes that remain."""
        live: list[Axis] = []
        for axis in sorted(self.free, key=lambda a: a.serial):
            live += [
                a for a in sorted(by[axis].free if axis in by else {axis}, key=lambda a: a.serial) if a not in live
            ]
        grid = {
            a: np.arange(a.size).reshape([-1 if j == k else 1 for j in range(len(live))]) for k, a in enumerate(live)
        }
        where = {a: by[a].numbers(grid) if a in by else grid[a] for a in self.free}
        outside = np.zeros((1,) * len(live), dtype=bool)
        if self.table is not None:
            for a in self.axes:
                outside = outside | (where[a] < 0) | (where[a] >= a.size)
                where[a] = np.clip(where[a], 0, a.size - 1)
        numbers = np.where(outside, -1, self.numbers(where))
        table = np.ascontiguousarray(np.broadcast_to(numbers, [a.size for a in live]), dtype=np.intp)
        return Index(table=table, axes=live) if live else Index(int(table.reshape(-1)[0]))

    def numbers(self, where: Mapping[Axis, Array]) -> Array:
        """Return the index as an array, given arrays for its axes."""
        if self.table is not None:
            return np.asarray(self.table[tuple(np.broadcast_arrays(*(where[a] for a in self.axes)))])
        found: Array = np.asarray(self.const)
        for axis, k in self.parts:
            found = found + k * where[axis]
        return found

    def extent(self, spans: Mapping[Axis, tuple[int, int]] = MappingProxyType({})) -> tuple[int, int]:
        """Return the least and the largest number, where some axes run from one number to another only."""
        if self.table is not None:
            part = self.table[
                tuple(slice(spans[a][0], spans[a][1] + 1) if a in spans else slice(None) for a in self.axes)
            ]
            return int(part.min()), int(part.max())
        low = high = self.const
        for axis, k in self.parts:
            ends = [k * end for end in spans.get(axis, (0, axis.size - 1))]
            low, high = low + min(ends), high + max(ends)
        return low, high

    def plus(self, const: int, parts: Iterable[tuple[Axis, int]] = ()) -> Index:
        """Return the index with something added; a table takes a number only where it is not negative."""
        if self.table is None:
            return Index(self.const + const, [*self.parts, *parts])
        added = Index(const, parts)
        live = [*self.axes, *(a for a in sorted(added.free, key=lambda a: a.serial) if a not in self.axes)]
        grid = {
            a: np.arange(a.size).reshape([-1 if j == k else 1 for j in range(len(live))]) for k, a in enumerate(live)
        }
        own = self.numbers(grid)
        return Index(table=np.ascontiguousarray(np.where(own < 0, -1, own + added.numbers(grid))), axes=live)

    def __repr__(self) -> str:
        if self.table is not None:
            return f"T{list(self.axes)}"
        texts = [("" if k == 1 else f"{k}*") + repr(axis) for axis, k in self.parts]
        return "+".join([*texts, str(self.const)] if self.const or not texts else texts)


def at(axis: Axis, const: int = 0) -> Index:
    """Return the index that is an axis plus a constant."""
    return Index(const, [(axis, 1)])


def fixed(number: int) -> Index:
    """Return the index that is a number."""
    return Index(number)
