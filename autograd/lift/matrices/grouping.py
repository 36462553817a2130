"""Which atoms are computed alike and become one group.

Level by level, atoms of the same signature are put together: the same operation applied to members of the same groups,
or sums of products of members of the same groups. For a sum that depends on the inputs only the monomials that do are
compared, so that a neuron without a bias stays in its layer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ... import ops
from .atoms import Atoms
from .groups import CONSTANT, PARAMETERS, Group, Groups
from .monomials import kinds
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
        self.batched = np.array(self.atoms.batched)

    def add_levels(self) -> None:
        levels: dict[int, list[int]] = {}
        for atom in self.atoms.under_roots():
            levels.setdefault(self.atoms.level[atom], []).append(atom)
        for k in sorted(levels):
            signatures = dict(self._signatures(levels[k]))
            by_signature: dict[Any, list[int]] = {}
            for atom in levels[k]:
                by_signature.setdefault(signatures[atom], []).append(atom)
            for members in by_signature.values():
                if members[0] in self.atoms.operations:
                    self._add_operation(members)
                else:
                    self._add_sum(members)

    # --- signatures ------------------------------------------------------------------------------

    def _signatures(self, atoms: Sequence[int]) -> Iterator[tuple[int, Any]]:
        """Yield each of some atoms with what those have in common that are computed alike."""
        batched, operations = self.atoms.batched, self.atoms.operations
        for atom in atoms:
            if atom in operations:
                op, args = operations[atom]
                numbers = [float(self.number[arg]) for arg in args if not self.group[arg]] if op is ops.pow else []
                # the rule of a power treats an exponent that is a number in a way of its own
                yield atom, (batched[atom], op, tuple(self.group[list(args)].tolist()), *numbers)
        sums = [atom for atom in atoms if atom not in operations]
        if sums:
            yield from zip(sums, self._sum_signatures(sums), strict=True)

    def _sum_signatures(self, sums: list[int]) -> Iterator[Any]:
        """Yield for each sum whether it is batched, and how many monomials it has of each pair of groups."""
        lengths, pairs, _ = self.atoms.monomials(sums)
        member = np.repeat(np.arange(len(sums)), lengths)
        u, v = pairs.T
        batched = self.batched[sums]
        is_linear = np.bincount(member[u > 0], minlength=len(sums)) == 0
        of_batched = self.batched[u] | self.batched[v]
        counts = (v > 0) & np.where(batched[member], of_batched, is_linear[member] | (u > 0))
        k, g, h, count = kinds(member[counts], self.group[u[counts]], self.group[v[counts]])
        count[(g == PARAMETERS) & (h != PARAMETERS)] = 0
        found: list[list[Any]] = [[] for _ in sums]
        for number, *kind in zip(k.tolist(), g.tolist(), h.tolist(), count.tolist(), strict=True):
            found[number].append(tuple(kind))
        return zip(batched.tolist(), map(tuple, found), strict=True)

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
