"""What a family's term is but for the values it reads and the constants in their indices: what steps have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..language.index import Axis, Index
from ..language.term import (
    Call,
    Condition,
    Family,
    Number,
    Power,
    Product,
    Reduction,
    Reference,
    Softmax,
    Sum,
    Term,
    references,
)

__all__ = ["Skeleton", "aligned", "key_but_for_arrays", "loosened"]

Names = Mapping[Axis, Any]


class Skeleton:
    """The skeleton of a family.

    Attributes:
        parts: For each term of its sum a key, and the references in it in an order that depends on nothing else.
        key: What families of one skeleton share.
    """

    def __init__(self, family: Family) -> None:
        self.family = family
        names: dict[Axis, Any] = {axis: f"own{k}" for k, axis in enumerate(family.axes)}
        terms = family.body.parts if isinstance(family.body, Sum) else (family.body,)
        self.parts = sorted((_of(term, names) for term in terms), key=lambda part: repr(part[0]))
        mask = None if family.mask is None else family.mask.tobytes()
        self.key = (family.shape, mask, tuple(key for key, _ in self.parts))

    @property
    def slots(self) -> list[Reference]:
        """All references, in order."""
        return [reference for _, references in self.parts for reference in references]


def _index(index: Index, names: Names) -> Any:
    if index.table is not None:
        return ("table", index.table.shape, index.table.tobytes(), tuple(names[axis] for axis in index.axes))
    return tuple(sorted((names[axis], k) for axis, k in index.parts))


def _of(term: Term, names: Names) -> tuple[Any, list[Reference]]:
    match term:
        case Reference():
            family = term.family
            who = ("value", family.operation, family.shape, family.mask is not None)
            known: Any = who if family.kind == "value" else ("leaf", family.serial)
            return ("reference", known, tuple(_index(index, names) for index in term.indices)), [term]
        case Number():
            return ("number", term.value), []
        case Condition():
            sides = (term.left.const, _index(term.left, names), term.right.const, _index(term.right, names))
            return ("condition", term.relation, sides), []
        case Reduction() | Softmax():
            axes = term.axes if isinstance(term, Reduction) else (term.axis,)
            inner = {**names, **{axis: f"bound{len(names) + k}:{axis.size}" for k, axis in enumerate(axes)}}
            key, found = _of(term.body, inner)
            at = _index(term.index, names) if isinstance(term, Softmax) else None
            name = term.name if isinstance(term, Reduction) else "softmax"
            return ("reduction", name, at, tuple(axis.size for axis in axes), key), found
    parts = [_of(part, names) for part in term.parts]
    if isinstance(term, (Sum, Product)):  # what is read decides last: a first step reads something else
        parts.sort(key=lambda part: (repr(loosened(part[0])), repr(part[0])))
    head: Any = type(term).__name__
    if isinstance(term, Power):
        head = ("power", term.exponent)
    elif isinstance(term, Call):
        head = ("call", term.op.name)
    return (head, tuple(key for key, _ in parts)), [each for _, own in parts for each in own]


def key_but_for_arrays(term: Term, names: Names) -> Any:
    """Return the key of a term in which arrays of numbers are known by their shapes alone."""
    arrays = {
        each.family.serial: ("numbers", each.family.shape) for each in references(term) if each.family.kind == "numbers"
    }

    def without(key: Any) -> Any:
        if not isinstance(key, tuple):
            return key
        if len(key) == 2 and key[0] == "leaf":
            return arrays.get(key[1], key)
        return tuple(without(each) for each in key)

    return without(_of(term, names)[0])


def loosened(key: Any) -> Any:
    """Return a key without the families that are read: only which axes each reference has."""
    if isinstance(key, tuple) and key and key[0] == "reference":
        return (
            "reference",
            tuple(sorted(name for index in key[2] if index and index[0] != "table" for name, _ in index)),
        )
    return tuple(loosened(each) for each in key) if isinstance(key, tuple) else key


def aligned(key: Any, slots: list[Reference], like: Any) -> list[Reference]:
    """Return the references of a term in the order of those of another, whose key is the same when loosened.

    In sums and products, whose order says nothing, parts that are equal belong together.
    """
    if key == like or key[0] == "reference":
        return slots
    if key[0] == "reduction":
        return aligned(key[-1], slots, like[-1])
    left = []
    for part in key[1]:
        count = _count(part)
        left.append((part, slots[:count]))
        slots = slots[count:]
    out: list[list[Reference]] = [[] for _ in like[1]]
    waiting = list(enumerate(like[1]))
    if key[0] in ("Sum", "Product"):
        for k, theirs in list(waiting):
            same = next((pair for pair in left if pair[0] == theirs), None)
            if same is not None:
                out[k] = same[1]
                left.remove(same)
                waiting.remove((k, theirs))
    for (k, theirs), (part, own) in zip(waiting, left, strict=True):
        out[k] = aligned(part, own, theirs)
    return [reference for own in out for reference in own]


def _count(key: Any) -> int:
    """Return how many references a key has."""
    if not isinstance(key, tuple):
        return 0
    return 1 if key and key[0] == "reference" else sum(_count(each) for each in key)
