"""Everything a page is handed, as one JSON object: the graph of scalars, its layers, its equations, its names.

Numbers are stored once: those of the leaves. The page computes all others with the operations of the graph; only where
a user's own operation has no JavaScript, the values and local derivatives of the trace are stored as well.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from autograd import Op, ops

from ..formula import MOST_TERMS, expression
from ..layers import Example, Network, found_network, with_shared_inputs
from ..style import shortened
from ..trace import Trace
from .notation import Notation
from .operations import can_run
from .terms import CLOSE, Equations, derived_equations, runs

__all__ = ["Content", "content"]

EQUATIONS_UP_TO = 4000
"""Larger graphs without layers have no structure that a person could read as a list of equations."""
RULES_UP_TO = 450
"""In larger graphs the formulas of local derivatives are left out."""


@dataclass(frozen=True)
class Content:
    """What a page shows.

    Attributes:
        traced: The graph.
        network: Its layers, if it has any.
        equations: Its equations; of a network with examples that were recorded differently, one set for each kind.
        names: What each node is called.
    """

    traced: Trace
    network: Network | None
    equations: tuple[Equations, ...]
    set_of: tuple[int, ...]
    names: tuple[str, ...]

    @cached_property
    def sets(self) -> tuple[Notation, ...]:
        """The equations as they are written."""
        return tuple(Notation(each, self.output) for each in self.equations)

    @property
    def json(self) -> dict[str, Any]:
        """The object that the page reads."""
        found: dict[str, Any] = {"tape": _tape(self), "sets": [each.json for each in self.sets]}
        if self.network is not None:
            found["network"] = _network(self.network, self.traced, self.set_of)
        return found

    @property
    def ops(self) -> set[Op]:
        """The operations that the page computes with."""
        return {node.op for node in self.traced.nodes if node.op} | {op for each in self.sets for op in each.ops}

    @property
    def output(self) -> str:
        """What equations call the output: of a network the cost C."""
        return "C" if self.network else shortened(self.traced.output, 24)

    @property
    def frozen(self) -> str:
        """Why the page cannot compute; empty if it can."""
        own = sorted({node.op.name for node in self.traced.nodes if node.op and not can_run(node.op)})
        return ", ".join(own)


def content(traced: Trace, inputs: Mapping[str, Sequence[int]]) -> Content:
    """Return what the page of a graph shows; `inputs` are the nodes of inputs by name, where no layers say so."""
    traced = with_shared_inputs(traced)
    network = found_network(traced)
    sets, set_of = _own_set(traced, inputs) if network is None else _sets(traced, network)
    return Content(traced, network, sets, set_of, _names(traced, network, inputs))


def _own_set(traced: Trace, inputs: Mapping[str, Sequence[int]]) -> tuple[tuple[Equations, ...], tuple[int, ...]]:
    """Return the equations of a graph without layers, if they are right."""
    if len(traced.nodes) > EQUATIONS_UP_TO:
        return (), ()
    equations = derived_equations(traced, traced.root, inputs)
    return ((equations,), (0,)) if equations else ((), ())


def _sets(traced: Trace, network: Network) -> tuple[tuple[Equations, ...], tuple[int, ...]]:
    """Return the equations of a network, and which of them each example has."""
    kinds: dict[tuple[Any, ...], int] = {}
    sets: list[Equations] = []
    set_of = []
    for example in network.examples:
        kind = _kind(traced, example)
        if kind not in kinds:
            equations = _equations_of(traced, network, example)
            if equations is None:
                return (), ()
            kinds[kind] = len(sets)
            sets.append(equations)
        set_of.append(kinds[kind])
    return tuple(sets), tuple(set_of)


def _kind(traced: Trace, example: Example) -> tuple[Any, ...]:
    """Return what two examples have in common that were recorded alike: operations and numbers behind the network."""
    inside = {member for layer in example.members for own in layer for member in own}
    targets = set(example.targets)
    found: list[Any] = []
    waiting = [example.root]
    while waiting:
        node = traced.nodes[waiting.pop()]
        if node.index in inside or node.index in targets:
            found.append("output" if node.index in inside else "target")
        elif node.op is None:
            found.append(node.data)
        else:
            found.append(node.op.name)
            waiting += [traced.edges[k].tail for k in node.edges_in]
    return tuple(found)


def _equations_of(traced: Trace, network: Network, example: Example) -> Equations | None:
    """Return the equations of an example, in the names that a picture of its layers has."""
    inputs = {"a0": example.inputs, **({"t": example.targets} if example.targets else {})}
    named: dict[str, Sequence[int]] = {}
    for l, (z, a) in enumerate(zip(example.z, example.a, strict=True), 1):
        named |= {f"z{l}": z, **({f"a{l}": a} if a != z else {})}
    parameters = {traced.nodes[k].label.split("[")[0] for layer in network.layers for k in layer.weights[0]}
    if parameters & {*inputs, *named}:
        return None
    equations = derived_equations(traced, example.root, inputs, named, ["a0"])
    if equations is not None:
        _find_blocks(equations, traced, network, example)
    return equations


def _find_blocks(equations: Equations, traced: Trace, network: Network, example: Example) -> None:
    """Find which blocks of the picture of a network the families stand for."""
    blocks, found = equations.blocks, equations.derivation.found
    leaves = {example.inputs: "x", example.targets: "t"}
    values: dict[str, Sequence[int]] = {}
    for l, (layer, z, a) in enumerate(zip(network.layers, example.z, example.a, strict=True), 1):
        leaves |= {tuple(node for row in layer.weights for node in row): f"W{l}", layer.biases: f"b{l}"}
        values |= {f"in{l}": example.sources[l - 1], f"a{l}": a, f"z{l}": z}
        if l == 1 or values[f"in{l}"] == values[f"a{l - 1}"]:
            del values[f"in{l}"]
    for family, nodes in equations.nodes.items():
        size = len(nodes) // (family.axes[0].size if family.stacked else 1)
        keys = [leaves.get(tuple(nodes[k : k + size]), "") for k in range(0, len(nodes), size)]
        blocks[family] = {key: k if family.stacked else -1 for k, key in enumerate(keys) if key}
    data = {key: np.array([traced.nodes[node].data for node in nodes]) for key, nodes in values.items()}
    for family in found.forward:
        blocks[family] = {"loss": -1} if family is found.loss else {}
        numbers = equations.numbers[family]
        parts = [numbers] if family.time is None else list(np.moveaxis(numbers, family.time, 0))
        for k, part in enumerate(parts if family is not found.loss else ()):
            key = _key_of(part.ravel(), family.name, data)
            if data.pop(key, None) is not None:
                blocks[family][key] = -1 if family.time is None else k
    for adjoint in [*found.backward, *found.gradients]:
        source = blocks.get(adjoint.source, {})
        blocks[adjoint] = {re.sub("^dz", "delta", f"d{key}"): k for key, k in source.items()}


def _key_of(numbers: np.ndarray[Any, Any], name: str, data: Mapping[str, np.ndarray[Any, Any]]) -> str:
    """Return the block that has some numbers, the one of that name if it has them too; empty if there is none."""
    alike = [k for k, own in data.items() if own.shape == numbers.shape and np.allclose(numbers, own, CLOSE, CLOSE)]
    return name if name in alike else next(reversed(alike), "")


# --- JSON ----------------------------------------------------------------------------------------


def _tape(shown: Content) -> dict[str, Any]:
    traced = shown.traced
    ops = list(dict.fromkeys(node.op.name for node in traced.nodes if node.op))
    place = {name: k for k, name in enumerate(ops)}
    inputs = {node for example in (shown.network.examples if shown.network else ()) for node in example.inputs}
    leaves: list[tuple[int, list[float]]] = []
    for node in traced.nodes:
        if node.op is not None:
            continue
        if leaves and leaves[-1][0] + len(leaves[-1][1]) == node.index:
            leaves[-1][1].append(node.data)
        else:
            leaves.append((node.index, [node.data]))
    constants = runs(node.index for node in traced.nodes if node.is_constant and node.index not in inputs)
    nodes = [
        [node.index, place[node.op.name], runs(traced.edges[k].tail for k in node.edges_in)]
        for node in traced.nodes
        if node.op
    ]
    own = _own_names(shown.network)
    large = len(traced.nodes) > RULES_UP_TO and shown.network is None
    own.update({node.index: f"v{node.index + 1}" for node in traced.nodes if large})
    found: dict[str, Any] = {
        "n": len(traced.nodes),
        "root": traced.root,
        "ops": ops,
        "leaves": leaves,
        "constants": [constants[k : k + 2] for k in range(0, len(constants), 2)],
        "nodes": nodes,
        "names": [[k, name] for k, name in enumerate(shown.names) if own.get(k) != name],
        "given": runs(node.index for node in traced.nodes if node.label),
    }
    if large:
        found["numbered"] = 1
    if len(traced.nodes) <= RULES_UP_TO:
        found["rules"] = {node.index: traced.rules(node.index) for node in traced.nodes if node.op}
    if shown.frozen:
        found["frozen"] = shown.frozen
        found["values"] = [node.data for node in traced.nodes]
        found["locals"] = [None if math.isnan(edge.local) else edge.local for edge in traced.edges]
    return found


def _network(network: Network, traced: Trace, set_of: Sequence[int]) -> dict[str, Any]:
    last = set(network.examples[0].z[-1])
    softmax = any(
        node.op is ops.logsumexp and {traced.edges[k].tail for k in node.edges_in} == last for node in traced.nodes
    )
    return {
        "layers": [
            {
                "W": runs(node for row in layer.weights for node in row),
                "b": runs(layer.biases),
                "act": layer.activation.name if layer.activation else "",
            }
            for layer in network.layers
        ],
        "sizes": network.sizes,
        "softmax": softmax,
        "examples": [
            {
                "root": example.root,
                "set": set_of[k] if set_of else -1,
                "in": [runs(own) for own in example.sources],
                "z": [runs(own) for own in example.z],
                "a": [runs(own) for own in example.a],
                "members": [[runs(own) for own in layer] for layer in example.members],
                "t": runs(example.targets),
            }
            for k, example in enumerate(network.examples)
        ],
    }


# --- names ---------------------------------------------------------------------------------------


def _own_names(network: Network | None) -> dict[int, str]:
    """Return the names that the page gives the weights and biases of layers by itself."""
    if network is None:
        return {}
    found = {}
    for number, layer in enumerate(network.layers, 1):
        for j, row in enumerate(layer.weights):
            found.update({node: f"W{number}[{j},{k}]" for k, node in enumerate(row)})
        found.update({node: f"b{number}[{j}]" for j, node in enumerate(layer.biases)})
    return found


def _names(traced: Trace, network: Network | None, inputs: Mapping[str, Sequence[int]]) -> tuple[str, ...]:
    """Return what each node is called: its label, its place in a layer, or what it computes."""
    places = {node: f"{name}[{k}]" for name, nodes in inputs.items() for k, node in enumerate(nodes)}
    for example in network.examples if network else ():
        places.update({node: f"x[{k}]" for k, node in enumerate(example.inputs)})
        places.update({node: f"t[{k}]" for k, node in enumerate(example.targets)})
        for layer, (z, a) in enumerate(zip(example.z, example.a, strict=True), 1):
            places.update({node: f"a{layer}[{j}]" for j, node in enumerate(a)})
            places.update({node: f"z{layer}[{j}]" for j, node in enumerate(z)})
        places[example.root] = "C"
    places |= _own_names(network)
    names: list[str] = []
    for node in traced.nodes:
        if node.label:
            names.append(shortened(node.label, 24))
        elif node.index in places:
            names.append(places[node.index])
        elif node.index == traced.root:
            names.append("C" if network else traced.output)
        elif node.op is None or len(traced.nodes) > RULES_UP_TO:
            names.append(node.name)
        else:
            names.append(_computed(traced, node.index, names))
    return tuple(names)


def _computed(traced: Trace, index: int, names: Sequence[str]) -> str:
    """Return what a node without a label computes, in a few characters."""
    node = traced.nodes[index]
    if node.op is None:
        return node.name
    tails = [traced.edges[k].tail for k in node.edges_in]
    own = ["" if traced.nodes[tail].is_constant and not traced.nodes[tail].label else names[tail] for tail in tails]
    plain = [name if not name or _is_simple(name) else "…" for name in own]
    if len(tails) > MOST_TERMS:
        return f"{node.op.symbol} of {len(tails)}"
    text = expression(node.op, plain, [traced.nodes[tail].data for tail in tails]).replace(" · ", "·")
    return text if len(text) <= 16 else f"{node.op.symbol}(…)"


def _is_simple(name: str) -> bool:
    return len(name) <= 7 and not any(sign in name for sign in "+−·/… ")
