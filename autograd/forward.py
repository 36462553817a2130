"""Forward mode: how an output moves when leaves move.

Tangents are carried from the leaves to the output, oldest node first, with the same rules for partial derivatives that
the reverse pass reads. Reverse mode gives one output's derivative in every leaf; forward mode gives every node's
derivative along one direction, without storing adjoints.
"""

from __future__ import annotations

from collections.abc import Mapping

from .graph import Graph, refuse_changed_leaves, stored_operands, undefined
from .op import finite_float
from .value import Value

__all__ = ["tangent"]


def tangent(output: Value, seeds: Mapping[Value, float]) -> float:
    """Return the derivative of `output` along the direction that moves each leaf in `seeds` by its number.

    No `grad` changes.

    Args:
        output: The root of a recorded graph.
        seeds: The tangent of each leaf that moves; the other leaves stand still. A leaf that `output` does not depend
            on counts for nothing.

    Raises:
        TypeError: If `output` is not a Value, a key is not a leaf Value or a seed is not a real number.
        RuntimeError: If a leaf was assigned after a node that uses it was recorded.
        DomainError: If a derivative is needed where it is undefined, or a tangent is not finite.

    Example:
        >>> x, y = Value(3.0), Value(2.0)
        >>> tangent(x * y, {x: 1.0, y: 10.0})
        32.0
    """
    if not isinstance(output, Value) or not isinstance(seeds, Mapping):
        raise TypeError(f"tangent needs a Value and a mapping from leaves to numbers, got {output!r} and {seeds!r}")
    for leaf in seeds:
        if not isinstance(leaf, Value) or not leaf.is_leaf or leaf.is_literal:
            raise TypeError(f"a tangent is given for leaf Values, got {leaf!r}")
    tangents: dict[int, float] = {id(leaf): finite_float(seed, "a tangent") for leaf, seed in seeds.items()}
    nodes = Graph([output]).nodes
    refuse_changed_leaves(nodes)
    for node in nodes:
        tangents[id(node)] = _push(node, tangents)
    return tangents.get(id(output), 0.0)


def _push(node: Value, tangents: Mapping[int, float]) -> float:
    """Return Σᵢ ∂node/∂operandᵢ · tangentᵢ over the operands that move."""
    operands = stored_operands(node)
    moving = [tangents.get(id(operand), 0.0) for operand in operands]
    op = node.op
    if op is None or not any(moving):
        return 0.0
    args = [operand if operand.__class__ is float else operand.data for operand in operands]
    try:
        if op.arity is None:
            locals_ = op.locals(node.data, args)
            moved = sum(local * t for local, t in zip(locals_, moving, strict=True) if t)
        else:
            moved = sum(op.local(k, node.data, args) * t for k, t in enumerate(moving) if t)
        return finite_float(moved, "a tangent")
    except (ArithmeticError, ValueError) as error:
        raise undefined(node, error) from error
