"""The equations of products with the Hessian: those of a program under Pearlmutter's operator R, in its notation.

R{v} is the derivative of v in a direction of the parameters, which is called V where they are called W, and v where
they are called b. Each equation is that of the program with R applied to both sides.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping

from ..matrices.block import Block
from ..matrices.expression import Expression, Ref
from ..matrices.lifted import Lifted
from ..matrices.statement import Statement
from ..write.notation import Notation, notation_named
from .derivation import derivation
from .equation import Derivation
from .formula import ZERO, Formula, Local, Name
from .normal_form import operations, plus, replaced, times
from .simplify import simplest
from .style import Latex, Style, Unicode
from .typesetting import Typesetter

__all__ = ["directional_equations"]


def directional_equations(
    derived: Lifted, curvature: Lifted, tangents: Mapping[Block, Block], notation: str = "superscript"
) -> str:
    """Return the equations of H d, the product of the Hessian with a direction d, as Unicode text.

    Args:
        derived: What was derived from a graph.
        curvature: The program for products with its Hessian.
        tangents: The block of R{·} for each block that has one.
        notation: A name of `autograd.lift.write.notation.NOTATIONS`.

    Raises:
        TypeError: If the notation is no string.
        ValueError: If there is no notation of that name.
    """
    page = _Page(derived, curvature, tangents, notation_named(notation), Unicode())
    lines: list[str] = []
    for title, pairs in page.sections():
        lines += [title, *(f"  {left} = {right}" for left, right in pairs), ""]
    return "\n".join([*lines, *page.explanations()]) + "\n"


class _Typesetter(Typesetter):
    """Writes R{·} around the names of what has a derivative in the direction."""

    of: Mapping[Block, Block]

    def block(self, block: Block) -> str:
        """Return a block's name; that of a tangent is made of the name of what it is the derivative of."""
        of = self.of.get(block)
        if of is None:
            return super().block(block)
        if of.role == "parameter":
            return self.direction(of)
        mark = r"\mathcal{R}\{%s\}" if isinstance(self.style, Latex) else "R{%s}"
        return mark % super().block(of)

    def direction(self, of: Block) -> str:
        """Return the name of the direction's part for an array of parameters."""
        letter = of.name.rstrip("0123456789")
        digits = of.name.removeprefix(letter)
        own = {"W": "V", "b": "v"}.get(letter)
        if own is None:
            return f"v({super().block(of)})"
        return self.style.symbol(own, self.above(digits) if digits else "")


class _Page:
    def __init__(
        self, derived: Lifted, curvature: Lifted, tangents: Mapping[Block, Block], notation: Notation, style: Style
    ) -> None:
        self.derived, self.curvature = derived, curvature
        self.of = {tangent: block for block, tangent in tangents.items()}
        self.found: Derivation = derivation(derived)
        self.translator = self.found.translator
        for tangent, block in self.of.items():
            self.translator.kinds[tangent] = self.translator.kind(block)
            if block.of is None and block in self.translator.shapes:
                self.translator.shapes[tangent] = self.translator.shapes[block]
        self.typesetter = _Typesetter(
            notation,
            style,
            self.found.activations,
            self.translator,
            self.found.network_input,
            self.found.targets[0] if len(self.found.targets) == 1 else None,
        )
        self.typesetter.of = self.of
        self.slopes: dict[Formula, Formula] = {}
        self.activated: dict[Block, Formula] = {}
        self._find_slopes()

    def sections(self) -> Iterator[tuple[str, list[tuple[str, str]]]]:
        """Yield the titles, and the two sides of the equations of each."""
        backward = self.curvature.reverse.statements
        forward = self.curvature.forward.needed([statement.value for statement in backward])
        yield "Forward", self._lines(statement for statement in forward if statement.target in self.of)
        own = [statement for statement in backward if statement.target in self.of]
        gradients = [s for s in own if s.target.of is not None and s.target.of.holds_parameters]
        yield "Backward", self._lines(statement for statement in own if statement not in gradients)
        yield "The product with the Hessian", self._lines(gradients)

    def explanations(self) -> list[str]:
        """Return sentences on R and the direction."""
        directions = [self.typesetter.direction(each.block) for each in self.derived.parameters.all]
        return [
            f"R{{v}} is the derivative of v in the direction {', '.join(directions)}; R of an input is 0.",
            "What stands here without R is as in the equations of the program, and so is what a batch does.",
        ]

    def _find_slopes(self) -> None:
        """Find the symbol for the derivative of each activation, and R{·} of the activation by it."""
        tangents = {block: tangent for tangent, block in self.of.items()}
        for statement in self.derived.forward.statements:
            block, parts = statement.target, statement.value.parts
            op = self.found.activations.get(block.layer) if block.role == "a" else None
            if op is None or not isinstance(parts[0], Ref) or block not in tangents:
                continue
            local = op.local(0, Ref(block), (parts[0],))
            if isinstance(local, Expression):
                rule = self.translator.translated(local)
                slope = Local(op, self.translator.name(parts[0].block), rule)
                self.slopes[rule] = slope
                self.activated[tangents[block]] = times(self.translator.name(tangents[parts[0].block]), slope)

    def _lines(self, statements: Iterable[Statement]) -> list[tuple[str, str]]:
        found = []
        for target, group in itertools.groupby(statements, key=lambda statement: statement.target):
            right = self._right(target, list(group))
            of = self.of[target]
            inside = of.of is not None and of.of.role != "z" and not of.of.holds_parameters
            passed_on = inside and isinstance(right, Name)
            if passed_on or (of.role == "value" and of in self.translator.definitions):
                self.translator.definitions[target] = right
            elif right != ZERO:
                left = Name(target, self.translator.kind(target))
                found.append((self.typesetter.text(left), self.typesetter.text(right)))
        return found

    def _right(self, target: Block, statements: list[Statement]) -> Formula:
        if target in self.activated:
            return self.activated[target]
        values = []
        for statement in statements:
            value = self.translator.statement(statement.value)
            values.append(value if statement.index is None else self.translator.picked(value, statement.index))
        return self._simplified(plus(*values))

    def _simplified(self, raw: Formula) -> Formula:
        short = min(simplest(raw, dict(self.translator.known)), raw, key=operations)
        return replaced(short, lambda part: self.slopes.get(part))
