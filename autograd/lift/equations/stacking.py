"""Members of several named parameters, read as those arrays, or rows of them, on top of each other."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..matrices.block import Block
from ..matrices.parameters import Parameters
from .formula import Kind, Name

__all__ = ["adjoint_name", "stacked_parameters"]

Array = np.ndarray[Any, Any]


def adjoint_name(name: Name) -> Name:
    """Return the name of the adjoint of a parameter, or of rows of it."""
    of = name.block
    return Name(Block(f"d{of.name}", of.shape, False, "adjoint", of=of), name.kind, name.view)


def stacked_parameters(parameters: Parameters, index: Array) -> list[Name] | None:
    """Return the named arrays, or rows of them, that lie on top of each other."""
    lines = index if index.ndim == 2 else index[:, None]
    found: list[tuple[Block, int, int]] = []
    for line in lines:
        place = _row(parameters, line)
        if place is None:
            return None
        block, row = place
        if found and found[-1][0] is block and found[-1][2] == row:
            found[-1] = (block, found[-1][1], row + 1)
        else:
            found.append((block, row, row + 1))
    kind: Kind = 2 if index.ndim == 2 else 1
    return [
        Name(block, kind, "" if (start, stop) == (0, block.shape[0]) else f"[{start}:{stop}]")
        for block, start, stop in found
    ]


def _row(parameters: Parameters, line: Array) -> tuple[Block, int] | None:
    """Return the named array and the row of it that lies at the given places of the flat vector."""
    for each in parameters.all:
        rows = each.positions.reshape(each.block.shape[0], -1)
        if rows.shape[1] == len(line):
            (here,) = np.nonzero((rows == line).all(axis=1))
            if len(here):
                return each.block, int(here[0])
    return None
