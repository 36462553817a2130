"""Nested lists, tuples, dicts and arrays of numbers or Values, taken apart into a flat list and put together again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .op import finite_float
from .value import Value

__all__ = ["Structure", "array_of", "taken_apart"]

_Nest = Callable[[Iterator[Any]], Any]


class Structure:
    """How entries are arranged: one number, an array of a shape, or a list, tuple or dict of such.

    A block is one number or one array.

    Attributes:
        shapes: The shape of every block, in order; `()` for a number.
        is_array: Whether a block is an array.
        names: The place of every entry, such as "[1][0,2]" for an array in a list, or "" for a single number, which
            may be an array of shape ().
    """

    def __init__(self, tree: Any, what: str, entries: list[Any]) -> None:
        self.shapes: list[tuple[int, ...]] = []
        self.is_array: list[bool] = []
        self.names: list[str] = []
        self._nest = self._visit(tree, "", what, entries)

    def _visit(self, part: Any, place: str, what: str, entries: list[Any]) -> _Nest:
        if isinstance(part, Mapping):
            parts = {key: self._visit(child, f"{place}[{key!r}]", what, entries) for key, child in part.items()}
            return lambda blocks: {key: nest(blocks) for key, nest in parts.items()}
        if isinstance(part, (list, tuple)):
            kind = tuple if isinstance(part, tuple) else list
            children = [self._visit(child, f"{place}[{k}]", what, entries) for k, child in enumerate(part)]
            return lambda blocks: kind(nest(blocks) for nest in children)
        if isinstance(part, np.ndarray):
            indices = (f"[{','.join(map(str, index))}]" if index else "" for index in np.ndindex(part.shape))
            self.names.extend(place + index for index in indices)
            entries.extend(_entry(entry, what) for entry in part.ravel().tolist())
        else:
            self.names.append(place)
            entries.append(_entry(part, what))
        self.shapes.append(np.shape(part) if isinstance(part, np.ndarray) else ())
        self.is_array.append(isinstance(part, np.ndarray))
        return lambda blocks: next(blocks)

    @property
    def sizes(self) -> list[int]:
        """The number of entries of every block."""
        return [int(np.prod(shape)) for shape in self.shapes]

    def arranged(self, blocks: Sequence[Any]) -> Any:
        """Return these blocks in the lists, tuples and dicts of this structure."""
        return self._nest(iter(blocks))

    def filled(self, entries: Sequence[Any]) -> Any:
        """Return these floats and Values in this structure; an array without Values has dtype float."""
        blocks: list[Any] = []
        start = 0
        for shape, size, is_array in zip(self.shapes, self.sizes, self.is_array, strict=True):
            block = entries[start : start + size]
            blocks.append(array_of(block, shape) if is_array else block[0])
            start += size
        return self.arranged(blocks)


def taken_apart(tree: Any, what: str) -> tuple[list[Any], Structure]:
    """Return the entries of nested lists, tuples, dicts and arrays as floats and Values, and their structure.

    Args:
        tree: A number, a Value, an array of either, or a list, tuple or dict of such.
        what: What it is, to begin an error's sentence.

    Raises:
        TypeError: If there is something else in it.
        ValueError: If a number is not finite.
    """
    entries: list[Any] = []
    structure = Structure(tree, what, entries)
    return entries, structure


def array_of(entries: Sequence[Any], shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Return an array of floats, or of objects if a Value is among the entries."""
    if any(isinstance(entry, Value) for entry in entries):
        array = np.empty(len(entries), dtype=object)
        array[:] = entries
        return array.reshape(shape)
    return np.array(entries, dtype=float).reshape(shape)


def _entry(entry: Any, what: str) -> Any:
    if isinstance(entry, Value):
        return entry
    if isinstance(entry, (bool, np.bool_)):
        raise TypeError(f"{what} needs real numbers, got the bool {entry!r}")
    return finite_float(entry, what)
