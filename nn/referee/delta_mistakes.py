"""What δ of a layer becomes by the mistakes people make in it, on rows and without 1/N."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..arguments import FloatArray
from ..loss.loss_table import LOSSES, name_of
from ..model.activations import ACTIVATIONS
from ..model.mlp import Layer
from .mistakes import Candidate, Choice, Mistake, combined, examples, factors, matching, raised
from .reference import Reference, gradient_of, slope_of

__all__ = ["delta_candidates"]


def delta_candidates(r: Reference, l: int, above: FloatArray | None) -> Iterator[Candidate]:
    """Yield what δ of the layer at index l may be.

    Args:
        r: The reference.
        l: The index of the layer.
        above: δ of the layer above, right or not; None for the output layer.
    """
    what = f"δ{raised(l + 1)}"
    weights_and_factors = [examples(r.N), *factors(r.N, what)]

    def weighed(delta: FloatArray, weights: FloatArray, *numbers: float) -> FloatArray:
        return delta * weights[:, None] * float(np.prod(numbers))

    if above is None:
        yield from combined([_output_deltas(r), *weights_and_factors], weighed)
        return

    def hidden(M: FloatArray, S: FloatArray, weights: FloatArray, *numbers: float) -> FloatArray:
        return weighed(matching(above @ M, S) * S, weights, *numbers)

    yield from combined([_matrices(r, l), _slopes(r, l), *weights_and_factors], hidden)


def _matrices(r: Reference, l: int) -> list[Choice]:
    W, up = r.W[l + 1], raised(l + 2)
    choices: list[Choice] = [(None, W)]
    if W.shape[0] == W.shape[1]:
        choices.append((Mistake("un-transposed W", f"W{up} is used un-transposed: the recursion takes (W{up})ᵀ."), W.T))
        choices.append(
            (Mistake("W missing", f"(W{up})ᵀ is missing: δ{up} must go back through the weights."), np.eye(len(W)))
        )
    for k, other in enumerate(r.W):
        if k != l + 1 and other.shape == W.shape:
            choices.append(
                (Mistake("wrong layer's W", f"W{raised(k + 1)} is used where W{up} belongs."), other),
            )
    return choices


def _slopes(r: Reference, l: int) -> list[Choice]:
    """Return what may stand in the place of σ′(z)."""
    z, a, n = r.z[l], r.a[l + 1], raised(l + 1)
    layer = r.model.layers[l]
    name = layer.activation.name
    right = r.slope(l, z)
    choices: list[Choice] = [
        (None, right),
        (Mistake("σ′ missing", f"The factor σ′(z{n}) is missing."), np.ones_like(z)),
        (Mistake("σ′ at a", f"σ′ is evaluated at a{n} where z{n} belongs."), _defined(layer, a)),
        (Mistake("σ instead of σ′", f"σ(z{n}) stands where its derivative σ′(z{n}) belongs."), a),
        (Mistake("σ′ twice", f"The factor σ′(z{n}) is there twice."), right * right),
    ]
    if name in ("sigmoid", "tanh"):
        formula, at_z = ("a(1 − a)", z * (1 - z)) if name == "sigmoid" else ("1 − a²", 1 - z * z)
        text = f"The formula σ′ = {formula} takes a{n}, but it is evaluated at z{n}."
        choices.append((Mistake("σ′ formula at z", text), at_z))
    for k in range(r.L):
        if k != l and r.z[k].shape == z.shape:
            text = f"σ′ is evaluated at z{raised(k + 1)}, the wrong layer: z{n} belongs there."
            choices.append((Mistake("σ′ at the wrong layer", text), _defined(layer, r.z[k])))
            choices.append((Mistake("σ′ at the wrong layer", text), _defined(r.model.layers[k], r.z[k])))
    for other in ("sigmoid", "tanh", "relu", "leaky_relu", "softplus"):
        if other != name:
            text = f"σ′ is that of {other}, but the activation of layer {l + 1} is {name}."
            slope = _slope_named(other, z)
            if slope is not None and np.all(slope == 1) and other in ("relu", "leaky_relu"):
                continue  # where all z > 0 it is that of no activation at all
            choices.append((Mistake("σ′ of another activation", text), slope))
    return [(mistake, slope) for mistake, slope in choices if slope is not None]


def _output_deltas(r: Reference) -> list[Choice]:
    """Return what δ of the last layer may be: ∇ₐC ⊙ σ′(z) with one of the two replaced."""
    G, n = r.gradient, raised(r.L)
    (_, slope), *wrong = _slopes(r, r.L - 1)
    choices: list[Choice] = [(None, r.delta[-1])]
    choices += [(mistake, G * S) for mistake, S in wrong]
    a, T = r.a[-1], r.T
    own = name_of(r.loss)
    probabilities = [("a", a), ("σ(z)", _applied("sigmoid", r.z[-1])), ("softmax(z)", _softmax(r.z[-1]))]
    if "cross_entropy" not in own:
        text = f"δ{n} is that of cross-entropy, {{}} − t, but the loss is {own}: ∇ₐC ⊙ σ′(z{n}) belongs there."
        choices += [(Mistake("cross-entropy δ", text.format(p)), P - T) for p, P in probabilities]
    else:
        gradient = {
            "cross_entropy": f"∇ₐC is softmax(a{n}) − t",
            "binary_cross_entropy_with_logits": f"∇ₐC is σ(a{n}) − t",
        }.get(own, f"∇ₐC ⊙ σ′(z{n}) is a{n} − t where σ is the sigmoid")
        text = f"δ{n} is that of a squared error, {{}}, but of {own} {gradient}."
        error = "a − t" if r.model.layers[-1].activation.op is None else "(a − t) ⊙ σ′"
        choices.append((Mistake("squared-error δ", text.format(error)), (a - T) * slope))
        for p, P in probabilities:
            choices.append(
                (Mistake("squared-error δ", text.format(f"({p} − t) ⊙ {p}(1 − {p})")), (P - T) * P * (1 - P))
            )
    return choices + _other_losses(r, slope)


def _other_losses(r: Reference, slope: FloatArray) -> list[Choice]:
    """Return what δ of the last layer is under another loss."""
    choices: list[Choice] = []
    own = name_of(r.loss)
    for name, loss in LOSSES.items():
        rows = [gradient_of(loss, a, t) for a, t in zip(r.a[-1], r.T, strict=True)]
        if name == own or any(row is None for row in rows):
            continue
        kind = "∇C of another loss"
        if ("cross_entropy" in name) != ("cross_entropy" in own) and name not in ("mse_loss", "hinge_loss"):
            kind = "cross-entropy δ" if "cross_entropy" in name else "squared-error δ"
        choices.append((Mistake(kind, f"∇ₐC is that of {name}, but the loss is {own}."), np.array(rows) * slope))
    return choices


def _defined(layer: Layer, at: FloatArray) -> FloatArray | None:
    try:
        return slope_of(layer, at)
    except (ArithmeticError, ValueError):
        return None


def _slope_named(name: str, z: FloatArray) -> FloatArray | None:
    sigma = Layer(1, 1, name, init="zeros")
    return _defined(sigma, z)


def _applied(name: str, z: FloatArray) -> FloatArray:
    op: Any = ACTIVATIONS[name].op
    return np.asarray(op(z), dtype=float)


def _softmax(z: FloatArray) -> FloatArray:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True))
