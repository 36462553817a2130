"""The definitions of operations and arrays in a NumPy text."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

import numpy as np

from ...op import Op
from .numpy_text import has_numpy_name

__all__ = ["array_text", "defined_names", "definitions_of"]

Array = np.ndarray[Any, Any]


def definitions_of(operations: Iterable[Op]) -> dict[Op, str]:
    """Return the text of each operation that NumPy has no function for, by name.

    Raises:
        TypeError: If one has no text, or a text that does not define a function of its name alone.
    """
    found: dict[Op, str] = {}
    by_name: dict[str, str] = {}
    for op in operations:
        if op in found or has_numpy_name(op):
            continue
        if not op.numpy:
            raise TypeError(f"there is no source for {op.name!r}: give its Op a `numpy` text that defines the function")
        defined = defined_names(op.numpy)
        if op.name not in defined:
            raise TypeError(f"the `numpy` text of {op.name!r} must define {op.name!r}, got {op.numpy!r}")
        for name, how in defined.items():
            if by_name.setdefault(name, how) != how:
                raise TypeError(f"the `numpy` texts of two operations define {name!r}: rename one of them")
        found[op] = op.numpy
    return {op: found[op] for op in sorted(found, key=lambda op: op.name)}


def defined_names(text: str) -> dict[str, str]:
    """Return the names that a text defines, each with what it is defined as."""
    found: dict[str, str] = {}
    for statement in ast.parse(text).body:
        if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
            names = {statement.name}
        elif isinstance(statement, (ast.Import, ast.ImportFrom)):
            names = {(alias.asname or alias.name).split(".")[0] for alias in statement.names}
        else:
            names = {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        found |= dict.fromkeys(names, ast.dump(statement))
    return found


def array_text(array: Array) -> str:
    """Return the text of an array of numbers or truth values."""
    if array.dtype.kind == "b" and array.ndim == 2:
        for k in (0, -1):
            rows, columns = array.shape
            if (array == np.tri(rows, columns, k, dtype=bool)).all():
                return f"np.tri({rows}, {columns}{f', {k}' if k else ''}, dtype=bool)"
    kind = {"i": "int", "b": "bool"}.get(array.dtype.kind, "float")
    return f"np.array({array.tolist()!r}, dtype={kind})"
