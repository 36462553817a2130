"""What training leaves behind: the numbers of every epoch."""

from __future__ import annotations

import dataclasses
import html
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from autograd.notebook import curves, folded, table

from ..arguments import FloatArray
from ..loss.metrics import Metric, measured
from ..loss.targets import Decision

__all__ = ["Evaluation", "History", "Record", "accuracy"]

FINISHED = "finished"
"""How a run ended that went through all its epochs."""

SHOWN = 10  # epochs at either end of the table in a notebook
FIELDS = ("loss", "accuracy", "validation_loss", "validation_accuracy")


class Evaluation(NamedTuple):
    """How a model does on some examples.

    Attributes:
        loss: The mean loss.
        accuracy: The share of examples whose class is right; None where the targets are not classes.
    """

    loss: float
    accuracy: float | None


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class History:
    """What happened in training, epoch by epoch; every array has one entry per finished epoch.

    Attributes:
        loss: The training loss: the mean over the examples of an epoch, each taken when its batch was trained on, so
            with the parameters before that batch's step. (It is the mean of the batches' losses, weighted by size.)
            The L2 penalty is part of it.
        accuracy: The share of examples whose class was right at that same time; None where targets are not classes.
        validation_loss: The mean loss over the validation examples after the epoch, without penalty; None without
            validation.
        validation_accuracy: Their accuracy after the epoch; None without validation or classes.
        metrics: Your metrics by name, over the outputs that `accuracy` is taken of.
        validation_metrics: The same of the validation examples after the epoch.
        best_epoch: The epoch, counted from 1, whose weights the model has now, where the best were put back.
        ended: How training ended: "finished", or by what it was stopped, and where.
    """

    loss: FloatArray
    accuracy: FloatArray | None = None
    validation_loss: FloatArray | None = None
    validation_accuracy: FloatArray | None = None
    metrics: Mapping[str, FloatArray] = dataclasses.field(default_factory=dict)
    validation_metrics: Mapping[str, FloatArray] = dataclasses.field(default_factory=dict)
    best_epoch: int | None = None
    ended: str = FINISHED

    def __len__(self) -> int:
        return len(self.loss)

    def series(self) -> Iterator[tuple[str, FloatArray]]:
        """Yield every array with its name: `loss`, …, the metrics, and the metrics of validation with that word."""
        for name in FIELDS:
            values = getattr(self, name)
            if values is not None:
                yield name, values
        yield from self.metrics.items()
        for name, values in self.validation_metrics.items():
            yield f"validation_{name}", values

    def __repr__(self) -> str:
        parts = [
            f"{name.replace('_', ' ')} {values[0]:.4g} → {values[-1]:.4g}"
            for name, values in self.series()
            if len(values)
        ]
        if self.best_epoch is not None:
            parts.append(f"best weights from epoch {self.best_epoch}")
        if self.ended != FINISHED:
            parts.append(self.ended)
        epochs = f"{len(self)} epoch{'s' if len(self) != 1 else ''}"
        return f"History({epochs}: {', '.join(parts)})" if parts else f"History({epochs})"

    def _repr_html_(self) -> str | None:
        """Return the curves of the losses and of the accuracies, and a table of epochs, for a notebook."""
        if not len(self):
            return None
        series = {name: values.tolist() for name, values in self.series()}
        shown = range(len(self)) if len(self) <= 2 * SHOWN else [*range(SHOWN), *range(len(self) - SHOWN, len(self))]
        rows = [(str(k + 1), *(values[k] for values in series.values())) for k in shown]
        names = [name.replace("_", " ") for name in series]
        kinds = [[name for name in pair if name in series] for pair in (FIELDS[0::2], FIELDS[1::2])]
        pictures = "".join(curves({name: series[name] for name in kind}) for kind in kinds if kind)
        ended = "" if self.ended == FINISHED else f"<p>{html.escape(self.ended)}</p>"
        return pictures + folded(f"{len(self)} epochs", table(("epoch", *names), rows)) + ended


def accuracy(classify: Decision, outputs: FloatArray, targets: FloatArray, weights: FloatArray | None) -> float:
    """Return the share of examples whose class is right, by weight."""
    return share(classify(outputs) == classify(targets), weights)


def share(right: NDArray[np.bool_], weights: FloatArray | None) -> float:
    """Return how large a part of all is right, by weight."""
    return np.count_nonzero(right) / len(right) if weights is None else float(np.average(right, weights=weights))


class Record:
    """Gathers the numbers of a history while training runs.

    Attributes:
        series: The numbers of the finished epochs by name, as `History.series` names them.
        losses: The mean loss of each batch of this epoch so far.
        outputs: The outputs of this epoch's batches so far, where accuracy or metrics are taken of them.
    """

    def __init__(self, classify: Decision | None, metrics: Mapping[str, Metric]) -> None:
        self.classify, self.metrics = classify, metrics
        self.series: dict[str, list[float]] = {}
        self.losses: list[float] = []
        self.outputs: list[FloatArray] = []
        self._classes: NDArray[np.int64] | None = None  # of the targets

    def add(self, loss: float, outputs: FloatArray) -> None:
        """Enter a batch: its mean loss and its outputs."""
        self.losses.append(loss)
        if self.classify is not None or self.metrics:
            self.outputs.append(outputs)

    def close_epoch(
        self, targets: FloatArray, order: Any, sizes: Sequence[float], weights: FloatArray | None = None
    ) -> None:
        """Enter the numbers of an epoch.

        Args:
            targets: The targets of all examples, the same in every epoch.
            order: The numbers of the examples in the order in which they were trained on.
            sizes: How much each batch counts: the weight of its examples together.
            weights: The weights of the examples in that order; None where all count alike.
        """
        whole = math.fsum(sizes)
        self._enter("loss", math.fsum(loss * (size / whole) for loss, size in zip(self.losses, sizes, strict=True)))
        if self.outputs:
            outputs = np.concatenate(self.outputs)
            if self.classify is not None:
                self._classes = self.classify(targets) if self._classes is None else self._classes
                right = self.classify(outputs) == self._classes[order]
                self._enter("accuracy", share(right, weights))
            for name, metric in self.metrics.items():
                self._enter(name, measured(name, metric, outputs, targets[order]))
        self.losses, self.outputs = [], []

    def validate(
        self, loss: float, outputs: FloatArray, targets: FloatArray, weights: FloatArray | None = None
    ) -> None:
        """Enter the loss and the outputs of the validation examples after the epoch."""
        self._enter("validation_loss", loss)
        if self.classify is not None:
            self._enter("validation_accuracy", accuracy(self.classify, outputs, targets, weights))
        for name, metric in self.metrics.items():
            self._enter(f"validation_{name}", measured(name, metric, outputs, targets))

    def names(self, with_validation: bool) -> list[str]:
        """Return the names of the numbers that the history will have."""
        names = ["loss", *(["accuracy"] if self.classify is not None else []), *self.metrics]
        return [*names, *(f"validation_{name}" for name in names)] if with_validation else names

    def latest(self) -> str:
        """Return the numbers of the latest epoch as text."""
        return ", ".join(f"{name.replace('_', ' ')} {values[-1]:.4g}" for name, values in self.series.items())

    def history(self, *, best_epoch: int | None = None, ended: str = FINISHED) -> History:
        """Return the history so far."""
        arrays = {name: np.array(values) for name, values in self.series.items()}
        arrays.setdefault("loss", np.empty(0))
        return History(
            **{name: arrays[name] for name in FIELDS if name in arrays},
            metrics={name: arrays[name] for name in self.metrics if name in arrays},
            validation_metrics={
                name: arrays[f"validation_{name}"] for name in self.metrics if f"validation_{name}" in arrays
            },
            best_epoch=best_epoch,
            ended=ended,
        )

    def _enter(self, name: str, number: float) -> None:
        self.series.setdefault(name, []).append(number)
