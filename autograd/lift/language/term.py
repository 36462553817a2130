"""The one language: equations between families of scalars, in index notation.

A *family* is an array of scalars with named axes: an input, a parameter array, an array of numbers, or values that are
computed alike. It is defined by one *term* in its axes. With the indices fixed every term is a scalar, so its algebra
is that of numbers: there is no transpose, no broadcast and no reshape; a view is the index inside a reference.

Two rules hold everywhere:

* A reference outside its family's domain is 0. So h₀ = 0, δ_{T+1} = 0, causal masks and the borders of convolutions
  need no word; and a table may say −1 for nothing.
* Terms that differ in the names of their bound axes, in the order of a sum or of a product are equal: they have one and
  the same `key`, an object that is shared, so that comparing terms costs nothing.

Terms are built by the functions of `build`, which keep a light normal form, and not by the classes here.
"""

from __future__ import annotations

import itertools
import operator
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, ClassVar, Literal, Protocol

import numpy as np

from ...op import Op, Operand
from .index import Axis, Index, at

__all__ = [
    "Call",
    "Condition",
    "Constructors",
    "Family",
    "Kind",
    "Number",
    "Power",
    "Prime",
    "Product",
    "Reduction",
    "Reference",
    "Relation",
    "Softmax",
    "Sum",
    "Term",
    "Test",
    "lag",
    "references",
    "walk",
]

Array = np.ndarray[Any, Any]
Kind = Literal["input", "parameter", "numbers", "value", "adjoint"]
Relation = Literal["=", "≤", "≠"]
_HOLDS: Mapping[Relation, Callable[[Any, Any], Any]] = {"=": operator.eq, "≤": operator.le, "≠": operator.ne}
_serials = itertools.count(1)


class Family:
    """An array of scalars with named axes.

    Attributes:
        name: The name in the user's code; empty if it has none.
        kind: "input", "parameter", "numbers" (of the graph), "value" (computed), or "adjoint" (∂C/∂ of `of`).
        axes: Its dimensions.
        term: What defines it, in its axes; None for leaves.
        mask: Where it has members, if not everywhere.
        numbers: The numbers, for the kind "numbers".
        of: The family that this is the adjoint of.
        tangent_of: The family whose derivative in a direction this is.
        first: The number that the first member along the first axis (or along `time`) is called by: 1 but for lists of
            arrays W2, W3, … and for steps that begin elsewhere.
        stacked: Whether the first axis runs over arrays with numbered names, W1, W2, ….
        time: Which axis is the step of a recurrence.
        level: How far it is from the leaves.
        named: Whether the name is the user's.
        label: The label of a recorded value.
    """

    __slots__ = (
        "axes",
        "condition",
        "first",
        "kind",
        "label",
        "level",
        "mask",
        "members",
        "name",
        "named",
        "numbers",
        "of",
        "operation",
        "serial",
        "split",
        "stacked",
        "steps",
        "tangent_of",
        "term",
        "time",
    )

    def __init__(self, name: str, kind: Kind, axes: Sequence[Axis], term: Term | None = None) -> None:
        self.name, self.kind, self.axes, self.term = name, kind, tuple(axes), term
        self.serial = next(_serials)
        self.mask: Array | None = None
        self.numbers: Array | None = None
        self.of: Family | None = None
        self.tangent_of: Family | None = None
        self.condition: Term | None = None
        self.first, self.stacked = 1, False
        self.time: int | None = None
        self.level, self.named, self.label, self.operation = 0, False, "", ""
        self.members: Array | None = None
        self.split: list[tuple[int, int]] = []
        self.steps: dict[int, Family] = {}

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the axes."""
        return tuple(axis.size for axis in self.axes)

    @property
    def source(self) -> Family:
        """The family itself, or what it is the adjoint or the tangent of."""
        return self.of or self.tangent_of or self

    def beside(self, kind: Kind, axes: Sequence[Axis]) -> Family:
        """Return a family that is indexed and named as this one is: its adjoint, or its tangent."""
        made = Family(self.name, kind, axes)
        made.mask, made.time, made.named = self.mask, self.time, self.named
        made.first, made.stacked = self.first, self.stacked
        return made

    @property
    def body(self) -> Term:
        """The term that defines it.

        Raises:
            ValueError: If it is a leaf.
        """
        if self.term is None:
            raise ValueError(f"{self!r} is a leaf and has no term")
        return self.term

    def whole(self) -> Reference:
        """Return the reference to the family at its own axes."""
        return Reference(self, [at(axis) for axis in self.axes])

    def whole_at(self, axes: Sequence[Axis]) -> Reference:
        """Return the reference to the family at other axes."""
        return Reference(self, [at(axis) for axis in axes])

    def dimension_first(self, dimension: int) -> int:
        """Return the number that the first member along a dimension is called by."""
        source = self.source
        return source.first if dimension == (source.time or 0) and (source.stacked or source.time is not None) else 1

    def __repr__(self) -> str:
        name = ("δ" if self.of else "") + (self.source.name or f"f{self.source.serial}")
        return f"R{{{name}}}" if self.tangent_of else name


class _Key:
    """What equal terms share. Equal keys are one object."""

    __slots__ = ("__weakref__", "content", "serial")
    made: ClassVar[weakref.WeakValueDictionary[Any, Any]] = weakref.WeakValueDictionary()

    def __init__(self, content: Any) -> None:
        self.content = content
        self.serial = next(_serials)

    @classmethod
    def of(cls, *content: Any) -> _Key:
        found = cls.made.get(content)
        if found is None:
            found = cls.made[content] = cls(content)
        return found


class Constructors(Protocol):
    """How terms are put together: the module `build`."""

    POW: Op
    ABS: Op

    def add(self, *terms: Term) -> Term:
        """Return a sum."""

    def multiply(self, *factors: Term) -> Term:
        """Return a product."""

    def power(self, base: Term, exponent: Fraction | int) -> Term:
        """Return a power."""

    def call(self, op: Op, *operands: Any) -> Term:
        """Return an operation on terms and numbers."""

    def reduce(self, name: str, axes: Sequence[Axis], body: Term, op: Op | None = None) -> Term:
        """Return a reduction."""

    def term_of(self, value: Any) -> Term:
        """Return a term as it is, and a number as a term."""

    def fraction_of(self, number: Any) -> Fraction:
        """Return the simplest fraction that rounds to a number."""


class Term(Operand):
    """A scalar, given numbers for its free axes.

    Attributes:
        parts: The terms inside it.
    """

    __slots__ = ("_cost", "_free", "_key", "parts")
    construct: ClassVar[Constructors]  # the module `build`, which enters itself: it needs the classes of this one
    parts: tuple[Term, ...]

    def __init__(self, parts: Sequence[Term] = ()) -> None:
        self.parts = tuple(parts)
        self._key: _Key | None = None
        self._free: frozenset[Axis] | None = None
        self._cost: float | None = None

    @property
    def key(self) -> _Key:
        """What equal terms share."""
        if self._key is None:
            self._key = self._keyed({})
        return self._key

    @property
    def free(self) -> frozenset[Axis]:
        """The axes that are not bound in it."""
        if self._free is None:
            self._free = self._find_free()
        return self._free

    def keyed(self, names: Mapping[Axis, Any]) -> _Key:
        """Return the key with some axes under other names."""
        own = {axis: name for axis, name in names.items() if axis in self.free}
        return self._keyed(own) if own else self.key

    def _keyed(self, names: Mapping[Axis, Any]) -> _Key:
        raise NotImplementedError

    def _find_free(self) -> frozenset[Axis]:
        return frozenset().union(*(part.free for part in self.parts))

    def rebuilt(self, parts: Sequence[Term]) -> Term:
        """Return the same kind of term with other parts."""
        raise NotImplementedError

    def copied(self, parts: Sequence[Term]) -> Term:
        """Return the term with other parts, as it is written: not in normal form."""
        new = object.__new__(type(self))
        new.__setstate__({**self.__getstate__(), "parts": tuple(parts)})
        return new

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Term) and self.key is other.key

    def __hash__(self) -> int:
        return id(self.key)

    def __getstate__(self) -> dict[str, Any]:
        slots = [name for cls in type(self).__mro__ for name in getattr(cls, "__slots__", ()) if name[0] != "_"]
        return {name: getattr(self, name) for name in slots if hasattr(self, name)}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        Term.__init__(self)
        for name, value in state.items():
            setattr(self, name, value)

    # what the rules of an `Op` need, to be run on terms

    def __add__(self, other: Any) -> Term:
        return Term.construct.add(self, Term.construct.term_of(other))

    __radd__ = __add__

    def __mul__(self, other: Any) -> Term:
        return Term.construct.multiply(self, Term.construct.term_of(other))

    __rmul__ = __mul__

    def __sub__(self, other: Any) -> Term:
        return Term.construct.add(self, -Term.construct.term_of(other))

    def __rsub__(self, other: Any) -> Term:
        return Term.construct.add(Term.construct.term_of(other), -self)

    def __neg__(self) -> Term:
        return Term.construct.multiply(Number(-1), self)

    def __truediv__(self, other: Any) -> Term:
        return Term.construct.multiply(self, Term.construct.power(Term.construct.term_of(other), -1))

    def __rtruediv__(self, other: Any) -> Term:
        return Term.construct.multiply(Term.construct.term_of(other), Term.construct.power(self, -1))

    def __pow__(self, exponent: Any) -> Term:
        if isinstance(exponent, Term):
            return Term.construct.call(Term.construct.POW, self, exponent)
        return Term.construct.power(self, Term.construct.fraction_of(exponent))

    def __rpow__(self, base: Any) -> Term:
        return Term.construct.call(Term.construct.POW, Term.construct.term_of(base), self)

    def __abs__(self) -> Term:
        return Term.construct.call(Term.construct.ABS, self)

    def __gt__(self, other: Any) -> Test:
        return Test(">", self, Term.construct.term_of(other))

    def __ge__(self, other: Any) -> Test:
        return Test(">=", self, Term.construct.term_of(other))

    def __lt__(self, other: Any) -> Test:
        return Test("<", self, Term.construct.term_of(other))

    def __le__(self, other: Any) -> Test:
        return Test("<=", self, Term.construct.term_of(other))

    def apply(self, op: Op, operands: tuple[Any, ...]) -> Term:
        """Return an operation on terms and numbers."""
        return Term.construct.call(op, *operands)


class Number(Term):
    """A number, exactly."""

    __slots__ = ("value",)

    def __init__(self, value: Fraction | int) -> None:
        super().__init__()
        self.value = Fraction(value)

    def _keyed(self, names: Mapping[Axis, Any]) -> _Key:  # noqa: ARG002
        return _Key.of("number", self.value)

    def rebuilt(self, parts: Sequence[Term]) -> Term:  # noqa: ARG002
        """Return the number."""
        return self

    def __repr__(self) -> str:
        return str(self.value) if self.value.denominator < 1000 else f"{float(self.value):.6g}"


class Reference(Term):
    """The member of a family at some indices; 0 outside its domain."""

    __slots__ = ("family", "indices")

    def __init__(self, family: Family, indices: Sequence[Index]) -> None:
        super().__init__()
        self.family, self.indices = family, tuple(indices)

    def _keyed(self, names: Mapping[Axis, Any]) -> _Key:
        return _Key.of("reference", self.family, tuple(index.key(names) for index in self.indices))

    def _find_free(self) -> frozenset[Axis]:
        return frozenset().union(*(index.free for index in self.indices))

    def rebuilt(self, parts: Sequence[Term]) -> Term:  # noqa: ARG002
        """Return the reference."""
        return self

    def __repr__(self) -> str:
        return f"{self.family!r}[{', '.join(map(repr, self.indices))}]"


class Condition(Term):
    """1 where a relation between indices holds, otherwise 0."""

    __slots__ = ("left", "relation", "right")

    def __init__(self, left: Index, relation: Relation, right: Index) -> None:
        super().__init__()
        self.left, self.relation, self.right = left, relation, right

    def holds(self, where: Mapping[Axis, Array]) -> Any:
        """Return whether it holds, for the numbers of its axes."""
        return _HOLDS[self.relation](self.left.numbers(where), self.right.numbers(where))

    def _keyed(self, names: Mapping[Axis, Any]) -> _Key:
        sides: Any = (self.left.key(names), self.right.key(names))
        return _Key.of("condition", self.relation, sides if self.relation == "≤" else frozenset(sides))

    def _find_free(self) -> frozenset[Axis]:
        return self.left.free | self.right.free

    def rebuilt(self, parts: Sequence[Term]) -> Term:  # noqa: ARG002
        """Return the condition."""
        return self

    def __repr__(self) -> str:
        return f"[{self.left!r}{self.relation}{self.right!r}]"


class Sum(Term):
    """A sum of terms, no two of them multiples of the same."""

    __slots__ = ()

    def _keyed(self, names: Mapping[Axis, Any]) -> _Key:
        return _Key.of("sum", frozenset(part.keyed(names) for part in self.parts))

    def rebuilt(self, parts: Sequence[Term]) -> Term:
        """Return the sum of other terms."""
        return Term.construct.add(*parts)

    def __repr__(self) -> str:
        return "(" + " + ".join(map(repr, self.parts)) + ")"


class Product(Term):
    """A product, no two factors powers of the same; a number comes first."""

    __slots__ = ()

    def _keyed(self, names: Mapping[Axis, Any]) -> _Key:
        return _Key.of("product", frozenset(part.keyed(names) for part in self.parts))

    def rebuilt(self, parts: Sequence[Term]) -> Term:
        """Return the product of other terms."""
        return Term.construct.multiply(*parts)

    def __repr__(self) -> str:
        return " ".join(map(repr, self.parts))


class Power(Term):
    """A term to a power that is a fraction."""

    __slots__ = ("exponent",)

    def __init__(self, base: Term, exponent: Fraction | int) -> None:
        super().__init__([base])
        self.exponent = Fraction(exponent)

    @property
    def base(self) -> Term:
        """What is raised."""
        return self.parts[0]

    def _keyed(self, names: Mapping[Axis, Any]) -> _Key:
        return _Key.of("power", self.base.keyed(names), self.exponent)

    def rebuilt(self, parts: Sequence[Term]) -> Term:
        """Return the power of another term."""
        return Term.construct.power(parts[0], self.exponent)

    def __repr__(self) -> str:
        return f"{self.base!r}^{self.exponent}"


class Call(Term):
    """An elementwise function of terms."""

    __slots__ = ("op",)

    def __init__(self, op: Op, parts: Sequence[Term]) -> None:
        super().__init__(parts)
        self.op = op

    def _keyed(self, names: Mapping[Axis, Any]) -> _Key:
        return _Key.of("call", self.op, tuple(part.keyed(names) for part in self.parts))

    def rebuilt(self, parts: Sequence[Term]) -> Term:
        """Return the function of other terms."""
        return Term.construct.call(self.op, *parts)

    def __repr__(self) -> str:
        return f"{self.op.name}({', '.join(map(repr, self.parts))})"


class Prime(Term):
    """f′(z): the derivative of an elementwise function of one argument, with what its own rule says it is."""

    __slots__ = ("op",)

    def __init__(self, op: Op, argument: Term, rule: Term) -> None:
        super().__init__([argument, rule])
        self.op = op

    @property
    def rule(self) -> Term:
        """What the rule of the operation says."""
        return self.parts[1]

    def _keyed(self, names: Mapping[Axis, Any]) -> _Key:
        return _Key.of("prime", self.op, self.parts[0].keyed(names))

    def rebuilt(self, parts: Sequence[Term]) -> Term:
        """Return the derivative at another term."""
        return Prime(self.op, *parts)

    def __repr__(self) -> str:
        return f"{self.op.name}'({self.parts[0]!r})"


class Test(Term):
    """1 where a relation between terms holds, otherwise 0."""

    __slots__ = ("relation",)

    def __init__(self, relation: str, left: Term, right: Term) -> None:
        super().__init__([left, right])
        self.relation = relation

    def _keyed(self, names: Mapping[Axis, Any]) -> _Key:
        return _Key.of("test", self.relation, tuple(part.keyed(names) for part in self.parts))

    def rebuilt(self, parts: Sequence[Term]) -> Term:
        """Return the test of other terms."""
        return Test(self.relation, *parts)

    def __repr__(self) -> str:
        return f"[{self.parts[0]!r} {self.relation} {self.parts[1]!r}]"


def _bound_names(
    body: Term, axes: Sequence[Axis], names: Mapping[Axis, Any]
) -> tuple[dict[Axis, Any], tuple[Any, ...]]:
    """Return names for all axes that do not depend on the identity of those that are bound, and what tells them apart.

    Bound axes are numbered from how many are bound outside on, in the order of the keys that the body has when each is
    singled out. The keys are part of the result: their order holds as long as they are held.
    """
    depth = 1 + max((name[1] for name in names.values() if isinstance(name, tuple)), default=-1)
    keyed: list[tuple[_Key | None, Axis]] = [(None, axis) for axis in axes]
    if len(axes) > 1:
        others = {**names, **{axis: ("other", depth, axis.size) for axis in axes}}
        singled = [(body.keyed({**others, axis: ("this", depth, axis.size)}), axis) for axis in axes]
        keyed = [*sorted(singled, key=lambda pair: pair[0].serial)]
    inner = {**names, **{axis: ("bound", depth + k, axis.size) for k, (_, axis) in enumerate(keyed)}}
    return inner, (depth, *((key, axis.size) for key, axis in keyed))


class Reduction(Term):
    """Σ, logsumexp or another operation of any number of arguments, over bound axes.

    Attributes:
        name: "sum", or the name of the operation.
        axes: The bound axes.
        op: The operation, None for a sum.
    """

    __slots__ = ("axes", "name", "op")

    def __init__(self, name: str, axes: Sequence[Axis], body: Term, op: Op | None = None) -> None:
        super().__init__([body])
        self.name, self.axes, self.op = name, tuple(axes), op

    @property
    def body(self) -> Term:
        """What is put together."""
        return self.parts[0]

    def _keyed(self, names: Mapping[Axis, Any]) -> _Key:
        inner, bound = _bound_names(self.body, self.axes, names)
        return _Key.of("reduction", self.name, self.op, bound, self.body.keyed(inner))

    def _find_free(self) -> frozenset[Axis]:
        return self.body.free - set(self.axes)

    def rebuilt(self, parts: Sequence[Term]) -> Term:
        """Return the reduction of another term."""
        return Term.construct.reduce(self.name, self.axes, parts[0], self.op)

    def __repr__(self) -> str:
        return f"{self.name}_{list(self.axes)}({self.body!r})"


class Softmax(Term):
    """exp(body at `index`) / Σ exp(body), where the bound axis takes the value of the index above."""

    __slots__ = ("axis", "index")

    def __init__(self, axis: Axis, index: Index, body: Term) -> None:
        super().__init__([body])
        self.axis, self.index = axis, index

    @property
    def body(self) -> Term:
        """What the softmax is of."""
        return self.parts[0]

    def _keyed(self, names: Mapping[Axis, Any]) -> _Key:
        inner, bound = _bound_names(self.body, [self.axis], {a: n for a, n in names.items() if a is not self.axis})
        return _Key.of("softmax", bound, self.index.key(names), self.body.keyed(inner))

    def _find_free(self) -> frozenset[Axis]:
        return (self.body.free - {self.axis}) | self.index.free

    def rebuilt(self, parts: Sequence[Term]) -> Term:
        """Return the softmax of another term."""
        return Softmax(self.axis, self.index, parts[0])

    def __repr__(self) -> str:
        return f"softmax_{self.axis}({self.body!r})@{self.index!r}"


def lag(family: Family, reference: Reference) -> int | None:
    """Return by how many steps a reference in a family's term is ahead; None if it is at no step of its own clock."""
    other = reference.family
    if other.time is None or family.time is None:
        return None
    index = reference.indices[other.time]
    if index.shifted is not family.axes[family.time]:
        return None
    return index.const + other.dimension_first(other.time) - family.dimension_first(family.time)


def walk(term: Term) -> Iterator[Term]:
    """Yield the term and everything in it, outer before inner and left before right."""
    waiting = [term]
    while waiting:
        each = waiting.pop()
        yield each
        waiting.extend(reversed(each.parts))


def references(term: Term) -> Iterator[Reference]:
    """Yield the references in a term."""
    return (each for each in walk(term) if isinstance(each, Reference))
