"""Atoms: what the values of a graph become in the canonical form.

An atom is a number counted from 0, and atom 0 is the number 1. What is computed alike is one atom.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from ...op import Op
from ...value import Value

__all__ = ["Atoms", "Monomial"]

Monomial = tuple[int, int]


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
    _made: dict[Any, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.constant(1.0)

    @property
    def computed(self) -> list[int]:
        """The sums and operations, in the order of the computation."""
        return [atom for atom, level in enumerate(self.level) if level]

    def below(self, atom: int) -> Collection[int]:
        """Return the atoms that an atom is computed from; 0 is among those of a sum with linear terms."""
        if atom in self.sums:
            return {factor for pair in self.sums[atom] for factor in pair}
        return self.operations[atom][1] if atom in self.operations else ()

    def leaf(self, value: Value, *, batched: bool) -> int:
        """Return the new atom of an input or a parameter."""
        self.of[value] = self._new(0, batched, value)
        return self.of[value]

    def constant(self, number: float) -> int:
        """Return the atom of a number."""
        atom = self._made.get(number)
        if atom is None:
            atom = self._made[number] = self._new(0, False, None)
            self.constants[atom] = number
        return atom

    def operation(self, op: Op, args: tuple[int, ...], node: Value) -> int:
        """Return the atom of an operation's result."""
        key = (op, args)
        atom = self._made.get(key)
        if atom is None:
            atom = self._made[key] = self._above(args, node)
            self.operations[atom] = key
        return atom

    def sum(self, terms: dict[Monomial, float], node: Value) -> int:
        """Return the atom of a sum of products."""
        key = frozenset(terms.items())
        atom = self._made.get(key)
        if atom is None:
            atom = self._made[key] = self._above({factor for pair in terms for factor in pair}, node)
            self.sums[atom] = terms
        return atom

    def _above(self, below: Collection[int], node: Value) -> int:
        level, batched = self.level, self.batched
        return self._new(1 + max(level[atom] for atom in below), any(batched[atom] for atom in below), node)

    def _new(self, level: int, batched: bool, node: Value | None) -> int:
        self.level.append(level)
        self.batched.append(batched)
        self.node.append(node)
        return len(self.level) - 1
