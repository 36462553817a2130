"""Training: mini-batch gradient descent, and the loss and accuracy of a model.

One function, `fit`, runs the loop. What computes the loss and the gradient of a batch is a function of its own
(`eager_gradient`): it gets the rows of a batch and returns numbers, so the loop does not know how they were found.
"""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from tqdm import tqdm

from autograd import Value, affine, no_grad
from autograd.op import finite_float
from nn.arguments import FloatArray, float_rows, whole_number
from nn.losses import LossFunction, loss_named, name_of, require_targets
from nn.optimizers import Optimizer
from nn.targets import Decision, decision

__all__ = ["BatchGradient", "Evaluation", "History", "Model", "eager_gradient", "evaluate", "fit"]


EXAMPLES_IN_A_PASS = 32
"""More save nothing: what a pass costs beside its examples is by then a twentieth of the whole."""


class Model(Protocol):
    """What can be trained: a module that is called with the numbers of one example, such as an MLP."""

    def __call__(self, x: Any) -> Sequence[Value] | Value:
        """Return the outputs for one example."""

    def parameters(self) -> list[Value]:
        """Return the parameters."""


class BatchGradient(NamedTuple):
    """What one batch gives.

    Attributes:
        loss: The mean loss over the batch.
        outputs: The model's outputs, shape (N, n_out).
        gradients: The gradient of `loss`, one entry per parameter.
    """

    loss: float
    outputs: FloatArray
    gradients: FloatArray


Gradient: TypeAlias = Callable[[FloatArray, FloatArray], BatchGradient]


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
    """What happened in training, epoch by epoch; every array has one entry per epoch.

    Attributes:
        loss: The training loss: the mean over the examples of an epoch, each taken when its batch was trained on, so
            with the parameters before that batch's step. (It is the mean of the batches' losses, weighted by size.)
        accuracy: The share of examples whose class was right at that same time; None where targets are not classes.
        validation_loss: The mean loss over the validation examples after the epoch; None without validation.
        validation_accuracy: Their accuracy after the epoch; None without validation or classes.
    """

    loss: FloatArray
    accuracy: FloatArray | None = None
    validation_loss: FloatArray | None = None
    validation_accuracy: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.loss)

    def __repr__(self) -> str:
        epochs = f"{len(self)} epoch{'s' if len(self) != 1 else ''}"
        series = [
            f"{field.name.replace('_', ' ')} {values[0]:.4g} → {values[-1]:.4g}"
            for field in dataclasses.fields(self)
            if (values := getattr(self, field.name)) is not None
        ]
        return f"History({epochs}: {', '.join(series)})"


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
    validation: tuple[ArrayLike, ArrayLike] | None = None,
    progress: bool | None = None,
) -> History:
    """Train a model in mini-batches and return what happened.

    In each epoch the examples are shuffled and cut into batches; the last batch may be smaller. For each batch the
    optimiser takes one step along the gradient of the mean loss over the batch.

    Args:
        model: An MLP or another module that is called with the numbers of one example.
        X: Inputs, shape (N, n_in).
        T: Targets, shape (N, n_out); `nn.one_hot` makes them from classes.
        loss: The name of a loss, or a function of one example's outputs and target.
        optimizer: Such as `nn.SGD(model.parameters(), learning_rate=0.1)`.
        epochs: How many times to go through the examples.
        batch_size: How many examples to take for a step.
        seed: A seed or a generator for the shuffling; the same seed gives the same weights.
        validation: Inputs and targets to evaluate after each epoch.
        progress: Whether to show a progress bar on the standard error; by default, if that is a terminal.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If shapes do not fit, there are no examples, a number is not finite, a target is none of the loss,
            a name is unknown, or the optimiser holds no parameter of the model. Then nothing has changed.
        ArithmeticError: If a loss, a gradient or a step is not finite. The parameters are then those after the last
            good step; a note on the error says the epoch and the batch.

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
    X, T = _examples(model, loss, "X", X, "T", T)
    if validation is not None:
        if not isinstance(validation, tuple) or len(validation) != 2:
            raise TypeError(f"validation must be a pair (X, T), got {type(validation).__name__}")
        validation = _examples(model, loss, "the validation X", validation[0], "the validation T", validation[1])
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer must be an nn.Optimizer, such as nn.SGD, got {optimizer!r}")
    if not {id(parameter) for parameter in model.parameters()} & {id(leaf) for leaf in optimizer.parameters}:
        raise ValueError("the optimiser holds no parameter of this model: make it from model.parameters()")
    classify = decision(T, name_of(loss))
    gradient = eager_gradient(model, loss, optimizer.parameters)
    rng = np.random.default_rng(seed)
    record = _Record(classify)
    hidden = not (sys.stderr.isatty() if progress is None else progress)
    with tqdm(total=epochs * len(X), unit=" examples", disable=hidden) as bar:
        for epoch in range(1, epochs + 1):
            order = rng.permutation(len(X))
            for start in range(0, len(X), batch_size):
                rows = order[start : start + batch_size]
                try:
                    batch = gradient(X[rows], T[rows])
                    optimizer.apply(batch.gradients)
                except ArithmeticError as error:
                    optimizer.zero_grad()
                    error.add_note(_place(epoch, epochs, start // batch_size, -(-len(X) // batch_size)))
                    raise
                record.add(batch, T[rows])
                bar.update(len(rows))
            record.close_epoch(evaluate(model, *validation, loss=loss) if validation else None)
            bar.set_description(f"epoch {epoch}/{epochs}", refresh=False)
            bar.set_postfix_str(record.latest())
    return record.history()


def evaluate(model: Model, X: ArrayLike, T: ArrayLike, *, loss: str | LossFunction) -> Evaluation:
    """Return the mean loss of a model over examples, and its accuracy; no graph is recorded.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If shapes do not fit, there are no examples, a number is not finite, a target is none of the loss,
            or a name is unknown.
        DomainError: If a loss is not finite.
    """
    loss = loss_named(loss)
    X, T = _examples(model, loss, "X", X, "T", T)
    with no_grad():
        outputs = [_outputs(model, x) for x in X]
        losses = [_number(loss(y, t)) for y, t in zip(outputs, T.tolist(), strict=True)]
    classify = decision(T, name_of(loss))
    accuracy = None if classify is None else float((classify(_data(outputs)) == classify(T)).mean())
    return Evaluation(_mean(losses), accuracy)


def eager_gradient(model: Model, loss: LossFunction, parameters: Sequence[Value]) -> Gradient:
    """Return the function that gives the loss and the gradient of a batch by reverse passes.

    What accumulates is the gradient of the mean over the batch. A pass covers several examples, because each pass
    visits every parameter, but not all of a large batch, whose graph would need much memory. The gradients are left in
    `grad` of the parameters too.
    """

    def gradient(X: FloatArray, T: FloatArray) -> BatchGradient:
        for parameter in parameters:
            parameter.grad = 0.0
        losses, outputs = [], []
        for start in range(0, len(X), EXAMPLES_IN_A_PASS):
            part = slice(start, start + EXAMPLES_IN_A_PASS)
            y = [_outputs(model, x) for x in X[part]]
            examples = [loss(y_n, t_n) for y_n, t_n in zip(y, T[part].tolist(), strict=True)]
            if not all(isinstance(example, Value) for example in examples):
                raise TypeError(f"the loss {name_of(loss)} must return a Value to be trained on, got {examples[0]!r}")
            affine(examples, [1.0 / len(X)] * len(examples)).backward()
            losses += [example.data for example in examples]
            outputs += y
        gradients = np.array([parameter.grad for parameter in parameters])
        return BatchGradient(_mean(losses), _data(outputs), gradients)

    return gradient


class _Record:
    """Gathers the numbers of a history while training runs."""

    def __init__(self, classify: Decision | None) -> None:
        self.classify = classify
        self.series: dict[str, list[float]] = {}
        self._batches: list[tuple[float, int]] = []
        self._right = 0

    def add(self, batch: BatchGradient, T: FloatArray) -> None:
        self._batches.append((batch.loss, len(T)))
        if self.classify is not None:
            self._right += int((self.classify(batch.outputs) == self.classify(T)).sum())

    def close_epoch(self, validation: Evaluation | None) -> None:
        count = sum(n for _, n in self._batches)
        self._enter("loss", math.fsum(loss * (n / count) for loss, n in self._batches))
        if self.classify is not None:
            self._enter("accuracy", self._right / count)
        if validation is not None:
            self._enter("validation_loss", validation.loss)
            if validation.accuracy is not None:
                self._enter("validation_accuracy", validation.accuracy)
        self._batches, self._right = [], 0

    def latest(self) -> str:
        return ", ".join(f"{name.replace('_', ' ')} {values[-1]:.4g}" for name, values in self.series.items())

    def history(self) -> History:
        return History(**{name: np.array(values) for name, values in self.series.items()})

    def _enter(self, name: str, number: float) -> None:
        self.series.setdefault(name, []).append(number)


def _examples(
    model: Model, loss: LossFunction, X_name: str, X: ArrayLike, T_name: str, T: ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Return inputs and targets as rows, after a trial of the first one that changes nothing."""
    if not (callable(model) and hasattr(model, "parameters")):
        raise TypeError(f"a model is called with an example and has parameters(), got {model!r}")
    inputs, targets = float_rows(X_name, X), float_rows(T_name, T)
    if len(inputs) != len(targets):
        raise ValueError(
            f"{X_name} and {T_name} must have as many rows, got {len(inputs)} inputs and {len(targets)} targets"
        )
    require_targets(loss, targets)
    with no_grad():
        n_out = len(_outputs(model, inputs[0]))
    if n_out != targets.shape[1]:
        raise ValueError(f"the model has {n_out} outputs, but {T_name} has {targets.shape[1]} columns")
    return inputs, targets


def _outputs(model: Model, x: FloatArray) -> Sequence[Value]:
    y = model(x)
    return [y] if isinstance(y, Value) else y


def _number(loss: Any) -> float:
    return loss.data if isinstance(loss, Value) else finite_float(loss, "evaluate")


def _mean(losses: Sequence[float]) -> float:
    return math.fsum(loss / len(losses) for loss in losses)  # divided first: the sum of large losses could overflow


def _data(outputs: Sequence[Sequence[Value]]) -> FloatArray:
    return np.array([[value.data for value in row] for row in outputs])


def _place(epoch: int, epochs: int, batch: int, batches: int) -> str:
    return (
        f"in epoch {epoch} of {epochs}, batch {batch + 1} of {batches}; the parameters are those after the step before"
    )
