"""The multilayer perceptron, one scalar at a time.

Layer l computes z = W a + b and a = σ(z), with W of shape (n_l, n_{l−1}) and b of shape (n_l,). Every weighted input is
one `affine` node, so that a pass through the network shows the same quantities as the matrix equations, entry by entry.
Layers are counted from 1 in labels (`W1[2,0]`, `b1[2]`, `z1[2]`, `a1[2]`) and stand at index 0 in lists.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from autograd import Op, Value, affine, vector
from autograd.reverse import Vector
from nn.activations import Activation, activation_named
from nn.arguments import FloatArray, whole_number
from nn.initializers import Initializer, initial_weights
from nn.module import Module, ValueArray, assign, data_of, value_array

__all__ = ["MLP", "Layer", "Neuron"]

Seed: TypeAlias = int | np.random.Generator | None
Inputs: TypeAlias = Sequence[Any] | np.ndarray[Any, Any]


class Neuron(Module):
    """One neuron: a = σ(Σₖ wₖ xₖ + b).

    Args:
        n_in: The number of inputs.
        activation: The name of σ, or an operation of one argument.
        init: How the weights begin, as `nn.initializers` says.
        seed: A seed or a generator; None for weights that differ from run to run.

    Attributes:
        w: The weights.
        b: The bias, 0 at first.
        activation: σ with its name.

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
        init: str | Initializer | None = None,
        seed: Seed = None,
    ) -> None:
        self.activation = activation_named(activation)
        n_in = whole_number("n_in", n_in)
        (row,) = initial_weights(init, self.activation.name, np.random.default_rng(seed), 1, n_in)
        self.w = tuple(Value(number, f"w[{k}]") for k, number in enumerate(row.tolist()))
        self.b = Value(0.0, "b")
        self._weights = vector(self.w)
        self._z_label, self._a_label = "z", "a"

    def __call__(self, x: Inputs) -> Value:
        """Return a = σ(z) for n_in numbers or Values.

        Raises:
            TypeError: If `x` is not a sequence of numbers and Values.
            ValueError: If it does not have n_in entries, or a number is not finite.
        """
        return self.respond(_inputs("this neuron", x, len(self.w)), self.activation.method())

    def respond(self, inputs: Vector, sigma: Callable[[Value], Value] | None) -> Value:
        """Return a = σ(z) for inputs that have been checked; a layer passes the same ones to all its neurons."""
        z: Value = affine(self._weights, inputs, self.b)
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
        init: How the weights begin, as `nn.initializers` says.
        seed: A seed or a generator; None for weights that differ from run to run.

    Attributes:
        neurons: The neurons; neuron j holds row j of W and entry j of b.
        activation: σ with its name.
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        activation: str | Op = "tanh",
        *,
        init: str | Initializer | None = None,
        seed: Seed = None,
    ) -> None:
        self.activation: Activation = activation_named(activation)
        n_in, n_out = whole_number("n_in", n_in), whole_number("n_out", n_out)
        W = initial_weights(init, self.activation.name, np.random.default_rng(seed), n_out, n_in)
        self.neurons = tuple(Neuron(n_in, activation, init=lambda *_, row=row: row[None]) for row in W)
        self.relabel("")

    def __call__(self, x: Inputs) -> list[Value]:
        """Return the n_out activations for n_in numbers or Values.

        Raises:
            TypeError: If `x` is not a sequence of numbers and Values.
            ValueError: If it does not have n_in entries, or a number is not finite.
        """
        return self.respond(_inputs("this layer", x, self.n_in))

    def respond(self, inputs: Vector) -> list[Value]:
        """Return the n_out activations for inputs that have been checked."""
        sigma = self.activation.method()
        return [neuron.respond(inputs, sigma) for neuron in self.neurons]

    @property
    def n_in(self) -> int:
        """The number of inputs."""
        return len(self.neurons[0].w)

    @property
    def n_out(self) -> int:
        """The number of neurons."""
        return len(self.neurons)

    def parameter_arrays(self) -> dict[str, ValueArray]:
        """Return the Values of `W`, shape (n_out, n_in), and of `b`, shape (n_out,)."""
        W = value_array([neuron.w for neuron in self.neurons])
        return {"W": W, "b": value_array([neuron.b for neuron in self.neurons])}

    def weight_values(self) -> tuple[Value, ...]:
        """Return the parameters that an L2 penalty applies to: W row by row, not b."""
        return tuple(weight for neuron in self.neurons for weight in neuron.w)

    def relabel(self, layer: str) -> None:
        """Label the parameters and future nodes as those of the layer with this number."""
        for j, neuron in enumerate(self.neurons):
            neuron.relabel(layer, j)

    def __repr__(self) -> str:
        return f"Layer({self.n_in}, {self.n_out}, {self.activation.name!r})"


class MLP(Module):
    """A network of fully connected layers of scalars.

    Args:
        n_in: The number of inputs.
        n_outs: The number of neurons of each layer, first to last.
        activation: The activation of the hidden layers, by name or as an operation; or a list of one for every layer,
            the last one included.
        output_activation: The activation of the last layer, "identity" unless given; not together with a list.
        init: How the weights begin, as `nn.initializers` says; by default He or Xavier, as the activation asks.
        seed: A seed or a generator; None for weights that differ from run to run.

    Attributes:
        layers: The layers; layer l of the equations stands at index l − 1.

    Raises:
        TypeError: If a size is not a whole number, or an activation neither a name nor an operation.
        ValueError: If a size is less than 1, there is no layer, a name is unknown, or the activations are not as many
            as the layers.

    Example:
        >>> model = MLP(2, [3, 1], activation="tanh", seed=0)
        >>> model
        MLP(2, [3, 1], activations=['tanh', 'identity']): 13 parameters
        >>> (y,) = model([0.5, -1.0])
        >>> y.label
        'z2[0]'
    """

    def __init__(
        self,
        n_in: int,
        n_outs: Sequence[int],
        activation: str | Op | Sequence[str | Op] = "tanh",
        output_activation: str | Op | None = None,
        *,
        init: str | Initializer | None = None,
        seed: Seed = None,
    ) -> None:
        if isinstance(n_outs, (str, bytes)) or not isinstance(n_outs, (Sequence, np.ndarray)):
            raise TypeError(f"n_outs must list the number of neurons of each layer, such as [16, 1], got {n_outs!r}")
        if len(n_outs) == 0:
            raise ValueError("an MLP needs at least one layer, got n_outs with none")
        sizes = [whole_number("n_in", n_in), *(whole_number("the size of a layer", n) for n in n_outs)]
        names = _activation_per_layer(activation, output_activation, len(n_outs))
        rng = np.random.default_rng(seed)
        self.layers = tuple(
            Layer(n_before, n, sigma, init=init, seed=rng)
            for n_before, n, sigma in zip(sizes[:-1], sizes[1:], names, strict=True)
        )
        for number, layer in enumerate(self.layers, start=1):
            layer.relabel(str(number))

    def __call__(self, x: Inputs) -> list[Value]:
        """Return the outputs for one example, a list even if there is only one.

        Args:
            x: n_in numbers or Values. Numbers are literals of the graph: they get no gradient.

        Raises:
            TypeError: If `x` is not a sequence of numbers and Values.
            ValueError: If it does not have n_in entries, or a number is not finite.
            DomainError: If a number on the way exceeds the floats.
        """
        first, *rest = self.layers
        a = first.respond(_inputs("this MLP", x, first.n_in))
        for layer in rest:
            a = layer.respond(vector(a))
        return a

    @property
    def n_in(self) -> int:
        """The number of inputs."""
        return self.layers[0].n_in

    @property
    def n_out(self) -> int:
        """The number of outputs."""
        return self.layers[-1].n_out

    @property
    def activations(self) -> tuple[str, ...]:
        """The names of the activations, one a layer."""
        return tuple(layer.activation.name for layer in self.layers)

    def parameter_arrays(self) -> dict[str, ValueArray]:
        """Return the Values of `W1`, `b1`, `W2`, `b2`, …; Wl has shape (n_l, n_{l−1}), bl has shape (n_l,)."""
        return {
            f"{kind}{number}": array
            for number, layer in enumerate(self.layers, start=1)
            for kind, array in layer.parameter_arrays().items()
        }

    def weight_values(self) -> tuple[Value, ...]:
        """Return the parameters that an L2 penalty applies to: W¹ … W^L row by row, no biases."""
        return tuple(weight for layer in self.layers for weight in layer.weight_values())

    @property
    def weights(self) -> tuple[FloatArray, ...]:
        """The weights W¹ … W^L as read-only copies; assign all of them at once, `model.weights = [W1, W2]`.

        Assigning checks every shape and number first. Raises TypeError or ValueError, and then nothing has changed.
        """
        return tuple(_read_only(layer.parameter_arrays()["W"]) for layer in self.layers)

    @weights.setter
    def weights(self, arrays: Sequence[ArrayLike]) -> None:
        self._assign("W", arrays)

    @property
    def biases(self) -> tuple[FloatArray, ...]:
        """The biases b¹ … b^L as read-only copies; assign all of them at once, `model.biases = [b1, b2]`.

        Assigning checks every shape and number first. Raises TypeError or ValueError, and then nothing has changed.
        """
        return tuple(_read_only(layer.parameter_arrays()["b"]) for layer in self.layers)

    @biases.setter
    def biases(self, arrays: Sequence[ArrayLike]) -> None:
        self._assign("b", arrays)

    def _assign(self, kind: str, arrays: Sequence[ArrayLike]) -> None:
        if len(arrays) != len(self.layers):
            raise ValueError(f"this MLP has {len(self.layers)} layers and needs one {kind} for each, got {len(arrays)}")
        held = [layer.parameter_arrays()[kind] for layer in self.layers]
        assign({f"{kind}{l}": pair for l, pair in enumerate(zip(held, arrays, strict=True), start=1)})

    def __repr__(self) -> str:
        sizes = [layer.n_out for layer in self.layers]
        count = len(self.parameters())
        return f"MLP({self.n_in}, {sizes}, activations={list(self.activations)}): {count} parameters"


def _inputs(taker: str, x: Inputs, n: int) -> Vector:
    """Return n numbers or Values in the form that all neurons of a layer share."""
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


def _read_only(array: ValueArray) -> FloatArray:
    data = data_of(array)
    data.flags.writeable = False
    return data


def _activation_per_layer(
    activation: str | Op | Sequence[str | Op], output_activation: str | Op | None, n_layers: int
) -> list[str | Op]:
    if isinstance(activation, (str, Op)):
        return [activation] * (n_layers - 1) + ["identity" if output_activation is None else output_activation]
    if not isinstance(activation, Sequence):
        raise TypeError(f"activation must be a name, an Op or a list of one for each layer, got {activation!r}")
    if output_activation is not None:
        raise ValueError(
            f"a list of activations covers the last layer too, so output_activation={output_activation!r} cannot be "
            "given beside it"
        )
    if len(activation) != n_layers:
        raise ValueError(f"an MLP of {n_layers} layers needs {n_layers} activations, got {len(activation)}")
    return list(activation)
