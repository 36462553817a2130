"""Ours: the eager engine, with the networks, losses and the optimiser of `nn`."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np
import scalars

import nn
import viz
from autograd import Value, hessian, mean, sin

PACKAGES = ("numpy", "graphviz")

TOOL = scalars.Scalars(
    leaves=lambda numbers: [Value(number) for number in numbers],
    backward=Value.backward,
    gradient=lambda leaf: leaf.grad,
    number=lambda leaf: leaf.data,
    relu=Value.relu,
)
chains, nodes, memory = scalars.chains(TOOL), scalars.nodes(TOOL), scalars.memory(TOOL)


def network(problem: dict[str, Any]) -> nn.MLP:
    """Return the problem's network."""
    model = nn.MLP(len(problem["W"][0][0]), [len(b) for b in problem["b"]], problem["activations"])
    state = {f"W{l}": W for l, W in enumerate(problem["W"], start=1)}
    model.load_state_dict(state | {f"b{l}": b for l, b in enumerate(problem["b"], start=1)})
    return model


def step(problem: dict[str, Any]) -> scalars.Run:
    """Return the workload of one step of gradient descent, one `affine` node for each neuron."""
    model = network(problem)
    optimizer = nn.SGD(model.parameters(), problem["rate"])
    loss_of, l2, X, T = nn.LOSSES[problem["loss"]], problem["l2"], problem["X"], problem["T"]
    reached = 0.0

    def run() -> tuple[dict[str, float], Callable[[], list[float]]]:
        nonlocal reached
        at = perf_counter()
        loss = mean([loss_of(model(x), t) for x, t in zip(X, T, strict=True)])
        if l2:
            loss = loss + nn.l2_penalty(model, l2)
        between = perf_counter()
        loss.backward()
        done = perf_counter()
        optimizer.step()
        optimizer.zero_grad()
        reached = loss.data
        del loss  # frees the graph
        end = perf_counter()
        return {"forward": between - at, "backward": done - between, "update": end - done, "total": end - at}, answer

    def answer() -> list[float]:
        state = model.state_dict()
        names = sorted(state, key=lambda name: (name[0], int(name[1:])))  # every W, then every b
        return [reached, *np.concatenate([state[name].ravel() for name in names])]

    return run


step_tanh = step_relu = step_digits = step


def hessian_of_ten(problem: dict[str, Any]) -> scalars.Run:
    """Return the workload of one Hessian."""
    point = problem["x"]

    def function(x: list[Any]) -> Any:
        pairs = list(itertools.pairwise(x))
        return sum(100.0 * (y - x * x) ** 2 + (1.0 - x) ** 2 + sin(x * y) for x, y in pairs)

    of = hessian(function)

    def run() -> tuple[dict[str, float], Callable[[], list[float]]]:
        at = perf_counter()
        matrix = of(point)
        return {"total": perf_counter() - at}, lambda: list(np.asarray(matrix, dtype=float).ravel())

    return run


def picture(problem: dict[str, Any]) -> scalars.Run:
    """Return the workload of drawing a graph of Values."""
    model = nn.MLP(2, [problem["width"], problem["width"], 1], seed=0)
    loss = nn.half_squared_error(model([0.1, 0.2]), [0.3])
    os.environ["PATH"] = ""  # so that the layout is ours, and `dot` is not found

    def run() -> tuple[dict[str, float], Callable[[], list[float]]]:
        at = perf_counter()
        len(viz.to_html(loss))
        page = perf_counter()
        viz.draw(loss, max_nodes=10_000).pipe(format="svg")
        return {"html": page - at, "svg": perf_counter() - page, "total": perf_counter() - at}, list

    return run
