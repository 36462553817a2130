"""Equations as MathML in the colours of the picture; what stands for a term carries the number it is found by."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from autograd import Op
from autograd.lift.language.index import at, fixed
from autograd.lift.language.term import Number, Reference
from autograd.lift.write.layer_legend import legend
from autograd.lift.write.lines import Line
from autograd.lift.write.style import TURNED, MathML, Unicode, number_form
from autograd.lift.write.tree import (
    Chain,
    Entrywise,
    Meaning,
    Node,
    Norm,
    Parenthesised,
    Symbol,
    Terms,
    Times,
)

from ..canvas import escaped
from ..style import shortened
from .terms import Equations, ops_in

__all__ = ["Notation", "length"]

LINE = 22
"""A wider equation, in letters, may break, at the signs between its outermost terms."""
DIGITS = 4
SMALLEST, LARGEST = Fraction(1, 10**300), 10**300
LONGEST = 160
"""Longer sentences on a sign, as on an array of numbers, are cut off."""
MOST_PIECES = 13
"""Of a formula in more pieces only the whole is shown as a block."""
_PLAIN = Unicode()


class Notation(MathML):
    """Writes the equations of one graph.

    Attributes:
        equations: The equations.
        meanings: What each number in the mark-up stands for, and the line that it is in.
        markup: The equations, long ones in pieces between which a line may break.
    """

    def __init__(self, equations: Equations, output: str = "C") -> None:
        self.equations, self.output = equations, output
        self._loss = f"<mi>{escaped(output)}</mi>"
        self.meanings: list[tuple[Meaning, Line]] = []
        self.markup = [self._equation(each.line) for each in equations.all]

    @property
    def json(self) -> dict[str, Any]:
        """What the page reads."""
        lines = [
            {
                "part": each.part,
                "pieces": [list(self._block(each.line.left, each.line)), self._blocks(each.line)],
                "keys": self.equations.defined(each.line),
            }
            for each in self.equations.all
        ]
        return {"equations": lines, "names": dict(self._names()), **self.equations.json(self.meanings)}

    @property
    def legend(self) -> str:
        """Sentences on the signs that occur."""
        page = self.equations.derivation.page
        page.naming.loss = self.output
        return " ".join(shortened(sentence, LONGEST) for sentence in legend(page) if isinstance(sentence, str))

    @property
    def ops(self) -> set[Op]:
        """The operations in the terms; the mark-up may stand for others than those that define families."""
        return ops_in([*self.equations.terms.values(), *(meaning.term for meaning, _ in self.meanings)])

    def _names(self) -> Iterator[tuple[str, str]]:
        """Yield what the equations call what is put together before a layer."""
        typesetter = self.equations.derivation.page.typesetter
        for family, blocks in self.equations.blocks.items():
            for key, place in blocks.items():
                if key.startswith("in"):
                    typesetter.letters, typesetter.index_axes = {}, set()
                    indices = [fixed(place) if d == family.time else at(axis) for d, axis in enumerate(family.axes)]
                    yield key, super().symbol(typesetter.name(family, indices))

    def attributes(self, meaning: Meaning) -> str:
        """Return the number and the colour of what stands for a term."""
        if isinstance(meaning.term, Number):
            return ""
        self.meanings.append((meaning, self._line))
        return f' class="t {self.kind(meaning) or "x"}" data-t="{len(self.meanings) - 1}"'

    def symbol(self, node: Symbol) -> str:
        """Return a name."""
        term = node.meaning.term if node.meaning else None
        is_loss = isinstance(term, Reference) and term.family is self.equations.loss
        return self._loss if is_loss else super().symbol(node)

    def number(self, value: Fraction) -> str:
        """Return a number that is not negative, in a few digits."""
        return super().number(self._short(value))

    def _short(self, value: Fraction) -> Fraction:
        is_long = number_form(value)[0] == "decimal" and SMALLEST < value < LARGEST
        return Fraction(f"{float(value):.{DIGITS}g}") if is_long else value

    # --- lines -----------------------------------------------------------------------------------

    def _equation(self, line: Line) -> str:
        """Return a line; a long one in pieces between which a line may break."""
        self._line = line
        left = self.derivative(self._loss, line.left) if line.is_gradient else self.text(line.left)
        left += '<mo class="sign">=</mo>'
        first, *others = self._broken(line.right, LINE - length(left))
        return f"<math>{left}{first}</math>" + "".join(f"<math>{piece}</math>" for piece in others)

    def _broken(self, node: Node, room: float) -> list[str]:
        """Return a formula; one that is too long in pieces, which begin with the signs between its outermost terms."""
        start = len(self.meanings)
        whole = self.text(node)
        is_whole = length(whole) <= room or not isinstance(node, (Terms, Entrywise, Chain, Times, Parenthesised, Norm))
        if is_whole or (isinstance(node, Times) and not node.factors):
            return [whole]
        del self.meanings[start:]
        match node:
            case Terms():
                signs = ["−" if minus else "+" if k else "" for k, (minus, _) in enumerate(node.parts)]
                return self._joined([part for _, part in node.parts], signs, room)
            case Entrywise():
                return self._joined(node.factors, ["", *"⊙" * (len(node.factors) - 1)], room)
            case Chain():
                return [each for link, turned in node.links for each in self._factor(link, room, is_turned=turned)]
            case Times():
                *before, last = node.factors
                head = '<mo form="prefix">−</mo>' if node.negative else ""
                if before or node.number != 1:
                    head = self.text(replace(node, factors=tuple(before), meaning=None))
                own, *others = self._broken(last, room)
                return [head + own, *others]
            case Parenthesised():
                return _enclosed(_mo("("), self._broken(node.inside, room - 2), _mo(")"))
            case Norm():
                closing = f"<msup>{_mo('‖')}<mn>2</mn></msup>" if node.squared else _mo("‖")
                return _enclosed(_mo("‖"), self._broken(node.inside, room - 2), closing)
        return [whole]

    def _factor(self, link: Node, room: float, *, is_turned: bool) -> list[str]:
        """Return a factor of a matrix product, in pieces if it is a long formula in parentheses."""
        start = len(self.meanings)
        whole = self._link(link, is_turned)
        if length(whole) <= room or not isinstance(link, Parenthesised):
            return [whole]
        del self.meanings[start:]
        closing = f"<msup>{_mo(')')}{TURNED}</msup>" if is_turned else _mo(")")
        return _enclosed(_mo("("), self._broken(link.inside, room - 2), closing)

    def _joined(self, parts: Sequence[Node], signs: Sequence[str], room: float) -> list[str]:
        pieces = []
        for sign, part in zip(signs, parts, strict=True):
            first, *others = self._broken(part, room)
            pieces += [(f'<mo form="infix">{sign}</mo>' if sign else "") + first, *others]
        return pieces

    # --- blocks and signs ------------------------------------------------------------------------

    def _pieces(self, node: Node, line: Line) -> Iterator[str | int]:
        """Yield a formula as the numbers of its blocks, and the signs between them."""
        match node:
            case Terms():
                for k, (is_minus, part) in enumerate(node.parts):
                    if k or is_minus:
                        yield "−" if is_minus else "+"
                    yield from self._pieces(part, line)
            case Entrywise() | Chain() if not isinstance(node, Chain) or len(node.links) > 1:
                sign = "⊙" if isinstance(node, Entrywise) else "·"
                factors = node.factors if isinstance(node, Entrywise) else [Chain((link,)) for link in node.links]
                for k, factor in enumerate(factors):
                    if k:
                        yield sign
                    yield from (self._block if isinstance(node, Chain) else self._pieces)(factor, line)
            case Times():
                yield from ["−"] * node.negative
                yield from [_PLAIN.number(self._short(node.number))] * (node.number != 1 or not node.factors)
                for k, factor in enumerate(node.factors):
                    yield from ["·"] * (k > 0)
                    yield from self._pieces(factor, line)
            case Norm():
                yield "‖"
                yield from self._pieces(node.inside, line)
                yield "‖²" if node.squared else "‖"
            case _:
                yield from self._block(node, line)

    def _blocks(self, line: Line) -> list[str | int]:
        """Return the right side of a line as the numbers of its blocks and signs; as one block if these are many."""
        pieces = list(self._pieces(line.right, line))
        return pieces if len(pieces) <= MOST_PIECES else list(self._block(line.right, line))

    def _block(self, node: Node, line: Line) -> Iterator[str | int]:
        """Yield the number of what a formula stands for, and the formula itself if it is no more than a number."""
        inner = node.links[0][0] if isinstance(node, Chain) and len(node.links) == 1 else node
        inner = inner.inside if isinstance(inner, Parenthesised) else inner
        meaning = node.meaning or inner.meaning
        if meaning is None or isinstance(meaning.term, Number):
            yield _PLAIN.text(node)
            return
        if inner is not node and isinstance(node, Chain) and not node.meaning and node.links[0][1]:
            meaning = meaning.turned
        own = [k for k, (known, at) in enumerate(self.meanings) if at is line and known.term is meaning.term]
        found = next((k for k in own if self.meanings[k][0].row is meaning.row), len(self.meanings))
        if found == len(self.meanings):
            self.meanings.append((meaning, line))
        yield found


def _mo(sign: str) -> str:
    return f'<mo stretchy="false">{sign}</mo>'


def length(markup: str) -> float:
    """Return how wide an equation is, in letters: a script is narrower, and what stands above others takes no room."""
    scripts, gaps, bars = (len(re.findall(tag, markup)) for tag in ("</ms(?:up|ub|ubsup)>", "<mspace", "<mfrac"))
    return len(html.unescape(re.sub("<[^>]*>", "", markup))) - 0.4 * scripts + 0.3 * gaps - 2 * bars


def _enclosed(opening: str, pieces: list[str], closing: str) -> list[str]:
    """Return pieces with something before the first one and something behind the last one."""
    opened = [opening + pieces[0], *pieces[1:]]
    return [*opened[:-1], opened[-1] + closing]
