"""The neurons of any graph, found by its shape alone.

A neuron is a weighted sum, written as one `affine` node or as a tree of sums of products with leaves, and the
activation that alone uses it. No label and no class of any library is looked at.

`autograd.lift` finds layers as well, but not for these pictures: it has to be told which leaves are the inputs, of
which a picture knows nothing, and its result holds arrays and no recorded nodes. Plain layers both find alike, to which
a test holds them. They differ where only algebra shows the layer: of tanh(2 · (w · x + b)) lift takes the multiple for
the weighted input, and here the sum is a neuron without activation.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from autograd import Op, ops

from .trace import Edge, Trace

__all__ = ["Group", "Neuron", "contracted", "neurons"]

_SUMS = (ops.add, ops.total)
_NOT_ACTIVATIONS = frozenset(
    (ops.neg, ops.abs, ops.sign, ops.sqrt, ops.log, ops.log1p, ops.exp, ops.expm1, ops.stop_gradient)
)


@dataclass(frozen=True, slots=True)
class Neuron:
    """A weighted sum and its activation, by the node indices of a trace.

    Attributes:
        z: The weighted input.
        out: The activation; z itself without one.
        weights: The weights.
        sources: What each is multiplied with, in the same order.
        bias: The bias, or None.
        members: Every interior node of it.
        depth: Its layer, from 1.
    """

    z: int
    out: int
    weights: tuple[int, ...]
    sources: tuple[int, ...]
    bias: int | None
    members: frozenset[int]
    depth: int

    def activation(self, traced: Trace) -> Op | None:
        """Return the activation's operation; None for the identity."""
        return traced.nodes[self.out].op if self.out != self.z else None


@dataclass(frozen=True, slots=True)
class Group:
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
    found: list[tuple[int, int, list[tuple[int, int]], int | None, frozenset[int]]] = []
    taken: set[int] = set()
    for node in reversed(traced.nodes):
        if node.op is None or node.index in taken:
            continue
        out = _activation(traced, node.index)
        parts = _affine(traced, node.index) or _sum(traced, node.index, activated=out != node.index)
        if parts and not (parts[2] & taken):
            pairs, bias, members = parts
            members = members | {out}
            taken |= members
            found.append((node.index, out, pairs, bias, members))
    depth = [0] * len(traced.nodes)
    by_member = {member: neuron for neuron in found for member in neuron[4]}
    result = []
    for node in traced.nodes:
        if node.index not in by_member:
            depth[node.index] = max((depth[traced.edges[k].tail] for k in node.edges_in), default=0)
            continue
        z, out, pairs, bias, members = by_member[node.index]
        if node.index == out:
            depth[out] = 1 + max((depth[source] for _, source in pairs), default=0)
            weights, sources = tuple(w for w, _ in pairs), tuple(s for _, s in pairs)
            result.append(Neuron(z, out, weights, sources, bias, members, depth[out]))
    return tuple(result)


def _activation(traced: Trace, z: int) -> int:
    """Return the node that alone uses a weighted input and is a function of it; itself if there is none."""
    uses = traced.nodes[z].edges_out
    if len(uses) == 1:
        head = traced.edges[uses[0]].head
        op = traced.nodes[head].op
        if op is not None and op.arity == 1 and op not in _NOT_ACTIVATIONS:
            return head
    return z


def _affine(traced: Trace, z: int) -> tuple[list[tuple[int, int]], int | None, frozenset[int]] | None:
    if traced.nodes[z].op is not ops.affine:
        return None
    tails = [traced.edges[k].tail for k in traced.nodes[z].edges_in]
    n = len(tails) // 2
    weights, inputs = tails[:n], tails[n:-1]
    if any(traced.nodes[w].op for w in weights) or all(traced.nodes[w].is_constant for w in weights):
        weights, inputs = inputs, weights
    bias = None if traced.nodes[tails[-1]].is_constant else tails[-1]
    return list(zip(weights, inputs, strict=True)), bias, frozenset((z,))


def _sum(traced: Trace, z: int, *, activated: bool) -> tuple[list[tuple[int, int]], int | None, frozenset[int]] | None:
    """Return the terms of a tree of sums, if it is a weighted input: products with a leaf, and at most one bias."""
    pairs, biases, members = [], [], set()
    waiting = [z]
    while waiting:
        index = waiting.pop()
        node = traced.nodes[index]
        inside = index == z or len(node.edges_out) == 1
        tails = [traced.edges[k].tail for k in node.edges_in]
        if node.op in _SUMS and inside:
            members.add(index)
            waiting.extend(reversed(tails))
        elif node.op is ops.mul and inside:
            pair = _weighted(traced, *tails)
            if pair is None:
                return None
            members.add(index)
            pairs.append(pair)
        elif node.op is None:
            biases += [] if node.is_constant else [index]
        else:
            return None
    if not pairs or len(biases) > 1 or not (activated or biases):
        return None
    return pairs, biases[0] if biases else None, frozenset(members)


def _weighted(traced: Trace, a: int, b: int) -> tuple[int, int] | None:
    """Return (weight, source) of a product: the weight is a leaf, and of two leaves the one that is used less."""
    leaves = [k for k in (a, b) if traced.nodes[k].op is None and not traced.nodes[k].is_constant]
    if not leaves or a == b:
        return None
    weight = min(leaves, key=lambda k: len(traced.nodes[k].edges_out))
    return weight, b if weight == a else a


def contracted(traced: Trace, found: Iterable[Neuron]) -> tuple[tuple[Group, ...], tuple[Edge, ...]]:
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


def _groups(traced: Trace, found: tuple[Neuron, ...]) -> tuple[Group, ...]:
    inside = {member for neuron in found for member in neuron.members}
    feeds = [False] * len(traced.nodes)  # whether a neuron lies further on
    for node in reversed(traced.nodes):
        heads = [traced.edges[k].head for k in node.edges_out]
        feeds[node.index] = any(head in inside or feeds[head] for head in heads)
    behind = frozenset(n.index for n in traced.nodes if n.op and n.index not in inside and not feeds[n.index])
    groups = [Group(neuron.out, neuron.members, neuron) for neuron in found]
    groups += [Group(traced.root, behind)] if traced.root in behind else []
    sources = {source for neuron in found for source in neuron.sources}
    parameters = {k for neuron in found for k in (*neuron.weights, neuron.bias) if k is not None} - sources
    for node in traced.nodes:
        behind_only = all(traced.edges[k].head in behind for k in node.edges_out)
        hidden = node.index in parameters or (node.op is None and behind_only and node.index not in sources)
        if node.index not in inside and node.index not in behind and (node.index == traced.root or not hidden):
            groups.append(Group(node.index, frozenset((node.index,))))
    return tuple(sorted(groups, key=lambda group: group.out))


def _total_derivatives(traced: Trace, groups: tuple[Group, ...], owner: dict[int, int], head: int) -> dict[int, float]:
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
