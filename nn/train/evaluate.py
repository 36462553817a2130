"""How a model does on examples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from ..arguments import FloatArray
from ..loss.classes import Label
from ..loss.loss_table import LossFunction, loss_named
from .evaluation import Batch, Model, assessed
from .examples import Examples
from .history import Evaluation, accuracy
from .programs import kept_program

if TYPE_CHECKING:
    from autograd import Program

__all__ = ["evaluate"]

FEW = 32
"""Below this number of examples the scalars are at their end before a program could be compiled."""


def evaluate(
    model: Model,
    X: ArrayLike,
    T: ArrayLike,
    *,
    loss: str | LossFunction,
    sample_weight: ArrayLike | None = None,
    classes: Sequence[Label] | None = None,
) -> Evaluation:
    """Return the mean loss of a model over examples, and its accuracy; no graph is recorded of the model's parameters.

    An MLP with a loss of the table is compiled, the first time, and then runs as fast as in training; so are blocks of
    rows of a `numpy.memmap`, which is never copied whole.

    Args:
        model: An MLP or another module that is called with the numbers of one example.
        X: Inputs, shape (N, n_in).
        T: Targets, shape (N, n_out), or as `fit` takes them.
        loss: The name of a loss, or a function of one example's outputs and target.
        sample_weight: How much each example counts, shape (N,), from 0 up; the mean is Σ w C / Σ w.
        classes: The classes in the order of the outputs, where targets are labels; by default those of the model.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If shapes do not fit, there are no examples, a number is not finite, a target is none of the loss,
            or a name is unknown.
        DomainError: If a loss is not finite.
    """
    loss = loss_named(loss)
    classes = classes if classes is not None else getattr(model, "classes", None)
    examples = Examples.of(model, loss, X, T, sample_weight, classes=classes)
    program = kept_program(model, loss) if len(examples) >= FEW else None
    mean, outputs = examples.assessed(partial(_assessed, model, loss, program))
    if examples.classify is None:
        return Evaluation(mean, None)
    return Evaluation(mean, accuracy(examples.classify, outputs, examples.T, examples.weights))


def _assessed(model: Model, loss: LossFunction, program: Program | None, batch: Batch) -> tuple[float, FloatArray]:
    if program is not None:
        try:
            rows = {"x": batch["x"], "t": batch["t"]}
            losses, outputs = program.losses(**rows), program.outputs(x=batch["x"])["y"]
            weights = batch["w"][:, 0] if "w" in batch else np.ones(len(losses))
            return math.fsum(losses / len(losses) * weights), outputs
        except (ArithmeticError, RuntimeError):
            pass  # the scalars say what is wrong, if something is
    return assessed(model, loss, batch)
