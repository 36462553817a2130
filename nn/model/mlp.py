"""The multilayer perceptron, one scalar at a time.

Layer l computes z = W a + b and a = σ(z), with W of shape (n_l, n_{l−1}) and b of shape (n_l,). Every weighted input is
one `affine` node, so that a pass through the network shows the same quantities as the matrix equations, entry by entry.
Layers are counted from 1 in labels (`W1[2,0]`, `b1[2]`, `z1[2]`, `a1[2]`) and stand at index 0 in lists.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from autograd import Op, Value, vector
from autograd.notebook import picture, table

from ..arguments import FloatArray, Seed, generator, whole_number
from . import prediction
from .initializers import Initializer
from .layers import Inputs, Layer, Neuron, Outputs, inputs_of
from .module import Module, ValueArray, assign, data_of

__all__ = ["MLP", "Layer", "Neuron"]


class MLP(Module):
    """A network of fully connected layers of scalars.

    Args:
        n_in: The number of inputs.
        n_outs: The number of neurons of each layer, first to last.
        activation: The activation of the hidden layers, by name or as an operation; or a list of one for every layer,
            the last one included.
        output_activation: The activation of the last layer, "identity" unless given; not together with a list.
        init: How the weights begin, as `nn.INITIALIZERS` says; by default He or Xavier, as the activation asks.
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
        rng = generator(seed)
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
        a = first.respond(inputs_of("this MLP", x, first.n_in))
        for layer in rest:
            a = layer.respond(vector(a))
        return Outputs(a)

    def predict(self, X: ArrayLike) -> FloatArray:
        """Return the outputs for many examples, shape (N, n_out), computed on arrays.

        Args:
            X: Inputs, shape (N, n_in).

        Raises:
            TypeError: If X does not hold real numbers.
            ValueError: If X has not one row of n_in finite numbers per example.
            DomainError: If a number on the way exceeds the floats.

        Example:
            >>> MLP(2, [3, 1], seed=0).predict([[0.5, -1.0], [1.0, 2.0]]).shape
            (2, 1)
        """
        return prediction.outputs(self.layers, X)

    def predict_proba(self, X: ArrayLike) -> FloatArray:
        """Return the probability of each class for many examples, shape (N, n_classes).

        Several outputs are classes: identity outputs are logits and go through softmax, sigmoid outputs are taken as
        they are. A single output is the probability of class 1, or its logit; the columns are then those of 0 and 1.

        Args:
            X: Inputs, shape (N, n_in).

        Raises:
            TypeError: If X does not hold real numbers.
            ValueError: If X has not one row of n_in finite numbers per example, or the last activation is another one.
            DomainError: If a number on the way exceeds the floats.
        """
        return prediction.probabilities(self.layers, X)

    def score(self, X: ArrayLike, T: ArrayLike) -> float:
        """Return the accuracy where targets are classes, and R² where they are numbers.

        Args:
            X: Inputs, shape (N, n_in).
            T: Classes, whole numbers of shape (N,), or one-hot rows of shape (N, n_out); or other targets of that
                shape. A single output means class 1 if it exceeds ½ (sigmoid) or 0 (others).

        Raises:
            TypeError: If X or T does not hold real numbers.
            ValueError: If the shapes do not fit, a class does not exist, or R² is not defined.
            DomainError: If a number on the way exceeds the floats.
        """
        return prediction.score(self.layers, X, T)

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

    def _repr_html_(self) -> str:
        """Return the network drawn, or its layers as a table if it is large, for a notebook."""
        rows = [
            (f"{l}", f"{layer.n_out} × {layer.n_in}", str(layer.n_out), layer.activation.name)
            for l, layer in enumerate(self.layers, start=1)
        ]
        return picture(self) or table(("layer", "W", "b", "activation"), rows)

    def __repr__(self) -> str:
        sizes = [layer.n_out for layer in self.layers]
        count = len(self.parameters())
        return f"MLP({self.n_in}, {sizes}, activations={list(self.activations)}): {count} parameters"


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
