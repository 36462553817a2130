"""The names of local variables, taken while a function is recorded.

A profile function sees every `return` of a Python function that is not the engine's or the library's, and keeps the
variables that hold Values or nested lists of Values: their last state, once for every call. It makes recording several
times slower, so a function is recorded with it only when a text is asked for.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import FrameType, TracebackType
from typing import Any

import numpy as np

from ...value import Value

__all__ = ["Variable", "Watch", "members_of", "shape_of"]

_ENGINE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_OWN = (
    *(os.path.join(folder, "") for folder in (_ENGINE, os.path.join(os.path.dirname(_ENGINE), "nn"))),
    *(os.path.join(os.path.dirname(str(module.__file__)), "") for module in (np, os)),
    "<frozen",
)
_MOST = 3000  # variables that are kept
_DEEPEST = 3  # calls within the recorded function whose variables are kept
_NESTED = 5  # levels of lists


@dataclass(frozen=True)
class Variable:
    """A local variable of the recorded function, or of one that it calls.

    Attributes:
        name: Its name.
        depth: How deep the call was; 0 for the recorded function.
        value: The Value, or the nested lists of Values and numbers, that it held at the end.
        is_argument: Whether it is an argument of the call.
    """

    name: str
    depth: int
    value: Any
    is_argument: bool


@dataclass
class Watch:
    """A context within which variables are kept.

    Attributes:
        found: The variables, in the order of the returns.
        counters: The last values of the one-letter integers of the recorded function: loop counters.
    """

    found: list[Variable] = field(default_factory=list)
    counters: dict[str, int] = field(default_factory=dict)
    _depth: int = 0
    _before: Any = None

    def __enter__(self) -> Watch:
        self._before = sys.getprofile()
        if hasattr(self._before, "disable"):  # of cProfile, which sys.setprofile cannot put back
            self._before.disable()
        sys.setprofile(self._event)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if hasattr(self._before, "enable"):
            sys.setprofile(None)
            self._before.enable()
        else:
            sys.setprofile(self._before)

    def _event(self, frame: FrameType, event: str, _argument: Any) -> None:
        code = frame.f_code
        if event not in ("call", "return") or code.co_filename.startswith(_OWN):
            return
        if event == "call":
            self._depth += 1
            return
        self._depth -= 1
        if not 0 <= self._depth < _DEEPEST or len(self.found) > _MOST:
            return
        if code.co_name.startswith("<") and code.co_name != "<lambda>":
            return
        arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        for name, value in frame.f_locals.items():
            if value.__class__ is int and len(name) == 1 and not self._depth:
                self.counters[name] = value
            kept = _kept(value)
            if kept is not None:
                self.found.append(Variable(name, self._depth, kept, name in arguments))


def _kept(value: Any, level: int = 0) -> Any:
    """Return a copy of nested lists of Values and numbers; None if something else, or no Value, is in it."""
    if value.__class__ is Value:
        return value
    if value.__class__ not in (list, tuple) or not value or level >= _NESTED:
        return None
    out, some = [], False
    for each in value:
        if each.__class__ in (float, int):
            out.append(float(each))
            continue
        kept = _kept(each, level + 1)
        if kept is None:
            return None
        some = True
        out.append(kept)
    return out if some else None


def shape_of(value: Any) -> tuple[int, ...] | None:
    """Return the shape of a nested list, None if it is ragged."""
    if not isinstance(value, list):
        return ()
    shapes = {shape_of(each) for each in value}
    if len(shapes) != 1:
        return None
    (inner,) = shapes
    return None if inner is None else (len(value), *inner)


def members_of(value: Any) -> Iterator[Any]:
    """Yield the Values and numbers of a nested list in order."""
    if isinstance(value, list):
        for each in value:
            yield from members_of(each)
    else:
        yield value
