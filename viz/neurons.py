"""The neurons of a graph as a picture needs them: by the indices of its trace, and drawn together to single nodes.

Which they are `autograd.lift` says.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autograd import Op

from .trace import Edge, Trace

if TYPE_CHECKING:
    from autograd.lift import Place

__all__ = ["Contraction", "Neuron", "contracted", "neurons"]


@dataclass(frozen=True, slots=True)
class Neuron:
    """A weighted sum and its activation, by the node indices of a trace.

    Attributes:
        z: The weighted input.
        out: The activation; z itself without one.
        weights: The weights.
        sources: What each is multiplied with, in the same order.
        biases: The biases.
        members: Every interior node of it.
        depth: Its layer, from 1.
    """

    z: int
    out: int
    weights: tuple[int, ...]
    sources: tuple[int, ...]
    biases: tuple[int, ...]
    members: frozenset[int]
    depth: int

    def activation(self, traced: Trace) -> Op | None:
        """Return the activation's operation; None for the identity."""
        return traced.nodes[self.out].op if self.out != self.z else None


@dataclass(frozen=True, slots=True)
class Contraction:
    """Interior nodes that a coarser picture shows as one, or a leaf.

    Attributes:
        out: The node through which everything leaves it.
        members: Its nodes.
        neuron: The neuron it is; None for an input, for the part behind the network, and for any other node.
    """

    out: int
    members: frozenset[int]
    neuron: Neuron | None = None


def neurons(traced: Trace) -> tuple[Neuron, ...]:
    """Return the neurons of a graph in the order of the forward pass."""
    from autograd.lift import neurons_under  # here, because most pictures are of values alone

    root = traced.nodes[traced.root].value
    if root is None:
        return ()
    index = {id(node.value): node.index for node in traced.nodes if node.op}

    def entering(places: Iterable[Place]) -> tuple[int, ...]:
        nodes = traced.nodes
        return tuple(traced.edges[nodes[index[id(p.node)]].edges_in[p.slot]].tail for p in places)

    return tuple(
        Neuron(
            z=index[id(found.z)],
            out=index[id(found.a)],
            weights=entering(found.weights),
            sources=entering(found.sources),
            biases=entering(found.biases),
            members=frozenset(index[id(member)] for member in found.members),
            depth=found.layer,
        )
        for found in neurons_under(root)
    )


def contracted(traced: Trace, found: Iterable[Neuron]) -> tuple[tuple[Contraction, ...], tuple[Edge, ...]]:
    """Return the graph with each neuron, and all that comes after the last one, drawn together to one node.

    An edge runs between two groups; its local derivative is that of the whole group, and its contribution is still
    upstream × local. Edges come in the order of the backward pass. Weights and biases are inside their neurons.
    """
    groups = _groups(traced, tuple(found))
    owner = {member: k for k, group in enumerate(groups) for member in group.members}
    adjoint = [0.0] * len(groups)
    adjoint[owner[traced.root]] = 1.0
    edges: list[Edge] = []
    step = 0
    for head in range(len(groups) - 1, -1, -1):
        for tail, local in sorted(_total_derivatives(traced, groups, owner, head).items()):
            before, change = adjoint[tail], adjoint[head] * local
            constant = traced.nodes[groups[tail].out].is_constant
            adjoint[tail] += 0.0 if constant else change
            step += 0 if constant else 1
            numbers = (local, adjoint[head], change, before, adjoint[tail])
            edges.append(Edge(len(edges), tail, head, 0, *numbers, 0 if constant else step))
    return groups, tuple(edges)


def _groups(traced: Trace, found: tuple[Neuron, ...]) -> tuple[Contraction, ...]:
    inside = {member for neuron in found for member in neuron.members}
    feeds = [False] * len(traced.nodes)  # whether a neuron lies further on
    for node in reversed(traced.nodes):
        heads = [traced.edges[k].head for k in node.edges_out]
        feeds[node.index] = any(head in inside or feeds[head] for head in heads)
    behind = frozenset(n.index for n in traced.nodes if n.op and n.index not in inside and not feeds[n.index])
    groups = [Contraction(neuron.out, neuron.members, neuron) for neuron in found]
    groups += [Contraction(traced.root, behind)] if traced.root in behind else []
    sources = {source for neuron in found for source in neuron.sources}
    parameters = {k for neuron in found for k in (*neuron.weights, *neuron.biases)} - sources
    for node in traced.nodes:
        users = {traced.edges[k].head for k in node.edges_out}
        used_within = users <= behind or (node.is_constant and users <= inside)  # such as the 0 that `sum` begins with
        hidden = node.index in parameters or (node.op is None and used_within and node.index not in sources)
        if node.index not in inside and node.index not in behind and (node.index == traced.root or not hidden):
            groups.append(Contraction(node.index, frozenset((node.index,))))
    return tuple(sorted(groups, key=lambda group: group.out))


def _total_derivatives(
    traced: Trace, groups: tuple[Contraction, ...], owner: dict[int, int], head: int
) -> dict[int, float]:
    """Return ∂(the group's output)/∂(each group that feeds it), by a reverse pass inside the group."""
    group = groups[head]
    inner = {group.out: 1.0}
    arrived: dict[int, float] = {}
    for index in sorted(group.members, reverse=True):
        for edge in (traced.edges[k] for k in traced.nodes[index].edges_in):
            share = inner.get(index, 0.0) * (edge.local if edge.step else 0.0)
            tail = owner.get(edge.tail)
            if tail == head:
                inner[edge.tail] = inner.get(edge.tail, 0.0) + share
            elif tail is not None:
                arrived[tail] = arrived.get(tail, 0.0) + share
    return arrived
