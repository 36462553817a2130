"""The layers of a network as the cells of one picture: vectors and matrices by their shapes and norms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .arrays import NetworkArrays
from .diagram import Arrow, Box, Diagram, Direction, Kind, Line, Span
from .level import Cell, Flow, Level, operations
from .neurons import Group, contracted, neurons
from .style import numeral
from .trace import Edge, Trace

__all__ = ["layer_diagram", "layer_level"]


Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class _Layer:
    """Groups that are drawn as one: the inputs, the neurons of one depth, or a single other group."""

    members: tuple[int, ...]
    depth: int | None


def layer_level(traced: Trace, digits: int = 4) -> Level | None:
    """Return every layer as a cell; None if there is no neuron.

    A cell shows the norm of its activations and that of their gradient, a flow the shape of the matrix between. What
    flows is a vector, so each text of a flow is the norm of one.
    """
    found = neurons(traced)
    if not found:
        return None
    groups, edges = contracted(traced, found)
    layers = _layers(traced, groups)
    owner = {member: k for k, layer in enumerate(layers) for member in layer.members}
    cells = tuple(_cell(traced, groups, layer, digits) for layer in layers)
    root = owner[next(k for k, group in enumerate(groups) if traced.root in group.members)]
    return Level("layer", cells, tuple(_flows(groups, edges, layers, owner, digits)), root)


def _layers(traced: Trace, groups: Sequence[Group]) -> list[_Layer]:
    sources = {source for group in groups if group.neuron for source in group.neuron.sources}
    inputs: list[int] = []
    depths: dict[int, list[int]] = {}
    others: list[_Layer] = []
    for k, group in enumerate(groups):
        if group.neuron:
            depths.setdefault(group.neuron.depth, []).append(k)
        elif traced.nodes[group.out].op is None and group.out in sources:
            inputs.append(k)
        else:
            others.append(_Layer((k,), None))
    layers = [_Layer(tuple(inputs), 0)] if inputs else []
    layers += [_Layer(tuple(members), depth) for depth, members in sorted(depths.items())]
    return sorted(layers + others, key=lambda layer: max(layer.members))


def _cell(traced: Trace, groups: Sequence[Group], layer: _Layer, digits: int) -> Cell:
    nodes = [traced.nodes[groups[k].out] for k in layer.members]
    size = math.hypot(*(node.data for node in nodes))
    slope = math.hypot(*(0.0 if node.is_constant else node.adjoint for node in nodes))
    constant = all(node.is_constant for node in nodes)
    badges = [badge for node in nodes for badge in node.badges]
    counted = tuple(f"{badges.count(badge)} {badge}" for badge in dict.fromkeys(badges))
    exact = (repr(size), "" if constant else repr(slope))
    root = traced.root in {node.index for node in nodes}
    if layer.depth is None:
        node = nodes[0]
        symbol = f"{len(groups[layer.members[0]].members)} operations" if node.op else ""
        value, gradient = numeral(node.data, digits), numeral(node.adjoint, digits)
        return Cell(traced.name(node.index), True, "root" if root else "node" if node.op else "leaf", symbol, value,
                    gradient, (), node.remark, node.badges, f"{symbol} = {value}" if node.op else "",
                    (repr(node.data), repr(node.adjoint)),
                    operations=operations(traced, groups[layer.members[0]].members))  # fmt: skip
    name = f"layer {layer.depth}" if layer.depth else "inputs"
    neurons_here = [neuron for k in layer.members if (neuron := groups[k].neuron)]
    symbols = sorted({op.name if (op := neuron.activation(traced)) else "identity" for neuron in neurons_here})
    value, gradient = f"‖a‖ {numeral(size, digits)}", "" if constant else numeral(slope, digits)
    extra: tuple[tuple[str, str], ...] = ((f"{len(nodes)} values", ""),)
    if neurons_here:
        delta = math.hypot(*(traced.nodes[neuron.z].adjoint for neuron in neurons_here))
        extra = ((f"{len(nodes)} neurons", f"‖δ‖ {numeral(delta, digits)}"),)
    forward = f"{len(nodes)} × {' and '.join(symbols)}(Wa + b)" if neurons_here else ""
    kind: Kind = "root" if root else "node" if neurons_here else "constant" if constant else "leaf"
    return Cell(name, True, kind, " ".join(symbols), value, gradient, extra, "", counted, forward, exact,
                operations=tuple(symbols))  # fmt: skip


def _flows(
    groups: Sequence[Group], edges: Sequence[Edge], layers: Sequence[_Layer], owner: dict[int, int], digits: int
) -> list[Flow]:
    """Return one flow for each pair of layers with an edge between, in the order of the backward pass."""
    between: dict[tuple[int, int], list[Edge]] = {}
    for edge in edges:
        between.setdefault((-owner[edge.head], -owner[edge.tail]), []).append(edge)
    adjoint: dict[int, float] = dict.fromkeys(range(len(groups)), 0.0)
    upstream = {edge.head: edge.upstream for edge in edges}
    flows = []
    for (head, tail), parallel in sorted(between.items()):
        before = _norm(adjoint, layers[-tail])
        change: dict[int, float] = {}
        for edge in parallel:
            if edge.step:
                change[edge.tail] = change.get(edge.tail, 0.0) + edge.contribution
                adjoint[edge.tail] += edge.contribution
        size = math.hypot(*change.values())
        numbers = [math.hypot(*(upstream.get(k, 1.0) for k in layers[-head].members)), size, before,
                   _norm(adjoint, layers[-tail])]  # fmt: skip
        up, got, was, now = (numeral(number, digits) for number in numbers)
        shape = f"{len(layers[-head].members)}×{len(layers[-tail].members)}"
        rule = "σ′(z) ⊙ W" if layers[-head].depth else ""
        constant = not any(edge.step for edge in parallel)
        flows.append(Flow(-tail, -head, 0, shape, up, got, was, now, size, rule, shape if rule else "", constant))
    return flows


def _norm(adjoint: dict[int, float], layer: _Layer) -> float:
    return math.hypot(*(adjoint[k] for k in layer.members))


def layer_diagram(numbers: NetworkArrays, digits: int, caption: Line, direction: Direction, theme: str) -> Diagram:
    """Return the layers of a network as boxes, with the norms of their vectors, and W as an arrow between two."""

    def pair(a: Array, delta: Array, letters: str) -> tuple[Span, Span]:
        value, gradient = (
            f"‖{x}‖ {numeral(float(np.linalg.norm(of)), digits)}" for x, of in zip(letters, (a, delta), strict=True)
        )
        return Span(value, "value"), Span(gradient, "gradient")

    size = Span(f"{len(numbers.x)} values", "muted")
    boxes = [Box("l0", ((Span("inputs", bold=True), size), pair(numbers.x, numbers.dx, "x∇")), "leaf")]
    arrows = []
    for l, layer in enumerate(numbers.layers, 1):
        size = Span(f"{len(layer.W)} {layer.function or 'identity'}", "muted")
        rows = ((Span(f"layer {l}", bold=True), size), pair(layer.a, layer.delta, "aδ"))
        boxes.append(Box(f"l{l}", rows))
        label = ((Span(f"W{l} {layer.W.shape[0]}×{layer.W.shape[1]}", "value"),),)
        arrows.append(Arrow(f"l{l - 1}", f"l{l}", label))
    last = len(boxes) - 1
    cost = (Span("C", bold=True), Span(numeral(numbers.cost, digits), "value"))
    boxes.append(Box("c", (cost,), "root"))
    arrows.append(Arrow(f"l{last}", "c"))
    return Diagram(tuple(boxes), tuple(arrows), caption, direction, theme)
