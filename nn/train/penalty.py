"""The penalty (c/2) Σ w² on large weights: as a loss of its own, and as what training adds to a batch."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from autograd import Value, affine

from ..arguments import FloatArray
from ..loss.loss_table import Scalar
from ..model.module import Module
from .evaluation import BatchGradient, Model
from .optimizers import Optimizer

__all__ = ["Penalty", "l2_penalty", "require_coefficient"]


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


@dataclasses.dataclass(frozen=True)
class Penalty:
    """The L2 penalty (c/2) Σ w².

    Attributes:
        c: The coefficient.
        weights: The weights it applies to.
        positions: Where they stand among the parameters of the optimiser, for those that do.
    """

    c: float
    weights: tuple[Value, ...]
    positions: FloatArray

    @classmethod
    def of(cls, model: Model, c: float, optimizer: Optimizer) -> Penalty | None:
        """Return the penalty, or None where the coefficient is 0.

        Raises:
            TypeError: If the coefficient is no number, or the model does not say which parameters are weights.
            ValueError: If the coefficient is negative or not finite.
        """
        require_coefficient("l2", c)
        if c == 0.0:
            return None
        if not isinstance(model, Module):
            raise TypeError(f"l2 needs a model that says which parameters are weights, got {type(model).__name__}")
        weights = tuple(dict.fromkeys(model.weight_values()))
        positions = np.isin([id(leaf) for leaf in optimizer.parameters], [id(weight) for weight in weights])
        return cls(float(c), weights, positions.astype(float))

    def added(self, batch: BatchGradient, optimizer: Optimizer) -> BatchGradient:
        """Return a batch with the penalty in its loss and gradient."""
        data = np.array([leaf.data for leaf in optimizer.parameters])
        loss = batch.loss + float(l2_penalty([weight.data for weight in self.weights], self.c))
        return batch._replace(loss=loss, gradients=batch.gradients + self.c * self.positions * data)


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
