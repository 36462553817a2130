"""Equations as the project writes them in Unicode, set as MathML in the colours of the pictures."""

from __future__ import annotations

import re
from collections.abc import Callable

from ..canvas import escaped

__all__ = ["mathml"]

_RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ᵀˡⁿ", "0123456789+−Tln", strict=True))
_LOWERED = dict(zip("₀₁₂₃₄₅₆₇₈₉ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", "0123456789aehijklmnoprstuvx", strict=True))
_SCRIPTS = "".join([*_RAISED, *_LOWERED])
_TOKEN = re.compile(
    rf"(?P<mean>\(1/N\))|(?P<slope>∂(?:(?![{_SCRIPTS}])\w)+[{_SCRIPTS}]*/∂(?:(?![{_SCRIPTS}])\w)+[{_SCRIPTS}]*)"
    rf"|(?P<name>∇|(?:(?![{_SCRIPTS}\d])\w)(?:(?![{_SCRIPTS}])\w)*)|(?P<number>\d+(?:\.\d+)?(?:e[−-]?\d+)?)"
    rf"|(?P<scripts>[{_SCRIPTS}]+)|(?P<primes>′+)|(?P<open>[(\[])|(?P<close>[)\]])|(?P<space>\s+)|(?P<sign>.)"
)
Mark = Callable[[str], str]


def mathml(text: str, marked: dict[str, str] | None = None) -> str:
    """Return a line of an equation as the inner mark-up of a `<math>` element.

    Values, gradients and local slopes get the classes "v", "g" and "l".

    Args:
        text: Such as "δ¹ = ((W²)ᵀ δ²) ⊙ σ′(z¹)".
        marked: Parts of the text, each with the mark-up that stands for it.

    Example:
        >>> mathml("a¹ = σ(z¹)")[:52]
        '<msup class="v"><mi>a</mi><mn>1</mn></msup><mo>=</mo'
    """
    for part, markup in (marked or {}).items():
        before, found, after = text.partition(part)
        if found:
            return mathml(before) + markup + mathml(after)
    return _Reader(text).read()


class _Reader:
    def __init__(self, text: str) -> None:
        self.tokens = [(str(found.lastgroup), found.group()) for found in _TOKEN.finditer(text)]
        self.at = 0

    def read(self, closing: bool = False) -> str:
        """Return the mark-up up to a closing bracket, which is left, or to the end."""
        items: list[str] = []
        while self.at < len(self.tokens):
            kind, text = self.tokens[self.at]
            if closing and kind == "close":
                break
            self.at += 1
            if kind != "space":
                items.append(self._item(kind, text))
        return "".join(items)

    def _item(self, kind: str, text: str) -> str:
        match kind:
            case "slope":
                above, below = text.split("/")
                return f'<mfrac class="g"><mrow>{_derivative(above)}</mrow><mrow>{_derivative(below)}</mrow></mfrac>'
            case "mean":
                return "<mfrac><mn>1</mn><mi>N</mi></mfrac>"
            case "name" if text == "Σ":
                return "<mo>Σ</mo>"
            case "name":
                return self._name(text)
            case "number":
                return self._scripted(f"<mn>{escaped(text)}</mn>", "")
            case "open":
                return self._scripted(self._brackets(text), "")
        return f"<mo>{escaped(text)}</mo>"

    def _name(self, text: str) -> str:
        kind = "g" if text[0] in "δ∂∇" else "v" if len(text) == 1 and text not in "σNΣ" else ""
        if self._next() == "primes" and self._next(1) == "open":  # the slope of a function, with what it is taken at
            primes = self._advance()
            base = f"<msup>{_symbol(text)}<mo>{primes}</mo></msup>"
            return f'<mrow class="l">{base}{self._brackets(self._advance())}</mrow>'
        return self._scripted(_symbol(text), kind)

    def _brackets(self, opening: str) -> str:
        inner = self.read(closing=True)
        closing = self._advance() if self._next() == "close" else ""
        ends = f'<mo stretchy="false">{closing}</mo>' if closing else ""
        return f'<mrow><mo stretchy="false">{opening}</mo>{inner}{ends}</mrow>'

    def _scripted(self, base: str, kind: str) -> str:
        """Return a base with what is raised and lowered behind it."""
        raised = lowered = ""
        while self._next() in ("scripts", "primes"):
            text = self._advance()
            raised += "".join(_RAISED.get(sign, sign if sign == "′" else "") for sign in text)
            lowered += "".join(_LOWERED.get(sign, "") for sign in text)
        style = f' class="{kind}"' if kind else ""
        if raised and lowered:
            return f"<msubsup{style}>{base}{_script(lowered)}{_script(raised)}</msubsup>"
        if raised:
            return f"<msup{style}>{base}{_script(raised)}</msup>"
        if lowered:
            return f"<msub{style}>{base}{_script(lowered)}</msub>"
        return f"<mrow{style}>{base}</mrow>" if kind else base

    def _next(self, further: int = 0) -> str:
        place = self.at + further
        return self.tokens[place][0] if place < len(self.tokens) else ""

    def _advance(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1][1]


def _symbol(text: str) -> str:
    if len(text) > 1 and text[0] in "δ∂":  # of another array: δy
        return f'<mrow><mi>{text[0]}</mi><mi mathvariant="normal">{escaped(text[1:])}</mi></mrow>'
    return f"<mi>{escaped(text)}</mi>"


def _derivative(text: str) -> str:
    return f'<mo form="prefix">∂</mo>{_Reader(text[1:]).read()}'


def _script(text: str) -> str:
    if text == "T":
        return '<mi mathvariant="normal">T</mi>'
    if text.isdecimal():
        return f"<mn>{text}</mn>"
    return f"<mo>{text}</mo>" if set(text) == {"′"} else f"<mi>{text}</mi>"
