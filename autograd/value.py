"""The node of a computation graph, and the operators that record it.

A `Value` holds a finite float. Arithmetic on Values gives Values that remember the operation and its operands, and
`backward()` applies the chain rule to everything they were made from:

    >>> x = Value(3.0, "x")
    >>> y = x * x + 2 * x
    >>> y.backward()
    >>> y.data, x.grad
    (15.0, 8.0)

Each operation stands in `autograd.ops`; here is one line for each that is a method, and the four elementary operators
written out. They repeat the few lines that make a node, because a call to a function that did so would cost a fifth of
the whole operation.
"""

from __future__ import annotations

import math
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ContextDecorator, contextmanager
from contextvars import ContextVar
from decimal import Decimal
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from numbers import Number
from operator import mul as _product
from types import TracebackType
from typing import Any, Protocol, cast, final

import numpy as np

from . import habits, notebook, ops
from .careful import is_one_minus
from .graph import Vector, assigned, beyond, clock, number, wide_number
from .op import EVERYWHERE, DomainError, Op, Operand, Relation, errors_noticed, finite_float
from .printable import printable
from .reverse import backward
from .wide import Wide, evaluated, wide_arithmetic

__all__ = ["Literal", "Value", "Watcher", "affine", "no_grad", "recording", "vector", "watched_by", "watcher"]

_new = object.__new__
_add, _sub, _mul, _div, _pow, _mod = ops.add, ops.sub, ops.mul, ops.div, ops.pow, ops.mod
_paused: list[None] = []  # one for each open no_grad, in all threads: one test of a global while there is none
_watched: list[None] = []  # one for each open watched_by; no lock, as a thread that is interrupted could keep it
_here = threading.local()
_open: ContextVar[tuple[weakref.ref[no_grad], ...]] = ContextVar("open no_grad contexts", default=())


class no_grad(ContextDecorator):  # noqa: N801  # named and used like a function, as in PyTorch
    """A context, or a decorator, in which operations give leaves and record nothing.

    It is in force in this thread and this asynchronous task, and no longer than the object lives: an interrupt between
    entering and the first line of the block leaves nothing behind.

    Example:
        >>> x = Value(3.0)
        >>> with no_grad():
        ...     y = x * x
        >>> y.is_leaf
        True
    """

    def __call__(self, func: Any) -> Any:
        """Return the function with the context around each call.

        Raises:
            TypeError: If its body runs after the call has returned: that of a generator or a coroutine.
        """
        if any(test(func) for test in (isgeneratorfunction, iscoroutinefunction, isasyncgenfunction)):
            raise TypeError(f"no_grad cannot decorate {func!r}, which runs after it was called: use `with` in its body")
        return super().__call__(func)

    def __enter__(self) -> None:
        _paused.append(None)
        self._outer = (*getattr(self, "_outer", ()), _open.get())
        _open.set((*_open.get(), weakref.ref(self)))

    def _recreate_cm(self) -> no_grad:
        return type(self)()  # one for each call of a decorated function

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        _paused.pop()
        outer = self._outer[-1]
        self._outer = self._outer[:-1]
        _open.set(outer)


def _off() -> bool:
    return any(context() is not None for context in _open.get())


def _unrecorded(data: float, op: Op, *operands: Any) -> Value | None:
    """Return what an operation gives where this thread records nothing; None where it records."""
    if not _off():
        return None
    if _watched and (watching := watcher()) is not None:
        return watching.unrecorded(op, operands, data)
    leaf = _new(Value)
    leaf._data = data  # which may be beyond all floats
    leaf.grad = 0.0
    leaf.label = ""
    leaf.op = leaf._a = leaf._b = None
    leaf._serial = next(clock)
    return leaf


@contextmanager
def recording() -> Iterator[None]:
    """Record operations although a `no_grad` may be open, for functions that must differentiate."""
    outer = _open.get()
    _open.set(())
    try:
        yield
    finally:
        _open.set(outer)


def _unary(op: Op) -> Callable[[Value], Value]:
    """Return the method that applies `op` to one Value."""
    forward, holds = op.forward, op.domain.holds
    everywhere = op.domain is EVERYWHERE

    def method(self: Value) -> Value:
        x = self._data
        if not (everywhere or holds(x)):
            return _beyond(op, self)
        try:
            data = forward(x)
        except (ArithmeticError, ValueError):
            return _beyond(op, self)
        if data - data != 0.0:
            return _beyond(op, self)
        if _paused and (unrecorded := _unrecorded(data, op, self)) is not None:
            return unrecorded
        node = _new(Value)
        node._data = data
        node.grad = 0.0
        node.label = ""
        node.op = op
        node._a = self
        node._b = None
        node._serial = next(clock)
        return node

    method.__name__ = op.name
    method.__doc__ = op.docstring
    return method


def _in_context(op: Op, better: Callable[[Value], float | None]) -> Callable[[Value], Value]:
    """Return the method for an operation that is more accurate where it knows what made its operand."""
    plain = _unary(op)

    def method(self: Value) -> Value:
        if self.op in _BETTER_KNOWN:
            data = better(self)
            if data is not None:
                return _record(op, (self,), data)
        return plain(self)

    method.__name__ = op.name
    method.__doc__ = op.docstring
    return method


_BETTER_KNOWN = {_sub, ops.neg, ops.sigmoid, ops.where}


def _log(x: Value) -> float | None:
    """Return log σ(z) and log(1 − σ(z)) by softplus, right also where σ(z) is rounded to 0 or 1."""
    while x.op is ops.where:
        x = x.operands[1] if x.operands[0]._data else x.operands[2]
    if x.op is ops.sigmoid:
        return -ops.softplus.forward(-x._a._data)
    if is_one_minus(x, ops.sigmoid):
        return -ops.softplus.forward(x._b._a._data)
    return None


def _log1p(x: Value) -> float | None:
    """Return log(1 − σ(z)) likewise."""
    if x.op is ops.neg and x._a.op is ops.sigmoid:
        return -ops.softplus.forward(x._a._a._data)
    return None


def _exp(x: Value) -> float | None:
    """Return e^(v − logsumexp) as a shifted exponential over the sum of such: the logarithm would round it."""
    if x.op is not _sub or x._b.__class__ is not Value or x._b.op is not ops.logsumexp:
        return None
    numbers = x._b._a.numbers()
    largest = max(numbers)
    shifted = number(x._a) - largest
    return math.exp(shifted) / math.fsum([math.exp(each - largest) for each in numbers]) if shifted <= 0.0 else None


class Value(Operand):
    """A finite float that remembers how it was computed.

    Args:
        data: The number: an int, a float or a NumPy real scalar.
        label: A name for pictures, messages and matrix forms, such as "W1[2,0]".

    With a number, `<`, `<=`, `==`, `!=`, `>=` and `>` compare the data: `v == 1` is true where `v.data` is 1, also in
    `v in (1, 2)` and in lists. Two Values are equal only if they are one and the same, whatever they hold, and a set or
    a dictionary takes each for itself: there, and to compare two, use the numbers, `v.data in {1.0, 2.0}`.

    Attributes:
        data: The number, always a finite Python float. A leaf's can be assigned; an interior node's cannot. Reading one
            that is too large for a float raises the DomainError of the operation that made it.
        grad: The gradient. Leaves accumulate over backward passes; an interior node holds the adjoint
            ∂output/∂node of the latest pass that reached it.
        label: The name; empty if none was given.
        op: The operation that made it; None for a leaf.

    Raises:
        TypeError: If `data` is of another type (bool, str, Value and containers included).
        ValueError: If `data` is NaN, infinite, or an int too large for a float.

    Example:
        >>> Value(2, label="x")
        Value(2.0, label='x', grad=0.0)
    """

    __slots__ = ("__weakref__", "_a", "_b", "_c", "_data", "_serial", "grad", "label", "op")

    records = True
    is_literal = False
    """Whether this is a number that was used as an operand: such a leaf never gets a gradient."""

    is_reading = False
    """Whether this is a number that was read from a Value while a function is recorded."""

    def __init__(self, data: float, label: str = "") -> None:
        self._data: float
        self.op: Op | None
        self._a: Any
        if data.__class__ is float and data - data == 0.0:
            self._data = data
            self.op = None
            self._a = None
        else:
            self._data, self.op, self._a = _start(data)
        self.grad: float = 0.0
        self.label: str = label if label.__class__ is str else _checked_label(label)
        self._b: Any = None
        self._c: Any
        self._serial: int = next(clock)

    def __init_subclass__(cls, **kwargs: object) -> None:
        if cls.__module__ not in (__name__, f"{__package__}.reading"):
            raise TypeError("Value cannot be subclassed: results of operations would not be of the subclass")
        super().__init_subclass__(**kwargs)

    @property
    def data(self) -> float:
        """The number, always a finite Python float; that of a leaf can be assigned.

        Raises:
            AttributeError: On assignment, if this is an interior node or a literal.
            TypeError: On assignment, if it is of a type that `Value` does not take.
            ValueError: On assignment, if the number is not finite.
            DomainError: If the number is beyond all floats, and nothing has brought it back.
        """
        if self._data != self._data:
            raise DomainError(self._c[1])
        if _watched and (watching := watcher()) is not None:
            return cast(float, watching.read(self))
        return self._data

    @data.setter
    def data(self, data: float) -> None:
        if _watched and (watching := watcher()) is not None:
            watching.assigned(self)
        if self.op is not None:
            raise AttributeError(
                f"{self.describe()} was computed from its operands, so its data cannot be assigned; "
                "assign to a leaf and compute again, or use detach()"
            )
        if self.is_literal:
            raise AttributeError(
                f"{self.describe()} is a literal number; use a Value in the expression to assign to it"
            )
        self._data = _checked(data)
        self._serial = next(clock)
        assigned(self._serial)

    @property
    def operands(self) -> tuple[Value, ...]:
        """What the operation was applied to, in order and with repetitions; empty for a leaf."""
        if self.op is None:
            return ()
        a, b = self._a, self._b
        if a.__class__ is Vector:
            if b is None:
                return _operands_of(a)
            self._c = _leaf(self._c)
            return (*_operands_of(a), *_operands_of(b), self._c)
        self._a = _leaf(a)
        if b is None:
            return (self._a,)
        self._b = _leaf(b)
        return (self._a, self._b)

    @property
    def is_leaf(self) -> bool:
        """Whether this was given rather than computed."""
        return self.op is None

    @property
    def serial(self) -> int:
        """A number that grows with every node created and every leaf assigned: operands have smaller ones."""
        return self._serial

    def backward(self, gradient: float = 1.0) -> None:
        """Add gradient × ∂self/∂leaf to the `grad` of every leaf this was made from.

        Interior nodes are left with their adjoints gradient × ∂self/∂node.

        Raises:
            RuntimeError: If this is a literal, or a leaf was assigned after a node that uses it was recorded.
            DomainError: If an adjoint is not finite, or a derivative is needed where it is undefined.
            TypeError: If `gradient` is not a real number.
            ValueError: If `gradient` is not finite.
                Whatever is raised, no `grad` has changed.
        """
        if self.is_literal:
            raise RuntimeError(f"{self.describe()} is a literal number, which has no gradient")
        _readable(self)
        if _watched and (watching := watcher()) is not None:
            watching.differentiated(self)
        backward(self, finite_float(gradient, "backward"))

    def detach(self) -> Value:
        """Return a new leaf with the same data, through which no gradient flows."""
        if _watched and (watching := watcher()) is not None:
            return watching.detached(self)
        return Value(self.data, self.label)

    def apply(self, op: Op, operands: tuple[Any, ...]) -> Value:
        """Return a node for `op` on `operands`, each a Value or a number. Raises as calling `op` does."""
        method = _METHODS.get(op)
        if method is not None:
            return cast(Value, method(self))
        stored: tuple[Any, ...] = tuple([o if isinstance(o, Value) else finite_float(o, op.name) for o in operands])
        if any(o.__class__ is not float and o._data != o._data for o in stored):
            return _beyond(op, *stored)
        if op.arity == 2 and (op.domain is EVERYWHERE or op is _pow):
            return _node(op, *stored)
        labels = ["" if o.__class__ is float else o.label for o in stored]
        return _record(op, stored, op.evaluate([number(o) for o in stored], labels))

    def describe(self) -> str:
        """Return what an error message calls this: `tanh "a1[0]" = 0.5`."""
        kind = "literal" if self.is_literal else self.op.name if self.op else "leaf"
        shown = repr(self._data) if self._data == self._data else BEYOND
        return f'{kind} "{printable(self.label)}" = {shown}' if self.label else f"{kind} {shown}"

    def __repr__(self) -> str:
        if _watched and (watching := watcher()) is not None:
            watching.written(self)
        label = f", label={self.label!r}" if self.label else ""
        if self.is_literal:
            return f"Literal({self._data!r}{label})"
        op = f", op={self.op.name}" if self.op else ""
        shown = repr(self._data) if self._data == self._data else BEYOND
        return f"Value({shown}{label}, grad={self.grad!r}{op})"

    def __format__(self, spec: str) -> str:
        if _watched and (watching := watcher()) is not None:
            watching.written(self)
        return format(_readable(self), spec) if spec else repr(self)

    def _repr_html_(self) -> str | None:
        """Return a small graph as a tree of text, for a notebook; None for a large one, whose repr is shown."""
        return notebook.picture(self)

    # --- arithmetic -----------------------------------------------------------------------------

    def __add__(self, other: Any) -> Value:
        if other.__class__ is Value:
            data = self._data + other._data
        elif other.__class__ is float:
            data = self._data + other
        else:
            return NotImplemented if (other := _operand(other, _add)) is None else _node(_add, self, other)
        if data - data != 0.0:
            return _beyond(_add, self, other)
        if _paused and (unrecorded := _unrecorded(data, _add, self, other)) is not None:
            return unrecorded
        node = _new(Value)
        node._data = data
        node.grad = 0.0
        node.label = ""
        node.op = _add
        node._a = self
        node._b = other
        node._serial = next(clock)
        return node

    def __mul__(self, other: Any) -> Value:
        if other.__class__ is Value:
            data = self._data * other._data
        elif other.__class__ is float:
            data = self._data * other
        else:
            return NotImplemented if (other := _operand(other, _mul)) is None else _node(_mul, self, other)
        if data - data != 0.0:
            return _beyond(_mul, self, other)
        if _paused and (unrecorded := _unrecorded(data, _mul, self, other)) is not None:
            return unrecorded
        node = _new(Value)
        node._data = data
        node.grad = 0.0
        node.label = ""
        node.op = _mul
        node._a = self
        node._b = other
        node._serial = next(clock)
        return node

    def __sub__(self, other: Any) -> Value:
        if other.__class__ is Value:
            data = self._data - other._data
        elif other.__class__ is float:
            data = self._data - other
        else:
            return NotImplemented if (other := _operand(other, _sub)) is None else _node(_sub, self, other)
        if data - data != 0.0:
            return _beyond(_sub, self, other)
        if _paused and (unrecorded := _unrecorded(data, _sub, self, other)) is not None:
            return unrecorded
        node = _new(Value)
        node._data = data
        node.grad = 0.0
        node.label = ""
        node.op = _sub
        node._a = self
        node._b = other
        node._serial = next(clock)
        return node

    def __truediv__(self, other: Any) -> Value:
        if other.__class__ is not Value and (other := _operand(other, _div)) is None:
            return NotImplemented
        return _node(_div, self, other)

    def __pow__(self, other: Any) -> Value:
        if other.__class__ is not Value and (other := _operand(other, _pow)) is None:
            return NotImplemented
        return _node(_pow, self, other)

    def __mod__(self, other: Any) -> Value:
        if other.__class__ is not Value and (other := _operand(other, _mod)) is None:
            return NotImplemented
        return _node(_mod, self, other)

    def __radd__(self, other: Any) -> Value:
        return NotImplemented if (other := _operand(other, _add)) is None else _node(_add, other, self)

    def __rmul__(self, other: Any) -> Value:
        return NotImplemented if (other := _operand(other, _mul)) is None else _node(_mul, other, self)

    def __rsub__(self, other: Any) -> Value:
        return NotImplemented if (other := _operand(other, _sub)) is None else _node(_sub, other, self)

    def __rtruediv__(self, other: Any) -> Value:
        return NotImplemented if (other := _operand(other, _div)) is None else _node(_div, other, self)

    def __rpow__(self, other: Any) -> Value:
        return NotImplemented if (other := _operand(other, _pow)) is None else _node(_pow, other, self)

    def __rmod__(self, other: Any) -> Value:
        return NotImplemented if (other := _operand(other, _mod)) is None else _node(_mod, other, self)

    def __pos__(self) -> Value:
        return self

    def __matmul__(self, other: Any) -> Value:
        raise TypeError(
            f"{self.describe()} is one number, and `@` multiplies arrays: write `*` between numbers, and np.array(W) @ "
            "np.array(x) for lists of Values"
        )

    __rmatmul__ = __matmul__

    def __float__(self) -> float:
        raise TypeError(
            f"{self.describe()} would lose its graph as a float: v.data is its number, and a function to differentiate "
            "through takes the Value itself, as autograd.exp(v) or v.exp() does in place of math.exp(v)"
        )

    # --- comparisons look at the data; of two Values equality is identity -------------------------

    def __eq__(self, other: object) -> bool:
        return cast(bool, NotImplemented) if other.__class__ is Value else _equal(self, other)

    def __ne__(self, other: object) -> bool:
        equal = NotImplemented if other.__class__ is Value else _equal(self, other)
        return equal if equal is NotImplemented else not equal

    __hash__ = object.__hash__

    def __lt__(self, other: Any) -> bool:
        return _compare(self, other, float.__lt__)

    def __le__(self, other: Any) -> bool:
        return _compare(self, other, float.__le__)

    def __gt__(self, other: Any) -> bool:
        return _compare(self, other, float.__gt__)

    def __ge__(self, other: Any) -> bool:
        return _compare(self, other, float.__ge__)

    def __bool__(self) -> bool:
        raise TypeError(
            f"the truth of {self.describe()} is ambiguous: compare it with a number, as in `v > 0` or `v != 0`, "
            "and use autograd.where to select within a graph"
        )

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if name not in habits.VALUE]

    # --- copying --------------------------------------------------------------------------------

    def __reduce__(self) -> tuple[Any, ...]:
        if self.op is not None:
            raise TypeError(
                f"{self.describe()} is part of a graph, so it cannot be copied or pickled: "
                "copy its leaves and compute again, or copy v.detach()"
            )
        return _leaf_again, (self.data, self.label, self.grad, self.is_literal)

    # --- one line for each operation that is a method -------------------------------------------

    __neg__ = _unary(ops.neg)
    __abs__ = _unary(ops.abs)
    abs = __abs__
    arccos = _unary(ops.arccos)
    arccosh = _unary(ops.arccosh)
    arcsin = _unary(ops.arcsin)
    arcsinh = _unary(ops.arcsinh)
    arctan = _unary(ops.arctan)
    arctanh = _unary(ops.arctanh)
    cbrt = _unary(ops.cbrt)
    cos = _unary(ops.cos)
    cosh = _unary(ops.cosh)
    elu = _unary(ops.elu)
    erf = _unary(ops.erf)
    erfc = _unary(ops.erfc)
    exp = _in_context(ops.exp, _exp)
    exp2 = _unary(ops.exp2)
    expm1 = _unary(ops.expm1)
    floor = _unary(ops.floor)
    gelu = _unary(ops.gelu)
    leaky_relu = _unary(ops.leaky_relu)
    lgamma = _unary(ops.lgamma)
    log = _in_context(ops.log, _log)
    log10 = _unary(ops.log10)
    log1p = _in_context(ops.log1p, _log1p)
    log2 = _unary(ops.log2)
    relu = _unary(ops.relu)
    sigmoid = _unary(ops.sigmoid)
    sign = _unary(ops.sign)
    silu = _unary(ops.silu)
    sin = _unary(ops.sin)
    sinh = _unary(ops.sinh)
    softplus = _unary(ops.softplus)
    sqrt = _unary(ops.sqrt)
    step = _unary(ops.step)
    stop_gradient = _unary(ops.stop_gradient)
    tan = _unary(ops.tan)
    tanh = _unary(ops.tanh)
    __floor__ = floor

    # --- what NumPy asks the elements of an object array for --------------------------------------

    def hypot(self, other: Any) -> Value:
        """Return √(self² + other²), for a Value or a number. Raises as `autograd.hypot` does."""
        return self.apply(ops.hypot, (self, other))

    def arctan2(self, other: Any) -> Value:
        """Return the angle of the point (other, self), for a Value or a number. Raises as `autograd.arctan2` does."""
        return self.apply(ops.arctan2, (self, other))

    def conjugate(self) -> Value:
        """Return this Value, which is real: `np.var` and `np.linalg.norm` multiply by conjugates."""
        return self


@final
class Literal(Value):
    """A number that was used as an operand, as a leaf: never a parameter, and without a gradient."""

    __slots__ = ()

    is_literal = True

    @property
    def grad(self) -> float:
        """Always 0.0; what a reverse pass hands to a literal is dropped."""
        return 0.0

    @grad.setter
    def grad(self, grad: float) -> None:
        pass


BEYOND = "beyond all floats"
_MAY_GO_BEYOND = {_mul, _pow, ops.exp}  # of floats
_MAY_COME_BACK = {
    *(_add, _sub, _mul, _div, _pow, ops.neg, ops.exp, ops.expm1, ops.log, ops.log1p, ops.sqrt, ops.tanh, ops.sigmoid),
    *(ops.softplus, ops.arctan, ops.total, ops.where, ops.stop_gradient),
}
_METHODS = {
    op: getattr(Value, name) for name, op in vars(ops).items() if isinstance(op, Op) and op.arity == 1 and name != "neg"
}
_METHODS[ops.neg] = Value.__neg__
habits.answered(Value, habits.VALUE, "a Value")
_EXACT = 2**53  # integers up to here are floats without rounding, and are passed on quickly
_NUMBERS = (int, float, np.integer, np.floating, np.bool_)


def assign(leaves: Sequence[Value], numbers: Sequence[float]) -> None:
    """Set the data of leaves, all of them or none: `leaf.data = number` for many.

    Raises:
        AttributeError: If a Value is no leaf, or a literal.
        TypeError: If a number is of another type than Value takes.
        ValueError: If a number is not finite, or there are not as many numbers as leaves.
    """
    if len(leaves) != len(numbers):
        raise ValueError(f"assign needs as many numbers as leaves, got {len(numbers)} for {len(leaves)}")
    new = list(numbers)
    if {*map(type, new)} - {float} or not math.isfinite(sum(new)):  # a sum of finite numbers may still overflow
        new = [_checked(number) for number in new]
    for leaf in leaves:
        if leaf.op is not None or leaf.is_literal:
            leaf.data = 0.0  # raises and says why
    old = [leaf._data for leaf in leaves]
    try:
        for leaf, number, leaf._serial in zip(leaves, new, clock, strict=False):
            leaf._data = number
    except BaseException:  # Ctrl-C may come here
        for leaf, number in zip(leaves, old, strict=True):
            leaf._data = number
        raise
    finally:
        assigned(next(clock))


@contextmanager
def assigned_meanwhile(leaves: Sequence[Value], numbers: Sequence[float]) -> Iterator[None]:
    """A context in which leaves hold other numbers; afterwards nothing tells that they did."""
    old = [(leaf._data, leaf._serial) for leaf in leaves]
    try:
        for leaf, number in zip(leaves, numbers, strict=True):
            leaf._data = number
        assigned(next(clock))  # what is kept of their data is read again
        yield
    finally:
        for leaf, (data, before) in zip(leaves, old, strict=True):
            leaf._data, leaf._serial = data, before
        assigned(next(clock))


def vector(values: Iterable[Any]) -> Vector:
    """Return `values` as a fixed sequence that several `affine` calls can share without copying.

    Raises:
        TypeError: If one of them is neither a Value nor a real number, or `values` is not a sequence.
        ValueError: If a number is not finite.
    """
    if values.__class__ is Vector:
        return values
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise TypeError(f"a sequence of Values or numbers is needed, got {values!r}")
    return Vector(tuple(v if isinstance(v, Value) else finite_float(v, "a weighted sum") for v in values))


def affine(weights: Iterable[Any], inputs: Iterable[Any], bias: Any = 0.0) -> Any:
    """Return Σₖ weights[k]·inputs[k] + bias as one node: the weighted input z of a neuron.

    Args:
        weights: Values or numbers; a `vector` if several calls share them.
        inputs: As many Values or numbers, likewise.
        bias: A Value or a number.

    Returns:
        A Value, or a float if no argument holds a Value.

    Raises:
        TypeError: If something is neither a Value nor a real number.
        ValueError: If there are not as many weights as inputs, or a number is not finite.
        DomainError: If the sum is not finite.

    Example:
        >>> w, x = [Value(2.0), Value(-1.0)], [3.0, 4.0]
        >>> affine(w, x, 0.5).data
        2.5
    """
    w = weights if weights.__class__ is Vector else vector(weights)
    x = inputs if inputs.__class__ is Vector else vector(inputs)
    if len(w.values) != len(x.values):
        raise ValueError(
            f"affine needs as many weights as inputs, got {len(w.values)} weights and {len(x.values)} inputs"
        )
    b: Any = bias if isinstance(bias, Value) else finite_float(bias, "affine")
    data = sum(map(_product, w.numbers(), x.numbers())) + (b if b.__class__ is float else b._data)
    if data - data != 0.0:
        return _beyond(ops.affine, *w.values, *x.values, b)
    if not (w.targets or x.targets or b.__class__ is Value):
        return data
    if _paused and (unrecorded := _unrecorded(data, ops.affine, w, x, b)) is not None:
        return unrecorded
    node = _new(Value)
    node._data = data
    node.grad = 0.0
    node.label = ""
    node.op = ops.affine
    node._a = w
    node._b = x
    node._c = b
    node._serial = next(clock)
    return node


def _record(op: Op, operands: tuple[Any, ...], data: float) -> Value:
    if _paused and (unrecorded := _unrecorded(data, op, *operands)) is not None:
        return unrecorded
    return made(op, operands, data)


def made(op: Op, operands: tuple[Any, ...], data: float, kind: type[Value] | None = None) -> Value:
    """Return a node for an operation whose result is known, on stored operands.

    Args:
        op: The operation.
        operands: Values and floats; for an affine operation also the two Vectors and the bias.
        data: The result.
        kind: A subclass of Value that the node is to be of.
    """
    node = _new(Value if kind is None else kind)
    node._data = data
    node.grad = 0.0
    node.label = ""
    node.op = op
    node._b = None
    if op is ops.affine and operands[0].__class__ is Vector:
        node._a, node._b, node._c = operands
    elif op is ops.affine:
        n = len(operands) // 2
        node._a, node._b, node._c = Vector(operands[:n]), Vector(operands[n:-1]), operands[-1]
    elif op.arity is None or op.arity > 2:
        node._a = Vector(operands)
    else:
        node._a = operands[0]
        if op.arity == 2:
            node._b = operands[1]
    node._serial = next(clock)
    return node


def _operand(other: Any, op: Op) -> Any:
    """Return what a node stores for an operand that is not a plain Value; None if it is foreign."""
    if other.__class__ is float and other - other == 0.0:
        return other
    if other.__class__ is int and -_EXACT <= other <= _EXACT:
        return float(other)
    if isinstance(other, _NUMBERS):
        return finite_float(other, op.name)
    return other if isinstance(other, Value) else None


def _node(op: Op, a: Any, b: Any) -> Value:
    """Return the node for an arithmetic operator on Values and finite floats."""
    try:
        data = op.forward(a if a.__class__ is float else a._data, b if b.__class__ is float else b._data)
    except (ArithmeticError, ValueError):
        return _beyond(op, a, b)
    if data.__class__ is not float:
        data = _evaluated(op, a, b)
    if data - data != 0.0:
        return _beyond(op, a, b)
    if _paused and (unrecorded := _unrecorded(data, op, a, b)) is not None:
        return unrecorded
    node = _new(Value)
    node._data = data
    node.grad = 0.0
    node.label = ""
    node.op = op
    node._a = a
    node._b = b
    node._serial = next(clock)
    return node


def _evaluated(op: Op, *operands: Any) -> float:
    """Return the result as a float, or raise the error for one that is undefined or not finite."""
    args = [number(o) if isinstance(o, Value) else finite_float(o, op.name) for o in operands]
    return op.evaluate(args, [_label(o) for o in operands])


def _beyond(op: Op, *operands: Any) -> Value:
    """Return the node for an operation whose result is no finite float, or that has an operand which is none.

    The number is computed with more digits and without bounds. If it comes back among the floats it is one; a result of
    `exp`, a product or a power that is too large, and what is made of it, is kept as it is, for something may bring it
    back: e^(−x²), 1/(1 + e^(−x)). Until then nobody can read it, or differentiate it.

    Raises:
        DomainError: If the operation is undefined there, or another one's result is too large.
    """
    stored: list[Any] = [
        o if o.__class__ is float or isinstance(o, Value) else finite_float(o, op.name) for o in operands
    ]
    large: list[Value] = [o for o in stored if o.__class__ is not float and o._data != o._data]
    allowed = _MAY_COME_BACK if large else _MAY_GO_BEYOND
    if op not in allowed or not (large or op.domain.holds(*map(number, stored))):
        return _record(op, tuple(stored), _refused(op, stored, large))
    with wide_arithmetic():
        try:
            wide = evaluated(op, [Wide(_decimal(o)) for o in stored]).number
        except (ArithmeticError, ValueError):
            return _record(op, tuple(stored), _refused(op, stored, large))
        data = float(wide)
    if data - data == 0.0:
        node = _record(op, tuple(stored), data)
        node._c = (wide, "")  # for what is made of it and of a number that is still beyond
        return node
    message = large[0]._c[1] if large else str(_error_of(op, stored))
    node = _record(op, tuple(stored), math.nan)
    node._c = (wide, message)
    beyond.add(node)
    return node


def _refused(op: Op, stored: Sequence[Any], large: Sequence[Value]) -> float:
    """Raise the error for a result that is undefined or too large."""
    if large:
        raise DomainError(large[0]._c[1])
    return _evaluated(op, *stored)


def _error_of(op: Op, stored: Sequence[Any]) -> DomainError:
    with errors_noticed(lambda: None):  # it is kept for those who read the number, and nobody handles it
        try:
            _evaluated(op, *stored)
        except DomainError as error:
            return error
        return DomainError(f"{op.name} has no finite result")


def _decimal(operand: Any) -> Decimal:
    if operand.__class__ is float:
        return Decimal(operand)
    kept = wide_number(operand)
    return Decimal(operand._data) if kept is None else kept


def _readable(value: Value) -> float:
    if value._data != value._data:
        raise DomainError(value._c[1])
    return value._data


def _label(operand: Any) -> str:
    return operand.label if isinstance(operand, Value) else ""


def _compare(value: Value, other: Any, holds: Callable[[float, float], bool]) -> bool:
    if isinstance(other, Value):
        outcome = holds(value._data, other._data)
    elif not isinstance(other, _NUMBERS):
        return cast(bool, NotImplemented)
    elif other != other:
        raise ValueError(f"{value.describe()} cannot be compared with NaN")
    else:
        other = _float_or_infinite(other)
        outcome = holds(value._data, other)
    if value._data != value._data or (isinstance(other, Value) and other._data != other._data):
        outcome = _compare_beyond(_RELATIONS[holds], value, other)
    if _watched and (watching := watcher()) is not None:
        watching.compared(_RELATIONS[holds], value, other, outcome)
    return outcome


def _equal(value: Value, number: Any) -> bool:
    """Return whether the data is a number; NotImplemented for what is none."""
    if isinstance(number, Value) or not isinstance(number, (Number, np.bool_)):
        return cast(bool, NotImplemented)
    outcome = bool(value._data == number)
    if _watched and (watching := watcher()) is not None:
        other = _float_or_infinite(getattr(number, "real", number))
        if other == number:  # what no float is, no data ever equals
            watching.compared("==", value, other, outcome)
    return outcome


def _compare_beyond(relation: Relation, value: Value, other: Any) -> bool:
    left, right = _decimal(value), _decimal(other)
    return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[relation]


def _float_or_infinite(number: Any) -> float:
    try:
        return float(number)
    except OverflowError:  # an int beyond all floats
        return math.inf if number > 0 else -math.inf


class Watcher(Protocol):
    """What is told of everything that a thread reads of its Values, so that a recording can hold for other numbers."""

    def read(self, value: Value) -> Value | float:
        """Return what stands for the data of a Value."""

    def detached(self, value: Value) -> Value:
        """Return what stands for a Value that is detached."""

    def unrecorded(self, op: Op, operands: tuple[Any, ...], data: float) -> Value:
        """Return what stands for the result of an operation under `no_grad`."""

    def compared(self, relation: Relation, left: Value, right: Value | float, outcome: bool) -> None:
        """Take note of a comparison and of what it gave."""

    def pinned(self, value: Value, use: str) -> float:
        """Return the data for a use that cannot be recorded, such as `math.exp`."""

    def written(self, value: Value) -> float:
        """Return the data for text."""

    def assigned(self, value: Value) -> None:
        """Take note that a Value is about to be assigned."""

    def differentiated(self, value: Value) -> None:
        """Take note that a reverse pass is about to begin."""


_RELATIONS: dict[Callable[[float, float], bool], Relation] = {
    float.__lt__: "<",
    float.__le__: "<=",
    float.__gt__: ">",
    float.__ge__: ">=",
}


def watcher() -> Watcher | None:
    """Return what is told of this thread's reads, if there is something."""
    return getattr(_here, "watcher", None)


@contextmanager
def watched_by(watching: Watcher | None) -> Iterator[None]:
    """A context in which what this thread reads of Values is told to a watcher; to none for None."""
    outer = watcher()
    _watched.append(None)
    _here.watcher = watching
    try:
        yield
    finally:
        _here.watcher = outer
        _watched.pop()


def _leaf(operand: Any) -> Value:
    return Literal(operand) if operand.__class__ is float else operand


def _operands_of(shared: Vector) -> tuple[Value, ...]:
    if shared.literals is None:
        shared.literals = tuple(_leaf(value) for value in shared.values)
    return shared.literals


def _leaf_again(data: float, label: str, grad: float, is_literal: bool) -> Value:
    leaf = (Literal if is_literal else Value)(data, label)
    leaf.grad = grad
    return leaf


def _start(data: Any) -> tuple[float, Op | None, Any]:
    """Return the data, the operation and the operand of what begins with `data`: a leaf, unless that was recorded."""
    if isinstance(data, Value) and data.is_reading:
        return (float(data), None, None) if watcher() is None else (data._data, ops.stop_gradient, data._a)
    return _checked(data), None, None


def _checked(data: Any) -> float:
    if isinstance(data, (bool, np.bool_)):
        raise TypeError(f"Value needs a real number, got the bool {data!r}; write Value(float(x)) if 0 and 1 are meant")
    return finite_float(data, "Value")


def _checked_label(label: Any) -> str:
    if not isinstance(label, str):
        raise TypeError(f"a label must be a str, got {label!r} of type {type(label).__name__}")
    return str(label)
