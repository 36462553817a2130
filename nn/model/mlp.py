"""The multilayer perceptron, one scalar at a time.

Layer l computes z = W a + b and a = σ(z), with W of shape (n_l, n_{l−1}) and b of shape (n_l,). Every weighted input is
one `affine` node, so that a pass through the network shows the same quantities as the matrix equations, entry by entry.
Layers are counted from 1 in labels (`W1[2,0]`, `b1[2]`, `z1[2]`, `a1[2]`) and stand at index 0 in lists.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autograd import Op, Value, vector
from autograd.notebook import picture, table

from ..arguments import FloatArray, Seed, float_array, generator, whole_number
from . import prediction
from .dropout import rate_per_layer
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
        bias: Whether the neurons have biases, for all layers or in a list of one for each.
        dropout: The rate at which activations are dropped in training, for all layers but the last or in a list of one
            for each; `nn.fit` draws the masks, and every prediction is without.
        init: How the weights begin, as `nn.INITIALIZERS` says; by default He or Xavier, as the activation asks.
        seed: A seed or a generator; None for weights that differ from run to run.

    Attributes:
        layers: The layers; layer l of the equations stands at index l − 1.
        dropout: The rate of each layer.
        classes: The classes that the outputs stand for, where `nn.fit` was given labels; None otherwise.

    Raises:
        TypeError: If a size is not a whole number, an activation neither a name nor an operation, or a rate no number.
        ValueError: If a size is less than 1, there is no layer, a name is unknown, the activations are not as many as
            the layers, or a rate of dropout is not from 0 up and below 1.

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
        bias: bool | Sequence[bool] = True,
        dropout: float | Sequence[float] = 0.0,
        init: str | Initializer | None = None,
        seed: Seed = None,
    ) -> None:
        if isinstance(n_outs, (str, bytes)) or not isinstance(n_outs, (Sequence, np.ndarray)):
            raise TypeError(f"n_outs must list the number of neurons of each layer, such as [16, 1], got {n_outs!r}")
        if len(n_outs) == 0:
            raise ValueError("an MLP needs at least one layer, got n_outs with none")
        sizes = [whole_number("n_in", n_in), *(whole_number("the size of a layer", n) for n in n_outs)]
        names = _activation_per_layer(activation, output_activation, len(n_outs))
        biases = _bias_per_layer(bias, len(n_outs))
        self.dropout = rate_per_layer(dropout, len(n_outs))
        rng = generator(seed)
        self.layers = tuple(
            Layer(n_before, n, sigma, bias=has_bias, init=init, seed=rng)
            for n_before, n, sigma, has_bias in zip(sizes[:-1], sizes[1:], names, biases, strict=True)
        )
        for number, layer in enumerate(self.layers, start=1):
            layer.relabel(str(number))

    def __call__(self, x: Inputs, masks: Sequence[Sequence[Any]] = ()) -> list[Value]:
        """Return the outputs for one example, a list even if there is only one.

        Args:
            x: n_in numbers or Values. Numbers are literals of the graph: they get no gradient.
            masks: For training with dropout: what each activation is multiplied by, 0 or 1/(1 − rate), for each layer
                that has dropout. Without them nothing is dropped.

        Raises:
            TypeError: If `x` is not a sequence of numbers and Values.
            ValueError: If it does not have n_in entries, a number is not finite, or the masks do not fit.
            DomainError: If a number on the way exceeds the floats.
        """
        dropped = self._masks(masks) if masks else {}
        a = inputs_of("this MLP", x, self.n_in)
        for number, layer in enumerate(self.layers):
            y = layer.respond(a)
            if number in dropped:
                y = [a_j * m_j for a_j, m_j in zip(y, dropped[number], strict=True)]
            a = vector(y)
        return Outputs(y)

    def _masks(self, masks: Sequence[Sequence[Any]]) -> dict[int, Sequence[Any]]:
        """Return the mask of each layer that has dropout, by its index.

        Raises:
            ValueError: If there is not one for each, with an entry for each neuron.
        """
        numbers = [number for number, rate in enumerate(self.dropout) if rate]
        sizes = [self.layers[number].n_out for number in numbers]
        if [len(mask) for mask in masks] != sizes:
            raise ValueError(f"this MLP takes masks of the lengths {sizes}, got {[len(mask) for mask in masks]}")
        return dict(zip(numbers, masks, strict=True))

    def apply(self, parameters: Mapping[str, Any] | Sequence[Any], x: Any) -> Any:
        """Return the outputs as a function of the parameters: the network with other numbers, or Values, in it.

        The network itself is neither read nor changed, but for its shape. So this is what is differentiated by its
        parameters, and what the functions of `autograd` take: `grad(lambda p: loss(model.apply(p, x)))`.

        Args:
            parameters: Arrays by name as `state_dict` returns them; or all of them in one vector, in the order of
                `parameters()`. Numbers or Values.
            x: The inputs of one example, n_in numbers or Values; or, for numbers, those of many, shape (N, n_in).

        Returns:
            The outputs: a list for one example, an array of shape (N, n_out) for many.

        Raises:
            TypeError: If something is neither a number nor a Value, or many examples come with Values.
            ValueError: If a name is missing or unknown, a shape differs, or a number is not finite.
            DomainError: If a number on the way exceeds the floats.

        Example:
            >>> model = MLP(2, [1], seed=0)
            >>> model.apply({"W1": [[1.0, 2.0]], "b1": [0.5]}, [[1.0, 1.0], [0.0, 2.0]])
            array([[3.5],
                   [4.5]])
        """
        return prediction.applied(self.layers, parameters, x)

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
            T: Classes, shape (N,): labels of the network's `classes`, or whole numbers; or one-hot rows of shape
                (N, n_out); or other targets of that shape. A single output means class 1 if it exceeds ½ (sigmoid) or 0
                (others).

        Raises:
            TypeError: If X or T does not hold real numbers.
            ValueError: If the shapes do not fit, a class does not exist, or R² is not defined.
            DomainError: If a number on the way exceeds the floats.
        """
        return prediction.score(self.layers, X, T, self.classes)

    def predict_classes(self, X: ArrayLike) -> NDArray[Any]:
        """Return the class of each of many examples, shape (N,): a label of `classes`, or the number of the output.

        Args:
            X: Inputs, shape (N, n_in).

        Raises:
            TypeError: If X does not hold real numbers.
            ValueError: If X has not one row of n_in finite numbers per example.
            DomainError: If a number on the way exceeds the floats.
        """
        numbers = prediction.classes(self.layers, X)
        return numbers if self.classes is None else np.array(self.classes)[numbers]

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

        Those of a layer without biases are zeros, and can be assigned nothing else. Assigning checks every shape and
        number first. Raises TypeError or ValueError, and then nothing has changed.
        """
        return tuple(_read_only(layer.parameter_arrays().get("b"), layer.n_out) for layer in self.layers)

    @biases.setter
    def biases(self, arrays: Sequence[ArrayLike]) -> None:
        self._assign("b", arrays)

    def _assign(self, kind: str, arrays: Sequence[ArrayLike]) -> None:
        if len(arrays) != len(self.layers):
            raise ValueError(f"this MLP has {len(self.layers)} layers and needs one {kind} for each, got {len(arrays)}")
        changes = {}
        for l, (layer, array) in enumerate(zip(self.layers, arrays, strict=True), start=1):
            held = layer.parameter_arrays().get(kind)
            if held is not None:
                changes[f"{kind}{l}"] = (held, array)
            elif float_array(f"{kind}{l}", array, (layer.n_out,)).any():
                raise ValueError(f"layer {l} has no biases, so {kind}{l} must be zeros, got {array}")
        assign(changes)

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


def _read_only(array: ValueArray | None, n_out: int = 0) -> FloatArray:
    data = np.zeros(n_out) if array is None else data_of(array)
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


def _bias_per_layer(bias: bool | Sequence[bool], n_layers: int) -> list[bool]:
    if isinstance(bias, (bool, np.bool_)):
        return [bool(bias)] * n_layers
    if not isinstance(bias, (Sequence, np.ndarray)) or not all(isinstance(each, (bool, np.bool_)) for each in bias):
        raise TypeError(f"bias must be True, False or a list of one of them for each layer, got {bias!r}")
    if len(bias) != n_layers:
        raise ValueError(f"an MLP of {n_layers} layers needs {n_layers} entries of bias, got {len(bias)}")
    return [bool(each) for each in bias]
