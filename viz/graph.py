"""Static pictures of a graph, one box for each Value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autograd import Value

from .diagram import Arrow, Box, Diagram, Direction, Kind, Span
from .figure import Figure
from .style import THEMES, numeral, shortened
from .trace import Edge, Node, Trace, trace

__all__ = ["draw"]


def draw(
    root: Value,
    *,
    names: Mapping[str, Any] | None = None,
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
    _check(digits, rankdir, theme)
    traced = trace(root, names)
    if len(traced.nodes) > max_nodes:
        raise ValueError(f"{len(traced.nodes)} boxes are more than max_nodes = {max_nodes}: raise max_nodes")
    boxes = tuple(_box(traced, node, digits) for node in traced.nodes)
    arrows = tuple(_forward_arrow(traced, edge, digits) for edge in sorted(traced.edges, key=_forward_order))
    caption = f"value   ∇ ∂{shortened(traced.output)}/∂box   on arrows: ∂head/∂tail"
    return Figure(Diagram(boxes, arrows, caption, rankdir, theme))


def _check(digits: int, rankdir: str, theme: str) -> None:
    if isinstance(digits, bool) or not isinstance(digits, int) or not 1 <= digits <= 17:
        raise ValueError(f"digits must be an int from 1 to 17, got {digits!r}")
    if rankdir not in ("LR", "TB", "RL", "BT"):
        raise ValueError(f'rankdir must be "LR", "TB", "RL" or "BT", got {rankdir!r}')
    if theme not in THEMES:
        raise ValueError(f'theme must be "light" or "dark", got {theme!r}')


def _forward_order(edge: Edge) -> tuple[int, int]:
    return edge.head, edge.slot


def _box(traced: Trace, node: Node, digits: int) -> Box:
    if node.is_constant:
        text = numeral(node.data, digits)
        row = (Span(shortened(node.label), "muted"), Span(text, "muted"))
        return Box(f"n{node.index}", (row,), "constant", f"the number {node.data!r}")
    label = Span(shortened(node.label) if node.label else node.op.symbol if node.op else node.name, bold=True)
    made_by = Span(node.op.symbol if node.op and node.label else "", "muted")
    rows = [
        (label, made_by),
        (Span(numeral(node.data, digits), "value"), Span("∇ " + numeral(node.adjoint, digits), "gradient")),
    ]
    if node.remark:
        rows.append((Span("∇ " + node.remark, "gradient"), Span("")))
    if node.badges:
        rows.append((Span(" · ".join(node.badges), "warning"), Span("")))
    kind: Kind = "root" if node.index == traced.root else "node" if node.op else "leaf"
    return Box(f"n{node.index}", tuple(rows), kind, _tooltip(traced, node))


def _tooltip(traced: Trace, node: Node) -> str:
    made = f" = {node.op.name}(…)" if node.op else ""
    return f"{traced.name(node.index)[:2000]}{made}\nvalue {node.data!r}\n∇ {node.adjoint!r}"


def _forward_arrow(traced: Trace, edge: Edge, digits: int) -> Arrow:
    constant = traced.nodes[edge.tail].is_constant
    head, tail = shortened(traced.name(edge.head)), shortened(traced.name(edge.tail))
    tooltip = f"{tail} is a number: no gradient flows to it" if constant else f"∂{head}/∂{tail} = {edge.local!r}"
    return Arrow(
        f"n{edge.tail}",
        f"n{edge.head}",
        label="" if constant else numeral(edge.local, digits),
        tooltip=tooltip,
    )
