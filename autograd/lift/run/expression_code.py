"""The code that is run: straight-line NumPy for one batch size, with every buffer and view made beforehand.

Arrays have the members first and the examples last, so a layer's weighted inputs are one matrix product, and the
gradient another one straight into its place in the flat gradient. Where a bias lies beside its matrix and the
activations before it have a row of ones below them, it is part of the product. Scalars are collected and multiplied
once; copies become aliases; temporary arrays are used again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import ops
from ...op import Op
from ..matrices.expression import (
    RELATIONS,
    Apply,
    Compare,
    Constant,
    Expression,
    MatMul,
    Number,
    Plus,
    Ref,
    RunSum,
    Spread,
    Take,
    Variadic,
)
from ..matrices.factors import factored
from ..matrices.precise import largest, row_sum
from ..matrices.strided import is_everything
from .array_code import ArrayCode

__all__ = ["ExpressionCode"]

Array = np.ndarray[Any, Any]


_REDUCTIONS: dict[Op, np.ufunc] = {largest: np.maximum, row_sum: np.add}


class ExpressionCode(ArrayCode):
    """Lines of code with the arrays they work on, for one program and one number of examples."""

    # --- values ----------------------------------------------------------------------------------

    def value(self, expression: Expression, out: Array | None = None) -> Any:
        """Return an array, or a number, that holds an expression's value once the lines added so far have run.

        Args:
            expression: What to compute.
            out: Where to, if it has to be computed.
        """
        scale, rest = self.scaled(expression)
        if rest is None:
            return scale
        if scale != 1.0:
            inner = self.value(rest, out)
            if out is None or out.shape != inner.shape:
                ours = id(inner) in self._temporary and inner.dtype == float
                out = inner if ours else self.temporary(inner.shape)
            self.call(np.multiply, inner, scale, out)
            if inner is not out:
                self.release(inner)
            return out
        match rest:
            case Constant():
                return rest.values[..., None]
            case Ref():
                return self._reference(rest)
            case Plus():
                return self._plus(rest, out)
            case Compare():
                return self._compare(rest)
            case Apply():
                return self._apply(rest, out)
            case MatMul():
                return self._matmul(rest, out)
            case RunSum():
                return self._run_sum(rest, out)
            case Spread():
                return self._spread(rest)
            case Take():
                return self._take(rest)
        return self._other(rest, out)

    def scaled(self, expression: Expression) -> tuple[float, Expression | None]:
        """Return a number and what it multiplies; None for 1."""
        number, power, rest = factored(expression, mean=self.mean)
        return number * float(self.examples) ** power, rest

    def flat_index(self, ref: Ref) -> Array | None:
        """Return a reference's positions in `flat`, or None if it is not to a parameter."""
        positions = self._positions.get(ref.block)
        if positions is None or ref.index is None:
            return positions
        return np.where(ref.index < 0, -1, positions.ravel()[ref.index])

    def _reference(self, ref: Ref) -> Array:
        index = self.flat_index(ref)
        if index is not None:
            return self.view(self.flat.reshape(-1, 1), index)
        array = self.arrays[ref.block]
        if ref.index is None:
            return array
        return self.view(array.reshape(-1, array.shape[-1]), ref.index)

    def _take(self, expression: Take) -> Array:
        inner = self.solid(self.value(expression.value))
        if isinstance(inner, float):
            out = self.temporary((*expression.shape, 1))
            self.call(np.copyto, out, np.where(expression.index < 0, 0.0, inner)[..., None])
            return out
        if is_everything(expression.index, int(np.prod(inner.shape[:-1]))):
            reshaped: Array = inner.reshape(*expression.shape, inner.shape[-1])
            if np.shares_memory(reshaped, inner):
                return reshaped
        whole = np.broadcast_to(inner, (*expression.value.shape, inner.shape[-1]))
        if not whole.flags.c_contiguous:
            whole = self.copied(whole)
        return self.view(whole.reshape(-1, whole.shape[-1]), expression.index)

    def _operands(self, args: Sequence[Expression], out: Array | None) -> list[Any]:
        """Return the arguments of an elementwise call, aligned; a compound one may be computed in `out`."""
        rank = max(len(arg.shape) for arg in args) + 1
        compound = [k for k, arg in enumerate(args) if isinstance(arg, (Apply, Plus)) and self.scaled(arg)[1]]
        values = []
        for k, arg in enumerate(args):
            inside = out if out is not None and compound == [k] and self.shape(arg) == out.shape else None
            value = self.value(arg, inside)
            if isinstance(value, np.ndarray) and value.ndim < rank:
                value = self.solid(value)
                value = value.reshape(*[1] * (rank - value.ndim), *value.shape)
            values.append(value)
        return values

    def _result(self, expression: Expression, values: Sequence[Any], out: Array | None) -> Array:
        shape = self.shape(expression)
        if out is not None and out.shape == shape:
            return out
        for value in values:
            if id(value) in self._temporary and value.shape == shape and value.dtype == float:
                return value  # type: ignore[no-any-return]  # an array, since it is one of ours
        return self.temporary(shape)

    def _apply(self, expression: Apply, out: Array | None) -> Array:
        values = self._operands(expression.args, out)
        op = expression.op
        if op is not ops.mul or all(value.__class__ is np.ndarray and value.dtype != float for value in values):
            values = [self.numeric(value) for value in values]
        if all(isinstance(value, float) for value in values):
            return np.full(self.shape(expression), op.evaluate(values))
        target = self._result(expression, values, out)
        if isinstance(op.array, np.ufunc) and "d" * op.array.nin + "->d" in op.array.types:
            self.call(op.array, *values, target)
        elif op.into is not None:
            if any(value is target for value in values):
                target = self.temporary(target.shape)
            self.call(op.into, *values, target)
        else:
            function = op.array or np.vectorize(op.forward, otypes=[float])
            self.lines.append(f"{self.name(target)}[...] = {self.name(function)}({', '.join(map(self.name, values))})")
        self.release(*(value for value in values if value is not target))
        return target

    def _compare(self, expression: Compare) -> Array:
        values = self._operands((expression.left, expression.right), None)
        shape = np.broadcast_shapes(*(value.shape for value in values if isinstance(value, np.ndarray)))
        target = self.temporary(shape, bool)
        self.call(RELATIONS[expression.relation], *values, target)
        self.release(*values)
        return target

    def _plus(self, expression: Plus, out: Array | None) -> Array:
        target = out if out is not None and out.shape == self.shape(expression) else None
        terms = self._unfolded(expression)
        factor = abs(self.scaled(terms[0])[0])
        if factor != 1.0 and all(abs(self.scaled(term)[0]) == factor and self.scaled(term)[1] for term in terms):
            parts = [(self.scaled(term)[0] > 0.0, self.scaled(term)[1]) for term in terms]
            signed = [rest if positive else Apply(ops.neg, (rest,)) for positive, rest in parts if rest is not None]
            scaled: Array = self.value(Apply(ops.mul, (Plus(tuple(signed)), Number(factor))), out)
            return scaled
        first: Any = self.numeric(self.value(terms[0], target))
        for term in terms[1:]:
            scale, rest = self.scaled(term)
            minus = scale == -1.0 and rest is not None
            value = self.numeric(self.value(rest if minus and rest is not None else term))
            if target is None:
                target = self._result(expression, [first], None)
            self.call(np.subtract if minus else np.add, first, value, target)
            self.release(*(each for each in (first, value) if each is not target))
            first = target
        if isinstance(first, float) or first.shape != self.shape(expression):
            target = self.temporary(self.shape(expression)) if target is None else target
            self.call(np.copyto, target, first)
            first = target
        result: Array = first
        return result

    def _unfolded(self, expression: Plus) -> list[Expression]:
        """Return the terms: arrays before numbers, and what is subtracted after something to subtract it from."""

        def place(term: Expression) -> tuple[bool, bool]:
            scale, rest = self.scaled(term)
            return rest is None, scale == -1.0

        return sorted(expression.terms, key=place)

    # --- products and sums -----------------------------------------------------------------------

    def _matmul(self, expression: MatMul, out: Array | None) -> Array:
        left, right = self.value(expression.left), self.value(expression.right)
        target = self._result(expression, (), out)
        self.multiply(expression, left, right, target)
        self.release(left, right)
        return target

    def multiply(self, expression: MatMul, left: Any, right: Any, target: Array) -> None:
        """Add the lines that put a matrix product into `target`."""
        if isinstance(left, float):
            left = np.full(self.shape(expression.left), left)
        if isinstance(right, float):
            right = np.full(self.shape(expression.right), right)
        if expression.left.batched and expression.right.batched and not expression.sum_batch:
            names = ", ".join([self.name(left), self.name(right), f"out={self.name(target)}"])
            self.lines.append(f"einsum({expression.subscripts()!r}, {names})")
            self.names["einsum"] = np.einsum
            return
        rows = self.matrix(left, first=len(expression.left.shape) == 2 and not expression.sum_batch)
        if expression.transpose_left:
            rows = self.transposed(rows)
        columns = self.matrix(right, first=True)
        if expression.transpose_right:
            columns = self.transposed(columns)
        flat_target = target.reshape(rows.shape[0], columns.shape[1])
        if flat_target.flags.c_contiguous and np.shares_memory(flat_target, target):
            self.dot(rows, columns, flat_target)
            return
        between = self.temporary(flat_target.shape)
        self.dot(rows, columns, between)
        self.call(np.copyto, target, between.reshape(target.shape))
        self.release(between)

    def _run_sum(self, expression: RunSum, out: Array | None) -> Array:
        inner = self.value(expression.value)
        target = self._result(expression, (), out)
        count = int(expression.sizes.sum())
        if isinstance(inner, float):
            self.call(np.copyto, target, (inner * expression.sizes)[:, None])
            return target
        inner = np.broadcast_to(self.solid(inner), (count, inner.shape[-1])) if len(inner) != count else inner
        if len(expression.sizes) == 1:
            self.reduce(np.add, inner, 0, target[0])
        else:
            starts = np.concatenate([[0], np.cumsum(expression.sizes)[:-1]]).astype(np.intp)
            self.lines.append(f"add_reduceat({self.name(inner)}, {self.name(starts)}, 0, None, {self.name(target)})")
            self.names["add_reduceat"] = np.add.reduceat
        self.release(inner)
        return target

    def _spread(self, expression: Spread) -> Array:
        inner = self.solid(self.value(expression.value))
        count = int(expression.sizes.sum())
        if len(expression.sizes) == 1:
            return np.broadcast_to(inner, (count, inner.shape[-1]))
        index = np.repeat(np.arange(len(expression.sizes)), expression.sizes)
        inner = np.broadcast_to(inner, (len(expression.sizes), inner.shape[-1])) if len(inner) == 1 else inner
        return self.view(inner, index)

    def _other(self, expression: Any, out: Array | None) -> Array:
        """Return the value of a batch sum or of an operation on rows."""
        target = self._result(expression, (), out)
        if isinstance(expression, Variadic):
            rows = self.value(expression.value)
            if expression.op is ops.logsumexp:
                self.logsumexp(rows, target)
            elif expression.op in _REDUCTIONS:
                self.reduce(_REDUCTIONS[expression.op], rows, 1, target)
            else:
                function = np.vectorize(expression.op.forward, otypes=[float])
                columns = ", ".join(self.name(rows[:, k]) for k in range(rows.shape[1]))
                self.lines.append(f"{self.name(target)}[...] = {self.name(function)}({columns})")
            self.release(rows)
            return target
        inner = self.value(expression.value)
        if isinstance(inner, float):
            self.call(np.copyto, target, inner * self.examples)
        elif inner.shape[-1] == 1:
            self.call(np.multiply, inner, float(self.examples), target)
        elif isinstance(expression.value, Ref):  # an adjoint, which the runner looks at
            self.sum_small(inner, -1, target[..., 0])
        else:
            self.reduce(np.add, inner, -1, target[..., 0])
        self.release(inner)
        return target
