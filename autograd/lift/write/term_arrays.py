"""Terms as NumPy text: each an expression on arrays whose dimensions are the axes that it depends on.

What depends on an input has the examples as its first dimension. Where two expressions meet, their dimensions are put
into one order, that of the family that is written and then of the sums around; a sum over a product is a product of
matrices where it is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from ... import ops
from ...op import Op
from ..derive.idioms import ONE_HOT
from ..language.build import factors_of, inside, multiply, split, substituted
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
)
from .numpy_text import has_numpy_name

__all__ = ["ROWS", "Expression", "NoTextError", "Step", "TermArrays"]

Array = np.ndarray[Any, Any]
ROWS = Axis(0)  # the examples
_SUM, _PRODUCT, _POWER, _ATOM = 1, 2, 4, 9
_RELATIONS = {"=": "==", "≤": "<=", "≠": "!="}
_INFIX = {ops.add: "+", ops.sub: "-", ops.mul: "*", ops.div: "/"}


class NoTextError(ValueError):
    """A term for which there is no text on arrays."""


@dataclass(frozen=True)
class Expression:
    """A text and what it gives.

    Attributes:
        text: The text.
        axes: The dimensions of its array.
        binds: How strongly the outermost sign of the text binds.
        is_truth: Whether it gives truth values.
    """

    text: str
    axes: tuple[Axis, ...]
    binds: int = _ATOM
    is_truth: bool = False

    def within(self, binds: int) -> str:
        """Return the text where a sign stands that binds so strongly."""
        return self.text if self.binds >= binds else f"({self.text})"


@dataclass(frozen=True)
class Step:
    """An axis that is a number in a loop: a variable plus a constant.

    Attributes:
        name: The variable.
        offset: The constant.
        steps: The numbers that the variable takes.
    """

    name: str
    offset: int
    steps: range

    def text(self, const: int = 0) -> str:
        """Return the text of the axis plus a constant."""
        total = self.offset + const
        return f"{self.name} {'-' if total < 0 else '+'} {abs(total)}" if total else self.name


class TermArrays:
    """Writes terms.

    Attributes:
        names: What the array of each family is called; of one that is kept step by step, the dictionary of its steps.
        members: What the arrays are called that a family of parameters is put together from.
        wholes: For what is kept step by step, values that recur and layers of parameters, what all of it is called.
        batched: The families that depend on an input.
        steps: The axes that are numbers at the moment, in a loop.
        beyond: For each family that is kept so, and read so, the steps that are read outside of its domain: it is 0.
        read_whole: The families in `wholes` that are read as one array.
        needed: The helpers that the texts call.
        operations: The operations that the texts call, without those of NumPy.
        ranges: The lengths of the ranges that the texts name.
    """

    def __init__(
        self, names: Mapping[Family, str], batched: frozenset[Family], constant: Callable[[Array, str], str]
    ) -> None:
        self.names, self.batched, self._constant = names, batched, constant
        self.members: dict[tuple[Family, int], str] = {}
        self.wholes: dict[Family, str] = {}
        self.steps: dict[Axis, Step] = {}
        self.beyond: dict[Family, set[int]] = {}
        self.read_whole: set[Family] = set()
        self.needed: set[str] = set()
        self.operations: set[Op] = set()
        self.ranges: set[int] = set()
        self._live: list[Axis] = []

    # --- what is set ------------------------------------------------------------------------------

    def whole(self, term: Term, axes: Sequence[Axis]) -> str:
        """Return the text of a term as an array with just these dimensions, or with more for the examples."""
        self._live = list(axes)
        return self.shaped(self.of(term), axes)

    def shaped(self, found: Expression, axes: Sequence[Axis]) -> str:
        """Return the text of an expression as an array that has all of some dimensions."""
        found = self._number(found)
        if set(found.axes) == set(axes):
            return self._aligned(found, axes)
        lengths = ", ".join("N" if axis is ROWS else str(axis.size) for axis in axes)
        return f"np.broadcast_to({self._aligned(found, axes)}, ({lengths}{',' if len(axes) == 1 else ''}))"

    def summed_over_rows(self, term: Term, axes: Sequence[Axis], *, mean: bool) -> str:
        """Return the text of the mean or sum over the examples of a term, as an array with just these dimensions."""
        self._live = [*axes, ROWS]
        parts = []
        for part in term.parts if isinstance(term, Sum) else [term]:
            number, rest = split(part)
            negative, number = number < 0, abs(number)
            if not any(each.family in self.batched for each in references(rest)):
                found = self.of(multiply(Number(number), rest))
                parts.append((negative, found if mean else self._times([Expression("N", ()), found])))
                continue
            bound = [ROWS]
            while isinstance(rest, Reduction) and rest.name == "sum":
                bound, rest = [*bound, *rest.axes], rest.body
            found = self._reduced(bound, rest)
            found = found if number == 1 else self._times([self._literal(number), found])
            if mean:
                found = Expression(f"{found.within(_PRODUCT)} / N", found.axes, _PRODUCT)
            parts.append((negative, found))
        return self.shaped(self._added(parts), axes)

    # --- kinds of terms ---------------------------------------------------------------------------

    def of(self, term: Term) -> Expression:
        """Return the expression for a term.

        Raises:
            NoTextError: If there is none.
        """
        match term:
            case Number():
                return self._literal(term.value)
            case Reference():
                return self._reference(term)
            case Condition():
                return self._condition(term)
            case Sum():
                return self._sum(term.parts)
            case Product():
                return self._product(term.parts)
            case Power():
                return self._power(self._number(self.of(term.base)), term.exponent)
            case Prime():
                return self.of(term.rule)
            case Test():
                left, right, axes = self._pair(*(self._number(self.of(part)) for part in term.parts))
                return Expression(f"{left.within(_SUM)} {term.relation} {right.within(_SUM)}", axes, 0, is_truth=True)
            case Call():
                return self._call(term)
            case Softmax():
                return self._softmax(term)
            case Reduction():
                return self._reduction(term)
        raise NoTextError(repr(term))

    @staticmethod
    def _literal(value: Fraction) -> Expression:
        if value.denominator == 1 and abs(value) < 10**6:
            text = f"{int(value)}.0"
        elif Fraction(repr(float(value))) == value or value.denominator > 10_000:
            text = repr(float(value))
        else:
            return Expression(f"{value.numerator} / {value.denominator}", (), _PRODUCT if value > 0 else _SUM)
        return Expression(text, (), _ATOM if value >= 0 else _SUM)

    def _call(self, term: Call) -> Expression:
        if term.op is ONE_HOT:
            place = term.parts[1]
            if isinstance(place, Reference) and place.family.numbers is not None and len(place.indices) == 1:
                size, axis = place.family.shape[0], place.indices[0].plain
                if axis is not None and axis in self._live and (place.family.numbers == np.arange(size)).all():
                    self.needed.add("onehot")
                    value = self.of(term.parts[0])
                    return Expression(f"onehot({value.text}, {size})", (*value.axes, axis))
            left, right, axes = self._pair(*(self.of(part) for part in term.parts))
            return Expression(f"{left.within(_SUM)} == {right.within(_SUM)}", axes, 0, is_truth=True)
        args = [self._number(self.of(part)) for part in term.parts]
        axes = self._union(args)
        if term.op in _INFIX or term.op is ops.neg:
            raise NoTextError(f"{term.op.name} is a sum or a product")
        texts = ", ".join(self._aligned(arg, axes) if arg.axes else arg.text for arg in args)
        if has_numpy_name(term.op):
            return Expression(f"np.{term.op.array.__name__}({texts})", axes)  # type: ignore[union-attr]  # a ufunc
        self.operations.add(term.op)
        return Expression(f"{term.op.name}({texts})", axes)

    def _power(self, base: Expression, exponent: Fraction) -> Expression:
        if exponent < 0:
            below = base if exponent == -1 else self._power(base, -exponent)
            return Expression(f"1.0 / {below.within(_PRODUCT + 1)}", base.axes, _PRODUCT)
        if exponent == Fraction(1, 2):
            return Expression(f"np.sqrt({base.text})", base.axes)
        if exponent == 1:
            return base
        text = str(exponent) if exponent.denominator == 1 else self._literal(exponent).within(_POWER)
        sign = "**" if base.text.isidentifier() and exponent.denominator == 1 else " ** "
        return Expression(f"{base.within(_POWER + 1)}{sign}{text}", base.axes, _POWER)

    # --- sums and products of what stands side by side --------------------------------------------

    def _sum(self, terms: Sequence[Term]) -> Expression:
        gated = [term for term in terms if any(self._is_of_steps(factor) for factor in factors_of(term))]
        if len(gated) == 2:
            (one, f), (other, g) = map(self._gate_of_steps, gated)
            if all(a != b for a, b in zip(one, other, strict=True)) and any(one) and any(other):
                (yes, no), holds = (
                    ((f, g), one) if len(self._named_steps(one)) <= len(self._named_steps(other)) else ((g, f), other)
                )
                found = [self._number(self.of(part)) for part in (yes, no)]
                axes = self._union(found)
                texts = [self._aligned(each, axes) for each in found]
                whole = Expression(f"{texts[0]} if {self._named_steps(holds)} else {texts[1]}", axes, 0)
                rest = [self._signed(term) for term in terms if term not in gated]
                return self._added([(False, whole), *rest]) if rest else whole
        return self._added([self._signed(term) for term in terms])

    def _signed(self, term: Term) -> tuple[bool, Expression]:
        number, rest = split(term)
        return (True, self.of(multiply(Number(-number), rest))) if number < 0 else (False, self.of(term))

    def _added(self, parts: Sequence[tuple[bool, Expression]]) -> Expression:
        """Return a sum: what has examples first, what is subtracted last."""
        signed = [(negative, self._number(part)) for negative, part in parts]
        axes = self._union([part for _, part in signed])
        signed.sort(key=lambda pair: (pair[0], ROWS in axes and ROWS not in pair[1].axes))
        text = ""
        for negative, part in signed:
            own = self._expanded(part, axes).within(_PRODUCT if negative else _SUM)
            if own.startswith("-") and part.binds == _SUM and text and not negative:
                negative, own = True, own[1:]
            text += (f" {'-' if negative else '+'} " if text else "-" if negative else "") + own
        alone = len(signed) == 1 and not signed[0][0]
        return Expression(text, axes, signed[0][1].binds if alone else _SUM)

    def _product(self, factors: Sequence[Term]) -> Expression:
        """Return a product; where a condition makes it 0 it is 0 whatever the rest is."""
        whole = multiply(*factors)
        if any(self._is_of_steps(factor) for factor in factors):
            holds, rest = self._gate_of_steps(whole)
            found = self._number(self.of(rest))
            if all(holds):
                return found
            return Expression(f"{found.within(_SUM)} if {self._named_steps(holds)} else 0.0", found.axes, 0)
        gates = [self._condition(factor) for factor in factors if isinstance(factor, Condition)]
        others = [factor for factor in factors if not isinstance(factor, Condition)]
        if not others:
            return self._all(gates)
        if not all(isinstance(factor, (Reference, Number)) for factor in others):  # what is outside is 0 over all
            read = [each for factor in others if isinstance(factor, Reference) for each in inside(factor)]
            gates += [self._condition(e) for e in read if isinstance(e, Condition) and e.free.isdisjoint(self.steps)]
        above = [self.of(each) for each in others if not _is_below(each)]
        below = [self._power(self._number(self.of(p.base)), -p.exponent) for p in others if _is_below(p)]  # type: ignore[attr-defined]  # powers
        value = self._over(self._times(above) if above else self._literal(Fraction(1)), below)
        if not gates:
            return value
        gate, value = self._all(gates), self._number(value)
        axes = self._union([gate, value])
        return Expression(f"np.where({self._aligned(gate, axes)}, {self._aligned(value, axes)}, 0.0)", axes)

    # --- conditions on the step of a loop ---------------------------------------------------------

    def _is_of_steps(self, term: Term) -> bool:
        return isinstance(term, Condition) and bool(self.steps) and term.free <= set(self.steps)

    def _gate_of_steps(self, term: Term) -> tuple[list[bool], Term]:
        """Return at which steps the conditions of a product hold that are on the step alone, and the rest of it."""
        gates = [factor for factor in factors_of(term) if self._is_of_steps(factor)]
        step = next(iter(self.steps.values()))
        holds = []
        for number in step.steps:
            where = {axis: np.asarray(number + own.offset) for axis, own in self.steps.items() if own.name == step.name}
            holds.append(all(gate.holds(where) for gate in gates))  # type: ignore[attr-defined]
        return holds, multiply(*(factor for factor in factors_of(term) if factor not in gates))

    def _named_steps(self, holds: Sequence[bool]) -> str:
        """Return a condition on the variable of the loop."""
        step = next(iter(self.steps.values()))
        numbers = [number for number, held in zip(step.steps, holds, strict=True) if held]
        if len(numbers) == 1:
            return f"{step.name} == {numbers[0]}"
        if numbers and numbers == [*range(step.steps.start, numbers[-1] + 1)]:
            return f"{step.name} < {numbers[-1] + 1}"
        if numbers and numbers == [*range(numbers[0], step.steps.stop)]:
            return f"{step.name} >= {numbers[0]}"
        return f"{step.name} in {tuple(numbers)}"

    def _all(self, gates: Sequence[Expression]) -> Expression:
        if len(gates) == 1:
            return gates[0]
        axes = self._union(gates)
        texts = [self._expanded(gate, axes).within(_SUM) for gate in gates]
        return Expression((" & " if axes else " and ").join(texts), axes, 0, is_truth=True)

    def _times(self, factors: Sequence[Expression]) -> Expression:
        if len(factors) == 1:
            return factors[0]
        has_float = any(not each.is_truth and each.text != "N" for each in factors)
        factors = factors if has_float else [self._number(each) for each in factors]
        axes = self._union(factors)
        numbers = [f for f in factors if not f.axes]
        first, *others = [self._expanded(f, axes) for f in [*numbers, *(f for f in factors if f.axes)]]
        if first.text == "-1.0" and others:
            return Expression(f"-{self._times(others).within(_PRODUCT)}", axes, _SUM)
        sign = "-" if first.text.startswith("-") and first.binds == _SUM and not first.axes else ""
        text = " * ".join(
            [first.text[1:] if sign else first.within(_PRODUCT), *(o.within(_PRODUCT + 1) for o in others)]
        )
        return Expression(sign + text, axes, _SUM if sign else _PRODUCT)

    def _over(self, above: Expression, below: Sequence[Expression]) -> Expression:
        for each in below:
            axes = self._union([self._number(above), each])
            top, bottom = self._expanded(self._number(above), axes), self._expanded(each, axes)
            above = Expression(f"{top.within(_PRODUCT)} / {bottom.within(_PRODUCT + 1)}", axes, _PRODUCT)
        return above

    @staticmethod
    def _number(found: Expression) -> Expression:
        """Return an expression with numbers in the place of truth values."""
        if not found.is_truth:
            return found
        return Expression(f"np.where({found.text}, 1.0, 0.0)", found.axes)

    # --- dimensions -------------------------------------------------------------------------------

    def _union(self, parts: Sequence[Expression]) -> tuple[Axis, ...]:
        own = {axis for part in parts for axis in part.axes}
        return tuple(axis for axis in self._live if axis in own)

    def _aligned(self, found: Expression, axes: Sequence[Axis]) -> str:
        return self._expanded(found, axes).text

    def _pair(self, left: Expression, right: Expression) -> tuple[Expression, Expression, tuple[Axis, ...]]:
        axes = self._union([left, right])
        return self._expanded(left, axes), self._expanded(right, axes), axes

    def _expanded(self, found: Expression, axes: Sequence[Axis]) -> Expression:
        """Return an expression with its dimensions in an order, 1 long where it lacks one behind its first."""
        ordered = self._in_order(found, [axis for axis in axes if axis in found.axes])
        if not ordered.axes:
            return ordered
        start = list(axes).index(ordered.axes[0])
        if all(axis in ordered.axes for axis in axes[start:]):
            return ordered
        marks = [":" if axis in ordered.axes else "None" for axis in axes[start:]]
        while marks[-1] == ":":
            marks.pop()
        return Expression(f"{ordered.within(_ATOM)}[{', '.join(marks)}]", tuple(axes), _ATOM, ordered.is_truth)

    @staticmethod
    def _in_order(found: Expression, axes: Sequence[Axis]) -> Expression:
        if tuple(axes) == found.axes:
            return found
        places = [found.axes.index(axis) for axis in axes]
        swapped = [*range(len(places) - 2), len(places) - 1, len(places) - 2]
        if places == [1, 0]:
            text = f"{found.within(_ATOM)}.T"
        elif places == swapped:
            text = f"{found.within(_ATOM)}.swapaxes(-1, -2)"
        else:
            text = f"{found.within(_ATOM)}.transpose({', '.join(map(str, places))})"
        return Expression(text, tuple(axes), _ATOM, found.is_truth)

    # --- references -------------------------------------------------------------------------------

    def _index(self, index: Index) -> Expression:
        """Return an index as text: a number, or an array of them."""
        axes = [axis for axis in self._live if axis in index.free and axis not in self.steps]
        if index.table is not None:
            if set(index.axes) & set(self.steps):
                raise NoTextError("a table of steps")
            return self._in_order(Expression(self._constant(index.table, "INDEX"), index.axes), axes)
        parts = []
        const = index.const
        for axis, k in index.parts:
            if axis in self.steps:
                const += k * self.steps[axis].offset
                name: Expression = Expression(self.steps[axis].name, ())
            else:
                self.ranges.add(axis.size)
                name = Expression(f"range{axis.size}", (axis,))
            scaled = self._expanded(name, axes).within(_PRODUCT)
            parts.append((k, scaled if abs(k) == 1 else f"{abs(k)} * {scaled}"))
        parts.sort(key=lambda part: part[0] < 0)
        text = ""
        for k, part in parts:
            text += (f" {'-' if k < 0 else '+'} " if text else "-" if k < 0 else "") + part
        if const or not text:
            text += f" {'-' if const < 0 else '+'} {abs(const)}" if text else str(const)
        has_sign = len(parts) + bool(const) > 1 or text.startswith("-")
        binds = _SUM if has_sign else _PRODUCT if " * " in text else _ATOM
        return Expression(text, tuple(axes), binds)

    def _extent(self, index: Index) -> tuple[int, int]:
        """Return the least and the largest number that an index takes."""
        if index.table is not None:
            return index.extent()
        low = high = index.const
        for axis, k in index.parts:
            step = self.steps.get(axis)
            ends = (0, axis.size - 1) if step is None else (step.steps[0] + step.offset, step.steps[-1] + step.offset)
            low, high = low + min(k * end for end in ends), high + max(k * end for end in ends)
        return low, high

    def _reference(self, term: Reference) -> Expression:
        family = term.family
        name = self.names[family]
        rows = (ROWS,) if family in self.batched else ()
        indices, sizes = list(term.indices), list(family.shape)
        if family.stacked and family.kind == "parameter" and indices[0].is_fixed:
            found = self.members.get((family, indices[0].const))
            if found is None:
                raise NoTextError("a layer that is none")
            name, indices, sizes = found, indices[1:], sizes[1:]
        elif family in self.wholes:
            time = family.time or 0
            moment = self._moment(indices[time], family)
            if moment is not None:
                name = f"{name}[{moment}]"
                del indices[time], sizes[time]
            else:
                name = self.wholes[family]
                self.read_whole.add(family)
        if not indices:
            return Expression(name, rows)
        extents = [self._extent(index) for index in indices]
        if any(low < 0 or high >= size for (low, high), size in zip(extents, sizes, strict=True)):
            return self._by_places(name, rows, indices, has_zeros=True)
        kinds = [self._subscript(index, size) for index, size in zip(indices, sizes, strict=True)]
        free = [axis for index in indices for axis in index.free if axis not in self.steps]
        if None not in kinds and len(free) == len(set(free)):
            marks = [":" for _ in rows] + [str(kind) for kind in kinds]
            while marks and marks[-1] == ":":
                marks.pop()
            return Expression(f"{name}[{', '.join(marks)}]" if marks else name, (*rows, *free))
        return self._by_places(name, rows, indices, has_zeros=False)

    def _moment(self, index: Index, family: Family) -> str | None:
        """Return a step of a family as text; None if it is several."""
        if index.table is not None or any(axis not in self.steps for axis in index.free):
            return None
        if not index.parts:
            self._note(family, [index.const])
            return str(index.const)
        if len(index.parts) > 1 or index.parts[0][1] != 1:
            return None
        step = self.steps[index.parts[0][0]]
        self._note(family, [number + step.offset + index.const for number in step.steps])
        return step.text(index.const)

    def _note(self, family: Family, numbers: Iterable[int]) -> None:
        size = family.shape[family.time or 0]
        self.beyond.setdefault(family, set()).update(k for k in numbers if not 0 <= k < size)

    def _subscript(self, index: Index, size: int) -> str | None:
        """Return an index as a number or a slice; None if it is neither."""
        if index.table is not None:
            return None
        live = [(axis, k) for axis, k in index.parts if axis not in self.steps]
        if not live:
            return self._index(index).text
        if len(live) > 1 or len(index.parts) > 1 or live[0][1] < 1:
            return None
        axis, k = live[0]
        start, stop = index.const, index.const + k * (axis.size - 1) + 1
        if (start, stop, k) == (0, size, 1):
            return ":"
        return f"{start or ''}:{stop if stop < size else ''}" + (f":{k}" if k > 1 else "")

    def _by_places(self, name: str, rows: tuple[Axis, ...], indices: Sequence[Index], *, has_zeros: bool) -> Expression:
        """Return members by arrays of their places, where they may lie outside with a 0 in their stead."""
        found = [self._index(index) for index in indices]
        axes = self._union(found)
        texts = [self._expanded(each, axes).text for each in found]
        if has_zeros:
            self.needed.add("read")
            return Expression(f"read({', '.join([name, *texts])})", (*rows, *axes))
        marks = ["..."] if rows else []
        return Expression(f"{name}[{', '.join([*marks, *texts])}]", (*rows, *axes))

    def _condition(self, term: Condition) -> Expression:
        left, right, axes = self._pair(self._index(term.left), self._index(term.right))
        return Expression(
            f"{left.within(_SUM)} {_RELATIONS[term.relation]} {right.within(_SUM)}", axes, 0, is_truth=True
        )

    # --- reductions -------------------------------------------------------------------------------

    def _reduction(self, term: Reduction) -> Expression:
        if term.name == "sum":
            number, rest = split(term.body)
            found = self._reduced(term.axes, rest)
            return found if number == 1 else self._times([self._literal(number), found])
        if term.op is not ops.logsumexp:
            raise NoTextError(f"{term.name} over an axis")
        self.needed.add("logsumexp")
        self._live += term.axes
        body = self._masked(term.body)
        kept = [axis for axis in self._union([body]) if axis not in term.axes]
        inside = self._expanded(body, [*kept, *term.axes])
        text = inside.text
        if set(term.axes) - set(inside.axes):
            text = self.shaped(body, [*kept, *term.axes])
        self._live = [axis for axis in self._live if axis not in term.axes]
        if len(term.axes) > 1:
            lengths = ["N" if axis is ROWS else str(axis.size) for axis in kept]
            text = f"({text}).reshape({', '.join([*lengths, '-1'])})"
        return Expression(f"logsumexp({text})", tuple(kept))

    def mask(self, mask: Array) -> str:
        """Return the text of an array of truth values, which is 1 long in dimensions that make no difference."""
        marks = []
        for d in range(mask.ndim):
            first = mask.take([0], axis=d)
            is_needed = bool((mask != first).any())
            marks.append(":" if is_needed else "None")
            mask = mask if is_needed else first
        name = self._constant(mask.squeeze(axis=tuple(d for d, mark in enumerate(marks) if mark == "None")), "MASK")
        while marks and marks[0] == "None":
            del marks[0]
        return name if "None" not in marks else f"{name}[{', '.join(marks)}]"

    def _masked(self, body: Term) -> Expression:
        """Return a term with −∞ where a family in it has no member."""
        found = self._number(self.of(body))
        for each in references(body):
            if each.family.mask is not None:
                own = [index.plain for index in each.indices]
                if None in own or any(axis in self.steps for axis in own) or len(set(own)) < len(own):
                    raise NoTextError("a mask that is read in another place")
                gate = Expression(self.mask(each.family.mask), tuple(axis for axis in own if axis is not None))
                axes = self._union([gate, found])
                if [axis for axis in axes if axis in gate.axes] != [*gate.axes]:
                    raise NoTextError("a mask in another order")
                gate = self._expanded(gate, axes)
                found = Expression(f"np.where({gate.text}, {self._aligned(found, axes)}, -np.inf)", axes)
        return found

    def _softmax(self, term: Softmax) -> Expression:
        self.needed.add("softmax")
        self._live.append(term.axis)
        body = self._masked(term.body)
        kept = [axis for axis in self._union([body]) if axis is not term.axis]
        text = self.shaped(body, [*kept, term.axis])
        self._live.remove(term.axis)
        plain = term.index.plain
        if plain is not None and plain not in self.steps and plain.size == term.axis.size and plain not in kept:
            return Expression(f"softmax({text})", (*kept, plain))
        low, high = self._extent(term.index)
        index = self._index(term.index)
        if low < 0 or high >= term.axis.size or set(index.axes) & set(kept):
            raise NoTextError("a member of a softmax")
        return Expression(f"softmax({text})[..., {index.text}]", (*kept, *index.axes))

    def _reduced(self, bound: Sequence[Axis], body: Term) -> Expression:
        """Return the sum of a term over axes."""
        bound, body = self._narrowed(bound, body)
        own = [axis for axis in bound if axis not in self._live]
        self._live += own
        found = self._contracted(tuple(bound), self._factors(body))
        self._live = [axis for axis in self._live if axis not in own]
        return found

    @staticmethod
    def _narrowed(bound: Sequence[Axis], body: Term) -> tuple[list[Axis], Term]:
        """Return a sum over no more than where its factors have members: what is outside is 0."""
        bound = list(bound)
        for k, axis in enumerate(bound):
            low, high = 0, axis.size
            for factor in factors_of(body):
                if isinstance(factor, Reference):
                    for index, own in zip(factor.indices, factor.family.axes, strict=True):
                        if index.shifted is axis:
                            low, high = max(low, -index.const), min(high, own.size - index.const)
            if axis is not ROWS and (low, high) != (0, axis.size) and low < high:
                bound[k] = Axis(high - low, axis.hint)
                body = substituted(body, {axis: at(bound[k], low)})
        return bound, body

    def _factors(self, body: Term) -> list[Expression]:
        """Return the factors of a product whose product is the term, those over the same axes taken together."""
        if any(isinstance(factor, Condition) for factor in factors_of(body)):
            return [self._number(self.of(body))]
        above: dict[frozenset[Axis], list[Expression]] = {}
        below: list[Expression] = []
        for factor in factors_of(body):
            if _is_below(factor):
                below.append(self._power(self._number(self.of(factor.base)), -factor.exponent))  # type: ignore[attr-defined]
            else:
                found = self.of(factor)
                above.setdefault(frozenset(found.axes), []).append(found)
        together = [self._times(parts) for parts in above.values()]
        for each in below:
            place = next((k for k, f in enumerate(together) if set(each.axes) <= set(f.axes)), None)
            if place is None:
                together.append(Expression(f"1.0 / {each.within(_PRODUCT + 1)}", each.axes, _PRODUCT))
            else:
                together[place] = self._over(together[place], [each])
        return together

    def _contracted(self, bound: tuple[Axis, ...], factors: list[Expression]) -> Expression:
        outside = [f for f in factors if not set(f.axes) & set(bound)]
        inside = [f for f in factors if set(f.axes) & set(bound)]
        missing = [axis for axis in bound if not any(axis in f.axes for f in inside)]
        if missing:
            sizes = [Expression("N", ()) if axis is ROWS else self._literal(Fraction(axis.size)) for axis in missing]
            bound = tuple(axis for axis in bound if axis not in missing)
            return self._times([*sizes, *outside, *([self._contracted(bound, inside)] if inside else [])])
        if len(inside) > 2 or (len(inside) == 2 and not self._is_a_product(bound, inside)):
            inside = self._merged(inside)
        if len(inside) == 1:
            found = self._total(bound, self._number(inside[0]))
        elif len(inside) == 2 and (made := self._matrix_product(bound, *map(self._number, inside))) is not None:
            found = made
        else:
            found = self._einsum(bound, [self._number(f) for f in inside])
        return self._times([*outside, found]) if outside else found

    def _is_a_product(self, bound: tuple[Axis, ...], factors: Sequence[Expression]) -> bool:
        """Whether the sum is one of matrices, and not of what stands side by side."""
        left, right = (set(f.axes) for f in factors)
        return bool(left - right) or bool(right - left) or len(left - set(bound)) == 0

    def _merged(self, factors: Sequence[Expression]) -> list[Expression]:
        """Return factors with those multiplied into another that have none but its axes."""
        found = sorted(factors, key=lambda f: -len(f.axes))
        kept: list[list[Expression]] = []
        for f in found:
            home = next((group for group in kept if set(f.axes) <= set(group[0].axes)), None)
            if home is None:
                kept.append([f])
            else:
                home.append(f)
        return [self._times(group) for group in kept]

    def _total(self, bound: tuple[Axis, ...], found: Expression) -> Expression:
        places = tuple(k for k, axis in enumerate(found.axes) if axis in bound)
        rest = tuple(axis for axis in found.axes if axis not in bound)
        if len(places) == len(found.axes):
            return Expression(f"np.sum({found.text})", ())
        last = len(found.axes) - 1
        over = str((-1 if places[0] == last else places[0]) if len(places) == 1 else places)
        return Expression(f"np.sum({found.text}, axis={over})", rest)

    def _matrix_product(self, bound: tuple[Axis, ...], left: Expression, right: Expression) -> Expression | None:
        if len(bound) != 1:
            return None
        k = bound[0]
        shared = [axis for axis in left.axes if axis in right.axes and axis is not k]
        rest = [[axis for axis in f.axes if axis is not k and axis not in shared] for f in (left, right)]
        place = {axis: n for n, axis in enumerate(self._live)}
        first = [min((place[axis] for axis in own), default=len(place)) for own in rest]
        if first[1] < first[0]:
            left, right, rest = right, left, rest[::-1]
        if shared:
            order = [*shared, *rest[0], *rest[1]]
            if len(rest[0]) != 1 or len(rest[1]) != 1 or order != [axis for axis in self._live if axis in order]:
                return None
            goals = [[*shared, *rest[0], k], [*shared, k, *rest[1]]]
            for f, goal in zip((left, right), goals, strict=True):
                if [*f.axes] not in (goal, [*goal[:-2], goal[-1], goal[-2]]):
                    return None
            one, two = (self._in_order(f, goal) for f, goal in zip((left, right), goals, strict=True))
            return Expression(f"{one.within(_PRODUCT)} @ {two.within(_PRODUCT + 1)}", tuple(order), _PRODUCT)
        if len(rest[1]) > 1:
            return None
        one = self._in_order(left, [*rest[0], k])
        two = self._in_order(right, [k, *rest[1]])
        return Expression(f"{one.within(_PRODUCT)} @ {two.within(_PRODUCT + 1)}", (*rest[0], *rest[1]), _PRODUCT)

    def _einsum(self, bound: tuple[Axis, ...], factors: Sequence[Expression]) -> Expression:
        every = list(dict.fromkeys(axis for f in factors for axis in f.axes))
        others = iter("ijklmopqrstuvwabcdefgh")
        letters = {axis: "n" if axis is ROWS else next(others) for axis in every}
        axes = tuple(axis for axis in self._union(factors) if axis not in bound)
        what = ",".join("".join(letters[axis] for axis in f.axes) for f in factors)
        goal = "".join(letters[axis] for axis in axes)
        best = ", optimize=True" if len(factors) > 2 else ""
        return Expression(f'np.einsum("{what}->{goal}", {", ".join(f.text for f in factors)}{best})', axes)


def _is_below(factor: Term) -> bool:
    return isinstance(factor, Power) and factor.exponent < 0
