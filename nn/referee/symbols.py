"""The letters of a report: those of a text, or those that the names in the user's own code suggest.

Reports are written in the notation "superscript" and put into another one here, all but the code in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from autograd.lift.write.notation import NOTATIONS, Notation, notation_named

from .mistakes import raised
from .reading.watch import functions_in

__all__ = ["AS_IT_IS", "Symbols", "suggested", "symbols_named"]

OURS = NOTATIONS["superscript"]
_LAYER = "[⁰¹²³⁴⁵⁶⁷⁸⁹]+"
_SIGNS = re.compile(
    rf"(?P<code>`[^`]*`)|σ′\(z(?P<slope>{_LAYER})\)|(?P<letter>[Wbazδ])(?P<layer>{_LAYER})"
    r"|(?P<cost>∂C|∇ₐC)|(?P<function>σ)|(?<![\w'’])(?P<name>[tWb])(?![\w'’])"
)


@dataclass(frozen=True, slots=True)
class Symbols:
    """Puts texts into a notation.

    Attributes:
        notation: Whose letters.
    """

    notation: Notation = OURS

    def __call__(self, text: str) -> str:
        """Return a text of the notation "superscript" in this one; code between backticks stays.

        Example:
            >>> Symbols(notation_named("theta"))("`d` is a² − t; δ² = (W³)ᵀδ³ ⊙ σ′(z²) belongs here, ∂C/∂W² is wrong")
            '`d` is a⁽³⁾ − y; δ⁽³⁾ = (Θ⁽³⁾)ᵀδ⁽⁴⁾ ⊙ g′(z⁽³⁾) belongs here, ∂J/∂Θ⁽²⁾ is wrong'
        """
        return text if self.notation == OURS else _SIGNS.sub(self._sign, text)

    def _sign(self, found: re.Match[str]) -> str:
        n = self.notation
        if found["code"]:
            return found["code"]
        if found["slope"]:
            layer = self._layer("z", found["slope"])
            return f"a′{layer}" if n.prime else f"{n.function}′(z{layer})"
        if found["letter"]:
            return self._letter(found["letter"], self._layer(found["letter"], found["layer"]))
        if found["cost"]:
            return found["cost"].replace("C", n.cost)
        if found["function"]:
            return n.function
        return (n.target or "t") if found["name"] == "t" else self._letter(found["name"], "")

    def _letter(self, letter: str, layer: str) -> str:
        if letter == "b" and self.notation.bias_column:
            return f"{self.notation.weight}{layer}₀"
        letters = {"W": self.notation.weight, "b": self.notation.bias, "δ": self.notation.delta}
        return letters.get(letter, letter) + layer

    def _layer(self, letter: str, layer: str) -> str:
        """Return the number of a layer: weights count from 1, the others from where the input stands."""
        number = int("".join(str("⁰¹²³⁴⁵⁶⁷⁸⁹".index(digit)) for digit in layer))
        shown = raised(number + (0 if letter in "Wb" else self.notation.first))
        return f"⁽{shown}⁾" if self.notation.parenthesised else shown


AS_IT_IS = Symbols()
"""The letters in which reports are written."""


def symbols_named(notation: str | None, functions: Iterable[Any]) -> Symbols:
    """Return the symbols of a notation; with None, those that the names in functions suggest.

    Raises:
        TypeError: If the notation is no string.
        ValueError: If there is none of that name.
    """
    return Symbols(suggested(functions) if notation is None else notation_named(notation))


def suggested(functions: Iterable[Any]) -> Notation:
    """Return the notation of the texts that use the names in some functions: Θ, y, w, J; "superscript" with others."""
    names: set[str] = set()
    arguments: set[str] = set()
    for given in functions:
        for function in functions_in(given):
            code = function.__code__
            names |= set(code.co_varnames)
            arguments |= set(code.co_varnames[: code.co_argcount])
    if any(name.lower().startswith("theta") for name in names):
        return NOTATIONS["theta"]
    takes_w = any(re.fullmatch(r"w\d*", name) for name in names) and not any(re.match("W", name) for name in names)
    return replace(
        OURS,
        target="y" if arguments & {"y", "Y", "ys", "yb", "y_train", "y_true"} else "",
        weight="w" if takes_w else "W",
        cost="J" if "J" in names else "C",
    )
