"""The command line: `python -m nn`, or `deltagrad` once installed.

`digits` is the main job. It trains a network of scalars on handwritten digits, compares its gradients with the matrix
equations and with central differences, and leaves the weights and a picture of a backward pass in a directory.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import nn
import viz
from nn.agreement import CLOSED_FORM_TOLERANCE, DIFFERENCE_TOLERANCE
from nn.arguments import FloatArray

DESCRIPTION = """\
A scalar autograd engine that checks the matrix equations of backpropagation.

  python -m nn digits            train on handwritten digits, check every
                                 gradient three ways, draw a backward pass
  python -m nn digits --help     its options
"""

MOMENTUM = 0.9
CHECKED = 8
"""Examples in the batch on which the gradients are compared: the differences evaluate it twice for each parameter."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit code: 0, or 1 if a check or the job failed; wrong arguments exit with 2."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help()
        return 0
    try:
        return digits(options)
    except (OSError, ValueError, ArithmeticError) as error:
        print(f"deltagrad: error: {error}", *getattr(error, "__notes__", ()), sep="; ", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("deltagrad: interrupted", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    script = Path(sys.argv[0]).stem
    parser = argparse.ArgumentParser(
        prog=script if script == "deltagrad" else "python -m nn",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", title="commands", metavar="command")
    job = commands.add_parser(
        "digits",
        help="train on handwritten digits and check every gradient",
        description="Train a 64-30-10 network of scalars on 8 x 8 handwritten digits, compare its gradients with the "
        "matrix equations and with central differences, and draw a backward pass.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    job.add_argument("--epochs", type=_positive_int, default=12, metavar="N", help="times to go through the digits")
    job.add_argument("--batch-size", type=_positive_int, default=32, metavar="N", help="digits in a step")
    job.add_argument("--learning-rate", type=_positive_float, default=0.1, metavar="X", help="size of a step")
    job.add_argument("--hidden", type=_positive_int, default=30, metavar="N", help="neurons in the hidden layer")
    job.add_argument("--seed", type=_natural_int, default=0, metavar="N", help="seed of split, weights and order")
    job.add_argument("--out", type=Path, default=Path("out"), metavar="DIR", help="where to write the files")
    return parser


def digits(options: argparse.Namespace) -> int:
    """Run the main job and return its exit code."""
    options.out.mkdir(parents=True, exist_ok=True)
    train, test = nn.data.train_test_split(nn.data.load_digits(), test_fraction=0.25, seed=options.seed)
    model = nn.MLP(64, [options.hidden, 10], activation="tanh", seed=options.seed)
    print(
        f"data      {len(train) + len(test)} handwritten digits of 8 x 8 pixels,\n"
        f"          {len(train)} to train on, {len(test)} held out\n"
        f"network   64-{options.hidden}-10, tanh and softmax with cross-entropy, seed {options.seed}:\n"
        f"          {len(model.parameters())} parameters, each one a scalar Value\n"
        f"training  {options.epochs} epochs in batches of {options.batch_size}, SGD with learning rate "
        f"{options.learning_rate:g}\n          and momentum {MOMENTUM:g} ...",
        flush=True,
    )
    _train(model, train, test, options)
    agrees = _compare(model, test)
    print()
    weights = options.out / "digits_weights.npz"
    arrays: dict[str, Any] = {**model.state_dict()}
    np.savez(weights, **arrays)
    print(f"wrote {weights}: the trained weights as arrays W1, b1, W2, b2")
    _draw_backward_pass(options.out, options.seed)
    return 0 if agrees else 1


def _train(model: nn.MLP, train: nn.data.Dataset, test: nn.data.Dataset, options: argparse.Namespace) -> None:
    begin = time.perf_counter()
    history = nn.fit(
        model,
        train.X,
        nn.one_hot(train.y, 10),
        loss="cross_entropy",
        optimizer=nn.SGD(model.parameters(), options.learning_rate, momentum=MOMENTUM),
        epochs=options.epochs,
        batch_size=options.batch_size,
        seed=options.seed,
        validation=(test.X, nn.one_hot(test.y, 10)),
    )
    seconds = time.perf_counter() - begin
    series = (history.loss, history.accuracy, history.validation_loss, history.validation_accuracy)
    print("\n          training           held out\nepoch     loss    accuracy   loss    accuracy")
    for epoch, row in enumerate(zip(*(values for values in series if values is not None), strict=True), start=1):
        loss, accuracy, test_loss, test_accuracy = row
        print(f"{epoch:5}     {loss:6.4f}  {accuracy:7.2%}    {test_loss:6.4f}  {test_accuracy:7.2%}")
    print(f"\n{test_accuracy:.2%} of the held-out digits are read correctly, after {seconds:.1f} s of training")


def _compare(model: nn.MLP, test: nn.data.Dataset) -> bool:
    """Print the table of the three gradients, and return whether they agree."""
    X, T = _hardest(model, test.X, nn.one_hot(test.y, 10))
    print(
        f"\nThe gradient of the mean loss over the {CHECKED} held-out digits with the largest loss,\n"
        f"for all {len(model.parameters())} parameters: engine (scalar by scalar), closed form (matrix\n"
        "equations in NumPy), central differences (of the loss). Largest distances:\n\n"
        "array  shape     largest     engine to         engine to\n"
        "                 gradient    closed form       differences",
        flush=True,
    )
    rows = nn.gradient_agreement(model, X, T, loss="cross_entropy")
    for row in rows:
        shape = " x ".join(map(str, row.shape))
        exact, numeric = (_verdict(right) for right in (row.equals_closed_form, row.equals_differences))
        print(
            f"{row.name:5}  {shape:8}  {row.largest:8.2e}    {row.closed_form_error:8.1e}  {exact:6}  "
            f"{row.difference_error:8.1e}  {numeric}"
        )
    agrees = all(row.equals_closed_form and row.equals_differences for row in rows)
    print(
        f"\nRequired of every array: a distance of at most {CLOSED_FORM_TOLERANCE:g} and {DIFFERENCE_TOLERANCE:g} "
        f"of its largest\ngradient. {'All agree.' if agrees else 'THEY DO NOT AGREE.'}"
    )
    return agrees


def _verdict(right: bool) -> str:
    return "right" if right else "WRONG"


def _hardest(model: nn.MLP, X: FloatArray, T: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the examples with the largest loss: their gradients are far above the rounding of differences."""
    losses = [nn.evaluate(model, x[None], t[None], loss="cross_entropy").loss for x, t in zip(X, T, strict=True)]
    rows = np.argsort(losses)[-CHECKED:]
    return X[rows], T[rows]


def _draw_backward_pass(out: Path, seed: int) -> None:
    """Write the picture of a backward pass that is small enough to read: a 2-2-1 network and its loss."""
    model = nn.MLP(2, [2, 1], activation="tanh", seed=seed)
    cost = nn.half_squared_error(model([0.5, -1.0]), [1.0])
    cost.label = "C"
    path = viz.draw_backward(cost).render(outfile=out / "backward_pass.svg")
    print(f"wrote {path}: the backward pass of a 2-2-1 network")


def _positive_int(text: str) -> int:
    if not (text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"needs a whole number greater than 0, got {text!r}")
    return int(text)


def _natural_int(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"needs a whole number from 0 up, got {text!r}")
    return int(text)


def _positive_float(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not 0.0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"needs a finite number greater than 0, got {text!r}")
    return number


if __name__ == "__main__":
    sys.exit(main())
