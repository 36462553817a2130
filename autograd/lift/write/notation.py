"""The notations of the documents and of two courses that many people follow.

Which letters, where the layer's number stands, and from where layers are counted.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["NOTATIONS", "Notation", "notation_named"]


@dataclass(frozen=True)
class Notation:
    """How equations are written.

    Attributes:
        name: What it is called.
        source: The text it is taken from.
        weight: The letter of the weights; likewise bias, delta, function (of an activation), cost.
        target: The letter of the target; empty for the name it has in the graph.
        first: The number of the layer that is the input.
        weights_from: The number of the first layer of weights.
        parenthesised: Whether layers are written ⁽²⁾ and not ².
        bias_column: Whether a layer's bias is the first column of its weights, and 1 the first activation.
        prime: Whether the derivative of a layer's activation is written a′⁽²⁾ and not σ′(z²).
        derivative_first: Whether it stands before a matrix product: a′⁽¹⁾ ⊙ ((w²)ᵀδ²), but ∇C ⊙ a′⁽²⁾.
        product_in_parentheses: Whether a matrix product is put in parentheses before ⊙.
        differential: Whether a gradient ∂C/∂W¹ is written dW¹, and delta is the d of z; reports of the referee then
            write the numbers of layers on the line.
        output: The letter of the outputs of a network that has no layers, in reports.
        gradient: The sign of the gradient by the outputs, in reports.
    """

    name: str
    source: str
    weight: str = "W"
    bias: str = "b"
    delta: str = "δ"
    function: str = "σ"
    cost: str = "C"
    target: str = ""
    first: int = 0
    weights_from: int = 1
    parenthesised: bool = False
    bias_column: bool = False
    prime: bool = False
    derivative_first: bool = False
    product_in_parentheses: bool = False
    differential: bool = False
    output: str = "y"
    gradient: str = "∇ₐ"

    @property
    def adjoint(self) -> str:
        """What stands before a name for the derivative of the loss by it; of z it is `delta`."""
        return "d" if self.differential else self.delta


NOTATIONS: dict[str, Notation] = {
    each.name: each
    for each in (
        Notation("superscript", "the post Backpropagation in Neural Networks of 7 April 2018"),
        Notation(
            "theta",
            "the lecture Neural Networks - Backpropagation, ML-15",
            weight="Θ",
            function="g",
            cost="J",
            target="y",
            first=1,
            parenthesised=True,
            bias_column=True,
            output="ŷ",
        ),
        Notation(
            "epsilon",
            "the post Deriving the Back-Propagation Algorithm",
            delta="ε",
            cost="J",
            target="y",
            first=1,
            parenthesised=True,
            output="ŷ",
        ),
        Notation(
            "prime",
            "Markus Reynoso, Backpropagation",
            weight="w",
            prime=True,
            derivative_first=True,
            product_in_parentheses=True,
        ),
        Notation(
            "parentheses",
            "Aditya Mehrotra, Neural Networks, November 2020",
            weight="w",
            target="y",
            product_in_parentheses=True,
            output="ŷ",
        ),
        Notation(
            "nielsen",
            "Michael Nielsen, Neural Networks and Deep Learning, chapter 2",
            weight="w",
            target="y",
            first=1,
            weights_from=2,
            output="a",
        ),
        Notation(
            "cs231n",
            "the notes and assignments of the course CS231n",
            delta="dz",
            cost="L",
            target="y",
            differential=True,
            output="scores",
            gradient="dout",
        ),
    )
}
"""The notations by name."""


def notation_named(name: str) -> Notation:
    """Return the notation with the given name.

    Raises:
        TypeError: If it is no string.
        ValueError: If there is none of that name.

    Example:
        >>> notation_named("theta").weight
        'Θ'
    """
    if not isinstance(name, str):
        raise TypeError(f"a notation is chosen by its name, one of {', '.join(NOTATIONS)}, got {name!r}")
    if name not in NOTATIONS:
        raise ValueError(f"notation must be one of {', '.join(NOTATIONS)}, got {name!r}")
    return NOTATIONS[name]
