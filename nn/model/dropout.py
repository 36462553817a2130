"""Dropout: in training, some activations of a layer are 0, by chance, and the others larger.

Each activation is multiplied by an entry of a mask, which is 0 with the layer's rate p and 1/(1 − p) otherwise, so that
its mean stays what it was. Masks are numbers from outside, like inputs: whoever trains draws them, a row for each
example; without masks, as in every prediction, nothing is dropped.

Source: N. Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", 2014, with the factor
in training instead of in prediction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..arguments import FloatArray

__all__ = ["MASK", "drawn_masks", "masks_in", "rate_per_layer"]

MASK = "mask"
"""What the names of masks begin with; the number of the layer follows."""


def rate_per_layer(dropout: float | Sequence[float], n_layers: int) -> tuple[float, ...]:
    """Return the rate of each layer; a single one is for all but the last layer.

    Raises:
        TypeError: If a rate is not a number.
        ValueError: If there is not one for each layer, one is not from 0 up and below 1, or the last is not 0.
    """
    rates: list[Any]
    if isinstance(dropout, (bool, int, float, np.integer, np.floating)):
        _require_rate(dropout)
        rates = [dropout] * (n_layers - 1) + [0.0]
    elif isinstance(dropout, (list, tuple, np.ndarray)):
        rates = list(dropout)
    else:
        raise TypeError(f"dropout must be a rate or a list of one for each layer, got {dropout!r}")
    if len(rates) != n_layers:
        raise ValueError(f"an MLP of {n_layers} layers needs {n_layers} rates of dropout, got {len(rates)}")
    for rate in rates:
        _require_rate(rate)
    if rates[-1] != 0.0:
        raise ValueError(f"the outputs cannot be dropped: the last rate of dropout must be 0, got {rates[-1]!r}")
    return tuple(float(rate) for rate in rates)


def _require_rate(rate: object) -> None:
    if isinstance(rate, bool) or not isinstance(rate, (int, float, np.integer, np.floating)):
        raise TypeError(f"a rate of dropout must be a number, got {rate!r} of type {type(rate).__name__}")
    if not 0.0 <= rate < 1.0:
        raise ValueError(f"a rate of dropout must be at least 0 and less than 1, got {rate!r}")


def drawn_masks(model: Any, count: int, rng: np.random.Generator) -> dict[str, FloatArray]:
    """Return a mask for each layer of a model that has dropout, (count, n_l) each, by name."""
    rates: Sequence[float] = getattr(model, "dropout", ())
    return {
        f"{MASK}{l}": (rng.random((count, layer.n_out)) >= rate) / (1.0 - rate)
        for l, (rate, layer) in enumerate(zip(rates, model.layers if rates else (), strict=True), start=1)
        if rate > 0.0
    }


def masks_in(batch: Mapping[str, Any], n: int | None = None) -> list[Any]:
    """Return the masks in a batch, first layer first: of one example, or of all."""
    return [rows if n is None else rows[n].tolist() for name, rows in batch.items() if name.startswith(MASK)]
