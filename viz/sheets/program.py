"""The page of a compiled program: its equations, its parameters and its source."""

from __future__ import annotations

from autograd import Program
from autograd.notebook import shown_source

from ..svg import escaped
from .mathml import mathml
from .sheet import Sheet, sheet, words

__all__ = ["program_markup", "program_sheet"]


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
        f'<div class="equations">{program.mathml()}</div>'
        f"<details><summary>Source</summary><pre>{_lines(shown_source(program))}</pre></details>"
        f"<details><summary>Report</summary><pre>{_lines(program.report())}</pre></details>"
    )


def _raised(name: str) -> str:
    """Return the name of an array with the number of its layer above it."""
    stem = name.rstrip("0123456789")
    return stem + "".join("⁰¹²³⁴⁵⁶⁷⁸⁹"[int(digit)] for digit in name[len(stem) :]) if stem.isalpha() else name


def _lines(text: str) -> str:
    return "\n".join(map(escaped, text.splitlines()))
