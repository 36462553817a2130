"""The shortest form of a formula that exact algebra finds and floats do not suffer from.

A formula is brought into several forms that are all exactly equal to it. One of them is taken only if it has fewer
operations than the formula itself and no larger rounding error where an activation is saturated: a − a² is as short as
a(1 − a), and loses all digits near a = 1.

A selection `where(c, u, v)` is decided by cases: if the formula with v at c = 0 is what the formula with u becomes at
c = 0, the latter is right everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import islice

from ..language.algebra import Polynomial, Ratio, TooLargeError, limited
from ..matrices.statement import walked
from .formula import (
    MINUS_ONE,
    ZERO,
    Call,
    Cases,
    Formula,
    LineSum,
    Local,
    Mat,
    Num,
    Pick,
    Power,
    Prod,
    Repeat,
    Sum,
    Test,
    Total,
    Trans,
)
from .normal_form import operations, plus, power, rebuilt, replaced, split, times
from .rounding import loses_no_digits

__all__ = ["fits", "ratio_of", "simplest", "without_cases"]

LONGEST = 400  # parts of a formula

Known = dict[Formula, Formula]
"""The simplest form of each formula that has been simplified."""

_MIXING = (Total, LineSum, Mat, Trans, Repeat, Pick)
"""What reads other members than the one it is read for."""


def simplest(formula: Formula, known: Known | None = None) -> Formula:
    """Return the shortest form that is accepted, or the formula itself.

    Args:
        formula: Any formula.
        known: Formulas of the same derivation that have been simplified, to be read and added to.

    Example:
        (1 − a²) / (1 − a) is 1 + a, with fewer operations and more digits:

        >>> from autograd.lift.matrices.expression import Block
        >>> from autograd.lift.equations.formula import ONE, Name
        >>> a = Name(Block("a", (2,), True), 1)
        >>> one_minus = lambda formula: plus(ONE, times(MINUS_ONE, formula))
        >>> simplest(times(one_minus(power(a, 2)), power(one_minus(a), -1))) == plus(ONE, a)
        True
    """
    known = {} if known is None else known
    if not formula.parts:
        return formula
    if formula not in known:
        known[formula] = _simplest(formula, known) if fits(formula) else formula
    return known[formula]


def _simplest(formula: Formula, known: Known) -> Formula:
    with limited():
        best = plain = without_cases(formula)
        for form in _all_forms(plain, known):
            if operations(form) < operations(best) and loses_no_digits(_settled(form, known), _settled(plain, known)):
                best = form
    return best


def fits(formula: Formula) -> bool:
    """Whether a formula is short enough to be simplified; what is longer is shown as it stands in the graph."""
    return len(list(islice(walked(formula), LONGEST + 1))) <= LONGEST


def _all_forms(formula: Formula, known: Known) -> Iterator[Formula]:
    for expand in (False, True):
        try:
            yield from _forms(ratio_of(formula, expand, known))
        except (TooLargeError, ZeroDivisionError):
            continue


def ratio_of(formula: Formula, expand: bool, known: Known | None = None) -> Ratio:
    """Return a formula as a rational function of its atoms.

    Args:
        formula: Any formula.
        expand: Whether derivatives of activations are written out by their rules.
        known: As for `simplest`.

    Raises:
        TooLargeError: If it expands to too many terms.
        ZeroDivisionError: If it divides by zero.
    """
    known = {} if known is None else known
    match formula:
        case Num():
            return Ratio(formula.value)
        case Sum():
            return Ratio.sum(ratio_of(term, expand, known) for term in formula.terms)
        case Prod():
            result = Ratio(Fraction(1))
            for factor in formula.factors:
                result = result * ratio_of(factor, expand, known)
            return result
        case Power():
            return ratio_of(formula.base, expand, known).power(formula.exponent)
        case Local() if expand:
            return ratio_of(formula.rule, expand, known)
        case Call(name="sigmoid") if split(formula.args[0])[0] < 0:
            other = Call("sigmoid", (times(MINUS_ONE, formula.args[0]),), formula.kind)
            return Ratio(Fraction(1)) - Ratio.of(other)
    inside = rebuilt(formula, [simplest(part, known) for part in formula.parts]) if formula.parts else formula
    if inside == formula or isinstance(inside, type(formula)):
        return Ratio.of(inside)
    return ratio_of(inside, expand, known)


def _forms(ratio: Ratio) -> Iterator[Formula]:
    """Yield the ratio factored, with its sum over the common denominator, and with each term divided by itself."""
    yield _factored(ratio)
    numerator = ratio.numerator()
    divisors = {factor: -e for factor, e in ratio.denominator().items()}
    yield times(_sum_of(numerator), *_powers(divisors))
    terms = []
    for monomial, c in numerator.terms.items():
        alone = Ratio(c, {Polynomial.of(atom): e for atom, e in monomial}) * Ratio(Fraction(1), divisors)
        terms.append(_factored(alone))
    yield plus(*terms)


def _factored(ratio: Ratio) -> Formula:
    scale = ratio.scale
    factors = dict(ratio.factors)
    turned: list[Formula] = []
    if scale < 0:
        sums = [f for f, e in factors.items() if len(f.terms) > 1 and e == 1]
        if sums:
            del factors[sums[0]]
            turned.append(_sum_of(Polynomial({m: -c for m, c in sums[0].terms.items()})))
            scale = -scale
    return times(Num(scale), *turned, *_powers(factors))


def _powers(factors: dict[Polynomial, int]) -> list[Formula]:
    return [power(_sum_of(factor), e) for factor, e in factors.items()]


def _sum_of(polynomial: Polynomial) -> Formula:
    if not polynomial.terms:
        return ZERO
    return plus(*(times(Num(c), *(power(a, e) for a, e in m)) for m, c in polynomial.terms.items()))  # type: ignore[arg-type]  # the atoms are formulas


# --- selections ----------------------------------------------------------------------------------


def without_cases(formula: Formula) -> Formula:
    """Return the formula without the selections that make no difference."""
    if isinstance(formula, _MIXING):
        formula = rebuilt(formula, [without_cases(part) for part in formula.parts])
    elif formula.parts:
        formula = _elementwise(formula, lambda part: without_cases(part) if isinstance(part, _MIXING) else None)
    while True:
        condition = next((c for c in _conditions(formula) if _makes_no_difference(formula, c)), None)
        if condition is None:
            return formula
        formula = _taking(formula, condition, "yes")


def _conditions(formula: Formula) -> Iterator[Formula]:
    if isinstance(formula, Cases) and not isinstance(formula.condition, Test):
        yield formula.condition
    if not isinstance(formula, _MIXING):
        for part in formula.parts:
            yield from _conditions(part)


def _makes_no_difference(formula: Formula, condition: Formula) -> bool:
    try:
        solved = _solved(condition)
        if solved is None:
            return False
        atom, value = solved
        at_zero = [
            _elementwise(_taking(formula, condition, branch), lambda part: value if part == atom else None)
            for branch in ("yes", "no")
        ]
        return ratio_of(at_zero[0], expand=True) == ratio_of(at_zero[1], expand=True)
    except (TooLargeError, ZeroDivisionError):
        return False


def _solved(condition: Formula) -> tuple[Formula, Formula] | None:
    """Return an atom and the value it has where the condition is 0, if the condition is linear in one atom."""
    polynomial = ratio_of(condition, expand=False).numerator()
    atoms = {atom for monomial in polynomial.terms for atom, _ in monomial}
    if len(atoms) != 1 or any(e > 1 for monomial in polynomial.terms for _, e in monomial):
        return None
    (atom,) = atoms
    slope = polynomial.terms[((atom, 1),)]
    return atom, Num(-polynomial.terms.get((), Fraction(0)) / slope)  # type: ignore[return-value]  # an atom is a formula


def _taking(formula: Formula, condition: Formula, branch: str) -> Formula:
    def taken(part: Formula) -> Formula | None:
        if isinstance(part, Cases) and part.condition == condition:
            return _taking(getattr(part, branch), condition, branch)
        return None

    return _elementwise(formula, taken)


def _elementwise(formula: Formula, by: Callable[[Formula], Formula | None]) -> Formula:
    """Return the formula with parts replaced, but none within what reads other members."""
    return replaced(formula, lambda part: by(part) or (part if isinstance(part, _MIXING) else None))


def _settled(formula: Formula, known: Known) -> Formula:
    """Return the formula with the parts that read other members in their simplest form, so that they are alike."""

    def settled(part: Formula) -> Formula | None:
        return rebuilt(part, [simplest(each, known) for each in part.parts]) if isinstance(part, _MIXING) else None

    return replaced(formula, settled)
