"""The reverse pass: the chain rule from an output back to every leaf.

Nodes are visited newest first. A node's creation serial is larger than its operands', so that order is a reverse
topological one, and when a node's turn comes its adjoint ∂output/∂node is complete.

During the pass the adjoints are kept in the nodes' own `grad`: looking them up in a table beside the graph would cost
more than the arithmetic. The old gradients are set aside and put back if anything goes wrong, so a pass happens whole
or not at all. A node has been reached if its `grad` *is* this pass's zero, an object made for the pass.

Adjoints need no test at each node: every branch multiplies and none skips an adjoint that is not finite, so inf and
NaN always arrive at a leaf, and only leaves are tested. Which node went wrong first is found afterwards.
"""

from __future__ import annotations

import itertools
import math
import os
import threading
from collections.abc import Iterable
from typing import Any

from .careful import careful_adjoints
from .graph import Vector, assignments, beyond, number, refuse_changed_leaves, serial, stored_operands, undefined
from .op import DomainError, Op
from .ops import add, affine, mul, neg, relu, sub, tanh
from .shared_weights import Deferred, add_products

__all__ = ["backward"]

_LARGE = 1000  # nodes, above which the products of shared weights are formed together: in another order
_one_pass_at_a_time = threading.RLock()
_running: list[_Reached] = []  # the passes of the thread that holds the lock: a rule, or a finaliser, may begin another
if hasattr(os, "register_at_fork"):  # a child in which another thread's pass never ends would wait for ever
    os.register_at_fork(
        before=_one_pass_at_a_time.acquire,
        after_in_parent=_one_pass_at_a_time.release,
        after_in_child=_one_pass_at_a_time.release,
    )


def backward(root: Any, gradient: float) -> None:
    """Add ∂(gradient × root)/∂leaf to the `grad` of every leaf and set that of interior nodes to this pass's adjoint.

    Raises:
        RuntimeError: If a leaf was assigned after a node that uses it was recorded.
        DomainError: If an adjoint is not finite, or a derivative is needed where it is undefined.
            Whatever is raised, no `grad` has changed.
    """
    with _one_pass_at_a_time:
        reached = _Reached(root, _running[-1] if _running else None)
        _running.append(reached)
        try:
            reached.collect()
            root.grad = gradient or reached.zero
            try:
                if beyond and not beyond.isdisjoint(reached.nodes):
                    raise DomainError("a number on the way is too large for a float")
                _propagate(reached.nodes, type(root), reached.zero)
                reached.commit()
            except DomainError:
                adjoints = _careful_adjoints(root, gradient)
                if adjoints is None:
                    raise
                reached.commit_adjoints(adjoints)
        except BaseException:
            reached.restore()
            raise
        finally:
            _running.pop()


def _careful_adjoints(root: Any, gradient: float) -> dict[Any, float] | None:
    """Return the adjoints by the careful pass; None if that fails too, or if a leaf's is too large for a float."""
    try:
        adjoints = careful_adjoints([(root, gradient)])
    except (ArithmeticError, ValueError):
        return None
    return adjoints if all(math.isfinite(a) for node, a in adjoints.items() if node.op is None) else None


class _Reached:
    """Everything under a root: interior nodes newest first, leaves in the order they were found.

    Attributes:
        root: The output.
        nodes: The interior nodes, the root first; empty if the root is a leaf.
        leaves: The leaves that can have a gradient, so no literals.
        zero: What the `grad` of everything reached is at first, an object of this pass.
    """

    __slots__ = (
        "_ends",
        "_kind",
        "_old_leaf",
        "_old_node",
        "_outer",
        "_pending",
        "_unsorted",
        "leaves",
        "nodes",
        "root",
        "zero",
    )

    def __init__(self, root: Any, outer: _Reached | None) -> None:
        self.root = root
        self._outer = outer
        self.nodes: list[Any] = []
        self.leaves: list[Any] = []
        self._kind: Any = type(root)
        self.zero = float("0")  # an object of its own: identity with it marks what this pass has reached
        self._unsorted: list[Any] = []
        self._pending: list[Any] = []
        self._old_leaf: list[float] = []
        self._old_node: list[float] = []
        self._ends: list[Any] = []  # nodes of literal numbers only, which hand nothing on to a leaf

    def reach(self, operands: Iterable[Any]) -> None:
        """Mark operands that are new to this pass, and set their gradients aside."""
        kind, zero = self._kind, self.zero
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
        kind, zero, pending = self._kind, self.zero, self._pending
        nodes, old_node, leaves, old_leaf = self._unsorted, self._old_node, self.leaves, self._old_leaf
        ends = self._ends
        while pending:
            node = pending.pop()
            while node is not None:
                a = node._a
                b = node._b
                if a.__class__ is Vector:
                    self.reach((a,) if b is None else (a, b, node._c))
                    if not (a.targets or (b is not None and (b.targets or node._c.__class__ is kind))):
                        ends.append(node)
                    break
                below = None
                if a.__class__ is kind:
                    if a.grad is not zero:
                        if a.op is None:
                            leaves.append(a)
                            old_leaf.append(a.grad)
                        else:
                            nodes.append(a)
                            old_node.append(a.grad)
                            below = a
                        a.grad = zero
                elif b.__class__ is not kind:
                    ends.append(node)
                if b.__class__ is kind and b.grad is not zero:
                    if b.op is None:
                        leaves.append(b)
                        old_leaf.append(b.grad)
                    else:
                        nodes.append(b)
                        old_node.append(b.grad)
                        if below is not None:
                            pending.append(below)
                        below = b
                    b.grad = zero
                node = below
        self.nodes = sorted(nodes, key=serial, reverse=True)
        if nodes and self.nodes[-1]._serial < assignments[0]:
            refuse_changed_leaves(self.nodes)

    def commit(self) -> None:
        """Add what arrived at the leaves to their old gradients, if all of it is finite."""
        try:
            totals = [old + leaf.grad for old, leaf in zip(self._old_leaf, self.leaves, strict=True)]
            finite = all(map(math.isfinite, totals)) and all(math.isfinite(node.grad) for node in self._ends)
        except TypeError as error:
            before = zip(self.leaves, self._old_leaf, strict=True)
            held = [f"{leaf.describe()} holds {old!r}" for leaf, old in before if not isinstance(old, (int, float))]
            if not held:
                raise  # a rule of the user's own gave something else
            raise TypeError(f"a grad must be a number (set it to 0.0): {', '.join(held[:3])}") from error
        if not finite:
            raise self._not_finite()
        if any(total.__class__ is not float for total in totals):  # a rule of the user's own gave NumPy scalars
            totals = list(map(float, totals))
            for node in self.nodes:
                node.grad = float(node.grad)
        if self._outer is not None:
            totals = self._leave_to_outer(totals)
        for leaf, total in zip(self.leaves, totals, strict=True):
            leaf.grad = total

    def _leave_to_outer(self, totals: list[float]) -> list[float]:
        """Give back what the passes that this one interrupts have in hand, and let them add to their leaves.

        Returns:
            What to set the leaves' gradients to.
        """
        before = dict(zip(self.leaves, self._old_leaf, strict=True))
        totals_of = dict(zip(self.leaves, totals, strict=True))
        own = {leaf: leaf.grad for leaf in self.leaves}
        nodes = dict(zip(self._unsorted, self._old_node, strict=True))
        outer = self._outer
        while outer is not None:
            for node in outer._unsorted:
                if node in nodes:
                    node.grad = nodes[node]
            for k, leaf in enumerate(outer.leaves):
                if leaf in before:
                    outer._old_leaf[k] += own.pop(leaf, 0.0)
                    totals_of[leaf] = before[leaf]
            outer = outer._outer
        return [totals_of[leaf] for leaf in self.leaves]

    def commit_adjoints(self, adjoints: dict[Any, float]) -> None:
        """Take over adjoints that were computed elsewhere; that of an interior node may be infinite as a float."""
        for leaf in self.leaves:
            leaf.grad = adjoints.get(leaf, 0.0)
        for node in self.nodes:
            node.grad = adjoints.get(node, 0.0)
        self._ends = []
        self.commit()

    def restore(self) -> None:
        """Put every gradient back."""
        for values, grads in ((self.leaves, self._old_leaf), (self._unsorted, self._old_node)):
            for value, grad in zip(values, grads, strict=False):  # an interrupt may leave the second list one shorter
                value.grad = grad

    def _not_finite(self) -> DomainError:
        for value in itertools.chain(self.nodes, self.leaves):
            if not math.isfinite(value.grad):
                return DomainError(f"the gradient is not finite: the adjoint of {value.describe()} is {value.grad}")
        before = zip(self.leaves, self._old_leaf, strict=True)
        leaf, old = next((leaf, old) for leaf, old in before if not math.isfinite(old + leaf.grad))
        return DomainError(
            f"the gradient is not finite: {leaf.describe()} had the grad {old}, and this pass adds {leaf.grad}"
        )


def _propagate(nodes: list[Any], kind: Any, zero: float) -> None:
    """Hand every node's adjoint on to its operands.

    A node at which nothing arrived, because what used it did not take it, still holds `zero` itself, and is passed
    over: an undefined derivative there is not asked for. An adjoint that happens to be 0.0 asks.

    The branches are the commonest operations' rules written out; the last one reads the table. What takes more than a
    few lines is a function: with its lines in here, the loop was a tenth slower for all operations.
    """
    node: Any = None
    large = len(nodes) > _LARGE
    deferred: Deferred = {}
    try:
        for node in nodes:
            g = node.grad
            if g is zero:
                if deferred and node.op is affine and node._a in deferred:
                    deferred[node._a].append((g, node._b))  # keeps the rows of a layer's neurons alike
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
                elif b.__class__ is kind:
                    b.grad += g * (a if a.__class__ is float else a._data)
            elif op is add:
                if a.__class__ is kind:
                    a.grad += g
                if b.__class__ is kind:
                    b.grad += g
            elif op is affine:
                _propagate_affine(node, g, kind, deferred if large else None)
            elif op is tanh:
                out = node._data
                a.grad += g * (1.0 - out * out)
            elif op is sub:
                if a.__class__ is kind:
                    a.grad += g
                if b.__class__ is kind:
                    b.grad -= g
            elif op is relu:
                if node._data > 0.0 or g - g != 0.0:
                    a.grad += g
            elif op is neg:
                a.grad -= g
            elif a.__class__ is Vector or b is not None:
                _propagate_by_table(node, op, g, kind)
            elif a.__class__ is kind:
                local = op.partials[0](node._data, a._data)
                if not op.selects or local or g - g != 0.0:
                    a.grad += g * local
        add_products(deferred)
    except (ArithmeticError, ValueError) as error:
        raise undefined(node, error) from error


def _propagate_affine(node: Any, g: float, kind: Any, deferred: Deferred | None) -> None:
    weights, inputs, bias = node._a, node._b, node._c
    if deferred is not None and weights.shared and weights.of_leaves():
        deferred.setdefault(weights, []).append((g, inputs))
    else:
        for target, value in zip(weights.targets, inputs.numbers(), strict=False):
            target.grad += g * value
    for target, value in zip(inputs.targets, weights.numbers(), strict=False):
        target.grad += g * value
    if bias.__class__ is kind:
        bias.grad += g


def _propagate_by_table(node: Any, op: Op, g: float, kind: Any) -> None:
    if op.partials.__class__ is tuple and node._a.__class__ is not Vector:
        a, b = node._a, node._b
        x = a if a.__class__ is float else a._data
        y = b if b.__class__ is float else b._data
        for k, operand in ((0, a), (1, b)):
            if operand.__class__ is kind:
                local = op.partials[k](node._data, x, y)
                if not op.selects or local or g - g != 0.0:
                    operand.grad += g * local
        return
    operands = stored_operands(node)
    args = [number(operand) for operand in operands]
    if isinstance(op.partials, tuple):
        for operand, partial in zip(operands, op.partials, strict=True):
            if operand.__class__ is kind:
                local = partial(node._data, *args)
                if not op.selects or local or g - g != 0.0:
                    operand.grad += g * local
    else:
        for operand, local in zip(operands, op.locals(node._data, args), strict=True):
            if operand.__class__ is kind:
                operand.grad += g * local
