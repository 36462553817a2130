"""A graph as a tree of text, for a terminal."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from autograd import Value
from autograd.printable import printable, shows_colour

from .level import Cell, Flow, Level, bracketed, value_level
from .style import columns, shortened
from .trace import trace

__all__ = ["to_text"]

DEEPEST = 24
"""A branch that goes deeper continues further down at the margin: indentation would make long chains unreadable."""

_COLOURS = {"name": "1", "value": "34", "gradient": "33", "muted": "2", "warning": "35"}


def to_text(
    root: Value,
    *,
    names: Mapping[str, Any] | None = None,
    digits: int = 4,
    color: bool | None = None,
) -> str:
    """Return the graph under `root` as a tree, the output first: how each Value is computed, its value, its gradient.

    The last column is the contribution that flows along the branch: upstream × local = contribution. A Value that is
    used again is printed once and referred to by its name. Numbers stand in the formulas.

    Args:
        root: The output.
        names: Names for Values without a label, such as `locals()`.
        digits: Significant digits.
        color: Whether to colour it; by default if standard output is a terminal and `NO_COLOR` is not set.

    Raises:
        TypeError: If `root` is not a Value.
        RuntimeError: If a leaf was assigned after a node that uses it was recorded.

    Example:
        >>> x = Value(3.0, "x")
        >>> print(to_text(x * x, color=False))
        C = x²    9  ∇ 1
        ├─ x      3  ∇ 6  1 × 3 = 3
        └─ x ↑            1 × 3 = 3
    """
    level = value_level(trace(root, names), digits, with_rules=False)
    rows = [
        (printable(tree), printable(value), printable(gradient), printable(arrived), printable(remarks))
        for tree, value, gradient, arrived, remarks in _rows(level)
    ]
    painted = shows_colour(sys.stdout) if color is None else color
    widths = [max((columns(row[k]) for row in rows), default=0) for k in range(3)]
    return "\n".join(_line(row, widths, painted=painted) for row in rows)


def _rows(level: Level) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield tree and name, value, gradient, contribution and badges of each line."""
    inward: dict[int, list[Flow]] = {}
    for edge in level.flows:
        if not edge.is_constant:
            inward.setdefault(edge.head, []).append(edge)
    used = {edge.tail for edge in level.flows}
    printed: set[int] = set()
    sections = deque([level.root, *(k for k in range(len(level.cells)) if k not in used and k != level.root)])
    while sections:
        start = sections.popleft()
        waiting: list[tuple[int, Flow | None, str, str]] = [(start, None, "", "")]
        while waiting:
            index, flow, stem, branch = waiting.pop()
            cell = level.cells[index]
            arrived = f"{flow.upstream} × {bracketed(flow.local)} = {flow.contribution}" if flow else ""
            operands = inward.get(index, [])
            if index in printed:
                yield f"{stem}{branch}{_name(cell)} ↑", "", "", arrived, ""
                continue
            if len(stem) // 3 >= DEEPEST and operands:
                sections.append(index)
                yield f"{stem}{branch}{_name(cell)} ↓", "", "", arrived, ""
                continue
            printed.add(index)
            remarks = " · ".join((*cell.badges, *(["∇ " + cell.remark] if cell.remark else [])))
            yield f"{stem}{branch}{_made(cell)}", cell.value, f"∇ {cell.gradient}", arrived, remarks
            below = stem + {"├─ ": "│  ", "└─ ": "   "}.get(branch, "")
            last = len(operands) - 1
            waiting += [
                (operand.tail, operand, below, "└─ " if k == last else "├─ ") for k, operand in enumerate(operands)
            ][::-1]


def _name(cell: Cell) -> str:
    return shortened(cell.name, 24)


def _made(cell: Cell) -> str:
    formula = shortened(cell.forward.split(" = ")[0], 48) if cell.forward else ""
    return f"{_name(cell)} = {formula}" if formula else _name(cell)


def _line(row: tuple[str, str, str, str, str], widths: list[int], *, painted: bool) -> str:
    tree, value, gradient, arrived, remarks = row
    cells = [
        ("name", tree + " " * (widths[0] - columns(tree))),
        ("value", " " * (widths[1] - columns(value)) + value),
        ("gradient", gradient + " " * (widths[2] - columns(gradient))),
        ("muted", arrived),
        ("warning", remarks),
    ]
    if not painted:
        return "  ".join(text for _, text in cells).rstrip()
    return "  ".join(f"\x1b[{_COLOURS[kind]}m{text}\x1b[0m" if text.strip() else text for kind, text in cells).rstrip()
