"""Diagrams as DOT."""

from __future__ import annotations

import html
import itertools
from collections.abc import Mapping

import graphviz

from .diagram import Arrow, Box, Diagram, Line, Span
from .palette import MONO
from .style import LINES, THEMES, TONES, plain

__all__ = ["MANY_LABELS", "fill"]

MANY_LABELS = 200
"""With more edge labels than this, they are placed after the layout: as part of it they multiply its time by five."""

_OPPOSITE = {"LR": "RL", "RL": "LR", "TB": "BT", "BT": "TB"}
_PORTS = {"LR": "ew", "RL": "we", "TB": "sn", "BT": "ns"}
_FACE = MONO.split(",")[0]

Theme = Mapping[str, str]


def fill(digraph: graphviz.Digraph, diagram: Diagram) -> None:
    """Add a diagram's attributes, nodes and edges to an empty graph."""
    theme = THEMES[diagram.theme]
    font = {"fontname": _FACE, "fontsize": "11"}
    backward = bool(diagram.arrows) and all(arrow.backward for arrow in diagram.arrows)
    rankdir = _OPPOSITE[diagram.direction] if backward else diagram.direction
    digraph.attr(
        "graph", rankdir=rankdir, bgcolor=theme["ground"], nodesep="0.18", ranksep="0.45", pad="0.15",
        ordering="out" if backward else "in", outputorder="edgesfirst", forcelabels="true", tooltip=" ",
    )  # fmt: skip
    if diagram.caption:
        label = _lines((diagram.caption,), theme, 0)
        digraph.attr("graph", label=label, labelloc="b", labeljust="l", fontname=_FACE, fontsize="9")
    digraph.attr("node", shape="box", style="rounded,filled", margin="0.09,0.05", height="0.1", width="0.1",
                 penwidth="1", color=theme["edge"], fontcolor=theme["ink"], **font)  # fmt: skip
    digraph.attr("edge", arrowsize="0.6", color=theme["edge"], fontcolor=theme["soft"], fontname=_FACE, fontsize="9")
    labels = "xlabel" if sum(bool(arrow.label) for arrow in diagram.arrows) > MANY_LABELS else "label"
    for box in diagram.boxes:
        digraph.node(box.key, label=_table(box, theme), **_outline(box, theme), tooltip=_tooltip(box.tooltip))
    _columns(digraph, diagram)
    ports, columns = {}, diagram.has_columns
    if columns:
        digraph.attr("graph", splines="line", ranksep="1.1")
        ports = dict(zip(("tailport", "headport"), _PORTS[diagram.direction], strict=True))
    for arrow in diagram.arrows:
        line = _line(arrow, theme, labels)
        if columns:
            line.pop(labels, None)  # dot would put the number somewhere between the columns, not on its straight line
        digraph.edge(arrow.tail, arrow.head, **line, **ports)


def _table(box: Box, theme: Theme) -> str:
    """Return an HTML-like label: one row for each line of the box, a left and a right cell with a gap between."""
    rows = "".join(_row(left, right, theme) for left, right in box.rows)
    return f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1">{rows}</TABLE>>'


def _row(left: Span, right: Span, theme: Theme) -> str:
    if not (left.text and right.text):
        return f'<TR><TD COLSPAN="3">{_span(left if left.text else right, theme)}</TD></TR>'
    cells = f'<TD ALIGN="LEFT">{_span(left, theme)}</TD><TD WIDTH="8"></TD><TD ALIGN="RIGHT">{_span(right, theme)}</TD>'
    return f"<TR>{cells}</TR>"


def _lines(lines: tuple[Line, ...], theme: Theme, padding: int) -> str:
    """Return an HTML-like label of lines."""
    rows = "".join(f"<TR><TD>{''.join(_span(span, theme) for span in line)}</TD></TR>" for line in lines)
    return f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="{padding}">{rows}</TABLE>>'


def _span(span: Span, theme: Theme) -> str:
    text = _literal(plain(span.text)).replace("  ", "&#160; ")
    text = f"<B>{text}</B>" if span.bold else text
    return f'<FONT COLOR="{theme[TONES[span.tone]]}">{text or " "}</FONT>'


def _outline(box: Box, theme: Theme) -> dict[str, str]:
    fills = {"node": "ground", "leaf": "paper", "constant": "cell", "root": "ground"}
    extra = {"root": {"color": theme["ink"], "penwidth": "1.8"}, "constant": {"color": theme["cell"]}}
    return {"fillcolor": theme[fills[box.kind]], **extra.get(box.kind, {})}


def _line(arrow: Arrow, theme: Theme, labels: str) -> dict[str, str]:
    faint = f"{round(255 * arrow.opacity):02x}" if arrow.opacity < 1.0 else ""
    line = {"color": theme[LINES[arrow.tone]] + faint, "penwidth": f"{arrow.width:.2f}"}
    if arrow.label:
        line[labels] = _lines(arrow.label, theme, 3)
    if not arrow.tip:
        line["arrowhead"] = "none"
    if arrow.dashed:
        line["style"] = "dashed"
    return {**line, "tooltip": _tooltip(arrow.tooltip or " "), "edgetooltip": _tooltip(arrow.tooltip or " ")}


def _tooltip(text: str) -> str:
    escaped: str = graphviz.escape("&#10;".join(_literal(plain(line)) for line in text.split("\n")))
    return escaped


def _literal(text: str) -> str:
    r"""Return text that dot shows as it is: also in HTML-like labels and in tooltips it puts the node's id for \N."""
    return html.escape(text, quote=False).replace("\\", "\\\\")


def _columns(digraph: graphviz.Digraph, diagram: Diagram) -> None:
    """Hold boxes with a column in it and in their order, by chains of invisible edges."""
    columns: dict[int, list[str]] = {}
    for box in diagram.boxes:
        if box.column is not None:
            columns.setdefault(box.column, []).append(box.key)
    for _, keys in sorted(columns.items()):
        with digraph.subgraph() as rank:
            rank.attr(rank="same")
            for above, below in itertools.pairwise(keys):
                rank.edge(above, below, style="invis")
