"""PyTorch on the CPU, eager, in float64."""

from __future__ import annotations

from typing import Any

import arrays
import torch

PACKAGES = ("torch",)
SIGMA = {"tanh": torch.tanh, "relu": torch.relu, "sigmoid": torch.sigmoid}
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


def step(problem: dict[str, Any]) -> arrays.Run:
    """Return the workload of one step of gradient descent."""
    X, T = torch.tensor(problem["X"]), torch.tensor(problem["T"])
    loss_of = arrays.mean_loss(problem, SIGMA)
    W, b = ([torch.tensor(p, requires_grad=True) for p in problem[name]] for name in "Wb")
    optimizer = torch.optim.SGD([*W, *b], lr=problem["rate"])
    state = {"loss": 0.0}

    def one_step() -> None:
        optimizer.zero_grad()
        loss = loss_of(W, b, X, T)
        loss.backward()
        optimizer.step()
        state["loss"] = loss.item()

    return arrays.repeated(one_step, lambda: arrays.flat(state["loss"], [p.detach() for p in (*W, *b)]))


step_tanh = step_relu = step_digits = step
