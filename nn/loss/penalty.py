"""The penalty (c/2) Σ w² on large weights, as a loss of its own."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from autograd import affine

from ..model.module import Module
from .loss_table import Scalar

__all__ = ["l2_penalty", "require_coefficient"]


def l2_penalty(model_or_weights: Module | Iterable[Any], c: float) -> Scalar:
    """Return (c/2) Σ w² over all weights; biases are not penalised.

    Add it once to the mean loss of a batch. Where a text writes (λ/2m) Σ w² for m examples, c is λ/m.

    Args:
        model_or_weights: A model, or weights: Values, numbers, arrays, nested as you like.
        c: The coefficient, finite and not negative.

    Returns:
        A Value for a model or where a weight is a Value, otherwise a float.

    Raises:
        TypeError: If a weight is neither a number nor a Value, or a module does not say which parameters are weights.
        ValueError: If `c` is negative or not finite.

    Example:
        >>> l2_penalty([[1.0, 2.0], [3.0]], c=0.5)
        3.5
    """
    require_coefficient("c", c)
    held = model_or_weights.weight_values() if isinstance(model_or_weights, Module) else model_or_weights
    weights = tuple(_flat(held))
    return 0.5 * float(c) * affine(weights, weights)


def require_coefficient(name: str, c: float) -> None:
    """Check that the coefficient of a penalty is finite and not negative.

    Raises:
        TypeError: If it is not a number.
        ValueError: If it is negative or not finite.
    """
    if isinstance(c, bool) or not isinstance(c, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name} must be a number, got {c!r} of type {type(c).__name__}")
    if not 0.0 <= c < math.inf:
        raise ValueError(f"{name} must be finite and not negative, got {c!r}")


def _flat(weights: Any) -> Iterable[Scalar]:
    if isinstance(weights, np.ndarray):
        yield from weights.ravel().tolist()
    elif isinstance(weights, Iterable) and not isinstance(weights, (str, bytes)):
        for item in weights:
            yield from _flat(item)
    else:
        yield weights
