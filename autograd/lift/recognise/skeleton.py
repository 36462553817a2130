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
)

__all__ = ["Skeleton", "loosened"]

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
    if isinstance(term, (Sum, Product)):
        parts.sort(key=lambda part: repr(part[0]))
    head: Any = type(term).__name__
    if isinstance(term, Power):
        head = ("power", term.exponent)
    elif isinstance(term, Call):
        head = ("call", term.op.name)
    return (head, tuple(key for key, _ in parts)), [each for _, own in parts for each in own]


def loosened(key: Any) -> Any:
    """Return a key without the families that are read: only which axes each reference has."""
    if isinstance(key, tuple) and key and key[0] == "reference":
        return (
            "reference",
            tuple(sorted(name for index in key[2] if index and index[0] != "table" for name, _ in index)),
        )
    return tuple(loosened(each) for each in key) if isinstance(key, tuple) else key
