"""What was recognised in a graph, in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .expression import Apply, Expression, MatMul, RunSum, Statement, Take, Variadic, children
from .lifted import Lifted

__all__ = ["report"]


def report(derived: Lifted, notes: Sequence[str]) -> str:
    """Return a line for each block of the program, and what was not recognised and why."""
    lines = []
    count = sum(each.block.size for each in derived.parameters.all)
    lines.append(f"{len(derived.forward.statements)} statements forward, {len(derived.reverse.statements)} in reverse.")
    names = ", ".join(f"{each.name} {each.shape}" for each in derived.parameters.all)
    lines.append(f"{count} parameters: {names or 'none'}.")
    if derived.inputs:
        lines.append("Inputs: " + ", ".join(f"{name} of length {n}" for name, n in derived.inputs.items()) + ".")
    why = derived.forward.why
    lines.extend(_line(statement, why.get(statement.target.name, "")) for statement in derived.forward.statements)
    lines.extend(
        f"Guard: the comparison in {guard.place} must come out {guard.outcome} for every row."
        for guard in derived.guards
    )
    return "\n".join([*lines, *derived.parameters.notes, *notes])


def _line(statement: Statement, why: str) -> str:
    target = statement.target
    parts = list(dict.fromkeys(_parts(statement.value)))
    size = "×".join(map(str, target.shape))
    per = " for each example" if target.batched else ""
    text = f"{target.name}: {size} value(s){per}, {', '.join(parts) or 'elementwise'}."
    return f"{text} Products are gathered one by one: {why}." if why else text


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
    for child in children(value):
        yield from _parts(child)
