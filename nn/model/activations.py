"""The activations of a layer, by name.

Every one of them but `identity` is the operation of the same name in `autograd`; the table only says which operations
make sense between layers. `identity` adds no node: the activation a *is* the weighted input z.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import autograd
from autograd import Op, Value

from ..arguments import unknown_name

__all__ = ["ACTIVATIONS", "Activation", "activation_named"]


class Activation(NamedTuple):
    """What a layer applies to each of its weighted inputs.

    Attributes:
        name: What it is called; the formulas of `nn.closed_form` are found by it.
        op: The operation σ, or None for the identity.
    """

    name: str
    op: Op | None

    def method(self) -> Callable[[Value], Value] | None:
        """Return σ in the form that is called fastest: the method of Value, where there is one."""
        return None if self.op is None else _METHODS.get(self.op, self.op)


_OPERATIONS = ("elu", "gelu", "leaky_relu", "relu", "sigmoid", "silu", "sin", "softplus", "tanh")

ACTIVATIONS: dict[str, Activation] = {
    "identity": Activation("identity", None),
    **{name: Activation(name, getattr(autograd, name)) for name in _OPERATIONS},
}
"""The activations that have a name."""

_METHODS: dict[Op, Callable[[Value], Value]] = {
    activation.op: getattr(Value, name) for name, activation in ACTIVATIONS.items() if activation.op is not None
}


def activation_named(given: str | Op) -> Activation:
    """Return the activation with the given name, or the one that applies an operation of your own.

    Raises:
        TypeError: If it is neither a name nor an operation of one argument.
        ValueError: If no activation has that name.
    """
    if isinstance(given, Op):
        if given.arity != 1:
            raise TypeError(f"an activation takes one argument, but {given.name} takes {given.arity or 'a sequence'}")
        return Activation(given.name, given)
    if not isinstance(given, str):
        raise TypeError(f"an activation is a name or an Op, got {given!r} of type {type(given).__name__}")
    if given in ("softmax", "log_softmax"):
        raise ValueError(
            f"{given} acts on a whole layer and is no activation here: use output_activation='identity' with "
            "loss='cross_entropy', which takes logits, and autograd.softmax for the probabilities; for another loss of "
            "them write loss=lambda z, t: nn.half_squared_error(autograd.softmax(z), t)"
        )
    if given not in ACTIVATIONS:
        raise unknown_name("activation", given, ACTIVATIONS)
    return ACTIVATIONS[given]
