"""Static pictures of a graph: forward with its local derivatives, and backward with its contributions."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from autograd import Value

from .arrays import NetworkArrays, network_arrays
from .blocks import Blocks, layer_diagram
from .diagram import Arrow, Box, Diagram, Direction, Line, Span, joined
from .figure import Figure
from .fold import folded
from .layers import found_network, with_shared_inputs
from .level import Cell, Flow, Level, bracketed, neuron_level, value_level
from .style import THEMES, plain, shortened
from .trace import Trace, trace

__all__ = ["draw", "draw_backward"]

Row: TypeAlias = tuple[Span, Span]

LEVELS = ("value", "neuron", "layer", "auto")

LEGIBLE = 150
"""More boxes than this a person cannot read."""

MOST_TERMS = 4
"""A sum of more contributions than this is shown with its first ones and their number."""

SHORT = 18
"""A formula of more signs than this does not stand in the place of a name."""


def draw(
    root: Value,
    *,
    level: str = "value",
    names: Mapping[str, Any] | None = None,
    focus: Value | None = None,
    depth: int | None = None,
    fold: bool | None = None,
    digits: int = 4,
    rankdir: Direction = "LR",
    theme: str = "auto",
    max_nodes: int = 400,
) -> Figure:
    """Return the picture of the graph under `root`: arrows forward, value and gradient in each box.

    Each edge carries the local slope ∂head/∂tail; a Value used twice has two edges. The gradients are of a
    backward pass that the picture computes itself, so it is right before `backward()` too, and changes no `grad`.

    Args:
        root: The output.
        level: "value" or "neuron": what a box stands for; or "layer": the vectors and matrices of a network, values
            above and gradients below; "auto" is the finest that a person can read.
        names: Names for Values without a label, such as `locals()`.
        focus: Show only the paths from this Value to the output.
        depth: And of those only what lies at most this many edges from `focus`, or from the output without one.
        fold: Whether numbers stand in the formulas of the operations that take them, and a chain of unlabelled
            operations is one box, its arrow the product of their derivatives; by default in pictures of values with
            more than 150 boxes.
        digits: Significant digits.
        rankdir: Which way the arrows point: "LR", "TB", "RL" or "BT".
        theme: "light", "dark", or "auto" for that of the reader, as far as the format can follow it.
        max_nodes: Above this many boxes a ValueError says what to do instead.

    Raises:
        TypeError: If `root` is not a Value.
        ValueError: If an option is unknown, or there are more than `max_nodes` boxes.
        RuntimeError: If a leaf was assigned after a node that uses it was recorded.

    Example:
        >>> x = Value(3.0, "x")
        >>> draw(x * x).source.count("n0 -> n1")
        2
    """
    check_options(digits, rankdir, theme, max_nodes, level)
    traced = trace(root, names)
    if level != "value":
        traced = with_shared_inputs(traced)
    if layers := _layers(traced, level, digits, part=focus is not None or depth is not None):
        return layers_figure(layers, digits, rankdir, theme)
    drawn, shown = _selected(traced, level, digits, focus, depth, fold, max_nodes)
    boxes = _boxes(drawn, shown, lambda k: forward_rows(drawn.cells[k]))
    arrows = tuple(_forward_arrow(drawn, flow) for flow in _flows(drawn, shown))
    return Figure(Diagram(boxes, arrows, joined(*legend(drawn.output)), rankdir, theme))


def draw_backward(
    root: Value,
    *,
    level: str = "value",
    names: Mapping[str, Any] | None = None,
    focus: Value | None = None,
    depth: int | None = None,
    fold: bool | None = None,
    digits: int = 4,
    rankdir: Direction = "LR",
    theme: str = "auto",
    max_nodes: int = 400,
) -> Figure:
    """Return the picture of the backward pass: arrows from the output to the leaves, each with its contribution.

    On an arrow stands upstream × local slope, and what that is where it is not all that the box receives; its width
    grows with it, and it is dashed and slate where it is negative. A box that several arrows reach shows their sum,
    and #k says that it was the k-th to hand its gradient on. `rankdir` is the direction of the forward pass, so that
    the picture lies as that of `draw`; the other arguments and errors are those of `draw` too.

    Example:
        >>> x = Value(3.0, "x")
        >>> draw_backward(x * x).source.count("n1 -> n0")
        2
    """
    check_options(digits, rankdir, theme, max_nodes, level)
    traced = trace(root, names)
    if level != "value":
        traced = with_shared_inputs(traced)
    if layers := _layers(traced, level, digits, part=focus is not None or depth is not None):
        return layers_figure(layers, digits, rankdir, theme)
    drawn, shown = _selected(traced, level, digits, focus, depth, fold, max_nodes)
    turn = {head: k for k, head in enumerate(dict.fromkeys(flow.head for flow in drawn.flows), 1)}
    arriving: dict[int, list[Flow]] = defaultdict(list)
    for flow in drawn.flows:
        arriving[flow.tail].append(flow)
    boxes = _boxes(drawn, shown, lambda k: _backward_rows(drawn.cells[k], arriving[k], turn.get(k, 0)))
    flows = _flows(drawn, shown)
    largest = max((abs(flow.size) for flow in flows if math.isfinite(flow.size)), default=0.0)
    arrows = tuple(_backward_arrow(drawn, flow, largest, several=len(arriving[flow.tail]) > 1) for flow in flows)
    product = (Span("upstream", "gradient"), Span(" × ", "muted"), Span("local slope", "slope"), Span(" = ", "muted"),
               Span("contribution", "gradient"))  # fmt: skip
    value, gradient, _ = legend(drawn.output)
    caption = joined(value, gradient, product, Span("# order of the pass", "muted"))
    return Figure(Diagram(boxes, arrows, caption, rankdir, theme))


def legend(output: str) -> tuple[Span, Span, Span]:
    """Return what the three colours of a picture of boxes are."""
    gradient = Span(f"gradient ∂{shortened(output)}/∂·", "gradient")
    return Span("value", "value"), gradient, Span("local slope ∂out/∂in", "slope")


def check_options(digits: int, rankdir: str, theme: str, max_nodes: int, level: str) -> None:
    """Raise a ValueError that names the option that is wrong."""
    if isinstance(digits, bool) or not isinstance(digits, int) or not 1 <= digits <= 17:
        raise ValueError(f"digits must be an int from 1 to 17, got {digits!r}")
    if rankdir not in ("LR", "TB", "RL", "BT"):
        raise ValueError(f'rankdir must be "LR", "TB", "RL" or "BT", got {rankdir!r}')
    if theme not in THEMES:
        raise ValueError(f'theme must be "auto", "light" or "dark", got {theme!r}')
    if isinstance(max_nodes, bool) or not isinstance(max_nodes, int) or max_nodes < 1:
        raise ValueError(f"max_nodes must be a positive int, got {max_nodes!r}")
    if level not in LEVELS:
        raise ValueError(f'level must be "value", "neuron", "layer" or "auto", got {level!r}')


def _layers(traced: Trace, level: str, digits: int, *, part: bool) -> NetworkArrays | None:
    """Return the numbers of a network that is to be drawn by layers; None if it is to be drawn as boxes."""
    if level == "layer" and part:
        raise ValueError('level="layer" shows all layers: focus and depth go with boxes')
    if level == "auto" and not part and len(traced.nodes) > LEGIBLE:
        found = neuron_level(traced, digits)
        if found is None or len(found.cells) <= LEGIBLE:
            return None
    elif level != "layer":
        return None
    network = found_network(traced)
    if network is None and level == "layer":
        raise ValueError(
            'level="layer" needs neurons in layers, each of which weighs all of one before it: use level="neuron"'
        )
    return network_arrays(traced, network) if network else None


def layers_figure(numbers: NetworkArrays, digits: int, rankdir: Direction, theme: str) -> Figure:
    """Return the picture of a network by its layers; its DOT text has a box for each."""
    return Figure(layer_diagram(numbers, digits, rankdir, theme), Blocks(numbers, digits).svg)


def _level(traced: Trace, level: str, digits: int) -> Level:
    """Return the level that is asked for; "auto" is the finest that a person can read."""
    if level == "value" or (level == "auto" and len(traced.nodes) <= LEGIBLE):
        return value_level(traced, digits)
    found = neuron_level(traced, digits)
    if found is None and level == "neuron":
        raise ValueError('level="neuron" needs neurons, and there is no weighted sum of this shape: use level="value"')
    return found or value_level(traced, digits)


def _selected(
    traced: Trace,
    level: str,
    digits: int,
    focus: Value | None,
    depth: int | None,
    fold: bool | None,
    max_nodes: int,
) -> tuple[Level, frozenset[int]]:
    """Return the level that is asked for, and the indices of its cells to draw."""
    if depth is not None and (isinstance(depth, bool) or not isinstance(depth, int) or depth < 0):
        raise ValueError(f"depth must be an int from 0, got {depth!r}")
    if fold is not None and not isinstance(fold, bool):
        raise ValueError(f"fold must be True, False or None, got {fold!r}")
    drawn = _level(traced, level, digits)
    forward, backward = defaultdict(list), defaultdict(list)
    for flow in drawn.flows:
        forward[flow.tail].append(flow.head)
        backward[flow.head].append(flow.tail)
    shown = frozenset(range(len(drawn.cells)))
    start = None
    if focus is not None:
        start = next((k for k, cell in enumerate(drawn.cells) if cell.source is focus), None)
        if start is None:
            raise ValueError(f"focus must be a Value that is drawn at this level, got {plain(repr(focus))[:80]}")
        shown = _reached(start, forward, depth)
    elif depth is not None:
        shown = _reached(drawn.root, backward, depth)
    if drawn.name == "value" and (len(shown) > LEGIBLE if fold is None else fold):
        drawn, shown = folded(drawn, traced, digits, shown, start)
    if len(shown) > max_nodes:
        raise ValueError(
            f"{len(shown)} boxes are more than max_nodes = {max_nodes}, and more than a person can read: "
            'draw level="neuron" or level="layer", a part with focus=… and depth=…, or raise max_nodes'
        )
    return drawn, shown


def _reached(start: int, neighbours: Mapping[int, list[int]], depth: int | None) -> frozenset[int]:
    reached, edge_of = {start}, [start]
    while edge_of and depth != 0:
        edge_of = [n for n in dict.fromkeys(n for k in edge_of for n in neighbours[k]) if n not in reached]
        reached.update(edge_of)
        depth = None if depth is None else depth - 1
    return frozenset(reached)


def _flows(level: Level, shown: frozenset[int]) -> list[Flow]:
    """Return the flows to draw, in the order of the forward pass."""
    flows = [flow for flow in level.flows if flow.head in shown and flow.tail in shown]
    return sorted(flows, key=lambda flow: (flow.head, flow.slot))


def _boxes(level: Level, shown: frozenset[int], rows: Callable[[int], list[Row]]) -> tuple[Box, ...]:
    return tuple(box(k, cell, rows(k)) for k, cell in enumerate(level.cells) if k in shown)


def box(index: int, cell: Cell, rows: list[Row]) -> Box:
    """Return a cell's box: its rows, its remark and its badges; of a number only what it is."""
    key = f"n{index}"
    if cell.kind == "constant":
        row = (Span(shortened(cell.name) if cell.named else "", "muted"), Span(cell.value, "muted"))
        return Box(key, (row,), "constant", f"the number {cell.exact[0]}, which has no gradient")
    if cell.remark:
        rows.append((Span("∇ " + cell.remark, "gradient"), Span("")))
    rows += [(Span(badge, "warning"), Span("")) for badge in cell.badges]
    tooltip = "\n".join(part for part in (cell.name[:4000], cell.forward, *map(" ".join, _exact(cell))) if part)
    return Box(key, tuple(rows), cell.kind, tooltip)


def _exact(cell: Cell) -> list[tuple[str, str]]:
    return [("value", cell.exact[0]), ("∇", cell.exact[1])]


def label(cell: Cell) -> Span:
    """Return a cell's name, bold, if it was given; else what it computes, or the name that was counted, if too long."""
    return Span(shortened(cell.name if cell.named else computed(cell) or cell.name), "ink", bold=cell.named)


def computed(cell: Cell) -> str:
    """Return what a cell without a name of its own computes, if that is short."""
    formula = cell.forward.split(" = ")[0]
    return formula if not cell.named and len(formula) <= SHORT else ""


def below_label(cell: Cell) -> str:
    """Return the operation below a name; below what a cell computes the name that was counted."""
    return cell.name if computed(cell) else cell.symbol


def forward_rows(cell: Cell) -> list[Row]:
    """Return name and value, operation and gradient, and what else a cell has to say."""
    return _rows(cell, below_label(cell), cell.gradient)


def _rows(cell: Cell, left: str, gradient: str) -> list[Row]:
    rows = [(label(cell), Span(cell.value, "value")), (Span(left, "muted"), Span(gradient, "gradient"))]
    return rows + [(Span(value, "muted"), Span(slope, "gradient")) for value, slope in cell.extra]


def _backward_rows(cell: Cell, arriving: list[Flow], turn: int) -> list[Row]:
    parts = [flow.contribution for flow in arriving]
    if len(parts) > MOST_TERMS:
        parts = [*parts[: MOST_TERMS - 1], f"… ({len(parts)} terms)"]
    terms = " + ".join(parts).replace("+ −", "− ")
    gradient = f"{terms} = {cell.gradient}" if len(parts) > 1 else cell.gradient
    return _rows(cell, f"{below_label(cell)} #{turn}" if turn else below_label(cell), gradient)


def _forward_arrow(level: Level, flow: Flow) -> Arrow:
    head, tail = (shortened(level.cells[k].name) for k in (flow.head, flow.tail))
    ends = (f"n{flow.tail}", f"n{flow.head}")
    if flow.is_constant:
        return Arrow(*ends, tooltip=f"{tail} is a number, which has no gradient")
    return Arrow(*ends, ((Span(flow.local, "slope"),),), "value", tooltip=f"∂{head}/∂{tail} = {_rule(flow)}")


def _backward_arrow(level: Level, flow: Flow, largest: float, *, several: bool) -> Arrow:
    """Return the arrow of a contribution, with its number where it is one of several and not the gradient itself."""
    ends = (f"n{flow.head}", f"n{flow.tail}")
    if flow.is_constant:
        return Arrow(*ends, width=0.7, tooltip="no gradient flows to a number", tip=False, backward=True)
    head, tail, output = (shortened(level.cells[k].name) for k in (flow.head, flow.tail, level.root))
    product = f"{flow.upstream} × {bracketed(flow.local)} = {flow.contribution}"
    tooltip = f"∂{output}/∂{tail} += ∂{output}/∂{head} · ∂{head}/∂{tail} = {product}"
    if flow.rule:
        tooltip += f", where ∂{head}/∂{tail} = {_rule(flow)}"
    label: Line = (Span(flow.upstream, "gradient"), Span(" × ", "muted"), Span(bracketed(flow.local), "slope"))
    if several:
        label += (Span(" = ", "muted"), Span(flow.contribution, "gradient"))
    return Arrow(
        *ends,
        label=(label,),
        tone="edge" if flow.size == 0.0 else "negative" if flow.size < 0.0 else "gradient",
        width=thickness(flow.size, largest),
        dashed=flow.size < 0.0,
        tooltip=tooltip,
        backward=True,
    )


def _rule(flow: Flow) -> str:
    """Return a local derivative as its formula, the formula with numbers, and the number."""
    return " = ".join(dict.fromkeys(part for part in (flow.rule, flow.numbers, flow.local) if part))


def thickness(size: float, largest: float) -> float:
    """Return the width of a line for a quantity, from 0.8 to 4 pixels by the root of its part of the largest."""
    if not largest or not math.isfinite(size):
        return 0.8
    return 0.8 + 3.2 * math.sqrt(min(1.0, abs(size) / largest))
