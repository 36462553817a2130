"""The statements of a program, and what the expressions in them are made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from .block import Block, Index
from .expression import Expression, MatMul, Ref

__all__ = ["Statement", "blocks_in", "products_in", "refs_in", "walked"]


@dataclass(frozen=True, eq=False)
class Statement:
    """One line of a program: `target[index] = value`, or `+=`.

    Attributes:
        target: The block that is set.
        value: What it is set to; its shape is that of the members that are written.
        index: Which members, in C order (a member may be written twice when adding); None for all.
        add: Whether the value is added to what is there.
        origin: Where the forward statement came from: "tanh of 16 values, network.py line 12".
    """

    target: Block
    value: Expression
    index: Index | None = None
    add: bool = False
    origin: str = ""


class _Tree(Protocol):
    @property
    def parts(self) -> tuple[Any, ...]: ...


Tree = TypeVar("Tree", bound=_Tree)


def walked(tree: Tree) -> Iterator[Tree]:
    """Yield an expression or a formula and everything in it, from left to right."""
    yield tree
    for part in tree.parts:
        yield from walked(part)


def refs_in(expression: Expression) -> Iterator[Ref]:
    """Yield the references in an expression, from left to right."""
    return (each for each in walked(expression) if isinstance(each, Ref))


def products_in(expression: Expression) -> Iterator[MatMul]:
    """Yield the matrix products in an expression, from left to right."""
    return (each for each in walked(expression) if isinstance(each, MatMul))


def blocks_in(*expressions: Expression) -> set[Block]:
    """Return the blocks that some expressions read."""
    return {ref.block for expression in expressions for ref in refs_in(expression)}
