"""Sites: the expressions of a function, each made to hand its value to an observer.

A function is parsed, and every expression e that is read in it becomes `HOOK(number, e)`; a statement that changes
something in place is followed by `HOOK(number, target)`. What the function computes stays the same. A site is known by
its place in the file, so it keeps its number however often the function is instrumented.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

__all__ = ["HOOK", "Role", "Site", "Span", "hooked", "is_module", "outward", "span_of", "within"]

HOOK = "\0deltagrad observes\0"
"""Stands for the observer in the compiled code, until it is put in its place among the constants."""

Span = tuple[int, int, int, int]
"""First line, first column, last line, last column, as `ast` counts them: lines from 1, columns in bytes from 0."""

Role = str
"""What a site is: "value" of an expression, "callee" of a call, or "state" of a name after a statement in place."""

COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
UNTOUCHED = {
    "super",
    "locals",
    "globals",
    "vars",
    "dir",
    "eval",
    "exec",
    "isinstance",
    "issubclass",
    "hasattr",
    "print",
}

Node = TypeVar("Node", bound=ast.AST)


@dataclass(eq=False)
class Site:
    """One expression of the user's.

    Attributes:
        number: Names it in the instrumented code.
        file: The file.
        function: The name of the function it stands in.
        node: The expression as it was written.
        statement: The statement that it stands in.
        parent: The site of the expression around it, if there is one.
        role: "value", "callee" or "state".
        repeated: Whether it stands in a loop or a comprehension.
        settled: Whether it is no place for a change: it bounds a loop.
        children: The sites of the expressions within it.
    """

    number: int
    file: str
    function: str
    node: ast.expr
    statement: ast.AST
    parent: Site | None
    role: Role
    repeated: bool
    settled: bool
    children: list[Site] = field(default_factory=list)

    @cached_property
    def text(self) -> str:
        """The expression, in one line."""
        return ast.unparse(self.node)

    @cached_property
    def weight(self) -> int:
        """How much there is to read in the expression."""
        kinds = (ast.Name, ast.Constant, ast.BinOp, ast.UnaryOp, ast.Call, ast.Attribute, ast.Subscript)
        return sum(isinstance(node, kinds) for node in ast.walk(self.node))

    @property
    def line(self) -> int:
        """The line that it begins in."""
        return self.node.lineno

    @property
    def span(self) -> Span:
        """Where it stands in the file."""
        return span_of(self.node)

    def __repr__(self) -> str:
        return f"<Site {self.number}: {self.text} in line {self.line}>"


def span_of(node: ast.AST) -> Span:
    """Return where a node of a parsed file stands."""
    return (
        getattr(node, "lineno", 0),
        getattr(node, "col_offset", 0),
        getattr(node, "end_lineno", 0) or 0,
        getattr(node, "end_col_offset", 0) or 0,
    )


def within(site: Site) -> Iterator[Site]:
    """Yield a site and all sites in it."""
    yield site
    for child in site.children:
        yield from within(child)


def outward(site: Site) -> Iterator[Site]:
    """Yield a site and all sites around it, the innermost first."""
    here: Site | None = site
    while here is not None:
        yield here
        here = here.parent


def is_module(node: ast.AST, modules: set[str]) -> bool:
    """Return whether an expression is a module, such as `np` or `np.linalg`, by the names of modules in scope."""
    if isinstance(node, ast.Name):
        return node.id in modules
    return (
        isinstance(node, ast.Attribute)
        and node.attr in ("linalg", "special", "random")
        and is_module(node.value, modules)
    )


def hooked(
    made: ast.stmt,
    top: ast.stmt,
    node: ast.AST,
    modules: set[str],
    site: Callable[[ast.expr, ast.AST, Site | None, Role, str, bool, bool], Site],
    change: Callable[[ast.AST], None] | None = None,
) -> ast.Module:
    """Return a module of one statement in which one function is instrumented.

    Args:
        made: A copy of the statement, which is changed.
        top: A statement of a file, left as it is.
        node: The function or lambda within it.
        modules: The names of modules that the function sees.
        site: Returns the site of an expression, given its statement, the site around it, its role, its function,
            whether it is repeated and whether it is settled.
        change: Changes the statements of the copy before it is instrumented.
    """
    originals = dict(zip(map(id, ast.walk(made)), ast.walk(top), strict=True))
    target = next(new for new in ast.walk(made) if originals[id(new)] is node)
    if change is not None:
        change(target)
    writer = _Writer(originals, modules, site, getattr(node, "name", "<lambda>"), node)
    if isinstance(target, ast.Lambda):
        target.body = writer.expression(target.body)
    elif isinstance(target, FUNCTIONS):
        target.body = writer.block(target.body)
    module = ast.Module([made], [])
    return ast.fix_missing_locations(module)


class _Writer:
    """Writes the hooks into a copy of a function."""

    def __init__(
        self, originals: dict[int, ast.AST], modules: set[str], site: Callable[..., Site], function: str, top: ast.AST
    ) -> None:
        self.originals, self.modules, self.make_site, self.function = originals, modules, site, function
        self.statement: ast.AST = top
        self.around: list[Site] = []
        self.loops = self.bounds = 0

    # --- expressions

    def original(self, node: Node) -> Node:
        return self.originals.get(id(node), node)  # type: ignore[return-value]  # a copy and its original are of one type

    def site(self, node: ast.expr, role: Role) -> Site:
        parent = self.around[-1] if self.around else None
        original = self.original(node)
        return self.make_site(original, self.statement, parent, role, self.function, self.loops > 0, self.bounds > 0)

    def call(self, site: Site, node: ast.expr) -> ast.expr:
        return ast.copy_location(ast.Call(ast.Constant(HOOK), [ast.Constant(site.number), node], []), node)

    def expression(self, node: ast.expr, *, bound: bool = False) -> ast.expr:
        """Return an expression that hands over its value."""
        if isinstance(node, ast.Starred):
            node.value = self.expression(node.value, bound=bound)
            return node
        if isinstance(node, (ast.Yield, ast.YieldFrom, ast.Await, ast.JoinedStr, ast.FormattedValue)):
            return node
        self.bounds += bound
        site = self.site(node, "value")
        self.around.append(site)
        inner = self.inside(node)
        self.around.pop()
        self.bounds -= bound
        return self.call(site, inner)

    def inside(self, node: ast.expr) -> ast.expr:
        """Instrument what an expression consists of."""
        match node:
            case ast.Name() | ast.Constant():
                return node
            case ast.Attribute():
                if not is_module(node.value, self.modules):
                    node.value = self.expression(node.value)
                return node
            case ast.Call():
                return self.of_call(node)
            case ast.Subscript():
                if not is_module(node.value, self.modules):
                    node.value = self.expression(node.value)
                node.slice = self.index(node.slice)
                return node
            case ast.Lambda():
                self.nested(node)
                return node
            case ast.NamedExpr():
                node.value = self.expression(node.value)
                return node
        if isinstance(node, COMPREHENSIONS):
            return self.comprehension(node)
        for name, value in ast.iter_fields(node):
            if isinstance(value, ast.expr):
                setattr(node, name, self.expression(value))
            elif isinstance(value, list):
                setattr(node, name, [self.expression(v) if isinstance(v, ast.expr) else v for v in value])
        return node

    def of_call(self, node: ast.Call) -> ast.expr:
        if isinstance(node.func, ast.Name) and node.func.id in UNTOUCHED:
            return node
        node.args = [self.expression(argument) for argument in node.args]
        for keyword in node.keywords:
            keyword.value = self.expression(keyword.value)
        function = node.func
        site = self.site(function, "callee")
        if isinstance(function, ast.Attribute) and not is_module(function.value, self.modules):
            function.value = self.expression(function.value)
        elif isinstance(function, (ast.Call, ast.Subscript, ast.Lambda)):
            function = self.expression(function)
        node.func = self.call(site, function)
        return node

    def index(self, node: ast.expr) -> ast.expr:
        if isinstance(node, ast.Slice):
            for name in ("lower", "upper", "step"):
                value = getattr(node, name)
                if value is not None:
                    setattr(node, name, self.expression(value))
            return node
        if isinstance(node, ast.Tuple):
            node.elts = [self.index(element) for element in node.elts]
            return node
        return self.expression(node)

    def comprehension(self, node: ast.expr) -> ast.expr:
        self.loops += 1
        for generator in getattr(node, "generators", []):
            generator.iter = self.expression(generator.iter, bound=True)
            generator.ifs = [self.expression(test, bound=True) for test in generator.ifs]
        if isinstance(node, ast.DictComp):
            node.value = self.expression(node.value)
        elif isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp)):
            node.elt = self.expression(node.elt)
        self.loops -= 1
        return node

    def nested(self, node: ast.Lambda | ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """Instrument a function within the function."""
        outside = self.function, self.around, self.loops
        self.function, self.around, self.loops = getattr(node, "name", "<lambda>"), [], 0
        if isinstance(node, ast.Lambda):
            node.body = self.expression(node.body)
        else:
            node.body = self.block(node.body)
        self.function, self.around, self.loops = outside

    # --- statements

    def block(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        return [made for statement in statements for made in self.of_statement(statement)]

    def of_statement(self, node: ast.stmt) -> list[ast.stmt]:
        outside, self.statement = self.statement, self.original(node)
        try:
            return self.instrumented(node)
        finally:
            self.statement = outside

    def instrumented(self, node: ast.stmt) -> list[ast.stmt]:
        match node:
            case ast.Assign():
                node.value = self.expression(node.value)
                return [node, *(after for target in node.targets for after in self.target(target))]
            case ast.AnnAssign(value=ast.expr()):
                node.value = self.expression(node.value)  # type: ignore[arg-type]  # the pattern says it is one
                return [node, *self.target(node.target)]
            case ast.AugAssign():
                node.value = self.expression(node.value)
                return [node, *self.target(node.target, in_place=True)]
            case ast.Return(value=ast.expr()) | ast.Expr():
                node.value = self.expression(node.value)  # type: ignore[arg-type]  # the pattern says it is one
            case ast.If():
                node.test = self.expression(node.test)
                node.body, node.orelse = self.block(node.body), self.block(node.orelse)
            case ast.For():
                node.iter = self.expression(node.iter, bound=True)
                self.loops += 1
                node.body = self.block(node.body)
                self.loops -= 1
                node.orelse = self.block(node.orelse)
            case ast.While():
                node.test = self.expression(node.test, bound=True)
                self.loops += 1
                node.body = self.block(node.body)
                self.loops -= 1
            case ast.With():
                node.body = self.block(node.body)
            case ast.Try():
                node.body, node.orelse = self.block(node.body), self.block(node.orelse)
                node.finalbody = self.block(node.finalbody)
                for handler in node.handlers:
                    handler.body = self.block(handler.body)
            case ast.FunctionDef():
                self.nested(node)
        return [node]

    def target(self, node: ast.expr, *, in_place: bool = False) -> list[ast.stmt]:
        """Instrument the index in a target, and return the statements that hand over what it holds afterwards."""
        if isinstance(node, (ast.Tuple, ast.List)):
            return [after for element in node.elts for after in self.target(element)]
        if isinstance(node, ast.Starred):
            return self.target(node.value)
        held = node.value if isinstance(node, ast.Subscript) else node
        base = held
        while isinstance(base, (ast.Subscript, ast.Attribute)):
            base = base.value
        wanted = isinstance(base, ast.Name) and (in_place or not isinstance(node, ast.Name))
        load = _loaded(held) if wanted else None
        if isinstance(node, ast.Subscript):
            node.slice = self.index(node.slice)
        if load is None:
            return []
        for copied, written in zip(ast.walk(load), ast.walk(held), strict=False):
            self.originals[id(copied)] = self.original(written)
        site = self.site(load, "state")
        after = ast.Expr(self.call(site, load))
        return [ast.copy_location(after, node)]


def _loaded(node: ast.expr) -> ast.expr:
    """Return the expression that reads what a target names."""
    made = copy.deepcopy(node)
    for part in ast.walk(made):
        if hasattr(part, "ctx"):
            setattr(part, "ctx", ast.Load())  # noqa: B010  # not every node has one
    return made


def constants(code: Any) -> Iterator[Any]:
    """Yield the code objects in a code object, at any depth."""
    for constant in code.co_consts:
        if isinstance(constant, type(code)):
            yield constant
            yield from constants(constant)
