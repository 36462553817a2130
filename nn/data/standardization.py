"""Inputs with mean 0 and standard deviation 1."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import ArrayLike

from ..arguments import FloatArray, float_rows
from .dataset import Dataset

__all__ = ["Standardization"]


@dataclasses.dataclass(frozen=True, eq=False)
class Standardization:
    """The map x ↦ (x − mean) / deviation, column by column.

    It is learned on the training part and applied to all parts: what a model is tested on must not have been looked at.

    Attributes:
        mean: The mean of each column.
        deviation: The standard deviation of each column (dividing by N), or 1 where all its numbers are equal.

    Example:
        >>> standardization = Standardization.learned([[1.0, 5.0], [3.0, 5.0]])
        >>> standardization([[5.0, 6.0]]).tolist()
        [[3.0, 1.0]]
    """

    mean: FloatArray
    deviation: FloatArray

    @classmethod
    def learned(cls, X: ArrayLike | Dataset) -> Standardization:
        """Return the standardisation of the columns of X, or of the inputs of a data set.

        Raises:
            TypeError: If it holds something else than real numbers.
            ValueError: If it is empty, not two-dimensional or not finite.
        """
        X = float_rows("X", X.X if isinstance(X, Dataset) else X)
        size = np.maximum(np.abs(X).max(axis=0), np.finfo(float).tiny)  # squares of large numbers would overflow
        mean, deviation = (X / size).mean(axis=0) * size, (X / size).std(axis=0) * size
        constant = (X[0] == X).all(axis=0)
        return cls(np.where(constant, X[0], mean), np.where(constant | (deviation == 0.0), 1.0, deviation))

    def __call__(self, X: ArrayLike) -> FloatArray:
        """Return the standardised rows.

        Raises:
            TypeError: If X holds something else than real numbers.
            ValueError: If X has another number of columns, or a number is not finite, before or after.
        """
        X = float_rows("X", X)
        if X.shape[1] != len(self.mean):
            raise ValueError(f"X must have {len(self.mean)} columns, as the training part, got {X.shape[1]}")
        with np.errstate(over="ignore"):
            result: FloatArray = (X - self.mean) / self.deviation
        if not np.isfinite(result).all():
            raise ValueError("a number of X is too far from the mean of the training part to be standardised")
        return result

    def applied(self, dataset: Dataset) -> Dataset:
        """Return a data set with standardised inputs.

        Raises:
            ValueError: If it has another number of inputs, or a result is not finite.
        """
        return dataclasses.replace(dataset, X=self(dataset.X))
