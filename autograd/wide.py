"""Numbers of more digits and of any size, to which the rules of the operations can be applied.

Where floats cannot say what a derivative is, because something between overflows, or because 1 − σ(z) is rounded to 0,
the pass is made again with these; `autograd.careful` does that. They are decimal numbers of forty digits whose
exponents have hardly an end.
"""

from __future__ import annotations

import decimal
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from . import ops
from .op import DomainError, Op, Relation
from .symbolic import Symbolic

__all__ = ["Wide", "evaluated", "narrowed", "wide_arithmetic"]

_CONTEXT = decimal.Context(
    prec=40,
    rounding=decimal.ROUND_HALF_EVEN,
    Emin=decimal.MIN_EMIN,
    Emax=decimal.MAX_EMAX,
    traps=[decimal.InvalidOperation, decimal.DivisionByZero],
)
_ONE = Decimal(1)
_LEAK = Decimal.from_float(0.01)


def wide_arithmetic() -> Any:
    """Return a context in which decimal arithmetic has these digits, and an ArithmeticError for ∞ − ∞ and the like."""
    return decimal.localcontext(_CONTEXT)


class Wide(Symbolic):
    """A number that the rules of operations can be applied to.

    Attributes:
        number: The number.
        complement: 1 − number where it is known better than by subtraction, as of a sigmoid.
    """

    __slots__ = ("complement", "number")

    def __init__(self, number: Decimal, complement: Decimal | None = None) -> None:
        self.number, self.complement = number, complement

    def apply(self, op: Op, operands: tuple[Any, ...]) -> Wide:
        """Return the result of an operation."""
        return evaluated(op, [each if isinstance(each, Wide) else Wide(Decimal(float(each))) for each in operands])

    def compare(self, relation: Relation, other: Any) -> bool:
        """Return whether the relation holds."""
        left, right = self.number, other.number if isinstance(other, Wide) else Decimal(float(other))
        return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[relation]

    def __bool__(self) -> bool:
        return bool(self.number)


def narrowed(number: Any) -> float:
    """Return a Wide or a number as a float, which is infinite where it is too large for one."""
    return float(number.number if isinstance(number, Wide) else number)


def evaluated(op: Op, args: list[Wide]) -> Wide:
    """Return an operation's result.

    Raises:
        ArithmeticError: If its size has no end even here.
        DomainError: If it is undefined there.
    """
    numbers = [arg.number for arg in args]
    if op is ops.sigmoid:
        return Wide(_sigmoid(numbers[0]), _sigmoid(-numbers[0]))
    if op is ops.sub and numbers[0] == 1 and args[1].complement is not None:
        return Wide(args[1].complement, numbers[1])
    function = _FUNCTIONS.get(op)
    try:
        return Wide(_by_float(op, numbers) if function is None else function(*numbers))
    except ValueError as error:
        raise DomainError(str(error)) from error


def _by_float(op: Op, numbers: list[Decimal]) -> Decimal:
    """Return what the operation gives for the nearest floats, which are right to a float's digits."""
    return Decimal(op.evaluate([_finite(float(number)) for number in numbers]))


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise OverflowError("too large for a float")
    return number


def _sigmoid(x: Decimal) -> Decimal:
    small = (-abs(x)).exp()
    return (_ONE if x >= 0 else small) / (1 + small)


def _softplus(x: Decimal) -> Decimal:
    return max(x, Decimal(0)) + _log1p((-abs(x)).exp())


def _log1p(x: Decimal) -> Decimal:
    """Return log(1 + x), by three terms of its series where 1 + x would round x away."""
    return x - x * x / 2 + x * x * x / 3 if abs(x) < Decimal("1e-14") else (1 + x).ln()


def _expm1(x: Decimal) -> Decimal:
    return x + x * x / 2 + x * x * x / 6 if abs(x) < Decimal("1e-14") else x.exp() - 1


def _log(x: Decimal) -> Decimal:
    if x <= 0:
        raise DomainError("log needs x > 0")
    return x.ln()


def _power(x: Decimal, y: Decimal) -> Decimal:
    return _ONE if y == 0 else x**y


def _tanh(x: Decimal) -> Decimal:
    small = _expm1(-2 * abs(x))
    return (-small / (2 + small)).copy_sign(x)


def _gelu(x: Decimal) -> Decimal:
    return _by_float(ops.gelu, [x]) if abs(x) < 1000 else max(x, Decimal(0))


def _logsumexp(*x: Decimal) -> Decimal:
    largest = max(x)
    return largest + sum(((value - largest).exp() for value in x), Decimal(0)).ln()


def _affine(*x: Decimal) -> Decimal:
    n = len(x) // 2
    return sum((w * a for w, a in zip(x[:n], x[n:-1], strict=True)), x[-1])


def _bounded(op: Op) -> Callable[[Decimal], Decimal]:
    """Return an operation that no longer changes where its argument is large."""
    return lambda x: _by_float(op, [max(min(x, Decimal("1e300")), Decimal("-1e300"))])


_FUNCTIONS: dict[Op, Callable[..., Decimal]] = {
    ops.add: lambda x, y: x + y,
    ops.sub: lambda x, y: x - y,
    ops.mul: lambda x, y: x * y,
    ops.div: lambda x, y: x / y,
    ops.pow: _power,
    ops.neg: lambda x: -x,
    ops.abs: abs,
    ops.sign: lambda x: _ONE.copy_sign(x) if x else x,
    ops.step: lambda x: _ONE if x > 0 else Decimal(0),
    ops.exp: lambda x: x.exp(),
    ops.expm1: _expm1,
    ops.log: _log,
    ops.log1p: lambda x: _log(1 + x) if x <= -1 else _log1p(x),
    ops.sqrt: lambda x: x.sqrt(),
    ops.arctan: _bounded(ops.arctan),
    ops.sinh: lambda x: (_expm1(x) - _expm1(-x)) / 2,
    ops.cosh: lambda x: (x.exp() + (-x).exp()) / 2,
    ops.tanh: _tanh,
    ops.softplus: _softplus,
    ops.relu: lambda x: max(x, Decimal(0)),
    ops.leaky_relu: lambda x: x if x > 0 else x * _LEAK,
    ops.elu: lambda x: x if x > 0 else _expm1(x),
    ops.erf: _bounded(ops.erf),
    ops.erfc: _bounded(ops.erfc),
    ops.gelu: _gelu,
    ops.silu: lambda x: x * _sigmoid(x),
    ops.maximum: max,
    ops.minimum: min,
    ops.hypot: lambda x, y: (x * x + y * y).sqrt(),
    ops.where: lambda condition, a, b: a if condition else b,
    ops.stop_gradient: lambda x: x,
    ops.total: lambda *x: sum(x, Decimal(0)),
    ops.affine: _affine,
    ops.logsumexp: _logsumexp,
}
