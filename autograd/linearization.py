"""The derivative of recorded outputs in some of the Values under them, as a list of edges.

An edge leads from an operand to the node that used it and carries the local partial derivative there. Pulling adjoints
back along the edges is reverse mode, pushing tangents forward is forward mode. The partials are computed once, by the
operations' rules: as floats; or, recorded, as Values, so that what comes out is a graph of its own that can be drawn
and differentiated again.

What is pulled or pushed may be floats, Values, or arrays of floats, which carry several directions at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .graph import Graph, number, refuse_changed_leaves, stored_operands, undefined
from .op import DomainError
from .ops import total
from .structure import taken_apart
from .value import Literal, Value, recording

__all__ = ["Edge", "Linearization", "gradients"]


class Edge(NamedTuple):
    """One use of an operand.

    Attributes:
        operand: What was used.
        place: Its place among the operands.
        local: ∂node/∂operand at this place; an error if it is undefined there.
    """

    operand: Value
    place: int
    local: Any


class Linearization:
    """The edges between some outputs and the variables they depend on.

    Args:
        outputs: Values.
        variables: The Values to differentiate in, leaves or interior nodes.
        recorded: Whether local partials are recorded as Values rather than computed as floats.

    Attributes:
        edges: For every interior node that depends on a variable, oldest first, its edges to operands that do.

    Raises:
        RuntimeError: If a leaf was assigned after a node that uses it was recorded.
    """

    def __init__(self, outputs: Iterable[Value], variables: Iterable[Value], *, recorded: bool = False) -> None:
        self.edges: list[tuple[Value, list[Edge]]] = []
        moving = {id(variable) for variable in variables}
        nodes = Graph(outputs).nodes
        refuse_changed_leaves(nodes)
        for node in nodes:
            operands = stored_operands(node)
            places = [k for k, operand in enumerate(operands) if id(operand) in moving]
            if places:
                moving.add(id(node))
                try:
                    self.edges.append((node, _edges(node, operands, places, recorded)))
                except TypeError as error:
                    error.add_note(f"The partial derivatives of {node.op.name} are to be written with operations.")
                    raise

    @np.errstate(all="ignore")  # what is not finite is found at the end
    def pull(self, seeds: Sequence[tuple[Value, Any]], variables: Sequence[Value]) -> list[Any]:
        """Return Σ seed · ∂output/∂variable over the (output, seed) pairs, for every variable: reverse mode.

        Raises:
            DomainError: If a derivative is needed where it is undefined, or the result is not finite.
        """
        arrived: dict[int, list[Any]] = {}
        for output, seed in seeds:
            arrived.setdefault(id(output), []).append(seed)
        kept = {id(variable) for variable in variables}
        adjoints: dict[int, Any] = {}
        for node, edges in reversed(self.edges):
            adjoint = _sum(arrived.pop(id(node), ()))
            if id(node) in kept:
                adjoints[id(node)] = adjoint
            if not _is_zero(adjoint):
                for edge in edges:
                    if not _is_zero(edge.local):
                        arrived.setdefault(id(edge.operand), []).append(_product(adjoint, edge, node))
        adjoints.update((at, _sum(contributions)) for at, contributions in arrived.items())
        return [_finite(adjoints.get(id(variable), 0.0), "the gradient", variable) for variable in variables]

    @np.errstate(all="ignore")
    def push(
        self, seeds: Sequence[tuple[Value, Any]], outputs: Sequence[Value], *, absolute: bool = False
    ) -> list[Any]:
        """Return Σ ∂output/∂variable · seed over the (variable, seed) pairs, for every output: forward mode.

        With `absolute`, the size of every local partial is taken instead of it, which gives Σ|product| over all paths.

        Raises:
            DomainError: If a derivative is needed where it is undefined, or the result is not finite.
        """
        tangents: dict[int, Any] = {}
        for variable, seed in seeds:
            tangents[id(variable)] = seed
        for node, edges in self.edges:
            moved = [
                _product(tangents[id(edge.operand)], edge._replace(local=abs(edge.local)) if absolute else edge, node)
                for edge in edges
                if not _is_zero(tangents.get(id(edge.operand), 0.0)) and not _is_zero(edge.local)
            ]
            own = tangents.get(id(node))  # a variable may be an interior node
            tangents[id(node)] = _sum(moved if own is None else [own, *moved])
        return [_finite(tangents.get(id(output), 0.0), "the tangent", output) for output in outputs]


def gradients(output: Value, wrt: Any, create_graph: bool = False) -> Any:
    """Return ∂output/∂w for every Value w in `wrt`, in the same structure; no `grad` changes.

    Args:
        output: A Value.
        wrt: A Value, leaf or interior, or nested lists, tuples, dicts or object arrays of Values. The derivative in a
            Value that `output` does not depend on is 0.
        create_graph: Whether the derivatives are recorded: they are then Values, in the graph of the Values they depend
            on, to be drawn and differentiated again. A derivative that is constant is a literal number.

    Returns:
        Floats and float arrays, or Values and arrays of them.

    Raises:
        TypeError: If `output` or something in `wrt` is not a Value.
        RuntimeError: If a leaf was assigned after a node that uses it was recorded.
        DomainError: If a derivative is needed where it is undefined, or is not finite.

    Example:
        >>> x = Value(2.0, "x")
        >>> (slope,) = gradients(x**3, [x], create_graph=True)
        >>> slope.data, gradients(slope, x)
        (12.0, 12.0)
    """
    if not isinstance(output, Value):
        raise TypeError(f"gradients needs a Value as output, got {output!r} of type {type(output).__name__}")
    variables, structure = taken_apart(wrt, "wrt")
    for variable, name in zip(variables, structure.names, strict=True):
        if not isinstance(variable, Value) or variable.is_literal:
            raise TypeError(f"gradients needs Values in wrt, got the number {number(variable)!r} as wrt{name}")
    with recording():
        derivative = Linearization([output], variables, recorded=create_graph)
        adjoints = derivative.pull([(output, 1.0)], variables)
    if create_graph:
        adjoints = [adjoint if isinstance(adjoint, Value) else Literal(adjoint) for adjoint in adjoints]
    return structure.filled(adjoints)


def _edges(node: Any, operands: tuple[Any, ...], places: list[int], recorded: bool) -> list[Edge]:
    """Return the edges at some places; a literal operand is a number for the rules, as their special cases need it."""
    op = node.op
    if recorded:
        out, args = node, [o.data if o.__class__ is not float and o.is_literal else o for o in operands]
    else:
        out, args = node.data, [o if o.__class__ is float else o.data for o in operands]
    try:
        shared = op.locals(out, args) if op.arity is None else None
    except (ArithmeticError, ValueError) as error:
        return [Edge(operands[k], k, _without_frames(error)) for k in places]
    edges = []
    for k in places:
        try:
            local = op.local(k, out, args) if shared is None else shared[k]
            if not isinstance(local, Value):
                local = float(local)
                if not math.isfinite(local):
                    raise OverflowError(f"the partial derivative by operand {k} is {local}")
        except (ArithmeticError, ValueError) as error:
            local = _without_frames(error)
        edges.append(Edge(operands[k], k, local))
    return edges


def _without_frames(error: Exception) -> Exception:
    """Return the error, which no longer leads to the frames that keep it: the graph would live as long as the cycle."""
    each: BaseException | None = error
    while each is not None:
        each = each.with_traceback(None).__context__
    return error


def _product(moved: Any, edge: Edge, node: Value) -> Any:
    local = edge.local
    if isinstance(local, Exception):
        raise undefined(node, local) from local
    if local.__class__ is float and local == 1.0:
        return moved
    if moved.__class__ is float and isinstance(local, Value):
        if moved == 1.0:
            return local
        if moved == -1.0:
            return -local
    if local.__class__ is float and local == -1.0:
        return -moved
    return moved * local


def _sum(contributions: Sequence[Any]) -> Any:
    if len(contributions) > 2 and any(isinstance(c, Value) for c in contributions):
        return total(contributions)
    result = 0.0 if not contributions else contributions[0]
    for contribution in contributions[1:]:
        result = result + contribution
    return result


def _is_zero(moved: Any) -> bool:
    """Return whether it contributes nothing; a Value that happens to be 0 does, in higher derivatives."""
    if moved.__class__ is float:
        return bool(moved == 0.0)
    return isinstance(moved, np.ndarray) and not moved.any()


def _finite(result: Any, what: str, at: Value) -> Any:
    if not isinstance(result, Value) and not np.all(np.isfinite(result)):
        raise DomainError(f"{what} is not finite: at {at.describe()} it is {result}")
    return result
