"""What is compared: the workloads, who does them, and how often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import problems
from contender import OURS

__all__ = ["NAMES", "UNITS", "Workload", "small", "workloads"]

SCALAR = ("ours", "micrograd", "micro_value", "xad")
ARRAY = ("compiled", "numpy_by_hand", "torch", "jax", "casadi", "hips")
NAMES = {
    "ours": "**deltagrad, eager**",
    "compiled": "**deltagrad, compiled**",
    "micro_value": "microgpt-style Value",
    "numpy_by_hand": "NumPy by hand",
    "hips": "HIPS autograd",
    "jax": "JAX, jit",
    "torch": "PyTorch",
    "xad": "XAD",
    "casadi": "CasADi",
}
UNITS = {"ns": 1e9, "µs": 1e6, "ms": 1e3, "s": 1.0}


@dataclass(frozen=True)
class Workload:
    """Work that several contenders do.

    Attributes:
        title: What the table's caption says.
        function: The function of the peers' modules that does it.
        problem: What they are given.
        contenders: Who does it; those whose environment cannot be made are left out.
        repeats: How many rounds are timed.
        unit: The unit in the table.
        operations: The number of operations to divide by.
        phases: What is shown apart from the total.
    """

    title: str
    function: str
    problem: dict[str, Any]
    contenders: tuple[str, ...]
    repeats: int
    unit: str = "ms"
    operations: int = 1
    phases: tuple[str, ...] = ()


def workloads() -> dict[str, Workload]:
    """Return the full programme by section."""
    per_operation: dict[str, Any] = {"unit": "ns", "operations": 100_000, "phases": ("forward", "backward")}
    tanh = problems.network([2, 16, 16, 1], 100, "tanh", "half_squared_error", 0.0, 0.1)
    relu = problems.network([2, 16, 16, 1], 100, "relu", "hinge_loss", 1e-3, 0.05)
    digits = problems.network([784, 30, 10], 10, "sigmoid", "half_squared_error", 0.0, 0.5)
    without_tanh = tuple(name for name in SCALAR if name != "micrograd")
    tanh_title = "Full-batch step, 2-16-16-1, 100 examples, tanh, ½MSE"
    relu_title = "Full-batch step, 2-16-16-1, 100 examples, relu, hinge loss and L2"
    digits_title = "Step 784-30-10, sigmoid, batch of 10"
    return {
        "chains": Workload(
            "200 chains of 500 elementary operations, ns per operation",
            "chains",
            problems.chains(200, 500),
            SCALAR,
            9,
            **per_operation,
        ),
        "long chain": Workload(
            "One chain of 100,000 elementary operations, ns per operation",
            "chains",
            problems.chains(1, 100_000),
            SCALAR,
            5,
            **per_operation,
        ),
        "tanh": Workload(f"{tanh_title}, scalar by scalar, ms", "step_tanh", tanh, without_tanh, 9),
        "tanh, arrays": Workload(f"{tanh_title}, arrays, ms", "step_tanh", tanh, ("ours", *ARRAY), 15),
        "relu": Workload(f"{relu_title}, scalar by scalar, ms", "step_relu", relu, SCALAR, 5),
        "relu, arrays": Workload(f"{relu_title}, arrays, ms", "step_relu", relu, ("ours", *ARRAY), 15),
        "digits": Workload(f"{digits_title}, scalar by scalar, ms", "step_digits", digits, without_tanh, 3),
        "digits, arrays": Workload(f"{digits_title}, arrays, ms", "step_digits", digits, ("ours", *ARRAY), 15),
        "hessian": Workload(
            "Hessian of a function of ten variables, ms",
            "hessian_of_ten",
            problems.hessian(10),
            ("ours", "hips", "jax", "numpy_by_hand"),
            30,
        ),
    }


def small(workload: Workload, peers: Sequence[str]) -> Workload:
    """Return the workload for the quick form: a small problem, ourselves and some peers."""
    problem = workload.problem
    if "starts" in problem:
        problem = problems.chains(3, 20)
    elif "W" in problem:
        half_squared = problem["loss"] == "half_squared_error"
        problem = problems.network(
            [3, 4, 2] if half_squared else [3, 4, 1], 5, problem["activations"][0], problem["loss"], problem["l2"], 0.1
        )
    contenders = tuple(name for name in workload.contenders if name in OURS or name in peers)
    return Workload(workload.title, workload.function, problem, contenders, 1)
