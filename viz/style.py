"""Colours, type and number formats shared by every picture.

The hues are blue for values, orange for gradients, and their lighter twins on the dark ground: a pair that the common
colour deficiencies leave apart. Every text colour has a contrast of at least 4.5:1 on the ground and on its box, in
both themes; where colour carries a sign, a dash pattern says the same.
"""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass

from autograd.printable import printable

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
        positive: Positive contributions and weights.
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


LIGHT = Theme(
    name="light",
    ground="#ffffff",
    box="#ffffff",
    leaf="#f1f5f9",
    constant="#fafafa",
    border="#94a0ae",
    ink="#16202b",
    muted="#56616e",
    value="#0063a0",
    gradient="#a63f00",
    edge="#7b8794",
    positive="#0072b2",
    negative="#b34700",
    warning="#8a1f4b",
    root="#16202b",
)

DARK = Theme(
    name="dark",
    ground="#14171a",
    box="#1d2227",
    leaf="#262d35",
    constant="#181c20",
    border="#59646f",
    ink="#eef2f6",
    muted="#a3afbb",
    value="#6cc0f0",
    gradient="#ffa94d",
    edge="#7d8a97",
    positive="#6cc0f0",
    negative="#ffa94d",
    warning="#ff9ec4",
    root="#eef2f6",
)

THEMES = {"light": LIGHT, "dark": DARK}


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
