"""Names as Python reads them.

Python takes an identifier in the normal form NFKC: `µ` (micro sign) and `μ` (the Greek letter) are one variable. What
is written into a text therefore gets its name here, where no two fall together and nothing but a name comes out.
"""

from __future__ import annotations

import keyword
import unicodedata
from collections.abc import Iterable
from typing import Any

__all__ = ["Identifiers", "checked_name", "quoted"]


class Identifiers:
    """The names of a text: each is given out once.

    Args:
        taken: Names that the text needs for itself.

    Example:
        >>> names = Identifiers({"N"})
        >>> [names.new(wanted) for wanted in ("W1", "W1", "N", "class", "µ", "μ", "layer.weight", "2x")]
        ['W1', 'W1_', 'N_', 'class_', 'μ', 'μ_', 'layer_weight', '_2x']
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = {unicodedata.normalize("NFKC", name) for name in taken}
        self._underscores: dict[str, str] = {}

    def new(self, wanted: str) -> str:
        """Return an identifier that is not taken, as like `wanted` as one can be."""
        stem = _identifier(wanted)
        name = stem + self._underscores.get(stem, "")
        while name in self._taken or keyword.iskeyword(name) or name == "__debug__":
            name += "_"
        self._taken.add(name)
        self._underscores[stem] = name.removeprefix(stem)
        return name


def _identifier(wanted: str) -> str:
    text = unicodedata.normalize("NFKC", wanted)
    text = "".join(c if f"_{c}".isidentifier() else "_" for c in text)
    return text if text.isidentifier() else f"_{text}"


def checked_name(name: Any, what: str) -> str:
    """Return a name that can be an argument's.

    Args:
        name: The name.
        what: What it is of, such as "an input": the beginning of the error's sentence.

    Raises:
        TypeError: If it is no identifier.
    """
    if not isinstance(name, str) or not name.isidentifier():
        raise TypeError(f"{what}'s name must be an identifier, got {name!r}")
    return name


def quoted(text: str) -> str:
    """Return the literal of a string, in double quotes where these need nothing else."""
    return f'"{text}"' if text.isprintable() and not {'"', "\\"} & {*text} else repr(text)
