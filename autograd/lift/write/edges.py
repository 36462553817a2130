"""Where the text of terms would not give what the program gives: at roots of 0, and near the ends of the floats.

A program passes over a derivative that is undefined where nothing arrives at it, √x at 0 behind a factor 0; an array
of products has 0 · ∞ there. And numbers that were multiplied exactly may be no floats.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ... import ops
from ..language.term import Call, Family, Number, Power, Product, Reduction, Reference, Softmax, Sum, Term, walk

__all__ = ["has_edges"]

_POSITIVE = {ops.exp, ops.exp2, ops.sigmoid, ops.softplus}
_LARGEST, _SMALLEST = 1e100, 1e-100
_DEEP = 20  # terms that are looked into for whether one is positive


def has_edges(forward: Mapping[Family, Term], terms: Iterable[Term]) -> bool:
    """Whether a term divides by what may be 0, or asks for a root of it, where the values do not do so already.

    Args:
        forward: The terms of values.
        terms: All terms.
    """
    divided = {part.parts[0].key for term in forward.values() for part in walk(term) if _is_below(part)}
    for term in terms:
        for part in walk(term):
            if isinstance(part, Number) and part.value and not _SMALLEST < abs(part.value) < _LARGEST:
                return True
            if isinstance(part, Call) and any(None in kink.partials for kink in part.op.at_kinks):
                return True
            if isinstance(part, Call) and part.op is ops.pow:
                return True
            if isinstance(part, Power) and not _is_harmless(part, divided, forward):
                return True
    return False


def _is_below(part: Term) -> bool:
    return isinstance(part, Power) and part.exponent < 0 and part.exponent.denominator == 1


def _is_harmless(part: Power, divided: set[Any], forward: Mapping[Family, Term]) -> bool:
    if part.exponent.denominator == 1 and (part.exponent > 0 or part.base.key in divided):
        return True
    return _is_positive(part.base, forward, _DEEP)


def _is_positive(term: Term, forward: Mapping[Family, Term], deep: int, *, or_zero: bool = False) -> bool:
    """Whether a term is more than 0 at all numbers, or at least 0."""

    def each(part: Term, *, or_zero: bool) -> bool:
        return deep > 0 and _is_positive(part, forward, deep - 1, or_zero=or_zero)

    match term:
        case Number():
            return term.value > 0 or (or_zero and not term.value)
        case Reference():
            return term.family in forward and each(forward[term.family], or_zero=or_zero)
        case Sum():
            return all(each(part, or_zero=True) for part in term.parts) and (
                or_zero or any(each(part, or_zero=False) for part in term.parts)
            )
        case Product():
            return all(each(part, or_zero=or_zero) for part in term.parts)
        case Power():
            is_even = term.exponent.denominator == 1 and term.exponent % 2 == 0
            return (or_zero and is_even) or each(term.base, or_zero=or_zero and term.exponent > 0)
        case Reduction():
            return term.name == "sum" and each(term.body, or_zero=or_zero)
        case Softmax():
            return or_zero
        case Call():
            return term.op in _POSITIVE or (or_zero and term.op in (ops.abs, ops.relu))
    return False
