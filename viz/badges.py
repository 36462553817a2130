"""What a box says about its Value beside the numbers: what is wrong with it, and what was there before."""

from __future__ import annotations

import math

from autograd import Op, ops

from .style import numeral

__all__ = ["EXPLODING", "SATURATED", "VANISHING", "badges", "remark"]

SATURATED = 0.05
"""A tanh or sigmoid unit passes on less than this part of its largest derivative: it is saturated."""

VANISHING = 1e-6
"""An adjoint that is smaller in size, but not zero, is marked as vanishing."""

EXPLODING = 1e4
"""An adjoint that is larger in size is marked as exploding."""

_LARGEST_DERIVATIVE = {ops.tanh: 1.0, ops.sigmoid: 0.25}


def badges(op: Op | None, adjoint: float, local: float, *, used: bool) -> tuple[str, ...]:
    """Return the badges of a Value, from its adjoint and the derivative by its first operand, NaN if it has none."""
    found = []
    if not used:
        found.append("unused")
    if op is ops.relu and local == 0.0:
        found.append("dead ReLU")
    if op in _LARGEST_DERIVATIVE and abs(local) < SATURATED * _LARGEST_DERIVATIVE[op]:
        found.append("saturated")
    if not math.isfinite(adjoint):
        found.append("undefined" if math.isnan(adjoint) else "not finite")
    elif abs(adjoint) > EXPLODING:
        found.append("exploding")
    elif 0.0 < abs(adjoint) < VANISHING:
        found.append("vanishing")
    return tuple(found)


def remark(grad: float, adjoint: float, *, ran: bool) -> str:
    """Return how a leaf's `grad` differs from this pass, after `backward()` or before it."""
    if grad in (0.0, adjoint):
        return ""
    if ran:
        return f"{numeral(grad)} = this pass {numeral(adjoint)} + earlier {numeral(grad - adjoint)}"
    return f"{numeral(grad)} from earlier; this pass adds {numeral(adjoint)}"
