"""The program that a graph was lifted to: it runs on batches, and its parameters are arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..value import Value
from .evaluate import Evaluation
from .lifted import Lifted, lifted
from .parameters import given_parameters

__all__ = ["Program", "lift"]

Array = np.ndarray[Any, Any]


class Program:
    """The matrix form of a scalar graph, forward and reverse."""

    def __init__(self, derived: Lifted, leaves: Sequence[Value], *, mean: bool = True) -> None:
        self.derived = derived
        self._leaves: list[Value] | None = list(leaves)
        self._mean = mean
        self.flat: Array = derived.start.copy()

    def value_and_grad(self, **batch: Any) -> tuple[float, dict[str, Array]]:
        """Return the loss of a batch and its gradient by parameter name, as fresh arrays."""
        rows = {name: np.atleast_2d(np.asarray(values, dtype=float)) for name, values in batch.items()}
        count = len(next(iter(rows.values()))) if rows else 1
        found = self.derived
        blocks = {found.forward.inputs[name]: array for name, array in rows.items()}
        run = Evaluation(found.parameters, self.flat, blocks, count, mean=self._mean)
        run.forward(found.forward)
        gradient = run.backward(found.reverse, found.parameters)
        losses = run.losses(found.forward.roots[0])
        grads = {each.name: gradient[each.positions].reshape(each.shape) for each in found.parameters.all}
        return float(losses.mean() if self._mean else losses.sum()), grads


def lift(
    output: Value, inputs: Mapping[str, Sequence[Value]] | None = None, parameters: Any = None, *, reduce: str = "mean"
) -> Program:
    """Return the matrix program of a graph that is already recorded."""
    leaves, named = given_parameters(parameters) if parameters is not None else (None, None)
    derived, _, used = lifted(output, inputs or {}, leaves, named)
    return Program(derived, used, mean=reduce == "mean")
