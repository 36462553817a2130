"""Both passes of a network as arrays, which its pictures show: the engine's numbers, one to one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd import ops

from .trace import Node, Trace

if TYPE_CHECKING:
    from .explorer.network import Network

__all__ = ["LayerArrays", "NetworkArrays", "network_arrays"]

Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class LayerArrays:
    """A layer: for n neurons with m inputs and N examples, with gradients of the whole output.

    Attributes:
        function: The activation's name; empty for the identity.
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
        x: The input, (m, N).
        dx: ∂C/∂x, (m, N); of numbers, which have no gradient, what the first layer hands back.
        targets: (n, N); None where no numbers are compared with the outputs.
        softmax: Whether the cost is of the softmax of the outputs.
        cost: The output of it all.
    """

    layers: tuple[LayerArrays, ...]
    x: Array
    dx: Array
    targets: Array | None
    softmax: bool
    cost: float

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

    def matrix(nodes: Sequence[Sequence[int]], of: Callable[[Node], float]) -> Array:
        return column(nodes, of).T

    layers = []
    for l, layer in enumerate(network.layers):
        z, a = [each.z[l] for each in examples], [each.a[l] for each in examples]
        slopes = [[_slope(traced, node) if layer.activation else 1.0 for node in own] for own in a]
        layers.append(
            LayerArrays(
                function=layer.activation.name if layer.activation else "",
                W=matrix(layer.weights, _data),
                dW=matrix(layer.weights, _adjoint),
                b=matrix([layer.biases], _data)[0],
                db=matrix([layer.biases], _adjoint)[0],
                z=column(z, _data),
                delta=column(z, _adjoint),
                a=column(a, _data),
                da=column(a, _adjoint),
                slope=np.array(slopes).T,
            )
        )
    inputs = [each.inputs for each in examples]
    dx = column(inputs, _adjoint)
    targets = column([each.targets for each in examples], _data)
    return NetworkArrays(
        layers=tuple(layers),
        x=column(inputs, _data),
        dx=np.where(np.isnan(dx), layers[0].W.T @ layers[0].delta, dx),
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
