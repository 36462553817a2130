"""A picture before it is drawn: boxes of text and arrows between them.

The static pictures are built as diagrams, and a diagram is written as DOT (`viz.dot`) or as SVG (`viz.svg`), so both
show the same things.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["Arrow", "Box", "Diagram", "Direction", "Kind", "Line", "Span", "Stroke", "Tone", "joined"]

Tone = Literal["ink", "muted", "value", "gradient", "slope", "warning", "negative"]
Stroke = Literal["edge", "value", "gradient", "negative"]
Kind = Literal["node", "leaf", "constant", "root"]
Direction = Literal["LR", "TB", "RL", "BT"]


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of text in one colour."""

    text: str
    tone: Tone = "ink"
    bold: bool = False


Line: TypeAlias = tuple[Span, ...]
"""A line of text."""


def joined(*parts: Span | Line) -> Line:
    """Return the parts of a caption as one line, with dots between them."""
    spans: list[Span] = []
    for part in parts:
        spans += [Span("  ·  ", "muted"), *((part,) if isinstance(part, Span) else part)]
    return tuple(spans[1:])


@dataclass(frozen=True, slots=True)
class Box:
    """A box of text: values in the first row, and below a rule gradients and what else there is to say.

    Attributes:
        key: What arrows call it: a name that the program made, never a user's text.
        rows: Lines of text, each a left and a right piece.
        kind: What it stands for, which decides its fill and outline.
        tooltip: The full text behind shortened names and rounded numbers.
        column: The column it must stand in, if the picture has fixed columns; boxes keep their order in a column.
    """

    key: str
    rows: tuple[tuple[Span, Span], ...]
    kind: Kind = "node"
    tooltip: str = ""
    column: int | None = None


@dataclass(frozen=True, slots=True)
class Arrow:
    """An arrow between two boxes.

    Attributes:
        tail: The key of the box it leaves.
        head: The key of the box it points to.
        label: Lines of text on it.
        tone: Its colour.
        width: Its thickness in pixels.
        opacity: Of the line, from 0 to 1, so that crowds of lines stay legible.
        dashed: Whether it is dashed, which repeats what the colour says.
        tooltip: The whole story of the edge.
        tip: Whether it has an arrowhead.
        backward: Whether it runs against the forward pass; the layout then ranks its ends the other way round.
    """

    tail: str
    head: str
    label: tuple[Line, ...] = ()
    tone: Stroke = "edge"
    width: float = 1.0
    opacity: float = 1.0
    dashed: bool = False
    tooltip: str = ""
    tip: bool = True
    backward: bool = False


@dataclass(frozen=True, slots=True)
class Diagram:
    """Boxes and arrows with a caption.

    Attributes:
        boxes: In a fixed order.
        arrows: In a fixed order; one for each edge, repetitions included.
        caption: How to read the picture.
        direction: Which way forward arrows point.
        theme: "auto", "light" or "dark".
    """

    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    caption: Line = ()
    direction: Direction = "LR"
    theme: str = "auto"

    @property
    def has_columns(self) -> bool:
        """Whether boxes stand in fixed columns."""
        return any(box.column is not None for box in self.boxes)
