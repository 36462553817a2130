"""Diagrams as SVG, by the built-in layout."""

from __future__ import annotations

import hashlib
import html
from collections.abc import Iterator

from .diagram import Arrow, Box, Diagram, Span
from .layout import Layout, Point, layered
from .style import DARK, FONT_SIZE, MONO, SANS, THEMES, Theme, plain, width

__all__ = [
    "GAP",
    "MARGIN",
    "PAD_X",
    "PAD_Y",
    "ROW",
    "attributes",
    "body",
    "box_size",
    "coordinate",
    "css",
    "curve",
    "escaped",
    "place",
    "style",
    "svg",
    "xy",
]

ROW = 16.0
PAD_X = 9.0
PAD_Y = 6.0
GAP = 12.0
MARGIN = 12.0
LABEL_SIZE = 10.0
CAPTION_SIZE = 11.0
HEAD = 7.0


def svg(diagram: Diagram) -> str:
    """Return a diagram as an SVG document."""
    layout = place(diagram)
    name = identity(diagram)
    caption = 24.0 if diagram.caption else 0.0
    wide = max(layout.size[0], 6.2 * len(diagram.caption)) + 2 * MARGIN
    high = layout.size[1] + 2 * MARGIN + caption
    size = attributes(width=wide, height=high)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" id="{name}" {size} '
        f'viewBox="{xy((-MARGIN, -MARGIN))} {xy((wide, high))}" role="img" aria-label="computation graph" '
        'xml:space="preserve">',
        f"<style>{style(diagram.theme, '#' + name)}</style>",
        f'<rect class="ground" {attributes(x=-MARGIN, y=-MARGIN)} {size}/>',
        *body(diagram, layout, name),
    ]
    if diagram.caption:
        lines.append(
            f'<text class="caption" {attributes(x=0, y=layout.size[1] + 22)}>{escaped(diagram.caption)}</text>'
        )
    return "\n".join([*lines, "</svg>", ""])


def identity(diagram: Diagram) -> str:
    """Return an id for a diagram that no other on the same page has, and the same in every run."""
    return "g" + hashlib.sha256(repr(diagram).encode("utf-8", "replace")).hexdigest()[:8]


def style(theme: str, scope: str) -> str:
    """Return the style rules of a picture inside `scope`; "auto" follows the reader's system, also in an `<img>`."""
    rules = css(THEMES[theme], scope)
    return f"{rules}@media (prefers-color-scheme:dark){{{css(DARK, scope)}}}" if theme == "auto" else rules


def css(theme: Theme, scope: str) -> str:
    """Return the style rules of a picture inside `scope`, a selector."""
    tones = ("ink", "muted", "value", "gradient", "warning", "positive", "negative")
    rules = [
        f"text{{font:{FONT_SIZE:g}px {MONO};fill:{theme.ink};white-space:pre}}",
        f".ground{{fill:{theme.ground}}}",
        f".b rect{{fill:{theme.box};stroke:{theme.border}}}",
        f".leaf rect{{fill:{theme.leaf}}}",
        f".constant rect{{fill:{theme.constant};stroke-dasharray:3 3}}",
        f".root rect{{stroke:{theme.root};stroke-width:2}}",
        *(f".{tone}{{fill:{getattr(theme, tone)}}}" for tone in tones),
        ".bold{font-weight:700}",
        f".e path{{fill:none;stroke:{theme.edge}}}.e .tip{{fill:{theme.edge};stroke:none}}",
        f".e text{{font-size:{LABEL_SIZE:g}px;fill:{theme.muted};text-anchor:middle}}",
        *(
            f".e.{tone} path{{stroke:{getattr(theme, tone)}}}"
            f".e.{tone} .tip,.e.{tone} text{{fill:{getattr(theme, tone)}}}.e.{tone} .tip{{stroke:none}}"
            for tone in ("positive", "negative", "value")
        ),
        ".dashed .line{stroke-dasharray:5 3}",
        f".caption{{font:{CAPTION_SIZE:g}px {SANS};fill:{theme.muted}}}",
    ]
    return "".join(f"{scope} {part}" for rule in rules for part in _rules(rule))


def _rules(text: str) -> Iterator[str]:
    """Yield single rules, with the selectors of a list apart, so that each can be scoped."""
    for rule in text.split("}"):
        if rule:
            selectors, _, declarations = rule.partition("{")
            yield from (f"{selector}{{{declarations}}}" for selector in selectors.split(","))


def place(diagram: Diagram) -> Layout:
    """Return the built-in layout of a diagram."""
    index = {box.key: k for k, box in enumerate(diagram.boxes)}
    ends = [(index[a.head], index[a.tail]) if a.backward else (index[a.tail], index[a.head]) for a in diagram.arrows]
    labels = [(width(plain(a.label), LABEL_SIZE) + 6, 13.0) if a.label else None for a in diagram.arrows]
    return layered(
        sizes(diagram),
        ends,
        labels,
        diagram.direction,
        [box.column for box in diagram.boxes],
    )


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
    return max(wide, 12.0) + 2 * PAD_X, ROW * len(box.rows) + 2 * PAD_Y


def _row_width(left: Span, right: Span) -> float:
    gap = GAP if left.text and right.text else 0.0
    return width(plain(left.text)) + gap + width(plain(right.text))


def body(diagram: Diagram, layout: Layout, prefix: str) -> Iterator[str]:
    """Yield the elements of a diagram: arrows below, boxes above."""
    for k, arrow in enumerate(diagram.arrows):
        yield arrow_element(arrow, layout.routes[k], layout.labels[k], f"{prefix}-e{k}", diagram)
    for box, size, centre in zip(diagram.boxes, sizes(diagram), layout.boxes, strict=True):
        yield box_element(box, size, centre, f"{prefix}-{box.key}")


def box_element(box: Box, size: tuple[float, float], centre: Point, name: str) -> str:
    """Return one box as a group: its outline and its lines of text."""
    wide, high = size
    left, top = centre[0] - wide / 2, centre[1] - high / 2
    rows = "".join(
        _row_element(row, left + PAD_X, left + wide - PAD_X, top + PAD_Y + ROW * k + 12)
        for k, row in enumerate(box.rows)
    )
    title = f"<title>{escaped(box.tooltip, lines=True)}</title>" if box.tooltip else ""
    outline = f'<rect {attributes(x=left, y=top, width=wide, height=high)} rx="7"/>'
    return f'<g id="{name}" class="b {box.kind}">{title}{outline}{rows}</g>'


def _row_element(row: tuple[Span, Span], left: float, right: float, baseline: float) -> str:
    if row[0].text and row[1].text:
        return _span(row[0], left, baseline, "start") + _span(row[1], right, baseline, "end")
    return _span(row[0] if row[0].text else row[1], (left + right) / 2, baseline, "middle")


def _span(span: Span, x: float, y: float, anchor: str) -> str:
    kind = span.tone + (" bold" if span.bold else "")
    side = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text class="{kind}" {attributes(x=x, y=y)}{side}>{escaped(span.text)}</text>'


def arrow_element(arrow: Arrow, route: tuple[Point, ...], label: Point | None, name: str, diagram: Diagram) -> str:
    """Return one arrow as a group: line, tip and label."""
    turned = diagram.direction in ("TB", "BT")
    points = route[::-1] if arrow.backward else route
    kind = "e" + (f" {arrow.tone}" if arrow.tone != "edge" else "") + (" dashed" if arrow.dashed else "")
    size = HEAD + 0.9 * (arrow.width - 1) if arrow.tip else 0.0
    title = f"<title>{escaped(arrow.tooltip, lines=True)}</title>" if arrow.tooltip else ""
    thick = f' stroke-width="{coordinate(arrow.width)}"' if arrow.width != 1.0 else ""
    thick += f' stroke-opacity="{arrow.opacity:.2f}"' if arrow.opacity < 1.0 else ""
    gap = 0 if label is None else 3 if arrow.backward else len(points) - 3
    line = f'<path class="line" d="{curve(points, size, turned=turned, gap=gap)}"{thick}/>'
    tip = f'<path class="tip" d="{_tip(points, size, turned=turned)}"/>' if arrow.tip else ""
    text = f"<text {attributes(x=label[0], y=label[1] + 3.5)}>{escaped(arrow.label)}</text>" if label else ""
    return f'<g id="{name}" class="{kind}">{title}{line}{tip}{text}</g>'


def curve(points: tuple[Point, ...], size: float, *, turned: bool, gap: int) -> str:
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


def attributes(**numbers: float) -> str:
    """Return attributes with coordinates: x="1" y="2.5"."""
    return " ".join(f'{name}="{coordinate(number)}"' for name, number in numbers.items())


def xy(point: Point) -> str:
    """Return a point as two coordinates."""
    return f"{coordinate(point[0])} {coordinate(point[1])}"


def coordinate(number: float) -> str:
    """Return a coordinate with at most one decimal."""
    text = f"{number:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def escaped(text: str, *, lines: bool = False) -> str:
    """Return text escaped for XML, on one line unless `lines`."""
    return html.escape("\n".join(map(plain, text.split("\n"))) if lines else plain(text), quote=False)
