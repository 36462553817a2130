"""Equations as MathML in the colours of the picture; a term that has numbers carries the number it is found by."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..svg import escaped
from .terms import Equation, Equations, Term, walked

__all__ = ["Notation", "length"]

LINE = 24
"""A wider equation, in letters, may break, at the signs between its outermost terms."""

TRANSPOSED = '<mi class="T" mathvariant="normal">T</mi>'
NORM = '<mo stretchy="false">‖</mo>'
MINUS = '<mo form="prefix">−</mo>'

_SUM, _ENTRY, _PRODUCT, _POWER, _ATOM = range(5)
_FUNCTIONS = {"logsumexp": "lse", "softmax by rows": "softmax", "softmax by columns": "softmax"}


class Notation:
    """Writes the equations of one graph.

    Attributes:
        terms: The terms by their numbers, as in `data-t` of the markup.
    """

    def __init__(self, equations: Equations, output: str = "C") -> None:
        self.equations = equations
        self._output = f"<mi>{escaped(output)}</mi>"
        self.terms: list[Term] = []
        for equation in equations.all:
            self.terms += [*walked(equation.target), *walked(equation.value)]
        self._numbered: Mapping[int, int] = {id(term): k for k, term in enumerate(self.terms)}
        self._several = len(set(equations.activations.values())) > 1

    def equation(self, equation: Equation) -> str:
        """Return an equation; a long one in pieces between which a line may break."""
        left = f'{self.write(equation.target)}<mo class="sign">{"+=" if equation.add else "="}</mo>'
        pieces = self._pieces(equation.value, room=LINE - length(left))
        return f"<math>{left}{pieces[0]}</math>" + "".join(f"<math>{piece}</math>" for piece in pieces[1:])

    def _pieces(self, term: Term, least: int = _SUM, room: float = LINE) -> list[str]:
        """Return a term; one that is too long in pieces, which begin with the signs between its outermost terms."""
        whole, binds = self._raw(term)
        if binds < least:
            whole = f"{_paren('(')}{whole}{_paren(')')}"
        if length(whole) <= room or term.kind not in ("sum", "product", "matmul", "transpose", "lines", "repeat"):
            return [whole]
        if term.kind == "transpose":
            inside = self._pieces(term.parts[0], room=room - 2)
            return _enclosed(inside, _superscript(_paren(")"), TRANSPOSED)) if len(inside) > 1 else [whole]
        if term.kind in ("lines", "repeat"):
            if not term.axis:
                return [whole]
            ones = "<mn class='ones'>1</mn>"
            *others, last = self._pieces(term.parts[0], _PRODUCT, room)
            return [*others, last + (ones if term.kind == "lines" else f"<msup>{ones}{TRANSPOSED}</msup>")]
        if term.kind == "matmul":
            pieces = [piece for part in term.parts for piece in self._pieces(part, _PRODUCT, room)]
        else:
            pieces = []
            for sign, part in self._summands(term) if term.kind == "sum" else self._factors(term):
                first, *others = self._pieces(part, _ENTRY if term.kind == "sum" else _PRODUCT, room)
                pieces += [sign + first, *others]
        return _enclosed(pieces, _paren(")")) if binds < least else pieces

    def kind(self, name: str) -> str:
        """Return the colour of an array: "v" for values, "g" for gradients."""
        array = self.equations.arrays.get(name)
        return "g" if array is not None and array.role == "adjoint" else "v"

    def symbol(self, name: str) -> str:
        """Return the symbol of an array."""
        array = self.equations.arrays[name]
        if array.role == "adjoint":
            of = self.equations.arrays[array.of]
            return _raised("δ", of.layer) if of.role == "z" else self._by(self.symbol(array.of))
        if name == self.equations.input:
            return _raised("a", 0)
        if array.role == "loss":
            return self._output
        if array.role in ("z", "a"):
            return _raised(array.role, array.layer)
        stem = name.rstrip("0123456789")
        digits, stem = name[len(stem) :], stem.removesuffix("_")
        if not stem or not digits:
            return f"<mi>{escaped(name)}</mi>"
        return (
            _raised(stem, digits) if stem in ("W", "b") else f"<msub><mi>{escaped(stem)}</mi><mn>{digits}</mn></msub>"
        )

    def _by(self, symbol: str) -> str:
        d = '<mo form="prefix">∂</mo>'
        return f"<mfrac><mrow>{d}{self._output}</mrow><mrow>{d}{symbol}</mrow></mfrac>"

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
            sign = MINUS if term.number < 0 else ""
            return f"{sign}<mfrac class='half'><mn>{over}</mn><mn>{under}</mn></mfrac>", _ATOM
        sign = MINUS if term.number < 0 else ""
        return f"{sign}<mn>{abs(term.number):.4g}</mn>", _ATOM

    def _name(self, term: Term) -> tuple[str, int]:
        view = f'<mtext class="view">{escaped(term.view)}</mtext>' if term.view else ""
        return self._marked(term, self.kind(term.name), self.symbol(term.name) + view), _ATOM

    def _numbers(self, term: Term) -> tuple[str, int]:
        flat = [number for row in term.values for number in row]
        text = ", ".join(f"{number:.3g}" for number in flat[:3]).replace("-", "−") + (", …" if len(flat) > 3 else "")
        return self._marked(term, "v", f'<mtext class="view">[{text}]</mtext>'), _ATOM

    def _sum(self, term: Term) -> tuple[str, int]:
        return self._marked(term, "x", "".join(s + self.write(part, _ENTRY) for s, part in self._summands(term))), _SUM

    def _summands(self, term: Term) -> list[tuple[str, Term]]:
        """Return the terms of a sum, each behind its sign."""
        out = []
        for k, part in enumerate(term.parts):
            negative, positive = _sign_apart(part)
            form = "infix" if k else "prefix"
            sign = f'<mo form="{form}">{"−" if negative else "+"}</mo>' if k or negative else ""
            out.append((sign, positive))
        return out

    def _product(self, term: Term) -> tuple[str, int]:
        factors = self._factors(term)
        binds = _ENTRY if len(factors) > 1 or factors[0][0].startswith(MINUS) else _PRODUCT
        return self._marked(term, "x", "".join(sign + self.write(part, _PRODUCT) for sign, part in factors)), binds

    def _factors(self, term: Term) -> list[tuple[str, Term]]:
        """Return the factors of a product, each behind its sign, the first one behind the numbers in front."""
        scalars = [part for part in term.parts if part.kind in ("number", "total")]
        entries = [part for part in term.parts if part not in scalars] or [scalars.pop()]
        minus = next((part for part in scalars if part.kind == "number" and part.number == -1.0), None)
        head = MINUS if minus is not None else ""
        head += "".join(self.write(part, _PRODUCT) for part in scalars if part is not minus)
        names = [self.equations.arrays[each.name] for each in walked(term) if each.kind == "name"]
        times = "<mo>·</mo>" if names and all(array.shape == (1, 1) for array in names) else "<mo>⊙</mo>"
        return [(times if k else head, part) for k, part in enumerate(entries)]

    def _power(self, term: Term) -> tuple[str, int]:
        if term.exponent < 0:
            below = self.write(term.parts[0], _SUM if term.exponent == -1 else _ATOM)
            raised = below if term.exponent == -1 else _superscript(below, f"<mn>{-term.exponent}</mn>")
            return self._marked(term, "x", f"<mfrac><mn>1</mn><mrow>{raised}</mrow></mfrac>"), _ENTRY
        base = self.write(term.parts[0], _ATOM)
        if "<msup>" in base and term.parts[0].kind == "name":
            base = f"{_paren('(')}{base}{_paren(')')}"
        return self._marked(term, "x", _superscript(base, f"<mn>{term.exponent}</mn>")), _POWER

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
        return self._marked(term, kind, _superscript(body, TRANSPOSED)), _POWER

    def _total(self, term: Term) -> tuple[str, int]:
        inner = term.parts[0]
        if inner.kind == "power" and inner.exponent == 2:
            norm = f"{NORM}{self.write(inner.parts[0])}{NORM}"
            return self._marked(term, "x", _superscript(norm, "<mn>2</mn>")), _POWER
        if inner.kind == "product" and len(inner.parts) == 2:
            left = self.write(Term("transpose", inner.parts[:1]))
            return self._marked(term, "x", left + self.write(inner.parts[1], _PRODUCT)), _PRODUCT
        return self._marked(term, "x", f"<mo>Σ</mo>{self.write(inner, _PRODUCT)}"), _PRODUCT

    def _lines(self, term: Term) -> tuple[str, int]:
        inner = term.parts[0] if term.axis else Term("transpose", term.parts)
        return self._marked(term, "x", self.write(inner, _PRODUCT) + "<mn class='ones'>1</mn>"), _PRODUCT

    def _repeat(self, term: Term) -> tuple[str, int]:
        if term.axis:
            body = self.write(term.parts[0], _PRODUCT) + f"<msup><mn class='ones'>1</mn>{TRANSPOSED}</msup>"
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


def length(markup: str) -> float:
    """Return how wide an equation is, in letters: a script is narrower, and what stands above others takes no room."""
    return max(
        len(re.sub("<[^>]*>", "", row)) - 0.4 * len(re.findall("</ms(?:up|ub|ubsup)>", row)) - 2 * row.count("<mfrac")
        for row in markup.split("</mtr>")
    )


def _enclosed(pieces: list[str], closing: str) -> list[str]:
    """Return pieces with a parenthesis before the first one and what closes it behind the last one."""
    opened = [_paren("(") + pieces[0], *pieces[1:]]
    return [*opened[:-1], opened[-1] + closing]


def _superscript(base: str, script: str) -> str:
    """Return a superscript; behind a parenthesis it is that of the parenthesis, whatever stands in it is high."""
    for closing in (_paren(")"), NORM):
        if base.endswith(closing):
            return f"{base.removesuffix(closing)}<msup>{closing}{script}</msup>"
    return f"<msup><mrow>{base}</mrow>{script}</msup>"


def _raised(letter: str, index: int | str) -> str:
    return f"<msup><mi>{escaped(letter)}</mi><mn>{index}</mn></msup>"


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
