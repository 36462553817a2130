"""The shapes that formulas have as they are printed, and formulas laid out in another shape.

A vector is a column. Blocks are often flat vectors where a reader sees a matrix, so operands that agree as numbers in a
row may disagree as matrices; what is printed has to say how they fit.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from ..matrices.block import Block
from .formula import (
    Call,
    Cases,
    Formula,
    LineSum,
    Local,
    Mat,
    Name,
    Num,
    Numbers,
    Pick,
    Power,
    Prod,
    Repeat,
    Stack,
    Sum,
    Test,
    Total,
    Trans,
)
from .normal_form import rebuilt, repeated, transposed

__all__ = ["Shapes", "as_matrix", "filled", "is_matrix"]

Array = np.ndarray[Any, Any]
Shape = tuple[int | None, ...]
"""() for a scalar, which fits to everything, or rows and columns; None where a vector of ones is as long as needed."""

_OF_ALL = ("softmax", "logsumexp", "total")


class _Translator(Protocol):
    """What has the names, the numbers and the lists behind formulas."""

    numbers: list[Array]
    lists: list[Array]

    def shape(self, block: Block) -> tuple[int, ...]: ...

    def numbers_of(self, values: Array) -> Formula: ...

    def picked(self, formula: Formula, index: Array) -> Formula: ...


def as_matrix(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return rows and columns; a vector is a column."""
    return (shape[0], shape[1]) if len(shape) == 2 else (int(np.prod(shape)), 1)


def is_matrix(shape: Shape) -> bool:
    """Whether there are several rows and several columns."""
    return bool(shape) and 1 not in shape


def filled(shape: Shape, size: int) -> Shape:
    """Return a shape with the length of ones that makes `size` members."""
    known = [n for n in shape if n is not None]
    if len(known) != 1 or not shape or size % known[0]:
        return shape
    return tuple(size // known[0] if n is None else n for n in shape)


class Shapes:
    """What shapes formulas have with a translator's names, numbers and lists."""

    def __init__(self, translator: _Translator) -> None:
        self.translator = translator

    def of(self, formula: Formula) -> Shape:
        """Return the shape of a formula as it is printed."""
        shape = self._of(formula)
        return () if shape == (1, 1) else shape

    def _of(self, formula: Formula) -> Shape:
        match formula:
            case Num() | Total():
                return ()
            case Name():
                return self._of_name(formula)
            case Local():
                return self.of(formula.at)
            case Numbers():
                return as_matrix(self.translator.numbers[formula.number - 1].shape)
            case Pick():
                return as_matrix(self.translator.lists[formula.number - 1].shape)
            case Stack():
                shapes = [self.of(part) or (1, 1) for part in formula.names]
                return (sum(rows or 0 for rows, _ in shapes), shapes[0][1])
            case Mat():
                return ((self.of(formula.left) or (1, 1))[0], (self.of(formula.right) or (1, 1))[1])
            case Trans():
                return self.of(formula.value)[::-1]
            case LineSum():
                return ((self.of(formula.value) or (1, 1))[1 - formula.axis], 1)
            case Repeat():
                length = (self.of(formula.value) or (1, 1))[0]
                return (length, None) if formula.axis == 1 else (None, length)
            case Call() if formula.name.split()[0] in _OF_ALL:
                shape = self.of(formula.args[0])
                if formula.name.startswith("softmax"):
                    return shape
                return ((shape or (1, 1))[0], 1) if formula.name.endswith("by rows") else ()
        return self._common(formula)

    def _common(self, formula: Formula) -> Shape:
        shapes = [shape for part in formula.parts if (shape := self.of(part))]
        return next((shape for shape in shapes if None not in shape), shapes[0] if shapes else ())

    def _of_name(self, name: Name) -> Shape:
        if "×" in name.view:
            laid_out = name.view.split("×")
            return (int(laid_out[0]), int(laid_out[1]))
        if not name.view and not name.kind:
            return ()
        rows, columns = as_matrix(self.translator.shape(name.block))
        if not name.view:
            return (rows, columns)
        slices = [slice(*(int(n) if n else None for n in part.split(":"))) for part in name.view[1:-1].split(", ")]
        lengths = [len(range(n)[part]) for n, part in zip((rows, columns), slices, strict=False)]
        return (lengths[0], lengths[1] if len(lengths) == 2 else columns)

    # --- laying out ------------------------------------------------------------------------------

    def laid_out(self, formula: Formula, want: tuple[int, int]) -> Formula:
        """Return the formula in the given shape, row by row; a line is repeated if there are more of them."""
        size = want[0] * want[1]
        printed = self.of(formula)
        shape = filled(printed, size)
        if not shape or shape == want or size == 1 or None in shape:
            return formula
        if None in printed and np.prod(shape) == size:  # type: ignore[arg-type]  # no None is left
            return self._without_ones(formula, shape, want)
        members = int(np.prod(shape))  # type: ignore[arg-type]  # no None is left
        if members != size:
            return self._stretched(formula, shape, want)
        match formula:
            case Numbers():
                values = self.translator.numbers[formula.number - 1]
                return self.translator.numbers_of(values.reshape(want if want[1] > 1 else size))
            case Pick():
                index = self.translator.lists[formula.number - 1]
                return self.translator.picked(formula.value, index.reshape(want if want[1] > 1 else size))
            case Trans() if 1 in shape:
                return self.laid_out(formula.value, want)
        if shape == want[::-1] and 1 in want:
            return transposed(formula)
        if isinstance(formula, Name) and not formula.view and shape[1] == 1:
            return Name(formula.block, 2, "×".join(map(str, want)))
        if _is_entrywise(formula) and 1 not in want:
            return self._part_by_part(formula, want)
        return self.translator.picked(formula, np.arange(size).reshape(want if want[1] > 1 else size))

    def _part_by_part(self, formula: Formula, want: tuple[int, int]) -> Formula:
        new = rebuilt(formula, [self.laid_out(part, want) for part in formula.parts])
        return Call(new.name, new.args, 2 if want[1] > 1 else 1) if isinstance(new, Call) else new

    def _without_ones(self, formula: Formula, shape: Shape, want: tuple[int, int]) -> Formula:
        """Return repeated vectors in another shape than their own: outside of it 𝟏 would have no length."""
        if isinstance(formula, Repeat):
            index = np.arange(want[0] * want[1]).reshape(shape)  # type: ignore[arg-type]  # no None is left
            index = index // shape[1] if formula.axis == 1 else index % shape[1]  # type: ignore[operator]  # as above
            return self.translator.picked(formula.value, index.reshape(want if want[1] > 1 else -1))
        if _is_entrywise(formula):
            return self._part_by_part(formula, want)
        return formula

    def fixed(self, formula: Formula, shape: tuple[int, ...]) -> Formula:
        """Return the formula with repetitions as lists of members, where nothing beside it says how long 𝟏 is."""
        own = filled(self.of(formula), int(np.prod(shape)))
        if None not in self.of(formula) or None in own:
            return formula
        if _is_entrywise(formula):
            new = rebuilt(formula, [self.fixed(part, shape) for part in formula.parts])
            return Call(new.name, new.args, 2) if isinstance(new, Call) else new
        return self._without_ones(formula, own, own)  # type: ignore[arg-type]  # no None is left

    def _stretched(self, formula: Formula, shape: Shape, want: tuple[int, int]) -> Formula:
        if shape == (want[0], 1):
            return repeated(formula, 1)
        if shape == (1, want[1]):
            return repeated(transposed(formula), 0)
        return formula

    def index_like(self, index: Array, value: Formula) -> Array:
        """Return an index in the shape of the matrix that is written to it, if it is one."""
        rows, columns = filled(self.of(value), index.size) or (None, None)
        if index.ndim == 2 or rows is None or columns is None or columns == 1 or rows * columns != index.size:
            return index
        return index.reshape(rows, columns)

    def together(self, args: list[Formula], shape: tuple[int, ...]) -> list[Formula]:
        """Return the operands of an entrywise operation in one shape.

        Args:
            args: The operands.
            shape: The shape of the operation's result in the program, where matrices may be flat.
        """
        size = int(np.prod(shape))
        if is_matrix(shape) and len(shape) == 2:
            want: Shape = shape
        else:
            found = [(arg, filled(self.of(arg), size)) for arg in args]
            full = [(arg, own) for arg, own in found if own and None not in own and np.prod(own) == size]  # type: ignore[arg-type]  # no None
            firm = [own for arg, own in full if not isinstance(arg, (Numbers, Pick))]
            owns = [own for _, own in full]
            want = next(filter(is_matrix, [*firm, *owns]), (firm or owns or [()])[0])
        if not want:
            return args
        return [self.laid_out(arg, want) for arg in args]  # type: ignore[arg-type]  # no None


def _is_entrywise(formula: Formula) -> bool:
    named = isinstance(formula, Call) and formula.name.split()[0] not in _OF_ALL
    return named or isinstance(formula, (Sum, Prod, Power, Cases, Test))
