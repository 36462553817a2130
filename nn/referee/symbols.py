"""The letters of a report: those of a text, or those that the names in the user's own code suggest.

Reports are written in the notation "superscript" and put into another one here, all but the code in them.
"""

from __future__ import annotations

import re
import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from autograd.lift.write.notation import NOTATIONS, Notation, notation_named

from .mistakes import raised
from .reading.sites import constants
from .reading.watch import functions_in

__all__ = ["AS_IT_IS", "Symbols", "symbols_named"]


OURS = NOTATIONS["superscript"]
RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_LAYER = f"[{RAISED}]+"
_SIGNS = re.compile(
    rf"(?P<code>`[^`]*`)|σ′\(z(?P<slope>{_LAYER})\)|(?P<letter>[Wbazδ])(?P<layer>{_LAYER})"
    r"|(?P<by>∂C/∂)|(?P<cost>∂C|∇ₐC)|(?P<function>σ)|(?<![\w'’])(?P<name>[A-Za-z_δ]\w*(?:\.\w+)*)(?![\w'’])"
)


@dataclass(frozen=True, slots=True)
class Symbols:
    """Puts texts into a notation.

    Attributes:
        notation: Whose letters.
        parameters: The names of the parameters of a network that has no layers; they stay.
    """

    notation: Notation = OURS
    parameters: frozenset[str] | None = None

    def __call__(self, text: str) -> str:
        """Return a text of the notation "superscript" in this one; code between backticks stays.

        Example:
            >>> Symbols(NOTATIONS["theta"])("`d` is a² − t; δ² = (W³)ᵀδ³ ⊙ σ′(z²) belongs here, ∂C/∂W² is wrong")
            '`d` is a⁽³⁾ − y; δ⁽³⁾ = (Θ⁽³⁾)ᵀδ⁽⁴⁾ ⊙ g′(z⁽³⁾) belongs here, ∂J/∂Θ⁽²⁾ is wrong'
            >>> Symbols(NOTATIONS["cs231n"])("`d` is a² − t; δ² = (W³)ᵀδ³ ⊙ σ′(z²) belongs here, ∂C/∂W² is wrong")
            '`d` is a2 − y; dz2 = (W3)ᵀdz3 ⊙ σ′(z2) belongs here, dW2 is wrong'
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
        if found["by"]:
            return "d" if n.differential else f"∂{n.cost}/∂"
        if found["cost"]:
            return f"∂{n.cost}" if found["cost"] == "∂C" else n.gradient + n.cost * (not n.differential)
        return n.function if found["function"] else self._name(found["name"])

    def _name(self, name: str) -> str:
        """Return a word, another one if it stands for something."""
        n = self.notation
        if name == "t" and "t" not in (self.parameters or ()):
            return n.target or "t"
        if self.parameters is None:
            return self._letter(name, "") if name in ("W", "b", "δ") else name
        return n.output if name == "y" and "y" not in self.parameters else name

    def _letter(self, letter: str, layer: str) -> str:
        if letter == "b" and self.notation.bias_column:
            return f"{self.notation.weight}{layer}₀"
        letters = {"W": self.notation.weight, "b": self.notation.bias, "δ": self.notation.delta}
        return letters.get(letter, letter) + layer

    def _layer(self, letter: str, layer: str) -> str:
        """Return the number of a layer: weights and biases have numbers of their own."""
        n = self.notation
        number = int("".join(str(RAISED.index(digit)) for digit in layer))
        number += n.weights_from - 1 if letter in "Wb" else n.first
        if n.differential:
            return str(number)
        return f"⁽{raised(number)}⁾" if n.parenthesised else raised(number)


AS_IT_IS = Symbols()
"""The letters in which reports are written."""


def symbols_named(
    notation: str | None, functions: Iterable[Any], L: int = 0, parameters: Iterable[str] | None = None
) -> Symbols:
    """Return the symbols of a notation; with None, those that the names in functions suggest.

    Args:
        notation: Its name.
        functions: What the user wrote.
        L: The number of layers, or 0.
        parameters: The names of the parameters of a network that has no layers.

    Raises:
        TypeError: If the notation is no string.
        ValueError: If there is none of that name.
    """
    kept = None if parameters is None else frozenset(parameters)
    return Symbols(_suggested(list(functions), L) if notation is None else notation_named(notation), kept)


def _suggested(given: list[Any], L: int) -> Notation:
    """Return the letters of the texts that use the names in some functions; "superscript" with others."""
    names, arguments = _names_in(given)
    has_weights = any(re.match(r"[Ww](eights)?\d*$", name) for name in names)
    if any(re.match(r"(delta_)?nabla_", name) for name in names):
        letters = NOTATIONS["nielsen"]
    elif any(re.match(r"[Tt]heta" if not has_weights else r"[Tt]heta_?\d", name) for name in names):
        letters = NOTATIONS["theta"]
    elif names & {"dout", "scores", "dscores"}:
        letters = NOTATIONS["cs231n"]
    else:
        takes_w = any(re.fullmatch(r"w\d*", name) for name in names) and not any(re.match("W", name) for name in names)
        letters = replace(OURS, weight="w" if takes_w else "W", cost="J" if "J" in names else "C")
    if arguments & {"y", "Y", "ys", "yb", "y_train", "y_true"}:
        letters = replace(letters, target="y", output=letters.output.replace("y", "ŷ"))
    elif arguments & {"t", "T", "ts", "target", "targets"}:
        letters = replace(letters, target="", output=letters.output.replace("ŷ", "y"))
    return _counted(letters, names, L) if L else letters


def _counted(letters: Notation, names: set[str], L: int) -> Notation:
    """Return letters that count layers as the names do: `z2`, `a2`, `z3`, `a3` of two layers, with the input as 1."""

    def numbers(pattern: str) -> set[int]:
        return {int(found[1]) for name in names if (found := re.fullmatch(rf"(?:{pattern})_?(\d+)", name))}

    layers, weights = numbers("z|Z|delta|d|dz|dZ"), numbers("w|W")
    if layers == set(range(2, L + 2)):
        letters = replace(letters, first=1)
    elif layers == set(range(1, L + 1)):
        letters = replace(letters, first=0)
    if weights in (set(range(2, L + 2)), set(range(1, L + 1))):
        letters = replace(letters, weights_from=min(weights))
    return letters


def _names_in(given: Iterable[Any]) -> tuple[set[str], set[str]]:
    """Return the names of variables in what the user wrote, and those of the arguments of what is called first."""
    names: set[str] = set()
    arguments: set[str] = set()
    seen: set[types.CodeType] = set()
    waiting = [function for value in given for function in functions_in(value)]
    for function in waiting:
        arguments |= set(function.__code__.co_varnames[: function.__code__.co_argcount])
    while waiting:
        function = waiting.pop()
        if function.__code__ in seen:
            continue
        for code in (function.__code__, *constants(function.__code__)):
            seen.add(code)
            names |= {*code.co_varnames, *code.co_cellvars}
            waiting += _beside(function, code.co_names)
    return names, arguments


def _beside(function: types.FunctionType, names: Iterable[str]) -> Iterator[types.FunctionType]:
    """Yield the functions, and those of the classes, in the same file that have some names."""
    for name in names:
        held = function.__globals__.get(name)
        methods = vars(held).values() if isinstance(held, type) else [held]
        for other in methods:
            if isinstance(other, types.FunctionType) and other.__code__.co_filename == function.__code__.co_filename:
                yield other
