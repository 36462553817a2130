"""Derivatives from function values alone: central and one-sided differences, extrapolated to step 0.

A difference quotient with step h errs by a series in h² (central) or h (one-sided). Steps are halved, and Neville's
scheme extrapolates the quotients to h = 0. Every extrapolated number comes with an estimate of its error: how far it
moved in the last step of the scheme, and what rounding in the function values makes of it at this h. The number with
the smallest estimate is kept, for each derivative by itself, so that the step need not be known beforehand; unless the
numbers at smaller steps keep contradicting it, as they do where the steps began far above the scale of the function.

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
SUBNORMAL = 5e-324  # what rounds a value that is nearly 0
WITNESSES = 2  # values at smaller steps by which one is judged
CONTRADICTIONS = 2  # a single one may be luck


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
        self._unknown = np.full(size, np.nan), np.full(size, np.inf)
        self._power = power
        self._row: list[Array] = []
        self._tried: list[tuple[float, Array, Array]] = []  # the step, the value and an estimate of its error

    def start_again(self) -> None:
        """Expect steps that do not go on from the last one."""
        self._row = []

    def add(self, h: float, quotient: Array, noise: Array) -> None:
        """Take in the quotient at half the last step, which rounding may change by `noise`."""
        row = [quotient]
        value, error = self._unknown
        for j, before in enumerate(self._row, start=1):
            row.append(row[-1] + (row[-1] - before) / (2.0 ** (self._power * j) - 1.0))
            moved = np.maximum(np.abs(row[-1] - row[-2]), np.abs(row[-1] - before)) + noise
            value, error = np.where(moved < error, row[-1], value), np.fmin(moved, error)
        self._row = row[:8]  # higher orders only amplify rounding
        self._tried.append((h, value, error))

    def best(self) -> tuple[Array, Array]:
        """Return the values with the smallest errors, and the errors.

        A value may hardly move by luck. So its error is at least what the noise that shows at smaller steps amounts to
        at its own, and a value that those at smaller steps contradict does not count.
        """
        if len(self._tried) <= WITNESSES:
            return self._unknown
        steps, values, errors = map(np.array, zip(*self._tried, strict=True))
        h = steps[:, None]
        noise = np.maximum.accumulate(np.where(np.isfinite(errors), errors * h, 0.0)[::-1])[::-1]
        errors = np.maximum(errors, np.vstack([noise[1:], 0.0 * noise[:1]]) / h)
        apart = np.abs(values[:, None] - values) > 10 * (errors[:, None] + errors)
        finer = np.triu(np.ones((len(h), len(h)), dtype=bool), 1)[:, :, None]
        errors = np.where(np.sum(apart & finer, axis=1) >= CONTRADICTIONS, np.inf, errors)[:-WITNESSES]
        least = np.argmin(errors, axis=0)[None]
        return np.take_along_axis(values, least, 0)[0], np.take_along_axis(errors, least, 0)[0]


@np.errstate(all="ignore")  # what is not finite has no finite error, and is not kept
def slopes(along: Along, *steps: float, noise: float = 0.0) -> Slopes:
    """Return the derivatives at 0 of the functions t ↦ along(t).

    Args:
        along: Gives the function values, an array, at a distance; raises ArithmeticError or ValueError where they are
            undefined.
        steps: The first and largest distance; more of them to begin anew with, as long as the derivatives are unknown.
        noise: How far rounding within the functions may move their values; that of the values themselves is known.
    """
    middle = along(0.0)
    scheme = {name: _Extrapolation(middle.size, 2 if name == "both" else 1) for name in ("both", "left", "right")}
    gaps: list[Array] = []
    for step in steps:
        gaps = []
        for each in scheme.values():
            each.start_again()
        for k in range(HALVINGS):
            if not (h := step / 2**k):
                break
            gaps.append(_take_in(scheme, h, noise, (_at(along, -h), middle, _at(along, h))))
            if k >= LEAST and _is_settled(scheme):
                return _summary(scheme, middle, gaps)
    return _summary(scheme, middle, gaps)


def _take_in(
    scheme: dict[str, _Extrapolation], h: float, noise: float, values: tuple[Array | None, Array, Array | None]
) -> Array:
    """Hand the quotients with one step to the schemes, and return how far the function moves within it."""
    left, middle, right = values
    size = np.abs(middle)
    gap = np.zeros_like(middle)
    for name, sign, end in (("left", -1.0, left), ("right", 1.0, right)):
        if end is not None:
            size = np.maximum(size, np.abs(end))
            gap = np.maximum(gap, np.abs(end - middle))
            scheme[name].add(h, sign * (end - middle) / h, 2 * (UNIT * size + noise + SUBNORMAL) / h)
    if left is not None and right is not None:
        scheme["both"].add(h, (right - left) / (2 * h), (UNIT * size + noise + SUBNORMAL) / h)
    return gap


def _at(along: Along, distance: float) -> Array | None:
    try:
        return along(distance)
    except (ArithmeticError, ValueError):
        return None


def _is_settled(scheme: dict[str, _Extrapolation]) -> bool:
    """Return whether the derivatives are known as well as they can be, and the two sides tell the same or a kink."""
    central, error = scheme["both"].best()
    if not np.all(error <= FINE * np.abs(central)):
        return False
    left, right = scheme["left"].best()[0], scheme["right"].best()[0]
    return bool(np.all(np.abs(left - right) <= 1e-6 * np.abs(central)))


def _summary(scheme: dict[str, _Extrapolation], middle: Array, gaps: list[Array]) -> Slopes:
    (central, error), *sides = (scheme[name].best() for name in ("both", "left", "right"))
    for value, its_error in sides:
        missing = np.isnan(central)
        central, error = np.where(missing, value, central), np.where(missing, its_error, error)
    (left, left_error), (right, right_error) = sides
    last = np.max(gaps[-3:], axis=0)  # of several: a function that is noise may come by the middle
    jumps = (len(gaps) == HALVINGS) & (last > 1e-3 * gaps[0]) & (last > 1e6 * UNIT * np.abs(middle))
    return Slopes(central, error, left, right, left_error + right_error, np.asarray(jumps))
