"""Metrics: numbers that say how good outputs are, beside the loss.

A metric is a function of outputs and targets, both of shape (N, n_out), that returns a finite number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from ..arguments import FloatArray, unknown_name

__all__ = ["METRICS", "Metric", "mean_absolute_error", "measured", "metrics_named", "r2"]

Metric: TypeAlias = Callable[[FloatArray, FloatArray], float]


def mean_absolute_error(outputs: FloatArray, targets: FloatArray) -> float:
    """Return the mean of |y − t| over examples and components.

    Example:
        >>> mean_absolute_error(np.array([[1.0], [2.0]]), np.array([[0.0], [4.0]]))
        1.5
    """
    return float(np.abs(outputs - targets).mean())


def r2(outputs: FloatArray, targets: FloatArray) -> float:
    """Return the coefficient of determination, 1 − Σ(y − t)² / Σ(t − t̄)², over all components.

    It is 1 for outputs without error and 0 for the mean of the targets.

    Raises:
        ValueError: If the targets of every component are all equal: then it is not defined.

    Example:
        >>> r2(np.array([[1.0], [2.0], [3.0]]), np.array([[1.0], [2.0], [6.0]]))
        0.3571428571428571
    """
    spread = float(((targets - targets.mean(axis=0)) ** 2).sum())
    if spread == 0.0:
        raise ValueError("r2 needs targets that differ, got the same target in every row")
    return 1.0 - float(((outputs - targets) ** 2).sum()) / spread


METRICS: dict[str, Metric] = {"mean_absolute_error": mean_absolute_error, "r2": r2}
"""The metrics that have a name, beside accuracy, which is taken wherever targets are classes."""

INCREASING = {"loss": False, "accuracy": True, "mean_absolute_error": False, "r2": True}
"""Whether more is better."""


def metrics_named(given: Sequence[str | Metric], *, with_accuracy: bool) -> dict[str, Metric]:
    """Return metrics by name.

    Args:
        given: Names and functions.
        with_accuracy: Whether accuracy is taken anyway, so that its name may stand among the others.

    Raises:
        TypeError: If something is neither a name nor a function.
        ValueError: If a name is unknown or comes twice.
    """
    if isinstance(given, (str, Mapping)) or not isinstance(given, Sequence):
        raise TypeError(f"metrics must be a list of names and functions (outputs, targets), got {given!r}")
    metrics: dict[str, Metric] = {}
    for metric in given:
        if isinstance(metric, str):
            name = metric
            if name == "accuracy":
                if not with_accuracy:
                    raise ValueError("accuracy needs targets that are classes, such as rows of nn.one_hot")
                continue
            if name not in METRICS:
                raise unknown_name("metric", name, [*METRICS, "accuracy"])
            metric = METRICS[name]
        elif callable(metric):
            name = str(getattr(metric, "__name__", type(metric).__name__))
        else:
            raise TypeError(f"a metric is a name or a function (outputs, targets), got {metric!r}")
        if name in metrics or name in ("loss", "accuracy"):
            raise ValueError(f"two metrics are called {name!r}: give one of the functions another __name__")
        metrics[name] = metric
    return metrics


def measured(name: str, metric: Metric, outputs: FloatArray, targets: FloatArray) -> float:
    """Return a metric as a finite float.

    Raises:
        TypeError: If the metric returned something else than a real number.
        ValueError: If it is not finite.
    """
    number = metric(outputs, targets)
    if isinstance(number, (bool, np.bool_)) or not isinstance(number, (int, float, np.integer, np.floating)):
        raise TypeError(f"the metric {name} must return a number, got {number!r} of type {type(number).__name__}")
    if not math.isfinite(number):
        raise ValueError(f"the metric {name} must return a finite number, got {number!r}")
    return float(number)
