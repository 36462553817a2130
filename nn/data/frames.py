"""Data of your own, from a data frame: pandas, polars, pyarrow and whatever else narwhals reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arguments import FloatArray, unknown_name
from .dataset import Dataset

__all__ = ["from_frame"]


def from_frame(
    frame: Any,
    *,
    target: str,
    categorical: Sequence[str] = (),
    ignore: Sequence[str] = (),
    drop_missing: bool = False,
    name: str = "frame",
) -> Dataset:
    """Return the labelled examples in a data frame.

    One column holds the class of each example: words, whole numbers, booleans or categories; classes are numbered in
    the order of their values. The other columns hold numbers or booleans, unless they are categorical: such a column
    becomes one column of zeros and ones for each of its values, named `column=value`. Nothing is scaled:
    `Standardization` does that, from the training part alone.

    Args:
        frame: A frame of pandas, polars (eager), pyarrow, or another that narwhals reads.
        target: The column of the class.
        categorical: The names of columns whose values are words.
        ignore: The names of columns to leave out.
        drop_missing: Whether to leave out examples with a missing value; they are an error otherwise.
        name: What the data set is called.

    Raises:
        ImportError: If narwhals is missing (the extra "frames").
        TypeError: If `frame` is no data frame, or a column holds something else.
        ValueError: If a column is unknown or has two parts, no example or no input is left, or a value is missing or
            not finite; the message says the rows and columns.

    Example:
        >>> import pytest
        >>> pandas = pytest.importorskip("pandas")
        >>> flowers = pandas.DataFrame({"size": [1.5, 0.5, 2.0], "kind": ["rose", "daisy", "rose"]})
        >>> data = from_frame(flowers, target="kind")
        >>> data.y, data.class_names
        (array([1, 0, 1]), ('daisy', 'rose'))
    """
    table = _narwhal(frame)
    columns = [str(column) for column in table.columns]
    chosen = [target, *categorical, *ignore]
    for column in chosen:
        if column not in columns:
            raise ValueError(unknown_name("column", column, columns))
    if len(set(chosen)) < len(chosen):
        raise ValueError(f"a column has one part only, got {', '.join(map(repr, chosen))}")
    kept = [column for column in columns if column not in ignore]
    if len(kept) < 2:
        raise ValueError("a frame needs a column for the inputs beside the target, got none")
    absent = {column: _missing(table[column]) for column in kept}
    if drop_missing:
        table = table.filter((~np.any(list(absent.values()), axis=0)).tolist())
    elif any(rows.any() for rows in absent.values()):
        column = next(column for column, rows in absent.items() if rows.any())
        raise ValueError(
            f"row {int(np.flatnonzero(absent[column])[0])} lacks {column!r} "
            f"({int(sum(rows.sum() for rows in absent.values()))} values are missing): fill them in, "
            "or leave such rows out by drop_missing=True"
        )
    if not len(table):
        raise ValueError("a frame needs at least one complete example, got none")
    blocks = {c: _words(table[c]) if c in categorical else {c: _numbers(table[c])} for c in kept if c != target}
    inputs = {feature: values for block in blocks.values() for feature, values in block.items()}
    values = [_plain(value) for value in table[target].to_list()]
    classes = _ordered(values, target)
    number = {value: k for k, value in enumerate(classes)}
    return Dataset(
        X=np.column_stack(list(inputs.values())),
        y=np.array([number[value] for value in values], dtype=np.int64),
        feature_names=tuple(inputs),
        class_names=tuple(map(str, classes)),
        name=name,
        description=f"{len(values)} examples from a data frame, class in the column {target!r}.",
    )


def _narwhal(frame: Any) -> Any:
    try:
        import narwhals.stable.v1 as narwhals
    except ImportError as error:
        raise ImportError(
            'from_frame needs narwhals, which reads data frames: pip install narwhals, or the extra "frames"'
        ) from error
    try:
        return narwhals.from_native(frame, eager_only=True)
    except TypeError as error:
        raise TypeError(f"from_frame needs a data frame in memory, got {type(frame).__name__}: {error}") from None


def _missing(series: Any) -> Any:
    """Return where a value is missing: null, or NaN as pandas has it."""
    absent = series.is_null().to_numpy()
    return absent | series.is_nan().fill_null(False).to_numpy() if series.dtype.is_float() else absent


def _numbers(series: Any) -> FloatArray:
    """Return a column of numbers as floats."""
    if not (series.dtype.is_numeric() or str(series.dtype) == "Boolean"):
        raise TypeError(
            f"column {series.name!r} must hold numbers, got {series.dtype}: "
            f"name it in categorical for a column per value, or in ignore"
        )
    numbers = np.asarray(series.to_list(), dtype=float)
    if not np.isfinite(numbers).all():
        row = int(np.flatnonzero(~np.isfinite(numbers))[0])
        raise ValueError(f"column {series.name!r} must be finite, got {numbers[row]} in row {row}")
    return numbers


def _words(series: Any) -> dict[str, FloatArray]:
    """Return zeros and ones for each value of a categorical column."""
    values = [_plain(value) for value in series.to_list()]
    return {
        f"{series.name}={value}": np.array([1.0 * (v == value) for v in values])
        for value in _ordered(values, series.name)
    }


def _plain(value: Any) -> Any:
    """Return a value as the classes have it: 1.0 is the class 1."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _ordered(values: list[Any], column: str) -> list[Any]:
    try:
        return sorted(set(values))
    except TypeError:
        kinds = ", ".join(sorted({type(value).__name__ for value in values}))
        raise TypeError(f"column {column!r} must hold values of one kind, got {kinds}") from None
