"""micrograd by Andrej Karpathy. It has neither tanh nor exp."""

import sys

import scalars
from micrograd.engine import Value

PACKAGES = ("micrograd",)
sys.setrecursionlimit(10**6)  # its backward pass descends recursively


def assign(leaf: Value, number: float) -> None:
    """Set the data and forget the gradient."""
    leaf.data = number
    leaf.grad = 0.0


TOOL = scalars.Scalars(
    leaves=lambda numbers: [Value(number) for number in numbers],
    backward=Value.backward,
    gradient=lambda leaf: leaf.grad,
    number=lambda leaf: leaf.data,
    relu=Value.relu,
    assign=assign,
)
chains, nodes, memory, step_relu = scalars.chains(TOOL), scalars.nodes(TOOL), scalars.memory(TOOL), scalars.step(TOOL)
