"""What pictures are made of: texts, cells, bars and lines as SVG, and one document with the rules of their style."""

from __future__ import annotations

import hashlib
import html
import math
import re
from collections.abc import Mapping

from .palette import DARK, MONO
from .style import FONT_SIZE, LINES, THEMES, TINTS, TONES, plain

__all__ = [
    "LABEL_SIZE",
    "Canvas",
    "attributes",
    "coordinate",
    "embedded",
    "embedded_rules",
    "escaped",
    "identity",
    "rules",
    "xy",
]

Point = tuple[float, float]

LABEL_SIZE = 10.0

_RULES = (
    ("text", f"font:{FONT_SIZE:g}px {MONO};fill:{{ink}};white-space:pre"),
    *((f".{tone}", f"fill:{{{role}}}") for tone, role in TONES.items()),
    (".bold", "font-weight:700"),
    (".middle", "text-anchor:middle"),
    (".end", "text-anchor:end"),
    (".small", f"font-size:{LABEL_SIZE:g}px"),
    (".ground", "fill:{ground}"),
    (".cell", "fill:{cell}"),
    *((f".cell.{kind}", f"fill:{{{role}}}") for kind, role in TINTS.items()),
    (".box", "fill:{ground};stroke:{edge}"),
    (".leaf .box", "fill:{paper}"),
    (".constant .box", "fill:{cell};stroke:none"),
    (".root .box", "stroke:{ink};stroke-width:2"),
    (".rule", "stroke:{line}"),
    (".line", "fill:none"),
    *((f".line.{kind}", f"stroke:{{{role}}}") for kind, role in LINES.items()),
    (".dashed", "stroke-dasharray:5 3"),
    *((f".tip.{kind}", f"fill:{{{role}}}") for kind, role in LINES.items()),
    (".pill", "fill:{ground};stroke:{line}"),
    (".pill.slope", "fill:{l-tint};stroke:none"),
    *((f".bar.{kind}", f"fill:{{{role}}}") for kind, role in LINES.items()),
    *((f".areas .{kind}", f"stroke:{{{role}}}") for kind, role in LINES.items()),
    (".areas .slot", "stroke:{cell}"),
    (".lane", "stroke:{line};stroke-dasharray:2 5;stroke-linecap:round"),
    (".axis", "stroke:{edge}"),
    (".mark", "stroke:{ink};stroke-width:2"),
)
"""Selectors and declarations, with the colours by their roles."""


def rules(colours: Mapping[str, str], scope: str, dot: str = ".") -> str:
    """Return the style rules of a picture inside `scope`, a selector; `dot` begins the names of classes."""
    return "".join(f"{scope} {name.replace('.', dot)}{{{style.format_map(colours)}}}" for name, style in _RULES)


def attributes(**numbers: float) -> str:
    """Return attributes with coordinates: x="1" y="2.5"."""
    return " ".join(f'{name}="{coordinate(number)}"' for name, number in numbers.items())


def xy(point: Point) -> str:
    """Return a point as two coordinates."""
    return f"{coordinate(point[0])} {coordinate(point[1])}"


def coordinate(number: float) -> str:
    """Return a coordinate with at most one decimal."""
    text = f"{number:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def escaped(text: str, *, lines: bool = False) -> str:
    """Return text escaped for XML, on one line unless `lines`."""
    return html.escape("\n".join(map(plain, text.split("\n"))) if lines else plain(text), quote=False)


class Canvas:
    """What is drawn so far; later elements lie above earlier ones."""

    def __init__(self) -> None:
        self.elements: list[str] = []

    def add(self, element: str) -> None:
        """Draw an element."""
        self.elements.append(element)

    def text(self, x: float, y: float, text: str, kind: str) -> None:
        """Write a text on a base line; `kind` is its tone, and "bold", "small", "middle" or "end" where it is."""
        self.add(f'<text class="{kind}" {attributes(x=x, y=y)}>{escaped(text)}</text>')

    def cell(self, x: float, y: float, wide: float, high: float, kind: str = "") -> None:
        """Draw the ground of numbers, in the tint of their kind if it is given."""
        self.add(f'<rect class="{f"cell {kind}".strip()}" {attributes(x=x, y=y, width=wide, height=high)} rx="3"/>')

    def bar(self, x: float, y: float, wide: float, high: float, kind: str) -> None:
        """Draw a number as a bar, if there is anything to see."""
        if wide >= 0.1 and high >= 0.1:
            size = attributes(x=x, y=y, width=wide, height=high)
            self.add(f'<rect class="bar {kind}" {size} rx="{coordinate(min(1.5, wide / 2, high / 2))}"/>')

    def line(self, path: str, kind: str) -> None:
        """Draw a line."""
        self.add(f'<path class="{kind}" d="{path}"/>')

    def svg(self, theme: str, size: tuple[float, float], label: str, corner: Point = (0.0, 0.0), name: str = "") -> str:
        """Return the document.

        Args:
            theme: "light", "dark", or "auto", which follows the reader's system, also in an `<img>`.
            size: Width and height.
            label: Words for readers who do not see it.
            corner: The coordinates of the upper left corner.
            name: An id that no other picture on a page has; by default one of what is drawn.
        """
        inner = "\n".join(self.elements)
        name = name or identity(inner)
        style = rules(THEMES[theme], f"#{name}")
        if theme == "auto":
            style += f"@media (prefers-color-scheme:dark){{{rules(DARK, f'#{name}')}}}"
        wide, high = map(math.ceil, size)  # whole pixels, so that no edge of a bitmap is half a pixel
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" id="{name}" width="{wide}" height="{high}" '
            f'viewBox="{xy(corner)} {wide} {high}" role="img" aria-label="{escaped(label)}" xml:space="preserve">\n'
            f"<style>{style}</style>\n"
            f'<rect class="ground" {attributes(x=corner[0], y=corner[1])} width="{wide}" height="{high}"/>\n'
            f"{inner}\n</svg>\n"
        )


def embedded(picture: str) -> str:
    """Return a picture for a page that has `embedded_rules`: without its style, with classes of no other meaning."""
    before, _, rest = picture.partition("<style>")
    drawn = re.sub(r'(<\w+)( xmlns="[^"]*")? id="[^"]*"', r"\1", before + rest.partition("</style>\n")[2])
    return re.sub('(<[^>]* class=")([^"]*)', lambda m: m[1] + " ".join(f"p-{each}" for each in m[2].split()), drawn)


def embedded_rules(scope: str) -> str:
    """Return the rules that show pictures inside `scope` in the colours of the page around them."""
    return rules({role: f"var(--{role})" for role in DARK}, scope, ".p-")


def identity(text: str) -> str:
    """Return an id that no other picture on a page has, and the same in every run."""
    return "g" + hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:8]
