"""The canonical sums of a text: those of the program, with what a reader wants to see kept apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ... import ops
from ...graph import stored_operands
from ...value import Value
from ..matrices.atoms import Atoms, Monomial
from ..matrices.canonical import Canonical, PartialSum

__all__ = ["canonical_sums"]


def canonical_sums(
    nodes: Iterable[Value],
    roots: Sequence[Value],
    inputs: Mapping[Value, tuple[str, int]],
    parameters: Mapping[Value, int],
    operands: Callable[[Value], tuple[Any, ...]] = stored_operands,
) -> Atoms:
    """Return the atoms of a graph, as `canonical` does, for a text."""
    return _ForReaders(list(nodes), roots, inputs, parameters, operands).atoms


class _ForReaders(Canonical):
    """Keeps the sum of one term a sum, and splits a weighted input off whatever is added to or subtracted from it."""

    def is_plain_copy(self, node: Value) -> bool:
        return node.op is not ops.add and node.op is not ops.total

    def apart(self, terms: dict[Monomial, float], node: Value) -> dict[Monomial, float]:
        batched, parameters, inputs = self.atoms.batched, self.atoms.parameters, self.atoms.inputs
        added = {key: c for key, c in terms.items() if not key[0] and batched[key[1]]}
        if not added:
            return terms
        weights = any(u and ((u in parameters and batched[v]) or (v in parameters and batched[u])) for u, v in terms)
        products = any(u and (batched[u] or batched[v]) for u, v in terms)
        if not weights and not (products and all(v in inputs for _, v in added)):
            return terms
        own = {key: c for key, c in terms.items() if key not in added}
        sign = -1.0 if all(c <= 0.0 for c in own.values()) else 1.0
        weighted = self.settle(PartialSum({key: sign * c for key, c in own.items()}), node)
        twice = added.get((0, weighted), 0.0)
        return terms if twice * sign < 0.0 else {**added, (0, weighted): sign + twice}
