"""Initial weights, drawn from a seeded NumPy generator.

An initialiser is a function `(rng, n_out, n_in)` that returns an array of shape (n_out, n_in). The named ones choose
the variance of a weight so that signals keep their size from layer to layer:

- Xavier: 2/(n_in + n_out), for tanh and sigmoid (X. Glorot and Y. Bengio, 2010);
- He: 2/n_in, for relu and its kin, which halve the signal (K. He et al., 2015);
- LeCun: 1/n_in, for activations with slope 1 at 0 (Y. LeCun et al., 1998).

A `_uniform` form draws between ±√(3·variance), a `_normal` form from a normal distribution of that variance. Plain
`normal` has variance 1, plain `uniform` lies between −1 and 1, and `zeros` leaves all neurons of a layer equal. Biases
begin at 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from ..arguments import FloatArray, float_array, unknown_name

__all__ = ["INITIALIZERS", "Initializer", "initial_weights"]

Initializer: TypeAlias = Callable[[np.random.Generator, int, int], FloatArray]


def _uniform(variance: Callable[[int, int], float]) -> Initializer:
    def draw(rng: np.random.Generator, n_out: int, n_in: int) -> FloatArray:
        bound = math.sqrt(3.0 * variance(n_out, n_in))
        return rng.uniform(-bound, bound, (n_out, n_in))

    return draw


def _normal(variance: Callable[[int, int], float]) -> Initializer:
    def draw(rng: np.random.Generator, n_out: int, n_in: int) -> FloatArray:
        return rng.normal(0.0, math.sqrt(variance(n_out, n_in)), (n_out, n_in))

    return draw


def _xavier(n_out: int, n_in: int) -> float:
    return 2.0 / (n_in + n_out)


def _he(_n_out: int, n_in: int) -> float:
    return 2.0 / n_in


def _lecun(_n_out: int, n_in: int) -> float:
    return 1.0 / n_in


INITIALIZERS: dict[str, Initializer] = {
    "xavier_uniform": _uniform(_xavier),
    "xavier_normal": _normal(_xavier),
    "he_uniform": _uniform(_he),
    "he_normal": _normal(_he),
    "lecun_uniform": _uniform(_lecun),
    "lecun_normal": _normal(_lecun),
    "uniform": lambda rng, n_out, n_in: rng.uniform(-1.0, 1.0, (n_out, n_in)),
    "normal": lambda rng, n_out, n_in: rng.normal(0.0, 1.0, (n_out, n_in)),
    "zeros": lambda _rng, n_out, n_in: np.zeros((n_out, n_in)),
}
"""The initialisers that have a name."""

_RELU_LIKE = frozenset({"elu", "gelu", "leaky_relu", "relu", "silu", "softplus"})


def initial_weights(
    init: str | Initializer | None, activation: str, rng: np.random.Generator, n_out: int, n_in: int
) -> FloatArray:
    """Return the initial weights of a layer, of shape (n_out, n_in).

    Args:
        init: The name of an initialiser, a function `(rng, n_out, n_in)`, or None for the one that suits the
            activation: he_uniform for relu, leaky_relu, elu, softplus, gelu and silu, otherwise xavier_uniform.
        activation: The name of the layer's activation.
        rng: The generator that is drawn from.
        n_out: The number of neurons in the layer.
        n_in: The number of its inputs.

    Raises:
        TypeError: If `init` is neither a name nor a function.
        ValueError: If no initialiser has that name, or the function returned another shape or numbers that are not
            finite.
    """
    if init is None:
        init = "he_uniform" if activation in _RELU_LIKE else "xavier_uniform"
    if isinstance(init, str):
        if init not in INITIALIZERS:
            raise unknown_name("initialiser", init, INITIALIZERS)
        init = INITIALIZERS[init]
    if not callable(init):
        raise TypeError(f"init must be a name or a function (rng, n_out, n_in), got {init!r}")
    return float_array("the array an initialiser returns", init(rng, n_out, n_in), (n_out, n_in))
