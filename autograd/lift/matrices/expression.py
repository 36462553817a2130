"""The intermediate representation: the expressions to which the statements of a program set blocks.

Expressions are `Operand`s: pushing them through an operation's rule for a partial derivative writes down the formula of
that derivative. That is how `autograd.lift.matrices.adjoint` derives the reverse program; it has no table of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ... import ops
from ...op import Op, Relation
from ...symbolic import Symbolic
from .block import Block, Index

__all__ = [
    "RELATIONS",
    "Apply",
    "BatchSum",
    "Compare",
    "Constant",
    "Expression",
    "MatMul",
    "Number",
    "Plus",
    "Ref",
    "RunSum",
    "Seed",
    "Spread",
    "Take",
    "Variadic",
    "elementwise",
]


class Expression(Symbolic):
    """An array expression; arithmetic and operations applied to one give expressions."""

    __slots__ = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of its members."""
        raise NotImplementedError

    @property
    def batched(self) -> bool:
        """Whether it has a value for each example: by default if something in it has."""
        return any(part.batched for part in self.parts)

    @property
    def parts(self) -> tuple[Expression, ...]:
        """The expressions that it is directly made of."""
        return ()

    def apply(self, op: Op, operands: tuple[Any, ...]) -> Expression:
        """Return the expression for `op`, elementwise."""
        return elementwise(op, *operands)

    def compare(self, relation: Relation, other: Any) -> Expression:
        """Return 1 where the relation holds, otherwise 0."""
        return Compare(relation, self, wrapped(other))


RELATIONS: dict[Relation, np.ufunc] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
}
"""The function of arrays for each relation."""


@dataclass(frozen=True, eq=False)
class Number(Expression):
    """A number, the same for all members."""

    value: float
    shape: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Seed(Expression):
    """∂(the batch's loss)/∂(the loss of one example): 1/N for a mean over N examples, 1 for a sum.

    If not batched, its sum over the examples: 1 or N.
    """

    shape: tuple[int, ...] = (1,)
    batched: bool = True


@dataclass(frozen=True, eq=False)
class Constant(Expression):
    """Numbers that stood in the graph as literals, one for each member."""

    values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the numbers."""
        return self.values.shape


@dataclass(frozen=True, eq=False)
class Ref(Expression):
    """Members of a block.

    Attributes:
        block: The block.
        index: Which members, counted through in C order; −1 stands for a zero. None for all, in the block's own shape.
    """

    block: Block
    index: Index | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the members that are read."""
        return self.block.shape if self.index is None else self.index.shape

    @property
    def batched(self) -> bool:
        """Whether the block is."""
        return self.block.batched


class _Elementwise(Expression):
    """An expression whose parts broadcast to its shape, as in NumPy."""

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """The common shape of the parts."""
        return np.broadcast_shapes(*(part.shape for part in self.parts))

    @cached_property
    def batched(self) -> bool:
        """Whether a part is."""
        return any(part.batched for part in self.parts)


@dataclass(frozen=True, eq=False)
class Apply(_Elementwise):
    """An operation of the table applied elementwise."""

    op: Op
    args: tuple[Expression, ...]

    @property
    def parts(self) -> tuple[Expression, ...]:
        """The arguments."""
        return self.args


@dataclass(frozen=True, eq=False)
class Plus(_Elementwise):
    """The sum of several terms."""

    terms: tuple[Expression, ...]

    @property
    def parts(self) -> tuple[Expression, ...]:
        """The terms."""
        return self.terms


@dataclass(frozen=True, eq=False)
class Compare(_Elementwise):
    """1 where the relation holds and 0 elsewhere; it occurs in derivatives at kinks."""

    relation: Relation
    left: Expression
    right: Expression

    @property
    def parts(self) -> tuple[Expression, ...]:
        """Both sides."""
        return (self.left, self.right)


@dataclass(frozen=True, eq=False)
class MatMul(Expression):
    """A matrix product, after transposing the sides that say so.

    The left side has shape (r, k) and the right one (k,) or (k, c); or, transposed, (k, r) and (c, k). With
    `transpose_right`, two vectors of shapes (r,) and (k,) give the matrix left·rightᵀ.

    Attributes:
        sum_batch: Whether the products are also summed over the examples: so `delta1` and `a0` give `dW1`.
    """

    left: Expression
    right: Expression
    transpose_left: bool = False
    transpose_right: bool = False
    sum_batch: bool = False

    @property
    def parts(self) -> tuple[Expression, ...]:
        """Both sides."""
        return (self.left, self.right)

    @property
    def shape(self) -> tuple[int, ...]:
        """(r,) if the right side is a vector and (r, c) if it is a matrix; (r, k) for two vectors, transposed."""
        left, right = self.left.shape, self.right.shape
        if len(left) == 1:
            return (left[0], right[0])
        rows = left[1] if self.transpose_left else left[0]
        if len(right) == 1:
            return (rows,)
        return (rows, right[0] if self.transpose_right else right[1])

    @property
    def batched(self) -> bool:
        """Whether a side is, unless the examples are summed."""
        return not self.sum_batch and (self.left.batched or self.right.batched)

    def subscripts(self, left_axis: bool = True, right_axis: bool = True) -> str:
        """Return the product as subscripts for `einsum`; sides with examples have them as their last axis."""
        left = "r" if len(self.left.shape) == 1 else "kr" if self.transpose_left else "rk"
        right = "ck" if self.transpose_right else "kc"
        if len(self.right.shape) == 1:
            right = "c" if len(left) == 1 else "k"
        out = "".join(sorted({*left} ^ {*right}, reverse=True))
        axes = "n" * left_axis, "n" * right_axis, "n" * ((left_axis or right_axis) and not self.sum_batch)
        return f"{left}{axes[0]},{right}{axes[1]}->{out}{axes[2]}"


@dataclass(frozen=True, eq=False)
class _OfOne(Expression):
    """An expression that is made of one other."""

    value: Expression

    @property
    def parts(self) -> tuple[Expression, ...]:
        """The other."""
        return (self.value,)


@dataclass(frozen=True, eq=False)
class RunSum(_OfOne):
    """Sums of consecutive members: the first `sizes[0]` of them, then the next `sizes[1]`, and so on."""

    sizes: Index

    @property
    def shape(self) -> tuple[int, ...]:
        """One member for each run."""
        return (len(self.sizes),)


@dataclass(frozen=True, eq=False)
class Spread(_OfOne):
    """Each member repeated: `sizes[0]` times the first, and so on. The adjoint of a `RunSum`."""

    sizes: Index

    @property
    def shape(self) -> tuple[int, ...]:
        """As many members as repetitions."""
        return (int(self.sizes.sum()),)


@dataclass(frozen=True, eq=False)
class Take(_OfOne):
    """Members of an expression by their number in C order; −1 stands for a zero."""

    index: Index

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the index."""
        return self.index.shape


@dataclass(frozen=True, eq=False)
class Variadic(_OfOne):
    """An operation of any number of arguments, applied to each row of an expression of shape (k, arguments)."""

    op: Op

    @property
    def shape(self) -> tuple[int, ...]:
        """One member for each row."""
        return self.value.shape[:1]


@dataclass(frozen=True, eq=False)
class BatchSum(_OfOne):
    """The sum over the examples."""

    batched: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """As before: the examples have no part in it."""
        return self.value.shape


_NEUTRAL = {ops.mul: (1.0, 1.0), ops.add: (0.0, 0.0), ops.sub: (None, 0.0)}
"""The first operand that leaves the second one as it is, and the second that leaves the first."""


def wrapped(operand: Any) -> Expression:
    """Return `operand` as an expression; a number becomes a `Number`."""
    return operand if isinstance(operand, Expression) else Number(float(operand))


def elementwise(op: Op, *operands: Any) -> Expression:
    """Return `op` applied elementwise, without products by 1, sums with 0 and arithmetic between numbers."""
    args = tuple(wrapped(operand) for operand in operands)
    numbers = [arg.value for arg in args if isinstance(arg, Number)]
    if len(numbers) == len(args):
        return Number(op.evaluate(numbers))
    first, last = args[0], args[-1]
    left, right = _NEUTRAL.get(op, (None, None))
    if isinstance(first, Number) and first.value == left:
        return last
    if isinstance(last, Number) and last.value == right:
        return first
    return Apply(op, args)
