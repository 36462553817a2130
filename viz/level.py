"""A graph at one level of detail, ready to be drawn: cells, and the flows of gradient between them.

Two levels are made from one trace: every value, and every neuron. All pictures of boxes are drawn from a level.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from autograd import Op, Value, ops

from .diagram import Kind
from .formula import expression, rules
from .neurons import Contraction, Neuron, contracted, neurons
from .style import numeral, shortened
from .trace import Edge, Node, Trace

__all__ = ["Cell", "Flow", "Level", "bracketed", "edge_flow", "neuron_level", "value_level"]


@dataclass(frozen=True, slots=True)
class Cell:
    """What one box stands for.

    Attributes:
        name: What equations call it.
        named: Whether somebody gave it that name.
        kind: Output, leaf, number or other.
        symbol: The operation.
        value: Its value as text.
        gradient: Its complete gradient as text; empty for a number.
        extra: Further lines of its box, each two texts: a neuron's z and δ.
        remark: How a leaf's `grad` differs from this pass.
        badges: Remarks such as "dead ReLU".
        forward: How it is computed, with names and with numbers; empty for a leaf.
        exact: Its value and gradient in full.
        source: The Value itself, if it is one.
    """

    name: str
    named: bool
    kind: Kind
    symbol: str
    value: str
    gradient: str
    extra: tuple[tuple[str, str], ...] = ()
    remark: str = ""
    badges: tuple[str, ...] = ()
    forward: str = ""
    exact: tuple[str, str] = ("", "")
    source: Value | None = None


@dataclass(frozen=True, slots=True)
class Flow:
    """One contribution: what flows from `head` back to `tail`.

    Attributes:
        tail: The index of the cell that receives it.
        head: The index of the cell it comes from.
        slot: Which operand of the head the tail is.
        local: ∂head/∂tail as text.
        upstream: The head's complete gradient.
        contribution: upstream × local.
        size: The contribution as a number, for its line.
        rule: The formula of the local derivative; empty if there is none.
        numbers: The same with numbers.
        is_constant: Whether the tail is a number, to which nothing flows.
    """

    tail: int
    head: int
    slot: int
    local: str
    upstream: str
    contribution: str
    size: float
    rule: str = ""
    numbers: str = ""
    is_constant: bool = False


@dataclass(frozen=True, slots=True)
class Level:
    """A graph at one level of detail.

    Attributes:
        name: "value" or "neuron".
        cells: In the order of the forward pass.
        flows: In the order of the backward pass.
        root: The index of the output's cell.
    """

    name: str
    cells: tuple[Cell, ...]
    flows: tuple[Flow, ...]
    root: int

    @property
    def output(self) -> str:
        """What texts call the output."""
        return self.cells[self.root].name


def value_level(traced: Trace, digits: int = 4, *, with_rules: bool = True) -> Level:
    """Return every Value as a cell and every operand slot as a flow.

    Args:
        traced: The graph.
        digits: Significant digits.
        with_rules: Whether to write the formulas too.
    """
    cells = tuple(_value_cell(traced, node, digits) for node in traced.nodes)
    written: dict[int, list[tuple[str, str]]] = {}
    flows = []
    for edge in traced.edges:
        if with_rules and edge.head not in written:
            written[edge.head] = _written_rules(traced, edge.head, digits)
        rule = written[edge.head][edge.slot] if with_rules else ("", "")
        flows.append(edge_flow(edge, digits, rule))
    return Level("value", cells, tuple(flows), traced.root)


def _value_cell(traced: Trace, node: Node, digits: int) -> Cell:
    root = node.index == traced.root
    kind: Kind = "constant" if node.is_constant else "root" if root else "node" if node.op else "leaf"
    return Cell(
        name=traced.name(node.index),
        named=bool(node.label) or root,
        kind=kind,
        symbol=node.op.symbol if node.op else "",
        value=numeral(node.data, digits),
        gradient="" if node.is_constant else numeral(node.adjoint, digits),
        remark=node.remark,
        badges=node.badges,
        forward=_forward(traced, node, digits),
        exact=(repr(node.data), "" if node.is_constant else repr(node.adjoint)),
        source=node.value,
    )


def _forward(traced: Trace, node: Node, digits: int) -> str:
    if node.op is None:
        return ""
    names, values = traced.operands(node.index)
    by_name = expression(node.op, names, values)
    by_number = expression(node.op, [numeral(x, digits) for x in values], values)
    result = numeral(node.data, digits)
    return " = ".join(dict.fromkeys((by_name, by_number, result)))


def _written_rules(traced: Trace, head: int, digits: int) -> list[tuple[str, str]]:
    """Return the formula of each local derivative of a node, by name and by number."""
    node = traced.nodes[head]
    op: Op = node.op or ops.add
    names, values = traced.operands(head)
    numbers = [numeral(x, digits) if name else "" for name, x in zip(names, values, strict=True)]
    by_number = rules(op, numbers, values, (numeral(node.data, digits), node.data))
    return list(zip(traced.rules(head), by_number, strict=True))


def edge_flow(edge: Edge, digits: int, rule: tuple[str, str] = ("", "")) -> Flow:
    """Return an edge as a flow; `rule` is its local derivative as a formula, by name and by number."""
    local, upstream, contribution = (numeral(x, digits) for x in (edge.local, edge.upstream, edge.contribution))
    size = 0.0 if not edge.step or math.isnan(edge.contribution) else edge.contribution
    return Flow(edge.tail, edge.head, edge.slot, local, upstream, contribution, size, *rule, not edge.step)


def neuron_level(traced: Trace, digits: int = 4) -> Level | None:
    """Return every neuron as a cell, with its inputs and what lies behind the network; None if there is no neuron."""
    found = neurons(traced)
    if not found:
        return None
    groups, edges = contracted(traced, found)
    names = _neuron_names(traced, groups)
    cells = tuple(_group_cell(traced, group, name, digits) for group, name in zip(groups, names, strict=True))
    flows = tuple(edge_flow(edge, digits, _neuron_rule(traced, groups, edge, digits)) for edge in edges)
    root = next(k for k, group in enumerate(groups) if traced.root in group.members)
    return Level("neuron", cells, flows, root)


def _neuron_names(traced: Trace, groups: Sequence[Contraction]) -> list[str]:
    """Return the label of each group's output; an unlabelled neuron is named by its layer and its place in it."""
    count: dict[int, int] = {}
    names = []
    for group in groups:
        name = traced.name(group.out)
        if group.neuron and not traced.nodes[group.out].label and group.out != traced.root:
            place = count.get(group.neuron.depth, 0)
            count[group.neuron.depth] = place + 1
            name = f"neuron {group.neuron.depth}.{place}"
        names.append(name)
    return names


def _group_cell(traced: Trace, group: Contraction, name: str, digits: int) -> Cell:
    node = traced.nodes[group.out]
    cell = _value_cell(traced, node, digits)
    neuron = group.neuron
    extra: tuple[tuple[str, str], ...] = ()
    symbol, forward, badges = cell.symbol, cell.forward, list(cell.badges)
    if neuron:
        z = traced.nodes[neuron.z]
        op = neuron.activation(traced)
        if op:
            extra = ((f"z {numeral(z.data, digits)}", f"δ {numeral(z.adjoint, digits)}"),)
            badges += [badge for badge in z.badges if badge not in badges]
        symbol = op.name if op else "identity"
        terms = f"Σ {len(neuron.weights)} products" + (" + bias" if neuron.biases else "")
        z_text = numeral(z.data, digits)
        forward = f"{op.name}({terms}) = {op.name}({z_text}) = {cell.value}" if op else f"{terms} = {z_text}"
    elif len(group.members) > 1:
        symbol = f"{len(group.members)} operations"
        forward = f"{symbol} = {cell.value}"
    return Cell(name, cell.named or bool(neuron), cell.kind, symbol, cell.value, cell.gradient, extra, cell.remark,
                tuple(badges), forward, cell.exact, cell.source)  # fmt: skip


def _neuron_rule(traced: Trace, groups: Sequence[Contraction], edge: Edge, digits: int) -> tuple[str, str]:
    """Return the formula of a neuron's derivative by one input: σ′(z) · w."""
    neuron: Neuron | None = groups[edge.head].neuron
    if neuron is None:
        return "", ""
    places = [k for k, source in enumerate(neuron.sources) if source == groups[edge.tail].out]
    if len(places) != 1:
        return "", ""
    weight = traced.nodes[neuron.weights[places[0]]]
    op = neuron.activation(traced)
    if op is None:
        return shortened(weight.name), numeral(weight.data, digits)
    slope = traced.edges[traced.nodes[neuron.out].edges_in[0]].local
    z = shortened(traced.nodes[neuron.z].label) or "z"
    by_number = f"{numeral(slope, digits)} · {bracketed(numeral(weight.data, digits))}"
    return f"{op.symbol}′({z}) · {shortened(weight.name)}", by_number


def bracketed(text: str) -> str:
    """Return the second factor of a product: a negative number in parentheses."""
    return f"({text})" if text.startswith("−") else text
