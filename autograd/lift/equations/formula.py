"""Formulas: what the equations say, before a notation gives them letters.

A formula is a tree of vectors, matrices and scalars. The functions of `normal_form` build it; the classes here only
say what there is. Two formulas are equal if they are written alike.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from fractions import Fraction
from functools import cached_property
from typing import Literal

from ...op import Op
from ..matrices.block import Block

__all__ = [
    "MINUS_ONE",
    "ONE",
    "ZERO",
    "Call",
    "Cases",
    "Formula",
    "Kind",
    "LineSum",
    "Local",
    "Mat",
    "Name",
    "Num",
    "Numbers",
    "Pick",
    "Power",
    "Prod",
    "Repeat",
    "Stack",
    "Sum",
    "Test",
    "Total",
    "Trans",
]

Kind = Literal[0, 1, 2]
"""0 for a scalar, 1 for a vector, 2 for a matrix."""

_ROLES = {"a": 0, "z": 1, "value": 2, "loss": 2, "adjoint": 3, "input": 4, "parameter": 5, "parameters": 5}


class Formula:
    """A scalar, a vector or a matrix, in symbols. What is written alike is the same.

    Attributes:
        kind: Which of the three.
        rank: Where it stands among the factors of a product.
    """

    kind: Kind
    rank: int = 5

    @cached_property
    def key(self) -> str:
        """What the formula is compared and sorted by."""
        return f"{self.rank}{self._text()}"

    @cached_property
    def parts(self) -> tuple[Formula, ...]:
        """The formulas that this one is directly made of."""
        found: list[Formula] = []
        for each in fields(self):  # type: ignore[arg-type]  # every subclass is a dataclass
            value = getattr(self, each.name)
            found.extend(value if isinstance(value, tuple) else [value] if isinstance(value, Formula) else [])
        return tuple(found)

    def _text(self) -> str:
        own = [str(getattr(self, each.name)) for each in fields(self)]  # type: ignore[arg-type]  # as above
        return f"{type(self).__name__}({', '.join(own)})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Formula) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __str__(self) -> str:
        return self.key

    __repr__ = __str__


class _Combined(Formula):
    """A formula whose kind is the largest among its parts."""

    @cached_property
    def kind(self) -> Kind:  # type: ignore[override]  # a property where the base declares an attribute
        """Which of the three it is."""
        return max(part.kind for part in self.parts)


@dataclass(frozen=True, eq=False, repr=False)
class Num(Formula):
    """A number."""

    value: Fraction
    kind: Kind = 0
    rank = 1


ZERO, ONE, MINUS_ONE = Num(Fraction(0)), Num(Fraction(1)), Num(Fraction(-1))


@dataclass(frozen=True, eq=False, repr=False)
class Name(Formula):
    """A block, or a part of one.

    Attributes:
        block: The block.
        kind: Whether it is a scalar, a vector or a matrix.
        view: The part or the layout as it is written: "[:, 0:4]".
    """

    block: Block
    kind: Kind
    view: str = ""
    rank = 2

    def _text(self) -> str:
        return f"{_ROLES[self.block.role]}{self.block.layer:04d}{self.block.name}{self.view}"


@dataclass(frozen=True, eq=False, repr=False)
class Stack(Formula):
    """Matrices or vectors on top of each other."""

    names: tuple[Formula, ...]
    kind: Kind
    rank = 2


@dataclass(frozen=True, eq=False, repr=False)
class Numbers(Formula):
    """Numbers that stood in the graph, the `number`-th such array."""

    number: int
    kind: Kind
    rank = 2


@dataclass(frozen=True, eq=False, repr=False)
class Sum(_Combined):
    """A sum of two or more terms."""

    terms: tuple[Formula, ...]
    rank = 4


@dataclass(frozen=True, eq=False, repr=False)
class Prod(_Combined):
    """An elementwise product of two or more factors."""

    factors: tuple[Formula, ...]
    rank = 2


@dataclass(frozen=True, eq=False, repr=False)
class Power(_Combined):
    """A whole power, elementwise; a negative one is a division."""

    base: Formula
    exponent: int
    rank = 2

    def _text(self) -> str:
        return f"{self.base.key}^{self.exponent}"


@dataclass(frozen=True, eq=False, repr=False)
class Call(Formula):
    """A function by name: of the table, elementwise, or one such as `softmax` that takes a vector."""

    name: str
    args: tuple[Formula, ...]
    kind: Kind
    rank = 3


@dataclass(frozen=True, eq=False, repr=False)
class Local(Formula):
    """The derivative of an elementwise function at a block: σ′(z).

    Attributes:
        op: The function.
        at: Where.
        rule: The derivative by the operation's own rule.
    """

    op: Op
    at: Name
    rule: Formula
    rank = 7
    parts = ()

    @property
    def kind(self) -> Kind:  # type: ignore[override]  # a property where the base declares an attribute
        """That of the block."""
        return self.at.kind


@dataclass(frozen=True, eq=False, repr=False)
class Cases(_Combined):
    """One formula where a condition is not 0, another where it is."""

    condition: Formula
    yes: Formula
    no: Formula
    rank = 6


@dataclass(frozen=True, eq=False, repr=False)
class Test(_Combined):
    """1 where a relation holds, otherwise 0."""

    relation: str
    left: Formula
    right: Formula
    rank = 6
    __test__ = False  # not a class of tests


@dataclass(frozen=True, eq=False, repr=False)
class Mat(Formula):
    """A matrix product."""

    left: Formula
    right: Formula
    kind: Kind
    rank = 0


@dataclass(frozen=True, eq=False, repr=False)
class Trans(Formula):
    """A transposed vector or matrix."""

    value: Formula
    kind: Kind = 2
    rank = 2


@dataclass(frozen=True, eq=False, repr=False)
class Total(Formula):
    """The sum of all members."""

    value: Formula
    kind: Kind = 0
    rank = 0


@dataclass(frozen=True, eq=False, repr=False)
class LineSum(Formula):
    """The sums of a matrix's rows (axis 1) or columns (axis 0), or of runs of a vector's members."""

    value: Formula
    axis: int
    kind: Kind = 1
    rank = 3


@dataclass(frozen=True, eq=False, repr=False)
class Repeat(Formula):
    """A vector as every column (axis 1) or every row (axis 0) of a matrix."""

    value: Formula
    axis: int
    kind: Kind = 2
    rank = 2


@dataclass(frozen=True, eq=False, repr=False)
class Pick(Formula):
    """Members of a formula by a list of indices, the `number`-th such list."""

    value: Formula
    number: int
    kind: Kind
    rank = 3
