"""Atoms: what the values of a graph become in the canonical form.

An atom is a number counted from 0, and atom 0 is the number 1. What is computed alike is one atom.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np

from ...op import Op
from ...value import Value

__all__ = ["Atoms", "Monomial"]

Array = np.ndarray[Any, Any]
Monomial = tuple[int, int]
_LONG = 64  # monomials of a sum that is kept in arrays
_ODD = np.array([[0x9E3779B97F4A7C15], [0xBF58476D1CE4E5B9], [0x94D049BB133111EB]], np.uint64)  # of splitmix64


class _LongSum(Mapping[Monomial, float]):
    """The monomials of a sum with their coefficients, in arrays: those of a layer may be millions."""

    __slots__ = ("coefficients", "pairs")

    def __init__(self, terms: Mapping[Monomial, float]) -> None:
        self.pairs = _pairs(terms, len(terms))
        self.coefficients = np.fromiter(terms.values(), float, len(terms))

    @property
    def mark(self) -> int:
        """A number that is the same for the same monomials, in any order."""
        words = np.stack([*self.pairs.T, self.coefficients.view(np.int64)]).astype(np.uint64)
        mixed = (words * _ODD).sum(axis=0)
        return int(((mixed ^ (mixed >> np.uint64(29))) * _ODD[0]).sum())

    def __len__(self) -> int:
        return len(self.pairs)

    def __iter__(self) -> Iterator[Monomial]:
        return zip(*self.pairs.T.tolist(), strict=True)

    def __getitem__(self, pair: Monomial) -> float:
        found = np.flatnonzero((self.pairs == pair).all(axis=1))
        if not len(found):
            raise KeyError(pair)
        return float(self.coefficients[found[0]])


def _pairs(monomials: Iterable[Monomial], count: int) -> Array:
    return np.fromiter(chain.from_iterable(monomials), np.intp, 2 * count).reshape(count, 2)


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
    sums: dict[int, Mapping[Monomial, float]] = field(default_factory=dict)
    level: list[int] = field(default_factory=list)
    batched: list[bool] = field(default_factory=list)
    node: list[Value | None] = field(default_factory=list)
    roots: list[int] = field(default_factory=list)
    of: dict[Value, int] = field(default_factory=dict)
    _made: dict[Any, int] = field(default_factory=dict)
    _summed: dict[int, list[int]] = field(default_factory=dict)  # the sums by the hash of their monomials

    def __post_init__(self) -> None:
        self.constant(1.0)

    @property
    def computed(self) -> list[int]:
        """The sums and operations, in the order of the computation."""
        return [atom for atom, level in enumerate(self.level) if level]

    def below(self, atom: int) -> Collection[int]:
        """Return the atoms that an atom is computed from, some of them twice; 0 is one if a sum has linear terms."""
        if atom in self.sums:
            terms = self.sums[atom]
            return terms.pairs.ravel().tolist() if isinstance(terms, _LongSum) else set(chain.from_iterable(terms))
        return self.operations[atom][1] if atom in self.operations else ()

    def under_roots(self) -> list[int]:
        """Return the sums and operations that the roots are computed from, in the order of the computation."""
        under = set(self.roots)
        found = []
        for atom in reversed(self.computed):
            if atom in under:
                found.append(atom)
                under.update(self.below(atom))
        return found[::-1]

    def monomials(self, sums: Sequence[int]) -> tuple[Array, Array, Array]:
        """Return how many monomials each of some sums has, all of them (n, 2), and their coefficients (n,)."""
        terms = [self.sums[atom] for atom in sums]
        lengths = np.fromiter(map(len, terms), np.intp, len(terms))
        pairs, coefficients = np.empty((lengths.sum(), 2), np.intp), np.empty(lengths.sum())
        long = [each for each in terms if isinstance(each, _LongSum)]
        short = [each for each in terms if not isinstance(each, _LongSum)]
        if long:
            of_long = np.repeat([isinstance(each, _LongSum) for each in terms], lengths)
            pairs[of_long] = np.concatenate([each.pairs for each in long])
            coefficients[of_long] = np.concatenate([each.coefficients for each in long])
        rest = ~of_long if long else slice(None)
        count = sum(map(len, short))
        pairs[rest] = _pairs(chain.from_iterable(short), count)
        coefficients[rest] = np.fromiter(chain.from_iterable(each.values() for each in short), float, count)
        return lengths, pairs, coefficients

    def leaves(self, values: Collection[Value], *, batched: bool) -> range:
        """Return the new atoms of inputs or parameters."""
        made = range(len(self.level), len(self.level) + len(values))
        self.of.update(zip(values, made, strict=True))
        self.level += [0] * len(values)
        self.batched += [batched] * len(values)
        self.node += values
        return made

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
        kept = terms if len(terms) < _LONG else _LongSum(terms)
        mark = kept.mark if isinstance(kept, _LongSum) else hash(frozenset(terms.items()))
        same = self._summed.setdefault(mark, [])
        for atom in same:
            if terms == dict(self.sums[atom]):
                return atom
        atom = self._above(set(chain.from_iterable(terms)), node)
        self.sums[atom] = kept
        same.append(atom)
        return atom

    def _above(self, below: Collection[int], node: Value) -> int:
        level, batched = self.level, self.batched
        return self._new(1 + max(map(level.__getitem__, below)), any(map(batched.__getitem__, below)), node)

    def _new(self, level: int, batched: bool, node: Value | None) -> int:
        self.level.append(level)
        self.batched.append(batched)
        self.node.append(node)
        return len(self.level) - 1
