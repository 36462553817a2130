"""Written edits: what else could stand in the place of an expression.

The small ones change what is there: a number, a sign, an operator, an axis, an index, a function, one operand less.
The open ones bring in what stands elsewhere in the function: another expression in its place, as a factor, a divisor or
a term. No function is called that neither the user's own run reached nor consists of plain arithmetic.
"""

from __future__ import annotations

import ast
import math
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .edits import Edit, Written, compiled, is_numeric, written
from .harmless import is_harmless
from .session import Session, in_test
from .sites import Site
from .watch import is_users

__all__ = ["UNREAD", "Pool", "as_written", "pool_of", "small_changes", "unread_names"]

EFFECTS = {
    "append", "extend", "fill", "insert", "normal", "permutation", "pop", "print", "rand", "randn", "random", "remove",
    "seed", "setdefault", "shuffle", "sort", "uniform", "update",
}  # fmt: skip
OTHER_FUNCTIONS = {
    "add": ("subtract",), "argmax": ("argmin",), "dot": ("outer", "multiply"), "max": ("sum",), "maximum": ("minimum",),
    "mean": ("sum",), "minimum": ("maximum",), "multiply": ("add", "dot", "divide"), "ones": ("zeros",),
    "ones_like": ("zeros_like",), "outer": ("dot",), "subtract": ("add",), "sum": ("mean",), "zeros": ("ones",),
    "zeros_like": ("ones_like",), "divide": ("multiply",), "matmul": ("multiply",),
    "greater": ("less",), "less": ("greater",), "sinh": ("cosh",), "cosh": ("sinh",), "sin": ("cos",), "cos": ("sin",),
}  # fmt: skip
OTHER_OPERATORS: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub, ast.Mult), ast.Sub: (ast.Add, ast.Mult), ast.Mult: (ast.Div, ast.MatMult, ast.Add),
    ast.Div: (ast.Mult,), ast.MatMult: (ast.Mult,), ast.Pow: (ast.Mult,),
}  # fmt: skip
ELEMENTWISE = {"abs", "cos", "cosh", "exp", "log", "log1p", "sign", "sin", "sinh", "sqrt", "square", "tanh"}
UNREAD = 0.25  # a name that is set and never read is the likelier to be meant
UNLIKELY_IN_TEST = 1.6  # another branch is rarely what was meant

Add = Callable[[str, str, float], None]


def small_changes(session: Session, site: Site) -> list[Edit]:
    """Return the edits that change a little of what stands at a site."""
    node, texts = site.node, {site.text}
    found: list[Edit] = []
    extra = UNLIKELY_IN_TEST if in_test(site) else 0.0

    def add(text: str, kind: str, cost: float) -> None:
        if text not in texts:
            texts.add(text)
            edit = written(site, text, kind, cost + extra)
            if edit is not None:
                found.append(edit)

    if site.role == "callee":
        _of_callee(session, site, add)
        return found
    if _is_receiver_of_effect(site):
        return found
    if site.settled:
        _of_order(node, add)
        return found
    match node:
        case ast.Constant():
            _of_constant(session, site, node.value, add)
        case ast.UnaryOp(op=ast.USub()):
            add(ast.unparse(node.operand), "sign", 1.0)
            value = node.operand.value if isinstance(node.operand, ast.Constant) else None
            if isinstance(value, (int, float)):
                _of_constant(session, site, -value, add)
        case ast.BinOp():
            _of_operation(node, add)
            _of_logistic(site, node, add)
        case ast.Compare():
            _of_comparison(site, node, add)
        case ast.BoolOp():
            _of_condition(site, add)
        case ast.Call():
            _of_call(session, site, node, add)
        case ast.Subscript():
            _of_subscript(node, add)
        case ast.Attribute(attr="T"):
            add(ast.unparse(node.value), "transposed", 1.1)
        case ast.IfExp():
            add(ast.unparse(node.body), "condition", 1.4)
            add(ast.unparse(node.orelse), "condition", 1.4)
    if (exponential := _exponential(session, site)) and _is_in_logistic(site):
        add(f"{exponential}({site.text})", "function", 1.5)
    _of_sign(session, site, add)
    first = session.first(site)
    if isinstance(first, (list, tuple)) and first and all(map(is_numeric, first)):
        _of_list(session, site, add)
    elif isinstance(first, (list, tuple)) and isinstance(node, ast.Name) and _is_indexed(site):
        for name in _lists_for(session, site):
            add(name, "replaced", 1.6)
    elif isinstance(node, ast.Name) and isinstance(site.statement, ast.Return) and site.parent is not None:
        unread = unread_names(session, site)
        for name in _variables(session, site):
            add(name, "replaced", 1.7 - UNREAD * (name in unread))
    if isinstance(first, np.ndarray) and first.ndim == 2 and not isinstance(node, ast.BinOp):
        add(f"{_tight(node)}.T", "transposed", 1.3)
        if isinstance(node, (ast.Name, ast.Subscript)):
            for reduction in ("sum(axis=0)", "sum(axis=1)", "mean(axis=0)", "mean(axis=1)"):
                add(f"{site.text}.{reduction}", "sum", 1.5)
    return found


def _of_order(node: ast.expr, add: Add) -> None:
    """Turn a list that a loop goes through, or leave out the other end of it."""
    add(f"{_tight(node)}[::-1]", "order of a list", 1.2)
    if isinstance(node, ast.Subscript):
        _of_subscript(node, add)


def unread_names(session: Session, site: Site) -> set[str]:
    """Return the names that a function sets and never reads: it may be that one of them was meant."""
    here = [s for s in session.watch.sites if s.function == site.function and s.file == site.file]
    targets = [target for s in here for target in getattr(s.statement, "targets", ())]
    names = {target.id for target in targets if isinstance(target, ast.Name)}
    return names - {s.text for s in here if isinstance(s.node, ast.Name)}


def _is_indexed(site: Site) -> bool:
    return site.parent is not None and isinstance(site.parent.node, ast.Subscript)


def _of_sign(session: Session, site: Site, add: Add) -> None:
    """Change the sign of what a statement computes, or of what NumPy takes; square one side of a difference."""
    node, outer = site.node, site.parent
    if not session.is_numeric(site) or isinstance(node, (ast.Constant, ast.UnaryOp, ast.Compare)):
        return
    computed = isinstance(node, (ast.Call, ast.BinOp)) and not isinstance(getattr(node, "op", None), (ast.Add, ast.Sub))
    if outer is None and computed and isinstance(site.statement, (ast.Assign, ast.Return)):
        add(ast.unparse(_negated(node)), "sign", 1.2)
    elif outer is not None and isinstance(outer.node, ast.Call) and node in outer.node.args[:1]:
        if isinstance(outer.node.func, ast.Attribute) and _is_library(session, outer.node.func.value):
            add(f"-{_tight(node)}", "sign", 1.4)
    elif outer is not None and isinstance(getattr(outer.node, "op", None), ast.Sub) and not isinstance(node, ast.BinOp):
        add(f"{_tight(node)} ** 2", "power", 1.5)


def _negated(node: ast.expr) -> ast.expr:
    """Return an expression with a minus in front: in front of the first factor of a product."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div, ast.MatMult)):
        return ast.BinOp(_negated(node.left), node.op, node.right)
    return node.operand if isinstance(node, ast.UnaryOp) else ast.UnaryOp(ast.USub(), node)


def _of_list(session: Session, site: Site, add: Add) -> None:
    """Change all arrays of a list in one way, or their order."""
    add(f"{_tight(site.node)}[::-1]", "order of a list", 1.5)
    add(f"[-item for item in {site.text}]", "factor", 2.5)
    statement = site.statement
    if site.repeated and isinstance(statement, ast.Assign) and statement.value is site.node:
        target = ast.unparse(statement.targets[0])
        add(f"[one + other for one, other in zip({target}, {site.text})]", "sum", 1.6)
    for name in _lists_for(session, site):
        add(name, "replaced", 1.6)
    N = session.probe.N
    numbers = [
        other.text
        for other in session.sites
        if other.function == site.function and not isinstance(other.node, ast.Constant)
        if isinstance(value := session.first(other), (int, float)) and value == N > 1
    ]
    for count in dict.fromkeys(numbers):
        add(f"[item / {count} for item in {site.text}]", "factor", 2.6)
        add(f"[item * {count} for item in {site.text}]", "factor", 2.7)


def _lists_for(session: Session, site: Site) -> list[str]:
    """Return the names that may stand for a list: none by which one comes into itself, or grows while it is read."""
    names = _variables(session, site)
    if isinstance(site.statement, ast.Return):
        return names
    grown = {other.text for other in session.sites if other.function == site.function and _is_receiver_of_effect(other)}
    parts = [part for target in getattr(site.statement, "targets", ()) for part in ast.walk(target)]
    targets = {part.id for part in parts if isinstance(part, ast.Name)}
    return [] if targets & grown else [name for name in names if name not in grown | targets]


def _variables(session: Session, site: Site) -> list[str]:
    """Return the names of all variables of the function that a site stands in, the nested ones not."""
    for code, _ in session.watch.functions.values():
        if code.co_name == site.function and code.co_filename == site.file:
            return [*code.co_varnames, *code.co_cellvars]
    return []


def _tight(node: ast.expr) -> str:
    """Return the text of an expression that something can follow, in parentheses if need be."""
    text = ast.unparse(node)
    plain = (ast.Name, ast.Call, ast.Subscript, ast.Attribute, ast.Constant)
    return text if isinstance(node, plain) else f"({text})"


def _is_receiver_of_effect(site: Site) -> bool:
    outer = site.parent
    if outer is None or not isinstance(outer.node, ast.Call) or not isinstance(outer.node.func, ast.Attribute):
        return False
    return outer.node.func.attr in EFFECTS and outer.node.func.value is site.node


def _of_callee(session: Session, site: Site, add: Add) -> None:
    node, value = site.node, session.first(site)
    if isinstance(node, ast.Attribute):
        for other in OTHER_FUNCTIONS.get(node.attr, ()):
            add(ast.unparse(ast.Attribute(node.value, other, ast.Load())), "function", 1.2)
        for name in _functions_beside(session, site, node):
            add(f"{ast.unparse(node.value)}.{name}", "function", 1.3)
    if isinstance(node, ast.Attribute) and node.attr in ELEMENTWISE:
        for name, other in _globals(session, site).items():
            if _may_be_called(session, other, 1):
                add(name, "function", 1.3)
    if isinstance(value, types.FunctionType) and is_users(value.__code__):
        for name, other in value.__globals__.items():
            if other is not value and _may_stand_for(session, other, value):
                add(name, "function", 1.3)


def _may_stand_for(session: Session, other: Any, value: types.FunctionType) -> bool:
    return _may_be_called(session, other, value.__code__.co_argcount)


def _may_be_called(session: Session, other: Any, count: int) -> bool:
    """Return whether something is a function of the user's of so many arguments that may run."""
    if not isinstance(other, types.FunctionType) or not is_users(other.__code__):
        return False
    return other.__code__.co_argcount == count and (other in session.watch.functions or is_harmless(other))


def _functions_beside(session: Session, site: Site, node: ast.Attribute) -> Iterator[str]:
    """Yield the names of other functions of one argument that the object holds whose function is called."""
    owner = ast.unparse(node.value)
    same = (s for s in session.sites if s.text == owner and s.function == site.function and s.file == site.file)
    held = getattr(next((session.first(s) for s in same), None), "__dict__", {})
    for name, other in held.items():
        is_function = _may_be_called(session, other, 1) or (isinstance(other, np.ufunc) and other.nin == 1)
        if name != node.attr and is_function:
            yield name


def _of_constant(session: Session, site: Site, value: Any, add: Add) -> None:
    if isinstance(value, bool):
        add(repr(not value), "constant", 1.0)
    elif value is None:
        add("0", "constant", 1.0)
        add("1", "constant", 1.0)
    elif isinstance(value, str):
        for other in _constants(session, site, str):
            add(repr(other), "constant", 1.3)
    elif isinstance(value, (int, float)):
        product = site.parent is not None and isinstance(site.parent.node, ast.BinOp)
        erased = product and isinstance(getattr(site.parent.node, "op", None), (ast.Mult, ast.Div))  # type: ignore[union-attr]  # product says there is one
        half = value / 2 if isinstance(value, float) or value % 2 else value // 2
        near = [value + 1, value - 1, 2 * value, half, -value, 0, 1, 2]
        near += [1 - value] if 0 < value < 1 else []
        odd = isinstance(value, float) and value not in (0.0, 0.5, 1.0, 2.0)  # a rate or a coefficient that was meant
        for other in [*near, *_constants(session, site, type(value))]:
            if other != value:
                cost = (1.2 if other else 1.6) if erased and other in (0, 1) else 1.0 if other in (0, 1) else 1.1
                add(repr(other), "constant", cost + 0.7 * (odd and other in (0, 1, -value)))
        if value in (0, 1) and isinstance(value, int):
            add("None", "constant", 1.3)


def _constants(session: Session, site: Site, kind: type) -> list[Any]:
    """Return the constants of one type in the file, among what was reached, and those that have names there."""
    here = [
        other.node.value
        for other in session.watch.sites
        if other.file == site.file and isinstance(other.node, ast.Constant) and type(other.node.value) is kind
    ]
    named = [value for value in _globals(session, site).values() if type(value) is kind] if kind is float else []
    return list(dict.fromkeys(here))[:12] + named[:6]


def _globals(session: Session, site: Site) -> dict[str, Any]:
    for function, (code, _) in session.watch.functions.items():
        if code.co_filename == site.file:
            return function.__globals__
    return {}


def _of_operation(node: ast.BinOp, add: Add) -> None:
    text = ast.unparse
    for operator in OTHER_OPERATORS.get(type(node.op), ()):
        add(text(ast.BinOp(node.left, operator(), node.right)), "operator", 1.0)
    if isinstance(node.op, (ast.Sub, ast.Div)):
        likely = isinstance(node.op, ast.Sub) and not isinstance(node.left, ast.Constant)
        add(text(ast.BinOp(node.right, node.op, node.left)), "exchanged", 1.05 if likely else 1.3)
    for part, other, cost in ((node.left, node.right, 1.4), (node.right, node.left, 1.5)):
        scales = isinstance(node.op, ast.Mult) or (isinstance(node.op, ast.Div) and other is node.right)
        number = scales and isinstance(other, ast.Constant)
        add(text(part), "left out", 1.0 if number else cost + 0.6 * isinstance(part, ast.Constant))
    first = node.left
    while isinstance(first, ast.BinOp) and isinstance(first.op, (ast.Mult, ast.Div)):
        first = first.left
        add(text(first), "left out", 1.6)
    if isinstance(node.op, (ast.Mult, ast.Div, ast.Add, ast.Sub)):
        left = node.left
        while isinstance(left, ast.BinOp) and isinstance(left.op, (ast.Mult, ast.Div, ast.Add, ast.Sub)):
            add(_without(node, left), "left out", 1.5)
            left = left.left
    if isinstance(node.op, ast.Mult) and isinstance(node.left, ast.BinOp) and isinstance(node.left.op, ast.Mult):
        a = text(node.left.right)
        if text(node.right) == f"1 - {a}":  # the slope of the sigmoid
            add(f"{text(node.left.left)} * (1 - {a} ** 2)", "slope", 1.3)
    if isinstance(node.op, ast.MatMult):
        for left, right, cost in _turned(node.left, node.right):
            add(text(ast.BinOp(left, ast.MatMult(), right)), "transposed", cost)


def _of_logistic(site: Site, node: ast.BinOp, add: Add) -> None:
    """Divide by 1 + eˣ where that is not divided by."""
    sides = (node.left, node.right)
    has_one = any(isinstance(side, ast.Constant) and side.value == 1 for side in sides)
    has_exponential = any(isinstance(side, ast.Call) and _name(side.func) == "exp" for side in sides)
    if isinstance(node.op, ast.Add) and has_one and has_exponential and not _is_divisor(site):
        add(f"1 / ({site.text})", "operator", 1.5)


def _is_in_logistic(site: Site) -> bool:
    """Return whether an expression stands where the exponential does in 1 / (1 + eˣ)."""
    outer = site.parent
    if outer is None or not isinstance(outer.node, ast.BinOp) or not isinstance(outer.node.op, ast.Add):
        return False
    other = outer.node.right if outer.node.left is site.node else outer.node.left
    is_one = isinstance(other, ast.Constant) and other.value == 1
    is_exponential = isinstance(site.node, ast.Call) and _name(site.node.func) == "exp"
    return is_one and not is_exponential and _is_divisor(outer)


def _is_divisor(site: Site) -> bool:
    outer = site.parent.node if site.parent is not None else None
    return isinstance(outer, ast.BinOp) and isinstance(outer.op, ast.Div) and outer.right is site.node


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _exponential(session: Session, site: Site) -> str:
    """Return how the file writes the exponential of a value such as that of a site, or nothing."""
    library = np if isinstance(session.first(site), np.ndarray) else math
    for name, held in _globals(session, site).items():
        if held is np.exp or held is library.exp:
            return name
        if held is np or held is library:
            return f"{name}.exp"
    return ""


def _without(node: ast.BinOp, inner: ast.BinOp) -> str:
    """Return the text of a chain of operations without the right operand of one in it."""

    def rebuilt(part: ast.expr) -> ast.expr:
        if part is inner:
            return inner.left
        if isinstance(part, ast.BinOp):
            return ast.BinOp(rebuilt(part.left), part.op, part.right)
        return part

    return ast.unparse(rebuilt(node))


def _turned(left: ast.expr, right: ast.expr) -> Iterator[tuple[ast.expr, ast.expr, float]]:
    """Yield the other ways to multiply two matrices: transposed, and in the other order."""

    def transposed(node: ast.expr) -> ast.expr:
        if isinstance(node, ast.Attribute) and node.attr == "T":
            return node.value
        return ast.Attribute(node, "T", ast.Load())

    for one in (left, transposed(left)):
        for other in (right, transposed(right)):
            yield one, other, 1.3
            yield other, one, 1.5


def _of_comparison(site: Site, node: ast.Compare, add: Add) -> None:
    if len(node.ops) == 1:
        for operator in (ast.Gt, ast.GtE, ast.Lt, ast.LtE):
            if not isinstance(node.ops[0], operator):
                add(ast.unparse(ast.Compare(node.left, [operator()], node.comparators)), "comparison", 1.0)
    _of_condition(site, add)


def _of_condition(site: Site, add: Add) -> None:
    if isinstance(site.statement, ast.If):
        add("True", "condition", 1.2)
        add("False", "condition", 1.3)


def _of_call(session: Session, site: Site, node: ast.Call, add: Add) -> None:
    function = node.func
    naming = session.name(site) if session.is_numeric(site) else None
    if naming is not None and naming.quantity.family == "a" and abs(naming.factor - 1) < 1e-9:
        add(f"{site.text} * (1 - {site.text})", "slope", 1.6)
        add(f"1 - {site.text} ** 2", "slope", 1.6)
    if isinstance(function, ast.Attribute):
        if function.attr not in EFFECTS:
            _of_method(session, node, function, add)
    elif isinstance(function, ast.Name):
        if node.args and not node.keywords and session.is_numeric(site):
            add(ast.unparse(node.args[0]), "left out", 1.6)
        _of_options(session, site, node, add)


def _of_options(session: Session, site: Site, node: ast.Call, add: Add) -> None:
    """Set what a function of the user's takes by default."""
    callee = next((child for child in site.children if child.role == "callee"), None)
    value = session.first(callee) if callee is not None and callee.number in session.visits else None
    if not isinstance(value, types.FunctionType) or not is_users(value.__code__) or not value.__defaults__:
        return
    code = value.__code__
    names = code.co_varnames[code.co_argcount - len(value.__defaults__) : code.co_argcount]
    given = {keyword.arg for keyword in node.keywords}
    for position, (name, default) in enumerate(
        zip(names, value.__defaults__, strict=True), start=code.co_argcount - len(names)
    ):
        if position >= len(node.args) and name not in given and isinstance(default, bool):
            keyword = ast.keyword(name, ast.Constant(not default))
            add(ast.unparse(ast.Call(node.func, node.args, [*node.keywords, keyword])), "option", 1.3)


def _of_method(session: Session, node: ast.Call, function: ast.Attribute, add: Add) -> None:
    text, library = ast.unparse, _is_library(session, function.value)
    if not library and node.args and not node.keywords and _is_function_held(session, node):
        add(text(node.args[0]), "left out", 1.6)
        return
    if library and node.args and function.attr not in ("zeros", "ones", "empty", "arange", "eye", "full"):
        add(text(node.args[0]), "left out", 1.6)
    if not library:
        add(text(function.value), "left out", 1.6)
    if function.attr in ("sum", "mean", "max"):
        first = node.args[:1] if library else []
        for axis in (0, 1):
            for kept in ((), (ast.keyword("keepdims", ast.Constant(True)),)):
                keywords = [ast.keyword("axis", ast.Constant(axis)), *kept]
                add(text(ast.Call(function, first, keywords)), "axis", 1.1 + 0.1 * len(kept))
    if function.attr in ("dot", "matmul") and len(node.args) == (2 if library else 1):
        left, right = node.args if library else (function.value, node.args[0])
        for one, other, cost in _turned(left, right):
            if library:
                add(text(ast.Call(function, [one, other], [])), "transposed", cost)
            else:
                add(text(ast.Call(ast.Attribute(one, function.attr, ast.Load()), [other], [])), "transposed", cost)
    if function.attr == "diag" and library and len(node.args) == 1:
        s = node.args[0].left if isinstance(node.args[0], ast.BinOp) else node.args[0]
        outer = ast.Call(ast.Attribute(function.value, "outer", ast.Load()), [s, s], [])
        add(f"{text(ast.Call(function, [s], []))} - {text(outer)}", "slope", 1.6)  # the derivatives of a softmax
    if function.attr in ("outer",) and library and len(node.args) == 2:
        add(text(ast.Call(function, node.args[::-1], [])), "transposed", 1.3)
    if function.attr == "where" and library and len(node.args) == 3:
        test, one, other = node.args
        add(text(ast.Call(function, [test, other, one], [])), "exchanged", 1.2)


def _is_function_held(session: Session, node: ast.Call) -> bool:
    """Return whether what is called is a function of numbers that an object holds, or a method of the user's."""
    callee = next((site for site in session.sites if site.node is node.func and site.role == "callee"), None)
    value = session.first(callee) if callee is not None else None
    numeric = callee is not None and callee.parent is not None and session.is_numeric(callee.parent)
    return numeric and isinstance(value, (types.FunctionType, types.MethodType, np.ufunc))


def _is_library(session: Session, node: ast.expr) -> bool:
    """Return whether an expression is a module, not an array whose method is called."""
    return not any(site.node is node for site in session.sites)


def _of_subscript(node: ast.Subscript, add: Add) -> None:
    text = ast.unparse
    if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
        return
    if not isinstance(node.slice, (ast.Tuple, ast.Slice)):
        for step in (1, -1):
            add(f"{_tight(node.value)}[{_shifted(node.slice, step)}]", "index", 1.1)
    if any(isinstance(part, ast.Slice) for part in ast.walk(node.slice)):
        index = text(node.slice)
        index = index[1:-1] if index.startswith("(") else index
        exchanges = ((":-1", "1:"), ("1:", ":-1"), ("1:", ":"), (":-1", ":"), (", 0", ", -1"), (", -1", ", 0"))
        for old, new in exchanges:
            if old in index:
                add(f"{_tight(node.value)}[{index.replace(old, new)}]", "index", 1.2)
        add(text(node.value), "index", 1.4)


def _near(index: str, step: int) -> str:
    return _shifted(ast.parse(index, mode="eval").body, step)


def _shifted(index: ast.expr, step: int) -> str:
    """Return the text of an index and one more or less."""
    if isinstance(index, ast.Constant) and isinstance(index.value, int):
        return repr(index.value + step)
    base, total = index, step
    if isinstance(index, ast.BinOp) and isinstance(index.op, (ast.Add, ast.Sub)):
        right = index.right.value if isinstance(index.right, ast.Constant) else None
        if isinstance(right, int):
            base, total = index.left, step + (right if isinstance(index.op, ast.Add) else -right)
    if total == 0:
        return ast.unparse(base)
    return f"{ast.unparse(base)} {'+' if total > 0 else '-'} {abs(total)}"


class Pool:
    """What a function has in scope at a site: expressions, with how much there is to read in them.

    Attributes:
        entries: Text, size and compiled code, the shortest first.
    """

    def __init__(self, sizes: dict[str, float]) -> None:
        self.entries: list[tuple[str, float, types.CodeType]] = []
        for text, size in sorted(sizes.items(), key=lambda entry: entry[1]):
            if (code := compiled(text)) is not None:
                self.entries.append((text, size, code))

    def values(self, scope: dict[str, Any]) -> list[Any]:
        """Return the values of all entries in a scope; None where there is none."""
        found: list[Any] = []
        for _, _, code in self.entries:
            try:
                value = eval(code, scope)
            except Exception:  # what is not defined here, or does not fit
                value = None
            found.append(value if is_numeric(value) else None)
        return found


def pool_of(session: Session, site: Site, names: dict[str, Any]) -> Pool:
    """Return what can be brought in at a site, given the names that it sees."""
    sizes: dict[str, float] = {}
    indices: list[str] = []
    for other in session.sites:
        if other.function != site.function or other.file != site.file or other.role != "value":
            continue
        if _is_plain(other) and session.is_numeric(other):
            sizes.setdefault(other.text, other.weight)
        if isinstance(other.node, ast.Subscript) and not isinstance(other.node.slice, (ast.Tuple, ast.Slice)):
            indices.append(ast.unparse(other.node.slice))
    for name, value in names.items():
        _enter(sizes, name, value, list(dict.fromkeys(indices)))
    for name, value in _globals(session, site).items():
        if isinstance(value, float) and name not in names:
            sizes.setdefault(name, 1)
    _counts(session, sizes, names)
    _derived(session, site, sizes, names)
    return Pool(sizes)


def _is_plain(site: Site) -> bool:
    if isinstance(site.node, (ast.Constant, ast.Lambda, ast.ListComp, ast.GeneratorExp)):
        return False
    for node in ast.walk(site.node):
        if isinstance(node, (ast.ListComp, ast.GeneratorExp, ast.Lambda, ast.NamedExpr)):
            return False
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in EFFECTS:
            return False
    return True


def _enter(sizes: dict[str, float], name: str, value: Any, indices: list[str]) -> None:
    """Enter a name, or the items of a list or a dictionary that it names."""
    if is_numeric(value) and not isinstance(value, (bool, np.bool_)):
        sizes.setdefault(name, 1)
    elif isinstance(value, (list, tuple)) and 0 < len(value) <= 12 and any(is_numeric(item) for item in value):
        near = [_near(i, step) for i in indices if not i.lstrip("-").isdigit() for step in (1, -1)]
        for i in dict.fromkeys([*indices, *map(str, range(min(len(value), 5))), *near]):
            sizes.setdefault(f"{name}[{i}]", 2)
    elif isinstance(value, dict) and 0 < len(value) <= 24 and all(isinstance(key, (int, str)) for key in value):
        near = [_near(i, step) for i in indices for step in (1, -1)]
        for i in dict.fromkeys([*map(repr, value), *indices, *near]):
            sizes.setdefault(f"{name}[{i}]", 2)
    elif hasattr(value, "__dict__") and not isinstance(value, (type, types.ModuleType, types.FunctionType)):
        for field, held in list(vars(value).items())[:24]:
            _enter(sizes, f"{name}.{field}", held, indices)


def _counts(session: Session, sizes: dict[str, float], names: dict[str, Any]) -> None:
    """Enter the ways to write the number of examples, and the other sizes of the inputs of a network without layers."""
    N = session.probe.N
    for name, value in names.items():
        if name in ("X", "x") and isinstance(value, np.ndarray) and not session.probe.reference.L:
            sizes |= {f"{name}.shape[{k}]": 3.0 for k in range(1, value.ndim)}
    if N < 2:
        return
    for name, value in names.items():
        if isinstance(value, np.ndarray) and value.ndim == 2 and not name.startswith("_"):
            if value.shape[0] == N:
                sizes.setdefault(f"len({name})", 2.5 if name in ("X", "x", "T", "Y", "y") else 3.5)
            elif value.shape[1] == N and name in ("X", "x", "T", "Y", "y"):
                sizes.setdefault(f"{name}.shape[1]", 2.5)


def _derived(session: Session, site: Site, sizes: dict[str, float], names: dict[str, Any]) -> None:
    """Enter transposes, slopes by their formulas, and functions of one argument applied to what is there."""
    functions = [*_unary(session, site, names), *_of_library(session, site)]
    for text, size in list(sizes.items()):
        if size > 3:
            continue
        tight = text.isidentifier() or text.endswith("]") or (text.replace(".", "").replace("_", "").isalnum())
        sizes.setdefault(f"{text}.T" if tight else f"({text}).T", size + 1)
        if not tight or (size > 2 and not text.endswith("]")):
            continue
        sizes.setdefault(f"{text} * (1 - {text})", 2 * size + 2)
        sizes.setdefault(f"1 - {text} ** 2", size + 3)
        sizes.setdefault(f"{text} > 0", size + 2)
        for function in functions:
            sizes.setdefault(f"{function}({text})", size + 1.5)


def _of_library(session: Session, site: Site) -> list[str]:
    """Return the functions of one array that the file takes from NumPy, as they are written there."""
    called = [s.node for s in session.watch.sites if s.file == site.file and isinstance(s.node, ast.Attribute)]
    found = [ast.unparse(node) for node in called if node.attr in ELEMENTWISE and _is_library(session, node.value)]
    return list(dict.fromkeys(found))[:4]


def _unary(session: Session, site: Site, names: dict[str, Any]) -> list[str]:
    """Return the names of the user's functions of one argument that may be called here."""
    found = []
    for name, value in {**_globals(session, site), **names}.items():
        if not isinstance(value, types.FunctionType) or not is_users(value.__code__) or name == site.function:
            continue
        required = value.__code__.co_argcount - len(value.__defaults__ or ())
        if required <= 1 <= value.__code__.co_argcount and (value in session.watch.functions or is_harmless(value)):
            found.append(name)
    return found[:6]


def as_written(site: Site, text: str, kind: str, cost: float) -> Written | None:
    """Return an open edit; one that decides between branches costs more."""
    return written(site, text, kind, cost + (UNLIKELY_IN_TEST if in_test(site) else 0.0))
