"""The leaves that the caller names: parameters of a program and inputs of a recorded graph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ...value import Value
from .identifiers import checked_name

__all__ = ["given_inputs", "given_parameters"]


def given_inputs(inputs: Mapping[str, Iterable[Value]], parameters: Any) -> dict[str, list[Value]]:
    """Return the leaves of each input by name; `parameters` is what was given as such, or None.

    Raises:
        TypeError: If it is no mapping from identifiers to sequences of leaves.
        ValueError: If a leaf occurs twice, or is a parameter as well.
    """
    if not isinstance(inputs, Mapping):
        raise TypeError(f"inputs must be a mapping from names to sequences of leaves, got {inputs!r}")
    seen = set() if parameters is None else set(given_parameters(parameters)[0])
    found = {}
    for name, leaves in inputs.items():
        checked_name(name, "an input")
        if isinstance(leaves, Value) or not isinstance(leaves, Iterable):
            raise TypeError(f"input {name!r} must be a sequence of leaf Values, got {leaves!r}")
        found[name] = list(leaves)
        for leaf in found[name]:
            if not isinstance(leaf, Value) or not leaf.is_leaf or leaf.is_literal:
                raise TypeError(f"input {name!r} must be a sequence of leaf Values, got {leaf!r} in it")
            if leaf in seen:
                raise ValueError(f"{leaf.describe()} occurs twice among the inputs and parameters")
            seen.add(leaf)
    return found


def given_parameters(parameters: Any) -> tuple[list[Value], dict[str, Any] | None]:
    """Return the leaves of what was given as `parameters`, and the arrays of their numbers by name if it was a mapping.

    Raises:
        TypeError: If it is no module, iterable of leaves or mapping to nested lists of leaves.
        ValueError: If a leaf occurs twice, or a nested list is not rectangular.
    """
    named: dict[str, Any] | None = None
    leaves: list[Value] = []
    if isinstance(parameters, Mapping):
        named = {}
        for name, nested in parameters.items():
            checked_name(name, "a parameter")
            array = _nested(name, nested)
            named[name] = np.arange(len(leaves), len(leaves) + array.size, dtype=np.intp).reshape(array.shape)
            leaves.extend(array.ravel().tolist())
    else:
        listed = parameters.parameters() if callable(getattr(parameters, "parameters", None)) else parameters
        if isinstance(listed, (str, bytes, Value)) or not isinstance(listed, Iterable):
            raise TypeError(f"parameters must be a module, an iterable of leaves or a mapping, got {parameters!r}")
        leaves = list(listed)
    for leaf in leaves:
        if not isinstance(leaf, Value) or leaf.op is not None or leaf.is_literal:
            raise TypeError(f"a parameter must be a leaf Value, got {leaf!r}")
    if len({*leaves}) < len(leaves):
        twice = next(leaf for leaf, count in Counter(leaves).items() if count > 1)
        raise ValueError(f"{twice.describe()} occurs twice among the parameters")
    return leaves, named


def _nested(name: str, nested: Any) -> np.ndarray[Any, Any]:
    shape: list[int] = []
    level = nested
    while isinstance(level, Sequence) or (isinstance(level, np.ndarray) and level.ndim):
        if not len(level):
            raise ValueError(f"parameter {name!r} is empty")
        shape.append(len(level))
        level = level[0]
    array = np.empty(tuple(shape), dtype=object)
    for index in np.ndindex(*shape):
        entry = nested
        for k, i in enumerate(index):
            if len(entry) != shape[k]:
                raise ValueError(f"parameter {name!r} is not rectangular: {shape[k]} and {len(entry)} entries")
            entry = entry[i]
        array[index] = entry
    return array
