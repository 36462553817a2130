"""Backpropagation as one writes it by hand in NumPy: a row for each example, δ from the last layer to the first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import arrays
import numpy as np

PACKAGES = ("numpy",)
SIGMA: dict[str, Callable[[Any], Any]] = {
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0.0),
    "sigmoid": lambda z: 1.0 / (1.0 + np.exp(-z)),
}
SLOPE: dict[str, Callable[[Any], Any]] = {
    "tanh": lambda a: 1.0 - a * a,
    "relu": lambda a: a > 0.0,
    "sigmoid": lambda a: a * (1.0 - a),
}
"""σ′ by what σ returned."""


def step(problem: dict[str, Any]) -> arrays.Run:
    """Return the workload of one step of gradient descent."""
    X, T, names = np.array(problem["X"]), np.array(problem["T"]), problem["activations"]
    W, b = ([np.array(p) for p in problem[name]] for name in "Wb")
    half_squared, l2, rate, examples = problem["loss"] == "half_squared_error", problem["l2"], problem["rate"], len(X)
    state = {"loss": 0.0}

    def one_step() -> None:
        a = [X]
        for W_l, b_l, name in zip(W, b, names, strict=True):
            z = a[-1] @ W_l.T + b_l
            a.append(z if name == "identity" else SIGMA[name](z))
        if half_squared:
            error = a[-1] - T
            loss = 0.5 * np.vdot(error, error) / examples
            delta = error / examples
        else:
            margin = 1.0 - a[-1] * T
            loss = np.maximum(margin, 0.0).sum() / examples
            delta = (margin > 0.0) * T / -examples
        if l2:
            loss += 0.5 * l2 * sum(np.vdot(W_l, W_l) for W_l in W)
        for l in reversed(range(len(W))):
            if names[l] != "identity":
                delta = delta * SLOPE[names[l]](a[l + 1])
            dW = delta.T @ a[l]
            if l2:
                dW += l2 * W[l]
            db = delta.sum(axis=0)
            if l:
                delta = delta @ W[l]
            W[l] -= rate * dW
            b[l] -= rate * db
        state["loss"] = float(loss)

    return arrays.repeated(one_step, lambda: arrays.flat(state["loss"], [*W, *b]))


step_tanh = step_relu = step_digits = step


def hessian_of_ten(problem: dict[str, Any]) -> arrays.Run:
    """Return the workload of one Hessian, whose entries are written out."""
    point, found = np.array(problem["x"]), {}

    def one() -> None:
        x, y = point[:-1], point[1:]
        sine = np.sin(x * y)
        H = np.zeros((len(point), len(point)))
        k = np.arange(len(x))
        H[k, k] += 1200.0 * x * x - 400.0 * y + 2.0 - y * y * sine
        H[k + 1, k + 1] += 200.0 - x * x * sine
        H[k, k + 1] = H[k + 1, k] = -400.0 * x + np.cos(x * y) - x * y * sine
        found["H"] = H

    return arrays.repeated(one, lambda: found["H"].ravel())
