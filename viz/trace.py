"""Both passes of a graph as data, which every renderer reads.

A trace computes the backward pass itself, on numbers of its own, so that pictures work before `backward()` and no
`grad` changes. Its adjoints equal the engine's bit for bit, because contributions are formed and added in the engine's
order; only the gradients of weights that neurons share, in graphs of more than 1,000 operations, can differ in their
last digits, because the engine forms those as matrix products.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autograd import Op, Value
from autograd.graph import number

from .badges import badges, remark
from .formula import rules
from .numbering import Numbering, is_constant
from .style import numeral, plain, shortened

__all__ = ["Edge", "Node", "Trace", "trace"]


@dataclass(frozen=True, slots=True)
class Node:
    """A Value of the graph, or a number that was used as an operand.

    Attributes:
        index: Its place in the order of the forward pass; operands come before what is made from them.
        label: The name it was given, by itself or through `names`; empty if none.
        name: What texts call it: the label, a number's digits, or "v1", "v2", … in the order of computation.
        data: Its value.
        adjoint: ∂root/∂node by this trace's own pass; NaN where a partial derivative is undefined.
        grad: What the Value's `grad` held when it was traced.
        op: What made it; None for a leaf.
        is_constant: Whether it is a number, which has no gradient.
        edges_in: The indices of the edges from its operands, one for each slot.
        edges_out: The indices of the edges to what was made from it, in the order of the backward pass.
        badges: Remarks such as "dead ReLU" and "saturated".
        remark: How the leaf's `grad` differs from this pass; empty if it does not.
        value: The Value itself; None for a number that has none.
    """

    index: int
    label: str
    name: str
    data: float
    adjoint: float
    grad: float
    op: Op | None
    is_constant: bool
    edges_in: tuple[int, ...]
    edges_out: tuple[int, ...]
    badges: tuple[str, ...]
    remark: str
    value: Value | None


@dataclass(frozen=True, slots=True)
class Edge:
    """One operand slot of one node: the way of one contribution.

    Attributes:
        index: Its place in `Trace.edges`.
        tail: The operand's node index.
        head: The index of the node made from it.
        slot: Which operand it is.
        local: ∂head/∂tail through this slot; NaN where undefined.
        upstream: The adjoint of the head.
        contribution: What the operand's adjoint receives: upstream × local.
        before: The operand's adjoint before this contribution.
        after: And after it.
        step: Which step of the backward pass this is, from 1; 0 for a constant operand, to which nothing flows.
    """

    index: int
    tail: int
    head: int
    slot: int
    local: float
    upstream: float
    contribution: float
    before: float
    after: float
    step: int


@dataclass(frozen=True, slots=True)
class Trace:
    """A graph with both of its passes.

    Attributes:
        nodes: In the order of the forward pass.
        edges: In the order of the backward pass: heads newest first, slots in order.
        root: The index of the output.
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    root: int

    @property
    def steps(self) -> tuple[Edge, ...]:
        """The contributions in the order in which a backward pass makes them."""
        return tuple(edge for edge in self.edges if edge.step)

    @property
    def output(self) -> str:
        """What texts call the output: its label, or "C" if it has none and nobody else is called so."""
        root = self.nodes[self.root]
        if root.label or any(node.label == "C" for node in self.nodes):
            return root.name
        return "C"

    def name(self, index: int) -> str:
        """Return what equations call a node."""
        return self.output if index == self.root else self.nodes[index].name

    def operands(self, head: int) -> tuple[list[str], list[float]]:
        """Return the names of a node's operands, empty for numbers, and their values."""
        tails = [self.nodes[self.edges[k].tail] for k in self.nodes[head].edges_in]
        names = ["" if t.is_constant and not t.label else shortened(self.name(t.index)) for t in tails]
        return names, [t.data for t in tails]

    def rules(self, head: int) -> list[str]:
        """Return the formula of ∂head/∂operand for each operand slot of a node; empty where the rule has none.

        Example:
            >>> x, w = Value(3.0, "x"), Value(2.0, "w")
            >>> traced = trace(x * w)
            >>> traced.rules(traced.root)
            ['w', 'x']
        """
        node = self.nodes[head]
        if node.op is None:
            return []
        return rules(node.op, *self.operands(head), (shortened(self.name(head)), node.data))


def trace(root: Value, names: Mapping[str, Any] | None = None) -> Trace:
    """Return the graph under `root` and its backward pass from ∂root/∂root = 1.

    Args:
        root: The output.
        names: Names for Values without a label, such as `locals()`; lists and tuples of Values are looked into.
            Leaves in it that the output does not depend on appear as unused.

    Raises:
        TypeError: If `root` is not a Value.
        RuntimeError: If a leaf was assigned after a node that uses it was recorded.

    Example:
        >>> x = Value(3.0, "x")
        >>> [edge.contribution for edge in trace(x * x).steps]
        [3.0, 3.0]
    """
    if not isinstance(root, Value):
        hint = "; pass one of its items, such as model(x)[0]" if isinstance(root, Sequence) else ""
        if callable(getattr(root, "parameters", None)):
            hint = "; viz.draw_network(model) draws a model, and viz.draw(loss) the graph of its loss"
        raise TypeError(
            f"a picture is drawn of a Value, got {plain(repr(root))[:80]} of type {type(root).__name__}{hint}"
        )
    recorded = Numbering(root)
    labels = {id(value): name for name, value in _named(names or {})}
    for _, value in _named(names or {}):
        if value.is_leaf and not value.is_literal:
            recorded.add(value, value)
    edges = _backward(recorded)
    return Trace(_nodes(recorded, edges, labels), edges, recorded.index[id(root)])


def _backward(recorded: Numbering) -> tuple[Edge, ...]:
    adjoint = [0.0] * len(recorded.things)
    adjoint[recorded.index[id(recorded.root)]] = 1.0
    edges: list[Edge] = []
    step = 0
    for head in reversed(recorded.operands):
        thing, operands = recorded.things[head], recorded.operands[head]
        args = [number(recorded.things[tail]) for tail in operands]
        upstream = adjoint[head]
        locals_ = _locals(thing, args)
        for slot, tail in enumerate(operands):
            constant = is_constant(recorded.things[tail])
            local = locals_[slot] if not constant else math.nan
            change = 0.0 if upstream == 0.0 else upstream * local
            before = adjoint[tail]
            if not constant:
                step += 1
                adjoint[tail] = before + change
            edges.append(
                Edge(
                    len(edges),
                    tail,
                    head,
                    slot,
                    local,
                    upstream,
                    change,
                    before,
                    adjoint[tail],
                    0 if constant else step,
                )
            )
    return tuple(edges)


def _locals(node: Any, args: list[float]) -> list[float]:
    """Return the partial derivatives of a node, NaN where one is undefined."""
    if not isinstance(node.op.partials, tuple):
        return [float(partial) for partial in node.op.locals(node.data, args)]
    partials = []
    for slot in range(len(args)):
        try:
            partials.append(float(node.op.local(slot, node.data, args)))
        except (ArithmeticError, ValueError):
            partials.append(math.nan)
    return partials


def _nodes(recorded: Numbering, edges: tuple[Edge, ...], labels: Mapping[int, str]) -> tuple[Node, ...]:
    count = len(recorded.things)
    into: list[list[int]] = [[] for _ in range(count)]
    out: list[list[int]] = [[] for _ in range(count)]
    adjoint = [0.0] * count
    adjoint[recorded.index[id(recorded.root)]] = 1.0
    for edge in edges:
        into[edge.head].append(edge.index)
        out[edge.tail].append(edge.index)
        adjoint[edge.tail] = edge.after
    ran = recorded.root.grad != 0.0
    nodes = []
    for index, thing in enumerate(recorded.things):
        constant = is_constant(thing)
        value = None if thing.__class__ is float else thing
        op = None if value is None else value.op
        label = "" if value is None else value.label or ("" if constant else labels.get(id(value), ""))
        name = plain(label) or (numeral(number(thing)) if constant else "")
        local = edges[into[index][0]].local if into[index] else math.nan
        grad = 0.0 if value is None else value.grad
        nodes.append(
            Node(
                index=index,
                label=label,
                name=name or f"v{index + 1}",
                data=number(thing),
                adjoint=math.nan if constant else adjoint[index],
                grad=grad,
                op=op,
                is_constant=constant,
                edges_in=tuple(into[index]),
                edges_out=tuple(out[index]),
                badges=() if constant else badges(op, adjoint[index], local, used=index < recorded.used),
                remark=remark(grad, adjoint[index], ran=ran) if op is None and not constant else "",
                value=value,
            )
        )
    return tuple(nodes)


def _named(names: Mapping[str, Any]) -> Iterable[tuple[str, Value]]:
    """Yield the Values among `names`, those in lists by their place: w[0], w[1][2]."""
    waiting = [(str(name), item, 0) for name, item in reversed(list(names.items()))]
    while waiting:
        name, item, depth = waiting.pop()
        if isinstance(item, Value):
            yield name, item
        elif isinstance(item, (list, tuple)) and depth < 4:
            waiting.extend((f"{name}[{k}]", inner, depth + 1) for k, inner in reversed(list(enumerate(item))))
