"""Blocks: named arrays of values of the graph that are computed alike.

The weighted inputs of a layer, its activations, a parameter matrix are blocks. The members have a `shape`, (k,) or
(rows, columns); a batched block holds them once for every example.

When a program runs, every array has one more axis at the end: the examples, of length N for what is batched and 1 for
what is not. So arithmetic between the two broadcasts, and a sum over that axis is the sum over the batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

__all__ = ["Block", "Index", "Role"]

Index = np.ndarray[tuple[int, ...], np.dtype[np.intp]]
Role = Literal["input", "parameter", "parameters", "z", "a", "value", "loss", "adjoint"]


@dataclass(frozen=True, eq=False)
class Block:
    """A named array.

    Attributes:
        name: "W1", "z1", "a1", "x", "loss"; of an adjoint "delta1", "dW1", "da1".
        shape: The shape of its members: (k,) or (rows, columns), without the examples' axis.
        batched: Whether it has a value for each example.
        role: What it is. "z" is a weighted input, "a" an activation of the z of the same `layer`, "parameter" a named
            group of parameters, "parameters" all of them as one flat vector, "adjoint" a derivative of the loss.
        layer: The layer's number l for "z" and "a", counted from 1; otherwise 0.
        of: For an adjoint, the block it is the adjoint of.
    """

    name: str
    shape: tuple[int, ...]
    batched: bool
    role: Role = "value"
    layer: int = 0
    of: Block | None = None

    @property
    def size(self) -> int:
        """The number of members."""
        return int(np.prod(self.shape))

    @property
    def holds_parameters(self) -> bool:
        """Whether it is a named group of parameters, or all of them."""
        return self.role in ("parameter", "parameters")

    def __repr__(self) -> str:
        return f"<{self.role} {self.name} {self.shape}{' batched' if self.batched else ''}>"
