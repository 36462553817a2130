"""The number that somebody reads from a Value while a function is recorded.

Python code that takes a number from a Value (`x.data`) goes on with a float. While a function is recorded it goes on
with a `Reading` instead: a constant of the graph, computed again for every row and every parameter. It behaves like the
float, and whatever is made of it either is recorded or leaves a condition under which the recording holds:

- arithmetic gives Readings again, and with a Value a node through which no gradient flows to what was read;
- a comparison, a truth value, `int`, `round`, `floor` and `ceil` are choices: what decides them is noted;
- anything else (`float`, `math` functions, `//`, a key of a dictionary, text) holds for this one number: it is pinned.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from . import ops
from .op import Op, Relation
from .value import _METHODS, _NUMBERS, Value, _compare, _operand, made, watcher

__all__ = ["Reading", "reading_of"]

_PACKAGE = str(Path(__file__).parent) + os.sep


def reading_of(source: Value) -> Reading:
    """Return the number of a Value as a Reading."""
    if isinstance(source, Reading):
        return source
    if source.op is ops.stop_gradient:
        source = source._a
    return cast(Reading, made(ops.stop_gradient, (source,), source._data, Reading))


class Reading(Value):
    """A number read from a Value; a node `stop_gradient` of what was read. Once recording is over it is a float."""

    __slots__ = ()

    is_reading = True

    # --- arithmetic ------------------------------------------------------------------------------

    def apply(self, op: Op, operands: tuple[Any, ...]) -> Any:
        """Return the Reading of an operation on Readings and numbers; a Value if one of the operands is one."""
        if all(isinstance(operand, Reading) or not isinstance(operand, Value) for operand in operands):
            if watcher() is None:
                return op.evaluate([o._data if isinstance(o, Reading) else float(o) for o in operands])
            sources = tuple(o._a if isinstance(o, Reading) else o for o in operands)
            return reading_of(self._a.apply(op, sources))
        if watcher() is None:
            operands = tuple(o._data if isinstance(o, Reading) else o for o in operands)
            return next(o for o in operands if isinstance(o, Value)).apply(op, operands)
        return super().apply(op, operands)

    def __neg__(self) -> Any:
        return self.apply(ops.neg, (self,))

    def __abs__(self) -> Any:
        return self.apply(ops.abs, (self,))

    # --- choices ---------------------------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Value):
            return super().__eq__(other)
        outcome = self._data == other._data
        if (watching := watcher()) is not None:
            watching.compared("==", self, other, outcome)
        return outcome

    def __ne__(self, other: object) -> bool:
        equal = self.__eq__(other)
        return equal if equal is NotImplemented else not equal

    def __bool__(self) -> bool:
        return self != 0.0

    def __int__(self) -> int:
        whole = int(self._data)
        lower, upper = ("<=", "<") if whole > 0 else ("<", "<=") if whole < 0 else ("<", "<")
        return self._between(
            whole, float(whole - (whole <= 0)), _RELATION[lower], float(whole + (whole >= 0)), _RELATION[upper]
        )

    __trunc__ = __int__

    def __floor__(self) -> int:  # type: ignore[override]  # a choice, as of a float; that of a Value is recorded
        whole = math.floor(self._data)
        return self._between(whole, float(whole), "<=", float(whole + 1), "<")

    def __ceil__(self) -> int:
        whole = math.ceil(self._data)
        return self._between(whole, float(whole - 1), "<", float(whole), "<=")

    def __round__(self, digits: int | None = None) -> Any:
        if digits is not None:
            return round(self._pinned("round(…, digits)"), digits)
        whole = round(self._data)
        relation: Relation = "<" if whole % 2 else "<="  # a half goes to the even number
        return self._between(whole, whole - 0.5, relation, whole + 0.5, relation)

    def _between(self, whole: int, lower: float, above: Relation, upper: float, below: Relation) -> int:
        """Return a whole number, having noted between which bounds the number has to lie for it."""
        if (watching := watcher()) is not None:
            for bound, relation in ((lower, _TURNED[above]), (upper, below)):
                watching.compared(relation, self, bound, True)
        return whole

    # --- what holds for one number only ----------------------------------------------------------

    def _pinned(self, use: str) -> float:
        watching = watcher()
        return self._data if watching is None else watching.pinned(self, use)

    def __hash__(self) -> int:
        if watcher() is None or sys._getframe(1).f_code.co_filename.startswith(_PACKAGE):
            return object.__hash__(self)
        return hash(self._pinned("a key of a dictionary or a member of a set"))

    def __float__(self) -> float:
        return self._pinned("float() or a function of plain numbers")

    def __complex__(self) -> complex:
        return complex(self._pinned("complex()"))

    def __repr__(self) -> str:
        return repr(self._written())

    def __format__(self, spec: str) -> str:
        return format(self._written(), spec)

    def _written(self) -> float:
        watching = watcher()
        return self._data if watching is None else watching.written(self)

    def is_integer(self) -> bool:
        """Return whether the number is whole."""
        return self._pinned("is_integer()").is_integer()

    def hex(self) -> str:
        """Return the number as text in hexadecimal."""
        return self._pinned("hex()").hex()

    def as_integer_ratio(self) -> tuple[int, int]:
        """Return the number as a fraction."""
        return self._pinned("as_integer_ratio()").as_integer_ratio()

    def conjugate(self) -> Reading:
        """Return the number itself."""
        return self

    @property
    def real(self) -> Reading:
        """The number itself."""
        return self

    @property
    def imag(self) -> float:
        """Zero."""
        return 0.0

    def __copy__(self) -> Reading:
        return self

    def __deepcopy__(self, memo: object) -> Reading:
        return self


_RELATION: dict[str, Relation] = {"<": "<", "<=": "<="}
_TURNED: dict[Relation, Relation] = {"<": ">", "<=": ">="}


def _binary(op: Op, *, turned: bool) -> Callable[[Reading, Any], Any]:
    """Return the method for an arithmetic operator, with the Reading on the right if `turned`."""

    def method(self: Reading, other: Any) -> Any:
        if not isinstance(other, Value) and (other := _operand(other, op)) is None:
            return NotImplemented
        return self.apply(op, (other, self) if turned else (self, other))

    return method


def _unary(op: Op) -> Callable[[Reading], Any]:
    def method(self: Reading) -> Any:
        return self.apply(op, (self,))

    return method


def _ordering(holds: Callable[[float, float], bool]) -> Callable[[Reading, Any], Any]:
    def method(self: Reading, other: Any) -> Any:
        if isinstance(other, _NUMBERS) and other != other:
            return False  # as a float says of NaN
        return _compare(self, other, holds)

    return method


def _of_plain_numbers(name: str) -> Callable[[Reading, Any], Any]:
    """Return the method for an operator that no graph holds, such as //."""
    operator = getattr(float, name)

    def method(self: Reading, other: Any) -> Any:
        number = float(other) if isinstance(other, (Reading, *_NUMBERS)) else other
        return operator(self._pinned(name.strip("_")), number)

    return method


for _name, _op in (
    ("add", ops.add),
    ("sub", ops.sub),
    ("mul", ops.mul),
    ("truediv", ops.div),
    ("pow", ops.pow),
    ("mod", ops.mod),
):
    setattr(Reading, f"__{_name}__", _binary(_op, turned=False))
    setattr(Reading, f"__r{_name}__", _binary(_op, turned=True))
for _op in _METHODS:
    if _op is not ops.neg:
        setattr(Reading, _op.name, _unary(_op))
for _name in ("lt", "le", "gt", "ge"):
    setattr(Reading, f"__{_name}__", _ordering(getattr(float, f"__{_name}__")))
for _name in ("floordiv", "divmod"):
    setattr(Reading, f"__{_name}__", _of_plain_numbers(f"__{_name}__"))
    setattr(Reading, f"__r{_name}__", _of_plain_numbers(f"__r{_name}__"))
