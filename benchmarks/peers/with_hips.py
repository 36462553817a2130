"""HIPS autograd: NumPy functions that record themselves on a tape."""

from __future__ import annotations

from typing import Any

import arrays

import autograd.numpy as np
from autograd import hessian, value_and_grad

PACKAGES = ("autograd", "numpy")
SIGMA = {
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0.0),
    "sigmoid": lambda z: 1.0 / (1.0 + np.exp(-z)),
}


def step(problem: dict[str, Any]) -> arrays.Run:
    """Return the workload of one step of gradient descent."""
    X, T = np.array(problem["X"]), np.array(problem["T"])
    loss = arrays.mean_loss(problem, SIGMA)
    both = value_and_grad(lambda parameters: loss(*parameters, X, T))
    state: dict[str, Any] = {"parameters": tuple([np.array(p) for p in problem[name]] for name in "Wb")}

    def one_step() -> None:
        state["loss"], gradients = both(state["parameters"])
        state["parameters"] = tuple(
            [p - problem["rate"] * g for p, g in zip(ps, gs, strict=True)]
            for ps, gs in zip(state["parameters"], gradients, strict=True)
        )

    return arrays.repeated(
        one_step, lambda: arrays.flat(state["loss"], [*state["parameters"][0], *state["parameters"][1]])
    )


step_tanh = step_relu = step_digits = step


def function(x: Any) -> Any:
    """Return the function whose Hessian is wanted."""
    return (100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2 + np.sin(x[:-1] * x[1:])).sum()


def hessian_of_ten(problem: dict[str, Any]) -> arrays.Run:
    """Return the workload of one Hessian."""
    found: dict[str, Any] = {}
    of, point = hessian(function), np.array(problem["x"])
    return arrays.repeated(lambda: found.update(H=of(point)), lambda: found["H"].ravel())
