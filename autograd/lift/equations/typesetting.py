"""Formulas put into letters, in a notation and a style."""

from __future__ import annotations

import re
from fractions import Fraction

from ..matrices.block import Block
from .formula import (
    MINUS_ONE,
    Call,
    Cases,
    Formula,
    LineSum,
    Local,
    Mat,
    Name,
    Num,
    Numbers,
    Pick,
    Power,
    Prod,
    Repeat,
    Stack,
    Sum,
    Test,
    Total,
    Trans,
)
from .naming import Names
from .normal_form import made_of, split, times

__all__ = ["Typesetter"]

_SUM, _ENTRYWISE, _PRODUCT, _POWER, _ATOM = range(5)
_NAMES = {"logsumexp": "lse", "logsumexp by rows": "lse_rows", "softmax by rows": "softmax_rows"}
_PLAIN = {"maximum": "max", "minimum": "min"}

Text = tuple[str, int]
"""A text and how tightly its last operation binds."""


class Typesetter(Names):
    """Writes formulas with these names."""

    def text(self, formula: Formula) -> str:
        """Return a formula's text."""
        return self._write(formula)[0]

    # --- names that are made of formulas ---------------------------------------------------------

    def block(self, block: Block) -> str:
        """Return a block's name."""
        return super().block(block) if block.of is None else self._adjoint(block.of)

    def _adjoint(self, of: Block) -> str:
        if of.role == "z":
            return self.style.symbol(self.notation.delta, self.above(self.layer(of.layer)))
        definition = self.translator.definitions.get(of)
        inside = self.style.parentheses(self.text(definition)) if definition is not None else self.block(of)
        return self.style.derivative(self.style.symbol(self.notation.cost), inside)

    def prime(self, local: Local) -> str:
        """Return the derivative of an activation: σ′(z²)."""
        layer = local.at.block.layer
        if self.notation.prime:
            number = self.layer(layer)
            return self.style.symbol("a", f"({number})", mark="prime")
        below = self.layer(layer) if len(set(self.functions.values())) > 1 else ""
        sign = self.style.symbol(self.notation.function, below=below, mark="prime")
        return sign + self.style.parentheses(self.text(local.at))

    # --- formulas --------------------------------------------------------------------------------

    def _write(self, formula: Formula) -> Text:
        match formula:
            case Num():
                return self._number(formula.value)
            case Name():
                return self._name(formula), _ATOM
            case Numbers():
                number = self.numbers.setdefault(formula.number, len(self.numbers) + 1)
                return self.style.symbol("c", below=str(number)), _ATOM
            case Stack():
                self.seen["stack"] = None
                return self.style.stack([self.text(name) for name in formula.names]), _ATOM
            case Sum():
                return self._sum(formula), _SUM
            case Prod():
                return self._product(formula)
            case Power():
                return self._power(formula)
            case Call():
                return self._call(formula)
            case Local():
                return self.prime(formula), _ATOM
            case Mat() | Trans() | Total() | LineSum() | Repeat():
                return self._matrix(formula)
            case Test():
                self.seen["[]"] = None
                relation = self.style.relations[formula.relation]
                return f"[{self.text(formula.left)} {relation} {self.text(formula.right)}]", _ATOM
            case Cases():
                return self._cases(formula), _ATOM
            case Pick():
                value = self._at_least(formula.value, _POWER)
                number = self.lists.setdefault(formula.number, len(self.lists) + 1)
                return f"{value}[{self.style.symbol('i', below=str(number))}]", _ATOM
        raise TypeError(f"no text for {type(formula).__name__}")

    def _at_least(self, formula: Formula, level: int) -> str:
        text, own = self._write(formula)
        return text if own >= level else self.style.parentheses(text)

    def _name(self, name: Name) -> str:
        if not name.view:
            return self.block(name.block)
        self.seen["[:]" if name.view.startswith("[") else "shaped"] = None
        of = name.block.of
        if of is not None and of.role != "z":
            return self.style.derivative(
                self.style.symbol(self.notation.cost), self.style.view(self.block(of), name.view)
            )
        return self.style.view(self.block(name.block), name.view)

    def _number(self, value: Fraction) -> Text:
        if value < 0:
            return self.style.minus + self.style.number(-value), _SUM
        return self.style.number(value), _ATOM

    def _sum(self, formula: Sum) -> str:
        parts: list[str] = []
        for k, term in enumerate(formula.terms):
            scale, rest = split(term)
            negative = scale < 0
            text = self._at_least(times(Num(abs(scale)), rest), _ENTRYWISE)
            if k == 0:
                parts.append((self.style.minus if negative else "") + text)
            else:
                parts.append(f" {self.style.minus if negative else '+'} {text}")
        return "".join(parts)

    def _product(self, formula: Prod) -> Text:
        scale, rest = split(formula)
        if scale == MINUS_ONE.value or scale < 0:
            return self.style.minus + self._at_least(times(Num(-scale), rest), _ENTRYWISE), _SUM
        factors = list(rest.factors) if isinstance(rest, Prod) else [rest]
        above = [f for f in factors if not _divides(f)]
        below = [Power(f.base, -f.exponent) for f in factors if isinstance(f, Power) and f.exponent < 0]
        if not below:
            return self._multiplied(scale, above)
        top = self._multiplied(scale, above)[0] if above or scale != 1 else self.style.number(Fraction(1))
        bottoms = [f.base if f.exponent == 1 else f for f in below]
        bottom, level = self._multiplied(Fraction(1), bottoms)
        if self.style.minus == "−" and level < _POWER:
            bottom = self.style.parentheses(bottom)
        if self.style.minus == "−" and above and scale == 1 and len(above) == 1:
            top = self._at_least(above[0], _PRODUCT)
        return self.style.fraction(top, bottom), _ENTRYWISE

    def _multiplied(self, scale: Fraction, factors: list[Formula]) -> Text:
        if scale == 1 and len(factors) == 1:
            return self._write(factors[0])
        last = factors[-1] if factors else None
        scalars = [
            self._at_least(f, _POWER if isinstance(f, Total) and f is not last else _PRODUCT)
            for f in factors
            if f.kind == 0
        ]
        if scale != 1:
            scalars.insert(0, self.style.number(scale))
        entries = [f for f in factors if f.kind]
        if self.notation.derivative_first and any(isinstance(f, Mat) for f in entries):
            entries.sort(key=lambda f: not isinstance(f, Local))
        alone = len(entries) == 1
        texts = [self._entry(f, alone=alone) for f in entries]
        text = self._joined([*scalars, *texts[:1]])
        return self.style.hadamard.join([text, *texts[1:]]), _PRODUCT if len(texts) < 2 else _ENTRYWISE

    def _entry(self, factor: Formula, *, alone: bool) -> str:
        if isinstance(factor, Mat) and not alone and self.notation.product_in_parentheses:
            return self.style.parentheses(self.text(factor))
        return self._at_least(factor, _PRODUCT)

    def _joined(self, texts: list[str]) -> str:
        """Return factors side by side, with a space where two would run into each other."""
        result = texts[0]
        for text in texts[1:]:
            result += ("" if _touch(result, text, latex=self.style.minus == "-") else " ") + text
        return result

    def _power(self, formula: Power) -> Text:
        if formula.exponent < 0:
            base = Power(formula.base, -formula.exponent) if formula.exponent < -1 else formula.base
            bottom = self.text(base) if self.style.minus == "-" else self._at_least(base, _POWER)
            return self.style.fraction(self.style.number(Fraction(1)), bottom), _ENTRYWISE
        return self.style.power(self._base(formula.base), str(formula.exponent)), _POWER

    def _base(self, formula: Formula) -> str:
        """Return what a power or ᵀ stands behind: a letter that carries a layer's number is put in parentheses."""
        text, level = self._write(formula)
        carries = isinstance(formula, Name) and bool(re.search(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁾^∂]|frac|_", text))
        return self.style.parentheses(text) if level < _ATOM or carries else text

    def _call(self, formula: Call) -> Text:
        args = [self.text(arg) for arg in formula.args]
        if formula.name == "abs" and "|" not in args[0]:
            return f"|{args[0]}|", _ATOM
        if formula.name == "sqrt" and self.style.minus == "−":
            return f"√({args[0]})", _ATOM
        if formula.name == "pow":
            return self.style.power(self._base(formula.args[0]), args[1]), _POWER
        name = _NAMES.get(formula.name, _PLAIN.get(formula.name, formula.name))
        if formula.name in _NAMES or formula.name == "softmax":
            self.seen[name] = None
        sign = self.by_name.get(formula.name) or self.style.function(name)
        return sign + self.style.parentheses(", ".join(args)), _ATOM

    def _cases(self, formula: Cases) -> str:
        condition = formula.condition
        if isinstance(condition, Test):
            test = self.text(condition)[1:-1]
        else:
            test = f"{self.text(condition)} {'≠' if self.style.minus == '−' else chr(92) + 'neq'} 0"
        return self.style.cases(test, self.text(formula.yes), self.text(formula.no))

    # --- matrices --------------------------------------------------------------------------------

    def _matrix(self, formula: Formula) -> Text:
        match formula:
            case Mat():
                texts = [self._at_least(formula.left, _PRODUCT), self._at_least(formula.right, _PRODUCT)]
                return self._joined(texts), _PRODUCT
            case Trans():
                return self._base(formula.value) + self.style.transpose, _POWER
            case Total():
                return self._total(formula.value)
        self.seen["1"] = None
        ones = self.style.ones
        if isinstance(formula, LineSum) and formula.axis == 1:
            return self._before_ones(formula.value) + ones, _PRODUCT
        if isinstance(formula, LineSum):
            return self._base(formula.value) + self.style.transpose + ones, _PRODUCT
        if isinstance(formula, Repeat) and formula.axis == 1:
            return self._before_ones(formula.value) + ones + self.style.transpose, _PRODUCT
        if isinstance(formula, Repeat):
            return ones + self._base(formula.value) + self.style.transpose, _PRODUCT
        raise TypeError(f"no text for {type(formula).__name__}")

    def _before_ones(self, value: Formula) -> str:
        text = self._at_least(value, _PRODUCT)
        return self.style.parentheses(text) if text.startswith("∂") else text

    def _total(self, value: Formula) -> Text:
        if isinstance(value, Power) and value.exponent == 2:
            return self.style.norm.format(self.text(value.base)), _POWER
        if isinstance(value, Prod):
            numbers = [factor for factor in value.factors if not self.translator.shapes_of.of(factor)]
            rest = times(*(factor for factor in value.factors if factor not in numbers))
            if numbers and rest.kind:
                before = self._multiplied(Fraction(1), numbers)
                sides = [
                    before[0] if before[1] >= _PRODUCT else self.style.parentheses(before[0]),
                    self._total(rest)[0],
                ]
                return self._joined(sides), _PRODUCT
        if _is_dot(value):
            left, right = sorted(value.parts, key=self._place_in_dot)
            sides = [self._base(left) + self.style.transpose, self._at_least(right, _PRODUCT)]
            return self._joined(sides), _PRODUCT
        sign = self.style.total
        text = self._at_least(value, _POWER)
        space = "" if text.startswith(("(", r"\left(", "[")) or sign.endswith(" ") else " "
        return f"{sign}{space}{text}", _PRODUCT

    def _place_in_dot(self, factor: Formula) -> tuple[int, str]:
        """Return what sorts the sides of a scalar product: targets on the left, functions on the right."""
        return (0 if made_of(factor, "input") else 2 if isinstance(factor, Call) else 1, factor.key)


def _is_dot(value: Formula) -> bool:
    """Whether a formula is an entrywise product of two vectors, whose sum is their scalar product."""
    if not isinstance(value, Prod) or len(value.factors) != 2:
        return False
    return all(factor.kind == 1 and not isinstance(factor, Power) for factor in value.factors)


def _divides(factor: Formula) -> bool:
    return isinstance(factor, Power) and factor.exponent < 0


def _touch(left: str, right: str, *, latex: bool) -> bool:
    """Whether two factors can stand side by side without a space."""
    if latex:
        return False
    if right.startswith("["):  # behind a name it would be a part of it
        return left[-1] in "0123456789½¼¾"
    if right.startswith(("(", "‖")) and not left[-1].isalpha():
        return True
    if left.endswith("]") or right.startswith("Σ"):
        return False
    words = re.search(r"[A-Za-z_]{2,}$", left), re.match(r"[A-Za-z_]{2,}", right)
    if words[1] and left[-1].isalpha():
        return False
    return not (words[0] or (left[-1] in "₀₁₂₃₄₅₆₇₈₉" and right[0].isalpha()))
