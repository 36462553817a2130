"""Large graphs of values with what a reader does not follow folded away: numbers, and long chains of operations."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Set
from dataclasses import replace

from .formula import expression
from .level import Cell, Level, edge_flow
from .style import shortened
from .trace import Edge, Trace

__all__ = ["folded"]

SHORTEST = 3
"""A chain of fewer operations is not folded: the reader would lose more than the picture gains."""


def folded(
    level: Level, traced: Trace, digits: int, shown: Set[int], focus: int | None
) -> tuple[Level, frozenset[int]]:
    """Return a level of values with unnamed numbers and long chains folded, and the indices of the cells to draw.

    A number stands in the formula of the operation that takes it. A chain is of unlabelled operations with one operand
    that is no such number and one user; its last cell stands for it, and its derivative is the product along it.

    Args:
        level: Every value of `traced` as a cell.
        traced: The graph.
        digits: Significant digits.
        shown: Indices of the cells to draw if nothing were folded; chains are of these alone.
        focus: The index of a cell that must remain.
    """
    numbers = {k for k, cell in enumerate(level.cells) if cell.kind == "constant" and not cell.named}
    numbers -= {level.root, focus}
    cells = list(level.cells)
    into: dict[int, list[Edge]] = defaultdict(list)
    users: dict[int, list[int]] = defaultdict(list)
    for edge in traced.edges:
        if edge.tail not in numbers:
            into[edge.head].append(edge)
            users[edge.tail].append(edge.head)
        elif cells[edge.head] is level.cells[edge.head]:
            cells[edge.head] = _with_formula(cells[edge.head], traced, edge.head)
    inner = {
        k
        for k in shown - {focus}
        if (cell := cells[k]).kind == "node" and not cell.named and len(into[k]) == len(users[k]) == 1
    }
    gone, flows = set(numbers), {edge.index: flow for edge, flow in zip(traced.edges, level.flows, strict=True)}
    for last in [k for k in inner if users[k][0] not in inner]:
        chain = [last]
        while (tail := into[chain[-1]][0].tail) in inner:
            chain.append(tail)
        if len(chain) < SHORTEST:
            continue
        edges = [into[k][0] for k in chain]
        whole = replace(
            edges[-1],
            head=last,
            local=math.prod(edge.local for edge in edges),
            upstream=edges[0].upstream,
        )
        for edge in edges:
            del flows[edge.index]
        flows[edges[-1].index] = edge_flow(whole, digits)
        cells[last] = replace(
            cells[last],
            symbol=f"{len(chain)} operations",
            forward=f"{len(chain)} operations = {cells[last].value}",
            badges=tuple(dict.fromkeys(badge for k in reversed(chain) for badge in cells[k].badges)),
        )
        gone.update(chain[1:])
    remaining = (flow for _, flow in sorted(flows.items()) if flow.tail not in numbers)
    return replace(level, cells=tuple(cells), flows=tuple(remaining)), frozenset(shown) - gone


def _with_formula(cell: Cell, traced: Trace, index: int) -> Cell:
    op = traced.nodes[index].op
    return cell if op is None else replace(cell, symbol=shortened(expression(op, *traced.operands(index))))
