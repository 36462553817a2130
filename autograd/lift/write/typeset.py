"""Index notation put into matrices: terms as a textbook writes them.

An axis is an index, printed below a name, or belongs to a matrix. What is a matrix product, a transpose, an outer
product, 𝟏 or diag exists only here, on paper.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from ... import ops
from ...op import Op
from ..derive.idioms import ONE_HOT, one_hot_of
from ..language.build import add, call, factors_of, multiply, power, reduce, replaced, split, substituted, term_of
from ..language.index import Axis, Index, at
from ..language.term import (
    Call,
    Condition,
    Family,
    Number,
    Power,
    Prime,
    Product,
    Reduction,
    Reference,
    Softmax,
    Sum,
    Term,
    Test,
    references,
    walk,
)
from .indexing import Indexing
from .naming import Naming, index_text
from .notation import Notation
from .ranges import unsaid_ends
from .style import Unicode
from .tree import (
    ATOM,
    ENTRY,
    POWER,
    PRODUCT,
    Apply,
    Bracket,
    Chain,
    Choice,
    Correlation,
    Entrywise,
    Meaning,
    Node,
    Norm,
    Numeral,
    Parenthesised,
    Quotient,
    Raised,
    Root,
    Spread,
    Symbol,
    Terms,
    Times,
    Total,
    denoting,
    grouped,
    nodes_in,
)

__all__ = ["Typesetter", "UnprintableError"]

FUNCTIONS = {"sigmoid": "σ", "logsumexp": "lse", "maximum": "max", "minimum": "min"}
_RELATIONS = {">": ">", ">=": "≥", "<": "<", "<=": "≤"}
_ONES = Symbol("𝟏")
_ONE = Axis(1)  # what a vector with a single member runs over
_plain = Unicode()


class UnprintableError(Exception):
    """There is no matrix form; the equation has to be written with indices."""


@dataclass
class Obj:
    """A formula for a number, a vector over `row`, or a matrix over `row` and `column`.

    Attributes:
        links: Its factors, if it is a matrix product that may be continued.
    """

    node: Node
    row: Axis | None = None
    column: Axis | None = None
    links: tuple[tuple[Node, bool], ...] | None = None

    @property
    def axes(self) -> frozenset[Axis]:
        return frozenset(axis for axis in (self.row, self.column) if axis is not None)

    @property
    def text(self) -> str:
        return _plain.text(self.node)

    @property
    def chain(self) -> tuple[tuple[Node, bool], ...]:
        if self.links is not None:
            return self.links
        if isinstance(self.node, Chain) and len(self.node.links) == 1:
            ((node, is_turned),), meaning = self.node.links, self.node.meaning
            if node.meaning is None and meaning is not None:
                node = replace(node, meaning=meaning.turned if is_turned else meaning)
            return ((node, is_turned),)
        return ((grouped(self.node, ATOM), False),)

    def turned(self) -> Obj:
        links = tuple((node, not is_turned) for node, is_turned in reversed(self.chain))
        node, meaning = _chain(links), self.node.meaning
        node = node if node.meaning or not meaning else replace(node, meaning=meaning.turned)
        return Obj(node, self.column, self.row, links)

    def denoting(self, term: Term) -> Obj:
        """The same with the term that it is."""
        return replace(self, node=denoting(self.node, term, self.row, self.column))

    def as_row(self) -> Obj:
        return self.turned() if self.row is not None else self

    def as_column(self) -> Obj:
        return self.turned() if self.row is None and self.column is not None else self


def _chain(links: Sequence[tuple[Node, bool]]) -> Node:
    return links[0][0] if len(links) == 1 and not links[0][1] else Chain(tuple(links))


def _product(links: Sequence[tuple[Node, bool]], row: Axis | None, column: Axis | None) -> Obj:
    return Obj(_chain(links), row, column, tuple(links))


class Typesetter:
    """Writes terms as formulas.

    Attributes:
        seen: Signs that occurred and need an explanation, and what they stand for.
        written: What was set: the family, its term, and the axes that run over a part of their range there.
        dropped: For families with cases the dimension and the members that have no equation, as they are 0.
        unsized: The vectors and matrices whose equation does not tell how many members they have.
        tables: The tables of indices that occurred.
    """

    def __init__(self, indexing: Indexing, notation: Notation | None = None, *, spells_z: bool = False) -> None:
        self.indexing = indexing
        self.notation = notation
        self.found = indexing.found
        self.layers = indexing.found.layers
        self.seen: dict[str, object] = {}
        self.written: list[tuple[Family, Term, dict[Axis, tuple[int, int]]]] = []
        self.unsized: list[Family] = []
        self.dropped: dict[Family, tuple[int, set[int]]] = {}
        self.tables: dict[object, tuple[str, Index, int]] = {}
        self.letters: dict[Axis, str] = {}
        self.index_axes: set[Axis] = set()
        self._keeps_windows = True
        self._define()
        self.naming = Naming(indexing, notation, spells_z=spells_z)

    def _define(self) -> None:
        """A family of several axes that is defined index by index is written so everywhere."""
        for family in self.indexing.order:
            if len(family.axes) > 1:
                self.index_axes = {
                    a for a, is_index in zip(family.axes, self.indexing.roles(family), strict=True) if is_index
                }
                self._close(self.found.terms[family])
                if family.kind == "value":
                    self.indexing.sticky[family] = [axis in self.index_axes for axis in family.axes]

    # --- equations -------------------------------------------------------------------------------

    def equation(
        self,
        family: Family,
        term: Term,
        fixed: Mapping[Axis, int],
        within: tuple[Axis, int, int] | None = None,
    ) -> tuple[Symbol, Node]:
        """Return the left and the right side of an equation, where some axes have a number, or one runs over a part.

        Raises:
            UnprintableError: If no way of writing it holds.
        """
        self.written.append((family, term, {within[0]: within[1:]} if within else {}))
        ones = [axis for axis in family.axes if axis.size == 1 and axis not in fixed]
        numbers = {**fixed, **dict.fromkeys(ones, 0)}
        plain = substituted(term, {axis: Index(0) for axis in ones})
        if self.layers is None:
            return self._equation(family, plain, numbers)
        one = ones[0] if len(ones) == 1 else None
        vectors = _over_single_members(substituted(plain if one is None else term, {axis: at(_ONE) for axis in ones}))
        if one is None:
            vectors = _summed_over_one(vectors)
        if vectors == plain:
            return self._equation(family, plain, numbers)
        of_vectors = self._equation(family, vectors, fixed if one else numbers, one)
        of_numbers = self._equation(family, plain, numbers)
        return min(of_vectors, of_numbers, key=lambda sides: _spread_in(sides[1]))

    def _equation(
        self, family: Family, term: Term, fixed: Mapping[Axis, int], one: Axis | None = None
    ) -> tuple[Symbol, Node]:
        self.letters, self.index_axes, self._keeps_windows = {}, set(), True
        roles = self.indexing.roles(family)
        for axis, is_index in zip(family.axes, roles, strict=True):
            if axis not in fixed and is_index:
                self.index_axes.add(axis)
                self.letter(axis)
        self._close(term)
        matrix = [
            _ONE if a is one else a
            for a, r in zip(family.axes, roles, strict=True)
            if a not in fixed and a not in self.index_axes
        ]
        kept = set(self.index_axes)
        ways: list[list[Axis] | None] = [[], matrix[:1], matrix[1:2], None]
        for promoted in ways:
            self._promote(family, term, fixed, kept, promoted)
            own = [axis for axis in matrix if axis not in self.index_axes]
            try:
                row, column = [None, *own] if len(own) == 1 and _has_one_row(family) else [*own, None, None][:2]
                right = self.write(term, row, column)
                if isinstance(term, Number) and own and term.value:
                    self.seen["𝟏"] = None
                    ones = _chain([(_ONES, False), (_ONES, True)][: len(own)])
                    right = Times((ones,), abs(term.value), negative=term.value < 0)
                return self._left(family, fixed, row, column), right
            except UnprintableError:
                if promoted is None:
                    raise
        raise UnprintableError

    def _promote(
        self, family: Family, term: Term, fixed: Mapping[Axis, int], kept: set[Axis], promoted: Sequence[Axis] | None
    ) -> None:
        """Make some axes of an equation indices; None stands for all."""
        self._keeps_windows = promoted is not None
        self.index_axes = kept | set(promoted if promoted is not None else set(family.axes) - set(fixed))
        self.letters = {axis: letter for axis, letter in self.letters.items() if axis in family.axes}
        if promoted is None:
            for each in walk(term):
                if isinstance(each, Reduction):
                    self.index_axes |= set(each.axes)
                elif isinstance(each, Softmax):
                    self.index_axes.add(each.axis)
        for axis in family.axes:
            if axis in self.index_axes and axis not in fixed:
                self.letter(axis)
        self._close(term)

    def _close(self, term: Term) -> None:
        """Find the axes that are indices in an equation because of what it reads."""
        before = -1
        while len(self.index_axes) > before:
            before = len(self.index_axes)
            for each in walk(term):
                if isinstance(each, Condition):
                    self.index_axes |= each.free
                elif isinstance(each, Softmax) and each.axis in self.index_axes:
                    self.index_axes |= each.index.free
                elif isinstance(each, Reference):
                    for index, is_index in zip(each.indices, self.indexing.roles(each.family), strict=True):
                        if (
                            is_index
                            or index.table is not None
                            or (index.plain is None and index.parts and not self._is_window(index))
                        ):
                            self.index_axes |= index.free

    def _is_window(self, index: Index) -> bool:
        return self._keeps_windows and {self.indexing.find(axis) for axis in index.free} <= self.indexing.spatial

    def letter(self, axis: Axis) -> str:
        """Return the letter of an axis in this equation."""
        if axis not in self.letters:
            letter = self.indexing.letter(axis)
            if letter in self.letters.values():
                letter = self.indexing.another_letter(letter, self.letters.values())
            self.letters[axis] = letter
        return self.letters[axis]

    def _left(self, family: Family, fixed: Mapping[Axis, int], row: Axis | None, column: Axis | None) -> Symbol:
        indices = [Index(fixed[axis]) if axis in fixed else at(axis) for axis in family.axes]
        return replace(self.name(family, indices), meaning=Meaning(Reference(family, indices), row, column))

    def name(self, family: Family, indices: Sequence[Index]) -> Symbol:
        """Return a family's name with its indices.

        Raises:
            UnprintableError: If an index is neither a dimension of a matrix nor made of indices.
        """
        roles = self.indexing.roles(family)
        above, below = "", []
        for d, (index, axis) in enumerate(zip(indices, family.axes, strict=True)):
            a = index.plain
            if not roles[d] and not index.is_fixed and (a is None or a not in self.index_axes):
                if a is None:
                    if not index.free <= self.index_axes:
                        raise UnprintableError
                else:
                    continue
            if axis.size == 1 and index.is_fixed and not roles[d] and index.const == 0:
                continue
            text = self.index(index, family, d)
            if d == 0 and (family.source.stacked or family.source in self.indexing.layers):
                above = text
            else:
                below.append(text)
        return self.naming.symbol(family, above, below)

    def index(self, index: Index, family: Family, dimension: int) -> str:
        """Return an index of a family's dimension as text."""
        first = family.dimension_first(dimension)
        for axis in sorted(index.free, key=lambda axis: axis.serial):
            self.letter(axis)
        if index.table is not None:
            return self._table(index, first)
        return index_text(index, first, self.letters, self.indexing)

    def _table(self, index: Index, first: int) -> str:
        """Return a member of a table of indices, which gets a name of its own."""
        key = (index.table.shape, index.table.tobytes(), first) if index.table is not None else ()
        name, _, _ = self.tables.setdefault(key, (f"i{len(self.tables) + 1}", index, first))
        return _plain.symbol(Symbol("i", digits=name[1:], below=tuple(self.letters[axis] for axis in index.axes)))

    # --- terms -----------------------------------------------------------------------------------

    def _matrix_axes(self, term: Term) -> frozenset[Axis]:
        return term.free - self.index_axes

    def write(self, term: Term, row: Axis | None = None, column: Axis | None = None) -> Node:
        """Return the formula of a term as an array over a row and a column axis.

        Raises:
            UnprintableError: If there is no matrix form.
        """
        return denoting(self._written(term, row, column), term, row, column)

    def _written(self, term: Term, row: Axis | None, column: Axis | None) -> Node:
        own = self._matrix_axes(term)
        full = {axis for axis in (row, column) if axis is not None}
        if not own <= full:
            raise UnprintableError
        if isinstance(term, Sum):
            return self._sum(term, row, column)
        if own == full:
            return self._write(term, row, column)
        if not own and isinstance(term, Number):
            return self._write(term, None, None)
        self.seen["𝟏"] = None
        if not own:
            node = self._write(term, None, None)
            return Spread(_apart_from_sums(node), "column" if column is None else "matrix")
        (axis,) = own
        node = self._write(term, axis, None)
        if axis is row:
            return Spread(_apart_from_sums(node), "rows")
        return Spread(grouped(node, POWER), "columns")

    def _sum(self, term: Sum, row: Axis | None, column: Axis | None) -> Node:
        logarithm = self._log_softmax(term, row, column)
        if logarithm is not None:
            return logarithm
        parts = []
        has_product = any(not isinstance(split(part)[1], (Reference, Number)) for part in term.parts)
        in_layers = self.layers is not None
        for part in sorted(term.parts, key=lambda part: _rank(part, has_product=has_product, in_layers=in_layers)):
            number, rest = split(part)
            node = self.write(multiply(Number(abs(number)), rest), row, column)
            parts.append((number < 0, grouped(node, ENTRY)))
        return Terms(tuple(parts))

    def _log_softmax(self, term: Sum, row: Axis | None, column: Axis | None) -> Node | None:
        """Return z − lse(z) as log softmax(z)."""
        for part in term.parts:
            number, total = split(part)
            if number != -1 or not isinstance(total, Reduction) or total.name != "logsumexp" or len(term.parts) != 2:
                continue
            z = next(each for each in term.parts if each is not part)
            for axis in (column, row):
                if axis is not None and axis in z.free and substituted(total.body, {total.axes[0]: at(axis)}) == z:
                    self.seen["softmax by rows" if row is not None and column is not None else "softmax"] = None
                    return Apply("log softmax", (self.write(z, row, column),))
        return None

    def _write(self, term: Term, row: Axis | None, column: Axis | None) -> Node:
        """Return the formula of a term whose matrix axes are exactly the row and the column."""
        match term:
            case Number():
                number = Numeral(abs(term.value))
                return Times((), abs(term.value), negative=True) if term.value < 0 else number
            case Sum():
                return self._sum(term, row, column)
            case Reference() | Product():
                return self.product(term, row, column).node
            case Reduction() if term.name == "sum":
                return self.product(term, row, column).node
            case Call() if term.op is ONE_HOT:
                return self._one_hot(term, row, column)
            case Call() if term.op is ops.where:
                return self._choice(term, row, column)
            case Call():
                name, layer = self.function(term.op, term.parts[0])
                self.seen[name] = term.op
                return Apply(name, tuple(self.write(part, row, column) for part in term.parts), layer=layer)
            case Prime():
                return self._prime(term, row, column)
            case Power():
                return self._power(term, row, column)
            case Test():
                self.seen["[]"] = None
                left, right = (self.write(part, row, column) for part in term.parts)
                return Bracket(left, _RELATIONS[term.relation], right)
            case Condition():
                return Bracket(*self._condition(term))
            case Reduction():
                return self._reduction(term, row, column)
            case Softmax():
                return self._softmax(term, row, column)
        raise UnprintableError

    def function(self, op: Op, argument: Term) -> tuple[str, str]:
        """Return the sign of a function, and the number of the layer that is written below it."""
        sigma = self.naming.function
        plain = FUNCTIONS.get(op.name, op.name)
        if self.layers is None:
            return (sigma if plain == "σ" else plain), ""
        functions = self.layers.functions
        number = self.layers.weighted.get(argument.family, 0) if isinstance(argument, Reference) else 0
        if functions.get(number) is not op:
            number = next((k for k, own in functions.items() if own is op), 0)
        if not number:
            return (op.name if plain == "σ" else plain), ""
        first = self.notation.first if self.notation else 0
        return sigma, str(number + first) if len({each.name for each in functions.values()}) > 1 else ""

    def _prime(self, term: Prime, row: Axis | None, column: Axis | None) -> Node:
        argument = term.parts[0]
        number = self.layers.weighted.get(argument.family) if self.layers and isinstance(argument, Reference) else None
        if number is not None and self.notation is not None and self.notation.prime:
            return Symbol("a", f"({number + self.notation.first})", mark="prime")
        name, layer = self.function(term.op, argument)
        self.seen[f"{name}′"] = term.op
        return Apply(name, (self.write(argument, row, column),), prime=True, layer=layer)

    def _choice(self, term: Call, row: Axis | None, column: Axis | None) -> Node:
        condition, yes, no = term.parts
        if isinstance(condition, Call) and condition.op is ops.step:
            condition = Test(">", condition.parts[0], Number(0))
        sides = (condition.parts, _RELATIONS[condition.relation]) if isinstance(condition, Test) else None
        (left, right), relation = sides or ((condition, Number(0)), "≠")
        first, second, third, fourth = (self.write(part, row, column) for part in (left, right, yes, no))
        return Choice(first, relation, second, third, fourth)

    def rule(self, op: Op) -> Node | None:
        """Return what the rule of a function of z says its derivative is; None if it does not say."""
        z = Family("z", "value", ()).whole()
        self.naming.names[z.family] = "z"
        try:
            return self.write(term_of(op.local(0, Call(op, [z]), (z,))))
        except (ArithmeticError, AttributeError, TypeError, ValueError, UnprintableError):
            return None

    def _one_hot(self, term: Call, row: Axis | None, column: Axis | None) -> Node:
        """Return onehot(x): of a number x a column, of a vector x a matrix with a row for each member; or [x = k]."""
        picked = one_hot_of(term)
        if picked is None or picked[1] in self.index_axes:
            x, place = term.parts
            if not isinstance(place, Reference) or place.free - self.index_axes or place.indices[0].table is not None:
                raise UnprintableError
            for axis in sorted(place.free, key=lambda axis: axis.serial):
                self.letter(axis)
            return Bracket(
                self.write(x, row, column), "=", index_text(place.indices[0], 0, self.letters, self.indexing)
            )
        other = column if row is picked[1] else row
        self.seen["onehot" if other is None else "onehot by rows"] = picked[1].size
        node = Apply("onehot", (self.write(picked[0], other),))
        is_turned = row is picked[1] if other is not None else column is picked[1]
        return Chain(((node, True),)) if is_turned else node

    def _condition(self, term: Condition) -> tuple[str, str, str]:
        sides = (term.left, term.right)
        if term.free - self.index_axes:
            raise UnprintableError
        for axis in sorted(term.free, key=lambda axis: axis.serial):
            self.letter(axis)
        base = next((self.indexing.first(axis) for side in sides for axis, _ in side.parts), 1)
        if term.right.is_fixed and term.left.shifted is not None:
            sides = at(term.left.shifted), term.right.plus(-term.left.const)
        left, right = (
            self._table(side, base) if side.table is not None else index_text(side, base, self.letters, self.indexing)
            for side in sides
        )
        if right.endswith("-1") and term.relation == "≤" and term.right.table is None:
            return left, "<", right[:-2]
        return left, term.relation, right

    def _power(self, term: Power, row: Axis | None, column: Axis | None) -> Node:
        exponent = term.exponent
        if exponent < 0:
            return Quotient(Numeral(Fraction(1)), self.write(power(term.base, -exponent), row, column))
        if exponent == Fraction(1, 2):
            inside = self.write(term.base, row, column)
            return Norm(inside.inside, squared=False) if isinstance(inside, Norm) and inside.squared else Root(inside)
        if exponent.denominator == 2:
            root = self.write(power(term.base, Fraction(1, 2)), row, column)
            return Raised(root, Fraction(exponent.numerator))
        return Raised(grouped(self.write(term.base, row, column), ATOM), exponent)

    def _reduction(self, term: Reduction, row: Axis | None, column: Axis | None) -> Node:
        if len(term.axes) != 1:
            raise UnprintableError
        (axis,) = term.axes
        name = FUNCTIONS.get(term.name, term.name)
        self.seen[name] = term.op
        if axis in self.index_axes:
            (axis,), body = self._apart([axis], term.body)
            letter = self.letter(axis)
            below = self._ends(axis, body) or letter
            node = Apply(name, (self.write(body, row, column),), below=below)
            self.letters.pop(axis, None)
            return node
        if axis not in term.body.free:
            raise UnprintableError
        if row is None:
            return Apply(name, (self.write(term.body, axis),))
        if column is not None:
            raise UnprintableError
        self.seen[f"{name} by rows"] = None
        return Apply(name, (self.write(term.body, row, axis),))

    def _softmax(self, term: Softmax, row: Axis | None, column: Axis | None) -> Node:
        axis, own = term.axis, term.index.plain
        self.seen["softmax"] = None
        masked = next((r.family for r in references(term.body) if r.family.mask is not None), None)
        if masked is not None and axis not in self.index_axes and own is not None and own is column:
            self.seen["mask"], self.seen["softmax by rows"] = masked, None
            node = self.write(term.body, row, axis)
            parts = node.parts if isinstance(node, Terms) else ((False, grouped(node, ENTRY)),)
            return Apply("softmax", (Terms((*parts, (False, Symbol(self.mask)))),))
        if axis in self.index_axes or own is None or own in self.index_axes:
            if own is None or own not in self.letters or own in term.body.free:
                if masked is not None:
                    raise UnprintableError
                member = substituted(term.body, {axis: term.index})
                whole = reduce("logsumexp", [axis], term.body, ops.logsumexp)
                return self.write(call(ops.exp, add(member, -whole)), row, column)
            self.index_axes.add(axis)
            before = self.letters.get(axis)
            self.letters[axis] = self.letters[own]
            below = self._ends(axis, term.body) or self.letters[own]
            node = Apply("softmax", (self.write(term.body, row, column),), below=below)
            self.letters.pop(axis)
            if before is not None:
                self.letters[axis] = before
            return node
        if column is None and own is row:
            return Apply("softmax", (self.write(term.body, axis),))
        self.seen["softmax by rows"] = None
        if own is column:
            return Apply("softmax", (self.write(term.body, row, axis),))
        if own is row:
            return Chain(((Apply("softmax", (self.write(term.body, column, axis),)), True),))
        raise UnprintableError

    @property
    def mask(self) -> str:
        """The name of the mask of a causal softmax."""
        return next(name for name in ("M", "N", "B", "M₀") if name not in self.naming.names.values())

    # --- products --------------------------------------------------------------------------------

    def product(self, term: Term, row: Axis | None, column: Axis | None) -> Obj:
        """Return a product of factors, summed over bound axes."""
        if isinstance(term, Reference):
            return self._reference(term, row, column)
        scale, rest = split(term)
        factors = list(factors_of(rest))
        if scale < 0:
            k = next(
                (k for k, f in enumerate(factors) if isinstance(f, Sum) and any(split(p)[0] < 0 for p in f.parts)), None
            )
            if k is not None:
                factors[k] = Sum([-part for part in factors[k].parts])
                scale = -scale
        above = [f for f in factors if not (isinstance(f, Power) and f.exponent < 0)]
        below = [power(f.base, -f.exponent) for f in factors if isinstance(f, Power) and f.exponent < 0]
        if below:
            return self._quotient(scale, above, below, row, column)
        if len(factors) == 1 and isinstance(rest, Reduction) and rest.name == "sum":
            return self._contracted(scale, rest, row, column)
        return self._times(scale, factors, row, column)

    def _quotient(
        self, scale: Fraction, above: list[Term], below: list[Term], row: Axis | None, column: Axis | None
    ) -> Obj:
        bottom = multiply(*below)
        size = abs(scale)
        if size.numerator == 1 and size.denominator != 1 and not above:
            bottom, size = multiply(Number(size.denominator), bottom), Fraction(1)
        own = self._matrix_axes(bottom)
        top = self.write(multiply(Number(size), *above), row, column) if above else Numeral(size)
        if own and own != {axis for axis in (row, column) if axis is not None}:
            raise UnprintableError
        low = self.write(bottom, row, column) if own else self.write(bottom)
        return Obj(Quotient(top, low, negative=scale < 0), row, column)

    def _contracted(self, scale: Fraction, term: Reduction, row: Axis | None, column: Axis | None) -> Obj:
        """Return a number times a sum over axes."""
        if term.axes == (_ONE,) and all(self._matrix_axes(factor) <= {_ONE} for factor in factors_of(term.body)):
            return self._scaled(scale, Obj(self.write(term.body, _ONE)))
        over_indices = [axis for axis in term.axes if axis in self.index_axes]
        axes = [axis for axis in term.axes if axis not in self.index_axes]
        if over_indices:
            return self._over_indices(scale, over_indices, reduce("sum", axes, term.body), row, column)
        correlation = self._correlation(axes, term.body, row, column)
        if correlation is not None:
            return self._scaled(scale, correlation.denoting(term))
        whole = self._over_all_members(scale, axes, term) if row is None and column is None else None
        if whole is not None:
            return whole
        objects = [self._factor(factor, [*axes, row, column]) for factor in factors_of(term.body)]
        return self._scaled(scale, self._contract(objects, axes, row, column).denoting(term))

    def _over_indices(
        self, scale: Fraction, axes: Sequence[Axis], inner: Term, row: Axis | None, column: Axis | None
    ) -> Obj:
        axes, inner = self._apart(axes, inner)
        letters = [self.letter(axis) for axis in axes]
        conditions = [factor for factor in factors_of(inner) if isinstance(factor, Condition)]
        rest = multiply(*(factor for factor in factors_of(inner) if not isinstance(factor, Condition)))
        texts = [" ".join(self._condition(each)) for each in conditions]
        node = self.write(rest, row, column)
        if texts and (
            len(axes) > 1
            or not any(axes[0] in each.free for each in conditions)
            or any(len(each.free) > 1 and each.relation == "=" for each in conditions)
        ):
            texts[0] = f"{', '.join(letters)}: {texts[0]}"
        ends = [end for axis in axes if (end := self._ends(axis, rest, conditions))]
        if ends and not texts:
            texts = [f"{', '.join(letters)}: {ends[0]}" if len(axes) > 1 else ends[0], *ends[1:]]
        elif ends:
            texts += ends
        for axis in axes:
            self.letters.pop(axis, None)
        texts = _chained(texts)
        total = Total(grouped(node, PRODUCT), "" if texts else "".join(letters), tuple(texts))
        if scale == 1:
            return Obj(total, row, column)
        return Obj(Times((total,), abs(scale), negative=scale < 0), row, column)

    def _apart(self, axes: Sequence[Axis], body: Term) -> tuple[list[Axis], Term]:
        """Return bound axes and what they are bound in, with new ones for those that have a letter outside."""
        new = {axis: self.indexing.another(axis) for axis in axes if axis in self.letters}
        self.index_axes |= set(new.values())
        return [new.get(axis, axis) for axis in axes], substituted(body, {a: at(other) for a, other in new.items()})

    def _ends(self, axis: Axis, body: Term, conditions: Sequence[Condition] | None = None) -> str:
        """Return where an index starts and ends, as far as what stands behind it does not tell."""
        has_first, has_last = unsaid_ends(axis, body, self.indexing, conditions)
        first, letter = self.indexing.first(axis), self.letters[axis]
        if has_first and has_last and axis.size == 1:
            return f"{letter} = {first}"
        if not (has_first or has_last):
            return ""
        return (f"{first} ≤ " if has_first else "") + letter + (f" ≤ {first + axis.size - 1}" if has_last else "")

    def _over_all_members(self, scale: Fraction, axes: Sequence[Axis], term: Reduction) -> Obj | None:
        """Return a sum over all members as ‖x‖², a mean or Σ, None if it is none of them."""
        body = term.body
        count = math.prod(axis.size for axis in axes)
        is_square = isinstance(body, Power) and body.exponent == 2
        is_mean = scale == Fraction(1, count) and count > 2 and not (is_square and self.layers)
        if self._matrix_axes(body) != set(axes) or len(axes) > 2:
            return None
        if is_square and not is_mean:
            base = body.parts[0]
            return self._scaled(scale, Obj(Norm(self.write(base, *self._oriented(base, axes)))).denoting(term))
        if is_mean:
            return Obj(Apply("mean", (self.write(body, *self._oriented(body, axes)),)))
        if isinstance(body, Product):
            return None
        whole = Total(grouped(self.write(body, *self._oriented(body, axes)), PRODUCT))
        return self._scaled(scale, Obj(whole).denoting(term))

    def _oriented(self, body: Term, axes: Sequence[Axis]) -> list[Axis | None]:
        """Return two axes in the order of the first reference that has both."""
        if len(axes) == 2:
            for reference in references(body):
                own = [index.plain for index in reference.indices if index.plain in axes]
                if len(own) == 2:
                    return list(own)
        return [*axes, None, None][:2]

    def _correlation(self, bound: Sequence[Axis], body: Term, row: Axis | None, column: Axis | None) -> Obj | None:
        """Return w ⋆ x, the sums Σₖ wₖ xₚ₊ₖ, or w ∗ x with p − k, over one or two axes; None if it is none."""
        factors = factors_of(body)
        if len(factors) != 2 or not all(isinstance(factor, Reference) for factor in factors):
            return None
        for x, w in (factors, factors[::-1]):
            if isinstance(x, Reference) and isinstance(w, Reference):
                found = self._correlated(x, w, bound, row, column)
                if found is not None:
                    return found
        return None

    def _correlated(
        self, x: Reference, w: Reference, bound: Sequence[Axis], row: Axis | None, column: Axis | None
    ) -> Obj | None:
        windows = []
        for d, index in enumerate(x.indices):
            inner = [(axis, k) for axis, k in index.parts if axis in bound]
            outer = [(axis, k) for axis, k in index.parts if axis not in bound]
            if (
                index.table is None
                and index.const == 0
                and len(inner) == len(outer) == 1
                and outer[0][1] == 1
                and abs(inner[0][1]) == 1
            ):
                windows.append((d, outer[0][0], *inner[0]))
        where = {index.plain: d for d, index in enumerate(w.indices) if index.plain is not None}
        if not windows or {k for _, _, k, _ in windows} != set(bound) or len({sign for *_, sign in windows}) != 1:
            return None
        out = [p for _, p, _, _ in windows]
        if any(p.size != x.family.axes[d].size - sign * (k.size - 1) for d, p, k, sign in windows):
            return None  # w ⋆ x has a member wherever all of w lies within x, and w ∗ x wherever any of it does
        if not all(k in where for _, _, k, _ in windows) or out != [axis for axis in (row, column) if axis is not None]:
            return None
        names = []
        for reference, skip in ((w, {where[k] for _, _, k, _ in windows}), (x, {d for d, *_ in windows})):
            rest = [(d, index) for d, index in enumerate(reference.indices) if d not in skip]
            if any(index.free - self.index_axes for _, index in rest):
                return None
            below = [self.index(index, reference.family, d) for d, index in rest]
            names.append(self.naming.symbol(reference.family, "", below))
        sign = "⋆" if windows[0][3] == 1 else "∗"
        self.seen[sign] = None
        return Obj(Correlation(names[0], sign, names[1]), row, column)

    def _scaled(self, scale: Fraction, o: Obj) -> Obj:
        if scale == 1:
            return o
        root = _inverse_root(abs(scale))
        if root:
            quotient = Quotient(o.node, Root(Numeral(Fraction(root))), negative=scale < 0)
            return Obj(quotient, o.row, o.column)
        node = grouped(o.node, PRODUCT)
        if isinstance(node, Total) and _plain.number(abs(scale)).endswith(")"):
            node = Parenthesised(node)
        return Obj(Times((node,), abs(scale), negative=scale < 0), o.row, o.column)

    def _times(self, scale: Fraction, factors: Sequence[Term], row: Axis | None, column: Axis | None) -> Obj:
        """Return a product without a sum of its own: numbers, products entry by entry, an outer product, diag."""
        scalars = [factor for factor in factors if not self._matrix_axes(factor)]
        others = [factor for factor in factors if self._matrix_axes(factor)]
        objects = [self._factor(factor, [row, column]) for factor in others]
        delta = next((f for f in scalars if isinstance(f, Reference) and f.family.kind == "adjoint"), None)
        weights = next((k for k, f in enumerate(others) if isinstance(f, Reference) and self._is_row(f)), None)
        if delta is not None and weights is not None:  # Wᵀδ, as of any number of rows
            scalars.remove(delta)
            turned = objects[weights].as_column()
            whole = _product((*turned.chain, (self.write(delta), False)), turned.row, None)
            objects[weights] = whole.denoting(multiply(others[weights], delta))
        nodes: list[Node] = []
        mean = self._mean_among(scale, scalars)
        if mean is not None:
            factor, node = mean
            nodes.append(node)
            scalars.remove(factor)
            scale = Fraction(1 if scale > 0 else -1)
        functions = (Call, Prime, Power, Test) if self.layers is None else (Sum,)
        for factor in sorted(scalars, key=lambda f: (isinstance(f, Reduction), isinstance(f, functions))):
            node = self.write(factor)
            nodes.append(Parenthesised(node) if isinstance(node, Total) else grouped(node, PRODUCT))
        if not others:
            if len(nodes) == 1 and scale == 1:
                return Obj(nodes[0])
            return Obj(Times(tuple(nodes), abs(scale), negative=scale < 0))
        o = self._contract(objects, [], row, column)
        if not nodes and scale == 1:
            return o
        root = _inverse_root(abs(scale))
        if root:
            top = grouped(o.node, PRODUCT) if nodes else o.node
            return Obj(
                Quotient(Times((*nodes, top)) if nodes else top, Root(Numeral(Fraction(root))), negative=scale < 0),
                row,
                column,
            )
        return Obj(Times((*nodes, grouped(o.node, ENTRY)), abs(scale), negative=scale < 0), row, column)

    def _mean_among(self, scale: Fraction, scalars: Sequence[Term]) -> tuple[Term, Node] | None:
        """Return the factor that is a mean with the number in front."""
        for factor in scalars:
            if (
                isinstance(factor, Reduction)
                and factor.name == "sum"
                and not any(a in self.index_axes for a in factor.axes)
            ):
                count = math.prod(axis.size for axis in factor.axes)
                if count > 2 and abs(scale) == Fraction(1, count):
                    node = self._contracted(Fraction(1, count), factor, None, None).node
                    if isinstance(node, Apply) and node.name == "mean":
                        return factor, node
        return None

    def _reference(self, term: Reference, row: Axis | None, column: Axis | None) -> Obj:
        own: list[Axis] = []
        name = self.name(term.family, term.indices)
        for index in term.indices:
            axis = index.plain
            if axis is not None and axis not in self.index_axes:
                own.append(axis)
            elif not index.is_fixed and not index.free <= self.index_axes:
                raise UnprintableError
        if len(own) > 2 or len(set(own)) != len(own):
            raise UnprintableError
        if self._is_row(term):
            o = Obj(name, None, own[0]).denoting(term)
            return o.turned() if own[0] is row and column is None else o
        row_axis, column_axis = [*own, None, None][:2]
        o = Obj(name, row_axis, column_axis).denoting(term)
        if o.column is not None and (o.row, o.column) == (column, row):
            return o.turned()
        if o.column is None and o.row is not None and o.row is column and row is None:
            return o.turned()
        return o

    def _is_row(self, term: Reference) -> bool:
        """Whether a reference reads a matrix of parameters that has one row."""
        own = [i.plain for i in term.indices if i.plain is not None and i.plain not in self.index_axes]
        return _has_one_row(term.family) and term.indices[-2].is_fixed and own == [term.indices[-1].plain]

    def _factor(self, term: Term, axes: Iterable[Axis | None]) -> Obj:
        own = self._matrix_axes(term)
        order: list[Axis | None] = [axis for axis in axes if axis in own]
        if isinstance(term, Reference):
            return self._reference(term, None, None)
        if len(own) > 2 or len(order) != len(own):
            raise UnprintableError
        place = self._natural(term, order)
        if isinstance(term, Product) or (isinstance(term, Reduction) and term.name == "sum"):
            return self.product(term, *place).denoting(term)
        return Obj(self._write(term, *place), place[0], place[1]).denoting(term)

    def _natural(self, term: Term, order: list[Axis | None]) -> list[Axis | None]:
        """Return the axes of a term in the order in which its references have them."""
        picked = one_hot_of(term)
        if picked is not None:
            return [*[axis for axis in order if axis is not picked[1]], picked[1], None][:2]
        if len(order) == 2:
            for reference in references(term):
                mine = [index.plain for index in reference.indices if index.plain in order]
                if len(mine) == 2 and reference.family.kind != "parameter":
                    return list(mine)
        return [*order, None, None][:2]

    # --- contractions ----------------------------------------------------------------------------

    def _contract(self, objects: list[Obj], bound: Sequence[Axis], row: Axis | None, column: Axis | None) -> Obj:
        """Return the product of formulas, summed over bound axes, over a row and a column."""
        objects = self._entrywise(self._paired(objects, bound))
        left = [axis for axis in bound if any(axis in o.axes for o in objects)]
        while left:
            whole = next(
                (
                    o
                    for o in objects
                    if len(o.axes) == 2
                    and o.axes <= set(left)
                    and not any(p.axes & o.axes for p in objects if p is not o)
                ),
                None,
            )
            if whole is not None:
                objects.remove(whole)
                objects.append(Obj(Total(grouped(whole.node, PRODUCT))))
            else:
                objects = self._contract_one(objects, left, row, column)
            objects = self._entrywise(self._paired(objects, left))
            left = [axis for axis in left if any(axis in o.axes for o in objects)]
        return self._assembled(objects, row, column)

    def _contract_one(
        self, objects: list[Obj], left: Sequence[Axis], row: Axis | None, column: Axis | None
    ) -> list[Obj]:
        """Sum over one axis, the one that the fewest factors have."""
        for axis in sorted(left, key=lambda axis: sum(axis in o.axes for o in objects)):
            having = [o for o in objects if axis in o.axes]
            others = [o for o in objects if axis not in o.axes]
            if len(having) == 1:
                return [*others, self._summed(having[0], axis)]
            if len(having) == 2:
                x, y = having
                if len((x.axes | y.axes) - {axis}) <= 2 and x.axes & y.axes == {axis}:
                    return [*others, self._chained(x, y, axis, row, column)]
            if len(having) == 3 and any(o.axes == {axis} for o in having):
                vector = next(o for o in having if o.axes == {axis})
                matrix = next(o for o in having if o is not vector)
                rest = [o for o in objects if o is not vector and o is not matrix]
                return [*rest, self._scaled_along(matrix, vector, axis)]
        raise UnprintableError

    def _paired(self, objects: Sequence[Obj], bound: Iterable[Axis]) -> list[Obj]:
        """Return formulas with the vectors over a bound axis that nothing else has put together as aᵀb."""
        objects = list(objects)
        for axis in bound:
            having = [o for o in objects if axis in o.axes]
            if len(having) < 2 or any(o.axes != {axis} for o in having):
                continue
            *rest, right = sorted(having, key=self._dot_rank)
            left = self._entrywise(rest)[0] if len(rest) > 1 else rest[0]
            one = (*left.as_column().turned().chain, *right.as_column().chain)
            other = (*right.as_column().turned().chain, *left.as_column().chain)
            chain = other if sum(t for _, t in other) < sum(t for _, t in one) else one
            objects = [o for o in objects if not any(o is each for each in having)]
            objects.append(_product(chain, None, None))
        return objects

    def _dot_rank(self, o: Obj) -> tuple[bool, bool, bool]:
        """Return what sorts the sides of a scalar product: targets on the left, functions on the right."""
        text = o.text
        return text not in ("t", "T", self.notation.target if self.notation else "t"), "log" in text, "(" in text

    def _entrywise(self, objects: Sequence[Obj]) -> list[Obj]:
        """Return formulas with those over the same axes put together by ⊙."""
        groups: dict[frozenset[Axis], list[Obj]] = {}
        for o in objects:
            groups.setdefault(o.axes, []).append(o)
        out = []
        for axes, own in groups.items():
            if len(own) == 1 or not axes:
                out.extend(own)
                continue
            is_matrix = len(axes) == 2
            delta = self.notation.adjoint if self.notation else "δ"
            adjoint = (delta, f"({delta}")
            own = sorted(own, key=lambda o: (_has_slope(o), is_matrix and o.text.startswith(adjoint)))
            if not is_matrix and any(o.row is not None for o in own):
                own = [o.as_column() for o in own]
            if self.notation and self.notation.derivative_first and any(map(_is_product, own)):
                own.sort(key=_has_slope, reverse=True)
            row, column = own[0].row, own[0].column
            turned = [o if o.row is row else o.turned() for o in own]
            self.seen["⊙"] = None
            out.append(Obj(Entrywise(tuple(map(self._entry, turned))), row, column))
        return out

    def _entry(self, o: Obj) -> Node:
        """Return a factor of a product entry by entry."""
        is_apart = self.notation is not None and self.notation.product_in_parentheses and _is_product(o)
        return Parenthesised(o.node) if is_apart else grouped(o.node, PRODUCT)

    def _summed(self, o: Obj, axis: Axis) -> Obj:
        if o.axes == {axis}:
            return Obj(Total(grouped(o.node, PRODUCT)))
        self.seen["𝟏"] = None
        o = o if o.column is axis else o.turned()
        return _product((*o.chain, (_ONES, False)), o.row, None)

    def _chained(self, x: Obj, y: Obj, axis: Axis, row: Axis | None, column: Axis | None) -> Obj:
        """Return the matrix product of two formulas over an axis."""
        free_x, free_y = x.axes - {axis}, y.axes - {axis}
        if not free_x and not free_y:
            left, right = sorted((x, y), key=self._dot_rank)
        elif row in free_x or column in free_y:
            left, right = x, y
        elif row in free_y or column in free_x:
            left, right = y, x
        else:
            left, right = (x, y) if not free_y else (y, x)
        right = right if right.row is axis else right.turned()
        if not left.axes - {axis}:
            return _product((*left.as_row().chain, *right.chain), None, right.column)
        left = left if left.column is axis else left.turned()
        return _product((*left.chain, *right.chain), left.row, right.column)

    def _scaled_along(self, matrix: Obj, vector: Obj, axis: Axis) -> Obj:
        """Return a formula with each member along an axis multiplied by one of a vector."""
        if matrix.axes == {axis}:
            self.seen["⊙"] = None
            both = tuple(grouped(o.node, PRODUCT) for o in (vector.as_column(), matrix.as_column()))
            return Obj(Entrywise(both), axis)
        self.seen["diag"] = None
        diagonal = (Apply("diag", (vector.as_column().node,)), False)
        if matrix.row is axis:
            return _product((diagonal, *matrix.chain), matrix.row, matrix.column)
        return _product((*matrix.chain, diagonal), matrix.row, matrix.column)

    def _assembled(self, objects: Sequence[Obj], row: Axis | None, column: Axis | None) -> Obj:
        """Return what is left as one formula over the row and the column."""
        scalars = [o for o in objects if not o.axes]
        matrices = [o for o in objects if len(o.axes) == 2 and o.axes == {row, column}]
        rows = [o for o in objects if row is not None and o.axes == {row}]
        columns = [o for o in objects if column is not None and o.axes == {column}]
        if len(scalars) + len(matrices) + len(rows) + len(columns) != len(objects) or len(matrices) > 1:
            raise UnprintableError
        whole: Obj | None = None
        if matrices:
            whole = self._scaled_matrix(matrices[0] if matrices[0].row is row else matrices[0].turned(), rows, columns)
        elif rows and columns:
            u, v = self._one(rows).as_column(), self._one(columns).as_column()
            whole = _product((*u.chain, *v.turned().chain), row, column)
        elif rows:
            whole = self._one(rows).as_column()
        elif columns:
            whole = self._one(columns).as_row()
        if not scalars:
            if whole is None:
                raise UnprintableError
            return whole
        nodes = [Parenthesised(o.node) if isinstance(o.node, Total) else grouped(o.node, PRODUCT) for o in scalars]
        if whole is None:
            return scalars[0] if len(scalars) == 1 else Obj(Times(tuple(nodes)))
        return Obj(Times((*nodes, grouped(whole.node, ENTRY))), row, column)

    def _scaled_matrix(self, matrix: Obj, rows: Sequence[Obj], columns: Sequence[Obj]) -> Obj:
        """Return a matrix times vectors over its rows and over its columns: by an outer product, or by diag."""
        if not rows and not columns:
            return matrix
        if matrix.node.level == ATOM and _has_slope(matrix):
            self.seen["⊙"] = None
            ones = ((_ONES, False),)
            if not (rows and columns):
                self.seen["𝟏"] = None
            left = self._one(rows).as_column().chain if rows else ones
            right = self._one(columns).as_column().turned().chain if columns else ((_ONES, True),)
            return Obj(Entrywise((_chain((*left, *right)), matrix.node)), matrix.row, matrix.column)
        self.seen["diag"] = None
        chain = matrix.chain
        for vector in rows:
            chain = ((Apply("diag", (vector.as_column().node,)), False), *chain)
        for vector in columns:
            chain = (*chain, (Apply("diag", (vector.as_column().node,)), False))
        return _product(chain, matrix.row, matrix.column)

    def _one(self, objects: Sequence[Obj]) -> Obj:
        return objects[0] if len(objects) == 1 else self._entrywise([o.as_column() for o in objects])[0]


def _apart_from_sums(node: Node) -> Node:
    """Return a formula as a factor before 𝟏, which must not come under a Σ."""
    has_sum = isinstance(node, (Total, Times, Chain)) and any(isinstance(each, Total) for each in nodes_in(node))
    return Parenthesised(node) if has_sum else grouped(node, PRODUCT)


def _chained(conditions: Sequence[str]) -> list[str]:
    """Return conditions with a ≤ k and k ≤ b as a ≤ k ≤ b."""
    out: list[str] = []
    for each in conditions:
        middle = each.partition(" ")[0]
        k = next((k for k, other in enumerate(out) if re.search(rf"[≤<] {re.escape(middle)}$", other)), None)
        if k is not None and re.match(r"\S+ [≤<] ", each):
            out[k] += each.removeprefix(middle)
        else:
            out.append(each)
    return out


def _has_slope(o: Obj) -> bool:
    nodes = [each for each in nodes_in(o.node) if isinstance(each, (Apply, Symbol))]
    return isinstance(o.node, Bracket) or any(
        each.prime if isinstance(each, Apply) else each.mark == "prime" for each in nodes
    )


def _has_one_row(family: Family) -> bool:
    """Whether a family is a matrix of parameters that has one row, or its derivatives."""
    return family.source.kind == "parameter" and len(family.axes) > 1 and family.axes[-2].size == 1


def _is_product(o: Obj) -> bool:
    return isinstance(o.node, Chain) and len(o.node.links) > 1


def _spread_in(node: Node) -> int:
    """Return how many sums over members and repetitions of numbers there are in a formula."""
    return sum(isinstance(each, (Spread, Total)) or each == _ONES for each in nodes_in(node))


def _over_single_members(term: Term) -> Term:
    """Return a term in which vectors with a single member are read as vectors."""

    def by(each: Term) -> Term | None:
        if not isinstance(each, Reference):
            return None
        own = [d for d, axis in enumerate(each.family.axes) if axis.size == 1 and each.indices[d].is_fixed]
        if len(own) != 1:
            return None
        return Reference(each.family, [at(_ONE) if d == own[0] else index for d, index in enumerate(each.indices)])

    return replaced(term, by)


def _summed_over_one(term: Term) -> Term:
    """Return a term of such vectors as a number."""
    if _ONE not in term.free:
        return term
    if isinstance(term, Sum):
        return add(*map(_summed_over_one, term.parts))
    number, rest = split(term)
    if isinstance(rest, Reduction) and rest.name == "sum":
        return multiply(Number(number), Reduction("sum", [_ONE, *rest.axes], rest.body))
    return multiply(Number(number), Reduction("sum", [_ONE], rest))


def _rank(part: Term, *, has_product: bool, in_layers: bool) -> tuple[bool, bool, bool, bool, int]:
    """Return where a term stands in a sum: what is added before what is subtracted, the biases last.

    Where layers are numbered, numbers come first, and penalties last.
    """
    number, rest = split(part)
    own = list(references(rest))
    is_bias = has_product and isinstance(rest, Reference) and rest.family.kind == "parameter"
    is_penalty = in_layers and not is_bias and bool(own) and all(each.family.kind == "parameter" for each in own)
    level = max((each.family.level for each in own if each.family.kind == "value"), default=0)
    return is_penalty, number < 0, isinstance(part, Number) != in_layers, is_bias, level


def _inverse_root(value: Fraction) -> int:
    """Return n if a number is 1/√n as floats have it, else 0."""
    if value.denominator > 1000:
        number = float(value)
        for n in range(2, 1025):
            if number in (1 / math.sqrt(n), n**-0.5):
                return n
    return 0
