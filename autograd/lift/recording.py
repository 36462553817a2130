"""Recording a function of one example, and making sure that the recording stands for every example.

The function is called for two different rows. If the two recordings differ in a number or in their structure, the
function depends on something that is not in the graph. Comparisons that came out alike in both are kept as guards, to
be tested for every row of every batch; one that came out differently and changed nothing has no influence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..graph import Graph, Vector, stored_operands
from ..op import DomainError, finite_float
from ..value import Comparison, Value, comparisons

__all__ = ["Recording", "two_rows"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Recording:
    """A recorded graph.

    Attributes:
        inputs: The leaves of each input, by name.
        loss: The loss of one example.
        outputs: Further outputs by name, Values or numbers.
        compared: The comparisons that were made meanwhile.
        start: A serial: leaves that existed before the recording have smaller ones.
    """

    inputs: Mapping[str, Sequence[Value]]
    loss: Value
    outputs: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    compared: Sequence[Comparison] = ()
    start: float = math.inf

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


def two_rows(fun: Callable[..., Any], batch: Mapping[str, Array]) -> Recording:
    """Return what `fun` records for a row of the batch, after comparing it with what it records for another.

    Raises:
        RuntimeError: If the two recordings differ in more than the inputs.
        TypeError: If `fun` returns neither a loss nor a pair of a loss and named outputs.
    """
    first = _record(fun, {name: rows[0] for name, rows in batch.items()})
    second = None
    for row in _other_rows(batch):
        try:
            second = _record(fun, row)
        except (DomainError, ValueError):
            continue
        break
    if second is not None:
        guards = _Comparer(first, second).guards()
        if len(guards) < len(first.compared):
            return replace(first, compared=guards)
    return first


def _other_rows(batch: Mapping[str, Array]) -> list[dict[str, Array]]:
    """Return candidates for a second row: the one that differs most from the first, then rows made from it."""
    if not batch:
        return [{}]
    rows = len(next(iter(batch.values())))
    different = sum((values != values[0]).sum(axis=1) for values in batch.values())
    found = []
    if rows > 1 and np.max(different) > 0:
        best = int(np.argmax(different))
        found.append({name: values[best] for name, values in batch.items()})
    found += [{name: values[0] * (1.0 + step) + step for name, values in batch.items()} for step in (1e-2, 1e-6)]
    found.append({name: values[0] for name, values in batch.items()})
    return found


def _record(fun: Callable[..., Any], row: Mapping[str, Array]) -> Recording:
    inputs = {name: [Value(number) for number in values.tolist()] for name, values in row.items()}
    start = min((value.serial for values in inputs.values() for value in values), default=Value(0.0).serial)
    with comparisons() as compared:
        result = fun(**{name: list(values) for name, values in inputs.items()})
    outputs: Mapping[str, Any] = {}
    if isinstance(result, tuple):
        if len(result) != 2 or not isinstance(result[1], Mapping):
            raise TypeError(f"the function must return a loss, or a loss and a dict of outputs, got {result!r}")
        result, outputs = result
    named = {name: _values(name, values) for name, values in outputs.items()}
    loss = result if isinstance(result, Value) else Value(finite_float(result, "the loss of one example"))
    return Recording(inputs, loss, named, list(compared), start)


def _values(name: str, values: Any) -> list[Any]:
    if not isinstance(name, str):
        raise TypeError(f"an output's name must be a string, got {name!r}")
    listed = [values] if isinstance(values, Value) else np.asarray(values, dtype=object).ravel().tolist()
    if not listed:
        raise ValueError(f"output {name!r} needs at least one value, got none")
    return [value if isinstance(value, Value) else finite_float(value, f"output {name!r}") for value in listed]


class _Comparer:
    """Walks two recordings side by side."""

    def __init__(self, first: Recording, second: Recording) -> None:
        self.first, self.second = first, second
        self.same: dict[Any, Any] = {}
        for name, values in first.inputs.items():
            self.same.update(zip(values, second.inputs[name], strict=True))
        if len(first.graph.nodes) != len(second.graph.nodes):
            self._refuse(
                f"one has {len(first.graph.nodes)} operations and the other {len(second.graph.nodes)}{self._where()}"
            )
        for one, other in zip(first.graph.nodes, second.graph.nodes, strict=True):
            self._compare(one, other)
            self.same[one] = other
        self._operand(first.loss, second.loss, "the loss")
        for name, values in first.outputs.items():
            others = second.outputs.get(name, [])
            if len(values) != len(others):
                self._refuse(f"output {name!r} has {len(values)} and {len(others)} values")
            for one, other in zip(values, others, strict=True):
                self._operand(one, other, f"output {name!r}")

    def guards(self) -> list[Comparison]:
        """Return the comparisons that came out alike."""
        if len(self.first.compared) != len(self.second.compared):
            self._refuse(
                f"{len(self.first.compared)} comparisons were made in one and {len(self.second.compared)} in the other"
            )
        kept = {}
        for one, other in zip(self.first.compared, self.second.compared, strict=True):
            for left, right in zip(one.sides, other.sides, strict=True):
                self._operand(left, right, f"the comparison in {one.place}")
            if one.outcome == other.outcome:
                kept[one.relation, one.sides, one.outcome] = one
        return list(kept.values())

    def _compare(self, one: Value, other: Value) -> None:
        what = one.describe()
        if one.op is not other.op:
            self._refuse(f"{what} in one is {other.describe()} in the other{self._where()}")
        if one._a.__class__ is Vector and other._a.__class__ is Vector:
            parts, others = [one._a, one._b], [other._a, other._b]
            if one.op is not None and one.op.name == "affine":
                parts.append(one._c)
                others.append(other._c)
            for left, right in zip(parts, others, strict=True):
                if left.__class__ is not Vector or right.__class__ is not Vector:
                    if left is not None:
                        self._operand(left, right, what)
                elif self.same.get(left) is not right:
                    if len(left) != len(right):
                        self._refuse(f"{what} has {len(left)} operands in one and {len(right)} in the other")
                    for a, b in zip(left.values, right.values, strict=True):
                        self._operand(a, b, what)
                    self.same[left] = right
            return
        for left, right in zip(stored_operands(one), stored_operands(other), strict=True):
            self._operand(left, right, what)

    def _operand(self, one: Any, other: Any, what: str) -> None:
        if one is other or self.same.get(one) is other:
            return
        numbers = [
            float(v) if v.__class__ is float else v.data for v in (one, other) if v.__class__ is float or v.is_leaf
        ]
        if one not in self.same and len(numbers) == 2 and numbers[0] == numbers[1] and not self._is_input(other):
            old = [v.__class__ is not float and v.serial < self.first.start for v in (one, other)]
            if not any(old):
                return
        if len(numbers) == 2:
            self._refuse(f"{what} uses {numbers[0]!r} in one and {numbers[1]!r} in the other")
        self._refuse(f"{what} has other operands in the other{self._where()}")

    def _is_input(self, value: Any) -> bool:
        return any(value is each for values in self.second.inputs.values() for each in values)

    def _where(self) -> str:
        for one, other in zip(self.first.compared, self.second.compared, strict=False):
            if one.outcome != other.outcome:
                return f"; the comparison in {one.place} came out differently"
        return ""

    @staticmethod
    def _refuse(difference: str) -> None:
        raise RuntimeError(
            "the function records different graphs for two rows of the batch, so it depends on data outside the graph "
            f"(numbers taken from .data, randomness, or a branch): {difference}. "
            "Use autograd.where, maximum or abs to select within the graph"
        )
