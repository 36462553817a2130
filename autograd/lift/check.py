"""The comparison with the engine that every program passes before its first use.

The recorded graph is recorded again by the engine for two perturbed rows and perturbed parameters, its reverse pass is
run, and the compiled code has to give the same. At the recorded numbers themselves, faults in batching would not show.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..graph import Vector
from ..op import DomainError
from ..value import Value
from .lifted import Lifted
from .record import replay
from .runner import runner

__all__ = ["self_check"]

Array = np.ndarray[Any, Any]
TOLERANCE = 1e-9  # of the sum of the sizes of the two rows' contributions
ROUNDING = 1e-13  # a relative change of the leaves, to measure how much the graph makes of rounding errors
_ROWS = 2


def self_check(
    derived: Lifted, nodes: Sequence[Value], leaves: Sequence[Value], loss: Value, inputs: Mapping[str, Sequence[Value]]
) -> str:
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
            for name, values in inputs.items()
        }
        try:
            losses, gradients = _by_engine(nodes, leaves, loss, inputs, flat, rows)
            _compare(derived, nodes, leaves, loss, inputs, flat, rows, losses, gradients)
        except (DomainError, OverflowError, FloatingPointError, ValueError):
            continue
        return ""
    return "The program could not be compared with the engine: no point near the recorded one has a finite gradient."


def _perturbed(numbers: Array, size: float, rng: np.random.Generator) -> Array:
    return numbers + size * (np.abs(numbers) + 0.1) * rng.uniform(-1.0, 1.0, numbers.shape)


def _by_engine(
    nodes: Sequence[Value],
    leaves: Sequence[Value],
    loss: Value,
    inputs: Mapping[str, Sequence[Value]],
    flat: Array,
    rows: Mapping[str, Array],
) -> tuple[Array, Array]:
    """Return each row's loss and gradient, (rows,) and (rows, parameters), from graphs recorded again."""
    losses, gradients = [], []
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
        for name, values in inputs.items():
            again.update(zip(values, map(Value, rows[name][row].tolist()), strict=True))
        (output,) = replay(nodes, again, [loss], kept)
        if not output.is_literal:
            output.backward()
        losses.append(output.data)
        gradients.append([parameter.grad for parameter in parameters])
        if not inputs:
            return np.array(losses * _ROWS), np.array(gradients * _ROWS)
    return np.array(losses), np.array(gradients)


def _compare(
    derived: Lifted,
    nodes: Sequence[Value],
    leaves: Sequence[Value],
    loss: Value,
    inputs: Mapping[str, Sequence[Value]],
    flat: Array,
    rows: Mapping[str, Array],
    losses: Array,
    gradients: Array,
) -> None:
    count = _ROWS if inputs else 1
    own, gradient = np.zeros(len(flat)), np.zeros(len(flat))
    own[derived.parameters.position] = flat
    unguarded = derived.without_guards()
    function, _ = runner(unguarded, own, gradient, count, "backward", mean=True)
    value = function(**rows)
    found = np.append(gradient[derived.parameters.position], value)
    expected = np.append(gradients.mean(axis=0), losses.mean())
    scale = np.append(np.abs(gradients).mean(axis=0), np.abs(losses).mean())
    allowed = TOLERANCE * np.maximum(scale, scale[:-1].max(initial=0.0))
    wrong = np.abs(found - expected) > allowed
    if not wrong.any():
        return
    nudged = {name: values * (1.0 + ROUNDING) for name, values in rows.items()}
    other_losses, other = _by_engine(nodes, leaves, loss, inputs, flat * (1.0 - ROUNDING), nudged)
    moved = np.abs(np.append(other.mean(axis=0), other_losses.mean()) - expected)
    wrong &= np.abs(found - expected) > allowed + 1e3 * moved
    if wrong.any():
        k = int(np.flatnonzero(wrong)[0])
        what = "the loss" if k == len(leaves) else f"the gradient of {leaves[k].describe()}"
        raise RuntimeError(
            f"the derived program disagrees with the engine: {what} is {found[k]!r} and should be {expected[k]!r}; "
            "this is a fault in autograd.lift, please report the function"
        )
