"""Derivatives of a program in a direction: Pearlmutter's operator R, applied to its statements.

R{v} is d/dε of v at parameters w + ε d, at ε = 0, for a direction d. It is a derivation: of each statement it makes
another one, by the rules of the table for partial derivatives. Applied to the forward program it gives the derivative
of every block in the direction; applied to the reverse program too, it gives R{∂C/∂w} = H d, the product of the Hessian
with the direction, for about as much work again as the gradient.

What a block's R{·} is has a block of its own, `tangent`. Blocks that no parameter reaches have none: theirs is zero.

Source: B. A. Pearlmutter, "Fast Exact Multiplication by the Hessian", Neural Computation 6 (1994), section 3.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ... import ops
from .adjoint import Reverse, _broadcast, _rule_args, _symmetric
from .block import Block
from .expression import (
    Apply,
    BatchSum,
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
    elementwise,
)
from .forward import Forward
from .lifted import Lifted
from .parameters import Parameter, Parameters
from .statement import Statement

__all__ = ["curvature", "pushforward"]


def curvature(derived: Lifted) -> Lifted:
    """Return the program whose gradient is H d; its `flat` holds the parameters and behind them the direction d."""
    return _Derivation(derived).curvature()


def pushforward(derived: Lifted) -> Lifted:
    """Return the program whose outputs are R{·} of the outputs; its `flat` is that of `curvature`."""
    return _Derivation(derived).pushforward()


class _Derivation:
    def __init__(self, derived: Lifted) -> None:
        self.derived = derived
        self.tangents: dict[Block, Block] = {}
        self.parameters = self._doubled(derived.parameters)
        self.forward = self._forward(derived.forward)

    def curvature(self) -> Lifted:
        """Return the program whose gradient is H d."""
        reverse = self._reverse(self.derived.reverse)
        return replace(
            self.derived,
            parameters=self.parameters,
            forward=self.forward,
            reverse=reverse,
            outputs={},
            directional=True,
        )

    def pushforward(self) -> Lifted:
        """Return the program whose outputs are R{·} of the outputs."""
        outputs = {
            name: [self._of(each) or Constant(np.zeros(1)) for each in row]
            for name, row in self.derived.outputs.items()
        }
        return replace(
            self.derived,
            parameters=self.parameters,
            forward=self.forward,
            reverse=Reverse(),
            outputs=outputs,
            directional=True,
        )

    def _tangent(self, block: Block, of: Block | None = None) -> Block:
        found = Block(f"R{block.name}", block.shape, block.batched, "adjoint" if of else "value", block.layer, of=of)
        self.tangents[block] = found
        return found

    # --- programs --------------------------------------------------------------------------------

    def _doubled(self, given: Parameters) -> Parameters:
        """Return the parameters and behind them the entries of a direction, as if they were parameters too."""
        count = given.flat.size
        found: Parameters = object.__new__(Parameters)
        vars(found).update(vars(given))
        directions = []
        for each in (*given.all, Parameter("flat", np.arange(count), (count,), given.flat, np.arange(count))):
            block = Block(f"R{each.name}", each.block.shape, batched=False, role="parameter")
            self.tangents[each.block] = block
            directions.append(Parameter(block.name, each.leaves, each.shape, block, each.positions + count))
        found.all = [*given.all, *directions]
        return found

    def _forward(self, given: Forward) -> Forward:
        statements = []
        for statement in given.statements:
            statements.append(statement)
            value = self._of(statement.value, Ref(statement.target))
            if value is not None:
                target = self._tangent(statement.target)
                statements.append(Statement(target, _broadcast(value, target.shape), origin=statement.origin))
        return replace(given, statements=statements)

    def _reverse(self, given: Reverse) -> Reverse:
        found = Reverse(untouched=list(given.untouched))
        for target, group in itertools.groupby(given.statements, key=lambda statement: statement.target):
            statements = list(group)
            own = target.of is not None and target.of.holds_parameters
            if not own:
                found.statements += statements
            values = [self._of(statement.value) for statement in statements]
            if own or any(value is not None for value in values):
                tangent = self._tangent(target, of=target.of)
                found.statements += self._set(tangent, statements, values)
                if own and target.of is not None:
                    found.adjoints[target.of] = tangent
        return found

    def _set(
        self, tangent: Block, statements: Sequence[Statement], values: Sequence[Expression | None]
    ) -> list[Statement]:
        found = []
        for statement, value in zip(statements, values, strict=True):
            if value is not None:
                shape = tangent.shape if statement.index is None else statement.index.shape
                found.append(Statement(tangent, _broadcast(value, shape), statement.index, add=statement.add))
            elif not statement.add:
                found.append(Statement(tangent, Number(0.0), statement.index))
        return found

    # --- expressions -----------------------------------------------------------------------------

    def _of(self, value: Expression, out: Expression | None = None) -> Expression | None:
        """Return R{value}, or None for zero; `out` is what holds the value, if something does."""
        match value:
            case Ref():
                block = self.tangents.get(value.block)
                return None if block is None else Ref(block, value.index)
            case Plus():
                return _sum([self._of(term) for term in value.terms], value)
            case Apply():
                return self._of_elementwise(value, value if out is None else out)
            case MatMul():
                left, right = self._of(value.left), self._of(value.right)
                return _sum(
                    [
                        None if left is None else replace(value, left=_broadcast(left, value.left.shape)),
                        None if right is None else replace(value, right=_broadcast(right, value.right.shape)),
                    ],
                    value,
                )
            case RunSum() | Spread() | Take() | BatchSum():
                inner = self._of(value.value)
                return None if inner is None else replace(value, value=_broadcast(inner, value.value.shape))
            case Variadic():
                return self._of_rows(value, value if out is None else out)
        return None  # numbers, seeds, and comparisons, which are constant but at their jumps

    def _of_elementwise(self, value: Apply, out: Expression) -> Expression | None:
        args = _rule_args(value.args)
        if value.op is ops.mul and args[0] is args[1]:
            inner = self._of(value.args[0])
            return None if inner is None else 2.0 * args[0] * inner
        terms = [
            self._times(self._of(arg), lambda k=k: value.op.local(k, out, args)) for k, arg in enumerate(value.args)
        ]
        return _sum(terms, value)

    def _of_rows(self, value: Variadic, out: Expression) -> Expression | None:
        rows = value.value
        inner = self._of(rows)
        if inner is None:
            return None
        count, width = rows.shape
        inner = _broadcast(inner, rows.shape)
        out = Take(out, np.arange(count)[:, None])
        if value.op is ops.logsumexp or _symmetric(value.op):  # whose rule divides numbers by their sum
            each = self._times(inner, lambda: value.op.locals(out, (rows,))[0])
            if each is None:
                return None
            return RunSum(_broadcast(_broadcast(each, rows.shape), (count * width,)), np.full(count, width))
        args = [Take(rows, np.arange(count)[:, None] * width + k) for k in range(width)]
        parts = [Take(inner, np.arange(count)[:, None] * width + k) for k in range(width)]
        locals_ = value.op.locals(out, args)
        terms = [self._times(part, lambda local=local: local) for part, local in zip(parts, locals_, strict=True)]
        found = _sum(terms, out)
        return None if found is None else _broadcast(found, value.shape)

    def _times(self, inner: Expression | None, partial: Any) -> Expression | None:
        """Return a partial derivative times a tangent, or None where one of them is zero."""
        if inner is None:
            return None
        local = partial()
        if isinstance(local, Number):
            local = local.value
        if isinstance(local, (int, float)) and local == 0.0:
            return None
        return elementwise(ops.mul, local, inner)


def _sum(terms: Sequence[Expression | None], like: Expression) -> Expression | None:
    present = [term for term in terms if term is not None]
    if not present:
        return None
    value = present[0] if len(present) == 1 else Plus(tuple(present))
    return _broadcast(value, like.shape)
