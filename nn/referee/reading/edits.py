"""Edits: one change of a function each, tried by running the function with it.

A written edit puts another expression in the place of one; it can be printed as a corrected line. A known edit puts a
quantity of the equations there, which proves the place without knowing how to write it. A moved edit changes a
statement as a whole.
"""

from __future__ import annotations

import ast
import functools
import sys
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .guard import HERE, Halt
from .quantities import Quantity
from .sites import Site, Span
from .watch import Action

__all__ = [
    "Edit", "Known", "Moved", "Written", "compiled", "copied", "is_numeric", "names_in", "same_values", "user_frame",
    "written",
]  # fmt: skip

MANY = 10_000  # texts whose code is kept
COMPREHENSIONS = ("<listcomp>", "<genexpr>", "<dictcomp>", "<setcomp>")


@dataclass(eq=False)
class Edit:
    """A change of a function.

    Attributes:
        site: The place.
        text: What is put there.
        kind: What sort of change it is.
        cost: How unlikely it is that this is what went wrong; a small change of one sign costs 1.
        values: What the site gives at each visit with the edit, where that was found.
    """

    site: Site
    text: str
    kind: str
    cost: float
    values: list[Any] | None = field(default=None, repr=False, kw_only=True)

    def action(self) -> Action:
        """Return what is done with the value of the site at each visit of one run."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<{self.kind} in line {self.site.line}: {self.site.text} → {self.text} ({self.cost:.2f})>"


@dataclass(eq=False, repr=False)
class Written(Edit):
    """Another expression in the place of one."""

    code: types.CodeType

    def action(self) -> Action:
        """Evaluate the expression where the site stands."""
        code = self.code
        inside = False

        def act(_value: Any) -> Any:
            nonlocal inside
            if inside:
                raise RecursionError("the expression calls the function that it stands in")
            frame = user_frame()
            inside = True
            try:
                return eval(code, {**frame.f_globals, **names_in(frame)})
            finally:
                inside = False

        return act


@dataclass(eq=False, repr=False)
class Known(Edit):
    """A quantity of the equations in the place of an expression, or as a factor or a term of it.

    Attributes:
        put: Takes the number of the visit and the value; returns what goes on.
        quantities: What is put there, visit by visit; one for all if it is one.
        factor: The number in front of them, or of what stands there if it is put before that.
        plain: The edit without the number, if there is one.
    """

    put: Callable[[int, Any], Any]
    quantities: Sequence[Quantity] = ()
    factor: float = 1.0
    plain: Known | None = None

    def action(self) -> Action:
        """Count the visits of a run."""
        visit = -1

        def act(value: Any) -> Any:
            nonlocal visit
            visit += 1
            try:
                return self.put(visit, value)
            except (TypeError, ValueError) as error:
                raise Halt("it does not fit what stands there by now") from error

        return act


@dataclass(eq=False, repr=False)
class Moved(Edit):
    """A statement changed as a whole.

    Attributes:
        change: Changes it in a copy of the function's tree.
        lines: How the text of the file is to be changed: takes its lines, returns them changed.
        statement: Where it stands.
    """

    change: Callable[[str, ast.AST], None]
    lines: Callable[[list[str]], list[str]]
    statement: Span

    def action(self) -> Action:
        """Do nothing: the code itself is changed."""
        return lambda value: value


def written(site: Site, text: str, kind: str, cost: float) -> Written | None:
    """Return an edit, or None if the text is no expression."""
    code = compiled(text)
    return None if code is None else Written(site, text, kind, cost, code)


@functools.lru_cache(MANY)
def compiled(text: str) -> types.CodeType | None:
    """Return the code of an expression, or None if the text is none."""
    try:
        return compile(text, "<candidate>", "eval")
    except (SyntaxError, ValueError):
        return None


def user_frame() -> types.FrameType:
    """Return the innermost frame that is not of this package."""
    frame = sys._getframe(1)
    while frame.f_code.co_filename.startswith(HERE) and frame.f_back is not None:
        frame = frame.f_back
    return frame


def names_in(frame: types.FrameType) -> dict[str, Any]:
    """Return the names that code in a frame sees; a comprehension sees those of the function around it."""
    names = {name: value for name, value in frame.f_locals.items() if not name.startswith(".")}
    here = frame
    while here.f_code.co_name in COMPREHENSIONS and here.f_back is not None:
        here = here.f_back
        if here.f_code.co_filename.startswith(HERE):
            continue
        if here.f_code.co_filename != frame.f_code.co_filename:
            break
        for name, value in here.f_locals.items():
            names.setdefault(name, value)
    return names


def is_numeric(value: Any) -> bool:
    """Return whether a value is a number or an array of numbers."""
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "biuf"
    return isinstance(value, (float, int, np.number, np.bool_))


def copied(value: Any) -> Any:
    """Return a value that nobody else changes."""
    return np.array(value) if isinstance(value, np.ndarray) else value


def same_values(one: Any, other: Any) -> bool:
    """Return whether two values are the same numbers, but for rounding."""
    if not is_numeric(one) or not is_numeric(other):
        return False
    a, b = np.asarray(one, dtype=float), np.asarray(other, dtype=float)
    return a.shape == b.shape and bool(np.all(np.abs(a - b) <= 1e-9 * np.abs(b) + 1e-12))
