"""How terms are put together: sums, products, powers, calls and reductions in a light normal form.

Like terms and like powers are collected, numbers come first, what does not depend on a bound axis stands outside of its
sum, a condition `axis = …` under a sum is solved, and conditions that add up are put together. Nothing is multiplied
out: the user's products stay.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, cast

import numpy as np

from ... import ops
from ...op import Op
from .index import Axis, Index, at, fixed
from .term import (
    Call,
    Condition,
    Constructors,
    Family,
    Number,
    Power,
    Product,
    Reduction,
    Reference,
    Relation,
    Softmax,
    Sum,
    Term,
)

__all__ = [
    "ONE",
    "ZERO",
    "add",
    "call",
    "condition",
    "domain",
    "factors_of",
    "fraction_of",
    "inlined",
    "inside",
    "multiply",
    "normalised",
    "power",
    "reduce",
    "replaced",
    "split",
    "substituted",
    "term_of",
]

ZERO, ONE = Number(0), Number(1)
POW, ABS = ops.pow, ops.abs
_MOST = 24  # terms of a sum in which conditions that add up are looked for
_SHORT = 10_000  # a denominator up to this is what a float was written as
_DIGITS = 6  # likewise, up to so many digits
_LARGE = 10**15


def fraction_of(number: Any) -> Fraction:
    """Return the simplest fraction that rounds to a number: 1/5 for 0.2.

    Example:
        >>> fraction_of(0.2), fraction_of(1 / 3), fraction_of(1e-5)
        (Fraction(1, 5), Fraction(1, 3), Fraction(1, 100000))
    """
    if isinstance(number, Fraction):
        return number
    number = float(number)
    exact = Fraction(number)
    if abs(number) < _LARGE:
        short = exact.limit_denominator(_SHORT)
        if float(short) == number:
            return short
    written = Fraction(repr(number))
    return written if Decimal(repr(number)).normalize().as_tuple().digits[_DIGITS:] == () else exact


def term_of(value: Any) -> Term:
    """Return a term as it is, and a number as a term."""
    return value if isinstance(value, Term) else Number(fraction_of(value))


def split(term: Term) -> tuple[Fraction, Term]:
    """Return the number in front of a term, and the rest."""
    if isinstance(term, Number):
        return term.value, ONE
    if isinstance(term, Product) and isinstance(term.parts[0], Number):
        rest = term.parts[1:]
        return term.parts[0].value, rest[0] if len(rest) == 1 else Product(rest)
    return Fraction(1), term


def factors_of(term: Term) -> tuple[Term, ...]:
    """Return the factors of a product, or the term itself."""
    return term.parts if isinstance(term, Product) else (term,)


# --- sums and products -------------------------------------------------------------------------------


def add(*terms: Term) -> Term:
    """Return the sum of terms, like terms collected."""
    flat: list[Term] = []
    for term in terms:
        flat.extend(term.parts if isinstance(term, Sum) else [term])
    if len(flat) == 1:
        return flat[0]
    found: dict[Any, tuple[Fraction, Term]] = {}
    for term in flat:
        number, rest = split(term)
        before = found.get(rest.key)
        found[rest.key] = (number, rest) if before is None else (before[0] + number, before[1])
    parts = [multiply(Number(number), rest) for number, rest in found.values() if number]
    if 1 < len(parts) <= _MOST and any(_conditions(part) for part in parts):
        parts = _put_together(parts)
    if 1 < len(parts) <= _MOST:
        parts = _triangles(parts)
    if not parts:
        return ZERO
    return parts[0] if len(parts) == 1 else Sum(parts)


def multiply(*factors: Term) -> Term:
    """Return the product of terms, like powers collected and numbers first."""
    number = Fraction(1)
    flat: list[Term] = []
    for factor in factors:
        for each in factors_of(factor):
            if isinstance(each, Number):
                number *= each.value
            else:
                flat.append(each)
    if not number:
        return ZERO
    flat = _without_implied(flat)
    found: dict[Any, tuple[Term, Fraction]] = {}
    for factor in flat:
        base, exponent = (factor.base, factor.exponent) if isinstance(factor, Power) else (factor, Fraction(1))
        before = found.get(base.key)
        found[base.key] = (base, exponent) if before is None else (before[0], before[1] + exponent)
    parts = []
    for base, exponent in found.values():
        for part in factors_of(power(base, exponent)):
            if isinstance(part, Number):
                number *= part.value
            else:
                parts.append(part)
    if not parts:
        return Number(number)
    if len(parts) == 1 and number == 1:
        return parts[0]
    if len(parts) == 1 and number == -1 and isinstance(parts[0], Sum) and all(split(p)[0] < 0 for p in parts[0].parts):
        return Sum([multiply(Number(-1), part) for part in parts[0].parts])
    return Product(parts if number == 1 else [Number(number), *parts])


def power(base: Term, exponent: Fraction | int) -> Term:
    """Return a power; those of numbers, powers and products are taken apart where that is allowed.

    A condition is one power of itself, negative ones too: 1 / x where x is outside of its range stands for nothing, and
    only in products with what is 0 there.
    """
    exponent = Fraction(exponent)
    if exponent == 1:
        return base
    if exponent == 0:
        return ONE
    if isinstance(base, Condition):
        return base
    whole = exponent.denominator == 1
    if isinstance(base, Number) and whole and (base.value or exponent > 0):
        return Number(base.value ** int(exponent))
    if isinstance(base, Power) and whole:
        return power(base.base, base.exponent * exponent)
    if isinstance(base, Product) and whole:
        return multiply(*(power(part, exponent) for part in base.parts))
    return Power(base, exponent)


def call(op: Op, *operands: Any) -> Term:
    """Return an operation on terms and numbers: as a sum, a product or a power if it is one."""
    args = [term_of(operand) for operand in operands]
    if op is ops.add:
        return add(*args)
    if op is ops.sub:
        return args[0] - args[1]
    if op is ops.mul:
        return multiply(*args)
    if op is ops.neg:
        return -args[0]
    if op is ops.div:
        return args[0] / args[1]
    if op is ops.pow and isinstance(args[1], Number):
        return power(args[0], args[1].value)
    if op is ops.sqrt and not isinstance(args[0], Number):
        return Power(args[0], Fraction(1, 2))
    numbers = [float(arg.value) for arg in args if isinstance(arg, Number)]
    if len(numbers) == len(args) and op.arity is not None:
        return Number(fraction_of(op.evaluate(numbers)))
    return Call(op, args)


# --- reductions --------------------------------------------------------------------------------------


def reduce(name: str, axes: Sequence[Axis], body: Term, op: Op | None = None) -> Term:
    """Return a reduction of a term over axes; a sum with what does not depend on them outside and conditions solved."""
    axes = tuple(axes)
    if op is ops.logsumexp and not body.free & set(axes):  # of equal members
        count = math.prod(axis.size for axis in axes)
        return add(body, Number(fraction_of(math.log(count)))) if count > 1 else body
    if name != "sum":
        return Reduction(name, axes, body, op)
    if not axes or (isinstance(body, Number) and not body.value):
        return body
    single = {axis: fixed(0) for axis in axes if axis.size == 1}
    if single:
        return reduce("sum", [axis for axis in axes if axis not in single], substituted(body, single))
    if isinstance(body, Reduction) and body.name == "sum":
        return reduce("sum", (*axes, *body.axes), body.body)
    idle = [axis for axis in axes if axis not in body.free]
    if idle:
        times = Number(math.prod(axis.size for axis in idle))
        return multiply(times, reduce("sum", [axis for axis in axes if axis not in idle], body))
    number, rest = split(body)
    outside = [factor for factor in factors_of(rest) if not factor.free & set(axes)]
    inside = [factor for factor in factors_of(rest) if factor.free & set(axes)]
    if outside or number != 1:
        return multiply(Number(number), *outside, reduce("sum", axes, multiply(*inside)))
    narrowed = _narrowed(axes, inside)
    if narrowed is not None:
        return narrowed
    for factor in inside:
        if isinstance(factor, Condition) and factor.relation == "=":
            for axis in axes:
                value = _solved(factor, axis)
                if value is not None:
                    others = [each for each in inside if each is not factor]
                    whole = multiply(*others, *_within(value, axis, others))
                    return reduce("sum", [a for a in axes if a is not axis], substituted(whole, {axis: value}))
    return Reduction("sum", axes, multiply(*inside))


def _narrowed(axes: Sequence[Axis], factors: Sequence[Term]) -> Term | None:
    """Return the sum with an axis that runs only where a factor is not 0: x[t − 1] from t = 1."""
    for axis in axes:
        for factor in factors:
            if not isinstance(factor, Reference) or factor.family.kind not in ("value", "adjoint"):
                continue
            for index, own in zip(factor.indices, factor.family.axes, strict=True):
                if index.shifted is axis and index.const < 0 and own.size < axis.size:
                    new = Axis(own.size, axis.hint)
                    body = substituted(multiply(*factors), {axis: at(new, -index.const)})
                    return reduce("sum", [new if a is axis else a for a in axes], body)
    return None


def _solved(equation: Condition, axis: Axis) -> Index | None:
    """Return an axis from an equation of indices, if it occurs there once and alone or with the coefficient ±1."""
    left, right = equation.left, equation.right
    if left.table is not None or right.table is not None:
        for one, other in ((left, right), (right, left)):
            if one.table is None and one.plain is axis and axis not in other.free:
                return other
        return None
    parts: dict[Axis, int] = {}
    for side, sign in ((left, 1), (right, -1)):
        for a, k in side.parts:
            parts[a] = parts.get(a, 0) + sign * k
    k = parts.pop(axis, 0)
    if abs(k) != 1:
        return None
    return Index(-k * (left.const - right.const), [(a, -k * m) for a, m in parts.items()])


def _within(value: Index, axis: Axis, factors: Sequence[Term]) -> list[Term]:
    """Return the conditions that a value is within an axis's range, as far as no reference says so."""
    low, high = value.extent()
    if low >= 0 and high < axis.size:
        return []
    for factor in factors:
        if isinstance(factor, Reference):
            for index, own in zip(factor.indices, factor.family.axes, strict=True):
                if index.plain is axis and own.size == axis.size:
                    return []
    return [condition(fixed(0), "≤", value), condition(value, "≤", fixed(axis.size - 1))]


def softmax(axis: Axis, index: Index, body: Term) -> Softmax:
    """Return exp(body at `index`) / Σ exp(body)."""
    return Softmax(axis, index, body)


# --- conditions --------------------------------------------------------------------------------------


def condition(left: Index, relation: Relation, right: Index) -> Term:
    """Return a condition between indices, decided where that is possible."""
    single = {axis: fixed(0) for side in (left, right) for axis in side.free if axis.size == 1}
    if single:
        return condition(left.substituted(single), relation, right.substituted(single))
    if left.table is None and right.table is None:
        difference = right.plus(-left.const, [(a, -k) for a, k in left.parts])
        low, high = difference.extent()
    else:
        (a, b), (c, d) = left.extent(), right.extent()
        low, high = c - b, d - a
    if relation == "≤" and (low >= 0 or high < 0):
        return ONE if low >= 0 else ZERO
    if relation != "≤" and (low > 0 or high < 0 or low == high == 0):
        return ONE if (low == high == 0) == (relation == "=") else ZERO
    return Condition(left, relation, right)


def domain(family: Family) -> Term:
    """Return where a family has members: 1, a condition between two of its axes, or numbers 0 and 1."""
    if family.mask is None:
        return ONE
    if family.condition is not None:
        return family.condition
    found: Term | None = None
    grid = np.indices(family.shape)
    for i, a in enumerate(family.axes):
        for j, b in enumerate(family.axes):
            if i != j and found is None:
                difference = grid[i] - grid[j]
                most = int(difference[family.mask].max())
                if ((difference <= most) == family.mask).all():
                    found = Condition(at(a), "≤", at(b, most))
    if found is None:
        numbers = Family("", "numbers", [axis.like() for axis in family.axes])
        numbers.numbers = family.mask.astype(float)
        found = Reference(numbers, [at(axis) for axis in family.axes])
    family.condition = found
    return found


def _conditions(term: Term) -> list[Condition]:
    return [factor for factor in factors_of(term) if isinstance(factor, Condition)]


def _without_implied(factors: list[Term]) -> list[Term]:
    """Return factors without the conditions that others imply, being 0 where they do not hold."""
    if not any(isinstance(factor, Condition) for factor in factors):
        return factors
    domains = set()
    for each in factors:
        if isinstance(each, Reference) and each.family.mask is not None:
            where = dict(zip(each.family.axes, each.indices, strict=True))
            domains.add(substituted(domain(each.family), where).key)
    return [
        factor
        for factor in factors
        if not (isinstance(factor, Condition) and (factor.key in domains or _is_implied(factor, factors)))
    ]


def _is_implied(wanted: Condition, factors: Sequence[Term]) -> bool:
    """Whether a reference among the factors is out of its range where a condition does not hold."""
    low, high = wanted.left, wanted.right
    if wanted.relation != "≤" or low.table is not None or high.table is not None:
        return False
    for factor in factors:
        if isinstance(factor, Reference):
            for index, axis in zip(factor.indices, factor.family.axes, strict=True):
                v = index.shifted
                if v is None:
                    continue
                if low.is_fixed and high.plain is v and low.const <= -index.const:
                    return True
                if high.is_fixed and low.plain is v and high.const >= axis.size - 1 - index.const:
                    return True
        elif isinstance(factor, Reduction) and factor.name == "sum" and high.is_fixed and low.plain is not None:
            for each in _conditions(factor.body):
                bound = each.right.shifted
                if (
                    each.relation == "≤"
                    and each.left.shifted is low.plain
                    and bound in factor.axes
                    and bound is not None
                ) and bound.size - 1 + each.right.const - each.left.const <= high.const:
                    return True
    return False


def _put_together(parts: Sequence[Term]) -> list[Term]:
    """Return terms with those put together whose conditions add up: [k = 0] f(0) + [1 ≤ k] f(k) = f(k)."""
    opened = [(k, *_apart(part)) for k, part in enumerate(parts) if len(_conditions(part)) == 1]
    for i, a, f in opened:
        for j, b, g in opened:
            if i == j or b.relation != "≤":
                continue
            together = _one_and_rest(a, f, b, g) if a.relation == "=" else _both_sides(a, f, b, g) if i < j else None
            if together is not None:
                return _put_together([part for k, part in enumerate(parts) if k not in (i, j)] + [together])
    return list(parts)


def _apart(term: Term) -> tuple[Condition, Term]:
    (own,) = _conditions(term)
    return own, multiply(*(factor for factor in factors_of(term) if factor is not own))


def _one_and_rest(a: Condition, f: Term, b: Condition, g: Term) -> Term | None:
    """Return [k = 0] f(0) + [1 ≤ k] f(k) as f(k), likewise at the other end."""
    number, variable = (a.left, a.right) if a.right.plain is not None else (a.right, a.left)
    axis = variable.plain
    if axis is None or not number.is_fixed:
        return None
    k = number.const
    lower = k == 0 and b.left.is_fixed and b.right.plain is axis and b.left.const == 1
    upper = k == axis.size - 1 and b.right.is_fixed and b.left.plain is axis and b.right.const == k - 1
    return g if (lower or upper) and substituted(g, {axis: number}).key is f.key else None


def _both_sides(a: Condition, f: Term, b: Condition, g: Term) -> Term | None:
    """Return [i < j] f + [j < i] f as [i ≠ j] f."""
    if f.key is not g.key or not _are_opposite(a, b):
        return None
    left, right = a.left.shifted, a.right.shifted
    return None if left is None or right is None else multiply(Condition(at(left), "≠", at(right)), f)


def _are_opposite(a: Condition, b: Condition) -> bool:
    """Whether conditions are i < j and j < i."""
    if a.relation != "≤" or b.relation != "≤":
        return False
    i, j = a.left.shifted, a.right.shifted
    return (
        i is not None
        and j is not None
        and b.left.shifted is j
        and b.right.shifted is i
        and a.right.const - a.left.const == -1
        and b.right.const - b.left.const == -1
    )


def _triangles(parts: list[Term]) -> list[Term]:
    """Return terms with Σ_{j > i} f + Σ_{j < i} f put together as Σ_{j ≠ i} f."""
    opened = []
    for n, part in enumerate(parts):
        sums = [
            factor
            for factor in factors_of(part)
            if isinstance(factor, Reduction)
            and factor.name == "sum"
            and len(factor.axes) == 1
            and len(_conditions(factor.body)) == 1
        ]
        if len(sums) == 1:
            where, body = _apart(sums[0].body)
            rest = multiply(*(factor for factor in factors_of(part) if factor is not sums[0]))
            opened.append((n, rest, sums[0].axes[0], where, body))
    for i, (n, rest, axis, where, body) in enumerate(opened):
        for m, other, b, also, more in opened[i + 1 :]:
            if rest.key is not other.key:
                continue
            large, small = (axis, b) if axis.size >= b.size else (b, axis)
            (c, f), (d, g) = ((where, body), (also, more)) if large is axis else ((also, more), (where, body))
            moved = Condition(
                d.left.substituted({small: at(large)}), d.relation, d.right.substituted({small: at(large)})
            )
            if f.key is substituted(g, {small: at(large)}).key and _are_opposite(c, moved):
                i_, j_ = c.left.shifted, c.right.shifted
                free = j_ if i_ is large else i_
                if free is None:
                    continue
                merged = multiply(rest, reduce("sum", [large], multiply(Condition(at(large), "≠", at(free)), f)))
                return [p for k, p in enumerate(parts) if k not in (n, m)] + [merged]
    return parts


# --- substitution ------------------------------------------------------------------------------------


def substituted(term: Term, by: Mapping[Axis, Index]) -> Term:
    """Return a term with free axes replaced by indices."""
    by = {axis: index for axis, index in by.items() if axis in term.free}
    if not by:
        return term
    if isinstance(term, Reference):
        return Reference(term.family, [index.substituted(by) for index in term.indices])
    if isinstance(term, Condition):
        return condition(term.left.substituted(by), term.relation, term.right.substituted(by))
    entering = {axis for index in by.values() for axis in index.free}
    if isinstance(term, Reduction):
        renamed = {axis: axis.like() for axis in term.axes if axis in entering}
        body = substituted(term.body, {a: at(b) for a, b in renamed.items()})
        return reduce(term.name, [renamed.get(a, a) for a in term.axes], substituted(body, by), term.op)
    if isinstance(term, Softmax):
        axis, body = term.axis, term.body
        if axis in entering:
            axis = axis.like()
            body = substituted(body, {term.axis: at(axis)})
        inner = {a: index for a, index in by.items() if a is not axis}
        return Softmax(axis, term.index.substituted(by), substituted(body, inner))
    return term.rebuilt([substituted(part, by) for part in term.parts])


def replaced(term: Term, by: Callable[[Term], Term | None]) -> Term:
    """Return a term with subterms replaced, outermost first, by what `by` gives for them."""
    found = by(term)
    if found is not None:
        return found
    if not term.parts:
        return term
    parts = [replaced(part, by) for part in term.parts]
    if all(a is b for a, b in zip(parts, term.parts, strict=True)):
        return term
    return term.rebuilt(parts)


def normalised(term: Term) -> Term:
    """Return a term that was not put together by these functions in normal form."""
    return term.rebuilt([normalised(part) for part in term.parts]) if term.parts else term


def inlined(family: Family, term: Term, indices: Sequence[Index]) -> Term:
    """Return a family's term at some indices; what is outside of the family's domain is 0 there too."""
    whole = term if family.mask is None else multiply(domain(family), term)
    where = inside(Reference(family, indices))
    return multiply(*where, substituted(whole, dict(zip(family.axes, indices, strict=True))))


def inside(reference: Reference) -> list[Term]:
    """Return the conditions under which what is read is within its family, where it may be outside."""
    where: list[Term] = []
    for index, axis in zip(reference.indices, reference.family.axes, strict=True):
        low, high = index.extent()
        if low < 0:
            where.append(condition(fixed(0), "≤", index))
        if high >= axis.size:
            where.append(condition(index, "≤", fixed(axis.size - 1)))
    return where


Term.construct = cast(Constructors, sys.modules[__name__])
