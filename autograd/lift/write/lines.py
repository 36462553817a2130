"""What a page consists of: equations, heads of loops, sections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..language.index import Axis
from ..language.term import Family
from .tree import Node, Symbol

__all__ = ["Line", "Loop", "Section"]


@dataclass(frozen=True)
class Line:
    """An equation.

    Attributes:
        family: What it defines.
        left, right: Its sides.
        where: For which numbers of an index it holds; empty for all.
        depth: How many loops it is in.
        is_gradient: Whether the left side is the derivative of the loss by what is named.
        is_before: Whether it stands before the loop of its family.
        within: The axis that it holds for a part of only, with the first and the last number.
    """

    family: Family
    left: Symbol
    right: Node
    where: str = ""
    depth: int = 0
    is_gradient: bool = False
    is_before: bool = False
    within: tuple[Axis, int, int] | None = None


@dataclass(frozen=True)
class Loop:
    """The head of a loop over an index."""

    letter: str
    start: int
    end: int


@dataclass(frozen=True)
class Section:
    """A part of a page."""

    title: str
    lines: Sequence[Line | Loop]
