"""The search for one change: which edit makes arrays right, and none wrong?

Cheapest first, each judged by running the function with it. Small changes and known quantities are tried everywhere;
what else stands in the function is tried where a known quantity has proved the place, and everywhere only if nothing
cheaper mends it.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .changes import as_written, pool_of, small_changes
from .edits import Edit, Known, Moved, copied, is_numeric, names_in, same_values, user_frame
from .guard import Deadline, Halt, Refused
from .known import known_edits, state_edits
from .probes import Key
from .session import Session, in_size, reads_something_wrong
from .sites import Site, within
from .statements import moved_edits

__all__ = ["Found", "Search", "open_edits", "penalty"]

MARGIN = 0.35  # edits that cost so much more than the best are not tried
KNOWN = 1.8  # the least that a known edit costs
CHEAP = 3.2  # a full edit up to this ends the search
PLACES = 5  # where known quantities mend most, that what the function holds is tried
LOOPED = 12  # visits, beyond which only single numbers are combined


@dataclass(frozen=True, eq=False, slots=True)
class Found:
    """An edit that mends something.

    Attributes:
        edit: The edit.
        left: What is still wrong with it.
    """

    edit: Edit
    left: frozenset[Key]


class Search:
    """One search.

    Args:
        session: The function on a probe, with what was mended before.
        deadline: When to stop.

    Attributes:
        full: The edits with which all arrays are right.
        least: The cost of the likeliest of them, with what makes its place unlikely.
        part: Those with which some more are right, and none is wrong that was right.
    """

    def __init__(self, session: Session, deadline: Deadline) -> None:
        self.session, self.deadline = session, deadline
        self.full: list[Found] = []
        self.part: list[Found] = []
        self.tried: set[tuple[int, str]] = set()
        self.least = float("inf")
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._search()

    def _search(self) -> None:
        session = self.session
        sites = [site for site in session.sites if session.may_be_wrong(site)]
        plain = [site for site in sites if site.role == "value" and session.is_numeric(site)]
        edits: list[Edit] = [edit for site in sites for edit in small_changes(session, site)]
        edits += moved_edits(session)
        self._try_all(edit for edit in edits if edit.cost < KNOWN)
        if self.least + MARGIN > KNOWN:
            late = [edit for edit in edits if edit.cost >= KNOWN]
            self._try_all([*late, *self._known_edits(plain)])
        self._what_the_function_holds()
        self._below_known_places()
        if self.least > CHEAP:
            self._everywhere(plain)

    def _known_edits(self, plain: list[Site]) -> list[Edit]:
        session = self.session
        wrong_shape = any(session.arrays[key].shape != session.probe.right[key].shape for key in session.wrong)
        edits: list[Edit] = []
        for site in plain:
            edits += known_edits(session, site, shapes_are_wrong=wrong_shape)
        for site in session.sites:
            if site.role == "state":
                edits += state_edits(session, site)
        return edits

    def try_(self, edit: Edit) -> bool:
        """Try an edit; return whether it mends something."""
        key = edit.site.number, edit.text
        if not isinstance(edit, Known) and key in self.tried:
            return False
        self.tried.add(key)
        session = self.session
        verdicts = session.judged(edit)
        if verdicts is None:
            return False
        left = frozenset(name for name, right in verdicts.items() if not right)
        if not left:
            self.full.append(Found(edit, left))
            self.least = min(self.least, edit.cost + penalty(session, edit))
        elif left < session.wrong:
            self.part.append(Found(edit, left))
        else:
            return False
        return True

    def _try_all(self, edits: Iterable[Edit], most: float = float("inf")) -> None:
        for edit in sorted(edits, key=lambda edit: edit.cost):
            if self.deadline.left < 0 or edit.cost > min(most, self.least + MARGIN):
                return
            self.try_(edit)

    def _what_the_function_holds(self) -> None:
        """Where a known quantity mends most: is there something with the same values to put there?"""
        groups: dict[tuple[frozenset[Key], int], list[Known]] = {}
        for found in self.full + self.part:
            if isinstance(found.edit, Known) and found.edit.values is not None and found.edit.kind != "state":
                groups.setdefault((found.left, found.edit.site.number), []).append(found.edit)
        fewest = min((len(left) for left, _ in groups), default=0)
        best = sorted(
            (group for (left, _), group in groups.items() if len(left) == fewest),
            key=lambda group: min(edit.cost for edit in group),
        )
        for group in best[:PLACES]:
            if self.deadline.left < 0:
                return
            wanted = [edit.values for edit in group if edit.values is not None]
            for edit in open_edits(self.session, group[0].site, wanted):
                if edit.cost < 6:
                    self.try_(edit)

    def _below_known_places(self) -> None:
        """Within the places that a known quantity mends: a smaller change that does the same."""
        mending = self.full or self.part
        fewest = min((len(found.left) for found in mending), default=0)
        best = [found for found in mending if len(found.left) == fewest]
        least = min((found.edit.cost for found in best), default=0.0)
        if least < 2.0 or self.least < 2.0:
            return
        places: list[Site] = []
        for found in sorted(best, key=lambda found: found.edit.cost):
            site = found.edit.site
            if isinstance(found.edit, Known) and site.role == "value" and site not in places:
                places.append(site)
        done: set[int] = set()
        for place in places[:4]:
            edits: list[Edit] = []
            for site in within(place):
                if site.number not in done and _is_open(self.session, site):
                    done.add(site.number)
                    edits += open_edits(self.session, site)
            for edit in sorted(edits, key=lambda edit: edit.cost):
                if self.deadline.left < 0 or edit.cost > least + 0.4:
                    break
                if self.try_(edit):
                    least = min(least, edit.cost)

    def _everywhere(self, plain: list[Site]) -> None:
        edits: list[Edit] = []
        for site in plain:
            if self.deadline.left < 0:
                return
            if _is_open(self.session, site):
                edits += open_edits(self.session, site)
        for edit in sorted(edits, key=lambda edit: edit.cost):
            if self.deadline.left < 0 or edit.cost > self.least + MARGIN:
                return
            self.try_(edit)


def penalty(session: Session, edit: Edit) -> float:
    """Return what makes a place unlikely: a return, something read that is wrong already, a call of the user's own."""
    if isinstance(edit, Moved):
        return 0.0
    site, extra = edit.site, 0.0
    known = isinstance(edit, Known)
    if isinstance(site.statement, ast.Return) and known:
        extra += 1.0
    reads = isinstance(site.node, (ast.Name, ast.Attribute)) and getattr(site.node, "attr", "") != "T"
    if site.role == "value" and reads:
        extra += 2.0 if reads_something_wrong(session, site) else 0.6
    elif reads_something_wrong(session, site):
        extra += 1.2
    if known and isinstance(site.node, ast.Call) and isinstance(site.node.func, ast.Name):
        extra += 0.8
    return extra


def _is_open(session: Session, site: Site) -> bool:
    return site.role == "value" and site.number in session.visits and not in_size(site) and session.is_numeric(site)


Combine = Callable[[Any, Any], Any]


def open_edits(session: Session, site: Site, wanted: list[list[Any]] | None = None) -> list[Edit]:
    """Return the edits that bring in what stands elsewhere in the function, one for each outcome.

    Args:
        session: The function on a probe.
        site: The place.
        wanted: The values that the site should give, in one or several versions; edits that give others are left out.
    """
    seen = _Scope(session, site)
    if seen.pool is None:
        return []
    old = session.visits[site.number]
    outcomes: dict[Any, tuple[float, str, str, list[Any]]] = {}
    before = _outcome(old)
    for text, kind, cost, values in seen.combinations(old, wanted):
        key = _outcome(values)
        if key != before and (key not in outcomes or cost < outcomes[key][0]):
            outcomes[key] = cost, text, kind, values
    found: list[Edit] = []
    for cost, text, kind, values in outcomes.values():
        edit = as_written(site, text, kind, cost + _unlike(kind, values[0], old[0]))
        if edit is not None:
            edit.values = values
            found.append(edit)
    return found


def _unlike(kind: str, new: Any, old: Any) -> float:
    """Return the extra cost of numbers where a mask stands."""
    mask = isinstance(old, np.ndarray) and old.dtype.kind == "b"
    return 1.0 if kind == "replaced" and mask and np.asarray(new).dtype.kind == "f" else 0.0


def _outcome(values: list[Any]) -> Any:
    return tuple(
        (np.shape(value), np.asarray(value).dtype.kind == "b", np.round(np.asarray(value, dtype=float), 12).tobytes())
        for value in values
    )


class _Scope:
    """What a site sees at each of its visits."""

    def __init__(self, session: Session, site: Site) -> None:
        self.site = site
        self.pool: Any = None
        self.rows: list[list[Any]] = []
        watcher = _Observer(site, self, session)
        try:
            session.run([watcher])
        except Refused:
            raise
        except (Exception, Halt):  # whatever a function raises whose values were looked at in between
            self.pool = None

    def combinations(
        self, old: list[Any], wanted: list[list[Any]] | None
    ) -> Iterable[tuple[str, str, float, list[Any]]]:
        """Yield text, kind, cost and values of what can be put together."""
        me, size = self.site.text, self.site.weight
        tight = _tight(self.site.node)
        constant = isinstance(self.site.node, ast.Constant)
        if len(self.rows) != len(old):
            return
        for k, (text, weight, _) in enumerate(self.pool.entries):
            if text == me:
                continue
            column = [row[k] for row in self.rows]
            if any(value is None for value in column):
                continue
            ways: list[tuple[str, str, float, Combine]] = [
                (text, "replaced", 1.5 + 0.07 * weight + 0.05 * size, lambda _old, new: new)
            ]
            if not constant:
                ways += _as_operand(tight, text, weight)
            for written_text, kind, cost, combine in ways:
                values = _combined(old, column, combine, wanted)
                if values is not None:
                    yield written_text, kind, cost, values
        if not constant:
            for number, text in ((-1, f"-{tight}"), (2, f"2 * {tight}"), (0.5, f"0.5 * {tight}")):
                values = _combined(old, [number] * len(old), np.multiply, wanted)
                if values is not None:
                    yield text, "factor", 2.0, values


def _tight(node: ast.expr) -> str:
    text = ast.unparse(node)
    product = isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.MatMult))
    plain = isinstance(node, (ast.Name, ast.Call, ast.Subscript, ast.Attribute, ast.Constant))
    return text if plain or product else f"({text})"


def _as_operand(tight: str, text: str, weight: float) -> list[tuple[str, str, float, Combine]]:
    found: list[tuple[str, str, float, Combine]] = []
    single = text.isidentifier() or (text[-1] in ")]" and " " not in text)
    factor = text if single or " " not in text else f"({text})"
    if weight <= 12:
        found.append((f"{tight} * {factor}", "factor", 2.2 + 0.06 * weight, np.multiply))
        found.append((f"{tight} / {factor}", "factor", (2.1 if weight <= 3 else 2.6) + 0.06 * weight, np.divide))
    if weight <= 6:
        found.append((f"{tight} - {factor}", "term", 3.2 + 0.1 * weight, np.subtract))
        found.append((f"{tight} + {factor}", "term", 3.2 + 0.1 * weight, np.add))
    return found


def _combined(old: list[Any], new: list[Any], combine: Combine, wanted: list[list[Any]] | None) -> list[Any] | None:
    """Return the values of a combination at every visit, if they are among those wanted, or of the same shapes."""
    if len(old) > LOOPED and (np.ndim(old[0]) or np.ndim(new[0])):
        return None
    found: list[Any] = []
    for k, (one, other) in enumerate(zip(old, new, strict=True)):
        try:
            with np.errstate(all="ignore"):
                value = combine(one, other)
        except (TypeError, ValueError):
            return None
        if wanted is None:
            if np.shape(value) != np.shape(one) or not np.all(np.isfinite(value)):
                return None
        elif k == 0:
            wanted = [values for values in wanted if same_values(value, values[0])]
            if not wanted:
                return None
        if isinstance(value, (bool, np.bool_)) and not isinstance(one, (bool, np.bool_)):
            return None  # a number is never meant to be a comparison
        found.append(value)
    if wanted is not None:
        exact = any(len(values) == len(found) and all(map(same_values, found, values)) for values in wanted)
        return found if exact else None
    return found


class _Observer(Edit):
    """Looks at what is in scope at every visit of a site, and changes nothing."""

    def __init__(self, site: Site, scope: _Scope, session: Session) -> None:
        super().__init__(site, site.text, "observed", 0.0)
        self.scope, self.session = scope, session

    def action(self) -> Callable[[Any], Any]:
        scope = self.scope
        inside = False

        def act(value: Any) -> Any:
            nonlocal inside
            if inside:  # the pool has called the function that it is of
                return value
            inside = True
            frame = user_frame()
            names = names_in(frame)
            if scope.pool is None:
                scope.pool = pool_of(self.session, self.site, names)
            watch = self.session.watch
            count = watch.visits  # what the pool calls does not count
            found = scope.pool.values({**frame.f_globals, **names})
            watch.visits = count
            scope.rows.append([copied(item) if is_numeric(item) else None for item in found])
            inside = False
            return value

        return act
