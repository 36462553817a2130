"""What is asked of every submission, and the batches that it is tried on."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..arguments import FloatArray
from ..loss.loss_table import LossFunction, name_of
from ..model.mlp import MLP

__all__ = ["Assignment", "Trial"]

SIZES = (5, 8, 1)
"""Examples of the hidden batches: a mean over one is no mean, so one is not enough."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A network and a batch for it.

    Attributes:
        model: The network.
        X: Inputs, shape (N, n_0).
        T: Targets, shape (N, n_L).
    """

    model: MLP
    X: FloatArray
    T: FloatArray


@dataclass(frozen=True, slots=True)
class Assignment:
    """The task.

    Attributes:
        model: A network of the sizes and with the activations that are asked for; its weights are not used.
        loss: The loss.
        l2: The coefficient of the penalty.
        layout: "rows" or "columns", as `nn.check_backprop` means it.
        function: What the function must be called.
    """

    model: MLP
    loss: str | LossFunction = "half_squared_error"
    l2: float = 0.0
    layout: str = "rows"
    function: str = "my_backprop"

    @classmethod
    def from_file(cls, path: Path | None, function: str) -> Assignment:
        """Return the assignment in a Python file of your own: MODEL, LOSS, L2 and LAYOUT, all of which may be left out.

        Raises:
            TypeError: If MODEL is no MLP.
            ValueError: If LAYOUT is unknown.
            OSError: If the file cannot be read.
        """
        given = {} if path is None else runpy.run_path(str(path))
        model = given.get("MODEL") or MLP(3, [4, 4, 2], activation="sigmoid", output_activation="sigmoid", seed=0)
        if not isinstance(model, MLP):
            raise TypeError(f"{path}: MODEL must be an nn.MLP, got one of type {type(model).__name__}")
        layout = given.get("LAYOUT", "rows")
        if layout not in ("rows", "columns"):
            raise ValueError(f"{path}: LAYOUT must be 'rows' or 'columns', got {layout!r}")
        return cls(model, given.get("LOSS", "half_squared_error"), float(given.get("L2", 0.0)), layout, function)

    def trials(self, seed: int) -> Iterator[Trial]:
        """Yield networks with random weights, none of them 0, and random batches."""
        rng = np.random.default_rng(seed)
        for size in SIZES:
            layers = self.model.layers
            activations = [layer.activation.op or "identity" for layer in layers]
            sizes = [layer.n_out for layer in layers]
            model = MLP(self.model.n_in, sizes, activation=activations, seed=int(rng.integers(2**31)))
            model.biases = [rng.normal(size=b.shape) for b in model.biases]
            yield Trial(model, rng.normal(size=(size, model.n_in)), self._targets(rng, size))

    def handed_over(self, trial: Trial) -> tuple[list[FloatArray], list[FloatArray], FloatArray, FloatArray]:
        """Return weights, biases, X and T of a trial in the layout of the assignment."""
        weights, biases = list(trial.model.weights), list(trial.model.biases)
        if self.layout == "columns":
            return weights, [b[:, None] for b in biases], trial.X.T, trial.T.T
        return weights, biases, trial.X, trial.T

    def _targets(self, rng: np.random.Generator, size: int) -> FloatArray:
        n_out, loss = self.model.n_out, name_of(self.loss) if callable(self.loss) else self.loss
        if loss == "hinge_loss":
            return rng.choice([-1.0, 1.0], size=(size, n_out))
        if loss == "cross_entropy":
            return rng.dirichlet(np.ones(n_out), size=size)
        return rng.uniform(0.1, 0.9, size=(size, n_out))
