"""A network of many neurons as tiles: the input as an image, and what each neuron weighs as an image of its own.

Values stand above, gradients below at the same places: a⁰ over ∂C/∂a⁰, W over ∂C/∂W, and each neuron's a over its δ,
as bars at the feet of its tiles. The outputs have a bar each, and their numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from .areas import FULL, Shade, areas
from .arrays import LayerArrays, NetworkArrays, largest, shown_layers, superscript
from .canvas import Canvas
from .style import numeral, shortened, width

__all__ = ["MANY", "Tiles", "wrapped"]

Array: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

MANY = 20
"""A layer of more neurons is drawn as tiles."""
MOST_CELLS = 25_000
"""A layer of more weights shows its first neurons only, so that the picture stays a file that can be sent."""
MOST_OUTPUTS = 20
MOST_EXAMPLES = 12
"""Of a batch of more, bars show the first ones."""

TOLD = 12
"""Digits for a pointer: so many are the same on every processor."""

GAP, BAR, ROW, ROOM = 6.0, 7.0, 24.0, 190.0
SPACE, LEFT = 46.0, 18.0


def wrapped(count: int) -> tuple[int, int]:
    """Return rows and columns of the nearest rectangle to a square that holds so many cells."""
    columns = math.ceil(math.sqrt(count))
    return math.ceil(count / columns), columns


@dataclass(frozen=True, slots=True)
class _Grid:
    """How the tiles of a layer are arranged.

    Attributes:
        shown: How many neurons.
        rows, columns: Of the cells of a tile.
        across: How many tiles stand beside each other.
        cell: The side of a cell in pixels.
    """

    shown: int
    rows: int
    columns: int
    across: int
    cell: float

    @property
    def tile(self) -> tuple[float, float]:
        """Width and height of a tile."""
        return self.columns * self.cell, self.rows * self.cell

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of all tiles with their bars."""
        down = math.ceil(self.shown / self.across)
        wide, high = self.tile
        return self.across * (wide + GAP) - GAP, down * (high + BAR + 2 + GAP) - GAP

    def corner(self, j: int) -> tuple[float, float]:
        """Return the upper left corner of a neuron's tile."""
        wide, high = self.tile
        return (j % self.across) * (wide + GAP), (j // self.across) * (high + BAR + 2 + GAP)


def _grid(layer: LayerArrays, shape: tuple[int, int]) -> _Grid:
    """Return the arrangement with the largest tiles that is about as wide as it is high."""
    rows, columns = shape
    shown = max(1, min(len(layer.W), MOST_CELLS // layer.W.shape[1]))
    best, largest_cell = 1, 0.0
    for across in range(1, shown + 1):
        down = math.ceil(shown / across)
        cell = min((270 - across * GAP) / (across * columns), (270 - down * (BAR + 2 + GAP)) / (down * rows))
        if cell > largest_cell:
            best, largest_cell = across, cell
    across = best if largest_cell else math.ceil(math.sqrt(shown))
    return _Grid(shown, rows, columns, across, min(5.0, max(largest_cell, 2.0)))


class Tiles:
    """The picture of a network as tiles.

    Args:
        numbers: Both passes.
        image: Rows and columns of the input.
        classes: Names of the outputs; their numbers without.
        digits: Significant digits.
        with_loss: Whether there is a loss; without it weights alone are drawn.
    """

    def __init__(
        self, numbers: NetworkArrays, image: tuple[int, int], classes: Sequence[str], digits: int, *, with_loss: bool
    ) -> None:
        self.numbers, self.image, self.classes = numbers, image, classes
        self.digits, self.with_loss = digits, with_loss
        self.hidden, self.left_out = shown_layers(numbers.layers[:-1])
        self.examples = min(numbers.x.shape[1], MOST_EXAMPLES)

    def svg(self, theme: str) -> str:
        """Return the picture as an SVG document in a theme."""
        canvas = Canvas()
        grids = {l: _grid(layer, self._shape(l, layer)) for l, layer in self.hidden}
        last = self.numbers.layers[-1]
        outputs = min(len(last.W), MOST_OUTPUTS)
        high = max([outputs * ROW, *(grid.size[1] for grid in grids.values())])
        pixel = min(22.0, 0.72 * high / self.image[0], 200.0 / self.image[1])
        self.upper, self.lower = 40 + high / 2, 40 + 1.5 * high + 76
        x = LEFT
        if self.with_loss:
            x += self._input(canvas, x, pixel) + SPACE
        for l, layer in self.hidden:
            if self.left_out and l == self.hidden[2][0]:
                text = f"… {self.left_out} more layer{'s' if self.left_out > 1 else ''}"
                canvas.text(x, self.upper, text, "muted")
                x += width(text) + SPACE
            x += self._layer(canvas, x, l, layer, grids[l]) + SPACE
        right = self._outputs(canvas, x, len(self.numbers.layers), last, outputs)
        if self.with_loss:
            cost = f"C = {numeral(self.numbers.cost, self.digits + 1)}"
            middle = (self.upper + self.lower) / 2
            canvas.line(f"M{LEFT} {middle:.1f}H{right - width(cost) - 16:.1f}", "lane")
            canvas.text(right, middle + 4, cost, "value bold end")
        bottom = (self.lower if self.with_loss else self.upper) + high / 2 + (60 if self.with_loss else 32)
        caption = self.caption
        canvas.text(LEFT, bottom - 10, caption, "muted")
        return canvas.svg(theme, (max(right, LEFT + width(caption)) + LEFT, bottom), self.label)

    @property
    def caption(self) -> str:
        """How to read the picture."""
        count = len(self.numbers.x[0])
        batch = "each example" if count == self.examples else f"each of the first {self.examples} examples"
        parts = ("above values, below gradients" if self.with_loss else "", "area = size", "slate = negative",
                 f"a bar for {batch}" if count > 1 else "")  # fmt: skip
        return " · ".join(filter(None, parts))

    @property
    def label(self) -> str:
        """What the picture is, for readers who do not see it."""
        what = "its values, and below them their gradients" if self.with_loss else "its weights"
        return f"A {self.numbers.sizes} network: {what}"

    def _shape(self, l: int, layer: LayerArrays) -> tuple[int, int]:
        """Return rows and columns of the tiles of a layer."""
        return self.image if l == 1 else wrapped(layer.W.shape[1])

    def _lanes(self) -> Iterator[tuple[Shade, float]]:
        yield "value", self.upper
        if self.with_loss:
            yield "gradient", self.lower

    def _titles(self, l: int, layer: LayerArrays, shown: int, *, softmax: bool = False) -> dict[Shade, str]:
        up = superscript(l)
        answer = f"softmax(a{up})" if softmax else f"a{up} = {layer.function}(z{up})" if layer.function else f"a{up}"
        if not self.with_loss:
            return {"value": f"W{up}"}
        some = f", {shown} of {len(layer.W)}" if shown < len(layer.W) else ""
        return {"value": f"W{up} and {answer}{some}", "gradient": f"∂C/∂W{up} and δ{up}"}

    def _input(self, canvas: Canvas, x: float, pixel: float) -> float:
        rows, columns = self.image
        count = self.numbers.x.shape[1]
        titles = {"value": f"a⁰ of example 1 of {count}" if count > 1 else "a⁰, the input", "gradient": "∂C/∂a⁰"}
        for (shade, y), array in zip(self._lanes(), (self.numbers.x, self.numbers.dx), strict=True):
            top = max(1.0, largest(array[:, 0])) if shade == "value" else largest(array[:, 0])
            _tile(canvas, array[:, 0], columns, (x, y - rows * pixel / 2), pixel, top, shade, "", 3.0)
            _heading(canvas, x - 3, y, rows * pixel, titles[shade], shade)
        return max(columns * pixel, width(titles["value"]))

    def _layer(self, canvas: Canvas, x: float, l: int, layer: LayerArrays, grid: _Grid) -> float:
        (wide, high), (tile, tall) = grid.size, grid.tile
        titles = self._titles(l, layer, grid.shown)
        for (shade, y), W, foot in zip(self._lanes(), (layer.W, layer.dW), (layer.a, layer.delta), strict=False):
            top, most = largest(W[: grid.shown]), largest(foot[: grid.shown, : self.examples])
            for j in range(grid.shown):
                left, upper = x + grid.corner(j)[0], y - high / 2 + grid.corner(j)[1]
                _tile(canvas, W[j], grid.columns, (left, upper), grid.cell, top, shade, self._tooltip(l, layer, j))
                if self.with_loss:
                    self._foot(canvas, foot[j], most, shade, left, upper + tall + 2 + BAR / 2, tile)
            _heading(canvas, x - 1, y, high, titles[shade], shade)
        return max(wide, *map(width, titles.values()))

    def _tooltip(self, l: int, layer: LayerArrays, j: int) -> str:
        """Return the numbers of a neuron; z, a and δ are of one example, so a batch has none."""
        told = {"b": layer.b[j]} if layer.b.size else {}
        if self.with_loss and self.numbers.x.shape[1] == 1:
            told |= {"z": layer.z[j, 0], "a": layer.a[j, 0], "δ": layer.delta[j, 0]}
        return "\n".join([f"neuron {l}.{j}", *(f"{name} {numeral(float(x), TOLD)}" for name, x in told.items())])

    def _foot(self, canvas: Canvas, numbers: Array, most: float, shade: Shade, x: float, y: float, tile: float) -> None:
        """Draw a neuron's number under its tile, those of a batch beside each other."""
        room = tile / self.examples
        for k, number in enumerate(numbers[: self.examples]):
            part = math.sqrt(abs(number) / most) if most and math.isfinite(number) else 0.0
            wide, high = part * room * FULL, part * BAR
            canvas.bar(x + (k + 0.5) * room - wide / 2, y - high / 2, wide, high, shade if number > 0 else "negative")

    def _outputs(self, canvas: Canvas, x: float, l: int, layer: LayerArrays, shown: int) -> float:
        """Draw what each output weighs, and its numbers as bars; return where they end."""
        rows, columns = self._shape(l, layer)
        cell = min((ROW - 3) / rows, 60 / columns)
        names = [shortened(name, 12) for name in self.classes] or [str(i) for i in range(shown)]
        left = x + columns * cell + 18 + max(map(width, names[:shown]))
        answers, softmax = self.numbers.answers, self.numbers.softmax
        titles = self._titles(l, layer, shown, softmax=softmax)
        end = left
        for (shade, y), W, of in zip(self._lanes(), (layer.W, layer.dW), (answers, layer.delta), strict=False):
            top, height = largest(W[:shown]), shown * ROW
            most = 1.0 if softmax and shade == "value" else largest(of[:shown, : self.examples])
            for i in range(shown):
                middle = y - height / 2 + (i + 0.5) * ROW
                right = self._is_right(i)
                at = (x, middle - rows * cell / 2)
                _tile(canvas, W[i], columns, at, cell, top, shade, self._tooltip(l, layer, i))
                canvas.text(left - 8, middle + 4, names[i], "ink bold end" if right else "muted end")
                if self.with_loss:
                    end = max(end, self._answer(canvas, of[i], most, shade, left, middle, right=right))
            _heading(canvas, x - 1, y, height, titles[shade], shade)
        return max(end, *(x + width(title) for title in titles.values()))

    def _is_right(self, i: int) -> bool:
        targets = self.numbers.targets
        return targets is not None and targets.shape[1] == 1 and len(targets) > 1 and i == int(np.argmax(targets[:, 0]))

    def _answer(
        self, canvas: Canvas, numbers: Array, most: float, shade: Shade, x: float, y: float, *, right: bool
    ) -> float:
        """Draw one output's numbers, those of a batch below each other; return where they end."""
        room, softmax = ROOM, shade == "value" and self.numbers.softmax
        thick = 14.0 / self.examples
        start = x if softmax else x + room / 2
        if softmax:
            canvas.cell(x, y - 7, room, 14)
        else:
            canvas.line(f"M{start:.1f} {y - ROW / 2:.1f}v{ROW}", "axis")
        for k, number in enumerate(numbers[: self.examples]):
            long = abs(number) / most * (room if softmax else room / 2) if most and math.isfinite(number) else 0.0
            begin = start - long if number < 0.0 else start
            canvas.bar(begin, y - 7 + k * thick, long, thick, shade if number > 0.0 else "negative")
        if right and softmax:
            canvas.line(f"M{x + room:.1f} {y - 10:.1f}v20", "mark")
        if self.numbers.x.shape[1] > 1:
            return x + room
        text = _percent(numbers[0]) if softmax else numeral(numbers[0], self.digits)
        canvas.text(x + room + 8, y + 4, text, shade)
        return x + room + 8 + width(text)


def _tile(
    canvas: Canvas, numbers: Array, columns: int, at: tuple[float, float], cell: float, top: float, shade: Shade,
    told: str, margin: float = 1.0,
) -> None:  # fmt: skip
    """Draw numbers as an image on its ground, with what a pointer is told."""
    wide, high = columns * cell, math.ceil(len(numbers) / columns) * cell
    canvas.add(f"<g><title>{told}</title>" if told else "<g>")
    canvas.cell(at[0] - margin, at[1] - margin, wide + 2 * margin, high + 2 * margin)
    entries = ((k % columns, k // columns, float(number)) for k, number in enumerate(numbers))
    canvas.add(areas(entries, top, shade, at, cell) + "</g>")


def _heading(canvas: Canvas, x: float, y: float, high: float, text: str, shade: Shade) -> None:
    """Write what stands at a height: above values, below gradients."""
    canvas.text(x, y - high / 2 - 14 if shade == "value" else y + high / 2 + 22, text, shade)


def _percent(part: float) -> str:
    """Return a probability as a reader sees it.

    Example:
        >>> _percent(0.2613), _percent(0.0281), _percent(0.00012), _percent(0.9951)
        ('26%', '2.8%', '0.012%', '99.5%')
    """
    return f"{numeral(100 * part, 2 if part < 0.995 else 3)}%"
