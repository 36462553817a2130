"""What has parameters: access to them by name, as arrays, and all at once.

A parameter is a leaf Value. Parameters come in arrays with names, such as the matrix `W1` and the vector `b1` of a
layer, and everything else is derived from `Module.parameter_arrays`: the flat list, the names of single entries
(`W1[2,0]`), the state as arrays of numbers.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autograd import Value
from autograd.habits import answered

from ..arguments import FloatArray, float_array
from ..habits import MODEL

__all__ = ["Module", "StateDifference", "ValueArray", "value_array"]

ValueArray: TypeAlias = NDArray[Any]
"""An array whose entries are Values."""


class StateDifference(NamedTuple):
    """The names in which a state and a module differ.

    Attributes:
        missing: Arrays of the module that the state lacks.
        unexpected: Arrays of the state that the module lacks.
    """

    missing: tuple[str, ...]
    unexpected: tuple[str, ...]


class Module:
    """Something with parameters.

    A subclass of your own need not declare anything: its parameters are the leaf Values and the modules it keeps in
    attributes, also inside lists, tuples, dicts and arrays. Nested names are joined with dots.

    Example:
        >>> class Line(Module):
        ...     def __init__(self):
        ...         self.slope = Value(2.0)
        ...         self.intercept = Value(-1.0)
        ...     def __call__(self, x):
        ...         return self.slope * x[0] + self.intercept
        >>> Line().state_dict()
        {'slope': array(2.), 'intercept': array(-1.)}

    Attributes:
        classes: The classes that the outputs stand for, where `nn.fit` was given labels; None otherwise.
    """

    classes: tuple[int | str | bool, ...] | None = None

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if name not in MODEL or name in vars(self)]

    def parameter_arrays(self) -> dict[str, ValueArray]:
        """Return the arrays of parameters by name, in a fixed order; the entries are the parameters themselves."""
        return {name: array for key, held in vars(self).items() for name, array in _arrays_in(key, held)}

    def named_parameters(self) -> Iterator[tuple[str, Value]]:
        """Yield every parameter with its name, such as `W1[2,0]`; a shared one once, under its first name."""
        seen: set[Value] = set()
        for name, array in self.parameter_arrays().items():
            for index, parameter in np.ndenumerate(array):
                if parameter not in seen:
                    seen.add(parameter)
                    yield name + (f"[{','.join(map(str, index))}]" if index else ""), parameter

    def parameters(self) -> list[Value]:
        """Return every parameter once, in the order of `named_parameters`."""
        flat = (parameter for array in self.parameter_arrays().values() for parameter in array.flat)
        return list(dict.fromkeys(flat))

    def weight_values(self) -> tuple[Value, ...]:
        """Return the parameters that an L2 penalty applies to.

        Raises:
            TypeError: If this kind of module does not say which of its parameters are weights.
        """
        raise TypeError(f"{type(self).__name__} does not say which parameters are weights: pass the weights themselves")

    def zero_grad(self) -> None:
        """Set the `grad` of every parameter to 0."""
        for parameter in self.parameters():
            parameter.grad = 0.0

    def state_dict(self) -> dict[str, FloatArray]:
        """Return the data of the parameters as new arrays by name."""
        return {name: data_of(array) for name, array in self.parameter_arrays().items()}

    def gradients(self) -> dict[str, FloatArray]:
        """Return the `grad` of the parameters as new arrays by name."""
        return {name: _entries(array, "grad") for name, array in self.parameter_arrays().items()}

    def load_state_dict(self, state: Mapping[str, ArrayLike], *, strict: bool = True) -> StateDifference:
        """Set the data of the parameters from arrays by name, after everything has been checked.

        Args:
            state: Arrays as `state_dict` returns them.
            strict: Whether the names must agree exactly; if not, arrays that only one side has are left alone.

        Returns:
            The names that only one side has, both empty if `strict`.

        Raises:
            TypeError: If `state` is not a mapping or an array does not hold numbers.
            ValueError: If names are missing or unknown, a shape differs, a number is not finite, or a shared parameter
                gets two different numbers. Then nothing has changed.
        """
        if not isinstance(state, Mapping):
            raise TypeError(f"load_state_dict needs a mapping of names to arrays, got {type(state).__name__}")
        arrays = self.parameter_arrays()
        missing = tuple(name for name in arrays if name not in state)
        unexpected = tuple(str(name) for name in state if name not in arrays)
        if strict and (missing or unexpected):
            raise ValueError(
                f"the state does not fit this {type(self).__name__}: missing {', '.join(missing) or 'nothing'}; "
                f"unexpected {', '.join(unexpected) or 'nothing'}"
            )
        assign({name: (array, state[name]) for name, array in arrays.items() if name in state})
        return StateDifference(missing, unexpected)


answered(Module, MODEL)


def value_array(values: Any) -> ValueArray:
    """Return Values nested in sequences of equal lengths as an array."""
    shape: list[int] = []
    first = values
    while not isinstance(first, Value):
        shape.append(len(first))
        first = first[0]
    leaves: Any = values
    for _ in shape[1:]:
        leaves = itertools.chain.from_iterable(leaves)
    # one by one: an assignment of the whole asks every Value whether it is an array
    return np.fromiter(leaves if shape else [values], dtype=object, count=math.prod(shape)).reshape(shape)


def data_of(array: ValueArray) -> FloatArray:
    """Return the data of an array of Values as a new array."""
    return _entries(array, "data")


def assign(changes: Mapping[str, tuple[ValueArray, ArrayLike]]) -> None:
    """Set the data of the leaves in every array to the numbers beside it, all of them or none.

    Raises:
        TypeError: If something else than real numbers was given.
        ValueError: If a shape differs, a number is not finite, or one leaf would get two different numbers.
    """
    numbers: dict[Value, float] = {}
    for name, (array, given) in changes.items():
        data = float_array(name, given, array.shape)
        for parameter, number in zip(array.flat, data.flat, strict=True):
            if numbers.setdefault(parameter, float(number)) != number:
                raise ValueError(
                    f"a parameter that is shared was given two numbers, {numbers[parameter]} and, in {name}, {number}"
                )
    for leaf, new in numbers.items():
        leaf.data = new


def _entries(array: ValueArray, attribute: str) -> FloatArray:
    flat = np.array([getattr(parameter, attribute) for parameter in array.flat], dtype=float)
    return flat.reshape(array.shape)


def _arrays_in(name: str, held: Any) -> Iterator[tuple[str, ValueArray]]:
    """Yield the arrays of parameters found in an attribute: a leaf, a module, or a container of such."""
    if isinstance(held, Module):
        for inner, array in held.parameter_arrays().items():
            yield f"{name}.{inner}", array
    elif _is_block(held):
        yield name, value_array(held)
    elif isinstance(held, Mapping):
        for key, item in held.items():
            yield from _arrays_in(f"{name}.{key}", item)
    elif isinstance(held, (list, tuple)) or (isinstance(held, np.ndarray) and held.dtype == object):
        for k, item in enumerate(held):
            yield from _arrays_in(f"{name}.{k}", item)


def _is_block(held: Any) -> bool:
    """Whether this is a leaf Value, or a sequence of blocks of one shape."""
    return _shape(held) is not None


def _shape(held: Any) -> tuple[int, ...] | None:
    if isinstance(held, Value):
        return () if held.op is None else None
    if not isinstance(held, (Sequence, np.ndarray)) or isinstance(held, (str, bytes)) or len(held) == 0:
        return None
    shapes = {_shape(item) for item in held}
    inner = shapes.pop()
    return None if shapes or inner is None else (len(held), *inner)
