"""Scalar functions, random ones over the whole table, and what the engine and the program say of them."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np

import autograd as ag
from autograd import DomainError, Value, affine, ops, total
from autograd.lift import Program
from autograd.lift.statement import products_in

EVERYWHERE = [op for op in ops.PRIMITIVES.values() if op.arity == 1 and op.name not in {"log", "log1p", "sqrt", "tan"}]
BINARY = [ops.add, ops.sub, ops.mul, ops.maximum, ops.minimum, ops.hypot]
UNIT = 2.0**-52


def random_function(seed: int) -> tuple[int, int, int, Callable[..., Any]]:
    """Return the lengths of x and t, the number of parameters, and a function of x, t and the parameters."""
    rng = random.Random(seed)
    lengths = rng.randint(1, 4), rng.randint(0, 2), rng.randint(0, 6)
    depth = rng.randint(1, 12)

    def function(x, t, parameters):
        rng = random.Random(seed + 1)
        pool = [list(values) for values in (x, t, parameters) if values]
        for _ in range(depth):
            pool.append(_layer(rng, pool))
        return sum(v * rng.choice([1.0, 0.3, -1.0]) for values in pool[-3:] for v in values)

    return (*lengths, function)


def _layer(rng: random.Random, pool: list[list[Any]]) -> list[Any]:
    source, other, n = rng.choice(pool), rng.choice(pool), rng.randint(1, 5)
    kind = rng.randrange(10)
    if kind in (0, 1):
        op = rng.choice(EVERYWHERE)
        return [op(v * 0.5 if rng.random() < 0.2 else v) for v in source]
    if kind == 2:
        op = rng.choice(BINARY)
        return [op(source[k % len(source)], other[(k + 1) % len(other)]) for k in range(max(len(source), len(other)))]
    if kind in (3, 4, 5):
        return [_weighted(rng, source, other) for _ in range(n)]
    if kind == 6:
        return [ag.logsumexp([rng.choice(source) for _ in range(rng.randint(1, 4))]) for _ in range(n)]
    if kind == 7:
        scales = [1.0, -2.0, 0.5, 0.0]
        return [ag.total([rng.choice(source) * rng.choice(scales) for _ in range(rng.randint(1, 4))]) for _ in range(n)]
    if kind == 8:
        condition = rng.choice(pool)
        return [
            ag.where(ag.step(condition[k % len(condition)]), v, other[k % len(other)]) for k, v in enumerate(source)
        ]
    if rng.random() < 0.5:
        positive = [v * v + 0.5 for v in source]
        op = rng.choice([ops.log, ops.sqrt, ops.log1p, lambda v: v ** rng.choice([2.0, -1.0, 1.5, 1.0])])
        return [op(v) for v in positive]
    return [v / (other[k % len(other)] * other[k % len(other)] + 1.0) for k, v in enumerate(source)]


def _weighted(rng: random.Random, source: list[Any], other: list[Any]) -> Any:
    k = rng.randint(1, 4)
    weights = [rng.choice(other) for _ in range(k)]
    values = (
        [rng.choice(source) for _ in range(k)] if rng.random() < 0.5 else [source[j % len(source)] for j in range(k)]
    )
    bias = rng.choice([0.0, 1.5, rng.choice(other)])
    if rng.random() < 0.5:
        return affine(weights, values, bias)
    return sum((w * v for w, v in zip(weights, values, strict=True)), bias)


def by_engine(function, parameters, X, T) -> np.ndarray | None:
    """Return the mean loss and its gradient, from one graph for each row; None where the function is undefined."""
    for leaf in parameters:
        leaf.grad = 0.0
    loss = 0.0
    try:
        for x, t in zip(X, T, strict=True):
            result = function([Value(v) for v in x], [Value(v) for v in t], parameters)
            if isinstance(result, Value):
                result.backward(1.0 / len(X))
            loss += float(getattr(result, "data", result)) / len(X)
    except (DomainError, OverflowError):
        return None
    return np.array([loss, *(leaf.grad for leaf in parameters)])


def tolerance(function, parameters, X, T, exact: np.ndarray) -> float:
    """Return 1e-10 of the largest entry, times how much more than that one unit in the last place makes of it."""
    largest = float(np.abs(exact).max())
    start = [leaf.data for leaf in parameters]
    moved = 0.0
    for sign in (1.0, -1.0):
        for leaf, data in zip(parameters, start, strict=True):
            leaf.data = data * (1.0 + sign * UNIT)
        nudged = by_engine(function, parameters, X * (1.0 - sign * UNIT), T)
        if nudged is not None:
            moved = max(moved, float(np.abs(nudged - exact).max()))
    for leaf, data in zip(parameters, start, strict=True):
        leaf.data = data
    sensitivity = max(1.0, moved / (UNIT * max(largest, 1e-300)))
    return 1e-10 * max(largest, 1e-300) * sensitivity


def squared_error(a: list[Any], t: list[Any]) -> Any:
    """Return ½‖a − t‖²."""
    return 0.5 * total([(p - q) ** 2 for p, q in zip(a, t, strict=True)])


def matrix_products(program: Program) -> list[str]:
    """Return the names of the forward statements, once for each matrix product in them."""
    statements = program.derived.forward.statements
    return [s.target.name for s in statements for _ in products_in(s.value)]
