"""What all pages without scripts share: the frame, the style, and arrays drawn as squares."""

from __future__ import annotations

import math
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from ..areas import Shade, areas
from ..canvas import escaped
from ..offline import Page, allowed
from ..palette import MARK, stylesheet
from ..style import plain, shortened

__all__ = ["Sheet", "sheet", "squares", "words"]

Array = np.ndarray[Any, Any]
WIDEST, HIGHEST = 232, 168  # pixels of an array
MOST_ROWS, MOST_COLUMNS = 56, 72  # of an array that are drawn


class Sheet(Page):
    """The text of a page without scripts."""

    __slots__ = ()


def sheet(title: str, body: str, style: str = "") -> Sheet:
    """Return a page with a title and a body, which is mark-up; more rules may be added to its style."""
    rules = f"{stylesheet()}\n{_text('sheet.css')}{style}"
    policy = f"default-src 'none'; style-src {allowed(rules)}; base-uri 'none'; form-action 'none'"
    return Sheet(
        f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{words(title)} · deltagrad</title>
<style>{rules}</style>
</head>
<body>
<main>
<header>{MARK}<span>deltagrad</span></header>
{body}
</main>
</body>
</html>
"""
    )


@cache
def _text(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def words(text: str, longest: int = 400) -> str:
    """Return text for a page, where names of others show their control characters and end somewhere."""
    return escaped(shortened(plain(text), longest))


def squares(array: Array, largest: float, kind: Shade = "gradient", cell: float = 15.0) -> str:
    """Return an array as squares: area is size, slate with a slot is negative, and a cross is no number.

    Args:
        array: Numbers, of one or two dimensions; of one they stand below each other.
        largest: The size that fills a cell.
        kind: What the numbers are.
        cell: The side of a cell, unless the array would become too large.
    """
    whole = array[:, None] if array.ndim == 1 else np.atleast_2d(array)
    shown = whole[:MOST_ROWS, :MOST_COLUMNS]
    rows, columns = shown.shape
    side = min(cell, WIDEST / max(columns, 1), HIGHEST / max(rows, 1))
    entries = [(j, i, float(number)) for (i, j), number in np.ndenumerate(shown)]
    marks = areas(entries, largest, kind, (2.0, 2.0), side)
    d = 0.28 * side
    crosses = "".join(
        f"M{2 + (j + 0.5) * side - d:.1f} {2 + (i + 0.5) * side - d:.1f}l{2 * d:.1f} {2 * d:.1f}"
        f"m0 {-2 * d:.1f}l{-2 * d:.1f} {2 * d:.1f}"
        for j, i, number in entries
        if not math.isfinite(number)
    )
    marks += f'<path class="x" d="{crosses}"/>' if crosses else ""
    wide, high = columns * side + 4.0, rows * side + 4.0
    more = "" if shown.shape == whole.shape else f"<figcaption>the first {rows} × {columns}</figcaption>"
    label = f"{whole.shape[0]} × {whole.shape[1]} numbers"
    return (
        f'<svg class="squares" width="{wide:.1f}" height="{high:.1f}" role="img" aria-label="{label}">'
        f'<rect width="{wide:.1f}" height="{high:.1f}" rx="4"/>{marks}</svg>{more}'
    )
