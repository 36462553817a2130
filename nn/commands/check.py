"""`check`: the referee for a hand-written backward pass in a file."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from autograd.lift.write.notation import NOTATIONS

from . import arguments, self_check
from .arguments import Commands, coloured
from .file_report import DEFAULT, report_on
from .isolated import isolated, limit_memory

__all__ = ["add", "run"]

MEMORY = 4096  # megabytes
STARTING = 60.0  # seconds on the clock for the file itself and for judging its numbers
PATIENCE = 12.0  # seconds on the clock for one of reading: the machine may be busy


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = arguments.add(
        commands,
        "check",
        summary="say whether a backward pass that you wrote is right, and where not",
        description="Compare the matrix backpropagation in a Python file with the engine, array by\n"
        "array. What is wrong is looked for in its code: the line, what stands there,\n"
        "what belongs there. For that the function runs many times, in a process of\n"
        "its own, without output, and may not write anything.\n\n"
        "The file defines a function my_backprop(weights, biases, X, T) that returns\n"
        "(dW, db) or (dW, db, delta), lists with one array a layer. Unless it defines\n"
        "them too, these are chosen:\n\n"
        "  MODEL   an nn.MLP: by default MLP(3, [4, 4, 2]) with sigmoid everywhere;\n"
        "          or any network written with Values, WHOLE_BATCH = True if it takes\n"
        "          all rows at once\n"
        "  X, T    a batch: by default 5 random examples\n"
        "  LABELS  the classes, such as range(1, 11), for targets that are labels\n"
        "  LOSS    the name of a loss: by default half_squared_error\n"
        "  L2      the coefficient of (c/2) times the sum of all squared weights: 0\n"
        "  L2_BIASES  True if the penalty has the biases in it too: by default False\n"
        '  LAYOUT  "rows" or "columns": by default rows, one example each\n'
        '  WEIGHTS "out_in" or "in_out": the shape of W; by default told by what runs\n'
        '  REDUCE  "mean" or "sum" over the examples: by default mean\n'
        "  ONE_BY_ONE  True to be called for each example by itself: by default False\n"
        "  NOTATION  whose letters: superscript, theta, epsilon, prime, parentheses,\n"
        "          nielsen or cs231n; by default those that your names suggest\n"
        '  BIAS_COLUMN  "first" or "last" if b is a column of W: by default it is none\n'
        "  LEARNING_RATE  of the step, if the function returns nothing and takes one",
        examples="check\ncheck my_backprop.py\ncheck my_backprop.py --function backward --seed 3",
    )
    parser.add_argument(
        "file", type=Path, nargs="?", metavar="FILE", help="the Python file; without one the engine itself is checked"
    )
    parser.add_argument(
        "--function", default=DEFAULT, metavar="NAME", help="the function in it, or a method: net.backprop"
    )
    parser.add_argument("--seed", type=arguments.natural_int, default=0, metavar="N", help="seed of what is chosen")
    parser.add_argument("--notation", choices=list(NOTATIONS), metavar="NAME", help="whose letters it is told in")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument(
        "--time-limit",
        type=arguments.unsigned_float,
        default=10.0,
        metavar="SECONDS",
        help="of reading the code; 0 judges the numbers only",
    )
    parser.add_argument(
        "--memory", type=arguments.positive_int, metavar="MB", help=f"that its process may use (default: {MEMORY})"
    )
    parser.add_argument("--in-process", action="store_true", help="run it here, in no process of its own")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the report and return 0 if every array is right, 1 otherwise.

    Raises:
        ValueError: If the file does not define the function, or the function fails.
        TypeError: If its MODEL is no MLP.
    """
    if options.file is None:
        return self_check.run(options.seed)
    if not options.in_process:
        return isolated(_arguments(options), STARTING + PATIENCE * options.time_limit)
    if options.memory:
        limit_memory(options.memory)
    report = report_on(options.file, options.function, options.seed, options.time_limit, options.notation)
    if options.json:
        print(json.dumps(report.to_dict(), ensure_ascii=False, indent=1))
    else:
        print(report.to_text(coloured))
    return 0 if report.ok else 1


def _arguments(options: argparse.Namespace) -> list[str]:
    """Return the command line that does the same in the process that runs it."""
    found = ["check", str(options.file), "--function", options.function, "--seed", str(options.seed)]
    found += ["--time-limit", str(options.time_limit), "--memory", str(options.memory or MEMORY), "--in-process"]
    found += ["--notation", options.notation] if options.notation else []
    return [*found, "--json"] if options.json else found
