"""Text from outside as a terminal may show it."""

from __future__ import annotations

__all__ = ["printable"]


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
