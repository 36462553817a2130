"""`train`: a classifier of shipped, made or own data, from raw numbers to a file."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import nn
from autograd.printable import printable

from ..data.csv_files import MISSING
from ..model.activations import ACTIVATIONS
from . import arguments
from .arguments import Commands, coloured, natural_int, positive_float, positive_int, unsigned_float

__all__ = ["add", "run"]

MADE = 200
"""Points in a data set that is made."""

DATA: dict[str, Callable[[int], nn.data.Dataset]] = {
    "circles": lambda seed: nn.data.circles(MADE, seed=seed),
    "digits": lambda _seed: nn.data.load_digits(),
    "iris": lambda _seed: nn.data.load_iris(),
    "moons": lambda seed: nn.data.moons(MADE, seed=seed),
    "spirals": lambda seed: nn.data.spirals(MADE, seed=seed),
    "xor": lambda seed: nn.data.xor(MADE, noise=0.1, seed=seed),
}

OPTIMIZERS: dict[str, tuple[Callable[..., nn.Optimizer], float]] = {
    "adam": (nn.Adam, 0.01),
    "adamw": (nn.AdamW, 0.01),
    "rmsprop": (nn.RMSprop, 0.003),
    "sgd": (nn.SGD, 0.1),
}
"""Optimisers with the learning rate they get unless one is given."""

LINES = 12
"""Epochs that the table shows, at most."""


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = arguments.add(
        commands,
        "train",
        summary="train a classifier on a data set or a CSV file",
        description="Train a network to tell classes apart and write it to a file.\n\n"
        f"DATA is one of {', '.join(DATA)},\n"
        "or a file of comma-separated text with a header line. The data are split into\n"
        "parts to train on (60%), to choose the best epoch by (20%) and to test with\n"
        "(20%). Inputs are standardised by the training part; the network that is\n"
        "written takes them as they are in the file.",
        examples="train moons -o moons.npz\n"
        "train flowers.csv --target species --hidden 16 16\n"
        "train digits --epochs 100 --checkpoint run.npz --resume",
    )
    parser.add_argument("data", metavar="DATA", help="a name or a file ending in .csv")
    parser.add_argument("--target", metavar="NAME", help="column of the class; the last one if not given")
    parser.add_argument("--categorical", nargs="+", default=[], metavar="NAME", help="columns that hold words")
    parser.add_argument("--ignore", nargs="+", default=[], metavar="NAME", help="columns to leave out")
    arguments.add_csv_options(parser)
    parser.add_argument(
        "--missing", nargs="+", metavar="WORD", help="what counts as missing; else NA, none, null, nan, ? and the like"
    )
    parser.add_argument("--hidden", type=positive_int, nargs="+", default=[16], metavar="N", help="neurons a layer")
    parser.add_argument(
        "--activation", choices=sorted(ACTIVATIONS), default="tanh", metavar="NAME", help="of the hidden layers"
    )
    parser.add_argument("--optimizer", choices=sorted(OPTIMIZERS), default="adam", help="how to step")
    parser.add_argument(
        "--learning-rate", type=positive_float, metavar="X", help="size of a step; else what suits the optimiser"
    )
    parser.add_argument("--epochs", type=positive_int, default=60, metavar="N", help="times to go through the data")
    parser.add_argument("--batch-size", type=positive_int, default=16, metavar="N", help="examples in a step")
    parser.add_argument("--l2", type=unsigned_float, default=0.0, metavar="C", help="penalty (c/2) sum w^2")
    parser.add_argument("--patience", type=positive_int, metavar="N", help="stop after N epochs without improvement")
    parser.add_argument("--seed", type=natural_int, default=0, metavar="N", help="seed of data, split, weights, order")
    parser.add_argument("--checkpoint", type=Path, metavar="FILE", help="keep a checkpoint here")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint, if there is one")
    parser.add_argument("-o", "--out", type=Path, default=Path("model.npz"), metavar="FILE", help="where to write it")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Train and return the exit code.

    Raises:
        ValueError: If there is one class only, or options contradict each other.
        FileNotFoundError: If there is no folder for the file.
    """
    dataset = _dataset(options)
    if dataset.n_classes < 2:
        raise ValueError(f"{options.data} holds one class only, {dataset.class_names[0]!r}: there is nothing to learn")
    if options.resume and options.checkpoint is None:
        raise ValueError("--resume needs --checkpoint FILE")
    if not options.out.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {options.out.parent} to write {options.out.name} to")
    parts = nn.data.train_validation_test_split(dataset, seed=options.seed)
    standardization = nn.data.Standardization.learned(parts[0])
    train, validation, test = (standardization.applied(part) for part in parts)
    model = nn.MLP(dataset.X.shape[1], [*options.hidden, dataset.n_classes], options.activation, seed=options.seed)
    sizes = "-".join(map(str, [model.n_in, *options.hidden, model.n_out]))
    print(f"data      {dataset.name}: {len(dataset)} examples, {model.n_in} inputs, {dataset.n_classes} classes")
    if options.data not in DATA:
        print(textwrap.fill(dataset.description, 79, initial_indent=" " * 10, subsequent_indent=" " * 10))
    print(f"          {len(train)} to train on, {len(validation)} to choose by, {len(test)} to test with")
    print(f"network   {sizes}, {options.activation}: {len(model.parameters())} parameters", flush=True)
    history = _fit(model, train, validation, options)
    take_raw_inputs(model, standardization)
    notes = {"features": list(dataset.feature_names), "classes": list(dataset.class_names), "data": dataset.name}
    notes["target"] = options.target or ""
    nn.save(model, options.out, notes=notes)
    _print_table(history)
    accuracy = model.score(parts[2].X, parts[2].y)
    print(f"\n{coloured(f'{accuracy:.2%}', 'bold')} of the {len(test)} test examples are right")
    print(f"wrote {options.out}: the network, with the names of inputs and classes")
    if history.ended.startswith("interrupted"):
        print(f"deltagrad: {printable(history.ended)}", file=sys.stderr)
        return 130
    return 0


def take_raw_inputs(model: nn.MLP, standardization: nn.data.Standardization) -> None:
    """Change the first layer so that it takes inputs as they come and gives what it gave for standardised ones.

    W ((x − mean) / deviation) + b = (W / deviation) x + (b − (W / deviation) mean).
    """
    W, b = model.weights[0] / standardization.deviation, model.biases[0]
    model.load_state_dict({"W1": W, "b1": b - W @ standardization.mean}, strict=False)


def _dataset(options: argparse.Namespace) -> nn.data.Dataset:
    if options.data in DATA:
        if options.target or options.categorical or options.ignore or options.delimiter or options.missing:
            raise ValueError("--target, --categorical, --ignore, --delimiter and --missing are for CSV files")
        return DATA[options.data](options.seed)
    if not options.data.lower().endswith(".csv"):
        raise ValueError(f"DATA is one of {', '.join(DATA)}, or a file ending in .csv, got {options.data!r}")
    return nn.data.read_csv(
        options.data,
        target=options.target if options.target is not None else -1,
        categorical=options.categorical,
        ignore=options.ignore,
        delimiter=options.delimiter,
        decimal=options.decimal,
        missing=MISSING if options.missing is None else options.missing,
        progress=True,
    )


def _fit(model: nn.MLP, train: nn.data.Dataset, validation: nn.data.Dataset, options: argparse.Namespace) -> nn.History:
    make, rate = OPTIMIZERS[options.optimizer]
    optimizer = make(model.parameters(), options.learning_rate or rate)
    return nn.fit(
        model,
        train.X,
        train.T,
        loss="cross_entropy",
        optimizer=optimizer,
        epochs=options.epochs,
        batch_size=options.batch_size,
        seed=options.seed,
        l2=options.l2,
        validation=(validation.X, validation.T),
        early_stopping=nn.EarlyStopping(options.patience),
        checkpoint=options.checkpoint,
        resume=options.resume,
    )


def _print_table(history: nn.History) -> None:
    """Print some epochs, the best one and the last one among them."""
    count = len(history)
    shown = {round(1 + k * (count - 1) / (LINES - 2)) for k in range(LINES - 1)} if count else set()
    if history.best_epoch is not None:
        shown.add(history.best_epoch)
    print("\n          training           validation\nepoch     loss    accuracy   loss    accuracy")
    series = (history.loss, history.accuracy, history.validation_loss, history.validation_accuracy)
    rows = list(zip(*(values for values in series if values is not None), strict=True))
    for epoch in sorted(shown):
        loss, accuracy, validation_loss, validation_accuracy = rows[epoch - 1]
        best = "  best" if epoch == history.best_epoch else ""
        print(f"{epoch:5}     {loss:6.4f}  {accuracy:7.2%}    {validation_loss:6.4f}  {validation_accuracy:7.2%}{best}")
    if history.ended != "finished":
        print(history.ended)
