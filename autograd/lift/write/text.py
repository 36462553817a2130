"""Pages as text and as LaTeX."""

from __future__ import annotations

import html

from .layer_legend import legend
from .lines import Line, Loop
from .page import Page
from .style import Latex, MathML, Unicode

__all__ = ["latex_of", "mathml_of", "text_of"]

_IN_LATEX = {"×": r"\times", "−": "-", "·": r"\cdot", "…": r"\ldots", "∞": r"\infty"}


def text_of(page: Page) -> str:
    """Return a page as Unicode text, and sentences on its signs."""
    style = Unicode()
    told = [
        each if isinstance(each, str) else f"  {page.left(each, style)} = {style.text(each.right)}"
        for each in legend(page)
    ]
    return f"{page.text()}\n\n" + "".join(f"{line}\n" for line in told)


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
            left = _in_latex(page, line, style)
            indent = r"\quad " if line.depth else ""
            where = rf", \quad {_plain(line.where)}" if line.where else ""
            rows.append(f"{indent}{left} &= {style.text(line.right)}{where}")
        if rows:
            display = " \\\\\n".join(rows)
            blocks.append(f"\\paragraph{{{section.title}}}\n\\begin{{align*}}\n{display}\n\\end{{align*}}\n")
    told = [
        each if isinstance(each, str) else f"  ${_in_latex(page, each, style)} = {style.text(each.right)}$"
        for each in legend(page, style)
    ]
    return "".join(blocks) + "".join(f"{line}\n" for line in told)


def _in_latex(page: Page, line: Line, style: Latex) -> str:
    left = style.text(line.left)
    return rf"\frac{{\partial {page.naming.loss}}}{{\partial {left}}}" if line.is_gradient else left


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
            parts.append(_in_mathml(page, line, style))
    told = [
        f"<p>{html.escape(each)}</p>" if isinstance(each, str) else _in_mathml(page, each, style)
        for each in legend(page)
    ]
    return "".join([*parts, *told])


def _in_mathml(page: Page, line: Line, style: MathML) -> str:
    loss = f"<mi>{page.naming.loss}</mi>"
    left = style.derivative(loss, line.left) if line.is_gradient else style.text(line.left)
    where = f"<span>, {html.escape(line.where)}</span>" if line.where else ""
    inside = ' class="inside"' if line.depth else ""
    return f"<div{inside}><math>{left}<mo>=</mo>{style.text(line.right)}</math>{where}</div>"


def _plain(text: str) -> str:
    return "".join(_IN_LATEX.get(c, c) for c in text)
