"""Variants of functions, made by changing their text in a few places: for those that loop over scalars.

Handing over every value costs more than a loop over scalars itself. A variant hands over the values of a few sites
only, or has other expressions written in their places, and otherwise runs as fast as the user's own code.
"""

from __future__ import annotations

import ast
import itertools
import types
from collections.abc import Sequence
from typing import Any

from .edits import Edit, Moved, Written
from .sites import HOOK, Site, Span, span_of
from .watch import Unreadable, Watch, code_in, with_hook

__all__ = ["Codes", "variant"]

Codes = dict[types.FunctionType, types.CodeType]


def variant(watch: Watch, edits: Sequence[Edit], cache: dict[Any, Codes | None] | None) -> Codes | None:
    """Return the code of the functions that edits change, with those edits and no other hooks; None if it can't be.

    Args:
        watch: The watch, whose hook the variants call.
        edits: Known edits, written ones, or a single moved one.
        cache: Keeps the variants, where more runs will want the same one.
    """
    if watch.changes:
        return None
    key = frozenset((edit.site.number, edit.text if isinstance(edit, Written) else "") for edit in edits)
    if cache is not None and key in cache:
        return cache[key]
    try:
        codes: Codes | None = _compiled(watch, edits)
    except (Unreadable, SyntaxError, ValueError):
        codes = None
    if cache is not None:
        cache[key] = codes
    return codes


def _compiled(watch: Watch, edits: Sequence[Edit]) -> Codes:
    found: Codes = {}
    for file in {edit.site.file for edit in edits}:
        source = watch.source(file)
        here = [edit for edit in edits if edit.site.file == file]
        for top in source.tree.body:
            inside = [edit for edit in here if top.lineno <= edit.site.line <= (top.end_lineno or top.lineno)]
            if not inside:
                continue
            if any(isinstance(part, ast.While) for part in ast.walk(top)):
                raise Unreadable("only values that are handed over end a loop that goes on for ever")
            lines = list(source.lines)
            moved = [edit for edit in inside if isinstance(edit, Moved)]
            if moved:
                if len(edits) > 1:
                    raise Unreadable("a statement is moved, and something else is changed")
                lines = moved[0].lines(lines)
            else:
                lines = _spliced(lines, [_place(edit) for edit in inside])
            first = min([top.lineno, *(d.lineno for d in getattr(top, "decorator_list", []))])
            last = top.end_lineno or top.lineno
            text = "\n" * (first - 1) + "".join(lines[first - 1 : last])
            for function, (code, _) in watch.functions.items():
                if code.co_filename == file and first <= code.co_firstlineno <= last:
                    found[function] = with_hook(code_in(text, code), watch.hook)
    return found


def _place(edit: Edit) -> tuple[Span, str, str | None]:
    """Return where an edit changes the text, what comes before, and what after; None if it replaces what is there."""
    site: Site = edit.site
    if isinstance(edit, Written):
        return site.span, f"({edit.text})", None
    call = f"{HOOK!r}({site.number},("
    if site.role == "state":
        end = span_of(site.statement)[2:]
        return (*end, *end), f";{call}{site.text}))", ""
    if isinstance(site.node, ast.GeneratorExp):
        raise Unreadable("the parentheses of a generator may be those of a call")
    return site.span, call, "))"


def _spliced(lines: list[str], places: list[tuple[Span, str, str | None]]) -> list[str]:
    """Return the lines with text put in, the last place first.

    Raises:
        ValueError: If places overlap.
    """
    ordered = sorted(places, key=lambda place: place[0], reverse=True)
    for later, earlier in itertools.pairwise(ordered):
        if earlier[0][2:] > later[0][:2]:
            raise ValueError("one change within another")
    encoded = [line.encode() for line in lines]
    for (first, begin, last, end), before, after in ordered:
        if after is None:
            kept = b"\n" * (last - first)  # so that the lines below keep their numbers
            encoded[first - 1 : last] = [
                encoded[first - 1][:begin] + before.encode()[:-1] + kept + b")" + encoded[last - 1][end:],
                *[b""] * (last - first),
            ]
        else:
            encoded[last - 1] = encoded[last - 1][:end] + after.encode() + encoded[last - 1][end:]
            encoded[first - 1] = encoded[first - 1][:begin] + before.encode() + encoded[first - 1][begin:]
    return [line.decode() for line in encoded]
