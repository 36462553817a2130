"""Choices between two terms that make no difference where they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ... import ops
from ..language.build import ZERO, add, multiply, replaced, split
from ..language.term import Call, Number, Product, Reduction, Reference, Softmax, Sum, Term, Test, walk

__all__ = ["without_choices"]


def without_choices(term: Term) -> Term:
    """Return a term without the choices where both cases come to the same: t log(a if t ≠ 0 else 1) is t log(a).

    Then 0 · log 0 counts as 0.
    """
    if not any(isinstance(each, Call) and each.op is ops.where for each in walk(term)):
        return term
    inside = [each for each in term.parts if isinstance(each, Reduction) or not isinstance(term, Product)]
    if inside:
        term = term.rebuilt([without_choices(each) if each in inside else each for each in term.parts])
    while True:
        condition = next((c for c in _conditions(term) if _makes_no_difference(term, c)), None)
        if condition is None:
            return term
        term = _taking(term, condition, 1)


def _conditions(term: Term) -> Iterator[Term]:
    """Yield what is chosen by in a product, and in what is done to its factors."""
    if isinstance(term, Call) and term.op is ops.where and not isinstance(term.parts[0], Test):
        yield term.parts[0]
    if not isinstance(term, (Reduction, Softmax)):
        for part in term.parts:
            yield from _conditions(part)


def _makes_no_difference(term: Term, condition: Term) -> bool:
    solved = _solved(condition)
    if solved is None:
        return False
    atom, value = solved
    try:
        yes, no = (_elementwise(_taking(term, condition, k), lambda p: value if p == atom else None) for k in (1, 2))
    except ZeroDivisionError:
        return False
    return yes == no


def _taking(term: Term, condition: Term, k: int) -> Term:
    """Return a term with one of the cases of a condition."""

    def by(each: Term) -> Term | None:
        is_it = isinstance(each, Call) and each.op is ops.where and each.parts[0] == condition
        return _taking(each.parts[k], condition, k) if is_it else None

    return _elementwise(term, by)


def _elementwise(term: Term, by: Callable[[Term], Term | None]) -> Term:
    """Return a term with subterms replaced, but for those within reductions: they are read for other members."""
    return replaced(term, lambda each: each if isinstance(each, (Reduction, Softmax)) else by(each))


def _solved(condition: Term) -> tuple[Term, Term] | None:
    """Return a reference and what it is where a condition is 0, if that is linear in one reference."""
    parts = condition.parts if isinstance(condition, Sum) else (condition,)
    numbers = [part for part in parts if isinstance(part, Number)]
    others = [split(part) for part in parts if not isinstance(part, Number)]
    if len(others) != 1 or not isinstance(others[0][1], Reference):
        return None
    factor, atom = others[0]
    return atom, multiply(Number(-1 / factor), add(*numbers)) if numbers else ZERO
