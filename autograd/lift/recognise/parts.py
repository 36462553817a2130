"""Dimensions that are read in parts become two: i = s·h + c, for the heads of an attention or the windows of a pool."""

from __future__ import annotations

from collections.abc import Sequence

from ..language.build import normalised
from ..language.index import Axis, Index, at, fixed
from ..language.term import Condition, Family, Reduction, Reference, Softmax, Term, references

__all__ = ["with_parts"]

Dimension = tuple[Family, int]


class _CannotSplitError(Exception):
    """A reference does not allow the split."""


def with_parts(families: Sequence[Family], roots: Sequence[Term]) -> list[Term]:
    """Split every dimension that is read in parts, where every reference allows it; return the roots."""
    tried: set[tuple[Family, int, int]] = set()
    out = list(roots)
    while True:
        wanted = _wanted(families, tried)
        if wanted is None:
            return out
        tried.add(wanted)
        try:
            out = _Split(families, out, *wanted).roots
        except _CannotSplitError:
            continue


def _wanted(families: Sequence[Family], tried: set[tuple[Family, int, int]]) -> tuple[Family, int, int] | None:
    for family in families:
        if family.term is None:
            continue
        for reference in references(family.term):
            for d, index in enumerate(reference.indices):
                step = _step(index, reference.family.axes[d].size)
                if step and (reference.family, d, step) not in tried:
                    return reference.family, d, step
    return None


def _step(index: Index, size: int) -> int:
    """Return s if an index is s·a + b or s·a + const within a dimension of s times the size of a, else 0."""
    if index.table is not None or len(index.parts) not in (1, 2):
        return 0
    (a, p), *rest = sorted(index.parts, key=lambda part: -part[1])
    if p < 2 or a.size * p != size:
        return 0
    if not rest:
        return p if 0 <= index.const < p else 0
    ((b, q),) = rest
    return p if q == 1 and b.size == p and index.const == 0 else 0


class _Split:
    """One split: the dimensions that are split with the one wanted, and the new terms.

    Attributes:
        roots: The roots, after all families were changed.
    """

    def __init__(
        self, families: Sequence[Family], roots: Sequence[Term], family: Family, dimension: int, step: int
    ) -> None:
        self.step = step
        self.marked: set[Dimension] = {(family, dimension)}
        self.pairs: dict[Dimension, tuple[Axis, Axis]] = {}
        self.terms: dict[Family, Term] = {}
        before = 0
        while len(self.marked) > before:
            before = len(self.marked)
            for each in families:
                if each.term is not None:
                    self.terms[each] = self._term(each.term, self._axes(each), each)
            self.roots = [self._term(root, {}, None) for root in roots]
        if any(each.axes[d].size % step or (each.stacked and not d) for each, d in self.marked):
            raise _CannotSplitError
        for each, d in sorted(self.marked, key=lambda mark: -mark[1]):
            self._change(each, d)
        for each, term in self.terms.items():
            each.term = normalised(term)
        self.roots = [normalised(root) for root in self.roots]

    def _pair(self, family: Family, dimension: int) -> tuple[Axis, Axis]:
        size = family.axes[dimension].size
        new = Axis(size // self.step, "h"), Axis(self.step)
        return self.pairs.setdefault((family, dimension), new)

    def _axes(self, family: Family) -> dict[Axis, tuple[Axis, Axis]]:
        return {family.axes[d]: self._pair(f, d) for f, d in self.marked if f is family}

    def _change(self, family: Family, d: int) -> None:
        shape = (*family.shape[:d], family.shape[d] // self.step, self.step, *family.shape[d + 1 :])
        family.axes = (*family.axes[:d], *self._pair(family, d), *family.axes[d + 1 :])
        if family.mask is not None:
            family.mask, family.condition = family.mask.reshape(shape), None
        if family.numbers is not None:
            family.numbers = family.numbers.reshape(shape)
        if family.time is not None and d < family.time:
            family.time += 1
        family.split.append((d, self.step))

    def _term(self, term: Term, by: dict[Axis, tuple[Axis, Axis]], family: Family | None) -> Term:
        """Return a term in which every marked dimension has two indices; `by` has the axes that are split."""
        if isinstance(term, Reference):
            indices: list[Index] = []
            for d, index in enumerate(term.indices):
                indices.extend(self._indices(term.family, d, index, by, family))
            return Reference(term.family, indices)
        if isinstance(term, Reduction):
            inner = dict(by)
            axes: list[Axis] = []
            for axis in term.axes:
                if self._is_split(term.body, axis):
                    inner[axis] = Axis(axis.size // self.step, "h"), Axis(self.step)
                    axes.extend(inner[axis])
                else:
                    axes.append(axis)
            if term.name != "sum" and len(axes) > len(term.axes):
                raise _CannotSplitError
            return Reduction(term.name, axes, self._term(term.body, inner, family), term.op)
        if isinstance(term, Condition):
            if term.free & set(by):
                raise _CannotSplitError
            return term
        if isinstance(term, Softmax):
            raise _CannotSplitError
        return term.copied([self._term(part, by, family) for part in term.parts])

    def _is_split(self, body: Term, axis: Axis) -> bool:
        return any(
            (reference.family, d) in self.marked and index.plain is axis
            for reference in references(body)
            for d, index in enumerate(reference.indices)
        )

    def _indices(
        self, read: Family, d: int, index: Index, by: dict[Axis, tuple[Axis, Axis]], family: Family | None
    ) -> list[Index]:
        if (read, d) in self.marked:
            return self._two(index, by, family)
        split = [axis for axis in index.free if axis in by]
        if not split:
            return [index]
        if index.table is not None:
            raise _CannotSplitError
        if index.plain in by and read.axes[d].size == split[0].size:
            self.marked.add((read, d))
            return self._two(index, by, family)
        return [index.substituted({a: Index(0, [(by[a][0], self.step), (by[a][1], 1)]) for a in split})]

    def _two(self, index: Index, by: dict[Axis, tuple[Axis, Axis]], family: Family | None) -> list[Index]:
        """Return the number of the part and the number within it."""
        step = self.step
        if index.table is not None:
            raise _CannotSplitError
        if index.is_fixed:
            return [fixed(index.const // step), fixed(index.const % step)]
        axis = index.plain
        if axis is not None:
            if axis not in by and axis.size == step:
                return [fixed(0), at(axis)]
            if axis not in by and family is not None and axis in family.axes and axis.size % step == 0:
                d = family.axes.index(axis)
                self.marked.add((family, d))
                by[axis] = self._pair(family, d)
            if axis not in by:
                raise _CannotSplitError
            return [at(by[axis][0]), at(by[axis][1])]
        if any(a in by for a in index.free):
            raise _CannotSplitError
        high = [(a, k) for a, k in index.parts if k % step == 0]
        low = [(a, k) for a, k in index.parts if k % step]
        if len(low) > 1 or (low and (low[0][1] != 1 or low[0][0].size != step or index.const % step)):
            raise _CannotSplitError
        return [Index(index.const // step, [(a, k // step) for a, k in high]), Index(index.const % step, low)]
