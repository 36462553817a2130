"""Pages as text and as LaTeX."""

from __future__ import annotations

from .lines import Loop
from .page import Page, legend
from .style import Latex

__all__ = ["latex_of", "text_of"]

_IN_LATEX = {"×": r"\times", "−": "-", "·": r"\cdot", "…": r"\ldots", "∞": r"\infty"}


def text_of(page: Page) -> str:
    """Return a page as Unicode text, and sentences on its signs."""
    return f"{page.text()}\n\n" + "".join(f"{line}\n" for line in legend(page))


def latex_of(page: Page) -> str:
    """Return a page as `align*` displays of amsmath, and sentences on its signs."""
    style = Latex()
    blocks = []
    for section in page.sections:
        rows = []
        for line in section.lines:
            if isinstance(line, Loop):
                rows.append(rf"&\text{{for }} {line.letter} = {line.start}, \ldots, {line.end}\colon")
                continue
            left = style.text(line.left)
            if line.is_gradient:
                left = rf"\frac{{\partial {page.naming.loss}}}{{\partial {left}}}"
            indent = r"\quad " if line.depth else ""
            where = rf", \quad {_plain(line.where)}" if line.where else ""
            rows.append(f"{indent}{left} &= {style.text(line.right)}{where}")
        if rows:
            display = " \\\\\n".join(rows)
            blocks.append(f"\\paragraph{{{section.title}}}\n\\begin{{align*}}\n{display}\n\\end{{align*}}\n")
    return "".join(blocks) + "".join(f"{_plain(line)}\n" for line in legend(page, style))


def _plain(text: str) -> str:
    return "".join(_IN_LATEX.get(c, c) for c in text)
