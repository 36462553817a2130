"""Type and number formats shared by every picture, and the palette by the parts of a picture.

What is negative is slate and dashed: the sign is a shape, never a hue of its own.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from autograd.printable import printable

from . import palette

__all__ = [
    "DARK",
    "FONT_SIZE",
    "LIGHT",
    "MONO",
    "SANS",
    "THEMES",
    "Theme",
    "columns",
    "numeral",
    "plain",
    "shortened",
    "width",
]

MONO = "DejaVu Sans Mono, Menlo, Consolas, Liberation Mono, monospace"
"""Boxes are set in a fixed-width face: names are code, numbers line up, and widths are known without a font."""

SANS = "system-ui, -apple-system, Segoe UI, Roboto, Noto Sans, DejaVu Sans, sans-serif"

FONT_SIZE = 12.0
ADVANCE = 0.605
"""Width of a character in ems: the widest of the faces above, so that no text outgrows its box."""


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of a picture.

    Attributes:
        name: "light" or "dark".
        ground: Behind everything.
        box: Fill of a box.
        leaf: Fill of a leaf's box.
        constant: Fill of a number's box.
        border: Outline of a box.
        ink: Names.
        muted: Operations and remarks.
        value: Values.
        gradient: Gradients.
        edge: Arrows.
        positive: Positive contributions.
        negative: Negative contributions and weights.
        warning: Badges.
        root: Outline of the output's box.
    """

    name: str
    ground: str
    box: str
    leaf: str
    constant: str
    border: str
    ink: str
    muted: str
    value: str
    gradient: str
    edge: str
    positive: str
    negative: str
    warning: str
    root: str


def _theme(name: str, palette: Mapping[str, str]) -> Theme:
    return Theme(
        name=name,
        ground=palette["ground"],
        box=palette["ground"] if name == "light" else palette["paper"],
        leaf=palette["cell"],
        constant=palette["paper"],
        border=palette["edge"],
        ink=palette["ink"],
        muted=palette["soft"],
        value=palette["v"],
        gradient=palette["g"],
        edge=palette["edge"],
        positive=palette["g"],
        negative=palette["n-fill"],
        warning=palette["bad"],
        root=palette["ink"],
    )


LIGHT, DARK = _theme("light", palette.LIGHT), _theme("dark", palette.DARK)

THEMES = {"auto": LIGHT, "light": LIGHT, "dark": DARK}
"""The colours by the name of a theme; "auto" is light, and dark where the reader's system is and the format can."""


def numeral(number: float, digits: int = 4) -> str:
    """Return a number as pictures show it, with a true minus sign.

    Args:
        number: Any float; NaN reads "undefined".
        digits: Significant digits.

    Example:
        >>> numeral(-0.000012345), numeral(24.70408), numeral(-0.0)
        ('−1.234e−5', '24.7', '0')
    """
    if number == 0.0:
        return "0"
    if not math.isfinite(number):
        return "undefined" if math.isnan(number) else "∞" if number > 0.0 else "−∞"
    mantissa, _, exponent = f"{number:.{digits}g}".partition("e")
    text = mantissa + (f"e{int(exponent)}" if exponent else "")
    return text.replace("-", "−")


def plain(text: str) -> str:
    """Return `text` on one line and without the characters that mark-up languages forbid or that reorder text.

    Line breaks and tabs become spaces; other control characters, lone surrogates and bidirectional overrides are shown
    escaped.
    """
    return text if text.isascii() and text.isprintable() else "".join(map(_plain, text))


def _plain(character: str) -> str:
    if character in "\t\n\r\v\f\x85\u2028\u2029":
        return " "
    kind = unicodedata.category(character)
    if kind in ("Cc", "Cs") or character in "\ufffe\uffff\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069":
        return printable(character)
    return character


def shortened(text: str, characters: int = 18) -> str:
    """Return `text` made plain and cut to a number of columns, its middle replaced by "…".

    Example:
        >>> shortened("the_weight_of_the_first_layer")
        'the_weigh…st_layer'
    """
    text = plain(text if len(text) <= 400 else text[:200] + text[-200:])
    if columns(text) <= characters:
        return text
    head = text
    while columns(head) > characters // 2:
        head = head[:-1]
    tail = text[-(characters // 2) :]
    while columns(tail) > characters - characters // 2 - 1:
        tail = tail[1:]
    return f"{head}…{tail}"


def width(text: str, size: float = FONT_SIZE) -> float:
    """Return how wide `text` can become in the fixed-width face, in pixels."""
    return columns(text) * ADVANCE * size


def columns(text: str) -> int:
    """Return how many columns a fixed-width face needs for `text`."""
    return sum(map(_column, text)) if not text.isascii() else len(text)


def _column(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
