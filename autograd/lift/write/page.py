"""Pages: the equations and the sentences below them, with the choice of indices that makes them shortest."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ... import ops
from ..derive.equations import Equations
from ..language.index import Axis, at, fixed
from ..language.term import Family, Number
from .indexing import Indexing
from .layers import numbered_sections
from .layout import general_lines, sections
from .lines import Line, Loop, Section
from .naming import Naming
from .notation import Notation
from .ranges import Outside, outside
from .style import Latex, Style, Unicode
from .tree import Chain, Symbol, nodes_in
from .typeset import Typesetter, UnprintableError

__all__ = ["Legend", "Page", "best_page"]

_TRIALS = 40  # pages that are set to find the shortest

_RULES = {
    "gelu": (
        "gelu(z) = ½z(1 + tanh(√(2/π)(z + 0.044715z³)))",
        r"\mathrm{gelu}(z) = \frac{1}{2} z (1 + \tanh(\sqrt{2/\pi} (z + 0.044715 z^{3})))",
    ),
    "σ′": ("σ′(z) = σ(z)(1 − σ(z))", r"\sigma'(z) = \sigma(z) (1 - \sigma(z))"),
    "tanh′": ("tanh′(z) = 1 − tanh(z)²", r"\tanh'(z) = 1 - \tanh(z)^{2}"),
    "relu′": ("relu′(z) = [z > 0]", r"\mathrm{relu}'(z) = [z > 0]"),
    "softplus′": ("softplus′(z) = σ(z)", r"\mathrm{softplus}'(z) = \sigma(z)"),
    "silu′": ("silu′(z) = σ(z)(1 + z(1 − σ(z)))", r"\mathrm{silu}'(z) = \sigma(z) (1 + z (1 - \sigma(z)))"),
}


@dataclass
class Page:
    """A page, before a style gives it signs.

    Attributes:
        indexing: Which axes are indices.
        typesetter: What has set the formulas, and the signs that occurred.
        sections: The equations.
        closing: A sentence that stands last.
    """

    indexing: Indexing
    typesetter: Typesetter
    sections: list[Section]
    closing: str = ""

    @property
    def naming(self) -> Naming:
        """The names on the page."""
        return self.typesetter.naming

    def left(self, line: Line, style: Style) -> str:
        """Return the left side of an equation."""
        text = style.text(line.left)
        quotient = f"∂{self.naming.loss}/∂{text}" if line.is_gradient else text
        return f"R{{{quotient}}}" if line.is_gradient and line.family.tangent_of is not None else quotient

    def text(self) -> str:
        """Return the equations as Unicode text, without the sentences."""
        style = Unicode()
        lines: list[str] = []
        for section in self.sections:
            if section.lines:
                lines += [""] * bool(lines and self.typesetter.layers) + [section.title]
            for each in section.lines:
                if isinstance(each, Loop):
                    lines.append(f"  for {each.letter} = {each.start}, …, {each.end}")
                    continue
                where = f", {each.where}" if each.where else ""
                lines.append("  " * (1 + each.depth) + f"{self.left(each, style)} = {style.text(each.right)}{where}")
        return "\n".join(lines)


def page(found: Equations, chosen: Iterable[Axis] | None = None, notation: Notation | None = None) -> Page:
    """Return the page on which some classes of axes are indices beside those that must be.

    Raises:
        UnprintableError: If an equation has no form.
    """
    indexing = Indexing(found, chosen)
    typesetter = Typesetter(indexing, notation)
    made = numbered_sections if found.layers is not None else sections
    written = Page(indexing, typesetter, made(indexing, typesetter))
    if not _is_misread(written):
        return written
    typesetter = Typesetter(indexing, notation, spells_z=True)
    return Page(indexing, typesetter, made(indexing, typesetter))


def _is_misread(page: Page) -> bool:
    """Whether δ times a value, as δs, reads like the adjoint of that value, which is on the page."""
    lines = [line for section in page.sections for line in section.lines if isinstance(line, Line)]

    def name(symbol: Symbol) -> tuple[str, str, str]:
        return symbol.stem, symbol.digits, symbol.above if symbol.above.isdigit() else ""

    named = {name(line.left) for line in lines if line.left.delta and line.left.stem}
    for node in (node for line in lines for node in nodes_in(line.right)):
        links = node.links if isinstance(node, Chain) else [(each, False) for each in getattr(node, "factors", ())]
        for (one, is_turned), (other, _) in pairwise(links):
            is_alone = one == Symbol("", delta=getattr(one, "delta", "") or "δ") and not is_turned
            if is_alone and isinstance(other, Symbol) and not other.delta and name(other) in named:
                return True
    return False


def best_page(found: Equations, notation: Notation | None = None) -> Page:
    """Return the shortest page over the choices of which axes are indices; layers are written with as few as can be.

    Args:
        found: The equations.
        notation: Whose letters to use; None for those of the code.
    """
    best = page(found, notation=notation)
    if found.layers is not None:
        return best
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
                other = page(found, trial, notation)
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


class Legend:
    """Sentences on the signs that occurred on a page."""

    def __init__(self, page: Page, style: Style) -> None:
        self.page, self.style = page, style
        self.text, self.seen, self.naming = page.text(), page.typesetter.seen, page.naming

    def math(self, text: str, latex: str) -> str:
        """Return a formula within a sentence."""
        return f"${latex}$" if isinstance(self.style, Latex) else text

    def sentences(self) -> Iterator[str | Line]:
        """Yield the sentences, and equations that belong to the one before them."""
        seen, math = self.seen, self.math
        sign = self.page.typesetter.function(ops.sigmoid, Number(0))[0]
        if sign in seen or f"{sign}′" in seen:
            yield self.symbol(sign) + " is the sigmoid."
        rules = [math(*rule) for sign, rule in _RULES.items() if sign in seen]
        if rules:
            yield ", ".join(rules) + "."
        delta = self.naming.notation.adjoint if self.naming.notation else "δ"
        if delta in self.text:
            lines = self.page.sections[1].lines
            alone = any(isinstance(line, Line) and line.left.delta and not line.left.stem for line in lines)
            of_z = f", and {self.symbol('', delta=delta)} alone is that of {math('z', 'z')}." if alone else "."
            yield f"{self.symbol('v', delta=delta)} is {self.quotient('v')}{of_z}"
        yield from self.others()
        if self.naming.notation is not None:
            yield from self.assumptions()

    def assumptions(self) -> Iterator[str | Line]:
        """Yield what is taken to be so of the inputs, and the equations without it."""
        found = self.page.indexing.found
        if found.has_zero_logs:
            yield "0 · log 0 counts as 0."
        assumed = self.assumed()
        if assumed:
            yield f"{assumed} Without it:"
            yield from general_lines(self.page.indexing, self.page.typesetter)

    def assumed(self) -> str:
        """Return what is assumed of the inputs, empty if nothing is."""
        found = self.page.indexing.found
        examples = "example" if found.recorded == 1 else f"{found.recorded} examples"
        for name in found.assumed:
            family = found.recognition.leaves.inputs[name]
            is_read = family in self.naming.names
            shown = self.style.inline(self.naming.symbol(family, "", ())) if is_read else f"the input {name}"
            return (
                f"Assumed, checked on the recorded {examples} and on no later one: the members of {shown} sum to 1. "
                "What runs does not assume it."
            )
        return ""

    def symbol(self, stem: str, above: str = "", **more: str) -> str:
        """Return a name within a sentence."""
        return self.style.inline(Symbol(stem, above, **more))  # type: ignore[arg-type]  # all of them are texts

    def quotient(self, by: str) -> str:
        """Return the derivative of the loss by what is named so."""
        return self.math(f"∂{self.naming.loss}/∂{by}", rf"\partial {self.naming.loss} / \partial {by}")

    def others(self) -> Iterator[str]:
        """Yield the sentences on arrays and on signs that are the same in all notations."""
        seen, math = self.seen, self.math
        yield from (self._arranged(family) for family in self.naming.names if _is_arranged(family))
        if "softmax by rows" in seen:
            yield "softmax is by rows."
        elif "lse by rows" in seen:
            yield "lse is by rows."
        if "mask" in seen:
            mask, infinity = self.page.typesetter.mask, math("−∞", r"-\infty")
            yield f"{math(mask, mask)} is 0 where the column is not after the row, and {infinity} elsewhere."
        if "⋆" in seen:
            yield math("(w ⋆ x)ₚ = Σₖ wₖxₚ₊ₖ₋₁", r"(w \star x)_{p} = \sum_{k} w_{k} x_{p+k-1}") + "."
        if "∗" in seen:
            yield math("(w ∗ x)ₚ = Σₖ wₖxₚ₋ₖ₊₁", r"(w * x)_{p} = \sum_{k} w_{k} x_{p-k+1}") + "."
        if "onehot" in seen or "onehot by rows" in seen:
            rows = "; of a vector, by rows" if "onehot by rows" in seen else ""
            yield f"onehot({math('k', 'k')}) is 1 at {math('k', 'k')}, counted from 0, and 0 elsewhere{rows}."
        if "𝟏" in self.text:
            yield math("𝟏", r"\mathbf{1}") + " is a vector of ones."
        steps = _steps_outside(self.page)
        zeros = [self._step(family, k) for family, k in steps]
        if zeros:
            listed = [", ".join(zeros[:-1]), zeros[-1]] if len(zeros) > _MOST_JOINED else zeros
            yield f"{' and '.join(listed)} {'are' if len(zeros) > 1 else 'is'} 0."
        for family in dict.fromkeys(self.page.typesetter.unsized):
            yield self._sized(family)
        found = self._read_outside(steps)
        if found:
            product = ", and so is a product with it, whatever its other factors are"
            yield f"A name is 0 where an index is outside of its range{product * any(e.below for e in found)}."
        yield from self._numbers()

    def _step(self, family: Family, k: int) -> str:
        typesetter = self.page.typesetter
        typesetter.letters, typesetter.index_axes = {}, set()
        indices = [fixed(k) if d == family.time else at(a) for d, a in enumerate(family.axes)]
        return self.style.inline(typesetter.name(family, indices))

    def _read_outside(self, steps: Sequence[tuple[Family, int]]) -> list[Outside]:
        """Return what is read outside of its range beside the steps that are named."""
        named = {*steps}
        return [
            each
            for _, term, spans in self.page.typesetter.written
            for each in outside(term, spans, self.page.typesetter.dropped)
            if each.dimension != each.reference.family.time
            or not {(each.reference.family, k) for k in each.numbers} <= named
        ]

    def _arranged(self, family: Family) -> str:
        name = self.naming.names[family]
        shape = self._shape(family.shape)
        rows = "its rows have an index" if name == family.name else "its rows are columns where they have an index"
        has_rows = re.search(rf"(?<![A-Za-z]){re.escape(name)}[ₙₛₜ]", self.text) is not None
        shown = self.math(name, name)
        if name == family.name:
            return f"{shown} is {shape}; {rows}." if has_rows else f"{shown} is {shape}."
        original = f"{shown} is {self.math(family.name, family.name)} as {shape}"
        return f"{original}, and {rows}." if has_rows else f"{original}."

    def _sized(self, family: Family) -> str:
        """Return how many members a vector or a matrix has, the axes that are no indices."""
        roles = self.page.indexing.roles(family)
        sizes = [a.size for a, is_index in zip(family.axes, roles, strict=True) if not is_index and a.size > 1]
        name = self.style.inline(self.naming.symbol(family, "", ()))
        return f"{name} is {self._shape(sizes)}." if len(sizes) > 1 else f"{name} has {sizes[0]} members."

    def _shape(self, sizes: Sequence[int]) -> str:
        return self.math("×".join(map(str, sizes)), r" \times ".join(map(str, sizes)))

    def _numbers(self) -> Iterator[str]:
        """Yield the arrays of numbers and the tables of indices."""
        for family in self.naming.names:
            if family.numbers is not None:
                shown = self.style.inline(self.naming.symbol(family, "", ()))
                yield f"{shown} = {_listed(family.numbers)}, numbers of the graph."
        for name, index, first in self.page.typesetter.tables.values():
            if index.table is not None:
                shown = self.style.inline(Symbol("i", digits=name[1:]))
                table = np.where(index.table < 0, first - 1, index.table + first)
                none = f"; {first - 1} stands for none" if (index.table < 0).any() else ""
                yield f"{shown} = {_listed(table)}, indices{none}."


_MOST_JOINED = 4  # names in a row with no comma
_MOST = 200  # numbers of an array that are printed


def _listed(values: np.ndarray[Any, Any]) -> str:
    """Return the members of an array as nested lists."""
    if values.size > _MOST:
        head = ", ".join(_number(v) for v in values.ravel()[:_MOST].tolist())
        return f"[{head}, …] of shape {values.shape}"
    return _nested(values.tolist())


def _nested(values: Any) -> str:
    return f"[{', '.join(map(_nested, values))}]" if isinstance(values, list) else _number(values)


def _number(value: float) -> str:
    return repr(value).removesuffix(".0").replace("-", "−")


def _is_arranged(family: Family) -> bool:
    return family.kind == "input" and len([axis for axis in family.axes if axis.size > 1]) > 1


def _steps_outside(page: Page) -> list[tuple[Family, int]]:
    """Return the steps that equations for each step read outside of their range."""
    out: dict[tuple[Family, int], None] = {}
    for family, term, spans in sorted(page.typesetter.written, key=lambda each: page.indexing.order.index(each[0])):
        for each in outside(term, spans, page.typesetter.dropped):
            other = each.reference.family
            if other.time == each.dimension and other.kind in ("value", "adjoint"):
                axis = each.reference.indices[each.dimension].shifted
                if axis is not None and axis in family.axes:
                    out |= dict.fromkeys((other, k) for k in sorted(each.numbers))
    return [*out]
