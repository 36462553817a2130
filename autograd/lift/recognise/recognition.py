"""All passes from a recording to families with one term each."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...value import Value
from ..language.build import replaced
from ..language.recurrences import components
from ..language.term import Family, Reference, Term, references
from ..record.tape import Guard
from .canonical_sums import canonical_sums
from .families import Families
from .leaves import Leaves, families_of_leaves
from .names import give_names, input_shapes
from .parts import with_parts
from .sequences import with_recurrences
from .shift import operands_with, stand_ins
from .watch import Variable, Watch

__all__ = ["Recognition", "recognition"]

Array = np.ndarray[Any, Any]


@dataclass
class Recognition:
    """What was recognised in a graph.

    Attributes:
        families: All families, what others need first.
        root: The loss.
        leaves: The families of inputs and parameters.
        called: The names under which the code arranges inputs in rows, by input.
        taken: The names of local variables, which are no good as names of indices.
        counters: The last values of loop counters.
        hidden: Stand-ins for the largest of values, which nothing may read in the end.
        wanted: The inputs by which the loss is derived, as by the parameters.
    """

    families: list[Family]
    root: Term
    leaves: Leaves
    called: dict[str, str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    counters: dict[str, int] = field(default_factory=dict)
    hidden: set[Family] = field(default_factory=set)
    wanted: set[Family] = field(default_factory=set)

    @property
    def reads_hidden(self) -> bool:
        """Whether something reads a stand-in."""
        return any(
            reference.family in self.hidden
            for family in self.families
            if family.term is not None
            for reference in references(family.term)
        )

    def sort(self) -> None:
        """Put families that others need before them; drop values that nothing needs."""
        used: set[Family] = set()
        todo = [each.family for each in references(self.root)]
        while todo:
            family = todo.pop()
            if family not in used:
                used.add(family)
                if family.term is not None:
                    todo.extend(each.family for each in references(family.term))
        leaves = [family for family in self.families if family.term is None]
        terms = {family: family.body for family in self.families if family.term is not None and family in used}
        self.families = [*leaves, *_needed_first(terms)]


def _needed_first(terms: Mapping[Family, Term]) -> list[Family]:
    """Return families with those that others need first, and otherwise in the order in which they are."""
    groups = components(terms)
    group_of = {family: k for k, group in enumerate(groups) for family in group}
    place = {family: k for k, family in enumerate(terms)}
    waiting: list[set[int]] = []
    users: dict[int, list[int]] = {}
    for k, group in enumerate(groups):
        below = {group_of[r.family] for family in group for r in references(terms[family]) if r.family in group_of}
        waiting.append(below - {k})
        for other in waiting[k]:
            users.setdefault(other, []).append(k)
    ready = [(min(place[family] for family in group), k) for k, group in enumerate(groups) if not waiting[k]]
    heapq.heapify(ready)
    out: list[Family] = []
    while ready:
        _, k = heapq.heappop(ready)
        out += sorted(groups[k], key=lambda family: place[family])
        for user in users.get(k, ()):
            waiting[user].discard(k)
            if not waiting[user]:
                heapq.heappush(ready, (min(place[family] for family in groups[user]), user))
    return out


def recognition(
    nodes: Sequence[Value],
    loss: Value,
    inputs: Mapping[str, Sequence[Value]],
    leaves: Sequence[Value],
    arrays: Mapping[str, Array],
    watch: Watch | None = None,
    compared: Sequence[Guard] = (),
    *,
    is_plain: bool = False,
) -> Recognition:
    """Return what is recognised in a recorded graph.

    Args:
        nodes: Its interior nodes, operands first.
        loss: The output.
        inputs: The leaves of each input.
        leaves: The parameters.
        arrays: The numbers of the parameters' leaves in the shape of each named array.
        watch: The local variables, if the function was recorded with their names.
        compared: The comparisons that were made, if the largest of values may be hidden behind a stand-in.
        is_plain: Leave out steps and parts, and so what could be recognised wrongly in them.
    """
    variables: Sequence[Variable] = watch.found if watch is not None else ()
    shapes, called = input_shapes(variables, inputs)
    hidden = stand_ins(nodes, compared)
    largest = {leaf: (f"largest {k}", 0) for k, leaf in enumerate({leaf for _, leaf in hidden.values()})}
    lengths = {name: len(values) for name, values in inputs.items()} | {name: 1 for name, _ in largest.values()}
    own = families_of_leaves(lengths, arrays, shapes, are_stacked=not is_plain)
    atoms = canonical_sums(
        nodes,
        [loss],
        {leaf: (name, k) for name, values in inputs.items() for k, leaf in enumerate(values)} | largest,
        {leaf: k for k, leaf in enumerate(leaves)},
        operands_with(hidden),
    )
    families = Families(atoms, own)
    levels = give_names(variables, families)
    found = Recognition(families.all[1:], families.roots[0], own, called)
    found.hidden = {own.inputs.pop(name) for name, _ in largest.values()}
    _make_root_a_family(found)
    found.taken = {variable.name for variable in variables}
    found.counters = dict(watch.counters) if watch is not None else {}
    _reorder(found, levels)
    found.sort()
    if not is_plain:
        found.families, (found.root,) = with_recurrences(found.families, [found.root])
        _name_steps(found.families)
        found.sort()
        (found.root,) = with_parts(found.families, [found.root])
        _make_root_a_family(found)
    return found


def _make_root_a_family(found: Recognition) -> None:
    """Make the loss a family of its own, if it is a member of one or no value."""
    root = found.root
    if not isinstance(root, Reference) or root.family.axes or root.family.kind != "value":
        whole = Family("", "value", (), root)
        found.families.append(whole)
        found.root = whole.whole()


def _reorder(found: Recognition, levels: Mapping[Family, tuple[int, ...]]) -> None:
    """Give families the axes of the nested lists that hold them, in their order."""
    moved = {family: order for family, order in levels.items() if order != tuple(range(len(order)))}
    if not moved:
        return

    def by(term: Term) -> Term | None:
        if isinstance(term, Reference) and term.family in moved:
            return Reference(term.family, [term.indices[d] for d in moved[term.family]])
        return None

    for family in found.families:
        if family.term is not None:
            family.term = replaced(family.term, by)
    found.root = replaced(found.root, by)
    for family, order in moved.items():
        family.axes = tuple(family.axes[d] for d in order)
        if family.mask is not None:
            family.mask = np.ascontiguousarray(family.mask.transpose(order))


def _name_steps(families: Sequence[Family]) -> None:
    """A recurrence has the name of its last step that has one."""
    for family in families:
        named = [family.steps[k] for k in sorted(family.steps) if family.steps[k].named]
        if named and not family.named:
            family.name, family.named = named[-1].name, True
