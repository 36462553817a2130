"""Networks of layers, numbered as documents number them: zˡ = Wˡaˡ⁻¹ + bˡ and aˡ = σ(zˡ)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from ...op import Op
from ..language.build import factors_of, replaced, split
from ..language.index import Axis, Index, fixed
from ..language.term import Call, Family, Product, Reduction, Reference, Sum, Term, references
from ..recognise.recognition import Recognition
from .adjoint import ACTIVATIONS

__all__ = ["Layers", "in_layers", "weights_of"]

_FUNCTIONS = ACTIVATIONS | {"sin"}


@dataclass
class Layers:
    """The numbers of layers.

    Attributes:
        weighted: The weighted inputs zˡ, each with l.
        activations: The activations aˡ, each with l.
        functions: For the number of a layer the function that its activations are; none if there is none.
        network_input: What a⁰ is, if it is one input.
        target: The input that only the loss reads, if it is one.
    """

    weighted: dict[Family, int]
    activations: dict[Family, int] = field(default_factory=dict)
    functions: dict[int, Op] = field(default_factory=dict)
    network_input: Family | None = None
    target: Family | None = None


def in_layers(found: Recognition) -> Layers | None:
    """Number the layers of a graph and name their families so; None if it has none, or other weighted inputs.

    A layer without a function gets activations aˡ = zˡ, and a layer of one neuron is a vector too.
    """
    _split_loss(found)
    if any(re.fullmatch(r"[az]\d*", name) for name in found.leaves.arrays):
        return None  # their names would be those of layers
    values = [family for family in found.families if family.kind == "value"]
    weights = {family: own for family in values if (own := [*weights_of(family)])}
    if not weights or not all(_is_layer(family, own) for family, own in weights.items()):
        return None
    if not _is_chain([*weights], values):
        return None
    layers = Layers(dict(zip(weights, _numbers([*weights.values()]), strict=True)))
    for family in values:
        family.name, family.named = "", False
    for z, number in layers.weighted.items():
        _find_activation(found, layers, z, number)
    for letter, numbers in (("z", layers.weighted), ("a", layers.activations)):
        for family, number in numbers.items():
            family.name, family.named = f"{letter}{number}", True
            _make_vector(found, family)
    multiplied = {read.family for own in weights.values() for _, read in own if read.family.kind == "input"}
    others = [family for family in found.families if family.kind == "input" and family not in multiplied]
    layers.network_input = multiplied.pop() if len(multiplied) == 1 else None
    layers.target = others[0] if len(others) == 1 else None
    found.sort()
    return layers


def _split_loss(found: Recognition) -> None:
    """Give the loss a family of its own, if it is a weighted input or an activation."""
    root = found.root
    is_layer = isinstance(root, Reference) and (
        any(weights_of(root.family)) or (isinstance(root.family.body, Call) and len(root.family.body.parts) == 1)
    )
    if is_layer:
        whole = Family("", "value", (), root)
        found.families.append(whole)
        found.root = whole.whole()


def weights_of(family: Family) -> Iterator[tuple[Family, Reference]]:
    """Yield the arrays of weights in a sum of products, each with what it is multiplied with."""
    for part in family.body.parts if isinstance(family.body, Sum) else (family.body,):
        rest = split(part)[1]
        total = rest.body if isinstance(rest, Reduction) and rest.name == "sum" else None
        factors = [each for each in factors_of(total or rest) if isinstance(each, Reference)]
        parameters = [each for each in factors if each.family.kind == "parameter"]
        others = [each for each in factors if each.family.kind in ("input", "value")]
        if len(parameters) == len(others) == 1 and len(factors_of(total or rest)) == 2:
            weight = parameters[0]
            is_column = len(weight.indices) == 2 and any(axis.size == 1 for axis in weight.family.axes)
            if total is not None or is_column:
                yield weight.family, others[0]


def _is_layer(family: Family, weights: Sequence[tuple[Family, Reference]]) -> bool:
    """Whether a weighted input is a vector, made of vectors as a whole, with no other parameters than biases."""
    parts = family.body.parts if isinstance(family.body, Sum) else (family.body,)
    others = [part for part in parts if any(read.family.kind == "parameter" for read in references(part))]
    biases = [part for part in others if isinstance(part, Reference) or isinstance(split(part)[1], Reference)]
    return (
        len(family.axes) <= 1
        and len(others) - len(biases) == len(weights)
        and all(
            len(read.indices) <= 1 and all(index.plain is not None or axis.size == 1 for index, axis in _indexed(read))
            for _, read in weights
        )
    )


def _is_chain(weighted: Sequence[Family], values: Sequence[Family]) -> bool:
    """Whether each weighted input is computed from the one before it."""
    last: dict[Family, set[Family]] = {}
    for family in values:
        read = {each.family for each in references(family.body)}
        last[family] = set().union(read, *(last.get(each, set()) for each in read))
    return all(before in last[after] for before, after in pairwise(weighted))


def _indexed(reference: Reference) -> Iterator[tuple[Index, Axis]]:
    return zip(reference.indices, reference.family.axes, strict=True)


def _numbers(weights: Sequence[Sequence[tuple[Family, Reference]]]) -> Sequence[int]:
    """Return the numbers of layers: those in the names of their weights, or counted."""
    names = [{family.name for family, _ in own} for own in weights]
    digits = [re.search(r"\d+$", next(iter(own))) if len(own) == 1 else None for own in names]
    found = [int(each[0]) for each in digits if each is not None]
    is_numbered = len(found) == len(weights) and found == sorted(set(found))
    return found if is_numbered else range(1, len(weights) + 1)


def _find_activation(found: Recognition, layers: Layers, z: Family, number: int) -> None:
    """Find what is computed of a weighted input; if that is linear, call the input an activation first."""
    readers = [f for f in found.families if f.kind == "value" and any(r.family is z for r in references(f.body))]
    body = readers[0].body if len(readers) == 1 else None
    if isinstance(body, Call) and len(body.parts) == 1 and isinstance(body.parts[0], Reference):
        layers.activations[readers[0]] = number
        if body.op.name in _FUNCTIONS:
            layers.functions[number] = body.op
    elif all(_is_linear(reader.body, z) for reader in readers):
        axes = [axis.like() for axis in z.axes]
        a = Family("", "value", axes, z.whole_at(axes))
        a.level = z.level

        def by(each: Term) -> Term | None:
            return Reference(a, each.indices) if isinstance(each, Reference) and each.family is z else None

        for reader in readers:
            reader.term = replaced(reader.body, by)
        found.families.insert(found.families.index(z) + 1, a)
        layers.activations[a] = number


def _is_linear(term: Term, family: Family) -> bool:
    """Whether a term is linear in a family."""
    if isinstance(term, Reference) or not any(each.family is family for each in references(term)):
        return True
    if isinstance(term, Product):
        return sum(any(r.family is family for r in references(part)) for part in term.parts) == 1 and all(
            _is_linear(part, family) for part in term.parts
        )
    is_sum = isinstance(term, Sum) or (isinstance(term, Reduction) and term.name == "sum")
    return is_sum and all(_is_linear(part, family) for part in term.parts)


def _make_vector(found: Recognition, family: Family) -> None:
    """Give a family without axes one, as a vector with one member."""
    if family.axes:
        return
    family.axes = (Axis(1),)

    def by(each: Term) -> Term | None:
        return Reference(family, [fixed(0)]) if isinstance(each, Reference) and each.family is family else None

    for other in found.families:
        if other.term is not None:
            other.term = replaced(other.term, by)
