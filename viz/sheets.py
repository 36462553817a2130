"""The pictures of the stepper: a level as SVG, drawn with every state that its boxes can take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from .diagram import Arrow, Box, Diagram, Span
from .graph import LEGIBLE, box, forward_rows
from .layout import Layout, Point
from .level import Cell, Flow, Level
from .style import numeral, plain, shortened, width
from .svg import MARGIN, PAD_X, PAD_Y, ROW, attributes, box_size, coordinate, curve, escaped, place, xy

__all__ = ["Drawn", "drawn"]

Area: TypeAlias = tuple[float, float, float, float]

SHEET = 50
"""The most boxes or arrows of an SVG element."""

TILE = 1200
"""In a picture that no screen shows at once, what lies in a square of so many pixels shares its elements."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """One level as SVG elements.

    Attributes:
        markup: The elements.
        boxes: Which cell each box stands for, in the order of the elements; empty if that is the order of the cells.
        arrows: Likewise for the flows.
    """

    markup: str
    boxes: tuple[int, ...]
    arrows: tuple[int, ...]


def drawn(level: Level, *, shown: bool) -> Drawn:
    """Return one level as a pile of transparent sheets: its final state, and hidden in it every state before.

    Args:
        level: What to draw.
        shown: Whether it is the level that shows first.
    """
    states = _states(level)
    diagram = _diagram(level, states)
    layout = place(diagram)
    wide, high = layout.size[0] + 2 * MARGIN, layout.size[1] + 2 * MARGIN
    frame = f'viewBox="{xy((-MARGIN, -MARGIN))} {xy((wide, high))}"'
    boxes = [
        _box(cell, drawn, states[k], layout.boxes[k])
        for k, (cell, drawn) in enumerate(zip(level.cells, diagram.boxes, strict=True))
    ]
    arrows = list(_edges(level, layout))
    apart = len(boxes) > LEGIBLE
    piles = (
        _sheets([_around(route) for route in layout.routes], apart=apart),
        _sheets([_around((centre,), box_size(box)) for centre, box in zip(layout.boxes, diagram.boxes, strict=True)],
                apart=apart),
    )  # fmt: skip
    sheets = [
        f"<svg {frame}{_area(sheet) if apart else ''}>\n" + "\n".join(items[k] for k in sheet.members) + "\n</svg>"
        for items, pile in zip((arrows, boxes), piles, strict=True)
        for sheet in pile
    ]
    return Drawn(
        "\n".join(
            [
                f'<div class="picture{" shown" if shown else ""}" role="img" aria-label="{level.name} level">',
                f"<svg {attributes(width=wide, height=high)} {frame}></svg>",
                *sheets,
                "</div>",
            ]
        ),
        *(tuple(k for sheet in pile for k in sheet.members) if apart else () for pile in reversed(piles)),
    )


@dataclass(frozen=True, slots=True)
class _Sheet:
    members: list[int]
    area: Area


def _sheets(areas: list[Area], *, apart: bool) -> list[_Sheet]:
    """Return the elements in groups; if `apart`, those of a group lie near each other, and long ones are by themselves.

    Browsers paint a sheet as a whole, and again when it comes near to what is seen. So a step costs a few sheets.
    """
    tiles: dict[tuple[int, ...], list[int]] = {}
    for k, (left, top, right, bottom) in enumerate(areas):
        row, column = int(top + bottom) // (2 * TILE), int(left + right) // (2 * TILE)
        wide, high = int(right - left) // TILE, int(bottom - top) // TILE
        key = (wide, high, 0 if high else row, 0 if wide else column)
        tiles.setdefault(key if apart else (), []).append(k)
    groups = [members[k : k + SHEET] for _, members in sorted(tiles.items()) for k in range(0, len(members), SHEET)]
    return [_Sheet(group, _union([areas[k] for k in group])) for group in groups]


def _union(areas: list[Area]) -> Area:
    lefts, tops, rights, bottoms = zip(*areas, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def _around(points: tuple[Point, ...], size: Point = (0.0, 0.0)) -> Area:
    """Return where a line through points, or a box around one, leaves its marks: tips and labels reach a little out."""
    (wide, high), room = size, MARGIN
    xs, ys = zip(*points, strict=True)
    return (min(xs) - wide / 2 - room, min(ys) - high / 2 - room, max(xs) + wide / 2 + room, max(ys) + high / 2 + room)


def _area(sheet: _Sheet) -> str:
    left, top, right, bottom = sheet.area
    return f' data-area="{xy((left, top))} {xy((right - left, bottom - top))}"'


def _states(level: Level) -> list[list[str]]:
    """Return for each cell the gradients it shows one after the other."""
    states: list[list[str]] = [[] for _ in level.cells]
    states[level.root].append(numeral(1.0))
    for flow in level.flows:
        if not flow.is_constant:
            states[flow.tail].append(flow.after)
    for k, cell in enumerate(level.cells):
        if cell.kind != "constant" and not states[k]:
            states[k].append("0")
    return states


def _diagram(level: Level, states: list[list[str]]) -> Diagram:
    boxes: list[Box] = []
    for k, cell in enumerate(level.cells):
        widest = max(states[k], key=width, default="")
        name, numbers, *extra = forward_rows(cell)
        rows = [name, (numbers[0], Span(f"∇ {widest}", "gradient")), *extra]
        boxes.append(box(k, cell, rows))
    arrows = tuple(
        Arrow(f"n{flow.tail}", f"n{flow.head}", "" if flow.is_constant else flow.local) for flow in level.flows
    )
    return Diagram(tuple(boxes), arrows)


def _edges(level: Level, layout: Layout) -> Iterator[str]:
    for k, flow in enumerate(level.flows):
        route, label = tuple((round(x), round(y)) for x, y in layout.routes[k]), layout.labels[k]
        line = f'<path d="{curve(route, 0.0, turned=False, gap=len(route) - 3 if label else 0)}"/>'
        yield f'<g class="e">{line}{_edge_label(flow, label)}</g>'


def _edge_label(flow: Flow, label: Point | None) -> str:
    if label is None:
        return ""
    return f"<text {attributes(x=round(label[0]), y=round(label[1] + 3.5))}>{escaped(flow.local)}</text>"


def _box(cell: Cell, drawn: Box, states: list[str], centre: Point) -> str:
    """Return one box with a text for each state of its gradient, the last one showing."""
    wide, high = (round(size) for size in box_size(drawn))
    left, top = round(centre[0] - wide / 2), round(centre[1] - high / 2)
    start, middle, end = (coordinate(round(left + x)) for x in (PAD_X, wide / 2, wide - PAD_X))
    parts = []
    for k, (one, two) in enumerate(drawn.rows):
        y = coordinate(top + PAD_Y + ROW * k + 12)
        if k == 1 and cell.kind != "constant":
            parts.append(_text(one, start, y))
            parts += [f'<text class="g" x="{end}" y="{y}">∇ {state}</text>' for state in states[:-1]]
            parts.append(f'<text class="g on last" x="{end}" y="{y}">∇ {states[-1]}</text>')
        elif one.text and two.text:
            parts += [_text(one, start, y), _text(two, end, y, "end")]
        else:
            parts.append(_text(one if one.text else two, middle, y, "middle"))
    tooltip = "" if shortened(cell.name) == plain(cell.name) else f"<title>{escaped(cell.name[:12000])}</title>"
    frame = f'<rect {attributes(x=left, y=top, width=wide, height=high)} rx="7"/>'
    return f'<g class="b {cell.kind}">{tooltip}{frame}{"".join(parts)}</g>'


def _text(span: Span, x: str, y: str, anchor: str = "") -> str:
    kind = " ".join(filter(None, (_TONES.get(span.tone, ""), "bold" if span.bold else "")))
    named = f' class="{kind}"' if kind else ""
    side = f' text-anchor="{anchor}"' if anchor else ""
    return f'<text{named} x="{x}" y="{y}"{side}>{escaped(span.text)}</text>'


_TONES = {"muted": "m", "value": "v", "gradient": "x", "warning": "w"}
