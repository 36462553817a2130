"""Variants of functions, made by changing their text in a few places.

Handing over every value costs more than what most functions compute themselves. A variant hands over the values of a
few statements only, or has other expressions written in their places, and otherwise runs as fast as the user's code.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator, Sequence

from .edits import Edit, Moved, Written
from .sites import HOOK, Site, Span, span_of
from .watch import Codes, Unreadable, Watch, code_in, with_hook

__all__ = ["variant"]

Piece = tuple[tuple[int, int], tuple[int, ...], str, tuple[int, int]]
"""Line and column where a text is put, its order among those that are put there, the text, and where what it replaces
ends."""


def variant(watch: Watch, edits: Sequence[Edit], *, texts: bool) -> Codes | None:
    """Return the code of the functions that edits change, with no other hooks than theirs; None if it can't be.

    Args:
        watch: The watch, whose hook the variants call; it keeps those that more runs will want.
        edits: The edits.
        texts: Whether written edits are written into the code; else their places hand over values as those of others.
    """
    if watch.changes:
        return None
    changes: list[Edit] = [edit for edit in edits if isinstance(edit, Moved) or (texts and isinstance(edit, Written))]
    hooked = frozenset((edit.site.file, span_of(edit.site.statement)) for edit in edits if edit not in changes)
    if not changes and hooked in watch.variants:
        return watch.variants[hooked]
    try:
        codes: Codes | None = _compiled(watch, changes, hooked)
    except (Unreadable, SyntaxError, ValueError):
        codes = None
    if not changes:
        watch.variants[hooked] = codes
    return codes


def _compiled(watch: Watch, changes: list[Edit], hooked: frozenset[tuple[str, Span]]) -> Codes:
    found: Codes = {}
    sites = [site for site in watch.sites if (site.file, span_of(site.statement)) in hooked]
    for file in {edit.site.file for edit in changes} | {site.file for site in sites}:
        source = watch.source(file)
        for top in source.tree.body:
            rows = range(top.lineno, (top.end_lineno or top.lineno) + 1)
            edits = [edit for edit in changes if edit.site.file == file and edit.site.line in rows]
            here = [site for site in sites if site.file == file and site.line in rows]
            if not edits and not here:
                continue
            if any(isinstance(part, ast.While) for part in ast.walk(top)):
                raise Unreadable("only values that are handed over end a loop that goes on for ever")
            lines = _changed(source.lines, edits, here)
            first = min([top.lineno, *(d.lineno for d in getattr(top, "decorator_list", []))])
            text = "\n" * (first - 1) + "".join(lines[first - 1 : rows.stop - 1])
            for function, (code, _) in watch.functions.items():
                if code.co_filename == file and first <= code.co_firstlineno < rows.stop:
                    found[function] = with_hook(code_in(text, code), watch.hook)
    return found


def _changed(lines: list[str], edits: list[Edit], sites: list[Site]) -> list[str]:
    """Return the lines with edits written in and hooks around sites; their number stays the same.

    Raises:
        Unreadable: If two statements are moved, or one in which something else is changed.
        ValueError: If one change is within another.
    """
    moved = [edit for edit in edits if isinstance(edit, Moved)]
    spans = sorted(edit.site.span for edit in edits if not isinstance(edit, Moved))
    outside = [site for site in sites if not any(span[:2] <= site.span[:2] < span[2:] for span in spans)]
    changed = {row for span in (*spans, *(site.span for site in outside)) for row in range(span[0], span[2] + 1)}
    if len(moved) > 1 or any(edit.statement[0] in changed for edit in moved):
        raise Unreadable("a statement is moved, and something else is changed in it")
    pieces = [piece for site in outside for piece in _hooks(site)]
    for edit in edits:
        if not isinstance(edit, Moved):
            first, begin, last, end = edit.site.span
            pieces.append(((first, begin), (3,), f"({edit.text}{chr(10) * (last - first)})", (last, end)))
    made = _spliced(lines, pieces, spans)
    for edit in moved:
        made = edit.lines(made)
    return made


def _hooks(site: Site) -> Iterator[Piece]:
    """Yield what is put before and behind an expression, or behind a statement, to hand over a value.

    Where several begin or end, the outer ones come first or last; a callee is around the expression that it is.
    """
    call, is_callee = f"{HOOK!r}({site.number},(", site.role == "callee"
    if site.role == "state":
        _, _, last, end = span_of(site.statement)
        yield (last, end), (1, site.number), f";{call}{site.text}))", (last, end)
    elif not isinstance(site.node, ast.GeneratorExp):  # its parentheses may be those of a call
        first, begin, last, end = site.span
        yield (first, begin), (2, -last, -end, not is_callee), call, (first, begin)
        yield (last, end), (0, -first, -begin, is_callee), "))", (last, end)


def _spliced(lines: list[str], pieces: list[Piece], spans: list[Span]) -> list[str]:
    """Return the lines with pieces put in, the last one first.

    Raises:
        ValueError: If what is replaced overlaps.
    """
    if any(one[2:] > other[:2] for one, other in itertools.pairwise(spans)):
        raise ValueError("one change within another")
    text = bytearray("".join(lines).encode())
    starts = [0, *itertools.accumulate(len(line.encode()) for line in lines)]
    for (row, column), _, piece, (last, end) in sorted(pieces, reverse=True):
        text[starts[row - 1] + column : starts[last - 1] + end] = piece.encode()
    return [f"{line}\n" for line in text.decode().split("\n")]
