"""The command line: `python -m nn`, or `deltagrad` once installed.

Each command is a module of `nn.commands`. The exit code is 0, or 1 if a check failed or something could not be done, 2
for wrong arguments, 130 after Ctrl-C. Whatever goes wrong is said in one line on the standard error.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import viz
from autograd.printable import printable

from .commands.arguments import Help, Parser, coloured, say
from .commands.channel import channelled

COMMANDS = ("draw", "derive", "digits", "train", "predict", "check", "grade")

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
    """Return the exit code: 0, 1 if a check or a job failed, 130 after Ctrl-C; wrong arguments exit with 2.

    What cannot be printed is dropped: results that go to files are written all the same. The exit code is 1 then,
    unless the reader of the output, such as `head`, has seen enough of what stands in a file, too.
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    parser = _parser(COMMANDS if arguments[:1] not in [[name] for name in COMMANDS] else arguments[:1])
    try:
        with channelled() as channel:
            code, in_a_file = _code(parser, arguments)
    except SystemExit as end:
        if end.code or channel.error is None:
            raise
        code, in_a_file = 0, False  # of help that could not be printed
    if channel.error is None or code:
        return code
    if isinstance(channel.error, BrokenPipeError):
        return 0 if in_a_file else 1
    _complain(f"the standard output: {channel.error.strerror or channel.error}")  # type: ignore[union-attr]  # a ValueError has none
    return 1


def _code(parser: Parser, arguments: Sequence[str] | None) -> tuple[int, bool]:
    """Run a command; return its exit code, and whether its result stands in a file."""
    options = parser.parse_args(arguments)
    if options.command is None:
        print(WELCOME.format(prog=parser.prog), end="")
        return 0, False
    try:
        return int(options.run(options)), getattr(options, "out", None) is not None
    except KeyboardInterrupt:
        say("deltagrad: interrupted")
        return 130, False
    except (OSError, ValueError, TypeError, ArithmeticError, viz.RendererMissingError) as error:
        _complain(" ".join("; ".join([_text(error), *getattr(error, "__notes__", ())]).split()))
        return 1, False


def _complain(problem: str) -> None:
    say(f"{coloured('deltagrad: error:', 'red', sys.stderr)} {printable(problem)}")


def _text(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _parser(names: Sequence[str]) -> Parser:
    """Return the parser for these commands; a module of a command that is not asked for is not imported."""
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
    for name in names:
        import_module(f".commands.{name}", __package__).add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
