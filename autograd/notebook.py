"""What results show of themselves in a notebook: tables, text and curves as HTML that needs no script.

Pictures are drawn by `viz`, which is looked for only when a notebook asks: nothing here imports it.
"""

from __future__ import annotations

import html
import importlib
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = ["curves", "folded", "picture", "preformatted", "shown_source", "table"]

_CELL = 'style="text-align:{};padding:2px 10px;font-variant-numeric:tabular-nums"'
_WIDE, _HIGH, _LEFT, _TOP = 460, 170, 56, 22


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table; numbers stand to the right and with six digits."""
    first = "".join(f"<th {_CELL.format('left')}>{html.escape(title)}</th>" for title in head)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f'<table style="border-collapse:collapse"><thead><tr>{first}</tr></thead><tbody>{body}</tbody></table>'


def _cell(content: object) -> str:
    number = isinstance(content, (int, float)) and not isinstance(content, bool)
    text = f"{content:.6g}" if number else str(content)
    return f"<td {_CELL.format('right' if number else 'left')}>{html.escape(text)}</td>"


def preformatted(text: str) -> str:
    """Return text as it stands, in a monospaced face."""
    return f'<pre style="line-height:1.35">{html.escape(text)}</pre>'


def shown_source(program: Any) -> str:
    """Return the source of a program; of one without it, a comment that says why."""
    try:
        text: str = program.source
    except TypeError as error:  # an operation of the user's own without NumPy text
        text = "\n".join(f"# {line}" for line in str(error).splitlines())
    return text


def folded(title: str, content: str, *, is_open: bool = False) -> str:
    """Return HTML under a title that opens and closes it."""
    state = ' open=""' if is_open else ""
    return f"<details{state}><summary>{html.escape(title)}</summary>{content}</details>"


def curves(series: Mapping[str, Sequence[float]]) -> str:
    """Return an SVG of curves over 1, 2, …, with the first and the last number of each; those of validation dashed.

    All share one axis, which is logarithmic where the numbers are positive and span more than a factor of 50.
    """
    numbers = [float(y) for values in series.values() for y in values]
    logarithmic = min(numbers) > 0.0 and max(numbers) > 50.0 * min(numbers)
    scaled = math.log10 if logarithmic else float
    low, high = scaled(min(numbers)), scaled(max(numbers))
    inner = _HIGH - _TOP - 18

    def y_of(number: float) -> float:
        return _TOP + inner * (1.0 - (scaled(number) - low) / ((high - low) or 1.0))

    parts = []
    for name, values in series.items():
        step = (_WIDE - _LEFT - 8) / max(len(values) - 1, 1)
        points = " ".join(f"{_LEFT + k * step:.1f},{y_of(float(y)):.1f}" for k, y in enumerate(values))
        dashes = ' stroke-dasharray="6 4"' if name.startswith("validation") else ""
        parts.append(f'<polyline points="{points}" fill="none" stroke="currentColor" stroke-width="1.8"{dashes}/>')
    for number in dict.fromkeys((max(numbers), min(numbers))):
        place = f'x="{_LEFT - 6}" y="{y_of(number) + 4:.1f}" text-anchor="end"'
        parts.append(f'<text {place} font-size="11" fill="currentColor">{number:.3g}</text>')
    dashed = [name for name in series if name.startswith("validation")]
    names = ", ".join(name.replace("_", " ") + (" (dashed)" if name in dashed else "") for name in series)
    title = names + (", logarithmic" if logarithmic else "")
    parts.append(f'<text x="{_LEFT}" y="13" font-size="12" fill="currentColor">{html.escape(title)}</text>')
    size = f'width="{_WIDE}" height="{_HIGH}" viewBox="0 0 {_WIDE} {_HIGH}" role="img"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{"".join(parts)}</svg>'


def picture(thing: Any) -> str | None:
    """Return the HTML that `viz` shows of a thing; None where it has no picture of it, or is not installed."""
    try:
        shown = importlib.import_module("viz.notebook")
    except ModuleNotFoundError:
        return None
    found: str | None = shown.picture(thing)
    return found
