"""From atoms to families: values that are computed alike, the axes that number them, one term that defines them all.

Level by level, atoms of one signature, that is one operation on operands of the same families, become one family. Each
labelled parameter array and each input is a family to begin with; that keeps queries, keys and values apart, and the
gates of an LSTM. Members get their coordinates from those of what they read (see `patterns`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from ... import ops
from ...op import Op
from ..language.build import ONE, add, call, condition, fraction_of, multiply, reduce
from ..language.index import Axis, Index, at, fixed
from ..language.term import Family, Number, Reference, Term
from ..matrices.atoms import Atoms
from ..matrices.monomials import kinds
from .leaves import Leaves
from .patterns import Bound, codes, dense, joint_codes, pattern

__all__ = ["Families"]

Array = np.ndarray[Any, Any]
_DIMENSIONS = 8
_NUMBERS = 0  # the number of the family of constants
_SPARSEST = 0.3  # the share of a box that members must fill to be numbered by it


@dataclass
class _Values:
    """An operand that is a number for each member."""

    values: Array

    def columns(self) -> list[Array]:
        return []

    @property
    def residual(self) -> Array | None:
        return None if (self.values == self.values[0]).all() else codes(self.values.tolist())


@dataclass
class _Member:
    """An operand that is one member of a family for each member."""

    family: int
    places: Array
    residual: Array | None = None

    def columns(self) -> list[Array]:
        return list(self.places.T)


@dataclass
class _Monomials:
    """Operands that are products of members of two families, the first of which may be missing, put together."""

    families: tuple[int, ...]
    widths: tuple[int, ...]
    bound: Bound
    reduction: Op | None = None

    def columns(self) -> list[Array]:
        return self.bound.columns()

    @property
    def residual(self) -> Array | None:
        return self.bound.residual


@dataclass
class _Stack:
    """Operands of a reduction that are members of several families, or repeated: (members, operands)."""

    atoms: Array
    reduction: Op

    def columns(self) -> list[Array]:
        return []

    @property
    def residual(self) -> Array | None:
        return np.arange(len(self.atoms))


_Slot = _Values | _Member | _Monomials | _Stack


class Families:
    """The families of a graph.

    Attributes:
        atoms: The canonical sums.
        all: The families by number; 0 stands for the constants.
        family: For each atom the number of its family.
        place: For each atom its coordinates there.
        roots: The roots as terms.
    """

    def __init__(self, atoms: Atoms, leaves: Leaves) -> None:
        self.atoms = atoms
        count = len(atoms.level)
        self.family = np.zeros(count, dtype=np.intp)
        self.place = np.zeros((count, _DIMENSIONS), dtype=np.intp)
        self.number = np.zeros(count)
        for atom, value in atoms.constants.items():
            self.number[atom] = value
        self.all = [Family("", "numbers", ())]
        self._enter_leaves(leaves)
        self._copies: dict[int, int] = {}
        self._enter_values()
        self.roots = [self.reference(atom) for atom in atoms.roots]

    def _new(self, family: Family) -> int:
        self.all.append(family)
        return len(self.all) - 1

    def _enter_leaves(self, leaves: Leaves) -> None:
        number = {family: self._new(family) for family in leaves.families}
        atoms = self.atoms
        of_leaf = np.zeros(len(atoms.parameters), dtype=np.intp)
        of_leaf[list(atoms.parameters.values())] = list(atoms.parameters)
        for name, (family, before) in leaves.arrays.items():
            own = of_leaf[leaves.numbers[name]]
            self.family[own] = number[family]
            for d, k in enumerate((*before, *np.indices(own.shape))):
                self.place[own, d] = k
        for atom, (name, k) in atoms.inputs.items():
            family = leaves.inputs[name]
            self.family[atom] = number[family]
            self.place[atom, : len(family.axes)] = np.unravel_index(k, family.shape)

    def reference(self, atom: int) -> Term:
        """Return the term that an atom is."""
        atom = self.real(atom)
        number = int(self.family[atom])
        if number == _NUMBERS:
            return Number(fraction_of(self.number[atom]))
        family = self.all[number]
        return Reference(family, [fixed(int(k)) for k in self.place[atom, : len(family.axes)]])

    def real(self, atom: int) -> int:
        """Return the atom that a trivial sum is a copy of, or the atom itself."""
        while atom in self._copies:
            atom = self._copies[atom]
        return atom

    # --- levels ----------------------------------------------------------------------------------

    def _enter_values(self) -> None:
        atoms = self.atoms
        needed = atoms.under_roots()
        self._find_copies(needed)
        self._flatten([atom for atom in needed if atom in atoms.sums])
        levels: dict[int, list[int]] = {}
        for atom in needed:
            if atom not in self._copies:
                levels.setdefault(atoms.level[atom], []).append(atom)
        for level in sorted(levels):
            groups: dict[Any, list[int]] = {}
            for atom, signature in self._signatures(levels[level]):
                groups.setdefault(signature, []).append(atom)
            for members in groups.values():
                self._add(np.array(sorted(members, key=lambda atom: atoms.node[atom].serial)), level)  # type: ignore[union-attr]  # of a computed one

    def _find_copies(self, needed: Iterable[int]) -> None:
        """A sum of one term is an atom of its own only beside sums of several terms that are like it."""
        atoms = self.atoms
        several = set()
        trivial = []

        def like(level: int, atom: int) -> Any:
            return level, atoms.operations[atom][0] if atom in atoms.operations else None

        for atom in needed:
            terms = atoms.sums.get(atom)
            if terms is None:
                continue
            if len(terms) == 1:
                (((u, v), c),) = terms.items()
                if u == 0 and c == 1.0:
                    trivial.append((atom, v))
            elif all(u == 0 and c == 1.0 for (u, _), c in terms.items()):
                several |= {like(atoms.level[atom], v) for _, v in terms}
        self._copies = {atom: v for atom, v in trivial if like(atoms.level[atom], v) not in several}

    def _flatten(self, sums: Sequence[int]) -> None:
        """Put the monomials of all sums into arrays."""
        lengths, pairs, self._coefficient = self.atoms.monomials(sums)
        ends = np.cumsum(lengths)
        spans = zip((ends - lengths).tolist(), ends.tolist(), strict=True)
        self._span = dict(zip(sums, spans, strict=True))
        if self._copies:
            image = np.arange(len(self.atoms.level))
            for atom in self._copies:
                image[atom] = self.real(atom)
            pairs = image[pairs]
        self._pair = np.sort(pairs, axis=1)

    def _monomials(self, members: Sequence[int] | Array) -> tuple[Array, Array, Array, Array]:
        """Return the member's number, u, v and the coefficient of all monomials of some sums, none of them 0."""
        spans = [self._span[int(atom)] for atom in members]
        index = np.concatenate([np.arange(start, end) for start, end in spans])
        member = np.repeat(np.arange(len(spans)), [end - start for start, end in spans])
        c = self._coefficient[index]
        some = c != 0.0
        pair = self._pair[index[some]]
        return member[some], pair[:, 0].copy(), pair[:, 1].copy(), c[some]

    def _signatures(self, members: Sequence[int]) -> Iterable[tuple[int, Any]]:
        atoms = self.atoms
        for atom in members:
            if atom in atoms.sums:
                continue
            op, args = atoms.operations[atom]
            args = tuple(self.real(arg) for arg in args)
            families = tuple(int(self.family[arg]) for arg in args)
            if op is ops.logsumexp:
                yield atom, (op, frozenset(families))
            elif op is ops.pow or op is ops.where:
                numbers = tuple(float(self.number[arg]) for arg in args if self.family[arg] == _NUMBERS)
                yield atom, (op, families, numbers)
            else:
                yield atom, (op, families)
        sums = [atom for atom in members if atom in atoms.sums]
        if not sums:
            return
        member, u, v, _ = self._monomials(sums)
        found: dict[int, list[tuple[int, int]]] = {}
        parts = kinds(member, self.family[u], self.family[v])[:3]
        for k, *pair in zip(*(part.tolist() for part in parts), strict=True):
            if pair != [_NUMBERS, _NUMBERS]:
                found.setdefault(k, []).append(tuple(pair))
        yield from ((atom, ("sum", frozenset(found.get(k, ())))) for k, atom in enumerate(sums))

    # --- one group -------------------------------------------------------------------------------

    def _add(self, members: Array, level: int, *, may_split: bool = True) -> None:
        """Make a family of members, or several if they are regular only in parts."""
        first = int(members[0])
        is_sum = first in self.atoms.sums
        op = None if is_sum else self.atoms.operations[first][0]
        if may_split:
            parts = self._parts(members, op)
            if parts is not None:
                for part in parts:
                    self._add(part, level, may_split=False)
                return
        slots = self._sum_slots(members) if op is None else self._operation_slots(op, members)
        axes, places, order = self._axes([c for s in slots for c in s.columns()], members, [s.residual for s in slots])
        members, places = members[order], places[order]
        node = self.atoms.node[first]
        family = Family("", "value", axes)
        family.level, family.members, family.operation = level, members, "sum" if op is None else op.name
        family.label = node.label if node is not None else ""
        if math.prod(family.shape) != len(members):
            family.mask = np.zeros(family.shape, dtype=bool)
            family.mask[tuple(places.T)] = True
        number = self._new(family)
        self.family[members] = number
        self.place[members, : len(axes)] = places
        made = _Terms(self, axes, places, order)
        terms = [made.term(slot) for slot in slots]
        if op is None:
            family.term = add(*terms)
        else:
            family.term = terms[0] if op is ops.logsumexp else call(op, *terms)

    def _parts(self, members: Array, op: Op | None) -> list[Array] | None:
        """Return members in groups that are regular by themselves, None if there is one group."""
        if op is None:
            parts = self._by_coefficients(members)
            if parts is not None:
                return parts
            if any(isinstance(s, _Monomials) and not s.bound.is_regular for s in self._sum_slots(members)):
                return _grouped(members, self._counts(members))
        elif op is ops.logsumexp:
            slots = self._operation_slots(op, members)
            if isinstance(slots[0], _Stack) or not slots[0].bound.is_regular:  # type: ignore[union-attr]  # one or the other
                return _grouped(members, [len(self.atoms.operations[int(atom)][1]) for atom in members])
        return None

    def _by_coefficients(self, members: Array) -> list[Array] | None:
        """Return members by their coefficients, if they are combinations of single terms with few different ones."""
        if len(members) < 2:
            return None
        sums = [self.atoms.sums[int(atom)] for atom in members]
        if len({len(terms) for terms in sums}) != 1 or len(sums[0]) < 2:
            return None
        keys = []
        for terms in sums:
            key = set()
            for (u, v), c in terms.items():
                pair = tuple(sorted((int(self.family[self.real(u)]), int(self.family[self.real(v)]))))
                if (pair, c) in key and pair != (_NUMBERS, _NUMBERS):
                    return None
                key.add((pair, c))
            keys.append(frozenset(key))
        distinct = set(keys)
        if len(distinct) == 1 or len(distinct) > max(2, len(members) // 2) or len(keys[0]) != len(sums[0]):
            return None
        parts = _grouped(members, keys) or []
        return parts if all(len(part) > 1 for part in parts) else None

    def _counts(self, members: Array) -> list[Any]:
        """Return for each member how many monomials it has of each pair of families."""
        member, u, v, _ = self._monomials(members)
        one, two = self.family[u], self.family[v]
        found: list[dict[tuple[int, int], int]] = [{} for _ in members]
        pairs = zip(member.tolist(), np.minimum(one, two).tolist(), np.maximum(one, two).tolist(), strict=True)
        for k, a, b in pairs:
            found[k][a, b] = found[k].get((a, b), 0) + 1
        return [tuple(sorted(each.items())) for each in found]

    def _operation_slots(self, op: Op, members: Array) -> list[_Slot]:
        lists = [[self.real(arg) for arg in self.atoms.operations[int(atom)][1]] for atom in members]
        if op is ops.logsumexp:
            return [self._reduction_slot(op, lists)]
        slots: list[_Slot] = []
        for column in np.array(lists, dtype=np.intp).reshape(len(lists), -1).T:
            number = int(self.family[column[0]])
            if number == _NUMBERS:
                slots.append(_Values(self.number[column]))
            else:
                slots.append(_Member(number, self.place[column, : len(self.all[number].axes)]))
        return slots

    def _reduction_slot(self, op: Op, lists: list[list[int]]) -> _Slot:
        member = np.repeat(np.arange(len(lists)), [len(each) for each in lists])
        flat = np.array([atom for each in lists for atom in each], dtype=np.intp)
        families = np.unique(self.family[flat])
        if len(families) == 1 and families[0] != _NUMBERS:
            slot = self._class(member, np.zeros_like(flat), flat, np.ones(len(flat)), len(lists), is_sum=False)
            slot.reduction = op
            if slot.bound.is_regular:
                return slot
        if len({len(each) for each in lists}) > 1:  # members of different lengths are taken apart first
            return _Stack(np.zeros((len(lists), 0), dtype=np.intp), op)
        return _Stack(np.array(lists, dtype=np.intp), op)

    def _sum_slots(self, members: Array) -> list[_Slot]:
        member, u, v, c = self._monomials(members)
        for side in (u, v):  # a constant factor belongs to the coefficient
            constant = (self.family[side] == _NUMBERS) & (side != 0)
            c = np.where(constant, c * self.number[side], c)
            side[constant] = 0
        one, two = self.family[u], self.family[v]
        swap = (one > two) | ((one == two) & (u > v))
        u, v = np.where(swap, v, u), np.where(swap, u, v)
        one, two = self.family[u], self.family[v]
        slots: list[_Slot] = []
        pure = two == _NUMBERS
        if pure.any():
            values = np.zeros(len(members))
            np.add.at(values, member[pure], c[pure])
            slots.append(_Values(values))
        count = len(self.all)
        for key in np.unique((one * count + two)[~pure]):
            here = (one * count + two == key) & ~pure
            slots.append(self._class(member[here], u[here], v[here], c[here], len(members), is_sum=True))
        return slots

    def _class(self, member: Array, u: Array, v: Array, c: Array, count: int, *, is_sum: bool) -> _Monomials:
        """Return the monomials of one pair of families."""
        numbers = [int(self.family[side[0]]) for side in (u, v) if self.family[side[0]] != _NUMBERS]
        sides = [side for side in (u, v) if self.family[side[0]] != _NUMBERS]
        widths = [len(self.all[number].axes) for number in numbers]
        columns = np.concatenate([self.place[s, :w] for s, w in zip(sides, widths, strict=True)], axis=1)
        bases = np.cumsum([0, *widths]).tolist()
        factors = [
            (base, self.all[number].shape, self.all[number].mask) for base, number in zip(bases, numbers, strict=False)
        ]
        found = pattern(member, columns, c, count, factors, is_sum=is_sum)
        return _Monomials(tuple(numbers), tuple(widths), found)

    # --- axes ------------------------------------------------------------------------------------

    def _axes(
        self, columns: list[Array], members: Array, residuals: list[Array | None]
    ) -> tuple[tuple[Axis, ...], Array, Array]:
        """Return the axes of a group, the members' places, and the order in which members lie row by row."""
        count = len(members)
        if count == 1:
            return (), np.zeros((1, 0), dtype=np.intp), np.array([0])
        chosen = _numbering(columns, residuals, count)
        sizes = [int(column.max()) + 1 for column in chosen]
        if math.prod(sizes) != count and len(chosen) > 1:
            absolute = {
                dense(c).tobytes(): c
                for c in columns
                if c.min() >= 0 and len(np.unique(c)) == int(c.max()) - int(c.min()) + 1
            }
            moved = [absolute.get(column.tobytes(), column) for column in chosen]
            if count >= _SPARSEST * math.prod(int(column.max()) + 1 for column in moved):
                chosen, sizes = moved, [int(column.max()) + 1 for column in moved]
        if count < _SPARSEST * math.prod(sizes) or len(sizes) > _DIMENSIONS:
            chosen, sizes = [np.arange(count)], [count]
        # the loop that was written outside comes first: members are in the order of their creation
        by = sorted(range(len(chosen)), key=lambda k: int((np.diff(chosen[k]) != 0).sum()))
        places = np.stack([chosen[k] for k in by], axis=1)
        order = np.lexsort(places.T[::-1])
        return tuple(Axis(sizes[k]) for k in by), places, order


def _grouped(members: Array, keys: Sequence[Any]) -> list[Array] | None:
    """Return members by keys, None if all have one."""
    found: dict[Any, list[int]] = {}
    for member, key in zip(members.tolist(), keys, strict=True):
        found.setdefault(key, []).append(member)
    return [np.array(own) for own in found.values()] if len(found) > 1 else None


def _numbering(columns: list[Array], residuals: list[Array | None], count: int) -> list[Array]:
    """Return columns that tell all members apart, as few and as small as possible."""
    candidates = {dense(c).tobytes(): dense(c) for c in columns if (c != c[0]).any()}
    ordered = sorted(candidates.values(), key=lambda column: int(column.max()))
    chosen: list[Array] = []
    known = 1
    for column in [*ordered, *(residual for residual in residuals if residual is not None)]:
        if known < count:
            told = int(joint_codes([*chosen, column]).max()) + 1
            if told > known:
                chosen, known = [*chosen, column], told
    for column in sorted(chosen, key=lambda column: int(column.max())):
        rest = [each for each in chosen if each is not column]
        if rest and int(joint_codes(rest).max()) + 1 == count:
            chosen = rest
    if known < count or not chosen:
        return [np.arange(count)]
    for column in ordered:  # an axis that another column is the quotient of has two parts
        for k, axis in enumerate(chosen):
            size, parts = int(axis.max()) + 1, int(column.max()) + 1
            if (
                column is not axis
                and 1 < parts < size
                and size % parts == 0
                and (column == axis // (size // parts)).all()
            ):
                chosen[k : k + 1] = [axis // (size // parts), axis % (size // parts)]
                break
    return chosen


class _Terms:
    """Makes terms of the operands of a family, in its axes."""

    def __init__(self, families: Families, axes: Sequence[Axis], places: Array, order: Array) -> None:
        self.families, self.axes, self.places, self.order = families, tuple(axes), places, order

    def term(self, slot: _Slot) -> Term:
        """Return the term of an operand."""
        match slot:
            case _Values():
                return self._numbers(slot.values[self.order])
            case _Member():
                indices = [self.index(column[self.order]) for column in slot.places.T]
                return Reference(self.families.all[slot.family], indices)
            case _Monomials():
                return self._monomials(slot)
            case _Stack():
                return self._stack(slot)
        raise TypeError(f"no operand: {slot!r}")

    def index(self, column: Array) -> Index:
        """Return a column, one number for each member, as an index in the axes."""
        if (column == column[0]).all():
            return fixed(int(column[0]))
        matrix = np.column_stack([np.ones(len(column)), self.places])
        solution = np.rint(np.linalg.lstsq(matrix, column.astype(float), rcond=None)[0]).astype(np.intp)
        if (solution[0] + self.places @ solution[1:] == column).all():
            return Index(int(solution[0]), zip(self.axes, solution[1:].tolist(), strict=True))
        table, axes = self._table(column, -1)
        return Index(table=table, axes=axes)

    def _table(self, rows: Array, nothing: float) -> tuple[Array, list[Axis]]:
        """Return rows, one for each member, as an array over the fewest axes that tell them."""
        for r in range(len(self.axes) + 1):
            for some in combinations(range(len(self.axes)), r):
                table = np.full((*(self.axes[k].size for k in some), *rows.shape[1:]), nothing, dtype=rows.dtype)
                place = tuple(self.places[:, k] for k in some)
                if some:
                    table[place] = rows
                    told = table[place]
                else:
                    table[...] = rows[0]
                    told = np.broadcast_to(table, rows.shape)
                if (told == rows).all():
                    return table, [self.axes[k] for k in some]
        raise ValueError("the members have no places of their own")

    def _numbers(self, rows: Array, bound: Sequence[Axis] = ()) -> Term:
        """Return numbers, one or a row for each member, as a term."""
        if rows.ndim == 1 and (rows == rows[0]).all():
            return Number(fraction_of(rows[0]))
        table, axes = self._table(rows, 0.0)
        return self._array(table, [*axes, *bound])

    def _array(self, numbers: Array, axes: Sequence[Axis]) -> Term:
        family = Family("", "numbers", [axis.like() for axis in axes])
        family.numbers = numbers
        self.families.all.append(family)
        return Reference(family, [at(axis) for axis in axes])

    def _monomials(self, slot: _Monomials) -> Term:
        bound = slot.bound
        indices = []
        for k in range(sum(slot.widths)):
            if k in bound.member_tables:
                table, axes = self._table(bound.member_tables[k][self.order], -1)
                indices.append(Index(table=table, axes=[*axes, *bound.axes]))
                continue
            start = self.index(bound.starts[self.order, k])
            if k in bound.tables:
                indices.append(Index(table=bound.tables[k] + start.const, axes=bound.axes))
            elif k in bound.steps:
                indices.append(self._stepped(start, bound.starts[self.order, k], bound.axes, bound.steps[k]))
            else:
                indices.append(start)
        factors: list[Term] = []
        base = 0
        for number, width in zip(slot.families, slot.widths, strict=True):
            factors.append(Reference(self.families.all[number], indices[base : base + width]))
            base += width
        if bound.low is not None:
            factors.append(condition(self.index(bound.low[self.order]), "≤", at(bound.axes[0])))
        if bound.high is not None:
            factors.append(condition(at(bound.axes[0]), "≤", self.index(bound.high[self.order])))
        if slot.reduction is not None:
            return reduce(slot.reduction.name, bound.axes, multiply(*factors), slot.reduction)
        return reduce("sum", bound.axes, multiply(self._coefficient(bound), *factors))

    def _stepped(self, start: Index, starts: Array, bound: Sequence[Axis], steps: Sequence[int]) -> Index:
        """Return where members start, plus steps along bound axes; in a table a start below 0 would be nothing."""
        if start.table is None or starts.min() >= 0:
            return start.plus(0, zip(bound, steps, strict=True))
        rows = starts.reshape(-1, *(1 for _ in bound)) + sum(
            n * places for n, places in zip(steps, np.indices([axis.size for axis in bound]), strict=True)
        )
        table, axes = self._table(np.maximum(rows, -1), -1)
        return Index(table=table, axes=[*axes, *bound])

    def _coefficient(self, bound: Bound) -> Term:
        values = bound.coefficient.values
        match bound.coefficient.kind:
            case "same":
                return Number(fraction_of(values))
            case "member":
                return self._numbers(values[self.order])
            case "bound":
                return self._array(values, bound.axes)
        return self._numbers(values[self.order], bound.axes)

    def _stack(self, slot: _Stack) -> Term:
        """Return a reduction of a family that is made of members of several, by tables."""
        atoms = slot.atoms[self.order]
        count = Axis(atoms.shape[1])
        stack = Family("", "value", [*(axis.like() for axis in self.axes), count.like()])
        renamed = {axis: at(own) for axis, own in zip(self.axes, stack.axes, strict=False)}
        families = self.families
        terms = []
        for number in np.unique(families.family[atoms]).tolist():
            here = families.family[atoms] == number
            family = families.all[number]
            if number == _NUMBERS:
                term = self._over_stack(np.where(here, families.number[atoms], 0.0), stack, renamed)
            elif not family.axes:
                term = multiply(self._over_stack(here.astype(float), stack, renamed), Reference(family, []))
            else:
                indices = []
                for d in range(len(family.axes)):
                    table, axes = self._table(np.where(here, families.place[atoms, d], -1), -1)
                    indices.append(Index(table=table, axes=[*axes, stack.axes[-1]]).substituted(renamed))
                term = Reference(family, indices)
            terms.append(term)
        stack.term = add(*terms)
        stack.level, stack.operation = 1, "stack"
        if math.prod(axis.size for axis in self.axes) != len(atoms):
            stack.mask = np.zeros(stack.shape, dtype=bool)
            stack.mask[tuple(self.places.T)] = True
        families.all.append(stack)
        body = Reference(stack, [*(at(axis) for axis in self.axes), at(count)])
        return reduce(slot.reduction.name, [count], body, slot.reduction)

    def _over_stack(self, rows: Array, stack: Family, renamed: Mapping[Axis, Index]) -> Term:
        """Return numbers over the members of a stack; those of one place of the last axis are a condition."""
        table, axes = self._table(rows, 0.0)
        if not axes and np.count_nonzero(table) == 1:
            k = int(np.flatnonzero(table)[0])
            return multiply(Number(fraction_of(table[k])), condition(at(stack.axes[-1]), "=", fixed(k)))
        if not axes and len(table) and (table == table[0]).all():
            return multiply(Number(fraction_of(table[0])), ONE)
        own = [*(renamed[axis].plain or axis for axis in axes), stack.axes[-1]]
        return self._array(table, own)
