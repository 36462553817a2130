"""Recurrences: families that repeat, step by step, become one family with a time axis.

Families of one skeleton, one for each level, are a *chain*; each of its references reads either the same family, moved
by the same distance from step to step, or a chain at the same distance in steps. A chain that does not repeat from its
first member on begins later; what its first member reads instead of an earlier step is the initial value.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..language.build import add, condition, multiply, replaced, substituted
from ..language.index import Axis, Index, at, fixed
from ..language.term import Family, Reference, Sum, Term, references
from .collect import collected
from .skeleton import Skeleton, aligned, loosened

__all__ = ["with_steps"]

LEAST = 3  # steps that make a recurrence


@dataclass(frozen=True)
class _Same:
    """A reference to a family that is no step, moved by `shift` from step to step."""

    family: Family
    shift: tuple[int, ...]


@dataclass(frozen=True)
class _Lag:
    """A reference to a chain, `lag` steps away."""

    chain: int
    lag: int


_Rule = _Same | _Lag
_Pairing = tuple[_Rule, Reference | None, Reference]  # the rule, what the first member reads, what the others read


@dataclass
class _Initial:
    """What stands in the place of a chain's member before the first: a reference, and how its axes correspond."""

    reference: Reference
    own: dict[int, Axis | None]
    bound: dict[Axis | None, Axis | None]


@dataclass
class _Chains:
    """Chains of families: the members of each by their number, and what is known of them."""

    skeletons: dict[Family, Skeleton]
    members: dict[int, dict[int, Family]] = field(default_factory=dict)
    place: dict[Family, tuple[int, int]] = field(default_factory=dict)
    rules: dict[int, list[_Rule]] = field(default_factory=dict)
    initial: dict[int, dict[int, _Initial]] = field(default_factory=dict)
    variants: dict[Family, list[_Pairing]] = field(default_factory=dict)

    def last(self, chain: int) -> Family:
        """The last member."""
        return self.members[chain][max(self.members[chain])]

    def links(self, chain: int) -> list[tuple[int, int]]:
        """The chains that one reads, with their lags."""
        return [(rule.chain, rule.lag) for rule in self.rules.get(chain, []) if isinstance(rule, _Lag)]


def with_steps(
    families: Sequence[Family], roots: Sequence[Term], least: int = LEAST
) -> tuple[list[Family], list[Term]]:
    """Return families and roots in which repeated families are recurrences."""
    values = [family for family in families if family.kind == "value"]
    chains = _Chains({family: Skeleton(family) for family in values})
    _find_chains(chains, values)
    _find_initial(chains)
    _find_first_members(chains, values)
    times = _Times(chains, least)
    if not times.live:
        return list(families), list(roots)
    return _Merge(families, roots, chains, times).result()


# --- chains ------------------------------------------------------------------------------------------


def _find_chains(chains: _Chains, values: Sequence[Family]) -> None:
    coarse: dict[Any, list[Family]] = {}
    for family in values:
        coarse.setdefault(chains.skeletons[family].key, []).append(family)
    numbers = itertools.count(1)
    refined: set[int] = set()

    def enter(members: Iterable[Family], *, is_fine: bool) -> bool:
        own = sorted(members, key=lambda family: family.level)
        if len(own) < 2 or len({family.level for family in own}) != len(own):
            return False
        number = next(numbers)
        chains.members[number] = dict(enumerate(own))
        chains.place.update({family: (number, k) for k, family in enumerate(own)})
        if is_fine:
            refined.add(number)
        return True

    def enter_by_operands(members: Iterable[Family]) -> None:
        groups: dict[Any, list[Family]] = {}
        for family in members:
            read = tuple(
                chains.skeletons[r.family].key if r.family.kind == "value" else r.family.serial
                for r in chains.skeletons[family].slots
            )
            groups.setdefault(read, []).append(family)
        for group in groups.values():
            enter(group, is_fine=True)

    for members in coarse.values():
        if not enter(members, is_fine=False) and len(members) > 1:
            enter_by_operands(members)
    changed = True
    while changed:
        changed = False
        for number in list(chains.members):
            members_by_step = chains.members[number]
            steps = sorted(members_by_step)
            rule = _rule(chains, members_by_step[steps[-2]], members_by_step[steps[-1]]) if len(steps) > 1 else None
            if rule is None:
                for family in members_by_step.values():
                    chains.place.pop(family, None)
                del chains.members[number]
                chains.rules.pop(number, None)
                if number not in refined:
                    enter_by_operands(members_by_step.values())
                changed = True
                continue
            chains.rules[number] = rule
            first = len(steps) - 2
            while first and _rule(chains, members_by_step[steps[first - 1]], members_by_step[steps[first]], rule):
                first -= 1
            if first:  # what another chain begins with may be one of its own, as an encoder before a decoder
                before = [members_by_step.pop(k) for k in steps[:first]]
                for family in before:
                    chains.place.pop(family)
                enter(before, is_fine=number in refined)
                changed = True


def _rule(chains: _Chains, one: Family, other: Family, expected: Sequence[_Rule] | None = None) -> list[_Rule] | None:
    """Return what each reference of one member becomes in the next, None if that follows no rule."""
    found: list[_Rule] = []
    pairs = zip(chains.skeletons[one].slots, chains.skeletons[other].slots, strict=True)
    for k, (now, then) in enumerate(pairs):
        rule: _Rule | None
        if now.family.kind != "value" or now.family is then.family:
            rule = _moved(now, then)
        else:
            rule = _lagged(chains, one, other, now, then)
        if rule is None or (expected is not None and rule != expected[k]):
            return None
        found.append(rule)
    return found or None


def _moved(now: Reference, then: Reference) -> _Same | None:
    if now.family is not then.family:
        return None
    shift = []
    for a, b in zip(now.indices, then.indices, strict=True):
        if (a.table is not None or b.table is not None) and a.key({}) != b.key({}):
            return None
        shift.append(0 if a.table is not None else b.const - a.const)
    return _Same(now.family, tuple(shift))


def _lagged(chains: _Chains, one: Family, other: Family, now: Reference, then: Reference) -> _Lag | None:
    if then.family not in chains.place:
        return None
    chain, k = chains.place[then.family]
    lag = k - chains.place[other][1]
    before = chains.place[one][1] + lag
    if before >= min(chains.members[chain]) and chains.place.get(now.family) != (chain, before):
        return None
    if any(a.const != b.const for a, b in zip(now.indices, then.indices, strict=True)):
        return None
    return _Lag(chain, lag)


def _find_initial(chains: _Chains) -> None:
    """What a first member reads where the others read a chain belongs to that chain, or is its initial value."""
    changed = True
    while changed:
        changed = False
        for number in list(chains.members):
            start = min(chains.members[number])
            first, last = chains.members[number][start], chains.last(number)
            pairs: list[_Pairing] = chains.variants.get(first) or list(
                zip(chains.rules[number], chains.skeletons[first].slots, chains.skeletons[last].slots, strict=True)
            )
            for rule, reference, theirs in pairs:
                if not isinstance(rule, _Lag) or reference is None:
                    continue
                chain, k = rule.chain, start + rule.lag
                is_placed = reference.family in chains.place
                if is_placed and chains.place[reference.family][0] == chain:
                    continue
                if k != min(chains.members[chain]) - 1 or k in chains.initial.get(chain, {}):
                    continue
                found = None
                if reference.family.kind == "value" and not is_placed:
                    found = _variant(chains, reference.family, chain)
                if found is not None:
                    chains.members[chain][k] = reference.family
                    chains.place[reference.family] = (chain, k)
                    chains.variants[reference.family] = found
                    changed = True
                elif all(index.plain is not None for index in theirs.indices):
                    chains.initial.setdefault(chain, {})[k] = _initial(reference, theirs, first, last)
                    changed = True


def _initial(reference: Reference, theirs: Reference, first: Family, last: Family) -> _Initial:
    own: dict[int, Axis | None] = {}
    for d, index in enumerate(theirs.indices):
        axis = index.plain
        position = last.axes.index(axis) if axis in last.axes else None
        own[d] = first.axes[position] if position is not None and position < len(first.axes) else None
    mine = [index.plain for index in reference.indices if index.plain is not None]
    others = [index.plain for index in theirs.indices if index.plain is not None]
    bound: dict[Axis | None, Axis | None] = dict(zip(others, mine, strict=True)) if len(mine) == len(others) else {}
    return _Initial(reference, own, bound)


def _find_first_members(chains: _Chains, values: Sequence[Family]) -> None:
    """A first member that nothing reads the chain's way may lack terms of the next one."""
    for number, members in chains.members.items():
        start = min(members)
        for family in values:
            if family in chains.place or family.level >= members[start].level:
                continue
            if any(family is each.reference.family for own in chains.initial.values() for each in own.values()):
                continue
            found = _variant(chains, family, number, must_lack=True)
            if found is not None and any(r is not None and r.family in chains.place for _, r, _ in found):
                members[start - 1] = family
                chains.place[family] = (number, start - 1)
                chains.variants[family] = found
                break


def _variant(chains: _Chains, family: Family, number: int, *, must_lack: bool = False) -> list[_Pairing] | None:
    """Return how a first member corresponds to the others, None if it is no variant of them."""
    like = chains.last(number)
    if family.shape != like.shape or (family.mask is None) != (like.mask is None):
        return None
    own, others = chains.skeletons[family].parts, chains.skeletons[like].parts
    is_sum = isinstance(like.term, Sum)
    if (
        not own
        or len(own) > len(others)
        or (len(own) != len(others) and not is_sum)
        or (must_lack and len(own) == len(others))
    ):
        return None
    left = list(own)
    paired: dict[int, tuple[Any, list[Reference]]] = {}
    for is_exact in (True, False):
        for j, (key, _) in enumerate(others):
            if j in paired:
                continue
            match = next((p for p in left if (p[0] == key if is_exact else loosened(p[0]) == loosened(key))), None)
            if match is not None:
                paired[j] = (match[0], aligned(match[0], match[1], key))
                left.remove(match)
    out: list[_Pairing] = []
    rules = iter(chains.rules[number])
    for j, (_, slots) in enumerate(others):
        mine = [next(rules) for _ in slots]
        if j not in paired:
            if not is_sum:
                return None
            out.extend((rule, None, slot) for rule, slot in zip(mine, slots, strict=True))
            continue
        if len(paired[j][1]) != len(slots):
            return None
        for rule, reference, slot in zip(mine, paired[j][1], slots, strict=True):
            if isinstance(rule, _Same) and reference.family is not rule.family:
                return None
            out.append((rule, reference, slot))
    return None if left else out


# --- times -------------------------------------------------------------------------------------------


class _Times:
    """The time of each chain's members: those that read each other share a clock.

    Attributes:
        offset: What is added to the number of a chain's member to get its time.
        live: The chains that are long enough.
        clock: For each chain the least of those that it shares a clock with.
    """

    def __init__(self, chains: _Chains, least: int) -> None:
        self.chains = chains
        self.offset: dict[int, int] = {}
        self.clock: dict[int, int] = {}
        for number in list(chains.members):
            if number not in self.offset and chains.members[number]:
                self._set(self._component(number))
        live = [number for number in chains.members if number in self.offset]
        for number in live:
            self.clock[number] = min(self._component(number))
        longest: dict[int, int] = {}
        for number in live:
            clock = self.clock[number]
            longest[clock] = max(longest.get(clock, 0), len(chains.members[number]))
        self.live = [n for n in live if longest[self.clock[n]] >= least and len(chains.members[n]) >= least - 1]
        self.live = [n for n in self.live if chains.last(n).mask is None]

    def _component(self, number: int) -> list[int]:
        seen, todo = [number], [number]
        while todo:
            one = todo.pop()
            near = [n for n, _ in self.chains.links(one)]
            near += [n for n in self.chains.members if any(m == one for m, _ in self.chains.links(n))]
            for other in near:
                if other not in seen:
                    seen.append(other)
                    todo.append(other)
        return seen

    def _set(self, component: list[int]) -> None:
        chains = self.chains
        for align in (max, min):
            offset = {n: -align(chains.members[n]) for n in component if chains.members.get(n)}
            if len(offset) == len(component) and all(
                lag + offset[m] - offset[n] <= 0 for n in component for m, lag in chains.links(n)
            ):
                break
        else:
            for n in component:
                for family in chains.members.get(n, {}).values():
                    chains.place.pop(family, None)
                chains.members[n] = {}
            return
        steps = [k + offset[n] for n in component for k in (*chains.members[n], *chains.initial.get(n, {}))]
        for n in component:
            self.offset[n] = offset[n] - min(steps)


# --- the new families --------------------------------------------------------------------------------


class _Merge:
    """Puts chains into one family each."""

    def __init__(self, families: Sequence[Family], roots: Sequence[Term], chains: _Chains, times: _Times) -> None:
        self.families, self.roots, self.chains, self.times = families, roots, chains, times
        self.new: dict[int, Family] = {}
        self.when: dict[Family, tuple[int, int]] = {}
        self.start: dict[int, int] = {}
        self.absorbed: list[Family] = []
        self._make()
        self._count()

    def result(self) -> tuple[list[Family], list[Term]]:
        """Return the families and the roots."""
        pieces = [piece for number in self.times.live for piece in self._define(number)]
        for number, moment, body in pieces:
            family = self.new[number]
            time = family.axes[0]
            k = moment - self.start[number]
            first = multiply(condition(at(time), "=", fixed(k)), self._renamed(body, number, moment))
            rest = multiply(condition(fixed(k + 1), "≤", at(time)), family.body)
            family.term = add(first, rest)
        for number in self.times.live:
            for moment, family in self.new[number].steps.items():
                if family in self.absorbed:
                    self.when[family] = (number, moment)
        kept = [family for family in self.families if family not in self.when]
        for family in kept:
            if family.kind == "value":
                family.term = collected(self._renamed(family.body))
        for family in self.new.values():
            family.term = self._renamed(family.body)
        roots = [collected(self._renamed(root)) for root in self.roots]
        return self._used(kept, roots), roots

    def _used(self, kept: list[Family], roots: Sequence[Term]) -> list[Family]:
        used: set[Family] = set()
        todo = [r.family for root in roots for r in references(root)]
        while todo:
            family = todo.pop()
            if family not in used:
                used.add(family)
                if family.term is not None:
                    todo.extend(r.family for r in references(family.term))
        kept = [family for family in kept if family.kind != "value" or family in used]
        merged = sorted((family for family in self.new.values() if family in used), key=lambda family: family.level)
        position = next(
            (
                k
                for k, family in enumerate(kept)
                if family.kind == "value" and any(r.family in merged for r in references(family.body))
            ),
            len(kept),
        )
        kept[position:position] = merged
        return kept

    def _make(self) -> None:
        chains, times = self.chains, self.times
        begin: dict[int, int] = {}
        for n in times.live:
            clock = times.clock[n]
            begin[clock] = min(begin.get(clock, 10**9), min(chains.members[n]) + times.offset[n])
        for n in times.live:
            last = chains.last(n)
            moments = [k + times.offset[n] for k in (*chains.members[n], *chains.initial.get(n, {}))]
            start = begin[times.clock[n]]
            # a value that the first steps do not need, a gate of what is 0, is computed like all others
            if n not in chains.initial and min(moments) > start and self._reaches(n, max(moments), start):
                moments.append(start)
            self.start[n] = min(moments)
            family = Family("", "value", [Axis(max(moments) - min(moments) + 1, "t"), *(a.like() for a in last.axes)])
            family.level, family.operation, family.label, family.time = last.level, last.operation, last.label, 0
            family.members = last.members
            family.steps = {k + times.offset[n]: each for k, each in chains.members[n].items()}
            self.new[n] = family
            self.when.update({each: (n, k + times.offset[n]) for k, each in chains.members[n].items()})

    def _reaches(self, number: int, now: int, start: int) -> bool:
        """Whether the inputs and parameters that a member reads exist at an earlier step."""
        skeleton = self.chains.skeletons[self.chains.last(number)]
        for reference, rule in zip(skeleton.slots, self.chains.rules[number], strict=True):
            if isinstance(rule, _Same) and reference.family.kind != "value":
                for index, shift, axis in zip(reference.indices, rule.shift, reference.family.axes, strict=True):
                    if index.table is None and not 0 <= index.const + shift * (start - now) < axis.size:
                        return False
        return True

    def _count(self) -> None:
        """Call steps by the numbers of the members of inputs, or of the arrays, that they read."""
        votes: dict[int, dict[int, list[int]]] = {}
        for n in self.times.live:
            last = self.chains.last(n)
            now = self.when[last][1]
            for reference, rule in zip(self.chains.skeletons[last].slots, self.chains.rules[n], strict=True):
                if isinstance(rule, _Same):
                    for d, (index, shift) in enumerate(zip(reference.indices, rule.shift, strict=True)):
                        if shift == 1 and index.table is None:
                            label = index.const + reference.family.dimension_first(d) - now
                            votes.setdefault(self.times.clock[n], {}).setdefault(label, []).append(n)
        for n in self.times.live:
            own = votes.get(self.times.clock[n])
            if own:
                base = max(own, key=lambda label: (len(own[label]), -abs(label)))
            else:
                same = [m for m in self.times.live if self.times.clock[m] == self.times.clock[n]]
                base = 1 - min(k + self.times.offset[m] for m in same for k in self.chains.members[m])
            self.new[n].first = self.start[n] + base

    def _renamed(self, term: Term, chain: int | None = None, now: int = 0) -> Term:
        """Return a term that reads steps; those of the clock of `chain`, at step `now`, relative to its time axis."""

        def by(each: Term) -> Term | None:
            if not isinstance(each, Reference) or each.family not in self.when:
                return None
            other, k = self.when[each.family]
            if chain is not None and self.times.clock[other] == self.times.clock[chain]:
                step = at(self.new[chain].axes[0], k - now + self.start[chain] - self.start[other])
            else:
                step = fixed(k - self.start[other])
            return Reference(self.new[other], [step, *each.indices])

        return replaced(term, by)

    def _define(self, number: int) -> list[tuple[int, int, Term]]:
        """Define a chain's family by its last member; return what the first steps are instead."""
        family, last = self.new[number], self.chains.last(number)
        time, *rest = family.axes
        now = self.when[last][1]
        slots = self.chains.skeletons[last].slots
        rules = {id(slot): rule for slot, rule in zip(slots, self.chains.rules[number], strict=True)}

        def made(each: Term) -> Term | None:
            rule = rules.get(id(each))
            if rule is None or not isinstance(each, Reference):
                return None
            if isinstance(rule, _Same):
                moved = [
                    index if not d else Index(index.const + d * (self.start[number] - now), [*index.parts, (time, d)])
                    for index, d in zip(each.indices, rule.shift, strict=True)
                ]
                return Reference(each.family, moved)
            if rule.chain not in self.new:
                return None
            other, k = self.when[each.family]
            step = at(time, k - now + self.start[number] - self.start[other])
            return Reference(self.new[other], [step, *each.indices])

        own = {a: at(b) for a, b in zip(last.axes, rest, strict=True)}
        family.term = substituted(replaced(last.body, made), own)
        return [
            (number, k + self.times.offset[number], self._initial_term(family, each, k + self.times.offset[number]))
            for k, each in self.chains.initial.get(number, {}).items()
        ]

    def _initial_term(self, family: Family, initial: _Initial, moment: int) -> Term:
        rest = family.axes[1:]
        reference, other = initial.reference, initial.reference.family
        is_whole = (
            other.kind == "value"
            and other.shape == family.shape[1:]
            and all(index.plain is not None for index in reference.indices)
            and all(g in self.when for g in self.families if g.kind == "value" and _reads(g, other))
        )
        if is_whole:
            self.absorbed.append(other)
            family.steps[moment] = other
            return substituted(other.body, {a: at(b) for a, b in zip(other.axes, rest, strict=True)})
        by: dict[Axis, Index] = {}
        for d, axis in enumerate(rest):
            own = initial.own.get(d)
            if own is not None:
                by[own] = at(axis)
        for mine, axis in zip(initial.bound.values(), rest, strict=False):
            if mine is not None:
                by.setdefault(mine, at(axis))
        return substituted(reference, by)


def _reads(family: Family, other: Family) -> bool:
    return any(reference.family is other for reference in references(family.body))
