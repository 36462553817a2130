"""Statements read as formulas, for one example.

What belongs to computing is left out: the examples' axis and sums over it (an equation is for one example), the seed
(∂C/∂C = 1), and reshaping. A softmax is recognised by its definition, e^(u − log Σ e^u).
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from ... import ops
from ..matrices.block import Block
from ..matrices.expression import (
    Apply,
    BatchSum,
    Compare,
    Constant,
    Expression,
    MatMul,
    Number,
    Plus,
    Ref,
    RunSum,
    Seed,
    Spread,
    Take,
    Variadic,
)
from ..matrices.forward import reference
from ..matrices.parameters import Parameters
from ..matrices.statement import refs_in
from .formula import (
    MINUS_ONE,
    ONE,
    Call,
    Cases,
    Formula,
    Kind,
    Name,
    Num,
    Numbers,
    Pick,
    Stack,
    Test,
)
from .layout import layout_of
from .normal_form import line_sum, matrix_product, numeral, plus, power, repeated, times, total, transposed
from .shapes import Shapes, as_matrix, filled, is_matrix
from .softmax import softmax_of_exponent
from .stacking import adjoint_name, stacked_parameters

__all__ = ["Translator"]

Array = np.ndarray[Any, Any]


class Translator:
    """Translates expressions into formulas.

    Attributes:
        definitions: What is written in place of a block that has no equation of its own.
        known: The block that a formula is the definition of.
        shapes: The shape of blocks that hold a matrix as a flat vector.
        grid: The shape of the matrices that the statement at hand reads as flat vectors, if it does.
        numbers: The arrays of numbers that occur, in order.
        lists: The lists of indices that occur, in order.
    """

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters
        self.scalars = {each.block for each in parameters.all if each.shape == ()}
        self.definitions: dict[Block, Formula] = {}
        self.known: dict[Formula, Name] = {}
        self.kinds: dict[Block, Kind] = {}
        self.shapes: dict[Block, tuple[int, ...]] = {}
        self.grid: tuple[int, ...] = ()
        self.numbers: list[Array] = []
        self.lists: list[Array] = []
        self.shapes_of = Shapes(self)

    def statement(self, value: Expression) -> Formula:
        """Return the formula of a whole statement's value."""
        self.grid = self._grid(value)
        return self.translated(value)

    def _grid(self, value: Expression) -> tuple[int, ...]:
        """Return the shape of the matrices that are read as flat vectors."""
        grids = [self.shape(ref.block) for ref in refs_in(value) if self._is_flattened(ref)]
        return grids[0] if grids else ()

    def _is_flattened(self, ref: Ref) -> bool:
        flat = len(ref.shape) == 1 and len(self.shape(ref.block)) == 2
        return flat and layout_of(self.shape(ref.block), ref.index).kind == "whole"

    def translated(self, expression: Expression) -> Formula:
        """Return the formula of an expression.

        Raises:
            TypeError: If it is of an unknown kind.
        """
        match expression:
            case Number():
                return numeral(expression.value)
            case Seed():
                return ONE
            case Constant():
                return self._constant(expression.values)
            case Ref():
                return self._reference(expression)
            case Take():
                formula = self.translated(expression.value)
                return self._view(formula, self._shape_as_printed(formula, expression.value), expression.index)
            case Plus():
                return plus(*self._operands(expression))
            case Compare():
                return Test(expression.relation, *self._operands(expression))
            case Apply():
                return self.applied(expression)
            case MatMul():
                return self._product(expression)
            case RunSum():
                return self._run_sum(expression)
            case Spread():
                return self._spread(expression)
            case BatchSum():
                return self.translated(expression.value)
            case Variadic():
                return self._rows(expression)
        raise TypeError(f"no formula for {type(expression).__name__}")

    def _operands(self, expression: Expression) -> list[Formula]:
        return self.shapes_of.together([self.translated(part) for part in expression.parts], expression.shape)

    def _shape_as_printed(self, formula: Formula, expression: Expression) -> tuple[int, ...]:
        """Return the shape in which the members of an expression are counted, the printed one if it is a matrix."""
        size = int(np.prod(expression.shape))
        rows, columns = filled(self.shapes_of.of(formula), size) or (None, None)
        if rows is None or columns is None or columns == 1 or rows * columns != size:
            return expression.shape
        return (rows, columns)

    def name(self, block: Block) -> Name:
        """Return a block's name."""
        return Name(block, self.kind(block))

    def kind(self, block: Block) -> Kind:
        """Return whether a block is a scalar, a vector or a matrix."""
        if block in self.kinds:
            return self.kinds[block]
        if block.of is not None:
            return self.kind(block.of)
        if block in self.scalars or block.role == "loss":
            return 0
        return 2 if len(self.shape(block)) == 2 else 1

    def shape(self, block: Block) -> tuple[int, ...]:
        """Return a block's shape, as a matrix where it holds one."""
        return self.shapes.get(block.of or block, block.shape)

    # --- references ------------------------------------------------------------------------------

    def _reference(self, ref: Ref) -> Formula:
        block = ref.block
        if block.role == "parameters":
            return self._across_parameters(np.arange(block.size) if ref.index is None else ref.index)
        formula = self.definitions.get(block) or self.name(block)
        return self._view(formula, self.shape(block), ref.index)

    def _view(self, formula: Formula, shape: tuple[int, ...], index: Array | None) -> Formula:
        layout = layout_of(shape, index)
        column = index is not None and index.ndim == 2 and index.shape[1] == 1 and index.shape[0] > 1
        match layout.kind:
            case "whole":
                return repeated(formula, 1) if column and formula.kind == 1 else formula
            case "scalar":
                if index is None or index.size == 1:
                    return formula
                return Name(formula.block, 0, formula.view) if isinstance(formula, Name) else total(formula)
            case "transposed":
                return transposed(formula)
            case "repeated" if formula.kind == 0:
                return formula
            case "repeated" if formula.kind == 1 and index is not None and self.is_line(index, shape, layout.axis):
                return repeated(formula, layout.axis)
        if layout.kind in ("part", "shaped") and isinstance(formula, Name) and not formula.view and index is not None:
            kind: Kind = 2 if index.ndim == 2 and min(index.shape) > 1 else 1
            named = Name(formula.block, kind, layout.view)
            return transposed(named) if layout.transposed else named
        if index is None or (formula.kind == 0 and (index >= 0).all()):
            return formula
        return self.picked(self.shapes_of.fixed(formula, shape), index)

    def is_line(self, index: Array, shape: tuple[int, ...], axis: int) -> bool:
        """Whether a repetition of a vector is a matrix with equal columns (axis 1) or rows (axis 0)."""
        grid = index.shape if index.ndim == 2 else self.grid
        return len(grid) == 2 and int(np.prod(grid)) == index.size and grid[1 - axis] == shape[0]

    def picked(self, formula: Formula, index: Array) -> Formula:
        """Return the members of a formula at the given positions."""
        return Pick(formula, _number_of(index, self.lists), 2 if as_matrix(index.shape)[1] > 1 else 1)

    def _across_parameters(self, index: Array) -> Formula:
        """Return members of several named arrays: whole arrays on top of each other, if that is what they are."""
        owners = stacked_parameters(self.parameters, index)
        if owners is None:
            return self.picked(Name(self.parameters.flat, 1), index)
        return Stack(tuple(owners), 2 if index.ndim == 2 else 1)

    def adjoint_across_parameters(self, index: Array) -> Formula:
        """Return the adjoint of such members."""
        owners = stacked_parameters(self.parameters, index)
        if owners is None:
            return self.picked(adjoint_name(Name(self.parameters.flat, 1)), index)
        return Stack(tuple(map(adjoint_name, owners)), 2 if index.ndim == 2 else 1)

    def _constant(self, values: Array) -> Formula:
        if values.size and (values == values.flat[0]).all():
            return numeral(values.flat[0])
        return self.numbers_of(values)

    def numbers_of(self, values: Array) -> Numbers:
        """Return the formula of an array of numbers."""
        return Numbers(_number_of(values, self.numbers), 2 if as_matrix(values.shape)[1] > 1 else 1)

    # --- operations ------------------------------------------------------------------------------

    def applied(self, expression: Apply) -> Formula:
        """Return the formula of an operation of the table."""
        op, args = expression.op, self._operands(expression)
        if op is ops.add:
            return plus(*args)
        if op is ops.sub:
            return plus(args[0], times(MINUS_ONE, args[1]))
        if op is ops.mul:
            return times(*args)
        if op is ops.neg:
            return times(MINUS_ONE, args[0])
        if op is ops.div:
            return times(args[0], power(args[1], -1))
        if op is ops.pow and isinstance(args[1], Num) and args[1].value.denominator == 1 and args[1].value:
            return power(args[0], int(args[1].value))
        if op is ops.where:
            return args[1] if args[1] == args[2] else Cases(*args)
        if op is ops.exp:
            found = softmax_of_exponent(args[0])
            if found is not None:
                return found
        made = Call(op.name, tuple(args), max(arg.kind for arg in args))
        return self.known.get(made, made)

    def _members(self, expression: Expression) -> Formula:
        """Return the formula of something whose number of members counts: a number is one, repeated or not."""
        formula = self.translated(expression)
        size = int(np.prod(expression.shape))
        if self.is_number(formula) and size > 1 and not isinstance(formula, Num):
            return self.picked(formula, np.zeros(expression.shape, dtype=np.intp))
        return formula

    def _product(self, expression: MatMul) -> Formula:
        left, right = self._members(expression.left), self._members(expression.right)
        rows, columns = as_matrix(expression.left.shape), as_matrix(expression.right.shape)
        grids = [filled(self.shapes_of.of(side), columns[0]) for side in (left, right)]
        if int(np.prod(expression.shape)) == 1 and any(map(is_matrix, grids)) and not expression.transpose_right:
            return total(times(*self.shapes_of.together([left, right], columns)))
        left, right = self.shapes_of.laid_out(left, rows), self.shapes_of.laid_out(right, columns)
        if expression.transpose_left:
            left, rows = transposed(left), rows[::-1]
        if expression.transpose_right:
            right, columns = transposed(right), columns[::-1]
        if isinstance(left, Num) or self.shapes_of.of(left)[1:] == (None,):
            right = self.shapes_of.fixed(right, columns)
        elif isinstance(right, Num):
            left = self.shapes_of.fixed(left, rows)
        if isinstance(left, Num):
            return times(left, self._column_sums(right, columns, rows[0]))
        if isinstance(right, Num):
            return times(right, self._row_sums(left, rows, columns[1]))
        return matrix_product(left, right, 2 if columns[1] > 1 else 1)

    def _column_sums(self, right: Formula, shape: tuple[int, int], rows: int) -> Formula:
        """Return the product of a matrix of ones with so many rows and `right`."""
        if isinstance(right, Num):
            return times(Num(Fraction(shape[0])), right)
        if shape[0] > 1:
            sums = total(right) if shape[1] == 1 else line_sum(right, 0)
        else:
            sums = transposed(right) if shape[1] > 1 else right
        if shape[1] == 1:
            return sums
        return transposed(sums) if rows == 1 else repeated(sums, 0)

    def _row_sums(self, left: Formula, shape: tuple[int, int], columns: int) -> Formula:
        """Return the product of `left` and a matrix of ones with so many columns."""
        sums = left
        if shape[1] > 1:
            sums = total(left) if shape[0] == 1 else line_sum(left, 1)
        return repeated(sums, 1) if columns > 1 and shape[0] > 1 else sums

    def _run_sum(self, expression: RunSum) -> Formula:
        value, sizes = expression.value, expression.sizes
        if len(sizes) == 1:
            return self.summed(self.unpermuted(value, None), int(sizes[0]))
        formula = self.translated(value)
        if (sizes == 1).all():
            return formula
        width = int(sizes.max())
        if self.is_number(formula):
            counts = sizes.astype(float)
            return times(formula, self._constant(counts))
        if (sizes == width).all():
            lines = self.shapes_of.laid_out(formula, (len(sizes), width))
            return line_sum(self.shapes_of.fixed(lines, (len(sizes), width)), 1)
        runs = np.full((len(sizes), width), -1, dtype=np.intp)
        runs[np.arange(width) < sizes[:, None]] = np.arange(int(sizes.sum()))
        return line_sum(self.picked(formula, runs), 1)

    def _spread(self, expression: Spread) -> Formula:
        formula = self.translated(expression.value)
        if len(expression.sizes) == 1 or (expression.sizes == 1).all() or self.is_number(formula):
            return formula
        if (expression.sizes == expression.sizes[0]).all() and formula.kind == 1:
            return repeated(formula, 1)
        return self.picked(formula, np.repeat(np.arange(len(expression.sizes)), expression.sizes))

    def _rows(self, expression: Variadic) -> Formula:
        rows, (count, width) = self._members(expression.value), as_matrix(expression.value.shape)
        if isinstance(rows, Num) and width > 1 and expression.op is not ops.total:
            rows = self.numbers_of(np.full(expression.value.shape, float(rows.value)))
        elif count > 1:
            rows = self.shapes_of.laid_out(rows, (count, width))
        elif is_matrix(self.shapes_of.of(rows)) and expression.op is not ops.total:
            rows = self.shapes_of.laid_out(rows, (width, 1))
        rows = self.shapes_of.fixed(rows, (count, width))
        if count == 1:
            return self.summed(rows, width) if expression.op is ops.total else Call(expression.op.name, (rows,), 0)
        if expression.op is ops.total:
            return line_sum(rows, 1)
        return Call(expression.op.name + " by rows", (rows,), 1)

    def is_number(self, formula: Formula) -> bool:
        """Whether a formula has one member, which then stands for as many as are read."""
        return not self.shapes_of.of(formula)

    def summed(self, formula: Formula, count: int) -> Formula:
        """Return the sum over `count` members, which a scalar has all alike."""
        if self.is_number(formula):
            return times(Num(Fraction(count)), formula)
        return total(self.shapes_of.fixed(formula, (count,)))

    def unpermuted(self, value: Expression, index: Array | None) -> Formula:
        """Return the formula of members that are all read in one other order, as if they were read in their own.

        Args:
            value: An elementwise expression.
            index: The order they are written in; None where order does not matter, as in a sum.
        """
        orders = [ref for ref in refs_in(value) if ref.block.size > 1]
        first = next((ref.index for ref in orders), None)
        first = first if index is None else index
        if first is None or not all(_same_permutation(ref, first) for ref in orders):
            return self.translated(value)
        return self.translated(_straight(value))


def _number_of(array: Array, arrays: list[Array]) -> int:
    """Return the array's number among those that have occurred, counted from 1; it is added if it is new."""
    for number, known in enumerate(arrays, start=1):
        if np.array_equal(known, array):
            return number
    arrays.append(array)
    return len(arrays)


def _same_permutation(ref: Ref, index: Array) -> bool:
    return (
        ref.index is not None
        and np.array_equal(ref.index.ravel(), index.ravel())
        and layout_of((ref.block.size,), index.ravel()).kind == "permuted"
    )


def _straight(value: Expression) -> Expression:
    match value:
        case Ref() if value.block.size > 1:
            return reference(value.block, np.arange(value.block.size).reshape(value.shape))
        case Apply():
            return Apply(value.op, tuple(_straight(arg) for arg in value.args))
        case Spread() | Number() | Seed():
            return value
    return value
