"""The rule behind a local derivative, as a formula.

An operation's partial derivatives are written with operations, so a rule that is applied to symbols gives its own
formula. Nothing about the operations is repeated here; an operation that a user declared has its formula too.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

from autograd import Op, ops
from autograd.op import Relation
from autograd.symbolic import Symbolic

from .style import numeral

__all__ = ["Symbol", "expression", "rules"]

MOST_TERMS = 6
"""A longer sum is shown with its first terms and their number."""

_LOOSE, _SUM, _PRODUCT, _SIGN, _POWER, _ATOM = range(6)


class Symbol(Symbolic):
    """A number with a name; arithmetic on symbols gives their formulas.

    A selection by anything but a comparison takes the branch that the number takes.

    Attributes:
        text: The formula.
        number: Its value.
        binding: How tightly the formula's last operation binds, from 0 to 5.
        is_comparison: Whether it is one, such as [x > 0].
    """

    __slots__ = ("binding", "is_comparison", "number", "text")
    __hash__ = None  # type: ignore[assignment]  # comparisons give formulas, so symbols cannot be keys

    def __init__(self, text: str, number: float, binding: int = _ATOM) -> None:
        self.text = text
        self.number = number
        self.binding = binding
        self.is_comparison = False

    def apply(self, op: Op, operands: tuple[Any, ...]) -> Any:
        """Return the formula of an operation on operands."""
        parts = [_symbol(operand) for operand in operands]
        if op is ops.where:
            return _selected(*operands)
        if op in _OPERATORS:
            return _OPERATORS[op](*parts)
        number = op.evaluate([part.number for part in parts])
        if op is ops.abs:
            return Symbol(f"|{parts[0].text}|", number)
        name = "exp" if op is ops.exp else op.symbol
        return Symbol(f"{name}({', '.join(part.text for part in parts)})", number)

    def compare(self, relation: Relation, other: Any) -> Symbol:
        """Return the formula of a comparison, with the number 1 where it holds and 0 where it does not."""
        sign, holds = _RELATIONS[relation]
        right = _symbol(other)
        result = Symbol(f"[{self.text} {sign} {right.text}]", float(holds(self.number, right.number)))
        result.is_comparison = True
        return result


def rules(op: Op, names: Sequence[str], numbers: Sequence[float], out: tuple[str, float]) -> list[str]:
    """Return the formula of ∂out/∂operand for every operand slot; empty where the rule has none.

    Args:
        op: The operation.
        names: What the operands are called; an empty name stands for a literal number.
        numbers: Their values.
        out: The result's name and value.

    Example:
        >>> rules(ops.tanh, ["z"], [0.5], ("a", 0.46))
        ['1 − a²']
    """
    args = [Symbol(name, x, _bound(name)) if name else x for name, x in zip(names, numbers, strict=True)]
    result = Symbol(*out, _bound(out[0]))
    if isinstance(op.partials, tuple):
        return [_formula(partial, result, *args) for partial in op.partials]
    try:
        return [_formula(_same, local) for local in op.locals(result, args)]
    except _NO_FORMULA:
        return [""] * len(args)


_NO_FORMULA = (ArithmeticError, ValueError, TypeError, AttributeError)
"""A user's rule may use what has no formula, and a value may lie where the rule is undefined."""


def _same(local: Any) -> Any:
    return local


def _formula(local: Callable[..., Any], *args: Any) -> str:
    try:
        result = local(*args)
        return result.text if isinstance(result, Symbol) else numeral(float(result))
    except _NO_FORMULA:
        return ""


def _bound(text: str) -> int:
    """Return how tightly a name binds: a negative number in its place needs parentheses in a power."""
    return _SIGN if text.startswith("−") else _ATOM


def _symbol(operand: Any) -> Symbol:
    if isinstance(operand, Symbol):
        return operand
    number = float(operand)
    return Symbol(numeral(number), number, _SIGN if number < 0.0 else _ATOM)


def _within(part: Symbol, binding: int) -> str:
    return part.text if part.binding >= binding else f"({part.text})"


def _right(part: Symbol, binding: int) -> str:
    """Return the text of a right operand: a leading minus sign needs parentheses there."""
    return f"({part.text})" if part.binding < binding or part.text.startswith("−") else part.text


def _is(part: Symbol, number: float) -> bool:
    return part.text == numeral(number) and part.number == number


def _sum(a: Symbol, b: Symbol) -> Symbol:
    if _is(a, 0.0) or _is(b, 0.0):
        return b if _is(a, 0.0) else a
    return Symbol(f"{_within(a, _SUM)} + {_right(b, _PRODUCT)}", a.number + b.number, _SUM)


def _difference(a: Symbol, b: Symbol) -> Symbol:
    if _is(b, 0.0):
        return a
    if _is(a, a.number) and _is(b, b.number):
        return _symbol(a.number - b.number)
    return Symbol(f"{_within(a, _SUM)} − {_right(b, _PRODUCT)}", a.number - b.number, _SUM)


def _product(a: Symbol, b: Symbol) -> Symbol:
    if _is(a, 1.0) or _is(b, 1.0):
        return b if _is(a, 1.0) else a
    if a.text == b.text:
        return Symbol(f"{_within(a, _ATOM)}²", a.number * b.number, _POWER)
    return Symbol(f"{_within(a, _PRODUCT)} · {_right(b, _POWER)}", a.number * b.number, _PRODUCT)


def _quotient(a: Symbol, b: Symbol) -> Symbol:
    number = a.number / b.number if b.number else math.nan
    return a if _is(b, 1.0) else Symbol(f"{_within(a, _PRODUCT)} / {_within(b, _POWER)}", number, _PRODUCT)


def _power(a: Symbol, b: Symbol) -> Symbol:
    if _is(b, 1.0):
        return a
    number = float(ops.pow.evaluate((a.number, b.number)))
    if _is(b, 2.0):
        return Symbol(f"{_within(a, _ATOM)}²", number, _POWER)
    return Symbol(f"{_within(a, _ATOM)}^{_within(b, _ATOM)}", number, _POWER)


def _negated(a: Symbol) -> Symbol:
    return Symbol("−" + _right(a, _POWER), -a.number, _SIGN)


def _selected(condition: Any, a: Any, b: Any) -> Any:
    """Return the formula of a selection: both branches under a comparison, the taken one otherwise."""
    test, yes, no = _symbol(condition), _symbol(a), _symbol(b)
    if not test.is_comparison:
        return a if test.number else b
    number = yes.number if test.number else no.number
    return Symbol(f"{yes.text} if {test.text[1:-1]} else {no.text}", number, _LOOSE)


_RELATIONS: dict[Relation, tuple[str, Callable[[float, float], bool]]] = {
    "<": ("<", operator.lt),
    "<=": ("≤", operator.le),
    ">": (">", operator.gt),
    ">=": ("≥", operator.ge),
}

_OPERATORS: dict[Op, Callable[..., Symbol]] = {
    ops.add: _sum,
    ops.sub: _difference,
    ops.mul: _product,
    ops.div: _quotient,
    ops.pow: _power,
    ops.neg: _negated,
}


def expression(op: Op, names: Sequence[str], numbers: Sequence[float]) -> str:
    """Return an operation on named operands as a formula; a long sum with its first terms and their number.

    Example:
        >>> expression(ops.mul, ["a", "−3"], [2.0, -3.0])
        'a · (−3)'
    """
    parts = [Symbol(name or numeral(x), x, _bound(name or numeral(x))) for name, x in zip(names, numbers, strict=True)]
    if op is ops.affine:
        n = len(parts) // 2
        terms = [_product(w, a) for w, a in zip(parts[:n], parts[n:-1], strict=True)] + [parts[-1]]
    elif op is ops.total:
        terms = parts
    else:
        shown = parts if len(parts) <= MOST_TERMS else [*parts[: MOST_TERMS - 1], Symbol("…", 0.0)]
        applied = _OPERATORS[op](*parts) if op in _OPERATORS else None
        return applied.text if applied else f"{op.symbol}({', '.join(part.text for part in shown)})"
    if len(terms) > MOST_TERMS:
        terms = [*terms[: MOST_TERMS - 1], Symbol(f"… ({len(terms)} terms)", 0.5)]
    return functools.reduce(_sum, terms, Symbol("0", 0.0)).text
