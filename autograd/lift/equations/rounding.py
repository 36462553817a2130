"""Whether a form of a formula loses digits: rounding errors, measured against exact arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from .formula import MINUS_ONE, Call, Cases, Formula, Local, Num, Power, Prod, Sum, Test
from .normal_form import split, times

__all__ = ["loses_no_digits"]

EPSILON = 2.0**-53
_SATURATED = tuple(
    Fraction(value) for value in (0.3, 1.0 - 1e-9, 1e-9, 0.75, 1.0 - EPSILON, 1e-300, 1.0, 0.0, 1.5, -2.0)
)


def loses_no_digits(form: Formula, original: Formula) -> bool:
    """Whether the rounding error of a form is nowhere larger than that of the original.

    Both are computed in floats and exactly, at points where activations are saturated and at others, and at neighbours
    of each, so that no form profits from a lucky point. Ordinary rounding, four times the error of the original or some
    units in the last place, is not held against a form.
    """
    for k in range(40):
        allowed = error = Fraction(0)
        for neighbour in range(5):
            values = _Values(k, neighbour)
            try:
                exact = values.of(original, Fraction)
                rounded = Fraction(values.of(original, float))
            except (ArithmeticError, ValueError):
                continue
            allowed = max(allowed, 4 * abs(rounded - exact) + abs(exact) * Fraction(8 * EPSILON))
            try:
                error = max(error, abs(Fraction(values.of(form, float)) - exact))
            except (ArithmeticError, ValueError):
                return False
        if error > allowed:
            return False
    return True


class _Values:
    """Values for all atoms at a neighbour of the `k`-th point."""

    def __init__(self, k: int, neighbour: int) -> None:
        self.k = k
        self.neighbour = neighbour
        self.seen: dict[Formula, Fraction] = {}

    def of(self, formula: Formula, number: Callable[[Any], Any]) -> Any:
        match formula:
            case Num():
                return number(formula.value)
            case Sum():
                result = self.of(formula.terms[0], number)
                for term in formula.terms[1:]:
                    result = result + self.of(term, number)
                return result
            case Prod():
                result = number(1)
                for factor in formula.factors:
                    if isinstance(factor, Power) and factor.exponent < 0:
                        result = result / self.of(factor.base, number) ** -factor.exponent
                    else:
                        result = result * self.of(factor, number)
                return result
            case Power():
                return self.of(formula.base, number) ** formula.exponent
            case Local():
                return self.of(formula.rule, number)
            case Cases():
                return self.of(formula.yes if self.of(formula.condition, number) else formula.no, number)
            case Call(name="sigmoid") if split(formula.args[0])[0] < 0:
                other = Call("sigmoid", (times(MINUS_ONE, formula.args[0]),), formula.kind)
                return number(1 - self.of(other, Fraction))
            case Test():
                return number(self._atom(formula) > Fraction(1, 2))
        return number(self._atom(formula))

    def _atom(self, formula: Formula) -> Fraction:
        if formula not in self.seen:
            place = len(self.seen)
            digit = (self.k // len(_SATURATED) ** (place % 2) + 3 * place * (self.k % 7)) % len(_SATURATED)
            value = _SATURATED[digit]
            shift = Fraction(self.neighbour * (2 * place + 1), 64)
            value = 1 - (1 - value) * (1 + shift) if abs(1 - value) < Fraction(1, 1000) else value * (1 + shift)
            self.seen[formula] = Fraction(float(value))
        return self.seen[formula]
