"""Building formulas in a normal form.

Sums and products are flat, their numbers are collected in front, and their parts stand in an order that depends on what
they are and not on how the graph was written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from .formula import (
    MINUS_ONE,
    ONE,
    ZERO,
    Call,
    Cases,
    Formula,
    Kind,
    LineSum,
    Local,
    Mat,
    Name,
    Num,
    Numbers,
    Pick,
    Power,
    Prod,
    Repeat,
    Stack,
    Sum,
    Test,
    Total,
    Trans,
)

__all__ = [
    "line_sum",
    "made_of",
    "matrix_product",
    "numeral",
    "operations",
    "plus",
    "power",
    "rebuilt",
    "repeated",
    "replaced",
    "split",
    "times",
    "total",
    "transposed",
]


def plus(*terms: Formula) -> Formula:
    """Return a sum: flat, like terms collected, in order."""
    found: dict[Formula, Fraction] = {}
    for term in terms:
        for each in term.terms if isinstance(term, Sum) else (term,):
            scale, rest = split(each)
            found[rest] = found.get(rest, Fraction(0)) + scale
    left = [_scaled(scale, rest) for rest, scale in found.items() if scale]
    if len(left) < 2:
        return left[0] if left else ZERO
    products = any(_contains_product(term) for term in left)

    def order(term: Formula) -> tuple[bool, bool, bool, str]:
        scale, rest = split(term)
        return made_of(rest, "parameter", "parameters"), scale < 0, products and rest == ONE, rest.key

    return Sum(tuple(sorted(left, key=order)))


def times(*factors: Formula) -> Formula:
    """Return an elementwise product: flat, the number first, equal factors as powers, in order."""
    scale = Fraction(1)
    exponents: dict[Formula, int] = {}
    todo = list(factors)
    while todo:
        factor = todo.pop(0)
        if isinstance(factor, Num):
            scale *= factor.value
        elif isinstance(factor, Prod):
            todo[:0] = factor.factors
        elif isinstance(factor, Power):
            exponents[factor.base] = exponents.get(factor.base, 0) + factor.exponent
        else:
            exponents[factor] = exponents.get(factor, 0) + 1
    left = [power(base, e) for base, e in exponents.items() if e]
    if not scale:
        return ZERO
    left.sort(key=_place_in_product)
    if not left:
        return Num(scale)
    if scale != 1:
        left.insert(0, Num(scale))
    return left[0] if len(left) == 1 else Prod(tuple(left))


def power(base: Formula, exponent: int) -> Formula:
    """Return a whole power; one of a number is a number, one of a product a product of powers."""
    if exponent == 0:
        return ONE
    if exponent == 1:
        return base
    match base:
        case Num() if base.value:
            return Num(base.value**exponent)
        case Power():
            return power(base.base, base.exponent * exponent)
        case Prod():
            return times(*(power(factor, exponent) for factor in base.factors))
        case Call("sqrt", (of,)) if not exponent % 2:
            return power(of, exponent // 2)
    return Power(base, exponent)


def total(value: Formula) -> Formula:
    """Return the sum of all members, with numbers and scalars in front."""
    if value.kind == 0:
        return value
    match value:
        case Prod():
            outside = [factor for factor in value.factors if factor.kind == 0]
            if outside:
                return times(*outside, total(times(*(factor for factor in value.factors if factor.kind))))
    return Total(value)


def repeated(value: Formula, axis: int) -> Formula:
    """Return a vector as every column (axis 1) or row (axis 0) of a matrix, with the number in front."""
    scale, rest = split(value)
    return _scaled(scale, Repeat(rest, axis))


def line_sum(value: Formula, axis: int) -> Formula:
    """Return the sums of rows (axis 1) or columns (axis 0), with the number in front."""
    scale, rest = split(value)
    return _scaled(scale, LineSum(rest, axis))


def matrix_product(left: Formula, right: Formula, kind: Kind) -> Formula:
    """Return a matrix product with the numbers in front."""
    (c, left), (d, right) = split(left), split(right)
    if isinstance(left, Num) or isinstance(right, Num):
        return times(Num(c * d), left, right)
    return _scaled(c * d, Mat(left, right, kind))


def transposed(value: Formula) -> Formula:
    """Return the transposed formula; of a product, the product of the transposed factors in reverse order."""
    scale, rest = split(value)
    match rest:
        case Trans():
            return _scaled(scale, rest.value)
        case Mat() if rest.kind == 2:
            return _scaled(scale, Mat(transposed(rest.right), transposed(rest.left), 2))
        case Num():
            return value
    return _scaled(scale, Trans(rest))


def replaced(formula: Formula, by: Callable[[Formula], Formula | None]) -> Formula:
    """Return the formula with every part for which `by` returns one replaced by it, from the outside in."""
    found = by(formula)
    if found is not None:
        return found
    parts = formula.parts
    if not parts:
        return formula
    new = [replaced(part, by) for part in parts]
    if all(a is b for a, b in zip(new, parts, strict=True)):
        return formula
    return rebuilt(formula, new)


def rebuilt(formula: Formula, parts: Sequence[Formula]) -> Formula:
    """Return the same formula made of other parts, in its normal form."""
    match formula:
        case Sum():
            return plus(*parts)
        case Prod():
            return times(*parts)
        case Power():
            return power(parts[0], formula.exponent)
        case Mat():
            return matrix_product(parts[0], parts[1], formula.kind)
        case Trans():
            return transposed(parts[0])
        case Total():
            return total(parts[0])
        case LineSum():
            return line_sum(parts[0], formula.axis)
        case Repeat():
            return repeated(parts[0], formula.axis)
        case Pick():
            return Pick(parts[0], formula.number, formula.kind)
        case Stack():
            return Stack(tuple(parts), formula.kind)
        case Call():
            return Call(formula.name, tuple(parts), formula.kind)
        case Test():
            return Test(formula.relation, parts[0], parts[1])
        case Cases():
            condition, yes, no = parts
            return yes if yes == no else Cases(condition, yes, no)
    return formula


def operations(formula: Formula) -> int:
    """Return the number of operations on scalars for one member: what simplifying is meant to lower."""
    inside = sum(operations(part) for part in formula.parts)
    match formula:
        case Sum():
            return inside + len(formula.terms) - 1 + (split(formula.terms[0])[0] < 0)
        case Prod():
            divisors = sum(isinstance(factor, Power) and factor.exponent < 0 for factor in formula.factors)
            inside -= divisors - (divisors == len(formula.factors))  # dividing is one operation, not two
            return inside + len(formula.factors) - 1 - (formula.factors[0] == MINUS_ONE)
        case Power():
            return inside + abs(formula.exponent) - 1 + (formula.exponent < 0)
        case Local():
            return operations(formula.rule)
        case Name() | Num() | Numbers() | Stack() | Trans() | Repeat() | Pick():
            return inside
    return inside + 1


def made_of(formula: Formula, *roles: str) -> bool:
    """Whether all blocks in a formula have one of the given roles, and there are some."""
    if isinstance(formula, Name):
        return formula.block.role in roles
    return bool(formula.parts) and all(made_of(part, *roles) or isinstance(part, Num) for part in formula.parts)


def _place_in_product(factor: Formula) -> tuple[bool, bool, bool, str]:
    """Return what sorts factors: scalars, then what is made of targets, then the rest, and divisors last."""
    divides = isinstance(factor, Power) and factor.exponent < 0
    return factor.kind > 0, divides, not made_of(factor, "input"), factor.key


def _contains_product(formula: Formula) -> bool:
    return isinstance(formula, Mat) or any(map(_contains_product, formula.parts))


def split(formula: Formula) -> tuple[Fraction, Formula]:
    """Return the number in front, and the rest."""
    if isinstance(formula, Num):
        return formula.value, ONE
    if isinstance(formula, Prod) and isinstance(formula.factors[0], Num):
        rest = formula.factors[1:]
        return formula.factors[0].value, rest[0] if len(rest) == 1 else Prod(rest)
    return Fraction(1), formula


def _scaled(scale: Fraction, rest: Formula) -> Formula:
    if rest == ONE:
        return Num(scale)
    return rest if scale == 1 else times(Num(scale), rest)


def numeral(value: Any) -> Num:
    """Return a number as it stands in the graph, exactly."""
    return Num(Fraction(float(value)))
