"""The names of blocks in a notation."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ...op import Op
from ..matrices.block import Block
from ..write.notation import Notation
from .style import Style
from .translation import Translator

__all__ = ["Names"]


class Names:
    """Names blocks and the derivatives of activations.

    Attributes:
        notation: The letters.
        style: Unicode or LaTeX.
        translator: The shapes, numbers and lists behind the formulas.
        functions: The symbol of each activation, by layer.
        seen: What of the following occurred, for the explanations: "lse", "softmax", "1", "[]", "+=", ….
        numbers: The arrays of numbers that occurred, in order, and under which number each is printed.
        lists: Likewise the lists of indices.
    """

    def __init__(
        self,
        notation: Notation,
        style: Style,
        activations: Mapping[int, Op],
        translator: Translator,
        network_input: Block | None,
        target: Block | None,
        *,
        bias_column: bool = False,
    ) -> None:
        self.notation = notation
        self.style = style
        self.translator = translator
        self.network_input = network_input
        self.target = target
        self.bias_column = bias_column
        self.seen: dict[str, None] = {}
        self.numbers: dict[int, int] = {}
        self.lists: dict[int, int] = {}
        different = {op.name for op in activations.values()}
        self.functions = {
            layer: style.symbol(notation.function, below=self.layer(layer) if len(different) > 1 else "")
            for layer in activations
        }
        self.by_name = {op.name: self.functions[layer] for layer, op in reversed(list(activations.items()))}

    def layer(self, number: int) -> str:
        """Return a layer's number as it is counted in the notation."""
        return str(number + self.notation.first)

    def above(self, number: str) -> str:
        """Return a layer's number as it stands behind a letter."""
        return f"({number})" if self.notation.parenthesised else number

    # --- names -----------------------------------------------------------------------------------

    def block(self, block: Block) -> str:
        """Return a block's name."""
        notation, style = self.notation, self.style
        if block is self.network_input:
            return style.symbol("a", self.above(self.layer(0)))
        if block is self.target and notation.target:
            return style.symbol(notation.target)
        match block.role:
            case "z" | "a":
                return style.symbol(block.role, self.above(self.layer(block.layer)))
            case "loss":
                return style.symbol(notation.cost)
            case "parameter":
                return self.parameter(block.name)
            case "parameters":
                return style.symbol("θ" if style.minus == "−" else r"\theta")
        stem, digits = _stem(block.name)
        return style.symbol(stem, below=digits)

    def parameter(self, name: str, *, folded: bool = False) -> str:
        """Return a parameter's name; its number is the layer it belongs to."""
        letter, digits = _stem(name)
        letters = {"W": self.notation.weight, "b": self.notation.bias}
        mark = "bar" if self.bias_column and letter == "W" and not folded else ""
        if mark:
            self.seen["bar"] = None
        if letter not in letters:
            return self.style.symbol(letter, below=digits)
        return self.style.symbol(letters[letter], self.above(digits) if digits else "", mark=mark)


def _stem(name: str) -> tuple[str, str]:
    found = re.fullmatch(r"(.*?)_?(\d*)", name)
    return (found[1], found[2]) if found and found[1] else (name, "")
