"""The families of inputs and parameters: arrays with a name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..language.index import Axis
from ..language.term import Family

__all__ = ["Leaves", "families_of_leaves"]

Array = np.ndarray[Any, Any]


@dataclass
class Leaves:
    """The families of the leaves of a graph.

    Attributes:
        families: All of them.
        inputs: The family of each input, by name.
        numbers: For each array of parameters, by name, the numbers of its leaves in its shape.
        arrays: For each array of parameters, by name, its family and what comes before its own indices there.
    """

    families: list[Family]
    inputs: dict[str, Family]
    numbers: Mapping[str, Array]
    arrays: dict[str, tuple[Family, tuple[int, ...]]]


def families_of_leaves(
    inputs: Mapping[str, int],
    arrays: Mapping[str, Array],
    shapes: Mapping[str, Sequence[int]],
    *,
    are_stacked: bool = True,
) -> Leaves:
    """Return the families of inputs and parameters.

    Arrays of one shape whose names are numbered one after the other, W1, W2, …, are one family with a further axis.

    Args:
        inputs: The length of each input.
        arrays: For each array of parameters, by name, the numbers of its leaves in its shape.
        shapes: The shapes of inputs that are arranged in rows.
        are_stacked: Whether numbered arrays of one shape are one family.
    """
    found = Leaves([], {}, arrays, {})
    stems: dict[Any, list[tuple[int, str]]] = {}
    for name, numbers in arrays.items():
        match = re.fullmatch(r"(.*?[A-Za-z])(\d+)", name)
        if match and numbers.shape and are_stacked:
            stems.setdefault((match[1], numbers.shape), []).append((int(match[2]), name))
    stacked: dict[str, tuple[str, list[tuple[int, str]]]] = {}
    for (stem, _), members in stems.items():
        members.sort()
        first = members[0][0]
        if len(members) > 1 and [k for k, _ in members] == list(range(first, first + len(members))):
            stacked.update({name: (stem, members) for _, name in members})
    for name, numbers in arrays.items():
        if name in found.arrays:
            continue
        stem, members = stacked.get(name, (name, [(1, name)]))
        lead = [Axis(len(members))] if name in stacked else []
        family = Family(stem, "parameter", [*lead, *map(Axis, numbers.shape)])
        family.named = True
        if name in stacked:
            family.first, family.stacked = members[0][0], True
        found.families.append(family)
        for k, (_, each) in enumerate(members):
            found.arrays[each] = (family, (k,) if name in stacked else ())
    for name, length in inputs.items():
        family = Family(name, "input", list(map(Axis, shapes.get(name) or (length,))))
        family.named = True
        found.families.append(family)
        found.inputs[name] = family
    return found
