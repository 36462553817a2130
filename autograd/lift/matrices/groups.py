"""Groups of atoms that are computed alike; each becomes one block, which is one array."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from .atoms import Atoms

__all__ = ["CONSTANT", "PARAMETERS", "Group", "Groups", "Term"]

Array = np.ndarray[Any, Any]
CONSTANT, PARAMETERS = 0, 1


@dataclass(eq=False)
class Term:
    """A summand of a group of sums.

    Attributes:
        kind: "constant": numbers, one for each member; "elementwise": a product for each member; "matmul": a matrix
            product; "runs": products summed in runs.
        factors: Up to two factors, each a group and positions in it, −1 standing for a zero; for the group of constants
            the numbers themselves. The left factor of a matrix product has shape (rows, k), the right one (k,) or
            (k, columns).
        scale: A number, or a number for each member or product, that multiplies it; for "matmul" also a number for
            each entry of the left factor.
        sizes: For "runs", how many products belong to each member.
        take: Which member of the product each member is, −1 for none; None if they are in the same order.
        why: A sentence for the report where no structure was found.
    """

    kind: Literal["constant", "elementwise", "matmul", "runs"]
    factors: list[tuple[int, Array]]
    scale: float | Array = 1.0
    sizes: Array | None = None
    take: Array | None = None
    why: str = ""


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
    """The groups of a graph, and where each atom is; at first those of constants, parameters and inputs.

    All parameters are one group at this stage, and so are all members of one input; constants have none.

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
        parameters = list(atoms.parameters)
        self.group[parameters], self.position[parameters] = PARAMETERS, list(atoms.parameters.values())
        for name, length in inputs.items():
            self.all.append(Group(len(self.all), [0] * length, (length,), True, input_name=name))
        by_name = {group.input_name: group.number for group in self.all[2:]}
        for atom, (name, k) in atoms.inputs.items():
            self.group[atom], self.position[atom] = by_name[name], k

    def add(self, group: Group) -> None:
        """Add a group, and note where its members are."""
        self.all.append(group)
        members = np.asarray(group.members)
        self.group[members] = group.number
        self.position[members] = np.arange(len(members))
