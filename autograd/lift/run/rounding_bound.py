"""How far rounding can move the loss and the gradient of a graph: the running error analysis of both passes.

Every number carries what it is and how far off it may be. An operation adds a few units of its result's last place, of
the sum of its terms' sizes where it is a sum, since these may be added in another order; and it hands on what its
arguments were off, by its own partial derivatives. The reverse pass applies the operations' rules to such numbers, so
the terms within a rule count with their own sizes: the derivative 1 − a² of a saturated tanh is off by a unit of 1, not
by one of what is left.

Sources: Higham, "Accuracy and Stability of Numerical Algorithms", second edition, section 3.3.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ... import ops
from ...graph import stored_operands
from ...op import Op, Relation
from ...symbolic import Symbolic
from ...value import Value

__all__ = ["rounding_bounds"]

_MARGIN = 16.0  # a program does the same in another order and with other functions
_UNIT = _MARGIN * 2.0**-53
_OF_A_FUNCTION = 4.0 * _UNIT  # how far off a function of a library may be, and two of them from one another
_SMALLEST = _MARGIN * 2.0**-1074  # what rounding to a subnormal number may take
_SUMS = (ops.add, ops.sub, ops.total, ops.affine)


class _Rounded(Symbolic):
    """A number and how far off it may be.

    Attributes:
        number: The number.
        error: By how much it may be off.
        size: The size of the terms that it is a sum of.
    """

    __slots__ = ("error", "number", "size")

    def __init__(self, number: float, error: float = 0.0, size: float | None = None) -> None:
        self.number, self.error = number, error
        self.size = abs(number) if size is None else size

    def apply(self, op: Op, operands: tuple[Any, ...]) -> _Rounded:
        """Return the result of an operation."""
        return _applied(op, [each if isinstance(each, _Rounded) else _Rounded(float(each)) for each in operands])

    def compare(self, relation: Relation, other: Any) -> Any:
        """Return whether the relation holds, as 1 or 0: either of both where rounding decides."""
        other = other if isinstance(other, _Rounded) else _Rounded(float(other))
        left, right = self.number, other.number
        held = {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[relation]
        return _Rounded(float(held), _undecided(left - right, self.error + other.error))

    def __bool__(self) -> bool:
        return bool(self.number)


def _undecided(number: float, error: float) -> float:
    return 1.0 if error and abs(number) <= error else 0.0


def rounding_bounds(nodes: Sequence[Value], output: Value, leaves: Sequence[Value]) -> list[float]:
    """Return how far off the derivative of the output in each leaf may be, and behind them the output itself.

    Args:
        nodes: The graph's interior nodes, operands first.
        output: The output.
        leaves: The leaves.
    """
    values: dict[Any, _Rounded] = {}
    for node in nodes:
        op: Any = node.op  # an interior node has one
        values[node] = _applied(op, [_value(values, operand) for operand in stored_operands(node)], node._data)
    adjoints: dict[Any, _Rounded] = {output: _Rounded(1.0)}
    for node in reversed(nodes):
        if node not in adjoints or node.op is None:
            continue
        operands = stored_operands(node)
        args = [each if each.__class__ is float else _value(values, each) for each in operands]
        for operand, local in zip(operands, _locals(node, values[node], args), strict=True):
            if operand.__class__ is not float:
                share = _applied(ops.mul, [adjoints[node], local])
                known = adjoints.get(operand)
                adjoints[operand] = share if known is None else _applied(ops.add, [known, share])
    nothing = _Rounded(0.0)
    return [*(adjoints.get(leaf, nothing).error for leaf in leaves), _value(values, output).error]


def _value(values: Mapping[Any, _Rounded], operand: Any) -> _Rounded:
    if operand.__class__ is float:
        return _Rounded(operand)
    return values[operand] if operand in values else _Rounded(operand._data)


def _locals(node: Any, out: _Rounded, args: Sequence[Any]) -> list[_Rounded]:
    op = node.op
    try:
        found = [_written(op, k, out, args) for k in range(len(args))] if op.arity else list(op.locals(out, args))
    except (ArithmeticError, ValueError, TypeError):
        return [_Rounded(0.0, math.inf)] * len(args)
    return [each if isinstance(each, _Rounded) else _Rounded(float(each)) for each in found]


def _written(op: Op, k: int, out: _Rounded, args: Sequence[Any]) -> Any:
    try:
        return op.local(k, out, args)
    except (ArithmeticError, ValueError):
        return _Rounded(0.0, math.inf)  # undefined; it may not be needed


def _applied(op: Op, args: Sequence[_Rounded], known: float | None = None) -> _Rounded:
    """Return an operation's result; `known` is its number if that has been computed."""
    numbers = [arg.number for arg in args]
    number = op.evaluate(numbers) if known is None else known
    if op in _SUMS or op is ops.neg:
        return _sum(op, args, number)
    error = _handed_on(op, args, number)
    if op is ops.mul:
        size = args[0].size * args[1].size
        smallest = _SMALLEST if args[0].number and args[1].number else 0.0
        return _Rounded(number, error + args[0].error * args[1].error + _UNIT * abs(number) + smallest, size)
    exact = op.selects or op is ops.abs
    smallest = _SMALLEST if number else 0.0
    rounding = 0.0 if exact else _OF_A_FUNCTION * max(abs(number), _within(op, args)) + smallest
    return _Rounded(number, error + rounding)


def _sum(op: Op, args: Sequence[_Rounded], number: float) -> _Rounded:
    if op is ops.affine:
        n = len(args) // 2
        products = [_applied(ops.mul, pair) for pair in zip(args[:n], args[n:-1], strict=True)]
        args = [*products, args[-1]]
    size = math.fsum(arg.size for arg in args)
    rounding = 0.0 if op is ops.neg else _UNIT * size * (1.0 + math.log2(len(args) or 1))
    return _Rounded(number, math.fsum(arg.error for arg in args) + rounding, size)


def _within(op: Op, args: Sequence[_Rounded]) -> float:
    """Return the size of terms within a function, where they are larger than the result."""
    if op is ops.logsumexp:
        return max((abs(arg.number) for arg in args), default=0.0)
    return 1.0 if op in (ops.sigmoid, ops.erf, ops.elu) and abs(args[0].number) < 1.0 else 0.0


def _on_a_kink(op: Op, args: Sequence[_Rounded]) -> bool:
    """Whether rounding decides which of two slopes, from 0 to 1, an operation has."""
    if op in (ops.relu, ops.abs):
        return abs(args[0].number) <= args[0].error
    if op in (ops.maximum, ops.minimum):
        return abs(args[0].number - args[1].number) <= args[0].error + args[1].error
    return False


def _handed_on(op: Op, args: Sequence[_Rounded], number: float) -> float:
    """Return what the arguments' errors make of the result's."""
    if op in (ops.step, ops.sign):
        return 2.0 * _undecided(args[0].number, args[0].error)
    if op is ops.where and _undecided(args[0].number, args[0].error):
        return abs(args[1].number - args[2].number) + args[1].error + args[2].error
    if not any(arg.error for arg in args):
        return 0.0
    numbers = [arg.number for arg in args]
    total = 0.0
    for k, arg in enumerate(args):
        if arg.error:
            try:
                local = op.local(k, number, numbers)
            except (ArithmeticError, ValueError):
                return math.inf
            total += (1.0 if _on_a_kink(op, args) else abs(float(local))) * arg.error
    return total
