"""Array expressions as NumPy text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ... import ops
from ...op import Op
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
from ..matrices.factors import factored
from ..matrices.statement import Statement, walked
from ..matrices.strided import is_everything, strided
from ..record.identifiers import Identifiers
from .gathering import gathers

__all__ = ["NumpyText", "has_numpy_name", "operations_in"]

Array = np.ndarray[Any, Any]
_INFIX = {ops.add: ("+", 1), ops.sub: ("-", 1), ops.mul: ("*", 2), ops.div: ("/", 2), ops.pow: ("**", 4)}
_ATOM = 9  # the precedence of names and calls


def operations_in(value: Expression) -> Iterator[Op]:
    """Yield the operations in an expression."""
    return (each.op for each in walked(value) if isinstance(each, (Apply, Variadic)))


def _is_zero(value: Expression) -> bool:
    return isinstance(value, Number) and value.value == 0.0


def has_numpy_name(op: Op) -> bool:
    """Whether an operation on arrays is a function of NumPy's that a text can call by its name."""
    return isinstance(op.array, np.ufunc) and getattr(np, op.array.__name__, None) is op.array


class NumpyText:
    """Writes expressions.

    Attributes:
        names: What each block is called.
        flat_order: For each place in `flat` its place in the named arrays one after the other.
        constants: Arrays that the text names.
    """

    def __init__(self, names: Mapping[Block, str], flat_order: Array, identifiers: Identifiers, *, mean: bool) -> None:
        self.names = names
        self.flat_order = flat_order
        self.identifiers = identifiers
        self.mean = mean
        self.constants: dict[str, Array] = {}
        self._known: dict[tuple[Any, ...], str] = {}

    def constant(self, array: Array, stem: str) -> str:
        """Return the name of an array of numbers."""
        key = (array.shape, array.dtype.kind, array.tobytes())
        name = self._known.get(key)
        if name is None:
            name = self._known[key] = self.identifiers.new(f"{stem.upper()}_{len(self.constants) + 1}")
            self.constants[name] = array
        return name

    def shape_text(self, block: Block) -> str:
        """Return the text of the shape of a block's array."""
        sizes = [*map(str, block.shape), *(["N"] if block.batched else [])]
        return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"

    def assigned(self, statement: Statement) -> str:
        """Return the text of a statement's value in the shape of its whole target."""
        value, target = statement.value, statement.target
        number, power, rest = self.factored(value)
        if rest is None:
            if number == 0.0:
                return f"np.zeros({self.shape_text(target)})"
            return f"np.full({self.shape_text(target)}, {self._scalar(number, power)})"
        text = self.whole(value)
        if target.batched and not self.has_axis(value):
            return f"np.broadcast_to({self._column(text)}, {self.shape_text(target)})"
        return text

    def contributions(self, statements: Sequence[Statement]) -> list[str]:
        """Return the texts that add up to an adjoint, of which the first has its whole shape.

        Args:
            statements: All that set it.
        """
        target = statements[0].target
        places = [self._places(statement) for statement in statements]
        scattered = [(s, index) for s, index in zip(statements, places, strict=True) if index is not None]
        whole = [s for s, index in zip(statements, places, strict=True) if index is None]
        if scattered and whole and _is_zero(whole[0].value):  # what the others are added to
            whole = whole[1:]
        found = [self.assigned(statement) for statement in whole[:1]]
        for statement in whole[1:]:
            text = self._within(statement.value, 2)
            is_array = self.factored(statement.value)[2] is not None
            needs_axis = is_array and target.batched and not self.has_axis(statement.value)
            found.append(self._column(text) if needs_axis else text)
        if scattered:
            found.append(self._gathered(target, scattered))
        return found

    def _places(self, statement: Statement) -> Array | None:
        """Return where in its target a statement writes, None for everywhere."""
        index, target = statement.index, statement.target
        if target.of is not None and target.of.role == "parameters" and not _is_zero(statement.value):
            return self.flat_order[np.arange(target.size) if index is None else index.ravel()]
        return None if index is None else index.ravel()

    def _gathered(self, target: Block, scattered: Sequence[tuple[Statement, Array]]) -> str:
        """Return the text of what some statements write into a part of their target each, added up."""
        rows = [self._as_rows(statement.value, len(index), target.batched) for statement, index in scattered]
        together = rows[0] if len(rows) == 1 else f"np.concatenate([{', '.join(rows)}])"
        text = self.summed(together, np.concatenate([index for _, index in scattered]), target.size)
        return text if len(target.shape) == 1 else f"{text}.reshape{self.shape_text(target)}"

    def _as_rows(self, value: Expression, count: int, batched: bool) -> str:
        """Return the text of a value with its members along one axis, and with an axis for the examples if batched."""
        shape = f"({count}, N)" if batched else f"({count},)"
        number, power, rest = self.factored(value)
        if rest is None:
            return f"np.full({shape}, {self._scalar(number, power)})"
        has_axis = self.has_axis(value)
        text = self.whole(value)
        if value.shape != (count,):
            text = f"{self._within(value, _ATOM)}.reshape({count}{', N' if has_axis else ''})"
        return f"np.broadcast_to({self._column(text)}, {shape})" if batched and not has_axis else text

    def summed(self, rows: str, places: Array, size: int) -> str:
        """Return the text of the sums of rows over those that have the same place."""
        if is_everything(places, size):
            return rows
        indices, order = gathers(places, size)
        if len(indices) == 1 and indices[0].shape[1] == 1 and order is None:
            return f"pick({rows}, {self.constant(indices[0][:, 0], 'index')})"
        names = ", ".join(self.constant(index, "index") for index in indices)
        return f"sums({rows}, {names})" + ("" if order is None else f"[{self.constant(order, 'index')}]")

    def has_axis(self, value: Expression) -> bool:
        """Whether the text of an expression has an axis for the examples: a seed is a plain number."""
        match value:
            case Ref():
                return value.batched
            case BatchSum() | Seed():
                return False
            case MatMul():
                return not value.sum_batch and any(self._side_has_axis(side) for side in (value.left, value.right))
        return any(map(self.has_axis, value.parts))

    def _side_has_axis(self, side: Expression) -> bool:
        return side.batched if self.factored(side)[2] is None else self.has_axis(side)

    def whole(self, value: Expression) -> str:
        """Return the text of an expression."""
        return self.write(value)[0]

    # --- factors ---------------------------------------------------------------------------------

    def factored(self, value: Expression) -> tuple[float, int, Expression | None]:
        """Return a number, a power of N and the rest that they multiply, None for 1."""
        return factored(value, mean=self.mean)

    @staticmethod
    def _scalar(number: float, power: int) -> str:
        return repr(number) if power == 0 else f"{number!r} / N" if power == -1 else f"{number!r} * N"

    def write(self, value: Expression) -> tuple[str, int]:
        """Return the text of an expression and its precedence."""
        number, power, rest = self.factored(value)
        if rest is None:
            return self._scalar(number, power), 2 if power else _ATOM
        if number == -1.0 and not power:
            return f"-{self._within(rest, 3)}", 1
        if (number, power) != (1.0, 0):
            text = self._within(rest, 2)
            if number != 1.0:
                text = f"{number!r} * {text}"
            if power:
                text += " / N" if power == -1 else " * N"
            return text, 2
        return self._plain(rest)

    def _within(self, value: Expression, precedence: int) -> str:
        text, own = self.write(value)
        return text if own >= precedence else f"({text})"

    def _aligned(self, value: Expression, batched: bool, rank: int, precedence: int) -> str:
        """Return the text of an operand, with an axis for the examples where the other operand has one."""
        if self.factored(value)[2] is None or not value.shape:
            return self._within(value, precedence)
        missing = ", None" * (rank - len(value.shape))
        if batched and not self.has_axis(value):
            return f"{self._within(value, _ATOM)}[..., None]"
        if missing and value.shape != (1,):
            return f"{self._within(value, _ATOM)}[{missing[2:]}, ...]"
        return self._within(value, precedence)

    @staticmethod
    def _column(text: str) -> str:
        return f"({text})[..., None]"

    # --- each kind -------------------------------------------------------------------------------

    def _plain(self, value: Expression) -> tuple[str, int]:
        match value:
            case Constant():
                return self.constant(value.values, "numbers"), _ATOM
            case Ref():
                return self._reference(value)
            case Take():
                return self._members(self._within(value.value, _ATOM), value.value, value.index)
            case Plus():
                return self._plus(value)
            case Compare():
                return f"np.where({self._comparison(value)}, 1.0, 0.0)", _ATOM
            case Apply():
                return self._apply(value)
            case MatMul():
                return self._matmul(value)
            case RunSum():
                return self._run_sum(value), _ATOM
            case Spread():
                sizes = value.sizes
                times = str(sizes[0]) if (sizes == sizes[0]).all() else self.constant(sizes, "sizes")
                return f"np.repeat({self.whole(value.value)}, {times}, axis=0)", _ATOM
            case BatchSum():
                if not self.has_axis(value.value):
                    return f"N * {self._within(value.value, 2)}", 2
                return f"{self._within(value.value, _ATOM)}.sum(axis=-1)", _ATOM
            case Variadic():
                return f"{value.op.name}({self.whole(value.value)})", _ATOM
        raise TypeError(f"no text for {type(value).__name__}")

    def _reference(self, ref: Ref) -> tuple[str, int]:
        name = self.names[ref.block]
        index = ref.index
        if ref.block.role == "parameters":
            places = np.arange(ref.block.size) if index is None else index
            index = np.where(places < 0, -1, self.flat_order[places])
        elif index is None:
            return name, _ATOM
        return self._members(name, Ref(ref.block), index)

    def _members(self, text: str, value: Expression, index: Array) -> tuple[str, int]:
        """Return the text of members of an array by number, in C order."""
        size = int(np.prod(value.shape))
        if is_everything(index, size):
            if index.shape == value.shape:
                return text, _ATOM
            lengths = ", ".join(map(str, index.shape)) + (", N" if self.has_axis(value) else "")
            return f"{text}.reshape({lengths})", _ATOM
        if index.ndim == 2 and index.shape[::-1] == value.shape and is_everything(index.T, size):
            return (f"np.swapaxes({text}, 0, 1)" if self.has_axis(value) else f"{text}.T"), _ATOM
        if len(value.shape) != 1:
            text = f"{text}.reshape({size}{', N' if self.has_axis(value) else ''})"
        regular = strided(index)
        if regular is not None and regular.slice_text:
            return f"{text}[{regular.slice_text}]", _ATOM
        if (index < 0).any():
            return f"pick({text}, {self.constant(index, 'index')})", _ATOM
        return f"{text}[{self.constant(index, 'index')}]", _ATOM

    def _plus(self, value: Plus) -> tuple[str, int]:
        rank = len(value.shape)
        text = ""
        for term in value.terms:
            number, power, rest = self.factored(term)
            negative = number < 0.0
            if negative:
                positive: Expression = Number(-number) if rest is None else rest * -number
                term = positive if power == 0 else positive * Seed(batched=self.mean)  # the same term without its sign
            part = self._aligned(term, self.has_axis(value), rank, 2)
            text += (" - " if negative else " + ") + part if text else ("-" if negative else "") + part
        return text, 1

    def _comparison(self, value: Compare) -> str:
        """Return the text of a comparison, an array of truth values."""
        rank = len(value.shape)
        left, right = (self._aligned(side, self.has_axis(value), rank, 3) for side in (value.left, value.right))
        return f"{left} {value.relation} {right}"

    def _run_sum(self, value: RunSum) -> str:
        count = int(value.sizes.sum())
        rows = self.whole(value.value)
        if self.factored(value.value)[2] is None:
            rows = f"np.full(({count},), {rows})"
        if len(value.sizes) == 1:
            return f"np.sum({rows}, axis=0, keepdims=True)"
        return self.summed(rows, np.repeat(np.arange(len(value.sizes)), value.sizes), len(value.sizes))

    def _apply(self, value: Apply) -> tuple[str, int]:
        op, rank = value.op, len(value.shape)
        if op is ops.mul and self._is_mask(value):
            left = self._aligned(value.args[0], self.has_axis(value), rank, 2)
            return f"{left} * ({self._comparison(value.args[1])})", 2  # type: ignore[arg-type]  # a comparison
        if op in _INFIX:
            sign, precedence = _INFIX[op]
            left = self._aligned(value.args[0], self.has_axis(value), rank, precedence + (op is ops.pow))
            right = self._aligned(value.args[1], self.has_axis(value), rank, precedence + 1)
            if op is ops.pow and left.startswith("-"):
                left = f"({left})"
            return f"{left} {sign} {right}", precedence
        args = ", ".join(self._aligned(arg, self.has_axis(value), rank, 0) for arg in value.args)
        name = f"np.{op.array.__name__}" if isinstance(op.array, np.ufunc) and has_numpy_name(op) else op.name
        return f"{name}({args})", _ATOM

    def _is_mask(self, product: Apply) -> bool:
        """Whether a product's second factor is truth values that can stand there as they are, beside floats."""
        left, right = product.args
        return (
            isinstance(right, Compare)
            and not isinstance(left, Compare)
            and right.shape == product.shape
            and self.has_axis(right) == self.has_axis(product)
        )

    def _matmul(self, value: MatMul) -> tuple[str, int]:
        left, right = value.left, value.right
        a, b = self._side(left, 2), self._side(right, 3)
        one_axis = len(right.shape) == 1
        with_axes = self._side_has_axis(left), self._side_has_axis(right)
        if not with_axes[0] and not value.sum_batch and (one_axis or not with_axes[1]) and not value.transpose_right:
            return f"{f'{self._side(left, _ATOM)}.T' if value.transpose_left else a} @ {b}", 2
        if value.sum_batch and all(with_axes) and one_axis and len(left.shape) == 1:
            return f"{a} @ {self._side(right, _ATOM)}.T", 2
        if not any(with_axes) and value.transpose_right and not value.sum_batch:
            if one_axis:
                return f"np.outer({a}, {b})", _ATOM
            return f"{a} @ {self._side(right, _ATOM)}.T", 2
        return f'np.einsum("{value.subscripts(*with_axes)}", {a}, {b})', _ATOM

    def _side(self, value: Expression, precedence: int) -> str:
        """Return the text of one side of a product, an array also where it is one number."""
        if self.factored(value)[2] is not None:
            return self._within(value, precedence)
        sizes = ", ".join([*map(str, value.shape), *(["N"] if value.batched else [])])
        return f"np.full(({sizes},), {self.whole(value)})"
