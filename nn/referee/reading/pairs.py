"""Two changes that only together make a place right.

They are sought where a known quantity has proved a place and nothing that is written does what it does: in the
expression, in what the names in it were set to, and in the functions that it calls. Changes whose effects multiply or
add are put together without another run; of the others the likeliest pairs are tried.
"""

from __future__ import annotations

import ast
import heapq
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...arguments import FloatArray
from .changes import small_changes
from .edits import Edit, Known, is_numeric
from .guard import Deadline, Halt, Refused, passed_over
from .known import known_edits
from .search import is_slope, open_edits
from .session import Session, flat, in_size
from .sites import Site, outward, within

__all__ = ["pair"]

COST = 5.2  # what two changes may cost
TOGETHER = 3.6  # likewise, if their effects do not compose
TRIED = 3000  # pairs
SITES = 60


def pair(session: Session, edit: Known, deadline: Deadline, *, only_written: bool = False) -> tuple[Edit, Edit] | None:
    """Return two changes, in a place or in what it reads, that together do there what a known edit does.

    Args:
        session: The function on a probe.
        edit: The known edit.
        deadline: When to stop.
        only_written: Whether both must say how to write it.
    """
    values = session.visits[edit.site.number]
    if edit.values is None or not all(map(is_numeric, values)):
        return None
    goal, now = flat(edit.values), flat(values)
    if goal.shape != now.shape:
        return None
    effects: list[tuple[Edit, FloatArray]] = []
    share = deadline.part(0.5)
    for change in _small_around(session, edit.site):
        if share.left < 0:
            break
        if isinstance(change, Known) and (only_written or (change.kind == "known" and not is_slope(change))):
            continue
        effect = _effect(session, edit.site, change)
        if effect is None or effect.shape != now.shape or not np.all(np.isfinite(effect)):
            continue
        if not np.allclose(effect, now, rtol=1e-12):
            effects.append((change, effect))
    if not effects:
        return None
    table = np.array([effect for _, effect in effects])
    changes = [change for change, _ in effects]
    with np.errstate(all="ignore"):
        pairs = [
            *_composed(changes, table / now, goal / now, np.divide),
            *_composed(changes, table - now, goal - now, np.subtract),
        ]
    cost, one, other = min(pairs, key=lambda pair: pair[0], default=(np.inf, edit, edit))
    if cost < COST:
        return one, other
    return _tried(session, edit.site, goal, now, effects, deadline)


def _tried(
    session: Session,
    place: Site,
    goal: FloatArray,
    now: FloatArray,
    effects: list[tuple[Edit, FloatArray]],
    deadline: Deadline,
) -> tuple[Edit, Edit] | None:
    """Return the likeliest two changes that give the goal when both are made, each of which moves a part of it."""
    needed = ~np.isclose(goal, now, rtol=1e-9, atol=1e-13)
    cheap = [
        (change, ~np.isclose(effect, now, rtol=1e-9, atol=1e-13))
        for change, effect in effects
        if change.cost <= TOGETHER - 1.0 and not isinstance(change, Known)
    ]
    queue = [(cheap[0][0].cost + cheap[1][0].cost, 0, 1)] if len(cheap) > 1 else []
    tried = 0
    while queue and tried < TRIED and deadline.left > 0:
        cost, k, j = heapq.heappop(queue)
        if cost > TOGETHER:
            break
        if j + 1 < len(cheap):
            heapq.heappush(queue, (cheap[k][0].cost + cheap[j + 1][0].cost, k, j + 1))
        if j == k + 1 and j + 1 < len(cheap):
            heapq.heappush(queue, (cheap[j][0].cost + cheap[j + 1][0].cost, j, j + 1))
        (one, moved), (other, moved_too) = cheap[k], cheap[j]
        if (needed & ~(moved | moved_too)).any() or one.site is other.site or _one_in_the_other(one.site, other.site):
            continue
        tried += 1
        found = _effect(session, place, one, other)
        if found is not None and found.shape == goal.shape and np.allclose(found, goal, rtol=1e-8, atol=1e-12):
            return one, other
    return None


def _composed(
    changes: list[Edit], had: FloatArray, needed: FloatArray, without: Callable[[FloatArray, FloatArray], FloatArray]
) -> Iterator[tuple[float, Edit, Edit]]:
    """Yield the pairs of changes whose effects together are the one needed, with their cost.

    Args:
        changes: The changes.
        had: The effect of each, one a row.
        needed: The effect of both.
        without: Takes the effect of both and that of one; returns that of the other.
    """
    if not np.all(np.isfinite(needed)):
        return
    column = int(np.argmax(np.ptp(had, axis=0)))  # one entry tells most effects apart
    order = np.argsort(had[:, column])
    entries = had[order, column]
    for k, one in enumerate(changes):
        wanted = without(needed, had[k])
        if not np.all(np.isfinite(wanted)):
            continue
        error = 1e-8 * max(float(np.abs(wanted).max()), 1e-12)
        first, last = np.searchsorted(entries, [wanted[column] - error, wanted[column] + error])
        for j in order[first : last + 1].tolist():
            other = changes[j]
            alike = j > k and np.abs(had[j] - wanted).max() <= error
            if alike and not _one_in_the_other(one.site, other.site):
                yield one.cost + other.cost, one, other


def _small_around(session: Session, top: Site) -> list[Edit]:
    """Return the cheap changes in a place, in the assignments that it reads and in what they call, cheapest first."""
    sites: list[Site] = []
    for root in (top, *_definitions(session, top)):
        for site in (*within(root), *_called(session, root)):
            fit = site.role in ("value", "callee") and site.number in session.visits
            if fit and site not in sites and not in_size(site) and not site.settled:
                sites.append(site)
    found: list[Edit] = []
    for site in sites[:SITES]:
        found += small_changes(session, site)
        if site.role == "value" and session.is_numeric(site):
            known = known_edits(session, site, shapes_are_wrong=False)
            found += [e for e in known if e.kind in ("known", "known factor", "number") and e.cost < 3.2]
            found += [e for e in open_edits(session, site) if e.cost < 2.5]
    return sorted(found, key=lambda edit: edit.cost)[:900]


def _definitions(session: Session, top: Site) -> list[Site]:
    """Return the values that the names in an expression were set to, in the same function."""
    names = {node.id for node in ast.walk(top.node) if isinstance(node, ast.Name)}
    found = []
    for site in session.sites:
        statement = site.statement
        if site.parent is None and site.role == "value" and isinstance(statement, ast.Assign):
            target = statement.targets[0]
            here = site.file == top.file and site.function == top.function and statement.value is site.node
            if here and isinstance(target, ast.Name) and target.id in names:
                found.append(site)
    return found


def _called(session: Session, top: Site) -> list[Site]:
    """Return the sites of other functions that are visited while an expression is evaluated for the first time."""
    numbers = [number for number, _, _ in session.order]
    own = {site.number for site in within(top)}
    begin = next(k for k, number in enumerate(numbers) if number in own)
    visited = dict.fromkeys(numbers[begin : numbers.index(top.number)])
    return [session.watch.sites[number] for number in visited if number not in own]


def _effect(session: Session, place: Site, *changes: Edit) -> FloatArray | None:
    """Return what a place gives with changes."""
    seen: list[Any] = []

    def keep(number: int, value: Any) -> None:
        if number == place.number:
            seen.append(np.array(value, dtype=float) if is_numeric(value) else np.array(np.nan))

    try:
        session.run(changes, keep)
        return flat(seen) if seen else None
    except Refused:
        raise
    except (Exception, Halt) as error:  # whatever a changed function raises
        passed_over(error)
        return None


def _one_in_the_other(one: Site, other: Site) -> bool:
    if one is other:
        return False
    return any(site is other for site in outward(one)) or any(site is one for site in outward(other))
