"""Derivatives in a direction of the parameters: Pearlmutter's operator R applied to both sides of every equation.

R{v} is a family beside v, with the axes of v. R obeys the rules of a derivative; R of a parameter is its part of the
direction, and R of an input is 0.

Source: B. A. Pearlmutter, "Fast Exact Multiplication by the Hessian", Neural Computation 6, 1994, section 4.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ... import ops
from ..language.build import ZERO, add, multiply, power, reduce, softmax, substituted
from ..language.index import at
from ..language.term import (
    Call,
    Family,
    Number,
    Power,
    Prime,
    Product,
    Reduction,
    Reference,
    Softmax,
    Sum,
    Term,
    references,
    walk,
)
from .adjoint import local_of
from .equations import Equations
from .simplify import Simplifier

__all__ = ["directional_equations"]


def directional_equations(found: Equations) -> Equations:
    """Return the equations of the product of the Hessian with a direction: R applied to those of a graph.

    What stands in them without R is defined by the equations of the graph, whose terms are there too. A family of R{v}
    has v as its `tangent_of`.
    """
    tangents = _Tangents(found)
    of, terms = tangents.of, tangents.terms
    gradients = [of[family] for family in found.gradients if family in terms]
    needed = _needed(gradients, {of[family]: term for family, term in terms.items()})
    return replace(
        found,
        terms=found.terms | {of[family]: term for family, term in terms.items()},
        forward=[of[family] for family in found.forward if family in terms and of[family] in needed],
        backward=[of[family] for family in found.backward if family in terms and of[family] in needed],
        gradients=gradients,
        weighted=set(),
        general={},
    )


def _needed(gradients: Iterable[Family], terms: dict[Family, Term]) -> set[Family]:
    needed: set[Family] = set()
    todo = list(gradients)
    while todo:
        family = todo.pop()
        if family not in needed:
            needed.add(family)
            todo += [each.family for each in references(terms[family]) if each.family in terms]
    return needed


class _Tangents:
    """The derivatives of equations in a direction.

    Attributes:
        of: The family of R{v} for each v that the parameters move.
        terms: What R{v} is, for each v that has an equation and that the direction may move.
    """

    def __init__(self, found: Equations) -> None:
        self.found = found
        order = found.order
        self.sloped = {t.op for term in found.terms.values() for t in walk(term) if isinstance(t, Prime)}
        moved = {r.family for f in order for r in references(found.terms[f]) if r.family.kind == "parameter"}
        growing = True
        while growing:
            new = {f for f in order if f not in moved and any(r.family in moved for r in references(found.terms[f]))}
            growing = bool(new)
            moved |= new
        self.of: dict[Family, Family] = {}
        self.terms: dict[Family, Term] = {}
        while True:  # until no R{v} is 0
            self.of = {family: self.of.get(family) or _tangent(family) for family in moved}
            simplest = Simplifier().simplest
            self.terms = {f: simplest(self._derived(found.terms[f], f)) for f in order if f in moved}
            still = {family for family, term in self.terms.items() if term == ZERO}
            if not still:
                return
            moved -= still

    def _derived(self, term: Term, family: Family) -> Term:
        """Return the derivative of a term in the equation of a family."""
        if not any(reference.family in self.of for reference in references(term)):
            return ZERO
        match term:
            case Reference():
                return Reference(self.of[term.family], term.indices)
            case Sum():
                return add(*(self._derived(part, family) for part in term.parts))
            case Product():
                parts = term.parts
                return add(
                    *(
                        multiply(*parts[:k], self._derived(part, family), *parts[k + 1 :])
                        for k, part in enumerate(parts)
                    )
                )
            case Power():
                slope = multiply(Number(term.exponent), power(term.base, term.exponent - 1))
                return multiply(slope, self._derived(term.base, family))
            case Prime():
                return self._derived(term.rule, family)
            case Call():
                return self._of_call(term, family)
            case Reduction():
                return self._of_reduction(term, family)
            case Softmax():
                return self._of_softmax(term, family)
        return ZERO  # of a condition and of a comparison

    def _of_call(self, term: Call, family: Family) -> Term:
        out = family.whole() if term is self.found.terms[family] else term
        found = []
        for k, part in enumerate(term.parts):
            derived = self._derived(part, family)
            if derived != ZERO:
                found.append(multiply(local_of(term, k, out, has_slope=term.op in self.sloped), derived))
        return add(*found)

    def _of_reduction(self, term: Reduction, family: Family) -> Term:
        derived = self._derived(term.body, family)
        if term.name == "sum":
            parts = derived.parts if isinstance(derived, Sum) else (derived,)
            return add(*(reduce("sum", term.axes, part) for part in parts))
        if term.op is not ops.logsumexp:
            raise TypeError(f"no rule for the derivative of {term!r}")
        (axis,) = term.axes
        new = axis.like()
        return reduce("sum", [new], multiply(softmax(axis, at(new), term.body), substituted(derived, {axis: at(new)})))

    def _of_softmax(self, term: Softmax, family: Family) -> Term:
        derived = self._derived(term.body, family)
        new = term.axis.like()
        own: Term = term
        other: Term = softmax(term.axis, at(new), term.body)
        plain = term.index.plain
        if term is self.found.terms[family] and plain in family.axes and plain is not None:
            own = family.whole()
            other = substituted(own, {plain: at(new)})
        mean = reduce("sum", [new], multiply(other, substituted(derived, {term.axis: at(new)})))
        return multiply(own, add(substituted(derived, {term.axis: term.index}), multiply(Number(-1), mean)))


def _tangent(family: Family) -> Family:
    tangent = family.beside(family.kind, family.axes)
    tangent.tangent_of, tangent.of = family, family.of
    return tangent
