"""`check` without a file: the engine against the matrix equations and against central differences."""

from __future__ import annotations

import numpy as np

import nn

from ..agreement import CLOSED_FORM_TOLERANCE, DIFFERENCE_TOLERANCE
from ..arguments import FloatArray
from .arguments import coloured

__all__ = ["run"]

ACTIVATIONS = ("identity", "sigmoid", "tanh", "relu", "leaky_relu", "softplus")
EXAMPLES = 5


def run(seed: int) -> int:
    """Print a line for each loss, and return 0 if all gradients agree, 1 otherwise."""
    print(
        f"Gradients of 3-4-2 networks with {len(ACTIVATIONS)} activations, {EXAMPLES} examples each: the engine,\n"
        "scalar by scalar, against the matrix equations and against central differences.\n"
        "Largest distances, relative to the largest gradient of the array:\n\n"
        f"{'loss':34}matrix equations    differences"
    )
    agrees = True
    for loss in nn.LOSSES:
        rows = [row for activation in ACTIVATIONS for row in _compared(loss, activation, seed)]
        exact = max(row.closed_form_error / (row.largest or 1.0) for row in rows)
        numeric = max(row.difference_error / (row.largest or 1.0) for row in rows)
        right = all(row.equals_closed_form for row in rows), all(row.equals_differences for row in rows)
        agrees = agrees and all(right)
        print(f"{loss:34}{exact:7.1e}  {_verdict(right[0], 5)}      {numeric:7.1e}  {_verdict(right[1])}")
    print(f"\nAllowed are {CLOSED_FORM_TOLERANCE:g} and {DIFFERENCE_TOLERANCE:g}. ", end="")
    print(coloured("All agree.", "green") if agrees else coloured("THEY DO NOT AGREE.", "red"))
    print("To check a backward pass that you wrote: check FILE.py; check --help says how.")
    return 0 if agrees else 1


def _compared(loss: str, activation: str, seed: int) -> list[nn.Agreement]:
    rng = np.random.default_rng(seed)
    output = "sigmoid" if loss == "binary_cross_entropy" else "identity"
    model = nn.MLP(3, [4, 2], activation, output, seed=rng)
    model.biases = [rng.normal(size=b.shape) for b in model.biases]  # mistakes in them would not show at 0
    return nn.gradient_agreement(model, rng.normal(size=(EXAMPLES, 3)), _targets(rng, loss), loss=loss)


def _targets(rng: np.random.Generator, loss: str) -> FloatArray:
    if loss == "hinge_loss":
        return rng.choice([-1.0, 1.0], size=(EXAMPLES, 2))
    if loss == "cross_entropy":
        return rng.dirichlet(np.ones(2), size=EXAMPLES)
    return rng.uniform(0.1, 0.9, size=(EXAMPLES, 2))


def _verdict(right: bool, width: int = 0) -> str:
    return coloured("right".ljust(width), "green") if right else coloured("WRONG".ljust(width), "red")
