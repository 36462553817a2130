"""Sums whose terms differ only in numbers that grow regularly, put together as a sum over an axis."""

from __future__ import annotations

import itertools

from ..language.build import add, reduce, replaced
from ..language.index import Axis, Index
from ..language.term import Reference, Sum, Term, references

__all__ = ["collected"]


def collected(term: Term) -> Term:
    """Return a term whose sums over numbers, x[0] + x[1] + x[2], are sums over an axis."""
    if term.parts:
        term = term.rebuilt([collected(part) for part in term.parts])
    if not isinstance(term, Sum):
        return term
    groups: dict[object, list[Term]] = {}
    for part in term.parts:
        groups.setdefault(_without_numbers(part).key, []).append(part)
    return add(*(each for own in groups.values() for each in _together(own)))


def _fixed_indices(term: Term) -> list[tuple[Reference, int, int]]:
    return [(r, d, index.const) for r in references(term) for d, index in enumerate(r.indices) if index.is_fixed]


def _together(terms: list[Term]) -> list[Term]:
    if len(terms) < 2:
        return terms
    numbers = [[k for _, _, k in _fixed_indices(term)] for term in terms]
    order = sorted(range(len(terms)), key=lambda k: numbers[k])
    rows = [numbers[k] for k in order]
    steps = [b - a for a, b in zip(rows[0], rows[1], strict=True)]
    regular = any(steps) and all(
        [b - a for a, b in zip(one, two, strict=True)] == steps for one, two in itertools.pairwise(rows)
    )
    if not regular:
        return terms
    axis = Axis(len(terms), "t")
    first = terms[order[0]]
    moving: dict[int, dict[int, int]] = {}
    for (reference, d, _), step in zip(_fixed_indices(first), steps, strict=True):
        moving.setdefault(id(reference), {})[d] = step

    def moved(each: Term) -> Term | None:
        if not isinstance(each, Reference) or id(each) not in moving:
            return None
        by = moving[id(each)]
        indices = [
            index if index.table is not None else index.plus(0, [(axis, by.get(d, 0))])
            for d, index in enumerate(each.indices)
        ]
        return Reference(each.family, indices)

    return [reduce("sum", [axis], replaced(first, moved))]


def _without_numbers(term: Term) -> Term:
    def blank(each: Term) -> Term | None:
        if isinstance(each, Reference):
            return Reference(each.family, [i if i.table is not None else Index(0, i.parts) for i in each.indices])
        return None

    return replaced(term, blank)
