"""Pictures as PNG and PDF, by the package typst: one wheel for every common machine, with the fonts that it needs.

Cairo needs libraries of the system, and pygraphviz a compiler and Graphviz's headers. Typst's reader of SVG takes no
part in themes, so a picture is written in one; and text is in DejaVu Sans Mono, the face of all pictures, which the
wheel brings. The system's fonts are asked only for scripts that it lacks.
"""

from __future__ import annotations

import importlib.util
import re
from importlib import import_module

__all__ = ["EXPORTED", "can_export", "exported"]

EXPORTED = ("png", "pdf")
"""The formats."""

DENSITY = 2.0
"""Pixels of a PNG for one of the picture's own."""
MOST_PIXELS = 40e6
LONGEST_SIDE = 16_000
"""A PNG that would be larger has fewer pixels for each of the picture's own."""

_PAGE = """#set document(date: none, title: "computation graph")
#set page(width: {0}pt, height: {1}pt, margin: 0pt, fill: none)
#image(bytes(sys.inputs.svg), format: "svg", width: 100%, height: 100%, alt: "computation graph")
"""


def can_export() -> bool:
    """Return whether typst is installed."""
    return importlib.util.find_spec("typst") is not None


def exported(picture: str, kind: str) -> bytes:
    """Return a picture as a PNG or a PDF; the same picture gives the same bytes.

    Args:
        picture: An SVG document of `viz.svg` in one theme, light or dark.
        kind: "png" or "pdf".
    """
    compiled = import_module("typst").compile
    wide, high = map(float, re.findall(r' (?:width|height)="([\d.]+)"', picture[: picture.index(">")]))
    density = min(DENSITY, LONGEST_SIDE / max(wide, high), (MOST_PIXELS / (wide * high)) ** 0.5)
    data: bytes = compiled(
        _PAGE.format(0.75 * wide, 0.75 * high).encode(),  # 96 pixels of an SVG are an inch, and so are 72 points
        format=kind,
        ppi=96.0 * density,
        sys_inputs={"svg": picture},
        ignore_system_fonts=all(map(_is_embedded, picture)),
    )
    return data


def _is_embedded(character: str) -> bool:
    """Return whether the wheel's fonts have a character: Latin, Greek and Cyrillic letters, and signs."""
    return character < "\u0530" or "\u1e00" <= character < "\u2c00"
