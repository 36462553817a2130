"""Early stopping: when to end training, and which weights to keep."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

from ..arguments import FloatArray, unknown_name, whole_number
from ..loss.metrics import INCREASING

__all__ = ["Best", "EarlyStopping"]


@dataclasses.dataclass(frozen=True)
class EarlyStopping:
    """Stop when a number of the history has not improved for some epochs, and put the best weights back.

    Attributes:
        patience: How many epochs without improvement end training, at least 1; None never ends it, so that only the
            best weights are put back at the end.
        monitor: What is watched: `loss`, `accuracy`, `validation_loss`, `validation_accuracy`, a metric, or
            `validation_` and a metric.
        min_change: An improvement is a change by more than this.
        restore_best: Whether the model gets the weights of the best epoch at the end. They stay those of the last good
            step if training ends with an error.
        maximize: Whether more is better; None where the name says so. A metric of your own needs it.

    Raises:
        TypeError: If an attribute is of the wrong kind.
        ValueError: If an attribute is outside its range, or it is not known whether more is better.
    """

    patience: int | None
    monitor: str = "validation_loss"
    min_change: float = 0.0
    restore_best: bool = True
    maximize: bool | None = None

    def __post_init__(self) -> None:
        if self.patience is not None:
            object.__setattr__(self, "patience", whole_number("patience", self.patience))
        if not isinstance(self.monitor, str):
            raise TypeError(f"monitor must be a name, such as 'validation_loss', got {self.monitor!r}")
        if isinstance(self.min_change, bool) or not isinstance(self.min_change, (int, float)):
            raise TypeError(f"min_change must be a number, got {self.min_change!r}")
        if not (self.min_change >= 0.0 and math.isfinite(self.min_change)):
            raise ValueError(f"min_change must be at least 0 and finite, got {self.min_change!r}")
        if self.maximize is None:
            name = self.monitor.removeprefix("validation_")
            if name not in INCREASING:
                raise ValueError(f"say whether more is better: EarlyStopping(monitor={self.monitor!r}, maximize=…)")
            object.__setattr__(self, "maximize", INCREASING[name])


@dataclasses.dataclass
class Best:
    """The best epoch so far.

    Attributes:
        rule: What is watched.
        epoch: Its number, counted from 1; 0 before the first.
        number: What was watched, in that epoch.
        waited: The epochs since then.
        parameters: The parameters after that epoch.
    """

    rule: EarlyStopping
    epoch: int = 0
    number: float = math.nan
    waited: int = 0
    parameters: FloatArray | None = None

    def see(self, epoch: int, latest: Mapping[str, list[float]], parameters: FloatArray) -> None:
        """Take note of an epoch.

        Raises:
            ValueError: If the history has no such number.
        """
        if self.rule.monitor not in latest:
            raise unknown_name("number to monitor", self.rule.monitor, latest)
        number = latest[self.rule.monitor][-1]
        gain = number - self.number if self.rule.maximize else self.number - number
        if self.epoch == 0 or gain > self.rule.min_change:
            self.epoch, self.number, self.waited, self.parameters = epoch, number, 0, parameters
        else:
            self.waited += 1

    @property
    def exhausted(self) -> bool:
        """Whether the patience is at its end."""
        return self.rule.patience is not None and self.waited >= self.rule.patience
