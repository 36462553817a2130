"""What takes room in the ranks of a layered layout, and in which order it stands there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

__all__ = ["Cells", "ordered"]

LINE_GAP = 7.0
ORDER_SWEEPS = 8
MANY = 3000
"""Beyond this many cells one start has to do."""


@dataclass(slots=True)
class Cells:
    """Boxes, labels and bends: everything that takes room in a rank."""

    rank: list[int]
    along: list[float]
    across: list[float]
    gap: list[float]
    weight: list[float]
    before: list[list[int]] = field(default_factory=list)
    after: list[list[int]] = field(default_factory=list)
    run: dict[int, list[int]] = field(default_factory=dict)

    def add(self, rank: int, along: float, across: float) -> int:
        """Return the number of a new cell of a line: its rank, and its size along the arrows and across them."""
        self.rank.append(rank)
        self.along.append(along)
        self.across.append(across)
        self.gap.append(LINE_GAP)
        self.weight.append(3.0)
        self.before.append([])
        self.after.append([])
        return len(self.rank) - 1

    def link(self, tail: int, head: int) -> None:
        """Join two cells of a line."""
        self.after[tail].append(head)
        self.before[head].append(tail)


def ordered(cells: Cells, boxes: int, *, fixed: bool) -> list[list[int]]:
    """Return the cells of each rank in an order with few crossings, the best that is found from several starts."""
    if fixed:
        return _in_layers(cells, range(len(cells.rank)))
    best: list[list[int]] = []
    fewest = -1
    for turned, forward in ((False, True), (True, True), (False, False), (True, False)):
        layers, crossings = _swept(cells, _in_layers(cells, _depth_first(cells, boxes, turned=turned)), forward)
        if fewest < 0 or crossings < fewest:
            best, fewest = layers, crossings
        if not fewest or len(cells.rank) > MANY:
            break
    return best


def _in_layers(cells: Cells, order: Iterable[int]) -> list[list[int]]:
    layers: list[list[int]] = [[] for _ in range(max(cells.rank) + 1)]
    for cell in order:
        layers[cells.rank[cell]].append(cell)
    return layers


def _swept(cells: Cells, layers: list[list[int]], forward: bool) -> tuple[list[list[int]], int]:
    """Return the best order that sweeps from a first one find, and how many lines cross in it."""
    place = [0.0] * len(cells.rank)
    for layer in layers:
        _number(layer, place)
    best, fewest = [list(layer) for layer in layers], _crossings(cells, layers, place)
    for _ in range(ORDER_SWEEPS):
        if not fewest:
            break
        for layer in layers if forward else reversed(layers):
            _sort(layer, cells.before if forward else cells.after, place)
        forward = not forward
        crossings = _crossings(cells, layers, place)
        if crossings < fewest:
            best, fewest = [list(layer) for layer in layers], crossings
    return best, fewest


def _depth_first(cells: Cells, boxes: int, *, turned: bool) -> list[int]:
    """Return the cells in the order of a walk from the last box against the arrows: relatives stand together.

    The walk takes the last operand first if it is `turned`.
    """
    seen = [False] * len(cells.rank)
    order: list[int] = []
    for start in range(boxes - 1, -1, -1):
        waiting = [start]
        while waiting:
            cell = waiting.pop()
            if not seen[cell]:
                seen[cell] = True
                order.append(cell)
                waiting.extend(cells.before[cell] if turned else reversed(cells.before[cell]))
    return order


def _number(layer: list[int], place: list[float]) -> None:
    for k, cell in enumerate(layer):
        place[cell] = float(k)


def _sort(layer: list[int], neighbours: list[list[int]], place: list[float]) -> None:
    wanted = {
        cell: sum(place[n] for n in neighbours[cell]) / len(neighbours[cell]) if neighbours[cell] else place[cell]
        for cell in layer
    }
    layer.sort(key=wanted.__getitem__)
    _number(layer, place)


def _crossings(cells: Cells, layers: list[list[int]], place: list[float]) -> int:
    """Return how many lines cross, counted by Fenwick trees (Barth, Mutzel and Jünger 2004)."""
    total = 0
    for layer in layers:
        heads = [int(place[h]) for cell in layer for h in sorted(cells.after[cell], key=place.__getitem__)]
        size = max(heads, default=0) + 2
        tree = [0] * (size + 1)
        for count, head in enumerate(heads):
            k, smaller = head + 1, 0
            while k > 0:
                smaller += tree[k]
                k -= k & -k
            total += count - smaller
            k = head + 1
            while k <= size:
                tree[k] += 1
                k += k & -k
    return total
