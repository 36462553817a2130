"""The largest of some values, taken by Python's `max` and subtracted from each of them: what a softmax is shifted by.

Which of the values it was is data, and the graph holds the one it was when it was recorded. For equations a stand-in of
its own takes its place; if nothing reads the stand-in after the identities were applied, it is proved not to matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ... import ops
from ...graph import stored_operands
from ...value import Value
from ..record.tape import Guard

__all__ = ["operands_with", "stand_ins"]


def stand_ins(nodes: Sequence[Value], compared: Sequence[Guard]) -> dict[Value, tuple[Any, ...]]:
    """Return for each difference of a value and the largest its operands, with a new leaf for the largest."""
    found: dict[Value, tuple[Any, ...]] = {}
    for values, largest in _runs(compared):
        members = set(values)
        users = [
            node
            for node in nodes
            if node.op is ops.sub and stored_operands(node)[1] is largest and stored_operands(node)[0] in members
        ]
        if {stored_operands(node)[0] for node in users} == members:
            leaf = Value(largest.data)
            found.update({node: (stored_operands(node)[0], leaf) for node in users})
    return found


def operands_with(found: Mapping[Value, tuple[Any, ...]]) -> Callable[[Value], tuple[Any, ...]]:
    """Return what gives a node's operands, with stand-ins."""
    return lambda node: found.get(node) or stored_operands(node)


def _runs(compared: Sequence[Guard]) -> Iterator[tuple[list[Value], Value]]:
    """Yield the values that `max` went through, comparing each with the largest so far, and the largest."""
    values: list[Value] = []
    largest: Value | None = None
    for each in compared:
        new, best = each.sides
        if each.relation != ">" or not isinstance(new, Value) or not isinstance(best, Value):
            continue
        if best is not largest:
            if largest is not None:
                yield values, largest
            values, largest = [best], best
        values.append(new)
        largest = new if each.outcome else largest
    if largest is not None:
        yield values, largest
