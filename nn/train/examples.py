"""Examples as a model and a loss take them: inputs, targets, weights, checked before anything happens."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autograd import no_grad

from ..arguments import FloatArray, float_array
from ..files.checkpoints import digest
from ..loss.classes import Classes, Label, target_rows
from ..loss.loss_table import LossFunction, facts_of, require_targets
from ..loss.targets import Decision, decision
from ..rows import BLOCK, Rows
from .evaluation import Batch, Model, outputs_of

__all__ = ["Examples"]


@dataclasses.dataclass(frozen=True, eq=False)
class Examples:
    """Inputs and targets that fit a model and a loss.

    Attributes:
        X: The inputs, (N, n_in).
        T: The targets, (N, n_out).
        weights: How much each example counts, (N,); None where all count alike.
        classes: The classes, where targets were given as labels.
        classify: How classes are read from outputs and targets; None where the targets are no classes.
    """

    X: Rows
    T: FloatArray
    weights: FloatArray | None
    classes: Classes | None
    classify: Decision | None

    @classmethod
    def of(
        cls,
        model: Model,
        loss: LossFunction,
        X: Any,
        T: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        classes: Sequence[Label] | None = None,
        called: str = "",
    ) -> Examples:
        """Return examples, after a trial of the first one that changes nothing.

        Args:
            model: The model.
            loss: The loss.
            X: Inputs, (N, n_in).
            T: Targets, (N, n_out); (N,) for a single output, or labels of classes for a loss that is for classes.
            sample_weight: How much each example counts, (N,), from 0 up.
            classes: The classes in the order of the outputs.
            called: What comes before the names X and T in error messages, such as "the validation ".

        Raises:
            TypeError: If an argument is of the wrong kind.
            ValueError: If shapes do not fit, there are no examples, or a number or a target is refused.
        """
        if not (callable(model) and hasattr(model, "parameters")):
            raise TypeError(f"a model is called with an example and has parameters(), got {model!r}")
        rows = Rows(f"{called}X", X)
        with no_grad():
            n_out = len(outputs_of(model, rows.between(0, 1)[0]))
        targets, found = target_rows(f"{called}T", T, loss, n_out, classes)
        if len(rows) != len(targets):
            raise ValueError(
                f"{called}X and {called}T must have as many rows, got {len(rows)} inputs and {len(targets)} targets"
            )
        require_targets(loss, targets)
        if n_out != targets.shape[1]:
            raise ValueError(f"the model has {n_out} outputs, but {called}T has {targets.shape[1]} columns")
        facts = facts_of(loss)
        classify = decision(targets, off=facts.off, middle=facts.middle)
        return cls(rows, targets, _weights(f"{called}sample_weight", sample_weight, len(rows)), found, classify)

    @classmethod
    def for_validation(
        cls, model: Model, loss: LossFunction, given: object, classes: Sequence[Label] | None
    ) -> Examples | None:
        """Return the examples of the argument `validation`, or None where it is None.

        Args:
            model: The model.
            loss: The loss.
            given: A pair (X, T), or (X, T, sample_weight).
            classes: The classes in the order of the outputs, where those that are trained on have some.

        Raises:
            TypeError: If it is neither; and as `of`.
            ValueError: As `of`.
        """
        if given is None:
            return None
        if not isinstance(given, tuple) or len(given) not in (2, 3):
            what = f"a tuple of {len(given)}" if isinstance(given, tuple) else type(given).__name__
            raise TypeError(f"validation must be a pair (X, T), or (X, T, sample_weight), got {what}")
        return cls.of(model, loss, *given, classes=classes, called="the validation ")

    def __len__(self) -> int:
        return len(self.X)

    def batch(self, rows: NDArray[np.int64]) -> Batch:
        """Return the examples with some numbers; their weights are made to average 1."""
        return self._batch(
            self.X.taken(rows), self.T.take(rows, 0), None if self.weights is None else self.weights[rows]
        )

    def blocks(self, count: int = BLOCK) -> Iterator[tuple[float, Batch]]:
        """Yield all examples in order, some at a time, each time with the part that they are of the whole weight."""
        rows = np.arange(len(self))
        whole = self.size(rows)
        for start, X in self.X.blocks(count):
            part = slice(start, start + count)
            weights = None if self.weights is None else self.weights[part]
            yield self.size(rows[part]) / whole, self._batch(X, self.T[part], weights)

    def assessed(self, assess: Callable[[Batch], tuple[float, FloatArray]]) -> tuple[float, FloatArray]:
        """Return the mean loss over all examples and their outputs, from what a function gives for some of them."""
        found = [(part, *assess(batch)) for part, batch in self.blocks()]
        return math.fsum(part * cost for part, cost, _ in found), np.concatenate([outputs for *_, outputs in found])

    def size(self, rows: NDArray[np.int64]) -> float:
        """Return the weight of some examples together: without weights, their number."""
        return float(len(rows)) if self.weights is None else float(self.weights[rows].sum())

    def digest(self) -> str:
        """Return what tells these examples from others: the SHA-256 of their shapes and numbers."""
        weights = () if self.weights is None else (self.weights,)
        return digest(self.X, self.T, *weights)

    def _batch(self, X: FloatArray, T: FloatArray, weights: FloatArray | None) -> Batch:
        if weights is None:
            return {"x": X, "t": T}
        total = float(weights.sum())
        return {"x": X, "t": T, "w": (weights * (len(weights) / total) if total > 0.0 else weights)[:, None]}


def _weights(name: str, given: ArrayLike | None, count: int) -> FloatArray | None:
    if given is None:
        return None
    weights = float_array(name, given, (count,))
    if (weights < 0.0).any():
        n = int(np.argmax(weights < 0.0))
        raise ValueError(f"{name} must be from 0 up, got {weights[n]} for example {n}")
    if not weights.any():
        raise ValueError(f"{name} must be greater than 0 for at least one example")
    return weights
