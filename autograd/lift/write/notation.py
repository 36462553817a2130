"""The notations of the documents: which letters, where the layer's number stands, and from where layers are counted."""

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
        first: The number of the layer that is the input. Weights are counted from 1 in any case.
        parenthesised: Whether layers are written ⁽²⁾ and not ².
        bias_column: Whether a layer's bias is the first column of its weights, and 1 the first activation.
        prime: Whether the derivative of a layer's activation is written a′⁽²⁾ and not σ′(z²).
        derivative_first: Whether it stands before a matrix product: a′⁽¹⁾ ⊙ ((w²)ᵀδ²), but ∇C ⊙ a′⁽²⁾.
        product_in_parentheses: Whether a matrix product is put in parentheses before ⊙.
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
    parenthesised: bool = False
    bias_column: bool = False
    prime: bool = False
    derivative_first: bool = False
    product_in_parentheses: bool = False


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
        ),
        Notation(
            "epsilon",
            "the post Deriving the Back-Propagation Algorithm",
            delta="ε",
            cost="J",
            target="y",
            first=1,
            parenthesised=True,
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
