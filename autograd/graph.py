"""How a recorded graph is stored, and what lies under an output.

A node keeps its operands in `_a` and `_b` if there are one or two of them (`_b` is None for one), and in a `Vector` in
`_a` if there are more; an affine node has the Vectors of its weights and inputs in `_a` and `_b` and its bias in `_c`.
A number among the operands is kept as a float; `Value.operands` makes it a literal leaf when somebody looks.

Every node has a serial larger than its operands', so a graph sorted by serials is in the order of computation. A leaf
that is assigned gets a new serial, and so is found to be newer than the nodes recorded from it.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Iterable, Iterator
from functools import cached_property
from operator import attrgetter
from typing import Any

from .op import DomainError

__all__ = [
    "Graph",
    "Vector",
    "assigned",
    "assignments",
    "beyond",
    "clock",
    "number",
    "refuse_changed_leaves",
    "serial",
    "stored_operands",
    "undefined",
    "wide_number",
]

clock = itertools.count(1)
"""Gives every node its serial, and every assigned leaf a new one: a leaf newer than its consumer has changed."""

assignments = [0]
"""The serial of the latest assignment to any leaf: a graph whose nodes are all newer needs no search for changes.

It never goes back: between drawing a serial and storing it here another thread, or a signal handler, may store a newer.
"""


def assigned(at: int) -> None:
    """Take note that a leaf was assigned at a serial."""
    if assignments[0] < at:
        assignments[0] = at


beyond: weakref.WeakSet[Any] = weakref.WeakSet()
"""The nodes alive whose numbers are too large for a float: no pass in floats goes through them."""


def wide_number(node: Any) -> Any:
    """Return a node's number as a Decimal if it is beyond all floats or was made of one that is; otherwise None."""
    kept = getattr(node, "_c", None)
    return kept[0] if kept.__class__ is tuple else None


serial = attrgetter("_serial")
"""The serial of a node."""


class _Sink:
    """Receives the adjoints of numbers."""

    __slots__ = ("grad",)

    op = None

    def __init__(self) -> None:
        self.grad = 0.0


class Vector:
    """A fixed sequence of operands that several nodes can share, such as the inputs of all neurons of a layer.

    Sharing one saves each `affine` node its own copy, and the passes the work of reading the same numbers again.

    Attributes:
        values: The operands: Values, and floats where a number was given.
        targets: What receives the adjoints, in the same order; empty if all are numbers.
        literals: The operands with a literal leaf for each number, once somebody has looked.
        mark: The token of the last reverse pass that came by.
        shared: Whether a pass has come by twice.
    """

    __slots__ = ("_numbers", "_of_leaves", "_read_at", "literals", "mark", "shared", "targets", "values")

    def __init__(self, values: tuple[Any, ...]) -> None:
        self.values = values
        recorded = [not (value.__class__ is float or value.is_literal) for value in values]
        self.targets: tuple[Any, ...] = values
        if not all(recorded):
            sink = _Sink()
            self.targets = (
                tuple(v if r else sink for v, r in zip(values, recorded, strict=True)) if any(recorded) else ()
            )
        self.literals: tuple[Any, ...] | None = None
        self.mark: float | None = None
        self.shared = False
        self._of_leaves: bool | None = None
        self._read_at = -1
        self._numbers: list[float] = []

    def __reduce__(self) -> tuple[Any, ...]:
        return Vector, (self.values,)  # without the numbers read: serials mean nothing in another process

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.values)

    def of_leaves(self) -> bool:
        """Return whether all targets are leaves, whose gradients nobody needs before the pass ends."""
        if self._of_leaves is None:
            self._of_leaves = all(target.op is None for target in self.targets)
        return self._of_leaves

    def numbers(self) -> list[float]:
        """Return the operands' data, read again only after some leaf was assigned."""
        if self._read_at != assignments[0]:
            now = assignments[0]
            self._numbers = [value if value.__class__ is float else value._data for value in self.values]
            self._read_at = now
        return self._numbers


def number(operand: Any) -> float:
    """Return the data of a stored operand, which is a Value or a float."""
    data: float = operand if operand.__class__ is float else operand._data
    return data


def stored_operands(node: Any) -> tuple[Any, ...]:
    """Return the operands of an interior node as they are stored: Values, and floats for numbers."""
    a, b = node._a, node._b
    if a.__class__ is Vector:
        return a.values if b is None else (*a.values, *b.values, node._c)
    return (a,) if b is None else (a, b)


class Graph:
    """What lies under some outputs, which are in it themselves.

    Attributes:
        nodes: The interior nodes, oldest first: operands before what is computed from them.
    """

    def __init__(self, outputs: Iterable[Any]) -> None:
        self._outputs = list(outputs)
        self._vectors: list[Vector] = []
        self.nodes: list[Any] = []
        seen: set[Any] = set()
        waiting = list(self._outputs)
        while waiting:
            node = waiting.pop()
            if node.__class__ is float or node is None or node in seen:
                continue
            seen.add(node)
            if node.__class__ is Vector:
                self._vectors.append(node)
                waiting += [value for value in node.values if value.__class__ is not float and value.op is not None]
            elif node.op is not None:
                self.nodes.append(node)
                waiting += (node._a, node._b)
                if node._b.__class__ is Vector:
                    waiting.append(node._c)
        self.nodes.sort(key=serial)

    @cached_property
    def leaves(self) -> list[Any]:
        """The leaves that can have a gradient, so no literals, oldest first."""
        found: set[Any] = set(self._outputs)
        found.update(*(vector.values for vector in self._vectors))
        for node in self.nodes:
            if node._a.__class__ is not Vector:
                found.add(node._a)
                found.add(node._b)
            elif node._b is not None:
                found.add(node._c)
        leaves = [v for v in found if v.__class__ is not float and v is not None and v.op is None and not v.is_literal]
        return sorted(leaves, key=serial)


def refuse_changed_leaves(nodes: Iterable[Any]) -> None:
    """Raise a RuntimeError if a leaf was assigned after one of the interior nodes was recorded from it."""
    for node in nodes:
        if node._serial > assignments[0]:
            continue  # no leaf was assigned since
        for operand in stored_operands(node):
            # A literal is made when somebody looks at it, so it may be newer, but it cannot be assigned.
            if operand.__class__ is not float and operand._serial > node._serial and not operand.is_literal:
                raise RuntimeError(
                    f"{operand.describe()} was assigned after {node.describe()} was recorded from it: "
                    "compute the output again before differentiating it"
                )


def undefined(node: Any, error: Exception) -> DomainError:
    """Return the error for a derivative of a node that is needed where it is undefined."""
    return DomainError(
        f"a derivative of {node.describe()} is needed where it is undefined or not finite: {_at(node)} ({error})"
    )


def _at(node: Any) -> str:
    operands = stored_operands(node)
    labels = ["" if operand.__class__ is float else operand.label for operand in operands]
    described: str = node.op.describe([number(operand) for operand in operands], labels)
    return described
