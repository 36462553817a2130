"""The page: mark-up, styles, scripts and data put together, with a policy that allows these and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from string import Template
from typing import Any

from autograd import Op

from ..canvas import embedded_rules, escaped
from ..offline import Page, allowed
from ..palette import MARK, stylesheet
from ..style import plain
from ..tiles import MANY
from .compact import compact_script, compact_style
from .data import Content
from .notation import Notation, length
from .operations import javascript

__all__ = ["Explorer", "page"]

SCRIPTS = (
    "text", "tape", "terms", "joins", "model", "clock", "layout", "stage", "skips", "scene_network", "scene_tiles",
    "scene_layer", "scene_neuron", "scene_scalars", "scene_matrices", "words", "panel", "timeline", "app", "start",
)  # fmt: skip
ONLY_FOR = {
    "joins": "network", "skips": "network", "scene_network": "network", "scene_layer": "network",
    "scene_neuron": "network", "scene_tiles": "tiles", "scene_matrices": "matrices",
}  # fmt: skip
"""What a page without layers, without tiles or without matrices does not need."""
WIDEST = 10.5
"""Longer equations, in letters, have a row of their own."""
NARROW = 18
"""A longer one is written smaller, if it does not hold everywhere and says where."""
PARTS = {"f": "Forward", "b": "Backward", "g": "Gradients"}

_GRID = '<rect x="2" y="2" width="12" height="12" rx="2"/><path d="M6 2v12M10 2v12M2 6h12M2 10h12"/>'
DEPTHS = {
    "network": (
        "Network",
        '<circle cx="3.5" cy="4" r="2"/><circle cx="3.5" cy="12" r="2"/><circle cx="12.5" cy="8" r="2"/>'
        '<path d="M5.4 4.9l5.2 2.3M5.4 11.1l5.2-2.3"/>',
    ),
    "layer": ("Layer", _GRID),
    "matrices": ("Matrices", _GRID),
    "neuron": ("Neuron", '<path d="M2 13.5c5 0 4.5-11 12-11"/><path d="M4.5 10.8l6.6-6.3" stroke-width="2"/>'),
    "scalars": ("Scalars", '<path d="M4.2 4.2l7.6 7.6M11.8 4.2l-7.6 7.6"/>'),
}
ICONS = {
    "theme": '<circle cx="8" cy="8" r="6"/><path d="M8 2a6 6 0 0 1 0 12z" fill="currentColor"/>',
    "save": '<path d="M8 2v8M4.8 7L8 10.2 11.2 7M2.5 13.5h11"/>',
    "help": '<path d="M5.5 6a2.5 2.5 0 1 1 3.4 2.3c-.6.3-.9.7-.9 1.5M8 12.6v.2" stroke-width="1.8"/>',
}
HEADER = (
    ("theme", "Light or dark (t)", ""),
    ("save", "Save the picture as SVG (s)", "more"),
    ("help", "Keys (?)", "more"),
)
BUTTONS = {
    "first": ("To the start (Home)", "M3 3h2v12H3zM15 3v12L6 9z"),
    "back": ("Back (←)", "M12 3v12L4 9z"),
    "play": ("Play", "M5 3v12l10-6z"),
    "next": ("On (→)", "M6 3v12l8-6z"),
    "last": ("To the end (End)", "M13 3h2v12h-2zM3 3v12l9-6z"),
}
KEYS = (
    ("<kbd>←</kbd> <kbd>→</kbd>", "one step at this depth; with <kbd>shift</kbd> one equation"),
    ("<kbd>space</kbd>", "play or pause"),
    ("<kbd>1</kbd> … <kbd>4</kbd>", "the depths; also <kbd>+</kbd> <kbd>−</kbd>, a pinch, or a double click"),
    ("<kbd>↑</kbd> <kbd>↓</kbd>", "the neuron above or below; of a folded network, the layers before or after"),
    ("<kbd>[</kbd> <kbd>]</kbd>", "another number; within an equation another term"),
    ("<kbd>Home</kbd> <kbd>End</kbd>", "before both passes, after both"),
    ("<kbd>Esc</kbd>", "follow the clock again"),
    ("<kbd>t</kbd> <kbd>s</kbd>", "light or dark; save the picture as SVG"),
)


class Explorer(Page):
    """The text of the page, which has a script."""

    __slots__ = ()

    sandbox = "allow-scripts allow-downloads"
    heading = "Forward and backward pass"
    height = 720


def page(
    shown: Content, *, title: str, subtitle: str, story: str, fallback: str, options: Mapping[str, Any]
) -> Explorer:
    """Return the page.

    Args:
        shown: The graph with its layers and equations.
        title: The heading.
        subtitle: A line under it.
        story: What stands below the picture when nothing is being computed.
        fallback: Mark-up of the picture and the table of values for a reader without JavaScript.
        options: What else the script is handed: the shape of the input as an image, names of classes and examples.
    """
    tiled = shown.network is not None and ("image" in options or max(shown.network.sizes) > MANY)
    needed = {"tiles": tiled, "network": shown.network is not None, "matrices": shown.network is None}
    style = compact_style(stylesheet() + _text("explorer.css") + embedded_rules(".fallback svg"))
    script = _script(shown.ops, {part for part in needed if needed[part]})
    content = {"graph": shown.json, "story": story, **({"tiled": 1} if tiled else {}), **options}
    data = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    embedded = data.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    sources = f"script-src {allowed(script)}; style-src {allowed(style)}"
    policy = f"default-src 'none'; {sources}; base-uri 'none'; form-action 'none'"
    equations = "".join(_equations(each, k) for k, each in enumerate(shown.sets))
    heading = "Derived equations <span class=needs-script>point at a term</span>" if shown.sets else "The number"
    parts = {
        "policy": policy,
        "title": escaped(title),
        "subtitle": escaped(subtitle),
        "style": style,
        "script": script,
        "data": embedded,
        "heading": heading,
        "equations": equations,
        "fallback": fallback,
        "mark": MARK,
        "depths": _depths(),
        "icons": "".join(_icon(*each) for each in HEADER),
        "buttons": _buttons(),
        "keys": "".join(f"<dt>{keys}</dt><dd>{text}</dd>" for keys, text in KEYS),
    }
    return Explorer(Template(_text("page.html")).substitute(parts))


def _script(used: Iterable[Op], needed: set[str]) -> str:
    names = (name for name in SCRIPTS if ONLY_FOR.get(name) in {None, *needed})
    parts = [_compact("arithmetic"), compact_script(javascript(used)), *map(_compact, names)]
    return '"use strict";\n' + "\n".join(parts)


@cache
def _compact(name: str) -> str:
    return compact_script(_text(f"{name}.js"))


@cache
def _text(name: str) -> str:
    """Return a file beside this module."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _svg(inner: str) -> str:
    return (
        '<svg viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" '
        f'aria-hidden="true">{inner}</svg>'
    )


def _icon(name: str, title: str, style: str = "") -> str:
    named = f'id="{name}" aria-label="{title}" title="{title}"'
    return f'<button type="button" class="icon needs-script {style}" {named}>{_svg(ICONS[name])}</button>'


def _depths() -> str:
    return "".join(
        f'<button type="button" data-depth="{key}" aria-pressed="false" title="{name}" aria-label="{name}">'
        f"{_svg(icon)}<span>{name}</span></button>"
        for key, (name, icon) in DEPTHS.items()
    )


def _buttons() -> str:
    style = {"first": " class=edge", "last": " class=edge", "play": " class=play"}
    return "".join(
        f'<button type="button" id="{key}" aria-label="{title}" title="{title}"{style.get(key, "")}>'
        f'<svg viewBox="0 0 18 18" aria-hidden="true"><path d="{path}"/></svg></button>'
        for key, (title, path) in BUTTONS.items()
    )


def _equations(notation: Notation, index: int) -> str:
    part, rows, column = "", [], 1
    in_columns = bool(notation.equations.blocks)
    for k, (each, markup) in enumerate(zip(notation.equations.all, notation.markup, strict=True)):
        line, loop = each.line, each.loop
        pieces = [length(piece) for piece in markup.split("</math>")]
        if each.part != part:
            part, column = each.part, 1
            rows.append(f"<h3>{PARTS[part]}</h3>")
        if loop is not None:
            column = 1
            rows.append(f'<p class="cap">for <i>{loop.letter}</i> = {loop.start}, …, {loop.end}</p>')
        is_loss = line.family is notation.equations.loss
        wide = sum(pieces) > WIDEST or part == "b" or not in_columns or bool(line.where) or is_loss
        second = not wide and column == 2
        column = 2 if not wide and not second else 1
        styles = {
            "f" if part == "f" else "b": True,
            "long": wide,
            "second": second,
            "inside": line.depth > 0,
            "small": 34 < max(pieces) <= 42 or (bool(line.where) and sum(pieces) > NARROW),
            "tiny": max(pieces) > 42,
            "high": line.is_gradient,
        }
        style = " ".join(["eq", *(name for name, holds in styles.items() if holds)])
        where = f"<span>{escaped(line.where)}</span>" if line.where else ""
        rows.append(f'<div class="{style}" role="button" tabindex="0" data-eq="{k}">{markup}{where}<i></i></div>')
    rows.append(f'<p class="cap legend">{escaped(notation.legend)}</p>' if notation.legend else "")
    return f'<div class="equations" data-set="{index}"{" hidden" if index else ""}>{"".join(rows)}</div>'


def table(rows: Sequence[tuple[str, str, str]], left_out: int) -> str:
    """Return the table of all values and gradients, without the ends of its cells, which HTML does not ask for."""
    cells = ((escaped(plain(name)), value, gradient) for name, value, gradient in rows)
    body = "".join(f"<tr>{''.join(f'<td>{cell}' for cell in row)}" for row in cells)
    more = f"<p>… and {left_out} more.</p>" if left_out else ""
    return f"<table><thead><tr><th>name<th>value<th>gradient<tbody>{body}</table>{more}"
