"""Exact algebra on terms: with the indices fixed a term is a number, so it is a rational function of its atoms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from ... import ops
from ..language.algebra import Monomial, Polynomial, Ratio, TooLargeError, limited
from ..language.build import ZERO, add, call, multiply, power, reduce, replaced, split
from ..language.term import (
    Call,
    Condition,
    Number,
    Power,
    Prime,
    Product,
    Reduction,
    Reference,
    Softmax,
    Sum,
    Term,
    walk,
)
from .idioms import ONE_HOT

__all__ = ["Simplifier", "cost"]

_LARGEST = 40  # operations of a term that exact algebra is tried on; nobody reads a longer one
_FAILED = 400  # what an attempt that was given up counts; likewise
_WIDEST = 40  # terms of a numerator that forms are looked for; likewise
_WORK = 4000  # terms of numerators times operations that a page may cost; a longer page is printed as it is
_RANKS = {Reference: 1, Condition: 2, Reduction: 4, Softmax: 4, Power: 5, Product: 6, Sum: 7}


class _Atom:
    """A term as an atom of polynomials, sorted by what it is and then by its age."""

    __slots__ = ("term", "text")

    def __init__(self, term: Term) -> None:
        self.term = term
        family = term.family.serial if isinstance(term, Reference) else 0
        self.text = f"{_RANKS.get(type(term), 3)} {family:012d} {term.key.serial:012d}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Atom) and self.term.key is other.term.key

    def __hash__(self) -> int:
        return hash(self.term)

    def __str__(self) -> str:
        return self.text


def cost(term: Term) -> float:
    """Return how many operations a reader sees in a term."""
    if term._cost is None:
        term._cost = _cost(term)
    return term._cost


def _cost(term: Term) -> float:
    match term:
        case Number() | Reference() | Condition():
            return 0
        case Sum():
            parts = [split(part) for part in term.parts]
            return len(parts) - 1 + sum(cost(rest) + (abs(number) != 1) for number, rest in parts)
        case Product():
            has_minus = isinstance(term.parts[0], Number) and term.parts[0].value == -1
            return len(term.parts) - 1 - has_minus + sum(map(cost, term.parts))
        case Prime():
            return 1 + cost(term.parts[0])
        case Power():
            is_root = term.exponent > 0 and term.exponent.denominator > 1  # better below than above
            return cost(term.base) + (0.5 if term.exponent == -1 else 1.01 if is_root else 1)
        case Reduction() | Softmax():
            return 1 + cost(term.body)
        case Call() if term.op is ONE_HOT:
            return cost(term.parts[0])
    return 1 + sum(map(cost, term.parts))


class Simplifier:
    """Simplifies terms, and remembers what became of each."""

    def __init__(self) -> None:
        self._known: dict[Any, Term] = {}
        self._left: float = _WORK

    def simplest(self, term: Term) -> Term:
        """Return the term with the fewest operations that exact algebra finds for a term."""
        found = self._known.get(term.key)
        if found is None:
            found = self._known[term.key] = self._simplest(term)
        return found

    def _simplest(self, term: Term) -> Term:
        if not term.parts or isinstance(term, Prime):
            return term
        best = self._with_simple_parts(term)
        if cost(best) > _LARGEST or self._left < 0:
            return best
        starts = [best]
        if any(isinstance(each, Prime) for each in walk(best)):
            starts.append(replaced(best, lambda each: each.rule if isinstance(each, Prime) else None))
        starts += [other for start in starts if (other := _with_one_sigmoid(start)) is not start]
        for start in starts:
            best = self._better(start, best)
        return best

    def _better(self, start: Term, best: Term) -> Term:
        """Return the best form of a term, or the best that is known."""
        try:
            with limited():
                ratio = _ratio(start)
                width = len(ratio.numerator().terms)
                self._left -= width * cost(start)
                forms = list(_forms(ratio)) if width <= _WIDEST else []
        except (TooLargeError, ZeroDivisionError):
            self._left -= _FAILED
            return best
        for form in forms:
            if cost(form) < cost(best):
                best = form
        return best

    def _with_simple_parts(self, term: Term) -> Term:
        if not (isinstance(term, Reduction) and term.name == "sum"):
            return term.rebuilt([self.simplest(part) for part in term.parts])
        body = _multiplied_out(self.simplest(term.body))
        together = reduce("sum", term.axes, body)
        if not isinstance(body, Sum):
            return together
        apart = add(*(reduce("sum", term.axes, part) for part in body.parts))
        return together if cost(together) <= cost(apart) else apart


def _with_one_sigmoid(term: Term) -> Term:
    """Return a term with σ(−z) written 1 − σ(z) where it has both."""
    own = {each.parts[0] for each in walk(term) if isinstance(each, Call) and each.op is ops.sigmoid}
    turned = {z for z in own if split(z)[0] < 0 and -z in own}
    if not turned:
        return term

    def by(each: Term) -> Term | None:
        is_turned = isinstance(each, Call) and each.op is ops.sigmoid and each.parts[0] in turned
        return 1 - call(ops.sigmoid, -each.parts[0]) if is_turned else None

    return replaced(term, by)


def _multiplied_out(term: Term) -> Term:
    """Return a product with one sum multiplied out, if something cancels then."""
    sums = [part for part in term.parts if isinstance(part, Sum)] if isinstance(term, Product) else []
    if len(sums) != 1:
        return term
    others = [part for part in term.parts if part is not sums[0]]
    out = add(*(multiply(*others, part) for part in sums[0].parts))
    return out if cost(out) < cost(term) else term


def _ratio(term: Term) -> Ratio:
    match term:
        case Number():
            return Ratio(term.value)
        case Sum():
            return Ratio.sum(_ratio(part) for part in term.parts)
        case Product():
            out = Ratio(Fraction(1))
            for part in term.parts:
                out = out * _ratio(part)
            return out
        case Power() if term.exponent.denominator == 1:
            return _ratio(term.base).power(int(term.exponent))
        case Power() if abs(term.exponent) > 1:
            whole = int(term.exponent)
            return _ratio(term.base).power(whole) * _ratio(Power(term.base, term.exponent - whole))
    return Ratio.of(_Atom(term))


def _forms(ratio: Ratio) -> Iterator[Term]:
    """Yield a rational function written in several ways."""
    whole = _factored(ratio)
    yield whole
    number, rest = split(whole)
    factors = rest.parts if isinstance(rest, Product) else (rest,)
    first = next((factor for factor in factors if isinstance(factor, Sum)), None)
    if number != 1 and first is not None:
        inside = add(*(multiply(Number(number), part) for part in first.parts))
        yield multiply(inside, *(factor for factor in factors if factor is not first))
    numerator = ratio.numerator()
    below = {factor: -e for factor, e in ratio.denominator().items()}
    yield multiply(_sum_of(numerator), *_powers(below))
    parts = []
    for monomial, c in numerator.terms.items():
        alone = Ratio(c, {Polynomial.of(atom): e for atom, e in monomial}) * Ratio(Fraction(1), below)
        parts.append(_factored(alone))
    yield add(*parts)
    yield from _by_common_atoms(numerator, below)
    yield from _by_atom(numerator, below)


def _by_common_atoms(numerator: Polynomial, below: Mapping[Polynomial, int]) -> Iterator[Term]:
    """Yield what all terms of a numerator have in common times the sum of the rest, each divided by itself."""
    if len(numerator.terms) < 2:
        return
    _, common, _ = numerator.primitive()
    if not common:
        return
    parts = []
    for monomial, c in numerator.terms.items():
        powers = dict(monomial)
        for atom, e in common:
            powers[atom] -= e
        alone = Ratio(c, {Polynomial.of(atom): e for atom, e in powers.items() if e}) * Ratio(Fraction(1), below)
        parts.append(_factored(alone))
    yield multiply(*(power(_term(atom), e) for atom, e in common), add(*parts))


def _by_atom(numerator: Polynomial, below: Mapping[Polynomial, int]) -> Iterator[Term]:
    """Yield the terms of a numerator with an atom taken out that most of them have."""
    count: dict[Any, int] = {}
    for monomial in numerator.terms:
        for atom, _ in monomial:
            count[atom] = count.get(atom, 0) + 1
    for atom, n in sorted(count.items(), key=lambda pair: (-pair[1], str(pair[0])))[:2]:
        if not 1 < n < len(numerator.terms):
            continue
        inside: dict[Monomial, Fraction] = {}
        rest: dict[Monomial, Fraction] = {}
        for monomial, c in numerator.terms.items():
            powers = dict(monomial)
            if atom in powers:
                powers[atom] -= 1
                inside[tuple((each, e) for each, e in powers.items() if e)] = c
            else:
                rest[monomial] = c
        taken = multiply(atom.term, _factored(Ratio.from_polynomial(Polynomial(inside))))
        yield multiply(add(taken, _sum_of(Polynomial(rest))), *_powers(below))


def _factored(ratio: Ratio) -> Term:
    scale, factors = ratio.scale, dict(ratio.factors)
    turned = []
    if scale < 0:
        sums = [factor for factor, e in factors.items() if len(factor.terms) > 1 and e == 1]
        if sums:
            del factors[sums[0]]
            turned.append(_sum_of(Polynomial({monomial: -c for monomial, c in sums[0].terms.items()})))
            scale = -scale
    return multiply(Number(scale), *turned, *_powers(factors))


def _powers(factors: Mapping[Polynomial, int]) -> Iterable[Term]:
    return [power(_sum_of(factor), e) for factor, e in factors.items()]


def _sum_of(polynomial: Polynomial) -> Term:
    if not polynomial.terms:
        return ZERO
    terms = polynomial.terms.items()
    return add(*(multiply(Number(c), *(power(_term(atom), e) for atom, e in monomial)) for monomial, c in terms))


def _term(atom: Any) -> Term:
    term: Term = atom.term
    return term
