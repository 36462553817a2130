"""Lines of code that work on arrays: views and copies, products, sums, and looks at what may not be finite.

NumPy signals an overflow in everything but a matrix product: old versions of `np.dot`, threads of BLAS and `np.einsum`
return infinity without a word. So whatever a product multiplies has to be known to be small, or its result is looked
at.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..matrices.strided import strided
from .workspace import Workspace

__all__ = ["BOUND", "ArrayCode"]

Array = np.ndarray[Any, Any]
BOUND = 1e300  # squares that sum to less leave a product of two such vectors finite


class ArrayCode(Workspace):
    """Lines of code with the arrays they work on."""

    # --- views and copies ------------------------------------------------------------------------

    def view(self, rows: Array, index: Array) -> Array:
        """Return the rows of an array by number: a view if the numbers are regular, otherwise a copy in the code."""
        regular = strided(index)
        if regular is not None:
            return regular.view(rows)
        out = self.temporary((*index.shape, rows.shape[1]))
        self.lines.append(f"take({self.name(rows)}, {self.name(index)}, 0, {self.name(out)}, 'clip')")
        self.names["take"] = np.take
        if (index < 0).any():
            self.lines.append(f"{self.name(out)}[{self.name(index < 0)}] = 0.0")
        return out

    def copied(self, array: Array) -> Array:
        """Return a copy to work in, contiguous and of numbers."""
        out = self.temporary(array.shape)
        self.call(np.copyto, out, array)
        return out

    def numeric(self, value: Any) -> Any:
        """Return an array of numbers for one of truth values, whose sum would not be a number."""
        if isinstance(value, float) or value.dtype == float:
            return value
        out = self.copied(value)
        self.release(value)
        return out

    def solid(self, array: Any) -> Any:
        """Return an array of our own, of which views can be made, for one that the caller passes in."""
        return self.copied(array) if id(array) in self.direct else array

    def raveled(self, array: Array) -> Array:
        """Return all numbers as a vector: a view if there is one, otherwise a copy in the code."""
        array = self.solid(array)
        flat: Array = array.reshape(-1)
        return flat if np.shares_memory(flat, array) else self.copied(array).reshape(-1)

    def matrix(self, array: Array, *, first: bool) -> Array:
        """Return an array as a matrix: the first axis by all others, or, if asked for, the first two of one example."""
        if array.ndim == 2:
            return array
        if first and array.shape[-1] == 1:
            return array[..., 0]
        flat = array.reshape(array.shape[0], -1)
        if array.size and not np.shares_memory(flat, array):
            flat = self.copied(array).reshape(array.shape[0], -1)
        return flat

    def transposed(self, array: Array) -> Array:
        """Return a matrix transposed, also one that the caller passes in."""
        turned = array.T
        if id(array) in self.direct:
            self.names[f"turned{len(self.names)}"] = turned  # keeps it alive
            text = self.direct[id(array)]
            self.direct[id(turned)] = text.removesuffix(".T") if text.endswith(".T") else f"{text}.T"
        return turned

    # --- products and sums -----------------------------------------------------------------------

    def dot(self, left: Array, right: Array, out: Array) -> None:
        """Add a line for a matrix product, or a product with a vector."""
        self.lines.append(f"dot({self.name(left)}, {self.name(right)}, {self.name(out)})")
        self.names["dot"] = np.dot

    def dot_text(self, left: Array, right: Array) -> str:
        """Return an expression for the product of two vectors."""
        self.names["dot"] = np.dot
        return f"dot({self.name(left)}, {self.name(right)})"

    def reduce(self, function: np.ufunc, array: Array, axis: int | tuple[int, ...], out: Array) -> None:
        """Add a line for sums, or whatever `function` makes, over an axis or several."""
        text = f"{function.__name__}_reduce"
        self.names[text] = function.reduce
        self.lines.append(f"{text}({self.name(array)}, {axis!r}, None, {self.name(out)})")

    def sum_small(self, array: Array, axis: int, out: Array) -> None:
        """Add a line for sums over an axis of numbers that are known to be small: products with ones are faster."""
        if array.ndim == 2 and array.flags.c_contiguous and out.flags.c_contiguous:
            ones = np.ones(array.shape[axis])
            self.dot(*((ones, array) if axis == 0 else (array, ones)), out)
        else:
            self.reduce(np.add, array, axis, out)

    def logsumexp(self, rows: Array, target: Array, parts: tuple[Array, Array, Array] | None = None) -> None:
        """Add the lines for log Σ e^row, where log1p adds one of the largest terms, which are 1 after the shift.

        Args:
            rows: The arguments, (sets, arguments, examples).
            target: Receives the logarithms, (sets, examples).
            parts: Receive the largest arguments, the exponentials of the differences from them, and the sums of these.
        """
        sets, members, examples = rows.shape
        others, rest = self.temporary(target.shape), self.temporary(rows.shape)
        largest, terms, whole = parts or (self.temporary(target.shape), rest, None)
        ones = np.full((sets, members + 1, examples), -1.0)
        self.reduce(np.maximum, rows, 1, largest)
        self.call(np.subtract, rows, largest[:, None], terms)
        self.call(np.exp, terms, terms)
        self.call(np.floor, terms, ones[:, :-1])
        self.call(np.subtract, terms, ones[:, :-1], rest)
        for values, sums in ((ones, others), (rest, target)):  # others: the largest terms without one of them
            if sets == 1:
                self.sum_small(values[0], 0, sums[0])
            else:
                self.reduce(np.add, values, 1, sums)
        self.call(np.add, target, others, target)
        if whole is not None:
            self.call(np.add, target, 1.0, whole)
        self.call(np.log1p, target, target)
        self.call(np.add, target, largest, target)
        self.release(largest, others, rest)

    # --- doubts ----------------------------------------------------------------------------------

    def doubt_unless(self, test: str) -> None:
        """Add a line that has the batch run again with every check unless `test` holds."""
        self.names["doubt"] = _doubt
        self.lines.append(f"if not {test}: doubt()")

    def doubt_large(self, array: Array) -> None:
        """Add a line that doubts an array whose squares sum to too much, or that is not finite."""
        flat = array.reshape(-1)
        if array.size and np.shares_memory(flat, array):
            self.doubt_unless(f"{self.dot_text(flat, flat)} < {BOUND}")
        else:
            self.names["isfinite"] = np.isfinite
            self.doubt_unless(f"isfinite({self.name(array)}).all()")


def _doubt() -> None:
    raise FloatingPointError("a result may not be finite")
