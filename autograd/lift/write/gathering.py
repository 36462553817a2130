"""Sums of members by number, as gathers: nothing is written into an array that exists."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["gathers"]

Index = np.ndarray[Any, Any]


def gathers(places: Index, size: int) -> tuple[list[Index], Index | None]:
    """Return which members are added up at each of `size` places, given the place of each member.

    The places are put together by how many members they have, so that the arrays hold at most twice as many numbers
    as there are members and places, however unequal these numbers are.

    Args:
        places: For each member its place, (members,).
        size: The number of places.

    Returns:
        Arrays (places, members) of the members' numbers, filled up with −1, one array below the other; and where among
        their rows each place is, None for where it stands.

    Example:
        >>> rows, order = gathers(np.array([0, 2, 2]), 3)
        >>> [row.tolist() for row in rows], order
        ([[[0, -1], [-1, -1], [1, 2]]], None)
    """
    counts = np.bincount(places, minlength=size)
    sorted_members = np.argsort(places, kind="stable")
    starts = np.cumsum(counts) - counts
    widest = int(counts.max(initial=1)) or 1
    if size * widest <= 2 * len(places):
        classes = np.zeros(size, dtype=np.intp)
    else:
        classes = np.frexp(np.maximum(counts, 1) - 0.5)[1]  # ⌈log₂ count⌉
    found, order = [], []
    for each in np.unique(classes):
        of_class = np.flatnonzero(classes == each)
        column = np.arange(max(1, int(counts[of_class].max())))
        number = starts[of_class, None] + column
        inside = column < counts[of_class, None]
        found.append(np.where(inside, sorted_members[np.minimum(number, len(places) - 1)], -1))
        order.append(of_class)
    together = np.concatenate(order)
    if (together == np.arange(size)).all():
        return found, None
    return found, np.argsort(together, kind="stable")
