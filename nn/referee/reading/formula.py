"""What an expression computes, in the notation of the documents: columns, one example, δ and ⊙.

An expression whose value is a quantity of the equations is called by its name. Another one is written out from its
operands, through variables and through functions of the user's, down to names; what has none stays code.
"""

from __future__ import annotations

import ast
from typing import Any, NamedTuple

import numpy as np

from .session import Session
from .sites import Site

__all__ = ["Formula", "Formulas", "in_brackets"]

SUM, PRODUCT, ATOM = 1, 2, 3
RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
DEEPEST = 14
COMPARED = {ast.Gt: ">", ast.GtE: "≥", ast.Lt: "<", ast.LtE: "≤", ast.Eq: "=", ast.NotEq: "≠"}
SAME = ("copy", "reshape", "ravel", "astype", "transpose", "flatten", "squeeze", "array", "asarray")


class Formula(NamedTuple):
    """A formula.

    Attributes:
        text: The formula.
        level: What it is: a sum, a product, or one thing that needs no brackets.
    """

    text: str
    level: int = ATOM


def in_brackets(formula: Formula, least: int) -> str:
    """Return a formula as an operand, in brackets unless it is at least of a level."""
    return formula.text if formula.level >= least else f"({formula.text})"


class Formulas:
    """Writes the expressions of one run.

    Args:
        session: The function on a probe.
        visits: The values of the sites in that run.
        order: The order of these values.
    """

    def __init__(self, session: Session, visits: dict[int, list[Any]], order: list[tuple[int, int, int]]) -> None:
        self.session, self.visits, self.order = session, visits, order
        self._at = {(number, visit): k for k, (number, visit, _) in enumerate(order)}
        self._places: dict[int, list[int]] = {}
        for k, (_, _, identity) in enumerate(order):
            self._places.setdefault(identity, []).append(k)
        self.N = session.probe.N if session.probe.N > 1 else -1

    def of(self, site: Site, visit: int = 0, *, written_out: bool = False, depth: int = 0) -> Formula:
        """Return what a site computes at a visit.

        Args:
            site: The site.
            visit: Which of its visits.
            written_out: Whether its operands are written even if it has a name.
            depth: How many expressions this one is within.
        """
        if not written_out and (named := self._named(self.visits[site.number][visit])) is not None:
            return named
        if depth > DEEPEST:
            return _code(site.node)
        return _Writer(self, site, visit, depth).formula()

    def _named(self, value: Any) -> Formula | None:
        if not isinstance(value, (np.ndarray, float, np.floating)):
            return None
        if np.size(value) == 1 and abs(float(np.ravel(value)[0])) in (0, 1, 2, 0.5, self.N, 1 / self.N):
            return None
        naming = self.session.index.of(value)
        if naming is None:
            return None
        level = SUM if naming.is_sum or naming.text.startswith("−") else ATOM
        if "⊙" in naming.text or naming.text.startswith("("):
            level = min(level, PRODUCT)
        return Formula(naming.text, level)

    def before(self, site: Site, place: int) -> int | None:
        """Return the latest visit of a site before a place in the run."""
        found = None
        for visit in range(len(self.visits.get(site.number, ()))):
            if self._at.get((site.number, visit), len(self.order)) >= place:
                break
            found = visit
        return found

    def maker(self, place: int, identity: int) -> tuple[Site, int] | None:
        """Return the expression that made the object that is read at a place; None if it was changed since."""
        found: tuple[Site, int] | None = None
        for k in self._places.get(identity, ()):
            if k >= place:
                break
            number, visit, _ = self.order[k]
            site = self.session.watch.sites[number]
            if site.role == "state":
                return None
            named = isinstance(site.node, (ast.Name, ast.Subscript, ast.IfExp))
            if site.role == "value" and not named and found is None:
                found = site, visit
        return found


class _Writer:
    """Writes one expression."""

    def __init__(self, formulas: Formulas, site: Site, visit: int, depth: int) -> None:
        self.all, self.site, self.depth = formulas, site, depth
        self.place = formulas._at[site.number, visit]
        self.identity = formulas.order[self.place][2]

    def part(self, node: ast.expr) -> tuple[Site, int] | None:
        for child in self.site.children:
            if child.node is node and child.role == "value":
                visit = self.all.before(child, self.place)
                if visit is not None:
                    return child, visit
        if isinstance(node, ast.Attribute):  # the array whose method is called stands in the callee
            return None
        return None

    def of(self, node: ast.expr) -> Formula:
        found = self.part(node) or self._in_callee(node)
        return self.all.of(*found, depth=self.depth + 1) if found else _code(node)

    def _in_callee(self, node: ast.expr) -> tuple[Site, int] | None:
        for child in self.site.children:
            for grandchild in child.children:
                if grandchild.node is node:
                    visit = self.all.before(grandchild, self.place)
                    if visit is not None:
                        return grandchild, visit
        return None

    def value(self, node: ast.expr) -> Any:
        found = self.part(node) or self._in_callee(node)
        return self.all.visits[found[0].number][found[1]] if found else None

    def formula(self) -> Formula:
        match self.site.node:
            case ast.Constant(value=value):
                return Formula(f"{value:g}" if isinstance(value, float) else repr(value))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return Formula(f"−{in_brackets(self.of(operand), PRODUCT)}", SUM)
            case ast.BinOp(left=left, op=op, right=right):
                return self.operation(op, left, right)
            case ast.Attribute(attr="T", value=value):
                return self.of(value)
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                sign = COMPARED.get(type(op), "?")
                return Formula(f"[{self.of(left).text} {sign} {self.of(right).text}]")
            case ast.Call() as call:
                return self.call(call)
            case ast.Subscript(value=value, slice=index):
                if "None" in ast.unparse(index):
                    return self.of(value)
                return self.made() or _code(self.site.node)
            case ast.Name():
                return self.made() or _code(self.site.node)
        return _code(self.site.node)

    def made(self) -> Formula | None:
        found = self.all.maker(self.place, self.identity)
        if found is None or found[0] is self.site:
            return None
        return self.all.of(*found, depth=self.depth + 1)

    def call(self, node: ast.Call) -> Formula:
        function = node.func
        if isinstance(function, ast.Name):
            body = self._returned()
            return self.all.of(*body, depth=self.depth + 1) if body else _code(node)
        if not isinstance(function, ast.Attribute):
            return _code(node)
        name, library = function.attr, self._in_callee(function.value) is None
        arguments = node.args if library else [function.value, *node.args]
        if name in ("dot", "matmul") and len(arguments) == 2:
            return self.operation(ast.MatMult(), *arguments)
        if name in ("multiply", "divide", "add", "subtract") and len(arguments) == 2:
            operators = {"multiply": ast.Mult(), "divide": ast.Div(), "add": ast.Add(), "subtract": ast.Sub()}
            return self.operation(operators[name], *arguments)
        if name == "outer" and len(arguments) == 2:
            return Formula(f"{in_brackets(self.of(arguments[0]), PRODUCT)}({self.of(arguments[1]).text})ᵀ", PRODUCT)
        if name in ("sum", "mean") and arguments:
            return self.reduction(name, node, arguments)
        if name in SAME and arguments:
            return self.of(arguments[0])
        return self.function(name, arguments, node) if library else _code(node)

    def function(self, name: str, arguments: list[ast.expr], node: ast.Call) -> Formula:
        """Write a function of NumPy, of the entries of an array."""
        if name in ("exp", "tanh", "log", "sqrt", "sign", "abs", "cosh", "sinh", "expit") and arguments:
            text = self.of(arguments[0]).text
            return Formula(f"|{text}|" if name == "abs" else f"{'e^' if name == 'exp' else name}({text})")
        if name == "square" and arguments:
            return Formula(f"{in_brackets(self.of(arguments[0]), ATOM)}²")
        if name == "power" and len(arguments) == 2:
            return self.operation(ast.Pow(), *arguments)
        if name in ("maximum", "minimum") and len(arguments) == 2:
            return Formula(f"{name[:3]}({self.of(arguments[0]).text}, {self.of(arguments[1]).text})")
        if name == "where" and len(arguments) == 3:
            test, one, other = (self.of(argument).text for argument in arguments)
            return Formula(f"({one} where {test.strip('[]')}, else {other})")
        return _code(node)

    def reduction(self, name: str, node: ast.Call, arguments: list[ast.expr]) -> Formula:
        value = self.value(arguments[0])
        axis = next(
            (k.value.value for k in node.keywords if k.arg == "axis" and isinstance(k.value, ast.Constant)), None
        )
        if axis is None and len(arguments) > 1 and isinstance(arguments[1], ast.Constant):
            axis = arguments[1].value
        over = "everything"
        if axis is not None and isinstance(value, np.ndarray) and isinstance(axis, int) and value.ndim > axis:
            over = "examples" if value.shape[axis] == self.all.N else "neurons"
        inner = in_brackets(self.of(arguments[0]), PRODUCT)
        if over == "examples":
            return Formula(f"{'(1/N) ' if name == 'mean' else ''}Σ {inner}", PRODUCT)
        word = "mean" if name == "mean" else "Σ"
        return Formula(f"{word} over {'the neurons' if over == 'neurons' else over} of {inner}", PRODUCT)

    def _returned(self) -> tuple[Site, int] | None:
        """Return the expression in a function of the user's that made what the call gives."""
        for k in self.all._places.get(self.identity, ()):
            if k >= self.place:
                return None
            number, visit, _ = self.all.order[k]
            site = self.all.session.watch.sites[number]
            if site.function != self.site.function and site.role == "value" and not isinstance(site.node, ast.Name):
                return site, visit
        return None

    def operation(self, op: ast.operator, left: ast.expr, right: ast.expr) -> Formula:
        l, r, vl, vr = self.of(left), self.of(right), self.value(left), self.value(right)
        match op:
            case ast.Add():
                return Formula(f"{l.text} + {r.text.removeprefix('+')}", SUM)
            case ast.Sub():
                return Formula(f"{l.text} − {in_brackets(r, PRODUCT)}", SUM)
            case ast.Mult():
                scalar = np.size(vl) == 1 or np.size(vr) == 1
                sign = "·" if scalar else " ⊙ "
                return Formula(f"{in_brackets(l, PRODUCT)}{sign}{in_brackets(r, PRODUCT)}", PRODUCT)
            case ast.Div():
                if np.size(vr) == 1 and vr is not None and float(np.ravel(vr)[0]) == self.all.N:
                    return Formula(f"(1/N) {in_brackets(l, PRODUCT)}", PRODUCT)
                sign = "/" if np.size(vr) == 1 else "⊘"
                return Formula(f"{in_brackets(l, PRODUCT)} {sign} {in_brackets(r, ATOM)}", PRODUCT)
            case ast.Pow():
                plain = r.text.lstrip("-").isdigit()
                power = r.text.translate(RAISED) if plain else f"^{r.text}"
                base = in_brackets(l, ATOM)
                return Formula(f"({base}){power}" if base[-1:] in "⁰¹²³⁴⁵⁶⁷⁸⁹" else f"{base}{power}")
            case ast.MatMult():
                return self.product(l, r, vl, vr)
        return _code(self.site.node)

    def product(self, l: Formula, r: Formula, vl: Any, vr: Any) -> Formula:
        """Write a matrix product as the documents do: columns, so that a row of δ W is a column Wᵀδ."""
        a, b, N = np.shape(vl), np.shape(vr), self.all.N
        left, right = in_brackets(l, PRODUCT), in_brackets(r, PRODUCT)
        if len(a) == 2 and len(b) == 2 and a[1] == N:
            return Formula(f"Σ {left}({r.text})ᵀ", PRODUCT)
        if a[:1] == (N,) and len(b) == 2:
            return Formula(f"{right if self._turned(vr) else f'({r.text})ᵀ'}{in_brackets(l, ATOM)}", PRODUCT)
        if b[-1:] == (N,) or len(b) == 1:
            return Formula(f"{f'({l.text})ᵀ' if self._turned(vl) else left}{in_brackets(r, ATOM)}", PRODUCT)
        return Formula(f"{left} {right}", PRODUCT)

    def _turned(self, value: Any) -> bool:
        naming = self.all.session.index.of(value) if isinstance(value, np.ndarray) else None
        return naming is not None and naming.turned


def _code(node: ast.expr) -> Formula:
    return Formula(f"`{ast.unparse(node)}`")
