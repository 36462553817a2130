"""What the commands share: the kinds of arguments, the layout of help, and colour."""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
from typing import NoReturn, TextIO, TypeAlias

from autograd.printable import printable, shows_colour

__all__ = [
    "Commands",
    "Help",
    "Parser",
    "add",
    "add_csv_options",
    "coloured",
    "natural_int",
    "positive_float",
    "positive_int",
    "say",
    "unsigned_float",
]

WIDTH, NARROWEST = 80, 40

COLOURS = {"bold": "1", "faint": "2", "red": "1;31", "green": "32"}


class Help(argparse.RawDescriptionHelpFormatter):
    """Lays help out in at most 80 columns, with the description as it is written and the defaults of options."""

    def __init__(self, prog: str) -> None:
        columns = shutil.get_terminal_size((WIDTH, 24)).columns
        super().__init__(prog, width=max(NARROWEST, min(WIDTH, columns)) - 1, max_help_position=26)

    def _get_help_string(self, action: argparse.Action) -> str | None:
        text = action.help or ""
        if action.option_strings and action.default not in (None, False, [], argparse.SUPPRESS):
            text += " (default: %(default)s)"
        return text


class Parser(argparse.ArgumentParser):
    """A parser whose errors take one line."""

    def error(self, message: str) -> NoReturn:
        """Print what is wrong with the arguments and exit with 2."""
        line = printable(" ".join(message.split()))
        say(f"{coloured('deltagrad: error:', 'red', sys.stderr)} {line} (see {self.prog} --help)")
        self.exit(2)


def say(line: str) -> None:
    """Print a line on the standard error, if anybody takes it."""
    with contextlib.suppress(OSError, ValueError):  # as argparse itself does in later versions
        print(line, file=sys.stderr)


Commands: TypeAlias = "argparse._SubParsersAction[Parser]"


def add(commands: Commands, name: str, *, summary: str, description: str, examples: str) -> Parser:
    """Return a new parser for a command, with its examples below the options."""
    parser: Parser = commands.add_parser(name, help=summary, description=description, formatter_class=Help)
    program = parser.prog.removesuffix(f" {name}")
    parser.epilog = "examples:\n" + "".join(f"  {program} {line}\n" for line in examples.strip().splitlines())
    return parser


def coloured(text: str, colour: str, stream: TextIO | None = None) -> str:
    """Return text in a colour where the stream is a terminal that shows it and NO_COLOR is not set."""
    stream = sys.stdout if stream is None else stream
    if not shows_colour(stream):
        return text
    return f"\x1b[{COLOURS[colour]}m{text}\x1b[0m"


def add_csv_options(parser: Parser) -> None:
    """Add the options that say how a file of comma-separated text is written."""
    parser.add_argument(
        "--delimiter",
        type=_character,
        metavar="C",
        help="what separates fields, \\t for a tab; else what splits the header into the most",
    )
    parser.add_argument("--decimal", choices=(".", ","), default=".", help="what stands before decimals")


def _character(text: str) -> str:
    character = {"\\t": "\t", "tab": "\t"}.get(text, text)
    if len(character) != 1:
        raise argparse.ArgumentTypeError(f"needs one character, got {text!r}")
    return character


def positive_int(text: str) -> int:
    """Return a whole number greater than 0.

    Raises:
        ArgumentTypeError: If the text is something else.
    """
    if not (text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"needs a whole number greater than 0, got {text!r}")
    return int(text)


def natural_int(text: str) -> int:
    """Return a whole number from 0 up.

    Raises:
        ArgumentTypeError: If the text is something else.
    """
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"needs a whole number from 0 up, got {text!r}")
    return int(text)


def positive_float(text: str) -> float:
    """Return a finite number greater than 0.

    Raises:
        ArgumentTypeError: If the text is something else.
    """
    number = _float(text)
    if not 0.0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"needs a finite number greater than 0, got {text!r}")
    return number


def unsigned_float(text: str) -> float:
    """Return a finite number from 0 up.

    Raises:
        ArgumentTypeError: If the text is something else.
    """
    number = _float(text)
    if not 0.0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"needs a finite number from 0 up, got {text!r}")
    return number


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
