"""Pictures of numbers as areas: cells, bars, lines and texts in the colours of the palette, in one SVG document."""

from __future__ import annotations

import hashlib

from .palette import DARK, LIGHT
from .style import FONT_SIZE, MONO
from .svg import attributes, coordinate, escaped

__all__ = ["Canvas"]

_FILLS = {"value": "v-fill", "gradient": "g-fill", "slope": "l-fill", "negative": "n-fill"}
_RULES = (
    ("text", f"font:{FONT_SIZE:g}px {MONO};fill:{{ink}};white-space:pre"),
    *((f".{tone}", f"fill:{{{role}}}") for tone, role in (("muted", "soft"), ("value", "v"), ("gradient", "g"))),
    (".slope", "fill:{l}"),
    (".bold", "font-weight:700"),
    (".ground", "fill:{ground}"),
    (".cell", "fill:{cell}"),
    *((f".bar.{kind}", f"fill:{{{role}}}") for kind, role in _FILLS.items()),
    *((f".areas .{kind}", f"stroke:{{{role}}}") for kind, role in _FILLS.items()),
    (".areas .slot", "stroke:{cell}"),
    (".middle", "stroke:{line};stroke-dasharray:2 5;stroke-linecap:round"),
    (".axis", "stroke:{edge}"),
    (".mark", "stroke:{ink};stroke-width:2"),
)
"""Selectors and declarations, with the colours by their roles."""


class Canvas:
    """What is drawn so far; later elements lie above earlier ones."""

    def __init__(self) -> None:
        self.elements: list[str] = []

    def add(self, element: str) -> None:
        """Draw an element."""
        self.elements.append(element)

    def text(self, x: float, y: float, text: str, kind: str, anchor: str = "start") -> None:
        """Write a text on a base line; `kind` is its tone, with "bold" where it is."""
        side = "" if anchor == "start" else f' text-anchor="{anchor}"'
        self.add(f'<text class="{kind}" {attributes(x=x, y=y)}{side}>{escaped(text)}</text>')

    def cell(self, x: float, y: float, wide: float, high: float) -> None:
        """Draw the ground of numbers."""
        self.add(f'<rect class="cell" {attributes(x=x, y=y, width=wide, height=high)} rx="3"/>')

    def bar(self, x: float, y: float, wide: float, high: float, kind: str) -> None:
        """Draw a number as a bar, if there is anything to see."""
        if wide >= 0.1 and high >= 0.1:
            size = attributes(x=x, y=y, width=wide, height=high)
            self.add(f'<rect class="bar {kind}" {size} rx="{coordinate(min(1.5, wide / 2, high / 2))}"/>')

    def line(self, path: str, kind: str) -> None:
        """Draw a line."""
        self.add(f'<path class="{kind}" d="{path}"/>')

    def svg(self, theme: str, size: tuple[float, float], label: str) -> str:
        """Return the document: in a theme, of a size, and with words for readers who do not see it."""
        inner = "\n".join(self.elements)
        name = "g" + hashlib.sha256(inner.encode("utf-8", "replace")).hexdigest()[:8]
        light, dark = ("".join(f"#{name} {selector}{{{style.format_map(colours)}}}" for selector, style in _RULES)
                       for colours in (LIGHT, DARK))  # fmt: skip
        style = {"light": light, "dark": dark}.get(theme, f"{light}@media (prefers-color-scheme:dark){{{dark}}}")
        wide, high = map(coordinate, size)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" id="{name}" width="{wide}" height="{high}" '
            f'viewBox="0 0 {wide} {high}" role="img" aria-label="{escaped(label)}" xml:space="preserve">\n'
            f"<style>{style}</style>\n"
            f'<rect class="ground" width="{wide}" height="{high}"/>\n{inner}\n</svg>\n'
        )
