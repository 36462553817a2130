"""A sum of the canonical form as it was recorded: the tree of Values that became one sum."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from typing import Any

from ... import ops
from ...value import Value

__all__ = ["Region"]


class Region:
    """A recorded sum with everything that was absorbed into it, as a tree in depth-first order.

    Attributes:
        nodes: The nodes, the sum itself first; what is under a node follows it directly.
        enters: For each operand that is an atom: node index, slot, atom, and the operand.
    """

    def __init__(self, top: Value, operands: Callable[[Value], tuple[Any, ...]], known: Mapping[Value, int]) -> None:
        self.nodes: list[Value] = []
        self.enters: list[tuple[int, int, int, Value]] = []
        self._operands, self._known = operands, known
        self._parent: list[int] = []
        waiting = [(top, -1)]
        while waiting:
            node, parent = waiting.pop()
            index = len(self.nodes)
            self.nodes.append(node)
            self._parent.append(parent)
            entered = [(slot, o) for slot, o in enumerate(operands(node)) if o.__class__ is not float]
            self.enters.extend((index, slot, known[o], o) for slot, o in entered if o in known)
            waiting.extend((o, index) for _, o in reversed(entered) if o not in known and o.op is not None)
        self._end = list(range(1, len(self.nodes) + 1))
        for index in range(len(self.nodes) - 1, 0, -1):
            self._end[self._parent[index]] = max(self._end[self._parent[index]], self._end[index])

    def under(self, top: int) -> tuple[tuple[Value, ...], list[tuple[int, int, int, Value]]]:
        """Return a node with all that was absorbed into it, and what enters there."""
        end = self._end[top]
        return tuple(self.nodes[top:end]), self.enters[
            bisect_left(self.enters, (top,)) : bisect_left(self.enters, (end,))
        ]

    def parts(self, wanted: set[int]) -> list[int]:
        """Return the indices of the largest sums into which none of some atoms enters twice."""
        latest = [-1] * len(self.nodes)  # the latest earlier entrance of an atom that enters under the node again
        before: dict[int, int] = {}
        for index, _, atom, _ in self.enters:
            if atom in wanted:
                latest[index] = max(latest[index], before.get(atom, -1))
                before[atom] = index
        for index in range(len(self.nodes) - 1, 0, -1):
            latest[self._parent[index]] = max(latest[self._parent[index]], latest[index])
        found, index = [], 0
        while index < len(self.nodes):
            if latest[index] >= index and self._is_linear(self.nodes[index]):
                index += 1
            else:
                found.append(index)
                index = self._end[index]
        return found

    def smallest(self, top: int, wanted: set[int]) -> int:
        """Return the index of the smallest sum into which some atoms enter as often as into the one at `top`."""
        end = self._end[top]
        count = [0] * (end - top)
        for index, _, atom, _ in self.under(top)[1]:
            count[index - top] += atom in wanted
        for index in range(end - 1, top, -1):
            count[self._parent[index] - top] += count[index - top]
        smallest = top
        for index in range(top + 1, end):
            whole = self._parent[index] == smallest and count[index - top] == count[0]
            if whole and self._is_linear(self.nodes[smallest]):
                smallest = index
        return smallest

    def _is_linear(self, node: Value) -> bool:
        """Whether a node adds its operands up, or multiplies one with a number."""
        if node.op in (ops.add, ops.sub, ops.neg, ops.total, ops.div):
            return True
        numbers = [o.__class__ is float or (o.op is None and o not in self._known) for o in self._operands(node)]
        return node.op is ops.mul and any(numbers)
