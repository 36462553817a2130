"""The command line: `python -m nn`, or `deltagrad` once installed.

Each command is a module of `nn.commands`. The exit code is 0, or 1 if a check failed or something could not be done, 2
for wrong arguments, 130 after Ctrl-C. Whatever goes wrong is said in one line on the standard error.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import viz

from .commands import check, derive, digits, draw, grade, predict, train
from .commands.arguments import Help, Parser, coloured

COMMANDS = (draw, derive, digits, train, predict, check, grade)

WELCOME = """\
deltagrad: networks of scalars, and the matrix equations that they prove

The shortest way to something to look at is a page that steps through the
forward and the backward pass of one neuron; open it in a browser:

  {prog} draw "tanh(w*x + b)" --at w=0.5 x=2 b=-1 -o step.html

The main job reads handwritten digits and checks every gradient three ways:

  {prog} digits

All commands: {prog} --help
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit code: 0, 1 if a check or a job failed, 130 after Ctrl-C; wrong arguments exit with 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names of classes may hold what the terminal cannot show
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        if options.command is None:
            print(WELCOME.format(prog=parser.prog), end="")
            return 0
        code: int = options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("deltagrad: interrupted", file=sys.stderr)
        return 130
    except (OSError, ValueError, TypeError, ArithmeticError, viz.RendererMissingError) as error:
        line = " ".join("; ".join([_text(error), *getattr(error, "__notes__", ())]).split())
        print(f"{coloured('deltagrad: error:', 'red', sys.stderr)} {line}", file=sys.stderr)
        return 1
    return code


def _text(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _parser() -> Parser:
    script = Path(sys.argv[0]).stem
    prog = script if script == "deltagrad" else "python -m nn"
    parser = Parser(
        prog=prog,
        description="Networks of scalars, and the matrix equations that they prove.",
        epilog=f"{prog} COMMAND --help shows the options of a command, with examples.\n\n"
        f'examples:\n  {prog} draw "tanh(w*x + b)" --at w=0.5 x=2 b=-1 -o step.html\n  {prog} digits\n',
        formatter_class=Help,
    )
    commands = parser.add_subparsers(dest="command", title="commands", metavar="COMMAND")
    for command in COMMANDS:
        command.add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
