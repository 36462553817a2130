"""Known edits: a quantity of the equations in the place of what an expression gives.

They prove a place without knowing how to write what belongs there. A site that is visited several times, in a loop over
layers, over examples or over scalars, gets a quantity for each visit, dealt out in the order of the visits.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from ...arguments import FloatArray
from .edits import Edit, Known
from .quantities import Quantity
from .session import Session, is_index
from .sites import Site

__all__ = ["known_edits", "state_edits"]

MULTIPLIED = {"δ", "e", "g", "back", "dW", "db", "data"}  # what may stand with another sign, or with 1/N or without
SENT_BACK = MULTIPLIED | {"dΘ", "decay"}  # in which every array of a right backward pass is affine
SUMMED = {"dW", "db", "data", "dΘ"}  # what carries 1/N in the equations
MANY = 64  # visits, beyond which only single numbers are dealt out

Made = tuple[list[Any], Any]
"""What an edit puts at each visit, and what is the same for the same values, but for rounding."""


@dataclass(frozen=True, eq=False, slots=True)
class Deal:
    """Quantities of one family, one for each visit of a site.

    Attributes:
        name: What they are called together.
        arrays: One for each visit; None where none is put.
        quantities: What they are, in the order of the visits, or one for all.
        fits: Whether they have the shapes of what is there.
        made: What has been put for a factor, and its signature.
    """

    name: str
    arrays: list[Any]
    quantities: list[Quantity]
    fits: bool
    made: dict[float, Made] = field(default_factory=dict)

    def with_factor(self, factor: float, visits: int) -> Made | None:
        """Return what is put with a factor in front, and its signature; None if at some visits nothing is."""
        if len(self.arrays) != visits or any(array is None for array in self.arrays):
            return None
        if factor not in self.made:
            values = [factor * array for array in self.arrays]
            self.made[factor] = values, _signature(values)
        return self.made[factor]


def known_edits(
    session: Session, site: Site, *, shapes_are_wrong: bool, only: tuple[str, str] | None = None
) -> list[Edit]:
    """Return the known edits at a site, one for each different outcome, the likeliest first.

    Args:
        session: The function on a probe.
        site: The site.
        shapes_are_wrong: Whether an array that comes out has a wrong shape, so that others are tried.
        only: The text and the kind of the edits sought, where another text may stand for the same outcome.
    """
    found: list[tuple[Edit, Made | None]] = [(edit, None) for edit in _counts(session, site)]
    visits = [np.asarray(value) for value in session.visits[site.number]]
    is_affine = session.is_affine(site)
    for family, deals in _all_deals(session, tuple(value.shape for value in visits)).items():
        for deal in deals if is_affine or family not in SENT_BACK else ():
            if deal.fits or shapes_are_wrong:
                found += _of_deal(session, site, family, deal)
    if all(value.dtype.kind == "f" for value in visits) and not isinstance(site.node, ast.Constant):
        for factor, text in session.index.factors[1:]:
            name = f"{text}{site.text}" if text.endswith("·") or text == "−" else f"{text}·{site.text}"
            edit = Known(site, name, "number", 2.2 + 0.01 * site.weight, _times(factor), factor=factor)
            found.append((edit, None))
    if only is not None:
        found = [(edit, made) for edit, made in found if (edit.text, edit.kind) == only]
    return _distinct(session, site, found)


def _all_deals(session: Session, shapes: tuple[tuple[int, ...], ...]) -> dict[str, list[Deal]]:
    """Return the ways to deal out quantities over visits of certain shapes, by their family."""
    if shapes not in session.deals:
        families: dict[str, list[Quantity]] = {}
        for quantity in session.index.quantities:
            if quantity.right:
                families.setdefault(quantity.family, []).append(quantity)
        deals = {family: [*_deals(session, members, list(shapes))] for family, members in families.items()}
        session.deals[shapes] = {family: found for family, found in deals.items() if found}
    return session.deals[shapes]


def state_edits(session: Session, site: Site) -> list[Edit]:
    """Return the edits that put a quantity into an array that a statement has changed in place."""
    values = session.visits[site.number]
    if not all(isinstance(value, np.ndarray) and value.dtype.kind == "f" for value in values):
        return []
    found: list[Edit] = []
    for edit in known_edits(session, site, shapes_are_wrong=False):
        if edit.kind == "known" and isinstance(edit, Known):
            state = Known(site, edit.text, "state", edit.cost + 1.0, _into(edit.put), edit.quantities)
            state.values = edit.values
            found.append(state)
    return found


def _counts(session: Session, site: Site) -> Iterator[Edit]:
    """Yield the numbers that count examples and outputs, where a plain number stands."""
    plain = isinstance(site.node, (ast.Constant, ast.Name, ast.Call, ast.Subscript, ast.Attribute, ast.BinOp))
    if not plain or is_index(site) or any(np.ndim(value) for value in session.visits[site.number]):
        return
    N, n = session.probe.N, session.probe.reference.a[-1].shape[1]
    for number, text, cost in ((N, "N", 1.8), (1 / N, "1/N", 1.9), (1.0, "1", 1.9), (N * n, "N·n", 3.0)):
        yield Known(site, text, "count", cost, _constantly(number))


def _of_deal(session: Session, site: Site, family: str, deal: Deal) -> Iterator[tuple[Edit, Made | None]]:
    N, size, visits = session.probe.N, site.weight, len(session.visits[site.number])
    dealt = sum(array is not None for array in deal.arrays)
    left_out = 0.05 * (dealt < visits)  # a mistake is one at every visit
    factors: list[tuple[float, str]] = [(1.0, "")]
    if family in MULTIPLIED:
        factors.append((-1.0, "−"))
        if N > 1:
            factors += [(N, "N·"), (-N, "−N·")] if family in SUMMED else [(1 / N, "(1/N)"), (-1 / N, "−(1/N)")]
    plain = None
    for factor, sign in factors:
        cost = 2.3 + 0.1 * size + (0.15 if sign else 0) + (0 if deal.fits else 0.3) + left_out
        edit = Known(site, sign + deal.name, "known", cost, _dealt(deal.arrays, factor), deal.quantities)
        made = deal.with_factor(factor, visits)
        if plain is not None:
            edit.factor, edit.plain = factor, plain
        elif made is not None:
            plain = edit
        yield edit, made
    if deal.fits and family == "slope":
        times, over = _combined(deal.arrays, np.multiply), _combined(deal.arrays, np.divide)
        for sign, put, cost in (("⊙", times, 2.2 + left_out), ("⊘", over, 2.9)):
            text = f"{site.text} {sign} {deal.name}"
            yield Known(site, text, "known factor", cost + 0.02 * size, put, deal.quantities), None
    if deal.fits and family == "decay":
        for sign, combine in (("+", np.add), ("−", np.subtract)):
            text = f"{site.text} {sign} {deal.name}"
            yield Known(site, text, "known term", 2.7, _combined(deal.arrays, combine), deal.quantities), None


def _constantly(number: float) -> Callable[[int, Any], Any]:
    return lambda _visit, _value: number


def _times(factor: float) -> Callable[[int, Any], Any]:
    return lambda _visit, value: value * factor


def _dealt(arrays: list[Any], factor: float) -> Callable[[int, Any], Any]:
    return lambda visit, value: factor * new if (new := _at(arrays, visit)) is not None else value


def _combined(arrays: list[Any], combine: Callable[[Any, Any], Any]) -> Callable[[int, Any], Any]:
    return lambda visit, value: combine(value, new) if (new := _at(arrays, visit)) is not None else value


def _at(arrays: list[Any], visit: int) -> Any:
    """Return what is dealt out at a visit; None if nothing is."""
    return arrays[visit] if visit < len(arrays) else None


def _into(put: Callable[[int, Any], Any]) -> Callable[[int, Any], Any]:
    def overwrite(visit: int, value: Any) -> Any:
        new = put(visit, value)
        if np.shape(new) == np.shape(value):
            value[...] = new
        return value

    return overwrite


def _distinct(session: Session, site: Site, edits: list[tuple[Edit, Made | None]]) -> list[Edit]:
    """Return the cheapest edit of each outcome, without those that change nothing."""
    old = session.visits[site.number]
    seen = {_signature(old)}
    found = []
    for edit, made in sorted(edits, key=lambda pair: pair[0].cost):
        action = edit.action()
        try:
            if made is None:
                values = [action(np.array(value) if isinstance(value, np.ndarray) else value) for value in old]
                made = values, _signature(values)
        except (TypeError, ValueError):
            continue
        if made[1] not in seen:
            seen.add(made[1])
            edit.values = made[0]
            found.append(edit)
    return found


def _signature(values: list[Any]) -> tuple[Any, ...]:
    """Return what is the same for the same values, but for rounding."""
    shapes = tuple(map(np.shape, values))
    if len(set(shapes)) == 1:
        return shapes, np.round(np.array(values, dtype=float), 11).tobytes()
    return shapes, *(np.round(np.asarray(value, dtype=float), 11).tobytes() for value in values)


def _deals(session: Session, members: list[Quantity], shapes: list[tuple[int, ...]]) -> Iterator[Deal]:
    """Yield the ways to deal quantities of one family out over the visits of a site."""
    rows = not session.probe.calling.columns
    if len(shapes) == 1:
        yield from _at_one_visit(session, members, shapes[0], rows)
        return
    by_layer = {quantity.layer: quantity for quantity in members}
    for order in _orders(sorted(by_layer)):
        yield from _by_layers(session, [by_layer[l] for l in order], shapes, rows)
    if len(set(shapes)) == 1:
        yield from _alike(session, members, shapes, rows)


def _orders(layers: list[int]) -> Iterator[list[int]]:
    """Yield the ways a loop goes through layers: all, or without the first or the last, or one; up or down."""
    ways = {tuple(layers), tuple(layers[1:]), tuple(layers[:-1]), tuple(layers[1:-1]), *((l,) for l in layers)}
    for order in sorted({order for way in ways for order in (way, way[::-1]) if order}):
        yield list(order)


def _at_one_visit(session: Session, members: list[Quantity], shape: tuple[int, ...], rows: bool) -> Iterator[Deal]:
    for quantity in members:
        array = _fitted(quantity, shape, rows)
        if array is not None:
            yield Deal(quantity.name, [array], [quantity], True)
        elif quantity.family in ("a", "δ", "W", "z", "dW", "db"):
            array = quantity.array
            if quantity.rows and len(shape) == 1 and session.probe.N == 1:
                array = array[0]
            elif quantity.rows and not rows:
                array = array.T
            yield Deal(quantity.name, [array], [quantity], False)


def _by_layers(session: Session, order: list[Quantity], shapes: list[tuple[int, ...]], rows: bool) -> Iterator[Deal]:
    """Yield a deal of one layer a visit, or of one example and layer a visit."""
    name = _range(order)
    if len(order) == len(shapes) - 1 > 0:
        for begin in (0, 1):  # a loop over layers that computes one more, which nobody reads
            fitted = [_fitted(q, shape, rows) for q, shape in zip(order, shapes[begin:], strict=False)]
            if all(array is not None for array in fitted):
                yield Deal(name, [*[None] * begin, *fitted, *[None] * (1 - begin)], order, True)
    if len(order) == len(shapes) > 1:
        arrays = [_fitted(quantity, shape, rows) for quantity, shape in zip(order, shapes, strict=True)]
        if all(array is not None for array in arrays):
            yield Deal(name, arrays, order, True)
        elif order[0].family in ("δ", "a", "z", "W", "dW", "db"):
            turned = [q.array if rows or not q.rows else q.array.T for q in order]
            yield Deal(name, turned, order, False)
    N = session.probe.N
    many = len(order) > 1 and all(q.rows for q in order) and not any(shapes)
    if many and sum(q.array.size for q in order) == len(shapes):  # neuron by neuron, layer by layer, by example
        yield Deal(name, np.hstack([q.array for q in order]).ravel().tolist(), order, True)
    if N > 1 and len(order) * N == len(shapes) and all(quantity.rows for quantity in order):
        for outer_is_example in (True, False) if len(order) > 1 else (True,):
            rows_of = [
                order[k % len(order)].array[k // len(order)] if outer_is_example else order[k // N].array[k % N]
                for k in range(len(shapes))
            ]
            pairs = list(zip(rows_of, shapes, strict=True))
            if all(row.size == prod(shape) for row, shape in pairs):
                yield Deal(name, [row.reshape(shape) for row, shape in pairs], order, True)


def _alike(session: Session, members: list[Quantity], shapes: list[tuple[int, ...]], rows: bool) -> Iterator[Deal]:
    """Yield the deals for visits of one shape: an entry of a quantity each, or the same quantity each time."""
    count, shape, N = len(shapes), shapes[0], session.probe.N
    single = prod(shape) == 1
    for quantity in members:
        array = quantity.array
        if single and count == N > 1 and quantity.rows and array.shape[1] > 1 and quantity.family in ("δ", "a", "back"):
            column = len(shape) == 2
            yield Deal(quantity.name, [row[:, None] if column else row for row in array], [quantity], True)
        if single and array.size == count:
            for entries in (array.ravel(), array.T.ravel()):
                dealt = [entry.reshape(shape) if shape else float(entry) for entry in entries]
                yield Deal(quantity.name, dealt, [quantity], True)
        fitted = _fitted(quantity, shape, rows)
        if fitted is not None and count <= MANY:
            yield Deal(quantity.name, [fitted] * count, [quantity], True)


def _fitted(quantity: Quantity, shape: tuple[int, ...], rows: bool) -> FloatArray | None:
    """Return a quantity in the shape of what stands there; None if it has no such shape."""
    array = quantity.array
    ways = (array, array.T) if rows or not quantity.rows else (array.T, array)
    for way in ways:
        if way.shape == shape:
            return way
    if len(shape) == 1 and array.ndim == 2 and rows and shape[0] == array.shape[1] and array.shape[0] > 1:
        return array  # what broadcasting has hidden
    vector_like = array.ndim == 1 or 1 in array.shape or 1 in shape or len(shape) < 2
    if array.size == prod(shape) and vector_like:
        return array.reshape(shape)
    if len(shape) == array.ndim == 2 and 1 in shape and array.size > prod(shape):
        way = ways[0]  # what broadcasting has hidden
        if all(have in (1, want) for have, want in zip(shape, way.shape, strict=True)):
            return way
    return None


def _range(order: list[Quantity]) -> str:
    return " … ".join(dict.fromkeys([order[0].name, order[-1].name]))
