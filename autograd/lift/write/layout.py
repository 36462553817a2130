"""The lines of a page: equations in order, loops over the steps of recurrences, and cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..language.build import ONE, ZERO, replaced, substituted
from ..language.index import Axis, fixed
from ..language.recurrences import components, is_recurrent
from ..language.term import Condition, Family, Reference, Term, lag, references, walk
from .first_values import with_first_values, with_start_before, without_first
from .indexing import Indexing
from .lines import Line, Loop, Section
from .ranges import Spans, range_text, unsaid_ends
from .typeset import Typesetter

__all__ = ["general_lines", "sections"]


def sections(indexing: Indexing, typesetter: Typesetter) -> list[Section]:
    """Return the forward pass, the backward pass and the gradients."""
    lines = _Lines(indexing, typesetter)
    found = indexing.found
    forward, aliases = with_first_values(lines.section(found.forward))
    gradients = [line for adjoint in reversed(found.gradients) for line in lines.gradient(adjoint)]
    return [
        Section("Forward", forward),
        Section("Backward", with_start_before(lines.section(found.backward))),
        Section("Gradients", without_first(gradients, aliases)),
    ]


def general_lines(indexing: Indexing, typesetter: Typesetter) -> list[Line]:
    """Return the adjoints as they are without what is assumed of the inputs, where that matters."""
    found = indexing.found
    lines = _Lines(indexing, typesetter)
    lines.terms = found.general
    backward = [line for adjoint in found.backward if adjoint in found.general for line in lines.equation(adjoint)]
    gradients = [adjoint for adjoint in found.gradients if adjoint in found.general]
    return [*backward, *(line for adjoint in gradients for line in lines.gradient(adjoint))]


class _Lines:
    def __init__(self, indexing: Indexing, typesetter: Typesetter) -> None:
        self.indexing, self.typesetter = indexing, typesetter
        self.terms = indexing.found.terms
        self.loop: tuple[int, int] | None = None  # the first and the last step of the loop that is written

    # --- sections --------------------------------------------------------------------------------

    def section(self, families: Sequence[Family]) -> list[Line | Loop]:
        """Return the lines of families, those of a recurrence in a loop."""
        own = {family: self.terms[family] for family in families}
        out: list[Line | Loop] = []
        for component in components(own):
            if is_recurrent(component, own):
                out.extend(self._loop(self._in_order([each for each in families if each in component])))
            else:
                out.extend(self.equation(component[0]))
        return out

    def _loop(self, own: Sequence[Family]) -> list[Line | Loop]:
        """Return the lines of a recurrence: what comes before the loop, its head, and one step."""
        time = own[0].axes[own[0].time or 0]
        letter = self.indexing.letter(time)
        first = {family: family.dimension_first(family.time or 0) for family in own}
        last = {family: first[family] + family.axes[family.time or 0].size - 1 for family in own}
        is_backward = own[0].kind == "adjoint"
        low, high = max(first.values()), max(last.values())
        if not is_backward:
            low = min(low, *(first[family] + self._has_start(family) for family in own))
        if is_backward and self._is_read_before(own, first, low):
            low = min(first.values())
        before: list[Line | Loop] = []
        body: list[Line | Loop] = []
        for family in own:
            self.loop = low, high
            lines = self.equation(family)
            self.loop = None
            before += [line for line in lines if line.is_before]
            body += [replace(line, depth=1) for line in lines if not line.is_before]
        head = Loop(letter, high, low) if is_backward else Loop(letter, low, high)
        return [*before, head, *body]

    def _is_read_before(self, own: Sequence[Family], first: dict[Family, int], low: int) -> bool:
        """Whether something outside of a recurrence reads what comes before its loop."""
        for family, reference in self.indexing.references():
            if family not in own and reference.family in own:
                index = reference.indices[reference.family.time or 0]
                if index.table is None and first[reference.family] + index.const < low:
                    return True
        return False

    def _in_order(self, own: Sequence[Family]) -> list[Family]:
        """Return families of a recurrence in the order of one step."""
        out: list[Family] = []
        left = list(own)
        while left:
            ready = next((family for family in left if not self._needs_now(family, left)), left[0])
            out.append(ready)
            left.remove(ready)
        return out

    def _needs_now(self, family: Family, left: Sequence[Family]) -> bool:
        for reference in references(self.terms[family]):
            other = reference.family
            if other in left and other is not family and lag(family, reference) == 0:
                return True
        return False

    # --- equations -------------------------------------------------------------------------------

    def gradient(self, adjoint: Family) -> list[Line]:
        """Return the lines of the derivative by a parameter; one for each array where arrays of a list differ."""
        lines: list[Line] = []
        term = self.terms[adjoint]
        if adjoint.stacked and any(isinstance(t, Condition) and adjoint.axes[0] in t.free for t in walk(term)):
            axis = adjoint.axes[0]
            for n in range(axis.size):
                lines += self._one(adjoint, substituted(term, {axis: fixed(n)}), {axis: n})
        else:
            lines = self.equation(adjoint)
        notation = self.typesetter.naming.notation
        is_differential = notation is not None and notation.differential
        delta = notation.adjoint if notation is not None and is_differential else ""
        return [
            replace(
                line,
                left=replace(
                    line.left,
                    delta=delta,
                    stem=self._stem(adjoint),
                    is_rate=line.left.is_rate and is_differential,
                ),
                is_gradient=not is_differential,
            )
            for line in lines
        ]

    def _stem(self, adjoint: Family) -> str:
        naming = self.typesetter.naming
        return naming.symbol(adjoint.source, "", ()).stem

    def equation(self, family: Family) -> list[Line]:
        """Return the lines of a family: one, or one for each case of an axis that conditions are on."""
        term, axis = self.terms[family], self._case_axis(family)
        if axis is not None:
            return self._cases(family, term, axis)
        if self.loop and family.time is not None:
            axis = family.axes[family.time]
            return self._one(family, term, {}, self._where(axis, 0, axis.size - 1, is_backward=False))
        return self._one(family, term, {})

    def _case_axis(self, family: Family) -> Axis | None:
        """Return the axis that a family has cases of, if it has."""
        conditions = [each for each in walk(self.terms[family]) if isinstance(each, Condition)]
        axes = [axis for axis in family.axes if any(each.free == {axis} and _is_affine(each) for each in conditions)]
        has_cases = len(axes) == 1 and (family.time is not None or self.indexing.find(axes[0]) in self.indexing.chosen)
        return axes[0] if has_cases else None

    def _has_start(self, family: Family) -> bool:
        """Whether the first step of a family is a case of its own."""
        axis = self._case_axis(family)
        return axis is not None and _parts(self.terms[family], axis)[0][1] == 0

    def _one(
        self,
        family: Family,
        term: Term,
        numbers: dict[Axis, int],
        where: str = "",
        *,
        is_before: bool = False,
        within: tuple[Axis, int, int] | None = None,
    ) -> list[Line]:
        left, right = self.typesetter.equation(family, term, numbers, within)
        left_over = [axis for axis in family.axes if axis not in numbers and not (within and within[0] is axis)]
        open_ = [a for a in left_over if family.kind == "value" and self._is_open(a, family, term)]
        indices = [axis for axis in open_ if axis in self.typesetter.index_axes]
        if any(axis not in term.free and axis not in indices for axis in open_):
            self.typesetter.unsized.append(family)
        ranges = [self._range(axis, 0, axis.size - 1) for axis in indices]
        return [
            Line(family, left, right, ", ".join([where] * bool(where) + ranges), is_before=is_before, within=within)
        ]

    def _is_open(self, axis: Axis, family: Family, term: Term) -> bool:
        """Whether an equation leaves open what an axis of its left side runs over."""
        is_step = self.loop is not None and family.time is not None and family.axes[family.time] is axis
        return axis.size > 1 and not is_step and any(unsaid_ends(axis, term, self.indexing))

    def _range(self, axis: Axis, low: int, high: int) -> str:
        first = self.indexing.first(axis)
        letter = self.typesetter.letters.get(axis) or self.indexing.letter(axis)
        return range_text(letter, first + low, first + high)

    def _where(self, axis: Axis, low: int, high: int, *, is_backward: bool) -> str:
        """Return for which numbers of an axis a line holds, empty if for all of its loop."""
        if self.loop is None:
            return self._range(axis, *((high, low) if is_backward else (low, high)))
        first, letter = self.indexing.first(axis), self.indexing.letter(axis)
        from_first, to_last = low + first <= self.loop[0], high + first >= self.loop[1]
        if not (from_first or to_last):
            return self._range(axis, *((high, low) if is_backward else (low, high)))
        return (
            ""
            if from_first and to_last
            else f"{letter} < {high + first + 1}"
            if from_first
            else f"{letter} > {low + first - 1}"
        )

    def _cases(self, family: Family, term: Term, axis: Axis) -> list[Line]:
        """Return a line for each part of an axis on which the same conditions hold, unless all is 0 there."""
        all_parts = _parts(term, axis)
        is_counted = family.kind == "value" and family.time is None  # a logsumexp has it as a member
        parts = [part for part in all_parts if is_counted or part[2] != ZERO] or all_parts
        self.typesetter.dropped[family] = (
            family.axes.index(axis),
            {k for low, high, _ in all_parts if low not in {part[0] for part in parts} for k in range(low, high + 1)},
        )
        is_backward = any(
            index.parts and index.const > 0 and reference.family.kind == "adjoint"
            for reference in references(term)
            for index in reference.indices
            if axis in index.free
        )
        first, start = self.indexing.first(axis), self.loop[0] if self.loop else None
        lines: list[Line] = []
        for low, high, body in reversed(parts) if is_backward else parts:
            if start is not None and high + first < start and family.kind == "adjoint":
                continue
            if low == high:
                is_before = start is not None and low + first < start
                lines += self._one(family, body, {axis: low}, is_before=is_before)
                continue
            where = self._where(axis, low, high, is_backward=is_backward)
            lines += self._one(family, body, {}, where, within=(axis, low, high))
        return lines


def _is_affine(condition: Condition) -> bool:
    return condition.left.table is None and condition.right.table is None


def _holds_at(term: Term, axis: Axis, k: int) -> bool | None:
    """Return whether a condition on an axis holds at a number; None if the term is no condition on it alone."""
    if not isinstance(term, Condition) or term.free != {axis} or not _is_affine(term):
        return None
    return bool(term.holds({axis: np.asarray(k)}))


def _parts(term: Term, axis: Axis) -> list[tuple[int, int, Term]]:
    """Return the runs of an axis on which the same conditions hold, and the term on each."""
    truth = [tuple(_holds_at(each, axis, k) for each in walk(term)) for k in range(axis.size)]
    out: list[tuple[int, int, Term]] = []
    low = 0
    while low < axis.size:
        high = low
        while high + 1 < axis.size and truth[high + 1] == truth[low]:
            high += 1

        def by(each: Term, k: int = low) -> Term | None:
            holds = _holds_at(each, axis, k)
            return None if holds is None else ONE if holds else ZERO

        body = replaced(term, by)
        body = substituted(body, {axis: fixed(low)}) if low == high else body
        out.append((low, high, _without_outside(body, {axis: (low, high)})))
        low = high + 1
    return out


def _without_outside(term: Term, spans: Spans) -> Term:
    """Return a term without what is read outside of its range only, where some axes run over a part."""

    def by(each: Term) -> Term | None:
        if isinstance(each, Reference):
            for index, axis in zip(each.indices, each.family.axes, strict=True):
                low, high = index.extent(spans)
                if high < 0 or low >= axis.size:
                    return ZERO
        return None

    return replaced(term, by)
