"""Pages: the equations and the sentences below them, with the choice of indices that makes them shortest."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ..derive.equations import Equations
from ..language.index import Axis, at, fixed
from ..language.term import Condition, Family, references, walk
from .indexing import Indexing
from .layout import sections
from .lines import Line, Loop, Section
from .naming import Naming
from .style import Style, Unicode
from .typeset import Typesetter, UnprintableError

__all__ = ["Page", "best_page", "legend"]

_TRIALS = 40  # pages that are set to find the shortest

RULES = {
    "gelu": "gelu(z) = ½z(1 + tanh(√(2/π)(z + 0.044715z³)))",
    "σ′": "σ′(z) = σ(z)(1 − σ(z))",
    "tanh′": "tanh′(z) = 1 − tanh(z)²",
    "relu′": "relu′(z) = [z > 0]",
    "softplus′": "softplus′(z) = σ(z)",
    "silu′": "silu′(z) = σ(z)(1 + z(1 − σ(z)))",
}


@dataclass
class Page:
    """A page, before a style gives it signs.

    Attributes:
        indexing: Which axes are indices.
        typesetter: What has set the formulas, and the signs that occurred.
        sections: The equations.
    """

    indexing: Indexing
    typesetter: Typesetter
    sections: list[Section]

    @property
    def naming(self) -> Naming:
        """The names on the page."""
        return self.typesetter.naming

    def left(self, line: Line, style: Style) -> str:
        """Return the left side of an equation."""
        text = style.text(line.left)
        return f"∂{self.naming.loss}/∂{text}" if line.is_gradient else text

    def text(self) -> str:
        """Return the equations as Unicode text, without the sentences."""
        style = Unicode()
        lines = []
        for section in self.sections:
            if section.lines:
                lines.append(section.title)
            for each in section.lines:
                if isinstance(each, Loop):
                    lines.append(f"  for {each.letter} = {each.start}, …, {each.end}")
                    continue
                where = f", {each.where}" if each.where else ""
                lines.append("  " * (1 + each.depth) + f"{self.left(each, style)} = {style.text(each.right)}{where}")
        return "\n".join(lines)


def page(found: Equations, chosen: Iterable[Axis] | None = None) -> Page:
    """Return the page on which some classes of axes are indices beside those that must be.

    Raises:
        UnprintableError: If an equation has no form.
    """
    indexing = Indexing(found, chosen)
    typesetter = Typesetter(indexing)
    return Page(indexing, typesetter, sections(indexing, typesetter))


def best_page(found: Equations) -> Page:
    """Return the shortest page over the choices of which axes are indices."""
    best = page(found)
    chosen = set(best.indexing.must)
    score = _weight(best)
    features = best.indexing.features()
    trials = 0
    improved = True
    while improved and trials < _TRIALS:
        improved = False
        for k in best.indexing.free_classes():
            trial = chosen ^ {k}
            trials += 1
            try:
                other = page(found, trial)
            except UnprintableError:
                continue
            new = _weight(other) + 25 * len(trial & features - best.indexing.must)
            if new < score - 0.5:
                best, chosen, score, improved = other, trial, new, True
    return best


def _weight(page: Page) -> float:
    """Return how long a page is, with what is hard to read counted more."""
    text = page.text()
    signs = {"𝟏": 6, "diag": 8, "[": 3, "Σ": 2, "ᵀ": 1, "ᵢ": 3, "ⱼ": 3}
    return len(text) + sum(weight * text.count(sign) for sign, weight in signs.items())


def legend(page: Page) -> list[str]:
    """Return sentences on the signs that occurred."""
    text, seen, naming = page.text(), page.typesetter.seen, page.naming
    out = []
    if "σ" in seen or "σ′" in seen:
        out.append("σ is the sigmoid.")
    rules = [rule for sign, rule in RULES.items() if sign in seen]
    if rules:
        out.append(", ".join(rules) + ".")
    if "δ" in text:
        alone = any(isinstance(line, Line) and line.left.delta and not line.left.stem for line in page.sections[1].lines)
        out.append(f"δv is ∂{naming.loss}/∂v" + (", and δ alone is that of z." if alone else "."))
    out += [_arranged(page, family, text) for family in naming.names if _is_arranged(family)]
    if "softmax by rows" in seen:
        out.append("softmax is by rows.")
    elif "lse by rows" in seen:
        out.append("lse is by rows.")
    if "mask" in seen:
        out.append(f"{page.typesetter.mask} is 0 where the column is not after the row, and −∞ elsewhere.")
    if "⋆" in seen:
        out.append("(w ⋆ x)ₚ = Σₖ wₖxₚ₊ₖ₋₁.")
    if "𝟏" in text:
        out.append("𝟏 is a vector of ones.")
    zeros = _zeros(page)
    if zeros:
        out.append(f"{' and '.join(zeros)} {'are' if len(zeros) > 1 else 'is'} 0.")
    return out


def _is_arranged(family: Family) -> bool:
    return family.kind == "input" and len([axis for axis in family.axes if axis.size > 1]) > 1


def _arranged(page: Page, family: Family, text: str) -> str:
    name = page.naming.names[family]
    shape = "×".join(map(str, family.shape))
    rows = "its rows have an index" if name == family.name else "its rows are columns where they have an index"
    has_rows = re.search(rf"(?<![A-Za-z]){re.escape(name)}[ₙₛₜ]", text) is not None
    if name == family.name:
        return f"{name} is {shape}; {rows}." if has_rows else f"{name} is {shape}."
    return f"{name} is {family.name} as {shape}, and {rows}." if has_rows else f"{name} is {family.name} as {shape}."


def _zeros(page: Page) -> list[str]:
    """Return the names of what is read outside of its range."""
    out: list[str] = []
    typesetter, terms, style = page.typesetter, page.indexing.found.terms, Unicode()
    for family in page.indexing.order:
        guarded = {axis for each in walk(terms[family]) if isinstance(each, Condition) for axis in each.free}
        for reference in references(terms[family]):
            other = reference.family
            if other.time is None or other.kind not in ("value", "adjoint"):
                continue
            index = reference.indices[other.time]
            axis = index.shifted
            if axis is None or not index.const or axis not in family.axes or axis in guarded:
                continue
            low, high = index.extent()
            for k in ([low] if low < 0 else []) + ([high] if high >= other.axes[other.time].size else []):
                typesetter.letters, typesetter.index_axes = {}, set()
                own = [fixed(k) if d == other.time else at(a) for d, a in enumerate(other.axes)]
                name = style.text(typesetter.name(other, own))
                if name not in out:
                    out.append(name)
    return out
