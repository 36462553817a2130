"""First steps: a⁰ = x, where one differs from the others only in what it reads, and those that stand before a loop."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from .lines import Line, Loop
from .tree import Bracket, Node, Symbol, nodes_in

__all__ = ["with_first_values", "with_start_before", "without_first"]


def with_first_values(lines: Sequence[Line | Loop]) -> tuple[list[Line | Loop], dict[Symbol, Node]]:
    """Return the lines with first values named, where that makes an equation hold for the first step too.

    Returns:
        The lines, and what each name is that was given.
    """
    out: list[Line | Loop] = []
    aliases: dict[Symbol, Node] = {}
    for loop, body in _blocks(lines):
        if not isinstance(loop, Loop):
            out.append(loop)
            continue
        named = _first_value(loop, body)
        if named is not None:
            alias, body = named
            if alias is not None:
                name, value = alias
                aliases[name] = value
                out.append(Line(body[0].family, replace(name, meaning=value.meaning), value))
        out += [loop, *body]
    return out, aliases


def with_start_before(lines: Sequence[Line | Loop]) -> list[Line | Loop]:
    """Return the lines of a backward pass with the value that a loop starts from before it, where the loop ends so.

    The equation that gives a step from the one after it then gives the step before, at the end of the loop.
    """
    out: list[Line | Loop] = []
    for loop, body in _blocks(lines):
        if not isinstance(loop, Loop):
            out.append(loop)
            continue
        carried = [line for line in body if line.where == f"{loop.letter} < {loop.start}"]
        start = [line for line in body if not line.where and any(line.family is each.family for each in carried)]
        others = [line for line in body if line not in (*carried, *start)]
        has_one = len(carried) == len(start) == 1 and bool(others)
        if (
            has_one
            and _is_carried(carried[0], others, loop.letter)
            and all(line.where == f"{loop.letter} > {loop.end}" for line in others)
        ):
            left, right = (_reindexed(side, _before(loop.letter)) for side in (carried[0].left, carried[0].right))
            out += [replace(start[0], depth=0), replace(loop, end=loop.end + 1)]
            out += [replace(line, where="") for line in others]
            out.append(replace(carried[0], left=left, right=right, where=""))
        else:
            out += [loop, *body]
    return out


def _is_carried(line: Line, others: Sequence[Line], letter: str) -> bool:
    """Whether an equation reads of the others in its loop only the step after its own."""
    names = {(other.left.stem, other.left.delta, other.left.digits) for other in others}
    nodes = list(nodes_in(line.right))
    symbols = [node for node in nodes if isinstance(node, Symbol) and letter in (node.above, *node.below)]
    has_none = all((symbol.stem, symbol.delta, symbol.digits) not in names for symbol in symbols)
    return has_none and not any(isinstance(node, Bracket) for node in nodes)


def _blocks(lines: Sequence[Line | Loop]) -> Iterator[tuple[Line | Loop, list[Line]]]:
    """Yield each line that is in no loop, and each loop with its lines."""
    k = 0
    while k < len(lines):
        head = lines[k]
        k += 1
        body: list[Line] = []
        while isinstance(head, Loop) and k < len(lines) and isinstance(line := lines[k], Line) and line.depth:
            body.append(line)
            k += 1
        yield head, body


def _first_value(loop: Loop, body: Sequence[Line]) -> tuple[tuple[Symbol, Node] | None, list[Line]] | None:
    """Return a name and what it stands for, unless it has it, and the lines of a loop without its first step's case."""
    for one, other in itertools.pairwise(body):
        if one.family is other.family and not one.where and other.where == f"{loop.letter} > {loop.start}":
            first = at(other.right, loop.letter, loop.start)
            alias = _alias(one.right, first)
            if (alias is not None or one.right == first) and at(other.left, loop.letter, loop.start) == one.left:
                rest = [replace(line, where="") if line is other else line for line in body if line is not one]
                return alias, rest
    return None


def without_first(lines: Sequence[Line], aliases: Mapping[Symbol, Node]) -> list[Line]:
    """Return gradients without those of a first array that the others' equation gives as well."""
    out = list(lines)
    for line in lines:
        letter = re.fullmatch("[a-z]", line.left.above)
        if letter is None:
            continue
        for first in lines:
            if first.left.above.isdigit() and at(line.left, letter[0], int(first.left.above)) == first.left:
                alias = _alias(first.right, at(line.right, letter[0], int(first.left.above)))
                if alias is not None and aliases.get(alias[0]) == alias[1]:
                    out.remove(first)
    return out


def _alias(one: Any, other: Any) -> tuple[Symbol, Node] | None:
    """Return the one name in a formula that stands for another formula, None if more than that differs."""
    found: list[tuple[Symbol, Node]] = []
    if not _alike(one, other, found) or len(set(found)) != 1:
        return None
    return found[0]


def _alike(one: Any, other: Any, found: list[tuple[Symbol, Node]]) -> bool:
    if one == other:
        return True
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(_alike(a, b, found) for a, b in zip(one, other, strict=True))
    if isinstance(one, Symbol) and isinstance(other, Symbol):
        found.append((other, one))
        return not other.delta
    if isinstance(one, Node) and type(one) is type(other):
        return all(_alike(getattr(one, f.name), getattr(other, f.name), found) for f in fields(one) if f.compare)
    return False


def at(node: Any, letter: str, number: int) -> Any:
    """Return a formula with a number in place of the letter of an index."""
    return _reindexed(node, _shift(letter, lambda k: str(number + k)))


def _before(letter: str) -> Callable[[str], str]:
    return _shift(letter, lambda k: letter + (f"{k - 1:+d}" if k != 1 else ""))


def _shift(letter: str, by: Callable[[int], str]) -> Callable[[str], str]:
    """Return what writes an index that is a letter plus a number anew, given the number."""

    def new(text: str) -> str:
        found = re.fullmatch(rf"{letter}([+-]\d+)?", text)
        return by(int(found[1] or 0)) if found else text

    return new


def _reindexed(node: Any, by: Callable[[str], str]) -> Any:
    """Return a formula with its indices written anew."""
    if isinstance(node, Symbol):
        return replace(node, above=by(node.above), below=tuple(map(by, node.below)))
    if isinstance(node, tuple):
        return tuple(_reindexed(each, by) for each in node)
    if isinstance(node, Node):
        return replace(node, **{each.name: _reindexed(getattr(node, each.name), by) for each in fields(node)})
    return node
