"""Numbers as areas: a square for each, its side the root of the number's part of the largest, slate if negative.

Squares of one size are drawn as one path of short thick strokes, which takes a tenth of the text of single squares, so
that the weights of a network of images are a file of some hundred kilobytes.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from typing import Literal, TypeAlias

__all__ = ["FULL", "Entry", "Shade", "areas", "side"]

Shade: TypeAlias = Literal["value", "gradient", "slope"]
Entry: TypeAlias = tuple[int, int, float]
"""Column and row of a number, and the number."""

FULL = 0.94
"""The side of the largest square, as a part of its cell."""
SLOT = 7.0
"""The square of a negative number has a slot like a minus sign from so many pixels on."""
FINE = 8.0
"""In cells of so many pixels sizes are from a finer scale."""


def side(number: float, largest: float, steps: int) -> float:
    """Return the side of a number's square as a part of its cell, from a scale of so many steps; 0 for the smallest."""
    if not largest or not math.isfinite(number):
        return 0.0
    return FULL * round(steps * math.sqrt(min(1.0, abs(number) / largest))) / steps


def areas(entries: Iterable[Entry], largest: float, shade: Shade, at: tuple[float, float], cell: float) -> str:
    """Return numbers as an SVG group of squares; what is undefined has none.

    Args:
        entries: Numbers with their places.
        largest: The size that fills a cell.
        shade: What the numbers are, which is the colour of positive ones.
        at: The upper left corner.
        cell: The side of a cell in pixels.
    """
    steps = 64 if cell >= FINE else 16
    groups: dict[tuple[str, float], list[tuple[int, int]]] = defaultdict(list)
    for x, y, number in entries:
        groups[shade if number > 0.0 else "negative", side(number, largest, steps)].append((x, y))
    paths = []
    for (name, size), places in groups.items():
        if size:
            paths.append(_strokes(name, places, size, size))
            if name == "negative" and size * cell >= SLOT:
                paths.append(_strokes("slot", places, size / 2, 0.14 * size))
    return f'<g class="areas" transform="translate({at[0]:.1f} {at[1]:.1f}) scale({cell:.4g})">{"".join(paths)}</g>'


def _strokes(name: str, places: Iterable[tuple[int, int]], long: float, thick: float) -> str:
    """Return rectangles in the middle of their cells as one path."""
    wide = _short(long)
    path = "".join(f"M{x} {y}h{wide}" for x, y in places)
    move = f'transform="translate({_short(0.5 - long / 2)} .5)"'
    return f'<path class="{name}" {move} stroke-width="{_short(thick)}" d="{path}"/>'


def _short(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".").removeprefix("0") or "0"
