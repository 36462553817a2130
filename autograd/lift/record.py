"""What was recorded: the graph under some outputs, and the passes over it that need the engine itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from .. import ops
from ..graph import Vector, stored_operands
from ..value import Value, affine

__all__ = ["leaves_of", "nodes_of", "replay"]

_serial = attrgetter("_serial")


def nodes_of(roots: Iterable[Value]) -> list[Value]:
    """Return the interior nodes under `roots`, operands first."""
    seen: set[Any] = set()
    nodes: list[Value] = []
    todo: list[Any] = list(roots)
    while todo:
        node = todo.pop()
        if node.__class__ is float or node is None or node in seen:
            continue
        seen.add(node)
        if node.__class__ is Vector:
            todo.extend([value for value in node.values if value.__class__ is not float and value.op is not None])
        elif node.op is not None:
            nodes.append(node)
            todo.append(node._a)
            todo.append(node._b)
            if node.op is ops.affine:
                todo.append(node._c)
    nodes.sort(key=_serial)
    return nodes


def leaves_of(roots: Sequence[Value], nodes: Iterable[Value]) -> list[Value]:
    """Return the leaves under `roots` that are no literals, oldest first."""
    found: dict[Value, None] = {}
    seen: set[int] = set()
    for root in roots:
        if root.is_leaf and not root.is_literal:
            found[root] = None
    for node in nodes:
        vectors = [part for part in (node._a, node._b) if part.__class__ is Vector]
        if vectors:
            operands: list[Any] = [node._c] if node.op is ops.affine else []
            for part in vectors:
                if id(part) not in seen:
                    seen.add(id(part))
                    operands.extend(part.values)
        else:
            operands = [node._a, node._b]
        for operand in operands:
            if operand.__class__ is not float and operand is not None and operand.op is None and not operand.is_literal:
                found[operand] = None
    return sorted(found, key=_serial)


def replay(
    nodes: Sequence[Value], leaves: Mapping[Value, Value], roots: Sequence[Value], kept: dict[Vector, Vector]
) -> list[Value]:
    """Return the outputs of the same graph recorded again on other leaves.

    Args:
        nodes: The graph's interior nodes, operands first.
        leaves: The leaf to use in place of each leaf; those that are missing stand for themselves.
        roots: The outputs.
        kept: What shared operands have become that may be used again: they consist of leaves that stay the same.
    """
    again: dict[Any, Any] = {**leaves, **kept}
    get = again.get

    def vector(shared: Vector) -> Vector:
        copy = again.get(shared)
        if copy is None:
            copy = again[shared] = Vector(tuple(get(value, value) for value in shared.values))
        return copy

    for node in nodes:
        op: Any = node.op
        if op is ops.affine:
            again[node] = affine(vector(node._a), vector(node._b), get(node._c, node._c))
            continue
        operands = tuple(get(operand, operand) for operand in stored_operands(node))
        if op is ops.add:
            again[node] = operands[0] + operands[1]
        elif op is ops.mul:
            again[node] = operands[0] * operands[1]
        elif op is ops.sub:
            again[node] = operands[0] - operands[1]
        elif op.arity is None:
            again[node] = op(operands)
        else:
            again[node] = op(*operands)
    return [get(root, root) for root in roots]
