"""The numbers of every term, by NumPy: what a lens shows must equal these, and no equation that fails is shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from autograd import ops
from autograd.op import Op

from ..trace import Trace
from .terms import Array, Equation, Equations, Term

__all__ = ["environment", "evaluated", "holds"]

Matrix = np.ndarray[Any, np.dtype[np.float64]]

CLOSE = 1e-9
"""How far an equation may be from the engine, of the largest entry: both add the same numbers in another order."""

_RELATIONS: Mapping[str, Callable[[Matrix, Matrix], Any]] = {
    "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal,
    "==": np.equal, "!=": np.not_equal, "≤": np.less_equal, "≥": np.greater_equal, "≠": np.not_equal,
}  # fmt: skip


def environment(equations: Equations, values: Mapping[int, float]) -> dict[str, Matrix]:
    """Return every array of the equations, from the values of the nodes that are leaves.

    Raises:
        TypeError, ValueError: If a term cannot be evaluated.
    """
    arrays = {
        name: np.array([values[node] for node in array.nodes]).reshape(array.shape)
        for name, array in equations.arrays.items()
        if array.nodes
    }
    for equation in equations.all:
        _assign(equation, equations.arrays, arrays)
    return arrays


def holds(equations: Equations, traced: Trace, adjoint: Mapping[int, float], root: int) -> bool:
    """Return whether the equations give the trace's own cost and gradients.

    Args:
        equations: The equations.
        traced: The graph.
        adjoint: The derivative of `root` by each leaf.
        root: The output.
    """
    values = {node.index: node.data for node in traced.nodes}
    try:
        with np.errstate(all="ignore"):
            arrays = environment(equations, values)
    except (IndexError, KeyError, TypeError, ValueError):
        return False
    pairs = [(arrays["loss"], np.array([[values[root]]]))] if "loss" in arrays else []
    for name, array in equations.arrays.items():
        if array.role == "adjoint" and equations.arrays[array.of].nodes and name in arrays:
            nodes = equations.arrays[array.of].nodes
            pairs.append((arrays[name].reshape(-1), np.array([adjoint.get(node, 0.0) for node in nodes])))
    return bool(pairs) and all(
        bool(np.all(np.abs(got.reshape(-1) - want.reshape(-1)) <= CLOSE * max(1e-3, float(np.abs(want).max()))))
        for got, want in pairs
    )


def _assign(equation: Equation, known: Mapping[str, Array], arrays: dict[str, Matrix]) -> None:
    value = evaluated(equation.value, arrays)
    if equation.target.kind == "stack":
        start = 0
        for part in equation.target.parts:
            rows = len(_places(part.view, known[part.name].shape)[0]) if part.view else known[part.name].shape[0]
            _put(part, value[start : start + rows], known, arrays, add=equation.add)
            start += rows
    elif equation.target.kind == "pick":
        name = equation.target.parts[0]
        whole = arrays.setdefault(name.name, np.zeros(known[name.name].shape))
        np.add.at(whole.reshape(-1), np.array(equation.target.places).reshape(-1), value.reshape(-1))
    else:
        _put(equation.target, value, known, arrays, add=equation.add)


def _put(target: Term, value: Matrix, known: Mapping[str, Array], arrays: dict[str, Matrix], *, add: bool) -> None:
    if target.kind != "name":
        raise TypeError(f"{target.kind} cannot be set")
    shape = known[target.name].shape
    if not target.view.startswith("[") and not add:
        arrays[target.name] = np.array(np.broadcast_to(value, shape)) if value.size == 1 else value.reshape(shape)
        return
    whole = arrays.setdefault(target.name, np.zeros(shape))
    if target.view.startswith("["):
        block = np.ix_(*_places(target.view, shape))
        whole[block] = (whole[block] if add else 0.0) + value
    else:
        whole += value.reshape(shape)


def _places(view: str, shape: tuple[int, int]) -> tuple[list[int], list[int]]:
    parts = [part.strip() for part in view[1:-1].split(",")]
    lists = []
    for part, length in zip((*parts, ":")[:2], shape, strict=True):
        bounds = [int(n) if n else None for n in part.split(":")]
        lists.append([*range(length)][slice(*bounds)] if len(bounds) > 1 else [bounds[0] or 0])
    return lists[0], lists[1]


def _viewed(array: Matrix, view: str) -> Matrix:
    if not view:
        return array
    if view.startswith("["):
        return array[np.ix_(*_places(view, (array.shape[0], array.shape[1])))]
    rows, columns = re.split("[×x]", view)
    return array.reshape(int(rows), int(columns))


def evaluated(term: Term, arrays: Mapping[str, Matrix]) -> Matrix:
    """Return the numbers of a term as a matrix; a vector has one column, a scalar is 1 by 1.

    Raises:
        TypeError: If a term of its kind has no value.
    """
    match term.kind:
        case "number":
            return np.array([[term.number]])
        case "name":
            return _viewed(arrays[term.name], term.view)
        case "numbers":
            return np.array(term.values, dtype=float)
        case "local":
            return evaluated(term.parts[1], arrays)
    parts = [evaluated(part, arrays) for part in term.parts]
    if term.kind in _RULES:
        return _RULES[term.kind](term, parts)
    raise TypeError(f"no value for {term.kind}")


def _called(term: Term, parts: list[Matrix]) -> Matrix:
    name, at = term.name, parts[0]
    if name == "logsumexp":
        return np.array([[ops.logsumexp(at.ravel().tolist())]])
    if name in ("softmax", "softmax by rows", "softmax by columns"):
        axis = {"softmax": None, "softmax by rows": 1, "softmax by columns": 0}[name]
        shifted = np.exp(at - at.max(axis=axis, keepdims=True))
        return np.asarray(shifted / shifted.sum(axis=axis, keepdims=True))
    op = getattr(ops, name, None)
    if not isinstance(op, Op) or op.arity is None:
        raise TypeError(f"no value for {name}")
    return np.asarray(op(*np.broadcast_arrays(*parts)), dtype=float)


def _sum(parts: list[Matrix]) -> Matrix:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _product(parts: list[Matrix]) -> Matrix:
    product = parts[0]
    for part in parts[1:]:
        product = product * part
    return product


_RULES: Mapping[str, Callable[[Term, list[Matrix]], Matrix]] = {
    "sum": lambda _, parts: _sum(parts),
    "product": lambda _, parts: _product(parts),
    "power": lambda term, parts: parts[0] ** float(term.exponent),
    "call": _called,
    "matmul": lambda _, parts: parts[0] @ parts[1],
    "transpose": lambda _, parts: parts[0].T,
    "total": lambda _, parts: np.array([[parts[0].sum()]]),
    "lines": lambda term, parts: parts[0].sum(axis=term.axis).reshape(-1, 1),
    "repeat": lambda term, parts: parts[0].reshape(-1, 1) if term.axis else parts[0].reshape(1, -1),
    "stack": lambda _, parts: np.vstack(parts),
    "cases": lambda _, parts: np.where(parts[0] != 0.0, parts[1], parts[2]),
    "test": lambda term, parts: np.asarray(_RELATIONS[term.name](parts[0], parts[1]), dtype=float),
    "pick": lambda term, parts: parts[0].reshape(-1)[np.array(term.places)],
}
