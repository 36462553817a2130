"""What a caller passes in, as arrays with a row for each example."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from ..matrices.lifted import Lifted
from ..record.identifiers import checked_name

__all__ = ["Batch", "shape_of_row", "taken"]

Array = np.ndarray[Any, Any]


class Batch(NamedTuple):
    """The arrays of a batch.

    Attributes:
        named: By name, (N, length).
        examples: N.
        axes: The shape of a row of each input that has more axes than one, by name.
        rows: The number of each row in the batch that this is a part of; None if it is the whole.
    """

    named: dict[str, Array]
    examples: int
    axes: Mapping[str, tuple[int, ...]] = MappingProxyType({})
    rows: Array | None = None

    @staticmethod
    def of(given: Mapping[str, Any]) -> Batch:
        """Return a batch whose inputs are not known yet; a TypeError if one cannot be an argument's name."""
        named = {checked_name(name, "an input"): _rows(name, values) for name, values in given.items()}
        return Batch(named, _count(named), _axes(given))

    def row(self, number: int) -> dict[str, Array]:
        """Return one row by name, each input in its own shape."""
        return {name: rows[number].reshape(self.axes.get(name, -1)) for name, rows in self.named.items()}

    def part(self, rows: Array) -> Batch:
        """Return some rows by number."""
        return Batch({name: each[rows] for name, each in self.named.items()}, len(rows), self.axes, rows)


def taken(derived: Lifted, given: Mapping[str, Any], *, outputs_only: bool, because: Exception | None = None) -> Batch:
    """Return the batch for a program.

    Args:
        derived: What the program was derived as.
        given: What the caller passed in.
        outputs_only: Whether inputs that the outputs do not read may be missing.
        because: Why inputs of another shape could not be recorded, if that was tried.

    Raises:
        TypeError: If an input is missing, unknown, or no array of real numbers.
        ValueError: If a shape is wrong or a number is not finite.
    """
    inputs = derived.inputs
    named: dict[str, Array] = {}
    for name, values in given.items():
        length = inputs.get(name)
        if length is None:
            known = ", ".join(inputs) or "none"
            raise TypeError(f"the program has no input {name!r}; its inputs are: {known}")
        if values.__class__ is np.ndarray and values.dtype == float and values.ndim == 2:
            rows = values if np.isfinite(values).all() else _rows(name, values)
        else:
            rows = _rows(name, values)
        if rows.shape[1] != length:
            why = "" if because is None else f"; for another length the function raises: {because}"
            raise ValueError(
                f"input {name!r} needs {length} number(s) a row, shape (N, {length}), got {np.shape(values)}{why}"
            ) from because
        shape = derived.axes.get(name, (length,))
        if (len(shape) > 1 or np.ndim(values) > 2) and shape_of_row(values) != shape:
            raise ValueError(f"input {name!r} needs rows of shape {shape}, got an array of shape {np.shape(values)}")
        named[name] = rows
    if len(named) != len(inputs):
        missing = [
            name for name in inputs if name not in named and (not outputs_only or name in derived.read_by_outputs)
        ]
        if missing:
            raise TypeError(f"input {missing[0]!r} is missing; the program's inputs are: {', '.join(inputs)}")
    return Batch(named, _count(named), _axes(given))


def shape_of_row(values: Any) -> tuple[int, ...]:
    """Return the shape of a row of an input as it is given: (N, length), (length,), or with more axes.

    Raises:
        ValueError: If it is ragged.
        IndexError: If it is a number.
    """
    shape = np.shape(values)
    return shape[1:] if len(shape) > 1 else (shape[0],)


def _axes(given: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    return {name: shape_of_row(values) for name, values in given.items() if np.ndim(values) > 2}


def _count(named: Mapping[str, Array]) -> int:
    counts = {name: len(rows) for name, rows in named.items()}
    if len(set(counts.values())) > 1:
        raise ValueError(f"the inputs have different numbers of rows: {counts}")
    count = next(iter(counts.values()), 1)
    if not count:
        raise ValueError("a batch needs at least one row, got none")
    return count


def _rows(name: str, values: Any) -> Array:
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ValueError(f"input {name!r} needs rows of one length, shape (N, length), got {values!r}") from error
    if np.ma.is_masked(values):
        raise ValueError(f"input {name!r} needs a number in every place, got a masked array")
    if array.dtype.kind not in "biuf":
        raise TypeError(f"input {name!r} needs real numbers, got {type(values).__name__} of dtype {array.dtype}")
    with np.errstate(over="ignore"):  # a longer float that overflows is refused below
        array = array.astype(float)
    if array.ndim == 1:
        array = array[None]
    if array.ndim > 2:
        array = array.reshape(len(array), -1)
    if array.ndim != 2:
        raise ValueError(f"input {name!r} needs shape (N, length) or (length,), got {np.shape(values)}")
    if not np.isfinite(array).all():
        row = int(np.argwhere(~np.isfinite(array))[0][0])
        raise ValueError(f"input {name!r} needs finite numbers, got NaN or infinity in row {row}")
    return array
