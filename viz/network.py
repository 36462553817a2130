"""The picture of a network: a box for each neuron, layers as columns, weights as lines; a large one as tiles."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from autograd import Value, total
from nn import MLP, Module

from .arrays import NetworkArrays, network_arrays
from .blocks import layer_diagram
from .diagram import Arrow, Box, Diagram, Direction, Line, Span, Stroke, joined
from .figure import Figure
from .graph import check_options, thickness
from .layers import found_network, refuse_unfit, with_shared_inputs
from .neurons import Neuron, neurons
from .style import numeral, shortened
from .tiles import MANY, Tiles, wrapped
from .trace import Node, Trace, trace

__all__ = ["draw_network"]

CROWD = 100
"""Of more lines than this, each is thinner, and those of little size are pale."""

LABELLED = 24
"""Up to so many weights each line has its number beside it."""


@dataclass(frozen=True, slots=True)
class _Unit:
    """A neuron, with everything it did: once for each example of an unrolled batch."""

    runs: tuple[Neuron, ...]
    place: int

    @property
    def first(self) -> Neuron:
        return self.runs[0]


def draw_network(
    model: Module | Value,
    loss: Value | None = None,
    *,
    weight: str = "",
    image: tuple[int, int] | None = None,
    classes: Sequence[str] = (),
    digits: int = 3,
    rankdir: Direction = "LR",
    theme: str = "auto",
    max_nodes: int = 400,
) -> Figure:
    """Return the picture of a network: its neurons in columns, layer by layer, with δ in each.

    A neuron shows a above δ, a line w above ∂C/∂w; a line's width grows with one of these, and it is dashed and slate
    where that is negative. Neurons
    are found by `autograd.lift`, so a network that was written without `nn` can be drawn as well: pass its loss alone.
    If the loss averages several examples, δ is summed over them (it is ∂C/∂b then) and a is their mean.

    A network with a layer of more than 20 neurons or inputs, or with an `image`, is drawn as tiles: what each neuron
    weighs, below it ∂C/∂W, beside them the input over ∂C/∂input and the outputs over their δ. Areas are sizes. The DOT
    text has a box for each layer then.

    Args:
        model: An `nn` model; or the output of any graph, if there is no model.
        loss: The loss of one or several examples; without it, only weights are shown.
        weight: What lines show: "grad" or "value"; by default the gradient if there is a loss.
        image: Rows and columns, if the input is an image.
        classes: Names of the outputs, for a picture of tiles.
        digits: Significant digits.
        rankdir: Which way the network points: "LR", "TB", "RL" or "BT".
        theme: "light", "dark", or "auto" for that of the reader, as far as the format can follow it.
        max_nodes: Above this many boxes a ValueError says so.

    Raises:
        TypeError: If `model` is neither a module nor a Value, or `loss` not a Value.
        ValueError: If an option is unknown or does not fit the network, or there are no neurons, or too many.
        RuntimeError: If a leaf was assigned after a node that uses it was recorded.
    """
    check_options(digits, rankdir, theme, max_nodes, "neuron")
    root, with_loss = _root(model, loss)
    weight = weight or ("grad" if with_loss else "value")
    if weight not in ("grad", "value") or (weight == "grad" and not with_loss):
        raise ValueError(f'weight must be "value", or "grad" where there is a loss, got {weight!r}')
    traced = with_shared_inputs(trace(root))
    units = _units(traced, None if isinstance(model, Value) else model)
    numbers = _tiled(traced, units, image, classes)
    if numbers is not None:
        tiles = Tiles(numbers, image or wrapped(len(numbers.x)), classes, digits, with_loss=with_loss)
        return Figure(layer_diagram(numbers, digits, rankdir, theme), tiles.svg)
    inputs = _inputs(units)
    count = len(units) + len(inputs)
    if count > max_nodes:
        raise ValueError(
            f'{count} neurons are more than max_nodes = {max_nodes}: draw level="layer", or raise max_nodes'
        )
    network = _Network(traced, units, inputs, with_loss, weight, digits)
    meaning = "∂C/∂w" if weight == "grad" else "w"
    parts = [Span(f"line: {meaning}, wider = larger, dashed = negative", "muted")]
    if with_loss:
        summed = " summed over the examples" if len(units[0].runs) > 1 else ""
        parts = [Span("a", "value"), Span(f"δ = ∂C/∂z{summed}", "gradient"), *parts]
    caption = joined(*parts)
    return Figure(Diagram(tuple(network.boxes()), (*network.arrows(), *network.joins()), caption, rankdir, theme))


def _tiled(
    traced: Trace, units: Sequence[_Unit], image: tuple[int, int] | None, classes: Sequence[str]
) -> NetworkArrays | None:
    """Return the numbers of a network that is drawn as tiles; None of one that is drawn as boxes."""
    widest = Counter(unit.first.depth for unit in units).most_common(1)[0][1]
    asked = image is not None or bool(classes)
    if not asked and max(widest, len(_inputs(units))) <= MANY:
        return None
    network = found_network(traced)
    if network is not None and sum(network.sizes[1:]) != len(units):
        network = None  # it is more than the model
    if asked:
        refuse_unfit(network, image, classes)
    return network_arrays(traced, network) if network else None


def _root(model: Module | Value, loss: Value | None) -> tuple[Value, bool]:
    """Return the output to trace, and whether it is a loss."""
    if loss is not None and not isinstance(loss, Value):
        raise TypeError(f"loss must be a Value, got a {type(loss).__name__}")
    if isinstance(model, Value):
        if loss is not None:
            raise TypeError("draw_network takes a model and its loss, or one Value")
        return model, True
    if not isinstance(model, Module):
        raise TypeError(f"draw_network takes a model or a Value, got a {type(model).__name__}")
    if loss is not None:
        return loss, True
    if not isinstance(model, MLP):
        raise ValueError("a model of your own is drawn from its loss: draw_network(model, loss)")
    return total(model([0.0] * model.layers[0].n_in)), False


def _units(traced: Trace, model: Module | None) -> tuple[_Unit, ...]:
    """Return the neurons, those with the same weights as one; of a model, only those with its parameters."""
    own = None if model is None else {id(value) for value in model.parameters()}
    runs: dict[tuple[tuple[int, ...], tuple[int, ...]], list[Neuron]] = {}
    for neuron in neurons(traced):
        weights = [traced.nodes[k].value for k in neuron.weights]
        if own is None or all(id(value) in own for value in weights):
            runs.setdefault((neuron.weights, neuron.biases), []).append(neuron)
    if not runs:
        whose = "of this model " if model is not None else ""
        raise ValueError(f"there are no neurons {whose}in this graph: no weighted sums of the kind Σ w·a + b")
    count: dict[int, int] = {}
    units = []
    for group in runs.values():
        depth = group[0].depth
        units.append(_Unit(tuple(group), count.get(depth, 0)))
        count[depth] = units[-1].place + 1
    return tuple(sorted(units, key=lambda unit: (unit.first.depth, unit.place)))


def _inputs(units: Sequence[_Unit]) -> tuple[int, ...]:
    """Return the sources that are no neurons, of each unit's first run, in the order of the weights."""
    outs = {run.out for unit in units for run in unit.runs}
    return tuple(dict.fromkeys(s for unit in units for s in unit.first.sources if s not in outs))


class _Network:
    """Boxes and lines from units."""

    def __init__(
        self, traced: Trace, units: Sequence[_Unit], inputs: Sequence[int], with_loss: bool, weight: str, digits: int
    ) -> None:
        self.traced, self.units, self.inputs = traced, units, inputs
        self.with_loss, self.digits = with_loss, digits
        self.weight = weight
        self.keys = {source: f"i{k}" for k, source in enumerate(inputs)}
        self.keys |= {run.out: f"u{k}" for k, unit in enumerate(units) for run in unit.runs}
        self.single = all(len(unit.runs) == 1 for unit in units)

    def boxes(self) -> list[Box]:
        """Return the inputs' boxes and the neurons', those of what is weighed without being either between them."""
        depths = {source: self._depth(source) for source in self.inputs}
        columns = sorted({*depths.values(), *(unit.first.depth for unit in self.units)})
        boxes = [self._input(k, source, columns.index(depths[source])) for k, source in enumerate(self.inputs)]
        return boxes + [self._unit(k, unit, columns.index(unit.first.depth)) for k, unit in enumerate(self.units)]

    def _depth(self, source: int) -> float:
        """Return how deep an input stands: first, or just before the neurons that weigh it if it was computed."""
        if self.traced.nodes[source].op is None:
            return 0.0
        return min(unit.first.depth for unit in self.units if source in unit.first.sources) - 0.5

    def joins(self) -> list[Arrow]:
        """Return a pale line to what was computed and is weighed from each box that it is made of."""
        lines = []
        for source in (k for k in self.inputs if self.traced.nodes[k].op):
            waiting, seen = [source], {source}
            while waiting:
                for k in self.traced.nodes[waiting.pop()].edges_in:
                    tail = self.traced.edges[k].tail
                    if tail in self.keys:
                        lines.append(Arrow(self.keys[tail], self.keys[source], width=0.8, tip=False))
                    elif tail not in seen:
                        waiting.append(tail)
                    seen.add(tail)
        return list(dict.fromkeys(lines))

    def _input(self, k: int, source: int, column: int) -> Box:
        node = self.traced.nodes[source]
        name = node.label or (self.traced.name(source) if node.op else f"x[{k}]")
        known = self.with_loss and self.single
        rows = [(Span(shortened(name), bold=True), self._value(node.data) if known else Span(""))]
        if known:
            gradient = self._handed_back(source) if node.is_constant else node.adjoint
            rows.append((Span(node.op.symbol if node.op else "", "muted"), self._gradient(gradient)))
        tooltip = f"{name}\nvalue {node.data!r}" if known else ""
        return Box(f"i{k}", tuple(rows), "node" if node.op else "leaf", tooltip, column)

    def _handed_back(self, source: int) -> float:
        """Return ∂C/∂x of an input that is a number, which has no gradient in the graph: Σ w δ."""
        nodes = self.traced.nodes
        return math.fsum(
            nodes[w].data * nodes[unit.first.z].adjoint
            for unit in self.units
            for w, of in zip(unit.first.weights, unit.first.sources, strict=True)
            if of == source
        )

    def _unit(self, k: int, unit: _Unit, column: int) -> Box:
        nodes = self.traced.nodes
        op = unit.first.activation(self.traced)
        name = nodes[unit.first.out].label or f"neuron {unit.first.depth}.{unit.place}"
        a = math.fsum(nodes[run.out].data for run in unit.runs) / len(unit.runs)
        delta = math.fsum(nodes[run.z].adjoint for run in unit.runs)
        biases = [nodes[k].data for k in unit.first.biases]
        tooltip = [name, f"bias {' + '.join(map(repr, biases))}" if biases else "no bias"]
        title, function = Span(shortened(name), bold=True), Span(op.name if op else "identity", "muted")
        if self.with_loss:
            rows = [(title, self._value(a)), (function, self._gradient(delta))]
            tooltip += [f"a {a!r}", f"δ {delta!r}"]
        else:
            rows = [(title, Span("")), (function, self._value(math.fsum(biases), "b ") if biases else Span(""))]
        badges = dict.fromkeys(badge for run in unit.runs for badge in (*nodes[run.out].badges, *nodes[run.z].badges))
        rows += [(Span(badge, "warning"), Span("")) for badge in badges] if self.single and self.with_loss else []
        return Box(f"u{k}", tuple(rows), "node", "\n".join(tooltip), column)

    def _value(self, number: float, name: str = "") -> Span:
        return Span(name + numeral(number, self.digits), "value")

    def _gradient(self, number: float) -> Span:
        return Span(numeral(number, self.digits), "gradient")

    def arrows(self) -> list[Arrow]:
        """Return a line for each weight."""
        nodes = self.traced.nodes
        lines = [
            (self.keys[source], f"u{k}", nodes[w])
            for k, unit in enumerate(self.units)
            for w, source in zip(unit.first.weights, unit.first.sources, strict=True)
        ]
        sizes = [math.nan if w.is_constant and self.weight == "grad" else self._size(w.index) for _, _, w in lines]
        largest = max((abs(size) for size in sizes if math.isfinite(size)), default=0.0)
        tone: Stroke = "gradient" if self.weight == "grad" else "value"
        labelled = len(lines) <= LABELLED
        crowd = max(1.0, len(lines) / CROWD) ** 0.5
        return [
            Arrow(
                tail,
                head,
                label=self._label(w) if labelled else (),
                tone="edge" if not size or math.isnan(size) else "negative" if size < 0.0 else tone,
                width=thickness(size, largest) / crowd,
                opacity=1.0 if crowd == 1.0 else _opacity(size, largest),
                dashed=size < 0.0,
                tooltip=f"{shortened(w.name)} = {w.data!r}" + (f"\n∂C/∂w = {w.adjoint!r}" if self.with_loss else ""),
                tip=False,
            )
            for (tail, head, w), size in zip(lines, sizes, strict=True)
        ]

    def _label(self, weight: Node) -> tuple[Line, ...]:
        """Return a weight above its gradient."""
        value = (self._value(weight.data),)
        return (value, (self._gradient(weight.adjoint),)) if self.with_loss and not weight.is_constant else (value,)

    def _size(self, weight: int) -> float:
        node = self.traced.nodes[weight]
        return node.adjoint if self.weight == "grad" else node.data


def _opacity(size: float, largest: float) -> float:
    return 0.12 + 0.6 * min(1.0, abs(size) / largest) if largest and math.isfinite(size) else 0.12
