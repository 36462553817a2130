"""What the user's local variables say: the shapes of inputs, and the names of families."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...value import Value
from ..language.term import Family
from .families import Families
from .watch import Variable, members_of, shape_of

__all__ = ["give_names", "input_shapes"]

Array = np.ndarray[Any, Any]
_LARGEST = 4096  # members of a family that is named by its numbers


def input_shapes(
    variables: Sequence[Variable], inputs: Mapping[str, Sequence[Value]]
) -> tuple[dict[str, tuple[int, ...]], dict[str, str]]:
    """Return for each input the shape in which a variable arranges it, and that variable's name."""
    place = {leaf: (name, k) for name, leaves in inputs.items() for k, leaf in enumerate(leaves)}
    shapes: dict[str, tuple[int, ...]] = {}
    called: dict[str, str] = {}
    slices: dict[str, tuple[int, ...]] = {}
    for each in sorted(variables, key=lambda variable: (variable.depth, variable.is_argument)):
        shape = shape_of(each.value)
        if not shape:
            continue
        found = [place.get(member) for member in members_of(each.value) if not isinstance(member, float)]
        known = [where for where in found if where is not None]
        if len(known) != math.prod(shape) or len(found) != len(known) or len({name for name, _ in known}) != 1:
            continue
        name, start = known[0]
        ks = [k for _, k in known]
        n = len(inputs[name])
        if ks != list(range(start, start + len(ks))):
            continue
        if len(shape) > 1 and len(ks) == n and name not in shapes:
            shapes[name], called[name] = shape, each.name
        elif len(shape) == 1 and 1 < len(ks) < n and n % len(ks) == 0 and start % len(ks) == 0:
            slices.setdefault(name, (n // len(ks), len(ks)))
    return {**slices, **shapes}, called


def give_names(variables: Sequence[Variable], families: Families) -> dict[Family, tuple[int, ...]]:
    """Give families the names of variables that hold their members.

    Returns:
        For families that a nested list holds as a whole, which of their axes each level of the list is.
    """
    best: dict[Family, tuple[Any, str, tuple[int, ...] | None]] = {}
    for order, each in enumerate(variables):
        if each.is_argument and each.depth > 0:
            continue
        found = _members(each, families)
        if not found:
            continue
        numbers = {int(families.family[atom]) for atom in found}
        family = families.all[min(numbers)]
        if len(numbers) != 1 or family.kind != "value" or family.operation == "stack":
            continue
        distinct = len(set(found))
        whole = distinct == (math.prod(family.shape) if family.mask is None else int(family.mask.sum()))
        if not whole and each.depth:
            continue
        score = (each.depth, not whole, -distinct, order)
        if family not in best or score < best[family][0]:
            levels = None
            shape = shape_of(each.value)
            if shape and whole and len(found) == distinct and len(shape) == len(family.axes):
                places = families.place[np.array(found), : len(family.axes)].reshape(*shape, len(family.axes))
                levels = _levels(places, shape)
            best[family] = (score, each.name, levels)
    for family, (_, name, _) in best.items():
        family.name, family.named = name, True
    _name_by_numbers(variables, families)
    return {family: levels for family, (_, _, levels) in best.items() if levels is not None}


def _members(variable: Variable, families: Families) -> list[int]:
    """Return the atoms of the Values in a variable; none if one of them is no atom or a number."""
    out = []
    for value in members_of(variable.value):
        if isinstance(value, float):
            continue
        atom = families.atoms.of.get(value)
        if atom is None or atom in families.atoms.constants:
            return []
        out.append(families.real(atom))
    return out


def _levels(places: Array, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """Return which axis each level of a nested list is, None if it is not that simple."""
    out = []
    for level in range(len(shape)):
        grid = np.arange(shape[level]).reshape([-1 if k == level else 1 for k in range(len(shape))])
        match = [d for d in range(len(shape)) if (places[..., d] == np.broadcast_to(grid, shape)).all()]
        if len(match) != 1:
            return None
        out.append(match[0])
    return tuple(out)


def _name_by_numbers(variables: Sequence[Variable], families: Families) -> None:
    """Name families by variables whose Values were absorbed: those that have the same numbers in the recording."""
    unnamed = [f for f in families.all if f.kind == "value" and not f.named and f.members is not None]
    if not unnamed:
        return
    numbers: dict[Family, Array] | None = None
    taken = {family.name for family in families.all}
    data_of = _Numbers(families)
    for each in reversed(variables):
        values = list(members_of(each.value))
        if each.depth or each.name in taken:
            continue
        if any(isinstance(v, float) or v.op is None for v in values) or all(v in families.atoms.of for v in values):
            continue
        if numbers is None:
            numbers = {
                f: np.array([data_of(int(atom)) for atom in f.members])
                for f in unnamed
                if f.members is not None and len(f.members) <= _LARGEST
            }
        data = np.array([v.data for v in values])
        match = [
            family
            for family, own in numbers.items()
            if not family.named and len(own) == len(data) and np.allclose(own, data, rtol=1e-12, atol=0.0)
        ]
        if len(match) == 1:
            match[0].name, match[0].named = each.name, True
            taken.add(each.name)


class _Numbers:
    """The numbers of atoms in the recording."""

    def __init__(self, families: Families) -> None:
        self.families = families
        self.known: dict[int, float] = dict(families.atoms.constants)

    def __call__(self, atom: int) -> float:
        atoms = self.families.atoms
        todo = [self.families.real(atom)]
        while todo:
            one = todo[-1]
            if one in self.known:
                todo.pop()
            elif one in atoms.sums:
                missing = [k for pair in atoms.sums[one] for k in map(self.families.real, pair) if k not in self.known]
                if missing:
                    todo.extend(missing)
                    continue
                real = self.families.real
                self.known[one] = sum(
                    c * (self.known[real(u)] if u else 1.0) * self.known[real(v)]
                    for (u, v), c in atoms.sums[one].items()
                )
            else:
                node = atoms.node[one]
                self.known[one] = node.data if node is not None else math.nan
        return self.known[self.families.real(atom)]
