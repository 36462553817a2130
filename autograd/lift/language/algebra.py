"""Exact algebra: rational functions with fractions as coefficients, kept as products of factors.

A `Ratio` is a number times powers of polynomials, and a denominator is a factor with a negative exponent. Products only
add exponents. A sum takes out what its terms have in common, expands the rest, and divides it by the denominators as
long as a division leaves no remainder. So a result that has no denominator any more is proved to be a polynomial; no
number was tried.

Atoms are any hashable objects. The numbers in front of them are fractions, so nothing is ever rounded.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

__all__ = ["Polynomial", "Ratio", "TooLargeError", "limited"]

Monomial = tuple[tuple[Hashable, int], ...]
LARGEST = 400  # monomials; an expression that expands to more is shown as it is


WORK = 5_000  # terms that are multiplied or added for one formula
_left: ContextVar[int | None] = ContextVar("_left", default=None)


class TooLargeError(ArithmeticError):
    """An expression expands to more monomials than anyone would read, or takes too many to be simplified."""


@contextmanager
def limited() -> Iterator[None]:
    """A context in which algebra gives up after a number of steps that is the same for every formula.

    What takes longer raises TooLargeError. A context within has a number of its own.
    """
    token = _left.set(WORK)
    try:
        yield
    finally:
        _left.reset(token)


def _step(terms: int) -> None:
    left = _left.get()
    if left is not None:
        if left < terms:
            raise TooLargeError("it takes too many steps")
        _left.set(left - terms)


@dataclass(frozen=True, eq=False)
class Polynomial:
    """A sum of monomials with fractions as coefficients.

    Attributes:
        terms: The coefficient of each monomial; a monomial is a sorted tuple of atoms with positive exponents.
    """

    terms: Mapping[Monomial, Fraction]

    @staticmethod
    def of(atom: Hashable) -> Polynomial:
        """Return the polynomial that is one atom."""
        return Polynomial({((atom, 1),): Fraction(1)})

    @staticmethod
    def number(value: Fraction) -> Polynomial:
        """Return a constant polynomial."""
        return Polynomial({(): value} if value else {})

    @cached_property
    def _key(self) -> frozenset[tuple[Monomial, Fraction]]:
        return frozenset(self.terms.items())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Polynomial) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __add__(self, other: Polynomial) -> Polynomial:
        _step(len(self.terms) + len(other.terms))
        terms = dict(self.terms)
        for monomial, c in other.terms.items():
            total = terms.get(monomial, Fraction(0)) + c
            if total:
                terms[monomial] = total
            else:
                del terms[monomial]
        return Polynomial(terms)

    def __mul__(self, other: Polynomial) -> Polynomial:
        _step(len(self.terms) * len(other.terms))
        terms: dict[Monomial, Fraction] = {}
        for left, c in self.terms.items():
            for right, d in other.terms.items():
                monomial = _times(left, right)
                total = terms.get(monomial, Fraction(0)) + c * d
                if total:
                    terms[monomial] = total
                else:
                    del terms[monomial]
        if len(terms) > LARGEST:
            raise TooLargeError("the product is too large")
        return Polynomial(terms)

    def divided_by(self, divisor: Polynomial) -> Polynomial | None:
        """Return the quotient, or None if the division leaves a remainder.

        Raises:
            ZeroDivisionError: If the divisor is 0.
        """
        _step(len(self.terms) + len(divisor.terms))
        if not divisor.terms:
            raise ZeroDivisionError("division by the polynomial 0")
        order = _Order([*self.terms, *divisor.terms])
        lead = max(divisor.terms, key=order.key)
        quotient: dict[Monomial, Fraction] = {}
        rest = self
        while rest.terms:
            top = max(rest.terms, key=order.key)
            monomial = _over(top, lead)
            if monomial is None:
                return None
            c = rest.terms[top] / divisor.terms[lead]
            quotient[monomial] = c
            rest = rest + divisor * Polynomial({monomial: -c})
        return Polynomial(quotient)

    def primitive(self) -> tuple[Fraction, Monomial, Polynomial]:
        """Return a number, a monomial and a polynomial, whose product is this one.

        The polynomial's coefficients are integers without a common divisor, no atom divides it, and its sign is that of
        its constant term or else of its first monomial; so `1 − a` and `a − 1` have the same polynomial.
        """
        first, *rest = self.terms
        common = dict(first)
        for monomial in rest:
            found = dict(monomial)
            common = {atom: min(e, found[atom]) for atom, e in common.items() if atom in found}
        shared = tuple(sorted(common.items(), key=_atom_key))
        scale = Fraction(
            math.gcd(*(c.numerator for c in self.terms.values())),
            math.lcm(*(c.denominator for c in self.terms.values())),
        )
        reduced = {_over(m, shared) or (): c for m, c in self.terms.items()}
        leading = reduced[()] if () in reduced else reduced[min(reduced, key=lambda m: [_atom_key(part) for part in m])]
        if leading < 0:
            scale = -scale
        return scale, shared, Polynomial({m: c / scale for m, c in reduced.items()})


class _Order:
    """The lexicographic order of monomials over the atoms that occur in some."""

    def __init__(self, monomials: Iterable[Monomial]) -> None:
        atoms = sorted({part[0] for monomial in monomials for part in monomial}, key=str)
        self.place = {atom: k for k, atom in enumerate(atoms)}

    def key(self, monomial: Monomial) -> list[int]:
        exponents = [0] * len(self.place)
        for atom, e in monomial:
            exponents[self.place[atom]] = e
        return exponents


@dataclass(frozen=True)
class Ratio:
    """A number times powers of primitive polynomials.

    Attributes:
        scale: The number; 0 for the ratio 0.
        factors: The exponent of each polynomial, never 0.

    Example:
        >>> a, t = Ratio.of("a"), Ratio.of("t")
        >>> one = Ratio(Fraction(1))
        >>> upstream = Ratio.sum([t * a.power(-1) * Ratio(Fraction(-1)), (one - t) * (one - a).power(-1)])
        >>> upstream * a * (one - a) == a - t
        True
    """

    scale: Fraction
    factors: Mapping[Polynomial, int] = field(default_factory=dict)

    @staticmethod
    def of(atom: Hashable) -> Ratio:
        """Return the ratio that is one atom."""
        return Ratio(Fraction(1), {Polynomial.of(atom): 1})

    @staticmethod
    def from_polynomial(polynomial: Polynomial) -> Ratio:
        """Return the ratio that is a polynomial."""
        if not polynomial.terms:
            return Ratio(Fraction(0))
        scale, shared, rest = polynomial.primitive()
        factors = {Polynomial.of(atom): e for atom, e in shared}
        if len(rest.terms) > 1:
            factors[rest] = 1
        return Ratio(scale, factors)

    def __mul__(self, other: Ratio) -> Ratio:
        scale = self.scale * other.scale
        if not scale:
            return Ratio(Fraction(0))
        factors = dict(self.factors)
        for factor, e in other.factors.items():
            factors[factor] = factors.get(factor, 0) + e
            if not factors[factor]:
                del factors[factor]
        return _cancelled(scale, factors)

    def __sub__(self, other: Ratio) -> Ratio:
        return Ratio.sum([self, other * Ratio(Fraction(-1))])

    def power(self, exponent: int) -> Ratio:
        """Return a whole power, which may be negative.

        Raises:
            ZeroDivisionError: If this is 0 and the exponent negative.
        """
        if exponent == 0:
            return Ratio(Fraction(1))
        return Ratio(self.scale**exponent, {factor: e * exponent for factor, e in self.factors.items()})

    @staticmethod
    def sum(ratios: Iterable[Ratio]) -> Ratio:
        """Return the sum, with everything cancelled that divides it.

        Raises:
            TooLargeError: If it expands to too many monomials.
        """
        terms = [ratio for ratio in ratios if ratio.scale]
        if len(terms) < 2:
            return terms[0] if terms else Ratio(Fraction(0))
        common = {
            factor: min(term.factors.get(factor, 0) for term in terms)
            for factor in dict.fromkeys(factor for term in terms for factor in term.factors)
        }
        numerator = Polynomial({})
        for term in terms:
            rest = {factor: term.factors.get(factor, 0) - e for factor, e in common.items()}
            numerator = numerator + _expanded(term.scale, rest)
        result = Ratio.from_polynomial(numerator)
        outside = {factor: e for factor, e in common.items() if e > 0}
        for factor, e in common.items():
            left = -e
            while left > 0 and numerator.terms:
                quotient = numerator.divided_by(factor)
                if quotient is None:
                    break
                numerator, left = quotient, left - 1
            if left > 0:
                outside[factor] = -left
            result = Ratio.from_polynomial(numerator)
        return result * Ratio(Fraction(1), outside)

    def numerator(self) -> Polynomial:
        """Return the product of the factors with positive exponents and the number, expanded.

        Raises:
            TooLargeError: If it has too many monomials.
        """
        return _expanded(self.scale, {factor: e for factor, e in self.factors.items() if e > 0})

    def denominator(self) -> dict[Polynomial, int]:
        """Return the factors that this is divided by, with positive exponents."""
        return {factor: -e for factor, e in self.factors.items() if e < 0}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ratio) and (self.scale, dict(self.factors)) == (other.scale, dict(other.factors))

    __hash__ = None  # type: ignore[assignment]  # the factors are a dict


def _cancelled(scale: Fraction, factors: dict[Polynomial, int]) -> Ratio:
    """Return the product, with every factor divided by the divisors that leave no remainder: 1 − a² by 1 − a."""
    result = Ratio(scale, factors)
    for divisor in [factor for factor, e in factors.items() if e < 0]:
        for factor in [factor for factor, e in factors.items() if e > 0 and len(factor.terms) > 1]:
            quotient = factor.divided_by(divisor)
            if quotient is not None:
                rest = {each: e for each, e in factors.items() if each not in (factor, divisor)}
                rest.update(
                    {each: e for each, e in ((factor, factors[factor] - 1), (divisor, factors[divisor] + 1)) if e}
                )
                return _cancelled(scale, rest) * Ratio.from_polynomial(quotient)
    return result


def _expanded(scale: Fraction, factors: Mapping[Polynomial, int]) -> Polynomial:
    result = Polynomial.number(scale)
    for factor, e in factors.items():
        for _ in range(e):
            result = result * factor
    return result


def _atom_key(part: tuple[Hashable, int]) -> tuple[str, int]:
    return (str(part[0]), part[1])


def _times(left: Monomial, right: Monomial) -> Monomial:
    if not left or not right:
        return left or right
    exponents = dict(left)
    for atom, e in right:
        exponents[atom] = exponents.get(atom, 0) + e
    return tuple(sorted(exponents.items(), key=_atom_key))


def _over(top: Monomial, bottom: Monomial) -> Monomial | None:
    """Return the quotient of two monomials, or None if the second does not divide the first."""
    exponents = dict(top)
    for atom, e in bottom:
        left = exponents.get(atom, 0) - e
        if left < 0:
            return None
        exponents[atom] = left
    return tuple((atom, e) for atom, e in exponents.items() if e)
