"""Run the Python blocks of the documentation: python docs/run_pages.py writes what they print into the pages.

A block is fenced with ```pycon. The blocks of a page share their names, from top to bottom. Everything between two
prompts is what the first one printed, blank lines included; of an error, its type and message. What stands between
`<!-- derived: EXPRESSION -->` and `<!-- end -->` is the LaTeX that the expression gives, for KaTeX.

A page has an empty folder to work in. A block with a title, such as ```python title="my_backprop.py", is a file in it;
a block fenced with ```console holds commands of this program behind `$ `, each followed by what it prints. There `…`
stands for anything, on as many lines as it takes: for seconds, and for rounding errors, which differ by machine.
"""

import contextlib
import io
import itertools
import linecache
import re
import shlex
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

HERE = Path(__file__).resolve().parent
BLOCK = re.compile(
    r'^```(?P<kind>\w+)(?P<title> title="(?P<file>[^"]+)")?\n(?P<body>.*?)^```$', re.MULTILINE | re.DOTALL
)
DERIVED = re.compile(
    r"^<!-- derived: (?P<expression>.+) -->\n(?P<old>.*?)^<!-- end -->$",
    re.MULTILINE | re.DOTALL,
)
INPUTS: "itertools.count[int] | None" = None
RAISED = "Traceback (most recent call last):\n    ...\n"

__all__ = ["Example", "answered", "examples", "fits", "for_katex", "pages", "printed", "rewritten"]


class Example(NamedTuple):
    """One prompt with its continuation lines, and what stands below it.

    Attributes:
        source: The lines with their prompts.
        wanted: What the page says it prints.
    """

    source: str
    wanted: str

    @property
    def code(self) -> str:
        """The source without prompts."""
        return "".join(line[4:] if line[4:] else "\n" for line in self.source.splitlines(keepends=True))


def pages() -> list[Path]:
    """Return the pages of the documentation, in order."""
    return sorted(HERE.rglob("*.md"))


def examples(block: str) -> list[Example]:
    """Return the examples of one block."""
    found: list[Example] = []
    for line in block.splitlines(keepends=True):
        if line.startswith(">>> "):
            found.append(Example(line, ""))
        elif not found:
            raise ValueError(f"a block must begin with >>>, got {line!r}")
        elif line.startswith(("... ", "...\n")) and not found[-1].wanted:
            found[-1] = found[-1]._replace(source=found[-1].source + line)
        else:
            found[-1] = found[-1]._replace(wanted=found[-1].wanted + line)
    return found


def printed(example: Example, names: dict[str, Any]) -> str:
    """Return what an example prints, and keep its names. A warning is an error."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            # "single" prints the value of an expression, as the interpreter does
            exec(compile(example.code + "\n", _registered(example.code), "single"), names)
        except Exception as error:  # whatever it raises is what the page has to show
            name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
            out.write(f"{RAISED}{name}: {str(error).strip()}\n")
    return out.getvalue()


def _registered(code: str) -> str:
    """Return the name of an input, by which its text can be had where code is read, as in Python from 3.13 on."""
    if INPUTS is None:
        return "<page>"
    file = f"<python-input-{next(INPUTS)}>"
    linecache.cache[file] = (len(code), None, code.splitlines(keepends=True), file)
    return file


def answered(block: str) -> str:
    """Return a block of commands with what they print today, or what stands there where that fits."""
    lines = []
    for command, wanted in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
        actual = output_of(command)
        lines.append(f"$ {command}\n{wanted if fits(wanted, actual) else actual}")
    return "".join(lines)


def output_of(command: str) -> str:
    """Return what a command prints, on the standard output and on the standard error, without colours.

    Raises:
        ValueError: If it is no command of this program.
    """
    from nn.__main__ import main  # when the path to it is known

    program, arguments = "python -m nn", command.removeprefix("python -m nn")
    if command == arguments:
        raise ValueError(f"a block of commands runs {program} alone, got {command!r}")
    out = io.StringIO()
    with (
        mock.patch.object(sys, "argv", [program]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(out),
        contextlib.suppress(SystemExit),  # wrong arguments, or --help
    ):
        main(shlex.split(arguments))
    return out.getvalue()


def fits(wanted: str, actual: str) -> bool:
    """Return whether an output is what a page says, where `…` stands for anything."""
    return re.fullmatch(".*?".join(map(re.escape, wanted.split("…"))), actual, re.DOTALL) is not None


def rewritten(text: str) -> str:
    """Return a page with the outputs that its blocks give today."""
    global INPUTS  # a page begins to count anew
    INPUTS = itertools.count() if "check_backprop(" in text else None
    names: dict[str, Any] = {"__name__": "__page__"}

    def block(match: re.Match[str]) -> str:
        if match["expression"]:
            latex = for_katex(eval(match["expression"], names))
            return f"<!-- derived: {match['expression']} -->\n\n{latex}\n<!-- end -->"
        body = match["body"]
        if match["file"]:
            Path(match["file"]).write_text(body, encoding="utf-8", newline="\n")
        elif match["kind"] == "pycon":
            body = "".join(example.source + printed(example, names) for example in examples(body))
        elif match["kind"] == "console":
            body = answered(body)
        return f"```{match['kind']}{match['title'] or ''}\n{body}```"

    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        return re.sub(f"{BLOCK.pattern}|{DERIVED.pattern}", block, text, flags=re.MULTILINE | re.DOTALL)


def for_katex(latex: str) -> str:
    """Return LaTeX with amsmath as Markdown: bold headings, a paragraph for a sentence, displays for KaTeX."""
    parts = re.split(r"(\\begin\{align\*\}.*?\\end\{align\*\})", latex, flags=re.DOTALL)
    found = []
    for part in parts:
        if part.startswith("\\begin"):
            found.append(f"\\[{part}\\]")
        else:
            prose = re.sub(r"\\paragraph\{(.*?)\}", r"**\1**", part)
            found.extend(re.sub(r"\$(.+?)\$", r"\\(\1\\)", line) for line in prose.splitlines() if line)
    return "\n\n".join(found) + "\n"


if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parent.resolve()))
    for page in pages():
        text = page.read_text(encoding="utf-8")
        page.write_text(rewritten(text), encoding="utf-8", newline="\n")
