"""All parameters of a network in one vector: in which order, and how each matrix was unrolled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ..arguments import FloatArray

__all__ = ["ROW_BY_ROW", "Unrolled"]


@dataclass(frozen=True, slots=True)
class Unrolled:
    """An order of all parameters.

    Attributes:
        order: "C" if matrices go row by row, "F" if column by column.
        by_kinds: Whether all weights stand before all biases; otherwise layer after layer.
    """

    order: Literal["C", "F"] = "C"
    by_kinds: bool = False

    @classmethod
    def all(cls) -> Iterator[Unrolled]:
        """Yield every order, the likeliest first."""
        for by_kinds in (False, True):
            yield cls("C", by_kinds)
            yield cls("F", by_kinds)

    @property
    def understood(self) -> str:
        """What such a vector is, as a phrase."""
        rows = "row by row" if self.order == "C" else "column by column"
        if self.by_kinds:
            return f"one vector, all weights {rows}, then all biases"
        return f"one vector, layer after layer, each with its weights {rows} first"

    def vector(self, weights: Sequence[FloatArray], biases: Sequence[FloatArray]) -> FloatArray:
        """Return the vector of weights and biases; without biases those of the weights alone."""
        pairs = zip(weights, biases, strict=True) if biases else ((W,) for W in weights)
        arrays = [*weights, *biases] if self.by_kinds else [array for pair in pairs for array in pair]
        return np.concatenate([array.ravel(self.order) for array in arrays])

    def arrays(self, vector: FloatArray, places: Mapping[tuple[str, int], tuple[int, ...]]) -> list[tuple[Any, Any]]:
        """Return each place and its array.

        Args:
            vector: As long as all of them.
            places: The shape of each array of "dW" and "db", layer after layer.
        """
        ordered = sorted(places, key=lambda place: place[0] == "db") if self.by_kinds else list(places)
        ends = np.cumsum([int(np.prod(places[place])) for place in ordered])
        pieces = np.split(vector, ends[:-1])
        return [
            (place, piece.reshape(places[place], order=self.order))
            for place, piece in zip(ordered, pieces, strict=True)
        ]


ROW_BY_ROW = Unrolled()
"""The order of `model.parameters()`."""
