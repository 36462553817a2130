"""Pages of networks whose layers are numbered, as the documents write them."""

from __future__ import annotations

import re
from dataclasses import replace

from ..derive.equations import Equations
from ..derive.layers import weights_of
from ..language.term import Family, Reference, Sum, references
from .indexing import Indexing
from .layout import sections
from .lines import Line, Loop, Section
from .tree import Beside, Node, Symbol, Terms, nodes_in
from .typeset import Typesetter

__all__ = ["numbered_sections"]


def numbered_sections(indexing: Indexing, typesetter: Typesetter) -> list[Section]:
    """Return the forward pass from a⁰ on, the backward pass, and the gradients layer by layer.

    Biases stand in a column of the weights, if the notation asks for it and the network has a bias everywhere.
    """
    found, naming, notation = indexing.found, typesetter.naming, typesetter.notation
    if notation is not None and notation.bias_column:
        naming.folded = _folded(found)
    forward, backward, gradients = (list(section.lines) for section in sections(indexing, typesetter))
    first = found.layers.network_input if found.layers is not None else None
    if first is not None:
        target = naming.symbol(first, "", ())
        stem = naming.names[first].rstrip("0123456789")
        forward.insert(0, Line(first, target, Symbol(stem, digits=naming.names[first][len(stem) :])))
    gradients.sort(key=lambda line: _place(line, indexing))
    if naming.folded:
        biases = naming.folded.values()
        forward = [_forward(line, found, typesetter) for line in forward]
        gradients = [
            _gradient(line, typesetter)
            for line in gradients
            if isinstance(line, Loop) or line.family.source not in biases
        ]
    return [Section("Forward", forward), Section("Backward", backward), Section("Gradients", gradients)]


def _place(line: Line | Loop, indexing: Indexing) -> tuple[int, int]:
    """Return what sorts derivatives by parameters: the number in their name, or the first layer that reads them."""
    if isinstance(line, Loop):
        return 0, 0
    order = [*indexing.found.recognition.leaves.arrays.values()]
    place = next(k for k, (family, _) in enumerate(order) if family is line.family.source)
    number = re.search(r"\d+$", line.family.source.name)
    return int(number[0]) if number else 0, place


# --- biases in a column of the weights ---------------------------------------------------------------


def _folded(found: Equations) -> dict[Family, Family]:
    """Return the bias of each array of weights, if all layers are W a + b with nothing else reading a, W or b."""
    layers = found.layers
    if layers is None:
        return {}
    biases: dict[Family, Family] = {}
    operands = []
    for z in layers.weighted:
        body = found.terms[z]
        weights = list(weights_of(z))
        alone = [part.family for part in body.parts if isinstance(part, Reference)] if isinstance(body, Sum) else []
        if len(weights) != 1 or len(alone) != 1 or len(body.parts) != 2 or alone[0].kind != "parameter":
            return {}
        if (
            not re.fullmatch(r"W\d*", weights[0][0].name)
            or len(weights[0][0].axes) != 2
            or max(weights[0][0].shape) == 1
        ):
            return {}
        biases[weights[0][0]] = alone[0]
        operands.append(weights[0][1].family)
    read = {r.family for f in found.forward if f not in layers.weighted for r in references(found.terms[f])}
    chain = [layers.network_input, *layers.activations]
    is_chain = chain[: len(operands)] == operands and not read & {*operands, *biases.values()}
    is_single = len(biases) == len(set(biases.values())) == len(layers.weighted)
    return biases if is_chain and is_single and all(_is_outer(found, each) for each in biases) else {}


def _is_outer(found: Equations, weight: Family) -> bool:
    """Whether a derivative by weights is δ aᵀ, and what only the weights add."""
    adjoint = next(each for each in found.gradients if each.source is weight)
    term = found.terms[adjoint]
    parts = term.parts if isinstance(term, Sum) else (term,)
    return sum(any(each.family.kind == "adjoint" for each in references(part)) for part in parts) == 1


def _forward(line: Line | Loop, found: Equations, typesetter: Typesetter) -> Line | Loop:
    layers, naming = found.layers, typesetter.naming
    if isinstance(line, Loop) or layers is None:
        return line
    if line.family in layers.weighted and isinstance(line.right, Terms):
        product = next(part for _, part in line.right.parts if not isinstance(part, Symbol))
        return replace(line, right=_without_bars(product))
    number = naming.layer_of.get(line.family)
    is_read = number is not None and any(
        read.family is line.family for z in layers.weighted for _, read in weights_of(z)
    )
    return replace(line, right=Beside("1", line.right)) if is_read else line


def _gradient(line: Line | Loop, typesetter: Typesetter) -> Line | Loop:
    if isinstance(line, Loop) or line.family.source not in typesetter.naming.folded:
        return line
    left = replace(line.left, mark="")
    parts = line.right.parts if isinstance(line.right, Terms) else ((False, line.right),)
    own = [part for part in parts if any(isinstance(each, Symbol) and each.delta for each in nodes_in(part[1]))]
    rest = [part for part in parts if part not in own]
    if not rest:
        return replace(line, left=left)
    typesetter.seen["(0,"] = None
    apart = Beside("0", rest[0][1] if len(rest) == 1 and not rest[0][0] else Terms(tuple(rest)))
    return replace(line, left=left, right=Terms((*own, (False, apart))))


def _without_bars(node: Node) -> Node:
    if isinstance(node, Symbol):
        return replace(node, mark="") if node.mark == "bar" else node
    links = tuple((_without_bars(link), is_turned) for link, is_turned in getattr(node, "links", ()))
    return replace(node, links=links) if links else node  # type: ignore[call-arg]  # a chain
