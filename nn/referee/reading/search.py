"""The search for one change: which edit makes arrays right, and none wrong?

Cheapest first, each judged by running the function with it. Small changes and known quantities are tried everywhere;
what else stands in the function is tried where a known quantity has proved the place, and everywhere only if nothing
cheaper mends it.
"""

from __future__ import annotations

import ast
import copy
import types
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...arguments import FloatArray
from .changes import UNREAD, as_written, pool_of, small_changes, unread_names
from .edits import Edit, Known, Moved, Written, copied, is_numeric, names_in, same_values, user_frame
from .guard import Deadline, Halt, Refused, passed_over
from .known import known_edits, state_edits
from .probes import Key
from .session import Session, in_size, reads_something_wrong
from .sites import Site, outward, within
from .statements import moved_edits
from .watch import is_users

__all__ = ["Found", "Search", "is_slope", "open_edits", "penalty"]

MARGIN = 0.35  # edits that cost so much more than the best are not tried
FORWARD = {"a", "z", "Wa"}
BEYOND = -1  # in the place of a layer: the error of the outputs
KNOWN = 1.8  # the least that a known edit costs
CHEAP = 3.2  # a full edit up to this ends the search
PLACES = 5  # where known quantities mend most, that what the function holds is tried
PROGRESS = {"a", "z", "p", "slope", "e", "g", "δ", "back"}
COVERING = {"δ", "back", "e", "g", "dW", "db", "dΘ", "data"}  # what covers all that is wrong above it
SENT_BACK = {"slope", "e", "g", "δ", "back"}  # what may carry another sign, or 1/N, on the way
LATE = 1.0  # seconds for what the function holds where known quantities mend something, and for it everywhere
BEGINNING = 1.0  # seconds for the first of two changes
UNLIKELY_FIRST = 2.5  # a first of two changes costs no more
LOOPED = 12  # visits, beyond which only single numbers are combined


@dataclass(frozen=True, eq=False, slots=True)
class Found:
    """An edit that mends something.

    Attributes:
        edit: The edit.
        left: What is still wrong with it.
        forward: The layers whose a is computed with it, and was not before.
        is_scaled: Whether all arrays are right with it but for factors.
    """

    edit: Edit
    left: frozenset[Key]
    forward: frozenset[int] = frozenset()
    is_scaled: bool = False


class Search:
    """One search.

    Args:
        session: The function on a probe, with what was mended before.
        deadline: When to stop.

    Attributes:
        full: The edits with which all arrays are right.
        least: The cost of the likeliest of them, with what makes its place unlikely.
        part: Those with which some more are right, and none is wrong that was right.
        scaled: Those with which all arrays are right but for factors, and were not before.
        forward: Those with which an a is computed that was not; looked for only if nothing makes all arrays right.
    """

    def __init__(self, session: Session, deadline: Deadline) -> None:
        self.session, self.deadline = session, deadline
        self.full: list[Found] = []
        self.part: list[Found] = []
        self.scaled: list[Found] = []
        self.forward: list[Found] = []
        self._was_scaled = session.probe.are_right_but_for_factors(session.arrays)
        self.tried: set[tuple[int, str]] = set()
        self._put: dict[Known, dict[Key, FloatArray]] = {}
        self.least = float("inf")
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._search()

    def _search(self) -> None:
        """Look first where a change moves all that is wrong, then, if nothing mends all of it, elsewhere."""
        session = self.session
        sites = [site for site in session.sites if session.may_be_wrong(site)]
        moved = {site: session.influence(site) for site in sites}
        covering = [site for site in sites if (arrays := moved[site]) is None or arrays >= session.wrong]
        covered = set(covering)
        self._try_at(covering, [*moved_edits(session)])
        if not self.full:
            self._try_at([site for site in sites if site not in covered], [])
            self._try_forward(sites)
        self._what_the_function_holds()
        self._below_known_places()
        if self.least > KNOWN and not session.probe.reference.L:  # no known quantity says where one change is enough
            self._everywhere([site for site in covering if self._is_plain(site)], CHEAP)
        elif self.cheapest > CHEAP and not self._is_scaled_only:
            self._everywhere([site for site in (covering if self.full else sites) if self._is_plain(site)])

    def _try_forward(self, sites: list[Site]) -> None:
        """Look for what makes a forward pass right whose a is missing: until then everything below is wrong anyhow."""
        session = self.session
        missing = {q.layer: q.array for q in session.index.quantities if q.family == "a" and q.layer}
        error = next((q.array for q in session.index.quantities if q.family in ("e", "g") and q.right), None)
        if error is not None:
            missing[BEYOND] = error  # what shows that a layer that was put somewhere is read from there
        before = session.computed(missing)
        if before >= missing.keys() - {BEYOND}:
            return
        edits = [edit for site in sites for edit in small_changes(session, site)]
        for site in sites:
            computes = not isinstance(site.node, (ast.Name, ast.Attribute, ast.Subscript))
            if computes and self._is_plain(site):
                known = known_edits(session, site, shapes_are_wrong=False)
                edits += [edit for edit in known if {q.family for q in getattr(edit, "quantities", ())} & FORWARD]
        for edit in sorted(edits, key=lambda edit: edit.cost):
            if self.deadline.left < 0 or edit.cost > min((f.edit.cost for f in self.forward), default=9.0) + 1.0:
                return
            own = {q.layer for q in getattr(edit, "quantities", ()) if q.family in FORWARD}
            gained = session.computed(missing, edit) - before
            if gained - own and gained - {BEYOND}:
                gained -= {BEYOND}
                self.forward.append(Found(edit, session.wrong, gained))

    def beginnings(self) -> list[Found]:
        """Return changes, written or of a slope, after which more of a backward pass is computed, or some is right.

        They come in the order in which they are worth a try as the first of two; those with which all is right but for
        factors come first.
        """
        session = self.session
        arrays = {(q.family, q.layer): q.array for q in session.index.quantities if q.right and q.family in PROGRESS}
        factors = (1.0, -1.0, 1 / session.probe.N, -1 / session.probe.N)
        sought = {
            (key, factor): factor * array
            for key, array in arrays.items()
            for factor in (factors if key[0] in SENT_BACK else factors[:1])
        }
        before = {key for key, _ in session.computed(sought)}
        sought = {(key, factor): array for (key, factor), array in sought.items() if key not in before}
        ranked = [
            ((-len(session.wrong - found.left), found.edit.cost + penalty(session, found.edit)), found)
            for found in self.part
            if not isinstance(found.edit, Known) or found.edit.kind == "known factor" or is_slope(found.edit)
        ]
        least = -len(session.wrong)
        ranked += [
            ((least, found.edit.cost + penalty(session, found.edit)), found)
            for found in self.scaled
            if not {q.family for q in getattr(found.edit, "quantities", ())} & COVERING
        ]
        until = self.deadline.at_most(BEGINNING)
        sites = [site for site in session.sites if session.may_be_wrong(site)]
        edits = [edit for site in sites for edit in small_changes(session, site)]
        for site in sites if sought else ():
            if until.left > 0 and _is_open(session, site):
                edits += open_edits(session, site, only_replaced=True)
        for edit in sorted(edits, key=lambda edit: edit.cost):
            if until.left < 0 or edit.cost > UNLIKELY_FIRST or not sought:
                break
            gained = {key for key, _ in session.computed(sought, edit)} - _put_there(session, edit)
            if gained:
                ranked.append(((-len(gained), edit.cost + penalty(session, edit)), Found(edit, session.wrong)))
        return [found for _, found in sorted(ranked, key=lambda pair: pair[0])]

    def _is_plain(self, site: Site) -> bool:
        return site.role == "value" and self.session.is_numeric(site)

    def _try_at(self, sites: list[Site], more: list[Edit]) -> None:
        """Try small changes and known quantities."""
        edits = [*(edit for site in sites for edit in small_changes(self.session, site)), *more]
        self._try_all(edit for edit in edits if edit.cost < KNOWN)
        if self.least + MARGIN > KNOWN:
            late = [edit for edit in edits if edit.cost >= KNOWN]
            self._try_all(
                [*late, *self._known_edits([site for site in sites if self._is_plain(site)], states=bool(more))]
            )

    @property
    def candidates(self) -> list[Found]:
        """The edits among which one is chosen."""
        return self.full or (self.scaled if self._is_scaled_only else self.forward or self.part)

    @property
    def _is_scaled_only(self) -> bool:
        """Whether nothing that says how to write it makes an array right, but something does but for a factor."""
        return bool(self.scaled) and not any(not isinstance(found.edit, Known) for found in self.full + self.part)

    @property
    def cheapest(self) -> float:
        """The cost of the cheapest of the edits that mend most."""
        mending = self.full or self.part
        fewest = min((len(found.left) for found in mending), default=0)
        return min((found.edit.cost for found in mending if len(found.left) == fewest), default=float("inf"))

    def _known_edits(self, plain: list[Site], *, states: bool) -> list[Edit]:
        session = self.session
        edits: list[Edit] = []
        for site in plain:
            edits += known_edits(session, site, shapes_are_wrong=session.has_wrong_shapes)
        for site in session.sites:
            if states and site.role == "state":
                edits += state_edits(session, site)
        return edits

    def try_(self, edit: Edit) -> bool:
        """Try an edit; return whether it mends something."""
        key = edit.site.number, edit.text
        if not isinstance(edit, Known) and key in self.tried:
            return False
        self.tried.add(key)
        session = self.session
        if isinstance(edit, Known) and edit.factor != 1 and not self._may_mend(edit):
            return False
        outcome = session.outcome(edit)
        if outcome is None:
            return False
        verdicts, submission = outcome
        if isinstance(edit, Known) and edit.kind == "known" and edit.plain is None:
            self._put[edit] = submission.arrays()
        left = frozenset(name for name, right in verdicts.items() if not right)
        if not left:
            self.full.append(Found(edit, left))
            self.least = min(self.least, edit.cost + penalty(session, edit))
        elif left < session.wrong:
            self.part.append(Found(edit, left))
        may_be_first = left and edit.cost <= UNLIKELY_FIRST + isinstance(edit, Known) and not self._was_scaled
        if may_be_first and session.probe.are_right_but_for_factors(submission.arrays()):
            self.scaled.append(Found(edit, left, is_scaled=True))
        return left < session.wrong

    def _may_mend(self, edit: Known) -> bool:
        """Return whether an edit that puts a number in front may make an array right that is wrong.

        Where an array follows a factor by a power, those with a number in front follow from that without.
        """
        session, arrays = self.session, self.session.arrays
        if edit.plain is not None:
            if edit.plain not in self._put:
                outcome = session.outcome(edit.plain)
                self._put[edit.plain] = {} if outcome is None else outcome[1].arrays()
            arrays = self._put[edit.plain]
        powers = session.powers(edit.site, put=edit.plain is not None)
        for key in session.wrong & arrays.keys():
            array, right, power = arrays[key], session.probe.right[key], powers.get(key)
            k = int(np.abs(right).argmax())
            if array.shape != right.shape:
                continue
            if power is None or power.rest.shape != array.shape:
                return True
            if session.probe.may_be_right(key, power.with_factor(array, edit.factor, k), k):
                return True
        return False

    def _try_all(self, edits: Iterable[Edit], most: float = float("inf")) -> None:
        for edit in sorted(edits, key=lambda edit: edit.cost):
            if self.deadline.left < 0 or edit.cost > min(most, self.least + MARGIN):
                return
            self.try_(edit)

    def _what_the_function_holds(self) -> None:
        """Where a known quantity mends most: is there something with the same values to put there?"""
        groups: dict[tuple[frozenset[Key], int], list[Known]] = {}
        for found in self.candidates:
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
        until = self.deadline.at_most(LATE)
        written = min((found.edit.cost for found in best if not isinstance(found.edit, Known)), default=float("inf"))
        most = min(written, least + 0.4)
        for place in places[: 2 if written < CHEAP else 4]:
            edits: list[Edit] = []
            for site in within(place):
                if site.number not in done and _is_open(self.session, site):
                    done.add(site.number)
                    edits += open_edits(self.session, site)
            for edit in sorted(edits, key=lambda edit: edit.cost):
                if until.left < 0 or edit.cost > most:
                    break
                if self.try_(edit):
                    most = min(most, edit.cost)

    def _everywhere(self, plain: list[Site], most: float = float("inf")) -> None:
        edits: list[Edit] = []
        until = self.deadline.at_most(LATE)
        for site in plain:
            if until.left < 0:
                return
            if _is_open(self.session, site):
                edits += open_edits(self.session, site)
        for edit in sorted(edits, key=lambda edit: edit.cost):
            if until.left < 0 or edit.cost > min(most, self.least + MARGIN):
                return
            self.try_(edit)


def _put_there(session: Session, edit: Edit) -> set[tuple[str, int]]:
    """Return the families and layers of the quantities that an edit itself gives."""
    named = (session.index.of(value) for value in edit.values or ())
    return {(naming.quantity.family, naming.quantity.layer) for naming in named if naming is not None}


def is_slope(edit: Edit) -> bool:
    """Return whether an edit puts a slope somewhere, which says at once what is missing there."""
    return isinstance(edit, Known) and {q.family for q in edit.quantities} == {"slope"}


def penalty(session: Session, edit: Edit) -> float:
    """Return what makes a place unlikely: a return, something read that is wrong already, a call of the user's own."""
    if isinstance(edit, Moved):
        return 0.0
    site, extra = edit.site, 0.0
    known = isinstance(edit, Known)
    if isinstance(site.statement, ast.Return) and known:
        extra += 1.0 if site.function == next(iter(session.watch.functions)).__name__ else 0.5
    elif not known and _is_handed_on(session, site):
        extra += 0.3
    if isinstance(edit, Written) and _is_empty_of_sense(site, edit.text):
        extra += 2.0
    is_item = isinstance(site.node, ast.Subscript) and isinstance(site.node.slice, ast.Constant)
    reads = is_item or (isinstance(site.node, (ast.Name, ast.Attribute)) and getattr(site.node, "attr", "") != "T")
    if site.role == "value" and reads:
        extra += 2.0 if reads_something_wrong(session, site) else 0.6
    elif reads_something_wrong(session, site):
        extra += 1.2
    elif _is_of_something_right(session, site):
        extra += 0.1 if edit.kind in ("exchanged", "sign") else 0.8
    if (known or edit.kind == "replaced") and _is_call_of_users(session, site):
        extra += 1.0 if known else 0.2
    return extra


def _is_handed_on(session: Session, site: Site) -> bool:
    """Return whether a name is only handed on: set to another one, returned, or given to a function."""
    outer = site.parent
    if not isinstance(site.node, (ast.Name, ast.Attribute, ast.Constant)) or site.role != "value":
        return False
    return outer is None or isinstance(outer.node, ast.Tuple) or _is_call_of_users(session, outer)


def _is_empty_of_sense(site: Site, text: str) -> bool:
    """Return whether an edit divides something by itself, or takes it from itself."""
    new: ast.AST = ast.parse(text, mode="eval").body
    for inner in outward(site):
        outer = inner.parent
        if outer is None:
            break
        match outer.node:
            case ast.BinOp(left=one, op=ast.Sub() | ast.Div(), right=other):
                sides = [one, other]
            case ast.Call(func=ast.Attribute(attr="divide" | "subtract"), args=[one, other]):
                sides = [one, other]
            case _:
                sides = []
        texts = [ast.unparse(new if side is inner.node else side) for side in sides]
        if len(texts) == 2 and texts[0] == texts[1]:
            return True
        new = _with_exchanged(outer.node, inner.node, new)
    return False


def _with_exchanged(node: ast.AST, old: ast.AST, new: ast.AST) -> ast.AST:
    """Return a copy of an expression with another one in the place of a part."""
    if node is old:
        return new
    made = copy.copy(node)
    for name, value in ast.iter_fields(node):
        if isinstance(value, ast.AST):
            setattr(made, name, _with_exchanged(value, old, new))
        elif isinstance(value, list):
            parts = [_with_exchanged(part, old, new) if isinstance(part, ast.AST) else part for part in value]
            setattr(made, name, parts)
    return made


def _is_call_of_users(session: Session, site: Site) -> bool:
    if not isinstance(site.node, ast.Call):
        return False
    callee = next((child for child in site.children if child.role == "callee"), None)
    value = session.first(callee) if callee is not None and callee.number in session.visits else None
    code = getattr(value, "__code__", None)
    return isinstance(code, types.CodeType) and is_users(code)


def _is_of_something_right(session: Session, site: Site) -> bool:
    """Return whether a statement computes ∇ₐC as it should, which another one may then take for δ."""
    *_, top = outward(site)
    statement = top.statement
    if not isinstance(statement, ast.Assign) or statement.value is not top.node or top.number not in session.visits:
        return False
    naming = session.name(top)
    is_right = naming is not None and naming.quantity.right and abs(naming.factor - 1) < 1e-9
    return is_right and naming is not None and naming.quantity.family in ("e", "g")


def _is_open(session: Session, site: Site) -> bool:
    return site.role == "value" and site.number in session.visits and not in_size(site) and session.is_numeric(site)


Combine = Callable[[Any, Any], Any]


def open_edits(
    session: Session, site: Site, wanted: list[list[Any]] | None = None, *, only_replaced: bool = False
) -> list[Edit]:
    """Return the edits that bring in what stands elsewhere in the function, one for each outcome.

    Args:
        session: The function on a probe.
        site: The place.
        wanted: The values that the site should give, in one or several versions; edits that give others are left out.
        only_replaced: Whether only those are wanted that put something else in the place of the whole.
    """
    seen = _Scope(session, site)
    old = _Visits(session.visits[site.number])
    if seen.pool is None or len(seen.rows) != len(old.values):
        return []
    goals = None if wanted is None else [_Visits(values) for values in wanted]
    outcomes: dict[Any, tuple[float, str, str, _Visits]] = {}
    before = old.outcome()
    for text, kind, cost, values in seen.combinations(
        old, goals, loose=session.has_wrong_shapes, only_replaced=only_replaced
    ):
        key = values.outcome()
        if key != before and (key not in outcomes or cost < outcomes[key][0]):
            outcomes[key] = cost, text, kind, values
    found: list[Edit] = []
    mask = isinstance(old.values[0], np.ndarray) and old.values[0].dtype.kind == "b"
    for cost, text, kind, values in outcomes.values():
        unlike = 1.0 if kind == "replaced" and mask != values.is_mask else 0.0
        edit = as_written(site, text, kind, cost + unlike)
        if edit is not None:
            edit.values = values.values
            found.append(edit)
    return found


class _Visits:
    """The values of something at all visits of a site, as one array where they have one shape.

    Args:
        values: One for each visit, or an array whose first axis counts the visits.
        is_mask: Whether they are truth values.
    """

    def __init__(self, values: Any, *, is_mask: bool | None = None) -> None:
        self.values = list(values)
        first = self.values[0] if self.values else 0.0
        self.is_mask = np.asarray(first).dtype.kind == "b" if is_mask is None else is_mask
        self.stack: FloatArray | None = None
        if isinstance(values, np.ndarray):
            self.stack = values
        elif len(set(map(np.shape, self.values))) == 1:
            self.stack = np.array(self.values, dtype=float)

    def outcome(self) -> Any:
        """Return what is the same for the same values, but for rounding."""
        if self.stack is not None:
            return self.is_mask, self.stack.shape, np.round(self.stack, 12).tobytes()
        arrays = [np.asarray(value, dtype=float) for value in self.values]
        return self.is_mask, tuple((array.shape, np.round(array, 12).tobytes()) for array in arrays)

    def is_same(self, other: _Visits) -> bool:
        """Return whether these are the same values, but for rounding."""
        if self.stack is not None and other.stack is not None:
            return same_values(self.stack, other.stack)
        return len(self.values) == len(other.values) and all(map(same_values, self.values, other.values))


class _Scope:
    """What a site sees at each of its visits."""

    def __init__(self, session: Session, site: Site) -> None:
        self.session, self.site = session, site
        self.pool: Any = None
        self.rows: list[list[Any]] = []
        watcher = _Observer(site, self, session)
        try:
            session.run([watcher])
        except Refused:
            raise
        except (Exception, Halt) as error:  # whatever a function raises whose values were looked at in between
            passed_over(error)
            self.pool = None

    def combinations(
        self, old: _Visits, wanted: list[_Visits] | None, *, loose: bool, only_replaced: bool
    ) -> Iterator[tuple[str, str, float, _Visits]]:
        """Yield text, kind, cost and values of what can be put together."""
        node, me = self.site.node, self.site.text
        tight = _tight(node)
        is_whole = only_replaced or isinstance(node, ast.Constant)
        unread = unread_names(self.session, self.site)
        around = self.site.parent.node if self.site.parent is not None else None
        inner = 0.5 + 0.1 * isinstance(around.op, ast.MatMult) if isinstance(around, ast.BinOp) else 0.0
        for k, (text, weight, _) in enumerate(self.pool.entries):
            column = [row[k] for row in self.rows]
            if text == me or any(value is None for value in column):
                continue
            new = _Visits(column)
            if wanted is None or any(new.is_same(goal) for goal in wanted):
                replaced = _put(old, new, wanted, loose=loose)
                if replaced is not None:
                    cost = 1.5 + 0.07 * weight + 0.05 * self.site.weight - UNREAD * (text in unread)
                    yield text, "replaced", cost, replaced
            for written_text, kind, cost, combine in [] if is_whole else _as_operand(tight, text, weight + inner):
                values = _combined(old, new, combine, wanted)
                if values is not None:
                    yield written_text, kind, cost, values
        for number, text in [] if is_whole else [(-1.0, f"-{tight}"), (2.0, f"2 * {tight}"), (0.5, f"0.5 * {tight}")]:
            values = _combined(old, _Visits([number] * len(old.values)), np.multiply, wanted)
            if values is not None:
                yield text, "factor", 2.0, values


def _tight(node: ast.expr) -> str:
    text = ast.unparse(node)
    product = isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div, ast.MatMult))
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


def _put(old: _Visits, new: _Visits, wanted: list[_Visits] | None, *, loose: bool) -> _Visits | None:
    """Return values that may stand in the place of others: of the same shapes, unless these are wrong."""
    if new.is_mask and not old.is_mask and np.ndim(new.values[0]) == 0:
        return None  # a number is never meant to be a comparison
    if wanted is None and not loose and list(map(np.shape, old.values)) != list(map(np.shape, new.values)):
        return None
    return new


def _combined(old: _Visits, new: _Visits, combine: Combine, wanted: list[_Visits] | None) -> _Visits | None:
    """Return the values of a combination, if they are among those wanted; if none are, those of the same shapes."""
    if old.stack is None or new.stack is None:
        return _combined_one_by_one(old, new, combine, wanted)
    one, other = _aligned(old.stack, new.stack)
    try:
        with np.errstate(all="ignore"):
            made = np.asarray(combine(one, other), dtype=float)
    except ValueError:
        return None
    if wanted is None:
        return _Visits(made, is_mask=False) if made.shape == old.stack.shape and np.all(np.isfinite(made)) else None
    goals = [goal.stack for goal in wanted if goal.stack is not None and goal.stack.shape == made.shape]
    return _Visits(made, is_mask=False) if any(same_values(made, goal) for goal in goals) else None


def _aligned(one: FloatArray, other: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return two stacks that broadcast visit by visit."""
    count, axes = len(one), max(one.ndim, other.ndim)
    first, second = (stack.reshape(count, *[1] * (axes - stack.ndim), *stack.shape[1:]) for stack in (one, other))
    return first, second


def _combined_one_by_one(old: _Visits, new: _Visits, combine: Combine, wanted: list[_Visits] | None) -> _Visits | None:
    if len(old.values) > LOOPED:
        return None
    try:
        with np.errstate(all="ignore"):
            made = [combine(one, other) for one, other in zip(old.values, new.values, strict=True)]
    except (TypeError, ValueError):
        return None
    found = _Visits(made, is_mask=False)
    if wanted is not None:
        return found if any(found.is_same(goal) for goal in wanted) else None
    fits = all(
        np.shape(value) == np.shape(one) and np.all(np.isfinite(value))
        for value, one in zip(made, old.values, strict=True)
    )
    return found if fits else None


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
