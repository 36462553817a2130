"""Scalar functions, random ones over the whole table, and what the engine and the program say of them."""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Callable
from typing import Any

import numpy as np

import autograd as ag
from autograd import DomainError, Value, affine, ops, total
from autograd.graph import Graph
from autograd.lift import Program
from autograd.lift.matrices.statement import products_in

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


def piecewise_linear(seed: int) -> tuple[int, int, int, Callable[..., Any]]:
    """Return the same for a function of kinks alone: its derivatives are sums and products of truth values."""
    rng = random.Random(seed)
    lengths = rng.randint(1, 3), 0, rng.randint(1, 4)
    depth = rng.randint(1, 6)

    def function(x, _, parameters):
        rng = random.Random(seed + 1)
        pool = [list(x), list(parameters)]
        for _ in range(depth):
            pool.append(_kinked(rng, pool))
        return ag.total([v * rng.choice([1.0, 0.5, -1.0]) for values in pool[-2:] for v in values])

    return (*lengths, function)


def _kinked(rng: random.Random, pool: list[list[Any]]) -> list[Any]:
    source, other = rng.choice(pool), rng.choice(pool)
    pairs = [(v, other[k % len(other)]) for k, v in enumerate(source)]
    kind = rng.randrange(7)
    if kind < 2:
        op = rng.choice([ag.relu, ag.relu, abs, ag.leaky_relu, ag.step, ag.sign])
        return [op(v) for v in source]
    if kind == 2:
        op = rng.choice([ag.maximum, ag.minimum])
        return [op(v, w) for v, w in pairs]
    if kind == 3:
        return [v + w for v, w in pairs]
    if kind == 4:
        return [ag.where(ag.step(v - w), w, v * 2.0) for v, w in pairs]
    if kind == 5:
        return [v * w for v, w in pairs] if rng.random() < 0.3 else [rng.choice([2.0, -1.0, 0.5]) * v for v in source]
    return [ag.affine([rng.choice(other) for _ in range(2)], [rng.choice(source) for _ in range(2)]) for _ in range(2)]


def branching(seed: int) -> tuple[int, int, int, Callable[..., Any]]:
    """Return the same for a function with Python's own choices: if, sorted, max, an early end of a loop."""
    n_x, n_t, n_parameters, straight = random_function(seed)

    def function(x, t, parameters):
        rng = random.Random(seed + 2)
        pool = [v for v in (*x, *t, *parameters) if isinstance(v, Value)]
        kind, pivot = rng.randrange(5), rng.choice(pool)
        if kind == 0:
            return straight(x, t, parameters) * (2.0 if pivot > rng.choice(pool) else 0.5)
        if kind == 1:
            return straight(sorted(x), t, parameters)
        if kind == 2:
            return straight(x, t, parameters) - max(pool) * min(x)
        if kind == 3 and pivot <= 0.0:
            return sum(pool)
        total = 0.0
        for value in pool:
            total = total + value * pivot
            if total > 1.0:
                break
        return straight(x, t, parameters) + total

    return n_x, n_t, n_parameters, function


CHANGES_NOTHING = "the text changes an array, or needs one of Python's numbers"


def by_source(program: Program, batch: dict[str, Any]) -> tuple[float, dict[str, Any]]:
    """Return what the program's text gives, having found that it is functional and all its arrays are float64."""
    tree = ast.parse(program.source)
    steps = {n.targets[0].id for n in ast.walk(tree) if isinstance(n, ast.Assign) and isinstance(n.value, ast.Dict)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            assert called not in {"at", "float", "put_along_axis", "copyto"}, CHANGES_NOTHING
            assert all(keyword.arg != "out" for keyword in node.keywords), CHANGES_NOTHING
        assert not isinstance(node, ast.AugAssign), CHANGES_NOTHING
        if isinstance(node, ast.Assign):  # the steps of what recurs are kept in dictionaries
            assert all(getattr(each, "value", each).id in steps or each.id for each in node.targets), CHANGES_NOTHING
    loss, gradients, seen = _run(tree, program, batch)
    arrays = {name: value for name, value in seen.items() if not isinstance(value, (int, dict))}
    arrays = {name: value for name, value in arrays.items() if not re.fullmatch(r"range\d+", name)}  # places
    kinds = {name: np.asarray(value).dtype for name, value in {"the loss": loss, **arrays, **gradients}.items()}
    assert {name: kind for name, kind in kinds.items() if kind != np.float64} == {}
    for name, array in program.parameters.items():
        assert np.shape(gradients[name]) == array.shape, name
    return loss, gradients


def variables_of(program: Program, batch: dict[str, Any]) -> dict[str, Any]:
    """Return all variables of the program's text as they are at its end."""
    return _run(ast.parse(program.source), program, batch)[2]


def _run(tree: ast.Module, program: Program, batch: dict[str, Any]) -> tuple[float, dict[str, Any], dict[str, Any]]:
    (function,) = (d for d in tree.body if isinstance(d, ast.FunctionDef) and d.name == "value_and_grad")
    result = function.body[-1]
    assert isinstance(result, ast.Return)
    result.value = ast.Tuple([result.value, ast.parse("locals()", mode="eval").body], ast.Load())
    module: dict[str, Any] = {}
    exec(compile(ast.fix_missing_locations(tree), "<source>", "exec"), module)
    with np.errstate(all="ignore"):
        (loss, gradients), seen = module["value_and_grad"](dict(program.parameters), *batch.values())
    return loss, gradients, seen


def by_engine(function, parameters, X, T, reduce: str = "mean") -> np.ndarray | None:
    """Return the loss and its gradient, from one graph for each row; None where the function is undefined."""
    for leaf in parameters:
        leaf.grad = 0.0
    loss, share = 0.0, 1.0 / len(X) if reduce == "mean" else 1.0
    try:
        for x, t in zip(X, T, strict=True):
            result = function([Value(v) for v in x], [Value(v) for v in t], parameters)
            if isinstance(result, Value):
                result.backward(share)
            loss += float(getattr(result, "data", result)) * share
    except (DomainError, OverflowError):
        return None
    return np.array([loss, *(leaf.grad for leaf in parameters)])


def tolerance(function, parameters, X, T, exact: np.ndarray, reduce: str = "mean") -> float:
    """Return 1e-11 of the largest entry, times how much more than that one unit in the last place makes of it.

    Where terms cancel it is at least some units in the last place of their sizes.
    """
    largest = float(np.abs(exact).max())
    start = [leaf.data for leaf in parameters]
    moved = 0.0
    for sign in (1.0, -1.0):
        for leaf, data in zip(parameters, start, strict=True):
            leaf.data = data * (1.0 + sign * UNIT)
        apart = X * (1.0 - 3.0 * sign * UNIT)  # by the same as the parameters it would leave their products as they are
        nudged = by_engine(function, parameters, apart, T, reduce)
        if nudged is not None:
            moved = max(moved, float(np.abs(nudged - exact).max()))
    for leaf, data in zip(parameters, start, strict=True):
        leaf.data = data
    sensitivity = max(1.0, moved / (UNIT * max(largest, 1e-300)))
    return 1e-11 * max(largest, 1e-300) * sensitivity + 100.0 * UNIT * _terms(function, parameters, X, T)


def stays_among_floats(function, parameters, X, T) -> bool:
    """Return whether no number on the way is too large for a float, so that a text in floats can have the result."""
    for x, t in zip(X, T, strict=True):
        result = function([Value(v) for v in x], [Value(v) for v in t], parameters)
        try:
            for node in Graph([result]).nodes if isinstance(result, Value) else ():
                _ = node.data
        except DomainError:
            return False
    return True


def _terms(function, parameters, X, T) -> float:
    """Return the largest sum, over the rows, of the sizes of what is added up to the loss or to a derivative."""
    total = 0.0
    for x, t in zip(X, T, strict=True):
        result = function([Value(v) for v in x], [Value(v) for v in t], parameters)
        if not isinstance(result, Value):
            continue
        paths, of_loss = {result: 1.0}, 0.0
        for node in reversed(Graph([result]).nodes):
            try:
                of_loss += paths.get(node, 0.0) * abs(node.data)
                slopes = node.op.locals(node.data, [operand.data for operand in node.operands])
            except (ArithmeticError, ValueError):
                continue  # no slope, or no double; the engine has gradients, so nothing that counts lies below
            for operand, local in zip(node.operands, slopes, strict=True):
                paths[operand] = paths.get(operand, 0.0) + paths.get(node, 0.0) * abs(local)
        of_loss += sum(paths.get(leaf, 0.0) * abs(leaf.data) for leaf in parameters)
        total += max([of_loss, *(paths.get(leaf, 0.0) for leaf in parameters)])
    return total


def squared_error(a: list[Any], t: list[Any]) -> Any:
    """Return ½‖a − t‖²."""
    return 0.5 * total([(p - q) ** 2 for p, q in zip(a, t, strict=True)])


def matrix_products(program: Program) -> list[str]:
    """Return the names of the forward statements, once for each matrix product in them."""
    statements = program.derived.forward.statements
    return [s.target.name for s in statements for _ in products_in(s.value)]
