"""The operations as JavaScript, so that a page can run both passes again when a number changes.

The values are written down here, one expression for each primitive of `autograd.ops` but those that JavaScript has no
function for (log Γ and its derivatives); the derivatives are not: each
rule of an operation's declaration is applied to symbols, and what it returns is its JavaScript. A test runs all of
them in node at the points that the declarations name, against the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from autograd import Op, ops
from autograd.op import Relation
from autograd.symbolic import Symbolic

__all__ = ["VALUES", "can_run", "javascript"]

VALUES: dict[str, str] = {
    "add": "x + y",
    "sub": "x - y",
    "mul": "x * y",
    "div": "x / y",
    "pow": "x ** y",
    "neg": "-x",
    "abs": "Math.abs(x)",
    "sign": "Math.sign(x)",
    "step": "x > 0 ? 1 : 0",
    "exp": "Math.exp(x)",
    "expm1": "Math.expm1(x)",
    "log": "x > 0 ? Math.log(x) : NaN",
    "exp2": "2 ** x",
    "log2": "x > 0 ? Math.log2(x) : NaN",
    "log10": "x > 0 ? Math.log10(x) : NaN",
    "cbrt": "Math.cbrt(x)",
    "logaddexp": "Math.max(x, y) + Math.log1p(Math.exp(-Math.abs(x - y)))",
    "arcsin": "Math.asin(x)",
    "arccos": "Math.acos(x)",
    "arctan2": "Math.atan2(x, y)",
    "arcsinh": "Math.asinh(x)",
    "arccosh": "Math.acosh(x)",
    "arctanh": "Math.atanh(x)",
    "floor": "Math.floor(x)",
    "indicator": "x === y ? 1 : 0",
    "mod": "rest(x, y)",
    "log1p": "x > -1 ? Math.log1p(x) : NaN",
    "sqrt": "Math.sqrt(x)",
    "sin": "Math.sin(x)",
    "cos": "Math.cos(x)",
    "tan": "Math.tan(x)",
    "arctan": "Math.atan(x)",
    "sinh": "Math.sinh(x)",
    "cosh": "Math.cosh(x)",
    "tanh": "Math.tanh(x)",
    "sigmoid": "sigmoid(x)",
    "softplus": "Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))",
    "relu": "x > 0 ? x : 0",
    "leaky_relu": "x > 0 ? x : 0.01 * x",
    "elu": "x > 0 ? x : Math.expm1(x)",
    "erf": "erf(x)",
    "erfc": "erfc(x)",
    "gelu": "0.5 * x * erfc(-Math.SQRT1_2 * x)",
    "silu": "x * sigmoid(x)",
    "maximum": "x >= y ? x : y",
    "minimum": "x <= y ? x : y",
    "hypot": "Math.hypot(x, y)",
    "where": "x ? y : z",
    "stop_gradient": "x",
}

_OF_MANY: dict[str, tuple[str, str]] = {
    "total": ("sum(a)", "a.map(() => 1)"),
    "affine": ("affine(a)", "[...a.slice(a.length >> 1, -1), ...a.slice(0, a.length >> 1), 1]"),
    "logsumexp": ("logsumexp(a)", "a.map((x) => Math.exp(x - out))"),
}
"""The value and the list of all derivatives, of the arguments `a` and the result `out`."""

_INFIX = {ops.add: "+", ops.sub: "-", ops.mul: "*", ops.div: "/", ops.pow: "**"}


class _Script(Symbolic):
    """A JavaScript expression; arithmetic on such operands gives the expression of the result."""

    __slots__ = ("text",)
    __hash__ = None  # type: ignore[assignment]  # comparisons give expressions, so these cannot be keys

    def __init__(self, text: str) -> None:
        self.text = text

    def apply(self, op: Op, operands: tuple[Any, ...]) -> _Script:
        """Return the expression of an operation on operands."""
        parts = [_text(operand) for operand in operands]
        if op in _INFIX:
            return _Script(f"({parts[0]} {_INFIX[op]} {parts[1]})")
        if op is ops.neg:
            return _Script(f"(-{parts[0]})")
        if op is ops.where:
            return _Script(f"({parts[0]} ? {parts[1]} : {parts[2]})")
        if ops_by_name().get(op.name) is not op:
            raise TypeError(f"{op.name} has no JavaScript")
        return _Script(f"value.{op.name}({', '.join(parts)})")

    def compare(self, relation: Relation, other: Any) -> _Script:
        """Return the expression of a comparison: 1 where it holds, otherwise 0."""
        return _Script(f"({self.text} {relation} {_text(other)} ? 1 : 0)")


def ops_by_name() -> dict[str, Op]:
    """Return the primitives by their names."""
    return {name: found for name in (*VALUES, *_OF_MANY) if isinstance(found := getattr(ops, name), Op)}


def can_run(op: Op) -> bool:
    """Return whether a page can compute an operation: a primitive of the table above, not one that a user declared."""
    return ops_by_name().get(op.name) is op


def javascript(used: Iterable[Op]) -> str:
    """Return the object literals `value` and `local`: functions of the operations by their names.

    A value takes the arguments, or one list of them if there may be any number. A local takes the result and the list
    of arguments, and gives the list of derivatives by each.
    """
    table = ops_by_name()
    chosen = {op.name for op in used} & table.keys()
    local = {name: _locals(name, table[name]) for name in table if name in chosen}
    needed = chosen | {name for name in VALUES if any(f"value.{name}(" in text for text in local.values())}
    value = [f"{name}: {_value(name)}" for name in table if name in needed]
    return (
        "const value = {\n  " + ",\n  ".join(value) + "\n};\n"
        "const local = {\n  " + ",\n  ".join(f"{name}: {text}" for name, text in local.items()) + "\n};"
    )


def _value(name: str) -> str:
    return f"(a) => {_OF_MANY[name][0]}" if name in _OF_MANY else f"(x, y, z) => {VALUES[name]}"


def _locals(name: str, op: Op) -> str:
    if name in _OF_MANY:
        return f"(out, a) => {_OF_MANY[name][1]}"
    args = [_Script(letter) for letter in "xyz"[: op.arity]]
    rules: list[Callable[..., Any]] = list(op.partials) if isinstance(op.partials, tuple) else []
    texts = [_text(rule(_Script("out"), *args)) for rule in rules]
    return f"(out, [{', '.join(arg.text for arg in args)}]) => [{', '.join(texts)}]"


def _text(operand: Any) -> str:
    if isinstance(operand, _Script):
        return operand.text
    number = repr(float(operand))
    return f"({number})" if number.startswith("-") else number
