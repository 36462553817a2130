"""The generators of random numbers that a function may draw from, and whether it did.

They are the generator of `random`, NumPy's global one, and those that are reached from the function: through its
closure, its defaults, the globals that it names, the object it is a method of, and what these hold. Iterators that are
reached, such as `itertools.cycle`, are looked at likewise, as far as Python tells where they are. The random numbers of
the operating system have no state to look at: a function that reaches them is taken to draw from them.
"""

from __future__ import annotations

import copy
import functools
import os
import pickle
import random
import secrets
import sys
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import BuiltinMethodType, CodeType, FrameType, FunctionType, GeneratorType, MethodType, ModuleType
from typing import Any

import numpy as np

from ...value import Value
from .tape import is_of_a_library

__all__ = ["Randomness"]

_MOST = 20_000  # objects that are looked at
_WITHOUT = ("autograd", "numpy")  # packages whose functions draw from no generator but those that they are given
_OF_THE_SYSTEM = (os.urandom, uuid.uuid1, uuid.uuid4, secrets.randbelow, secrets.token_bytes, secrets.token_hex)
_OF_THE_MODULE = random.random.__self__  # type: ignore[attr-defined]  # the generator of the module random
_GENERATORS = (random.Random, np.random.Generator, np.random.RandomState)
_ATOMS = (Value, str, bytes, int, float, complex, type(None), np.ndarray, CodeType)


class Randomness:
    """The generators that a function may draw from, with their states as they are now.

    Attributes:
        of_the_system: Where those are named that have no state and ask the operating system, by name.
    """

    def __init__(self, fun: Callable[..., Any]) -> None:
        self._generators: dict[int, tuple[str, Any]] = {}
        self._iterators: dict[int, tuple[str, Any]] = {}
        self.of_the_system: dict[str, str] = {}
        for name, found, place in _reached(fun):
            if isinstance(found, random.SystemRandom) or any(found is each for each in _OF_THE_SYSTEM):
                if place:
                    self.of_the_system[f"{name!r}"] = place
            elif isinstance(found, _GENERATORS) and found is not _OF_THE_MODULE:
                self._generators[id(found)] = f"{name!r}", found
            elif place and _is_iterator(found):  # those of a library are its own, as the counter of nodes is ours
                self._iterators[id(found)] = f"{name!r}", found
        self._look()

    def now(self) -> Randomness:
        """Return the same generators with the states that they have now."""
        again = copy.copy(self)
        again._look()
        return again

    def _look(self) -> None:
        self._states = {key: _state(found) for key, (_, found) in self._generators.items()}
        self._positions = {key: _position(found) for key, (_, found) in self._iterators.items()}
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

    def advanced(self) -> list[str]:
        """Return the names of the iterators from which somebody has taken items since."""
        return [name for key, (name, found) in self._iterators.items() if _position(found) != self._positions[key]]

    def line_that_draws(self, call: Callable[[], object]) -> str:
        """Return the file and the line, of nobody's library, that draws a number in a call of a function."""
        for place in self.of_the_system.values():
            return place
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
            else:
                found.setstate(state)


def _state(generator: Any) -> bytes:
    if isinstance(generator, np.random.Generator):
        return pickle.dumps(generator.bit_generator.state)
    if isinstance(generator, np.random.RandomState):
        return pickle.dumps(generator.get_state())
    return pickle.dumps(generator.getstate())


def _is_iterator(found: Any) -> bool:
    return type(found).__module__ in ("builtins", "itertools") and hasattr(type(found), "__next__")


def _position(iterator: Any) -> Any:
    """Return something that changes when items of an iterator are taken; None if Python does not tell."""
    if isinstance(iterator, GeneratorType):
        frame = iterator.gi_frame
        return None if frame is None else (frame.f_lasti, [_identity(each) for each in frame.f_locals.values()])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of Python 3.12 and 3.13, for iterators of itertools
        try:
            return pickle.dumps(iterator)
        except Exception:  # an iterator over what cannot be pickled, or of a Python that does not tell where it is
            return None


def _identity(found: Any) -> Any:
    """Return what tells whether a local variable has changed."""
    if isinstance(found, _GENERATORS):
        return _state(found)
    return found if isinstance(found, (int, float, str)) else id(found)


def _reached(fun: Any) -> Iterator[tuple[str, Any, str]]:
    """Yield what is reached from a function, the name it was found under, and where: "" if behind a library."""
    seen: set[int] = set()
    waiting: list[tuple[str, Any, str]] = [(getattr(fun, "__name__", "the function"), fun, "an unknown line")]
    while waiting and len(seen) < _MOST:
        name, found, place = waiting.pop()
        if id(found) in seen:
            continue
        seen.add(id(found))
        yield name, found, place
        if isinstance(found, FunctionType) and place:
            code = found.__code__
            place = "" if is_of_a_library(code.co_filename) else f"{code.co_filename}, line {code.co_firstlineno}"
        waiting += [(n, each, place) for n, each in _held(name, found) if not isinstance(each, _ATOMS)]


def _held(name: str, found: Any) -> Iterator[tuple[str, Any]]:
    """Yield what an object holds."""
    if isinstance(found, FunctionType):
        if (found.__module__ or "").partition(".")[0] not in _WITHOUT:
            yield from _of_a_function(found)
    elif isinstance(found, MethodType):
        yield name, found.__func__
        yield name, found.__self__
    elif isinstance(found, BuiltinMethodType):
        if not isinstance(found.__self__, ModuleType):
            yield name, found.__self__
    elif isinstance(found, GeneratorType):
        if found.gi_frame is not None:
            yield from found.gi_frame.f_locals.items()
            yield from _named(found.gi_code, found.gi_frame.f_globals)
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
    yield from _named(function.__code__, function.__globals__)


def _named(code: CodeType, known: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the globals that code names, and what it names of modules."""
    names = _names(code)
    for name in names & known.keys():
        found = known[name]
        if not isinstance(found, ModuleType):
            yield name, found
        elif found.__name__ != "random":
            yield from ((inner, vars(found)[inner]) for inner in names & vars(found).keys())


def _names(code: CodeType) -> set[str]:
    """Return the names of globals and attributes in a function and in those defined within it."""
    return set(code.co_names).union(*(_names(each) for each in code.co_consts if isinstance(each, CodeType)))
