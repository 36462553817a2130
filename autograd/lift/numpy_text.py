"""Array expressions as NumPy text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from .. import ops
from ..op import Op
from .block import Block
from .expression import (
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
from .factors import factored
from .statement import Statement, walked
from .strided import is_everything, strided

__all__ = ["NumpyText", "operations_in"]

Array = np.ndarray[Any, Any]
_INFIX = {ops.add: ("+", 1), ops.sub: ("-", 1), ops.mul: ("*", 2), ops.div: ("/", 2), ops.pow: ("**", 4)}
_ATOM = 9  # the precedence of names and calls


def operations_in(value: Expression) -> Iterator[Op]:
    """Yield the operations in an expression."""
    return (each.op for each in walked(value) if isinstance(each, (Apply, Variadic)))


class NumpyText:
    """Writes expressions.

    Attributes:
        names: What each block is called.
        flat_order: For each place in `flat` its place in the named arrays one after the other.
        constants: Arrays that the text names.
    """

    def __init__(self, names: Mapping[Block, str], flat_order: Array, *, mean: bool) -> None:
        self.names = names
        self.flat_order = flat_order
        self.mean = mean
        self.constants: dict[str, Array] = {}

    def constant(self, array: Array, stem: str) -> str:
        """Return the name of an array of numbers."""
        for name, known in self.constants.items():
            if known.shape == array.shape and known.dtype == array.dtype and np.array_equal(known, array):
                return name
        name = f"{stem.upper()}_{len(self.constants) + 1}"
        while name in self.names.values():
            name += "_"
        self.constants[name] = array
        return name

    def shape_text(self, block: Block) -> str:
        """Return the text of the shape of a block's array."""
        sizes = [*map(str, block.shape), *(["N"] if block.batched else [])]
        return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"

    def assigned(self, statement: Statement) -> str:
        """Return the text of a statement's value, as an array of the shape that is written."""
        value, target = statement.value, statement.target
        number, power, rest = self.factored(value)
        if rest is None:
            if statement.index is not None or statement.add:
                return self._scalar(number, power)
            if number == 0.0:
                return f"np.zeros({self.shape_text(target)})"
            return f"np.full({self.shape_text(target)}, {self._scalar(number, power)})"
        text = self.whole(value)
        if target.batched and not self.has_axis(value):
            text = self._column(text)
            if not statement.add and statement.index is None:
                return f"np.broadcast_to({text}, {self.shape_text(target)})"
        return text

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
                return self._taken(self._within(value.value, _ATOM), value.value, value.index)
            case Plus():
                return self._plus(value)
            case Compare():
                rank = len(value.shape)
                left, right = (self._aligned(side, self.has_axis(value), rank, 3) for side in (value.left, value.right))
                return f"({left} {value.relation} {right})", _ATOM
            case Apply():
                return self._apply(value)
            case MatMul():
                return self._matmul(value)
            case RunSum():
                inner = self.whole(value.value)
                if len(value.sizes) == 1:
                    return f"np.sum({inner}, axis=0, keepdims=True)", _ATOM
                starts = np.concatenate([[0], np.cumsum(value.sizes)[:-1]]).astype(np.intp)
                return f"np.add.reduceat({inner}, {self.constant(starts, 'starts')}, axis=0)", _ATOM
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
        return self._taken(name, Ref(ref.block), index)

    def _taken(self, text: str, value: Expression, index: Array) -> tuple[str, int]:
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

    def _apply(self, value: Apply) -> tuple[str, int]:
        op, rank = value.op, len(value.shape)
        if op in _INFIX:
            sign, precedence = _INFIX[op]
            left = self._aligned(value.args[0], self.has_axis(value), rank, precedence + (op is ops.pow))
            right = self._aligned(value.args[1], self.has_axis(value), rank, precedence + 1)
            return f"{left} {sign} {right}", precedence
        args = ", ".join(self._aligned(arg, self.has_axis(value), rank, 0) for arg in value.args)
        name = f"np.{op.array.__name__}" if isinstance(op.array, np.ufunc) else op.name
        return f"{name}({args})", _ATOM

    def _matmul(self, value: MatMul) -> tuple[str, int]:
        left, right = value.left, value.right
        a, b = self._within(left, 2), self._within(right, 3)
        if self.factored(left)[2] is None:
            a = f"np.full({self._sizes(left)}, {a})"
        if self.factored(right)[2] is None:
            b = f"np.full({self._sizes(right)}, {b})"
        one_axis = len(right.shape) == 1
        with_axes = self._side_has_axis(left), self._side_has_axis(right)
        if not with_axes[0] and not value.sum_batch and (one_axis or not with_axes[1]) and not value.transpose_right:
            turned = f"{self._bracketed(a)}.T" if value.transpose_left else a
            return f"{turned} @ {b}", 2
        if value.sum_batch and all(with_axes) and one_axis and len(left.shape) == 1:
            return f"{a} @ {self._bracketed(b)}.T", 2
        if not any(with_axes) and value.transpose_right and not value.sum_batch:
            if one_axis:
                return f"np.outer({a}, {b})", _ATOM
            return f"{a} @ {self._bracketed(b)}.T", 2
        return f'np.einsum("{value.subscripts(*with_axes)}", {a}, {b})', _ATOM

    def _sizes(self, value: Expression) -> str:
        return f"({', '.join([*map(str, value.shape), *(['N'] if value.batched else [])])},)"

    @staticmethod
    def _bracketed(text: str) -> str:
        return text if text.replace("_", "").isalnum() else f"({text})"
