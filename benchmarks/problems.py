"""The problems that all contenders solve, as plain numbers."""

from __future__ import annotations

import itertools
import math
import random
from typing import Any

__all__ = ["chains", "hessian", "network", "nodes"]

Problem = dict[str, Any]


def chains(count: int, length: int) -> Problem:
    """Return chains of elementary operations, five kinds in turn, that share two leaves."""
    rng = random.Random(1)
    return {
        "count": count,
        "length": length,
        "starts": [rng.uniform(0.5, 1.5) for _ in range(count)],
        "w": 1.02,
        "b": 0.25,
    }


def nodes(count: int) -> Problem:
    """Return one graph of about `count` nodes: chains of fifty whose ends are summed."""
    return chains(count // 51, 50)


def network(sizes: list[int], examples: int, activation: str, loss: str, l2: float, rate: float) -> Problem:
    """Return a step of full-batch gradient descent on a network.

    Args:
        sizes: The number of inputs and of neurons of each layer.
        examples: The number of examples.
        activation: "tanh" or "relu", of the hidden layers with an identity behind, or "sigmoid", of all.
        loss: "half_squared_error" or "hinge_loss"; its mean is taken over the examples.
        l2: The coefficient c of (c/2)·Σ‖W‖².
        rate: The learning rate.
    """
    rng = random.Random(2)
    hidden = len(sizes) - 2
    signs = loss == "hinge_loss"
    return {
        "activations": [activation] * hidden + [activation if activation == "sigmoid" else "identity"],
        "loss": loss,
        "l2": l2,
        "rate": rate,
        "X": [[rng.uniform(-1, 1) for _ in range(sizes[0])] for _ in range(examples)],
        "T": [[rng.choice((-1.0, 1.0)) if signs else rng.random() for _ in range(sizes[-1])] for _ in range(examples)],
        "W": [
            [[rng.gauss(0, 1 / math.sqrt(n)) for _ in range(n)] for _ in range(m)] for n, m in itertools.pairwise(sizes)
        ],
        "b": [[rng.uniform(-0.1, 0.1) for _ in range(m)] for m in sizes[1:]],
    }


def hessian(variables: int) -> Problem:
    """Return a point at which to take the Hessian of Σ 100 (x₊ − x²)² + (1 − x)² + sin(x x₊)."""
    rng = random.Random(3)
    return {"x": [rng.uniform(-1, 1) for _ in range(variables)]}
