"""Diagrams as SVG, by the built-in layout."""

from __future__ import annotations

import itertools

from .canvas import LABEL_SIZE, Canvas, attributes, coordinate, escaped, identity, xy
from .diagram import Arrow, Box, Diagram, Line, Span
from .layout import Layout, Point, layered
from .style import plain, width

__all__ = ["escaped", "place", "svg"]

ROW = 17.0
LABEL_ROW = 14.0
PAD_X = 9.0
PAD_Y = 5.0
GAP = 12.0
MARGIN = 14.0
NARROWEST = 62.0
"""A box with values and gradients is no narrower, so that those of a rank look alike."""
HEAD = 7.0
CAPTION = 26.0


def svg(diagram: Diagram) -> str:
    """Return a diagram as an SVG document."""
    layout = place(diagram)
    canvas, name = Canvas(), identity(repr(diagram))
    for k, arrow in enumerate(diagram.arrows):
        canvas.add(_arrow(arrow, layout.routes[k], layout.labels[k], f"{name}-e{k}", diagram))
    for box, size, centre in zip(diagram.boxes, sizes(diagram), layout.boxes, strict=True):
        canvas.add(_box(box, size, centre, f"{name}-{box.key}"))
    wide, high = layout.size
    if diagram.caption:
        canvas.add(_text(diagram.caption, (0.0, high + CAPTION), "small"))
        wide, high = max(wide, _wide(diagram.caption, LABEL_SIZE)), high + CAPTION + 2
    size = (wide + 2 * MARGIN, high + 2 * MARGIN)
    return canvas.svg(diagram.theme, size, "computation graph", (-MARGIN, -MARGIN), name)


def place(diagram: Diagram) -> Layout:
    """Return the built-in layout of a diagram."""
    index = {box.key: k for k, box in enumerate(diagram.boxes)}
    ends = [(index[a.head], index[a.tail]) if a.backward else (index[a.tail], index[a.head]) for a in diagram.arrows]
    labels = [_pill(a.label) if a.label else None for a in diagram.arrows]
    return layered(sizes(diagram), ends, labels, diagram.direction, [box.column for box in diagram.boxes])


def sizes(diagram: Diagram) -> list[tuple[float, float]]:
    """Return the width and height of each box; those of a column are equally wide."""
    own = [box_size(box) for box in diagram.boxes]
    widest: dict[int, float] = {}
    for box, (wide, _) in zip(diagram.boxes, own, strict=True):
        if box.column is not None:
            widest[box.column] = max(widest.get(box.column, 0.0), wide)
    return [
        (wide if box.column is None else widest[box.column], high)
        for box, (wide, high) in zip(diagram.boxes, own, strict=True)
    ]


def box_size(box: Box) -> tuple[float, float]:
    """Return the width and height a box needs for its rows."""
    wide = max((_row_width(left, right) for left, right in box.rows), default=0.0)
    least = NARROWEST if len(box.rows) > 1 else 0.0
    return max(wide, least) + 2 * PAD_X, ROW * len(box.rows) + 2 * PAD_Y


def _row_width(left: Span, right: Span) -> float:
    gap = GAP if left.text and right.text else 0.0
    return width(plain(left.text)) + gap + width(plain(right.text))


def _wide(line: Line, size: float) -> float:
    return sum(width(plain(span.text), size) for span in line)


def _pill(label: tuple[Line, ...]) -> tuple[float, float]:
    """Return the width and height of the ground of a label."""
    return max(_wide(line, LABEL_SIZE) for line in label) + 12, LABEL_ROW * len(label) + 2


def _box(box: Box, size: tuple[float, float], centre: Point, name: str) -> str:
    """Return one box as a group: its outline, the rule below its values, and its lines of text."""
    wide, high = size
    left, top = centre[0] - wide / 2, centre[1] - high / 2
    edges = (left + PAD_X, left + wide - PAD_X)
    rows = "".join(_row(row, edges, top + PAD_Y + ROW * k + 12.5) for k, row in enumerate(box.rows))
    title = f"<title>{escaped(box.tooltip, lines=True)}</title>" if box.tooltip else ""
    round_ = high / 2 if box.kind == "constant" else 8
    outline = f'<rect class="box" {attributes(x=left, y=top, width=wide, height=high)} rx="{coordinate(round_)}"/>'
    below = f"M{xy((left, top + PAD_Y + ROW))}h{coordinate(wide)}"
    rule = f'<path class="rule" d="{below}"/>' if len(box.rows) > 1 else ""
    return f'<g id="{name}" class="b {box.kind}">{title}{outline}{rule}{rows}</g>'


def _row(row: tuple[Span, Span], edges: tuple[float, float], baseline: float) -> str:
    pieces = zip(row, edges, ("", "end"), strict=True)
    return "".join(_text((span,), (x, baseline), side) for span, x, side in pieces if span.text)


def _text(line: Line, at: Point, kind: str) -> str:
    """Return a line of text; `kind` says its size and on which side of the point it stands."""
    if len(line) == 1:
        return f'<text class="{_kind(line[0], kind)}" {attributes(x=at[0], y=at[1])}>{escaped(line[0].text)}</text>'
    spans = "".join(f'<tspan class="{_kind(span)}">{escaped(span.text)}</tspan>' for span in line)
    return f'<text class="{kind}" {attributes(x=at[0], y=at[1])}>{spans}</text>'


def _kind(span: Span, more: str = "") -> str:
    return " ".join(filter(None, (span.tone, "bold" if span.bold else "", more)))


def _arrow(arrow: Arrow, route: tuple[Point, ...], label: Point | None, name: str, diagram: Diagram) -> str:
    """Return one arrow as a group: line, tip and label."""
    turned = diagram.direction in ("TB", "BT")
    points = route[::-1] if arrow.backward else route
    size = HEAD + 0.9 * (arrow.width - 1) if arrow.tip else 0.0
    title = f"<title>{escaped(arrow.tooltip, lines=True)}</title>" if arrow.tooltip else ""
    thick = f' stroke-width="{coordinate(arrow.width)}"' if arrow.width != 1.0 else ""
    thick += f' stroke-opacity="{arrow.opacity:.2f}"' if arrow.opacity < 1.0 else ""
    gap = _gap(points, label, 1 if turned else 0) if label else 0
    kind = f"line {arrow.tone}" + (" dashed" if arrow.dashed else "")
    line = f'<path class="{kind}" d="{_curve(points, size, turned=turned, gap=gap)}"{thick}/>'
    tip = f'<path class="tip {arrow.tone}" d="{_tip(points, size, turned=turned)}"/>' if arrow.tip else ""
    return f'<g id="{name}" class="e">{title}{line}{tip}{_label(arrow.label, label) if label else ""}</g>'


def _gap(points: tuple[Point, ...], label: Point, axis: int) -> int:
    """Return which point ends the stretch that a label lies on."""
    sides = [(a[axis] - label[axis]) * (b[axis] - label[axis]) < 0.0 for a, b in itertools.pairwise(points)]
    return sides.index(True) + 1


def _label(label: tuple[Line, ...], centre: Point) -> str:
    """Return the text on an arrow: a local slope on its tint, anything else on the ground."""
    (wide, high), (x, y) = _pill(label), centre
    slope = " slope" if all(span.tone == "slope" for line in label for span in line) else ""
    ground = attributes(x=x - wide / 2, y=y - high / 2, width=wide, height=high)
    first = y + 3.6 - LABEL_ROW * (len(label) - 1) / 2
    lines = (_text(line, (x, first + LABEL_ROW * k), "small middle") for k, line in enumerate(label))
    return f'<rect class="pill{slope}" {ground} rx="8"/>{"".join(lines)}'


def _curve(points: tuple[Point, ...], size: float, *, turned: bool, gap: int) -> str:
    """Return a path through the points that leaves and meets boxes at right angles and ends inside the tip.

    Args:
        points: Where it passes.
        size: The length of the tip.
        turned: Whether it runs down rather than along.
        gap: The point before which it is interrupted for a label; 0 for none.
    """
    (x, y), path = points[0], ""
    last = len(points) - 1
    for k, (u, v) in enumerate(points):
        if k == 0:
            path = f"M{xy((x, y))}"
            continue
        if k == last:
            u, v = _base(points, 0.8 * size, turned=turned)
        if k == gap:
            path += f"M{xy((u, v))}"
        elif (u if turned else v) == (x if turned else y):
            path = _straight(path, "V" if turned else "H", v if turned else u)
        elif turned:
            path += f"C{xy((x, (y + v) / 2))} {xy((u, (y + v) / 2))} {xy((u, v))}"
        else:
            path += f"C{xy(((x + u) / 2, y))} {xy(((x + u) / 2, v))} {xy((u, v))}"
        x, y = u, v
    return path


def _straight(path: str, letter: str, to: float) -> str:
    """Return a path prolonged in the direction of the axes, as one line with what was straight before."""
    head, found, tail = path.rpartition(letter)
    if found and tail.replace(".", "").replace("-", "").isdigit():
        path = head
    return f"{path}{letter}{coordinate(to)}"


def _base(points: tuple[Point, ...], size: float, *, turned: bool) -> Point:
    """Return the middle of the arrow tip's base."""
    (x, y), (u, v) = points[-2], points[-1]
    return (u, v - size if y < v else v + size) if turned else (u - size if x < u else u + size, v)


def _tip(points: tuple[Point, ...], size: float, *, turned: bool) -> str:
    x, y = points[-1]
    u, v = _base(points, size, turned=turned)
    half = size * 0.42
    a, b = ((u - half, v), (u + half, v)) if turned else ((u, v - half), (u, v + half))
    return f"M{xy((x, y))}L{xy(a)}L{xy(b)}Z"
