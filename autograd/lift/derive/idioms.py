"""Functions that were written out of others: softmax, sigmoid, softplus, tanh, logsumexp, gelu.

Each rule is an identity between terms. It looks through the definitions of families: what is computed stays what it
was, for a text; where exp overflows, a function written out raises and the idiom does not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from ... import ops
from ...op import Op
from ..language.build import ONE, add, call, domain, multiply, reduce, replaced, softmax, split, substituted
from ..language.index import Axis, Index, at
from ..language.term import (
    Call,
    Family,
    Number,
    Power,
    Product,
    Reduction,
    Reference,
    Softmax,
    Sum,
    Term,
    references,
    walk,
)

__all__ = ["GELU", "IDIOMS", "ONE_HOT", "Idiom", "one_hot_of", "recognise_idioms", "recognise_indices"]

_ROOT = math.sqrt(2.0 / math.pi)
_CUBIC = 0.044715


def _gelu_slope(_out: Term, x: Term) -> Term:
    inner = ops.tanh(_ROOT * x + _CUBIC * _ROOT * x**3.0)
    slope: Term = 0.5 * (1.0 + inner) + 0.5 * x * (1.0 - inner**2.0) * (_ROOT + 3.0 * _CUBIC * _ROOT * x**2.0)
    return slope


class _Idiom(Op):
    """An operation that only equations have."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        return (_gelu_op if self is GELU else _one_hot_op), ()


def _gelu_op() -> Op:
    return GELU


def _one_hot_op() -> Op:
    return ONE_HOT


GELU = _Idiom(
    "gelu",
    forward=lambda x: 0.5 * x * (1.0 + math.tanh(_ROOT * (x + _CUBIC * x**3))),
    array=lambda x: 0.5 * x * (1.0 + np.tanh(_ROOT * (x + _CUBIC * x**3))),
    partials=(_gelu_slope,),
    doc="the approximation of x Φ(x) by tanh",
    numpy=f"def gelu(x):\n    return 0.5 * x * (1.0 + np.tanh({_ROOT!r} * (x + {_CUBIC!r} * x**3)))",
)
ONE_HOT = _Idiom(
    "onehot",
    forward=ops.indicator.forward,
    array=ops.indicator.array,
    partials=ops.indicator.partials,
    doc="member k of the vector that is 1 at x and 0 elsewhere, for an x that is one of its places",
)


@dataclass(frozen=True)
class Idiom:
    """An identity.

    Attributes:
        name: The function.
        identity: What it is, for people.
        rewrite: Returns what a term, within a family of some domain, is by it; None if it says nothing.
    """

    name: str
    identity: str
    rewrite: Callable[[Term, Term], Term | None]


# --- looking through definitions ---------------------------------------------------------------------


def unfolded(term: Term, where: Term) -> Term:
    """Return the definition of a reference at its indices, any other term as it is.

    Args:
        term: The term.
        where: The domain of the family that it is in: what is masked is looked through only where it has members.
    """
    while isinstance(term, Reference) and term.family.kind == "value" and _is_within(term, where):
        term = substituted(term.family.body, dict(zip(term.family.axes, term.indices, strict=True)))
    return term


def _is_within(reference: Reference, where: Term) -> bool:
    """Whether a reference is never outside of its family's domain."""
    at_indices = dict(zip(reference.family.axes, reference.indices, strict=True))
    if reference.family.mask is not None and substituted(domain(reference.family), at_indices) != where:
        return False
    for index, axis in zip(reference.indices, reference.family.axes, strict=True):
        low, high = index.extent()
        if low < 0 or high >= axis.size:
            return False
    return True


def _deep(term: Term, where: Term) -> Term:
    """Return a term with all definitions in it written out, but for sums and other reductions."""

    def by(each: Term) -> Term | None:
        if isinstance(each, Reference) and each.family.kind == "value" and _is_within(each, where):
            body = each.family.body
            if not any(isinstance(inner, Reduction) for inner in walk(body)):
                return _deep(substituted(body, dict(zip(each.family.axes, each.indices, strict=True))), where)
        return None

    return replaced(term, by)


def _same(where: Term, a: Term, b: Term) -> bool:
    return a.key is b.key or _deep(a, where).key is _deep(b, where).key


def _exponent(term: Term, where: Term) -> Term | None:
    """Return z of exp(z); in a sum, where all that has a member of z counts."""
    term = unfolded(term, where)
    if isinstance(term, Reference) and term.family.kind == "value" and term.family.mask is not None:
        there = substituted(domain(term.family), dict(zip(term.family.axes, term.indices, strict=True)))
        body = unfolded(term, there)
        masked = [r for r in references(body) if r.family.mask is not None]
        if any(
            substituted(domain(r.family), dict(zip(r.family.axes, r.indices, strict=True))) == there for r in masked
        ):
            term = body
    return term.parts[0] if isinstance(term, Call) and term.op is ops.exp else None


def _divisors(term: Term) -> list[Power]:
    factors = term.parts if isinstance(term, Product) else (term,)
    return [factor for factor in factors if isinstance(factor, Power) and factor.exponent == -1]


def _without(term: Term, *gone: Term) -> list[Term]:
    factors = term.parts if isinstance(term, Product) else (term,)
    return [factor for factor in factors if not any(factor is each for each in gone)]


def _located(where: Term, axis: Axis, body: Term, term: Term) -> Index | None:
    """Return the index at which a body along an axis is a term."""
    candidates: dict[object, Index] = {}
    for wanted in references(term):
        for own in references(body):
            if own.family is wanted.family:
                for mine, theirs in zip(own.indices, wanted.indices, strict=True):
                    if mine.plain is axis and theirs.table is None:
                        candidates[theirs.key({})] = theirs
    return next((index for index in candidates.values() if _same(where, substituted(body, {axis: index}), term)), None)


def _without_shift(axis: Axis, body: Term, where: Term) -> Term:
    """Return what is softmaxed without what is the same for all members."""
    inside = body if isinstance(body, Sum) else unfolded(body, where)
    if isinstance(inside, Sum):
        kept = [part for part in inside.parts if axis in part.free]
        if 0 < len(kept) < len(inside.parts):
            return add(*kept)
    return body


# --- rules -------------------------------------------------------------------------------------------


def _softmax_by_difference(term: Term, where: Term) -> Term | None:
    exponent = _exponent(term, where) if isinstance(term, Call) else None
    inside = unfolded(exponent, where) if exponent is not None else None
    if not isinstance(inside, Sum):
        return None
    for part in inside.parts:
        number, rest = split(part)
        total = unfolded(rest, where)
        if number == -1 and isinstance(total, Reduction) and total.name == "logsumexp" and len(total.axes) == 1:
            others = add(*(each for each in inside.parts if each is not part))
            found = _located(where, total.axes[0], total.body, others)
            if found is not None:
                return softmax(total.axes[0], found, _without_shift(total.axes[0], total.body, where))
    return None


def _softmax_by_quotient(term: Term, where: Term) -> Term | None:
    if not isinstance(term, Product):
        return None
    for divisor in _divisors(term):
        total = unfolded(divisor.base, where)
        if not (isinstance(total, Reduction) and total.name == "sum" and len(total.axes) == 1):
            continue
        body = _exponent(total.body, where)
        if body is None:
            continue
        for top in _without(term, divisor):
            z = _exponent(top, where)
            found = None if z is None else _located(where, total.axes[0], body, z)
            if found is not None:
                share = softmax(total.axes[0], found, _without_shift(total.axes[0], body, where))
                return multiply(*_without(term, top, divisor), share)
    return None


def _sigmoid(term: Term, where: Term) -> Term | None:
    for divisor in _divisors(term):
        below = unfolded(divisor.base, where)
        if not (isinstance(below, Sum) and len(below.parts) == 2 and ONE in below.parts):
            continue
        z = _exponent(next(part for part in below.parts if part != ONE), where)
        if z is None:
            continue
        return multiply(*_without(term, divisor), call(ops.sigmoid, _negated(where, z)))
    return None


def _turned_sigmoid(term: Term, where: Term) -> Term | None:
    if not isinstance(term, Product):
        return None
    for factor in term.parts:
        if isinstance(factor, Call) and factor.op is ops.sigmoid:
            for top in _without(term, factor):
                z = _exponent(top, where)
                if z is not None and _same(where, -z, factor.parts[0]):
                    return multiply(*_without(term, factor, top), call(ops.sigmoid, z))
    return None


def _negated(where: Term, z: Term) -> Term:
    """Return −z without a minus in front, if z is a negative itself."""
    inside = unfolded(z, where)
    if isinstance(inside, Sum) and all(split(part)[0] < 0 for part in inside.parts):
        return add(*(-part for part in inside.parts))
    number, rest = split(inside)
    if number == -1:
        return rest
    return add(*(-part for part in z.parts)) if isinstance(z, Sum) else -z


def _softplus(term: Term, where: Term) -> Term | None:
    if not (isinstance(term, Call) and term.op in (ops.log, ops.log1p)):
        return None
    inside = unfolded(term.parts[0], where)
    if term.op is ops.log1p:
        z = _exponent(inside, where)
        return None if z is None else call(ops.softplus, z)
    if isinstance(inside, Sum) and len(inside.parts) == 2 and ONE in inside.parts:
        z = _exponent(next(part for part in inside.parts if part != ONE), where)
        return None if z is None else call(ops.softplus, z)
    return None


def _tanh(term: Term, where: Term) -> Term | None:
    if not isinstance(term, Product):
        return None
    for divisor in _divisors(term):
        below = unfolded(divisor.base, where)
        if not (isinstance(below, Sum) and len(below.parts) == 2):
            continue
        one, two = (_exponent(part, where) for part in below.parts)
        if one is None or two is None or not _same(where, one, -two):
            continue
        for top in _without(term, divisor):
            above = unfolded(top, where)
            if not (isinstance(above, Sum) and len(above.parts) == 2):
                continue
            signed = [(split(part)[0], _exponent(split(part)[1], where)) for part in above.parts]
            plus = [z for number, z in signed if number == 1 and z is not None]
            minus = [z for number, z in signed if number == -1 and z is not None]
            if (
                len(plus) == len(minus) == 1
                and _same(where, plus[0], -minus[0])
                and (_same(where, plus[0], one) or _same(where, plus[0], two))
            ):
                return multiply(*_without(term, top, divisor), call(ops.tanh, plus[0]))
    return None


def _logsumexp(term: Term, where: Term) -> Term | None:
    if not (isinstance(term, Call) and term.op is ops.log):
        return None
    total = unfolded(term.parts[0], where)
    if isinstance(total, Reduction) and total.name == "sum" and len(total.axes) == 1:
        z = _exponent(total.body, where)
        return None if z is None else reduce("logsumexp", total.axes, z, ops.logsumexp)
    return None


def _shifted_logsumexp(term: Term, where: Term) -> Term | None:
    if not isinstance(term, Sum):
        return None
    for part in term.parts:
        found = unfolded(part, where)
        if not (isinstance(found, Reduction) and found.name == "logsumexp"):
            continue
        body = unfolded(found.body, where)
        shift = [p for p in body.parts if not p.free & set(found.axes)] if isinstance(body, Sum) else []
        if shift and len(shift) < len(body.parts):
            kept = add(*(p for p in body.parts if not any(p is each for each in shift)))
            rest = [p for p in term.parts if p is not part]
            return add(*rest, *shift, reduce("logsumexp", found.axes, kept, ops.logsumexp))
    return None


def _logarithm_of_exp(term: Term, where: Term) -> Term | None:
    if not (isinstance(term, Call) and term.op is ops.log):
        return None
    share = unfolded(term.parts[0], where)
    if isinstance(share, Softmax) and set(share.index.free) & (share.body.free - {share.axis}):  # of one on a diagonal
        lse = reduce("logsumexp", [share.axis], share.body, ops.logsumexp)
        return substituted(share.body, {share.axis: share.index}) - lse
    return _exponent(term.parts[0], where)


def _gelu(term: Term, where: Term) -> Term | None:
    number, rest = split(term)
    if number != Fraction(1, 2) or not isinstance(rest, Product) or len(rest.parts) != 2:
        return None
    for z, other in (rest.parts, rest.parts[::-1]):
        outer = unfolded(other, where)
        if not (isinstance(outer, Sum) and len(outer.parts) == 2 and ONE in outer.parts):
            continue
        tanh = unfolded(next(part for part in outer.parts if part != ONE), where)
        inside = unfolded(tanh.parts[0], where) if isinstance(tanh, Call) and tanh.op is ops.tanh else None
        if not (isinstance(inside, Sum) and len(inside.parts) == 2):
            continue
        found: dict[int, float] = {}
        for part in inside.parts:
            k, body = split(part)
            body = body if body == z else unfolded(body, where)
            if body == z:
                found[1] = float(k)
            elif isinstance(body, Power) and body.exponent == 3 and body.base == z:
                found[3] = float(k)
        if (
            set(found) == {1, 3}
            and math.isclose(found[1], _ROOT, rel_tol=1e-14)
            and math.isclose(found[3], _CUBIC * _ROOT, rel_tol=1e-14)
        ):
            return call(GELU, z)
    return None


IDIOMS: tuple[Idiom, ...] = (
    Idiom("gelu", "½ z (1 + tanh(√(2/π) (z + 0.044715 z³))) = gelu(z)", _gelu),
    Idiom("softmax", "exp(z − lse(z)) = softmax(z)", _softmax_by_difference),
    Idiom("softmax", "exp(z) / Σ exp(z) = softmax(z)", _softmax_by_quotient),
    Idiom("sigmoid", "1 / (1 + exp(−z)) = σ(z)", _sigmoid),
    Idiom("sigmoid", "exp(z) σ(−z) = σ(z)", _turned_sigmoid),
    Idiom("softplus", "log(1 + exp(z)) = softplus(z)", _softplus),
    Idiom("tanh", "(exp(z) − exp(−z)) / (exp(z) + exp(−z)) = tanh(z)", _tanh),
    Idiom("logsumexp", "log Σ exp(z) = lse(z)", _logsumexp),
    Idiom("logsumexp", "m + lse(z − m) = lse(z)", _shifted_logsumexp),
    Idiom("logarithm", "log(exp(z)) = z", _logarithm_of_exp),
)
"""The identities, in the order in which they are tried."""


def recognise_idioms(families: Sequence[Family]) -> list[Family]:
    """Rewrite the families by the rules; the argument of a function found becomes a family of its own.

    Returns:
        The families, what others need first as before.
    """
    out: list[Family] = []
    for family in families:
        if family.kind == "value":
            family.term = _rewritten(family.body, domain(family))
            if isinstance(family.term, Call) and len(family.term.parts) == 1:
                argument = _argument(family, family.term)
                if argument is not None:
                    out.append(argument)
            if isinstance(family.term, Call):
                family.operation = family.term.op.name
        out.append(family)
    return out


def recognise_indices(families: Sequence[Family], indices: Mapping[str, int]) -> None:
    """Rewrite [x = k] for all k as the vector onehot(x).

    Args:
        families: What is rewritten.
        indices: The inputs that hold whole numbers from 0 to n − 1, with n.
    """

    def by(term: Term) -> Term | None:
        if not (isinstance(term, Call) and term.op is ops.indicator):
            return None
        x, k = term.parts
        if not (isinstance(x, Reference) and x.family.kind == "input" and isinstance(k, Reference)):
            return None
        numbers = k.family.numbers
        count = indices.get(x.family.name, 0)
        is_counting = numbers is not None and numbers.shape == (count,) and (numbers == np.arange(count)).all()
        return call(ONE_HOT, x, k) if count and is_counting else None

    for family in families:
        if family.kind == "value":
            family.term = replaced(family.body, by)


def one_hot_of(term: Term) -> tuple[Term, Axis] | None:
    """Return x and the axis of onehot(x); None for any other term."""
    if isinstance(term, Call) and term.op is ONE_HOT:
        x, k = term.parts
        axis = k.indices[0].plain if isinstance(k, Reference) else None
        if axis is not None and isinstance(k, Reference) and axis.size == k.family.axes[0].size:
            return x, axis
    return None


def _argument(family: Family, term: Call) -> Family | None:
    """Make the argument of a call a family, unless it is one."""
    inner = term.parts[0]
    if isinstance(inner, (Reference, Number)):
        return None
    own = [axis for axis in family.axes if axis in inner.free]
    axes = [axis.like() for axis in own]
    new = Family("", "value", axes, substituted(inner, {a: at(b) for a, b in zip(own, axes, strict=True)}))
    new.level = family.level
    if own == list(family.axes):
        new.mask, new.time, new.first = family.mask, family.time, family.first
    elif family.mask is not None or family.time is not None:
        return None
    family.term = Call(term.op, [Reference(new, [at(axis) for axis in own])])
    return new


def _rewritten(term: Term, where: Term) -> Term:
    parts = [_rewritten(part, where) for part in term.parts]
    if any(a is not b for a, b in zip(parts, term.parts, strict=True)):
        term = term.rebuilt(parts)
    for rule in IDIOMS:
        found = rule.rewrite(term, where)
        if found is not None and found != term:
            return found
    return term
