"""A reverse pass in numbers of more digits and any size, for what the pass in floats could not decide.

It is made only after that one has failed. What it passes over is decided for each use of an operand beforehand: one
that an operation did not take, or that a constant 0 multiplies, hands nothing on, and an undefined derivative below it
is not asked for. Only what leads to a variable by the other uses is differentiated.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from decimal import Decimal
from typing import Any

from . import ops
from .graph import Graph, number, stored_operands, undefined, wide_number
from .op import PRIMITIVES, Op
from .wide import Wide, evaluated, narrowed, wide_arithmetic

__all__ = ["careful_adjoints", "is_one_minus", "is_taken"]

_RECOMPUTED = (ops.sigmoid, ops.logsumexp, ops.where)  # whose rounding, or whose operand's, may be all that counts


def careful_adjoints(seeds: Sequence[tuple[Any, float]], variables: Collection[Any] | None = None) -> dict[Any, float]:
    """Return Σ seed · ∂output/∂node over the (output, seed) pairs for every node that this arrives at.

    An adjoint may be infinite as a float; it is for the caller to say which may not.

    Args:
        seeds: Nodes and numbers.
        variables: The nodes to differentiate in; None for all leaves but literals.

    Raises:
        DomainError: If a derivative is undefined where it is needed.
    """
    with wide_arithmetic():
        return _Pass([output for output, _ in seeds], variables).pulled(seeds)


def is_taken(node: Any, operands: Sequence[Any], k: int, moves: Callable[[Any], bool]) -> bool:
    """Return whether a node depends on its operand k at all, as it does if only the derivative happens to be 0.

    Args:
        node: The node.
        operands: Its operands, Values and floats.
        k: Which of them.
        moves: Says which operands depend on a variable: a factor 0 that does not move leaves a product 0.
    """
    op = node.op
    if op.selects:
        args = [number(operand) for operand in operands]
        return bool(op.local(k, number(node), args))
    partner = _partner(op, len(operands), k)
    return partner is None or number(operands[partner]) != 0.0 or moves(operands[partner])


def _partner(op: Op, count: int, k: int) -> int | None:
    """Return which operand makes the result constant in operand k by being 0; None if there is none."""
    if op is ops.mul or (op is ops.div and k == 1) or (op is ops.pow and k == 0):
        return 1 - k
    if op is ops.affine and k < count - 1:
        n = count // 2
        return k - n if k >= n else k + n
    return None


def is_one_minus(node: Any, op: Any) -> bool:
    """Return whether a node is 1 − a with an `a` that `op` made."""
    if node.op is not ops.sub:
        return False
    one, a = stored_operands(node)
    literal = one.__class__ is float or one.is_literal
    return bool(literal and number(one) == 1.0 and a.__class__ is not float and a.op is op)


class _Pass:
    def __init__(self, outputs: Sequence[Any], variables: Collection[Any] | None) -> None:
        graph = Graph(outputs)
        self.nodes = graph.nodes
        self.moving = set(graph.leaves if variables is None else variables)
        self.values: dict[Any, Wide] = {}
        self._of_many: dict[Any, tuple[Any, ...]] = {}  # the partial derivatives of operations on sequences
        for node in self.nodes:
            operands = stored_operands(node)
            if any(self._moves(each) and is_taken(node, operands, k, self._moves) for k, each in enumerate(operands)):
                self.moving.add(node)
            if node.op in _RECOMPUTED or is_one_minus(node, ops.sigmoid):
                self.values[node] = self._recomputed(node, operands)

    def pulled(self, seeds: Sequence[tuple[Any, float]]) -> dict[Any, float]:
        arrived: dict[Any, Wide] = {}
        for output, seed in seeds:
            if seed:
                self._add(arrived, output, Wide(Decimal(seed)))
        for node in reversed(self.nodes):
            if node not in arrived:
                continue
            operands = stored_operands(node)
            for k, operand in enumerate(operands):
                if operand.__class__ is float or operand.is_literal or not is_taken(node, operands, k, self._moves):
                    continue
                try:
                    self._add(arrived, operand, arrived[node] * self._local(node, operands, k))
                except (ArithmeticError, ValueError) as error:
                    if operand in self.moving:
                        raise undefined(node, error) from error
        return {node: narrowed(each) for node, each in arrived.items()}

    def _moves(self, operand: Any) -> bool:
        return operand.__class__ is not float and operand in self.moving

    @staticmethod
    def _add(arrived: dict[Any, Any], node: Any, adjoint: Any) -> None:
        arrived[node] = arrived[node] + adjoint if node in arrived else adjoint

    def _local(self, node: Any, operands: tuple[Any, ...], k: int) -> Any:
        op = node.op
        known = self._of_many.get(node)
        if known is not None:
            return known[k]
        out: Any
        args: list[Any]
        if PRIMITIVES.get(op.name) is not op:  # a rule of the user's own may need floats
            out, args = number(node), [number(operand) for operand in operands]
        else:
            out, args = self._value(node), [self._argument(operand) for operand in operands]
        if op.arity is None:
            self._of_many[node] = op.locals(out, args)
            return self._of_many[node][k]
        return op.local(k, out, args)

    def _argument(self, operand: Any) -> Any:
        """Return an operand for the rules, which treat a literal as the number it is."""
        if operand.__class__ is float or operand.is_literal:
            return number(operand)
        return self._value(operand)

    def _value(self, node: Any) -> Wide:
        known = self.values.get(node)
        if known is None:
            kept = wide_number(node)
            known = self.values[node] = Wide(Decimal(number(node)) if kept is None else kept)
        return known

    def _recomputed(self, node: Any, operands: tuple[Any, ...]) -> Wide:
        if node.op is ops.where:
            return self._wide(operands[1 if number(operands[0]) else 2])
        return evaluated(node.op, [self._wide(operand) for operand in operands])

    def _wide(self, operand: Any) -> Wide:
        argument = self._argument(operand)
        return argument if isinstance(argument, Wide) else Wide(Decimal(argument))
