"""The monomials of a group of sums by class: by the groups that their two factors are in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .groups import Groups
from .sides import sides

__all__ = ["Grid", "Monomials", "by_class", "kinds"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Grid:
    """Where the members of a matrix product stand in it.

    Attributes:
        row: The row of each member, (members,).
        column: Its column, (members,).
        shape: How many rows and columns there are.
    """

    row: Array
    column: Array
    shape: tuple[int, int]


@dataclass(eq=False)
class Monomials:
    """The monomials of a group whose factors are in two given groups.

    Attributes:
        left: The group of the factors that become the matrix; 0 if there is none.
        right: The group of the other factors.
        m: The member that each monomial belongs to; likewise u and v, the positions of its factors, and c, its
            coefficient.
        grid: Where the members stand if they are a matrix product.
    """

    left: int
    right: int
    m: Array
    u: Array
    v: Array
    c: Array
    grid: Grid | None = None

    def sort(self) -> None:
        """Put them in the order of the members, and within a member in that of the factors."""
        order = np.lexsort((self.u, self.v, self.m))
        self.m, self.u, self.v, self.c = self.m[order], self.u[order], self.v[order], self.c[order]


def kinds(member: Array, one: Array, two: Array) -> tuple[Array, Array, Array, Array]:
    """Return what kinds of monomials there are: the member, the groups of their factors in order, and how many.

    Args:
        member: The member that each monomial belongs to.
        one: The group of one of its factors.
        two: The group of the other.
    """
    parts = member, np.minimum(one, two), np.maximum(one, two)
    shape = tuple(int(part.max(initial=0)) + 1 for part in parts)
    found, count = np.unique(np.ravel_multi_index(parts, shape), return_counts=True)
    k, g, h = np.unravel_index(found, shape)
    return k, g, h, count


def by_class(groups: Groups, members: list[int]) -> tuple[list[Monomials], Array]:
    """Return the monomials of some sums, the factors that become a matrix on the left, and the sums' constants."""
    lengths, pairs, c = groups.atoms.monomials(members)
    m = np.repeat(np.arange(len(members)), lengths)
    g, p = groups.group[pairs], groups.position[pairs]
    for side in (0, 1):  # constants among the factors belong to the coefficient
        constant = g[:, side] == 0
        c = np.where(constant, c * groups.number[pairs[:, side]], c)
        p[constant, side] = 0
    swap = g[:, 0] > g[:, 1]
    g[swap], p[swap] = g[swap][:, ::-1], p[swap][:, ::-1]
    constants = np.zeros(len(members))
    pure = g[:, 1] == 0
    np.add.at(constants, m[pure], c[pure])
    found = []
    count = len(groups.all)
    for left, right in (divmod(kind, count) for kind in np.unique(g[~pure] @ [count, 1]).tolist()):
        here = (g[:, 0] == left) & (g[:, 1] == right)
        each = Monomials(left, right, m[here], p[here, 0], p[here, 1], c[here])
        _orient(groups, each)
        found.append(each)
    return found, constants


def _orient(groups: Groups, each: Monomials) -> None:
    """Put the factors that become the matrix on the left."""
    if each.left == 0:
        return
    if each.left == each.right:
        _two_colour(each)
    elif groups.all[each.left].batched and not groups.all[each.right].batched:
        each.left, each.right, each.u, each.v = each.right, each.left, each.v, each.u


def _two_colour(each: Monomials) -> None:
    """Within one group, put factors on sides such that none is on both, if that is possible."""
    parts, everywhere = sides(zip(each.u.tolist(), each.v.tolist(), strict=True))
    if not everywhere:
        return
    vector: set[int] = set()  # the side with fewer elements
    for one, other in parts:
        vector |= one if len(one) <= len(other) else other
    swap = np.array([u in vector for u in each.u.tolist()], dtype=bool)
    each.u, each.v = np.where(swap, each.v, each.u), np.where(swap, each.u, each.v)
