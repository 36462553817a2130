"""Type and number formats shared by every picture, and which colour of the palette its parts have."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping

from autograd.printable import printable

from .palette import DARK, LIGHT

__all__ = [
    "FONT_SIZE",
    "LINES",
    "THEMES",
    "TINTS",
    "TONES",
    "columns",
    "numeral",
    "plain",
    "shortened",
    "width",
]

FONT_SIZE = 12.0
ADVANCE = 0.605
"""Width of a character in ems: the widest of the faces that pictures are set in, so that no text outgrows its box."""

THEMES: Mapping[str, Mapping[str, str]] = {"auto": LIGHT, "light": LIGHT, "dark": DARK}
"""The palette by the name of a theme; "auto" is light, and dark where the reader's system is and the format can."""

TONES = {
    "ink": "ink",
    "muted": "soft",
    "value": "v",
    "gradient": "g",
    "slope": "l",
    "warning": "bad",
    "negative": "n-fill",
}
"""The colours of texts, by their roles in the palette."""

LINES = {"edge": "edge", "value": "v-fill", "gradient": "g-fill", "slope": "l-fill", "negative": "n-fill"}
"""The colours of lines and areas; what is negative is slate, and dashed if it is a line: the sign is a shape."""


TINTS = {"value": "v-tint", "gradient": "g-tint", "slope": "l-tint"}
"""The grounds of numbers."""


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
