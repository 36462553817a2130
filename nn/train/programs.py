"""The matrix programs of models and losses, and those that are kept for a network between calls."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from autograd import Value
from autograd import compile as compiled

from ..loss.loss_table import LOSSES, LossFunction, name_of
from ..model.dropout import masks_in
from ..model.mlp import MLP
from .evaluation import Model, outputs_with, trainable

if TYPE_CHECKING:
    from autograd import Program

__all__ = ["kept_program", "program_of"]

_kept: weakref.WeakKeyDictionary[MLP, dict[str, tuple[list[Any], Program]]] = weakref.WeakKeyDictionary()


def program_of(model: Model, loss: LossFunction, parameters: Sequence[Value]) -> Program:
    """Return the program of a model and a loss, which is recorded when it is first run.

    Its inputs are those of a batch, `nn.train.evaluation.Batch`, and its output "y" holds the model's outputs. It does
    not keep an MLP alive.
    """
    find: Callable[[], Any] = weakref.ref(model) if isinstance(model, MLP) else lambda: model

    def one_example(x: list[Value], **given: list[Value]) -> tuple[Any, dict[str, Any]]:
        y = outputs_with(find(), x, masks_in(given))
        t = [each.data for each in given["t"]]  # numbers, as for the eager engine; a loss may ignore them
        cost = trainable(loss, loss(y, t))
        return given["w"][0] * cost if "w" in given else cost, {"y": y}

    return compiled(one_example, parameters=list(parameters))


def kept_program(model: Model, loss: LossFunction) -> Program | None:
    """Return the program that is kept for an MLP and a loss of the table; None for others, which may change unseen.

    It is made anew where layers, activations or parameters of the network are not those that it was made of.
    """
    name = name_of(loss)
    if type(model) is not MLP or LOSSES.get(name) is not loss:
        return None
    parts = [part for layer in model.layers for part in (layer.activation, *_values(layer))]
    programs = _kept.setdefault(model, {})
    found = programs.get(name)
    if found is None or len(found[0]) != len(parts) or any(a is not b for a, b in zip(found[0], parts, strict=True)):
        found = programs[name] = (parts, program_of(model, loss, model.parameters()))
    return found[1]


def _values(layer: Any) -> list[Any]:
    return [held for neuron in layer.neurons for held in (neuron.w, neuron.b)]
