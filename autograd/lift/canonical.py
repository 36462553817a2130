"""The canonical form of a recorded graph, in which the way a sum was written no longer shows.

Every value becomes an *atom*, a number counted from 0. Additions, subtractions, negations, `total`, `affine`, products
and multiples become sums of monomials, a mapping {(u, v): coefficient} with u ≤ v; atom 0 is the number 1, so (0, v) is
linear and (0, 0) constant. A partial sum that has a single use is absorbed by the sum that uses it. So the chain
`((w1*x1 + w2*x2) + …) + b` and the node `affine(w, x, b)` become one and the same atom.

A partial sum is *not* absorbed where like terms of opposite sign would meet: `(x + 1e20) − 1e20` stays what it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .. import ops
from ..graph import Vector, stored_operands
from ..op import Op
from ..value import Value

__all__ = ["Atoms", "canonical"]

Monomial = tuple[int, int]
_TINY, _HUGE = 1e-100, 1e100  # coefficients stay between these, so that absorbing one cannot overflow or vanish


class _Sum:
    """A partial sum: `scale` times the sum of the terms. The common factor makes long nested multiples cheap."""

    __slots__ = ("scale", "terms")

    def __init__(self, terms: dict[Monomial, float], scale: float = 1.0) -> None:
        self.terms = terms
        self.scale = scale


@dataclass
class Atoms:
    """The atoms of a graph; every list is indexed by the atom.

    Attributes:
        inputs: For each input, its name and position, by atom.
        parameters: For each parameter, its number, by atom.
        constants: The number of each constant, by atom.
        operations: The operation and the operands' atoms, by atom.
        sums: The monomials with their coefficients, by atom.
        level: The length of the longest path from a leaf.
        batched: Whether it depends on an input.
        node: A recorded node it was made from, for messages; None for leaves' constants.
        roots: The atoms of the outputs that were asked for.
        of: The atom of each Value that has one; a Value without one was absorbed by the sum that uses it.
    """

    inputs: dict[int, tuple[str, int]] = field(default_factory=dict)
    parameters: dict[int, int] = field(default_factory=dict)
    constants: dict[int, float] = field(default_factory=dict)
    operations: dict[int, tuple[Op, tuple[int, ...]]] = field(default_factory=dict)
    sums: dict[int, dict[Monomial, float]] = field(default_factory=dict)
    level: list[int] = field(default_factory=list)
    batched: list[bool] = field(default_factory=list)
    node: list[Value | None] = field(default_factory=list)
    roots: list[int] = field(default_factory=list)
    of: dict[Value, int] = field(default_factory=dict)

    def new(self, level: int, batched: bool, node: Value | None) -> int:
        """Return a new atom."""
        self.level.append(level)
        self.batched.append(batched)
        self.node.append(node)
        return len(self.level) - 1


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
    return _Canonical(list(nodes), roots, inputs, parameters, operands).atoms


class _Canonical:
    def __init__(
        self,
        nodes: list[Value],
        roots: Sequence[Value],
        inputs: Mapping[Value, tuple[str, int]],
        parameters: Mapping[Value, int],
        operands: Callable[[Value], tuple[Any, ...]],
    ) -> None:
        self.atoms = atoms = Atoms()
        self.operands = operands
        self.known = atoms.of
        self.sums: dict[Value, _Sum] = {}
        self.seen: dict[Any, int] = {}
        self.number_atom: dict[float, int] = {1.0: atoms.new(0, False, None)}
        atoms.constants[0] = 1.0
        for leaf, where in inputs.items():
            self.known[leaf] = atom = atoms.new(0, True, leaf)
            atoms.inputs[atom] = where
        for leaf, k in parameters.items():
            self.known[leaf] = atom = atoms.new(0, False, leaf)
            atoms.parameters[atom] = k
        self.uses = _uses(nodes, roots)
        for node in nodes:
            self._enter(node)
        atoms.roots = [self.atom(root) for root in roots]

    def _enter(self, node: Value) -> None:
        op = node.op
        operands = self.operands(node)
        if op is ops.affine:
            self.sums[node] = self._affine(operands)
        elif op is ops.mul:
            self.sums[node] = self._product(*operands)
        elif op is ops.add:
            self.sums[node] = self._merged([(operands[0], 1.0), (operands[1], 1.0)])
        elif op is ops.sub:
            self.sums[node] = self._merged([(operands[0], 1.0), (operands[1], -1.0)])
        elif op is ops.total:
            self.sums[node] = self._merged([(operand, 1.0) for operand in operands])
        elif op is ops.neg:
            self.sums[node] = self._scaled(operands[0], -1.0)
        elif op is ops.div and _moderate(1.0 / (self._number(operands[1]) or _TINY)):
            self.sums[node] = self._scaled(operands[0], 1.0 / (self._number(operands[1]) or 1.0))
        elif op is ops.pow and self._number(operands[1]) == 2.0:
            self.sums[node] = self._product(operands[0], operands[0])
        elif op is ops.pow and self._number(operands[1]) == 1.0:
            self.sums[node] = self._scaled(operands[0], 1.0)
        else:
            self.known[node] = self._operation(node, op, operands)  # type: ignore[arg-type]  # an interior node has an operation

    # --- what an operand is ----------------------------------------------------------------------

    def _number(self, operand: Any) -> float | None:
        """Return the number that an operand stands for if it is neither computed, nor input, nor parameter."""
        if operand.__class__ is float:
            return float(operand)
        if operand.op is None and operand not in self.known:
            return float(operand.data)
        return None

    def _constant(self, number: float) -> int:
        atom = self.number_atom.get(number)
        if atom is None:
            atom = self.number_atom[number] = self.atoms.new(0, False, None)
            self.atoms.constants[atom] = number
        return atom

    def atom(self, operand: Any) -> int:
        """Return the atom of an operand, making one of a partial sum."""
        if operand.__class__ is float:
            return self._constant(operand)
        atom = self.known.get(operand)
        if atom is None:
            partial = self.sums.pop(operand, None)
            atom = self._constant(operand.data) if partial is None else self._settle(partial, operand)
            self.known[operand] = atom
        return atom

    def _settle(self, partial: _Sum, node: Value) -> int:
        terms = partial.terms
        if partial.scale != 1.0:
            terms = {key: coefficient * partial.scale for key, coefficient in terms.items()}
        if not terms.get((0, 0), 1.0):
            del terms[0, 0]
        if not terms:
            return self._constant(0.0)
        if len(terms) == 1:
            ((u, v), coefficient) = next(iter(terms.items()))
            if u == v == 0:
                return self._constant(coefficient)
            if u == 0 and coefficient == 1.0:
                return v
        if len(terms) > 1:
            terms = self._apart(terms, node)
        key = frozenset(terms.items())
        atom = self.seen.get(key)
        if atom is None:
            level, batched = self.atoms.level, self.atoms.batched
            factors: set[int] = set()
            for pair in terms:
                factors.update(pair)
            atom = self.seen[key] = self.atoms.new(
                1 + max(level[f] for f in factors), any(batched[f] for f in factors), node
            )
            self.atoms.sums[atom] = terms
        return atom

    def _apart(self, terms: dict[Monomial, float], node: Value) -> dict[Monomial, float]:
        """Return a weighted input as a term of its own where something batched is added to it: z in z − t."""
        batched, parameters = self.atoms.batched, self.atoms.parameters
        added = {key: c for key, c in terms.items() if not key[0] and batched[key[1]]}
        if not added or not any(
            u and ((u in parameters and batched[v]) or (v in parameters and batched[u])) for u, v in terms
        ):
            return terms
        weighted = self._settle(_Sum({key: c for key, c in terms.items() if key not in added}), node)
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
            if u == 0 and _moderate(coefficient * partial.scale):
                return coefficient * partial.scale, v
        return 1.0, self.atom(operand)

    def _absorbed(self, operand: Any) -> _Sum:
        """Return an operand of a sum as a sum of its own, which the caller may change."""
        number = self._number(operand)
        if number is not None:
            return _Sum({(0, 0): number})
        if operand in self.sums and self.uses[operand] == 1:
            return self.sums[operand]
        return _Sum({(0, self.atom(operand)): 1.0})

    # --- sums ------------------------------------------------------------------------------------

    def _product(self, left: Any, right: Any) -> _Sum:
        if self._number(left) is not None:
            return self._scaled(right, self._number(left) or 0.0)
        if self._number(right) is not None:
            return self._scaled(left, self._number(right) or 0.0)
        c, u = self._factor(left)
        d, v = self._factor(right)
        if not _moderate(c * d):
            c, u, d, v = 1.0, self.atom(left), 1.0, self.atom(right)
        if u == 0 or v == 0:  # a factor that turned out to be constant
            return _Sum({(0, u or v): c * d})
        return _Sum({(u, v) if u <= v else (v, u): c * d})

    def _scaled(self, operand: Any, factor: float) -> _Sum:
        partial = self._absorbed(operand)
        scale = partial.scale * factor
        if factor and not _moderate(scale):
            return _Sum({(0, self.atom(operand)): factor})
        if factor:
            partial.scale = scale
            return partial
        return _Sum(dict.fromkeys(partial.terms, 0.0))

    def _merged(self, operands: list[tuple[Any, float]]) -> _Sum:
        """Return the sum of factor × operand; partial sums become atoms where terms would cancel."""
        parts = [(self._absorbed(operand), factor) for operand, factor in operands]
        if not self._mergeable(parts):
            for operand, _ in operands:
                if operand.__class__ is not float and operand in self.sums:
                    self.atom(operand)
            parts = [(self._absorbed(operand), factor) for operand, factor in operands]
        whole = _Sum({})
        for part, factor in parts:
            _add(whole, part, factor)
        return whole

    @staticmethod
    def _mergeable(parts: list[tuple[_Sum, float]]) -> bool:
        """Whether no two like terms have opposite signs, and no factor is out of proportion."""
        if not all(_moderate(part.scale) for part, _ in parts):
            return False
        if len(parts) == 2:
            (small, f), (large, g) = sorted(parts, key=lambda each: len(each[0].terms))
            sign = f * g * small.scale * large.scale
            other = large.terms.get
            return not any(c * sign * other(key, 0.0) < 0.0 for key, c in small.terms.items())
        signs: dict[Monomial, float] = {}
        for part, factor in parts:
            sign = factor * part.scale
            for key, c in part.terms.items():
                if signs.setdefault(key, c * sign) * c * sign < 0.0:
                    return False
        return True

    def _affine(self, operands: tuple[Any, ...]) -> _Sum:
        n = len(operands) // 2
        terms: dict[Monomial, float] = {}
        known = self.known.get
        for weight, value in zip(operands[:n], operands[n:-1], strict=True):
            u, v = known(weight), known(value)
            c = 1.0
            if u is None or v is None:
                c, u = self._factor(weight)
                d, v = self._factor(value)
                c *= d
                if c and not _moderate(c):
                    c, u, v = 1.0, self.atom(weight), self.atom(value)
            key = (u, v) if u <= v else (v, u)
            terms[key] = terms.get(key, 0.0) + c
        whole = _Sum(terms)
        if operands[-1].__class__ is not float or operands[-1]:
            bias = self._absorbed(operands[-1])
            if operands[-1] in self.sums and not self._mergeable([(whole, 1.0), (bias, 1.0)]):
                bias = _Sum({(0, self.atom(operands[-1])): 1.0})
            _add(whole, bias, 1.0)
        return whole

    # --- everything else -------------------------------------------------------------------------

    def _operation(self, node: Value, op: Op, operands: tuple[Any, ...]) -> int:
        args = tuple(self.atom(operand) for operand in operands)
        atoms = self.atoms
        if all(arg in atoms.constants for arg in args):
            return self._constant(op.evaluate([atoms.constants[arg] for arg in args]))
        key = (op, args)
        atom = self.seen.get(key)
        if atom is None:
            atom = self.seen[key] = atoms.new(
                1 + max(atoms.level[arg] for arg in args), any(atoms.batched[arg] for arg in args), node
            )
            atoms.operations[atom] = key
        return atom


def _uses(nodes: list[Value], roots: Sequence[Value]) -> dict[Value, int]:
    uses: dict[Value, int] = dict.fromkeys(nodes, 0)
    for node in nodes:
        a, b = node._a, node._b
        for operand in stored_operands(node) if a.__class__ is Vector else (a, b):
            if operand in uses:
                uses[operand] += 1
    for root in roots:
        if root in uses:
            uses[root] += 1
    return uses


def _add(whole: _Sum, part: _Sum, factor: float) -> None:
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
