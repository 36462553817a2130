"""A backward pass in pieces: functions of single layers, `affine_forward`, `affine_backward`, `relu_backward`.

Each forward function returns its output and a cache, each backward function takes the upstream gradient and that cache.
They are run one after the other, as the layers of the network ask for.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..arguments import FloatArray
from ..loss.loss_table import LossFunction, name_of
from ..model.mlp import MLP
from .reference import gradient_of

__all__ = ["LayerFunctions", "are_layer_functions", "layer_functions"]

DENSE = ("affine", "linear", "dense", "fc", "fully_connected")
LOSSES = {
    "cross_entropy": ("softmax_loss", "softmax_cross_entropy_loss", "softmax_cross_entropy", "cross_entropy_loss"),
    "mse_loss": ("mse_loss", "mse", "l2_loss"),
    "half_squared_error": ("half_squared_error", "squared_loss", "mse_loss", "l2_loss"),
    "binary_cross_entropy": ("binary_cross_entropy", "bce_loss", "log_loss"),
    "binary_cross_entropy_with_logits": ("sigmoid_loss", "logistic_loss", "bce_loss"),
}
"""The names under which a loss is looked for, by our name."""

Pair = tuple[Callable[..., Any], Callable[..., Any]]


@dataclass(frozen=True)
class LayerFunctions:
    """A function of (weights, biases, X, T) that runs functions of layers.

    Attributes:
        dense: Of (x, W, b) to (out, cache), and of (dout, cache) to (dx, dW, db).
        activations: Of x to (out, cache), and of (dout, cache) to dx, for each layer; none for the identity.
        loss: Of (outputs, T) to (loss, dx); none if the gradient of the engine is handed to the last layer.
        of_outputs: The loss of one example, for that.
    """

    dense: Pair
    activations: Sequence[Pair | None]
    loss: Callable[..., Any] | None
    of_outputs: LossFunction = field(repr=False)

    @property
    def functions(self) -> tuple[Callable[..., Any], ...]:
        """What the user wrote."""
        pairs = [self.dense, *filter(None, self.activations)]
        return tuple(dict.fromkeys([*(f for pair in pairs for f in pair), *([self.loss] if self.loss else [])]))

    @property
    def understood(self) -> str:
        """How they are run, as a phrase."""
        names = ", ".join(f.__name__ for f in self.functions)
        return f"layer by layer with {names}{'' if self.loss else ', from the right gradient of the loss down'}"

    def __call__(
        self, weights: list[FloatArray], biases: list[FloatArray], X: FloatArray, T: FloatArray
    ) -> tuple[list[Any], list[Any]]:
        """Return dW and db.

        Raises:
            TypeError: If a function does not return what it should.
        """
        out, caches = X, []
        for W, b, activation in zip(weights, biases, self.activations, strict=True):
            out, cache = _parts(self.dense[0], 2, out, W, b)
            caches.append((self.dense[1], cache))
            if activation is not None:
                out, cache = _parts(activation[0], 2, out)
                caches.append((activation[1], cache))
        dout = self._gradient(out, T)
        gradients: list[tuple[Any, Any]] = []
        for backward, cache in reversed(caches):
            if backward is self.dense[1]:
                dout, dW, db = _parts(backward, 3, dout, cache)
                gradients.insert(0, (dW, db))
            else:
                dout = backward(dout, cache)
        return [dW for dW, _ in gradients], [db for _, db in gradients]

    def _gradient(self, out: Any, T: FloatArray) -> Any:
        if self.loss is not None:
            return _parts(self.loss, 2, out, T)[1]
        rows = [gradient_of(self.of_outputs, a, t) for a, t in zip(np.asarray(out, dtype=float), T, strict=True)]
        return np.array([np.zeros(T.shape[1]) if row is None else row for row in rows]) / len(rows)


def layer_functions(given: Any, model: MLP, loss: LossFunction) -> LayerFunctions | None:
    """Return the backward pass that functions of layers are together; None of anything but such functions.

    Args:
        given: A module, a dictionary, or a list of functions.
        model: The network whose layers they are.
        loss: The loss of one example.

    Raises:
        TypeError: If one is missing.
    """
    found = _named(given)
    pairs = _pairs(found)
    dense = next((pairs[name] for name in DENSE if name in pairs), None)
    if dense is None:
        return None
    activations = list(_activations(model, pairs))
    written = next((found[name] for name in LOSSES.get(name_of(loss), ()) if name in found), None)
    return LayerFunctions(dense, activations, written, loss)


def are_layer_functions(given: Any) -> bool:
    """Return whether functions of a dense layer are among some functions, both forwards and backwards."""
    return any(name in _pairs(_named(given)) for name in DENSE)


def _pairs(found: Mapping[str, Callable[..., Any]]) -> dict[str, Pair]:
    stems = [name.removesuffix("_forward") for name in found if name.endswith("_forward")]
    return {stem: (found[f"{stem}_forward"], found[back]) for stem in stems if (back := f"{stem}_backward") in found}


def _activations(model: MLP, pairs: Mapping[str, Pair]) -> Iterator[Pair | None]:
    for layer in model.layers:
        name = layer.activation.name
        if name != "identity" and name not in pairs:
            raise TypeError(
                f"a layer of the model is one of {name}: required are {name}_forward and {name}_backward, got the "
                f"functions of {', '.join(pairs)}"
            )
        yield pairs.get(name)


def _named(given: Any) -> dict[str, Callable[..., Any]]:
    if isinstance(given, types.ModuleType):
        given = vars(given)
    if isinstance(given, Mapping):
        return {str(name): f for name, f in given.items() if inspect.isfunction(f)}
    if isinstance(given, (list, tuple)):
        return {f.__name__: f for f in given if inspect.isfunction(f)}
    return {}


def _parts(function: Callable[..., Any], count: int, *arguments: Any) -> tuple[Any, ...]:
    returned = function(*arguments)
    if not isinstance(returned, (tuple, list)) or len(returned) != count:
        got = f"{type(returned).__name__}{f' of {len(returned)}' if isinstance(returned, (tuple, list)) else ''}"
        raise TypeError(f"{function.__name__} must return {count} things, got {got}")
    return tuple(returned)
