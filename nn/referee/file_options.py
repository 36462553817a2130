"""What a file says about its backward pass by constants, L2, LAYOUT and so on, and what it leaves to chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..arguments import FloatArray
from ..loss.loss_table import name_of

__all__ = ["drawn_targets", "options_in"]

OPTIONS = (
    "l2",
    "l2_biases",
    "layout",
    "weights",
    "reduce",
    "one_by_one",
    "bias_column",
    "learning_rate",
    "notation",
)


def options_in(constants: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of `nn.check_backprop` that stand among constants, by the same names in capitals."""
    return {name: constants[name.upper()] for name in OPTIONS if name.upper() in constants}


def drawn_targets(
    rng: np.random.Generator, loss: Any, N: int, n_out: int, labels: Sequence[Any] | None = None
) -> FloatArray | list[Any]:
    """Return random targets that a loss takes.

    Args:
        rng: Draws them.
        loss: The loss, or its name.
        N: How many.
        n_out: The number of outputs.
        labels: The classes, if they are to be labels; each comes once at least, if there is room.
    """
    if labels is not None:
        return [list(labels)[k % len(labels)] for k in rng.permutation(N)]
    name = name_of(loss) if callable(loss) else loss
    if name == "hinge_loss":
        return rng.choice([-1.0, 1.0], size=(N, n_out))
    if name == "cross_entropy":
        return rng.dirichlet(np.ones(n_out), size=N)
    return rng.uniform(0.1, 0.9, size=(N, n_out))
