"""The statements that run, where other formulas are more accurate than those that read well.

What the program says, e^(z − lse z) and log(1 − σ(z)), is what a reader expects and what the equations print. Computed
so, the rounding of the logarithm enters every probability, and 1 − σ(z) is 0 from z = 37 on. Before statements are run,
or written as source, these two are replaced by what the engine computes too: shifted exponentials divided by their
sum, and softplus.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from ... import ops
from ...op import Op
from .adjoint import Reverse
from .block import Block
from .expression import Apply, BatchSum, Compare, Expression, MatMul, Number, Plus, Ref, RunSum, Spread, Take, Variadic
from .forward import Forward
from .statement import Statement

__all__ = ["Shares", "largest", "precise", "row_sum"]

largest: Op = Op(
    "largest",
    doc="the largest of a sequence",
    numpy="""def largest(rows):
    return rows.max(axis=1)""",
    forward=lambda *x: max(x),
    partials=lambda out, *x: [1.0 * (value >= out) for value in x],
)

row_sum: Op = Op(
    "row_sum",
    doc="the sum of a sequence",
    numpy="""def row_sum(rows):
    return rows.sum(axis=1)""",
    forward=ops.total.forward,
    partials=ops.total.partials,
)


class Shares:
    """What the exponentials of a logsumexp are divided by.

    Attributes:
        largest: The block of the largest arguments.
        terms: That of the exponentials of the arguments less the largest one, in rows.
        sums: That of their sums.
    """

    def __init__(self, block: Block, rows: Expression) -> None:
        self.rows = rows
        self.largest = Block(f"{block.name}_largest", block.shape, block.batched)
        self.terms = Block(f"{block.name}_terms", rows.shape, rows.batched)
        self.sums = Block(f"{block.name}_sum", block.shape, block.batched)

    def statements(self, origin: str) -> list[Statement]:
        """Return the statements that compute the three blocks."""
        column = np.arange(self.largest.size)[:, None]
        terms = Apply(ops.exp, (Apply(ops.sub, (self.rows, Take(Ref(self.largest), column))),))
        return [
            Statement(self.largest, Variadic(self.rows, largest), origin=origin),
            Statement(self.terms, terms, origin=origin),
            Statement(self.sums, Variadic(Ref(self.terms), row_sum), origin=origin),
        ]

    def share(self, value: Expression, members: Any) -> Expression:
        """Return e^(value − lse): the terms themselves where `value` is the arguments, over the sums."""
        above = (
            Ref(self.terms) if value is self.rows else Apply(ops.exp, (Apply(ops.sub, (value, members(self.largest))),))
        )
        return Apply(ops.div, (above, members(self.sums)))


def precise(forward: Forward, reverse: Reverse) -> tuple[Forward, Reverse, dict[Block, Shares]]:
    """Return both programs with the accurate formulas, and what was added for each block of a logsumexp."""
    rewriting = _Rewriting(forward.statements)
    forwards = [replace(s, value=rewriting.rewritten(s.value)) for s in forward.statements]
    backwards = [replace(s, value=rewriting.rewritten(s.value)) for s in reverse.statements]
    forwards = [each for s in forwards for each in rewriting.added(s)]
    return replace(forward, statements=forwards), replace(reverse, statements=backwards), rewriting.shares


class _Rewriting:
    def __init__(self, statements: Iterable[Statement]) -> None:
        self.made = {statement.target: statement.value for statement in statements}
        self.shares: dict[Block, Shares] = {}
        self.softplus: dict[Block, Block] = {}

    def added(self, statement: Statement) -> list[Statement]:
        """Return a statement with those that it needs or others need after it."""
        target, origin = statement.target, statement.origin
        before = self.shares[target].statements(origin) if target in self.shares else []
        after = []
        if target in self.softplus:
            z = self.made[target].parts[0]
            after = [Statement(self.softplus[target], Apply(ops.softplus, (z,)), origin=origin)]
        return [*before, statement, *after]

    def rewritten(self, value: Expression) -> Expression:
        """Return an expression with the accurate formulas in it; the same object if there is none."""
        if isinstance(value, Apply):
            better = None
            if value.op is ops.exp:
                better = self._share(value.args[0])
            elif value.op is ops.log:
                better = self._logarithm(value.args[0])
            if better is not None:
                return better
            return self._with_parts(value, "args")
        if isinstance(value, Plus):
            return self._with_parts(value, "terms")
        if isinstance(value, (MatMul, Compare)):
            left, right = self.rewritten(value.left), self.rewritten(value.right)
            same = left is value.left and right is value.right
            return value if same else replace(value, left=left, right=right)
        if isinstance(value, (RunSum, Spread, Take, BatchSum, Variadic)):
            inner = self.rewritten(value.value)
            return value if inner is value.value else replace(value, value=inner)
        return value

    def _with_parts(self, value: Apply | Plus, name: str) -> Expression:
        parts = tuple(map(self.rewritten, value.parts))
        same = all(new is old for new, old in zip(parts, value.parts, strict=True))
        return value if same else replace(value, **{name: parts})  # type: ignore[arg-type]  # args or terms

    def _resolved(self, value: Expression) -> Expression:
        """Return what a block, as a whole, was set to."""
        if isinstance(value, Ref) and value.index is None:
            return self.made.get(value.block, value)
        return value

    # --- e^(v − lse) -----------------------------------------------------------------------------

    def _share(self, exponent: Expression) -> Expression | None:
        exponent = self._resolved(exponent)
        if isinstance(exponent, Apply) and exponent.op is ops.sub:
            value, subtracted = exponent.args
        elif isinstance(exponent, Plus):
            negative = [k for k, term in enumerate(exponent.terms) if self._lse_of(_negated(term)) is not None]
            if len(negative) != 1 or len(exponent.terms) < 2:
                return None
            rest = [term for k, term in enumerate(exponent.terms) if k != negative[0]]
            value = rest[0] if len(rest) == 1 else Plus(tuple(rest))
            subtracted = _negated(exponent.terms[negative[0]]) or exponent
        else:
            return None
        block = self._lse_of(subtracted)
        if block is None:
            return None
        if block not in self.shares:
            self.shares[block] = Shares(block, self.made[block].parts[0])
        return self.shares[block].share(value, lambda other: _redirected(subtracted, other))

    def _lse_of(self, value: Expression | None) -> Block | None:
        """Return the block that members are taken of, if a logsumexp made it."""
        while isinstance(value, Take):
            value = value.value
        if not isinstance(value, Ref):
            return None
        made = self.made.get(value.block)
        return value.block if isinstance(made, Variadic) and made.op is ops.logsumexp else None

    # --- log σ(z) and log(1 − σ(z)) --------------------------------------------------------------

    def _logarithm(self, argument: Expression) -> Expression | None:
        a = self._sigmoid(argument)
        if a is not None:
            z, softplus = a
            return Apply(ops.sub, (z, softplus))
        argument = self._resolved(argument)
        if isinstance(argument, Apply) and argument.op is ops.where:
            condition, *branches = argument.args
            logs = [self._logarithm(branch) or _log_of_one(branch) for branch in branches]
            if None in logs or all(isinstance(log, Number) for log in logs):
                return None
            return Apply(ops.where, (condition, *logs))  # type: ignore[arg-type]  # none of them is None
        terms = argument.parts if isinstance(argument, Plus) else ()
        if isinstance(argument, Apply) and argument.op is ops.sub:
            terms = (argument.args[0], Apply(ops.neg, (argument.args[1],)))
        if len(terms) == 2:
            one, negative = sorted(terms, key=lambda term: not isinstance(term, Number))
            inner = _negated(negative)
            a = None if inner is None else self._sigmoid(inner)
            if isinstance(one, Number) and one.value == 1.0 and a is not None:
                return Apply(ops.neg, (a[1],))
        return None

    def _sigmoid(self, value: Expression) -> tuple[Expression, Expression] | None:
        """Return z and softplus(z), which is computed once, if an expression is members of a block σ(z)."""
        if not isinstance(value, Ref):
            return None
        made = self.made.get(value.block)
        if not isinstance(made, Apply) or made.op is not ops.sigmoid or made.args[0].shape != value.block.shape:
            return None
        block = self.softplus.get(value.block)
        if block is None:
            block = Block(f"{value.block.name}_softplus", value.block.shape, value.block.batched)
            self.softplus[value.block] = block
        z = made.args[0] if value.index is None else Take(made.args[0], value.index)
        return z, replace(value, block=block)


def _negated(term: Expression) -> Expression | None:
    """Return x for an expression −x."""
    if isinstance(term, Apply) and term.op is ops.neg:
        return term.args[0]
    if isinstance(term, Apply) and term.op is ops.mul:
        for factor, other in (term.args, term.args[::-1]):
            if isinstance(factor, Number) and factor.value == -1.0:
                return other
    return None


def _redirected(members: Expression, block: Block) -> Expression:
    """Return the same members of another block."""
    if isinstance(members, Take):
        return replace(members, value=_redirected(members.value, block))
    if not isinstance(members, Ref):
        raise TypeError(f"members of a block are needed, got {type(members).__name__}")
    return replace(members, block=block)


def _log_of_one(value: Expression) -> Expression | None:
    return Number(0.0) if isinstance(value, Number) and value.value == 1.0 else None
