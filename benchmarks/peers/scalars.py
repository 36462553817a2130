"""What the tools that work on one scalar at a time have in common: the same work, written once.

A tool fills in `Scalars`; `chains` and `step` are then written with its own numbers and operators.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from time import perf_counter, thread_time
from typing import Any

Run = Callable[[], tuple[dict[str, float], Callable[[], list[float]]]]


@dataclass(frozen=True)
class Scalars:
    """A tool for scalars.

    Attributes:
        leaves: Makes variables of numbers, and whatever must be done before they are used.
        backward: Runs the reverse pass.
        gradient: Reads the gradient of a variable.
        number: Reads its data.
        relu: An operation; so are the others, None if the tool lacks them.
        assign: Gives a variable a new number and no gradient; None if variables must be made anew.
    """

    leaves: Callable[[Iterable[float]], list[Any]]
    backward: Callable[[Any], None]
    gradient: Callable[[Any], float]
    number: Callable[[Any], float]
    relu: Callable[[Any], Any]
    tanh: Callable[[Any], Any] | None = None
    sigmoid: Callable[[Any], Any] | None = None
    assign: Callable[[Any, float], None] | None = None


def chain(x: Any, w: Any, b: Any, length: int, relu: Callable[[Any], Any]) -> Any:
    """Return the end of a chain of `length` operations, five kinds in turn."""
    for _ in range(length // 5):
        x = x * w
        x = x + b
        x = x * 0.9
        x = x - b
        x = relu(x)
    return x


def chains(scalars: Scalars) -> Callable[[dict[str, Any]], Run]:
    """Return the workload of chains that are differentiated one after the other."""

    def workload(problem: dict[str, Any]) -> Run:
        length, relu = problem["length"], scalars.relu

        def run() -> tuple[dict[str, float], Callable[[], list[float]]]:
            forward = backward = 0.0
            numbers: list[float] = []
            begin = perf_counter()
            for start in problem["starts"]:
                at = perf_counter()
                x, w, b = scalars.leaves((start, problem["w"], problem["b"]))
                y = chain(x, w, b, length, relu)
                between = perf_counter()
                scalars.backward(y)
                backward += perf_counter() - between
                forward += between - at
                numbers += (scalars.number(y), *map(scalars.gradient, (x, w, b)))
                del x, w, b, y
            total = perf_counter() - begin
            return {"forward": forward, "backward": backward, "total": total}, lambda: numbers

        return run

    return workload


def nodes(scalars: Scalars) -> Callable[[dict[str, Any]], Run]:
    """Return the workload of one graph: the sum of the ends of all chains.

    Its times are the processor's: what else the machine does interrupts long runs, but not short ones.
    """

    def workload(problem: dict[str, Any]) -> Run:
        length, relu = problem["length"], scalars.relu

        def run() -> tuple[dict[str, float], Callable[[], list[float]]]:
            at = thread_time()
            w, b, *starts = scalars.leaves((problem["w"], problem["b"], *problem["starts"]))
            y = starts[0]
            for x in starts:
                y = y + chain(x, w, b, length, relu)
            between = thread_time()
            scalars.backward(y)
            done = thread_time()
            numbers = [scalars.number(y), *map(scalars.gradient, (w, b, *starts[1:]))]
            del x, y, w, b, starts
            phases = {"forward": between - at, "backward": done - between, "total": thread_time() - at}
            return phases, lambda: numbers

        return run

    return workload


def memory(scalars: Scalars) -> Callable[[dict[str, Any]], Run]:
    """Return the workload that measures bytes instead of seconds: what one graph holds for each operation."""

    def workload(problem: dict[str, Any]) -> Run:
        def run() -> tuple[dict[str, float], Callable[[], list[float]]]:
            tracemalloc.start()
            before, _ = tracemalloc.get_traced_memory()
            w, b, *starts = scalars.leaves((problem["w"], problem["b"], *problem["starts"]))
            y = starts[0]
            for x in starts:
                y = y + chain(x, w, b, problem["length"], scalars.relu)
            scalars.backward(y)
            after, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            operations = len(problem["starts"]) * (problem["length"] + 1)
            return {"held": (after - before) / operations, "peak": (peak - before) / operations}, list

        return run

    return workload


def step(scalars: Scalars) -> Callable[[dict[str, Any]], Run]:
    """Return the workload of one step of gradient descent on a network."""

    def workload(problem: dict[str, Any]) -> Run:
        flat = [entry for W, b in zip(problem["W"], problem["b"], strict=True) for row in W for entry in row]
        flat += [entry for b in problem["b"] for entry in b]
        state: dict[str, Any] = {"numbers": flat, "leaves": [], "loss": 0.0}
        rate, n_weights = problem["rate"], sum(len(row) for W in problem["W"] for row in W)
        penalised = n_weights if problem["l2"] else 0

        def run() -> tuple[dict[str, float], Callable[[], list[float]]]:
            at = perf_counter()
            if scalars.assign is None or not state["leaves"]:
                state["leaves"] = []  # the old ones must be gone from the tape first
                state["leaves"] = scalars.leaves(state["numbers"])
            leaves = state["leaves"]
            layers = _layers(leaves, problem)
            loss = _mean_loss(scalars, layers, problem)
            if penalised:
                loss = loss + 0.5 * problem["l2"] * sum((w * w for w in leaves[1:penalised]), leaves[0] * leaves[0])
            between = perf_counter()
            scalars.backward(loss)
            done = perf_counter()
            if scalars.assign is None:
                moved = zip(state["numbers"], leaves, strict=True)
                state["numbers"] = [number - rate * scalars.gradient(leaf) for number, leaf in moved]
            else:
                for leaf in leaves:
                    scalars.assign(leaf, scalars.number(leaf) - rate * scalars.gradient(leaf))
            state["loss"] = scalars.number(loss)
            del loss, layers, leaves
            end = perf_counter()
            return {
                "forward": between - at,
                "backward": done - between,
                "update": end - done,
                "total": end - at,
            }, answer

        def answer() -> list[float]:
            held = state["numbers"] if scalars.assign is None else [scalars.number(leaf) for leaf in state["leaves"]]
            return [state["loss"], *held]

        return run

    return workload


def _layers(leaves: Sequence[Any], problem: dict[str, Any]) -> list[list[tuple[list[Any], Any]]]:
    """Return for each layer its neurons, each a list of weights and a bias."""
    entries = iter(leaves)
    rows = [[[next(entries) for _ in row] for row in W] for W in problem["W"]]
    return [[(row, next(entries)) for row in layer] for layer in rows]


def _mean_loss(scalars: Scalars, layers: Any, problem: dict[str, Any]) -> Any:
    sigmas = [getattr(scalars, name, None) for name in problem["activations"]]
    half_squared = problem["loss"] == "half_squared_error"
    sum_of_losses: Any = None
    for x, t in zip(problem["X"], problem["T"], strict=True):
        a: Any = x
        for layer, sigma in zip(layers, sigmas, strict=True):
            z = [sum((w * x for w, x in zip(row, a, strict=True)), b) for row, b in layer]
            a = z if sigma is None else [sigma(z_j) for z_j in z]
        for a_k, t_k in zip(a, t, strict=True):
            term = 0.5 * (a_k - t_k) ** 2 if half_squared else scalars.relu(1.0 - a_k * t_k)
            sum_of_losses = term if sum_of_losses is None else sum_of_losses + term
    return sum_of_losses * (1.0 / len(problem["X"]))
