"""A training run: its loop, and what of it goes into a checkpoint.

Everything that changes from step to step stands in the attributes of `Run`, so that a checkpoint is a copy of them. The
parameters are one array while an epoch lasts. Their Values are brought up to date when somebody may look at them: at
the end of every epoch, for a checkpoint, and when training ends, also with an error.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from autograd.files import remove_partial_files

from ..arguments import FloatArray
from ..files.checkpoints import Checkpoint, description, digest, read_checkpoint, restored_generator, write_checkpoint
from ..files.storage import ModelFileError
from ..loss.loss_table import LossFunction, name_of
from ..model.dropout import drawn_masks
from ..model.module import Module
from .engines import Engine
from .evaluation import Batch, Model
from .examples import Examples
from .history import FINISHED, History, Record
from .interruption import Interruption
from .optimizers import Optimizer
from .penalty import Penalty
from .rules import clipped
from .schedules import Schedule
from .stopping import Best
from .vector import ParameterVector

if TYPE_CHECKING:
    from tqdm import tqdm

__all__ = ["Callback", "EpochEnd", "Run", "require_callbacks"]


class EpochEnd:
    """What a callback is given after each epoch of `fit`, or iteration of `minimize`.

    Attributes:
        epoch: The number of the epoch or iteration, from 1.
        epochs: How many there are to be.
        model: The model, as it is after the epoch.
        optimizer: The optimiser of `fit`; None for `minimize`.
        history: The history up to this epoch.
        stopped: Why training is to end here, or "".
    """

    def __init__(self, epoch: int, epochs: int, model: Model, optimizer: Optimizer | None, history: History) -> None:
        self.epoch, self.epochs, self.model, self.optimizer, self.history = epoch, epochs, model, optimizer, history
        self.stopped = ""

    def stop(self, reason: str = "stopped by a callback") -> None:
        """End training after this epoch; `History.ended` gives the reason."""
        self.stopped = str(reason) or "stopped by a callback"


Callback: TypeAlias = Callable[[EpochEnd], object]
"""What is called after each epoch."""


def require_callbacks(callbacks: object) -> None:
    """Raise a TypeError if something is no list of functions."""
    if not isinstance(callbacks, Sequence) or not all(callable(callback) for callback in callbacks):
        raise TypeError(f"callbacks must be a list of functions, got {callbacks!r}")


GROWN = 1e3
"""Parameters that have grown by this factor have diverged; those that fit standardised inputs stay within tens."""


@dataclasses.dataclass
class Run:
    """A training run: its settings, and what changes from step to step."""

    model: Model
    examples: Examples
    loss: LossFunction
    optimizer: Optimizer
    epochs: int
    batch_size: int
    rng: np.random.Generator
    shuffle: bool
    l2: float
    max_norm: float | None
    schedule: Schedule | None
    validation: Examples | None
    best: Best | None
    callbacks: tuple[Callback, ...]
    record: Record
    engine: Engine
    engine_name: str

    epoch: int = 0
    batch: int = 0
    stopped: str = ""
    interrupted: str = ""
    path: Path | None = None
    every: int | None = None
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        self.parameters = self.model.parameters()
        self.batches = -(-len(self.examples) // self.batch_size)
        self.order = np.arange(len(self.examples))
        self.dropout = any(getattr(self.model, "dropout", ()))
        self.masks_seed = 0
        self.vector: ParameterVector | None = None  # until the engine is ready
        self.penalty: Penalty | None = Penalty.of(self.model, self.l2, self.optimizer.parameters)
        self.largest_at_first = float(np.abs(self._data()).max(initial=0.0))
        self.generator = self.rng.bit_generator.state
        self.base_rate = self.optimizer.learning_rate if self.schedule is not None else None

    @property
    def examples_done(self) -> int:
        """How many examples have been trained on, over all epochs."""
        count = len(self.examples)
        return self.epoch * count + min(self.batch * self.batch_size, count)

    def history(self, bar: tqdm[Any]) -> History:
        """Train to the end and return what happened."""
        try:
            with Interruption() as interruption:
                while self.epoch < self.epochs and not (self.stopped or self.interrupted):
                    self._train_epoch(bar, interruption)
        finally:
            self._show()
            if self.base_rate is not None:
                self.optimizer.learning_rate = self.base_rate
        best_epoch = None
        if self.best is not None and self.best.rule.restore_best and self.best.parameters is not None:
            best_epoch = self.best.epoch
            self._assign(self.best.parameters)
            self.vector = None
        return self.record.history(best_epoch=best_epoch, ended=self.stopped or self.interrupted or FINISHED)

    def _note_generator(self) -> None:
        """Keep where the generator is, where there is a checkpoint to write that into."""
        if self.path is not None:
            self.generator = self.rng.bit_generator.state

    def _train_epoch(self, bar: tqdm[Any], interruption: Interruption) -> None:
        self._note_generator()
        if self.shuffle:
            self.order = self.rng.permutation(len(self.examples))
        if self.dropout:
            self.masks_seed = int(self.rng.integers(2**63))
        if self.schedule is not None and self.base_rate is not None:
            factor: object = self.schedule(self.epoch)
            if not isinstance(factor, (int, float, np.integer, np.floating)):
                raise TypeError(f"the schedule must return a number, got {factor!r} of type {type(factor).__name__}")
            self.optimizer.learning_rate = self.base_rate * float(factor)
        while self.batch < self.batches:
            rows = self._rows(self.batch)
            self._step(rows)
            self.batch += 1
            bar.update(len(rows))
            if interruption.requested and self.batch < self.batches:
                place = f"after batch {self.batch} of {self.batches}"
                self.interrupted = f"interrupted in epoch {self.epoch + 1} of {self.epochs}, {place}"
                self._write_checkpoint()
                return
            if self.every is not None and self.batch % self.every == 0 and self.batch < self.batches:
                self._write_checkpoint()
        self._close_epoch()
        if interruption.requested and not self.stopped and self.epoch < self.epochs:
            self.interrupted = f"interrupted after epoch {self.epoch} of {self.epochs}"
        self._write_checkpoint()
        if not bar.disable:
            bar.set_description(f"epoch {self.epoch}/{self.epochs}", refresh=False)
            bar.set_postfix_str(self.record.latest())

    def _rows(self, batch: int) -> NDArray[np.int64]:
        return self.order[batch * self.batch_size :][: self.batch_size]

    def _batch(self, rows: NDArray[np.int64]) -> Batch:
        batch = self.examples.batch(rows)
        if not self.dropout:
            return batch
        # A generator for each batch, so that a run that is resumed within an epoch draws the same masks.
        return {**batch, **drawn_masks(self.model, len(rows), np.random.default_rng([self.masks_seed, self.batch]))}

    def _step(self, rows: NDArray[np.int64]) -> None:
        batch = self._batch(rows)
        try:
            if self.vector is None:
                self.engine.prepare(batch)
                self.vector = ParameterVector(self.optimizer, self.engine.leaves, self.engine.show)
                self.penalty = Penalty.of(self.model, self.l2, self.engine.leaves)
            found = self.engine.gradient(self.vector.data, batch)
            if self.penalty is not None:
                found = self.penalty.added(found, self.vector.data)
            gradients = found.gradients if self.max_norm is None else clipped(found.gradients, self.max_norm)
            self.vector.step(gradients)
        except ArithmeticError as error:
            self.optimizer.zero_grad()
            error.add_note(
                f"in epoch {self.epoch + 1} of {self.epochs}, batch {self.batch + 1} of {self.batches}; the parameters "
                "are those after the step before"
            )
            if self._diverged(error):
                error.add_note(self._advice())
            raise
        self.record.add(found.loss, found.outputs)

    def _show(self) -> None:
        """Bring the Values and the optimiser up to date."""
        if self.vector is not None:
            self.vector.show()

    def _read(self) -> None:
        """Take over what a callback may have changed."""
        if self.vector is not None:
            self.vector.read()

    def _diverged(self, error: ArithmeticError) -> bool:
        """Whether it was the steps that led to an error: one overflows itself, or the parameters have grown by far."""
        largest = float(np.abs(self._data()).max(initial=0.0))
        return isinstance(error, FloatingPointError) or largest > GROWN * (1.0 + self.largest_at_first)

    def _advice(self) -> str:
        """Return what to try when training has diverged."""
        rate = getattr(self.optimizer.rule, "learning_rate", None)
        at = "" if rate is None else f" at learning_rate={rate:.6g}"
        smaller = "a smaller learning rate" if rate is None else f"learning_rate={rate / 10:.6g}"
        shorter = "" if self.max_norm is not None else ", max_norm=1.0 to shorten long gradients"
        return f"training diverged{at}: try {smaller}{shorter}, or standardised inputs (nn.data.Standardization)"

    def _close_epoch(self) -> None:
        self._show()
        sizes = self._sizes()
        weights = None if self.examples.weights is None else self.examples.weights[self.order]
        self.record.close_epoch(self.examples.T, self.order, sizes, weights)
        if self.validation is not None:
            data = np.empty(0) if self.vector is None else self.vector.data
            assessed = self.validation.assessed(partial(self.engine.assessed, data))
            self.record.validate(*assessed, self.validation.T, self.validation.weights)
        self.epoch, self.batch = self.epoch + 1, 0
        self._note_generator()
        if self.best is not None:
            self.best.see(self.epoch, self.record.series, self._data())
            if self.best.exhausted:
                self.stopped = f"stopped early after epoch {self.epoch} of {self.epochs}"
        for callback in self.callbacks:
            end = EpochEnd(self.epoch, self.epochs, self.model, self.optimizer, self.record.history())
            callback(end)
            self.stopped = self.stopped or end.stopped
        if self.callbacks:
            self._read()

    def _sizes(self) -> list[float]:
        """Return how much each batch of the epoch counts."""
        if self.examples.weights is not None:
            return [self.examples.size(self._rows(batch)) for batch in range(self.batches)]
        count = len(self.examples)
        return [float(self.batch_size)] * (self.batches - 1) + [float(count - (self.batches - 1) * self.batch_size)]

    # Checkpoints

    def keep(self, path: str | os.PathLike[str], every: int | None, *, resume: bool, seed: object) -> None:
        """Keep checkpoints at a path, and go on from the one that is there if that is asked for.

        Raises:
            FileNotFoundError: If the folder does not exist.
            FileExistsError: If there is a checkpoint, and going on from it was not asked for.
            ModelFileError: If it is damaged.
            ValueError: If it is that of another run.
        """
        self.path, self.every = Path(path), every
        self.settings = self._describe(seed)
        if not self.path.parent.is_dir():
            raise FileNotFoundError(f"the folder {self.path.parent} of the checkpoint does not exist")
        if resume:
            remove_partial_files(self.path)
        if not self.path.exists():
            return
        if not resume:
            raise FileExistsError(
                f"{self.path} exists already: pass resume=True to go on from it, or remove it to begin anew"
            )
        found = read_checkpoint(self.path, self.settings, self._checkpoint(), epochs=self.epochs)
        if found.batch >= max(self.batches, 1) or not self._outputs_fit(found):
            raise ValueError(f"{self.path} is from batch {found.batch} of an epoch, which has {self.batches}")
        restored_generator(self.path, self.rng, found.generator)
        self._restore(found)

    def _outputs_fit(self, found: Checkpoint) -> bool:
        return not found.outputs.size or len(found.outputs) == found.batch * self.batch_size

    def _restore(self, found: Checkpoint) -> None:
        if found.learning_rate is not None and self.schedule is None:
            try:
                self.optimizer.learning_rate = found.learning_rate
            except ValueError as error:
                raise ModelFileError(f"{self.path}: {error}") from None
        self._assign(found.parameters)
        self.optimizer.state = dict(found.optimizer)
        self.epoch, self.batch, self.generator = found.epoch, found.batch, found.generator
        self.stopped = found.stopped
        self.record.series = {name: array.tolist() for name, array in found.series.items() if array.size}
        self.record.losses = found.losses.tolist()
        self.record.outputs = [found.outputs] if found.outputs.size else []
        if self.best is not None and found.best[0]:
            self.best.epoch, self.best.number, self.best.waited = found.best
            self.best.parameters = found.best_parameters

    def _checkpoint(self) -> Checkpoint:
        best = self.best
        series = self.record.series or {name: [] for name in self.record.names(self.validation is not None)}
        n_out = self.examples.T.shape[1] if self.record.classify is not None or self.record.metrics else 0
        return Checkpoint(
            run=self.settings,
            epoch=self.epoch,
            batch=self.batch,
            stopped=self.stopped,
            generator=dict(self.generator),
            learning_rate=getattr(self.optimizer.rule, "learning_rate", None),
            best=(best.epoch, best.number, best.waited) if best is not None and best.epoch else (0, 0.0, 0),
            parameters=self._data(),
            optimizer=self.optimizer.state,
            series={name: np.array(values) for name, values in series.items()},
            losses=np.array(self.record.losses),
            outputs=np.concatenate(self.record.outputs) if self.record.outputs else np.empty((0, n_out)),
            best_parameters=np.empty(0) if best is None or best.parameters is None else best.parameters,
        )

    def _write_checkpoint(self) -> None:
        if self.path is not None:
            self._show()
            write_checkpoint(self.path, self._checkpoint())

    def _describe(self, seed: object) -> dict[str, Any]:
        names = [name for name, _ in self.model.named_parameters()] if isinstance(self.model, Module) else []
        layout = {id(leaf): k for k, leaf in enumerate(self.parameters)}
        places = np.array([layout.get(id(leaf), -1) for leaf in self.optimizer.parameters], dtype=float)
        activations = list(getattr(self.model, "activations", ()))
        return {
            "parameters": digest(places) + hashlib.sha256(",".join(names).encode()).hexdigest(),
            "activations": activations,
            "data": self.examples.digest(),
            "validation": None if self.validation is None else self.validation.digest(),
            "seed": int(seed) if isinstance(seed, (int, np.integer)) else type(self.rng.bit_generator).__name__,
            "loss": name_of(self.loss),
            "engine": self.engine_name,
            "optimizer": description(self.optimizer.rule),
            "batch_size": self.batch_size,
            "shuffle": self.shuffle,
            "l2": float(self.l2),
            "max_norm": description(self.max_norm),
            "schedule": description(self.schedule),
            "metrics": list(self.record.metrics),
            "early_stopping": description(None if self.best is None else self.best.rule),
            **({"dropout": list(getattr(self.model, "dropout", ()))} if self.dropout else {}),
        }

    def _data(self) -> FloatArray:
        self._show()
        return np.array([parameter.data for parameter in self.parameters])

    def _assign(self, data: FloatArray) -> None:
        for parameter, number in zip(self.parameters, data.tolist(), strict=True):
            parameter.data = number
