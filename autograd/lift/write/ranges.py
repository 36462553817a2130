"""What an index runs over: whether an equation tells it, and where it is read outside of a range.

An index that is the whole index of a name runs over what the name has members for; if there is no such name it runs
over the numbers at which all that is read in windows, x[p + k], has members.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from ..language.build import ZERO, replaced
from ..language.index import Axis, Index
from ..language.term import Condition, Family, Power, Product, Reference, Softmax, Term, walk
from .indexing import Indexing

__all__ = ["Outside", "Spans", "outside", "range_text", "unsaid_ends"]

_MOST = 1_000_000  # places that are looked at

Spans = Mapping[Axis, tuple[int, int]]
Dropped = Mapping[Family, tuple[int, set[int]]]


def range_text(letter: str, first: int, last: int) -> str:
    """Return what says that an index runs from one number to another, either way."""
    between = {0: [str(first)], 1: [str(first), str(last)]}.get(abs(last - first), [str(first), "…", str(last)])
    return f"{letter} = {', '.join(between)}"


def unsaid_ends(
    axis: Axis, body: Term, indexing: Indexing, conditions: Sequence[Condition] | None = None
) -> tuple[bool, bool]:
    """Return whether a term leaves open where an index starts, and where it ends.

    Where a page says that names are 0 outside of their range, what is no whole index tells an end of a sum only if the
    term is 0 beyond it.

    Args:
        axis: The index.
        body: The term.
        indexing: How axes are called.
        conditions: If the term is summed over the index, the conditions below the Σ.
    """
    is_sum = conditions is not None
    conditions = [each for each in conditions or () if axis in each.free]
    whole: list[tuple[Index, int]] = []
    windows: list[tuple[Index, int]] = []
    factors: list[tuple[Index, int]] = []
    for each in (*conditions, *walk(body)):
        tables = each.left.axes + each.right.axes if isinstance(each, Condition) else ()
        if axis in tables:
            return False, False  # a table has as many members
        if isinstance(each, Softmax) and each.index.plain is axis:
            differs = each.axis.size != axis.size
            return differs, differs  # the same letter below a softmax runs over what that is of
        if isinstance(each, Reference):
            for d, (index, own) in enumerate(zip(each.indices, each.family.axes, strict=True)):
                if axis in index.axes:
                    return False, False
                if axis in index.free and index.free <= body.free:
                    first = index.const + each.family.dimension_first(d) - indexing.first(axis)
                    is_whole = index.shifted is axis and not first
                    (whole if is_whole else windows).append((index, own.size))
                    if is_sum and not is_whole and _is_factor(each, body):
                        factors.append((index, own.size))
    limits = [*whole, *factors] if whole else windows
    if not limits and not conditions:
        return True, True
    if any(-index.const > 0 or size - index.const < axis.size for index, size in whole):
        return True, True
    sides = [index for index, _ in limits] + [side for each in conditions for side in (each.left, each.right)]
    others = sorted({a for side in sides for a in side.free} - {axis}, key=lambda a: a.serial)
    reach = axis.size + sum(abs(number) for side in sides for number in side.extent()) + sum(n for _, n in limits)
    if (axis.size + 2 * reach) * math.prod(a.size for a in others) > _MOST:
        return True, True
    spans = {**{a: (0, a.size - 1) for a in others}, axis: (-reach, axis.size - 1 + reach)}
    where = _grid(spans)
    inside = np.ones([high - low + 1 for low, high in spans.values()], dtype=bool)
    for index, size in limits:
        numbers = index.numbers(where)
        inside &= (numbers >= 0) & (numbers < size)
    for each in conditions:
        inside &= each.holds(where)
    return bool(inside[..., :reach].any()), bool(inside[..., reach + axis.size :].any())


def _is_factor(reference: Reference, body: Term) -> bool:
    """Whether a term is 0 where what it reads is 0."""
    with suppress(ArithmeticError):
        return replaced(body, lambda each: ZERO if each is reference else None) == ZERO
    return False


@dataclass(frozen=True)
class Outside:
    """What is read outside of its range.

    Attributes:
        reference: Where it is read.
        dimension: The dimension whose index is outside.
        numbers: What the index is there.
        below: Whether something is divided by it.
    """

    reference: Reference
    dimension: int
    numbers: frozenset[int]
    below: bool


def outside(term: Term, spans: Spans, dropped: Dropped) -> list[Outside]:
    """Return what a term reads outside of its range, where some axes run over a part; conditions are kept to.

    Args:
        term: The term.
        spans: The first and the last number of axes that run over a part.
        dropped: Members that do not count as in the range: the dimension and the numbers, for each family.
    """
    return list(_outside(term, (), spans, dropped, below=False))


def _outside(
    term: Term, conditions: Sequence[Condition], spans: Spans, dropped: Dropped, *, below: bool
) -> Iterator[Outside]:
    if isinstance(term, Reference):
        dimension, none = dropped.get(term.family, (0, set()))
        for d, (index, axis) in enumerate(zip(term.indices, term.family.axes, strict=True)):
            inside = {*range(axis.size)} - (none if d == dimension else set())
            numbers = _numbers_outside(index, inside, conditions, spans)
            if numbers:
                yield Outside(term, d, frozenset(numbers), below)
        return
    if isinstance(term, Product):
        conditions = [*conditions, *(part for part in term.parts if isinstance(part, Condition))]
    for part in term.parts:
        is_below = below or (isinstance(term, Power) and term.exponent < 0)
        yield from _outside(part, conditions, spans, dropped, below=is_below)


def _numbers_outside(index: Index, inside: Collection[int], conditions: Sequence[Condition], spans: Spans) -> set[int]:
    """Return the numbers that an index takes and that are none of those inside."""
    low, high = index.extent()
    if {*range(low, high + 1)} <= {*inside}:
        return set()
    axes = set(index.free)
    guards: list[Condition] = []
    while more := [each for each in conditions if each not in guards and each.free & axes]:
        guards += more
        axes |= {a for each in more for a in each.free}
    own = {a: spans.get(a, (0, a.size - 1)) for a in sorted(axes, key=lambda a: a.serial)}
    if math.prod(b - a + 1 for a, b in own.values()) > _MOST:
        return {low, high} - {*inside}
    where = _grid(own)
    numbers = np.broadcast_to(index.numbers(where), [b - a + 1 for a, b in own.values()])
    is_read = np.isin(numbers, [*inside], invert=True)
    for each in guards:
        is_read = is_read & each.holds(where)
    return {*np.unique(numbers[is_read]).tolist()}


def _grid(spans: Spans) -> dict[Axis, np.ndarray[tuple[int, ...], np.dtype[np.intp]]]:
    """Return the numbers of each axis as an array with a dimension for each."""
    n = len(spans)
    return {
        a: np.arange(low, high + 1).reshape([-1 if j == k else 1 for j in range(n)])
        for k, (a, (low, high)) in enumerate(spans.items())
    }
