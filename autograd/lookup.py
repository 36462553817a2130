"""A row of a table by its index, in a way that can be recorded: an embedding, or the target of a cross-entropy."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from .ops import indicator, total
from .value import Value

__all__ = ["lookup"]


def lookup(table: Sequence[Any], index: Any) -> Any:
    """Return `table[index]`, also where the index is an input of a compiled function.

    `table[int(index.data)]` makes a path of the program for each index. Here an index that is a Value gives
    Σₖ [index = k] tableₖ, entry by entry: one path, in which the row is right for every index.

    Args:
        table: Rows of numbers or Values, nested as you like, all of one shape; a list or an array.
        index: A whole number from 0 to len(table) − 1, or a Value that holds one. Its derivative is 0.

    Raises:
        TypeError: If the table is no sequence, or the index is no number.
        ValueError: If the table has no row, or rows of different shapes.
        IndexError: If the number is no index of the table; negative ones are not taken from the end.

    Example:
        >>> E = [[1.0, 2.0], [3.0, 4.0]]
        >>> lookup(E, 1)
        [3.0, 4.0]
        >>> [entry.data for entry in lookup(E, Value(1.0))]
        [3.0, 4.0]
    """
    if isinstance(table, (str, bytes)) or not isinstance(table, (Sequence, np.ndarray)):
        raise TypeError(f"lookup needs a table, a list or an array of rows, got {table!r}")
    rows = list(table)
    if not rows:
        raise ValueError("lookup needs a table with at least one row, got none")
    if not isinstance(index, Value):
        return rows[_whole(index, len(rows))]
    picked = [indicator(index, float(k)) for k in range(len(rows))]
    if total(picked) != 1:
        raise IndexError(f"lookup needs a whole number from 0 to {len(rows) - 1}, got {index.data!r}")
    return _mixed(picked, rows)


def _whole(index: Any, count: int) -> int:
    """Return the index as an int, after holding it to be one of a table of so many rows."""
    if isinstance(index, (float, np.floating)) and float(index).is_integer():
        index = int(index)
    try:
        found = operator.index(index)
    except TypeError:
        raise TypeError(f"lookup needs a whole number as index, got {index!r}") from None
    if not 0 <= found < count:
        raise IndexError(f"lookup needs a whole number from 0 to {count - 1}, got {found}")
    return found


def _mixed(picked: list[Value], rows: list[Any]) -> Any:
    """Return Σₖ pickedₖ rowsₖ, entry by entry."""
    nested = [isinstance(row, (Sequence, np.ndarray)) and not isinstance(row, (str, bytes)) for row in rows]
    if not any(nested):
        return total([chosen * row for chosen, row in zip(picked, rows, strict=True)])
    lengths = {len(row) if is_nested else None for row, is_nested in zip(rows, nested, strict=True)}
    if len(lengths) > 1:
        raise ValueError("lookup needs a table whose rows are all of one shape, got rows of different lengths")
    return [_mixed(picked, list(column)) for column in zip(*rows, strict=True)]
