"""The stepper: one offline page that walks through both passes of a graph.

The page holds a picture for each level, drawn with every state its boxes can take; the script shows and hides them.
Without JavaScript it is the finished picture with a table of all values.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from autograd import Value

from .layers import layer_level
from .level import Level, neuron_level, value_level
from .sheets import Drawn, drawn
from .style import plain, shortened
from .svg import escaped
from .trace import trace

__all__ = ["Stepper", "to_html"]

FRAME_HEIGHT = 620

ICONS = {
    "first": "M3 3h2v10H3zM13 3v10L6 8z",
    "back": "M11 3v10L4 8z",
    "play": "M4 2.5v11l9-5.5z",
    "pause": "M4 3h3v10H4zM9 3h3v10H9z",
    "next": "M5 3v10l7-5z",
    "final": "M11 3h2v10h-2zM3 3v10l7-5z",
    "theme": "M8 1.5a6.5 6.5 0 1 0 0 13zM8 1.5a6.5 6.5 0 0 1 0 13v-1.4a5.1 5.1 0 0 0 0-10.2z",
    "in": "M7 3h2v4h4v2H9v4H7V9H3V7h4z",
    "out": "M3 7h10v2H3z",
    "fit": "M2 2h5v1.6H3.6V7H2zM9 2h5v5h-1.6V3.6H9zM2 9h1.6v3.4H7V14H2zM12.4 9H14v5H9v-1.6h3.4z",
}


class Stepper(str):
    """The text of the page; a notebook shows it in a sandboxed frame."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return (
            f'<iframe srcdoc="{html.escape(self)}" sandbox="allow-scripts" title="Forward and backward pass" '
            f'width="100%" height="{FRAME_HEIGHT}" style="border:1px solid #94a0ae;border-radius:8px"></iframe>'
        )

    def __repr__(self) -> str:
        return f"<Stepper: {len(self)} characters; viz.save writes it to a file>"


def to_html(
    root: Value,
    *,
    names: Mapping[str, Any] | None = None,
    digits: int = 4,
    title: str = "",
    max_nodes: int = 2000,
) -> Stepper:
    """Return one offline page that steps through the forward and the backward pass of `root`.

    It needs no network and no Graphviz. Neurons and layers can be shown instead of Values where the graph has them;
    a graph of more than `max_nodes` Values is shown by neurons and layers only.

    Args:
        root: The output.
        names: Names for Values without a label, such as `locals()`.
        digits: Significant digits; the table of all values has all of them.
        title: The heading; by default it names the output.
        max_nodes: The most boxes a level may have.

    Raises:
        TypeError: If `root` is not a Value.
        ValueError: If no level has `max_nodes` boxes or fewer.
        RuntimeError: If a leaf was assigned after a node that uses it was recorded.
    """
    traced = trace(root, names)
    levels = [value_level(traced, digits)] if len(traced.nodes) <= max_nodes else []
    levels += [level for level in (neuron_level(traced, digits), layer_level(traced, digits)) if level]
    levels = [level for level in levels if len(level.cells) <= max_nodes]
    if not levels:
        raise ValueError(f"{len(traced.nodes)} boxes are more than max_nodes = {max_nodes}: raise it, or draw a part")
    name = shortened(levels[0].output, 40)
    heading = title or f"Both passes of {name}"
    table = levels[0] if levels[0].name == "value" else None
    counted = f"{len(traced.nodes)} boxes, {sum(1 for edge in traced.edges if edge.step)} contributions"
    pictures = [drawn(level, shown=k == 0) for k, level in enumerate(levels)]
    return Stepper(_page(heading, counted, levels, pictures, _table(table) if table else ""))


def _page(heading: str, counted: str, levels: list[Level], pictures: list[Drawn], table: str) -> str:
    style, script = _asset("stepper.css"), _asset("stepper.js")
    allowed = f"script-src '{_hash(script)}'; style-src '{_hash(style)}'"
    policy = f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"
    buttons = "".join(f'<button type="button" aria-pressed="{str(k == 0).lower()}">{level.name}</button>'
                      for k, level in enumerate(levels))  # fmt: skip
    markup = "\n".join(picture.markup for picture in pictures)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escaped(heading)}</title>
<style>{style}</style>
</head>
<body>
<svg class="hidden" aria-hidden="true"><defs>{_tips()}</defs></svg>
<main class="app">
<header>
<h1>{escaped(heading)}</h1><p>{counted}</p>
<span class="segments live-only" role="group" aria-label="Level">{buttons}</span>
<span class="live-only"><input id="search" type="search" placeholder="Search  /"
aria-label="Search names and operations"></span>
<output class="live-only" id="found" aria-live="polite"></output>
{_button("theme", "Light or dark", "live-only")}
</header>
<div class="desk"><div class="stage" tabindex="0" aria-label="Computation graph">
{markup}
</div>
<div class="zoom live-only">{_button("out", "Zoom out")}{_button("fit", "Fit")}{_button("in", "Zoom in")}</div></div>
<footer>
<div class="tell" id="tell"><div class="phase" id="phase"></div>
<div class="sums" id="sums"><span class="noscript">The finished picture: each box shows its value and its gradient ∇,
each arrow its local derivative. With JavaScript the page steps through both passes.</span></div>
<div class="change" id="change"></div>
<div id="live" class="hidden" aria-live="polite"></div></div>
<div class="controls">
{_button("first", "To the start")}{_button("back", "One step back")}{_button("play", "Play")}
{_button("next", "One step on")}{_button("final", "To the end")}
<div class="slide"><input id="slider" type="range" min="0" max="1" value="0" aria-label="Step"></div>
<div><output id="count"></output></div>
<select id="speed" aria-label="Speed">
<option value="0.5">½×<option value="1" selected>1×<option value="3">3×<option value="10">10×
</select>
</div>
</footer>
</main>
{table}
<script type="application/json" id="data">{_data(levels, pictures)}</script>
<script>{script}</script>
</body>
</html>
"""


@cache
def _asset(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _button(name: str, label: str, kind: str = "") -> str:
    icon = f'<svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path d="{ICONS[name]}"/></svg>'
    cls = f' class="{kind}"' if kind else ""
    return f'<button type="button" id="{name}" aria-label="{label}" title="{label}"{cls}>{icon}</button>'


def _tips() -> str:
    shape = '<path d="M0 0L8 4L0 8Z"/>'
    return "".join(
        f'<marker id="{name}" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="{size}" markerHeight="{size}" '
        f'markerUnits="userSpaceOnUse" orient="auto-start-reverse">{shape}</marker>'
        for name, size in (("tip", 7), ("tip-in", 10), ("tip-done", 7), ("tip-act", 12))
    )


def _data(levels: list[Level], pictures: list[Drawn]) -> str:
    """Return what the script needs to know, as JSON that cannot end the element it stands in."""
    rules: dict[str, int] = {"": 0}
    tables = []
    for level, picture in zip(levels, pictures, strict=True):
        flows = [
            [flow.tail, flow.head, None if flow.is_constant else flow.local,
             None if flow.is_constant else flow.contribution,
             rules.setdefault(flow.rule, len(rules)), rules.setdefault(flow.numbers, len(rules))]
            for flow in level.flows
        ]  # fmt: skip
        cells = [
            [shortened(cell.name, 24), plain(cell.forward), plain(" ".join(cell.operations))] for cell in level.cells
        ]
        tables.append({"name": level.name, "root": level.root, "cells": cells, "flows": flows,
                       "boxes": picture.boxes, "arrows": picture.arrows})  # fmt: skip
    data = {"levels": tables, "rules": list(rules), "icons": {name: ICONS[name] for name in ("play", "pause")}}
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _table(level: Level) -> str:
    rows = "\n".join(
        f"<tr><td>{escaped(shortened(cell.name, 60))}<td>{escaped(cell.symbol)}<td>{cell.exact[0]}<td>{cell.exact[1]}"
        for cell in level.cells
    )
    return (
        '<details id="all"><summary>All values</summary><div class="scroll"><table>'
        f"<thead><tr><th>name<th>operation<th>value<th>gradient</thead><tbody>\n{rows}\n</tbody></table></div></details>"
    )
