"""Plain evaluation of statements, one at a time, with every domain and every result checked.

The fast code runs without looking; if NumPy signals or a result is not finite, the batch is run again here, to say
which statement went wrong at which example. The rows where one did are left to the engine, which may find that nothing
is wrong there: an undefined derivative may not be asked for, and what overflows may come to nothing further on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...op import DomainError, Op
from ..matrices.adjoint import Reverse
from ..matrices.block import Block
from ..matrices.expression import (
    RELATIONS,
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
from ..matrices.forward import Forward
from ..matrices.lifted import Lifted
from ..matrices.parameters import Parameters
from ..matrices.statement import Statement, refs_in
from ..record.tape import Guard, RecordingError
from .batch import Batch
from .by_engine import EngineRow
from .forward_code import WITH_GRADIENT, WITH_OUTPUTS, Kind

__all__ = ["CheckedRun", "check_guards", "checked_result", "outcomes"]

Array = np.ndarray[Any, Any]


def checked_result(derived: Lifted, flat: Array, gradient: Array, batch: Batch, kind: Kind, *, mean: bool) -> Any:
    """Return what the fast code would have, having found that nothing is wrong.

    Rows at which an array holds something that is not finite are left to the engine. Where this raises, the gradient is
    0, and not half of one.

    Raises:
        DomainError: If an operation or a needed derivative is undefined, or a result is not finite.
        RecordingError: If a comparison comes out differently from when the graph was recorded.
        ValueError: If a parameter is not finite.
    """
    gradient[:] = 0.0
    for each in derived.parameters.all:
        if not np.isfinite(each.view(flat)).all():
            raise ValueError(f"parameter {each.name!r} holds NaN or infinity")
    pending, doubtful = np.arange(batch.examples), dict[int, tuple[_DoubtError, int]]()
    parts: list[_Part] = []
    while len(pending):
        try:
            parts.append(_in_arrays(derived.running, flat, batch, pending, kind))
            break
        except _DoubtError as doubt:
            if derived.directional:
                raise DomainError(*doubt.args) from None  # the engine has no such row
            places = np.arange(len(pending)) if doubt.rows is None else doubt.rows
            doubtful.update({int(pending[k]): (doubt, int(k)) for k in places})
            pending = np.delete(pending, places)
    for row, (found, k) in doubtful.items():
        try:
            parts.append(_by_engine(derived, flat, batch, row, kind))
        except (ArithmeticError, ValueError) as error:
            raise DomainError(found.explained(k, str(error))) from None
    return _together(parts, gradient, batch.examples, kind, mean=mean)


@dataclass
class _Part:
    """What some rows of a batch give; the gradient is that of the sum of their losses."""

    rows: Array
    losses: Array
    outputs: dict[str, Array]
    gradient: Array | None = None


class _DoubtError(DomainError):
    """Some rows, or all, cannot be computed in arrays of floats.

    Attributes:
        rows: Which rows; None for all.
        text: Returns what is wrong in one of them.
        place: Returns in which statement, and at which row if that is known.
        in_reverse: Whether it came up in the reverse pass.
    """

    rows: Array | None = None
    text: Callable[[int], str]
    place: Callable[..., str]
    in_reverse = False

    def explained(self, row: int, by_engine: str) -> str:
        """Return the sentence for a row at which the engine raises too; only that knows derivatives by their nodes."""
        return (by_engine if self.in_reverse else self.text(row)) + self.place(row, known=self.in_reverse)


def _in_arrays(derived: Lifted, flat: Array, batch: Batch, rows: Array, kind: Kind) -> _Part:
    blocks = {derived.forward.inputs[name]: values[rows] for name, values in batch.named.items()}
    numbers = rows if batch.rows is None else batch.rows[rows]
    is_part = batch.rows is not None or len(rows) < batch.examples
    run = CheckedRun(derived.parameters, flat, blocks, len(rows), mean=False, rows=numbers, part=is_part)
    none = np.zeros(len(rows))
    if kind == "outputs":
        sides = [side for guard in derived.output_guards for side in guard.sides]
        run.forward(derived.forward, [*sides, *(each for row in derived.outputs.values() for each in row)])
        _check_guards(derived.output_guards, run)
        return _Part(rows, none, _outputs(derived, run, len(rows)))
    run.forward(derived.forward)
    _check_guards(derived.guards, run)
    losses = run.losses(derived.forward.roots[0])
    outputs = _outputs(derived, run, len(rows)) if kind in WITH_OUTPUTS else {}
    gradient = run.backward(derived.reverse, derived.parameters) if kind in WITH_GRADIENT else None
    return _Part(rows, losses, outputs, gradient)


def _outputs(derived: Lifted, run: CheckedRun, examples: int) -> dict[str, Array]:
    return {
        name: np.concatenate([np.broadcast_to(run.evaluate(each), (1, examples)).T for each in row], axis=1)
        for name, row in derived.outputs.items()
    }


def _by_engine(derived: Lifted, flat: Array, batch: Batch, row: int, kind: Kind) -> _Part:
    rows = np.array([row])
    numbers = rows if batch.rows is None else batch.rows[rows]
    guards = derived.output_guards if kind == "outputs" else derived.guards
    named = {name: each for name, each in derived.outputs.items() if kind in WITH_OUTPUTS}
    wanted = [each for members in named.values() for each in members]
    wanted += derived.forward.roots[:1] if kind != "outputs" else []
    inputs = {name: values[row] for name, values in batch.named.items()}
    run = EngineRow(derived, flat, inputs, [*wanted, *(side for guard in guards for side in guard.sides)])
    for guard in guards:
        left, right = (run.numbers(side) for side in guard.sides)
        _check_guard(guard, left[..., None], right[..., None], lambda _: int(numbers[0]))
    outputs = {name: np.array([[run.numbers(each).item() for each in row]]) for name, row in named.items()}
    if kind == "outputs":
        return _Part(rows, np.zeros(1), outputs)
    root = derived.forward.roots[0]
    gradient = run.gradient(root) if kind in WITH_GRADIENT else None
    return _Part(rows, run.numbers(root).reshape(1), outputs, gradient)


def _together(parts: Sequence[_Part], gradient: Array, examples: int, kind: Kind, *, mean: bool) -> Any:
    """Return the result for all rows; for "backward", leave the gradient in its place."""
    order = np.argsort(np.concatenate([part.rows for part in parts]))
    outputs = {name: np.concatenate([part.outputs[name] for part in parts])[order] for name in parts[0].outputs}
    if kind == "outputs":
        return outputs
    losses: Array = np.concatenate([part.losses for part in parts])[order]
    if kind == "losses":
        return losses
    try:
        total = math.fsum(losses / examples if mean else losses)
    except OverflowError:
        total = math.inf
    if not math.isfinite(total):
        raise DomainError(f"the {'mean' if mean else 'sum'} of the losses is not finite")
    if kind in WITH_GRADIENT:
        count = examples if mean else 1
        with np.errstate(all="ignore"):
            summed = sum(part.gradient / count for part in parts if part.gradient is not None)
        if not np.isfinite(summed).all():
            raise DomainError("the gradient is not finite")
        gradient[:] = summed
    return (total, outputs) if kind == "backward_with_outputs" else total


def outcomes(
    derived: Lifted, statements: Sequence[Statement], flat: Array, batch: Batch, guards: Sequence[Guard]
) -> list[Array]:
    """Return for each of some comparisons what it gives for every row, (N,); nothing is refused.

    After the first that comes out otherwise than it was recorded the function may go on to other operations than the
    recorded ones, so what is undefined there counts for nothing.

    Args:
        derived: The program that they stand in.
        statements: What they need of it.
        flat: The parameters.
        batch: The rows.
        guards: The comparisons.
    """
    run = _for_guards(derived, statements, flat, batch)
    found = []
    with np.errstate(all="ignore"):
        for guard in guards:
            left, right = (run.evaluate(side) for side in guard.sides)
            held = RELATIONS[guard.relation](left, right)
            found.append(np.broadcast_to(held.reshape(-1, held.shape[-1]).all(axis=0), (batch.examples,)))
    return found


def check_guards(derived: Lifted, flat: Array, batch: Batch, guards: Sequence[Guard]) -> None:
    """Raise the RecordingError for the first comparison that comes out differently for a row."""
    statements = derived.forward.needed(side for guard in guards for side in guard.sides)
    _check_guards(guards, _for_guards(derived, statements, flat, batch))


def _for_guards(derived: Lifted, statements: Sequence[Statement], flat: Array, batch: Batch) -> CheckedRun:
    blocks = {derived.forward.inputs[name]: rows for name, rows in batch.named.items()}
    run = CheckedRun(derived.parameters, flat, blocks, batch.examples, mean=True, rows=batch.rows)
    with np.errstate(all="ignore"):
        run.run(statements, checked=False)
    return run


def _check_guards(guards: Iterable[Guard], run: CheckedRun) -> None:
    for guard in guards:
        left, right = (run.evaluate(side) for side in guard.sides)
        _check_guard(guard, left, right, run.row_number)


def _check_guard(guard: Guard, left: Array, right: Array, row_number: Callable[[int], int]) -> None:
    wrong = RELATIONS[guard.relation](left, right) != guard.outcome
    if wrong.any():
        row = row_number(int(np.argwhere(wrong)[0][-1]))
        raise RecordingError(
            f"the comparison in {guard.place} gave {guard.outcome} when the graph was recorded and gives "
            f"{not guard.outcome} at row {row} of the batch: the recorded graph does not hold there. "
            "Use autograd.where, maximum or abs to select within the graph, or compile the function"
        )


class CheckedRun:
    """The values of all blocks for one batch.

    Every array has the members' shape and one more axis for the examples, of length N or, if not batched, 1.

    Attributes:
        values: The array of each block.
    """

    def __init__(
        self,
        parameters: Parameters,
        flat: Array,
        inputs: Mapping[Block, Array],
        examples: int,
        *,
        mean: bool,
        rows: Array | None = None,
        part: bool = False,
    ) -> None:
        self.examples = examples
        self._rows, self._part = rows, part
        self.mean = mean
        self.values: dict[Block, Array] = {parameters.flat: flat.reshape(-1, 1)}
        for parameter in parameters.all:
            self.values[parameter.block] = flat[parameter.positions].reshape(*parameter.block.shape, 1)
        for block, rows in inputs.items():
            self.values[block] = rows.T
        self._statement: Statement | None = None

    def forward(self, program: Forward, roots: Sequence[Expression] | None = None) -> None:
        """Run the forward program, or the part of it that some roots need.

        Raises:
            DomainError: If an operation is undefined at its operands, or a result is not finite.
        """
        self.run(program.statements if roots is None else program.needed(roots))

    def run(self, statements: Iterable[Statement], *, checked: bool = True) -> None:
        """Run forward statements; without checks a result may be anything where an operation is undefined.

        Raises:
            DomainError: If an operation is undefined at its operands, or a result is not finite.
        """
        for statement in statements:
            self._statement = statement
            with np.errstate(all="ignore"):
                value = self.evaluate(statement.value, checked=checked)
            if checked:
                self.check_finite(value)
            self.values[statement.target] = value.reshape(*statement.target.shape, -1)

    def backward(self, program: Reverse, parameters: Parameters) -> Array:
        """Run the reverse program after the forward one and return the gradient, in the order of `flat`.

        Raises:
            DomainError: If a derivative is needed where it is undefined, or an adjoint is not finite.
        """
        for statement in program.statements:
            self._statement = statement
            with np.errstate(all="ignore"):
                self._set(statement, self.evaluate(statement.value))
            self.check_finite(self.values[statement.target])
        gradient = np.zeros(parameters.flat.size)
        if parameters.flat in program.adjoints:
            gradient += self.values[program.adjoints[parameters.flat]].ravel()
        for parameter in parameters.all:
            if parameter.block in program.adjoints:
                gradient[parameter.positions] += self.values[program.adjoints[parameter.block]][..., 0]
        return gradient

    def losses(self, root: Expression) -> Array:
        """Return the loss of each example."""
        value: Array = np.broadcast_to(self.evaluate(root), (1, self.examples))[0]
        return value.copy()

    def _set(self, statement: Statement, value: Array) -> None:
        target = statement.target
        length = self.examples if target.batched else 1
        if target not in self.values or (not statement.add and statement.index is None):
            self.values[target] = np.zeros((*target.shape, length))
        array = self.values[target].reshape(target.size, length)
        if statement.index is None:
            value = np.broadcast_to(value.reshape(-1, value.shape[-1]), (target.size, length))
            array[:] = array + value if statement.add else value
            return
        index = statement.index.ravel()
        value = np.broadcast_to(value.reshape(-1, value.shape[-1]), (len(index), length))
        if statement.add:
            np.add.at(array, index, value)
        else:
            array[index] = value

    # --- expressions -----------------------------------------------------------------------------

    def evaluate(self, expression: Expression, *, checked: bool = False) -> Array:
        """Return an expression's value, with the examples as last axis.

        Raises:
            TypeError: If it is of an unknown kind.
        """
        match expression:
            case Number():
                return np.full((*expression.shape, 1), expression.value)
            case Constant():
                return expression.values[..., None]
            case Seed():
                return self._seed(expression)
            case Ref():
                return _members(self.values[expression.block], expression.block.shape, expression.index)
            case Take():
                return _members(self.evaluate(expression.value), expression.value.shape, expression.index)
            case Plus():
                return sum(self.evaluate(term, checked=checked) for term in expression.terms)  # type: ignore[return-value]  # there are terms
            case Compare():
                relation = RELATIONS[expression.relation]
                return relation(self.evaluate(expression.left), self.evaluate(expression.right)) * 1.0  # type: ignore[no-any-return]  # an array
            case Apply():
                return self._apply(expression, checked)
            case MatMul():
                return self._product(expression)
            case RunSum() | Spread():
                value = self.evaluate(expression.value, checked=checked)
                if isinstance(expression, Spread):
                    return np.repeat(value, expression.sizes, axis=0)
                starts = np.concatenate([[0], np.cumsum(expression.sizes)[:-1]]).astype(np.intp)
                value = np.broadcast_to(value, (*expression.value.shape, value.shape[-1]))
                return np.add.reduceat(value, starts, axis=0)
            case BatchSum():
                value = self.evaluate(expression.value)
                return np.broadcast_to(value, (*value.shape[:-1], self.examples)).sum(axis=-1, keepdims=True)  # type: ignore[no-any-return]  # an array
            case Variadic():
                rows = self.evaluate(expression.value, checked=checked)
                return self._call(expression.op, [rows[:, k] for k in range(rows.shape[1])], checked)
        raise TypeError(f"no evaluation for {type(expression).__name__}")

    def _seed(self, seed: Seed) -> Array:
        if seed.batched:
            return np.full((*seed.shape, self.examples), 1.0 / self.examples if self.mean else 1.0)
        return np.full((*seed.shape, 1), 1.0 if self.mean else float(self.examples))

    def _apply(self, expression: Apply, checked: bool) -> Array:
        rank = len(expression.shape)
        args = []
        for arg in expression.args:
            value = self.evaluate(arg, checked=checked)
            missing = rank + 1 - value.ndim
            args.append(value.reshape(*[1] * missing, *value.shape))
        return self._call(expression.op, args, checked)

    def _call(self, op: Op, args: list[Array], checked: bool) -> Array:
        if checked:
            defined = np.asarray(op.domain.holds(*args))
            if not defined.all():
                raise self._error(f"{op.name} needs {op.domain.requirement}", ~defined, args, op)
        function = op.array or np.vectorize(op.forward, otypes=[float])
        if op.array is None and checked is False:
            function = np.vectorize(op.anywhere, otypes=[float])
        value = np.asarray(function(*args), dtype=float)
        if checked and not np.isfinite(value).all():
            raise self._error(f"{op.name} has no finite result (overflow)", ~np.isfinite(value), args, op)
        return value

    def _product(self, expression: MatMul) -> Array:
        left, right = self.evaluate(expression.left), self.evaluate(expression.right)
        length = max(left.shape[-1], right.shape[-1])
        sides = [np.broadcast_to(side, (*side.shape[:-1], length)) for side in (left, right)]
        value = np.einsum(expression.subscripts(), *sides)
        return value[..., None] if expression.sum_batch else value  # type: ignore[no-any-return]  # an array

    # --- errors ----------------------------------------------------------------------------------

    def row_number(self, row: int) -> int:
        """Return the number of a row in the batch that this is a part of."""
        return row if self._rows is None else int(self._rows[row])

    def check_finite(self, value: Array) -> None:
        """Raise the error for a result that is not finite."""
        if not np.isfinite(value).all():
            raise self._error("the result is not finite", ~np.isfinite(value), [], None)

    def _error(self, what: str, wrong: Array, args: list[Array], op: Op | None) -> DomainError:
        statement = self._statement
        wrong = np.atleast_1d(wrong)
        by_row = wrong.shape[-1] == self.examples and (self._part or self.examples > 1 or _is_by_row(statement))
        name = statement.target.name if statement else "the program"
        origin = f" ({statement.origin})" if statement and statement.origin else ""

        def text(row: int) -> str:
            index = (*np.argwhere(wrong[..., row])[0], row) if by_row else tuple(np.argwhere(wrong)[0])
            if op is not None:
                return f"{what}, got {op.describe([float(np.broadcast_to(arg, wrong.shape)[index]) for arg in args])}"
            return what + (self._operands(statement, row if by_row else 0) if statement is not None else "")

        def place(row: int, *, known: bool = False) -> str:
            return f" in {name}{origin}" + (f" at row {self.row_number(row)} of the batch" if by_row or known else "")

        rows = np.flatnonzero(wrong.reshape(-1, self.examples).any(axis=0)) if by_row else None
        first = 0 if rows is None else int(rows[0])
        error = _DoubtError(text(first) + place(first))
        error.rows, error.text, error.place = rows, text, place
        error.in_reverse = statement is not None and statement.target.of is not None
        return error

    def _operands(self, statement: Statement, row: int) -> str:
        """Return what a sum or a product is made of, each with the size of its largest member for an example."""
        found = []
        for block in dict.fromkeys(ref.block for ref in refs_in(statement.value)):
            array = self.values.get(block)
            if array is not None:
                largest = np.abs(array[..., row if array.shape[-1] > 1 else 0]).max(initial=0.0)
                found.append(f"{block.name} (up to {largest:.4g} in size)")
        return f", computed from {' and '.join(found)}," if found else ""


def _is_by_row(statement: Statement | None) -> bool:
    return statement is not None and statement.target.batched


def _members(array: Array, shape: tuple[int, ...], index: Array | None) -> Array:
    """Return members of an array by their number in C order, with zeros for −1."""
    if index is None:
        return array
    size = int(np.prod(shape))
    if array.shape[:-1] != shape:
        array = np.broadcast_to(array, (*shape, array.shape[-1]))
    taken: Array = array.reshape(size, -1)[index]
    if (index < 0).any():
        taken = np.where((index < 0)[..., None], 0.0, taken)
    return taken
