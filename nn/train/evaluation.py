"""A model on examples, one scalar at a time: its outputs, its loss, and the gradient of a batch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np

from autograd import Value, affine, no_grad
from autograd.op import finite_float

from ..arguments import FloatArray
from ..loss.loss_table import LossFunction, name_of
from ..model.dropout import masks_in

__all__ = [
    "Batch",
    "BatchGradient",
    "Gradient",
    "Model",
    "assessed",
    "eager_gradient",
    "outputs_of",
    "outputs_with",
    "trainable",
]


EXAMPLES_IN_A_PASS = 32
"""More save nothing: what a pass costs beside its examples is by then a twentieth of the whole."""

Batch: TypeAlias = Mapping[str, FloatArray]
"""The rows of a batch: inputs "x" (N, n_in), targets "t" (N, n_out); "w" (N, 1), with mean 1, where they have weights;
and a mask "mask1", … for the activations of each layer with dropout."""


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


Gradient: TypeAlias = Callable[[Batch], BatchGradient]


def assessed(model: Model, loss: LossFunction, batch: Batch) -> tuple[float, FloatArray]:
    """Return the mean loss over examples that have been checked, and the outputs, shape (N, n_out)."""
    weights = batch["w"][:, 0].tolist() if "w" in batch else [1.0] * len(batch["x"])
    with no_grad():
        outputs = [outputs_of(model, x) for x in batch["x"]]
        losses = [_number(loss(y, t)) for y, t in zip(outputs, batch["t"].tolist(), strict=True)]
    return _mean(losses, weights), _data(outputs)


def eager_gradient(model: Model, loss: LossFunction, parameters: Sequence[Value]) -> Gradient:
    """Return the function that gives the loss and the gradient of a batch by reverse passes.

    What accumulates is the gradient of the mean over the batch. A pass covers several examples, because each pass
    visits every parameter, but not all of a large batch, whose graph would need much memory. The gradients are left in
    `grad` of the parameters too. An error carries a note that says at which example of the batch it came.
    """

    def gradient(batch: Batch) -> BatchGradient:
        for parameter in parameters:
            parameter.grad = 0.0
        X, T = batch["x"], batch["t"].tolist()
        weights = batch["w"][:, 0].tolist() if "w" in batch else [1.0] * len(X)
        losses, outputs = [], []
        n = 0
        for start in range(0, len(X), EXAMPLES_IN_A_PASS):
            part = range(start, min(start + EXAMPLES_IN_A_PASS, len(X)))
            of_examples = []
            try:
                for n in part:
                    outputs.append(outputs_with(model, X[n], masks_in(batch, n)))
                    of_examples.append(trainable(loss, loss(outputs[-1], T[n])))
                    losses.append(of_examples[-1].data)  # which raises what overflowed on the way
            except ArithmeticError as error:
                error.add_note(f"at example {n + 1} of the batch of {len(X)}")
                raise
            try:
                affine(of_examples, [weights[n] / len(X) for n in part]).backward()
            except ArithmeticError as error:
                error.add_note(f"at one of the examples {part[0] + 1} to {part[-1] + 1} of the batch of {len(X)}")
                raise
        gradients = np.array([parameter.grad for parameter in parameters])
        return BatchGradient(_mean(losses, weights), _data(outputs), gradients)

    return gradient


def outputs_of(model: Model, x: Any) -> Sequence[Value]:
    """Return the outputs for one example, a sequence also where the model returns a single Value."""
    y = model(x)
    return [y] if isinstance(y, Value) else y


def outputs_with(model: Any, x: Any, masks: Sequence[Any]) -> Sequence[Value]:
    """Return the outputs for one example in training, where masks drop some activations."""
    return outputs_of(model, x) if not masks else model(x, masks=masks)


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


def _mean(losses: Sequence[float], weights: Sequence[float]) -> float:
    # divided first: the sum of large losses could overflow
    return math.fsum(loss / len(losses) * weight for loss, weight in zip(losses, weights, strict=True))


def _data(outputs: Sequence[Sequence[Value]]) -> FloatArray:
    return np.array([[value.data for value in row] for row in outputs])
