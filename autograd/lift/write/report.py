"""What was recognised in a graph, in words, and what was not and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from ... import ops
from ...op import Op
from ..matrices.block import Block
from ..matrices.expression import Apply, Expression, MatMul, Plus, Ref, RunSum, Take, Variadic
from ..matrices.lifted import Lifted
from ..matrices.statement import Statement, blocks_in, walked
from ..matrices.strided import strided

__all__ = ["report"]

_SHOWN = 8  # how many of the numbers of members are listed


def report(derived: Lifted, notes: Sequence[str]) -> str:
    """Return a line for each block of the program, and what was not recognised and why."""
    lines = []
    count = sum(each.block.size for each in derived.parameters.all)
    lines.append(f"{len(derived.forward.statements)} statements forward, {len(derived.reverse.statements)} in reverse.")
    names = ", ".join(f"{each.name} {each.shape}" for each in derived.parameters.all)
    lines.append(f"{count} parameters: {names or 'none'}.")
    if derived.inputs:
        lines.append("Inputs: " + ", ".join(f"{name} of length {n}" for name, n in derived.inputs.items()) + ".")
    positions = {each.block: each.positions for each in derived.parameters.all}
    for statement in derived.forward.statements:
        lines.append(_line(statement))
        why = derived.forward.why.get(statement.target.name)
        lines.extend([f"  No matrix product: {why}."] if why else [])
        lines.extend(f"  {sentence}" for sentence in _fallbacks(statement, positions))
    lines.extend(_apart(derived.forward.statements))
    for statement in derived.reverse.statements:
        sentences = [*_fallbacks(statement, positions), *_scattered(statement, positions)]
        lines.extend(f"In reverse, {statement.target.name}: {sentence}" for sentence in sentences)
    lines.extend(
        f"Guard: the comparison in {guard.place} must come out {guard.outcome} for every row."
        for guard in derived.guards
    )
    return "\n".join([*dict.fromkeys(lines), *derived.parameters.notes, *notes])


def _line(statement: Statement) -> str:
    target = statement.target
    parts = list(dict.fromkeys(_parts(statement.value)))
    size = "×".join(map(str, target.shape))
    per = " for each example" if target.batched else ""
    return f"{target.name}: {size} value(s){per}, {', '.join(parts) or 'elementwise'}."


def _parts(value: Expression) -> Iterable[str]:
    match value:
        case MatMul():
            both = value.left.batched and value.right.batched
            yield "a matrix product for each example" if both else "a matrix product"
        case RunSum():
            yield "a sum" if len(value.sizes) == 1 else "sums over runs"
        case Take() if (value.index < 0).any():
            yield "some members only"
        case Apply() | Variadic():
            yield value.op.name
    for part in value.parts:
        yield from _parts(part)


# --- what was not recognised ----------------------------------------------------------------------


def _fallbacks(statement: Statement, positions: dict[Block, Any]) -> list[str]:
    """Return a sentence for each thing that a statement does piece by piece, and why."""
    found: dict[str, None] = {}
    for expression in walked(statement.value):
        why = ""
        match expression:
            case Ref() if expression.index is not None:
                why = _irregular(_places(expression.block, expression.index, positions))
                name, index = expression.block.name, expression.index
            case Take():
                why = _irregular(expression.index)
                name, index = "a result", expression.index
            case Apply() | Variadic() if not _has_array_form(expression.op):
                found[f"{expression.op.name} is called number by number: it has no form for arrays."] = None
        if why:
            found[f"Gathered one by one, {index.size} members of {name} ({_listed(index)}): {why}."] = None
    return list(found)


def _scattered(statement: Statement, positions: dict[Block, Any]) -> Iterator[str]:
    """Yield the sentence on an adjoint whose contributions are added to it one by one."""
    target, index = statement.target, statement.index
    if index is None:
        return
    places = _places(target.of, index, positions) if target.of is not None else index
    regular = strided(places)
    if regular is not None:  # what repeats along a whole axis is summed first
        places = places[regular.distinct]
    why = _irregular(places)
    if not why and len(np.unique(places)) < places.size:
        why = "their numbers overlap"
    if why:
        yield f"Added one by one, to {index.size} members ({_listed(index)}): {why}."


def _apart(statements: Sequence[Statement]) -> Iterator[str]:
    """Yield a sentence for sums that read the same arrays and are nevertheless no array of sums."""
    groups: dict[Any, list[str]] = {}
    for statement in statements:
        value, target = statement.value, statement.target
        product = isinstance(value, Apply) and value.op is ops.mul
        if product or any(isinstance(each, (RunSum, MatMul, Plus)) for each in walked(value)):
            read = frozenset("parameters" if block.role == "parameter" else block.name for block in blocks_in(value))
            groups.setdefault((read, target.batched), []).append(target.name)
    for (read, _), names in groups.items():
        if len(names) > 1:
            arrays = " and ".join(sorted(read)) or "numbers"
            why = "with different numbers or kinds of products"
            yield f"Kept apart, {', '.join(names)}: sums over {arrays} alike, {why}."


def _places(block: Block, index: Any, positions: dict[Block, Any]) -> Any:
    """Return where members of a block are; those of a parameter are in `flat`."""
    own = positions.get(block)
    return index if own is None else np.where(index < 0, -1, own.ravel()[index])


def _irregular(index: Any) -> str:
    """Return why members of these numbers are no view of an array; nothing if they are."""
    if strided(index) is not None:
        return ""
    if (index < 0).any():
        return f"{int((index < 0).sum())} of them are absent (−1)"
    if len(np.unique(index)) < index.size:
        return "they do not lie at equal distances, and some occur more than once"
    return "they do not lie at equal distances"


def _listed(index: Any) -> str:
    some = ", ".join(map(str, index.ravel()[:_SHOWN].tolist())).replace("-", "−")
    return some + (", …" if index.size > _SHOWN else "")


def _has_array_form(op: Op) -> bool:
    return op.array is not None or op.into is not None or op is ops.logsumexp
