"""All passes in order: from outputs that were recorded to the two programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from ...graph import number
from ...value import Value
from ..record.recording import Recording
from ..record.tape import Guard
from .adjoint import Reverse, reverse_program
from .block import Block
from .canonical import canonical
from .expression import Expression
from .forward import Forward, forward_program
from .grouping import grouped
from .parameters import Parameters
from .precise import Shares, precise
from .statement import blocks_in

__all__ = ["Lifted", "lifted"]


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
        output_guards: The guards that these inputs decide; a run for the outputs alone checks no others.
        start: The parameters' numbers when the graph was recorded, in the order of `flat`.
        guards: Comparisons that the recording relied on; their sides are expressions.
        recorded: How many rows were at hand when the graph was recorded.
        ones: For each input the widths of rows, as parts of it, whose members all summed to 1 in those rows, by name.
        row: The inputs' numbers when the graph was recorded, by name.
        axes: The shape in which a function that was recorded takes each input, by name.
        shares: In a program that runs, the blocks that were added for each logsumexp whose exponentials are shares.
        directional: Whether its parameters are those of another program and a direction behind them, so that what it
            computes is no gradient of its root.
    """

    inputs: dict[str, int]
    parameters: Parameters
    forward: Forward
    reverse: Reverse
    outputs: dict[str, list[Expression]]
    start: np.ndarray[Any, Any]
    guards: list[Guard] = field(default_factory=list)
    recorded: int = 1
    ones: dict[str, set[int]] = field(default_factory=dict)
    row: dict[str, np.ndarray[Any, Any]] = field(default_factory=dict)
    axes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    shares: dict[Block, Shares] = field(default_factory=dict)
    directional: bool = False
    read_by_outputs: set[str] = field(init=False)
    output_guards: list[Guard] = field(init=False)

    def __post_init__(self) -> None:
        below = {block: {name} for name, block in self.forward.inputs.items()}

        def inputs_of(*values: Expression) -> set[str]:
            return set().union(*(below.get(block, set()) for block in blocks_in(*values)))

        for statement in self.forward.statements:
            below[statement.target] = inputs_of(statement.value)
        self.read_by_outputs = inputs_of(*(expression for row in self.outputs.values() for expression in row))
        self.output_guards = [guard for guard in self.guards if inputs_of(*guard.sides) <= self.read_by_outputs]

    def __getstate__(self) -> dict[str, Any]:
        return {name: held for name, held in vars(self).items() if name != "running"}  # it is made again

    def keep_sums(self, rows: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """Note which members of each input, (N, length), sum to 1, for what the equations assume of them."""
        self.recorded = max(map(len, rows.values()), default=1)
        self.ones = {name: _unit_widths(values) for name, values in rows.items()}

    @cached_property
    def running(self) -> Lifted:
        """The same with the statements that are run and written as source; its `shares` say what was added."""
        forward, reverse, shares = precise(self.forward, self.reverse)
        return replace(self, forward=forward, reverse=reverse, shares=shares)

    def without_guards(self) -> Lifted:
        """Return the same without guards, for a run at numbers of our own choice."""
        return replace(self, guards=[])


def _unit_widths(rows: np.ndarray[Any, Any]) -> set[int]:
    """Return the lengths of parts, 2 or more, such that each part of each row sums to 1 exactly or nearly so."""
    length = rows.shape[1]
    widths = [width for width in range(2, length + 1) if length % width == 0] if rows.size else []
    return {w for w in widths if np.abs(rows.reshape(-1, w).sum(axis=1) - 1.0).max() < 1e-12}


def lifted(
    recording: Recording,
    leaves: Sequence[Value],
    named: Mapping[str, Any] | None,
    parameters: Parameters | None = None,
) -> Lifted:
    """Return what is derived from a recorded graph.

    Args:
        recording: The graph.
        leaves: The parameters' leaves.
        named: Their numbers among these, in arrays by name; None to name them by labels and by the part they play.
        parameters: The names and places of these leaves in another program that this one shares them with, if any.
    """
    inputs = {name: len(values) for name, values in recording.inputs.items()}
    positions = {leaf: (name, k) for name, values in recording.inputs.items() for k, leaf in enumerate(values)}
    numbers = dict(zip(leaves, range(len(leaves)), strict=True))
    atoms = canonical(recording.graph.nodes, recording.roots, positions, numbers)
    groups = grouped(atoms, inputs, len(leaves))
    if parameters is None:
        parameters = Parameters(groups, leaves, named)
    forward = forward_program(groups, parameters)
    start = np.zeros(len(leaves))
    start[parameters.position] = np.fromiter(map(number, leaves), float, len(leaves))
    roots = iter(forward.roots[1:])
    found = Lifted(
        inputs=inputs,
        parameters=parameters,
        forward=forward,
        reverse=reverse_program(forward, parameters),
        outputs={name: [next(roots) for _ in values] for name, values in recording.outputs.items()},
        start=start,
        guards=[each._replace(sides=(next(roots), next(roots))) for each in recording.compared],
    )
    found.row = {name: np.array([*map(number, values)], dtype=float) for name, values in recording.inputs.items()}
    found.keep_sums({name: values[None] for name, values in found.row.items()})
    found.axes = dict(recording.axes)
    return found
