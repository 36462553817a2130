"""The intermediate representation: blocks, array expressions and statements.

A program is a list of statements, each of which sets one block. A `Block` is a named array of scalar values of the
graph that are computed in the same way: the weighted inputs of a layer, its activations, a parameter matrix. Its
members have a `shape`, (k,) or (rows, columns); a batched block holds them once for every example.

When a program runs, every array has one more axis at the end: the examples, of length N for what is batched and 1 for
what is not. So arithmetic between the two broadcasts, and a sum over that axis is the sum over the batch.

Expressions are `Operand`s: pushing them through an operation's rule for a partial derivative writes down the formula of
that derivative. That is how `autograd.lift.adjoint` derives the reverse program; it has no table of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from .. import ops
from ..op import Op, Operand

__all__ = [
    "Apply",
    "BatchSum",
    "Block",
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
    "Statement",
    "Take",
    "Variadic",
    "children",
    "elementwise",
    "leaves",
]

Index = np.ndarray[tuple[int, ...], np.dtype[np.intp]]
Role = Literal["input", "parameter", "parameters", "z", "a", "value", "loss", "adjoint"]


@dataclass(frozen=True, eq=False)
class Block:
    """A named array of values that are computed alike.

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

    def __repr__(self) -> str:
        return f"<{self.role} {self.name} {self.shape}{' batched' if self.batched else ''}>"


class Expression(Operand):
    """An array expression; arithmetic and operations applied to one give expressions.

    Attributes:
        shape: The shape of its members.
        batched: Whether it has a value for each example.
    """

    __slots__ = ()
    shape: tuple[int, ...]
    batched: bool

    def apply(self, op: Op, operands: tuple[Any, ...]) -> Expression:
        """Return the expression for `op`, elementwise."""
        return elementwise(op, *operands)

    def __add__(self, other: Any) -> Expression:
        return elementwise(ops.add, self, other)

    def __radd__(self, other: Any) -> Expression:
        return elementwise(ops.add, other, self)

    def __sub__(self, other: Any) -> Expression:
        return elementwise(ops.sub, self, other)

    def __rsub__(self, other: Any) -> Expression:
        return elementwise(ops.sub, other, self)

    def __mul__(self, other: Any) -> Expression:
        return elementwise(ops.mul, self, other)

    def __rmul__(self, other: Any) -> Expression:
        return elementwise(ops.mul, other, self)

    def __truediv__(self, other: Any) -> Expression:
        return elementwise(ops.div, self, other)

    def __rtruediv__(self, other: Any) -> Expression:
        return elementwise(ops.div, other, self)

    def __pow__(self, other: Any) -> Expression:
        return elementwise(ops.pow, self, other)

    def __rpow__(self, other: Any) -> Expression:
        return elementwise(ops.pow, other, self)

    def __neg__(self) -> Expression:
        return elementwise(ops.neg, self)

    def __pos__(self) -> Expression:
        return self

    def __abs__(self) -> Expression:
        return elementwise(ops.abs, self)

    def __lt__(self, other: Any) -> Expression:
        return Compare("<", self, wrapped(other))

    def __le__(self, other: Any) -> Expression:
        return Compare("<=", self, wrapped(other))

    def __gt__(self, other: Any) -> Expression:
        return Compare(">", self, wrapped(other))

    def __ge__(self, other: Any) -> Expression:
        return Compare(">=", self, wrapped(other))


@dataclass(frozen=True, eq=False)
class Number(Expression):
    """A number, the same for all members."""

    value: float
    shape: tuple[int, ...] = ()
    batched: bool = False


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
    batched: bool = False

    @property
    def shape(self) -> tuple[int, ...]:  # type: ignore[override]  # a property where the base declares an attribute
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
    def shape(self) -> tuple[int, ...]:  # type: ignore[override]  # a property where the base declares an attribute
        """The shape of the members that are read."""
        return self.block.shape if self.index is None else self.index.shape

    @property
    def batched(self) -> bool:  # type: ignore[override]  # a property where the base declares an attribute
        """Whether the block is."""
        return self.block.batched


@dataclass(frozen=True, eq=False)
class Apply(Expression):
    """An operation of the table applied elementwise; shapes broadcast as in NumPy."""

    op: Op
    args: tuple[Expression, ...]
    shape: tuple[int, ...] = field(init=False)
    batched: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", np.broadcast_shapes(*(a.shape for a in self.args)))
        object.__setattr__(self, "batched", any(a.batched for a in self.args))


@dataclass(frozen=True, eq=False)
class Compare(Expression):
    """1 where the relation holds and 0 elsewhere; it occurs in derivatives at kinks."""

    relation: Literal["<", "<=", ">", ">="]
    left: Expression
    right: Expression

    @property
    def shape(self) -> tuple[int, ...]:  # type: ignore[override]  # a property where the base declares an attribute
        """The common shape of both sides."""
        return np.broadcast_shapes(self.left.shape, self.right.shape)

    @property
    def batched(self) -> bool:  # type: ignore[override]  # a property where the base declares an attribute
        """Whether a side is."""
        return self.left.batched or self.right.batched


@dataclass(frozen=True, eq=False)
class Plus(Expression):
    """The sum of several terms of one shape."""

    terms: tuple[Expression, ...]

    @property
    def shape(self) -> tuple[int, ...]:  # type: ignore[override]  # a property where the base declares an attribute
        """The common shape of the terms."""
        return np.broadcast_shapes(*(t.shape for t in self.terms))

    @property
    def batched(self) -> bool:  # type: ignore[override]  # a property where the base declares an attribute
        """Whether a term is."""
        return any(t.batched for t in self.terms)


@dataclass(frozen=True, eq=False)
class MatMul(Expression):
    """A matrix product, after transposing the sides that say so.

    The left side has shape (r, k) and the right one (k,) or (k, c); or, transposed, (k, r) and (c, k). With `outer` it
    is the sum of outer products left·rightᵀ of shapes (r,) and (k,), or (r, c) and (k, c).

    Attributes:
        sum_batch: Whether the products are also summed over the examples: so `delta1` and `a0` give `dW1`.
    """

    left: Expression
    right: Expression
    transpose_left: bool = False
    transpose_right: bool = False
    sum_batch: bool = False

    @property
    def shape(self) -> tuple[int, ...]:  # type: ignore[override]  # a property where the base declares an attribute
        """(r,) if the right side is a vector and (r, c) if it is a matrix; (r, k) for two vectors, transposed."""
        left, right = self.left.shape, self.right.shape
        if len(left) == 1:
            return (left[0], right[0])
        rows = left[1] if self.transpose_left else left[0]
        if len(right) == 1:
            return (rows,)
        return (rows, right[0] if self.transpose_right else right[1])

    @property
    def batched(self) -> bool:  # type: ignore[override]  # a property where the base declares an attribute
        """Whether a side is, unless the examples are summed."""
        return not self.sum_batch and (self.left.batched or self.right.batched)


@dataclass(frozen=True, eq=False)
class RunSum(Expression):
    """Sums of consecutive members: the first `sizes[0]` of them, then the next `sizes[1]`, and so on."""

    value: Expression
    sizes: Index

    @property
    def shape(self) -> tuple[int, ...]:  # type: ignore[override]  # a property where the base declares an attribute
        """One member for each run."""
        return (len(self.sizes),)

    @property
    def batched(self) -> bool:  # type: ignore[override]  # a property where the base declares an attribute
        """Whether the value is."""
        return self.value.batched


@dataclass(frozen=True, eq=False)
class Spread(Expression):
    """Each member repeated: `sizes[0]` times the first, and so on. The adjoint of a `RunSum`."""

    value: Expression
    sizes: Index

    @property
    def shape(self) -> tuple[int, ...]:  # type: ignore[override]  # a property where the base declares an attribute
        """As many members as repetitions."""
        return (int(self.sizes.sum()),)

    @property
    def batched(self) -> bool:  # type: ignore[override]  # a property where the base declares an attribute
        """Whether the value is."""
        return self.value.batched


@dataclass(frozen=True, eq=False)
class Take(Expression):
    """Members of an expression by their number in C order; −1 stands for a zero."""

    value: Expression
    index: Index

    @property
    def shape(self) -> tuple[int, ...]:  # type: ignore[override]  # a property where the base declares an attribute
        """The shape of the index."""
        return self.index.shape

    @property
    def batched(self) -> bool:  # type: ignore[override]  # a property where the base declares an attribute
        """Whether the value is."""
        return self.value.batched


@dataclass(frozen=True, eq=False)
class Variadic(Expression):
    """An operation of any number of arguments, applied to each row of an expression of shape (k, arguments)."""

    op: Op
    rows: Expression

    @property
    def shape(self) -> tuple[int, ...]:  # type: ignore[override]  # a property where the base declares an attribute
        """One member for each row."""
        return self.rows.shape[:1]

    @property
    def batched(self) -> bool:  # type: ignore[override]  # a property where the base declares an attribute
        """Whether the rows are."""
        return self.rows.batched


@dataclass(frozen=True, eq=False)
class BatchSum(Expression):
    """The sum over the examples."""

    value: Expression
    batched: bool = False

    @property
    def shape(self) -> tuple[int, ...]:  # type: ignore[override]  # a property where the base declares an attribute
        """As before: the examples have no part in it."""
        return self.value.shape


@dataclass(frozen=True, eq=False)
class Statement:
    """One line of a program: `target[index] = value`, or `+=`.

    Attributes:
        target: The block that is set.
        value: What it is set to; its shape is that of the members that are written.
        index: Which members, in C order (a member may be written twice when adding); None for all.
        add: Whether the value is added to what is there.
        origin: Where the forward statement came from: "tanh of 16 values, network.py line 12".
    """

    target: Block
    value: Expression
    index: Index | None = None
    add: bool = False
    origin: str = ""


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
    if op is ops.mul:
        if isinstance(first, Number) and first.value == 1.0:
            return last
        if isinstance(last, Number) and last.value == 1.0:
            return first
    if op is ops.add and isinstance(first, Number) and first.value == 0.0:
        return last
    if op in (ops.add, ops.sub) and isinstance(last, Number) and last.value == 0.0:
        return first
    return Apply(op, args)


def children(expression: Expression) -> tuple[Expression, ...]:
    """Return the expressions that `expression` is directly made of."""
    match expression:
        case Apply():
            return expression.args
        case Plus():
            return expression.terms
        case Compare() | MatMul():
            return (expression.left, expression.right)
        case RunSum() | Spread() | Take() | BatchSum():
            return (expression.value,)
        case Variadic():
            return (expression.rows,)
        case _:
            return ()


def leaves(expression: Expression) -> Iterator[Expression]:
    """Yield the references, numbers, constants and seeds in `expression`, from left to right."""
    below = children(expression)
    if not below:
        yield expression
    for child in below:
        yield from leaves(child)
