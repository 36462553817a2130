"""The page of the products with the Hessian: the equations under Pearlmutter's operator R."""

from __future__ import annotations

from dataclasses import replace

from ..derive.directional import directional_equations
from ..derive.equations import Equations
from ..language.term import Family, references
from .lines import Line, Section
from .notation import Notation
from .page import Legend, best_page
from .style import Unicode

__all__ = ["directional_text"]

_TITLES = ("Forward", "Backward", "The product with the Hessian")


def directional_text(found: Equations, notation: Notation | None) -> str:
    """Return the equations of H d, the product of the Hessian with a direction d, as Unicode text.

    Args:
        found: The equations of a graph.
        notation: Whose letters to use; None for those of the code. Biases are written apart in all.
    """
    found = directional_equations(found)
    page = best_page(found, replace(notation, bias_column=False) if notation is not None else None)
    page.sections = [
        Section(title, [each for each in section.lines if not isinstance(each, Line) or each.family.tangent_of])
        for title, section in zip(_TITLES, page.sections, strict=True)
    ]
    style = Unicode()
    legend = Legend(page, style)
    parts = [style.symbol(page.naming.symbol(each, "", ())) for each in _directions(found)]
    sentences = [
        f"R{{v}} is the derivative of v in the direction {', '.join(parts)}; R of an input is 0.",
        "What stands here without R is as in the equations of the program, and so is what a batch does.",
        *legend.others(),
        *filter(None, [legend.assumed()]),
    ]
    return f"{page.text()}\n\n" + "".join(f"{each}\n" for each in sentences)


def _directions(found: Equations) -> list[Family]:
    """Return the parts of the direction, in the order of the parameters."""
    read = {each.family for family in found.order for each in references(found.terms[family])}
    parts = {each.tangent_of: each for each in read if each.tangent_of is not None and each.kind == "parameter"}
    return [parts[family] for family, _ in dict.fromkeys(found.recognition.leaves.arrays.values()) if family in parts]
