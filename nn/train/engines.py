"""What computes losses and gradients in training: engines.

- "compiled": `autograd.compile` records the model and the loss for one example and runs the matrix program derived from
  it.
- "eager": the scalar engine, example by example.
- "closed_form": the documents' equations, `nn.closed_form.backprop`, for an MLP and a loss they know.

The three give the same training run up to rounding. An engine is given the numbers of the parameters as one array, in
the order of its `leaves`: the compiled one needs no Values for a step, the others assign them.
"""

from __future__ import annotations

import os
import re
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

import autograd
from autograd import RecordingError, Value
from autograd.value import assign

from ..arguments import FloatArray, unknown_name
from ..closed_form import backprop
from ..loss.loss_table import LOSSES, LossFunction, name_of
from ..model.mlp import MLP
from .evaluation import Batch, BatchGradient, Gradient, Model, assessed, eager_gradient
from .programs import program_of

if TYPE_CHECKING:
    from autograd import Program
    from autograd.lift.run.shards import Map, ShardedProgram

__all__ = ["ENGINES", "ROWS_IN_A_SHARD", "ClosedFormEngine", "CompiledEngine", "EagerEngine", "Engine", "engine_named"]

ROWS_IN_A_SHARD = 256
"""Where a batch is cut for a `map`: always in the same places, so that the bits do not depend on who computes what."""

_NAMES_A_LINE = re.compile(r", line \d+")
_PACKAGES = tuple(str(folder) + os.sep for folder in (Path(autograd.__file__).parent, Path(__file__).parents[1]))


class Engine(Protocol):
    """What computes the losses and gradients of a model.

    Attributes:
        leaves: The parameters that the gradient is taken of, in the order of its entries; settled by `prepare`.
    """

    leaves: tuple[Value, ...]

    def prepare(self, batch: Batch) -> None:
        """Get ready for batches with these inputs, once."""

    def show(self, data: FloatArray) -> None:
        """Assign numbers to the parameters."""

    def gradient(self, data: FloatArray, batch: Batch) -> BatchGradient:
        """Return the loss, the outputs and the gradient of a batch at some numbers of the parameters."""

    def assessed(self, data: FloatArray, batch: Batch) -> tuple[float, FloatArray]:
        """Return the mean loss over a batch and the outputs, without dropout."""


class EagerEngine:
    """The scalar engine.

    Args:
        model: The model.
        loss: The loss of one example.
        parameters: What the gradient is taken of.
    """

    def __init__(self, model: Model, loss: LossFunction, parameters: Sequence[Value]) -> None:
        self.leaves = tuple(parameters)
        self._model, self._loss = model, loss
        self._gradient: Gradient = eager_gradient(model, loss, self.leaves)

    def prepare(self, batch: Batch) -> None:
        """There is nothing to prepare."""

    def show(self, data: FloatArray) -> None:
        """Assign numbers to the parameters."""
        assign(self.leaves, data.tolist())

    def gradient(self, data: FloatArray, batch: Batch) -> BatchGradient:
        """Return the loss, the outputs and the gradient of a batch at some numbers of the parameters."""
        assign(self.leaves, data.tolist())
        return self._gradient(batch)

    def assessed(self, data: FloatArray, batch: Batch) -> tuple[float, FloatArray]:
        """Return the mean loss over a batch and the outputs."""
        assign(self.leaves, data.tolist())
        return assessed(self._model, self._loss, batch)


class ClosedFormEngine(EagerEngine):
    """The documents' equations.

    Raises:
        TypeError: If the model is no MLP.
        ValueError: If the loss is not one of `nn.LOSSES`, or the model has dropout.
    """

    def __init__(self, model: Model, loss: LossFunction, parameters: Sequence[Value]) -> None:
        super().__init__(model, loss, parameters)
        if not isinstance(model, MLP):
            raise TypeError(f'engine="closed_form" needs an nn.MLP, got {type(model).__name__}')
        name = name_of(loss)
        if LOSSES.get(name) is not loss:
            raise ValueError(f'engine="closed_form" needs one of the losses {", ".join(LOSSES)}, got {name}')
        if any(model.dropout):
            raise ValueError('engine="closed_form" knows no dropout')
        activations = [layer.activation.name for layer in model.layers]
        arrays = [layer.parameter_arrays() for layer in model.layers]
        order = {
            leaf: k for k, leaf in enumerate(leaf for of in arrays for array in of.values() for leaf in array.flat)
        }
        places = [order.get(leaf, -1) for leaf in self.leaves]

        def gradient(batch: Batch) -> BatchGradient:
            if "w" in batch:
                raise ValueError('engine="closed_form" knows no sample_weight')
            result = backprop(model.weights, model.biases, batch["x"], batch["t"], activations=activations, loss=name)
            found = [{"W": dW, "b": db} for dW, db in zip(result.dW, result.db, strict=True)]
            parts = [layer[kind].ravel() for layer, of in zip(found, arrays, strict=True) for kind in of]
            flat = np.concatenate([*parts, [0.0]])  # parameters that are not the model's have the last, a zero
            return BatchGradient(float(result.loss), result.a[-1], flat[places])

        self._gradient = gradient


class CompiledEngine:
    """The matrix program of model and loss.

    A model or a loss that cannot be recorded, or that takes too many different paths, is trained by the eager engine,
    and a RuntimeWarning says why and where.

    Args:
        model: The model.
        loss: The loss of one example.
        parameters: What the gradient is taken of.
        resumable: Whether a run that begins at another batch must give the same bits. A program that holds only while
            some comparisons come out as recorded depends on where it was recorded, so the eager engine takes over.
        map: What computes the shards of a batch, each of `ROWS_IN_A_SHARD` rows, such as `Executor.map`; None for the
            whole batch here.
    """

    def __init__(
        self,
        model: Model,
        loss: LossFunction,
        parameters: Sequence[Value],
        *,
        resumable: bool = False,
        map: Map | None = None,
    ) -> None:
        self.leaves = tuple(parameters)
        self._model, self._loss = model, loss
        self._everything = tuple(dict.fromkeys([*parameters, *model.parameters()]))
        self._program = program_of(model, loss, self._everything)
        self._eager: EagerEngine | None = None
        self._resumable = resumable
        self._map = map
        self._sharded: ShardedProgram | None = None
        self._names: list[str] = []
        self._places: NDArray[np.int64] | slice = slice(None)

    def prepare(self, batch: Batch) -> None:
        """Record model and loss, and settle the order of the parameters: that of the program, where they fit it."""
        program = self._program
        self._names = list(batch)
        try:
            program.backward_with_outputs(**batch)
        except ArithmeticError:
            self._by_the_scalars(batch)  # raises the error that names the nodes
            raise
        except RecordingError as error:  # of functions that work on numbers, and may draw random ones: no trial
            self._hand_over(error)
            return
        except Exception as error:  # whatever the functions of others raise when they are given Values
            self._take_over(error, batch)
            return
        if self._resumable and program.derived.guards:
            self._take_over("the model compares numbers, and a checkpoint is kept", batch)
            return
        places = program.derived.parameters.position[: len(self.leaves)]
        order = np.argsort(places)
        self.leaves = tuple(self.leaves[k] for k in order)
        if len(order) < program.flat.size:
            self._places = places[order]
        if self._map is not None:
            self._sharded = program.sharded(_cut(batch), map=self._map)

    def gradient(self, data: FloatArray, batch: Batch) -> BatchGradient:
        """Return the loss, the outputs and the gradient of a batch at some numbers of the parameters."""
        if self._eager is not None:
            return self._eager.gradient(data, batch)
        program = self._program
        program.flat[self._places] = data
        try:
            if self._sharded is None:
                loss, outputs = program.backward_with_outputs(**batch)
            else:
                self._sharded.shards = _cut(batch)
                loss, outputs = self._sharded.backward_with_outputs()
        except ArithmeticError:
            assign(self.leaves, data.tolist())
            return self._by_the_scalars(batch)
        except Exception as error:  # a branch of a function of somebody else's that was not recorded yet
            assign(self.leaves, data.tolist())
            return self._take_over(error, batch)
        return BatchGradient(loss, outputs["y"], program.flat_gradient[self._places].copy())

    def assessed(self, data: FloatArray, batch: Batch) -> tuple[float, FloatArray]:
        """Return the mean loss over a batch and the outputs, without dropout."""
        if self._eager is None:
            program = self._program
            program.flat[self._places] = data
            try:
                full = self._completed(batch)
                return program.value(**full), program.outputs(**full)["y"]
            except (ArithmeticError, RuntimeError):
                pass  # the scalars say what is wrong, if something is
        return EagerEngine(self._model, self._loss, self.leaves).assessed(data, batch)

    def show(self, data: FloatArray) -> None:
        """Assign numbers to the parameters, by the program, which then need not look at what was assigned."""
        if self._eager is not None:
            assign(self.leaves, data.tolist())
            return
        self._program.flat[self._places] = data
        self._program.push()

    @property
    def program(self) -> Program | None:
        """The program, in the order of whose `flat` all parameters come; None if model and loss have none."""
        return self._program if self._eager is None else None

    def _completed(self, batch: Batch) -> Batch:
        """Return a batch with all inputs of the program: masks that drop nothing, weights that are all 1."""
        sizes = self._program.derived.inputs
        return {name: batch[name] if name in batch else np.ones((len(batch["x"]), sizes[name])) for name in self._names}

    def _by_the_scalars(self, batch: Batch) -> BatchGradient:
        return eager_gradient(self._model, self._loss, self.leaves)(batch)

    def _take_over(self, reason: Exception | str, batch: Batch) -> BatchGradient:
        """Return what the eager engine gives, which does all that follows; raise where it fails too."""
        found = self._by_the_scalars(batch)
        self._hand_over(reason)
        return found

    def _hand_over(self, reason: Exception | str) -> None:
        """Leave all that follows to the eager engine, with a warning that says why."""
        self._eager = EagerEngine(self._model, self._loss, self.leaves)
        text = str(reason)
        if not _NAMES_A_LINE.search(text):
            kind = "" if isinstance(reason, str) else f"{type(reason).__name__}: "
            text = f"{_place(self._model, self._loss, None if kind == '' else reason)}: {kind}{text}"
        warnings.warn(f"training goes on with the eager engine: {text}", RuntimeWarning, stacklevel=_level_of_caller())


def _cut(batch: Batch) -> list[Batch]:
    """Return the shards of a batch."""
    count = len(next(iter(batch.values())))
    return [
        {name: values[start : start + ROWS_IN_A_SHARD] for name, values in batch.items()}
        for start in range(0, count, ROWS_IN_A_SHARD)
    ]


def _level_of_caller() -> int:
    """Return how many calls above the one that asks the code stands that called this package."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGES):
        level, frame = level + 1, frame.f_back
    return level


def _place(model: Model, loss: LossFunction, error: Exception | str | None) -> str:
    """Return file and line of what cannot be compiled: where an error came from, or where the model is written."""
    frames = traceback.extract_tb(error.__traceback__ if isinstance(error, Exception) else None)
    for frame in reversed(frames):
        if not frame.filename.startswith(_PACKAGES):
            return f"{frame.filename}, line {frame.lineno}"
    for thing in (type(model).__call__, loss):
        code = getattr(thing, "__code__", None)
        if code is not None and not code.co_filename.startswith(_PACKAGES):
            return f"{code.co_filename}, line {code.co_firstlineno}"
    return type(model).__name__


ENGINES: dict[str, Callable[[Model, LossFunction, Sequence[Value]], Engine]] = {
    "compiled": CompiledEngine,
    "eager": EagerEngine,
    "closed_form": ClosedFormEngine,
}
"""What computes gradients, by name."""


def require_map(map: object) -> None:
    """Raise if there is a `map`, and shards cannot be computed by it.

    Raises:
        ImportError: If threadpoolctl is missing (the extra "cluster").
        TypeError: If it is no function.
    """
    if map is not None:
        from autograd.lift.run.shards import require_map as require

        require(map)


def engine_named(
    engine: str,
    model: Model,
    loss: LossFunction,
    parameters: Sequence[Value],
    *,
    resumable: bool = False,
    map: Map | None = None,
) -> Engine:
    """Return the engine with a name.

    Args:
        engine: A name of `ENGINES`.
        model: The model.
        loss: The loss of one example.
        parameters: What the gradient is taken of.
        resumable: Whether the same batch must give the same bits in a run that begins there.
        map: What computes the shards of a batch, for the compiled engine.

    Raises:
        TypeError: If `engine` is not a name, or the engine does not fit the model, or `map` is no function.
        ValueError: If there is no such engine, or it does not know the loss or what to do with a `map`.
    """
    if not isinstance(engine, str):
        raise TypeError(f"engine must be one of the names {', '.join(ENGINES)}, got {engine!r}")
    if engine not in ENGINES:
        raise unknown_name("engine", engine, ENGINES)
    if engine == "compiled":
        require_map(map)
        return CompiledEngine(model, loss, parameters, resumable=resumable, map=map)
    if map is not None:
        raise ValueError(f'map goes with engine="compiled", got engine={engine!r}')
    return ENGINES[engine](model, loss, parameters)
