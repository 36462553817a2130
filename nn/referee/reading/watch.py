"""Watch functions while they run: exchange their code for one that hands over every value, and put it back.

The functions stay where they are, in closures, methods and modules; only their code objects change, while a watch runs
and for its thread. What is reached on the way is taken in: every function that a value of the user's code is.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import linecache
import os
import sysconfig
import threading
import types
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import autograd

from . import sites
from .guard import Halt
from .sites import HOOK, Role, Site, hooked, span_of

__all__ = [
    "Action",
    "Codes",
    "Source",
    "Unreadable",
    "Watch",
    "code_in",
    "exchanged",
    "functions_in",
    "is_users",
    "with_hook",
]

Action = Callable[[Any], Any]
"""What takes the value of a site, and returns what goes on in its place."""

Change = Callable[[str, ast.AST], None]
"""Changes statements of a function, given the file and the function's node in a copy of the tree."""

HERE = os.path.dirname(os.path.realpath(__file__))
FOREIGN = tuple(
    {os.path.realpath(sysconfig.get_paths()[name]) + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    | {os.path.dirname(os.path.dirname(HERE)) + os.sep, os.path.dirname(os.path.realpath(autograd.__file__)) + os.sep}
)
Codes = dict[types.FunctionType, types.CodeType]
"""What functions are exchanged for."""

MANY = 400_000  # values handed over in one run


class Unreadable(Exception):  # noqa: N818  # it is a state, not a failure
    """The source of a function cannot be had."""


class Source:
    """The text of a file, parsed.

    Args:
        file: Its name, as code objects give it.
        namespace: The globals of a function of it, for loaders that keep the text elsewhere.

    Raises:
        Unreadable: If there is no text, or it does not parse.
    """

    def __init__(self, file: str, namespace: dict[str, Any] | None = None) -> None:
        self.file = file
        self.lines = linecache.getlines(file, namespace)
        if not self.lines:
            raise Unreadable(f"there is no source of {file}")
        try:
            self.tree, self._functions = _parsed("".join(self.lines))
        except (SyntaxError, ValueError) as error:
            raise Unreadable(f"the source of {file} does not parse") from error

    def parsed(self, top: ast.stmt) -> ast.stmt:
        """Return a copy of a statement of the file."""
        first = min([top.lineno, *(d.lineno for d in getattr(top, "decorator_list", []))])
        text = "".join(self.lines[first - 1 : top.end_lineno])
        statement: ast.stmt = ast.parse("\n" * (first - 1) + text).body[0]
        return statement

    def function(self, code: types.CodeType) -> tuple[ast.AST, ast.stmt]:
        """Return a function's node and the statement of the file that it is in.

        Raises:
            Unreadable: If it is not there.
        """
        found = [(node, top) for node, top in self._functions if _is_of(node, code)]
        if not found:
            raise Unreadable(f"{code.co_name} is not found in {self.file}")
        if code.co_name == "<lambda>" and len(found) > 1:
            begin = _first_place(code)
            inside = [(node, top) for node, top in found if span_of(getattr(node, "body", node))[:2] <= begin]
            return max(inside or found, key=lambda pair: span_of(pair[0])[:2])
        return found[-1]


_Function = ast.Lambda | ast.FunctionDef | ast.AsyncFunctionDef


@functools.lru_cache(maxsize=32)
def _parsed(text: str) -> tuple[ast.Module, list[tuple[_Function, ast.stmt]]]:
    """Return a text's tree, and its functions with the statements that they are in."""
    tree = ast.parse(text)
    return tree, [(node, top) for top in tree.body for node in ast.walk(top) if isinstance(node, _Function)]


def _is_of(node: _Function, code: types.CodeType) -> bool:
    if isinstance(node, ast.Lambda):
        return code.co_name == "<lambda>" and node.lineno == code.co_firstlineno
    if node.name != code.co_name:
        return False
    return min(node.lineno, *(d.lineno for d in node.decorator_list), node.lineno) == code.co_firstlineno


def _first_place(code: types.CodeType) -> tuple[int, int]:
    """Return line and column of the first expression of a lambda."""
    places = [(line, column) for line, _, column, end in code.co_positions() if line and column is not None and end]
    return min(places, default=(0, 0))


def is_users(code: types.CodeType) -> bool:
    """Return whether code is the user's own: not of Python, of an installed package or of this one."""
    file = code.co_filename
    return not file.startswith(("<frozen", "<__array_function__")) and not os.path.realpath(file).startswith(FOREIGN)


def functions_in(value: Any) -> Iterator[types.FunctionType]:
    """Yield the functions that a call of a value may run."""
    if isinstance(value, types.MethodType):
        value = value.__func__
    if isinstance(value, types.FunctionType):
        yield value
        carried = getattr(value, "__wrapped__", None)
        held = [*(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values(), *_cells(value)]
        for inner in (carried, *held):
            if isinstance(inner, (types.FunctionType, types.MethodType)) and not is_users(value.__code__):
                yield from functions_in(inner)
        return
    if isinstance(value, type):
        for name in ("__init__", "__call__", "__new__"):
            method = value.__dict__.get(name)
            if isinstance(method, types.FunctionType):
                yield method
        return
    for name in ("func", "pyfunc", "__wrapped__"):
        with contextlib.suppress(Exception):
            inner = getattr(value, name, None)
            if isinstance(inner, (types.FunctionType, types.MethodType)):
                yield from functions_in(inner)
    method = getattr(type(value), "__call__", None)  # noqa: B004  # the function itself is sought
    if isinstance(method, types.FunctionType):
        yield method


def _cells(function: types.FunctionType) -> list[Any]:
    held = []
    for cell in function.__closure__ or ():
        with contextlib.suppress(ValueError):  # an empty cell
            held.append(cell.cell_contents)
    return held


def code_in(module: ast.Module | str, code: types.CodeType) -> types.CodeType:
    """Compile a module and return the code in it that stands for another.

    Raises:
        Unreadable: If there is none.
    """
    flags = code.co_flags & 0xFFF0000  # the __future__ statements in effect
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # calling a constant looks like a mistake
        made = compile(module, code.co_filename, "exec", flags=flags, dont_inherit=True)
    same = [
        c
        for c in sites.constants(made)
        if c.co_name == code.co_name
        and c.co_firstlineno == code.co_firstlineno
        and set(c.co_freevars) == set(code.co_freevars)
        and c.co_varnames[: c.co_argcount] == code.co_varnames[: code.co_argcount]
    ]
    if code.co_name == "<lambda>" and len(same) > 1:
        begin = _first_place(code)
        same = [c for c in same if _first_place(c) == begin] or same
    if not same:
        raise Unreadable(f"{code.co_name} is not found again")
    last: types.CodeType = same[-1]
    return last


def with_hook(code: types.CodeType, hook: Callable[[Any, Any], Any]) -> types.CodeType:
    """Return code in which the observer stands where the mark for it stood."""
    made: list[Any] = []
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            made.append(with_hook(constant, hook))
        else:
            made.append(hook if isinstance(constant, str) and constant == HOOK else constant)
    return code.replace(co_consts=tuple(made))


@contextlib.contextmanager
def exchanged(codes: Codes) -> Iterator[None]:
    """Let functions run other code in this thread, and put theirs back; other threads run theirs meanwhile."""
    old = {function: function.__code__ for function in codes}
    try:
        for function, code in codes.items():
            function.__code__ = _for_this_thread(function, code)
        yield
    finally:
        for function, code in old.items():
            function.__code__ = code


def _for_this_thread(function: types.FunctionType, code: types.CodeType) -> types.CodeType:
    """Return code that runs other code than the function's in this thread."""
    own, thread = function.__code__, threading.get_ident()

    def run(arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        chosen = code if threading.get_ident() == thread else own
        closure, defaults = function.__closure__, function.__defaults__
        made = types.FunctionType(chosen, function.__globals__, function.__name__, defaults, closure)
        made.__kwdefaults__ = function.__kwdefaults__
        return made(*arguments, **keywords)

    return with_hook(_handing_over(own.co_freevars), run)


@functools.cache
def _handing_over(free: tuple[str, ...]) -> types.CodeType:
    """Return the code of a function with the free variables of another one, which hands its arguments over."""
    names = ", ".join(free)
    text = f"def outer({names}):\n def inner(*args, **kwargs):\n  if 0: ({names})\n  return {HOOK!r}(args, kwargs)"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # calling a constant looks like a mistake
        made = compile(text, __file__, "exec")
    codes: Iterator[types.CodeType] = sites.constants(made)
    return next(code for code in codes if code.co_name == "inner")


class Watch:
    """Instruments the functions that a call reaches.

    Args:
        functions: Where the call begins.
        changes: Changes of statements, made before a function is instrumented.
        earlier: Another watch of the same functions, whose numbers of sites are kept.

    Attributes:
        sites: By number.
        functions: Every function that is exchanged, with its own code and the instrumented one.
        unread: Why a function that was reached is not instrumented, by name.
        variants: Code that hands over the values of a few statements only, by these.
    """

    def __init__(self, functions: tuple[Any, ...], changes: tuple[Change, ...] = (), earlier: Watch | None = None):
        self.changes = changes
        self.sites: list[Site] = earlier.sites if earlier else []
        self._places: dict[Any, Site] = earlier._places if earlier else {}
        self.sources: dict[str, Source] = earlier.sources if earlier else {}
        self.functions: dict[types.FunctionType, tuple[types.CodeType, types.CodeType]] = {}
        self.unread: dict[str, str] = {}
        self.variants: dict[Any, Codes | None] = {}
        self.actions: dict[int, Action] = {}
        self.every: Callable[[int, Any], None] | None = None
        self.limit = MANY
        self.visits = 0
        self._owner: int | None = None
        self._running: contextlib.ExitStack | None = None
        self._made: dict[types.CodeType, types.CodeType] = {}
        for function in earlier.functions if earlier else ():
            self.reach(function)
        for value in functions:
            self.reach(value)

    def hook(self, number: int, value: Any) -> Any:
        """Take the value of a site; what goes on in its place is what the action of the site returns.

        Raises:
            Halt: If more values came than the watch is to take.
        """
        if threading.get_ident() != self._owner:
            return value
        self.visits += 1
        if self.visits > self.limit:
            raise Halt("too many values")
        action = self.actions.get(number)
        if action is not None:
            value = action(value)
        if self.every is not None:
            self.every(number, value)
        return value

    def reach(self, value: Any) -> None:
        """Take in the functions that a call of a value runs, those that are the user's."""
        for function in functions_in(value):
            if function in self.functions or not is_users(function.__code__):
                continue
            if any(constant == self.hook for constant in function.__code__.co_consts if callable(constant)):
                continue  # it stands in a function that is instrumented already
            code = function.__code__
            try:
                if code not in self._made:
                    self._made[code] = self._instrumented(function)
            except (Unreadable, RecursionError) as error:
                self.unread[function.__qualname__] = str(error)
                continue
            self.functions[function] = code, self._made[code]
            if self._running is not None:
                self._running.enter_context(self._exchanged({function: self._made[code]}, changed=bool(self.changes)))

    def _instrumented(self, function: types.FunctionType) -> types.CodeType:
        code = function.__code__
        source = self.source(code.co_filename, function.__globals__)
        node, top = source.function(code)
        modules = {name for name, held in function.__globals__.items() if isinstance(held, types.ModuleType)}

        def site(
            node: ast.expr,
            statement: ast.AST,
            parent: Site | None,
            role: Role,
            name: str,
            repeated: bool,
            settled: bool,
        ) -> Site:
            key = code.co_filename, span_of(node), role, type(node)
            if role == "state":
                key = *key, span_of(statement)  # type: ignore[assignment]  # one name may change in two statements
            found = self._places.get(key)
            if found is None:
                number = len(self.sites)
                found = Site(number, code.co_filename, name, node, statement, parent, role, repeated, settled)
                self._places[key] = found
                self.sites.append(found)
                if parent is not None:
                    parent.children.append(found)
            return found

        def change(node: ast.AST) -> None:
            for one in self.changes:
                one(code.co_filename, node)

        module = hooked(source.parsed(top), top, node, modules, site, change if self.changes else None)
        return with_hook(code_in(module, code), self.hook)

    def source(self, file: str, namespace: dict[str, Any] | None = None) -> Source:
        """Return the parsed text of a file."""
        if file not in self.sources:
            self.sources[file] = Source(file, namespace)
        return self.sources[file]

    @contextlib.contextmanager
    def running(
        self,
        actions: dict[int, Action],
        every: Callable[[int, Any], None] | None = None,
        codes: Codes | None = None,
        *,
        changed: bool = False,
    ) -> Iterator[None]:
        """Exchange the code of the functions for the time being.

        Args:
            actions: By number of a site.
            every: Called with the number and the value of every site.
            codes: What some functions are exchanged for; the others stay as they are. Without it all are exchanged for
                code that hands over every value.
            changed: Whether these do something else than to hand over values.
        """
        self.actions, self.every, self.visits = actions, every, 0
        made = {function: code for function, (_, code) in self.functions.items()} if codes is None else codes
        try:
            with contextlib.ExitStack() as self._running:
                self._owner = threading.get_ident()
                self._running.enter_context(self._exchanged(made, changed=changed or bool(self.changes)))
                yield
        finally:
            self._owner = self._running = None
            self.actions, self.every = {}, None

    @contextlib.contextmanager
    def _exchanged(self, codes: Codes, *, changed: bool) -> Iterator[None]:
        """Exchange code; what only hands over values hands over none in other threads."""
        if changed:
            with exchanged(codes):
                yield
            return
        try:
            for function, code in codes.items():
                function.__code__ = code
            yield
        finally:
            for function in codes:
                function.__code__ = self.functions[function][0]
