"""The generators of random numbers that a function may draw from, and whether it did.

They are the generator of `random`, NumPy's global one, and those that are reached from the function: through its
closure, its defaults, the globals that it names, the object it is a method of, and what these hold.
"""

from __future__ import annotations

import copy
import functools
import pickle
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import CodeType, FrameType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from ..value import Value
from .tape import is_of_a_library

__all__ = ["Randomness"]

_MOST = 20_000  # objects that are looked at
_WITHOUT = ("autograd", "numpy")  # packages whose functions draw from no generator but those that they are given
_ATOMS = (Value, str, bytes, int, float, complex, type(None), np.ndarray, CodeType)


class Randomness:
    """The generators that a function may draw from, with their states as they are now."""

    def __init__(self, fun: Callable[..., Any]) -> None:
        self._generators: dict[int, tuple[str, Any]] = {}
        for name, found in _reached(fun):
            if isinstance(found, (random.Random, np.random.Generator, np.random.RandomState)):
                self._generators.setdefault(id(found), (f"{name!r}", found))
        self._look()

    def now(self) -> Randomness:
        """Return the same generators with the states that they have now."""
        again = copy.copy(self)
        again._look()
        return again

    def _look(self) -> None:
        self._states = {key: _state(found) for key, (_, found) in self._generators.items()}
        self._random = random.getstate()
        self._numpy = np.random.get_state()  # noqa: NPY002  # the global generator, whose draws we look for

    def moved(self) -> list[str]:
        """Return the names of the generators that somebody has drawn from since."""
        names = []
        if random.getstate() != self._random:
            names.append("the module random")
        if pickle.dumps(np.random.get_state()) != pickle.dumps(self._numpy):  # noqa: NPY002
            names.append("numpy.random")
        for key, (name, found) in self._generators.items():
            if _state(found) != self._states[key]:
                names.append(name)
        return names

    def line_that_draws(self, call: Callable[[], object]) -> str:
        """Return the file and the line, of nobody's library, that draws a number in a call of a function."""
        before, outer = self.now(), sys.gettrace()
        running, drawing = "an unknown line", ""

        def look(frame: FrameType, event: str, _: object) -> Any:
            nonlocal running, drawing
            if not drawing and before.moved():
                drawing = running
            if drawing or is_of_a_library(frame.f_code.co_filename):
                return None
            if event in ("call", "line"):
                running = f"{frame.f_code.co_filename}, line {frame.f_lineno}"
            return look

        sys.settrace(look)
        try:
            with suppress(Exception):
                call()
        finally:
            sys.settrace(outer)
        return drawing or running

    def restore(self) -> None:
        """Put every generator back to where it was."""
        random.setstate(self._random)
        np.random.set_state(self._numpy)  # noqa: NPY002
        for key, (_, found) in self._generators.items():
            state = pickle.loads(self._states[key])  # our own
            if isinstance(found, np.random.Generator):
                found.bit_generator.state = state
            elif isinstance(found, np.random.RandomState):
                found.set_state(state)
            elif state is not None:
                found.setstate(state)


def _state(generator: Any) -> bytes:
    if isinstance(generator, np.random.Generator):
        return pickle.dumps(generator.bit_generator.state)
    if isinstance(generator, np.random.RandomState):
        return pickle.dumps(generator.get_state())
    try:
        return pickle.dumps(generator.getstate())
    except NotImplementedError:  # random.SystemRandom has no state
        return pickle.dumps(None)


def _reached(fun: Any) -> Iterator[tuple[str, Any]]:
    """Yield what is reached from a function, with the name it was found under."""
    seen: set[int] = set()
    waiting: list[tuple[str, Any]] = [(getattr(fun, "__name__", "the function"), fun)]
    while waiting and len(seen) < _MOST:
        name, found = waiting.pop()
        if id(found) in seen:
            continue
        seen.add(id(found))
        yield name, found
        waiting += [(n, each) for n, each in _held(name, found) if not isinstance(each, _ATOMS)]


def _held(name: str, found: Any) -> Iterator[tuple[str, Any]]:
    """Yield what an object holds."""
    if isinstance(found, FunctionType):
        if (found.__module__ or "").partition(".")[0] not in _WITHOUT:
            yield from _of_a_function(found)
    elif isinstance(found, MethodType):
        yield name, found.__func__
        yield name, found.__self__
    elif isinstance(found, functools.partial):
        yield from ((name, each) for each in (found.func, *found.args, *found.keywords.values()))
    elif isinstance(found, dict):
        yield from ((str(key), each) for key, each in found.items())
    elif isinstance(found, (list, tuple, set, frozenset)):
        yield from ((name, each) for each in found)
    elif not isinstance(found, (type, ModuleType)) and type(found).__module__ not in ("random", "numpy.random"):
        yield from ((str(key), each) for key, each in getattr(found, "__dict__", {}).items())
        for kind in type(found).__mro__[:-1]:
            yield from ((key, each) for key, each in vars(kind).items() if isinstance(each, FunctionType))


def _of_a_function(function: FunctionType) -> Iterator[tuple[str, Any]]:
    for free, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield free, cell.cell_contents
        except ValueError:  # a variable that has no value yet
            continue
    for each in (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()):
        yield "a default", each
    names = _names(function.__code__)
    for name in names & function.__globals__.keys():
        found = function.__globals__[name]
        if not isinstance(found, ModuleType):
            yield name, found
        elif found.__name__ != "random":
            yield from ((inner, vars(found)[inner]) for inner in names & vars(found).keys())


def _names(code: CodeType) -> set[str]:
    """Return the names of globals and attributes in a function and in those defined within it."""
    return set(code.co_names).union(*(_names(each) for each in code.co_consts if isinstance(each, CodeType)))
