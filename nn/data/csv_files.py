"""Data of your own, from comma-separated text with a header line."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Collection, Generator, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, NoReturn, TextIO

import numpy as np

from ..arguments import FloatArray, unknown_name
from .dataset import Dataset

__all__ = ["read_csv", "read_csv_inputs"]

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})
"""What counts as a missing value, in small letters."""

SHOWN = 3
"""Problems that an error names; of more it gives the number."""

DELIMITERS = ",;\t|"
"""What may separate fields where nothing else is said: the one that splits the header into the most."""


def read_csv(
    path: str | os.PathLike[str],
    *,
    target: str | int = -1,
    categorical: Sequence[str] = (),
    ignore: Sequence[str] = (),
    delimiter: str | None = None,
    decimal: str = ".",
    missing: Collection[str] = MISSING,
    drop_missing: bool = False,
    progress: bool = False,
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
        delimiter: What separates the fields. Unless given it is the comma, semicolon, tab or bar that splits the header
            into the most fields; the description of the data set says which, if it is not the comma.
        decimal: What stands before the decimals of a number.
        missing: What counts as a missing value, in any case; an empty field always does. `()` keeps a class "none".
        drop_missing: Whether to leave out examples with a missing value; they are an error otherwise.
        progress: Whether to show on the standard error, if it is a terminal, how much is read.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If there is no header or no example, a column is unknown, a row has too few or too many fields, a
            value is missing or no finite number, or two classes are one number; the message says the lines and columns.
    """
    table = _table(path, _Dialect(delimiter, decimal, missing), progress=progress)
    position = _position(table, target)
    names = [table.header[position], *categorical, *ignore]
    for name in names:
        _column(table, name)
    if len(set(names)) < len(names):
        _fail(table, f"a column has one part only, got target {names[0]!r}, categorical {names[1:]} with one twice")
    if drop_missing:
        kept = [k for k, name in enumerate(table.header) if name not in ignore]
        is_missing = table.dialect.is_missing
        table = _Table(
            table.path,
            table.dialect,
            table.header,
            [row for row in table.rows if not any(is_missing(row.fields[k]) for k in kept)],
        )
        if not table.rows:
            _fail(table, "no example is complete")
    _require_values(table, [position, *(table.places[name] for name in categorical)])
    class_names = _class_names(table, position)
    number_of = {name: number for number, name in enumerate(class_names)}
    features: list[str] = []
    words, ignored = set(categorical), set(ignore)
    for k, name in enumerate(table.header):
        if name in words:
            features += [f"{name}={value}" for value in _class_names(table, k)]
        elif k != position and name not in ignored:
            features.append(name)
    if not features:
        _fail(table, f"no column is left for the inputs{table.dialect.advice}")
    return Dataset(
        X=_inputs(table, features),
        y=np.array([number_of[row.fields[position]] for row in table.rows], dtype=np.int64),
        feature_names=tuple(features),
        class_names=class_names,
        name=Path(path).stem,
        description=f"{len(table.rows)} examples from {Path(path).name}{table.dialect.said}, "
        f"class in the column {names[0]!r}.",
    )


def read_csv_inputs(
    path: str | os.PathLike[str],
    feature_names: Sequence[str],
    *,
    delimiter: str | None = None,
    decimal: str = ".",
    progress: bool = False,
) -> FloatArray:
    """Return the inputs in a file, one row per example, in the order of the given names.

    Other columns are not looked at. A name `column=value` that the header lacks is 1 where the column has that value.
    The other arguments are those of `read_csv`.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If there is no header or no example, a column is missing, a row has too few or too many fields, a
            value is missing or no finite number, or a category is none of those in the names.
    """
    return _inputs(_table(path, _Dialect(delimiter, decimal, MISSING), progress=progress), list(feature_names))


class _Row(NamedTuple):
    line: int
    fields: list[str]


class _Dialect:
    """How a file writes fields and numbers, and what it leaves out.

    Attributes:
        delimiter: What separates fields; None until the header is read.
        said: What a description says of it.
        advice: What to say where the given delimiter separates nothing.
    """

    def __init__(self, delimiter: str | None, decimal: str, missing: Collection[str]) -> None:
        for name, value in (("delimiter", delimiter), ("decimal", decimal)):
            if value is not None and (not isinstance(value, str) or len(value) != 1):
                raise ValueError(f"{name} must be one character, got {value!r}")
        if decimal not in (".", ","):
            raise ValueError(f"decimal must be '.' or ',', got {decimal!r}")
        if isinstance(missing, str) or not all(isinstance(word, str) for word in missing):
            raise TypeError(f"missing must be a collection of words, got {missing!r}")
        self.delimiter, self.decimal = delimiter, decimal
        self.words = {"", *(word.strip().lower() for word in missing)}
        self.said = self.advice = ""

    def learn(self, header: str) -> str:
        """Return what separates the fields of a file with this header."""
        likely = max(DELIMITERS, key=lambda each: (_fields_in(header, each), each == ","))
        if self.delimiter is None:
            self.delimiter = likely
            self.said = "" if self.delimiter == "," else f", separated by {self.delimiter!r}"
        elif _fields_in(header, self.delimiter) == 1 < _fields_in(header, likely):
            self.advice = f": its fields seem to be separated by {likely!r}, not by {self.delimiter!r}"
        return self.delimiter

    def is_missing(self, field: str) -> bool:
        return field.lower() in self.words

    def number(self, field: str) -> float | None:
        """Return a field as a finite number, None if it is none."""
        if self.decimal != ".":
            field = field.replace(".", "_").replace(self.decimal, ".")  # a point is no part of such a number
        return _number(field)


def _fields_in(header: str, delimiter: str) -> int:
    try:
        return len(next(csv.reader([header], delimiter=delimiter), []))
    except csv.Error:
        return 0


class _Table:
    """Header and rows of a file, all of the same length."""

    def __init__(self, path: str, dialect: _Dialect, header: list[str], rows: list[_Row]) -> None:
        self.path, self.dialect, self.header, self.rows = path, dialect, header, rows

    @cached_property
    def places(self) -> dict[str, int]:
        """The position of each column by its name."""
        return {name: k for k, name in enumerate(self.header)}


def _table(path: str | os.PathLike[str], dialect: _Dialect, *, progress: bool) -> _Table:
    rows: list[_Row] = []
    with open(path, encoding="utf-8-sig", newline="") as file:
        lines = _lines(file, progress=progress)
        reader = None
        try:
            first = next(lines, "")
            while first and not first.strip():
                first = next(lines, "")
            reader = csv.reader(_with_first(first, lines), delimiter=dialect.learn(first), strict=True)
            rows = [_Row(reader.line_num, [field.strip() for field in fields]) for fields in reader if fields]
        except csv.Error as error:
            line = 1 if reader is None else reader.line_num
            raise ValueError(f"{os.fspath(path)}: line {line}: {error}") from None
        except UnicodeDecodeError as error:
            raise ValueError(f"{os.fspath(path)}: not text in UTF-8, at byte {error.start} of a block") from None
        finally:
            lines.close()
    table = _Table(os.fspath(path), dialect, rows[0].fields if rows else [], rows[1:])
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


def _lines(file: TextIO, *, progress: bool) -> Generator[str, None, None]:
    """Yield the lines of a file, and show how much of it is read."""
    size = os.fstat(file.fileno()).st_size
    hidden = None if progress else True  # None: where it is no terminal
    from tqdm import tqdm  # here as in `fit`

    with tqdm(total=size, unit="B", unit_scale=True, desc="reading", leave=False, delay=1.0, disable=hidden) as bar:
        for line in file:
            yield line
            bar.update(len(line))


def _with_first(first: str, lines: Iterator[str]) -> Iterator[str]:
    if first:
        yield first
    yield from lines


def _require_header(table: _Table) -> None:
    if all(table.dialect.number(name) is not None for name in table.header):
        _fail(table, "the first line holds numbers only; a header line with the names of the columns is needed")
    seen = set()
    for k, name in enumerate(table.header):
        if not name:
            _fail(table, f"the header has no name for column {k + 1}")
        if name in seen:
            _fail(table, f"the header has the name {name!r} twice")
        seen.add(name)


def _position(table: _Table, target: str | int) -> int:
    if isinstance(target, str):
        return _column(table, target)
    if isinstance(target, bool) or not isinstance(target, int):
        raise TypeError(f"target must be the name or the position of a column, got {target!r}")
    if not -len(table.header) <= target < len(table.header):
        _fail(table, f"there is no column {target}, there are {len(table.header)}")
    return target % len(table.header)


def _column(table: _Table, name: str) -> int:
    place = table.places.get(name)
    if place is None:
        raise ValueError(f"{table.path}: {unknown_name('column', name, table.header)}")
    return place


def _require_values(table: _Table, positions: list[int]) -> None:
    is_missing = table.dialect.is_missing
    _refuse(
        table,
        [
            f"line {row.line} lacks {table.header[k]!r}" + _counted(row.fields[k])
            for row in table.rows
            for k in positions
            if is_missing(row.fields[k])
        ],
    )


def _counted(field: str) -> str:
    """Return why a field that holds something is missing."""
    return f" ({field!r} counts as missing; `missing`, or --missing, says what does)" if field else ""


def _inputs(table: _Table, features: list[str]) -> FloatArray:
    """Return the columns of the given names as numbers, those named `column=value` as zeros and ones."""
    X = np.zeros((len(table.rows), len(features)))
    problems: list[tuple[int, str]] = []
    categories: dict[int, dict[str, int]] = {}
    numbers: list[tuple[int, int]] = []
    for j, name in enumerate(features):
        column, separator, value = name.partition("=")
        if separator and name not in table.places:
            categories.setdefault(_column(table, column), {})[value] = j
        else:
            numbers.append((j, _column(table, name)))
    for i, row in enumerate(table.rows):
        for j, k in numbers:
            number = table.dialect.number(row.fields[k])
            if number is None:
                problems.append((row.line, _complaint(table, k, row.fields[k])))
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


def _complaint(table: _Table, k: int, field: str) -> str:
    name = table.header[k]
    if table.dialect.is_missing(field):
        return f"lacks {name!r}"
    if "," in field and _number(field.replace(".", "").replace(",", ".", 1)) is not None:
        return f"has {field!r} as {name!r}: for a decimal comma pass decimal=',', or --decimal ,"
    return f"has {field!r} as {name!r}, which is no finite number (words are for categorical columns)"


def _number(field: str) -> float | None:
    try:
        number = float(field)
    except ValueError:
        return None
    return number if math.isfinite(number) and "_" not in field else None


def _class_names(table: _Table, k: int) -> tuple[str, ...]:
    """Return what the fields of a column are, in order; words of which two are the same number are refused."""
    lines: dict[str, int] = {}
    for row in table.rows:
        lines.setdefault(row.fields[k], row.line)
    by_number: dict[float, str] = {}
    for name, line in lines.items():
        number = table.dialect.number(name)
        if number is not None and by_number.setdefault(number, name) != name:
            other = by_number[number]
            _fail(
                table,
                f"{other!r} (line {lines[other]}) and {name!r} (line {line}) in {table.header[k]!r} are one number "
                "and would be two classes: write it in one way",
            )
    return _in_order(lines)


def _in_order(names: Iterable[str]) -> tuple[str, ...]:
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
