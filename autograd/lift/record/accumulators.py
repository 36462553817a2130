"""Leaves of a lifted graph that only began a sum: `cost = Value(0.0)` before `cost = cost + …`.

Nobody means to train them. A bias that is 0 looks much the same, so a leaf counts as one only if it is nameless, zero
and a summand once, and either its sum is the output, whose derivative by it is then the same at all numbers, or all
parameters are older than it is, as they are than what is made while the graph is recorded.
"""

from __future__ import annotations

from collections.abc import Sequence

from ... import ops
from ...graph import Graph, number, serial, stored_operands
from ...value import Value

__all__ = ["accumulators"]

_SUMS = (ops.add, ops.sub, ops.total)


def accumulators(output: Value, graph: Graph, leaves: Sequence[Value]) -> list[Value]:
    """Return those of some leaves of the graph under an output that only began a sum."""
    alike = {leaf for leaf in leaves if not leaf.label and number(leaf) == 0.0 and leaf is not output}
    uses = dict.fromkeys(alike, 0)
    for node in graph.nodes:
        for operand in stored_operands(node):
            if operand.__class__ is not float and operand in alike:
                uses[operand] += 1 if node.op in _SUMS else 2
    alike = {leaf for leaf, count in uses.items() if count == 1}
    newest = max((serial(leaf) for leaf in leaves if leaf not in alike), default=0)
    summed = _summands(output, graph)
    return [leaf for leaf in leaves if leaf in alike and (serial(leaf) > newest or leaf in summed)]


def _summands(output: Value, graph: Graph) -> set[Value]:
    """Return what the output is the sum of, each times a number, through any number of sums."""
    summed = {output}
    others: set[Value] = set()
    for node in reversed(graph.nodes):
        operands = [operand for operand in stored_operands(node) if operand.__class__ is not float]
        linear = node.op in (*_SUMS, ops.neg) or (node.op in (ops.mul, ops.div) and _is_multiple(node))
        (summed if linear and node in summed and node not in others else others).update(operands)
    return summed - others


def _is_multiple(node: Value) -> bool:
    left, right = stored_operands(node)
    return right.__class__ is float or (node.op is ops.mul and left.__class__ is float)
