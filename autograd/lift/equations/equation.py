"""The equations of a program, before a notation gives them letters."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...op import Op
from ..matrices.block import Block
from .formula import Formula, Name, Pick
from .translation import Translator

__all__ = ["Derivation", "Equation"]


@dataclass(eq=False)
class Equation:
    """One equation.

    Attributes:
        left: What it defines: a name, an adjoint, or a part of one.
        right: What that is.
        add: Whether it is added to what was there.
        raw: The right side before it was simplified.
        general: The right side without the assumptions, if there are any.
    """

    left: Formula
    right: Formula
    add: bool = False
    raw: Formula | None = None
    general: Formula | None = None


@dataclass(eq=False)
class Derivation:
    """The equations of a program for one example.

    Attributes:
        translator: The names behind the formulas.
        forward: The equations of the forward pass.
        backward: The adjoints, last layer first.
        gradients: The derivatives by the parameters.
        activations: The function of each layer that has one.
        network_input: The input that is the activation of layer 0, if there is one.
        targets: The inputs that only the loss reads.
        batched: Whether the program takes batches.
        zero_logs: Whether 0 · log 0 counts as 0.
        sums_to_one: The inputs whose members are assumed to sum to 1.
        recorded: On how many examples that was checked.
    """

    translator: Translator
    forward: list[Equation] = field(default_factory=list)
    backward: list[Equation] = field(default_factory=list)
    gradients: list[Equation] = field(default_factory=list)
    activations: dict[int, Op] = field(default_factory=dict)
    network_input: Block | None = None
    targets: list[Block] = field(default_factory=list)
    batched: bool = False
    zero_logs: bool = False
    sums_to_one: list[Formula] = field(default_factory=list)
    recorded: int = 1

    def adjoints_written(self) -> set[Block]:
        """Return the blocks whose adjoints have equations."""
        lefts = [each.left.value if isinstance(each.left, Pick) else each.left for each in self.backward]
        return {left.block.of for left in lefts if isinstance(left, Name) and left.block.of is not None}
