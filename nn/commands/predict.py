"""`predict`: the classes of the rows of a CSV file, by a network that `train` has written."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from pathlib import Path
from typing import Any

import nn
from autograd.files import written

from . import arguments
from .arguments import Commands
from .channel import Channel

__all__ = ["add", "run"]


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = arguments.add(
        commands,
        "predict",
        summary="classify the rows of a CSV file with a trained network",
        description="Classify the rows of a file of comma-separated text with a network that train\n"
        "has written. The file has a header line with the names of the inputs; other\n"
        "columns are not looked at. The answer is comma-separated text, too: the class\n"
        "of each row and the probability of every class.",
        examples="predict model.npz flowers.csv\npredict model.npz flowers.csv -o classes.csv",
    )
    parser.add_argument("model", type=Path, metavar="MODEL", help="a file written by train")
    parser.add_argument("file", type=Path, metavar="FILE.csv", help="the rows to classify")
    arguments.add_csv_options(parser)
    parser.add_argument("-o", "--out", type=Path, metavar="FILE", help="where to write the answer; else it is printed")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Classify and return the exit code.

    Raises:
        ValueError: If the file of the model does not say what its inputs and classes are called.
    """
    model, notes = nn.load_with_notes(options.model)
    features, classes = _names(notes, "features"), _names(notes, "classes")
    if len(features) != model.n_in or len(classes) != model.n_out:
        raise ValueError(f"{options.model} does not say what its inputs and classes are called; train writes that")
    inputs = nn.data.read_csv_inputs(
        options.file, features, delimiter=options.delimiter, decimal=options.decimal, progress=True
    )
    rows = model.predict_proba(inputs)
    answer = io.StringIO()
    writer = csv.writer(answer, lineterminator="\n")
    writer.writerow(["class", *(f"p({name})" for name in classes)])
    writer.writerows([classes[int(row.argmax())], *(f"{p:.4f}" for p in row)] for row in rows)
    if options.out is None:
        write = sys.stdout.write_data if isinstance(sys.stdout, Channel) else sys.stdout.write
        write(answer.getvalue())
    else:
        written(options.out, answer.getvalue().encode("utf-8"))
        print(f"wrote {options.out}: the classes of {len(rows)} rows")
    return 0


def _names(notes: dict[str, Any], key: str) -> list[str]:
    names = notes.get(key)
    return names if isinstance(names, list) and all(isinstance(name, str) for name in names) else []
