"""CasADi: the step as a symbolic function of matrices, differentiated once and run by its virtual machine."""

from __future__ import annotations

from typing import Any

import arrays
import casadi as ca

PACKAGES = ("casadi",)
SIGMA = {
    "tanh": ca.tanh,
    "relu": lambda z: ca.fmax(z, 0.0),
    "sigmoid": lambda z: 1.0 / (1.0 + ca.exp(-z)),
}


def step(problem: dict[str, Any]) -> arrays.Run:
    """Return the workload of one step of gradient descent; examples are columns, as CasADi stores them."""
    X, T = ca.DM(problem["X"]).T, ca.DM(problem["T"]).T
    shapes = [(len(W), len(W[0])) for W in problem["W"]] + [(len(b), 1) for b in problem["b"]]
    symbols = [ca.MX.sym(f"p{k}", *shape) for k, shape in enumerate(shapes)]
    n_layers = len(problem["W"])
    a: Any = X
    for W, b, name in zip(symbols[:n_layers], symbols[n_layers:], problem["activations"], strict=True):
        z = W @ a + ca.repmat(b, 1, X.shape[1])
        a = z if name == "identity" else SIGMA[name](z)
    half_squared = problem["loss"] == "half_squared_error"
    loss = (0.5 * ca.sumsqr(a - T) if half_squared else ca.sum2(ca.sum1(ca.fmax(1.0 - a * T, 0.0)))) / X.shape[1]
    if problem["l2"]:
        loss += 0.5 * problem["l2"] * sum(ca.sumsqr(W) for W in symbols[:n_layers])
    moved = [p - problem["rate"] * ca.gradient(loss, p) for p in symbols]
    function = ca.Function("step", symbols, [loss, *moved])
    state: dict[str, Any] = {"parameters": [ca.DM(p) for p in (*problem["W"], *problem["b"])]}

    def one_step() -> None:
        state["loss"], *state["parameters"] = function(*state["parameters"])

    return arrays.repeated(one_step, lambda: arrays.flat(state["loss"], [p.full() for p in state["parameters"]]))


step_tanh = step_relu = step_digits = step


def compile_time(problem: dict[str, Any]) -> arrays.Run:
    """Return the workload of tracing, differentiating and compiling a step, and taking the first one."""
    last: list[arrays.Run] = []

    def first() -> None:
        last[:] = [step(problem)]
        last[0]()

    return arrays.repeated(first, lambda: last[0]()[1]())
