"""Which atoms are computed alike and become one group.

Level by level, atoms of the same signature are put together: the same operation applied to members of the same groups,
or sums of products of members of the same groups. For a sum that depends on the inputs only the monomials that do are
compared, so that a neuron without a bias stays in its layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ... import ops
from .atoms import Atoms
from .groups import CONSTANT, PARAMETERS, Group, Groups
from .strided import is_everything
from .terms import terms_of

__all__ = ["grouped"]


def grouped(atoms: Atoms, inputs: Mapping[str, int], n_parameters: int) -> Groups:
    """Return the groups of a graph.

    Args:
        atoms: The canonical form of the graph.
        inputs: The length of each input by name.
        n_parameters: How many parameters there are.
    """
    groups = Groups(atoms, inputs, n_parameters)
    _Grouping(groups).add_levels()
    return groups


class _Grouping:
    def __init__(self, groups: Groups) -> None:
        self.groups, self.atoms = groups, groups.atoms
        self.all, self.group, self.position, self.number = groups.all, groups.group, groups.position, groups.number

    def add_levels(self) -> None:
        needed = _needed(self.atoms)
        level = self.atoms.level
        levels: dict[int, list[int]] = {}
        for atom in needed:
            if level[atom]:
                levels.setdefault(level[atom], []).append(atom)
        for k in sorted(levels):
            by_signature: dict[Any, list[int]] = {}
            for atom in sorted(levels[k]):
                by_signature.setdefault(self._signature(atom), []).append(atom)
            for members in by_signature.values():
                if members[0] in self.atoms.operations:
                    self._add_operation(members)
                else:
                    self._add_sum(members)

    # --- signatures ------------------------------------------------------------------------------

    def _signature(self, atom: int) -> Any:
        batched = self.atoms.batched[atom]
        found = self.atoms.operations.get(atom)
        if found is None:
            return (batched, self._sum_signature(self.atoms.sums[atom], batched))
        op, args = found
        groups = tuple(int(self.group[arg]) for arg in args)
        if op is ops.pow:  # its rule treats an exponent that is a number in a way of its own
            return (
                batched,
                op,
                groups,
                tuple(float(self.number[arg]) for arg in args if not self.group[arg]),
            )
        return (batched, op, groups)

    def _sum_signature(self, terms: Mapping[tuple[int, int], float], batched: bool) -> frozenset[Any]:
        group, is_batched = self.group, self.atoms.batched
        counts: dict[tuple[int, int], int] = {}
        nonlinear = not batched and any(u for u, _ in terms)
        for u, v in terms:
            if v == 0 or (batched and not (is_batched[u] or is_batched[v])) or (nonlinear and not u):
                continue
            g, h = int(group[u]), int(group[v])
            pair = (g, h) if g <= h else (h, g)
            counts[pair] = counts.get(pair, 0) + 1
        return frozenset(
            (pair, 0 if pair[0] == PARAMETERS and pair[1] != PARAMETERS else count) for pair, count in counts.items()
        )

    def _add_operation(self, members: list[int]) -> None:
        op = self.atoms.operations[members[0]][0]
        args = np.array([self.atoms.operations[atom][1] for atom in members], dtype=np.intp)
        latest = max(range(args.shape[1]), key=lambda k: self.group[args[0, k]])
        order = np.argsort(self.position[args[:, latest]], kind="stable")
        args = args[order]
        members = [members[k] for k in order]
        operands: list[tuple[int, Any]] = []
        shape: tuple[int, ...] = (len(members),)
        for column in args.T:
            g = int(self.group[column[0]])
            operands.append((g, self.number[column] if g == CONSTANT else self.position[column]))
            source = self.all[g]
            if len(source.shape) == 2 and is_everything(self.position[column], len(source.members)):
                shape = source.shape
        self.groups.add(Group(len(self.all), members, shape, self.atoms.batched[members[0]], op, operands))

    def _add_sum(self, members: list[int]) -> None:
        order, shape, terms = terms_of(self.groups, members)
        group = Group(len(self.all), [members[k] for k in order], shape, self.atoms.batched[members[0]])
        group.terms = terms
        self.groups.add(group)


def _needed(atoms: Atoms) -> list[int]:
    """Return the atoms under the roots, in order."""
    needed: set[int] = set()
    todo = set(atoms.roots)
    while todo:
        needed |= todo
        todo = set().union(*map(atoms.below, todo)) - needed
    return sorted(needed)
