"""Programs whose equations are printed, and the sections of the printed text."""

import functools
import re

import numpy as np

import nn
from autograd import Value
from autograd.lift import lift
from nn import LOSSES, l2_penalty


def leaves(numbers, label=""):
    return [Value(float(number), f"{label}[{k}]" if label else "") for k, number in enumerate(numbers)]


@functools.cache
def program_of(loss="half_squared_error", sizes=(3, 4, 2), activations=("sigmoid", "sigmoid"), l2=0.0):
    model = nn.MLP(sizes[0], sizes[1:], list(activations), seed=3)
    model.biases = [np.full(n, 0.3) for n in sizes[1:]]
    x = leaves(np.linspace(-0.5, 0.7, sizes[0]))
    t = leaves([1.0] * sizes[-1] if loss == "hinge_loss" else [1.0 / sizes[-1]] * sizes[-1])
    cost = LOSSES[loss](model(x), t)
    return lift(cost + l2_penalty(model, l2) if l2 else cost, {"x": x, "t": t})


def section(text, title):
    """Return the equations of a section: the left side, and the right side."""
    (block,) = re.findall(rf"^{title}\n((?:  .*\n)+)", text, re.M)
    return dict(re.split(r" \+?= ", line.strip(), maxsplit=1) for line in block.splitlines())


def backward(program, notation="superscript"):
    return section(program.equations(notation), "Backward")


COSTS = {
    "half_squared_error": ("sigmoid", "½‖a² − t‖²", "(a² − t) ⊙ σ′(z²)"),
    "mse_loss": ("identity", "½‖a² − t‖²", "a² − t"),
    "binary_cross_entropy": ("sigmoid", "−tᵀ log(a²) − (1 − t)ᵀ log(1 − a²)", "a² − t"),
    "binary_cross_entropy_with_logits": ("identity", "Σ softplus(z²) − tᵀz²", "σ(z²) − t"),
    "cross_entropy": ("identity", "lse(z²) − tᵀz²", "softmax(z²) − t"),
    "hinge_loss": ("identity", "Σ relu(1 − t ⊙ a²)", "−t ⊙ [1 − t ⊙ a² > 0]"),
}


def network(n_out=2, output="sigmoid", sizes=(3, 4)):
    model = nn.MLP(sizes[0], [*sizes[1:], n_out], ["sigmoid"] * (len(sizes) - 1) + [output], seed=2)
    x = leaves(np.linspace(0.2, 0.9, sizes[0]))
    return model(x), x
