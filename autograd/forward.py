"""Forward mode: how an output moves when leaves move.

Tangents are carried from the leaves to the output, oldest node first, with the same rules for partial derivatives that
the reverse pass reads. Reverse mode gives one output's derivative in every leaf; forward mode gives every node's
derivative along one direction, without storing adjoints.
"""

from __future__ import annotations

from collections.abc import Mapping

from .linearization import Linearization
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
    directions = [(leaf, finite_float(seed, "a tangent")) for leaf, seed in seeds.items()]
    (moved,) = Linearization([output], seeds).push(directions, [output])
    return moved if isinstance(moved, Value) else float(moved)  # type: ignore[return-value]  # what a recording reads
