"""The comparison with the engine that every program passes before its first use.

The recorded graph is recorded again by the engine for two perturbed rows and perturbed parameters, its reverse pass is
run, and the compiled code has to give the same. At the recorded numbers themselves, faults in batching would not show.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ... import ops
from ...graph import Vector, stored_operands
from ...op import DomainError
from ...value import Value, affine
from ..lifted import Lifted
from ..recording import Recording
from .runner import runner

__all__ = ["self_check"]

Array = np.ndarray[Any, Any]
TOLERANCE = 1e-9  # of the sum of the sizes of the two rows' contributions
ROUNDING = 1e-13  # a relative change of the leaves, to measure how much the graph makes of rounding errors
ULPS = 2.0**-45  # some hundred roundings of the loss: the least that is asked of a derivative, times its parameter
_ROWS = 2


def self_check(derived: Lifted, recording: Recording, leaves: Sequence[Value]) -> str:
    """Compare the program with the engine; return a sentence for the report if that was not possible.

    Raises:
        RuntimeError: If they differ.
    """
    rng = np.random.default_rng(0)
    start = np.array([leaf.data for leaf in leaves])
    for size in (0.1, 1e-3, 1e-6, 0.0):
        flat = _perturbed(start, size, rng)
        rows = {
            name: np.stack([_perturbed(np.array([v.data for v in values]), size, rng) for _ in range(_ROWS)])
            for name, values in recording.inputs.items()
        }
        try:
            _compare(derived, recording, leaves, flat, rows)
        except (DomainError, OverflowError, FloatingPointError, ValueError):
            continue
        return ""
    return "The program could not be compared with the engine: no point near the recorded one has a finite gradient."


def _perturbed(numbers: Array, size: float, rng: np.random.Generator) -> Array:
    return numbers + size * (np.abs(numbers) + 0.1) * rng.uniform(-1.0, 1.0, numbers.shape)


def _compare(
    derived: Lifted, recording: Recording, leaves: Sequence[Value], flat: Array, rows: Mapping[str, Array]
) -> None:
    by_engine = _by_engine(recording, leaves, flat, rows)
    own, gradient = np.zeros(len(flat)), np.zeros(len(flat))
    own[derived.parameters.position] = flat
    count = _ROWS if rows else 1
    function, _ = runner(derived.without_guards(), own, gradient, count, "backward", mean=True)
    value = function(**rows)
    found = np.append(gradient[derived.parameters.position], value)
    expected = by_engine.mean(axis=0)
    scale = np.abs(by_engine).mean(axis=0)
    allowed = TOLERANCE * np.maximum(scale, scale[:-1].max(initial=0.0)) + _noise(flat, scale)
    wrong = np.abs(found - expected) > allowed
    if not wrong.any():
        return
    nudged = {name: values * (1.0 + ROUNDING) for name, values in rows.items()}
    moved = np.abs(_by_engine(recording, leaves, flat * (1.0 - ROUNDING), nudged).mean(axis=0) - expected)
    moved[:-1] = moved[:-1].max(initial=0.0)  # derivatives that are 0 but for rounding differ in which are exactly 0
    wrong &= np.abs(found - expected) > allowed + 1e3 * moved
    if wrong.any():
        k = int(np.flatnonzero(wrong)[0])
        what = "the loss" if k == len(leaves) else f"the gradient of {leaves[k].describe()}"
        raise RuntimeError(
            f"the derived program disagrees with the engine: {what} is {found[k]!r} and should be {expected[k]!r}; "
            "this is a fault in autograd.lift, please report the function"
        )


def _noise(flat: Array, scale: Array) -> Array:
    """Return what rounding leaves of derivatives that are 0, as those of the sum of a softmax: the loss has its own."""
    return np.append(ULPS * scale[-1] / (np.abs(flat) + 0.1), 0.0)


def _by_engine(recording: Recording, leaves: Sequence[Value], flat: Array, rows: Mapping[str, Array]) -> Array:
    """Return each row's gradient with its loss behind it, (rows, parameters + 1), from graphs recorded again."""
    nodes = recording.graph.nodes
    found = []
    parameters = [Value(number) for number in flat.tolist()]
    again = dict(zip(leaves, parameters, strict=True))
    kept = {
        vector: Vector(tuple(again[value] for value in vector.values))
        for vector in {part for node in nodes for part in (node._a, node._b) if part.__class__ is Vector}
        if all(value in again for value in vector.values)
    }
    for row in range(_ROWS):
        for parameter in parameters:
            parameter.grad = 0.0
        for name, values in recording.inputs.items():
            again.update(zip(values, map(Value, rows[name][row].tolist()), strict=True))
        output = _replayed(nodes, again, recording.loss, kept)
        if not output.is_literal:
            output.backward()
        found.append([*(parameter.grad for parameter in parameters), output.data])
        if not rows:
            return np.array(found * _ROWS)
    return np.array(found)


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
        if op is ops.affine:
            again[node] = affine(vector(node._a), vector(node._b), get(node._c, node._c))
            continue
        operands = tuple(get(operand, operand) for operand in stored_operands(node))
        if op is ops.add:
            again[node] = operands[0] + operands[1]
        elif op is ops.mul:
            again[node] = operands[0] * operands[1]
        elif op is ops.sub:
            again[node] = operands[0] - operands[1]
        elif op.arity is None:
            again[node] = op(operands)
        else:
            again[node] = op(*operands)
    result: Value = get(root, root)
    return result
