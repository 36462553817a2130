"""What is asked of every submission, and the batches that it is tried on."""

from __future__ import annotations

import runpy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..arguments import FloatArray
from ..loss.loss_table import LossFunction
from ..model.mlp import MLP
from ..referee.check import require_options
from ..referee.file_options import drawn_targets, options_in

__all__ = ["Assignment", "Trial"]

SIZES = (5, 8, 1)
"""Examples of the hidden batches: a mean over one is no mean, so one is not enough."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A network and a batch for it.

    Attributes:
        model: The network.
        X: Inputs, shape (N, n_0).
        T: Targets, shape (N, n_L), or labels.
    """

    model: MLP
    X: FloatArray
    T: FloatArray | list[Any]


@dataclass(frozen=True, slots=True)
class Assignment:
    """The task.

    Attributes:
        model: A network of the sizes and with the activations that are asked for; its weights are not used.
        loss: The loss.
        options: The arguments of `nn.check_backprop` that are said: l2, layout and so on.
        labels: The classes, if targets are labels.
        function: What the function must be called.
    """

    model: MLP
    loss: str | LossFunction = "half_squared_error"
    options: Mapping[str, Any] = field(default_factory=dict)
    labels: Sequence[Any] | None = None
    function: str = "my_backprop"

    @classmethod
    def from_file(cls, path: Path | None, function: str) -> Assignment:
        """Return the assignment in a Python file of your own: MODEL, LOSS, LABELS, L2, LAYOUT and the like.

        Raises:
            TypeError: If MODEL is no MLP.
            ValueError: If one of them is unknown.
            OSError: If the file cannot be read.
        """
        given = {} if path is None else runpy.run_path(str(path))
        model = given.get("MODEL") or MLP(3, [4, 4, 2], activation="sigmoid", output_activation="sigmoid", seed=0)
        if not isinstance(model, MLP):
            raise TypeError(f"{path}: MODEL must be an nn.MLP, got one of type {type(model).__name__}")
        options = options_in(given)
        try:
            require_options(**options)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path}: {error}") from error
        return cls(model, given.get("LOSS", "half_squared_error"), options, given.get("LABELS"), function)

    def trials(self, seed: int) -> Iterator[Trial]:
        """Yield networks with random weights, none of them 0, and random batches."""
        rng = np.random.default_rng(seed)
        for size in SIZES if self.labels is None else (len(self.labels) + 3, 2 * len(self.labels) + 1):
            layers = self.model.layers
            activations = [layer.activation.op or "identity" for layer in layers]
            sizes, bias = [layer.n_out for layer in layers], ["b" in layer.parameter_arrays() for layer in layers]
            model = MLP(self.model.n_in, sizes, activations, bias=bias, seed=int(rng.integers(2**31)))
            model.biases = [rng.normal(size=b.shape) * has for b, has in zip(model.biases, bias, strict=True)]
            X = rng.normal(size=(size, model.n_in))
            yield Trial(model, X, drawn_targets(rng, self.loss, size, model.n_out, self.labels))
