"""The numbers in front of an expression, so that they are multiplied once or not at all."""

from __future__ import annotations

from ... import ops
from .expression import Apply, Expression, Number, Seed, Spread, Take

__all__ = ["factored"]


def factored(value: Expression, *, mean: bool) -> tuple[float, int, Expression | None]:
    """Return a number, a power of the number of examples N, and the rest that they multiply, None for 1.

    Args:
        value: Any expression.
        mean: Whether the loss of a batch is the mean over its examples; otherwise it is the sum.
    """
    match value:
        case Number():
            return value.value, 0, None
        case Seed():
            return 1.0, (-1 if mean else 0) if value.batched else (0 if mean else 1), None
        case Spread() | Take():
            number, power, rest = factored(value.value, mean=mean)
            if rest is None and not (isinstance(value, Take) and (value.index < 0).any()):
                return number, power, None
        case Apply() if value.op is ops.mul:
            (c, p, left), (d, q, right) = (factored(arg, mean=mean) for arg in value.args)
            if (c and d) and not 1e-300 < abs(c * d) < 1e300:  # what they multiply may bring it back among the floats
                return 1.0, 0, value
            if left is None or right is None:
                return c * d, p + q, left or right
            if (c, p, d, q) != (1.0, 0, 1.0, 0):
                return c * d, p + q, Apply(ops.mul, (left, right))
        case Apply() if value.op is ops.neg:
            number, power, rest = factored(value.args[0], mean=mean)
            return -number, power, rest
    return 1.0, 0, value
