"""The reverse program, derived from the forward one statement by statement.

The adjoint of a block is ∂(the batch's loss)/∂(its members). Statements are taken newest first; each hands the adjoint
of its target on to the blocks it was computed from. For an operation of the table the formula comes from pushing the
statement's own expressions through the operation's rules for partial derivatives. What is not batched receives the sum
over the examples, once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ... import ops
from ...op import Op
from .block import Block
from .expression import (
    Apply,
    BatchSum,
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
    elementwise,
)
from .forward import Forward
from .parameters import Parameters
from .statement import Statement, blocks_in
from .strided import is_everything, is_injective

__all__ = ["Reverse", "reverse_program"]


@dataclass(eq=False)
class Reverse:
    """The reverse program.

    Attributes:
        statements: In the order they run.
        adjoints: For each block that has one, the block of its adjoint: δ for weighted inputs.
        untouched: The parameters' blocks whose derivative is zero because nothing reaches them.
    """

    statements: list[Statement] = field(default_factory=list)
    adjoints: dict[Block, Block] = field(default_factory=dict)
    untouched: list[Block] = field(default_factory=list)


def reverse_program(forward: Forward, parameters: Parameters) -> Reverse:
    """Return the statements that compute ∂(the batch's loss)/∂(each parameter) after the forward program has run."""
    return _ReversePass(forward, parameters).reverse


class _ReversePass:
    def __init__(self, forward: Forward, parameters: Parameters) -> None:
        self.reverse = Reverse()
        self.contributions: dict[Block, list[tuple[Any, Expression]]] = {}
        self.needed = _reaching(forward, parameters)
        root = forward.roots[0]
        if isinstance(root, Ref) and root.block in self.needed:
            self._arrive(root.block, root.index, Seed(batched=root.batched))
        for statement in reversed(forward.statements):
            if statement.target in self.needed and statement.target in self.contributions:
                adjoint = self._set_adjoint(statement.target)
                own = Ref(statement.target)
                self._push(statement.value, adjoint, own)
        for parameter in parameters.all:
            if parameter.block in self.contributions:
                self._set_adjoint(parameter.block)
            else:
                self.reverse.untouched.append(parameter.block)
        if parameters.flat in self.contributions:
            self._set_adjoint(parameters.flat)

    # --- collecting ------------------------------------------------------------------------------

    def _arrive(self, block: Block, index: Any, value: Expression) -> None:
        if block in self.needed:
            self.contributions.setdefault(block, []).append((index, value))

    def _set_adjoint(self, block: Block) -> Expression:
        """Write the statements that set a block's adjoint, and return a reference to it."""
        contributions = self.contributions.pop(block)
        adjoint = Block(_adjoint_name(block), block.shape, block.batched, "adjoint", block.layer, of=block)
        self.reverse.adjoints[block] = adjoint
        contributions.sort(key=lambda each: (not _covers(each[0], block.size), not isinstance(each[1], MatMul)))
        first_index, first = contributions[0]
        uniform = len(contributions) == 1 and first_index is None and isinstance(first, (Seed, Number))
        if uniform and block.role in ("value", "a", "loss"):
            return first if first.shape == block.shape else Take(first, np.zeros(block.shape, dtype=np.intp))
        add = self.reverse.statements.append
        if not _covers(first_index, block.size):
            add(Statement(adjoint, Number(0.0)))
        for k, (index, value) in enumerate(contributions):
            value = _shaped(value, block, index)
            if value.batched and not block.batched:
                value = _summed(value)
            whole = k == 0 and _covers(index, block.size)
            add(Statement(adjoint, value, index, add=not whole))
        return Ref(adjoint)

    # --- handing on ------------------------------------------------------------------------------

    def _push(self, value: Expression, upstream: Expression, out: Expression) -> None:
        """Hand `upstream`, the adjoint of `value`, on to the blocks in it; `out` is what `value` evaluates to."""
        if upstream.batched and not value.batched:
            upstream = _summed(upstream)
        match value:
            case Ref():
                self._refer(value, upstream)
            case Plus():
                for term in value.terms:
                    self._push(term, upstream, term)
            case Apply():
                self._push_elementwise(value, upstream, out)
            case MatMul():
                self._push_product(value, upstream)
            case RunSum():
                self._push(value.value, Spread(upstream, value.sizes), value.value)
            case Take():
                self._push(value.value, _untaken(upstream, value), value.value)
            case Variadic():
                self._push_rows(value, upstream, out)

    def _push_elementwise(self, value: Apply, upstream: Expression, out: Expression) -> None:
        args = _rule_args(value.args)
        if value.op is ops.mul and args[0] is args[1]:
            self._pass(value.args[0], upstream, 2.0 * args[0])
            return
        for k, arg in enumerate(value.args):
            if self._is_needed(arg):
                self._pass(arg, upstream, value.op.local(k, out, args))

    def _pass(self, arg: Expression, upstream: Expression, local: Any) -> None:
        if isinstance(local, Number):
            local = local.value
        if isinstance(local, (int, float)) and local == 0.0:
            return
        self._push(arg, upstream * local, arg)

    def _refer(self, value: Ref, upstream: Expression) -> None:
        index = value.index
        if index is not None and (index < 0).any():
            present = np.flatnonzero(index.ravel() >= 0)
            if len(present) == 0:
                return
            upstream = Take(_broadcast(upstream, index.shape), present)
            index = index.ravel()[present]
        if index is not None and is_everything(index, value.block.size):
            upstream = _broadcast(_broadcast(upstream, index.shape), value.block.shape)
            index = None
        self._arrive(value.block, index, upstream)

    def _push_product(self, value: MatMul, upstream: Expression) -> None:
        left, right = value.left, value.right
        upstream = _broadcast(upstream, value.shape)
        if self._is_needed(left):
            sum_batch = right.batched and not left.batched
            self._push(left, MatMul(upstream, right, transpose_right=True, sum_batch=sum_batch), left)
        if self._is_needed(right):
            self._push(right, MatMul(left, upstream, transpose_left=True), right)

    def _push_rows(self, value: Variadic, upstream: Expression, out: Expression) -> None:
        rows = value.value
        if not self._is_needed(rows):
            return
        count, width = rows.shape
        column = np.arange(count)[:, None]
        out, upstream = Take(out, column), Take(upstream, column)
        if value.op is ops.logsumexp or _symmetric(value.op):  # whose rule divides numbers by their sum
            self._pass(rows, upstream, value.op.locals(out, (rows,))[0])
            return
        args = [Take(rows, np.arange(count)[:, None] * width + k) for k in range(width)]
        for arg, local in zip(args, value.op.locals(out, args), strict=True):
            self._pass(arg, upstream, local)

    def _is_needed(self, value: Expression) -> bool:
        return not self.needed.isdisjoint(blocks_in(value))


def _reaching(forward: Forward, parameters: Parameters) -> set[Block]:
    """Return the blocks that depend on a parameter."""
    found = {parameter.block for parameter in parameters.all} | {parameters.flat}
    for statement in forward.statements:
        if not found.isdisjoint(blocks_in(statement.value)):
            found.add(statement.target)
    return found


def _adjoint_name(block: Block) -> str:
    if block.role == "z":
        return f"delta{block.layer}"
    return f"d{block.name}"


def _rule_args(args: Sequence[Expression]) -> list[Any]:
    """Return an operation's arguments as its rules expect them: numbers as floats."""
    return [arg.value if isinstance(arg, Number) else arg for arg in args]


def _covers(index: Any, size: int) -> bool:
    """Whether every member is written exactly once."""
    if index is None:
        return True
    return index.size == size and len(np.unique(index)) == size


def _broadcast(value: Expression, shape: tuple[int, ...]) -> Expression:
    if value.shape == shape:
        return value
    if int(np.prod(value.shape)) == int(np.prod(shape)):
        return Take(value, np.arange(int(np.prod(shape))).reshape(shape))
    return Take(value, np.broadcast_to(np.arange(int(np.prod(value.shape))).reshape(value.shape), shape))


def _shaped(value: Expression, block: Block, index: Any) -> Expression:
    return _broadcast(value, block.shape if index is None else index.shape)


def _summed(value: Expression) -> Expression:
    """Return the sum over the examples, taken as early as possible."""
    match value:
        case Seed():
            return Seed(value.shape, batched=False)
        case Spread():
            return Spread(_summed(value.value), value.sizes)
        case Take():
            return Take(_summed(value.value), value.index)
        case Apply() if value.op is ops.mul and sum(arg.batched for arg in value.args) == 1:
            return elementwise(ops.mul, *(_summed(arg) if arg.batched else arg for arg in value.args))
    return BatchSum(value)


def _untaken(upstream: Expression, value: Take) -> Expression:
    """Return the adjoint of what `value` takes members of."""
    shape = value.value.shape
    size = int(np.prod(shape))
    back = np.full(size, -1, dtype=np.intp)
    taken = value.index.ravel()
    present = np.flatnonzero(taken >= 0)
    if not is_injective(taken[present]):
        raise NotImplementedError("members that are taken twice")
    back[taken[present]] = present
    return Take(_broadcast(upstream, value.index.shape), back.reshape(shape))


def _symmetric(op: Op) -> bool:
    """Whether the partial derivative in each argument depends on that argument and the result alone.

    Then the rule can be given a whole array of arguments as one. It is found out by trying the operation's samples.
    """
    for sample in op.samples:
        if len(sample) < 2:
            continue
        out = op.evaluate(sample)
        together = op.locals(out, sample)
        for k, x in enumerate(sample):
            try:
                alone = op.locals(out, (x,))
            except (ArithmeticError, ValueError, IndexError, TypeError):
                return False
            if len(alone) != 1 or alone[0] != together[k]:
                return False
    return any(len(sample) >= 2 for sample in op.samples)
