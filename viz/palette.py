"""The visual language of every page and picture: colours, type and shapes, once.

How to use it: take a colour by its role, never by its hue. `LIGHT` and `DARK` give hex codes for what has one theme,
`variables()` gives them as CSS custom properties for what follows its reader's theme: an SVG or a page puts
`stylesheet()` into its `<style>` and then says `fill: var(--v)`. No other file holds a colour.

The grammar. Three factors have three colours: a *value* is blue (`v`), a *gradient* is orange (`g`), a *local slope* is
green (`l`). Values stand above, gradients below, at every depth. A number is an area: the root of its size relative to
the largest of its block. Positive areas have their kind's colour; negative areas are slate (`n-fill`), with a slot cut
out as a minus sign where there is room: the sign is a shape, never a hue of its own. Lines that are negative are slate
and dashed. `ink` is for what is named, `soft` for what explains, `edge` for outlines, `line` for rules, `cell` for the
ground of numbers, `bad` for what is wrong.

A name without a suffix is a text colour (contrast of at least 4.5:1 on `ground`, `paper` and its own tint), `-fill` is
for areas and lines that carry meaning (at least 3:1), `-tint` is a ground that a text of the same name may stand on.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["DARK", "LIGHT", "MARK", "MATH", "MONO", "RADIUS", "SANS", "stylesheet", "variables"]

LIGHT: Mapping[str, str] = {
    "ground": "#ffffff",
    "paper": "#f7f8fa",
    "cell": "#eef1f5",
    "line": "#dde3ea",
    "edge": "#8793a1",
    "ink": "#17202b",
    "soft": "#566270",
    "v": "#1463c6",
    "v-fill": "#2b7de0",
    "v-tint": "#e6f0fc",
    "g": "#b04a00",
    "g-fill": "#db6505",
    "g-tint": "#fdeedd",
    "l": "#0a7558",
    "l-fill": "#12916e",
    "l-tint": "#e0f5ee",
    "n-fill": "#4c5866",
    "n-tint": "#e3e7ec",
    "bad": "#b3203f",
    "bad-tint": "#fde8ec",
}
"""The colours on a light ground, by role."""

DARK: Mapping[str, str] = {
    "ground": "#0f1318",
    "paper": "#151a21",
    "cell": "#1c232c",
    "line": "#2a333e",
    "edge": "#66727f",
    "ink": "#e8edf3",
    "soft": "#9aa7b5",
    "v": "#79b8ff",
    "v-fill": "#4b9cf5",
    "v-tint": "#15293f",
    "g": "#ffab66",
    "g-fill": "#f58a35",
    "g-tint": "#382312",
    "l": "#55d3ab",
    "l-fill": "#2fb98f",
    "l-tint": "#12302a",
    "n-fill": "#a9b4c0",
    "n-tint": "#2a323c",
    "bad": "#ff8aa2",
    "bad-tint": "#3a1820",
}
"""The same roles on a dark ground."""

SANS = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", "DejaVu Sans", sans-serif'
MATH = '"STIX Two Math", "Cambria Math", "Latin Modern Math", "STIX Math", "DejaVu Math TeX Gyre", math, serif'
MONO = "DejaVu Sans Mono, Menlo, Consolas, Liberation Mono, ui-monospace, monospace"
"""Pictures are set in it: names are code, numbers line up, and widths are known without a font."""
RADIUS = 8
"""Corners of cards, in pixels; a cell of a matrix has a fifth of it."""

MARK = (
    '<svg class="mark" viewBox="0 0 18 22" width="18" height="22" aria-hidden="true">'
    '<path class="up" d="M9 .6l8.6 9.7H.4z"/><path class="down" d="M9 21.4L.4 11.7h17.2z"/></svg>'
)
"""The mark: Δ, what flows forward, above ∇, what flows back. Its classes are coloured by `stylesheet`."""


def variables(theme: Mapping[str, str]) -> str:
    """Return a theme's colours as the declarations of CSS custom properties.

    Example:
        >>> variables({"v": "#1463c6", "v-fill": "#2b7de0"})
        '--v: #1463c6; --v-fill: #2b7de0;'
    """
    return " ".join(f"--{name}: {colour};" for name, colour in theme.items())


def stylesheet(scope: str = ":root") -> str:
    """Return the rules that define the palette inside `scope`: light, and dark where the reader's system is.

    The classes `light` and `dark` on that element overrule the system.
    """
    dark = variables(DARK)
    return "\n".join(
        (
            f"{scope} {{ {variables(LIGHT)} color-scheme: light; "
            f"--sans: {SANS}; --math: {MATH}; --mono: {MONO}; --r: {RADIUS}px; }}",
            f"@media (prefers-color-scheme: dark) {{ {scope}:not(.light) {{ {dark} color-scheme: dark; }} }}",
            f"{scope}.dark {{ {dark} color-scheme: dark; }}",
            ".mark .up { fill: var(--v-fill); } .mark .down { fill: var(--g-fill); }",
        )
    )
