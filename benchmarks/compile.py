"""What lifting buys and costs: a training step beside NumPy by hand and JAX, and the time to compile.

The hand-written step is the usual one, weights (inputs, outputs), float64, C order, the loss computed too. A step is
loss, gradients and gradient descent; the time to compile is the processor's, for the first call. The two start from
the same numbers and have to agree before they are timed.

    python benchmarks/compile.py             # on the screen, in results.json and in docs/performance.md
    python benchmarks/compile.py --no-peers  # on the screen, without JAX and micrograd
"""

from __future__ import annotations

# before NumPy, because it limits the threads
from harness import agree, alternate, medians, ratio, record, setting, table, write_section

# isort: split
import argparse
import gc
import itertools
import random
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

import numpy as np
import problems
from contender import Contender
from environments import UnavailableError

from autograd import Program, Value, affine, compile, lift, logsumexp, total

REPEATS = 40
ON_END = 200
RATE = 0.01

SHAPES: dict[str, dict[str, Any]] = {
    "2-16-16-1 tanh, 100 examples": {"sizes": [2, 16, 16, 1], "sigma": "tanh", "last": "", "loss": "half", "rows": 100},
    "784-30-10 sigmoid, 10 examples": {
        "sizes": [784, 30, 10],
        "sigma": "sigmoid",
        "last": "sigmoid",
        "loss": "half",
        "rows": 10,
    },
    "64-30-10 softmax, 32 examples": {
        "sizes": [64, 30, 10],
        "sigma": "sigmoid",
        "last": "",
        "loss": "softmax",
        "rows": 32,
    },
}

SIGMA: dict[str, Any] = {"tanh": np.tanh, "sigmoid": lambda z: 1 / (1 + np.exp(-z)), "": lambda z: z}
SLOPE: dict[str, Any] = {"tanh": lambda a: 1 - a * a, "sigmoid": lambda a: a * (1 - a)}


class ByHand:
    """The step as a careful person writes it with NumPy."""

    def __init__(self, shape: dict[str, Any], W: list[Any], b: list[Any]) -> None:
        self.W, self.b = [np.ascontiguousarray(w.T) for w in W], [v.copy() for v in b]
        self.names = [shape["sigma"]] * (len(W) - 1) + [shape["last"]]
        self.softmax = shape["loss"] == "softmax"

    def step(self, X: Any, T: Any) -> float:
        """Return the loss after taking one step."""
        W, b, N = self.W, self.b, len(X)
        a = [X]
        for l, name in enumerate(self.names):
            a.append(SIGMA[name](a[-1] @ W[l] + b[l]))
        if self.softmax:
            z = a[-1]
            e = np.exp(z - z.max(axis=1, keepdims=True))
            p = e / e.sum(axis=1, keepdims=True)
            loss = -np.sum(T * np.log(p)) / N
            d = (p - T) / N
        else:
            loss = 0.5 * np.sum((a[-1] - T) ** 2) / N
            d = (a[-1] - T) / N
            if self.names[-1]:
                d = d * SLOPE[self.names[-1]](a[-1])
        for l in reversed(range(len(W))):
            dW = a[l].T @ d
            db = d.sum(0)
            if l:
                d = (d @ W[l].T) * SLOPE[self.names[l - 1]](a[l])
            W[l] -= RATE * dW
            b[l] -= RATE * db
        return float(loss)


def model(shape: dict[str, Any], W: list[Any], b: list[Any]) -> Callable[..., Any]:
    """Return the loss of one example, written one scalar at a time."""
    weights = [
        [[Value(v, f"W{l}[{i},{j}]") for j, v in enumerate(row)] for i, row in enumerate(w)] for l, w in enumerate(W, 1)
    ]
    biases = [[Value(v, f"b{l}[{i}]") for i, v in enumerate(bias)] for l, bias in enumerate(b, 1)]

    def loss(x: list[Any], t: list[Any]) -> Any:
        a = x
        for l, (w, bias) in enumerate(zip(weights, biases, strict=True), 1):
            a = [affine(row, a, c) for row, c in zip(w, bias, strict=True)]
            name = shape["sigma"] if l < len(W) else shape["last"]
            a = [getattr(v, name)() for v in a] if name else a
        if shape["loss"] == "softmax":
            return logsumexp(a) - total([p * q for p, q in zip(t, a, strict=True)])
        return 0.5 * total([(p - q) ** 2 for p, q in zip(a, t, strict=True)])

    return loss


def start(shape: dict[str, Any]) -> tuple[list[Any], list[Any], Any, Any]:
    """Return weights, biases, inputs and targets."""
    rng = np.random.default_rng(0)
    sizes = shape["sizes"]
    W = [rng.normal(scale=n**-0.5, size=(m, n)) for n, m in itertools.pairwise(sizes)]
    b = [rng.uniform(-0.1, 0.1, m) for m in sizes[1:]]
    X, T = rng.normal(size=(shape["rows"], sizes[0])), rng.random((shape["rows"], sizes[-1]))
    return W, b, X, T / T.sum(axis=1, keepdims=True) if shape["loss"] == "softmax" else T


def stepper(program: Program, X: Any, T: Any) -> Callable[[], float]:
    """Return the function that takes one step with a program that has run before."""
    flat, gradient = program.flat, program.flat_gradient
    rate = np.array(RATE)

    def step() -> float:
        loss = program.backward(x=X, t=T)
        np.multiply(gradient, rate, gradient)
        np.subtract(flat, gradient, flat)
        return loss

    return step


def repeated(step: Callable[[], Any]) -> Callable[[], float]:
    """Return the job that takes many steps and gives the seconds of one."""

    def job() -> float:
        begin = time.perf_counter()
        for _ in range(ON_END):
            step()
        return (time.perf_counter() - begin) / ON_END

    return job


def answered(contender: Contender, times: int) -> float:
    """Return the seconds of a contender's step, the mean of some on end."""
    return contender.time("job", times)["total"]


def compared(shape: dict[str, Any], peers: list[str]) -> dict[str, Any]:
    """Return the medians and ratios for one network."""
    W, b, X, T = start(shape)
    compiled_in = float("inf")
    for _ in range(3):
        program = compile(model(shape, W, b))
        begin = time.process_time()
        program.backward(x=X, t=T)
        compiled_in = min(compiled_in, time.process_time() - begin)
    hand = ByHand(shape, W, b)
    ours = stepper(program, X, T)
    by_hand = [hand.step(X, T) for _ in range(5)]
    agree({"ours": [ours() for _ in range(5)], "numpy": by_hand}, "numpy")
    jobs: dict[str, Callable[[], float]] = {"ours": repeated(ours), "numpy": repeated(lambda: hand.step(X, T))}
    with ExitStack() as stack:
        for peer in peers if shape["loss"] == "half" else []:
            try:
                contender = stack.enter_context(Contender(peer))
            except UnavailableError as error:
                print(error)
                continue
            sigma, loss = ("relu", "hinge_loss") if peer == "micrograd" else (shape["sigma"], "half_squared_error")
            problem = problems.network(shape["sizes"], shape["rows"], sigma, loss, 0.0, RATE)
            contender.prepare("job", "step_digits" if shape["last"] else f"step_{sigma}", problem)
            times = 1 if peer == "micrograd" else ON_END
            contender.time("job", 1)
            jobs[peer] = partial(answered, contender, times)
        found = alternate(jobs, 3 if "micrograd" in jobs else REPEATS)
    return {
        "compile": compiled_in,
        "seconds": medians(found),
        "ratios": {other: ratio(found, "ours", other) for other in jobs if other != "ours"},
    }


def unrolled(count: int) -> tuple[int, float]:
    """Return how many nodes a graph of micrograd's demo with `count` examples has, and the seconds to lift it."""
    rng = random.Random(0)
    sizes = (2, 16, 16, 1)
    layers = [
        [([Value(rng.uniform(-1, 1)) for _ in range(n)], Value(0.0)) for _ in range(m)]
        for n, m in itertools.pairwise(sizes)
    ]
    cost: Any = 0.0
    nodes = 0
    for _ in range(count):
        a: list[Any] = [rng.gauss(0, 1), rng.gauss(0, 1)]
        for l, neurons in enumerate(layers):
            a = [sum((w * v for w, v in zip(ws, a, strict=True)), bias) for ws, bias in neurons]
            a = [v.relu() for v in a] if l < 2 else a
            nodes += sum(2 * len(ws) + (l < 2) for ws, _ in neurons)
        cost = cost + (1.0 - rng.choice((-1.0, 1.0)) * a[0]).relu()
        nodes += 4
    cost = cost / float(count)
    begin = time.process_time()
    lift(cost)
    return nodes, time.process_time() - begin


def nested(count: int) -> float:
    """Return the seconds to lift a right-nested sum of `count` products."""
    w, x = [Value(0.5 + k) for k in range(count)], [Value(1.0 / (k + 1)) for k in range(count)]
    result = w[-1] * x[-1]
    for a, c in zip(w[-2::-1], x[-2::-1], strict=True):
        result = a * c + result
    cost = result.tanh()
    begin = time.process_time()
    lift(cost, {"x": x})
    return time.process_time() - begin


def shown(results: dict[str, Any]) -> str:
    """Return the tables of everything that was measured."""
    rows = []
    for name, found in results["networks"].items():
        seconds, ratios = found["seconds"], found["ratios"]
        jax = f"{ratios['jax']:.2f}" if "jax" in ratios else "—"
        times = [f"{seconds[key] * 1e6:.1f}" for key in ("ours", "numpy")]
        rows.append([name, *times, f"{ratios['numpy']:.2f}", jax, f"{found['compile'] * 1e3:.0f}"])
    header = ["one step", "compiled, µs", "NumPy, µs", "compiled / NumPy", "compiled / JAX, jit", "to compile, ms"]
    parts = [table(header, rows)]
    if "micrograd" in results:
        times_longer = 1 / results["micrograd"]["ratios"]["micrograd"]
        parts.append(f"micrograd's step with the first network takes {times_longer:,.0f} times as long.")
    graphs = [[f"{n:,}", f"{nodes:,}", f"{t * 1e3:.0f}"] for n, nodes, t in results["unrolled"]]
    parts.append(table(["examples in one graph", "nodes", "to lift, ms"], graphs))
    sums = [[f"{n:,}", f"{t * 1e3:.1f}"] for n, t in results["nested"]]
    parts.append(table(["terms of a right-nested sum", "to lift, ms"], sums))
    return "\n\n".join(parts)


def main() -> None:
    """Measure, print and keep everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--no-peers", action="store_true", help="leave JAX and micrograd out, and keep nothing")
    arguments = parser.parse_args()
    results: dict[str, Any] = {"setting": setting(), "networks": {}}
    for name, shape in SHAPES.items():
        results["networks"][name] = compared(shape, [] if arguments.no_peers else ["jax"])
    if not arguments.no_peers:
        found = compared(next(iter(SHAPES.values())), ["micrograd"])
        if "micrograd" in found["ratios"]:
            results["micrograd"] = found
    results["unrolled"] = [(count, *unrolled(count)) for count in (13, 25, 50, 100)]
    results["nested"] = [(count, nested(count)) for count in (1000, 2000, 4000, 8000)]
    print(shown(results))
    if not arguments.no_peers:
        record("compile", results)
        write_section("lifted", shown(results))


if __name__ == "__main__":
    gc.collect()
    main()
