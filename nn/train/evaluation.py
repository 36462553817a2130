"""A model on examples: the checks of inputs and targets, its outputs, its loss, and the gradient of a batch."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from autograd import Value, affine, no_grad
from autograd.op import finite_float

from ..arguments import FloatArray, float_rows
from ..loss.loss_table import LossFunction, loss_named, name_of, require_targets
from ..loss.targets import decision
from .history import Evaluation

__all__ = ["BatchGradient", "Gradient", "Model", "assessed", "eager_gradient", "evaluate", "examples", "trainable"]


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


def evaluate(model: Model, X: ArrayLike, T: ArrayLike, *, loss: str | LossFunction) -> Evaluation:
    """Return the mean loss of a model over examples, and its accuracy; no graph is recorded.

    Args:
        model: An MLP or another module that is called with the numbers of one example.
        X: Inputs, shape (N, n_in).
        T: Targets, shape (N, n_out).
        loss: The name of a loss, or a function of one example's outputs and target.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If shapes do not fit, there are no examples, a number is not finite, a target is none of the loss,
            or a name is unknown.
        DomainError: If a loss is not finite.
    """
    loss = loss_named(loss)
    X, T = examples(model, loss, "X", X, "T", T)
    mean, outputs = assessed(model, loss, X, T)
    classify = decision(T, name_of(loss))
    return Evaluation(mean, None if classify is None else float((classify(outputs) == classify(T)).mean()))


def assessed(model: Model, loss: LossFunction, X: FloatArray, T: FloatArray) -> tuple[float, FloatArray]:
    """Return the mean loss over examples that have been checked, and the outputs, shape (N, n_out)."""
    with no_grad():
        outputs = [_outputs(model, x) for x in X]
        losses = [_number(loss(y, t)) for y, t in zip(outputs, T.tolist(), strict=True)]
    return _mean(losses), _data(outputs)


def eager_gradient(model: Model, loss: LossFunction, parameters: Sequence[Value]) -> Gradient:
    """Return the function that gives the loss and the gradient of a batch by reverse passes.

    What accumulates is the gradient of the mean over the batch. A pass covers several examples, because each pass
    visits every parameter, but not all of a large batch, whose graph would need much memory. The gradients are left in
    `grad` of the parameters too. An error carries a note that says at which example of the batch it came.
    """

    def gradient(X: FloatArray, T: FloatArray) -> BatchGradient:
        for parameter in parameters:
            parameter.grad = 0.0
        losses, outputs = [], []
        n, rows = 0, T.tolist()
        for start in range(0, len(X), EXAMPLES_IN_A_PASS):
            part = range(start, min(start + EXAMPLES_IN_A_PASS, len(X)))
            of_examples = []
            try:
                for n in part:
                    outputs.append(_outputs(model, X[n]))
                    of_examples.append(trainable(loss, loss(outputs[-1], rows[n])))
            except ArithmeticError as error:
                error.add_note(f"at example {n + 1} of the batch of {len(X)}")
                raise
            try:
                affine(of_examples, [1.0 / len(X)] * len(part)).backward()
            except ArithmeticError as error:
                error.add_note(f"at one of the examples {part[0] + 1} to {part[-1] + 1} of the batch of {len(X)}")
                raise
            losses += [example.data for example in of_examples]
        gradients = np.array([parameter.grad for parameter in parameters])
        return BatchGradient(_mean(losses), _data(outputs), gradients)

    return gradient


def examples(
    model: Model, loss: LossFunction, X_name: str, X: ArrayLike, T_name: str, T: ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Return inputs and targets as rows, after a trial of the first one that changes nothing.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If shapes do not fit, there are no examples, or a number or a target is refused.
    """
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


def trainable(loss: LossFunction, result: Any) -> Value:
    """Return the loss of an example, if it is a Value.

    Raises:
        TypeError: If it is not.
    """
    if not isinstance(result, Value):
        raise TypeError(f"the loss {name_of(loss)} must return a Value to be trained on, got {result!r}")
    return result


def _number(loss: Any) -> float:
    return loss.data if isinstance(loss, Value) else finite_float(loss, "evaluate")


def _mean(losses: Sequence[float]) -> float:
    return math.fsum(loss / len(losses) for loss in losses)  # divided first: the sum of large losses could overflow


def _data(outputs: Sequence[Sequence[Value]]) -> FloatArray:
    return np.array([[value.data for value in row] for row in outputs])
