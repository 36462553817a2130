"""Making sure that a recording stands for every example that takes its path.

Every call that takes the same path has to give the same graph. So a row is recorded twice, and another row that takes
its path once; if these graphs differ in more than the inputs, the function depends on something outside the graph. The
row is also computed once as it is without recording, where numbers that are read are floats.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

import numpy as np

from ... import ops
from ...graph import Vector, number, stored_operands
from ...value import Value
from .randomness import Randomness
from .recording import Recording, evaluated, record
from .tape import RecordingError

__all__ = ["verified"]

Array = np.ndarray[Any, Any]
_TRIED = 4  # rows, in search of one that takes the same path


def verified(
    fun: Callable[..., Any],
    row: Mapping[str, Array],
    others: Iterable[Mapping[str, Array]],
    randomness: Randomness,
) -> Recording:
    """Return the recording of a row, having found that it stands for every row that takes the same path.

    Args:
        fun: The function.
        row: The row.
        others: Rows to compare with, as far as they take the same path, before some that are made from `row`.
        randomness: The generators that the function may draw from, as they are now.

    Raises:
        RecordingError: If it records another graph for the same row, or for another row on the same path, or draws
            random numbers.
    """
    before = randomness.now()
    first = record(fun, row)
    moved, second = before.moved(), randomness.now()
    again = record(fun, row)
    moved = [name for name in moved if name in second.moved()]  # another thread may have drawn meanwhile
    moved += randomness.of_the_system
    if moved:
        line = randomness.line_that_draws(lambda: record(fun, row))
        raise RecordingError(
            f"{line}: the function draws random numbers from {' and '.join(moved)}: a program would draw them only "
            "once, for all rows and steps; draw them outside and pass them as an input"
        )
    advanced = second.advanced()
    _require_same_numbers(first, again)
    if advanced:
        raise RecordingError(
            f"the function takes items of {' and '.join(advanced)}, which go on from call to call, so it depends on "
            "data outside the graph: make what it takes an input"
        )
    _require_plain_numbers(fun, first, row)
    other = _on_the_same_path(fun, first, row, others)
    if other is not None:
        _Comparer(first, other, "two rows of the batch")
    return first


def _require_same_numbers(first: Recording, again: Recording) -> None:
    if first.path == again.path and [*map(number, first.roots)] == [*map(number, again.roots)]:
        return
    rows = "the same row"
    _Comparer(first, again, rows)
    raise RecordingError(f"the function gives different numbers for {rows}, so it depends on data outside the graph")


def _require_plain_numbers(fun: Callable[..., Any], first: Recording, row: Mapping[str, Array]) -> None:
    """Raise if the function gives other numbers when nobody records it."""
    try:
        loss, outputs = evaluated(fun, row)
    except Exception:  # of a function that works with what is read while recording only
        return
    recording = {"the loss": [first.loss], **{f"output {name!r}": values for name, values in first.outputs.items()}}
    plain = {"the loss": [loss], **{f"output {name!r}": values for name, values in outputs.items()}}
    for name in recording | plain:
        numbers, recorded = plain.get(name, []), [*map(number, recording.get(name, []))]
        if len(recorded) != len(numbers) or not np.allclose(recorded, numbers, rtol=1e-6, atol=1e-300):
            raise RecordingError(
                f"{name} is {_written(numbers)} where nothing is "
                f"recorded and {_written(recorded)} while recording: the function depends on data outside the graph, "
                "or on the type of a number that it reads (isinstance(x.data, float)); ask about the Value instead"
            )


def _written(numbers: list[float]) -> str:
    return repr(numbers[0] if len(numbers) == 1 else numbers)


def _on_the_same_path(
    fun: Callable[..., Any], first: Recording, row: Mapping[str, Array], others: Iterable[Mapping[str, Array]]
) -> Recording | None:
    made_up = [{name: values * (1.0 + step) + step for name, values in row.items()} for step in (1e-2, 1e-6)]
    for tried, other in enumerate([*others, *made_up]):
        if tried == _TRIED:
            break
        try:
            second = record(fun, other)
        except Exception:  # of a row that is made up, or that has its turn later
            continue
        if second.path == first.path:
            return second
    return None


class _Comparer:
    """Walks two recordings of one path side by side and raises where they differ in more than the inputs."""

    def __init__(self, first: Recording, second: Recording, rows: str) -> None:
        self.first, self.second, self.rows = first, second, rows
        self.same: dict[Any, Any] = {}
        for name, values in first.inputs.items():
            self.same.update(zip(values, second.inputs[name], strict=True))
        if len(first.graph.nodes) != len(second.graph.nodes):
            self._refuse(f"one has {len(first.graph.nodes)} operations and the other {len(second.graph.nodes)}")
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
        self._comparisons()

    def _comparisons(self) -> None:
        first, second = self.first.compared, self.second.compared
        if len(first) != len(second):
            self._refuse(f"{len(first)} comparisons were made in one and {len(second)} in the other")
        for one, other in zip(first, second, strict=True):
            for left, right in zip(one.sides, other.sides, strict=True):
                self._operand(left, right, f"the comparison in {one.place}")

    def _compare(self, one: Value, other: Value) -> None:
        if one.op is not other.op:
            self._refuse(f"{one.describe()} in one is {other.describe()} in the other")
        if one._a.__class__ is Vector and other._a.__class__ is Vector:
            parts, others = [one._a, one._b], [other._a, other._b]
            if one.op is ops.affine:
                parts.append(one._c)
                others.append(other._c)
            for left, right in zip(parts, others, strict=True):
                if left.__class__ is not Vector or right.__class__ is not Vector:
                    if left is not None:
                        self._operand(left, right, one)
                elif left is not right and self.same.get(left) is not right:
                    if len(left) != len(right):
                        self._refuse(f"{one.describe()} has {len(left)} operands in one and {len(right)} in the other")
                    for a, b in zip(left.values, right.values, strict=True):
                        self._operand(a, b, one)
                    self.same[left] = right
            return
        for left, right in zip(stored_operands(one), stored_operands(other), strict=True):
            self._operand(left, right, one)

    def _operand(self, one: Any, other: Any, user: Value | str) -> None:
        if one is other or self.same.get(one) is other:
            return
        numbers = [number(v) for v in (one, other) if v.__class__ is float or v.is_leaf]
        if one not in self.same and len(numbers) == 2 and numbers[0] == numbers[1] and not self._is_input(other):
            old = [v.__class__ is not float and v.serial < self.first.start for v in (one, other)]
            if not any(old):
                return
        what = user.describe() if isinstance(user, Value) else user
        if len(numbers) == 2:
            self._refuse(f"{what} uses {numbers[0]!r} in one and {numbers[1]!r} in the other")
        self._refuse(f"{what} has other operands in the other")

    def _is_input(self, value: Any) -> bool:
        return any(value is each for values in self.second.inputs.values() for each in values)

    def _refuse(self, difference: str) -> NoReturn:
        raise RecordingError(
            f"the function records different graphs for {self.rows}, so it depends on data outside the graph (a "
            f"counter, the time, a number kept from another call): {difference}. Make it an input, or a Value"
        )
