"""What part each leaf of a graph plays, when nobody has said which are inputs and which are weights.

A weight is multiplied with an input or with a computed value. Of two leaves that are multiplied with each other one is
the weight: leaves and their products form a graph, which falls into parts, and in each part the weights are on one side
and what they are multiplied with is on the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ... import ops
from ...graph import Vector, stored_operands
from ...value import Value
from .atoms import Atoms, Monomial
from .sides import sides

__all__ = ["Operands", "Roles"]


class Operands:
    """The operands of nodes, with a leaf in the place of each number that a leaf is multiplied with.

    So a network that was given plain numbers has inputs like any other.

    Attributes:
        leaves: Every leaf: those that are multiplied, first operands before second ones, then all others.
        numbers: Those of them that are numbers.
    """

    def __init__(self, nodes: Iterable[Value]) -> None:
        self.numbers: set[Value] = set()
        self._of_vector: dict[Vector, tuple[Value, ...]] = {}
        self._of_product: dict[Value, tuple[Value, ...]] = {}
        first: dict[Value, None] = {}
        second: dict[Value, None] = {}
        others: dict[Value, None] = {}
        for node in nodes:
            operands = self(node)
            if node.op is ops.affine:
                n = len(operands) // 2
                first.update((o, None) for o in operands[:n] if o.op is None)
                second.update((o, None) for o in operands[n:-1] if o.op is None)
                operands = operands[-1:]
            elif node.op is ops.mul:
                for operand, order in zip(operands, (first, second), strict=True):
                    if _is_leaf(operand) or operand in self.numbers:
                        order[operand] = None
                continue
            others.update((o, None) for o in operands if _is_leaf(o))
        self.leaves = list(dict.fromkeys((*first, *second, *others)))

    def __call__(self, node: Value) -> tuple[Any, ...]:
        """Return a node's operands: Values, and floats for the other numbers."""
        if node.op is ops.affine:
            return (*self._entries(node._a), *self._entries(node._b), node._c)
        if node.op is ops.mul and (_is_leaf(node._a) or _is_leaf(node._b)):
            found = self._of_product.get(node)
            if found is None:
                found = self._of_product[node] = tuple(map(self._entry, (node._a, node._b)))
            return found
        return stored_operands(node)

    def _entries(self, shared: Vector) -> tuple[Value, ...]:
        found = self._of_vector.get(shared)
        if found is None:
            found = self._of_vector[shared] = tuple(map(self._entry, shared.values))
        return found

    def _entry(self, operand: Any) -> Value:
        value = operand if isinstance(operand, Value) else Value(operand)
        if value is not operand or value.is_literal:
            self.numbers.add(value)
        return value


def _is_leaf(operand: Any) -> bool:
    return bool(operand.__class__ is not float and operand.op is None and not operand.is_literal)


class Roles:
    """Which leaves are weights, and what each sum is made of. All are given by their atoms.

    Attributes:
        weights: The leaves that are the weight in a product of two leaves.
        sources: The leaves that are the other factor in one.
    """

    def __init__(self, atoms: Atoms, leaves: Sequence[int], numbers: Iterable[int]) -> None:
        self._leaves, self._numbers = set(leaves), set(numbers)
        self._rank = {leaf: k for k, leaf in enumerate(leaves)}
        self.weights: set[int] = set()
        self.sources: set[int] = set()
        known = self._leaves
        monomials = (pair for terms in atoms.sums.values() for pair in terms)
        parts, _ = sides((u, v) for u, v in monomials if u in known and v in known and u != v)
        self._repeated = self._repeated_rows(atoms)
        for part in parts:
            one, other = sorted(part, key=self._likeliness)
            self.sources |= one
            self.weights |= other

    def _repeated_rows(self, atoms: Atoms) -> set[int]:
        """Return the leaves that occur in several sums with the same bias: the examples differ, the weights do not."""
        rows: dict[int, set[int]] = {}
        repeated: set[int] = set()
        for terms in atoms.sums.values():
            row = {factor for u, v in terms if u for factor in (u, v) if factor in self._leaves}
            for u, v in terms if row else ():
                if not u and v in self._leaves:
                    repeated |= row & rows.setdefault(v, set())
                    rows[v] |= row
        return repeated

    def _likeliness(self, side: set[int]) -> tuple[int, int, int, int]:
        """Return how likely a side of a part holds the weights, the most telling reason first."""
        return (
            -len(side & self._numbers),
            len(side & self._repeated),
            len(side),
            -min(map(self._rank.__getitem__, side)),
        )

    def products(self, terms: Mapping[Monomial, float]) -> list[tuple[int, int, float]]:
        """Return the weighted terms of a sum: weight, source and coefficient of each."""
        found = []
        for (u, v), coefficient in terms.items():
            free = [w for w in (u, v) if u and w in self._leaves and w not in self._numbers and w not in self.sources]
            if len(free) == 1 or (len(free) == 2 and (u in self.weights) != (v in self.weights)):
                weight = free[0] if len(free) == 1 or free[0] in self.weights else free[1]
                found.append((weight, v if weight == u else u, coefficient))
        return found

    def biases(self, terms: Mapping[Monomial, float]) -> list[int]:
        """Return the leaves of a sum that may be its bias."""
        taken = self._numbers | self.weights | self.sources
        return [v for u, v in terms if not u and v in self._leaves and v not in taken]
