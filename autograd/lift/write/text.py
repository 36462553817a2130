"""Pages as text and as LaTeX."""

from __future__ import annotations

import html

from .lines import Loop
from .page import Page, legend
from .style import Latex, MathML

__all__ = ["latex_of", "mathml_of", "text_of"]

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


def mathml_of(page: Page) -> str:
    """Return a page as HTML: a heading for each section, a `<math>` in a `<div>` for each line, and sentences."""
    style = MathML()
    parts = []
    for section in page.sections:
        parts.append(f"<h3>{section.title}</h3>")
        for line in section.lines:
            if isinstance(line, Loop):
                parts.append(f"<p>for <i>{line.letter}</i> = {line.start}, …, {line.end}:</p>")
                continue
            left = style.text(line.left)
            if line.is_gradient:
                above = f"<mrow><mo>∂</mo><mi>{page.naming.loss}</mi></mrow>"
                left = f"<mfrac>{above}<mrow><mo>∂</mo>{left}</mrow></mfrac>"
            where = f"<span>, {html.escape(line.where)}</span>" if line.where else ""
            inside = ' class="inside"' if line.depth else ""
            parts.append(f"<div{inside}><math>{left}<mo>=</mo>{style.text(line.right)}</math>{where}</div>")
    return "".join(parts) + "".join(f"<p>{html.escape(line)}</p>" for line in legend(page))


def _plain(text: str) -> str:
    return "".join(_IN_LATEX.get(c, c) for c in text)
