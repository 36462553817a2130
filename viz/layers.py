"""The layers of a traced graph: which nodes are W, b, z and a of which layer, for every example that it holds.

Which sums are neurons `autograd.lift` says. They form a network here if the neurons of every layer weigh the same
sources, each by a weight of its own. A graph that holds a batch uses each weight once for every example; the loss of an
example is then the last node that depends on this example alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from autograd import Op, ops

from .neurons import Neuron, neurons
from .trace import Trace

__all__ = ["Example", "Layer", "Network", "found_network", "has_skips", "refuse_unfit", "with_shared_inputs"]


@dataclass(frozen=True, slots=True)
class Layer:
    """What all examples share of a layer.

    Attributes:
        weights: The nodes of W, a row for each neuron.
        biases: The nodes of b; empty without one.
        activation: The function; None for the identity.
    """

    weights: tuple[tuple[int, ...], ...]
    biases: tuple[int, ...]
    activation: Op | None


@dataclass(frozen=True, slots=True)
class Example:
    """The nodes of one example.

    Attributes:
        root: Its loss.
        sources: For each layer the nodes that it weighs.
        z: For each layer the weighted inputs.
        a: For each layer the activations; those of z itself where there is no function.
        members: For each layer and neuron all interior nodes.
        targets: Leaves that are compared with the outputs, one for each output; empty if there are none.
    """

    root: int
    sources: tuple[tuple[int, ...], ...]
    z: tuple[tuple[int, ...], ...]
    a: tuple[tuple[int, ...], ...]
    members: tuple[tuple[tuple[int, ...], ...], ...]
    targets: tuple[int, ...]

    @property
    def inputs(self) -> tuple[int, ...]:
        """The nodes of the input."""
        return self.sources[0]


@dataclass(frozen=True, slots=True)
class Network:
    """Layers, and the examples that went through them."""

    layers: tuple[Layer, ...]
    examples: tuple[Example, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many inputs there are, and how many neurons each layer has."""
        return (len(self.layers[0].weights[0]), *(len(layer.weights) for layer in self.layers))


def found_network(traced: Trace) -> Network | None:
    """Return the network in a graph; None where there is none, or one that uses a weight twice for an example."""
    found = [neuron for neuron in neurons(traced) if not set(neuron.weights) & set(neuron.sources)]
    if not found:
        return None
    by_weights: dict[tuple[int, ...], list[Neuron]] = defaultdict(list)
    for neuron in found:
        if any(traced.nodes[k].op or traced.nodes[k].is_constant for k in neuron.weights):
            return None
        by_weights[tuple(sorted(neuron.weights))].append(neuron)
    counts = {len(own) for own in by_weights.values()}
    if len(counts) != 1:
        return None
    rows = _rows(by_weights)
    if rows is None:
        return None
    layers: list[Layer] = []
    before: tuple[int, ...] = ()
    for row in rows:
        layer = _layer(traced, [own[0] for own in row], before)
        if layer is None:
            return None
        layers.append(layer)
        before = tuple(own[0].out for own in row)
    told = [_example(traced, layers, [[own[k] for own in row] for row in rows]) for k in range(counts.pop())]
    examples = [example for example in told if example is not None]
    if len(examples) < len(told) or _uses_one_weight_twice(layers) or _leaves_out_a_parameter(traced, layers, examples):
        return None
    roots = _roots(traced, examples)
    return Network(tuple(layers), roots) if roots else None


def has_skips(traced: Trace, network: Network) -> bool:
    """Return whether something goes around a layer: whether a later one weighs more than the layer before it made."""
    example = network.examples[0]
    made = set(example.inputs)
    for before, sources in zip(example.a, example.sources[1:], strict=False):
        waiting, seen = list(sources), set(before)
        while waiting:
            node = waiting.pop()
            if node in made:
                return True
            if node not in seen:
                waiting += [traced.edges[k].tail for k in traced.nodes[node].edges_in]
                seen.add(node)
        made |= {*before, *sources}
    return False


def refuse_unfit(network: Network | None, image: tuple[int, int] | None, classes: Sequence[str]) -> None:
    """Raise a ValueError if the shape of the input or the names of the outputs do not fit the network."""
    inputs, outputs = (network.sizes[0], network.sizes[-1]) if network else (0, "a graph without layers")
    if image is not None and image[0] * image[1] != inputs:
        shape = f"{image[0]} × {image[1]} for {inputs}"
        raise ValueError(f"image must have as many pixels as the network has inputs, got {shape}")
    if classes and len(classes) != outputs:
        raise ValueError(f"classes must name each output of a network, got {len(classes)} for {outputs}")


def with_shared_inputs(traced: Trace) -> Trace:
    """Return the trace in which the neurons of the first layer share their inputs, if they read equal numbers.

    A number that is used twice is two nodes, unless it came from one Value: `w * 0.5` and `v * 0.5` have nothing in
    common that says that both weigh one input.
    """
    copies: dict[tuple[int, ...], list[Neuron]] = defaultdict(list)
    for neuron in neurons(traced):
        if neuron.depth == 1:
            copies[tuple(sorted(neuron.weights))].append(neuron)
    same: dict[int, int] = {}
    rows = list(copies.values())
    for first, *others in zip(*rows, strict=False):
        for other in others:
            left = [node for node in first.sources if traced.nodes[node].is_constant]
            for node in other.sources:
                equal = [k for k in left if traced.nodes[k].data == traced.nodes[node].data]
                if traced.nodes[node].is_constant and node not in left and equal:
                    same[node] = equal[0]
                    left.remove(equal[0])
    if not same:
        return traced
    edges = tuple(replace(edge, tail=same.get(edge.tail, edge.tail)) for edge in traced.edges)
    out: dict[int, list[int]] = defaultdict(list)
    for edge in edges:
        out[edge.tail].append(edge.index)
    return Trace(tuple(replace(node, edges_out=tuple(out[node.index])) for node in traced.nodes), edges, traced.root)


def _rows(by_weights: dict[tuple[int, ...], list[Neuron]]) -> list[list[list[Neuron]]] | None:
    """Return for each layer, for each of its neurons, that neuron for every example."""
    rows: dict[int, list[list[Neuron]]] = defaultdict(list)
    for own in by_weights.values():
        if len({neuron.depth for neuron in own}) > 1:
            return None
        rows[own[0].depth].append(own)
    if sorted(rows) != list(range(1, len(rows) + 1)):
        return None
    return [rows[depth] for depth in sorted(rows)]


def _layer(traced: Trace, row: Sequence[Neuron], before: tuple[int, ...]) -> Layer | None:
    order = before if set(before) == set(row[0].sources) else row[0].sources
    weights = []
    for neuron in row:
        by_source = dict(zip(neuron.sources, neuron.weights, strict=True))
        weights.append(tuple(by_source.get(source, -1) for source in order))
    biases = [neuron.biases for neuron in row]
    functions = {neuron.activation(traced) for neuron in row}
    if any(-1 in own for own in weights) or len(set(order)) < len(order) or len(functions) > 1:
        return None
    if len({len(own) for own in biases}) > 1 or len(biases[0]) > 1:
        return None
    return Layer(tuple(weights), tuple(own[0] for own in biases if own), functions.pop())


def _example(traced: Trace, layers: Sequence[Layer], rows: Sequence[Sequence[Neuron]]) -> Example | None:
    sources = []
    for layer, row in zip(layers, rows, strict=True):
        weighs = [dict(zip(neuron.weights, neuron.sources, strict=True)) for neuron in row]
        if any(len(own) < len(layer.weights[0]) for own in weighs):
            return None
        found = {tuple(own[w] for w in weights) for own, weights in zip(weighs, layer.weights, strict=True)}
        if len(found) > 1:
            return None
        sources.append(found.pop())
    inside = {member for row in rows for neuron in row for member in neuron.members}
    last = [neuron.out for neuron in rows[-1]]
    return Example(
        root=-1,
        sources=tuple(sources),
        z=tuple(tuple(neuron.z for neuron in row) for row in rows),
        a=tuple(tuple(neuron.out for neuron in row) for row in rows),
        members=tuple(tuple(tuple(sorted(neuron.members)) for neuron in row) for row in rows),
        targets=_targets(traced, last, inside),
    )


def _targets(traced: Trace, outputs: Iterable[int], inside: set[int]) -> tuple[int, ...]:
    """Return the leaves that outputs are compared with or multiplied by, if there is exactly one for each."""
    found = []
    for output in outputs:
        heads = [traced.edges[k].head for k in traced.nodes[output].edges_out]
        beside = {number for head in heads if head not in inside for number in _compared(traced, head, output)}
        if len(beside) != 1:
            return ()
        found.append(beside.pop())
    return tuple(found)


def _compared(traced: Trace, head: int, output: int) -> list[int]:
    """Return the leaves that a node takes from an output, multiplies it with as ±1, or weighs it by in a sum."""
    tails, op = [traced.edges[k].tail for k in traced.nodes[head].edges_in], traced.nodes[head].op
    if op is ops.sub and tails[0] == output:
        others = tails[1:]
    elif op is ops.mul:
        others = [tail for tail in tails if tail != output and abs(traced.nodes[tail].data) == 1.0]
    elif op is ops.affine:
        half = len(tails) // 2
        others = [tails[(k + half) % (2 * half)] for k in range(2 * half) if tails[k] == output]
    else:
        others = []
    return [tail for tail in others if traced.nodes[tail].op is None]


def _uses_one_weight_twice(layers: Iterable[Layer]) -> bool:
    used = [node for layer in layers for row in (*layer.weights, layer.biases) for node in row]
    return len(used) > len(set(used))


def _leaves_out_a_parameter(traced: Trace, layers: Iterable[Layer], examples: Iterable[Example]) -> bool:
    used = {node for layer in layers for row in (*layer.weights, layer.biases) for node in row}
    used.update(node for example in examples for node in (*example.inputs, *example.targets))
    return any(
        node.op is None and not node.is_constant and node.edges_out and node.index not in used for node in traced.nodes
    )


def _roots(traced: Trace, examples: Sequence[Example]) -> tuple[Example, ...] | None:
    """Return the examples with their losses."""
    if len(examples) == 1:
        return (_rooted(examples[0], traced.root),)
    of: dict[int, int] = {}  # which example a node depends on; −1 for several
    for k, example in enumerate(examples):
        for node in (node for layer in example.members for own in layer for node in own):
            of[node] = k if node not in of else -1
    if -1 in of.values():
        return None
    for each in traced.nodes:
        own = {of[traced.edges[k].tail] for k in each.edges_in if traced.edges[k].tail in of}
        if own and each.index not in of:
            of[each.index] = own.pop() if len(own) == 1 else -1
    ends: dict[int, list[int]] = defaultdict(list)
    for index, k in of.items():
        if k >= 0 and any(of[traced.edges[e].head] == -1 for e in traced.nodes[index].edges_out):
            ends[k].append(index)
    if any(len(ends[k]) != 1 for k in range(len(examples))):
        return None
    return tuple(_rooted(example, ends[k][0]) for k, example in enumerate(examples))


def _rooted(example: Example, root: int) -> Example:
    return Example(root, example.sources, example.z, example.a, example.members, example.targets)
