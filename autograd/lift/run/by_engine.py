"""Rows of a batch computed by the engine from the forward statements: the last word where arrays are in doubt.

What an overflow on the way makes of a result, and whether an undefined derivative is asked for, is decided in one place
only, in the engine. So a row at which NumPy signals something is recorded there, one Value for each member of a block.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ... import ops
from ...graph import beyond
from ...op import Op
from ...value import Literal, Value, affine, recording
from ..matrices.block import Block
from ..matrices.expression import Apply, Constant, Expression, MatMul, Number, Plus, Ref, RunSum, Spread, Take, Variadic
from ..matrices.lifted import Lifted
from ..record.recording import Recording

__all__ = ["EngineRow"]

Array = np.ndarray[Any, Any]


class EngineRow:
    """One row of a batch, recorded by the engine.

    Args:
        derived: The program; its statements are read as they are printed.
        flat: The parameters' numbers.
        row: The numbers of each input, by name.
        roots: What is wanted; its statements are recorded, and no others.
        leaf: What the members of inputs are.

    Raises:
        DomainError: If a result is undefined or not finite.
    """

    def __init__(
        self,
        derived: Lifted,
        flat: Array,
        row: Mapping[str, Array],
        roots: Sequence[Expression],
        leaf: type[Value] = Literal,
    ) -> None:
        self.leaves = list(map(Value, flat.tolist(), derived.parameters.labels))
        leaves = _objects(self.leaves)
        self.values: dict[Block, Array] = {derived.parameters.flat: leaves}
        for parameter in derived.parameters.all:
            self.values[parameter.block] = leaves[parameter.positions].reshape(parameter.block.shape)
        for name, numbers in row.items():
            self.values[derived.forward.inputs[name]] = _objects([leaf(number) for number in numbers.tolist()])
        with recording(), np.errstate(all="ignore"):  # what NumPy signals of objects is for the engine to say
            for statement in derived.forward.needed(roots):
                value = np.broadcast_to(self.evaluate(statement.value), statement.target.shape)
                self.values[statement.target] = value

    def recording(self, derived: Lifted) -> Recording:
        """Return the graph of the loss, as if it had been recorded now."""
        inputs = {name: [*self.values[block].ravel()] for name, block in derived.forward.inputs.items()}
        return Recording(inputs, self.evaluate(derived.forward.roots[0]).ravel()[0])

    def gradient(self, root: Expression) -> Array:
        """Return the derivative of a root by each parameter, in the order of `flat`.

        Raises:
            DomainError: If a derivative is undefined where it is needed, or not finite.
        """
        output = self.evaluate(root).ravel()[0]
        if isinstance(output, Value) and not output.is_literal:
            output.backward()
        return np.array([leaf.grad for leaf in self.leaves])

    def numbers(self, expression: Expression) -> Array:
        """Return an expression's members as floats."""
        members = self.evaluate(expression)
        return np.array([getattr(each, "data", each) for each in members.ravel()], dtype=float).reshape(members.shape)

    @np.errstate(all="ignore")
    def evaluate(self, expression: Expression) -> Array:
        """Return an expression's members, Values and floats, as an array of objects.

        Raises:
            TypeError: If it is of a kind that forward statements do not have.
        """
        match expression:
            case Number():
                return _objects([expression.value]).reshape(())
            case Constant():
                return expression.values.astype(object)
            case Ref():
                return _members(self.values[expression.block], expression.index)
            case Take():
                whole = np.broadcast_to(self.evaluate(expression.value), expression.value.shape)
                return _members(whole, expression.index)
            case Plus():
                return self._plus(expression)
            case Apply():
                args = [self.evaluate(arg) for arg in expression.args]
                return _each(expression.op, np.broadcast_arrays(*args))
            case MatMul():
                left, right = self.evaluate(expression.left), self.evaluate(expression.right)
                left = left.T if expression.transpose_left else left
                right = right.T if expression.transpose_right else right
                columns = right.T.tolist() if right.ndim == 2 else [right.tolist()]
                products = [_weighted_sum(row, column) for row in left.tolist() for column in columns]
                return _objects(products).reshape(expression.shape)
            case RunSum():
                inner = np.broadcast_to(self.evaluate(expression.value), expression.value.shape)
                parts = np.split(inner, np.cumsum(expression.sizes)[:-1])
                return _objects([_weighted_sum([1.0] * len(part), part.tolist()) for part in parts])
            case Spread():
                return np.repeat(self.evaluate(expression.value), expression.sizes)
            case Variadic():
                rows = self.evaluate(expression.value)
                return _objects([expression.op(row) for row in rows.tolist()])
        raise TypeError(f"no evaluation for {type(expression).__name__}")

    def _plus(self, expression: Plus) -> Array:
        """Return a sum with what is subtracted written so, last: 1 − σ(z) is known to the engine in that form."""
        added = [term for term in expression.terms if _subtracted(term) is None]
        first, *rest = [self.evaluate(term) for term in added] or [_objects([0.0]).reshape(())]
        result: Any = first
        for value in rest:
            result = result + value
        for term in expression.terms:
            minus = _subtracted(term)
            if minus is not None:
                result = result - self.evaluate(minus)
        return np.asarray(result, dtype=object)


def _weighted_sum(weights: Sequence[Any], values: Sequence[Any]) -> Any:
    """Return Σ weight · value; a number beyond floats may come back from single products and sums only."""
    if beyond.isdisjoint(each for each in (*weights, *values) if isinstance(each, Value)):
        return affine(weights, values)
    return sum(map(operator.mul, weights, values), 0.0)


def _subtracted(term: Expression) -> Expression | None:
    if isinstance(term, Apply) and term.op is ops.neg:
        return term.args[0]
    if isinstance(term, Apply) and term.op is ops.mul:
        for factor, other in (term.args, term.args[::-1]):
            if isinstance(factor, Number) and factor.value == -1.0:
                return other
    return None


def _each(op: Op, arrays: Sequence[Array]) -> Array:
    operate: Callable[..., Any] = op
    results = [operate(*args) for args in zip(*(array.ravel().tolist() for array in arrays), strict=True)]
    return _objects(results).reshape(arrays[0].shape)


def _objects(members: Sequence[Any]) -> Array:
    array = np.empty(len(members), dtype=object)
    array[:] = members
    return array


def _members(array: Array, index: Array | None) -> Array:
    """Return members by their number in C order, with zeros for −1."""
    if index is None:
        return array
    taken: Array = array.reshape(-1)[index]
    return np.where(index < 0, 0.0, taken) if (index < 0).any() else taken
