"""Neurons and layers, one scalar at a time; `nn.model.mlp` stacks them.

A layer computes z = W a + b and a = σ(z), with W of shape (n_out, n_in) and b of shape (n_out,). Every weighted input
is one `affine` node, so that a pass through the network shows the same quantities as the matrix equations, entry by
entry.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from autograd import Op, Value, affine, vector
from autograd.graph import Vector
from autograd.habits import answered

from ..arguments import Seed, generator, whole_number
from ..habits import OUTPUTS
from .activations import Activation, activation_named
from .initializers import Initializer, initial_weights
from .module import Module, ValueArray, value_array

__all__ = ["Inputs", "Layer", "Neuron", "Outputs", "inputs_of"]

Inputs: TypeAlias = Sequence[Any] | np.ndarray[Any, Any]


class Outputs(list[Value]):
    """The outputs for one example: a list whose errors say what to write for what arrays of other libraries have."""

    __slots__ = ()

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if name not in OUTPUTS]


answered(Outputs, OUTPUTS, "a list of Values")


class Neuron(Module):
    """One neuron: a = σ(Σₖ wₖ xₖ + b).

    Args:
        n_in: The number of inputs.
        activation: The name of σ, or an operation of one argument.
        bias: Whether there is a bias.
        init: How the weights begin, as `nn.INITIALIZERS` says.
        seed: A seed or a generator; None for weights that differ from run to run.

    Attributes:
        w: The weights.
        b: The bias, 0 at first; None without.
        activation: σ with its name.

    Raises:
        TypeError: If n_in is not a whole number, or the activation neither a name nor an operation.
        ValueError: If n_in is less than 1, or a name is unknown.

    Example:
        >>> neuron = Neuron(2, "tanh", init="zeros")
        >>> neuron([0.5, -1.0]).data
        0.0
    """

    def __init__(
        self,
        n_in: int,
        activation: str | Op = "tanh",
        *,
        bias: bool = True,
        init: str | Initializer | None = None,
        seed: Seed = None,
    ) -> None:
        self.activation = activation_named(activation)
        n_in = whole_number("n_in", n_in)
        (row,) = initial_weights(init, self.activation.name, generator(seed), 1, n_in)
        self.w = tuple(Value(number, f"w[{k}]") for k, number in enumerate(row.tolist()))
        self.b = Value(0.0, "b") if bias else None
        self._weights = vector(self.w)
        self._z_label, self._a_label = "z", "a"

    def __call__(self, x: Inputs) -> Value:
        """Return a = σ(z) for n_in numbers or Values.

        Raises:
            TypeError: If `x` is not a sequence of numbers and Values.
            ValueError: If it does not have n_in entries, or a number is not finite.
        """
        return self.respond(inputs_of("this neuron", x, len(self.w)), self.activation.method())

    def respond(self, inputs: Vector, sigma: Callable[[Value], Value] | None) -> Value:
        """Return a = σ(z) for inputs that have been checked; a layer passes the same ones to all its neurons."""
        z: Value = affine(self._weights, inputs) if self.b is None else affine(self._weights, inputs, self.b)
        z.label = self._z_label
        if sigma is None:
            return z
        a = sigma(z)
        a.label = self._a_label
        return a

    def weight_values(self) -> tuple[Value, ...]:
        """Return the parameters that an L2 penalty applies to: the weights, not the bias."""
        return self.w

    def relabel(self, layer: str, j: int) -> None:
        """Label the parameters and future nodes as those of neuron j of a layer: `W1[2,0]`, `b1[2]`, `z1[2]`."""
        for k, weight in enumerate(self.w):
            weight.label = f"W{layer}[{j},{k}]"
        if self.b is not None:
            self.b.label = f"b{layer}[{j}]"
        self._z_label, self._a_label = f"z{layer}[{j}]", f"a{layer}[{j}]"

    def __repr__(self) -> str:
        return f"Neuron({len(self.w)}, {self.activation.name!r})"


class Layer(Module):
    """Neurons that share their inputs: a = σ(W x + b).

    Args:
        n_in: The number of inputs.
        n_out: The number of neurons.
        activation: The name of σ, or an operation of one argument.
        bias: Whether the neurons have biases.
        init: How the weights begin, as `nn.INITIALIZERS` says.
        seed: A seed or a generator; None for weights that differ from run to run.

    Attributes:
        neurons: The neurons; neuron j holds row j of W and entry j of b.
        activation: σ with its name.

    Raises:
        TypeError: If a size is not a whole number, or the activation neither a name nor an operation.
        ValueError: If a size is less than 1, or a name is unknown.

    Example:
        >>> layer = Layer(2, 3, "tanh", seed=0)
        >>> [a.data for a in layer([0.0, 0.0])]
        [0.0, 0.0, 0.0]
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        activation: str | Op = "tanh",
        *,
        bias: bool = True,
        init: str | Initializer | None = None,
        seed: Seed = None,
    ) -> None:
        self.activation: Activation = activation_named(activation)
        n_in, n_out = whole_number("n_in", n_in), whole_number("n_out", n_out)
        W = initial_weights(init, self.activation.name, generator(seed), n_out, n_in)
        self.neurons = tuple(Neuron(n_in, activation, bias=bias, init=lambda *_, row=row: row[None]) for row in W)
        self.relabel("")

    def __call__(self, x: Inputs) -> list[Value]:
        """Return the n_out activations for n_in numbers or Values.

        Raises:
            TypeError: If `x` is not a sequence of numbers and Values.
            ValueError: If it does not have n_in entries, or a number is not finite.
        """
        return Outputs(self.respond(inputs_of("this layer", x, self.n_in)))

    def respond(self, inputs: Vector) -> list[Value]:
        """Return the n_out activations for inputs that have been checked."""
        sigma = self.activation.method()
        return [neuron.respond(inputs, sigma) for neuron in self.neurons]

    @property
    def has_bias(self) -> bool:
        """Whether the neurons have biases."""
        return self.neurons[0].b is not None

    @property
    def n_in(self) -> int:
        """The number of inputs."""
        return len(self.neurons[0].w)

    @property
    def n_out(self) -> int:
        """The number of neurons."""
        return len(self.neurons)

    def parameter_arrays(self) -> dict[str, ValueArray]:
        """Return the Values of `W`, shape (n_out, n_in), and of `b`, shape (n_out,), where there is one."""
        W = value_array([neuron.w for neuron in self.neurons])
        biases = [neuron.b for neuron in self.neurons if neuron.b is not None]
        return {"W": W, "b": value_array(biases)} if biases else {"W": W}

    def weight_values(self) -> tuple[Value, ...]:
        """Return the parameters that an L2 penalty applies to: W row by row, not b."""
        return tuple(weight for neuron in self.neurons for weight in neuron.w)

    def relabel(self, layer: str) -> None:
        """Label the parameters and future nodes as those of the layer with this number."""
        for j, neuron in enumerate(self.neurons):
            neuron.relabel(layer, j)

    def __repr__(self) -> str:
        return f"Layer({self.n_in}, {self.n_out}, {self.activation.name!r})"


def inputs_of(taker: str, x: Inputs, n: int) -> Vector:
    """Return n numbers or Values in the form that all neurons of a layer share.

    Raises:
        TypeError: If `x` is not a sequence of numbers and Values.
        ValueError: If it does not have n entries, or a number is not finite.
    """
    if isinstance(x, np.ndarray):
        if x.ndim > 1:
            raise ValueError(f"{taker} takes one example at a time, {n} numbers, got an array of shape {x.shape}")
        x = x.tolist()
    if not isinstance(x, Sequence) or isinstance(x, (str, bytes)):
        raise TypeError(f"{taker} takes a sequence of {n} numbers or Values, got {x!r} of type {type(x).__name__}")
    if len(x) != n:
        raise ValueError(f"{taker} takes {n} inputs, got {len(x)}")
    try:
        return vector(x)
    except (TypeError, ValueError) as error:
        error.add_note(f"{taker} got the inputs {x!r}")
        raise
