"""A backward pass in which mistakes can be planted, written apart from the referee that has to find them."""

import itertools
import math

import numpy as np

from nn import MLP, check_backprop, closed_form
from tests.matrix_networks import targets

LEAK = 0.01


def sigmoid(z):
    return 0.5 * (1.0 + np.tanh(0.5 * z))


@np.vectorize
def normal(z):
    return 0.5 * math.erfc(-z / math.sqrt(2))


SIGMA = {
    "identity": (lambda z: z, np.ones_like),
    "sigmoid": (sigmoid, lambda z: sigmoid(z) * (1 - sigmoid(z))),
    "tanh": (np.tanh, lambda z: 1 / np.cosh(z) ** 2),
    "relu": (lambda z: np.maximum(z, 0.0), lambda z: (z > 0) * 1.0),
    "leaky_relu": (lambda z: np.where(z > 0, z, LEAK * z), lambda z: np.where(z > 0, 1.0, LEAK)),
    "softplus": (lambda z: np.logaddexp(0.0, z), sigmoid),
    "sin": (np.sin, np.cos),
    "elu": (
        lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0.0))),
        lambda z: np.where(z > 0, 1.0, np.exp(np.minimum(z, 0.0))),
    ),
    "silu": (lambda z: z * sigmoid(z), lambda z: sigmoid(z) * (1 + z * sigmoid(-z))),
    "gelu": (lambda z: z * normal(z), lambda z: normal(z) + z * np.exp(-z * z / 2) / np.sqrt(2 * np.pi)),
}


class Problem:
    """A network of equally wide layers with random numbers, a batch, and the arrays of the forward pass."""

    def __init__(self, depth, activation, loss, *, width=3, N=4, l2=0.0, seed=0, scale=1.0):
        rng = np.random.default_rng([seed, depth, len(activation), len(loss)])
        output = "sigmoid" if loss == "binary_cross_entropy" else "identity"
        if loss in ("half_squared_error", "mse_loss"):
            output = activation
        self.activations = [activation] * (depth - 1) + [output]
        self.loss, self.l2, self.N, self.depth = loss, l2, N, depth
        self.model = MLP(width, [width] * depth, activation=self.activations, seed=int(rng.integers(1000)))
        self.model.weights = [rng.normal(size=(width, width)) for _ in range(depth)]
        self.model.biases = [rng.normal(size=width) for _ in range(depth)]
        self.X = scale * rng.normal(size=(N, width))
        self.T = targets(loss, (N, width), rng)
        self.W, self.b = list(self.model.weights), list(self.model.biases)
        self.z, self.a = [], [self.X]
        for W, b, name in zip(self.W, self.b, self.activations, strict=True):
            self.z.append(self.a[-1] @ W.T + b)
            self.a.append(SIGMA[name][0](self.z[-1]))

    def slope(self, l, at=None):
        return SIGMA[self.activations[l]][1](self.z[l] if at is None else at)

    def output_gradient(self):
        """∇ₐC: the δ of an identity layer with W = 1 and b = 0 whose inputs are the outputs."""
        n = self.a[-1].shape[1]
        one = closed_form.backprop(
            [np.eye(n)], [np.zeros(n)], self.a[-1], self.T, activations="identity", loss=self.loss
        )
        return one.delta[0]


def factor(kind, N):
    return {"sign": -1.0, "factor 2": 2.0, "factor 1/2": 0.5, "factor m": N, "factor 1/m": 1 / N}.get(kind, 1.0)


def layer_of(kinds, kind):
    """The layer that a mistake such as "wrong layer's a, 3" names, or None; a⁰ is the input."""
    return next((int(k.split(", ")[1]) for k in kinds if k.startswith(f"{kind}, ")), None)


def delta_with(p, l, above, kinds):
    """δ of the layer at index l, with mistakes."""
    slope = p.slope(l)
    if "σ′ missing" in kinds:
        slope = np.ones_like(slope)
    if "σ′ at a" in kinds:
        slope = p.slope(l, p.a[l + 1])
    if "σ′ at the wrong layer" in kinds:
        slope = p.slope(l, p.z[l - 1])
    if (k := layer_of(kinds, "σ′ at the wrong layer")) is not None:
        slope = p.slope(l, p.z[k - 1])
    if "cross-entropy δ" in kinds:
        delta = p.a[-1] - p.T
    elif "squared-error δ" in kinds:
        delta = (p.a[-1] - p.T) * slope
    elif above is None:
        delta = p.output_gradient() * slope
    else:
        delta = above @ (p.W[l + 1].T if "un-transposed W" in kinds else p.W[l + 1]) * slope
    for kind in kinds:
        delta = delta * factor(kind, p.N)
    if "only the last example" in kinds:
        delta = np.concatenate([np.zeros_like(delta[:-1]), delta[-1:]])
    return delta


def weight_gradient_with(p, l, delta, kinds):
    a = p.a[l + 1] if "this layer's a" in kinds else p.a[l]
    if (k := layer_of(kinds, "wrong layer's a")) is not None:
        a = p.a[k]
    gradient = np.outer(delta[-1], a[-1]) if "only the last example" in kinds else delta.T @ a / p.N
    for kind in kinds:
        gradient = gradient * factor(kind, p.N)
    if "wrong l2" in kinds:
        gradient = gradient + 2 * p.l2 * p.W[l]
    elif "no l2" not in kinds:
        gradient = gradient + p.l2 * p.W[l]
    return gradient.T if "transposed" in kinds else gradient


def bias_gradient_with(p, l, delta, kinds):
    gradient = delta.sum(axis=0) / p.N
    if "wrong axis" in kinds:
        gradient = delta.sum(axis=1) / p.N
    if "only the last example" in kinds:
        gradient = delta[-1]
    for kind in kinds:
        gradient = gradient * factor(kind, p.N)
    if "bias regularised" in kinds:
        gradient = gradient + p.l2 * p.b[l]
    return gradient


def arrays_with(p, planted):
    """dW, db and δ with mistakes: {(array, layer): kinds}, layers counted from 1."""
    dW, db, deltas = [None] * p.depth, [None] * p.depth, [None] * p.depth
    above = None
    for l in range(p.depth - 1, -1, -1):
        above = deltas[l] = delta_with(p, l, above, planted.get(("δ", l + 1), ()))
        dW[l] = weight_gradient_with(p, l, above, planted.get(("W", l + 1), ()))
        db[l] = bias_gradient_with(p, l, above, planted.get(("b", l + 1), ()))
    return dW, db, deltas


def mistakes(p):
    """Every mistake that can be planted in a problem: array, layer, kind."""
    for l in range(1, p.depth + 1):
        yield from (("δ", l, kind) for kind in ("sign", "factor 2", "σ′ missing", "σ′ at a"))
        if l < p.depth:
            yield "δ", l, "un-transposed W"
        if l > 1:
            yield "δ", l, "σ′ at the wrong layer"
        weight = ("transposed", "sign", "factor 2", "factor m", "factor 1/m", "this layer's a", "only the last example")
        yield from (("W", l, kind) for kind in (*weight, *(("no l2", "wrong l2") if p.l2 else ())))
        bias = ("sign", "factor 2", "factor m", "factor 1/m", "wrong axis", "only the last example")
        yield from (("b", l, kind) for kind in (*bias, *(("bias regularised",) if p.l2 else ())))
    if p.loss in ("half_squared_error", "mse_loss"):
        yield "δ", p.depth, "cross-entropy δ"
    if "cross_entropy" in p.loss:
        yield "δ", p.depth, "squared-error δ"


def catalogue(p):
    """Every kind of mistake with every place in the network where it can be made: {kind: [(array, layer, kind)]}."""
    inner = range(1, p.depth + 1)
    every = [(array, l, kind) for array in "δWb" for l in inner for kind in ("sign", "factor 2", "factor 1/2")]
    every += [(array, l, kind) for array in "Wb" for l in inner for kind in ("factor m", "factor 1/m")]
    every += [(array, l, "only the last example") for array in "δWb" for l in inner]
    for l in inner:
        every += [("δ", l, kind) for kind in ("σ′ missing", "σ′ at a")]
        every += [("δ", l, f"σ′ at the wrong layer, {k}") for k in inner if k != l]
        every += [("W", l, kind) for kind in ("transposed", "this layer's a", "no l2", "wrong l2")]
        every += [("W", l, f"wrong layer's a, {k}") for k in range(p.depth + 1) if k not in (l - 1, l)]
        every += [("b", l, kind) for kind in ("wrong axis", "bias regularised")]
    every += [("δ", l, "un-transposed W") for l in range(1, p.depth)]
    every.append(("δ", p.depth, "squared-error δ" if "cross_entropy" in p.loss else "cross-entropy δ"))
    found = {}
    for array, l, kind in every:
        found.setdefault(kind.split(", ")[0], []).append((array, l, kind))
    return found


def pairs(p):
    """Every pair of mistakes that do not replace the same thing."""
    slots = {"σ′ missing": "σ′", "σ′ at a": "σ′", "σ′ at the wrong layer": "σ′", "factor 1/m": "m", "factor m": "m"}
    slots |= {"cross-entropy δ": "σ′", "squared-error δ": "σ′", "no l2": "l2", "wrong l2": "l2"}
    slots |= {"wrong axis": "sum", "only the last example": "sum"}
    for one, other in itertools.combinations(mistakes(p), 2):
        same_slot = slots.get(one[2], one[2]) == slots.get(other[2], other[2])
        shapes_clash = {one[2], other[2]} == {"wrong axis", "bias regularised"}
        if one[:2] != other[:2] or not (same_slot or shapes_clash):
            yield one, other


def report_on(p, planted, *, with_delta=True, scale=1.0):
    dW, db, delta = arrays_with(p, planted)
    returned = (dW, db, [scale * d for d in delta]) if with_delta else (dW, db)
    return check_backprop(lambda *_: returned, p.model, p.X, p.T, p.loss, l2=p.l2)
