"""A network as its layers: every vector and matrix of both passes, values above and gradients below, as they multiply.

Above stand a of the layer before over W, b, z and a; below ∂C/∂W over ∂C/∂a of the layer before, ∂C/∂b, δ, σ′(z)
and ∂C/∂a. So a row of W lies under the a that it weighs, and δ beside what it is made of. Small networks show numbers,
large ones areas; a batch has a column for each example.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np

from .areas import Entry, Shade, areas
from .arrays import LayerArrays, NetworkArrays, largest, shown_layers, superscript
from .canvas import LABEL_SIZE, Canvas, coordinate, xy
from .diagram import Arrow, Box, Diagram, Direction, Span, joined
from .style import numeral, width

__all__ = ["Blocks", "layer_diagram"]

Array: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

WRITTEN = 6
"""Layers of more neurons, and batches of more examples, show areas in the place of numbers."""
MOST_ROWS, MOST_COLUMNS, MOST_EXAMPLES = 60, 100, 12
WIDEST = 520.0
"""Pixels of a matrix of areas."""
LEFT, TOP = 18.0, 40.0
GAP, TURN = 14.0, 92.0
LANE = 26.0
"""Between a block and the line in the middle."""


_Column: TypeAlias = tuple[Array | None, str, Array, str, Shade, str]
"""What stands above and its title, what stands below and its title, of which kind that is, and the sign before it."""


class Blocks:
    """The picture of a network as its layers.

    Args:
        numbers: Both passes.
        digits: Significant digits.
    """

    def __init__(self, numbers: NetworkArrays, digits: int) -> None:
        self.numbers, self.digits = numbers, digits
        self.layers, self.left_out = shown_layers(numbers.layers)
        count = numbers.x.shape[1]
        self.examples = min(count, MOST_EXAMPLES)
        sizes = [len(numbers.x), *(len(layer.W) for layer in numbers.layers)]
        self.written = max(sizes) <= WRITTEN and count <= 3
        rows = min(MOST_ROWS, max(sizes[1:]))
        columns = min(MOST_COLUMNS, max(sizes[:-1]))
        self.wide = self.high = max(3.0, min(22.0, WIDEST / columns, 420.0 / rows))
        if self.written:
            self.wide, self.high = max(map(self._width, self._all())) + 12, 24.0
        self.middle = TOP + (self.examples + rows) * self.high + 2 * GAP + LANE

    def svg(self, theme: str) -> str:
        """Return the picture as an SVG document in a theme."""
        canvas, x = Canvas(), LEFT
        end: tuple[float, float, float] | None = None
        for l, layer in self.layers:
            if self.left_out and l == self.layers[2][0]:
                text = f"… {self.left_out} more layer{'s' if self.left_out > 1 else ''}"
                canvas.text(x + GAP, self.middle - LANE - self.high, text, "muted small")
                x, end = x + width(text, LABEL_SIZE) + 2 * GAP, None
            end = self._layer(canvas, x, l, layer, end)
            x = end[0]
        right = self._cost(canvas, end) if end else x
        canvas.line(f"M{LEFT} {coordinate(self.middle)}H{coordinate(right - 130)}", "lane")
        bottom = 2 * self.middle - TOP + 44
        canvas.text(LEFT, bottom - 10, self.caption, "muted small")
        wide = max(right, LEFT + width(self.caption, LABEL_SIZE)) + LEFT
        return canvas.svg(theme, (wide, bottom), self.label)

    @property
    def caption(self) -> str:
        """How to read the picture."""
        count = self.numbers.x.shape[1]
        whole = count == self.examples
        batch = "a column for each example" if whole else f"the first {self.examples} of {count} examples"
        is_cut = any(len(layer.W) > MOST_ROWS or len(layer.x) > MOST_COLUMNS for _, layer in self.layers)
        cut = f"the first {MOST_ROWS} rows and {MOST_COLUMNS} columns" if is_cut else ""
        parts = ("above values, below gradients", "" if self.written else "area = size · slate = negative",
                 batch if count > 1 else "", cut)  # fmt: skip
        return " · ".join(filter(None, parts))

    @property
    def label(self) -> str:
        """What the picture is, for readers who do not see it."""
        return f"The layers of a {self.numbers.sizes} network: vectors and matrices, and below them their gradients"

    def _all(self) -> Iterator[float]:
        for _, layer in self.layers:
            for array in (layer.W, layer.dW, layer.b, layer.db, layer.z, layer.delta, layer.a, layer.da, layer.slope):
                yield from array.ravel()
        yield from (*self.numbers.x.ravel(), *self.numbers.dx.ravel())

    def _width(self, number: float) -> float:
        return width(numeral(number, self.digits), LABEL_SIZE)

    def _block(self, canvas: Canvas, array: Array, x: float, y: float, shade: Shade) -> tuple[float, float]:
        """Draw a matrix; return its width and height."""
        shown = array[:MOST_ROWS, :MOST_COLUMNS]
        size = shown.shape[1] * self.wide, shown.shape[0] * self.high
        if not self.written:
            canvas.cell(x - 2, y - 2, size[0] + 4, size[1] + 4)
            entries: list[Entry] = [(k, j, float(number)) for (j, k), number in np.ndenumerate(shown)]
            canvas.add(areas(entries, 1.0 if shade == "slope" else largest(shown), shade, (x, y), self.wide))
            return size
        for (j, k), number in np.ndenumerate(shown):
            left, top = x + k * self.wide, y + j * self.high
            canvas.cell(left + 1, top + 1, self.wide - 2, self.high - 2, shade)
            text = numeral(float(number), self.digits)
            canvas.text(left + self.wide / 2, top + self.high / 2 + 3.6, text, f"{shade} small middle")
        return size

    def _layer(
        self, canvas: Canvas, x: float, l: int, layer: LayerArrays, end: tuple[float, float, float] | None
    ) -> tuple[float, float, float]:
        """Draw a layer that begins after x; return where it ends, and the middles of its a and ∂C/∂a."""
        a, da = layer.x[:, : self.examples].T, layer.dx[:, : self.examples].T
        up, weighed = superscript(l), "joined" if layer.is_joined else f"a{superscript(l - 1)}"
        rows = min(MOST_ROWS, len(layer.W)) * self.high
        top, low = self.middle - LANE - rows, self.middle + LANE
        name = f"∂C/∂W{up}"
        left = x + (TURN if end else 0.0) + width(name) + GAP
        wide, _ = self._block(canvas, layer.W, left, top, "value")
        self._block(canvas, layer.dW, left, low, "gradient")
        above, below = top - GAP - self.examples * self.high, low + rows + GAP
        self._block(canvas, a, left, above, "value")
        self._block(canvas, da, left, below, "gradient")
        canvas.text(left - GAP / 2 - 2, top + rows / 2 - 2, f"W{up}", "value end")
        shape = f"{layer.W.shape[0]} × {layer.W.shape[1]}"
        canvas.text(left - GAP / 2 - 2, top + rows / 2 + 12, shape, "muted small end")
        canvas.text(left - GAP / 2 - 2, low + rows / 2 + 4, name, "gradient end")
        canvas.text(left, above - 8, weighed, "value small")
        canvas.text(
            left,
            below + self.examples * self.high + 15,
            "∂C/∂·" if layer.is_joined else f"∂C/∂{weighed}",
            "gradient small",
        )
        if end:
            half = self.examples * self.high / 2
            self._arrow(canvas, (end[0] + 6, end[1]), (left - 4, above + half), "value")
            self._arrow(canvas, (left - 4, below + half), (end[0] + 6, end[2]), "gradient")
        return self._vectors(canvas, left + wide, l, layer, (top, low, rows))

    def _vectors(
        self, canvas: Canvas, x: float, l: int, layer: LayerArrays, lanes: tuple[float, float, float]
    ) -> tuple[float, float, float]:
        """Draw b, z and a of a layer, and what is below them."""
        (top, low, rows), up = lanes, superscript(l)
        columns: list[_Column] = [(layer.z, f"z{up}", layer.delta, f"δ{up}", "gradient", "=")]
        if layer.b.size:
            columns.insert(0, (layer.b[:, None], f"b{up}", layer.db[:, None], f"∂C/∂b{up}", "gradient", "+"))
        if layer.function:
            columns.append((None, layer.function, layer.slope, f"σ′(z{up})", "slope", "="))
            columns.append((layer.a, f"a{up}", layer.da, f"∂C/∂a{up}", "gradient", "⊙"))
        for value, title, gradient, under, shade, sign in columns:
            count = min(gradient.shape[1], self.examples)
            room = max(count * self.wide, width(under, LABEL_SIZE), width(title, LABEL_SIZE))
            x += GAP + 4
            at = x + (room - count * self.wide) / 2
            center = x + room / 2
            if value is not None:
                self._block(canvas, value[:, :count], at, top, "value")
                canvas.text(center, top - 8, title, "value small middle")
            else:
                canvas.text(center, top + rows / 2 + 3, title, "slope small middle")
            self._block(canvas, gradient[:, :count], at, low, shade)
            canvas.text(center, low + rows + 15, under, f"{shade} small middle")
            y = top if sign in "+=" and value is not None else low
            canvas.text(x - (GAP + 4) / 2, y + rows / 2 + 4, sign, "muted small middle")
            x += room
        return x, top + rows / 2, low + rows / 2

    def _arrow(self, canvas: Canvas, start: tuple[float, float], end: tuple[float, float], shade: Shade) -> None:
        back = 6.0 if end[0] > start[0] else -6.0
        base, half = (end[0] - back, end[1]), (start[0] + end[0]) / 2
        canvas.line(f"M{xy(start)}C{xy((half, start[1]))} {xy((half, end[1]))} {xy(base)}", f"line {shade}")
        wings = [(end[0] - 1.2 * back, end[1] + side) for side in (-3.0, 3.0)]
        canvas.line(f"M{xy(end)}L{xy(wings[0])}L{xy(wings[1])}Z", f"tip {shade}")

    def _cost(self, canvas: Canvas, end: tuple[float, float, float]) -> float:
        """Draw the cost and the 1 that comes back from it; return where they end."""
        text = f"C = {numeral(self.numbers.cost, self.digits)}"
        wide = max(width(text), 60.0) + 20
        left = end[0] + 60
        self._arrow(canvas, (end[0] + 6, end[1]), (left, self.middle - 11), "value")
        self._arrow(canvas, (left, self.middle + 11), (end[0] + 6, end[2]), "gradient")
        canvas.add(f'<g class="root"><rect class="box" x="{coordinate(left)}" y="{coordinate(self.middle - 22)}" '
                   f'width="{coordinate(wide)}" height="44" rx="8"/></g>')  # fmt: skip
        canvas.line(f"M{xy((left, self.middle))}h{coordinate(wide)}", "rule")
        canvas.text(left + wide - 10, self.middle - 7, text, "value end")
        canvas.text(left + wide - 10, self.middle + 15, "1", "gradient end")
        return left + wide


def layer_diagram(numbers: NetworkArrays, digits: int, direction: Direction, theme: str) -> Diagram:
    """Return the layers of a network as boxes, with the norms of their vectors, and W as an arrow between two."""

    def norm(letter: str, of: Array) -> str:
        return f"‖{letter}‖ {numeral(float(np.linalg.norm(of)), digits)}"

    def rows(name: str, size: str, value: str, gradient: str) -> tuple[tuple[Span, Span], ...]:
        above = (Span(name, bold=True), Span(value, "value"))
        return above, (Span(size, "muted"), Span(gradient, "gradient"))

    first = rows("inputs", f"{len(numbers.x)} values", norm("x", numbers.x), norm("∇", numbers.dx))
    boxes = [Box("l0", first, "leaf")]
    arrows = []
    for l, layer in enumerate(numbers.layers, 1):
        size = f"{len(layer.W)} {layer.function or 'identity'}"
        boxes.append(Box(f"l{l}", rows(f"layer {l}", size, norm("a", layer.a), norm("δ", layer.delta))))
        label = ((Span(f"W{l} {layer.W.shape[0]}×{layer.W.shape[1]}", "value"),),)
        arrows.append(Arrow(f"l{l - 1}", f"l{l}", label))
    last = len(boxes) - 1
    boxes.append(Box("c", rows("C", "cost", numeral(numbers.cost, digits), "1"), "root"))
    arrows.append(Arrow(f"l{last}", "c"))
    caption = joined(Span("norms of values", "value"), Span("and of gradients", "gradient"))
    return Diagram(tuple(boxes), tuple(arrows), caption, direction, theme)
