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

import numpy as np

from ... import ops
from ...graph import Vector, stored_operands
from ...op import Op, Relation
from ...symbolic import Symbolic
from ...value import Value

__all__ = ["rounding_bounds"]

_MARGIN = 16.0  # a program does the same in another order and with other functions
_UNIT = _MARGIN * 2.0**-53
_OF_A_FUNCTION = 4.0 * _UNIT  # how far off a function of a library may be, and two of them from one another
_SMALLEST = _MARGIN * 2.0**-1074  # what rounding to a subnormal number may take
_SUMS = (ops.add, ops.sub, ops.total)


class _Rounded(Symbolic):
    """A number and how far off it may be.

    Attributes:
        number: The number; or an array of them, with arrays for the others.
        error: By how much it may be off.
        size: The size of the terms that it is a sum of.
    """

    __slots__ = ("error", "number", "size")

    def __init__(self, number: Any, error: Any = 0.0, size: Any = None) -> None:
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


_ONE = _Rounded(1.0)


@np.errstate(all="ignore")  # what overflows may be off by any number
def rounding_bounds(nodes: Sequence[Value], output: Value, leaves: Sequence[Value]) -> list[float]:
    """Return how far off the derivative of the output in each leaf may be, and behind them the output itself.

    Args:
        nodes: The graph's interior nodes, operands first.
        output: The output.
        leaves: The leaves.
    """
    values: dict[Any, _Rounded] = {}
    vectors = _Vectors(values)
    for node in nodes:
        op: Any = node.op  # an interior node has one
        if op is ops.affine:
            values[node] = vectors.affine(node)
        else:
            values[node] = _applied(op, [_value(values, operand) for operand in stored_operands(node)], node._data)
    adjoints: dict[Any, _Rounded] = {output: _Rounded(1.0)}
    for node in reversed(nodes):
        vectors.hand_on(node, adjoints)
        if node not in adjoints or node.op is None:
            continue
        if node.op is ops.affine:
            vectors.reverse(node, adjoints)
            continue
        operands = stored_operands(node)
        for operand, local in zip(operands, _locals(node, values, operands), strict=True):
            _add_to(adjoints, operand, _product(adjoints[node], local))
    errors = vectors.errors(adjoints)
    return [*(errors.get(leaf, 0.0) for leaf in leaves), _value(values, output).error]


def _add_to(adjoints: dict[Any, _Rounded], operand: Any, share: _Rounded) -> None:
    if operand.__class__ is float:
        return
    known = adjoints.get(operand)
    adjoints[operand] = share if known is None else _added(known, share, known.number + share.number)


class _Vectors:
    """The operands of weighted sums, as arrays, since there may be millions of them."""

    def __init__(self, values: Mapping[Any, _Rounded]) -> None:
        self.values = values
        self.numbers: dict[Vector, _Rounded] = {}
        self.adjoints: dict[Vector, _Rounded] = {}
        self.holding: dict[Any, list[Vector]] = {}  # the vectors that an interior node is in

    def of(self, vector: Vector) -> _Rounded:
        """Return a vector's numbers, errors and sizes as arrays."""
        found = self.numbers.get(vector)
        if found is None:
            number = np.array([v if v.__class__ is float else v._data for v in vector.values])
            error, size = np.zeros(len(number)), np.abs(number)
            for k, v in enumerate(vector.values):
                if v in self.values:
                    error[k], size[k] = self.values[v].error, self.values[v].size
                    self.holding.setdefault(v, []).append(vector)
            found = self.numbers[vector] = _Rounded(number, error, size)
        return found

    def affine(self, node: Any) -> _Rounded:
        """Return a weighted sum."""
        products, bias = _product(self.of(node._a), self.of(node._b)), _value(self.values, node._c)
        size = float(np.sum(products.size)) + bias.size
        rounding = _UNIT * size * (1.0 + math.log2(len(node._a.values) + 1))
        return _Rounded(node._data, float(np.sum(products.error)) + bias.error + rounding, size)

    def reverse(self, node: Any, adjoints: dict[Any, _Rounded]) -> None:
        """Add what a weighted sum hands on to its weights, its inputs and its bias."""
        adjoint = adjoints[node]
        for vector, local in ((node._a, self.of(node._b)), (node._b, self.of(node._a))):
            share, known = _product(adjoint, local), self.adjoints.get(vector)
            self.adjoints[vector] = share if known is None else _added(known, share, known.number + share.number)
        _add_to(adjoints, node._c, _product(adjoint, _ONE))

    def hand_on(self, node: Any, adjoints: dict[Any, _Rounded]) -> None:
        """Give the members of the vectors that a node is in their adjoints: all sums over these come after it."""
        for vector in self.holding.get(node, ()):
            self._give(vector, adjoints)

    def _give(self, vector: Vector, adjoints: dict[Any, _Rounded]) -> None:
        found = self.adjoints.pop(vector, None)
        if found is not None:
            arrays = found.number.tolist(), found.error.tolist(), found.size.tolist()
            for member, number, error, size in zip(vector.values, *arrays, strict=True):
                _add_to(adjoints, member, _Rounded(number, error, size))

    def errors(self, adjoints: dict[Any, _Rounded]) -> dict[Any, float]:
        """Return how far off each adjoint may be."""
        members = [v for vector in self.adjoints for v in vector.values if v.__class__ is not float]
        errors: dict[Any, float] = {}
        if len({*members, *adjoints}) == len(members) + len(adjoints):  # no two to be added
            for vector, found in self.adjoints.items():
                errors.update(zip(vector.values, found.error.tolist(), strict=True))
        else:
            for vector in [*self.adjoints]:
                self._give(vector, adjoints)
        return errors | {node: adjoint.error for node, adjoint in adjoints.items()}


def _value(values: Mapping[Any, _Rounded], operand: Any) -> _Rounded:
    if operand.__class__ is float:
        return _Rounded(operand)
    return values[operand] if operand in values else _Rounded(operand._data)


def _locals(node: Any, values: Mapping[Any, _Rounded], operands: Sequence[Any]) -> Sequence[_Rounded]:
    op, out = node.op, values[node]
    if op is ops.add:
        return _ONE, _ONE
    if op is ops.mul:
        return _value(values, operands[1]), _value(values, operands[0])
    args = [each if each.__class__ is float else _value(values, each) for each in operands]
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
    if op is ops.mul:
        return _product(args[0], args[1])
    number = op.evaluate([arg.number for arg in args]) if known is None else known
    if op is ops.add:
        return _added(args[0], args[1], number)
    if op in _SUMS or op is ops.neg:
        return _sum(op, args, number)
    error = _handed_on(op, args, number)
    exact = op.selects or op is ops.abs
    smallest = _SMALLEST if number else 0.0
    rounding = 0.0 if exact else _OF_A_FUNCTION * max(abs(number), _within(op, args)) + smallest
    return _Rounded(number, error + rounding)


def _product(one: _Rounded, other: _Rounded) -> _Rounded:
    """Return a product of numbers, or of arrays."""
    a, b = one.number, other.number
    error = one.error * (abs(b) + other.error) + abs(a) * other.error + _UNIT * abs(a * b)
    return _Rounded(a * b, error + _SMALLEST * ((a != 0.0) & (b != 0.0)), one.size * other.size)


def _added(one: _Rounded, other: _Rounded, number: float) -> _Rounded:
    size = one.size + other.size
    return _Rounded(number, one.error + other.error + 2.0 * _UNIT * size, size)


def _sum(op: Op, args: Sequence[_Rounded], number: float) -> _Rounded:
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
        return bool(abs(args[0].number) <= args[0].error)
    if op in (ops.maximum, ops.minimum):
        return bool(abs(args[0].number - args[1].number) <= args[0].error + args[1].error)
    return False


def _handed_on(op: Op, args: Sequence[_Rounded], number: float) -> float:
    """Return what the arguments' errors make of the result's."""
    if op in (ops.step, ops.sign):
        return 2.0 * _undecided(args[0].number, args[0].error)
    if op is ops.where and _undecided(args[0].number, args[0].error):
        return float(abs(args[1].number - args[2].number) + args[1].error + args[2].error)
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
