"""Run the Python blocks of the documentation: python docs/run_pages.py writes what they print into the pages.

A block is fenced with ```pycon. The blocks of a page share their names, from top to bottom. Everything between two
prompts is what the first one printed, blank lines included; of an error, its type and message. What stands between
`<!-- derived: EXPRESSION -->` and `<!-- end -->` is the LaTeX that the expression gives, for KaTeX.
"""

import contextlib
import io
import re
import sys
import warnings
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
BLOCK = re.compile(r"^```pycon\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DERIVED = re.compile(r"^<!-- derived: (.+) -->\n(.*?)^<!-- end -->$", re.MULTILINE | re.DOTALL)
RAISED = "Traceback (most recent call last):\n    ...\n"

__all__ = ["Example", "examples", "for_katex", "pages", "printed", "rewritten"]


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
            exec(compile(example.code + "\n", "<page>", "single"), names)
        except Exception as error:  # whatever it raises is what the page has to show
            name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
            out.write(f"{RAISED}{name}: {str(error).strip()}\n")
    return out.getvalue()


def rewritten(text: str) -> str:
    """Return a page with the outputs that its blocks give today."""
    names: dict[str, Any] = {"__name__": "__page__"}

    def block(match: re.Match[str]) -> str:
        if match[0].startswith("<!--"):
            expression = DERIVED.fullmatch(match[0])[1]
            return f"<!-- derived: {expression} -->\n\n{for_katex(eval(expression, names))}\n<!-- end -->"
        lines = [example.source + printed(example, names) for example in examples(BLOCK.fullmatch(match[0])[1])]
        return f"```pycon\n{''.join(lines)}```"

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
    sys.path.insert(0, str(HERE.parent))
    for page in pages():
        text = page.read_text(encoding="utf-8")
        page.write_text(rewritten(text), encoding="utf-8", newline="\n")
