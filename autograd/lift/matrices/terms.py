"""The terms of a group of sums: matrix products where there are any, and what is always right where there are none.

The monomials of a group are split by the groups of their two factors. In each class, the factor that becomes the matrix
is the one that does not depend on the inputs, or the parameter. The members are a matrix product if they are all the
pairs of some tuples of left factors (the rows) and some tuples of right factors (the columns). This one test finds the
layers of a network, the examples of an unrolled batch, branches that share weights, and convolutions.

What is no matrix product is elementwise (one monomial for each member), a dense matrix with exact zeros where a product
is missing, or a list of products summed in runs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .groups import Groups, Term
from .monomials import Grid, Monomials, by_class
from .strided import is_everything, is_injective

__all__ = ["terms_of"]

Array = np.ndarray[Any, Any]
DENSE = 0.03  # from this share of products that are there, a dense matrix with zeros is faster than gathering


def terms_of(groups: Groups, members: list[int]) -> tuple[Array, tuple[int, ...], list[Term]]:
    """Return the order the members should have, their shape, and the terms for that order."""
    count = len(members)
    classes, constants = by_class(groups, members)
    for each in classes:
        each.sort()
        _find_grid(groups, each, count)
    order, shape = _order(groups, classes, count)
    place = np.empty(count, dtype=np.intp)
    place[order] = np.arange(count)
    terms: list[Term] = []
    for each in sorted(classes, key=lambda each: (-len(each.m), -max(each.left, each.right))):
        each.m = place[each.m]
        each.sort()
        terms.extend(_terms(groups, each, count, order))
    if constants.any():
        constants = constants[order]
        terms.append(Term("constant", [(0, constants)]))
    return order, shape, terms


# --- the grid of a matrix product ----------------------------------------------------------------


def _find_grid(groups: Groups, each: Monomials, count: int) -> None:
    """Find the rows and columns of a matrix product, if each member is one of all their pairs."""
    k, odd = divmod(len(each.m), count)
    if odd or not np.array_equal(each.m, np.repeat(np.arange(count), k)):
        return
    u, v, c = each.u.reshape(count, k), each.v.reshape(count, k), each.c.reshape(count, k)
    if each.left == 0:  # a constant matrix: the coefficients are the left side, or the right one for parameters
        if k == 1 or (c == c[0, 0]).all():
            return
        rows, columns = (c, v) if groups.all[each.right].batched else (v, c)
    else:
        if count == 1 and groups.all[each.left].batched == groups.all[each.right].batched:
            return
        if not (c == c[:, :1]).all() and not (v == v[0]).all():
            return
        if k == 1 and each.left == each.right:
            return
        rows, columns = u, v
    row, n_rows = _distinct(rows)
    column, n_columns = _distinct(columns)
    if n_rows * n_columns != count or not is_injective(row * n_columns + column):
        return
    both = each.left and groups.all[each.left].batched
    if k == 1 and (both or min(n_rows, n_columns) == 1):
        return
    each.grid = Grid(row, column, (n_rows, n_columns))


def _distinct(tuples: Array) -> tuple[Array, int]:
    """Return for each row which of the distinct rows it is, counted in order of first appearance, and their number."""
    if (tuples == tuples[0]).all():
        return np.zeros(len(tuples), dtype=np.intp), 1
    seen: dict[bytes, int] = {}
    which = [seen.setdefault(row.tobytes(), len(seen)) for row in np.ascontiguousarray(tuples)]
    return np.array(which, dtype=np.intp), len(seen)


def _order(groups: Groups, classes: list[Monomials], count: int) -> tuple[Array, tuple[int, ...]]:
    """Return the order of the members: by row and column, or that of what they are computed from."""
    grids = [(len(each.m), each.grid) for each in classes if each.grid and each.grid.shape[1] > 1]
    if grids:
        _, grid = max(grids, key=lambda sized: sized[0])
        return np.lexsort((grid.column, grid.row)), grid.shape if grid.shape[0] > 1 else (count,)
    if not classes:
        return np.arange(count), (count,)
    latest = max(classes, key=lambda each: max(each.left, each.right))
    positions = latest.v if latest.right >= latest.left else latest.u
    key = np.full(count, len(groups.atoms.level), dtype=np.intp)
    np.minimum.at(key, latest.m, positions)
    order = np.argsort(key, kind="stable")
    source = groups.all[max(latest.left, latest.right)]
    if len(source.shape) == 2 and is_everything(key[order], len(source.members)):
        return order, source.shape
    return order, (count,)


# --- terms ---------------------------------------------------------------------------------------


def _terms(groups: Groups, each: Monomials, count: int, order: Array) -> list[Term]:
    sizes = np.bincount(each.m, minlength=count)
    if sizes.max() == 1:
        return [_elementwise(each, count)]
    if each.grid:
        return _product(groups, each, each.grid, order)
    if groups.all[each.right].batched and not groups.all[each.left].batched:
        partition = each.left == 0 and (each.c == each.c[0]).all() and is_injective(each.v)
        dense = None if partition else _dense(each, count)
        if dense:
            return [dense]
    return [_runs(each, sizes)]


def _uniform(c: Array) -> float | Array:
    return float(c[0]) if (c == c[0]).all() else c


def _elementwise(each: Monomials, count: int) -> Term:
    u, v, c = np.full(count, -1, dtype=np.intp), np.full(count, -1, dtype=np.intp), np.ones(count)
    u[each.m], v[each.m] = each.u, each.v
    scale = _uniform(each.c)
    if not isinstance(scale, float):
        c[each.m] = each.c
        scale = c
    factors = [(each.right, v)] if each.left == 0 else [(each.left, u), (each.right, v)]
    return Term("elementwise", factors, scale)


def _product(groups: Groups, each: Monomials, grid: Grid, order: Array) -> list[Term]:
    """Return the terms of a matrix product."""
    row, column = grid.row[order], grid.column[order]
    n_rows, n_columns = grid.shape
    count = len(row)
    u, v, c = each.u.reshape(count, -1), each.v.reshape(count, -1), each.c.reshape(count, -1)
    first_row, first_column = _first(row, n_rows), _first(column, n_columns)
    place = row * n_columns + column
    take = None if is_everything(place, count) else place
    scale: float | Array = 1.0
    left: tuple[int, Array]
    right: tuple[int, Array]
    if each.left:
        left, right = (each.left, u[first_row]), (each.right, v[first_column].T)
        scale = _uniform(c[:, 0]) if (c == c[:, :1]).all() else c[first_row]
    elif groups.all[each.right].batched:
        left, right = (0, c[first_row]), (each.right, v[first_column].T)
    else:
        left, right = (each.right, v[first_row]), (0, c[first_column].T)
        ones = np.flatnonzero((right[1] == 1.0).all(axis=1))
        if len(ones) == 1 and left[1].shape[1] > 1:  # the column of a bias
            bias = Term("elementwise", [(each.right, left[1][row, ones[0]])])
            keep = np.arange(left[1].shape[1]) != ones[0]
            left, right = (left[0], left[1][:, keep]), (0, right[1][keep])
            return [_matmul(left, right, scale, take), bias]
    return [_matmul(left, right, scale, take)]


def _matmul(left: tuple[int, Array], right: tuple[int, Array], scale: float | Array, take: Array | None) -> Term:
    if right[1].shape[1] == 1:
        right = (right[0], right[1][:, 0])
    return Term("matmul", [left, right], scale, take=take)


def _first(which: Array, n: int) -> Array:
    first = np.empty(n, dtype=np.intp)
    first[which[::-1]] = np.arange(len(which))[::-1]
    return first


def _dense(each: Monomials, count: int) -> Term | None:
    """Return the product with a dense matrix that has exact zeros, or None where that would be wasteful."""
    columns, place = np.unique(each.v, return_inverse=True)
    if len(each.m) < DENSE * count * len(columns) and count * len(columns) > 10_000:
        return None
    if not is_injective(each.m * len(columns) + place):
        return None
    if each.left == 0:
        matrix = np.zeros((count, len(columns)))
        matrix[each.m, place] = each.c
        return Term("matmul", [(0, matrix), (each.right, columns)])
    index = np.full((count, len(columns)), -1, dtype=np.intp)
    index[each.m, place] = each.u
    scale = _uniform(each.c)
    if not isinstance(scale, float):
        scale = np.ones((count, len(columns)))
        scale[each.m, place] = each.c
    return Term("matmul", [(each.left, index), (each.right, columns)], scale)


def _runs(each: Monomials, sizes: Array) -> Term:
    present = np.flatnonzero(sizes)
    take = None
    if len(present) < len(sizes):
        take = np.full(len(sizes), -1, dtype=np.intp)
        take[present] = np.arange(len(present))
    factors = [(each.right, each.v)] if each.left == 0 else [(each.left, each.u), (each.right, each.v)]
    why = "" if len(sizes) == 1 else "the sums are not all the pairs of some rows and some columns"
    return Term("runs", factors, _uniform(each.c), sizes=sizes[present], take=take, why=why)
