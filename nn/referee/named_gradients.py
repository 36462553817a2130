"""Gradients by the names of parameters: how a backward pass of a network of any kind is called, and what it returns."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..arguments import FloatArray
from .handing import holds_no_arrays
from .reading.probes import Key
from .returned import without_loss
from .submission import singly

__all__ = ["NamedCalling", "NamedGradients"]

INPUTS = ("X", "x", "inputs")
TARGETS = ("T", "t", "Y", "y", "targets", "target")


@dataclass(frozen=True, slots=True)
class NamedGradients:
    """What a backward pass returned, by the names of the parameters.

    Attributes:
        found: The gradients.
        precision: The least precise type of floats among them.
        understood: What was made of a form other than the documented one, as a phrase.
        blur: How far each may be off because it is the difference of two parameters.
        has_rate: Whether the rate of the step from which they were taken was known; else it is taken for 1.
    """

    found: dict[str, FloatArray]
    precision: np.dtype[Any]
    understood: str = ""
    blur: dict[Key, FloatArray] = field(default_factory=dict)
    has_rate: bool = True

    def arrays(self) -> dict[Key, FloatArray]:
        """Return the gradients by parameter, all of layer 0."""
        return {(name, 0): array for name, array in self.found.items()}


@dataclass(frozen=True, slots=True)
class NamedCalling:
    """How a backward pass of named parameters is called: (parameters, X, T), or by the names of its arguments.

    Attributes:
        function: What was handed in.
        names: Those of the parameters.
        columns: Whether it works with one column an example.
        summed: Whether it gives the gradients of the sum over the batch, which are divided by N.
        one_by_one: Whether it is called for each example by itself; the gradients are averaged.
        learning_rate: The rate of the step that it takes, in place or in what it returns; None if it is not known.
        by_name: The arguments, if all of them are parameters, X or T by their names; else none.
    """

    function: Callable[..., Any]
    names: tuple[str, ...]
    columns: bool = False
    summed: bool = False
    one_by_one: bool = False
    learning_rate: float | None = None
    by_name: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Look at the signature now: later the function may stand for another one, with its code exchanged."""
        object.__setattr__(
            self, "by_name", _arguments(self.function, {*map(_as_argument, self.names), *INPUTS, *TARGETS})
        )

    @property
    def functions(self) -> tuple[Any, ...]:
        """What the user wrote: the code that a reader begins with."""
        return (self.function,)

    def __call__(
        self, weights: list[FloatArray], _biases: list[FloatArray], X: FloatArray, T: FloatArray
    ) -> NamedGradients:
        """Return what the function returns for parameters in the order of their names, which it may change.

        Raises:
            TypeError: If what comes back is not numbers.
            ValueError: If an array is missing.
        """
        if not self.one_by_one:
            return self._called(weights, X, T)
        each = [self._called([W.copy() for W in weights], x, t) for x, t in singly(X, T)]
        mean = {name: np.mean([one.found[name] for one in each], axis=0) for name in self.names}
        return NamedGradients(mean, each[0].precision, each[0].understood, each[0].blur, each[0].has_rate)

    def _called(self, weights: list[FloatArray], X: FloatArray, T: FloatArray) -> NamedGradients:
        N, before = len(X), [W.copy() for W in weights]
        if self.columns:
            X, T = X.T.copy(), T.T.copy()
        elif self.one_by_one:
            X, T = X[0], T[0]
        parameters = dict(zip(self.names, weights, strict=True))
        named = {_as_argument(name): array for name, array in parameters.items()}
        given = {**dict.fromkeys(INPUTS, X), **dict.fromkeys(TARGETS, T), **named}
        names = self.by_name
        returned = self.function(*(given[name] for name in names)) if names else self.function(parameters, X, T)
        has_moved = any(not np.array_equal(old, parameters[name]) for name, old in zip(self.names, before, strict=True))
        is_step = (has_moved and holds_no_arrays(returned)) or self.learning_rate is not None
        found, precision = self._named(parameters if has_moved and is_step else without_loss(returned))
        understood, blur = "", {}
        if is_step:
            rate = self.learning_rate or 1.0
            found = {name: (old - found[name]) / rate for name, old in zip(self.names, before, strict=True)}
            unit = 2 * float(np.finfo(float).eps) / rate
            blur = {(name, 0): unit * abs(old) for name, old in zip(self.names, before, strict=True)}
            how = "the step in place" if has_moved else "the parameters that are returned after a step"
            understood = f"gradients from {how}" + (f", with rate {rate:g}" if self.learning_rate else "")
        if self.summed:
            found = {name: array / N for name, array in found.items()}
        return NamedGradients(found, precision, understood, blur, not is_step or self.learning_rate is not None)

    def _named(self, returned: Any) -> tuple[dict[str, FloatArray], np.dtype[Any]]:
        """Return what came back by the names of the parameters, and the least precise type in it."""
        if isinstance(returned, Mapping):
            plain = {_letters(str(name)): array for name, array in returned.items()}
            ways = {name: [way for way in _ways(name) if way in plain] for name in self.names}
            found = {name: plain[there[0]] for name, there in ways.items() if there}
        elif isinstance(returned, (list, tuple)) and len(returned) == len(self.names):
            found = dict(zip(self.names, returned, strict=True))
        else:
            found = {self.names[0]: returned} if len(self.names) == 1 else {}
        missing = [name for name in self.names if found.get(name) is None]
        if missing:
            got = f"the names {', '.join(map(str, returned))}" if isinstance(returned, Mapping) else _told(returned)
            example = ", ".join(f'"{name}": …' for name in self.names)
            raise ValueError(f"my_backprop must return {{{example}}}, the gradient of each parameter, got {got}")
        arrays = {name: np.asarray(array) for name, array in found.items()}
        for name, array in arrays.items():
            if array.dtype.kind not in "biuf":
                raise TypeError(f"the gradient of {name} must be an array of real numbers, got one of {array.dtype}")
        types = [array.dtype for array in arrays.values() if array.dtype.kind == "f"]
        precision = max(types, key=lambda dtype: np.finfo(dtype).eps, default=np.dtype(float))
        return {name: array.astype(float) for name, array in arrays.items()}, precision


def _letters(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _as_argument(name: str) -> str:
    """Return the name of a parameter as an argument has it: `conv_weight` for "conv.weight"."""
    return name.replace(".", "_")


def _ways(name: str) -> Iterator[str]:
    """Yield the names that the gradient by a parameter may have, without signs."""
    for before, after in (("d", ""), ("grad", ""), ("grads", ""), ("", "grad"), ("", "")):
        yield _letters(f"{before}{name}{after}")


def _told(returned: Any) -> str:
    return f"{type(returned).__name__}{f' of {len(returned)}' if isinstance(returned, (list, tuple)) else ''}"


def _arguments(function: Callable[..., Any], known: set[str]) -> tuple[str, ...]:
    """Return the names of the required arguments of a function, if all of them are known; else none."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return ()
    required = [p.name for p in signature.parameters.values() if p.default is p.empty]
    return tuple(required) if required and set(required) <= known else ()
