"""Signs: how the same formula is put into Unicode text and into LaTeX."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Protocol

__all__ = ["Latex", "Style", "Unicode", "number_parts"]

_SUPERSCRIPTS = str.maketrans("0123456789()lL", "⁰¹²³⁴⁵⁶⁷⁸⁹⁽⁾ˡᴸ")
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_VULGAR = {Fraction(1, 2): "½", Fraction(1, 4): "¼", Fraction(3, 4): "¾"}
_GREEK = {"Θ": r"\Theta", "δ": r"\delta", "ε": r"\varepsilon", "σ": r"\sigma"}


class Style(Protocol):
    """The signs of a way of writing."""

    hadamard: str
    minus: str
    norm: str
    total: str
    ones: str
    transpose: str
    relations: dict[str, str]

    def symbol(self, letter: str, above: str = "", below: str = "", mark: str = "") -> str:
        """Return a letter with a layer's number above, a number below, and ′ or a bar."""

    def function(self, name: str) -> str:
        """Return the name of a function."""

    def number(self, value: Fraction) -> str:
        """Return a number that is not negative."""

    def fraction(self, top: str, bottom: str) -> str:
        """Return a division; both sides are in parentheses already where text needs them."""

    def power(self, base: str, exponent: str) -> str:
        """Return a power."""

    def parentheses(self, text: str) -> str:
        """Return the text in parentheses."""

    def view(self, name: str, text: str) -> str:
        """Return a name with a slice or a layout behind it."""

    def derivative(self, of: str, by: str) -> str:
        """Return ∂of/∂by."""

    def stack(self, names: list[str]) -> str:
        """Return matrices on top of each other."""

    def cases(self, condition: str, yes: str, no: str) -> str:
        """Return a choice."""


def number_parts(value: Fraction) -> tuple[str, Fraction | None]:
    """Return a number as decimal text, or as a fraction where that is what the float stands for.

    Example:
        >>> number_parts(Fraction(0.05)), number_parts(Fraction(1 / 3))
        (('0.05', None), ('', Fraction(1, 3)))
    """
    if value.denominator == 1 and abs(value.numerator) < 10**15:
        return str(value.numerator), None
    number = float(value)
    short = value.limit_denominator(1000)
    if float(short) == number and (len(repr(number)) > 7 or short in _VULGAR):
        return "", short
    return repr(number), None


class Unicode:
    """Unicode text."""

    hadamard = " ⊙ "
    minus = "−"
    norm = "‖{}‖²"
    total = "Σ"
    ones = "𝟏"
    transpose = "ᵀ"
    relations = {">": ">", "<": "<", ">=": "≥", "<=": "≤"}  # noqa: RUF012  # read only

    def symbol(self, letter: str, above: str = "", below: str = "", mark: str = "") -> str:
        """Return a letter with a layer's number above, a number below, and ′ or a bar."""
        signs = {"": "", "prime": "′", "bar": "\u0304"}[mark]
        if mark == "prime" and below:
            return letter + below.translate(_SUBSCRIPTS) + signs
        return letter + signs + above.translate(_SUPERSCRIPTS) + below.translate(_SUBSCRIPTS)

    def function(self, name: str) -> str:
        """Return the name of a function."""
        return name

    def number(self, value: Fraction) -> str:
        """Return a number that is not negative."""
        decimal, fraction = number_parts(value)
        if fraction is None:
            mantissa, _, exponent = decimal.partition("e")
            power = "10" + str(int(exponent)).replace("-", "⁻").translate(_SUPERSCRIPTS) if exponent else ""
            return power if power and mantissa == "1" else f"{mantissa}·{power}" if power else mantissa
        return _VULGAR.get(fraction) or f"({fraction.numerator}/{fraction.denominator})"

    def fraction(self, top: str, bottom: str) -> str:
        """Return a division."""
        return f"{top} / {bottom}"

    def power(self, base: str, exponent: str) -> str:
        """Return a power."""
        if exponent.isdigit():
            return base + exponent.translate(_SUPERSCRIPTS)
        return f"{base}^{exponent if re.fullmatch(r'[0-9.]+|[^ ]', exponent) else f'({exponent})'}"

    def parentheses(self, text: str) -> str:
        """Return the text in parentheses."""
        return f"({text})"

    def view(self, name: str, text: str) -> str:
        """Return a name with a slice or a layout behind it."""
        return name + (text if text.startswith("[") else f"⟨{text}⟩")

    def derivative(self, of: str, by: str) -> str:
        """Return ∂of/∂by."""
        return f"∂{of}/∂{by}"

    def stack(self, names: list[str]) -> str:
        """Return matrices on top of each other."""
        return "[" + "; ".join(names) + "]"

    def cases(self, condition: str, yes: str, no: str) -> str:
        """Return a choice."""
        return f"({yes} if {condition} else {no})"


class Latex:
    """LaTeX, for a display in mathematics."""

    hadamard = r" \odot "
    minus = "-"
    norm = r"\Vert {} \Vert^{{2}}"
    total = r"\sum "
    ones = r"\mathbf{1}"
    transpose = r"^{\top}"
    relations = {">": ">", "<": "<", ">=": r"\geq", "<=": r"\leq"}  # noqa: RUF012  # read only

    def symbol(self, letter: str, above: str = "", below: str = "", mark: str = "") -> str:
        """Return a letter with a layer's number above, a number below, and ′ or a bar."""
        text = _GREEK.get(letter, letter)
        if len(letter) > 1:
            head, tail = letter[0], letter[1:]
            short = re.fullmatch(r"[A-Za-z]{2,3}", letter) and head.isupper()
            text, below = (head, tail + below) if short else (rf"\mathrm{{{_escaped(letter)}}}", below)
        if mark == "bar":
            text = rf"\bar{{{text}}}"
        above = (r"\prime" if mark == "prime" else "") + (rf" {above}" if mark == "prime" and above else above)
        return text + (f"^{{{above}}}" if above else "") + (f"_{{{below}}}" if below else "")

    def function(self, name: str) -> str:
        """Return the name of a function."""
        if name in _GREEK:
            return _GREEK[name]
        if name in (
            "log",
            "exp",
            "sin",
            "cos",
            "tan",
            "sinh",
            "cosh",
            "tanh",
            "arcsin",
            "arccos",
            "arctan",
            "max",
            "min",
        ):
            return f"\\{name}"
        return name if len(name) == 1 else rf"\mathrm{{{_escaped(name)}}}"

    def number(self, value: Fraction) -> str:
        """Return a number that is not negative."""
        decimal, fraction = number_parts(value)
        if fraction is not None:
            return rf"\frac{{{fraction.numerator}}}{{{fraction.denominator}}}"
        mantissa, _, exponent = decimal.partition("e")
        power = f"10^{{{int(exponent)}}}" if exponent else ""
        return power if power and mantissa == "1" else rf"{mantissa} \cdot {power}" if power else mantissa

    def fraction(self, top: str, bottom: str) -> str:
        """Return a division."""
        return rf"\frac{{{top}}}{{{bottom}}}"

    def power(self, base: str, exponent: str) -> str:
        """Return a power."""
        return f"{{{base}}}^{{{exponent}}}"

    def parentheses(self, text: str) -> str:
        """Return the text in parentheses."""
        return rf"\left({text}\right)"

    def view(self, name: str, text: str) -> str:
        """Return a name with a slice or a layout behind it."""
        laid_out = text.replace("×", r" \times ")
        return f"{{{name}}}_{{{laid_out}}}"

    def derivative(self, of: str, by: str) -> str:
        """Return ∂of/∂by."""
        return rf"\frac{{\partial {of}}}{{\partial {by}}}"

    def stack(self, names: list[str]) -> str:
        """Return matrices on top of each other."""
        return r"\begin{bmatrix} " + r" \\ ".join(names) + r" \end{bmatrix}"

    def cases(self, condition: str, yes: str, no: str) -> str:
        """Return a choice."""
        return rf"\left({yes} \ \mathrm{{if}} \ {condition} \ \mathrm{{else}} \ {no}\right)"


def _escaped(text: str) -> str:
    return text.replace("_", r"\_")
