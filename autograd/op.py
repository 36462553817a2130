"""What an operation is.

An `Op` declares a function once: how to compute it, its partial derivatives, where it is defined, and at which points
to test it. Everything else reads that declaration: the reverse pass, forward mode, higher derivatives, the NumPy form
of a compiled program, the pictures and the tests.

Partial derivatives are themselves written with operations. The same rule therefore runs on floats during a reverse
pass, on arrays, on Values (which records a graph of the derivative, to be differentiated again) and on any other
`Operand`.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from .printable import printable

__all__ = [
    "EVERYWHERE",
    "PRIMITIVES",
    "Domain",
    "DomainError",
    "Kink",
    "Op",
    "Operand",
    "Relation",
    "errors_noticed",
    "finite_float",
]

Relation = Literal["<", "<=", ">", ">=", "=="]


class DomainError(ArithmeticError, ValueError):
    """An operation or a derivative was asked for where it is undefined or not finite."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        noticed = getattr(_here, "noticed", None)
        if noticed is not None:
            noticed()


@contextmanager
def errors_noticed(noticed: Callable[[], object]) -> Iterator[None]:
    """A context in which a function is called for every DomainError of this thread, also for those that are caught."""
    outer = getattr(_here, "noticed", None)
    _here.noticed = noticed
    try:
        yield
    finally:
        _here.noticed = outer


_here = threading.local()


class Operand:
    """Something an `Op` can be applied to other than a number or an array, such as a Value."""

    __slots__ = ()

    records = False
    """Whether what operations make of it can be differentiated again."""

    def apply(self, op: Op, operands: tuple[Any, ...]) -> Any:
        """Return the result of `op` on `operands`, of which this is one; the others may be numbers."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Domain:
    """Where an operation is defined.

    Attributes:
        holds: Says for numbers, or elementwise for arrays, whether the operation is defined there.
        requirement: The condition in words or symbols, completing the sentence "log needs …".
        refused: Points outside the domain, for tests.
    """

    holds: Callable[..., Any]
    requirement: str
    refused: tuple[tuple[float, ...], ...]


EVERYWHERE = Domain(holds=lambda *_: True, requirement="finite numbers", refused=())


class Kink(NamedTuple):
    """A point where a derivative is a convention rather than a limit.

    Attributes:
        at: The arguments.
        partials: The derivative used there, for each argument; None where it is undefined and therefore refused.
    """

    at: tuple[float, ...]
    partials: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Op:
    """A differentiable operation, declared once.

    Calling it applies it to numbers, arrays, Values and object arrays of Values, mixed as you like.

    Attributes:
        name: The name of the function.
        forward: Its value, from floats to a float.
        partials: For each argument a rule `partial(out, *args)` = ∂out/∂arg, written with operations. An operation of
            any number of arguments (it takes one sequence) has a single rule, which returns all partials in order.
        doc: What it returns, as the end of the sentence "Return …"; its arguments are x, y, z.
        symbol: What a drawing and an equation show; the name if empty.
        array: The same function on arrays, elementwise; `forward` element by element if not given.
        into: The same function on arrays with the array that receives the result as last argument, `into(x, out)`; out
            is none of the arguments. Arguments of any number come as one array, side by side along axis 1. It may raise
            FloatingPointError where `array` has a result: then that is used.
        numpy: NumPy text that defines the same function on arrays, for the source of compiled programs; not needed
            where `array` is a NumPy function. Arguments of any number come as one array, along axis 1.
        c: The same function of x, y, z as a C99 expression, for the C text of compiled programs; it may call the
            functions of math.h and those of `autograd.lift.write.c_functions`.
        domain: Where it is defined.
        selects: Whether a partial derivative that is 0 means that the argument was not taken, as by `where` or `relu`.
            Then nothing arrives at it, and what is undefined below it is not asked for; an ordinary 0 asks.
        samples: Points for tests, at which every derivative that is not zero lies between 0.1 and 10 in size.
        at_kinks: The conventions where a derivative is not a limit.

    Example:
        An operation of your own needs no more than this:

        >>> from autograd import Op, Value
        >>> cube = Op("cube", forward=lambda x: x**3, partials=(lambda out, x: 3 * x**2,))
        >>> x = Value(2.0)
        >>> cube(x).backward()
        >>> x.grad
        12.0
    """

    name: str
    forward: Callable[..., float]
    partials: tuple[Callable[..., Any], ...] | Callable[..., Iterable[Any]]
    doc: str = ""
    symbol: str = ""
    array: Callable[..., Any] | None = None
    into: Callable[..., Any] | None = None
    numpy: str = ""
    c: str = ""
    domain: Domain = EVERYWHERE
    selects: bool = False
    samples: tuple[tuple[float, ...], ...] = ()
    at_kinks: tuple[Kink, ...] = ()

    def __post_init__(self) -> None:
        if not self.symbol:
            object.__setattr__(self, "symbol", self.name)
        if not callable(self.partials):
            object.__setattr__(self, "partials", tuple(self.partials))

    @property
    def arity(self) -> int | None:
        """The number of arguments, or None if the operation takes any number."""
        return len(self.partials) if isinstance(self.partials, tuple) else None

    def __repr__(self) -> str:
        return f"<Op {self.name}>"

    def __reduce__(self) -> str | tuple[Any, ...]:
        if PRIMITIVES.get(self.name) is self:
            return _primitive, (self.name,)
        raise TypeError(f"only the operations of autograd.ops can be pickled, and {self.name!r} is not one of them")

    def __copy__(self) -> Op:
        return self

    def __deepcopy__(self, memo: object) -> Op:
        return self

    def __call__(self, *operands: Any) -> Any:
        """Return the operation's result on `operands`.

        Raises:
            TypeError: If their number is wrong or one of them is not a number, an array or an `Operand`.
            DomainError: If the operation is undefined there or its result is not finite.
        """
        if len(operands) == 1 and isinstance(operands[0], Operand) and self.arity == 1:
            return operands[0].apply(self, operands)
        if self.arity is None:
            operands = self._sequence(operands)
        elif len(operands) != self.arity:
            raise TypeError(f"{self.name} takes {self.arity} argument(s), got {len(operands)}")
        recorder = None
        for operand in operands:
            if isinstance(operand, Operand):
                recorder = operand
            elif isinstance(operand, np.ndarray):
                return self._on_arrays(operands)
        if recorder is not None:
            return recorder.apply(self, operands)
        return self.evaluate(tuple(finite_float(operand, self.name) for operand in operands))

    def evaluate(self, args: Sequence[float], labels: Sequence[str] = ()) -> float:
        """Return the operation's value at finite floats.

        Raises:
            DomainError: If it is undefined there or not finite; the error names the arguments and their labels.
        """
        if not self.domain.holds(*args):
            raise self._outside(self.describe(args, labels))
        try:
            out = self.forward(*args)
            if not isinstance(out, complex) and math.isfinite(out):
                return out if type(out) is float else float(out)
        except (ArithmeticError, ValueError) as error:
            raise self._not_finite(self.describe(args, labels)) from error
        if isinstance(out, complex):
            raise DomainError(f"{self.name} has no real result at {self.describe(args, labels)}")
        raise self._not_finite(self.describe(args, labels))

    def local(self, index: int, out: Any, args: Sequence[Any]) -> Any:
        """Return ∂out/∂args[index], by the operation's own rule, for whatever kind of operand `args` are."""
        return self.partials[index](out, *args) if isinstance(self.partials, tuple) else self.locals(out, args)[index]

    def locals(self, out: Any, args: Sequence[Any]) -> tuple[Any, ...]:
        """Return all partial derivatives in the order of the arguments.

        Raises:
            ValueError: If the rule of an operation of any number of arguments gives another number of them.
        """
        if isinstance(self.partials, tuple):
            return tuple(partial(out, *args) for partial in self.partials)
        found = tuple(self.partials(out, *args))
        if len(found) != len(args):
            raise ValueError(f"the rule of {self.name} gave {len(found)} partial derivatives for {len(args)} arguments")
        return found

    @property
    def docstring(self) -> str:
        """The text that `help` and the reference show: the result, the conventions where it has a kink, the domain."""
        text = f"Return {self.doc or f'{self.name} of its arguments'}.\n"
        for kink in self.at_kinks:
            point = ", ".join(f"{name} = {x:g}" for name, x in zip("xyz", kink.at, strict=False))
            if "-0" in point.split():
                continue  # a point for tests, with the convention of 0
            taken = ", ".join("undefined" if partial is None else f"{partial:g}" for partial in kink.partials)
            text += f"\nAt {point} its {'derivatives are' if self.arity != 1 else 'derivative is'} {taken}.\n"
        if self.domain is not EVERYWHERE:
            text += f"\nRaises:\n    DomainError: It needs {self.domain.requirement}.\n"
        return text.rstrip("\n")

    def describe(self, args: Sequence[float], labels: Sequence[str] = ()) -> str:
        """Return the arguments as text: `x = -1.0 ("z1[0]")`."""
        names = list("xyz"[: len(args)]) if len(args) <= 3 else [f"x{k}" for k in range(len(args))]
        shown = [
            f"{name} = {value!r}" + (f' ("{printable(label)}")' if label else "")
            for name, value, label in zip(names, args, list(labels) or [""] * len(args), strict=True)
        ]
        return ", ".join(shown if len(shown) <= 8 else [*shown[:7], f"… ({len(shown)} arguments)"]) or "none"

    def _sequence(self, operands: tuple[Any, ...]) -> tuple[Any, ...]:
        if len(operands) != 1 or not isinstance(operands[0], Iterable) or isinstance(operands[0], (str, bytes)):
            got = operands[0] if len(operands) == 1 else f"{len(operands)} arguments"
            raise TypeError(f"{self.name} takes one sequence of numbers or Values, got {got!r}")
        return tuple(operands[0])

    def _outside(self, at: str) -> DomainError:
        return DomainError(f"{self.name} needs {self.domain.requirement}, got {at}")

    def _not_finite(self, at: str) -> DomainError:
        return DomainError(f"{self.name} has no finite result (overflow) at {at}")

    def _on_arrays(self, operands: tuple[Any, ...]) -> Any:
        arrays = [self._array(operand) for operand in operands]
        if any(array.dtype == object for array in arrays):
            return _on_each(lambda args: self(args) if self.arity is None else self(*args), arrays)[()]
        if self.array is None:
            return _on_each(self.evaluate, arrays).astype(float)
        with np.errstate(all="ignore"):
            defined = self.domain.holds(*arrays)
            if not np.all(defined):
                raise self._outside(_first(np.logical_not(defined), arrays, self))
            out = np.asarray(self.array(*arrays), dtype=float)
        if not np.all(np.isfinite(out)):
            raise self._not_finite(_first(~np.isfinite(out), arrays, self))
        return out

    def anywhere(self, *operands: float) -> float:
        """Return the result for numbers, NaN where there is none."""
        try:
            return float(self.forward(*operands))
        except (ArithmeticError, ValueError):
            return math.nan

    def _array(self, operand: Any) -> np.ndarray[Any, Any]:
        if isinstance(operand, Operand):
            boxed = np.empty((), dtype=object)
            boxed[()] = operand
            return boxed
        array = np.asarray(operand)
        if array.dtype == object:
            return array
        if array.dtype.kind not in "biuf":
            raise TypeError(f"{self.name} needs real numbers, got an array of {array.dtype}")
        array = array.astype(float)
        if not np.all(np.isfinite(array)):
            raise ValueError(f"{self.name} needs finite numbers, got an array that holds NaN or infinity")
        return array


PRIMITIVES: dict[str, Op] = {}
"""Every operation of `autograd.ops` by its name."""


def _primitive(name: str) -> Op:
    return PRIMITIVES[name]


def finite_float(number: Any, wanted_by: str) -> float:
    """Return `number` as a Python float.

    Args:
        number: An int, float, bool or NumPy real scalar.
        wanted_by: What needs it; the beginning of the error's sentence.

    Raises:
        TypeError: If it is anything else.
        ValueError: If it is NaN, infinite, or an int too large for a float.
    """
    if type(number) is not float:
        if not isinstance(number, (int, float, np.integer, np.floating, np.bool_)):
            raise TypeError(f"{wanted_by} needs a real number, got {number!r} of type {type(number).__name__}")
        try:
            number = float(number)
        except OverflowError:
            raise ValueError(f"{wanted_by} needs a finite number, got an int too large for a float") from None
    if not math.isfinite(number):
        raise ValueError(f"{wanted_by} needs a finite number, got {number!r}")
    return number  # type: ignore[no-any-return]  # narrowed by the checks above, which mypy cannot follow through Any


def _on_each(function: Callable[[tuple[Any, ...]], Any], arrays: Sequence[np.ndarray[Any, Any]]) -> Any:
    """Return an array of what `function` gives for the arguments of every element."""
    full = np.broadcast_arrays(*arrays)
    out = np.empty(full[0].size, dtype=object)
    out[:] = [function(args) for args in zip(*[array.ravel().tolist() for array in full], strict=True)]
    return out.reshape(full[0].shape)


def _first(wrong: Any, arrays: Sequence[np.ndarray[Any, Any]], op: Op) -> str:
    """Describe the first point at which the boolean array `wrong` is true."""
    wrong, *full = np.broadcast_arrays(wrong, *arrays)
    index = tuple(int(k) for k in np.argwhere(wrong)[0])
    where = f" at index {index}" if index else ""
    return op.describe([float(array[index]) for array in full]) + where
