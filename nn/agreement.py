"""One gradient, found three ways: by the engine, by the matrix equations, and from the loss alone.

The engine (`autograd`) applies the chain rule to the recorded graph. The closed form (`nn.closed_form`) evaluates the
matrix equations of backpropagation and shares no rule with the engine. Central differences know no rule at all: they
take the loss at two points beside each parameter.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from autograd import Value, no_grad

from . import closed_form
from .arguments import FloatArray, float_rows
from .loss.loss_table import loss_named
from .model.mlp import MLP
from .train.evaluate import evaluate
from .train.evaluation import eager_gradient

__all__ = ["Agreement", "gradient_agreement"]

CLOSED_FORM_TOLERANCE = 1e-12
"""Two exact computations differ by rounding only: some hundred units in the last place of the largest gradient."""

DIFFERENCE_TOLERANCE = 1e-6
"""Central differences with the step below lose a third of the 16 digits to truncation and a third to cancellation."""

STEP = float(np.cbrt(np.finfo(float).eps))
"""The step, relative to the parameter, at which the two errors of a central difference are of equal size."""


@dataclasses.dataclass(frozen=True)
class Agreement:
    """How the three gradients of one array of parameters agree.

    Attributes:
        name: The array, such as `W1`.
        shape: Its shape.
        largest: The largest entry of the engine's gradient, in size.
        closed_form_error: The largest distance between engine and closed form, over all entries.
        difference_error: The largest distance between engine and central differences, over all entries.
    """

    name: str
    shape: tuple[int, ...]
    largest: float
    closed_form_error: float
    difference_error: float

    @property
    def equals_closed_form(self) -> bool:
        """Whether engine and closed form differ by at most 1e-12 of the largest entry."""
        return self.closed_form_error <= CLOSED_FORM_TOLERANCE * self.largest

    @property
    def equals_differences(self) -> bool:
        """Whether engine and central differences differ by at most 1e-6 of the largest entry."""
        return self.difference_error <= DIFFERENCE_TOLERANCE * self.largest


def gradient_agreement(model: MLP, X: ArrayLike, T: ArrayLike, *, loss: str) -> list[Agreement]:
    """Return how the gradients of the mean loss over a batch agree, for every parameter of a network.

    The parameters are moved and put back for the differences, and their `grad` is that of the batch afterwards. The
    differences evaluate the loss of the batch twice for each parameter, so a small batch is advisable.

    Args:
        model: The network.
        X: Inputs, shape (N, n_in).
        T: Targets, shape (N, n_out).
        loss: The name of the loss.

    Returns:
        One entry per array: W1, b1, W2, b2, …

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If shapes do not fit, a name is unknown or a target is none of the loss, or if the closed form does
            not know an activation.
        ArithmeticError: If a number on the way is not finite.

    Example:
        >>> (W1, b1) = gradient_agreement(MLP(2, [1], seed=0), [[1.0, 2.0]], [[0.5]], loss="mse_loss")
        >>> W1.name, W1.shape, W1.equals_closed_form, W1.equals_differences
        ('W1', (1, 2), True, True)
    """
    X, T = float_rows("X", X), float_rows("T", T)
    evaluate(model, X, T, loss=loss)  # raises where something does not fit
    oracle = closed_form.backprop(model.weights, model.biases, X, T, activations=model.activations, loss=loss)
    eager_gradient(model, loss_named(loss), model.parameters())({"x": X, "t": T})
    result = []
    for l, (dW, db) in enumerate(zip(oracle.dW, oracle.db, strict=True), start=1):
        for name, exact in ((f"W{l}", dW), (f"b{l}", db)):
            if name not in model.parameter_arrays():
                continue  # a layer without biases
            engine = model.gradients()[name]
            differences = _central_differences(model, name, X, T, loss)
            result.append(
                Agreement(
                    name,
                    engine.shape,
                    float(np.abs(engine).max()),
                    float(np.abs(engine - exact).max()),
                    float(np.abs(engine - differences).max()),
                )
            )
    return result


def _central_differences(model: MLP, name: str, X: FloatArray, T: FloatArray, loss: str) -> FloatArray:
    """Return (C(w + h) − C(w − h)) / 2h for every parameter w of an array."""
    cost, rows = loss_named(loss), list(zip(X, T.tolist(), strict=True))

    def mean_loss() -> float:
        with no_grad():
            return float(np.mean([cost(model(x), t).data for x, t in rows]))

    leaves = model.parameter_arrays()[name]
    return np.array([_central_difference(leaf, mean_loss) for leaf in leaves.flat]).reshape(leaves.shape)


def _central_difference(leaf: Value, cost: Callable[[], float]) -> float:
    middle = leaf.data
    step = STEP * max(1.0, abs(middle))
    try:
        leaf.data = right = middle + step
        above = cost()
        leaf.data = left = middle - step
        below = cost()
    finally:
        leaf.data = middle
    return (above - below) / (right - left)  # the distance as it was rounded, not 2h
