"""What the engine says of a network of any kind: the gradients by its parameters, at any numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from autograd import Value, gradients, no_grad
from autograd.value import recording

from ..arguments import FloatArray
from ..loss.loss_table import LossFunction
from ..model.module import Module, assign, data_of
from .reading.probes import Key
from .reading.quantities import Quantity

SMALL = 1e-12  # beside the largest of all gradients
NEAR = 1e-9  # how much numbers differ, of their size

__all__ = ["GraphReference", "parameters_of", "width_of"]


def parameters_of(model: Any) -> dict[str, Any]:
    """Return the arrays of Values that an object holds, by name; none for what is no model."""
    return Module.parameter_arrays(model) if callable(model) and hasattr(model, "__dict__") else {}


class GraphReference:
    """What the engine finds for a model of any kind.

    Args:
        model: The model; its parameters are as before afterwards.
        names: Those of its parameters.
        numbers: The numbers at which it is differentiated, in the order of its parameters.
        X: The inputs, one row an example.
        T: The targets.
        loss: The loss of one example.
        whole_batch: Whether the model takes all rows at once and returns as many.
        l2: The coefficient of the penalty beside the mean loss, on arrays of two axes and more.
        l2_biases: Whether it is on all parameters.

    Attributes:
        L: The number of layers that are known, none.
        a: The inputs and the outputs.
        right: The gradients by parameter.

    Raises:
        TypeError: If the loss is no Value.
        ValueError: If the outputs are not as many as the targets.
    """

    L = 0
    who = "the engine"

    def __init__(
        self,
        model: Any,
        names: Iterable[str],
        numbers: list[FloatArray],
        X: FloatArray,
        T: FloatArray,
        loss: LossFunction,
        *,
        whole_batch: bool,
        l2: float,
        l2_biases: bool,
    ) -> None:
        self.model, self.T, self.loss, self.whole_batch, self.l2, self.l2_biases = (
            model,
            T,
            loss,
            whole_batch,
            l2,
            l2_biases,
        )
        self.N, self.W, self.names = len(X), [np.array(array) for array in numbers], tuple(names)
        found, rows, at_outputs = self._differentiated(X)
        self.right = {
            name: np.asarray(array, dtype=float) + (l2 * W if self._is_penalised(W) else 0.0)
            for name, array, W in zip(self.names, found, self.W, strict=True)
        }
        self.a = [X, np.array([[y.data if isinstance(y, Value) else y for y in row] for row in rows], dtype=float)]
        whole = all(len(row) == len(rows[0]) for row in at_outputs) and bool(at_outputs[0])
        self.gradient = self.N * np.array(at_outputs, dtype=float) if whole else None

    def _differentiated(self, X: FloatArray) -> tuple[list[Any], list[list[Any]], list[list[Any]]]:
        """Return the gradients by the parameters, the outputs, and the gradients by those that depend on them."""
        held = parameters_of(self.model)
        before = [data_of(array) for array in held.values()]
        assign({name: (array, new) for (name, array), new in zip(held.items(), self.W, strict=True)})
        try:
            with recording():
                rows = _outputs(self.model, X, self.whole_batch)
                if len(rows) != self.N:
                    raise ValueError(f"the model must return {self.N} rows for {self.N} examples, got {len(rows)}")
                flat = [[y for y in row if isinstance(y, Value)] for row in rows]
                found, at_outputs = gradients(self._cost(rows), [list(held.values()), flat])
        finally:
            assign({name: (array, old) for (name, array), old in zip(held.items(), before, strict=True)})
        return found, rows, at_outputs

    def _cost(self, rows: list[list[Any]]) -> Value:
        """Return the mean loss of outputs."""
        costs = [self.loss(row, t) for row, t in zip(rows, self.T.tolist(), strict=True)]
        cost = sum(costs[1:], costs[0]) / self.N
        if not isinstance(cost, Value):
            raise TypeError(f"the loss must return a Value, got {cost!r} of type {type(cost).__name__}")
        return cost

    def _is_penalised(self, W: FloatArray) -> bool:
        return bool(self.l2) and (self.l2_biases or W.ndim > 1)

    def at(self, numbers: list[FloatArray], X: FloatArray, T: FloatArray) -> GraphReference:
        """Return the same for other numbers."""
        return type(self)(
            self.model,
            self.names,
            numbers,
            X,
            T,
            self.loss,
            whole_batch=self.whole_batch,
            l2=self.l2,
            l2_biases=self.l2_biases,
        )

    @cached_property
    def noise(self) -> dict[str, float]:
        """How far gradients may be off that are 0 in exact arithmetic, such as that by a bias before a batch's mean.

        They are very small beside the others, and other numbers where the parameters differ a little.
        """
        sizes = {name: float(np.abs(array).max(initial=0.0)) for name, array in self.right.items()}
        largest = max(sizes.values())
        small = [name for name, size in sizes.items() if 0 < size < SMALL * largest]
        if not small:
            return {}
        rng = np.random.default_rng(0)
        near = self.at([W * (1 + NEAR * rng.normal(size=W.shape)) for W in self.W], self.a[0], self.T).right
        moved = {name: float(np.abs(near[name] - self.right[name]).max()) for name in small}
        return {name: SMALL * largest for name in small if moved[name] > 1e3 * NEAR * sizes[name]}

    def arrays(self) -> dict[Key, FloatArray]:
        """Return the right gradients, all of layer 0."""
        return {(name, 0): array for name, array in self.right.items()}

    def quantities(self) -> list[Quantity]:
        """Return what has a name without layers: inputs, outputs, targets, parameters and gradients."""
        outputs = self.a[1]
        found = [Quantity("x", "x", 0, self.a[0]), Quantity("t", "t", 0, self.T), Quantity("y", "y", 0, outputs)]
        if outputs.shape == self.T.shape:
            found.append(Quantity("y − t", "e", 0, outputs - self.T, is_sum=True))
        if self.gradient is not None:
            found.append(Quantity("∂C/∂y", "g", 0, self.gradient))
        for name, number in zip(self.names, self.W, strict=True):
            found.append(Quantity(name, "W", 0, number, rows=False))
            found.append(Quantity(f"∂C/∂{name}", "dW", 0, self.right[name], rows=False))
            if self._is_penalised(number):
                found.append(Quantity(f"l2·{name}", "decay", 0, self.l2 * number, rows=False))
        return [quantity for quantity in found if quantity.array.size]


def width_of(model: Any, X: FloatArray, *, whole_batch: bool) -> int:
    """Return how many outputs a model has for an example."""
    with no_grad():
        return len(_outputs(model, X if whole_batch else X[:1], whole_batch)[0])


def _outputs(model: Any, X: FloatArray, whole_batch: bool) -> list[list[Any]]:
    """Return the outputs, a list for every example."""
    rows = model(X.tolist()) if whole_batch else [model(x) for x in X.tolist()]
    return [list(row) if isinstance(row, (Sequence, np.ndarray)) else [row] for row in rows]
