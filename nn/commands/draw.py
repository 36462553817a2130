"""`draw`: both passes of a formula, in the terminal or as a file."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import viz

from . import arguments
from .arguments import Commands, coloured
from .formula import OPERATIONS, assignments, value_of

__all__ = ["add", "run"]

PICTURES = (".svg", ".png", ".pdf", ".dot", ".gv")


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = arguments.add(
        commands,
        "draw",
        summary="draw the forward and the backward pass of a formula",
        description="Compute a formula and its derivatives at a point and draw both passes: as a tree\n"
        "in the terminal or, with -o, as a page to step through (.html), a picture\n"
        "(.svg .png .pdf), text (.txt), DOT (.dot) or data (.json).\n\n"
        "A formula holds numbers, names, + - * / ** and the operations:\n\n" + _operations(),
        examples='draw "tanh(w*x + b)" --at w=0.5 x=2 b=-1\n'
        'draw "tanh(w*x + b)" --at w=0.5 x=2 b=-1 -o step.html\n'
        'draw "log(1 + exp(-t*z))" --at t=1 z=0.3 -o loss.svg',
    )
    parser._negative_number_matcher = re.compile("-[^-]")  # "-x**2" is a formula and no option
    parser.add_argument("formula", metavar="FORMULA", help="what to draw, in quotes")
    parser.add_argument("--at", nargs="+", default=[], metavar="NAME=X", help="a number for each variable")
    parser.add_argument("-o", "--out", type=Path, metavar="FILE", help="where to write it; the suffix says as what")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Draw a formula and return the exit code."""
    value, leaves = value_of(options.formula, assignments(options.at))
    value.backward()
    if options.out is None:
        print(viz.to_text(value))
        print()
    else:
        picture = viz.draw_backward(value) if options.out.suffix.lower() in PICTURES else value
        viz.save(picture, options.out)
    print(f"{options.formula} = {coloured(f'{value.data:.10g}', 'bold')}")
    width = max(map(len, leaves))
    for name, leaf in leaves.items():
        print(f"  d/d{name:{width}} = {leaf.grad:.10g}")
    if options.out is not None:
        print(f"wrote {options.out}")
    return 0


def _operations() -> str:
    lines, line = [], " "
    for name in sorted(OPERATIONS):
        if len(line) + 1 + len(name) > 76:
            lines.append(line)
            line = " "
        line += f" {name}"
    return "\n".join([*lines, line])
