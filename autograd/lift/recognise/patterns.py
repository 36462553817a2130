"""What is regular in the operands of values that are computed alike.

The operands of a group are monomials u·v of two families, each with a coefficient and the coordinates of u and v. A
column is one coordinate of one factor. Some columns are the same in all monomials of a member: they number the members.
The others are bound: they run over a box, a whole fibre of a family (ragged and causal sums), a run from a lower to an
upper end, or, where nothing is regular, over a table.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np

from ..language.index import Axis

__all__ = ["Bound", "Coefficient", "codes", "dense", "joint_codes", "pattern"]

Array = np.ndarray[Any, Any]
_WINDOWS = 3  # places that show that a window slides


@dataclass
class Coefficient:
    """The numbers in front of monomials.

    Attributes:
        kind: "same" (one number), "member" (one for each member), "bound" (over the bound axes) or "rows" (over both).
        values: The numbers, in that shape.
    """

    kind: str
    values: Array


@dataclass
class Bound:
    """The columns of a class of monomials, as functions of the member and of bound axes.

    Attributes:
        starts: Where each column starts, (members, columns).
        axes: The bound axes.
        steps: For each column its coefficients in the bound axes; empty if it is not bound.
        tables: The columns that are tables over the bound axes, added to the start.
        member_tables: The columns that are tables for each member, (members, size of the bound axis).
        low, high: The ends of a run along the bound axis, for each member.
        coefficient: The numbers in front.
        residual: A code for what distinguishes members beside their columns, None if there is nothing.
        numbering: Which columns may number the members.
        is_regular: Whether no table was needed.
    """

    starts: Array
    coefficient: Coefficient
    axes: list[Axis] = field(default_factory=list)
    steps: dict[int, tuple[int, ...]] = field(default_factory=dict)
    tables: dict[int, Array] = field(default_factory=dict)
    member_tables: dict[int, Array] = field(default_factory=dict)
    low: Array | None = None
    high: Array | None = None
    residual: Array | None = None
    numbering: list[int] = field(default_factory=list)
    is_regular: bool = True

    def columns(self) -> list[Array]:
        """Return what may number the members."""
        ends = [end for end in (self.low, self.high) if end is not None]
        return [*(self.starts[:, k] for k in self.numbering), *ends]


@dataclass
class _Monomials:
    """Monomials in the order of the members: member, columns, coefficient; and where each member's begin."""

    member: Array
    columns: Array
    coefficient: Array
    counts: Array
    low: Array
    high: Array

    @property
    def uniform(self) -> int:
        """How many monomials each member has, 0 if not all have equally many."""
        return int(self.counts[0]) if (self.counts == self.counts[0]).all() else 0

    @property
    def bound(self) -> list[int]:
        """The columns that vary within a member."""
        return [k for k in range(self.columns.shape[1]) if (self.low[:, k] != self.high[:, k]).any()]

    def by_member(self) -> Array:
        """Return the columns as (members, monomials, columns), if all members have equally many."""
        return self.columns.reshape(len(self.counts), self.uniform, self.columns.shape[1])

    def shift(self, column: int, other: int, step: int = 1) -> Array | None:
        """Return by how much a column differs from `step` times another in each member, None if that varies."""
        difference = self.columns[:, column] - step * self.columns[:, other]
        each = np.zeros(len(self.counts), dtype=np.intp)
        each[self.member] = difference
        return each if (each[self.member] == difference).all() else None

    def step(self, column: int, other: int) -> int:
        """Return how far a column goes where another goes 1 further, by two monomials."""
        same = self.member[1:] == self.member[:-1]
        pairs = np.flatnonzero(same & (self.columns[1:, other] != self.columns[:-1, other]))
        if not len(pairs):
            return 1
        one, two = self.columns[pairs[0]], self.columns[pairs[0] + 1]
        return int(two[column] - one[column]) // int(two[other] - one[other])


def pattern(
    member: Array,
    columns: Array,
    coefficient: Array,
    count: int,
    factors: list[tuple[int, tuple[int, ...], Array | None]],
    *,
    is_sum: bool,
) -> Bound:
    """Return what is regular in a class of monomials.

    Args:
        member: The number of the member that each monomial belongs to.
        columns: The coordinates of the factors, (monomials, columns).
        coefficient: The number in front of each.
        count: How many members there are.
        factors: For each factor its first column, the shape of its family, and the family's mask.
        is_sum: Whether monomials are added, so that one may be left out as 0 and equal ones be put together; otherwise
            each counts once, and all members have equally many.
    """
    order = np.lexsort((*columns.T[::-1], member))
    member, columns, coefficient = member[order], columns[order], coefficient[order]
    if is_sum:
        member, columns, coefficient = _collected(member, columns, coefficient)
    found = _monomials(member, columns, coefficient, count)
    bound = found.bound
    own = _one_each(found, bound)
    if own is None:
        distinct = is_sum or _all_distinct(found)
        regular = [_box_pattern, _fibre_pattern, *([_run_pattern, _row_pattern] if is_sum else [])]
        for rule in regular if distinct else []:
            own = rule(found, bound, factors)
            if own is not None:
                break
    if own is None:
        own = _table_pattern(found, bound)
    absent = found.counts == 0
    if absent.any():
        own.residual = _with(own.residual, (~absent).astype(np.intp))
        if own.coefficient.kind == "same":
            own.coefficient = Coefficient("member", np.where(absent, 0.0, own.coefficient.values))
    return own


def _collected(member: Array, columns: Array, coefficient: Array) -> tuple[Array, Array, Array]:
    """Return monomials, which are in order, with equal ones put together."""
    is_new = np.ones(len(member), dtype=bool)
    is_new[1:] = (member[1:] != member[:-1]) | (columns[1:] != columns[:-1]).any(axis=1)
    starts = np.flatnonzero(is_new)
    return member[starts], columns[starts], np.add.reduceat(coefficient, starts)


def _monomials(member: Array, columns: Array, coefficient: Array, count: int) -> _Monomials:
    counts = np.bincount(member, minlength=count)
    low = np.zeros((count, columns.shape[1]), dtype=np.intp)
    high = low.copy()
    present = counts > 0
    starts = (np.cumsum(counts) - counts)[present]
    if columns.shape[1]:
        low[present] = np.minimum.reduceat(columns, starts, axis=0)
        high[present] = np.maximum.reduceat(columns, starts, axis=0)
    return _Monomials(member, columns, coefficient, counts, low, high)


def _all_distinct(found: _Monomials) -> bool:
    keys = np.column_stack([found.member, found.columns])
    return len(np.unique(keys, axis=0)) == len(keys)


def _with(residual: Array | None, more: Array) -> Array:
    return more if residual is None else codes(list(zip(residual.tolist(), more.tolist(), strict=True)))


def _one_each(found: _Monomials, bound: list[int]) -> Bound | None:
    """Return the pattern of at most one monomial for each member."""
    if bound or found.counts.max() > 1:
        return None
    values = np.zeros(len(found.counts))
    values[found.member] = found.coefficient
    same = (found.coefficient == found.coefficient[0]).all()
    coefficient = Coefficient("same", found.coefficient[0]) if same else Coefficient("member", values)
    return Bound(found.low, coefficient, numbering=list(range(found.columns.shape[1])))


def _box_pattern(found: _Monomials, bound: list[int], factors: list[Any]) -> Bound | None:
    """Return the pattern of members that run over the same box."""
    if not found.uniform or not bound:
        return None
    columns = found.by_member()
    first = columns[:, 0]
    offsets = columns[:, :, bound] - first[:, None, bound]
    if not (offsets == offsets[0]).all():
        return None
    box = _box(offsets[0])
    if box is None:
        return None
    steps, sizes, tables = box
    if tables and len(steps) == 1 and any(mask is not None for _, _, mask in factors):
        return None
    out = Bound(first.copy(), _over_box(found, sizes), numbering=list(range(found.columns.shape[1])))
    out.axes = [Axis(size) for size in sizes]
    for j, k in enumerate(bound):
        if j in tables:
            out.starts[:, k] = found.low[:, k]
            out.tables[k] = tables[j] - tables[j].min()
        else:
            out.steps[k] = tuple(steps[j])
    if tables and any((found.low[:, k] != found.low[0, k]).any() for k in out.tables):
        return None
    if out.coefficient.kind == "rows":
        out.residual = codes([row.tobytes() for row in out.coefficient.values])
    return out


def _over_box(found: _Monomials, sizes: list[int]) -> Coefficient:
    rows = found.coefficient.reshape(len(found.counts), found.uniform)
    if (rows == rows[0, 0]).all():
        return Coefficient("same", rows[0, 0])
    if (rows == rows[0]).all():
        return Coefficient("bound", rows[0].reshape(sizes))
    if (rows == rows[:, :1]).all():
        return Coefficient("member", rows[:, 0])
    return Coefficient("rows", rows.reshape(len(rows), *sizes))


def _by_member(found: _Monomials) -> Coefficient | None:
    """Return the coefficients as one number for each member, None if they vary within one."""
    if (found.coefficient == found.coefficient[0]).all():
        return Coefficient("same", found.coefficient[0])
    values = np.zeros(len(found.counts))
    values[found.member] = found.coefficient
    return Coefficient("member", values) if (values[found.member] == found.coefficient).all() else None


def _fibre_pattern(found: _Monomials, bound: list[int], factors: list[Any]) -> Bound | None:
    """Return the pattern of members that run over all members of a factor's family that have their free coordinates.

    Where another factor has no members, as outside of an array that a window slides over, there may be no monomials.
    """
    coefficient = _by_member(found)
    if coefficient is None:
        return None
    windows: list[Bound] = []
    for base, shape, mask in factors:
        own = [k for k in bound if base <= k < base + len(shape)]
        if not own:
            continue
        starts = found.low.copy()
        steps: dict[int, tuple[int, ...]] = {}
        for k in bound:
            ways = [(k, 1)] if k in own else [(j, found.step(k, j)) for j in own]
            match, step = next(((j, s) for j, s in ways if s and found.shift(k, j, s) is not None), (k, 0))
            if not step:
                break
            steps[k] = tuple(step * (match == j) for j in own)
            starts[:, k] = found.shift(k, match, step)
        else:
            out = Bound(starts, coefficient, steps=steps, numbering=list(range(found.columns.shape[1])))
            out.axes = [Axis(shape[k - base]) for k in own]
            full = mask if mask is not None else np.ones(shape, dtype=bool)
            sums = full.sum(axis=tuple(k - base for k in own))
            free = [k for k in range(base, base + len(shape)) if k not in own]
            expected = sums[tuple(found.low[:, k] for k in free)] if free else np.full(len(found.counts), sums)
            present = found.counts > 0
            is_whole = (expected == found.counts)[present].all()
            if not is_whole:
                is_slid = len(np.unique(starts, axis=0)) >= _WINDOWS
                if not is_slid or not (_within(out, factors) == found.counts)[present].all():
                    continue
            keys = np.column_stack([found.member, found.columns[:, own]])
            if len(np.unique(keys, axis=0)) < len(keys):
                continue
            if is_whole:
                return out
            windows.append(out)
    return min(windows, key=lambda out: math.prod(axis.size for axis in out.axes), default=None)


def _within(bound: Bound, factors: list[Any]) -> Array:
    """Return for each member how many places of the bound axes lie within all factors, which have no mask; else 0."""
    count = np.ones(len(bound.starts), dtype=np.intp)
    if any(mask is not None for _, _, mask in factors):
        return 0 * count
    for d in range(len(bound.axes)):
        low, high = 0 * count, 0 * count + bound.axes[d].size
        for base, shape, _ in factors:
            for k, size in enumerate(shape, base):
                step = bound.steps[k][d] if k in bound.steps else 0
                if step:
                    ends = bound.starts[:, k], size - 1 - bound.starts[:, k]  # to be reached down or up from the start
                    down, up = ends if step > 0 else ends[::-1]
                    low, high = np.maximum(low, -(down // abs(step))), np.minimum(high, up // abs(step) + 1)
        count *= np.maximum(high - low, 0)
    return count


def _run_pattern(found: _Monomials, bound: list[int], factors: list[Any]) -> Bound | None:
    """Return the pattern of members that run from one end to another along one dimension of each factor."""
    if not bound:
        return None
    coefficient = _by_member(found)
    lengths = found.high[:, bound] - found.low[:, bound] + 1
    if coefficient is None or not (lengths == found.counts[:, None]).all():
        return None
    lead = bound[0]
    starts = found.low.copy()
    for k in bound:
        shift = found.shift(k, lead)
        if shift is None:
            return None
        starts[:, k] = shift
    size = next(shape[lead - base] for base, shape, _ in factors if base <= lead < base + len(shape))
    out = Bound(starts, coefficient, numbering=list(range(found.columns.shape[1])))
    out.axes, out.steps = [Axis(size)], dict.fromkeys(bound, (1,))
    if found.low[:, lead].any():
        out.low = found.low[:, lead]
    out.high = found.high[:, lead]
    return out


def _row_pattern(found: _Monomials, bound: list[int], factors: list[Any]) -> Bound | None:
    """Return the pattern of members that multiply one dimension of one family by a row of numbers."""
    if len(factors) != 1 or len(bound) != 1 or (found.counts == 0).any():
        return None
    (base, shape, mask) = factors[0]
    lead = bound[0]
    if mask is not None:
        return None
    rows = np.zeros((len(found.counts), shape[lead - base]))
    rows[found.member, found.columns[:, lead]] = found.coefficient
    starts = found.low.copy()
    starts[:, lead] = 0
    out = Bound(starts, Coefficient("rows", rows), steps={lead: (1,)})
    out.axes = [Axis(rows.shape[1])]
    out.numbering = [k for k in range(found.columns.shape[1]) if k != lead]
    out.residual = codes([row.tobytes() for row in rows])
    return out


def _table_pattern(found: _Monomials, bound: list[int]) -> Bound:
    """Return the pattern of members that have nothing in common: tables, with −1 where there is no monomial."""
    count, most = len(found.counts), int(found.counts.max())
    place = np.arange(len(found.member)) - np.repeat(np.cumsum(found.counts) - found.counts, found.counts)
    varying = bound or list(range(found.columns.shape[1]))[:1]
    out = Bound(found.low, Coefficient("same", found.coefficient[0]), is_regular=False)
    out.axes = [Axis(most)]
    out.numbering = [k for k in range(found.columns.shape[1]) if k not in varying]
    for k in varying:
        table = np.full((count, most), -1, dtype=np.intp)
        table[found.member, place] = found.columns[:, k]
        out.member_tables[k] = table
    rows = np.zeros((count, most))
    rows[found.member, place] = found.coefficient
    if not ((found.coefficient == found.coefficient[0]).all() and (varying or found.uniform)):
        out.coefficient = Coefficient("rows", rows)
    keys = [b"".join(table[k].tobytes() for table in (*out.member_tables.values(), rows)) for k in range(count)]
    out.residual = codes(keys)
    return out


# --- columns -----------------------------------------------------------------------------------------


def dense(column: Array) -> Array:
    """Return a column as 0, 1, 2, …, in the order of its values."""
    return np.unique(column, return_inverse=True)[1].astype(np.intp).ravel()


def codes(values: list[Any]) -> Array:
    """Return values as 0, 1, 2, …, in the order of their first appearance."""
    seen: dict[Any, int] = {}
    return np.array([seen.setdefault(value, len(seen)) for value in values], dtype=np.intp)


def joint_codes(columns: list[Array]) -> Array:
    """Return a number for each different row of columns."""
    joint = np.zeros(len(columns[0]), dtype=np.intp)
    for column in columns:
        joint = dense(joint * (int(column.max()) + 1) + column)
    return joint


def _box(offsets: Array) -> tuple[list[list[int]], list[int], dict[int, Array]] | None:
    """Return how K rows of numbers are a box: each column's steps along its axes, the axes' sizes.

    Columns that are not affine in the axes are tables. None if it is no box.
    """
    count, width = offsets.shape
    distinct = [np.unique(offsets[:, j]) for j in range(width)]
    unique: list[int] = []
    seen = set()
    for j in range(width):
        gaps = np.diff(distinct[j])
        if len(gaps) and (gaps == gaps[0]).all() and dense(offsets[:, j]).tobytes() not in seen:
            seen.add(dense(offsets[:, j]).tobytes())
            unique.append(j)
    most = min(4, len(unique))
    for r in range(1, most + 1):
        for some in combinations(unique, r):
            sizes = [len(distinct[j]) for j in some]
            axes = np.stack([dense(offsets[:, j]) for j in some], axis=1)
            if math.prod(sizes) != count or int(joint_codes(list(axes.T)).max()) + 1 != count:
                continue
            order = np.lexsort(axes.T[::-1])
            steps: list[list[int]] = []
            tables = {}
            for j in range(width):
                affine = _affine(offsets[:, j], axes)
                steps.append(affine or [])
                if affine is None:
                    tables[j] = offsets[order, j].reshape(sizes)
            if (not tables or r == most) and (order == np.arange(count)).all():
                return steps, sizes, tables
    return None


def _affine(column: Array, axes: Array) -> list[int] | None:
    """Return the coefficients of a column that is 0 at the origin and affine in axes, None if it is not."""
    matrix = np.column_stack([np.ones(len(column)), axes])
    solution = np.rint(np.linalg.lstsq(matrix, column.astype(float), rcond=None)[0]).astype(np.intp)
    found: list[int] = solution[1:].tolist()
    return found if solution[0] == 0 and (axes @ solution[1:] == column).all() else None
