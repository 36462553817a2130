"""A layered layout: boxes in ranks along the arrows, few crossings, and room kept for every label and every line.

Three steps after Sugiyama, Tagawa and Toda (1981): ranks by longest paths; order within a rank by barycentre sweeps;
coordinates that pull each box towards its neighbours. A label, and a line that passes a rank, are boxes of their own
while this happens, so nothing is ever drawn over anything else.

The sketch is made with arrows pointing right and then turned.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from .diagram import Direction
from .ranks import Cells, ordered

__all__ = ["Layout", "layered"]

Point = tuple[float, float]
Size = tuple[float, float]

BOX_GAP = 14.0
LINE_ROOM = 2.0
RANK_GAP = 24.0
COLUMN_GAP = 40.0
STRAIGHT = 2.0
"""A line moves across by no less than this: smaller steps are drawn straight."""
SHORTEST = 8.0
"""A stretch that is no longer than the tip of an arrow is part of the curve beside it."""
MOST_BENDS = 60_000
"""Beyond this many points where lines pass ranks, long lines run straight: their number can grow with the square."""
PLACE_SWEEPS = 16
FLAT_SWEEPS = 8


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything stands.

    Attributes:
        boxes: The centre of each box.
        routes: For each edge the points its line passes, from the tail's side to the head's.
        labels: The centre of each edge's label; None where it has none.
        size: Width and height of it all; coordinates start at (0, 0).
    """

    boxes: tuple[Point, ...]
    routes: tuple[tuple[Point, ...], ...]
    labels: tuple[Point | None, ...]
    size: Size


def layered(
    boxes: Sequence[Size],
    edges: Sequence[tuple[int, int]],
    labels: Sequence[Size | None],
    direction: Direction = "LR",
    columns: Sequence[int | None] | None = None,
) -> Layout:
    """Return a layout of boxes and of edges from lower to higher box numbers.

    Args:
        boxes: Width and height of each box, in topological order.
        edges: The box numbers of each edge's tail and head; tail < head.
        labels: Width and height of each edge's label, or None.
        direction: Where the edges point.
        columns: Fixed ranks, one a box; boxes of a rank then keep their order.
    """
    if not boxes:
        return Layout((), (), (), (0.0, 0.0))
    turned = direction in ("TB", "BT")
    sizes = [(h, w) if turned else (w, h) for w, h in boxes]
    room = [None if size is None else (size[1], size[0]) if turned else size for size in labels]
    fixed = columns is not None and all(column is not None for column in columns)
    ranks = [2 * (column or 0) for column in columns or ()] if fixed else [2 * r for r in _ranks(len(boxes), edges)]
    cells = Cells(
        ranks,
        [size[0] for size in sizes],
        [size[1] for size in sizes],
        [BOX_GAP] * len(sizes),
        [1.0] * len(sizes),
        [[] for _ in sizes],
        [[] for _ in sizes],
    )
    chains = _chains(cells, edges, room)
    layers = ordered(cells, len(sizes), fixed=fixed)
    across = _places(cells, layers)
    return _turned(cells, chains, room, across, _stations(cells, layers, across, fixed=fixed), len(sizes), direction)


def _ranks(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """Return longest-path ranks, with each source moved up to just before what it feeds."""
    rank = [0] * count
    first = [-1] * count
    fed = [False] * count
    for tail, head in sorted(edges, key=lambda edge: edge[1]):
        rank[head] = max(rank[head], rank[tail] + 1)
        fed[head] = True
    for tail, head in edges:
        first[tail] = rank[head] if first[tail] < 0 else min(first[tail], rank[head])
    return [rank[k] if fed[k] or first[k] < 0 else first[k] - 1 for k in range(count)]


def _chains(cells: Cells, edges: Sequence[tuple[int, int]], labels: Sequence[Size | None]) -> list[list[int]]:
    """Give every edge a cell for its label, just before its head, and one for each rank that it passes."""
    bends = sum(max(0, cells.rank[head] - cells.rank[tail] - 1) for tail, head in edges)
    chains = []
    labelled = any(label is not None for label in labels)
    for (tail, head), label in zip(edges, labels, strict=True):
        chain = [tail]
        last = cells.rank[head] - 1
        passed = range(cells.rank[tail] + 1, last + 1) if bends <= MOST_BENDS else [last]
        for rank in passed:
            if rank == last and label is not None:
                chain.append(cells.add(rank, *label))
            elif last - cells.rank[tail] > 1 or labelled:
                chain.append(cells.add(rank, 0.0, LINE_ROOM))
        cells.run.update(dict.fromkeys(chain[1:], chain[1:]) if len(chain) > 2 else {})
        chain.append(head)
        for a, b in itertools.pairwise(chain):
            cells.link(a, b)
        chains.append(chain)
    return chains


def _places(cells: Cells, layers: list[list[int]]) -> list[float]:
    """Return the coordinate across the ranks of each cell."""
    across = [0.0] * len(cells.rank)
    for layer in layers:
        _place_rank(cells, layer, across, dict.fromkeys(layer, 0.0))
    for sweep in range(PLACE_SWEEPS):
        near = cells.before if sweep % 2 == 0 else cells.after
        last = sweep >= PLACE_SWEEPS - FLAT_SWEEPS
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            _place_rank(cells, layer, across, {cell: _wanted(cells, cell, near, across, last=last) for cell in layer})
    return across


def _wanted(cells: Cells, cell: int, near: list[list[int]], across: list[float], *, last: bool) -> float:
    """Return where a cell would stand alone: at its neighbours' mean, and in the last sweeps level with its line."""
    linked = near[cell]
    if last:
        linked = cells.run[cell] if cell in cells.run else cells.before[cell] + cells.after[cell]
    return sum(across[n] for n in linked) / len(linked) if linked else across[cell]


def _place_rank(cells: Cells, layer: list[int], across: list[float], wanted: dict[int, float]) -> None:
    """Place a rank as near to `wanted` as its order and its gaps allow: a least-squares fit by pooling violators."""
    pools: list[tuple[float, float, int]] = []
    offsets = []
    offset, previous = 0.0, -1
    for cell in layer:
        if previous >= 0:
            offset += (cells.across[previous] + cells.across[cell]) / 2 + max(cells.gap[previous], cells.gap[cell])
        offsets.append(offset)
        previous = cell
        mean, weight, members = wanted[cell] - offset, cells.weight[cell], 1
        while pools and pools[-1][0] >= mean:
            other, heavy, several = pools.pop()
            mean = (mean * weight + other * heavy) / (weight + heavy)
            weight, members = weight + heavy, members + several
        pools.append((mean, weight, members))
    means = [mean for mean, _, members in pools for _ in range(members)]
    for cell, mean, shift in zip(layer, means, offsets, strict=True):
        across[cell] = mean + shift


def _stations(cells: Cells, layers: list[list[int]], across: list[float], *, fixed: bool) -> list[float]:
    """Return the coordinate along the arrows of each rank's centre; steep lines get more room between ranks."""
    least, slope, most = (COLUMN_GAP, 0.22, 320.0) if fixed else (RANK_GAP, 0.16, 90.0)
    stations, here = [], 0.0
    for k, layer in enumerate(layers):
        thick = max((cells.along[cell] for cell in layer), default=0.0)
        steep = max((abs(across[n] - across[cell]) for cell in layer for n in cells.after[cell]), default=0.0)
        stations.append(here + thick / 2)
        gap = min(most, least + slope * steep)
        here += thick + (gap if layer and k + 1 < len(layers) else 0.0)
    return stations


def _turned(
    cells: Cells,
    chains: list[list[int]],
    labels: Sequence[Size | None],
    across: list[float],
    stations: list[float],
    boxes: int,
    direction: Direction,
) -> Layout:
    """Move the sketch to (0, 0), give lines their ends, and turn it to its direction."""
    low = min(across[c] - cells.across[c] / 2 for c in range(len(across)))
    high = max(across[c] + cells.across[c] / 2 for c in range(len(across)))
    deep = max(stations[cells.rank[c]] + cells.along[c] / 2 for c in range(len(across)))
    turned, back = direction in ("TB", "BT"), direction in ("RL", "BT")

    def turn(along: float, beside: float) -> Point:
        along = deep - along if back else along
        return (beside - low, along) if turned else (along, beside - low)

    thick = [0.0] * len(stations)
    for cell, rank in enumerate(cells.rank):
        thick[rank] = max(thick[rank], cells.along[cell])
    ports = _ports(cells, chains, across)
    routes, marks = [], []
    for k, chain in enumerate(chains):
        level = ports[k][0]
        points = [(stations[cells.rank[chain[0]]] + out, level) for out in _out(cells, chain[0], thick)]
        for cell in chain[1:-1]:
            level = level if abs(across[cell] - level) < STRAIGHT else across[cell]
            halves = [thick[cells.rank[cell]] / 2]
            if labels[k] is not None and cell == chain[-2]:
                halves.append(cells.along[cell] / 2)
            offsets = [-half for half in halves] + halves[::-1]
            points += [(stations[cells.rank[cell]] + offset, level) for offset in offsets]
        mark = chain[-2]
        marks.append(turn(stations[cells.rank[mark]], level) if labels[k] is not None else None)
        end = level if abs(ports[k][1] - level) < STRAIGHT and len(chain) > 2 else ports[k][1]
        points += [(stations[cells.rank[chain[-1]]] - out, end) for out in reversed(_out(cells, chain[-1], thick))]
        routes.append(tuple(turn(*point) for point in points))
    centres = tuple(turn(stations[cells.rank[c]], across[c]) for c in range(boxes))
    size = (high - low, deep) if turned else (deep, high - low)
    return Layout(centres, tuple(routes), tuple(marks), size)


def _out(cells: Cells, box: int, thick: list[float]) -> list[float]:
    """Return how far from its centre a line leaves a box, and its rank: among wider boxes it runs straight that far."""
    own, rank = cells.along[box] / 2, thick[cells.rank[box]] / 2
    return [own, rank] if rank - own >= SHORTEST else [own]


def _ports(cells: Cells, chains: list[list[int]], across: list[float]) -> list[list[float]]:
    """Return where each edge leaves its tail and meets its head: spread along the side, in the order of the lines."""
    ports = [[0.0, 0.0] for _ in chains]
    for end in (0, 1):
        sides: dict[int, list[tuple[float, int]]] = {}
        for k, chain in enumerate(chains):
            sides.setdefault(chain[-end], []).append((across[chain[1 - 3 * end]], k))
        for box, arrivals in sides.items():
            arrivals.sort()
            room = min(8.0, 0.62 * cells.across[box] / max(1, len(arrivals) - 1))
            for place, (_, k) in enumerate(arrivals):
                ports[k][end] = across[box] + (place - (len(arrivals) - 1) / 2) * room
    return ports
