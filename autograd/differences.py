"""Derivatives from function values alone: central and one-sided differences, extrapolated to step 0.

A difference quotient with step h errs by a series in h² (central) or h (one-sided). Steps are halved, and Neville's
scheme extrapolates the quotients to h = 0. Every extrapolated number comes with an estimate of its error: how far it
moved in the last step of the scheme, and what rounding in the function values makes of it at this h. The number with
the smallest estimate is kept, for each derivative by itself, so that the step need not be known beforehand.

Source: Ridders, "Accurate computation of F'(x) and F'(x)F''(x)", Advances in Engineering Software 4 (1982).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Slopes", "slopes"]

Array: TypeAlias = NDArray[np.float64]
Along: TypeAlias = Callable[[float], Array]

HALVINGS = 40  # from 1e-2 down to 1e-14
LEAST = 6  # rungs before stopping, so that estimates are not luck
FINE = 1e-11  # relative error at which there is nothing more to gain
UNIT = float(np.finfo(float).eps)


@dataclass(frozen=True, slots=True)
class Slopes:
    """The derivatives of several functions along one line.

    Attributes:
        central: From both sides; from one side where the function is defined on that side only.
        error: An estimate of the error of `central`.
        left: From below; NaN if undefined there.
        right: From above; NaN if undefined there.
        side_error: An estimate of the error of `left` and `right`.
        jumps: Where the function values do not approach the one in the middle.
    """

    central: Array
    error: Array
    left: Array
    right: Array
    side_error: Array
    jumps: NDArray[np.bool_]

    @property
    def kinks(self) -> NDArray[np.bool_]:
        """Where the slopes from left and right differ."""
        apart = np.abs(self.right - self.left)
        size = np.maximum(np.abs(self.right), np.abs(self.left))
        with np.errstate(invalid="ignore"):
            return np.asarray((apart > 10 * self.side_error + 1e-5 * size) & ~self.jumps)


class _Extrapolation:
    """Neville's scheme for quotients whose error is a series in h to some power."""

    def __init__(self, size: int, power: int) -> None:
        self.best = np.full(size, np.nan)
        self.error = np.full(size, np.inf)
        self._power = power
        self._row: list[Array] = []

    def add(self, quotient: Array, noise: Array) -> None:
        """Take in the quotient at half the last step, which rounding may change by `noise`."""
        row = [quotient]
        for j, before in enumerate(self._row, start=1):
            factor = 2.0 ** (self._power * j)
            row.append((factor * row[-1] - before) / (factor - 1.0))
            moved = np.maximum(np.abs(row[-1] - row[-2]), np.abs(row[-1] - before))
            self._keep(row[-1], moved + noise)
        self._row = row[:8]  # higher orders only amplify rounding

    def _keep(self, value: Array, error: Array) -> None:
        better = error < self.error
        self.best = np.where(better, value, self.best)
        self.error = np.where(better, error, self.error)


def slopes(along: Along, step: float) -> Slopes:
    """Return the derivatives at 0 of the functions t ↦ along(t).

    Args:
        along: Gives the function values, an array, at a distance; raises ArithmeticError or ValueError where they are
            undefined.
        step: The first and largest distance.
    """
    middle = along(0.0)
    scheme = {name: _Extrapolation(middle.size, 2 if name == "both" else 1) for name in ("both", "left", "right")}
    gaps: list[Array] = []
    for k in range(HALVINGS):
        h = step / 2**k
        ends = {"left": _at(along, -h), "right": _at(along, h)}
        size = np.abs(middle)
        gap = np.zeros_like(middle)
        for name, sign in (("left", -1.0), ("right", 1.0)):
            end = ends[name]
            if end is not None:
                size = np.maximum(size, np.abs(end))
                gap = np.maximum(gap, np.abs(end - middle))
                scheme[name].add(sign * (end - middle) / h, 2 * UNIT * size / h)
        gaps.append(gap)
        if ends["left"] is not None and ends["right"] is not None:
            scheme["both"].add((ends["right"] - ends["left"]) / (2 * h), UNIT * size / h)
        if k >= LEAST and _is_settled(scheme):
            break
    return _summary(scheme, middle, gaps)


def _at(along: Along, distance: float) -> Array | None:
    try:
        return along(distance)
    except (ArithmeticError, ValueError):
        return None


def _is_settled(scheme: dict[str, _Extrapolation]) -> bool:
    """Return whether the derivatives are known as well as they can be, and the two sides tell the same or a kink."""
    both, left, right = scheme["both"], scheme["left"], scheme["right"]
    with np.errstate(invalid="ignore"):
        fine = both.error <= FINE * np.abs(both.best)
        alike = np.abs(left.best - right.best) <= 1e-6 * np.abs(both.best)
    return bool(np.all(fine & alike))


def _summary(scheme: dict[str, _Extrapolation], middle: Array, gaps: list[Array]) -> Slopes:
    both, left, right = scheme["both"], scheme["left"], scheme["right"]
    central, error = both.best, both.error
    for side in (left, right):
        missing = np.isnan(central)
        central, error = np.where(missing, side.best, central), np.where(missing, side.error, error)
    # A gap that stays while h shrinks 10^12-fold is a jump: it shrinks 10^6-fold even under a square root.
    jumps = (len(gaps) == HALVINGS) & (gaps[-1] > 1e-3 * gaps[0]) & (gaps[-1] > 1e6 * UNIT * np.abs(middle))
    return Slopes(central, error, left.best, right.best, left.error + right.error, np.asarray(jumps))
