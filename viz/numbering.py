"""The graph under a Value as a numbered list, before any pass over it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from autograd import Value
from autograd.graph import Graph, Vector, refuse_changed_leaves, stored_operands

__all__ = ["Numbering", "is_constant"]


class Numbering:
    """The nodes in the order of the forward pass, and the operand indices of each."""

    def __init__(self, root: Value) -> None:
        self.keep: list[Any] = [root]  # keys below are ids of what this list keeps alive
        self.index: dict[Any, int] = {}
        self.things: list[Any] = []
        self.operands: dict[int, tuple[int, ...]] = {}
        self.root = root
        nodes = Graph([root]).nodes
        refuse_changed_leaves(nodes)
        for node in nodes:
            operands = tuple(self.add(key, operand) for key, operand in _slots(node))
            self.operands[self.add(node, node)] = operands
        self.add(root, root)
        self.used = len(self.things)

    def add(self, key: Any, thing: Any) -> int:
        """Return the index of a Value, or of the number in one slot of one node or of one shared vector."""
        mark = (id(key[0]), key[1]) if isinstance(key, tuple) else id(key)
        index = self.index.get(mark)
        if index is None:
            self.index[mark] = index = len(self.things)
            self.things.append(thing)
            self.keep.append(key)
        return index


def _slots(node: Any) -> Iterable[tuple[Any, Any]]:
    """Yield each operand with what identifies it: the Value, or where the number stands."""
    a, b = node._a, node._b
    if a.__class__ is not Vector:
        for slot, operand in enumerate(stored_operands(node)):
            yield ((node, slot) if operand.__class__ is float else operand), operand
        return
    for shared in (a,) if b is None else (a, b):
        for place, operand in enumerate(shared.values):
            yield ((shared, place) if operand.__class__ is float else operand), operand
    if b is not None:
        yield ((node, -1) if node._c.__class__ is float else node._c), node._c


def is_constant(thing: Any) -> bool:
    """Return whether a recorded thing is a number, which has no gradient."""
    return thing.__class__ is float or thing.is_literal
