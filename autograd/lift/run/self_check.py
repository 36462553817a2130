"""The comparison with the engine that every program passes before its first use.

The recorded graph is recorded again by the engine for two perturbed rows and perturbed parameters, its reverse pass is
run, and the compiled code has to give the same. At the recorded numbers themselves, faults in batching would not show.
A small graph is compared near its numbers and far from them, where other branches are taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

import numpy as np

from ... import ops
from ...graph import Graph, Vector, number, stored_operands
from ...value import Value, affine
from ..matrices.lifted import Lifted
from ..record.recording import Recording
from .rounding_bound import rounding_bounds
from .runner import runner

__all__ = ["perturbed", "self_check"]

Array = np.ndarray[Any, Any]
TOLERANCE = 1e-12  # of the sum of the sizes of the two rows' contributions, below which nothing more is asked
_ROWS = 2
_SMALL = 200  # Values of a graph that is compared at several points, since a branch that is not taken hides its faults
_POINTS = 3


def self_check(derived: Lifted, recording: Recording, leaves: Sequence[Value]) -> str:
    """Compare the program with the engine; return a sentence for the report if that was not possible.

    Raises:
        RuntimeError: If they differ.
    """
    rng = np.random.default_rng(0)
    start = derived.start[derived.parameters.position]
    graph = recording.graph
    points = _POINTS if len(graph.nodes) + len(graph.leaves) <= _SMALL else 1
    compared = 0
    for size in (0.1, 3.0, 1.0, 1e-3, 1e-6, 0.0):
        flat = perturbed(start, size, rng)
        rows = {
            name: np.stack([perturbed(np.array([*map(number, values)]), size, rng) for _ in range(_ROWS)])
            for name, values in recording.inputs.items()
        }
        try:
            _compare(derived, recording, leaves, flat, rows)
        except (ArithmeticError, ValueError):
            continue
        compared += 1
        if compared == points:
            break
    if compared:
        return ""
    return "The program could not be compared with the engine: no point near the recorded one has a finite gradient."


def perturbed(numbers: Array, size: float, rng: np.random.Generator) -> Array:
    """Return numbers near some, at a distance of up to a part of their sizes."""
    return numbers + size * (np.abs(numbers) + 0.1) * rng.uniform(-1.0, 1.0, numbers.shape)


def _compare(
    derived: Lifted, recording: Recording, leaves: Sequence[Value], flat: Array, rows: Mapping[str, Array]
) -> None:
    parameters, outputs, by_engine = _by_engine(recording, leaves, flat, rows)
    own, gradient = np.zeros(len(flat)), np.zeros(len(flat))
    own[derived.parameters.position] = flat
    count = _ROWS if rows else 1
    function, _ = runner(derived.without_guards(), own, gradient, count, "backward", mean=True)
    value = function(rows)
    found = np.append(gradient[derived.parameters.position], value)
    expected = by_engine.mean(axis=0)
    wrong = ~(np.abs(found - expected) <= TOLERANCE * np.abs(by_engine).mean(axis=0))
    if not wrong.any():
        return
    bounds = [rounding_bounds(Graph([output]).nodes, output, parameters) for output in outputs]
    wrong &= ~(np.abs(found - expected) <= np.array(bounds).mean(axis=0))
    if wrong.any():
        k = int(np.flatnonzero(wrong)[0])
        what = "the loss" if k == len(leaves) else f"the gradient of {leaves[k].describe()}"
        raise RuntimeError(
            f"the derived program disagrees with the engine: {what} is {found[k]!r} and should be {expected[k]!r}; "
            "this is a fault in autograd.lift, please report the function"
        )


def _by_engine(
    recording: Recording, leaves: Sequence[Value], flat: Array, rows: Mapping[str, Array]
) -> tuple[list[Value], list[Value], Array]:
    """Return parameters, the graph recorded again for each row, and each row's gradient with its loss behind it.

    The latter has the shape (rows, parameters + 1).
    """
    nodes = recording.graph.nodes
    parameters = [*map(Value, flat.tolist())]
    again = dict(zip(leaves, parameters, strict=True))
    vectors = {part for node in nodes for part in (node._a, node._b) if part.__class__ is Vector}
    kept = {
        vector: Vector(tuple(map(again.__getitem__, vector.values)))
        for vector in vectors
        if all(map(again.__contains__, vector.values))
    }
    outputs, found = [], []
    for row in range(_ROWS if rows else 1):
        for parameter in parameters:
            parameter.grad = 0.0
        for name, values in recording.inputs.items():
            again.update(zip(values, map(Value, rows[name][row].tolist()), strict=True))
        output = _replayed(nodes, again, recording.loss, kept)
        if not output.is_literal:
            output.backward()
        outputs.append(output)
        found.append(np.fromiter((*map(attrgetter("grad"), parameters), output.data), float, len(parameters) + 1))
    return parameters, outputs, np.array(found)


def _replayed(nodes: Sequence[Value], leaves: Mapping[Value, Value], root: Value, kept: dict[Vector, Vector]) -> Value:
    """Return the output of the same graph recorded again on other leaves.

    Args:
        nodes: The graph's interior nodes, operands first.
        leaves: The leaf to use in place of each leaf; those that are missing stand for themselves.
        root: The output.
        kept: What shared operands have become that may be used again: they consist of leaves that stay the same.
    """
    again: dict[Any, Any] = {**leaves, **kept}
    get = again.get

    def vector(shared: Vector) -> Vector:
        copy = again.get(shared)
        if copy is None:
            copy = again[shared] = Vector(tuple(get(value, value) for value in shared.values))
        return copy

    for node in nodes:
        op: Any = node.op
        a, b = node._a, node._b
        if op is ops.add:
            again[node] = get(a, a) + get(b, b)
        elif op is ops.mul:
            again[node] = get(a, a) * get(b, b)
        elif op is ops.sub:
            again[node] = get(a, a) - get(b, b)
        elif op is ops.affine:
            again[node] = affine(vector(a), vector(b), get(node._c, node._c))
        else:
            operands = tuple(get(operand, operand) for operand in stored_operands(node))
            again[node] = op(operands) if op.arity is None else op(*operands)
    result: Value = get(root, root)
    return result
