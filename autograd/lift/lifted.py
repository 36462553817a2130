"""All passes in order: from outputs that were recorded to the two programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from ..value import Comparison, Value
from .adjoint import Reverse, reverse_program
from .blocks import grouped
from .canonical import canonical
from .expression import Expression, blocks_in
from .forward import Forward, forward_program
from .parameters import Parameters
from .record import leaves_of, nodes_of

__all__ = ["Guard", "Lifted", "lifted"]


@dataclass(frozen=True, eq=False)
class Guard:
    """A comparison that was made while the graph was recorded, whose outcome the recording may depend on.

    Attributes:
        relation: "<", "<=", ">" or ">=".
        sides: What was compared.
        outcome: What it gave.
        place: Where it stands: "network.py, line 12".
    """

    relation: Literal["<", "<=", ">", ">="]
    sides: tuple[Expression, Expression]
    outcome: bool
    place: str


@dataclass(eq=False)
class Lifted:
    """What was derived from a graph; it holds no Values, so it can be pickled.

    Attributes:
        inputs: The length of each input, by name.
        parameters: The parameters' names and places.
        forward: The forward program; its first root is the loss, then follow the outputs and the guards.
        reverse: The reverse program.
        outputs: The named outputs' members, each a list of roots.
        read_by_outputs: The inputs that the outputs depend on.
        start: The parameters' numbers when the graph was recorded, in the order of `flat`.
        guards: Comparisons that the recording relied on.
        recorded: How many rows were at hand when the graph was recorded.
        sums: The least and the largest sum of each input's members over those rows, by name.
    """

    inputs: dict[str, int]
    parameters: Parameters
    forward: Forward
    reverse: Reverse
    outputs: dict[str, list[Expression]]
    start: np.ndarray[Any, Any]
    guards: list[Guard] = field(default_factory=list)
    recorded: int = 1
    sums: dict[str, tuple[float, float]] = field(default_factory=dict)
    read_by_outputs: set[str] = field(init=False)

    def __post_init__(self) -> None:
        roots = [expression for row in self.outputs.values() for expression in row]
        values = [*roots, *(statement.value for statement in self.forward.needed(roots))]
        blocks = blocks_in(*values)
        self.read_by_outputs = {name for name, block in self.forward.inputs.items() if block in blocks}

    def keep_sums(self, rows: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """Note what the members of each input, (N, length), sum to, for what the equations assume of them."""
        sums = {name: values.sum(axis=1) for name, values in rows.items()}
        self.recorded = max(map(len, sums.values()), default=1)
        self.sums = {name: (float(each.min()), float(each.max())) for name, each in sums.items() if each.size}

    def without_guards(self) -> Lifted:
        """Return the same without guards, for a run at numbers of our own choice."""
        return replace(self, guards=[])


def lifted(
    output: Value,
    inputs: Mapping[str, Sequence[Value]],
    leaves: Sequence[Value] | None,
    named: Mapping[str, Any] | None = None,
    outputs: Mapping[str, Sequence[Any]] | None = None,
    compared: Sequence[Comparison] = (),
    nodes: list[Value] | None = None,
) -> tuple[Lifted, list[Value], list[Value]]:
    """Return what was derived from a graph, its interior nodes, and the parameters' leaves by number.

    Args:
        output: The loss.
        inputs: The leaves of each input by name.
        leaves: The parameters; None for all leaves that are neither inputs nor literals.
        named: The parameters' numbers in arrays by name.
        outputs: Further outputs by name, Values or numbers.
        compared: Comparisons that were made meanwhile.
        nodes: The interior nodes under all these, operands first, if they are known.
    """
    outputs = outputs or {}
    extra = [value for values in outputs.values() for value in values]
    roots: list[Any] = [output, *extra, *(side for each in compared for side in each.sides)]
    recorded = [root for root in roots if isinstance(root, Value)]
    nodes = nodes_of(recorded) if nodes is None else nodes
    positions = {leaf: (name, k) for name, values in inputs.items() for k, leaf in enumerate(values)}
    if leaves is None:
        leaves = [leaf for leaf in leaves_of(recorded, nodes) if leaf not in positions]
    atoms = canonical(nodes, roots, positions, {leaf: k for k, leaf in enumerate(leaves)})
    groups = grouped(atoms, {name: len(values) for name, values in inputs.items()}, len(leaves))
    parameters = Parameters(groups, leaves, named)
    forward = forward_program(groups, parameters)
    start = np.zeros(len(leaves))
    start[parameters.position] = [leaf.data for leaf in leaves]
    following = iter(forward.roots[1:])
    by_name = {name: [next(following) for _ in values] for name, values in outputs.items()}
    found = Lifted(
        inputs={name: len(values) for name, values in inputs.items()},
        parameters=parameters,
        forward=forward,
        reverse=reverse_program(forward, parameters),
        outputs=by_name,
        start=start,
        guards=[Guard(c.relation, (next(following), next(following)), c.outcome, c.place) for c in compared],
    )
    found.keep_sums({name: np.array([[leaf.data for leaf in values]]) for name, values in inputs.items()})
    return found, nodes, list(leaves)
