"""Operands whose arithmetic is written down: formulas and array expressions."""

from __future__ import annotations

from typing import Any

from . import ops
from .op import Operand, Relation

__all__ = ["Symbolic"]


class Symbolic(Operand):
    """An operand whose operators apply the operations of the table, and whose comparisons are results as well."""

    __slots__ = ()

    def compare(self, relation: Relation, other: Any) -> Any:
        """Return the result of a comparison with another operand."""
        raise NotImplementedError

    def __add__(self, other: Any) -> Any:
        return self.apply(ops.add, (self, other))

    def __radd__(self, other: Any) -> Any:
        return self.apply(ops.add, (other, self))

    def __sub__(self, other: Any) -> Any:
        return self.apply(ops.sub, (self, other))

    def __rsub__(self, other: Any) -> Any:
        return self.apply(ops.sub, (other, self))

    def __mul__(self, other: Any) -> Any:
        return self.apply(ops.mul, (self, other))

    def __rmul__(self, other: Any) -> Any:
        return self.apply(ops.mul, (other, self))

    def __truediv__(self, other: Any) -> Any:
        return self.apply(ops.div, (self, other))

    def __rtruediv__(self, other: Any) -> Any:
        return self.apply(ops.div, (other, self))

    def __pow__(self, other: Any) -> Any:
        return self.apply(ops.pow, (self, other))

    def __rpow__(self, other: Any) -> Any:
        return self.apply(ops.pow, (other, self))

    def __mod__(self, other: Any) -> Any:
        return self.apply(ops.mod, (self, other))

    def __rmod__(self, other: Any) -> Any:
        return self.apply(ops.mod, (other, self))

    def __neg__(self) -> Any:
        return self.apply(ops.neg, (self,))

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return self.apply(ops.abs, (self,))

    def __lt__(self, other: Any) -> Any:
        return self.compare("<", other)

    def __le__(self, other: Any) -> Any:
        return self.compare("<=", other)

    def __gt__(self, other: Any) -> Any:
        return self.compare(">", other)

    def __ge__(self, other: Any) -> Any:
        return self.compare(">=", other)
