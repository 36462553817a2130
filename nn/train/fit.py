"""Training: mini-batch gradient descent.

`fit` checks what it is given; `nn.train.run` holds the loop. What computes the loss and the gradient of a batch is a
function of its own (`eager_gradient`): it gets the rows of a batch and returns numbers, so the loop does not know how
they were found.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from tqdm import tqdm

from ..arguments import FloatArray, generator, unknown_name, whole_number
from ..loss.loss_table import LossFunction, loss_named, name_of
from ..loss.metrics import Metric, metrics_named
from ..loss.targets import decision
from .engines import gradient_by
from .evaluation import BatchGradient, Model, eager_gradient, evaluate, examples
from .history import Evaluation, History, Record
from .optimizers import Optimizer
from .penalty import Penalty
from .rules import require_max_norm
from .run import Callback, EpochEnd, Run
from .schedules import Schedule
from .stopping import Best, EarlyStopping

__all__ = [
    "BatchGradient",
    "Callback",
    "EpochEnd",
    "Evaluation",
    "History",
    "Model",
    "eager_gradient",
    "evaluate",
    "fit",
]


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
    shuffle: bool = True,
    l2: float = 0.0,
    max_norm: float | None = None,
    schedule: Schedule | None = None,
    metrics: Sequence[str | Metric] = (),
    validation: tuple[ArrayLike, ArrayLike] | None = None,
    early_stopping: EarlyStopping | int | None = None,
    callbacks: Sequence[Callback] = (),
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: int | None = None,
    resume: bool = False,
    progress: bool | None = None,
    engine: str = "compiled",
) -> History:
    """Train a model in mini-batches and return what happened.

    In each epoch the examples are shuffled and cut into batches; the last batch may be smaller. For each batch the
    optimiser takes one step along the gradient of the mean loss over the batch.

    Ctrl-C ends training after the batch at hand: the model keeps what it has learned, a checkpoint is written if there
    is to be one, and the history says where training ended. A second Ctrl-C raises KeyboardInterrupt at once.

    Args:
        model: An MLP or another module that is called with the numbers of one example.
        X: Inputs, shape (N, n_in).
        T: Targets, shape (N, n_out); `nn.one_hot` makes them from classes.
        loss: The name of a loss, or a function of one example's outputs and target.
        optimizer: Such as `nn.SGD(model.parameters(), learning_rate=0.1)`.
        epochs: How many times to go through the examples.
        batch_size: How many examples to take for a step.
        seed: A seed or a generator for the shuffling; the same seed gives the same weights.
        shuffle: Whether to take the examples in a new random order in each epoch.
        l2: The coefficient c of the penalty (c/2) Σ w² over the model's weights, not its biases, added once to the
            loss of each batch.
        max_norm: The largest Euclidean norm of a gradient; longer ones are shortened to it.
        schedule: Gives the factor of the learning rate after a number of epochs, such as `nn.CosineSchedule(20)`.
        metrics: Names and functions (outputs, targets) → number, taken of all outputs of an epoch.
        validation: Inputs and targets to evaluate after each epoch.
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
            loss that keeps account of its calls.

    Raises:
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
    X, T = examples(model, loss, "X", X, "T", T)
    if validation is not None:
        validation = _validation(model, loss, validation)
    _require_fitting(optimizer, model)
    if max_norm is not None:
        require_max_norm(max_norm)
    _require_functions(schedule, callbacks)
    classify = decision(T, name_of(loss))
    record = Record(classify, metrics_named(metrics, with_accuracy=classify is not None))
    best = _best(early_stopping, record, validation is not None)
    run = Run(
        model=model,
        X=X,
        T=T,
        loss=loss,
        optimizer=optimizer,
        epochs=epochs,
        batch_size=batch_size,
        rng=generator(seed),
        shuffle=bool(shuffle),
        penalty=Penalty.of(model, l2, optimizer),
        max_norm=max_norm,
        schedule=schedule,
        validation=validation,
        best=best,
        callbacks=tuple(callbacks),
        record=record,
        engine=engine,
        gradient=gradient_by(engine, model, loss, optimizer.parameters, resumable=checkpoint is not None),
    )
    if checkpoint is None:
        if resume or checkpoint_every is not None:
            raise ValueError("resume and checkpoint_every need a checkpoint: pass its path")
    else:
        every = None if checkpoint_every is None else whole_number("checkpoint_every", checkpoint_every)
        run.keep(checkpoint, every, resume=resume, seed=seed)
    hidden = not (sys.stderr.isatty() if progress is None else progress)
    with tqdm(total=epochs * len(X), initial=run.examples_done, unit=" examples", disable=hidden) as bar:
        return run.history(bar)


def _validation(model: Model, loss: LossFunction, pair: object) -> tuple[FloatArray, FloatArray]:
    if not isinstance(pair, tuple) or len(pair) != 2:
        raise TypeError(f"validation must be a pair (X, T), got {type(pair).__name__}")
    return examples(model, loss, "the validation X", pair[0], "the validation T", pair[1])


def _require_fitting(optimizer: object, model: Model) -> None:
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer must be an nn.Optimizer, such as nn.SGD, got {optimizer!r}")
    if not {id(parameter) for parameter in model.parameters()} & {id(leaf) for leaf in optimizer.parameters}:
        raise ValueError("the optimiser holds no parameter of this model: make it from model.parameters()")


def _require_functions(schedule: object, callbacks: object) -> None:
    if not (schedule is None or callable(schedule)):
        raise TypeError(f"schedule must be a function of the epochs gone by, got {schedule!r}")
    if not isinstance(callbacks, Sequence) or not all(callable(callback) for callback in callbacks):
        raise TypeError(f"callbacks must be a list of functions, got {callbacks!r}")


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
