"""The page of a compiled program: its equations, its parameters and its source."""

from __future__ import annotations

import re

from autograd import Program
from autograd.notebook import shown_source

from ..svg import escaped
from .mathml import mathml
from .sheet import Sheet, sheet, words

__all__ = ["equations_markup", "program_markup", "program_sheet"]


def program_sheet(program: Program, title: str = "") -> Sheet:
    """Return the page of a program.

    Raises:
        RuntimeError: If nothing is recorded yet.
    """
    derived = program.derived
    inputs = ", ".join(f"{name} of {length}" for name, length in derived.inputs.items()) or "no input"
    count = derived.parameters.flat.size
    lead = f"From one recorded example: {inputs}; {count:,} parameter{'s' if count != 1 else ''}."
    arrays = "".join(
        f'<tr><td><math class="v">{mathml(_raised(each.name))}</math></td><td class="number">'
        f"{' × '.join(map(str, each.shape)) or 'one number'}</td></tr>"
        for each in derived.parameters.all
    )
    table = f"<table><thead><tr><th>parameter</th><th>shape</th></tr></thead><tbody>{arrays}</tbody></table>"
    heading = title or "A program and its equations"
    head = f"<h1>{words(heading)}</h1><p class='lead'>{words(lead)}</p>"
    parameters = f"<details><summary>Parameters</summary>{table if arrays else '<p>None.</p>'}</details>"
    return sheet(heading, head + program_markup(program) + parameters)


def program_markup(program: Program) -> str:
    """Return the equations of a program as mark-up, and below them its source and its report to unfold."""
    return (
        f'<div class="equations">{_equations(program)}</div>'
        f"<details><summary>Source</summary><pre>{_lines(shown_source(program))}</pre></details>"
        f"<details><summary>Report</summary><pre>{_lines(program.report())}</pre></details>"
    )


def _equations(program: Program) -> str:
    """Return the equations as mark-up: the names of the code are set from the terms, layers from their text."""
    if program.derivation.is_plain_network:
        return equations_markup(program.equations())
    coloured = re.sub(r"<mi>([^\W\d_])</mi>", _coloured, program.mathml())
    return coloured.replace("<mo>⊤</mo>", '<mi mathvariant="normal">T</mi>')


def _coloured(letter: re.Match[str]) -> str:
    kind = "g" if letter[1] in "δ" else "" if letter[1] in "Nσ" else "v"
    return f'<mi class="{kind}">{letter[1]}</mi>' if kind else letter[0]


def _raised(name: str) -> str:
    """Return the name of an array with the number of its layer above it."""
    stem = name.rstrip("0123456789")
    return stem + "".join("⁰¹²³⁴⁵⁶⁷⁸⁹"[int(digit)] for digit in name[len(stem) :]) if stem.isalpha() else name


def _lines(text: str) -> str:
    return "\n".join(map(escaped, text.splitlines()))


def equations_markup(text: str) -> str:
    """Return the text of equations as mark-up: titles, a `<math>` for each equation, and sentences."""
    parts = []
    for line in text.splitlines():
        if line.startswith("  ") and line.strip():
            parts.append(f'<div><math display="inline">{mathml(line.strip())}</math></div>')
        elif line in ("Forward", "Backward", "Gradients"):
            parts.append(f"<h3>{line}</h3>")
        elif line.strip():
            parts.append(f"<p>{words(line, 2000)}</p>")
    return "".join(parts)
