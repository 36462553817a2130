"""What the penalty (c/2) Σ w² adds to a batch in training, on arrays; `nn.loss.penalty` is the same as a loss."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from autograd import Value

from ..arguments import FloatArray
from ..loss.penalty import require_coefficient
from ..model.module import Module
from .evaluation import BatchGradient, Model

__all__ = ["Penalty"]


@dataclasses.dataclass(frozen=True)
class Penalty:
    """The L2 penalty (c/2) Σ w².

    Attributes:
        c: The coefficient.
        positions: 1 for each parameter of the vector that is a weight, 0 for the others.
        apart: The weights that are not in the vector, because they are not trained.
    """

    c: float
    positions: FloatArray
    apart: tuple[Value, ...]

    @classmethod
    def of(cls, model: Model, c: float, leaves: Sequence[Value]) -> Penalty | None:
        """Return the penalty for a vector of the parameters `leaves`, or None where the coefficient is 0.

        Raises:
            TypeError: If the coefficient is no number, or the model does not say which parameters are weights.
            ValueError: If the coefficient is negative or not finite.
        """
        require_coefficient("l2", c)
        if c == 0.0:
            return None
        if not isinstance(model, Module):
            raise TypeError(f"l2 needs a model that says which parameters are weights, got {type(model).__name__}")
        weights, trained = dict.fromkeys(model.weight_values()), set(leaves)
        positions = np.array([float(leaf in weights) for leaf in leaves])
        return cls(float(c), positions, tuple(weight for weight in weights if weight not in trained))

    def at(self, data: FloatArray) -> tuple[float, FloatArray]:
        """Return the penalty and its gradient, at some numbers of the parameters."""
        gradient = self.c * self.positions * data
        return 0.5 * (float(gradient @ data) + self.c * sum(weight.data**2 for weight in self.apart)), gradient

    def added(self, batch: BatchGradient, data: FloatArray) -> BatchGradient:
        """Return a batch with the penalty in its loss and gradient, at some numbers of the parameters."""
        penalty, gradient = self.at(data)
        return batch._replace(loss=batch.loss + penalty, gradients=batch.gradients + gradient)
