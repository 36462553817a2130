"""What the engine says a backward pass is, layer by layer.

The engine records the loss of every example scalar by scalar; the adjoints of its nodes are z, a, δ and the gradients
of the matrix equations. Nothing here knows a formula of backpropagation: the derivative of an activation is the partial
rule of its operation, ∇ₐC is the gradient of the recorded loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autograd import Value, gradients, vector
from autograd.graph import Graph
from autograd.value import recording

from ..arguments import FloatArray
from ..loss.loss_table import LossFunction
from ..model.mlp import MLP, Layer

__all__ = ["Reference", "gradient_of", "slope_of"]


@dataclass(frozen=True, slots=True)
class _Nodes:
    """The nodes of one example: the weighted inputs and activations of every layer, and the loss."""

    z: list[list[Value]]
    a: list[list[Value]]
    loss: Value


class Reference:
    """The arrays of a backward pass as the engine finds them; layer l stands at index l − 1, except in `a`.

    Args:
        model: The network.
        X: The inputs, of shape (N, n_0).
        T: The targets, of shape (N, n_L).
        loss: The loss of one example.
        l2: The coefficient c of (c/2) Σ‖W‖².
        l2_biases: Whether the penalty has the biases in it too.

    Attributes:
        W: The weights.
        b: The biases.
        z: z¹ … z^L, each of shape (N, n_l).
        a: a⁰ = X, a¹ … a^L.
        gradient: ∇ₐC at the outputs of every example, of shape (N, n_L), without 1/N.
        delta: δ¹ … δ^L, without 1/N.
        dW: The gradients in the weights, with 1/N and l2 · W.
        db: The gradients in the biases, with 1/N.
        l2_of_b: The coefficient of the penalty on biases: l2 or 0.
    """

    def __init__(
        self, model: MLP, X: FloatArray, T: FloatArray, loss: LossFunction, l2: float, l2_biases: bool = False
    ) -> None:
        self.model, self.T, self.loss, self.l2 = model, T, loss, l2
        self.l2_of_b = l2 if l2_biases else 0.0
        self.W = [np.array(W) for W in model.weights]
        self.b = [np.array(b) for b in model.biases]
        self.L, self.N = len(self.W), len(X)
        with recording():
            traces = [_trace(model, x, t, loss) for x, t in zip(X.tolist(), T.tolist(), strict=True)]
        found = [_adjoints(trace, model) for trace in traces]
        self.z = [_data([trace.z[l] for trace in traces]) for l in range(self.L)]
        self.a = [X, *(_data([trace.a[l] for trace in traces]) for l in range(self.L))]
        self.delta = [np.array([z[l] for z, _, _ in found]) for l in range(self.L)]
        self.gradient = np.array([a for _, a, _ in found])
        self.dW = [np.sum([p[l]["W"] for _, _, p in found], axis=0) / self.N + l2 * W for l, W in enumerate(self.W)]
        db = [np.sum([p[l].get("b", np.array(z[l])) for z, _, p in found], axis=0) / self.N for l in range(self.L)]
        self.db = [gradient + self.l2_of_b * b for gradient, b in zip(db, self.b, strict=True)]

    def arrays(self) -> dict[tuple[str, int], FloatArray]:
        """Return what can be handed in by "W", "b" or "δ" and the layer, counted from 1."""
        lists = (("W", self.dW), ("b", self.db), ("δ", self.delta))
        return {(name, l): array for name, arrays in lists for l, array in enumerate(arrays, start=1)}

    def slope(self, l: int, at: FloatArray) -> FloatArray:
        """Return σ′ of the layer at index l, by the rule of its operation, at numbers of your choice."""
        return slope_of(self.model.layers[l], at)


def gradient_of(loss: LossFunction, outputs: FloatArray, target: FloatArray) -> FloatArray | None:
    """Return the gradient of a loss in the outputs of one example, or None where the loss is undefined."""
    leaves = [Value(number) for number in outputs.tolist()]
    try:
        with recording():
            value = loss(leaves, target.tolist())
        return np.array(gradients(value, leaves)) if isinstance(value, Value) else np.zeros(len(leaves))
    except (ArithmeticError, ValueError, TypeError):
        return None


def slope_of(layer: Layer, at: FloatArray) -> FloatArray:
    """Return σ′ of a layer at an array of numbers."""
    op = layer.activation.op
    if op is None:
        return np.ones_like(at)
    slopes = [float(op.local(0, op.evaluate((x,)), (x,))) for x in at.ravel().tolist()]
    return np.array(slopes, dtype=float).reshape(at.shape)


def _trace(model: MLP, x: list[float], t: list[float], loss: LossFunction) -> _Nodes:
    z: list[list[Value]] = []
    a: list[list[Value]] = []
    inputs: Sequence[float | Value] = x
    for layer in model.layers:
        a.append(layer.respond(vector(inputs)))
        z.append(a[-1] if layer.activation.op is None else [node.operands[0] for node in a[-1]])
        inputs = a[-1]
    cost = loss(a[-1], t)
    if not isinstance(cost, Value):
        raise TypeError(f"the loss must return a Value, got {cost!r} of type {type(cost).__name__}")
    return _Nodes(z, a, cost)


def _adjoints(trace: _Nodes, model: MLP) -> tuple[list[list[float]], list[float], list[dict[str, FloatArray]]]:
    """Return the adjoints of z, of the outputs and of the parameters, and leave every `grad` of a leaf as it was."""
    parameters = [layer.parameter_arrays() for layer in model.layers]
    leaves = {id(leaf): leaf for leaf in (*model.parameters(), *Graph([trace.loss]).leaves)}.values()
    before = [leaf.grad for leaf in leaves]
    try:
        for leaf in leaves:
            leaf.grad = 0.0
        trace.loss.backward()
        z = [[node.grad for node in nodes] for nodes in trace.z]
        of_parameters = [
            {name: np.array([value.grad for value in array.flat]).reshape(array.shape) for name, array in layer.items()}
            for layer in parameters
        ]
        return z, [node.grad for node in trace.a[-1]], of_parameters
    finally:
        for leaf, gradient in zip(leaves, before, strict=True):
            leaf.grad = gradient


def _data(rows: list[list[Value]]) -> FloatArray:
    return np.array([[node.data for node in row] for row in rows])
