"""Groups: which atoms are computed alike and become one block, which is one array.

Level by level, atoms of the same signature are put together: the same operation applied to members of the same groups,
or sums of products of members of the same groups. For a sum that depends on the inputs only the monomials that do are
compared, so that a neuron without a bias stays in its layer.

All parameters are one group at this stage, and so are all members of one input; constants have none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import ops
from .atoms import Atoms
from .strided import is_everything
from .terms import Term, terms_of

__all__ = ["CONSTANT", "PARAMETERS", "Group", "Groups"]

CONSTANT, PARAMETERS = 0, 1


@dataclass(eq=False)
class Group:
    """Atoms that are computed alike.

    Attributes:
        number: Its place among the groups.
        members: The atoms, in order.
        shape: (k,), or (rows, columns) for a matrix product with several columns and what is computed from it.
        batched: Whether it depends on an input.
        operation: The operation; None for inputs, parameters and sums.
        operands: For an operation, for each argument the group and the members' positions in it; for the group
            `CONSTANT`, the numbers themselves.
        terms: For a sum, its terms.
        input_name: For an input, its name.
    """

    number: int
    members: list[int]
    shape: tuple[int, ...]
    batched: bool
    operation: Any = None
    operands: list[tuple[int, Any]] = field(default_factory=list)
    terms: list[Term] = field(default_factory=list)
    input_name: str = ""


class Groups:
    """The groups of a graph, and where each atom is.

    Args:
        atoms: The canonical form of the graph.
        inputs: The length of each input by name.
        n_parameters: How many parameters there are.

    Attributes:
        all: The groups, operands before what is computed from them; the first two are constants and parameters.
        group: For each atom its group.
        position: For each atom its position among the group's members.
    """

    def __init__(self, atoms: Atoms, inputs: Mapping[str, int], n_parameters: int) -> None:
        self.atoms = atoms
        count = len(atoms.level)
        self.group = np.zeros(count, dtype=np.intp)
        self.position = np.zeros(count, dtype=np.intp)
        self.number = np.zeros(count)
        for atom, value in atoms.constants.items():
            self.number[atom] = value
        self.all: list[Group] = [
            Group(CONSTANT, [], (0,), False),
            Group(PARAMETERS, [0] * n_parameters, (n_parameters,), False),
        ]
        for atom, k in atoms.parameters.items():
            self.group[atom], self.position[atom] = PARAMETERS, k
        for name, length in inputs.items():
            self.all.append(Group(len(self.all), [0] * length, (length,), True, input_name=name))
        by_name = {group.input_name: group.number for group in self.all[2:]}
        for atom, (name, k) in atoms.inputs.items():
            self.group[atom], self.position[atom] = by_name[name], k
        self._group_levels()

    def _group_levels(self) -> None:
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
            return (batched, op, groups, tuple(float(self.number[arg]) for arg in args if not self.group[arg]))
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

    # --- groups ----------------------------------------------------------------------------------

    def _add(self, group: Group) -> None:
        self.all.append(group)
        members = np.asarray(group.members)
        self.group[members] = group.number
        self.position[members] = np.arange(len(members))

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
        self._add(Group(len(self.all), members, shape, self.atoms.batched[members[0]], op, operands))

    def _add_sum(self, members: list[int]) -> None:
        order, shape, terms = terms_of(self, members)
        group = Group(len(self.all), [members[k] for k in order], shape, self.atoms.batched[members[0]])
        group.terms = terms
        self._add(group)


def _needed(atoms: Atoms) -> list[int]:
    """Return the atoms under the roots, in order."""
    needed: set[int] = set()
    todo = list(atoms.roots)
    while todo:
        atom = todo.pop()
        if atom not in needed:
            needed.add(atom)
            todo.extend(atoms.below(atom))
    return sorted(needed)
