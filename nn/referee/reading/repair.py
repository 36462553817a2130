"""Repair: one mistake after the other, from the output layer down, each proved on other networks."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...arguments import FloatArray
from .changes import small_changes
from .edits import Edit, Known, Moved, is_numeric, written
from .guard import Deadline, Halt, Refused
from .known import known_edits
from .probes import Key, Probe
from .proof import holds, replayed
from .search import Found, Search, open_edits, penalty
from .session import Session, flat, in_size
from .sites import Site, outward, within
from .spelling import spelled
from .watch import Watch

__all__ = ["Mend", "Repair", "repaired"]

MOST = 6  # mistakes in one function
REPLAYED = 3  # other networks on which a change must hold
CONSIDERED = 6  # changes that are replayed
COARSE = 4  # the weight of an expression that a known quantity explains only coarsely
COARSE_COST = 1.5
UNLIKELY = 2.5  # a change that costs more may come from another one before it that was not meant
BEGINNINGS = 3  # first changes that are tried in the place of one that cannot be written out
VAGUE = 1.5  # how much more a change may cost that is written out
WRITTEN = 6.0  # two that are written out and cost less are likelier than one that is not
PAIR_COST = 5.2  # what two changes that are needed together may cost


@dataclass(eq=False)
class Mend:
    """One mistake found: a change that makes arrays right.

    Attributes:
        edits: What is changed; two changes if only both together make something right.
        known: The known edit that says what belongs there, if one does the same at that place.
        mended: The arrays that it makes right.
        alternatives: Other edits that do the same.
        verified: Whether it holds on the other networks.
        session: The session in which it was found.
        visits: The values of all sites before.
        order: The order of these values.
        after: The values of all sites after.
        forward: The layers whose a it makes right, if nothing that is handed in shows it yet.
    """

    edits: tuple[Edit, ...]
    known: Known | None
    mended: frozenset[Key]
    alternatives: list[Edit]
    verified: bool
    session: Session
    visits: dict[int, list[Any]]
    order: list[tuple[int, int, int]]
    after: dict[int, list[Any]] = field(default_factory=dict)
    forward: frozenset[int] = frozenset()

    @property
    def is_vague(self) -> bool:
        """Whether it says what belongs somewhere, and not how to write it."""
        return any(isinstance(edit, Known) and edit.kind == "known" for edit in self.edits)

    @property
    def cost(self) -> float:
        """How unlikely it is that this is what went wrong."""
        coarse = len(self.edits) == 1 and is_coarse(self.edits[0])
        return sum(edit.cost for edit in self.edits) + (COARSE_COST if coarse else 0.0)


@dataclass(eq=False)
class Repair:
    """All mistakes found in a function.

    Attributes:
        mends: In the order in which they were found.
        left: The arrays that stay wrong.
        probe: The network on which they were found.
        firsts: Other ways to begin, the likeliest first.
        session: The session.
    """

    mends: list[Mend]
    left: frozenset[Key]
    probe: Probe
    firsts: list[Found]
    session: Session

    @property
    def verified(self) -> bool:
        """Whether all of it holds on the other networks."""
        return all(mend.verified for mend in self.mends)

    @property
    def cost(self) -> float:
        """How unlikely all of it is together."""
        return sum(mend.cost for mend in self.mends) + 5 * len(self.left)


def is_coarse(edit: Edit) -> bool:
    """Return whether an edit replaces a whole expression by a quantity: it may hide two mistakes."""
    if not isinstance(edit, Known) or edit.kind not in ("known", "state"):
        return False
    return edit.site.weight >= COARSE or any(q.family in ("dW", "db") for q in edit.quantities)


def repaired(functions: tuple[Any, ...], probes: Sequence[Probe], deadline: Deadline) -> Repair | None:
    """Return what was found on the probe that shows most; None if there is nothing to change."""
    best: Repair | None = None
    chosen = [*probes[:1], *[probe for probe in probes[1:] if probe.name == "sibling"][:1]]
    for k, probe in enumerate(chosen):
        others = [other for other in probes if other is not probe]
        found = _on(functions, probe, others, deadline.part(0.7 if k + 1 < len(chosen) else 1.0))
        found = _begun_otherwise(found, functions, probe, others, deadline)
        if best is None or (len(found.left), found.cost) < (len(best.left), best.cost):
            best = found
        if (not found.left and found.verified) or deadline.left < 0:
            break
    return best


def _begun_otherwise(
    found: Repair, functions: tuple[Any, ...], probe: Probe, others: list[Probe], deadline: Deadline
) -> Repair:
    """Return a likelier repair with another first change, if the one found has an unlikely change among several.

    Two changes that are written out are likelier than one that only says what belongs there.
    """
    if len(found.mends) == 1 and found.mends[0].is_vague:
        tried = []
        for first in found.firsts[:BEGINNINGS]:
            if deadline.left < 0.5:
                break
            other = _on(functions, probe, others, deadline.part(0.5), first.edit)
            if not other.left and other.verified and len(other.mends) == 2:
                if not other.mends[0].mended:
                    other.mends = [_together(*other.mends)]
                tried.append(other)
        best = min(tried, key=_weighed, default=found)
        is_written = not any(mend.is_vague for mend in best.mends) and best.cost < WRITTEN
        return best if is_written or _weighed(best) < _weighed(found) else found
    if len(found.mends) < 2 or all(mend.cost < UNLIKELY for mend in found.mends):
        return found
    for first in found.firsts[1:3]:
        if deadline.left < 0.5:
            break
        other = _on(functions, probe, others, deadline.part(0.5), first.edit)
        if other.verified and other.cost < found.cost - 0.2:
            found = other
    return found


def _together(one: Mend, other: Mend) -> Mend:
    """Return two changes as one, of which the first shows only with the second."""
    edits = (*one.edits, *other.edits)
    both = Mend(edits, None, other.mended, [], other.verified, one.session, one.visits, one.order)
    both.after = other.after
    return both


def _weighed(repair: Repair) -> float:
    """Return how unlikely changes are together, where what is not written out may hide others."""
    return repair.cost + VAGUE * sum(mend.is_vague for mend in repair.mends)


def _on(
    functions: tuple[Any, ...], probe: Probe, others: list[Probe], deadline: Deadline, first: Edit | None = None
) -> Repair:
    session = Session(probe, Watch(functions))
    repair = Repair([], session.wrong, probe, [], session)
    for step in range(MOST):
        wrong = session.wrong
        if not wrong or deadline.left < 0:
            break
        begun = _at_its_place(session, first) if step == 0 and first is not None else None
        if begun is not None:
            mend = _begun_with(session, begun)
            repair.mends.append(mend)
            session.accept(mend.edits)
            mend.after = session.visits
            mend.mended = wrong - session.wrong
            continue
        search = Search(session, deadline.part(0.6))
        candidates = search.full or search.forward or search.part
        ranked = sorted(candidates, key=lambda found: _rank(session, found, wrong))
        if not ranked:
            break
        if step == 0:
            repair.firsts = [] if search.full else _firsts(session, ranked)
        repair.mends.append(_mend(session, ranked, others, [e for m in repair.mends for e in m.edits], deadline))
        mend = repair.mends[-1]
        if step == 0 and first is None and mend.is_vague and search.full and _may_hide_others(mend.edits[0]):
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                repair.firsts = _at_other_places(search.beginnings(), mend.edits[0])
        session.accept(mend.edits)
        mend.after = session.visits
        if session.wrong == wrong and not mend.forward:
            break
    repair.left = session.wrong
    return repair


def _firsts(session: Session, ranked: list[Found]) -> list[Found]:
    found: list[Found] = []
    for one in ranked:
        here = one.edit.cost + penalty(session, one.edit) < 4
        if here and all(one.edit.site is not other.edit.site for other in found) and len(found) < 4:
            found.append(one)
    return found


def _may_hide_others(edit: Edit) -> bool:
    """Return whether other places may be wrong behind one: it only reads, calls, or is large."""
    only_reads = isinstance(edit.site.node, (ast.Name, ast.Attribute, ast.Subscript, ast.Call))
    is_slope = isinstance(edit, Known) and {q.family for q in edit.quantities} == {"slope"}
    return (only_reads or is_coarse(edit)) and not is_slope


def _at_its_place(session: Session, edit: Edit) -> Edit | None:
    """Return a written edit of another session at the same place in this one."""
    same = (site for site in session.sites if site.span == edit.site.span and site.file == edit.site.file)
    site = next((site for site in same if site.number in session.visits), None)
    return None if site is None or isinstance(edit, Known) else written(site, edit.text, edit.kind, edit.cost)


def _begun_with(session: Session, edit: Edit) -> Mend:
    """Return a change that is made as the first of several: what comes after it shows whether it holds."""
    return Mend((edit,), None, frozenset(), [], True, session, session.visits, session.order)


def _at_other_places(candidates: list[Found], edit: Edit) -> list[Found]:
    """Return the likeliest change of each place, without those in the place of an edit."""
    found: list[Found] = []
    for one in candidates:
        if one.edit.site is not edit.site and all(one.edit.site is not other.edit.site for other in found):
            found.append(one)
    return found


def _rank(session: Session, found: Found, wrong: frozenset[Key]) -> tuple[float, ...]:
    """Return the order in which changes are considered: what mends most, above, at the least cost."""
    mended = wrong - found.left
    cost = found.edit.cost + penalty(session, found.edit)
    if found.forward:
        return min(found.forward), -len(found.forward), cost
    if not found.left:
        return (cost,)
    return (-len(mended), -max(layer for _, layer in mended), cost)


def _mend(session: Session, ranked: list[Found], others: list[Probe], before: list[Edit], deadline: Deadline) -> Mend:
    """Return the first change in the ranking that holds on the other networks, written out if it can be."""
    wrong, probes = session.wrong, others[:REPLAYED]
    chosen, verified = ranked[0], False
    for found in ranked[:CONSIDERED]:
        mended = frozenset(session.verdicts) - found.left
        if all(holds(replayed(session, [*before, found.edit], probe), mended) for probe in probes):
            chosen, verified = found, True
            break
        if deadline.left < 0:
            break
    edit, mended = chosen.edit, wrong - chosen.left
    same = [found.edit for found in ranked if found.left == chosen.left and found.edit is not edit]
    here = [other for other in same if other.site is edit.site]
    known = edit if isinstance(edit, Known) else next((other for other in here if isinstance(other, Known)), None)
    edits: tuple[Edit, ...] = (edit,)
    if isinstance(edit, Known):
        edits = _written_out(session, edit, here, chosen.left, [*before], probes, deadline)
    mend = Mend(edits, known, mended, same[:8], verified, session, session.visits, session.order)
    mend.forward = chosen.forward
    return mend


def _written_out(
    session: Session,
    edit: Known,
    here: list[Edit],
    left: frozenset[Key],
    before: list[Edit],
    probes: list[Probe],
    deadline: Deadline,
) -> tuple[Edit, ...]:
    """Return the changes of the source that do what a known edit does; the known one itself if there are none."""
    mended = frozenset(session.verdicts) - left  # and what was right stays so
    written = next((other for other in here if not isinstance(other, (Known, Moved)) and other.cost < 6), None)
    families = {q.family for q in edit.quantities}
    if (
        is_coarse(edit)
        and edit.kind == "known"
        and written is None
        and families & {"δ", "dW", "db", "back", "dΘ", "a", "z"}
    ):
        two = _pair(session, edit, deadline.part(0.5))
        if two is not None and all(holds(replayed(session, [*before, *two], probe), mended) for probe in probes):
            return two
    if written is None and edit.kind == "known":
        written = spelled(session, edit, mended)
    if written is not None and all(holds(replayed(session, [*before, written], probe), mended) for probe in probes):
        return (written,)
    return (edit,)


# --- two changes that only together make something right


def _pair(session: Session, edit: Known, deadline: Deadline) -> tuple[Edit, Edit] | None:
    """Return two changes, in a place or in what it reads, that together do there what a known edit does.

    Their effects must compose: as factors or as terms of what the place gives.
    """
    values = session.visits[edit.site.number]
    if edit.values is None or not all(map(is_numeric, values)):
        return None
    goal, now = flat(edit.values), flat(values)
    if goal.shape != now.shape:
        return None
    effects: list[tuple[Edit, FloatArray]] = []
    for change in _small_around(session, edit.site):
        if deadline.left < 0:
            break
        if change.site is edit.site and isinstance(change, Known) and change.kind == "known":
            continue
        effect = _effect(session, change, edit.site)
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
    return (one, other) if cost < PAIR_COST else None


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
    for k, one in enumerate(changes):
        wanted = without(needed, had[k])
        if not np.all(np.isfinite(wanted)):
            continue
        scale = max(float(np.abs(wanted).max()), 1e-12)
        for j in np.flatnonzero(np.abs(had - wanted).max(axis=1) <= 1e-8 * scale).tolist():
            other = changes[j]
            if j > k and not _one_in_the_other(one.site, other.site):
                yield one.cost + other.cost, one, other


def _small_around(session: Session, top: Site) -> list[Edit]:
    """Return the cheap changes in a place and in the assignments that it reads, the cheapest first."""
    sites: list[Site] = []
    for root in (top, *_definitions(session, top)):
        for site in within(root):
            fit = site.role in ("value", "callee") and site.number in session.visits
            if fit and site not in sites and not in_size(site) and not site.settled:
                sites.append(site)
    found: list[Edit] = []
    for site in sites[:40]:
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


def _effect(session: Session, change: Edit, place: Site) -> FloatArray | None:
    """Return what a place gives with a change."""
    seen: list[Any] = []

    def keep(number: int, value: Any) -> None:
        if number == place.number:
            seen.append(np.array(value, dtype=float))

    try:
        session.run([change], keep)
        return flat(seen) if seen else None
    except Refused:
        raise
    except (Exception, Halt):  # whatever a changed function raises
        return None


def _one_in_the_other(one: Site, other: Site) -> bool:
    if one is other:
        return False
    return any(site is other for site in outward(one)) or any(site is one for site in outward(other))
