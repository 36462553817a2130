"""`grade`: the referee for a folder of hand-written backward passes."""

from __future__ import annotations

import argparse
import json
import secrets
from collections.abc import Sequence
from pathlib import Path

from autograd.files import written

from ..grading import Assignment, Mark, graded, page
from ..grading.process import Limits
from . import arguments
from .arguments import Commands

__all__ = ["add", "run"]


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = arguments.add(
        commands,
        "grade",
        summary="grade a folder of backward passes that others wrote",
        description="Run the function my_backprop(weights, biases, X, T) of every file in a\n"
        "process of its own, on networks and batches it has not seen, judge the arrays\n"
        "it returns, and print a table: how many dW and db are right, and what is wrong.\n\n"
        "The assignment is a Python file of yours that may define MODEL, LOSS, LABELS,\n"
        "L2, LAYOUT and the other constants of `check`; what shapes tell need not be\n"
        "said, and other forms are taken as there. A submission gets marks for right\n"
        "arrays only, whatever else it does; it cannot import autograd or nn, and runs\n"
        "within limits.\n\n"
        "This is no sandbox: a submission can read and write what you can. Grade the\n"
        "code of strangers in a container.",
        examples="grade homework --json marks.json\ngrade homework --assignment task.py --html marks.html",
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="the folder of the submissions")
    parser.add_argument("--pattern", default="*.py", metavar="GLOB", help="which files in it are submissions")
    parser.add_argument("--assignment", type=Path, metavar="FILE", help="your Python file that says what is asked")
    parser.add_argument(
        "--function", default="my_backprop", metavar="NAME", help="the function in each file, or net.method"
    )
    parser.add_argument(
        "--seconds", type=arguments.positive_float, default=10.0, metavar="S", help="time limit of each"
    )
    parser.add_argument(
        "--memory", type=arguments.positive_int, default=2048, metavar="MB", help="memory limit of each"
    )
    parser.add_argument(
        "--seed", type=arguments.natural_int, metavar="N", help="seed of what is hidden; random if not given"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result as JSON")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write the result as a page")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the table, write the files that were asked for, and return 0.

    Raises:
        ValueError: If there is no submission.
        TypeError: If the assignment's MODEL is no MLP.
        NotADirectoryError: If there is no folder of submissions.
        FileNotFoundError: If there is no folder to write a file to.
        OSError: If a file cannot be read or written.
    """
    if not options.folder.is_dir():
        raise NotADirectoryError(f"there is no folder {options.folder}")
    paths = sorted(path for path in options.folder.glob(options.pattern) if path.is_file())
    if not paths:
        raise ValueError(f"no file in {options.folder} matches {options.pattern}")
    for target in (options.json, options.html):
        if target is not None and not target.parent.is_dir():
            raise FileNotFoundError(f"there is no folder {target.parent} to write {target.name} to")
    assignment = Assignment.from_file(options.assignment, options.function)
    seed = secrets.randbits(32) if options.seed is None else options.seed
    limits = Limits(options.seconds, options.memory)
    marks = [
        graded(path, path.relative_to(options.folder).as_posix(), assignment, seed=seed, limits=limits)
        for path in paths
    ]
    if options.json is not None:
        result = {"seed": seed, "marks": [mark.to_dict() for mark in marks]}
        written(options.json, (json.dumps(result, indent=1, ensure_ascii=False) + "\n").encode())
    if options.html is not None:
        written(options.html, page(marks, f"Backward passes in {options.folder.name}").encode())
    _print(marks, seed)
    return 0


def _print(marks: Sequence[Mark], seed: int) -> None:
    width = max(len("submission"), *(len(mark.name) for mark in marks))
    print(f"{'submission':<{width}}  right  finding")
    for mark in marks:
        count = f"{mark.right}/{mark.total}"
        print(f"{mark.name:<{width}}  {count:>5}  {mark.finding}")
    print(f"\n{len(marks)} graded; --seed {seed} hides the same networks and batches again")
