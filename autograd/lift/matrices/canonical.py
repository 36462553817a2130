"""The canonical form of a recorded graph, in which the way a sum was written no longer shows.

Every value becomes an *atom*. Additions, subtractions, negations, `total`, `affine`, products
and multiples become sums of monomials, a mapping {(u, v): coefficient} with u ≤ v; atom 0 is the number 1, so (0, v) is
linear and (0, 0) constant. A partial sum that has a single use is absorbed by the sum that uses it. So the chain
`((w1*x1 + w2*x2) + …) + b` and the node `affine(w, x, b)` become one and the same atom.

A partial sum is *not* absorbed where like terms of opposite sign would meet: `(x + 1e20) − 1e20` stays what it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ... import ops
from ...graph import Vector, stored_operands
from ...op import Op
from ...value import Value
from .atoms import Atoms, Monomial

__all__ = ["Canonical", "PartialSum", "canonical"]

_TINY, _HUGE = 1e-100, 1e100  # coefficients stay between these, so that absorbing one cannot overflow or vanish


class PartialSum:
    """A partial sum: `scale` times the sum of the terms. The common factor makes long nested multiples cheap."""

    __slots__ = ("scale", "terms")

    def __init__(self, terms: dict[Monomial, float], scale: float = 1.0) -> None:
        self.terms = terms
        self.scale = scale


def canonical(
    nodes: Iterable[Value],
    roots: Sequence[Value],
    inputs: Mapping[Value, tuple[str, int]],
    parameters: Mapping[Value, int],
    operands: Callable[[Value], tuple[Any, ...]] = stored_operands,
) -> Atoms:
    """Return the atoms of the graph of `nodes`, given oldest first, as far as `roots` need them.

    Args:
        nodes: The interior nodes, operands first.
        roots: The outputs.
        inputs: The name and position of each leaf that is an input.
        parameters: The number of each leaf that is a parameter; every other leaf stands for its number.
        operands: What gives a node's operands, if some stand for others.
    """
    return Canonical(list(nodes), roots, inputs, parameters, operands).atoms


class Canonical:
    """Puts a graph into canonical form. A reader may want other sums kept apart: see `is_plain_copy` and `apart`."""

    def __init__(
        self,
        nodes: list[Value],
        roots: Sequence[Value],
        inputs: Mapping[Value, tuple[str, int]],
        parameters: Mapping[Value, int],
        operands: Callable[[Value], tuple[Any, ...]] = stored_operands,
    ) -> None:
        self.atoms = atoms = Atoms()
        self.operands = operands
        self.known = atoms.of
        self.sums: dict[Value, PartialSum] = {}
        atoms.inputs.update(zip(atoms.leaves(inputs, batched=True), inputs.values(), strict=True))
        atoms.parameters.update(zip(atoms.leaves(parameters, batched=False), parameters.values(), strict=True))
        self.uses = _uses(nodes, roots)
        for node in nodes:
            self._enter(node)
        atoms.roots = [self.atom(root) for root in roots]

    def _enter(self, node: Value) -> None:
        op: Any = node.op  # an interior node has one
        operands = self.operands(node)
        partial = self._linear(op, operands)
        if partial is not None:
            self.sums[node] = partial
            return
        args = tuple(self.atom(operand) for operand in operands)
        if op is ops.stop_gradient and args[0] in self.atoms.inputs:
            self.known[node] = args[0]  # nothing is differentiated by an input
            return
        constants = self.atoms.constants
        if all(arg in constants for arg in args):
            self.known[node] = self.atoms.constant(op.evaluate([constants[arg] for arg in args]))
        else:
            self.known[node] = self.atoms.operation(op, args, node)

    def _linear(self, op: Op, operands: tuple[Any, ...]) -> PartialSum | None:
        """Return what an operation gives as a sum of products, None if it is none."""
        if op is ops.affine:
            return self._affine(operands)
        if op is ops.mul:
            return self._product(*operands)
        if op is ops.add or op is ops.total:
            return self._merged([(operand, 1.0) for operand in operands])
        if op is ops.sub:
            return self._merged([(operands[0], 1.0), (operands[1], -1.0)])
        if op is ops.neg:
            return self._scaled(operands[0], -1.0)
        number = self._number(operands[1]) if op is ops.div or op is ops.pow else None
        if op is ops.div and number and _moderate(1.0 / number):
            return self._scaled(operands[0], 1.0 / number)
        if op is ops.pow and number == 2.0:
            return self._product(operands[0], operands[0])
        if op is ops.pow and number == 1.0:
            return self._scaled(operands[0], 1.0)
        return None

    # --- what an operand is ----------------------------------------------------------------------

    def _number(self, operand: Any) -> float | None:
        """Return the number that an operand stands for if it is neither computed, nor input, nor parameter."""
        if operand.__class__ is float:
            return float(operand)
        if operand.op is None and operand not in self.known:
            return float(operand.data)
        return None

    def atom(self, operand: Any) -> int:
        """Return the atom of an operand, making one of a partial sum."""
        if operand.__class__ is float:
            return self.atoms.constant(operand)
        atom = self.known.get(operand)
        if atom is None:
            partial = self.sums.pop(operand, None)
            atom = self.atoms.constant(operand.data) if partial is None else self.settle(partial, operand)
            self.known[operand] = atom
        return atom

    def is_plain_copy(self, node: Value) -> bool:  # noqa: ARG002  # readers ask what it is
        """Whether a sum of one term is that term."""
        return True

    def settle(self, partial: PartialSum, node: Value) -> int:
        """Return the atom of a partial sum that `node` is."""
        terms = partial.terms
        if partial.scale != 1.0:
            terms = {key: coefficient * partial.scale for key, coefficient in terms.items()}
        if not terms.get((0, 0), 1.0):
            del terms[0, 0]
        if not terms:
            return self.atoms.constant(0.0)
        if len(terms) == 1:
            ((u, v), coefficient) = next(iter(terms.items()))
            if u == v == 0:
                return self.atoms.constant(coefficient)
            if u == 0 and coefficient == 1.0 and self.is_plain_copy(node):
                return v
        if len(terms) > 1:
            terms = self.apart(terms, node)
        return self.atoms.sum(terms, node)

    def apart(self, terms: dict[Monomial, float], node: Value) -> dict[Monomial, float]:
        """Return a weighted input as a term of its own where something batched is added to it: z in z − t."""
        batched, parameters = self.atoms.batched, self.atoms.parameters
        added = {key: c for key, c in terms.items() if not key[0] and batched[key[1]]}
        if not added or not any(
            u and ((u in parameters and batched[v]) or (v in parameters and batched[u])) for u, v in terms
        ):
            return terms
        weighted = self.settle(PartialSum({key: c for key, c in terms.items() if key not in added}), node)
        twice = added.get((0, weighted), 0.0)
        return terms if twice < 0.0 else {**added, (0, weighted): 1.0 + twice}

    def _factor(self, operand: Any) -> tuple[float, int]:
        """Return (c, u) with operand = c·u, where u is 0 for a number."""
        number = self._number(operand)
        if number is not None:
            return number, 0
        partial = self.sums.get(operand)
        if partial is not None and self.uses[operand] == 1 and len(partial.terms) == 1:
            ((u, v), coefficient) = next(iter(partial.terms.items()))
            if u == 0 and coefficient and _moderate(coefficient * partial.scale):
                return coefficient * partial.scale, v
        return 1.0, self.atom(operand)

    def _absorbed(self, operand: Any) -> PartialSum:
        """Return an operand of a sum as a sum of its own, which the caller may change."""
        number = self._number(operand)
        if number is not None:
            return PartialSum({(0, 0): number})
        if operand in self.sums and self.uses[operand] == 1:
            return self.sums[operand]
        return PartialSum({(0, self.atom(operand)): 1.0})

    # --- sums ------------------------------------------------------------------------------------

    def _product(self, left: Any, right: Any) -> PartialSum:
        if self._number(left) is not None:
            return self._scaled(right, self._number(left) or 0.0)
        if self._number(right) is not None:
            return self._scaled(left, self._number(right) or 0.0)
        c, u = self._factor(left)
        d, v = self._factor(right)
        if not _moderate(c * d):
            c, u, d, v = 1.0, self.atom(left), 1.0, self.atom(right)
        if u == 0 or v == 0:  # a factor that turned out to be constant
            return PartialSum({(0, u or v): c * d})
        return PartialSum({(u, v) if u <= v else (v, u): c * d})

    def _scaled(self, operand: Any, factor: float) -> PartialSum:
        partial = self._absorbed(operand)
        if not factor:
            return PartialSum(dict.fromkeys(partial.terms, 0.0))
        scale = partial.scale * factor
        if not scale or not _moderate(scale):
            return PartialSum({(0, self.atom(operand)): 1.0}, factor)
        partial.scale = scale
        return partial

    def _merged(self, operands: list[tuple[Any, float]]) -> PartialSum:
        """Return the sum of factor × operand; partial sums become atoms where terms would cancel."""
        parts = [(self._absorbed(operand), factor) for operand, factor in operands]
        if not self._mergeable(parts):
            for operand, _ in operands:
                if operand.__class__ is not float and operand in self.sums:
                    self.atom(operand)
            parts = [(self._absorbed(operand), factor) for operand, factor in operands]
        whole = PartialSum({})
        for part, factor in parts:
            _add(whole, part, factor)
        return whole

    @staticmethod
    def _mergeable(parts: list[tuple[PartialSum, float]]) -> bool:
        """Whether no two like terms have opposite signs, and no factor or constant is out of proportion."""
        for part, _ in parts:
            constant = part.terms.get((0, 0))
            if not _TINY < abs(part.scale) < _HUGE or (constant and not _TINY < abs(constant) < _HUGE):
                return False
        if len(parts) == 2:
            (small, f), (large, g) = parts
            if len(small.terms) > len(large.terms):
                small, large = large, small
            sign, other = f * g * small.scale * large.scale, large.terms
            return not any(key in other and c * sign * other[key] < 0.0 for key, c in small.terms.items())
        signs: dict[Monomial, float] = {}
        for part, factor in parts:
            sign = factor * part.scale
            for key, c in part.terms.items():
                if signs.setdefault(key, c * sign) * c * sign < 0.0:
                    return False
        return True

    def _affine(self, operands: tuple[Any, ...]) -> PartialSum:
        n = len(operands) // 2
        weights, values = operands[:n], operands[n:-1]
        us, vs = [*map(self.known.get, weights)], [*map(self.known.get, values)]
        terms: dict[Monomial, float] = {}
        if n and None not in us and None not in vs:
            terms = dict.fromkeys(_ordered(us, vs), 1.0)  # type: ignore[arg-type]  # no None
        if len(terms) < n:  # some have no atom yet, or there are like terms
            terms = {}
            for weight, value, u, v in zip(weights, values, us, vs, strict=True):
                c = 1.0
                if u is None or v is None:
                    c, u = self._factor(weight)
                    d, v = self._factor(value)
                    c *= d
                    if c and not _moderate(c):
                        c, u, v = 1.0, self.atom(weight), self.atom(value)
                key = (u, v) if u <= v else (v, u)
                terms[key] = terms.get(key, 0.0) + c
        whole = PartialSum(terms)
        if operands[-1].__class__ is not float or operands[-1]:
            bias = self._absorbed(operands[-1])
            if operands[-1] in self.sums and not self._mergeable([(whole, 1.0), (bias, 1.0)]):
                bias = PartialSum({(0, self.atom(operands[-1])): 1.0})
            _add(whole, bias, 1.0)
        return whole


def _ordered(us: list[int], vs: list[int]) -> Iterable[Monomial]:
    """Return the pairs of some atoms, the smaller first."""
    if max(us) < min(vs):
        return zip(us, vs, strict=True)
    if max(vs) < min(us):
        return zip(vs, us, strict=True)
    return zip(map(min, us, vs), map(max, us, vs), strict=True)


def _uses(nodes: list[Value], roots: Sequence[Value]) -> dict[Value, int]:
    uses: dict[Value, int] = dict.fromkeys(nodes, 0)
    for node in nodes:
        a, b = node._a, node._b
        operands: tuple[Any, ...] = (a, b)
        if a.__class__ is Vector:
            vectors = [v for v in (a, b) if v is not None and not v.of_leaves()]
            operands = (*(each for v in vectors for each in v.values), *((node._c,) if b is not None else ()))
        for operand in operands:
            if operand in uses:
                uses[operand] += 1
    for root in roots:
        if root in uses:
            uses[root] += 1
    return uses


def _add(whole: PartialSum, part: PartialSum, factor: float) -> None:
    """Add factor × part to a sum, the smaller to the larger; the part is used up."""
    scale = factor * part.scale
    if len(part.terms) <= len(whole.terms):
        ratio, small = scale / whole.scale, part.terms
    else:
        ratio, small = whole.scale / scale, whole.terms
        whole.terms, whole.scale = part.terms, scale
    terms = whole.terms
    for key, coefficient in small.items():
        terms[key] = terms.get(key, 0.0) + coefficient * ratio


def _moderate(factor: float) -> bool:
    return factor == 0.0 or _TINY < abs(factor) < _HUGE
