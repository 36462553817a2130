"""What computes the gradient of a batch during training.

- "compiled": `autograd.compile` records the model and the loss for one example and runs the matrix program derived from
  it; the parameters stay in the model's Values.
- "eager": the scalar engine, example by example.
- "closed_form": the documents' equations, `nn.closed_form.backprop`, for an MLP and a loss they know.

The three give the same training run up to rounding.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd import Value
from autograd import compile as compiled

from ..arguments import FloatArray, unknown_name
from ..closed_form import backprop
from ..loss.loss_table import LOSSES, LossFunction, name_of
from ..model.mlp import MLP
from .evaluation import BatchGradient, Gradient, Model, eager_gradient, trainable

__all__ = ["ENGINES", "CompiledGradient", "gradient_by"]


class CompiledGradient:
    """The function that gives the loss and the gradient of a batch by the matrix program of model and loss.

    A model or a loss that cannot be recorded, or that takes too many different paths, is trained by the
    eager engine, and a RuntimeWarning says why and where.

    Args:
        model: The model.
        loss: The loss of one example.
        parameters: What the gradient is taken of.
        resumable: Whether a run that begins at another batch must give the same bits. A program that holds only while
            some comparisons come out as recorded depends on where it was recorded, so the eager engine takes over.
    """

    def __init__(
        self, model: Model, loss: LossFunction, parameters: Sequence[Value], *, resumable: bool = False
    ) -> None:
        def one_example(x: list[Value], **given: list[Value]) -> tuple[Any, dict[str, Any]]:
            y = model(x)
            outputs = [y] if isinstance(y, Value) else y
            t = [each.data for each in given["t"]]  # numbers, as for the eager engine; a loss may ignore them
            return trainable(loss, loss(outputs, t)), {"y": outputs}

        self._program = compiled(one_example, parameters=list(dict.fromkeys([*parameters, *model.parameters()])))
        self._eager = eager_gradient(model, loss, parameters)
        self._count = len(parameters)
        self._resumable = resumable
        self._refused = False

    def __call__(self, X: FloatArray, T: FloatArray) -> BatchGradient:
        """Return the loss, the outputs and the gradient of a batch."""
        if self._refused:
            return self._eager(X, T)
        program = self._program
        try:
            mean = program.backward(x=X, t=T)
        except RuntimeError as error:
            return self._by_the_eager_engine(X, T, str(error))
        except (ArithmeticError, ValueError):
            return self._eager(X, T)  # which raises the error that names the nodes
        if self._resumable and program.derived.guards:
            return self._by_the_eager_engine(X, T, "the model compares numbers, and a checkpoint is kept")
        places = program.derived.parameters.position[: self._count]
        return BatchGradient(mean, program.outputs(x=X)["y"], program.flat_gradient[places])

    def _by_the_eager_engine(self, X: FloatArray, T: FloatArray, reason: str) -> BatchGradient:
        self._refused = True
        warnings.warn(f"training goes on with the eager engine: {reason}", RuntimeWarning, stacklevel=3)
        return self._eager(X, T)


def closed_form_gradient(model: Model, loss: LossFunction, parameters: Sequence[Value]) -> Gradient:
    """Return the function that gives the loss and the gradient of a batch by the documents' equations.

    Raises:
        TypeError: If the model is no MLP.
        ValueError: If the loss is not one of `nn.LOSSES`.
    """
    if not isinstance(model, MLP):
        raise TypeError(f'engine="closed_form" needs an nn.MLP, got {type(model).__name__}')
    name = name_of(loss)
    if LOSSES.get(name) is not loss:
        raise ValueError(f'engine="closed_form" needs one of the losses {", ".join(LOSSES)}, got {name}')
    activations = [layer.activation.name for layer in model.layers]
    order = {id(leaf): k for k, leaf in enumerate(_by_layer(model))}
    places = [order.get(id(leaf), -1) for leaf in parameters]

    def gradient(X: FloatArray, T: FloatArray) -> BatchGradient:
        result = backprop(model.weights, model.biases, X, T, activations=activations, loss=name)
        parts = [part for dW, db in zip(result.dW, result.db, strict=True) for part in (dW.ravel(), db.ravel())]
        flat = np.concatenate([*parts, [0.0]])  # parameters that are not the model's have the last, a zero
        return BatchGradient(float(result.loss), result.a[-1], flat[places])

    return gradient


def _by_layer(model: MLP) -> list[Value]:
    return [leaf for layer in model.layers for array in layer.parameter_arrays().values() for leaf in array.ravel()]


ENGINES: dict[str, Callable[[Model, LossFunction, Sequence[Value]], Gradient]] = {
    "compiled": CompiledGradient,
    "eager": eager_gradient,
    "closed_form": closed_form_gradient,
}
"""What computes gradients, by name."""


def gradient_by(
    engine: str, model: Model, loss: LossFunction, parameters: Sequence[Value], *, resumable: bool = False
) -> Gradient:
    """Return the function that computes the gradient of a batch.

    Args:
        engine: A name of `ENGINES`.
        model: The model.
        loss: The loss of one example.
        parameters: What the gradient is taken of.
        resumable: Whether the same batch must give the same bits in a run that begins there.

    Raises:
        TypeError: If `engine` is not a name, or the engine does not fit the model.
        ValueError: If there is no such engine, or it does not know the loss.
    """
    if not isinstance(engine, str):
        raise TypeError(f"engine must be one of the names {', '.join(ENGINES)}, got {engine!r}")
    if engine not in ENGINES:
        raise unknown_name("engine", engine, ENGINES)
    if engine == "compiled":
        return CompiledGradient(model, loss, parameters, resumable=resumable)
    return ENGINES[engine](model, loss, parameters)
