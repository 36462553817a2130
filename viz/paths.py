"""The picture of an explanation: the largest paths from one Value to the output, over all others."""

from __future__ import annotations

import math

from autograd import Explanation, Value

from .diagram import Arrow, Diagram, Direction, Line, Span, joined
from .figure import Figure
from .graph import box, check_options, forward_rows, thickness
from .level import Cell, value_level
from .style import numeral, shortened
from .trace import trace

__all__ = ["draw_paths"]


def draw_paths(
    explanation: Explanation,
    *,
    digits: int = 4,
    rankdir: Direction = "LR",
    theme: str = "auto",
    max_nodes: int = 400,
) -> Figure:
    """Return the picture of the paths behind one gradient, as `autograd.explain` found them.

    Boxes are the Values between `wrt` and the output. An arrow on one of the listed paths is coloured by the sign of
    what passes through it, as wide as that is large, and carries the local derivative and the sum of the products of
    the listed paths through it; all other arrows are pale. Where there are more boxes than `max_nodes`, only those on
    listed paths are drawn.

    Args:
        explanation: What `autograd.explain` returned.
        digits: Significant digits.
        rankdir: Which way the arrows point: "LR", "TB", "RL" or "BT".
        theme: "light", "dark", or "auto" for that of the reader, as far as the format can follow it.
        max_nodes: Above this many boxes a ValueError says what to do instead.

    Raises:
        TypeError: If `explanation` is something else.
        ValueError: If an option is unknown, or the listed paths alone have more than `max_nodes` boxes.
        RuntimeError: If a leaf was assigned after a node that uses it was recorded.

    Example:
        >>> from autograd import Value, explain
        >>> x = Value(3.0, "x")
        >>> draw_paths(explain(x * x, x)).source.count("n0 -> n1")
        2
    """
    if not isinstance(explanation, Explanation):
        raise TypeError(f"draw_paths needs what autograd.explain returns, got {explanation!r}")
    check_options(digits, rankdir, theme, max_nodes, "value")
    traced = trace(explanation.output, _names(explanation))
    cells = value_level(traced, digits, with_rules=False).cells
    index = {id(node.value): node.index for node in traced.nodes if node.value is not None}
    through = _through(explanation, index)
    listed = {index[id(explanation.wrt)], index[id(explanation.output)], *(end for key in through for end in key[:2])}
    shown = {k for value, k in index.items() if value in explanation.names} | listed
    if len(shown) > max_nodes:
        shown = listed
    if len(shown) > max_nodes:
        raise ValueError(
            f"the listed paths have {len(shown)} boxes, more than max_nodes = {max_nodes}: "
            "explain fewer paths with top=…, or raise max_nodes"
        )
    boxes = tuple(box(k, cells[k], forward_rows(cells[k])) for k in sorted(shown))
    largest = max(map(abs, through.values()), default=0.0)
    edges = sorted((edge.tail, edge.head, edge.slot, edge.local) for edge in traced.edges)
    arrows = tuple(
        _arrow(cells, key, numeral(local, digits), through.get(key), largest, digits)
        for *key_, local in edges
        if (key := (key_[0], key_[1], key_[2])) and key[0] in shown and key[1] in shown
    )
    return Figure(Diagram(boxes, arrows, _caption(explanation, digits), rankdir, theme))


def _names(explanation: Explanation) -> dict[str, Value]:
    """Return the names of the explanation for Values without a label, so that text and picture agree."""
    values = [node.value for node in trace(explanation.output).nodes]
    return {
        explanation.name(value): value
        for value in values
        if value is not None and not value.label and id(value) in explanation.names
    }


def _through(explanation: Explanation, index: dict[int, int]) -> dict[tuple[int, int, int], float]:
    """Return, for every edge on a listed path, the sum of the products of the listed paths through it."""
    through: dict[tuple[int, int, int], float] = {}
    for path in explanation.paths:
        for step in path.steps:
            key = (index[id(step.operand)], index[id(step.node)], step.place)
            through[key] = through.get(key, 0.0) + path.product
    return through


def _arrow(
    cells: tuple[Cell, ...], key: tuple[int, int, int], local: str, sum_: float | None, largest: float, digits: int
) -> Arrow:
    tail, head, _ = key
    ends = (f"n{tail}", f"n{head}")
    story = f"∂{shortened(cells[head].name)}/∂{shortened(cells[tail].name)} = {local}"
    slope = Span(local, "slope")
    if sum_ is None:
        return Arrow(*ends, label=((slope,),), opacity=0.35, width=0.8, tooltip=f"{story}, on no listed path")
    total = numeral(sum_, digits)
    return Arrow(
        *ends,
        label=((slope, Span(f" ({total})", "gradient")),),
        tone="negative" if sum_ < 0.0 else "gradient",
        width=thickness(sum_, largest),
        dashed=sum_ < 0.0,
        tooltip=f"{story}; listed paths through it sum to {total}",
    )


def _caption(explanation: Explanation, digits: int) -> Line:
    shown = f"{len(explanation.paths)} of {explanation.count} paths" if explanation.count else "no path"
    listed = numeral(math.fsum(path.product for path in explanation.paths), digits)
    output, wrt = (shortened(explanation.name(value)) for value in (explanation.output, explanation.wrt))
    whole = Span(f"{listed} of ∂{output}/∂{wrt} = {numeral(explanation.gradient, digits)}", "gradient")
    arrow = (Span("local slope ∂out/∂in", "slope"), Span(" (sum of the listed paths)", "gradient"))
    return joined((Span(f"{shown}: ", "muted"), whole), arrow)
