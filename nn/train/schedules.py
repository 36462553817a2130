"""Schedules: the learning rate as a function of the epoch.

A schedule is a function of the number of epochs done that returns a factor; `nn.fit` multiplies the learning rate of
the optimiser by it. A function has no state, so a run that is resumed needs nothing but the number of the epoch.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import TypeAlias

from ..arguments import whole_number

__all__ = ["CosineSchedule", "Schedule", "StepSchedule"]

Schedule: TypeAlias = Callable[[int], float]
"""Gives the factor of the learning rate after a number of epochs, 0 in the first."""


@dataclasses.dataclass(frozen=True)
class StepSchedule:
    """Multiply the rate by `factor` every so many epochs: factor^⌊epoch / every⌋, as `torch.optim.lr_scheduler.StepLR`.

    Attributes:
        every: The number of epochs between two changes, at least 1.
        factor: What the rate is multiplied by, greater than 0 and at most 1.

    Raises:
        TypeError: If an attribute is not a number.
        ValueError: If it is outside its range.

    Example:
        >>> schedule = StepSchedule(every=2, factor=0.5)
        >>> [schedule(epoch) for epoch in range(5)]
        [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    every: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        object.__setattr__(self, "every", whole_number("every", self.every))
        _require_fraction("factor", self.factor, positive=True)

    def __call__(self, epoch: int) -> float:
        """Return the factor after `epoch` epochs."""
        return float(self.factor) ** (epoch // self.every)


@dataclasses.dataclass(frozen=True)
class CosineSchedule:
    """Let the rate fall along half a cosine: lowest + (1 − lowest) (1 + cos(π epoch / epochs)) / 2.

    That is `torch.optim.lr_scheduler.CosineAnnealingLR`, except that the rate stays at its lowest after `epochs`
    instead of rising again.

    Attributes:
        epochs: The number of epochs until the lowest rate, at least 1.
        lowest: The factor at the end, from 0 to 1.

    Raises:
        TypeError: If an attribute is not a number.
        ValueError: If it is outside its range.

    Source: I. Loshchilov and F. Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017, equation 5.

    Example:
        >>> schedule = CosineSchedule(epochs=2)
        >>> [round(schedule(epoch), 3) for epoch in range(4)]
        [1.0, 0.5, 0.0, 0.0]
    """

    epochs: int
    lowest: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "epochs", whole_number("epochs", self.epochs))
        _require_fraction("lowest", self.lowest, positive=False)

    def __call__(self, epoch: int) -> float:
        """Return the factor after `epoch` epochs."""
        progress = min(epoch / self.epochs, 1.0)
        return float(self.lowest) + (1.0 - self.lowest) * (1.0 + math.cos(math.pi * progress)) / 2.0


def _require_fraction(name: str, number: float, *, positive: bool) -> None:
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise TypeError(f"{name} must be a number, got {number!r} of type {type(number).__name__}")
    if not 0.0 <= number <= 1.0 or (positive and number == 0.0):
        raise ValueError(
            f"{name} must be {'greater than 0' if positive else 'at least 0'} and at most 1, got {number!r}"
        )
