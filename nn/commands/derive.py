"""`derive`: the matrix equations of a network, derived from its graph of scalars."""

from __future__ import annotations

import argparse
import textwrap

import nn
from autograd import Value
from autograd.lift import Program, lift
from autograd.lift.write.notation import NOTATIONS

from ..loss.losses import LOSSES
from ..loss.penalty import l2_penalty
from ..model.activations import ACTIVATIONS
from . import arguments
from .arguments import Commands

__all__ = ["add", "program_of", "run"]

TAKES_LOGITS = ("binary_cross_entropy_with_logits", "cross_entropy")
"""The losses that apply the last function themselves."""


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = arguments.add(
        commands,
        "derive",
        summary="derive the matrix equations of a network from its graph of scalars",
        description="Record a network one scalar at a time, derive the matrix equations of its\n"
        "forward and backward pass from that graph alone, and print them.\n\n"
        f"Activations:\n  {', '.join(sorted(ACTIVATIONS))}.\n"
        "Losses:\n  " + "\n  ".join(sorted(LOSSES)) + f"\nNotations: {', '.join(NOTATIONS)}.",
        examples="derive 3-4-2 --activation sigmoid --loss half_squared_error\n"
        "derive 3-4-2 --loss binary_cross_entropy --notation theta\n"
        "derive 3-5-5-2 --activation tanh --loss cross_entropy --latex",
    )
    parser.add_argument("sizes", type=layer_sizes, metavar="SIZES", help="the sizes of the layers, inputs first: 3-4-2")
    parser.add_argument(
        "--activation", choices=sorted(ACTIVATIONS), default="sigmoid", metavar="NAME", help="of every layer"
    )
    parser.add_argument(
        "--output-activation",
        choices=sorted(ACTIVATIONS),
        metavar="NAME",
        help="of the last layer, where it has another; identity for a loss that takes logits",
    )
    parser.add_argument(
        "--loss", choices=sorted(LOSSES), default="half_squared_error", metavar="NAME", help="of one example"
    )
    parser.add_argument(
        "--l2", type=arguments.unsigned_float, default=0.0, metavar="C", help="add C/2 times the squared weights"
    )
    parser.add_argument(
        "--notation", choices=list(NOTATIONS), default="superscript", metavar="NAME", help="whose letters"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--latex", action="store_true", help="print LaTeX")
    form.add_argument("--numpy", action="store_true", help="print a NumPy module instead")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print what is derived and return the exit code."""
    output = options.output_activation or ("identity" if options.loss in TAKES_LOGITS else options.activation)
    program = program_of(options.sizes, options.activation, output, options.loss, l2=options.l2)
    if options.numpy:
        print(program.source, end="")
    elif options.latex:
        print(program.latex(options.notation), end="")
    else:
        print(_wrapped(program.equations(options.notation)), end="")
    return 0


def program_of(sizes: list[int], activation: str, output_activation: str, loss: str, *, l2: float = 0.0) -> Program:
    """Return the program of a network with random weights.

    Args:
        sizes: The sizes of the layers, the inputs first.
        activation: The activation of the hidden layers.
        output_activation: The activation of the last layer.
        loss: The name of the loss.
        l2: The coefficient of the penalty on the weights; 0 for none.
    """
    model = nn.MLP(sizes[0], sizes[1:], activation, output_activation, seed=0)
    x = [Value(0.1 * (k + 1)) for k in range(sizes[0])]
    t = [Value(target) for target in _target(loss, sizes[-1])]
    outputs = model(x)
    if loss == "binary_cross_entropy":
        outputs = _probabilities(model, x, outputs)
    cost = LOSSES[loss](outputs, t)
    if l2:
        cost = cost + l2_penalty(model, l2)
    return lift(cost, {"x": x, "t": t})


def _wrapped(text: str) -> str:
    """Return the text with its sentences in lines of 80 columns; an equation, which is indented, stays on its line."""
    lines = [line if line.startswith(" ") else textwrap.fill(line, 80) for line in text.splitlines()]
    return "".join(f"{line}\n" for line in lines)


def layer_sizes(text: str) -> list[int]:
    """Return the sizes that a text such as 3-4-2 lists.

    Raises:
        argparse.ArgumentTypeError: If it does not list at least two positive whole numbers.
    """
    parts = text.split("-")
    if len(parts) < 2 or not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise argparse.ArgumentTypeError(f"SIZES must list at least two sizes, such as 3-4-2, got {text!r}")
    return [int(part) for part in parts]


def _target(loss: str, n: int) -> list[float]:
    """Return a target that the loss accepts."""
    if loss == "hinge_loss":
        return [1.0] * n
    return [1.0 / n] * n


def _probabilities(model: nn.MLP, x: list[Value], outputs: list[Value]) -> list[Value]:
    """Return outputs between 0 and 1; where an activation has others at random weights, small weights are tried."""
    if all(0.0 < output.data < 1.0 for output in outputs):
        return outputs
    model.weights = [0.0 * W for W in model.weights]
    model.biases = [0.0 * b + 0.5 for b in model.biases]
    return model(x)
