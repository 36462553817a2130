"""Training: mini-batch gradient descent.

`fit` checks what it is given; `nn.train.run` holds the loop. What computes the loss and the gradient of a batch is an
engine of `nn.train.engines`: it gets the rows of a batch and returns numbers, so the loop does not know how they were
found.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from ..arguments import generator, unknown_name, whole_number
from ..loss.classes import Label
from ..loss.loss_table import LossFunction, loss_named
from ..loss.metrics import Metric, metrics_named
from ..loss.penalty import require_coefficient
from ..model.module import Module
from .engines import engine_named
from .evaluation import Model
from .examples import Examples
from .history import History, Record
from .optimizers import Optimizer
from .rules import require_max_norm
from .run import Callback, Run, require_callbacks
from .schedules import Schedule
from .stopping import Best, EarlyStopping

if TYPE_CHECKING:
    from autograd.lift.run.shards import Map

__all__ = ["fit"]


def fit(
    model: Model,
    X: ArrayLike,
    T: ArrayLike,
    *,
    loss: str | LossFunction,
    optimizer: Optimizer,
    epochs: int,
    batch_size: int,
    seed: int | np.random.Generator,
    sample_weight: ArrayLike | None = None,
    classes: Sequence[Label] | None = None,
    shuffle: bool = True,
    l2: float = 0.0,
    max_norm: float | None = None,
    schedule: Schedule | None = None,
    metrics: Sequence[str | Metric] = (),
    validation: tuple[ArrayLike, ArrayLike] | tuple[ArrayLike, ArrayLike, ArrayLike] | None = None,
    early_stopping: EarlyStopping | int | None = None,
    callbacks: Sequence[Callback] = (),
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: int | None = None,
    resume: bool = False,
    progress: bool | None = None,
    engine: str = "compiled",
    map: Map | None = None,
) -> History:
    """Train a model in mini-batches and return what happened.

    In each epoch the examples are shuffled and cut into batches; the last batch may be smaller. For each batch the
    optimiser takes one step along the gradient of the mean loss over the batch.

    Ctrl-C ends training after the batch at hand: the model keeps what it has learned, a checkpoint is written if there
    is to be one, and the history says where training ended. A second Ctrl-C raises KeyboardInterrupt at once.

    Args:
        model: An MLP or another module that is called with the numbers of one example.
        X: Inputs, shape (N, n_in). A `numpy.memmap`, or an object with `shape` whose slices are arrays, is read batch
            by batch and never copied whole.
        T: Targets, shape (N, n_out); or (N,) for a single output. Where the loss is for classes, they may be labels,
            shape (N,): whole numbers, words or truth values. The model keeps them as `classes`.
        loss: The name of a loss, or a function of one example's outputs and target.
        optimizer: Such as `nn.SGD(model.parameters(), learning_rate=0.1)`.
        epochs: How many times to go through the examples.
        batch_size: How many examples to take for a step.
        seed: A seed or a generator for the shuffling; the same seed gives the same weights.
        sample_weight: How much each example counts, shape (N,), from 0 up. The loss of a batch is the mean over its
            examples by weight, Σ w C / Σ w.
        classes: The classes in the order of the outputs (of a single output: that of 0 and that of 1), where targets
            are labels; by default those of the model, or those among the labels in order.
        shuffle: Whether to take the examples in a new random order in each epoch.
        l2: The coefficient c of the penalty (c/2) Σ w² over the model's weights, not its biases, added once to the
            loss of each batch.
        max_norm: The largest Euclidean norm of a gradient; longer ones are shortened to it.
        schedule: Gives the factor of the learning rate after a number of epochs, such as `nn.CosineSchedule(20)`.
        metrics: Names and functions (outputs, targets) → number, taken of all outputs of an epoch.
        validation: Inputs and targets to evaluate after each epoch, and their weights, if they have some.
        early_stopping: When to stop and what to keep, or the patience with respect to the validation loss.
        callbacks: Called with an `EpochEnd` after each epoch, in order.
        checkpoint: Where to keep a checkpoint. It is written after each epoch, atomically.
        checkpoint_every: Write it after so many batches, too.
        resume: Go on where the checkpoint is, or begin where there is none yet. The result is bit for bit that of a
            run that was never interrupted. Only `epochs` may differ from that run.
        progress: Whether to show a progress bar on the standard error; by default, if that is a terminal.
        engine: What computes gradients: "compiled", the matrix program of model and loss; "eager", the scalar engine;
            or "closed_form", the documents' equations, for an MLP. They give the same run up to rounding. The first
            calls model and loss for a few examples only, once for every path through their code: take "eager" for a
            loss that keeps account of its calls. What it
            cannot compile is trained eagerly, with a warning that names file and line.
        map: What computes a large batch in parts of 256 rows, such as `Executor.map` of `concurrent.futures`, of mpi4py
            or of Dask's `client.get_executor()`; by default the whole batch is computed here. The bits depend on the
            parts, not on who computes them.

    Raises:
        ImportError: If there is a `map` and threadpoolctl is missing (the extra "cluster").
        TypeError: If an argument is of the wrong kind.
        ValueError: If shapes do not fit, there are no examples, a number is not finite, a target is none of the loss,
            a name is unknown, the optimiser holds no parameter of the model, or the checkpoint is that of another run.
            Then nothing has changed. Also if a metric gives no finite number, at the end of the epoch.
        ModelFileError: If the checkpoint is damaged. Then nothing has changed.
        FileExistsError: If there is a checkpoint already and `resume` is not asked for.
        OSError: If a checkpoint cannot be read or written.
        ArithmeticError: If a loss, a gradient or a step is not finite; the error names the operation, and its notes say
            the example, the batch and the epoch. The parameters are then those after the last good step.

    Example:
        >>> import nn
        >>> xor = nn.data.xor()
        >>> model = nn.MLP(2, [4, 1], seed=1)
        >>> sgd = nn.SGD(model.parameters(), learning_rate=0.5, momentum=0.9)
        >>> history = nn.fit(model, xor.X, xor.y[:, None], loss="binary_cross_entropy_with_logits", optimizer=sgd,
        ...                  epochs=100, batch_size=4, seed=0)
        >>> float(history.accuracy[-1])
        1.0
    """
    loss = loss_named(loss)
    epochs, batch_size = whole_number("epochs", epochs), whole_number("batch_size", batch_size)
    classes = classes if classes is not None else getattr(model, "classes", None)
    examples = Examples.of(model, loss, X, T, sample_weight, classes=classes)
    known = classes if examples.classes is None else examples.classes
    held_out = Examples.for_validation(model, loss, validation, known)
    _require_fitting(optimizer, model)
    if max_norm is not None:
        require_max_norm(max_norm)
    require_coefficient("l2", l2)
    require_callbacks(callbacks)
    if not (schedule is None or callable(schedule)):
        raise TypeError(f"schedule must be a function of the epochs gone by, got {schedule!r}")
    record = Record(examples.classify, metrics_named(metrics, with_accuracy=examples.classify is not None))
    best = _best(early_stopping, record, held_out is not None)
    run = Run(
        model=model,
        examples=examples,
        loss=loss,
        optimizer=optimizer,
        epochs=epochs,
        batch_size=batch_size,
        rng=generator(seed),
        shuffle=bool(shuffle),
        l2=l2,
        max_norm=max_norm,
        schedule=schedule,
        validation=held_out,
        best=best,
        callbacks=tuple(callbacks),
        record=record,
        engine=engine_named(engine, model, loss, optimizer.parameters, resumable=checkpoint is not None, map=map),
        engine_name=engine if map is None else f"{engine}, in shards",
    )
    if checkpoint is None:
        if resume or checkpoint_every is not None:
            raise ValueError("resume and checkpoint_every need a checkpoint: pass its path")
    else:
        every = None if checkpoint_every is None else whole_number("checkpoint_every", checkpoint_every)
        run.keep(checkpoint, every, resume=resume, seed=seed)
    if examples.classes is not None and isinstance(model, Module):
        model.classes = examples.classes
    hidden = not (sys.stderr.isatty() if progress is None else progress)
    from tqdm import tqdm  # here, because it takes a seventh of the time of `import nn`

    with tqdm(total=epochs * len(examples), initial=run.examples_done, unit=" examples", disable=hidden) as bar:
        return run.history(bar)


def _require_fitting(optimizer: object, model: Model) -> None:
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer must be an nn.Optimizer, such as nn.SGD, got {optimizer!r}")
    if not {id(parameter) for parameter in model.parameters()} & {id(leaf) for leaf in optimizer.parameters}:
        raise ValueError("the optimiser holds no parameter of this model: make it from model.parameters()")


def _best(rule: object, record: Record, with_validation: bool) -> Best | None:
    if rule is None:
        return None
    if isinstance(rule, int) and not isinstance(rule, bool):
        rule = EarlyStopping(rule)
    if not isinstance(rule, EarlyStopping):
        raise TypeError(f"early_stopping must be an nn.EarlyStopping or a number of epochs, got {rule!r}")
    names = record.names(with_validation)
    if rule.monitor not in names:
        raise unknown_name("number to monitor", rule.monitor, names)
    return Best(rule)
