"""The lines of code that are being written, the names in them, and the arrays they work on."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..matrices.block import Block
from ..matrices.expression import Expression
from ..matrices.lifted import Lifted

__all__ = ["Workspace", "aligned"]

Array = np.ndarray[Any, Any]
_LINE = 64  # bytes


class Workspace:
    """Lines of code with the arrays they work on, for one program and one number of examples.

    Attributes:
        lines: The body of the function.
        names: What the names in it stand for.
        examples: The number of examples N.
        arrays: The array of each block, shape (*members, N or 1).
    """

    def __init__(self, derived: Lifted, flat: Array, gradient: Array, examples: int, *, mean: bool) -> None:
        self.flat, self.gradient = flat, gradient
        self.examples = examples
        self.mean = mean
        self.lines: list[str] = []
        self.names: dict[str, Any] = {}
        self.arrays: dict[Block, Array] = {}
        self._bound: dict[int, str] = {}
        self._numbers: dict[str, Array] = {}
        self._pool: dict[tuple[int, ...], list[Array]] = {}
        self._temporary: set[int] = set()
        self._positions = {each.block: each.positions for each in derived.parameters.all}
        self._positions[derived.parameters.flat] = np.arange(derived.parameters.flat.size)
        self.direct: dict[int, str] = {}

    # --- names and memory ------------------------------------------------------------------------

    def name(self, thing: Any) -> str:
        """Return the text that stands for an array, a function or a number in the code."""
        if isinstance(thing, float):
            return repr(thing)
        if id(thing) in self.direct:
            return self.direct[id(thing)]
        found = self._bound.get(id(thing))
        if found is None:
            is_numpys = isinstance(thing, np.ufunc) and getattr(np, thing.__name__, None) is thing
            stem = thing.__name__ if is_numpys else "v"
            found = self._bound[id(thing)] = stem if stem != "v" and stem not in self.names else f"v{len(self.names)}"
            self.names[found] = thing
        return found

    def call(self, function: Any, *args: Any) -> None:
        """Add a line that calls a function; NumPy reads a number faster from an array than from a Python float."""
        texts = [self.name(self.number(arg) if isinstance(arg, float) else arg) for arg in args]
        if function in (np.maximum, np.minimum):  # which take their output by keyword only
            texts[-1] = f"out={texts[-1]}"
        self.lines.append(f"{self.name(function)}({', '.join(texts)})")

    def number(self, value: float) -> Array:
        """Return an array that holds one number."""
        return self._numbers.setdefault(value.hex(), np.array(value))

    def constant(self, value: float) -> str:
        """Return a name for a Python float; written as digits it would make the text differ between batch sizes."""
        text = f"c{len(self.names)}"
        self.names[text] = value
        return text

    def allocate(self, block: Block, *, ones: bool = False) -> Array:
        """Make the array of a block, with a row of ones below it if asked for."""
        length = self.examples if block.batched else 1
        rows = aligned((block.shape[0] + ones, *block.shape[1:], length))
        if ones:
            rows[-1] = 1.0
        self.arrays[block] = rows[: block.shape[0]]
        return rows

    def temporary(self, shape: tuple[int, ...], kind: type = float) -> Array:
        """Return an array to work in."""
        key = (*shape, kind is float)
        free = self._pool.setdefault(key, [])
        array = free.pop() if free else aligned(shape, kind)
        self.name(array)  # keeps it alive, so that its id stays its own
        self._temporary.add(id(array))
        return array

    def release(self, *arrays: Any) -> None:
        """Give working arrays back."""
        for array in arrays:
            if id(array) in self._temporary:
                self._temporary.discard(id(array))
                self._pool[*array.shape, array.dtype == float].append(array)

    def keep(self, array: Array) -> Array:
        """Return an array that is no longer to be worked in."""
        self._temporary.discard(id(array))
        return array

    def shape(self, expression: Expression) -> tuple[int, ...]:
        """Return the shape of an expression's array."""
        return (*expression.shape, self.examples if expression.batched else 1)


def aligned(shape: tuple[int, ...], kind: type = float) -> Array:
    """Return zeros that begin at the start of a cache line, where NumPy and BLAS are fastest."""
    size = math.prod(shape) * np.dtype(kind).itemsize
    memory = np.zeros(size + _LINE, dtype=np.uint8)
    start = -memory.__array_interface__["data"][0] % _LINE
    return memory[start : start + size].view(kind).reshape(shape)
