"""Data of your own, from comma-separated text with a header line."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn

import numpy as np

from ..arguments import FloatArray, unknown_name
from .dataset import Dataset

__all__ = ["read_csv", "read_csv_inputs"]

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})
"""What counts as a missing value, in small letters."""

SHOWN = 3
"""Problems that an error names; of more it gives the number."""


def read_csv(
    path: str | os.PathLike[str],
    *,
    target: str | int = -1,
    categorical: Sequence[str] = (),
    ignore: Sequence[str] = (),
    delimiter: str = ",",
    drop_missing: bool = False,
) -> Dataset:
    """Return the labelled examples in a file of comma-separated text.

    The first line is the header. One column holds the class of each example; classes are numbered in the order of
    their names, or of their values where all are whole numbers. The other columns hold numbers, unless they are
    categorical: such a column becomes one column of zeros and ones for each of its values, named `column=value`.
    Nothing is scaled: `Standardization` does that, from the training part alone.

    Args:
        path: The file, in UTF-8.
        target: The column of the class, by name or by position; the last one unless given.
        categorical: The names of columns whose values are words.
        ignore: The names of columns to leave out.
        delimiter: What separates the fields.
        drop_missing: Whether to leave out examples with a missing value; they are an error otherwise.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If there is no header or no example, a column is unknown, a row has too few or too many fields, or a
            value is missing or no finite number; the message says the lines and columns.
    """
    table = _table(path, delimiter)
    position = _position(table, target)
    names = [table.header[position], *categorical, *ignore]
    for name in names:
        _column(table, name)
    if len(set(names)) < len(names):
        _fail(table, f"a column has one part only, got target {names[0]!r}, categorical {names[1:]} with one twice")
    if drop_missing:
        kept = [k for k, name in enumerate(table.header) if name not in ignore]
        table = table._replace(rows=[row for row in table.rows if not any(_missing(row.fields[k]) for k in kept)])
        if not table.rows:
            _fail(table, "no example is complete")
    _require_values(table, [position, *(table.header.index(name) for name in categorical)])
    class_names = _class_names(row.fields[position] for row in table.rows)
    number_of = {name: number for number, name in enumerate(class_names)}
    features: list[str] = []
    for k, name in enumerate(table.header):
        if name in categorical:
            features += [f"{name}={value}" for value in _class_names(row.fields[k] for row in table.rows)]
        elif k != position and name not in ignore:
            features.append(name)
    if not features:
        _fail(table, "no column is left for the inputs")
    return Dataset(
        X=_inputs(table, features),
        y=np.array([number_of[row.fields[position]] for row in table.rows], dtype=np.int64),
        feature_names=tuple(features),
        class_names=class_names,
        name=Path(path).stem,
        description=f"{len(table.rows)} examples from {Path(path).name}, class in the column {names[0]!r}.",
    )


def read_csv_inputs(path: str | os.PathLike[str], feature_names: Sequence[str], *, delimiter: str = ",") -> FloatArray:
    """Return the inputs in a file, one row per example, in the order of the given names.

    Other columns are not looked at. A name `column=value` that the header lacks is 1 where the column has that value.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If there is no header or no example, a column is missing, a row has too few or too many fields, a
            value is missing or no finite number, or a category is none of those in the names.
    """
    return _inputs(_table(path, delimiter), list(feature_names))


class _Row(NamedTuple):
    line: int
    fields: list[str]


class _Table(NamedTuple):
    path: str
    header: list[str]
    rows: list[_Row]


def _table(path: str | os.PathLike[str], delimiter: str) -> _Table:
    """Return header and rows of a file, all of the same length."""
    if not isinstance(delimiter, str) or len(delimiter) != 1:
        raise ValueError(f"delimiter must be one character, got {delimiter!r}")
    rows = []
    with open(path, encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        try:
            rows = [_Row(reader.line_num, [field.strip() for field in fields]) for fields in reader if fields]
        except csv.Error as error:
            raise ValueError(f"{os.fspath(path)}: line {reader.line_num}: {error}") from None
        except UnicodeDecodeError as error:
            raise ValueError(f"{os.fspath(path)}: not text in UTF-8, at byte {error.start} of a block") from None
    table = _Table(os.fspath(path), rows[0].fields if rows else [], rows[1:])
    if not rows:
        _fail(table, "empty; a header line and examples are needed")
    _require_header(table)
    if not table.rows:
        _fail(table, "no example follows the header")
    width = len(table.header)
    problems = [
        f"line {row.line} has {len(row.fields)} fields instead of {width}"
        for row in table.rows
        if len(row.fields) != width
    ]
    _refuse(table, problems)
    return table


def _require_header(table: _Table) -> None:
    if all(_number(name) is not None for name in table.header):
        _fail(table, "the first line holds numbers only; a header line with the names of the columns is needed")
    for k, name in enumerate(table.header):
        if not name:
            _fail(table, f"the header has no name for column {k + 1}")
        if name in table.header[:k]:
            _fail(table, f"the header has the name {name!r} twice")


def _position(table: _Table, target: str | int) -> int:
    if isinstance(target, str):
        return _column(table, target)
    if isinstance(target, bool) or not isinstance(target, int):
        raise TypeError(f"target must be the name or the position of a column, got {target!r}")
    if not -len(table.header) <= target < len(table.header):
        _fail(table, f"there is no column {target}, there are {len(table.header)}")
    return target % len(table.header)


def _column(table: _Table, name: str) -> int:
    if name not in table.header:
        raise ValueError(f"{table.path}: {unknown_name('column', name, table.header)}")
    return table.header.index(name)


def _require_values(table: _Table, positions: list[int]) -> None:
    _refuse(
        table,
        [
            f"line {row.line} lacks {table.header[k]!r}"
            for row in table.rows
            for k in positions
            if _missing(row.fields[k])
        ],
    )


def _inputs(table: _Table, features: list[str]) -> FloatArray:
    """Return the columns of the given names as numbers, those named `column=value` as zeros and ones."""
    X = np.zeros((len(table.rows), len(features)))
    problems: list[tuple[int, str]] = []
    categories: dict[int, dict[str, int]] = {}
    for j, name in enumerate(features):
        column, separator, value = name.partition("=")
        if separator and name not in table.header:
            categories.setdefault(_column(table, column), {})[value] = j
            continue
        k = _column(table, name)
        for i, row in enumerate(table.rows):
            number = _number(row.fields[k])
            if number is None:
                problems.append((row.line, _complaint(table.header[k], row.fields[k])))
            else:
                X[i, j] = number
    for k, places in categories.items():
        for i, row in enumerate(table.rows):
            if row.fields[k] in places:
                X[i, places[row.fields[k]]] = 1.0
            else:
                known = ", ".join(places)
                problems.append((row.line, f"has {row.fields[k]!r} as {table.header[k]!r}, known are {known}"))
    _refuse(table, [f"line {line} {problem}" for line, problem in sorted(problems)])
    return X


def _complaint(name: str, field: str) -> str:
    if _missing(field):
        return f"lacks {name!r}"
    return f"has {field!r} as {name!r}, which is no finite number (words are for categorical columns)"


def _missing(field: str) -> bool:
    return field.lower() in MISSING


def _number(field: str) -> float | None:
    try:
        number = float(field)
    except ValueError:
        return None
    return number if math.isfinite(number) and "_" not in field else None


def _class_names(fields: Iterable[str]) -> tuple[str, ...]:
    names = set(fields)
    try:
        return tuple(sorted(names, key=lambda name: (int(name), name)))
    except ValueError:
        return tuple(sorted(names))


def _refuse(table: _Table, problems: list[str]) -> None:
    if problems:
        more = f"; and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        _fail(table, "; ".join(problems[:SHOWN]) + more)


def _fail(table: _Table, problem: str) -> NoReturn:
    raise ValueError(f"{table.path}: {problem}")
