"""Static pictures of a graph: forward with its local derivatives, and backward with its contributions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from autograd import Value

from .diagram import Arrow, Box, Diagram, Direction, Kind, Span
from .figure import Figure
from .style import THEMES, numeral, shortened
from .trace import Edge, Node, Trace, trace

__all__ = ["draw", "draw_backward"]

MOST_TERMS = 4
"""A sum of more contributions than this is shown with its first ones and their number."""


def draw(
    root: Value,
    *,
    names: Mapping[str, Any] | None = None,
    focus: Value | None = None,
    depth: int | None = None,
    digits: int = 4,
    rankdir: Direction = "LR",
    theme: str = "light",
    max_nodes: int = 400,
) -> Figure:
    """Return the picture of the graph under `root`: arrows forward, value and gradient in each box.

    Each edge carries the local derivative ∂head/∂tail; a Value used twice has two edges. The gradients are of a
    backward pass that the picture computes itself, so it is right before `backward()` too, and changes no `grad`.

    Args:
        root: The output.
        names: Names for Values without a label, such as `locals()`.
        focus: Show only the paths from this Value to the output.
        depth: And of those only what lies at most this many edges from `focus`, or from the output without one.
        digits: Significant digits.
        rankdir: Which way the arrows point: "LR", "TB", "RL" or "BT".
        theme: "light" or "dark".
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
    check_options(digits, rankdir, theme, max_nodes)
    traced = trace(root, names)
    shown = _shown(traced, focus, depth, max_nodes)
    boxes = tuple(_box(traced, node, _rows(node, digits), digits) for node in traced.nodes if node.index in shown)
    arrows = tuple(_forward_arrow(traced, edge, digits) for edge in _arrows(traced, shown))
    caption = f"value    ∇ = ∂{shortened(traced.output)}/∂box    beside an arrow: ∂head/∂tail"
    return Figure(Diagram(boxes, arrows, caption, rankdir, theme))


def draw_backward(
    root: Value,
    *,
    names: Mapping[str, Any] | None = None,
    focus: Value | None = None,
    depth: int | None = None,
    digits: int = 4,
    rankdir: Direction = "LR",
    theme: str = "light",
    max_nodes: int = 400,
) -> Figure:
    """Return the picture of the backward pass: arrows from the output to the leaves, each with its contribution.

    Beside an arrow stands upstream × local = contribution; its width grows with the contribution, and a negative one
    is dashed and of the other colour. A box that several arrows reach shows their sum, and #k says that it was the
    k-th to hand its gradient on. `rankdir` is the direction of the forward pass, so that the picture lies as that of
    `draw`; the other arguments and errors are those of `draw` too.

    Example:
        >>> x = Value(3.0, "x")
        >>> draw_backward(x * x).source.count('label="1 × 3 = 3"')
        2
    """
    check_options(digits, rankdir, theme, max_nodes)
    traced = trace(root, names)
    shown = _shown(traced, focus, depth, max_nodes)
    turn = {index: k for k, index in enumerate(dict.fromkeys(edge.head for edge in traced.edges), 1)}
    boxes = tuple(
        _box(traced, node, _backward_rows(traced, node, turn.get(node.index, 0), digits), digits)
        for node in traced.nodes
        if node.index in shown
    )
    edges = _arrows(traced, shown)
    largest = max((abs(e.contribution) for e in edges if e.step and math.isfinite(e.contribution)), default=0.0)
    arrows = tuple(_backward_arrow(traced, edge, largest, digits) for edge in edges)
    caption = "beside an arrow: upstream × local = contribution    ∇ sums what arrives    # order of the backward pass"
    return Figure(Diagram(boxes, arrows, caption, rankdir, theme))


def check_options(digits: int, rankdir: str, theme: str, max_nodes: int) -> None:
    """Raise a ValueError that names the option that is wrong."""
    if isinstance(digits, bool) or not isinstance(digits, int) or not 1 <= digits <= 17:
        raise ValueError(f"digits must be an int from 1 to 17, got {digits!r}")
    if rankdir not in ("LR", "TB", "RL", "BT"):
        raise ValueError(f'rankdir must be "LR", "TB", "RL" or "BT", got {rankdir!r}')
    if theme not in THEMES:
        raise ValueError(f'theme must be "light" or "dark", got {theme!r}')
    if isinstance(max_nodes, bool) or not isinstance(max_nodes, int) or max_nodes < 1:
        raise ValueError(f"max_nodes must be a positive int, got {max_nodes!r}")


def _shown(traced: Trace, focus: Value | None, depth: int | None, max_nodes: int) -> frozenset[int]:
    """Return the indices of the nodes to draw."""
    if depth is not None and (isinstance(depth, bool) or not isinstance(depth, int) or depth < 0):
        raise ValueError(f"depth must be an int from 0, got {depth!r}")
    if focus is not None:
        start = next((node.index for node in traced.nodes if node.value is focus), None)
        if start is None:
            raise ValueError(f"focus must be a Value that the output depends on, got {focus!r:.200}")
        shown = _reached(start, {n.index: [traced.edges[e].head for e in n.edges_out] for n in traced.nodes}, depth)
    elif depth is not None:
        inward = {n.index: [traced.edges[e].tail for e in n.edges_in] for n in traced.nodes}
        shown = _reached(traced.root, inward, depth)
    else:
        shown = frozenset(range(len(traced.nodes)))
    if len(shown) > max_nodes:
        raise ValueError(
            f"{len(shown)} boxes are more than max_nodes = {max_nodes}, and more than a person can read: "
            'draw neurons with level="neuron", a part with focus=… and depth=…, or raise max_nodes'
        )
    return shown


def _reached(start: int, neighbours: Mapping[int, list[int]], depth: int | None) -> frozenset[int]:
    reached, edge_of = {start}, [start]
    while edge_of and depth != 0:
        edge_of = [n for n in dict.fromkeys(n for k in edge_of for n in neighbours[k]) if n not in reached]
        reached.update(edge_of)
        depth = None if depth is None else depth - 1
    return frozenset(reached)


def _arrows(traced: Trace, shown: frozenset[int]) -> list[Edge]:
    """Return the edges to draw, in the order of the forward pass."""
    edges = [edge for edge in traced.edges if edge.head in shown and edge.tail in shown]
    return sorted(edges, key=lambda edge: (edge.head, edge.slot))


def _rows(node: Node, digits: int) -> list[tuple[Span, Span]]:
    rows = [
        (_label(node), Span(node.op.symbol if node.op else "", "muted")),
        (Span(numeral(node.data, digits), "value"), Span("∇ " + numeral(node.adjoint, digits), "gradient")),
    ]
    if node.remark:
        rows.append((Span("∇ " + node.remark, "gradient"), Span("")))
    return rows


def _label(node: Node) -> Span:
    return Span(shortened(node.name), "ink" if node.label else "muted", bold=bool(node.label))


def _backward_rows(traced: Trace, node: Node, turn: int, digits: int) -> list[tuple[Span, Span]]:
    parts = [numeral(traced.edges[k].contribution, digits) for k in node.edges_out]
    total = numeral(node.adjoint, digits)
    if len(parts) > MOST_TERMS:
        parts = [*parts[: MOST_TERMS - 1], f"… ({len(parts)} terms)"]
    terms = " + ".join(parts).replace("+ −", "− ")
    rows = [
        (_label(node), Span(f"#{turn}" if turn else "", "muted")),
        (Span(numeral(node.data, digits), "value"), Span(node.op.symbol if node.op else "", "muted")),
        (Span(f"∇ {terms} = {total}" if len(parts) > 1 else f"∇ {total}", "gradient"), Span("")),
    ]
    if node.remark:
        rows.append((Span("∇ " + node.remark, "gradient"), Span("")))
    return rows


def _box(traced: Trace, node: Node, rows: list[tuple[Span, Span]], digits: int) -> Box:
    """Return a node's box: its rows and badges, or only its number."""
    key = f"n{node.index}"
    if node.is_constant:
        row = (Span(shortened(node.label), "muted"), Span(numeral(node.data, digits), "muted"))
        return Box(key, (row,), "constant", f"the number {node.data!r}, which has no gradient")
    if node.badges:
        rows.append((Span(" · ".join(node.badges), "warning"), Span("")))
    kind: Kind = "root" if node.index == traced.root else "node" if node.op else "leaf"
    return Box(key, tuple(rows), kind, _tooltip(node))


def _tooltip(node: Node) -> str:
    made = f" = {node.op.name}(…)" if node.op else ""
    return f"{node.name}{made}\nvalue {node.data!r}\n∇ {node.adjoint!r}"


def _forward_arrow(traced: Trace, edge: Edge, digits: int) -> Arrow:
    head, tail = shortened(traced.name(edge.head)), shortened(traced.name(edge.tail))
    tooltip = f"∂{head}/∂{tail} = {edge.local!r}" if edge.step else f"{tail} is a number, which has no gradient"
    label = numeral(edge.local, digits) if edge.step else ""
    return Arrow(f"n{edge.tail}", f"n{edge.head}", label, tooltip=tooltip)


def _backward_arrow(traced: Trace, edge: Edge, largest: float, digits: int) -> Arrow:
    ends = (f"n{edge.head}", f"n{edge.tail}")
    if not edge.step:
        return Arrow(*ends, width=0.7, tooltip="no gradient flows to a number", backward=True)
    head, tail, output = (shortened(name) for name in (traced.name(edge.head), traced.name(edge.tail), traced.output))
    product = f"{numeral(edge.upstream, digits)} × {bracketed(edge.local, digits)}"
    result = numeral(edge.contribution, digits)
    negative = edge.contribution < 0.0
    return Arrow(
        *ends,
        label=f"{product} = {result}",
        tone="edge" if edge.contribution == 0.0 else "negative" if negative else "positive",
        width=thickness(edge.contribution, largest),
        dashed=negative,
        tooltip=f"∂{output}/∂{tail} += ∂{output}/∂{head} · ∂{head}/∂{tail} = {product} = {result}",
        backward=True,
    )


def bracketed(number: float, digits: int) -> str:
    """Return a number as the second factor of a product: a negative one in parentheses."""
    text = numeral(number, digits)
    return f"({text})" if text.startswith("−") else text


def thickness(size: float, largest: float) -> float:
    """Return the width of a line for a quantity, from 0.8 to 4 pixels by the root of its part of the largest."""
    if not largest or not math.isfinite(size):
        return 0.8
    return 0.8 + 3.2 * math.sqrt(min(1.0, abs(size) / largest))
