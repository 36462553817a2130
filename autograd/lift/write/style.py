"""Signs: how a formula is put into Unicode text, into LaTeX and into MathML."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from decimal import Context, Decimal
from fractions import Fraction
from typing import Protocol
from xml.sax.saxutils import escape

from ..language.term import Prime, Reference
from .tree import (
    ATOM,
    POWER,
    PRODUCT,
    Apply,
    Beside,
    Bracket,
    Chain,
    Choice,
    Correlation,
    Entrywise,
    Meaning,
    Node,
    Norm,
    Numeral,
    Parenthesised,
    Quotient,
    Raised,
    Root,
    Spread,
    Symbol,
    Terms,
    Times,
    Total,
    grouped,
)

__all__ = ["SUBSCRIPTS", "TURNED", "Latex", "MathML", "Style", "Unicode", "decimal", "number_form"]

SUBSCRIPTS = dict(zip("0123456789+-=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True))
_SUPERSCRIPTS = dict(
    zip("0123456789+-=()abcdefghijklmnoprstuvwxyz", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ", strict=True)
)
_VULGAR = {Fraction(1, 2): "½", Fraction(1, 4): "¼", Fraction(3, 4): "¾"}
_PRIMES = (3, 6, 7, 9)


class Style(Protocol):
    """A way of writing."""

    def text(self, node: Node) -> str:
        """Return a formula.

        Raises:
            TypeError: If it is no node of the tree.
        """

    def inline(self, node: Node) -> str:
        """Return a formula as it stands in a sentence."""


def number_form(value: Fraction) -> tuple[str, Fraction | int | float]:
    """Return how a number that is not negative is written.

    Returns:
        "whole", "fraction", "root" (the number is its square), "inverse root", or "decimal", and what is written so.
    """
    if value.denominator == 1:
        return ("whole", int(value)) if value < 10**6 else ("decimal", value)
    if value in _VULGAR:
        return "fraction", value
    short = value.denominator <= 1000 and len(f"{float(value):g}") > 5
    if value.denominator <= 1000 and (short or (value.numerator == 1 and value.denominator in _PRIMES)):
        return "fraction", value
    if value.denominator > 1000:
        number = float(value) if value < 2000 else 0.0
        for n in range(2, 1025):
            if number == math.sqrt(n):
                return "root", n
            if number in (1 / math.sqrt(n), n**-0.5):
                return "inverse root", n
        if number == math.sqrt(2 / math.pi):
            return "root", 2 / math.pi
    return "decimal", value


def decimal(number: Fraction | float) -> tuple[str, int]:
    """Return a number's mantissa as text and its power of ten."""
    value = Fraction(number)
    if value == 0 or 10**-300 < abs(value) < 10**300:
        rounded = f"{float(number):.6g}"
        text = rounded if float(rounded) == float(number) else repr(float(number)).removesuffix(".0")
    else:  # a float may not hold it
        text = f"{Context(prec=6).divide(Decimal(value.numerator), Decimal(value.denominator)).normalize():e}"
    mantissa, _, exponent = text.partition("e")
    return mantissa, int(exponent or 0)


class _Numbers:
    """Writes numbers: which form each has is the same in every style, which has patterns for their parts."""

    _digits = "{}"
    _fraction: str
    _root: str
    _two_by_pi: str
    _ten: str
    _scaled: str

    def number(self, value: Fraction) -> str:
        """Return a number that is not negative."""
        kind, what = number_form(value)
        if isinstance(what, Fraction) and kind == "fraction":
            return self._fraction.format(*map(self._digits.format, (what.numerator, what.denominator)))
        if kind in ("root", "inverse root"):
            root = self._root.format(what if isinstance(what, int) else self._two_by_pi)
            return root if kind == "root" else self._fraction.format(self._digits.format(1), root)
        mantissa, power = decimal(what) if kind == "decimal" else (str(what), 0)
        if not power:
            return self._digits.format(mantissa)
        ten = self._ten.format(power)
        return ten if mantissa == "1" else self._scaled.format(self._digits.format(mantissa), ten)


class Unicode(_Numbers):
    """Unicode text."""

    _fraction, _root, _two_by_pi, _ten, _scaled = "({}/{})", "√{}", "(2/π)", "10^{}", "{}·{}"

    def inline(self, node: Node) -> str:
        """Return a formula as it stands in a sentence."""
        return self.text(node)

    def text(self, node: Node) -> str:
        """Return a formula.

        Raises:
            TypeError: If it is no node of the tree.
        """
        match node:
            case Symbol():
                return self.symbol(node)
            case Numeral():
                return self.number(node.value)
            case Parenthesised():
                return f"({self.text(node.inside)})"
            case Apply():
                return self._apply(node)
            case Norm():
                return f"‖{self.text(node.inside)}‖" + ("²" if node.squared else "")
            case Root():
                inside = self.text(node.inside)
                return f"√{inside}" if node.inside.level == ATOM and len(inside) <= 3 else f"√({inside})"
            case Raised():
                return self._raised(node)
            case Chain():
                return self._chain(node)
            case Times():
                return self._times(node)
            case Entrywise():
                return " ⊙ ".join(map(self.text, node.factors))
            case Quotient():
                top, bottom = self.text(grouped(node.top, PRODUCT)), self.text(grouped(node.bottom, POWER))
                return f"{'−' if node.negative else ''}{top} / {bottom}"
            case Total():
                return self._total(node)
            case Terms():
                return self._terms(node)
            case Bracket():
                left, right = (side if isinstance(side, str) else self.text(side) for side in (node.left, node.right))
                return f"[{left} {node.relation} {right}]"
            case Correlation():
                return f"{self.text(node.left)} {node.sign} {self.text(node.right)}"
            case Spread():
                return self._spread(node)
            case Choice():
                left, right, yes, no = map(self.text, (node.left, node.right, node.yes, node.no))
                return f"({yes} if {left} {node.relation} {right} else {no})"
            case Beside():
                return f"({node.number}, {self.text(node.inside)})"
        raise TypeError(f"no formula: {node!r}")

    def _spread(self, node: Spread) -> str:
        text = self.text(node.inside)
        if node.over != "columns":
            return text + {"column": "𝟏", "matrix": "𝟏𝟏ᵀ", "rows": "𝟏ᵀ"}[node.over]
        return "𝟏" + (f"({text})" if _has_superscript(text) and not text.startswith("(") else text) + "ᵀ"

    def symbol(self, node: Symbol) -> str:
        """Return a name."""
        if node.is_rate:
            return f"R{{{self.symbol(replace(node, is_rate=False))}}}"
        stem = node.delta + node.stem
        mark = {"": "", "prime": "′", "bar": "\u0304"}[node.mark]
        above = "".join(_SUPERSCRIPTS.get(c, c) for c in node.above)
        digits = "".join(SUBSCRIPTS[c] for c in node.digits)
        return stem + mark + above + digits + self.indices(node.below)

    def indices(self, below: tuple[str, ...]) -> str:
        """Return the indices below a name."""
        text = ("" if all(len(index) == 1 for index in below) else ",").join(below)
        if all(c in SUBSCRIPTS for c in text):
            return "".join(SUBSCRIPTS[c] for c in text)
        return f"[{text}]"

    def number(self, value: Fraction) -> str:
        """Return a number that is not negative."""
        text = _VULGAR.get(value) or super().number(value)
        digits, ten, power = text.rpartition("10^")
        return digits + "10" + "".join(_SUPERSCRIPTS[c] for c in power) if ten else text

    def _apply(self, node: Apply) -> str:
        args = ", ".join(map(self.text, node.args))
        if node.name == "abs":
            return f"|{args}|"
        sign = node.name + (self.indices((node.layer,)) if node.layer else "") + ("′" if node.prime else "")
        below = f"_{{{node.below}}}" if " " in node.below else self.indices((node.below,)) if node.below else ""
        return f"{sign}{below}({args})"

    def _raised(self, node: Raised) -> str:
        base = self.text(node.base)
        if _has_superscript(base) and not base.startswith("(") and not isinstance(node.base, (Apply, Norm, Root)):
            base = f"({base})"
        exponent = str(node.exponent)
        if node.exponent.denominator == 1:
            return base + "".join(_SUPERSCRIPTS[c] for c in exponent)
        kind, what = number_form(abs(node.exponent))
        plain = kind == "decimal" and decimal(what)[1] == 0
        return f"{base}^{decimal(node.exponent)[0] if plain and node.exponent > 0 else f'({exponent})'}"

    def _chain(self, node: Chain) -> str:
        out = ""
        for link, is_turned in node.links:
            text = self.text(grouped(link, ATOM))
            if is_turned:
                text = (f"({text})" if _has_superscript(text) and not text.startswith("(") else text) + "ᵀ"
            out += (" " if out and _matrices_touch(out, text) else "") + text
        return out

    def _times(self, node: Times) -> str:
        out = ""
        for factor in node.factors:
            text = self.text(factor)
            out += (" " if out and _scalars_touch(out, text) else "") + text
        number = self.number(node.number) if node.number != 1 or not node.factors else ""
        both_digits = number and out and number[-1].isdigit() and out[0].isdigit()
        over_index = number and re.match("Σ[^ (]", out)
        gap = " " if both_digits or over_index else ""
        return ("−" if node.negative else "") + number + gap + out

    def _total(self, node: Total) -> str:
        inside = self.text(node.inside)
        if node.conditions:
            return f"Σ_{{{', '.join(node.conditions)}}} {inside}"
        if node.below:
            return f"Σ{self.indices((node.below,))} {inside}"
        return f"Σ{inside}" if inside.startswith("(") else f"Σ {inside}"

    def _terms(self, node: Terms) -> str:
        out = ""
        for k, (is_minus, part) in enumerate(node.parts):
            sign = ("−" if is_minus else "") if not k else (" − " if is_minus else " + ")
            out += sign + self.text(part)
        return out


def _has_superscript(text: str) -> bool:
    return any(c in _SUPERSCRIPTS.values() for c in text)


def _word_end(text: str) -> int:
    found = re.search(r"[A-Za-z]*$", text)
    return len(found[0]) if found else 0


def _word_start(text: str) -> int:
    found = re.match(r"[A-Za-z]*", text)
    return len(found[0]) if found else 0


def _matrices_touch(a: str, b: str) -> bool:
    """Whether a space belongs between two factors of a matrix product: beside names of several letters."""
    if b[0] in "(‖[":
        return a[-1].isalpha() and _word_end(a) > 1
    if _word_end(a) > 1 or _word_start(b) > 1:
        return a[-1].isalnum() or (a[-1] in {*SUBSCRIPTS.values(), *_SUPERSCRIPTS.values()} and _word_start(b) > 1)
    return False


def _scalars_touch(a: str, b: str) -> bool:
    """Whether a space belongs between two factors that are numbers."""
    if (_last_name(a) > 1 and (b[0].isalpha() or b[0] in "(‖𝟏[")) or (_first_name(b) > 1 and a[-1].isalpha()):
        return True
    return a[-1].isalpha() and b[0].isalpha() and (_word_end(a) > 1 or _word_start(b) > 1)


def _last_name(text: str) -> int:
    """Return how many letters the name at the end of a text has."""
    count = 0
    for c in reversed(text):
        if c in SUBSCRIPTS.values() or c in _SUPERSCRIPTS.values():
            if count:
                break
            continue
        if not c.isalpha():
            break
        count += 1
    return count


def _first_name(text: str) -> int:
    count = 0
    for c in text:
        if not c.isalpha() or c in SUBSCRIPTS.values() or c in _SUPERSCRIPTS.values():
            break
        count += 1
    return count


_FROM_SUBSCRIPTS = {below: plain for plain, below in SUBSCRIPTS.items()}
_TO_PLAIN = str.maketrans(_FROM_SUBSCRIPTS)
_LATEX_LETTERS = {
    "α": r"\alpha", "β": r"\beta", "γ": r"\gamma", "δ": r"\delta", "ε": r"\varepsilon", "μ": r"\mu", "σ": r"\sigma",
    "φ": r"\phi", "ρ": r"\rho", "ξ": r"\xi", "π": r"\pi", "θ": r"\theta", "λ": r"\lambda", "τ": r"\tau", "Θ": r"\Theta",
    "ω": r"\omega", "η": r"\eta", "κ": r"\kappa", "ν": r"\nu", "ψ": r"\psi", "χ": r"\chi", "ζ": r"\zeta", "ℓ": r"\ell",
    "𝟏": r"\mathbf{1}",
}  # fmt: skip
_LATEX_FUNCTIONS = {"log", "exp", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arctan", "max", "min"}
_LATEX_RELATIONS = {"≤": r"\leq", "≥": r"\geq", "≠": r"\neq", "<": "<", ">": ">", "=": "="}


class Latex(_Numbers):
    """LaTeX, for a display in mathematics."""

    _fraction, _root, _two_by_pi = r"\frac{{{}}}{{{}}}", r"\sqrt{{{}}}", r"2/\pi"
    _ten, _scaled = "10^{{{}}}", r"{} \cdot {}"

    def inline(self, node: Node) -> str:
        """Return a formula as it stands in a sentence."""
        return f"${self.text(node)}$"

    def text(self, node: Node) -> str:
        """Return a formula.

        Raises:
            TypeError: If it is no node of the tree.
        """
        match node:
            case Symbol():
                return self.symbol(node)
            case Numeral():
                return self.number(node.value)
            case Parenthesised():
                return rf"\left({self.text(node.inside)}\right)"
            case Apply():
                return self._apply(node)
            case Norm():
                return rf"\Vert {self.text(node.inside)} \Vert" + ("^{2}" if node.squared else "")
            case Root():
                return rf"\sqrt{{{self.text(node.inside)}}}"
            case Raised():
                base = self.text(node.base)
                return f"{base if isinstance(node.base, Parenthesised) else f'{{{base}}}'}^{{{node.exponent}}}"
            case Chain():
                return " ".join(self._link(link, is_turned) for link, is_turned in node.links)
            case Times():
                number = [self.number(node.number)] if node.number != 1 or not node.factors else []
                return ("-" if node.negative else "") + " ".join([*number, *map(self.text, node.factors)])
            case Entrywise():
                return r" \odot ".join(map(self.text, node.factors))
            case Quotient():
                return ("-" if node.negative else "") + rf"\frac{{{self.text(node.top)}}}{{{self.text(node.bottom)}}}"
            case Total():
                below = ", ".join(self._plain(c) for c in node.conditions) or ", ".join(node.below)
                return r"\sum" + (f"_{{{below}}}" if below else "") + " " + self.text(node.inside)
            case Terms():
                out = ""
                for k, (is_minus, part) in enumerate(node.parts):
                    out += (("-" if is_minus else "") if not k else (" - " if is_minus else " + ")) + self.text(part)
                return out
            case Bracket():
                sides = [self._plain(s) if isinstance(s, str) else self.text(s) for s in (node.left, node.right)]
                return rf"\left[{sides[0]} {_LATEX_RELATIONS[node.relation]} {sides[1]}\right]"
            case Correlation():
                sign = r"\star" if node.sign == "⋆" else "*"
                return f"{self.text(node.left)} {sign} {self.text(node.right)}"
            case Spread():
                one, turned = r"\mathbf{1}", r"\mathbf{1}^{\top}"
                if node.over == "columns":
                    return f"{one} {self._link(node.inside, True)}"
                return (
                    self.text(node.inside)
                    + " "
                    + {"column": one, "matrix": f"{one} {turned}", "rows": turned}[node.over]
                )
            case Choice():
                left, right, yes, no = map(self.text, (node.left, node.right, node.yes, node.no))
                condition = f"{left} {_LATEX_RELATIONS[node.relation]} {right}"
                return rf"\left({yes} \ \mathrm{{if}} \ {condition} \ \mathrm{{else}} \ {no}\right)"
            case Beside():
                return f"({node.number}, {self.text(node.inside)})"
        raise TypeError(f"no formula: {node!r}")

    def symbol(self, node: Symbol) -> str:
        """Return a name."""
        if node.is_rate:
            return rf"\mathcal{{R}}\{{{self.symbol(replace(node, is_rate=False))}\}}"
        stem, digits, below = node.stem, node.digits, node.below
        if re.fullmatch(r"[A-Z][A-Za-z]{1,2}", stem):
            stem, digits = stem[0], stem[1:] + digits
        text = "".join(_LATEX_LETTERS.get(c, c) for c in stem) if len(stem) < 2 else rf"\mathrm{{{self._word(stem)}}}"
        if node.mark == "bar":
            text = rf"\bar{{{text}}}"
        if node.delta:
            text = f"{_LATEX_LETTERS.get(node.delta, node.delta)} {text}".strip()
        above = " ".join(each for each in (r"\prime" if node.mark == "prime" else "", node.above) if each)
        low = ", ".join(self._plain(each) for each in ((digits,) if digits else ()) + below)
        return text + (f"^{{{above}}}" if above else "") + (f"_{{{low}}}" if low else "")

    def _apply(self, node: Apply) -> str:
        args = ", ".join(map(self.text, node.args))
        if node.name == "abs":
            return rf"\left|{args}\right|"
        name = (
            self.function(node.name)
            + ("^{\\prime}" if node.prime else "")
            + (f"_{{{self._plain(node.layer or node.below)}}}" if node.layer or node.below else "")
        )
        return rf"{name}\left({args}\right)"

    def function(self, name: str) -> str:
        """Return the name of a function."""
        if name in _LATEX_FUNCTIONS:
            return f"\\{name}"
        if len(name) == 1:
            return _LATEX_LETTERS.get(name, name)
        return " ".join(f"\\{w}" if w in _LATEX_FUNCTIONS else rf"\mathrm{{{self._word(w)}}}" for w in name.split())

    def _link(self, link: Node, is_turned: bool) -> str:
        text = self.text(grouped(link, ATOM))
        if not is_turned:
            return text
        if isinstance(link, Symbol) and link.above:
            text = rf"\left({text}\right)"
        return (text if len(text) == 1 or text.endswith(r"\right)") else f"{{{text}}}") + r"^{\top}"

    def _plain(self, text: str) -> str:
        plain = re.sub(f"[{''.join(_FROM_SUBSCRIPTS)}]+", lambda run: f"_{{{run[0].translate(_TO_PLAIN)}}}", text)
        plain = plain.replace("−", "-")
        return "".join(f"{_LATEX_RELATIONS[c]} " if c in _LATEX_RELATIONS and c not in "=<>" else c for c in plain)

    def _word(self, text: str) -> str:
        return text.replace("_", r"\_")


_GAP = '<mspace width=".12em"></mspace>'
TURNED = '<mi mathvariant="normal" class="T">T</mi>'
_FENCES = {*"()[]|‖"}


class MathML(_Numbers):
    """Presentation MathML, with the class "v" on names of values, "g" on those of adjoints, and "l" on slopes."""

    _digits, _fraction, _root, _two_by_pi = "<mn>{}</mn>", "<mfrac>{}{}</mfrac>", "<msqrt><mn>{}</mn></msqrt>", "2/π"
    _ten, _scaled = "<msup><mn>10</mn><mn>{}</mn></msup>", "<mrow>{}<mo>·</mo>{}</mrow>"

    def inline(self, node: Node) -> str:
        """Return a formula as it stands in a sentence."""
        return f"<math>{self.text(node)}</math>"

    def attributes(self, meaning: Meaning) -> str:
        """Return the attributes of an element that stands for a term, each after a space."""
        kind = self.kind(meaning)
        return f' class="{kind}"' if kind else ""

    def kind(self, meaning: Meaning) -> str:
        """Return the class of an element that stands for a term; empty if it is none of the three."""
        if isinstance(meaning.term, Reference):
            return "g" if meaning.term.family.kind == "adjoint" else "v"
        return "l" if isinstance(meaning.term, Prime) else ""

    def derivative(self, loss: str, node: Symbol) -> str:
        """Return the derivative of the loss, an element, by what is named."""
        d, given = '<mo form="prefix">∂</mo>', self.attributes(node.meaning) if node.meaning else ""
        return f"<mfrac{given}><mrow>{d}{loss}</mrow><mrow>{d}{self.symbol(node)}</mrow></mfrac>"

    def text(self, node: Node) -> str:
        """Return a formula as one element.

        Raises:
            TypeError: If it is no node of the tree.
        """
        text = self._element(node)
        given = self.attributes(node.meaning) if node.meaning is not None else ""
        if not given:
            return text
        name = re.match(r"<\w+(?=>)", text)  # an element that has none
        return f"{name[0]}{given}{text[name.end() :]}" if name else f"<mrow{given}>{text}</mrow>"

    def _element(self, node: Node) -> str:
        match node:
            case Symbol():
                return self.symbol(node)
            case Numeral():
                return self.number(node.value)
            case Parenthesised():
                return _row(_sign("("), self.text(node.inside), _sign(")"))
            case Apply():
                args = _sign(",").join(map(self.text, node.args))
                if node.name == "abs":
                    return _row(_sign("|"), args, _sign("|"))
                name = f"<mi>{escape(node.name)}</mi>"
                if node.prime:
                    name = f"<msup>{name}{_sign('′')}</msup>"
                if node.layer or node.below:
                    name = f"<msub>{name}<mi>{escape(node.layer or node.below)}</mi></msub>"
                return _row(name, _sign("("), args, _sign(")"))
            case Norm():
                norm = _row(_sign("‖"), self.text(node.inside), _sign("‖"))
                return _raised(norm, "<mn>2</mn>") if node.squared else norm
            case Root():
                return f"<msqrt>{self.text(node.inside)}</msqrt>"
            case Raised():
                exponent = (
                    f"<mn>{abs(node.exponent)}</mn>"
                    if node.exponent > 0
                    else _row(_sign("−"), f"<mn>{-node.exponent}</mn>")
                )
                return _raised(self.text(node.base), exponent)
            case Chain():
                return _row(*(self._link(link, is_turned) for link, is_turned in node.links), between=_GAP)
            case Times():
                number = [self.number(node.number)] if node.number != 1 or not node.factors else []
                factors = [_row(*map(self.text, node.factors), between=_GAP)] if node.factors else []
                return _row(*([_sign("−")] if node.negative else []), *number, *factors)
            case Entrywise():
                return _row(*map(self.text, node.factors), between=_sign("⊙"))
            case Quotient():
                return _row(
                    *([_sign("−")] if node.negative else []),
                    f"<mfrac>{self.text(node.top)}{self.text(node.bottom)}</mfrac>",
                )
            case Total():
                below = ", ".join(node.conditions) or node.below
                sign = f"<munder>{_sign('∑')}<mi>{escape(below)}</mi></munder>" if below else _sign("∑")
                return _row(sign, self.text(node.inside))
            case Terms():
                out = []
                for k, (is_minus, part) in enumerate(node.parts):
                    out += [_sign("−" if is_minus else "+")] if k or is_minus else []
                    out.append(self.text(part))
                return _row(*out)
            case Bracket():
                sides = [
                    f"<mi>{escape(s)}</mi>" if isinstance(s, str) else self.text(s) for s in (node.left, node.right)
                ]
                return _row(_sign("["), sides[0], _sign(node.relation), sides[1], _sign("]"))
            case Correlation():
                return _row(self.text(node.left), _sign(node.sign), self.text(node.right))
            case Spread():
                one = "<mn>𝟏</mn>"
                turned = f"<msup>{one}{TURNED}</msup>"
                if node.over == "columns":
                    return _row(one, self._link(node.inside, True))
                return _row(
                    self.text(node.inside), *{"column": [one], "matrix": [one, turned], "rows": [turned]}[node.over]
                )
            case Choice():
                left, right, yes, no = map(self.text, (node.left, node.right, node.yes, node.no))
                condition = (_word("if"), left, _sign(node.relation), right, _word("else"))
                return _row(_sign("("), yes, *condition, no, _sign(")"))
            case Beside():
                return _row(_sign("("), f"<mn>{node.number}</mn>", _sign(","), self.text(node.inside), _sign(")"))
        raise TypeError(f"no formula: {node!r}")

    def symbol(self, node: Symbol) -> str:
        """Return a name."""
        if node.is_rate:
            return _row("<mi>R</mi>", _sign("{"), self.symbol(replace(node, is_rate=False)), _sign("}"))
        text = f"<mi>{escape(node.stem)}</mi>" if node.stem else ""
        if node.mark == "bar":
            text = f"<mover>{text}{_sign('¯')}</mover>"
        if node.delta:
            text = _row(f"<mi>{node.delta}</mi>", text) if text else f"<mi>{node.delta}</mi>"
        above = [
            *([_sign("′")] if node.mark == "prime" else []),
            *([_index(node.above)] if node.above else []),
        ]
        lows = ((node.digits,) if node.digits else ()) + node.below
        low = ("" if all(len(each) == 1 for each in lows) else ",").join(lows)
        if above and low:
            return f"<msubsup>{text}{_index(low)}{_row(*above)}</msubsup>"
        if above:
            return f"<msup>{text}{_row(*above)}</msup>"
        return f"<msub>{text}{_index(low)}</msub>" if low else text

    def _link(self, link: Node, is_turned: bool) -> str:
        text = self.text(grouped(link, ATOM))
        if not is_turned:
            return text
        text = text if not isinstance(link, Symbol) else self.symbol(link)
        if isinstance(link, Symbol) and link.above:
            text = _row(_sign("("), text, _sign(")"))
        turned = _raised(text, TURNED)
        given = self.attributes(link.meaning.turned) if isinstance(link, Symbol) and link.meaning else ""
        return f"<mrow{given}>{turned}</mrow>" if given else turned


def _row(*parts: str, between: str = "") -> str:
    return parts[0] if len(parts) == 1 else f"<mrow>{between.join(parts)}</mrow>"


def _word(text: str) -> str:
    return f"<mtext>\u00a0{text}\u00a0</mtext>"


def _sign(text: str) -> str:
    return f'<mo stretchy="false">{text}</mo>' if text in _FENCES else f"<mo>{escape(text)}</mo>"


def _index(text: str) -> str:
    """Return an index: letters, numbers, and the signs between them."""
    marks = {"-": "−"}
    tokens = re.findall(r"[0-9]+|[^0-9+,()-]+|[+,()-]", text)
    tags = ["mn" if each[0] in "0123456789" else "mo" if each in "+-,()" else "mi" for each in tokens]
    return _row(*(f"<{tag}>{escape(marks.get(each, each))}</{tag}>" for tag, each in zip(tags, tokens, strict=True)))


def _raised(base: str, script: str) -> str:
    """Return a superscript; behind a parenthesis it is that of the parenthesis, whatever stands in it is high."""
    for closing in map(_sign, ")‖"):
        if base.endswith(f"{closing}</mrow>"):
            return f"{base.removesuffix(f'{closing}</mrow>')}<msup>{closing}{script}</msup></mrow>"
    return f"<msup>{base}{script}</msup>"
