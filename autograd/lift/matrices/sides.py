"""The two sides of what is linked: how things that occur in pairs fall apart such that no side holds both of a pair."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["sides"]


def sides(pairs: Iterable[tuple[int, int]]) -> tuple[list[tuple[set[int], set[int]]], bool]:
    """Return for each connected part its two sides, and whether every part has sides; others are left out.

    The first side of a part does not hold the element that came first.

    Example:
        >>> sides([(1, 5), (2, 5), (3, 4), (8, 8)])
        ([({5}, {1, 2}), ({4}, {3})], False)
    """
    linked: dict[int, list[int]] = {}
    for u, v in pairs:
        linked.setdefault(u, []).append(v)
        linked.setdefault(v, []).append(u)
    side: dict[int, bool] = {}
    found, everywhere = [], True
    for start in linked:
        if start in side:
            continue
        side[start] = False
        part, fits = [start], True
        for one in part:
            for other in linked[one]:
                if other not in side:
                    side[other] = not side[one]
                    part.append(other)
                fits = fits and side[other] != side[one]
        if fits:
            found.append(({k for k in part if side[k]}, {k for k in part if not side[k]}))
        everywhere = everywhere and fits
    return found, everywhere
