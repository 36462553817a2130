"""The parameters of a program: which leaves they are, their names, and where each has its place in `flat`.

Names come from the caller's mapping, or from labels of the form `W1[2,0]`. A label is a hint and no more: where labels
of one name do not fill a rectangle, or there are none, arrays are named by the part they play (`W1`, `b1`).

Every leaf has one place. A layer's weights and biases lie side by side, row by row, so that the bias can be folded into
the matrix product; an array whose entries would not lie at regular distances gets a place of its own.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ...value import Value
from .block import Block
from .groups import PARAMETERS, Groups
from .strided import is_injective, strided

__all__ = ["Parameter", "Parameters"]

_INDEX = re.compile(r"\[[0-9]{1,18}(?:,[0-9]{1,18})*\]")
_LONGEST = 18  # digits and signs of an index whose numbers surely fit
_WIDE = 64  # an input layer with more columns keeps its bias apart, so that the examples need not be copied


@dataclass(eq=False)
class Parameter:
    """A named array of parameters.

    Attributes:
        name: Its name.
        leaves: The numbers of the leaves it holds, in its shape.
        shape: The shape the user sees, () for a single leaf.
        block: Its block in the statements.
        positions: Where its entries are in `flat`, in its shape.
    """

    name: str
    leaves: np.ndarray[Any, Any]
    shape: tuple[int, ...]
    block: Block
    positions: np.ndarray[Any, Any] = field(default_factory=lambda: np.zeros(0, dtype=np.intp))

    def view(self, flat: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return the array as a view of a vector of all parameters.

        Raises:
            RuntimeError: If its entries lie at unequal distances there.
        """
        places = strided(self.positions)
        if places is None:
            raise RuntimeError(f"the entries of {self.name} lie at unequal distances, so there is no view of them")
        return places.view(flat).reshape(self.shape)


class Parameters:
    """The named parameters of a program.

    Attributes:
        all: The parameters, in the order of their names' first appearance.
        owner: For each leaf the index of the parameter that holds it.
        local: For each leaf its position in that parameter, in C order.
        position: For each leaf its place in `flat`.
        flat: The block of all of them.
        notes: Sentences for the report.
    """

    def __init__(self, groups: Groups, leaves: Sequence[Value], named: Mapping[str, Any] | None) -> None:
        self.notes: list[str] = []
        count = len(leaves)
        self.owner = np.full(count, -1, dtype=np.intp)
        self.local = np.zeros(count, dtype=np.intp)
        self.position = np.full(count, -1, dtype=np.intp)
        self.all: list[Parameter] = []
        self._taken = {group.input_name for group in groups.all}
        self.flat = Block("parameters", (count,), batched=False, role="parameters")
        if named is not None:
            for name, array in named.items():
                self._add(name, array, array.shape)
        else:
            self._from_labels(leaves)
        self._from_parts(groups)
        self._place(groups)

    def _add(self, name: str, array: np.ndarray[Any, Any], shape: tuple[int, ...]) -> None:
        self._taken.add(name)
        block = Block(name, array.shape or (1,), batched=False, role="parameter")
        array = array.reshape(block.shape)
        self.owner[array.ravel()] = len(self.all)
        self.local[array.ravel()] = np.arange(array.size)
        self.all.append(Parameter(name, array, shape, block))

    @cached_property
    def labels(self) -> list[str]:
        """The name of each entry of `flat`, such as W1[2,0]."""
        found = [""] * self.flat.size
        for each in self.all:
            for place, index in zip(each.positions.ravel().tolist(), np.ndindex(*each.shape), strict=True):
                found[place] = each.name + (f"[{','.join(map(str, index))}]" if index else "")
        return found

    # --- names -----------------------------------------------------------------------------------

    def _from_labels(self, leaves: Sequence[Value]) -> None:
        labelled: dict[str, tuple[list[int], list[str]]] = {}  # the leaves of each name, and what is behind it
        for k, leaf in enumerate(leaves):
            if leaf.label:
                name, bracket, index = leaf.label.partition("[")
                of_name = labelled.get(name)
                if of_name is None:
                    of_name = labelled[name] = [], []
                of_name[0].append(k)
                of_name[1].append(bracket + index)
        for name, (numbers, indices) in labelled.items():
            if name.isidentifier():
                self._from_indices(name, numbers, indices)

    def _from_indices(self, name: str, numbers: list[int], texts: list[str]) -> None:
        """Name the leaves with some numbers, which are labelled with a name and an index behind it."""
        array, refused, note = _filled(numbers, texts), "", ""
        if array is None:
            known = [(k, text) for k, text in zip(numbers, texts, strict=True) if not text or _INDEX.fullmatch(text)]
            if not known:
                return
            numbers, texts = [k for k, _ in known], [text for _, text in known]
            array = _filled(numbers, texts)
        if array is None:
            found: dict[tuple[int, ...], int] = {}
            for k, text in known:
                index = tuple(map(int, text[1:-1].split(","))) if text else ()
                if index in found:
                    refused = f"two leaves are labelled {name + text!r}"
                found[index] = k
            array = np.array([found[index] for index in sorted(found)], dtype=np.intp)
            note = f"The labels of {name!r} do not fill a rectangle, so it is a vector of its {len(found)} entries."
        if name in self._taken:
            refused = "an input has this name"
        if refused:
            note = f"The labels {name!r} are not used as a name: {refused}."
        else:
            self._add(name, array, array.shape)
        self.notes += [note] if note else []

    def _from_parts(self, groups: Groups) -> None:
        """Name what has no name by the part it plays in the sums."""
        for left, bias in layers_of(groups):
            for array, prefix in ((left, "W"), (bias, "b")):
                if array is not None and self._is_free(array):
                    self._add(self._unused(prefix), array, array.shape)
        rest = np.flatnonzero(self.owner < 0)
        if len(rest):
            self._add(self._unused("p"), rest, rest.shape)

    def _is_free(self, array: np.ndarray[Any, Any]) -> bool:
        return bool(array.min() >= 0 and is_injective(array) and (self.owner[array] < 0).all())

    def _unused(self, prefix: str) -> str:
        number = 1
        while f"{prefix}{number}" in self._taken:
            number += 1
        return f"{prefix}{number}"

    # --- places ----------------------------------------------------------------------------------

    def _place(self, groups: Groups) -> None:
        apart: set[int] = set()
        while True:
            self.position[:] = -1
            homes = [self.all[k].leaves.reshape(1, -1) for k in sorted(apart)]
            layers = [(left, bias, _wide(groups, left)) for left, bias in layers_of(groups) if (left >= 0).all()]
            for left, bias, wide in sorted(layers, key=lambda layer: -layer[0].size):
                if bias is not None and not wide and not np.isin(bias, left).any():
                    homes.append(np.hstack([left, bias[:, None]]))
                homes.append(left)
            homes.extend(parameter.leaves.reshape(1, -1) for parameter in self.all)
            start = 0
            for home in homes:
                if is_injective(home) and (self.position[home] < 0).all():
                    self.position[home] = np.arange(start, start + home.size).reshape(home.shape)
                    start += home.size
            for parameter in self.all:
                parameter.positions = self.position[parameter.leaves]
            irregular = {k for k, each in enumerate(self.all) if strided(each.positions) is None}
            if not irregular:
                return
            apart |= irregular


def _filled(numbers: list[int], texts: list[str]) -> np.ndarray[Any, Any] | None:
    """Return numbers at their indices, in texts such as "[2,0]"; None unless each place of a rectangle has one.

    All texts are read at once, since a model may have millions.
    """
    if texts == [""]:
        return np.array(numbers[0], dtype=np.intp)
    joined, count, commas = "".join(texts), len(texts), texts[0].count(",")
    if (
        joined.strip("0123456789,[]")
        or any(pair in joined for pair in ("[,", ",,", ",]", "[]"))
        or not all(text.endswith("]") for text in texts)
        or (joined.count("["), joined.count("]"), joined.count(",")) != (count, count, commas * count)
        or any(text.count(",") != commas for text in texts)
        or max(map(len, texts)) > _LONGEST
    ):
        return None
    found = np.fromstring(joined[1:-1].replace("][", ","), dtype=np.intp, sep=",").reshape(count, commas + 1)
    shape = tuple((found.max(axis=0) + 1).tolist())
    if math.prod(shape) != count:
        return None
    array = np.full(shape, -1, dtype=np.intp)
    array[tuple(found.T)] = numbers
    return array if array.min() >= 0 else None


def layers_of(groups: Groups) -> list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any] | None]]:
    """Return for each matrix product with parameters the numbers of the matrix's leaves and of the bias's, if any."""
    found = []
    for group in groups.all:
        products = [t for t in group.terms if t.kind == "matmul" and t.factors[0][0] == PARAMETERS]
        biases = [t for t in group.terms if t.kind == "elementwise" and [g for g, _ in t.factors] == [PARAMETERS]]
        for term in products:
            left = term.factors[0][1]
            bias = None
            if biases and (len(products) == 1 or term is products[0]) and term.take is None:
                vector = biases[0].factors[0][1]
                per_row = len(vector) // len(left)
                if (vector[::per_row] == vector.reshape(len(left), per_row).T).all():
                    bias = vector[::per_row]
                    if (bias < 0).any():
                        bias = None
            found.append((left, bias))
    return found


def _wide(groups: Groups, left: np.ndarray[Any, Any]) -> bool:
    if left.shape[1] <= _WIDE:
        return False
    return any(
        groups.all[term.factors[1][0]].input_name and term.factors[0][1] is left
        for group in groups.all
        for term in group.terms
        if term.kind == "matmul"
    )
