"""Formulas as trees, before a style gives them signs.

Where parentheses stand is decided once, by the levels of this table: `Parenthesised` is put around what binds less than
its place needs. Only a division is left to the styles, which write it with a bar or with a slash.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from typing import Any

from ..language.index import Axis
from ..language.term import Term

__all__ = [
    "ATOM",
    "ENTRY",
    "POWER",
    "PRODUCT",
    "SUM",
    "Apply",
    "Beside",
    "Bracket",
    "Chain",
    "Choice",
    "Correlation",
    "Entrywise",
    "Meaning",
    "Node",
    "Norm",
    "Numeral",
    "Parenthesised",
    "Quotient",
    "Raised",
    "Root",
    "Spread",
    "Symbol",
    "Terms",
    "Times",
    "Total",
    "denoting",
    "grouped",
    "nodes_in",
]

SUM, ENTRY, PRODUCT, POWER, ATOM = range(5)
"""How much a formula binds: a sum, a product entry by entry or a division, a product, a power, a name."""


@dataclass(frozen=True)
class Meaning:
    """The term that a formula stands for, as a number, a vector over `row` or a matrix over `row` and `column`."""

    term: Term
    row: Axis | None = None
    column: Axis | None = None

    @property
    def turned(self) -> Meaning:
        """The same, transposed."""
        return Meaning(self.term, self.column, self.row)


@dataclass(frozen=True)
class Node:
    """A formula.

    Attributes:
        meaning: The term that it stands for, if it is one; formulas that differ only in this are equal.
    """

    meaning: Meaning | None = field(default=None, kw_only=True, compare=False, repr=False)

    @property
    def level(self) -> int:
        """How much it binds."""
        return ATOM


@dataclass(frozen=True)
class Symbol(Node):
    """A name.

    Attributes:
        stem: Its letters.
        above: What stands above it, as a number of a layer.
        below: What stands below it, one text for each index.
        delta: The sign of the derivative of the loss by what is named, if it is one; without a stem it is that of z.
        digits: The digits at the end of the name, which stand below unless something stands above.
        mark: "prime" or "bar".
        is_rate: Whether it is R{·}, the derivative in a direction, of what is named.
    """

    stem: str
    above: str = ""
    below: tuple[str, ...] = ()
    delta: str = ""
    digits: str = ""
    mark: str = ""
    is_rate: bool = False


@dataclass(frozen=True)
class Numeral(Node):
    """A number that is not negative."""

    value: Fraction


@dataclass(frozen=True)
class Parenthesised(Node):
    """A formula in parentheses."""

    inside: Node


@dataclass(frozen=True)
class Apply(Node):
    """A function of formulas; with a prime its derivative; with `below` over an index, with `layer` that of a layer."""

    name: str
    args: tuple[Node, ...]
    prime: bool = False
    below: str = ""
    layer: str = ""


@dataclass(frozen=True)
class Choice(Node):
    """A formula where a relation holds, another one elsewhere."""

    left: Node
    relation: str
    right: Node
    yes: Node
    no: Node


@dataclass(frozen=True)
class Beside(Node):
    """A vector with a number on top of it, or a matrix with a column of that number in front."""

    number: str
    inside: Node


@dataclass(frozen=True)
class Norm(Node):
    """‖x‖² or ‖x‖."""

    inside: Node
    squared: bool = True


@dataclass(frozen=True)
class Root(Node):
    """√x."""

    inside: Node


@dataclass(frozen=True)
class Raised(Node):
    """A power."""

    base: Node
    exponent: Fraction

    @property
    def level(self) -> int:
        """How much it binds."""
        return POWER


@dataclass(frozen=True)
class Chain(Node):
    """A matrix product; each factor may be transposed."""

    links: tuple[tuple[Node, bool], ...]

    @property
    def level(self) -> int:
        """How much it binds."""
        return PRODUCT if len(self.links) > 1 else POWER


@dataclass(frozen=True)
class Times(Node):
    """Numbers beside each other: a sign, a number, scalars, and what they multiply."""

    factors: tuple[Node, ...]
    number: Fraction = Fraction(1)
    negative: bool = False

    @property
    def level(self) -> int:
        """How much it binds."""
        if self.negative:
            return SUM
        if self.factors and self.factors[-1].level == ENTRY:
            return ENTRY
        return PRODUCT


@dataclass(frozen=True)
class Entrywise(Node):
    """A product entry by entry."""

    factors: tuple[Node, ...]

    @property
    def level(self) -> int:
        """How much it binds."""
        return ENTRY


@dataclass(frozen=True)
class Quotient(Node):
    """A division."""

    top: Node
    bottom: Node
    negative: bool = False

    @property
    def level(self) -> int:
        """How much it binds."""
        return SUM if self.negative else ENTRY


@dataclass(frozen=True)
class Spread(Node):
    """A number or a vector repeated: x𝟏 over a "column", x𝟏𝟏ᵀ over a "matrix", v𝟏ᵀ over "rows", 𝟏vᵀ over "columns"."""

    inside: Node
    over: str

    @property
    def level(self) -> int:
        """How much it binds."""
        return PRODUCT


@dataclass(frozen=True)
class Total(Node):
    """A sum over indices, or over all members."""

    inside: Node
    below: str = ""
    conditions: tuple[str, ...] = ()

    @property
    def level(self) -> int:
        """How much it binds."""
        return PRODUCT


@dataclass(frozen=True)
class Terms(Node):
    """A sum: whether each term is subtracted, and the term."""

    parts: tuple[tuple[bool, Node], ...]

    @property
    def level(self) -> int:
        """How much it binds."""
        return SUM


@dataclass(frozen=True)
class Bracket(Node):
    """1 where a relation holds, 0 elsewhere; the sides are formulas, or indices as text."""

    left: Node | str
    relation: str
    right: Node | str


@dataclass(frozen=True)
class Correlation(Node):
    """w ⋆ x or w ∗ x."""

    left: Node
    sign: str
    right: Node

    @property
    def level(self) -> int:
        """How much it binds."""
        return PRODUCT


def grouped(node: Node, least: int) -> Node:
    """Return a formula, in parentheses if it binds less than that."""
    return node if node.level >= least else Parenthesised(node)


def denoting(node: Node, term: Term, row: Axis | None = None, column: Axis | None = None) -> Node:
    """Return a formula with the term that it stands for, unless it has one: a formula in it that is all of it."""
    return node if node.meaning is not None else replace(node, meaning=Meaning(term, row, column))


def nodes_in(node: Any) -> Iterator[Node]:
    """Yield a formula and everything in it."""
    if isinstance(node, Node):
        yield node
        for each in fields(node):
            yield from nodes_in(getattr(node, each.name))
    elif isinstance(node, tuple):
        for each in node:
            yield from nodes_in(each)
