"""Functions that run a program on a batch of one size: the forward part, and the reverse part into the gradient."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from types import CodeType
from typing import Any

import numpy as np

from ..matrices.block import Block
from ..matrices.expression import BatchSum, Expression, MatMul, Number, Plus, Ref
from ..matrices.lifted import Lifted
from ..matrices.statement import Statement, walked
from ..matrices.strided import strided
from .forward_code import MANY, WITH_GRADIENT, ForwardCode, Kind

__all__ = ["Kind", "runner"]

Array = np.ndarray[Any, Any]


def runner(
    derived: Lifted, flat: Array, gradient: Array, examples: int, kind: Kind, *, mean: bool
) -> tuple[Callable[..., Any], str]:
    """Return the function for a batch of `examples` rows, and its code.

    It takes a dict from the inputs' names to arrays (examples, length). It returns the loss ("backward", "value"), the
    loss of each example ("losses"), the named outputs, or the loss and these ("backward_with_outputs"); both that go
    backward leave the gradient in `gradient`. It raises FloatingPointError where anything is in doubt, AttributeError
    or KeyError where the arrays do not fit.
    """
    return _RunCode(derived.running, flat, gradient, examples, kind, mean=mean).function()


class _RunCode(ForwardCode):
    def function(self) -> tuple[Callable[..., Any], str]:
        """Write all lines and return the function."""
        with np.errstate(all="ignore"):
            self._check_arguments()
            self._take_inputs()
            for statement in self.forward:
                self._forward(statement)
            self._guards()
            result = self._result()
            self._reverse()
        code = self.code
        text = "\n    ".join(["def run(batch):", *code.lines, f"return {result}"]) + "\n"
        namespace = dict(code.names)
        exec(_bytecode(text), namespace)
        return np.errstate(divide="raise", over="raise", invalid="raise")(namespace["run"]), text

    # --- reverse ---------------------------------------------------------------------------------

    def _reverse(self) -> None:
        if self.kind not in WITH_GRADIENT:
            return
        code = self.code
        parameters = self.derived.parameters
        adjoints = self.derived.reverse.adjoints
        positions = {each.block: each.positions for each in parameters.all}
        rows = self.gradient.reshape(-1, 1)
        for block in self.derived.reverse.untouched:
            code.call(np.copyto, code.view(rows, positions[block]), 0.0)
        for block, adjoint in adjoints.items():
            if block is parameters.flat:
                code.arrays[adjoint] = rows
            elif block in positions:
                code.arrays[adjoint] = code.view(rows, positions[block])
        merged = _merged(self.backward)
        written = Counter(statement.target for statement in merged)
        skip: set[int] = set()
        for statement in merged:
            if id(statement) in skip:
                continue
            if statement.target.of is parameters.flat and isinstance(statement.value, Number):
                continue  # its other contributions are added to what the arrays have received
            bias = self._folded_gradient(statement)
            if bias is not None:
                skip.add(id(bias))
                continue
            self._set(statement, alone=written[statement.target] == 1)
        self._doubt_gradient()

    def _doubt_gradient(self) -> None:
        """Doubt a gradient that may not be finite: its numbers, or, if they are many, those it is a product of."""
        code = self.code
        if self.gradient.size <= MANY:
            code.doubt_large(self.gradient)
            return
        for statement in self.backward:
            for side in _multiplied(statement.value):
                if not self._is_bounded(side):
                    block = statement.target
                    if isinstance(side, Ref) and not side.block.holds_parameters:
                        block = side.block
                    if block not in self.bounded:
                        self.bounded.add(block)
                        code.doubt_large(code.arrays[block])

    def _folded_gradient(self, statement: Statement) -> Statement | None:
        """Write the gradient of a matrix and its bias as one product, and return the bias's statement."""
        code, value, matrix = self.code, statement.value, statement.target.of
        if matrix is None or statement.add or statement.index is not None:
            return None
        if not isinstance(value, MatMul) or not value.sum_batch:
            return None
        for fold in self.folds:
            bias = fold.bias_gradient(matrix, value, self.backward, code)
            if bias is not None:
                out = code.view(self.gradient.reshape(-1, 1), fold.index)
                code.multiply(value, code.value(value.left), self.extended[fold.inputs], out)
                return bias
        return None

    def _set(self, statement: Statement, *, alone: bool) -> None:
        code = self.code
        target = statement.target
        if target not in code.arrays:
            code.allocate(target)
        out = code.arrays[target]
        if statement.add or target.of is self.derived.parameters.flat:  # to what the named arrays have received
            self._add(statement, out)
            return
        if statement.index is None:
            value = code.value(statement.value, out)
            if value is out:
                return
            usable = isinstance(value, np.ndarray) and value.shape == out.shape and value.dtype == float
            if alone and usable and not (target.of and target.of.holds_parameters):
                code.arrays[target] = code.keep(code.solid(value))
                return
            code.call(np.copyto, out, value)
            code.release(value)
            return
        value = code.value(statement.value)
        place = self._writable(out, statement.index)
        if place is not None:
            code.call(np.copyto, place, value)
        else:
            flat, index = self._scattered(target, out, statement.index)
            code.lines.append(f"{code.name(flat)}[{code.name(index)}] = {code.name(value)}")
        code.release(value)

    def _writable(self, out: Array, index: Array) -> Array | None:
        """Return a view of the rows `index` of a block, if there is one in which no row occurs twice."""
        regular = strided(index)
        flat = out.reshape(-1, out.shape[-1])
        if regular is None or not np.shares_memory(flat, out) or len(np.unique(index)) != index.size:
            return None
        return regular.view(flat)

    def _add(self, statement: Statement, out: Array) -> None:
        code = self.code
        value = code.value(statement.value)
        if statement.index is None:
            code.call(np.add, out, value, out)
            code.release(value)
            return
        index, regular = statement.index, strided(statement.index)
        if isinstance(value, np.ndarray) and regular is not None and regular.repeated:
            value = self._summed(value, index.shape, regular.repeated)
            index = index[regular.distinct]
        place = self._writable(out, index)
        if place is not None:
            code.call(np.add, place, value, place)
        else:
            flat, index = self._scattered(statement.target, out, index)
            code.names["add_at"] = np.add.at
            code.lines.append(f"add_at({code.name(flat)}, {code.name(index)}, {code.name(value)})")
        code.release(value)

    def _scattered(self, target: Block, out: Array, index: Array) -> tuple[Array, Array]:
        """Return an array of rows and the places in it that `index` means; the gradient for a block that has gaps."""
        flat = out.reshape(-1, out.shape[-1])
        if np.shares_memory(flat, out):
            return flat, index
        places = self.code.flat_index(Ref(target.of, index))  # type: ignore[arg-type]  # an adjoint is of a block
        return self.gradient.reshape(-1, 1), index if places is None else places

    def _summed(self, value: Array, members: tuple[int, ...], axes: tuple[int, ...]) -> Array:
        """Return the value for members of some shape, summed over axes along which the same member is meant."""
        code = self.code
        whole = np.broadcast_to(code.solid(value), (*members, value.shape[-1]))
        shape = tuple(n for k, n in enumerate(whole.shape) if k not in axes)
        target = code.temporary(shape)
        code.reduce(np.add, whole, axes, target)
        code.release(value)
        return target


@lru_cache(maxsize=128)
def _bytecode(text: str) -> CodeType:
    """Return a text compiled; programs of other batch sizes mostly have the same text."""
    return compile(text, "<program>", "exec")


def _multiplied(value: Expression) -> Iterator[Expression]:
    """Yield both sides of every matrix product in an expression, and what is summed by a product with ones."""
    for each in walked(value):
        if isinstance(each, MatMul):
            yield from each.parts
        elif isinstance(each, BatchSum) and isinstance(each.value, Ref):
            yield each.value


def _merged(statements: Iterable[Statement]) -> list[Statement]:
    """Return the statements with those put together that add up to one adjoint, except of parameters."""
    found: list[Statement] = []
    for statement in statements:
        last = found[-1] if found else None
        of = statement.target.of
        if (
            last is not None
            and last.target is statement.target
            and statement.add
            and last.index is None is statement.index
            and of is not None
            and not of.holds_parameters
        ):
            terms = last.value.terms if isinstance(last.value, Plus) else (last.value,)
            found[-1] = Statement(last.target, Plus((*terms, statement.value)), add=last.add)
        else:
            found.append(statement)
    return found
