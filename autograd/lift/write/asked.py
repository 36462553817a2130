"""Reverse statements for a text that knows which derivatives are asked for.

An undefined derivative, √x at 0 or arcsin x at 1, counts for nothing where nothing arrives at it: a branch that
`where`, `relu` or `maximum` did not take. An adjoint that happens to be 0 asks for it all the same, and the product
is NaN. The program leaves such rows to the engine; a text has to tell the two apart itself. So beside the adjoints
that lead to a root it computes where something has arrived at them, and what is not finite is selected, not
multiplied, where a branch was not taken. Texts without roots stay as they are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ... import ops
from ..matrices.block import Block, Index
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
)
from ..matrices.forward import Forward
from ..matrices.parameters import Parameters
from ..matrices.statement import Statement, blocks_in, refs_in, walked

__all__ = ["asked"]

_NOTHING = Number(0.0)


def asked(forward: Forward, backward: Iterable[Statement], parameters: Parameters) -> list[Statement]:
    """Return the reverse statements with what they need to pass over undefined derivatives that are not asked for."""
    statements = list(backward)
    asking = _Asking(forward, statements, parameters)
    if not any(asking.is_undefined_somewhere(statement.value) for statement in statements):
        return statements
    return asking.rewritten(statements)


@dataclass
class _Adjoint:
    """What is known of an adjoint: the block that says where something arrived, None for everywhere; and its doubts."""

    arrived: Block | None = None
    in_doubt: bool = False


class _Asking:
    def __init__(self, forward: Forward, backward: list[Statement], parameters: Parameters) -> None:
        applied = [(s.target, s.value.op) for s in forward.statements if isinstance(s.value, Apply)]
        self.roots = {target for target, op in applied if op in (ops.sqrt, ops.cbrt)}
        self.moving = {parameter.block for parameter in parameters.all} | {parameters.flat}
        for statement in forward.statements:
            if self._moves(statement.value):
                self.moving.add(statement.target)
        self.of_still = {  # quotients of what does not move: where they are 0, they are so whatever they are divided by
            s.target
            for s in forward.statements
            if isinstance(s.value, Apply) and s.value.op is ops.div and not self._moves(s.value.args[0])
        }
        self.moving.update(statement.target for statement in backward)
        self.adjoints: dict[Block, _Adjoint] = defaultdict(_Adjoint)

    def _moves(self, value: Expression) -> bool:
        """Whether an expression has a derivative: the step of what moves has none."""
        match value:
            case Ref():
                return value.block in self.moving
            case Apply():
                moving = [k for k, arg in enumerate(value.args) if self._moves(arg)]
                return any(value.op.local(k, value, value.args) != 0.0 for k in moving)
        return any(map(self._moves, value.parts))

    def rewritten(self, statements: list[Statement]) -> list[Statement]:
        """Return the statements, each adjoint's followed by those that say where something arrived at it."""
        found: list[Statement] = []
        of: dict[Block, list[Statement]] = defaultdict(list)
        for statement in statements:
            of[statement.target].append(statement)
        for statement in statements:
            found.append(replace(statement, value=self._selected(statement.value)))
            if statement is of[statement.target][-1]:
                found += self._arrivals(of[statement.target])
        return _read_later(found, {statement.target for statement in statements})

    def _arrivals(self, statements: list[Statement]) -> list[Statement]:
        target = statements[0].target
        known = self.adjoints[target]
        known.in_doubt = any(self._is_in_doubt(statement.value) for statement in statements)
        if target.of is None or target.of.holds_parameters:
            return []
        masks = [self._mask(statement.value) for statement in statements]
        if any(mask is None and statement.index is None for mask, statement in zip(masks, statements, strict=True)):
            return []
        known.arrived = Block(f"arrived_at_{target.name}", target.shape, target.batched, "adjoint", of=target)
        arrivals = zip(statements, masks, strict=True)
        return [
            replace(each, target=known.arrived, value=Number(1.0) if mask is None else _whole(mask, each.value.shape))
            for each, mask in arrivals
        ]

    # --- what is undefined -----------------------------------------------------------------------

    def is_undefined_somewhere(self, value: Expression) -> bool:
        """Whether an expression holds the derivative of a root or of a power, which may be undefined at 0."""
        return any(map(self._is_undefined_at_0, walked(value)))

    def _is_undefined_at_0(self, part: Expression) -> bool:
        match part:
            case Apply(op=ops.div, args=(_, below)):
                inner = any(isinstance(each, Apply) and each.op in (ops.sqrt, ops.hypot) for each in walked(below))
                return inner or any(ref.block in self.roots for ref in refs_in(below))
            case Apply(op=ops.pow, args=(_, exponent)):
                return not isinstance(exponent, Number) or -1.0 < exponent.value < 0.0
        return False

    def _is_in_doubt(self, value: Expression) -> bool:
        read = any(block in self.adjoints and self.adjoints[block].in_doubt for block in blocks_in(value))
        return read or self.is_undefined_somewhere(value)

    def _selected(self, value: Expression) -> Expression:
        """Return an expression that is 0 where nothing arrives or a branch was not taken, whatever stands there."""
        if isinstance(value, Apply) and value.op is ops.mul:
            upstream, local = value.args
            rest = Apply(ops.mul, (self._selected(upstream), local))
            if self.is_undefined_somewhere(local):
                mask = self._mask(upstream)
                return rest if mask is None else Apply(ops.where, (mask, rest, _NOTHING))
            gate = self._gate(local)
            if gate is not None and self._is_in_doubt(upstream):
                return Apply(ops.where, (gate, rest.args[0] if isinstance(local, Compare) else rest, _NOTHING))
            return rest
        if isinstance(value, Plus):
            return Plus(tuple(map(self._selected, value.terms)))
        if isinstance(value, (Take, Spread, RunSum, BatchSum)):
            return replace(value, value=self._selected(value.value))
        return value

    # --- where something arrives -----------------------------------------------------------------

    def _gate(self, local: Expression) -> Expression | None:
        """Return where an operation takes an argument, by its derivative; None for everywhere."""
        match local:
            case Compare():
                return local
            case Plus(terms=terms) | Apply(op=ops.add, args=terms) if all(map(_is_half_a_comparison, terms)):
                return Compare(">", local, _NOTHING)
            case Apply(op=ops.where, args=(condition, Number(a), Number(b))) if (a == 0.0) != (b == 0.0):
                return Apply(ops.where, (condition, Number(float(a != 0.0)), Number(float(b != 0.0))))
            case Number():
                return _NOTHING if local.value == 0.0 else None
            case Seed():
                return None
            case Apply(op=ops.mul, args=factors):
                return _all(map(self._gate, factors))
            case Apply(op=ops.div, args=(Apply(op=ops.neg, args=(Ref() as ratio,)), _)) if ratio.block in self.of_still:
                return Apply(ops.where, (ratio, Number(1.0), _NOTHING))
            case BatchSum():
                inner = self._gate(local.value)
                return None if inner is None else Compare(">", BatchSum(inner), _NOTHING)
        if self.moving.isdisjoint(blocks_in(local)) and not (isinstance(local, Constant) and local.values.all()):
            return Apply(ops.where, (local, Number(1.0), _NOTHING))  # a factor 0 that does not move
        return None

    def _mask(self, value: Expression) -> Expression | None:
        """Return 1 where something arrives by an expression of adjoints, and 0 elsewhere; None for 1 everywhere."""
        match value:
            case Number():
                return _NOTHING if value.value == 0.0 else None
            case Ref():
                arrived = self.adjoints[value.block].arrived if value.block in self.adjoints else None
                if arrived is not None:
                    return Compare(">", replace(value, block=arrived), _NOTHING)
                return _all([_present(value.index), self._gate(value)])
            case Apply(op=ops.mul, args=(upstream, local)):
                return _all([self._mask(upstream), self._gate(local)])
            case Apply(op=ops.neg, args=(inner,)):
                return self._mask(inner)
            case Apply(op=ops.where, args=(condition, inner, Number(0.0))):
                return _all([condition, self._mask(inner)])
            case Plus():
                masks = [self._mask(term) for term in value.terms]
                return None if None in masks else Compare(">", Plus(tuple(masks)), _NOTHING)  # type: ignore[arg-type]  # none is None
            case Take():
                inner_mask = self._mask(value.value)
                present = _present(value.index)
                if inner_mask is None or not inner_mask.shape:
                    return present if inner_mask is None else inner_mask
                return replace(value, value=_whole(inner_mask, value.value.shape))
            case Spread():
                inner_mask = self._mask(value.value)
                return (
                    None
                    if inner_mask is None or not inner_mask.shape
                    else Spread(_whole(inner_mask, value.value.shape), value.sizes)
                )
            case BatchSum():
                inner_mask = self._mask(value.value)
                return None if inner_mask is None else Compare(">", BatchSum(inner_mask), _NOTHING)
            case MatMul():
                return self._mask_of_product(value)
        return None

    def _mask_of_product(self, value: MatMul) -> Expression | None:
        if value.transpose_right or value.sum_batch:
            return None
        mask = self._mask(value.right)
        pattern: np.ndarray[Any, Any] = np.ones(value.left.shape)
        if isinstance(value.left, Ref) and value.left.index is not None:
            pattern = (value.left.index >= 0) * 1.0
        elif isinstance(value.left, Constant):
            pattern = (value.left.values != 0.0) * 1.0
        if mask is None or not mask.shape:
            reached: np.ndarray[Any, Any] = np.asarray(pattern.any(axis=0 if value.transpose_left else 1))
            return None if mask is not None or reached.all() or len(value.shape) > 1 else Constant(reached * 1.0)
        return Compare(">", replace(value, left=Constant(pattern), right=_whole(mask, value.right.shape)), _NOTHING)


def _is_half_a_comparison(term: Expression) -> bool:
    match term:
        case Apply(op=ops.mul, args=(Number(), Compare()) | (Compare(), Number())):
            return True
    return False


def _present(index: Index | None) -> Expression | None:
    return None if index is None or (index >= 0).all() else Constant(np.where(index >= 0, 1.0, 0.0))


def _whole(mask: Expression, shape: tuple[int, ...]) -> Expression:
    """Return a mask that broadcasts to a shape with all the members of it."""
    if mask.shape in ((), shape):
        return mask
    return Take(mask, np.broadcast_to(np.arange(int(np.prod(mask.shape))).reshape(mask.shape), shape))


def _all(masks: Iterable[Expression | None]) -> Expression | None:
    """Return 1 where all of them are."""
    found: Expression | None = None
    for mask in masks:
        if mask is not None:
            found = mask if found is None else Apply(ops.mul, (found, mask))
    return found


def _read_later(statements: list[Statement], wanted: set[Block]) -> list[Statement]:
    """Return the statements that are wanted, and those that they read."""
    read = set(wanted)
    found = []
    for statement in reversed(statements):
        if statement.target in read:
            found.append(statement)
            read |= blocks_in(statement.value)
    return found[::-1]
