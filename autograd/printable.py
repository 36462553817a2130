"""What a terminal may be shown: text from outside, and colours."""

from __future__ import annotations

import os
from typing import TextIO

__all__ = ["printable", "shows_colour"]


def printable(text: str) -> str:
    r"""Return text with everything escaped that does not show, such as what moves the cursor or turns the text round.

    Example:
        >>> print(printable("W\x1b[2J"))
        W\x1b[2J
        >>> printable("größe 3 μm")
        'größe 3 μm'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def shows_colour(stream: TextIO | None) -> bool:
    """Return whether a stream is a terminal that shows colours and nobody has asked for none (https://no-color.org)."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream is not None and stream.isatty()
