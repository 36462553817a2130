"""The numbers of terms, for one example, with NumPy: over the whole index space of every term.

This is not how programs run. It says what a term means, for the proof that equations are right and for pages that show
the numbers of every subterm.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from .index import Axis
from .recurrences import components, order_of_a_step
from .term import (
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

__all__ = ["Evaluator", "evaluated"]

Array = np.ndarray[Any, Any]
_TESTS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


class Evaluator:
    """Evaluates terms, given the arrays of families.

    Attributes:
        arrays: The numbers of each family that is known.
    """

    def __init__(self, arrays: dict[Family, Array]) -> None:
        self.arrays = arrays

    def term(self, term: Term, live: Sequence[tuple[Axis, Array]]) -> Array:
        """Return a term as an array with one dimension for each live axis, given as (axis, its numbers)."""
        n = len(live)
        where = {a: np.asarray(v).reshape([-1 if j == k else 1 for j in range(n)]) for k, (a, v) in enumerate(live)}
        with np.errstate(all="ignore"):
            return self._of(term, where, n)

    def _of(self, term: Term, where: Mapping[Axis, Array], n: int) -> Array:
        match term:
            case Number():
                return np.full((1,) * n, float(term.value))
            case Reference():
                return self._reference(term, where, n)
            case Condition():
                return _ranked(np.asarray(term.holds(where), dtype=float), n)
            case Sum():
                return np.asarray(sum(self._of(part, where, n) for part in term.parts))
            case Product():
                return self._product(term, where, n)
            case Power():
                base, whole = self._of(term.base, where, n), term.exponent.denominator == 1
                return np.asarray(
                    base ** (float(term.exponent) if not whole or term.exponent < 0 else int(term.exponent))
                )
            case Call():
                return self._call(term, [self._of(part, where, n) for part in term.parts])
            case Prime():
                return self._of(term.rule, where, n)
            case Test():
                left, right = (self._of(part, where, n) for part in term.parts)
                return np.asarray(_TESTS[term.relation](left, right), dtype=float)
            case Reduction():
                return self._reduction(term, where, n)
            case Softmax():
                return self._softmax(term, where, n)
        raise TypeError(f"no term: {term!r}")

    def _call(self, term: Call, args: list[Array]) -> Array:
        """Return the result of an operation, NaN where it has none: that may be where a factor is 0."""
        if term.op.array is not None:
            with suppress(ArithmeticError, ValueError):
                return np.asarray(term.op.array(*args), dtype=float)
        return np.asarray(np.vectorize(term.op.anywhere, otypes=[float])(*args), dtype=float)

    def _product(self, term: Product, where: Mapping[Axis, Array], n: int) -> Array:
        """Return a product; where a condition or a number of the graph is 0 it is 0 whatever the rest is.

        So it is where a factor is outside of its range.
        """
        gate: Any = 1.0
        out: Any = 1.0
        for part in term.parts:
            value = self._of(part, where, n)
            if isinstance(part, Reference):
                gate = gate * _ranked(self._inside(part, where).astype(float), n)
            if isinstance(part, Condition) or (isinstance(part, Reference) and part.family.kind == "numbers"):
                gate = gate * value
            else:
                out = out * value
        return np.where(gate == 0.0, 0.0, gate * out)

    def _reference(self, term: Reference, where: Mapping[Axis, Array], n: int) -> Array:
        array = self.arrays[term.family]
        if not term.indices:
            return np.full((1,) * n, float(array))
        numbers = np.broadcast_arrays(*(index.numbers(where) for index in term.indices))
        place = tuple(np.clip(number, 0, size - 1) for number, size in zip(numbers, array.shape, strict=True))
        return _ranked(np.where(self._inside(term, where), array[place], 0.0), n)

    def _inside(self, term: Reference, where: Mapping[Axis, Array]) -> Array:
        """Return where all indices of a reference are within their dimensions."""
        inside = np.asarray(True)
        for index, size in zip(term.indices, self.arrays[term.family].shape, strict=True):
            number = index.numbers(where)
            inside = inside & (number >= 0) & (number < size)
        return inside

    def _over(self, axes: Sequence[Axis], body: Term, where: Mapping[Axis, Array], n: int) -> tuple[Array, Array]:
        """Return a body over further axes, and where it counts."""
        m = n + len(axes)
        inner = {axis: value.reshape(value.shape + (1,) * len(axes)) for axis, value in where.items()}
        for k, axis in enumerate(axes):
            inner[axis] = np.arange(axis.size).reshape([-1 if j == n + k else 1 for j in range(m)])
        value = self._of(body, inner, m)
        full = np.broadcast_shapes(value.shape, (1,) * n + tuple(axis.size for axis in axes))
        present = np.ones((1,) * m, dtype=bool)
        for each in references(body):
            if each.family.mask is not None and each.free <= set(inner):
                numbers = np.broadcast_arrays(*(index.numbers(inner) for index in each.indices))
                shape = each.family.shape
                inside = np.logical_and.reduce([(i >= 0) & (i < s) for i, s in zip(numbers, shape, strict=True)])
                place = tuple(np.clip(i, 0, s - 1) for i, s in zip(numbers, shape, strict=True))
                present = present & inside & each.family.mask[place]
        return np.broadcast_to(value, full), present

    def _reduction(self, term: Reduction, where: Mapping[Axis, Array], n: int) -> Array:
        value, present = self._over(term.axes, term.body, where, n)
        along = tuple(range(n, value.ndim))
        if term.name == "sum":
            return np.asarray(value.sum(axis=along))
        if term.name == "logsumexp":
            masked = np.where(present, value, -np.inf)
            top = masked.max(axis=along, keepdims=True)
            return np.asarray(
                (np.log(np.exp(masked - top).sum(axis=along, keepdims=True)) + top).reshape(value.shape[:n])
            )
        if term.op is None:
            raise TypeError(f"no reduction: {term!r}")
        forward = term.op.forward
        rows = value.reshape((-1, math.prod(axis.size for axis in term.axes))).tolist()
        return np.array([forward(*row) for row in rows]).reshape(value.shape[:n])

    def _softmax(self, term: Softmax, where: Mapping[Axis, Array], n: int) -> Array:
        value, present = self._over([term.axis], term.body, where, n)
        masked = np.where(present, value, -np.inf)
        exponential = np.exp(masked - masked.max(axis=n, keepdims=True))
        share = exponential / exponential.sum(axis=n, keepdims=True)
        index = _ranked(np.asarray(term.index.numbers(where)), n)
        shape = np.broadcast_shapes(share.shape[:n], index.shape)
        place = np.broadcast_to(np.clip(index, 0, term.axis.size - 1), shape)
        taken = np.take_along_axis(np.broadcast_to(share, shape + share.shape[n:]), place[..., None], axis=n)[..., 0]
        return np.asarray(np.where((index >= 0) & (index < term.axis.size), taken, 0.0))


def _ranked(value: Array, n: int) -> Array:
    return value.reshape((1,) * (n - value.ndim) + value.shape)


def evaluated(terms: Mapping[Family, Term], leaves: Mapping[Family, Array]) -> dict[Family, Array]:
    """Return the numbers of all families, for one example.

    Args:
        terms: What defines each family that is computed.
        leaves: The numbers of inputs, parameters and arrays of numbers; arrays of numbers may be left out.

    Raises:
        ValueError: If families need each other within one step.
    """
    arrays = {family: np.asarray(array, dtype=float) for family, array in leaves.items()}
    for term in terms.values():
        for each in references(term):
            if each.family.numbers is not None:
                arrays[each.family] = np.asarray(each.family.numbers, dtype=float)
    evaluator = Evaluator(arrays)
    for component in components(terms):
        if len(component) == 1 and all(each.family is not component[0] for each in references(terms[component[0]])):
            arrays[component[0]] = _whole(evaluator, component[0], terms[component[0]])
        else:
            _steps(evaluator, component, terms)
    return arrays


def _whole(evaluator: Evaluator, family: Family, term: Term) -> Array:
    value = evaluator.term(term, [(axis, np.arange(axis.size)) for axis in family.axes])
    if not family.axes:
        return np.asarray(float(value.reshape(-1)[0]))
    whole = np.broadcast_to(value, family.shape).copy()
    return whole if family.mask is None else np.where(family.mask, whole, 0.0)


def _steps(evaluator: Evaluator, component: Sequence[Family], terms: Mapping[Family, Term]) -> None:
    """Compute families that are recurrences, step by step."""
    order, forwards = order_of_a_step(component, terms)
    for family in component:
        evaluator.arrays[family] = np.zeros(family.shape)
    time = {family: family.time or 0 for family in component}
    first = {family: family.dimension_first(time[family]) for family in component}
    low = min(first.values())
    high = max(first[family] + family.axes[time[family]].size for family in component)
    for label in range(low, high) if forwards else range(high - 1, low - 1, -1):
        for family in order:
            k = label - first[family]
            if not 0 <= k < family.axes[time[family]].size:
                continue
            live = [
                (axis, np.array([k]) if d == time[family] else np.arange(axis.size))
                for d, axis in enumerate(family.axes)
            ]
            place = tuple(slice(k, k + 1) if d == time[family] else slice(None) for d in range(len(family.axes)))
            evaluator.arrays[family][place] = evaluator.term(terms[family], live)
