"""Recording a function of one example: its graph, and the path that it took.

A recording is one path: the sequence of comparisons the function made, with what each gave.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ...graph import Graph, number
from ...op import errors_noticed, finite_float
from ...value import Value, watched_by
from .tape import Guard, RecordingError, Tape, place_in

__all__ = ["Recording", "evaluated", "example", "record"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Recording:
    """A recorded graph.

    Attributes:
        inputs: The leaves of each input, by name.
        loss: The loss of one example.
        outputs: Further outputs by name, Values or numbers.
        compared: The comparisons that were made meanwhile, in their order.
        start: A serial: leaves that existed before the recording have smaller ones.
        axes: The shape of each input as the function got it, by name; its leaves are those of the nested list in order.
    """

    inputs: Mapping[str, Sequence[Value]]
    loss: Value
    outputs: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    compared: Sequence[Guard] = ()
    start: float = math.inf
    axes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def roots(self) -> list[Any]:
        """The loss, the outputs, and the sides of the comparisons: Values and numbers."""
        outputs = [value for values in self.outputs.values() for value in values]
        return [self.loss, *outputs, *(side for each in self.compared for side in each.sides)]

    @cached_property
    def graph(self) -> Graph:
        """What lies under the roots."""
        return Graph(self.roots)

    @property
    def other_leaves(self) -> list[Value]:
        """The leaves that existed before the recording and are no inputs."""
        inputs = {leaf for values in self.inputs.values() for leaf in values}
        return [leaf for leaf in self.graph.leaves if leaf.serial < self.start and leaf not in inputs]

    @cached_property
    def path(self) -> tuple[Any, ...]:
        """What came out of the comparisons, with the numbers compared to; it tells the paths of a function apart."""
        return tuple(outcome for _, outcome in self.choices)

    @property
    def choices(self) -> list[tuple[str, Any]]:
        """For each comparison its place, and what came out with the number compared to."""
        return [
            (each.place, (each.outcome, *(side for side in each.sides if side.__class__ is float)))
            for each in self.compared
        ]


def record(fun: Callable[..., Any], row: Mapping[str, Array]) -> Recording:
    """Return what a function records for one row.

    Raises:
        RecordingError: If it reads a number in a way that cannot be recorded, or handles an error of an operation.
        TypeError: If it returns neither a loss nor a pair of a loss and named outputs.
        Exception: What the function raises.
    """
    arguments = example(row)
    inputs = {name: [*_leaves(values)] for name, values in arguments.items()}
    leaves = [value for values in inputs.values() for value in values]
    start = min((value.serial for value in leaves), default=Value(0.0).serial)
    tape = Tape(leaves, start)
    try:
        with watched_by(tape), errors_noticed(tape.failed):
            result = fun(**arguments)
    except RecordingError:
        raise
    except Exception as error:
        raise _explained(fun, row, error) from error
    if tape.refusals:
        raise tape.refusals[0]
    if tape.failures:
        raise RecordingError(
            f"{tape.failures[0]}: the function handles the DomainError of this line, so which rows raise it decides "
            "what it computes, and no comparison says so: test the operands instead, as in `if x > 0`"
        )
    loss, named = _parts(result)
    axes = {name: np.shape(values) for name, values in row.items()}
    return Recording(inputs, loss, named, tape.comparisons, start, axes)


def evaluated(fun: Callable[..., Any], row: Mapping[str, Array]) -> tuple[float, dict[str, list[float]]]:
    """Return the loss and the outputs that a function gives for one row where nobody records it."""
    with watched_by(None):
        loss, outputs = _parts(fun(**example(row)))
    return loss.data, {name: [*map(number, values)] for name, values in outputs.items()}


def example(row: Mapping[str, Array]) -> dict[str, list[Any]]:
    """Return a row as a function of one example takes it: lists of leaves, nested where an input has more axes."""
    return {name: _as_leaves(values.tolist()) for name, values in row.items()}


def _as_leaves(numbers: list[Any]) -> list[Any]:
    return [_as_leaves(each) if isinstance(each, list) else Value(each) for each in numbers]


def _leaves(nested: list[Any]) -> Iterator[Value]:
    for each in nested:
        if isinstance(each, list):
            yield from _leaves(each)
        else:
            yield each


def _explained(fun: Callable[..., Any], row: Mapping[str, Array], error: Exception) -> Exception:
    """Return the error to raise for one that came while `fun` was recorded: its own, if it comes with numbers too."""
    try:
        with watched_by(None):
            fun(**example(row))
    except Exception as plain:
        return error if type(plain) is type(error) else plain
    return RecordingError(
        f"{place_in(error.__traceback__)}: this line works on numbers but cannot be recorded ({type(error).__name__}: "
        f"{error}): write it with Values and operations of autograd"
    )


def _parts(result: Any) -> tuple[Value, dict[str, list[Any]]]:
    """Return the loss and the outputs of what a function returned."""
    outputs: Mapping[str, Any] = {}
    if isinstance(result, tuple):
        if len(result) != 2 or not isinstance(result[1], Mapping):
            raise TypeError(f"the function must return a loss, or a loss and a dict of outputs, got {result!r}")
        result, outputs = result
    loss = result if isinstance(result, Value) else Value(finite_float(result, "the loss of one example"))
    return loss, {name: _values(name, values) for name, values in outputs.items()}


def _values(name: str, values: Any) -> list[Any]:
    if not isinstance(name, str):
        raise TypeError(f"an output's name must be a string, got {name!r}")
    listed = [values] if isinstance(values, Value) else np.asarray(values, dtype=object).ravel().tolist()
    if not listed:
        raise ValueError(f"output {name!r} needs at least one value, got none")
    return [value if isinstance(value, Value) else finite_float(value, f"output {name!r}") for value in listed]
