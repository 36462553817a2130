"""The reverse pass: the chain rule from an output back to every leaf.

Nodes are visited newest first. A node's creation serial is larger than its operands', so that order is a reverse
topological one, and when a node's turn comes its adjoint ∂output/∂node is complete.

During the pass the adjoints are kept in the nodes' own `grad`: looking them up in a table beside the graph would cost
more than the arithmetic. The old gradients are set aside and put back if anything goes wrong, so a pass happens whole
or not at all. A node has been reached if its `grad` *is* this pass's zero, an object made for the pass.

Adjoints need no test at each node: every branch multiplies and none skips a non-zero adjoint, so inf and NaN always
arrive at a leaf, and only leaves are tested. Which node went wrong first is found afterwards.

How a node keeps its operands: `_a` and `_b` for one or two of them (`_b` is None for one), a `Vector` in `_a` for more;
an affine node has the Vectors of its weights and inputs in `_a` and `_b` and its bias in `_c`. A number among the
operands is kept as a float; `Value.operands` makes it a literal leaf when somebody looks.
"""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import Any, TypeAlias

import numpy as np

from .op import DomainError, Op
from .ops import add, affine, mul, neg, relu, sub, tanh

__all__ = [
    "Graph",
    "Vector",
    "assignments",
    "backward",
    "clock",
    "graph",
    "number",
    "refuse_changed_leaves",
    "stored_operands",
    "undefined",
]

clock = itertools.count(1)
"""Gives every node its serial, and every assigned leaf a new one: a leaf newer than its consumer has changed."""

assignments = [0]
"""The serial of the latest assignment to any leaf: a graph whose nodes are all newer needs no search for changes."""

_LARGE = 1000  # nodes, above which the products of shared weights are formed together: in another order
_FEW_EXAMPLES, _FEW_NODES = 4, 16  # below which a matrix product would take longer than adding one by one
_one_pass_at_a_time = threading.RLock()
_serial = attrgetter("_serial")


class _Sink:
    """Receives the adjoints of numbers."""

    __slots__ = ("grad",)

    op = None

    def __init__(self) -> None:
        self.grad = 0.0


class Vector:
    """A fixed sequence of operands that several nodes can share, such as the inputs of all neurons of a layer.

    Sharing one saves each `affine` node its own copy, and the passes the work of reading the same numbers again.

    Attributes:
        values: The operands: Values, and floats where a number was given.
        targets: What receives the adjoints, in the same order; empty if all are numbers.
        literals: The operands with a literal leaf for each number, once somebody has looked.
        mark: The token of the last reverse pass that came by.
        shared: Whether a pass has come by twice.
    """

    __slots__ = ("_numbers", "_of_leaves", "_read_at", "literals", "mark", "shared", "targets", "values")

    def __init__(self, values: tuple[Any, ...]) -> None:
        self.values = values
        recorded = [not (value.__class__ is float or value.is_literal) for value in values]
        self.targets: tuple[Any, ...] = values
        if not all(recorded):
            sink = _Sink()
            self.targets = (
                tuple(v if r else sink for v, r in zip(values, recorded, strict=True)) if any(recorded) else ()
            )
        self.literals: tuple[Any, ...] | None = None
        self.mark: float | None = None
        self.shared = False
        self._of_leaves: bool | None = None
        self._read_at = -1
        self._numbers: list[float] = []

    def __reduce__(self) -> tuple[Any, ...]:
        return Vector, (self.values,)  # without the numbers read: serials mean nothing in another process

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.values)

    def of_leaves(self) -> bool:
        """Return whether all targets are leaves, whose gradients nobody needs before the pass ends."""
        if self._of_leaves is None:
            self._of_leaves = all(target.op is None for target in self.targets)
        return self._of_leaves

    def numbers(self) -> list[float]:
        """Return the operands' data, read again only after some leaf was assigned."""
        if self._read_at != assignments[0]:
            now = assignments[0]
            self._numbers = [value if value.__class__ is float else value._data for value in self.values]
            self._read_at = now
        return self._numbers


def number(operand: Any) -> float:
    """Return the data of a stored operand, which is a Value or a float."""
    data: float = operand if operand.__class__ is float else operand._data
    return data


def stored_operands(node: Any) -> tuple[Any, ...]:
    """Return the operands of an interior node as they are stored: Values, and floats for numbers."""
    a, b = node._a, node._b
    if a.__class__ is Vector:
        return a.values if b is None else (*a.values, *b.values, node._c)
    return (a,) if b is None else (a, b)


_Later: TypeAlias = dict[Vector, list[tuple[float, Vector]]]
"""For weights, the adjoint and the inputs of each affine node that shares them."""


class Graph:
    """Everything under a root: interior nodes newest first, leaves in the order they were found.

    Attributes:
        root: The output.
        nodes: The interior nodes, the root first; empty if the root is a leaf.
        leaves: The leaves that can have a gradient, so no literals.
    """

    __slots__ = ("_kind", "_old_leaf", "_old_node", "_pending", "_unsorted", "_zero", "leaves", "nodes", "root")

    def __init__(self, root: Any) -> None:
        self.root = root
        self.nodes: list[Any] = []
        self.leaves: list[Any] = []
        self._kind: Any = type(root)
        self._zero = float("0")  # an object of its own: identity with it marks what this pass has reached
        self._unsorted: list[Any] = []
        self._pending: list[Any] = []
        self._old_leaf: list[float] = []
        self._old_node: list[float] = []

    def reach(self, operands: Iterable[Any]) -> None:
        """Mark operands that are new to this pass, and set their gradients aside."""
        kind, zero = self._kind, self._zero
        for value in operands:
            if value.__class__ is kind:
                if value.grad is not zero:
                    if value.op is None:
                        self.leaves.append(value)
                        self._old_leaf.append(value.grad)
                    else:
                        self._unsorted.append(value)
                        self._old_node.append(value.grad)
                        self._pending.append(value)
                    value.grad = zero
            elif value.__class__ is Vector:
                if value.mark is zero:
                    value.shared = True
                else:
                    value.mark = zero
                    self.reach(value.targets)

    def collect(self) -> None:
        """Reach everything under the root.

        It goes down one path after the other, newest operand first: that is nearly the order of creation, which is how
        nodes lie in memory, and it leaves little to sort. The branches for plain operands repeat `reach` in line: a
        call for each would double the time.
        """
        self.reach((self.root,))
        kind, zero, pending = self._kind, self._zero, self._pending
        nodes, old_node, leaves, old_leaf = self._unsorted, self._old_node, self.leaves, self._old_leaf
        while pending:
            node = pending.pop()
            while node is not None:
                a = node._a
                b = node._b
                if a.__class__ is Vector:
                    self.reach((a,) if b is None else (a, b, node._c))
                    break
                node = None
                if a.__class__ is kind and a.grad is not zero:
                    if a.op is None:
                        leaves.append(a)
                        old_leaf.append(a.grad)
                    else:
                        nodes.append(a)
                        old_node.append(a.grad)
                        node = a
                    a.grad = zero
                if b.__class__ is kind and b.grad is not zero:
                    if b.op is None:
                        leaves.append(b)
                        old_leaf.append(b.grad)
                    else:
                        nodes.append(b)
                        old_node.append(b.grad)
                        if node is not None:
                            pending.append(node)
                        node = b
                    b.grad = zero
        self.nodes = sorted(nodes, key=_serial, reverse=True)
        if nodes and self.nodes[-1]._serial < assignments[0]:
            refuse_changed_leaves(self.nodes)

    def commit(self) -> None:
        """Add what arrived at the leaves to their old gradients, if all of it is finite."""
        totals = [old + leaf.grad for old, leaf in zip(self._old_leaf, self.leaves, strict=True)]
        if not all(map(math.isfinite, totals)):
            raise self._not_finite()
        for leaf, total in zip(self.leaves, totals, strict=True):
            leaf.grad = total

    def restore(self) -> None:
        """Put every gradient back."""
        for values, grads in ((self.leaves, self._old_leaf), (self._unsorted, self._old_node)):
            for value, grad in zip(values, grads, strict=False):  # an interrupt may leave the second list one shorter
                value.grad = grad

    def _not_finite(self) -> DomainError:
        for value in itertools.chain(self.nodes, self.leaves):
            if not math.isfinite(value.grad):
                return DomainError(f"the gradient is not finite: the adjoint of {value.describe()} is {value.grad}")
        return DomainError("the gradient is not finite: what a leaf had before and this pass's adjoint sum to infinity")


def graph(root: Any) -> Graph:
    """Return everything under `root` and leave all gradients as they were.

    Raises:
        RuntimeError: If a leaf was assigned after a node that uses it was recorded.
    """
    with _one_pass_at_a_time:
        found = Graph(root)
        try:
            found.collect()
        finally:
            found.restore()
    return found


def backward(root: Any, gradient: float) -> None:
    """Add ∂(gradient × root)/∂leaf to the `grad` of every leaf and set that of interior nodes to this pass's adjoint.

    Raises:
        RuntimeError: If a leaf was assigned after a node that uses it was recorded.
        DomainError: If an adjoint is not finite, or a derivative is needed where it is undefined.
            Whatever is raised, no `grad` has changed.
    """
    with _one_pass_at_a_time:
        found = Graph(root)
        try:
            found.collect()
            root.grad = gradient
            _propagate(found.nodes, type(root))
            found.commit()
        except BaseException:
            found.restore()
            raise


def _propagate(nodes: list[Any], kind: Any) -> None:
    """Hand every node's adjoint on to its operands.

    The branches are the commonest operations' rules written out; the last one reads the table. What takes more than a
    few lines is a function: with its lines in here, the loop was a tenth slower for all operations.
    """
    node: Any = None
    large = len(nodes) > _LARGE
    later: _Later = {}
    try:
        for node in nodes:
            g = node.grad
            if g == 0.0:
                if later and node.op is affine and node._a in later:
                    later[node._a].append((g, node._b))  # keeps the rows of a layer's neurons alike
                continue
            op = node.op
            a = node._a
            b = node._b
            if op is mul:
                if a.__class__ is kind:
                    if b.__class__ is kind:
                        a.grad += g * b._data
                        b.grad += g * a._data
                    else:
                        a.grad += g * (b if b.__class__ is float else b._data)
                else:
                    b.grad += g * (a if a.__class__ is float else a._data)
            elif op is add:
                if a.__class__ is kind:
                    a.grad += g
                if b.__class__ is kind:
                    b.grad += g
            elif op is affine:
                _propagate_affine(node, g, kind, later if large else None)
            elif op is tanh:
                out = node._data
                a.grad += g * (1.0 - out * out)
            elif op is sub:
                if a.__class__ is kind:
                    a.grad += g
                if b.__class__ is kind:
                    b.grad -= g
            elif op is relu:
                a.grad += g if node._data > 0.0 else g * 0.0
            elif op is neg:
                a.grad -= g
            elif a.__class__ is Vector or b is not None:
                _propagate_by_table(node, op, g, kind)
            elif a.__class__ is kind:
                a.grad += g * op.partials[0](node._data, a._data)
        _add_products(later)
    except (ArithmeticError, ValueError) as error:
        raise undefined(node, error) from error


def _propagate_affine(node: Any, g: float, kind: Any, later: _Later | None) -> None:
    weights, inputs, bias = node._a, node._b, node._c
    if later is not None and weights.shared and weights.of_leaves():
        later.setdefault(weights, []).append((g, inputs))
    else:
        for target, value in zip(weights.targets, inputs.numbers(), strict=False):
            target.grad += g * value
    for target, value in zip(inputs.targets, weights.numbers(), strict=False):
        target.grad += g * value
    if bias.__class__ is kind:
        bias.grad += g


def _add_products(later: _Later) -> None:
    """Add Σ upstream·inputs to the targets of weights that several affine nodes share.

    The neurons of a layer have the same inputs: their sums are one matrix product.
    """
    layers: dict[tuple[int, ...], list[Vector]] = {}
    for weights, terms in later.items():
        layers.setdefault(tuple([id(inputs) for _, inputs in terms]), []).append(weights)
    for layer in layers.values():
        examples = [inputs for _, inputs in later[layer[0]]]
        if len(examples) < _FEW_EXAMPLES or len(layer) * len(examples) < _FEW_NODES:
            for weights in layer:
                for g, inputs in later[weights]:
                    for target, value in zip(weights.targets, inputs.numbers(), strict=False):
                        target.grad += g * value
            continue
        upstream = np.array([[g for g, _ in later[weights]] for weights in layer])
        rows = np.array([inputs.numbers() for inputs in examples])
        with np.errstate(all="ignore"):  # what is not finite is found at the leaves
            sums = (upstream @ rows).tolist()
        for weights, row in zip(layer, sums, strict=True):
            for target, value in zip(weights.targets, row, strict=False):
                target.grad += value


def _propagate_by_table(node: Any, op: Op, g: float, kind: Any) -> None:
    if op.partials.__class__ is tuple and node._a.__class__ is not Vector:
        a, b = node._a, node._b
        x = a if a.__class__ is float else a._data
        y = b if b.__class__ is float else b._data
        if a.__class__ is kind:
            a.grad += g * op.partials[0](node._data, x, y)
        if b.__class__ is kind:
            b.grad += g * op.partials[1](node._data, x, y)
        return
    operands = stored_operands(node)
    args = [number(operand) for operand in operands]
    if isinstance(op.partials, tuple):
        for operand, partial in zip(operands, op.partials, strict=True):
            if operand.__class__ is kind:
                operand.grad += g * partial(node._data, *args)
    else:
        for operand, local in zip(operands, op.partials(node._data, *args), strict=True):
            if operand.__class__ is kind:
                operand.grad += g * local


def undefined(node: Any, error: Exception) -> DomainError:
    """Return the error for a derivative of a node that is needed where it is undefined."""
    return DomainError(
        f"a derivative of {node.describe()} is needed where it is undefined or not finite: {_at(node)} ({error})"
    )


def _at(node: Any) -> str:
    operands = stored_operands(node)
    labels = ["" if operand.__class__ is float else operand.label for operand in operands]
    described: str = node.op.describe([number(operand) for operand in operands], labels)
    return described


def refuse_changed_leaves(nodes: Iterable[Any]) -> None:
    """Raise a RuntimeError if a leaf was assigned after one of the interior nodes was recorded from it."""
    for node in nodes:
        for operand in stored_operands(node):
            # A literal is made when somebody looks at it, so it may be newer, but it cannot be assigned.
            if operand.__class__ is not float and operand._serial > node._serial and not operand.is_literal:
                raise RuntimeError(
                    f"{operand.describe()} was assigned after {node.describe()} was recorded from it: "
                    "compute the output again before differentiating it"
                )
