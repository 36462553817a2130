"""Both passes of a network as arrays, which its pictures show: the engine's numbers, one to one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd import ops

from .layers import Network
from .trace import Node, Trace

__all__ = ["LayerArrays", "NetworkArrays", "largest", "network_arrays", "shown_layers", "superscript"]

Array = np.ndarray[Any, np.dtype[np.float64]]

MOST_LAYERS = 4
"""Of more layers the first two and the last two are drawn."""


@dataclass(frozen=True, slots=True)
class LayerArrays:
    """A layer: for n neurons with m inputs and N examples, with gradients of the whole output.

    Attributes:
        function: The activation's name; empty for the identity.
        is_joined: Whether it weighs something else than what the layer before made, as where something goes around one.
        x: What it weighs, (m, N).
        dx: ∂C/∂x, (m, N); of numbers, which have no gradient, what this layer hands back.
        W: (n, m)
        dW: ∂C/∂W, (n, m)
        b: (n,); empty without biases.
        db: ∂C/∂b, like b.
        z: (n, N)
        delta: δ = ∂C/∂z, (n, N)
        a: (n, N)
        da: ∂C/∂a, (n, N)
        slope: σ′(z), (n, N); ones for the identity.
    """

    function: str
    is_joined: bool
    x: Array
    dx: Array
    W: Array
    dW: Array  # noqa: N815  # the gradient by W, as the documents write it
    b: Array
    db: Array
    z: Array
    delta: Array
    a: Array
    da: Array
    slope: Array


@dataclass(frozen=True, slots=True)
class NetworkArrays:
    """A network with what went through it.

    Attributes:
        layers: From the input on.
        targets: (n, N); None where no numbers are compared with the outputs.
        softmax: Whether the cost is of the softmax of the outputs.
        cost: The output of it all.
    """

    layers: tuple[LayerArrays, ...]
    targets: Array | None
    softmax: bool
    cost: float

    @property
    def x(self) -> Array:
        """The input, (m, N)."""
        return self.layers[0].x

    @property
    def dx(self) -> Array:
        """∂C/∂x, (m, N)."""
        return self.layers[0].dx

    @property
    def sizes(self) -> str:
        """How many inputs there are and how many neurons in each layer: 64-30-10."""
        return "-".join(map(str, [len(self.x), *(len(layer.W) for layer in self.layers)]))

    @property
    def answers(self) -> Array:
        """The outputs, as probabilities where there is a softmax, (n, N)."""
        a = self.layers[-1].a
        powers = np.exp(a - a.max(axis=0))
        return powers / powers.sum(axis=0) if self.softmax else a


def network_arrays(traced: Trace, network: Network) -> NetworkArrays:
    """Return the numbers of a network that was found in a trace."""
    examples = network.examples

    def column(nodes: Sequence[Sequence[int]], of: Callable[[Node], float]) -> Array:
        return np.array([[of(traced.nodes[k]) for k in own] for own in nodes], dtype=float).T

    layers = []
    for l, layer in enumerate(network.layers):
        x, z, a = ([getattr(each, name)[l] for each in examples] for name in ("sources", "z", "a"))
        slopes = [[_slope(traced, node) if layer.activation else 1.0 for node in own] for own in a]
        W, delta, dx = column(layer.weights, _data).T, column(z, _adjoint), column(x, _adjoint)
        layers.append(
            LayerArrays(
                function=layer.activation.name if layer.activation else "",
                is_joined=l > 0 and x != [each.a[l - 1] for each in examples],
                x=column(x, _data),
                dx=np.where(np.isnan(dx), W.T @ delta, dx),
                W=W,
                dW=column(layer.weights, _adjoint).T,
                b=column([layer.biases], _data)[:, 0],
                db=column([layer.biases], _adjoint)[:, 0],
                z=column(z, _data),
                delta=delta,
                a=column(a, _data),
                da=column(a, _adjoint),
                slope=np.array(slopes).T,
            )
        )
    targets = column([each.targets for each in examples], _data)
    return NetworkArrays(
        layers=tuple(layers),
        targets=targets if targets.size else None,
        softmax=_has_softmax(traced, network),
        cost=traced.nodes[traced.root].data,
    )


def _data(node: Node) -> float:
    return node.data


def _adjoint(node: Node) -> float:
    return node.adjoint


def _slope(traced: Trace, activation: int) -> float:
    return traced.edges[traced.nodes[activation].edges_in[0]].local


def _has_softmax(traced: Trace, network: Network) -> bool:
    last = set(network.examples[0].z[-1])
    return any(n.op is ops.logsumexp and {traced.edges[k].tail for k in n.edges_in} == last for n in traced.nodes)


def shown_layers(layers: Sequence[LayerArrays]) -> tuple[list[tuple[int, LayerArrays]], int]:
    """Return the layers that are drawn with their numbers, and how many in the middle are not."""
    all_ = list(enumerate(layers, 1))
    return (all_, 0) if len(all_) <= MOST_LAYERS else (all_[:2] + all_[-2:], len(all_) - 4)


def largest(array: Array) -> float:
    """Return the size of the largest number that is one."""
    known = np.abs(array[np.isfinite(array)])
    return float(known.max()) if known.size else 0.0


def superscript(l: int) -> str:
    """Return the number of a layer as it stands above a letter."""
    return str(l).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
