"""Numbers that differ from step to step, as those of literal inputs do, become one array over the steps.

A recurrence repeats one term; with its numbers written out, no two steps have one. Families whose terms differ only in
numbers read an array of them instead, each at a place of its own, and then repeat. A number that is 0 in a step, where
the graph has no term, is 0 in the array. What is in no recurrence in the end gets its numbers back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from ..language.build import add, fraction_of, multiply, replaced, split, substituted
from ..language.index import Axis, Index, at, fixed
from ..language.term import Family, Number, Reference, Sum, Term, references, walk
from .collect import collected
from .skeleton import key_but_for_arrays, loosened
from .steps import LEAST, with_steps

__all__ = ["with_recurrences"]


@dataclass(frozen=True)
class _Part:
    """A term of a family's sum: its number, and the rest, whose arrays of numbers are open as well."""

    number: Fraction
    rest: Term
    arrays: tuple[Reference, ...]

    @property
    def is_read(self) -> bool:
        """Whether it reads a value, and so cannot be 0 in a step."""
        return any(reference.family.kind == "value" for reference in references(self.rest))


_Parts = dict[Any, _Part]


def with_recurrences(families: Sequence[Family], roots: Sequence[Term]) -> tuple[list[Family], list[Term]]:
    """Return families and roots in which repeated families are recurrences, whatever their numbers are."""
    written = {family: family.body for family in families if family.kind == "value"}
    numbers = _Sequences(families)
    if numbers.arrays:
        found, ends = with_steps([*numbers.arrays, *families], roots)
        if any(numbers.is_merged(family) for family in found):
            return numbers.put_back(found, ends)
        for family, term in written.items():
            family.term = term
    return with_steps(families, roots)


class _Sequences:
    """Puts arrays in the place of numbers.

    Attributes:
        arrays: The arrays, one axis of each that of the steps.
    """

    def __init__(self, families: Sequence[Family]) -> None:
        self.arrays: list[Family] = []
        self._known: dict[Any, Family] = {}
        self._parts = {family: parts for family in families if family.kind == "value" and (parts := _parts(family))}
        for members in sorted(self._groups(), key=len, reverse=True):
            self._open(members)

    def _groups(self) -> Iterator[list[Family]]:
        """Find families, one for each level, whose terms differ only in numbers and in terms without values."""
        groups: dict[Any, list[Family]] = {}
        first: dict[Any, list[Family]] = {}
        for family, parts in self._parts.items():
            head = (family.shape, None if family.mask is None else family.mask.tobytes())
            read = frozenset(key for key, part in parts.items() if part.is_read)
            (groups if read else first).setdefault((head, read) if read else head, []).append(family)
        for (head, read), members in groups.items():
            own = sorted(members, key=lambda family: family.level)
            if len({family.level for family in own}) < len(own) or len(own) + 1 < LEAST:
                continue
            known = {key for family in own for key in self._parts[family]}
            alike = {loosened(key) for key in read}
            before = [
                family
                for family in first.get(head, ())
                if family.level < own[0].level
                and any(part.number for part in self._parts[family].values())  # a 0 may begin anything
                and not known.isdisjoint(self._parts[family])
                and all(key in known or loosened(key) in alike for key in self._parts[family])
            ]
            yield [*before, *own] if len(before) == 1 else own

    def _open(self, members: Sequence[Family]) -> None:
        longest = max(members[1:], key=lambda family: len(self._parts[family]))
        whole = self._parts[longest]
        if any(self._parts[family].keys() - whole.keys() for family in members[1:]):
            return
        made: dict[Family, list[Term]] = {family: [] for family in members}
        made[members[0]] = [
            multiply(Number(part.number), part.rest)  # what a first step reads in the place of an earlier one
            for key, part in self._parts[members[0]].items()
            if key not in whole
        ]
        is_open = False
        for key, model in whole.items():
            own = [self._parts[family].get(key) for family in members]
            if sum(part is not None for part in own) < 2:  # what one step alone reads is no sequence
                return
            rows = [_numbers(model, part) for part in own]
            differs = [len({column.tobytes() for column in columns}) > 1 for columns in zip(*rows, strict=True)]
            if model.is_read and any(part is None for part in own):
                if any(part is None for part in own[1:]):  # only a first step may begin with nothing
                    return
                differs = [False for _ in differs]
            is_open |= any(differs)
            for k, (family, part) in enumerate(zip(members, own, strict=True)):
                if part is None and not any(differs):
                    continue
                term = self._part(part or model, k, rows, differs)
                axes = family.axes if part else longest.axes
                made[family].append(substituted(term, {a: at(b) for a, b in zip(axes, family.axes, strict=True)}))
        if is_open:
            for family, terms in made.items():
                family.term = add(*terms)

    def _part(self, part: _Part, k: int, rows: Sequence[Sequence[Any]], differs: Sequence[bool]) -> Term:
        by: dict[int, Term] = {}
        for array, column, is_open in zip(part.arrays, list(zip(*rows, strict=True))[1:], differs[1:], strict=True):
            if is_open:
                by[id(array)] = self._place(np.stack(column), k, array.indices)
        rest = replaced(part.rest, lambda term: by.get(id(term))) if by else part.rest
        if not differs[0]:
            return multiply(Number(part.number), rest)
        return multiply(self._place(np.stack([row[0] for row in rows]), k), rest)

    def _place(self, numbers: Any, k: int, indices: Sequence[Index] = ()) -> Reference:
        """Return the `k`-th of some numbers: of an array that ends with them, as the first steps may lack a term."""
        key = (numbers.shape, numbers.tobytes())
        if key not in self._known:
            family = next((each for each in self.arrays if _ends_with(each.numbers, numbers)), None)
            if family is None:
                family = Family("", "numbers", [Axis(size, "t") for size in numbers.shape])
                family.numbers = numbers
                self.arrays.append(family)
            self._known[key] = family
        family = self._known[key]
        return Reference(family, [fixed(family.axes[0].size - len(numbers) + k), *indices])

    def is_merged(self, family: Family) -> bool:
        """Whether a family reads one of the arrays at a place that depends on the step."""
        return family.term is not None and any(
            reference.family in self.arrays and not reference.indices[0].is_fixed
            for reference in references(family.term)
        )

    def put_back(self, families: Sequence[Family], roots: Sequence[Term]) -> tuple[list[Family], list[Term]]:
        """Put numbers where an array is read at one place."""
        single: dict[tuple[Family, int], Family] = {}

        def by(term: Term) -> Term | None:
            if not isinstance(term, Reference) or term.family not in self.arrays or not term.indices[0].is_fixed:
                return None
            k, numbers = term.indices[0].const, term.family.numbers
            if numbers is None:
                raise TypeError("an array of numbers has none")
            if numbers.ndim == 1:
                return Number(fraction_of(numbers[k]))
            if (term.family, k) not in single:
                row = Family("", "numbers", [axis.like() for axis in term.family.axes[1:]])
                row.numbers = numbers[k]
                single[term.family, k] = row
            return Reference(single[term.family, k], term.indices[1:])

        for family in families:
            if family.kind == "value":
                family.term = collected(replaced(family.body, by))
        roots = [collected(replaced(root, by)) for root in roots]
        used = {r.family for family in families if family.term is not None for r in references(family.term)}
        kept = [family for family in families if family not in self.arrays or family in used]
        return [*single.values(), *kept], list(roots)


def _ends_with(longer: Any, numbers: Any) -> bool:
    return longer.shape[1:] == numbers.shape[1:] and np.array_equal(longer[-len(numbers) :], numbers)


def _parts(family: Family) -> _Parts:
    """Return the terms of a sum by what they are but for numbers; nothing if two are alike."""
    found: _Parts = {}
    terms = family.body.parts if isinstance(family.body, Sum) else (family.body,)
    names = {axis: f"own{k}" for k, axis in enumerate(family.axes)}
    for term in terms:
        number, rest = split(term)
        arrays = tuple(each for each in walk(rest) if isinstance(each, Reference) and each.family.kind == "numbers")
        key = key_but_for_arrays(rest, names)
        if key in found or len({id(each) for each in arrays}) < len(arrays):
            return {}
        found[key] = _Part(number, rest, arrays)
    return found


def _numbers(model: _Part, part: _Part | None) -> list[Any]:
    """Return a term's number and its arrays; where there is no such term, its number is 0."""
    own = part or model
    arrays = [array.family.numbers for array in own.arrays]
    return [np.float64(0.0 if part is None else float(own.number)), *arrays]
