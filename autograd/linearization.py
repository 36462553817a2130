"""The derivative of recorded outputs in some of the Values under them, as a list of edges.

An edge leads from an operand to the node that used it and carries the local partial derivative there. Pulling adjoints
back along the edges is reverse mode, pushing tangents forward is forward mode. The partials are computed once, by the
operations' rules: as floats; or, recorded, as Values, so that what comes out is a graph of its own that can be drawn
and differentiated again.

What is pulled or pushed may be floats, Values, or arrays of floats, which carry several directions at once.

Nothing goes along an edge that the operation did not take, such as that of the branch which `where` did not choose. So
an undefined derivative is asked for, and refused, only where it lies on a way of taken edges from a variable to an
output; on such a way it is refused also if what it multiplies happens to be 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .careful import careful_adjoints, is_taken
from .graph import Graph, beyond, number, refuse_changed_leaves, stored_operands, undefined
from .op import DomainError
from .ops import total
from .structure import taken_apart
from .value import Literal, Value, recording

__all__ = ["Linearization", "Use", "gradients"]


class Use(NamedTuple):
    """One use of an operand.

    Attributes:
        operand: What was used.
        place: Its place among the operands.
        local: ∂node/∂operand at this place; an error if it is undefined there.
        taken: Whether the node depends on the operand there at all: a branch that was not chosen is not taken.
    """

    operand: Value
    place: int
    local: Any
    taken: bool = True


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
        self.edges: list[tuple[Value, list[Use]]] = []
        self._recorded = recorded
        self._taken: list[tuple[Value, list[Use]]] = []  # what leads from a variable to an output
        moving = {id(variable) for variable in variables}
        reached = set(moving)

        def moves(operand: Any) -> bool:
            return id(operand) in reached

        nodes = Graph(outputs).nodes
        refuse_changed_leaves(nodes)
        for node in nodes:
            operands = stored_operands(node)
            places = [k for k, operand in enumerate(operands) if id(operand) in moving]
            if places:
                moving.add(id(node))
                try:
                    edges = _edges(node, operands, places, recorded, moves)
                except TypeError as error:
                    error.add_note(f"The partial derivatives of {node.op.name} are to be written with operations.")
                    raise
                self.edges.append((node, edges))
                taken = [edge for edge in edges if edge.taken and id(edge.operand) in reached]
                if taken:
                    reached.add(id(node))
                    self._taken.append((node, taken))

    @np.errstate(all="ignore")  # what is not finite is found at the end
    def pull(self, seeds: Sequence[tuple[Value, Any]], variables: Sequence[Value]) -> list[Any]:
        """Return Σ seed · ∂output/∂variable over the (output, seed) pairs, for every variable: reverse mode.

        Raises:
            DomainError: If a derivative is needed where it is undefined, or the result is not finite.
        """
        try:
            self._require_floats()
            return self._pulled(seeds, variables)
        except DomainError:
            if self._recorded or any(isinstance(seed, Value) for _, seed in seeds):
                raise
            try:
                return _pulled_carefully(seeds, variables)
            except (ArithmeticError, ValueError):
                pass  # the error below is the better one
            raise

    def _pulled(self, seeds: Sequence[tuple[Value, Any]], variables: Sequence[Value]) -> list[Any]:
        arrived: dict[int, list[Any]] = {}
        for output, seed in seeds:
            if not _is_zero(seed):
                arrived.setdefault(id(output), []).append(seed)
        kept = {id(variable) for variable in variables}
        adjoints: dict[int, Any] = {}
        for node, edges in reversed(self._taken):
            if id(node) not in arrived:
                continue
            adjoint = _sum(arrived.pop(id(node)))
            if id(node) in kept:
                adjoints[id(node)] = adjoint
            for edge in edges:
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
        try:
            self._require_floats()
            return self._pushed(seeds, outputs, absolute=absolute)
        except DomainError:
            if self._recorded or absolute or any(isinstance(seed, Value) for _, seed in seeds):
                raise
            try:
                return _pushed_carefully(seeds, outputs)
            except (ArithmeticError, ValueError):
                pass  # the error below is the better one
            raise

    def _require_floats(self) -> None:
        if not self._recorded and beyond and not beyond.isdisjoint(node for node, _ in self._taken):
            raise DomainError("a number on the way is too large for a float")

    def _pushed(self, seeds: Sequence[tuple[Value, Any]], outputs: Sequence[Value], *, absolute: bool) -> list[Any]:
        tangents: dict[int, Any] = {id(variable): seed for variable, seed in seeds if not _is_zero(seed)}
        for node, edges in self._leading_to(outputs):
            moved = [
                _product(tangents[id(edge.operand)], edge._replace(local=abs(edge.local)) if absolute else edge, node)
                for edge in edges
                if id(edge.operand) in tangents
            ]
            own = tangents.get(id(node))  # a variable may be an interior node
            if moved:
                tangents[id(node)] = _sum(moved if own is None else [own, *moved])
        return [_finite(tangents.get(id(output), 0.0), "the tangent", output) for output in outputs]

    def _leading_to(self, outputs: Sequence[Value]) -> list[tuple[Value, list[Use]]]:
        """Return the nodes that some outputs depend on, with their edges, oldest first."""
        wanted = {id(output) for output in outputs}
        found = []
        for node, edges in reversed(self._taken):
            if id(node) in wanted:
                found.append((node, edges))
                wanted.update(id(edge.operand) for edge in edges)
        return found[::-1]


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


def _edges(
    node: Any, operands: tuple[Any, ...], places: list[int], recorded: bool, moves: Callable[[Any], bool]
) -> list[Use]:
    """Return the edges at some places; a literal operand is a number for the rules, as their special cases need it."""
    op = node.op
    if recorded:
        out, args = node, [number(o) if o.__class__ is not float and o.is_literal else o for o in operands]
    else:
        out, args = _data(node), [operand if operand.__class__ is float else _data(operand) for operand in operands]
    try:
        shared = op.locals(out, args) if op.arity is None else None
    except (ArithmeticError, ValueError) as error:
        return [Use(operands[k], k, _without_frames(error)) for k in places]
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
        is_zero = not isinstance(local, Exception) and number(local) == 0.0
        taken = not is_zero or (not op.selects and is_taken(node, operands, k, moves))
        edges.append(Use(operands[k], k, local, taken))
    return edges


def _data(node: Value) -> float:
    """Return the data, read as anybody reads it, and NaN for a number beyond all floats."""
    return node._data if node._data != node._data else node.data


def _without_frames(error: Exception) -> Exception:
    """Return the error, which no longer leads to the frames that keep it: the graph would live as long as the cycle."""
    each: BaseException | None = error
    while each is not None:
        each = each.with_traceback(None).__context__
    return error


def _product(moved: Any, edge: Use, node: Value) -> Any:
    local = edge.local
    if isinstance(local, Exception):
        raise undefined(node, local) from local
    if local.__class__ is float and local == 1.0:
        return moved
    if _is_zero(local) or (moved.__class__ is float and moved == 0.0):
        return 0.0  # without recording a product
    if moved.__class__ is float and isinstance(local, Value):
        if moved == 1.0:
            return local
        if moved == -1.0:
            return -local
    if local.__class__ is float and local == -1.0:
        return -moved
    return moved * local


def _pushed_carefully(seeds: Sequence[tuple[Value, Any]], outputs: Sequence[Value]) -> list[Any]:
    """Return what `push` does, by a careful pass for each output."""
    found = []
    for output in outputs:
        adjoints = careful_adjoints([(output, 1.0)], [variable for variable, _ in seeds])
        moved = sum(adjoints[variable] * seed for variable, seed in seeds if adjoints.get(variable))
        found.append(_finite(moved, "the tangent", output))
    return found


def _sum(contributions: Sequence[Any]) -> Any:
    contributions = [contribution for contribution in contributions if not _is_zero(contribution)]
    if len(contributions) > 2 and any(isinstance(c, Value) for c in contributions):
        return total(contributions)
    result = 0.0 if not contributions else contributions[0]
    for contribution in contributions[1:]:
        result = result + contribution
    return result


def _pulled_carefully(seeds: Sequence[tuple[Value, Any]], variables: Sequence[Value]) -> list[Any]:
    """Return what `pull` does, by the careful pass, one direction after the other."""
    shape = np.broadcast_shapes(*(np.shape(seed) for _, seed in seeds))
    directions = zip(*(np.broadcast_to(seed, shape).ravel().tolist() for _, seed in seeds), strict=True)
    rows = []
    for direction in directions:
        pairs = [(output, seed) for (output, _), seed in zip(seeds, direction, strict=True)]
        adjoints = careful_adjoints(pairs, variables)
        rows.append([_finite(adjoints.get(variable, 0.0), "the gradient", variable) for variable in variables])
    return [np.array(column).reshape(shape) if shape else column[0] for column in zip(*rows, strict=True)]


def _is_zero(moved: Any) -> bool:
    """Return whether it adds nothing to a sum; a Value that happens to be 0 does, in higher derivatives."""
    if moved.__class__ is float:
        return bool(moved == 0.0)
    return isinstance(moved, np.ndarray) and not moved.any()


def _finite(result: Any, what: str, at: Value) -> Any:
    if not isinstance(result, Value) and not np.all(np.isfinite(result)):
        raise DomainError(f"{what} is not finite: at {at.describe()} it is {result}")
    return result
