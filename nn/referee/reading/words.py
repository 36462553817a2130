"""The corrections as they are printed."""

from __future__ import annotations

import itertools
import os
import textwrap
from collections.abc import Callable, Iterator

from .correction import Correction, Reading, listed

__all__ = ["WIDTH", "Paint", "Write", "plain", "told", "where", "wrapped"]

WIDTH = 80
NUMBERS = {1: "One mistake", 2: "Two mistakes", 3: "Three mistakes"}

Paint = Callable[[str, str], str]
"""Takes a text and a style, "bold", "red", "green" or "faint"; returns it in that style."""

Write = Callable[[str], str]
"""Takes a text in the notation "superscript"; returns it in another."""


def plain(text: str, _style: str) -> str:
    """Return a text as it is."""
    return text


def where(correction: Correction) -> str:
    """Return file and line as terminals make a link of them: `my_backprop.py:20`."""
    path = os.path.relpath(correction.file) if os.path.isabs(correction.file) else correction.file
    return f"{correction.file if path.startswith('..') else path}:{correction.line}"


def told(reading: Reading, arrays: int, paint: Paint, write: Write) -> Iterator[str]:
    """Yield the lines that tell what was found in the code.

    Args:
        reading: What was found.
        arrays: The number of arrays that were checked.
        paint: Colours text.
        write: Puts text into the notation that it is to have.
    """
    if not reading.corrections:
        return
    yield from wrapped(_summary(reading, arrays))
    for correction, after in itertools.zip_longest(reading.corrections, reading.corrections[1:]):
        yield ""
        yield from _of_one(correction, paint, write, goes_on=after is not None and after.together)
    if reading.left:
        yield ""
        yield from wrapped(write(f"Still wrong with all that: {listed(reading.left)}. {reading.note}".rstrip()))


def _summary(reading: Reading, arrays: int) -> str:
    count = len(reading.corrections)
    found = f"{NUMBERS.get(count, f'{count} mistakes')} found in your code."
    certain = all(correction.proved_on for correction in reading.corrections)
    if reading.left:
        return found
    change = "change" if count == 1 else "changes"
    others = max((len(set(c.proved_on) - {"own"}) for c in reading.corrections), default=0)
    if certain and others:
        proof = f"on your numbers and on {others} other network{'s' if others > 1 else ''}"
        return f"{found} With the {change} below all {arrays} arrays are right, {proof}."
    return (
        f"{found} With the {change} below all {arrays} arrays are right on these numbers; on others it was not proved."
    )


def _of_one(c: Correction, paint: Paint, write: Write, *, goes_on: bool) -> Iterator[str]:
    place = f"{where(c)}, in {c.function}" if c.function != "<lambda>" else where(c)
    yield paint(place, "bold")
    end = c.end_column if c.end_line == c.line else len(c.source.rstrip())
    text, start, stop = _in_sight(c.source.rstrip(), c.column, max(end, c.column + 1))
    yield f"    {text}"
    yield f"    {' ' * start}{paint('~' * (stop - start), 'red')}"
    for sentence in c.sentences:
        yield from wrapped(write(sentence), 4)
    if c.equation:
        yield from wrapped(write(f"The equation is {c.equation}."), 4)
    if c.corrected:
        yield from _corrected(c, paint)
    front = "Together with the change above this" if c.together else "This"
    if not goes_on:
        yield from wrapped(write(f"{front} makes {listed(c.mends)} right."), 4)
    if not c.proved_on:
        yield from wrapped("It was not proved on other networks.", 4)
    for other in c.alternatives:
        yield from wrapped(
            f"Or, equally, line {other.line}: `{other.replacement}` in place of `{other.expression}`.", 4
        )


def _in_sight(line: str, start: int, stop: int) -> tuple[str, int, int]:
    """Return what fits of a line of code, around a part of it, and where that part stands there."""
    indent, room = len(line) - len(line.lstrip()), WIDTH - 4
    text, start, stop = line[indent:], start - indent, stop - indent
    if len(text) <= room:
        return text, start, stop
    first = max(0, min(start - 20, len(text) - room))
    left, right = "…" * (first > 0), "…" * (first + room < len(text))
    text = left + text[first + len(left) : first + room - len(right)] + right
    return text, start - first, min(stop - first, room)


def _corrected(c: Correction, paint: Paint) -> Iterator[str]:
    text = c.corrected.strip()
    if len(text) + len("    Corrected: ") <= WIDTH:
        yield f"    Corrected: {paint(text, 'green')}"
    else:
        yield "    Corrected:"
        yield f"    {paint(text, 'green')}"


def wrapped(text: str, indent: int = 0, *, hanging: int = 0) -> list[str]:
    """Return a sentence in lines of 80 columns, all but the first indented by more; code in it is not broken."""
    kept = text
    for code in text.split("`")[1::2]:
        kept = kept.replace(f"`{code}`", f"`{code}`".replace(" ", "\0"))
    first, other = " " * indent, " " * (indent + hanging)
    lines = textwrap.wrap(
        kept, WIDTH, initial_indent=first, subsequent_indent=other, break_long_words=False, break_on_hyphens=False
    )
    return [line.replace("\0", " ") for line in lines]
