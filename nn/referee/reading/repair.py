"""Repair: one mistake after the other, from the output layer down, each proved on other networks."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from .edits import Edit, Known, Moved, written
from .guard import Deadline
from .known import known_edits
from .pairs import pair
from .probes import Key, Probe
from .proof import counterpart, holds, replayed
from .search import Found, Search, is_slope, open_edits, penalty
from .session import Session, reads_something_wrong
from .sites import Site
from .spelling import spelled
from .watch import Watch

__all__ = ["Mend", "Repair", "repaired"]

MOST = 6  # mistakes in one function
REPLAYED = 3  # other networks on which a change must hold
CONSIDERED = 16  # changes that are replayed
COARSE = 4  # the weight of an expression that a known quantity explains only coarsely
COARSE_COST = 2.0
UNLIKELY = 2.5  # a change that costs more may come from another one before it that was not meant
BEGINNINGS = 3  # first changes that are tried in the place of one that cannot be written out
VAGUE = 1.5  # how much more a change may cost that is written out
VAGUE_SLOPE = 0.5  # likewise of a slope, which everybody can write, or of a product that is written anew
TWO = 1.5  # seconds for two changes behind one of the places where a mistake may be
HALF = 0.5  # of the time, after which nothing is begun otherwise
LIKELY = 3.5  # two that are written out and cost less are taken at once
WRITTEN = 6.0  # two that are written out and cost less are likelier than one that is not


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
        between: The values of all sites, and their order, with the first of two changes.
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
    between: tuple[dict[int, list[Any]], list[tuple[int, int, int]]] | None = None

    def beside(self, k: int) -> Mend:
        """Return this for one of two changes, with the values before and after that one alone."""
        if self.between is None:
            return self
        visits, order = self.between
        return replace(self, visits=visits, order=order) if k else replace(self, after=visits)

    @property
    def is_vague(self) -> bool:
        """Whether it says what belongs somewhere, and not how to write it."""
        return any(map(is_vague, self.edits))

    @property
    def is_rewritten(self) -> bool:
        """Whether it writes a product anew, which may be two small changes."""
        return any(edit.kind == "spelled" for edit in self.edits)

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


def is_vague(edit: Edit) -> bool:
    """Return whether an edit says what belongs somewhere, and not how to write it."""
    return isinstance(edit, Known) and edit.kind in ("known", "number", "state", "count")


def is_coarse(edit: Edit) -> bool:
    """Return whether an edit replaces a whole expression by a quantity: it may hide two mistakes."""
    if not isinstance(edit, Known) or edit.kind not in ("known", "state"):
        return False
    return edit.site.weight >= COARSE or any(q.family in ("dW", "db") for q in edit.quantities)


def repaired(functions: tuple[Any, ...], probes: Sequence[Probe], deadline: Deadline) -> Repair | None:
    """Return what was found on the probe that shows most; None if there is nothing to change."""
    best: Repair | None = None
    until = deadline.part(HALF)
    chosen = [*probes[:1], *[probe for probe in probes[1:] if probe.name == "sibling"][:1]]
    for k, probe in enumerate(chosen):
        others = [other for other in probes if other is not probe]
        found = _on(functions, probe, others, deadline.part(0.7 if k + 1 < len(chosen) else 1.0))
        found = _begun_otherwise(found, functions, probe, others, until)
        _write_out(found, functions, probe, others)
        if best is None or (len(found.left), found.cost) < (len(best.left), best.cost):
            best = found
        if (not found.left and found.verified) or deadline.left < 0:
            break
    return best


def _begun_otherwise(
    found: Repair, functions: tuple[Any, ...], probe: Probe, others: list[Probe], until: Deadline
) -> Repair:
    """Return a likelier repair with another first change, if the one found has an unlikely change among several.

    Two changes that are written out are likelier than one that only says what belongs there.
    """
    if len(found.mends) == 1 and (
        found.mends[0].is_vague or found.mends[0].is_rewritten or len(found.mends[0].edits) > 1
    ):
        tried = []
        there = {edit.site.span for edit in found.mends[0].edits if is_vague(edit)}
        for first in found.firsts[:BEGINNINGS]:
            if until.left < 0.3:
                break
            other = _on(functions, probe, others, until.part(0.6), first.edit)
            again = {edit.site.span for mend in other.mends for edit in mend.edits if is_vague(edit)} & there
            if not other.left and other.verified and len(other.mends) <= 2 and not again:
                other.mends[0].alternatives = [each.edit for each in found.firsts if each is not first]
                _write_out(other, functions, probe, others)
                tried.append(other)
                if _weighed(other) < LIKELY and not any(mend.is_vague for mend in other.mends):
                    break
        best = min(tried, key=_weighed, default=found)
        is_written = found.mends[0].is_vague and not any(mend.is_vague for mend in best.mends) and best.cost < WRITTEN
        return best if is_written or _weighed(best) < _weighed(found) else found
    if len(found.mends) < 2 or all(mend.cost < UNLIKELY for mend in found.mends):
        return found
    for first in found.firsts[1:3]:
        if until.left < 0.3:
            break
        other = _on(functions, probe, others, until.part(0.6), first.edit)
        if other.verified and _weighed(other) < _weighed(found) - 0.2:
            found = other
    return found


def _write_out(repair: Repair, functions: tuple[Any, ...], probe: Probe, others: list[Probe]) -> None:
    """Write out what only says what belongs somewhere, now that the other mistakes are mended."""
    everything = [edit for mend in repair.mends for edit in mend.edits]
    known = [(mend, edit) for mend in repair.mends for edit in mend.edits if isinstance(edit, Known)]
    if repair.left or len(everything) < 2 or len(known) != 1:
        return
    for mend, vague in known:
        rest = [edit for edit in everything if edit is not vague]
        session = Session(probe, Watch(functions))
        placed = [_at_its_place(session, edit) for edit in rest if not isinstance(edit, Moved)]
        if None in placed or len(placed) < len(rest):
            continue
        session.accept([edit for edit in placed if edit is not None])
        site = next((s for s in session.sites if s.span == vague.site.span and s.file == vague.site.file), None)
        there = None if site is None else _known_there(session, site)
        if site is None or there is None or there.values is None:
            continue
        for other in [*open_edits(session, site, [there.values]), spelled(session, there, session.wrong)]:
            verdicts = session.judged(other) if other is not None else None
            if other is None or verdicts is None or not all(verdicts.values()):
                continue
            here = written(vague.site, other.text, other.kind, other.cost)
            if here is not None and _all_hold(
                session, [*session.active, other], others[:REPLAYED], frozenset(verdicts)
            ):
                mend.edits = tuple(here if edit is vague else edit for edit in mend.edits)
                return


def _known_there(session: Session, site: Site) -> Known | None:
    """Return the known edit at a site that makes all right that is wrong."""
    for edit in known_edits(session, site, shapes_are_wrong=session.has_wrong_shapes):
        verdicts = session.judged(edit)
        if isinstance(edit, Known) and verdicts is not None and all(verdicts.values()):
            return edit
    return None


def _together(one: Mend, other: Mend) -> Mend:
    """Return two changes as one, of which the first shows only with the second."""
    edits = (*one.edits, *other.edits)
    both = Mend(edits, None, other.mended, one.alternatives, other.verified, one.session, one.visits, one.order)
    both.after, both.between = other.after, (other.visits, other.order)
    return both


def _weighed(repair: Repair) -> float:
    """Return how unlikely changes are together, where what is not written out may hide others."""
    unlikely = sum(penalty(mend.session, edit) for mend in repair.mends for edit in mend.edits)
    vague = [edit for mend in repair.mends for edit in mend.edits if is_vague(edit)]
    rewritten = VAGUE_SLOPE * sum(mend.is_rewritten for mend in repair.mends)
    return repair.cost + unlikely + rewritten + sum(VAGUE_SLOPE if is_slope(edit) else VAGUE for edit in vague)


def _on(
    functions: tuple[Any, ...], probe: Probe, others: list[Probe], deadline: Deadline, first: Edit | None = None
) -> Repair:
    session = Session(probe, Watch(functions))
    repair = Repair([], session.wrong, probe, [], session)
    for step in range(MOST):
        wrong = session.wrong
        if not wrong or deadline.left < 0:
            break
        if step == 0 and first is not None:
            begun = _at_its_place(session, first)
            if begun is None or session.judged(begun) is None:
                break  # by itself it lets the function fail
            mend = _begun_with(session, begun, others[:REPLAYED], deadline)
            repair.mends.append(mend)
            session.accept(mend.edits)
            mend.after = session.visits
            mend.mended = wrong - session.wrong
            continue
        search = Search(session, deadline.part(0.6))
        ranked = sorted(search.candidates, key=lambda found: _rank(session, found, wrong))
        if not ranked:
            break
        if step == 0:
            repair.firsts = [] if search.full else _firsts(session, ranked)
        repair.mends.append(_mend(session, ranked, others, [e for m in repair.mends for e in m.edits], deadline))
        mend = repair.mends[-1]
        vague = [edit for edit in mend.edits if len(mend.edits) > 1 or _may_hide_others(session, edit)]
        vague += [edit for edit in mend.edits if mend.is_rewritten]
        if (
            step == 0
            and first is None
            and search.full
            and vague
            and (mend.is_vague or mend.is_rewritten or len(mend.edits) > 1)
        ):
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                repair.firsts = _at_other_places(search.beginnings(), vague[0])
        if len(mend.edits) > 1 and session.judged(mend.edits[0]) is not None:
            session.accept(mend.edits[:1])
            mend.between = session.visits, session.order
            session.accept(mend.edits[1:])
        else:
            session.accept(mend.edits)
        mend.after = session.visits
        if session.wrong == wrong and not mend.forward and not ranked[0].is_scaled:
            break
    if repair.mends and not repair.mends[0].mended and not repair.mends[0].forward:
        repair.mends[:2] = [_together(*repair.mends[:2])] if len(repair.mends) > 1 else []
    repair.left = session.wrong
    return repair


def _firsts(session: Session, ranked: list[Found]) -> list[Found]:
    found: list[Found] = []
    for one in ranked:
        here = _unlikeliness(session, one.edit) < 4
        if here and all(one.edit.site is not other.edit.site for other in found) and len(found) < 4:
            found.append(one)
    return found


def _activations(session: Session, edit: Edit) -> set[str]:
    """Return those of the layers whose quantities an edit puts somewhere."""
    names = session.probe.reference.model.activations if session.probe.reference.L else []
    return {names[q.layer - 1] for q in getattr(edit, "quantities", ())}


def _may_hide_others(session: Session, edit: Edit) -> bool:
    """Return whether other places may be wrong behind one: it only reads, calls, or is large."""
    only_reads = isinstance(edit.site.node, (ast.Name, ast.Attribute, ast.Subscript, ast.Call))
    has_name = session.is_numeric(edit.site) and session.name(edit.site) is not None
    is_plain_slope = is_slope(edit) and len(_activations(session, edit)) == 1 and has_name
    return (only_reads or is_coarse(edit)) and not (is_plain_slope and not reads_something_wrong(session, edit.site))


def _at_its_place(session: Session, edit: Edit) -> Edit | None:
    """Return an edit of another session at the same place in this one."""
    same = (site for site in session.sites if site.span == edit.site.span and site.file == edit.site.file)
    site = next((site for site in same if site.number in session.visits), None)
    if site is None:
        return None
    return (
        counterpart(session, edit, site) if isinstance(edit, Known) else written(site, edit.text, edit.kind, edit.cost)
    )


def _begun_with(session: Session, edit: Edit, probes: list[Probe], deadline: Deadline) -> Mend:
    """Return a change that is made as the first of several: what comes after it shows whether it holds."""
    edits: tuple[Edit, ...] = (edit,)
    if isinstance(edit, Known):
        verdicts = session.judged(edit) or session.verdicts
        left = frozenset(key for key, right in verdicts.items() if not right)
        edits = _written_out(session, edit, [], left, [], probes, deadline.part(0.3).at_most(TWO))
    return Mend(edits, None, frozenset(), [], True, session, session.visits, session.order)


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
    cost = _unlikeliness(session, found.edit)
    if found.forward:
        return min(found.forward), -len(found.forward), cost
    if not found.left:
        return (cost,)
    if found.is_scaled:
        return bool(found.left - wrong), cost
    return (_is_below(found, mended), -_credit(found, mended), -max(layer for _, layer in mended), cost)


def _credit(found: Found, mended: frozenset[Key]) -> int:
    """Return how many arrays a change makes right by itself.

    Where both gradients of a layer are wrong its δ is likely to be; a known quantity that makes one of them right then
    only stands in for that.
    """
    if not isinstance(found.edit, Known) or is_slope(found.edit):
        return len(mended)
    before = found.left | mended
    return sum(not _is_all_wrong(before, l) or {("W", l), ("b", l)} <= mended for _, l in mended)


def _is_below(found: Found, mended: frozenset[Key]) -> bool:
    """Return whether a known δ stands below a layer that stays wrong: it may only follow from what is wrong there."""
    if not isinstance(found.edit, Known) or not {"δ", "back"} & {q.family for q in found.edit.quantities}:
        return False
    return any(_is_all_wrong(found.left, layer) and layer > max(l for _, l in mended) for _, layer in found.left)


def _is_all_wrong(wrong: frozenset[Key], layer: int) -> bool:
    """Return whether both gradients of a layer are wrong, so that its δ may be."""
    return ("W", layer) in wrong and ("b", layer) in wrong


def _mend(session: Session, ranked: list[Found], others: list[Probe], before: list[Edit], deadline: Deadline) -> Mend:
    """Return the first change in the ranking that holds on the other networks, or one as likely that says how."""
    probes = others[:REPLAYED]
    holding: list[Found] = []
    for found in ranked[:CONSIDERED]:
        if holding and not _is_as_likely(session, found, holding):
            continue
        mended = frozenset(session.verdicts) - found.left
        if _all_hold(session, [*before, found.edit], probes, mended):
            holding.append(found)
            if not isinstance(found.edit, Known):
                break
        if deadline.left < 0:
            break
    verified, deadline = bool(holding), deadline.at_most(TWO)
    mends = []
    for found in holding or ranked[:1]:
        mends.append(_mend_of(session, found, ranked, probes, before, deadline))
        mends[-1].verified = verified
        said = ("state", "count") if len(mends) == 1 else ("state",)  # a count may stand for another one elsewhere
        if all(not is_vague(edit) or edit.kind in said or is_slope(edit) for edit in mends[-1].edits):
            break
    else:
        return mends[0]
    last = holding[-1] if holding else None
    is_written = last is not None and not isinstance(last.edit, Known)
    if last is not None and is_written and len(mends[-1].edits) == 1:
        edit = mends[-1].edits[0]
        if _unlikeliness(session, last.edit) < _unlikeliness(session, edit):
            mends.append(_mend_of(session, last, ranked, probes, before, deadline))
            mends[-1].verified = True
    return mends[-1]


def _unlikeliness(session: Session, edit: Edit) -> float:
    return edit.cost + penalty(session, edit)


def _is_as_likely(session: Session, found: Found, holding: list[Found]) -> bool:
    """Return whether a change elsewhere, or written, mends the same, about as likely as the first that holds."""
    likely = _unlikeliness(session, holding[0].edit) + VAGUE
    is_known = isinstance(found.edit, Known)
    is_new = all(
        found.edit.site is not other.edit.site or (isinstance(other.edit, Known) and not is_known) for other in holding
    )
    return is_new and found.left == holding[0].left and _unlikeliness(session, found.edit) <= likely


def _mend_of(
    session: Session, chosen: Found, ranked: list[Found], probes: list[Probe], before: list[Edit], deadline: Deadline
) -> Mend:
    """Return a change as a mend, written out if it can be."""
    edit = chosen.edit
    same = [found.edit for found in ranked if found.left == chosen.left and found.edit is not edit]
    here = [other for other in same if other.site is edit.site]
    known = edit if isinstance(edit, Known) else next((other for other in here if isinstance(other, Known)), None)
    edits: tuple[Edit, ...] = (edit,)
    if isinstance(edit, Known):
        edits = _written_out(session, edit, here, chosen.left, [*before], probes, deadline)
    mended = session.wrong - chosen.left
    mend = Mend(edits, known, mended, same, False, session, session.visits, session.order)
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
    if written is None and edit.kind == "known" and is_coarse(edit):
        two = pair(session, edit, deadline)
        if two is not None and _all_hold(session, [*before, *two], probes, mended):
            return two
    if written is None and edit.kind == "known":
        written = spelled(session, edit, mended)
    if written is not None and _all_hold(session, [*before, written], probes, mended):
        return (written,)
    if edit.kind == "known" and not is_coarse(edit):
        two = pair(session, edit, deadline, only_written=True)
        if two is not None and _all_hold(session, [*before, *two], probes, mended):
            return two
    return (edit,)


def _all_hold(session: Session, edits: list[Edit], probes: list[Probe], mended: frozenset[Key]) -> bool:
    return all(holds(replayed(session, edits, probe), mended) for probe in probes)
