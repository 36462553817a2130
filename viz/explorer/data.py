"""Everything a page is handed, as one JSON object: the graph of scalars, its layers, its equations, its names.

Numbers are stored once: those of the leaves. The page computes all others with the operations of the graph; only where
a user's own operation has no JavaScript, the values and local derivatives of the trace are stored as well.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from autograd import ops

from ..formula import MOST_TERMS, expression
from ..layers import Example, Network, found_network, with_shared_inputs
from ..style import shortened
from ..trace import Trace
from .evaluation import holds
from .operations import can_run
from .terms import Array, Equation, Equations, Term, derived_equations

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
        sets: Its equations; of a network with examples that were recorded differently, one set for each kind.
        names: What each node is called.
    """

    traced: Trace
    network: Network | None
    sets: tuple[Equations, ...]
    set_of: tuple[int, ...]
    names: tuple[str, ...]

    @property
    def json(self) -> dict[str, Any]:
        """The object that the page reads."""
        found: dict[str, Any] = {"tape": _tape(self), "sets": [_set(each) for each in self.sets]}
        if self.network is not None:
            found["network"] = _network(self.network, self.traced, self.set_of)
        return found

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
    adjoints = {node.index: node.adjoint for node in traced.nodes if not node.is_constant}
    if equations is None or not holds(equations, traced, adjoints, traced.root):
        return (), ()
    return (equations,), (0,)


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
    inputs = {"x": example.inputs, **({"t": example.targets} if example.targets else {})}
    if {"x", "t"} & {traced.nodes[k].label.split("[")[0] for layer in network.layers for k in layer.weights[0]}:
        return None
    equations = derived_equations(traced, example.root, inputs)
    if equations is None or not holds(equations, traced, _adjoints(traced, example.root), example.root):
        return None
    first = network.layers[0]
    weights = next((n for n, a in equations.arrays.items() if a.nodes and a.nodes[0] == first.weights[0][0]), "")
    delta = next((n for n, a in equations.arrays.items() if a.role == "adjoint" and _is_first(equations, a.of)), "")
    inside = {member for own in example.members[0] for member in own}
    used_once = all(traced.edges[k].head in inside for node in example.inputs for k in traced.nodes[node].edges_out)
    if not weights or not delta or equations.input != "x" or not used_once or "dx" in equations.arrays:
        return equations
    size = len(example.inputs)
    name = Term("name", name=weights)  # of a single neuron a vector may be W, which then stands as a column already
    columns = Term("transpose", (name,)) if equations.arrays[weights].is_matrix else name
    backwards = Equation("b", Term("name", name="dx"), Term("matmul", (columns, Term("name", name=delta))))
    at = max(k for k, each in enumerate(equations.all) if each.part == "b") + 1
    arrays = {**equations.arrays, "dx": Array((size, 1), "adjoint", 0, "x", (), is_matrix=False)}
    return replace(equations, all=(*equations.all[:at], backwards, *equations.all[at:]), arrays=arrays)


def _is_first(equations: Equations, name: str) -> bool:
    return equations.arrays[name].role == "z" and equations.arrays[name].layer == 1


def _adjoints(traced: Trace, root: int) -> dict[int, float]:
    """Return ∂root/∂node for every node under one that need not be the graph's own output."""
    adjoint = {root: 1.0}
    for index in range(root, -1, -1):
        up = adjoint.get(index, 0.0)
        for k in traced.nodes[index].edges_in if up else ():
            edge = traced.edges[k]
            if edge.step:
                adjoint[edge.tail] = adjoint.get(edge.tail, 0.0) + up * edge.local
    return adjoint


# --- JSON ----------------------------------------------------------------------------------------


def runs(indices: Iterable[int]) -> list[int]:
    """Return whole numbers as runs: first, count, first, count and so on.

    Example:
        >>> runs([4, 5, 6, 2, 3])
        [4, 3, 2, 2]
    """
    found: list[int] = []
    for index in indices:
        if found and found[-2] + found[-1] == index:
            found[-1] += 1
        else:
            found += [index, 1]
    return found


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


def _set(equations: Equations) -> dict[str, Any]:
    return {
        "equations": [
            {
                "part": each.part,
                "key": each.key,
                "target": _term(each.target),
                "value": _term(each.value),
                **({"add": 1} if each.add else {}),
            }
            for each in equations.all
        ],
        "arrays": {
            name: {
                "shape": array.shape,
                "role": array.role,
                "layer": array.layer,
                **({"of": array.of} if array.of else {}),
                **({"nodes": runs(array.nodes)} if array.nodes else {}),
                **({"matrix": 1} if array.is_matrix else {}),
            }
            for name, array in equations.arrays.items()
        },
        "input": equations.input,
        "targets": equations.targets,
    }  # fmt: skip


def _term(term: Term) -> dict[str, Any]:
    found: dict[str, Any] = {"kind": term.kind}
    for name in ("name", "view", "number", "text", "axis", "exponent", "values", "places"):
        if given := getattr(term, name):
            found[name] = given
    if term.kind == "number":
        found["number"] = term.number
    if term.parts:
        found["parts"] = [_term(part) for part in term.parts]
    return found


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
