"""`digits`: the main job.

It trains a network of scalars on handwritten digits, compares its gradients with the matrix equations and with central
differences, and leaves the weights and a picture of a backward pass in a directory.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import nn
import viz
from autograd import Value
from viz import plots

from ..agreement import CLOSED_FORM_TOLERANCE, DIFFERENCE_TOLERANCE
from ..arguments import FloatArray
from . import arguments
from .arguments import Commands, coloured, natural_int, positive_float, positive_int

__all__ = ["add", "misread", "run", "small_network", "start", "training"]

HIDDEN, EPOCHS, BATCH_SIZE, LEARNING_RATE = 30, 12, 32, 0.1
MOMENTUM = 0.9
CHECKED = 8
"""Examples in the batch on which the gradients are compared: the differences evaluate it twice for each parameter."""


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    job = arguments.add(
        commands,
        "digits",
        summary="train on handwritten digits, check every gradient",
        description="Train a 64-30-10 network of scalars on 8 x 8 handwritten digits, compare its\n"
        "gradients with the matrix equations and with central differences, and draw a\n"
        "backward pass.",
        examples="digits\ndigits --epochs 3 --hidden 10 --out small",
    )
    job.add_argument("--epochs", type=positive_int, default=EPOCHS, metavar="N", help="times to go through the digits")
    job.add_argument("--batch-size", type=positive_int, default=BATCH_SIZE, metavar="N", help="digits in a step")
    job.add_argument("--learning-rate", type=positive_float, default=LEARNING_RATE, metavar="X", help="size of a step")
    job.add_argument("--hidden", type=positive_int, default=HIDDEN, metavar="N", help="neurons in the hidden layer")
    job.add_argument("--seed", type=natural_int, default=0, metavar="N", help="seed of split, weights and order")
    job.add_argument("--out", type=Path, default=Path("out"), metavar="DIR", help="where to write the files")
    job.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the main job and return its exit code."""
    options.out.mkdir(parents=True, exist_ok=True)
    model, train, test = start(options.seed, options.hidden)
    print(
        f"data      {len(train) + len(test)} handwritten digits of 8 x 8 pixels,\n"
        f"          {len(train)} to train on, {len(test)} for validation\n"
        f"network   64-{options.hidden}-10, tanh and softmax with cross-entropy, seed {options.seed}:\n"
        f"          {len(model.parameters())} parameters, each one a scalar Value\n"
        f"training  {options.epochs} epochs in batches of {options.batch_size}, SGD with learning rate "
        f"{options.learning_rate:g}\n          and momentum {MOMENTUM:g} ...",
        flush=True,
    )
    history = _train(model, train, test, options)
    weights = options.out / "digits_weights.npz"
    nn.save(model, weights)
    interrupted = history.ended != "finished"
    agrees = interrupted or _compare(model, test)
    print()
    print(f"wrote {weights}: the trained network, for nn.load")
    if interrupted:
        print(f"deltagrad: {history.ended}", file=sys.stderr)
        return 130
    _draw_pictures(options.out, options.seed, history)
    cost, about = misread(model, test)
    page = viz.save(viz.to_html(cost, **about), options.out / "explorer.html")
    print(f"wrote {page}: {about['title'][0].lower()}{about['title'][1:]}")
    tiles = viz.draw_network(model, cost, image=about["image"], classes=about["classes"])
    print(f"wrote {tiles.render(outfile=options.out / 'digit.svg')}: the same as one picture")
    return 0 if agrees else 1


def start(seed: int = 0, hidden: int = HIDDEN) -> tuple[nn.MLP, nn.data.Dataset, nn.data.Dataset]:
    """Return the network, the digits to train on and those for validation."""
    train, test = nn.data.train_test_split(nn.data.load_digits(), test_fraction=0.25, seed=seed)
    return nn.MLP(64, [hidden, 10], activation="tanh", seed=seed), train, test


def training(
    model: nn.MLP,
    train: nn.data.Dataset,
    test: nn.data.Dataset,
    *,
    epochs: int = EPOCHS,
    batch_size: int = BATCH_SIZE,
    learning_rate: float = LEARNING_RATE,
    seed: int = 0,
) -> nn.History:
    """Train the network and return the course of it."""
    return nn.fit(
        model,
        train.X,
        nn.one_hot(train.y, 10),
        loss="cross_entropy",
        optimizer=nn.SGD(model.parameters(), learning_rate, momentum=MOMENTUM),
        epochs=epochs,
        batch_size=batch_size,
        seed=seed,
        validation=(test.X, nn.one_hot(test.y, 10)),
    )


def small_network(seed: int = 0) -> tuple[nn.MLP, Value]:
    """Return a network that is small enough to read, and its loss on one example."""
    model = nn.MLP(2, [2, 1], activation="tanh", seed=seed)
    cost = nn.half_squared_error(model([0.5, -1.0]), [1.0])
    cost.label = "C"
    return model, cost


def misread(model: nn.MLP, test: nn.data.Dataset) -> tuple[Value, dict[str, Any]]:
    """Return the cost of the digit with the largest one, and the options of its page."""
    T = nn.one_hot(test.y, 10)
    losses = [nn.evaluate(model, x[None], t[None], loss="cross_entropy").loss for x, t in zip(test.X, T, strict=True)]
    worst = int(np.argmax(losses))
    answers = model(test.X[worst].tolist())
    cost = nn.cross_entropy(answers, nn.one_hot(test.y[worst : worst + 1], 10)[0].tolist())
    cost.label = "C"
    read, right = int(np.argmax([answer.data for answer in answers])), int(test.y[worst])
    sizes = "-".join(map(str, (64, *(len(b) for b in model.biases))))
    verdict = f"reads as {read}" if read != right else "finds hardest"
    title = f"A handwritten {right} that a {sizes} network {verdict}"
    return cost, {"title": title, "image": (8, 8), "classes": list(map(str, range(10)))}


def _train(model: nn.MLP, train: nn.data.Dataset, test: nn.data.Dataset, options: argparse.Namespace) -> nn.History:
    begin = time.perf_counter()
    history = training(
        model,
        train,
        test,
        epochs=options.epochs,
        batch_size=options.batch_size,
        learning_rate=options.learning_rate,
        seed=options.seed,
    )
    seconds = time.perf_counter() - begin
    series = (history.loss, history.accuracy, history.validation_loss, history.validation_accuracy)
    print("\n          training           validation\nepoch     loss    accuracy   loss    accuracy")
    for epoch, row in enumerate(zip(*(values for values in series if values is not None), strict=True), start=1):
        loss, accuracy, test_loss, test_accuracy = row
        print(f"{epoch:5}     {loss:6.4f}  {accuracy:7.2%}    {test_loss:6.4f}  {test_accuracy:7.2%}")
    if len(history):
        correct = coloured(f"{test_accuracy:.2%}", "bold")
        print(f"\n{correct} of the validation digits are read correctly, after {seconds:.1f} s of training")
    return history


def _compare(model: nn.MLP, test: nn.data.Dataset) -> bool:
    """Print the table of the three gradients, and return whether they agree."""
    X, T = _hardest(model, test.X, nn.one_hot(test.y, 10))
    print(
        f"\nThe gradient of the mean loss over the {CHECKED} validation digits with the largest\n"
        f"loss, for all {len(model.parameters())} parameters: engine (scalar by scalar), closed form (matrix\n"
        "equations in NumPy), central differences (of the loss). Largest distances:\n\n"
        "array  shape     largest     engine to         engine to\n"
        "                 gradient    closed form       differences",
        flush=True,
    )
    rows = nn.gradient_agreement(model, X, T, loss="cross_entropy")
    for row in rows:
        shape = " x ".join(map(str, row.shape))
        exact, numeric = _verdict(row.equals_closed_form, 6), _verdict(row.equals_differences)
        print(
            f"{row.name:5}  {shape:8}  {row.largest:8.2e}    {row.closed_form_error:8.1e}  {exact}  "
            f"{row.difference_error:8.1e}  {numeric}"
        )
    agrees = all(row.equals_closed_form and row.equals_differences for row in rows)
    verdict = coloured("All agree.", "green") if agrees else coloured("THEY DO NOT AGREE.", "red")
    print(
        f"\nRequired of every array: a distance of at most {CLOSED_FORM_TOLERANCE:g} and {DIFFERENCE_TOLERANCE:g} "
        f"of its largest\ngradient. {verdict}"
    )
    return agrees


def _verdict(right: bool, width: int = 0) -> str:
    return coloured("right".ljust(width), "green") if right else coloured("WRONG".ljust(width), "red")


def _hardest(model: nn.MLP, X: FloatArray, T: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the examples with the largest loss: their gradients are far above the rounding of differences."""
    losses = [nn.evaluate(model, x[None], t[None], loss="cross_entropy").loss for x, t in zip(X, T, strict=True)]
    rows = np.argsort(losses)[-CHECKED:]
    return X[rows], T[rows]


def _draw_pictures(out: Path, seed: int, history: nn.History) -> None:
    """Write pictures of a network that is small enough to read, and the curves of the training."""
    model, cost = small_network(seed)
    path = viz.draw_backward(cost).render(outfile=out / "backward_pass.svg")
    print(f"wrote {path}: the backward pass of a 2-2-1 network")
    path = viz.draw_network(model, cost).render(outfile=out / "network.svg")
    print(f"wrote {path}: that network, with delta in each neuron")
    try:
        print(f"wrote {viz.save(plots.learning_curves(history), out / 'loss_curve.svg')}: loss and accuracy")
    except ImportError as error:
        print(f"no loss curve: {error}")
