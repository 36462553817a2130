"""The neurons of a recorded graph: which Values are the weighted input z and the activation a of which layer.

What a weighted input is, the canonical form says, in which the way a sum was written no longer shows: a sum of products
of a leaf, the weight, with something else, and of leaves that stand alone, the biases. Nobody has to say which leaves
are inputs (`roles` does), no label and no class is looked at, and where there is no such sum there is no neuron.
Whatever is found can be pointed at: z is a Value that was recorded, and holds its weights' products and its biases and
nothing else.

A function of one argument that alone uses z is its activation. It still is with a number times or plus z in between, if
another neuron lies further on; at the end of a network such a thing belongs to the loss, as in relu(1 − y·z).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ... import ops
from ...collector import collector_paused
from ...graph import Graph, serial
from ...value import Value
from .atoms import Atoms
from .canonical import canonical
from .region import Region
from .roles import Operands, Roles

__all__ = ["Neuron", "Place", "neurons_under"]

_NOT_ACTIVATIONS = frozenset(
    (ops.abs, ops.sign, ops.sqrt, ops.log, ops.log1p, ops.exp, ops.expm1, ops.stop_gradient)
)  # what losses, norms and a softmax do with a weighted input


@dataclass(frozen=True, slots=True)
class Place:
    """Where an operand enters: a number has no other identity.

    Attributes:
        node: The Value that it is an operand of.
        slot: Its place among that Value's `operands`.
    """

    node: Value
    slot: int


@dataclass(frozen=True, slots=True)
class Neuron:
    """A weighted sum and its activation.

    Attributes:
        layer: From 1: one more than that of the latest neuron among what the sources are computed from.
        z: The weighted input.
        a: The activation; z itself without one.
        weights: Where the weights enter.
        sources: Where enters what each is multiplied with, in the same order.
        biases: Where the biases enter.
        members: Every interior node of it, newest first.
    """

    layer: int
    z: Value
    a: Value
    weights: tuple[Place, ...]
    sources: tuple[Place, ...]
    biases: tuple[Place, ...]
    members: tuple[Value, ...]


def neurons_under(root: Value) -> tuple[Neuron, ...]:
    """Return the neurons of the graph under `root`, in the order in which they were computed.

    Example:
        >>> x, w, b = Value(0.5), Value(-2.0), Value(0.25)
        >>> [neuron.layer for neuron in neurons_under((w * x + b).tanh() ** 2)]
        [1]
    """
    with collector_paused():
        return _Search(root).found()


@dataclass(frozen=True, slots=True)
class _Sum:
    """A sum of the canonical form that holds weights.

    Attributes:
        atom: The sum.
        products: The sources of each weight.
        biases: The leaves that may be biases.
        like: Those of them that have the sign of the products, as a target that is subtracted has not.
        act: What uses the sum, if that is one thing only; otherwise -1.
    """

    atom: int
    products: dict[int, list[int]]
    biases: set[int]
    like: set[int]
    act: int


@dataclass(frozen=True, slots=True)
class _Found:
    neuron: Neuron
    atom: int
    sources: frozenset[int]
    sure: bool


class _Search:
    def __init__(self, root: Value) -> None:
        nodes = Graph([root]).nodes
        self.operands = Operands(nodes)
        leaves = {leaf: k for k, leaf in enumerate(self.operands.leaves)}
        self.atoms: Atoms = canonical(nodes, [root], {}, leaves, self.operands)
        known = self.known = self.atoms.of
        self.roles = Roles(
            self.atoms, [known[leaf] for leaf in leaves], [known[number] for number in self.operands.numbers]
        )
        self.values: dict[int, list[Value]] = {}
        self.users: dict[Value, list[Value]] = {}
        for node in nodes:
            if node in known:
                self.values.setdefault(known[node], []).append(node)
            if node.op.arity == 1 and node.op not in _NOT_ACTIVATIONS:
                self.users.setdefault(node._a, []).append(node)
        self.consumers = self._consumers()
        self.sums = [found for atom in sorted(self.atoms.sums) if (found := self._sum(atom))]
        self.hidden = self._hidden()

    def _consumers(self) -> dict[int, set[int]]:
        consumers: dict[int, set[int]] = {atom: {-1} for atom in self.atoms.roots}
        for atom in self.atoms.computed:
            for factor in self.atoms.below(atom):
                consumers.setdefault(factor, set()).add(atom)
        return consumers

    def _sum(self, atom: int) -> _Sum | None:
        terms = self.atoms.sums[atom]
        products: dict[int, list[int]] = {}
        sign = 0.0
        for weight, source, coefficient in self.roles.products(terms):
            products.setdefault(weight, []).append(source)
            sign = sign or coefficient
        if not products:
            return None
        biases = set(self.roles.biases(terms))
        like = {bias for bias in biases if terms[0, bias] * sign > 0.0}
        consumers = self.consumers.get(atom, set())
        return _Sum(atom, products, biases, like, next(iter(consumers)) if len(consumers) == 1 else -1)

    def _hidden(self) -> set[int]:
        """Return the atoms from which some weighted sum is computed."""
        sources: dict[int, set[int]] = {found.atom: set().union(*found.products.values()) for found in self.sums}
        hidden: set[int] = set()
        for atom in reversed(self.atoms.computed):
            hidden.update(self.atoms.below(atom) if atom in hidden else sources.get(atom, ()))
        return hidden

    # --- neurons ---------------------------------------------------------------------------------

    def found(self) -> tuple[Neuron, ...]:
        """Return the neurons with their layers."""
        candidates = [
            each for found in self.sums for value in self.values.get(found.atom, ()) for each in self._at(found, value)
        ]
        rows: dict[frozenset[int], set[tuple[Place, ...]]] = {}
        for each in candidates:
            rows.setdefault(each.sources, set()).add(each.neuron.weights)
        layered = [each.sure or (len(each.sources) > 1 and len(rows[each.sources]) > 1) for each in candidates]
        handed = {self.known.get(each.neuron.a) for each, known in zip(candidates, layered, strict=True) if known}
        pairs = zip(candidates, layered, strict=True)
        kept = [each for each, known in pairs if known or self._weighs_a_layer(each, handed)]
        layer = self._layers(kept)
        named = [replace(each.neuron, layer=layer[each.sources]) for each in kept]
        return tuple(sorted(named, key=lambda neuron: serial(neuron.a)))

    def _weighs_a_layer(self, each: _Found, handed: set[int | None]) -> bool:
        """Return whether all that a single sum weighs are activations, or sums that hold one, as after a skip."""
        sums = self.atoms.sums
        return len(each.sources) > 1 and all(
            source in handed or any(factor in handed for pair in sums.get(source, ()) for factor in pair)
            for source in each.sources
        )

    def _at(self, found: _Sum, top: Value) -> list[_Found]:
        """Return the neurons that a recorded sum holds: one in all of it or in a part, or several side by side."""
        region = Region(top, self.operands, self.known)
        users = self.users.get(top, [])
        weights = set(found.products)
        if found.act >= 0 and len(users) == 1:
            hidden = found.act in self.hidden
            biases = found.biases if hidden or not found.like else found.like
            if hidden or region.smallest(0, weights | biases) == 0:
                neuron = self._neuron(found, region, 0, biases, users[0])
                if neuron:
                    return [neuron]
        several = []
        for part in region.parts(weights.union(*found.products.values())):
            smallest = region.smallest(part, weights | found.like)
            neuron = self._neuron(found, region, smallest, found.like, None)
            if neuron:
                several.append(neuron)
            elif any(atom in weights for _, _, atom, _ in region.under(part)[1]):
                return []
        return several if all(each.sure for each in several) else [replace(each, sure=False) for each in several]

    def _neuron(self, found: _Sum, region: Region, top: int, biases: set[int], act: Value | None) -> _Found | None:
        """Return the neuron at a node, if nothing enters there but the products of weights and biases."""
        members, enters = region.under(top)
        first: dict[int, Place] = {}
        expected: dict[int, int] = {}
        alone: dict[int, Value] = {}  # of two Values that are computed alike it could not be said which one is meant
        for index, slot, atom, operand in enters:
            if atom not in self.atoms.constants:
                first.setdefault(atom, Place(region.nodes[index], slot))
                expected[atom] = expected.get(atom, 0) - 1
                if alone.setdefault(atom, operand) is not operand:
                    return None
        products = [(w, s) for w in first for s in found.products.get(w, ()) if s in first]
        own = [bias for bias in first if bias in biases]
        for atom in (*own, *(factor for product in products for factor in product)):
            expected[atom] += 1
        if not products or any(expected.values()):
            return None
        z = region.nodes[top]
        weights, sources = (tuple(first[product[k]] for product in products) for k in (0, 1))
        a, members = (z, members) if act is None else (act, (act, *members))
        neuron = Neuron(0, z, a, weights, sources, tuple(first[bias] for bias in own), members)
        by_affine = z.op is ops.affine and all(p.node is z and p.slot < len(self.operands(z)) // 2 for p in weights)
        sure = act is not None or bool(own) or by_affine
        return _Found(neuron, found.atom, frozenset(source for _, source in products), sure)

    def _layers(self, kept: Iterable[_Found]) -> dict[frozenset[int], int]:
        """Return the layer of the neurons with each set of sources."""
        held: dict[int, set[frozenset[int]]] = {}
        for each in kept:
            held.setdefault(each.atom, set()).add(each.sources)
        depth: dict[int, int] = {}
        layer: dict[frozenset[int], int] = {}
        for atom in self.atoms.computed:
            depth[atom] = max(depth.get(factor, 0) for factor in self.atoms.below(atom))
            for sources in held.get(atom, ()):
                layer[sources] = 1 + max(depth.get(source, 0) for source in sources)
                depth[atom] = max(depth[atom], layer[sources])
        return layer
