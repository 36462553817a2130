"""Networks whose biases can be written as a column of the weights, Θ = (b W) with activations (1, a)."""

from __future__ import annotations

from ..matrices.block import Block
from ..matrices.statement import walked
from .equation import Derivation, Equation
from .formula import Formula, Mat, Name, Sum, Trans
from .normal_form import plus

__all__ = ["layers_with_bias", "outer_product", "weighted"]


def _terms(formula: Formula) -> tuple[Formula, ...]:
    return formula.terms if isinstance(formula, Sum) else (formula,)


def weighted(formula: Formula) -> tuple[Name, Name, Name] | None:
    """Return W, a and b if the formula is W a + b."""
    match _terms(formula):
        case (Mat(left=Name(view="") as weight, right=Name(view="") as before), Name(view="") as bias):
            if weight.block.role == bias.block.role == "parameter":
                return weight, before, bias
    return None


def outer_product(formula: Formula) -> tuple[Formula, Formula | None]:
    """Return the matrix products of a sum, and what is left of it."""
    products = [term for term in _terms(formula) if isinstance(term, Mat)]
    rest = [term for term in _terms(formula) if not isinstance(term, Mat)]
    return plus(*products), plus(*rest) if rest else None


def layers_with_bias(found: Derivation) -> dict[int, tuple[Block, Block]]:
    """Return the weights and the bias of each layer, if all are W a + b with nothing else reading a, W or b."""
    layers: dict[int, tuple[Block, Block]] = {}
    before: list[Block] = []
    rest: list[Formula] = []
    for equation in found.forward:
        if not (isinstance(equation.left, Name) and equation.left.block.role == "z"):
            rest.append(equation.right)
            continue
        parts = weighted(equation.right)
        if parts is None:
            return {}
        weight, a, bias = parts
        layers[equation.left.block.layer] = (weight.block, bias.block)
        before.append(a.block)
    used = [block for pair in layers.values() for block in pair]
    read = {name.block for formula in rest for name in walked(formula) if isinstance(name, Name)}
    activations = [each.left.block for each in found.forward if _is_activation(each) and isinstance(each.left, Name)]
    biases = [bias for _, bias in layers.values()]
    if len(set(used)) < len(used) or read & {*before, *biases}:
        return {}
    if [found.network_input, *activations][: len(before)] != before:
        return {}
    return layers if all(_is_layer_gradient(each, biases, found) for each in found.gradients) else {}


def _is_layer_gradient(equation: Equation, biases: list[Block], found: Derivation) -> bool:
    """Whether a derivative by weights is δ aᵀ and what only the weights add, and one by a bias is δ."""
    if not isinstance(equation.left, Name) or equation.left.view:
        return False
    if equation.left.block.of in biases:
        return any(equation.right == each.left for each in found.backward)
    products, _ = outer_product(equation.right)
    return isinstance(products, Mat) and isinstance(products.right, Trans)


def _is_activation(equation: Equation) -> bool:
    return isinstance(equation.left, Name) and equation.left.block.role == "a"
