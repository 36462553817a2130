"""Formulas as text, such as "tanh(w*x + b)", turned into Values.

A formula is parsed with `ast` and walked: numbers, names, the five infix operators and the operations of the table are
all there is. Nothing is ever evaluated as Python.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import autograd
from autograd import Value
from autograd.op import PRIMITIVES

from ..arguments import unknown_name

__all__ = ["OPERATIONS", "assignments", "value_of", "variables"]

LONGEST = 2000
"""Characters in a formula."""

INFIX: dict[type[ast.operator], Callable[..., Any]] = {
    ast.Add: autograd.add,
    ast.Sub: autograd.sub,
    ast.Mult: autograd.mul,
    ast.Div: autograd.div,
    ast.Pow: autograd.pow,
}

SEQUENCES = ("logsumexp", "mean", "total")
"""Operations that take any number of arguments."""

OPERATIONS: dict[str, Callable[..., Any]] = {
    **{name: op for name, op in PRIMITIVES.items() if op.arity is not None},
    **{name: getattr(autograd, name) for name in SEQUENCES},
}
"""What can be called in a formula."""


ELSEWHERE: dict[str, str] = {
    "sum": "total",
    "ln": "log",
    "lg": "log10",
    "sigma": "sigmoid",
    "σ": "sigmoid",
    "logistic": "sigmoid",
    "sgn": "sign",
    "signum": "sign",
    "swish": "silu",
    "max": "maximum",
    "min": "minimum",
    "average": "mean",
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "atan2": "arctan2",
    "heaviside": "step",
    "Σ": "total",
    "asinh": "arcsinh",
    "acosh": "arccosh",
    "atanh": "arctanh",
    "gammaln": "lgamma",
    "lse": "logsumexp",
    "arsinh": "arcsinh",
    "arcosh": "arccosh",
    "artanh": "arctanh",
    "tg": "tan",
    "th": "tanh",
    "sh": "sinh",
    "fabs": "abs",
    "root": "sqrt",
    "√": "sqrt",
    "cube_root": "cbrt",
}
"""What an operation is called elsewhere, and here."""

SIGNS = {
    "^": "**",
    "²": "**2",
    "³": "**3",
    "·": "*",
    "×": "*",
    "⋅": "*",
    "∗": "*",
    "÷": "/",
    "−": "-",
    "–": "-",
    "√": "sqrt",
}
"""Signs of mathematics, and what to type for them."""


def variables(formula: str) -> list[str]:
    """Return the names of the variables in a formula, in the order in which they come.

    Raises:
        ValueError: If it is no formula.
    """
    tree = _parsed(formula)
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called]
    return list(dict.fromkeys(node.id for node in sorted(names, key=lambda node: node.col_offset)))


def value_of(formula: str, at: Mapping[str, float]) -> tuple[Value, dict[str, Value]]:
    """Return the Value of a formula at a point, and the Values of its variables.

    Args:
        formula: Such as "tanh(w*x + b)".
        at: A number for each variable, and for nothing else.

    Raises:
        ValueError: If it is no formula, or a variable has no number or a number no variable.
        DomainError: If an operation is not defined there.
    """
    names = variables(formula)
    missing, unused = [name for name in names if name not in at], [name for name in at if name not in names]
    if missing:
        raise ValueError(f"{_list(missing)} must be given: --at {' '.join(f'{name}=…' for name in missing)}")
    if unused:
        raise ValueError(f"{_list(unused)} does not occur in the formula, which has {_list(names) or 'no variable'}")
    if not names:
        raise ValueError("a formula needs at least one variable: there is nothing to differentiate by")
    leaves = {name: Value(at[name], name) for name in names}
    try:
        value = _value(_parsed(formula), leaves)
    except RecursionError:
        raise ValueError("the formula is nested too deeply") from None
    return value, leaves


def assignments(texts: Sequence[str]) -> dict[str, float]:
    """Return the numbers in texts such as "w=0.5".

    Raises:
        ValueError: If a text is no assignment of a finite number, or a name comes twice.
    """
    numbers: dict[str, float] = {}
    for text in texts:
        name, equals, number = (part.strip() for part in text.partition("="))
        if not (equals and name.isidentifier()):
            raise ValueError(f"an assignment looks like w=0.5, got {text!r}")
        if name in numbers:
            raise ValueError(f"{name} is given twice")
        try:
            numbers[name] = Value(float(number)).data
        except ValueError:
            raise ValueError(f"{name} needs a finite number, got {number!r}") from None
    return numbers


def _parsed(formula: str) -> ast.expr:
    if len(formula) > LONGEST:
        raise ValueError(f"a formula may have {LONGEST} characters, got {len(formula)}")
    try:
        return ast.parse(formula.strip(), mode="eval").body
    except SyntaxError as error:
        place = f" at character {error.offset}" if error.offset else ""
        raise ValueError(f"{formula!r} is no formula: {_advice(formula) or error.msg + place}") from None
    except (ValueError, RecursionError, MemoryError):
        raise ValueError("the formula cannot be read: it is nested too deeply, or holds a character NUL") from None


def _advice(formula: str) -> str:
    """Return what to type for a sign of mathematics, or for a product without a sign; nothing if there is neither."""
    for sign, typed in SIGNS.items():
        if sign in formula:
            return f"write {typed} for {sign}"
    product = re.search(
        r"(?<![\w.])(\d+\.?\d*(?:[eE][-+]?\d+)?)(?![eE][-+]?\d)\s*([^\W\d]\w*|\()|(\))\s*([^\W\d]\w*|\()", formula
    )
    if product is None:
        return ""
    left, right = product[1] or product[3], product[2] or product[4]
    return f"a product needs its sign: {left}*{right}"


def _value(node: ast.expr, leaves: Mapping[str, Value]) -> Any:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            try:
                return Value(number).data  # finite, as a float
            except ValueError:
                raise ValueError("a number in the formula is too large") from None
        case ast.Name(id=name):
            return leaves[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return autograd.neg(_value(operand, leaves))
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _value(operand, leaves)
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in INFIX:
            return INFIX[type(operator)](_value(left, leaves), _value(right, leaves))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
            return _called(name, [_value(arg, leaves) for arg in args])
        case ast.BinOp(op=ast.BitXor()):
            raise ValueError("a power is written **, as in x**2; ^ cannot stand in a formula")
    shown = ast.unparse(node)
    if advice := _advice(shown):
        raise ValueError(f"{shown} cannot stand in a formula: {advice}")
    raise ValueError(
        f"{shown if len(shown) <= 40 else type(node).__name__} cannot stand in a formula: it may hold numbers, names, "
        "+ - * / ** and the operations of the table"
    )


def _called(name: str, args: list[Any]) -> Any:
    if name in ELSEWHERE and name not in OPERATIONS:
        raise ValueError(f"unknown operation {name!r}: it is called {ELSEWHERE[name]} here")
    if name not in OPERATIONS:
        raise unknown_name("operation", name, OPERATIONS)
    if name in SEQUENCES:
        if not args:
            raise ValueError(f"{name} takes at least one argument")
        return OPERATIONS[name](args)
    try:
        return OPERATIONS[name](*args)
    except TypeError as error:
        raise ValueError(str(error)) from None


def _list(names: Sequence[str]) -> str:
    return ", ".join(names)
