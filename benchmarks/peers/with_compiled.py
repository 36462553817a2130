"""Ours: the program lifted from the graph of one example, and gradient descent on its flat vector of parameters."""

from __future__ import annotations

from typing import Any

import arrays
import numpy as np
from with_ours import network

import autograd
import nn

PACKAGES = ("numpy",)


def step(problem: dict[str, Any]) -> arrays.Run:
    """Return the workload of one step of gradient descent; the time to compile is not counted."""
    return steps(problem, network(problem))


def steps(problem: dict[str, Any], model: nn.MLP) -> arrays.Run:
    """Return the steps of a network."""
    X, T = np.array(problem["X"]), np.array(problem["T"])
    loss_of, l2, rate = nn.LOSSES[problem["loss"]], problem["l2"], np.array(problem["rate"])

    def loss(x: list[Any], t: list[Any]) -> Any:
        of_example = loss_of(model(x), t)
        return of_example + nn.l2_penalty(model, l2) if l2 else of_example

    program = autograd.compile(loss, parameters=model)
    program.value(x=X, t=T)
    flat, gradient, state = program.flat, program.flat_gradient, {"loss": 0.0}

    def one_step() -> None:
        state["loss"] = program.backward(x=X, t=T)
        np.multiply(gradient, rate, gradient)  # the next step writes it anew
        np.subtract(flat, gradient, flat)

    layers = range(1, len(model.layers) + 1)
    names = [f"{kind}{l}" for kind in "Wb" for l in layers]
    return arrays.repeated(one_step, lambda: arrays.flat(state["loss"], [program.parameters[name] for name in names]))


step_tanh = step_relu = step_digits = step


def compile_time(problem: dict[str, Any]) -> arrays.Run:
    """Return the workload of recording, lifting and checking a step, and taking the first one."""
    model = network(problem)
    last: list[arrays.Run] = []

    def first() -> None:
        last[:] = [steps(problem, model)]
        last[0]()

    return arrays.repeated(first, lambda: last[0]()[1]())
