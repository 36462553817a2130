"""Equations as MathML in the colours of the picture; a term that has numbers carries the number it is found by."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..svg import escaped
from .terms import Equation, Equations, Term, walked

__all__ = ["Notation"]

LINE = 34
"""A sum of more characters may break."""

_SUM, _ENTRY, _PRODUCT, _POWER, _ATOM = range(5)
_FUNCTIONS = {"logsumexp": "lse", "softmax by rows": "softmax", "softmax by columns": "softmax"}


class Notation:
    """Writes the equations of one graph.

    Attributes:
        terms: The terms by their numbers, as in `data-t` of the markup.
    """

    def __init__(self, equations: Equations) -> None:
        self.equations = equations
        self.terms: list[Term] = []
        for equation in equations.all:
            self.terms += [*walked(equation.target), *walked(equation.value)]
        self._numbered: Mapping[int, int] = {id(term): k for k, term in enumerate(self.terms)}
        self._several = len(set(equations.activations.values())) > 1

    def equation(self, equation: Equation) -> str:
        """Return an equation; a long sum in pieces between which a line may break."""
        left = f'{self.write(equation.target)}<mo class="sign">{"+=" if equation.add else "="}</mo>'
        whole = f"<math>{left}{self.write(equation.value)}</math>"
        if equation.value.kind != "sum" or len(re.sub("<[^>]*>", "", whole)) <= LINE:
            return whole
        first, *others = self._summands(equation.value)
        return f"<math>{left}{first}</math>" + "".join(f"<math>{other}</math>" for other in others)

    def kind(self, name: str) -> str:
        """Return the colour of an array: "v" for values, "g" for gradients."""
        array = self.equations.arrays.get(name)
        return "g" if array is not None and array.role == "adjoint" else "v"

    def symbol(self, name: str) -> str:
        """Return the symbol of an array."""
        array = self.equations.arrays[name]
        if array.role == "adjoint":
            of = self.equations.arrays[array.of]
            return _raised("δ", of.layer) if of.role == "z" else _by(self.symbol(array.of))
        if name == self.equations.input:
            return _raised("a", 0)
        if array.role == "loss":
            return "<mi>C</mi>"
        if array.role in ("z", "a"):
            return _raised(array.role, array.layer)
        stem = name.rstrip("0123456789")
        digits, stem = name[len(stem) :], stem.removesuffix("_")
        if not stem or not digits:
            return f"<mi>{escaped(name)}</mi>"
        return (
            _raised(stem, digits) if stem in ("W", "b") else f"<msub><mi>{escaped(stem)}</mi><mn>{digits}</mn></msub>"
        )

    def write(self, term: Term, least: int = _SUM) -> str:
        """Return a term, in parentheses if it binds less tightly than `least`."""
        markup, binds = self._raw(term)
        return markup if binds >= least else f"{_paren('(')}{markup}{_paren(')')}"

    def _marked(self, term: Term, kind: str, markup: str) -> str:
        number = self._numbered.get(id(term))
        marks = "" if number is None else f' class="t {kind}" data-t="{number}"'
        return f"<mrow{marks}>{markup}</mrow>"

    def _raw(self, term: Term) -> tuple[str, int]:
        writer = getattr(self, f"_{term.kind}", None)
        if writer is None:
            raise TypeError(f"no notation for {term.kind}")
        markup, binds = writer(term)
        return markup, binds

    # --- one method for each kind ----------------------------------------------------------------

    def _number(self, term: Term) -> tuple[str, int]:
        if "/" in term.text and len(term.text) <= 6:
            over, under = term.text.lstrip("-").split("/")
            sign = '<mo form="prefix">−</mo>' if term.number < 0 else ""
            return f"{sign}<mfrac class='half'><mn>{over}</mn><mn>{under}</mn></mfrac>", _ATOM
        sign = '<mo form="prefix">−</mo>' if term.number < 0 else ""
        return f"{sign}<mn>{abs(term.number):.4g}</mn>", _ATOM

    def _name(self, term: Term) -> tuple[str, int]:
        view = f'<mtext class="view">{escaped(term.view)}</mtext>' if term.view else ""
        return self._marked(term, self.kind(term.name), self.symbol(term.name) + view), _ATOM

    def _numbers(self, term: Term) -> tuple[str, int]:
        flat = [number for row in term.values for number in row]
        text = ", ".join(f"{number:.3g}" for number in flat[:3]).replace("-", "−") + (", …" if len(flat) > 3 else "")
        return self._marked(term, "v", f'<mtext class="view">[{text}]</mtext>'), _ATOM

    def _sum(self, term: Term) -> tuple[str, int]:
        return self._marked(term, "x", "".join(self._summands(term))), _SUM

    def _summands(self, term: Term) -> list[str]:
        """Return the terms of a sum with their signs."""
        out = []
        for k, part in enumerate(term.parts):
            negative, positive = _sign_apart(part)
            form = "infix" if k else "prefix"
            sign = f'<mo form="{form}">{"−" if negative else "+"}</mo>' if k or negative else ""
            out.append(sign + self.write(positive, _ENTRY))
        return out

    def _product(self, term: Term) -> tuple[str, int]:
        scalars = [part for part in term.parts if part.kind in ("number", "total")]
        entries = [part for part in term.parts if part not in scalars]
        minus = next((part for part in scalars if part.kind == "number" and part.number == -1.0), None)
        head = '<mo form="prefix">−</mo>' if minus is not None else ""
        head += "".join(self.write(part, _PRODUCT) for part in scalars if part is not minus)
        body = "<mo>⊙</mo>".join(self.write(part, _PRODUCT) for part in entries)
        return self._marked(term, "x", head + body), _ENTRY if len(entries) > 1 or minus is not None else _PRODUCT

    def _power(self, term: Term) -> tuple[str, int]:
        if term.exponent < 0:
            below = self.write(term.parts[0], _SUM if term.exponent == -1 else _ATOM)
            raised = below if term.exponent == -1 else f"<msup><mrow>{below}</mrow><mn>{-term.exponent}</mn></msup>"
            return self._marked(term, "x", f"<mfrac><mn>1</mn><mrow>{raised}</mrow></mfrac>"), _ENTRY
        base = self.write(term.parts[0], _ATOM)
        if "<msup>" in base and term.parts[0].kind == "name":
            base = f"{_paren('(')}{base}{_paren(')')}"
        return self._marked(term, "x", f"<msup><mrow>{base}</mrow><mn>{term.exponent}</mn></msup>"), _POWER

    def _call(self, term: Term) -> tuple[str, int]:
        args = "<mo>,</mo>".join(self.write(part) for part in term.parts)
        at = term.parts[0]
        array = self.equations.arrays.get(at.name)
        own = array is not None and array.role == "z" and self.equations.activations.get(array.layer) == term.name
        if at.kind == "name" and own and array is not None:
            name = f"<msub><mi>σ</mi><mn>{array.layer}</mn></msub>" if self._several else "<mi>σ</mi>"
        else:
            name = f'<mi mathvariant="normal">{escaped(_FUNCTIONS.get(term.name, term.name))}</mi>'
        return self._marked(term, "x", f"{name}{_paren('(')}{args}{_paren(')')}"), _ATOM

    def _local(self, term: Term) -> tuple[str, int]:
        layer = self.equations.arrays[term.parts[0].name].layer
        several, one = f"<msubsup><mi>σ</mi><mn>{layer}</mn><mo>′</mo></msubsup>", "<msup><mi>σ</mi><mo>′</mo></msup>"
        at = f"{_paren('(')}{self.symbol(term.parts[0].name)}{_paren(')')}"
        return self._marked(term, "l", (several if self._several else one) + at), _ATOM

    def _matmul(self, term: Term) -> tuple[str, int]:
        left, right = (self.write(part, _PRODUCT) for part in term.parts)
        return self._marked(term, "x", f'{left}<mspace width=".08em"></mspace>{right}'), _PRODUCT

    def _transpose(self, term: Term) -> tuple[str, int]:
        inner = term.parts[0]
        plain = inner.kind == "name" and "<msup>" not in (own := self.symbol(inner.name)) and "<mfrac>" not in own
        body = self.write(inner) if plain else f"{_paren('(')}{self.write(inner)}{_paren(')')}"
        kind = self.kind(inner.name) if inner.kind == "name" else "x"
        letter = '<mi class="T" mathvariant="normal">T</mi>'
        return self._marked(term, kind, f"<msup><mrow>{body}</mrow>{letter}</msup>"), _POWER

    def _total(self, term: Term) -> tuple[str, int]:
        inner = term.parts[0]
        if inner.kind == "power" and inner.exponent == 2:
            norm = f'<mo stretchy="false">‖</mo>{self.write(inner.parts[0])}<mo stretchy="false">‖</mo>'
            return self._marked(term, "x", f"<msup><mrow>{norm}</mrow><mn>2</mn></msup>"), _POWER
        if inner.kind == "product" and len(inner.parts) == 2:
            left = self.write(Term("transpose", inner.parts[:1]))
            return self._marked(term, "x", left + self.write(inner.parts[1], _PRODUCT)), _PRODUCT
        return self._marked(term, "x", f"<mo>Σ</mo>{self.write(inner, _PRODUCT)}"), _PRODUCT

    def _lines(self, term: Term) -> tuple[str, int]:
        inner = term.parts[0] if term.axis else Term("transpose", term.parts)
        return self._marked(term, "x", self.write(inner, _PRODUCT) + "<mn class='ones'>1</mn>"), _PRODUCT

    def _repeat(self, term: Term) -> tuple[str, int]:
        letter = '<mi class="T" mathvariant="normal">T</mi>'
        if term.axis:
            body = self.write(term.parts[0], _PRODUCT) + f"<msup><mn class='ones'>1</mn>{letter}</msup>"
        else:
            body = "<mn class='ones'>1</mn>" + self.write(Term("transpose", term.parts))
        return self._marked(term, "x", body), _PRODUCT

    def _stack(self, term: Term) -> tuple[str, int]:
        rows = "".join(f"<mtr><mtd>{self.write(part)}</mtd></mtr>" for part in term.parts)
        body = f'<mo stretchy="true">[</mo><mtable>{rows}</mtable><mo stretchy="true">]</mo>'
        return self._marked(term, "x", body), _ATOM

    def _cases(self, term: Term) -> tuple[str, int]:
        condition, yes, no = (self.write(part) for part in term.parts)
        body = f"{yes}<mtext>&#160;if&#160;</mtext>{condition}<mtext>&#160;else&#160;</mtext>{no}"
        return self._marked(term, "x", f"{_paren('(')}{body}{_paren(')')}"), _ATOM

    def _test(self, term: Term) -> tuple[str, int]:
        left, right = (self.write(part, _ENTRY) for part in term.parts)
        sign = {"<=": "≤", ">=": "≥", "!=": "≠", "==": "="}.get(term.name, term.name)
        return self._marked(term, "x", f"{_paren('[')}{left}<mo>{escaped(sign)}</mo>{right}{_paren(']')}"), _ATOM

    def _pick(self, term: Term) -> tuple[str, int]:
        places = [str(place) for row in term.places for place in row]
        text = ",".join(places[:4]) + ("…" if len(places) > 4 else "")
        return self._marked(term, "x", f'{self.write(term.parts[0], _ATOM)}<mtext class="view">[{text}]</mtext>'), _ATOM


def _paren(sign: str) -> str:
    return f'<mo class="p" stretchy="false">{sign}</mo>'


def _raised(letter: str, index: int | str) -> str:
    return f"<msup><mi>{escaped(letter)}</mi><mn>{index}</mn></msup>"


def _by(symbol: str) -> str:
    d = '<mo form="prefix">∂</mo>'
    return f"<mfrac><mrow>{d}<mi>C</mi></mrow><mrow>{d}{symbol}</mrow></mfrac>"


def _sign_apart(term: Term) -> tuple[bool, Term]:
    """Return whether a term is subtracted, and the term without its sign."""
    if term.kind == "number" and term.number < 0:
        return True, Term("number", number=-term.number, text=term.text.lstrip("-"))
    first = term.parts[0] if term.kind == "product" else None
    if first is None or first.kind != "number" or first.number >= 0:
        return False, term
    if first.number == -1.0:
        rest = term.parts[1:]
        return True, rest[0] if len(rest) == 1 else Term("product", rest)
    return True, Term("product", (Term("number", number=-first.number, text=first.text.lstrip("-")), *term.parts[1:]))
