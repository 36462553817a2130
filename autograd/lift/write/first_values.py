"""A first step that differs from the others only in what it reads: a⁰ = x, and one equation for all layers."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from .lines import Line, Loop
from .tree import Node, Symbol

__all__ = ["with_first_values", "without_first"]


def with_first_values(lines: Sequence[Line | Loop]) -> tuple[list[Line | Loop], dict[Symbol, Node]]:
    """Return the lines with first values named, where that makes an equation hold for the first step too.

    Returns:
        The lines, and what each name is that was given.
    """
    out: list[Line | Loop] = []
    aliases: dict[Symbol, Node] = {}
    k = 0
    while k < len(lines):
        loop = lines[k]
        k += 1
        if not isinstance(loop, Loop):
            out.append(loop)
            continue
        body: list[Line] = []
        while k < len(lines) and isinstance(line := lines[k], Line) and line.depth:
            body.append(line)
            k += 1
        named = _first_value(loop, body)
        if named is not None:
            alias, value, body = named
            aliases[alias] = value
            out.append(Line(body[0].family, alias, value))
        out += [loop, *body]
    return out, aliases


def _first_value(loop: Loop, body: Sequence[Line]) -> tuple[Symbol, Node, list[Line]] | None:
    """Return a name, what it stands for, and the lines of a loop without the case of its first step."""
    for one, other in itertools.pairwise(body):
        if one.family is other.family and not one.where and other.where == f"{loop.letter} > {loop.start}":
            alias = _alias(one.right, at(other.right, loop.letter, loop.start))
            if alias is not None and at(other.left, loop.letter, loop.start) == one.left:
                rest = [replace(line, where="") if line is other else line for line in body if line is not one]
                return (*alias, rest)
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
        return all(_alike(getattr(one, each.name), getattr(other, each.name), found) for each in fields(one))
    return False


def at(node: Any, letter: str, number: int) -> Any:
    """Return a formula with a number in place of the letter of an index."""
    if isinstance(node, Symbol):
        below = tuple(_at(text, letter, number) for text in node.below)
        return replace(node, above=_at(node.above, letter, number), below=below)
    if isinstance(node, tuple):
        return tuple(at(each, letter, number) for each in node)
    if isinstance(node, Node):
        return replace(node, **{each.name: at(getattr(node, each.name), letter, number) for each in fields(node)})
    return node


def _at(text: str, letter: str, number: int) -> str:
    found = re.fullmatch(rf"{letter}([+-]\d+)?", text)
    return str(number + int(found[1] or 0)) if found else text
