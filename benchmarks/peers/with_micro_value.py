"""A Value as in Karpathy's microgpt: slots, tuples of operands and of local gradients, a recursive sort."""

from __future__ import annotations

import math
import sys

import scalars

PACKAGES = ()
sys.setrecursionlimit(10**6)


class Value:
    """A number with its gradient, its operands and the partial derivatives in them."""

    __slots__ = ("data", "grad", "operands", "partials")

    def __init__(self, data: float, operands: tuple[Value, ...] = (), partials: tuple[float, ...] = ()) -> None:
        self.data = data
        self.grad = 0.0
        self.operands = operands
        self.partials = partials

    def __add__(self, other: Value | float) -> Value:
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other: Value | float) -> Value:
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, power: float) -> Value:
        return Value(self.data**power, (self,), (power * self.data ** (power - 1),))

    def relu(self) -> Value:
        """Return max(0, self)."""
        return Value(max(0.0, self.data), (self,), (float(self.data > 0.0),))

    def tanh(self) -> Value:
        """Return the hyperbolic tangent."""
        out = math.tanh(self.data)
        return Value(out, (self,), (1.0 - out * out,))

    def sigmoid(self) -> Value:
        """Return 1 / (1 + e^−self)."""
        out = 1.0 / (1.0 + math.exp(-self.data))
        return Value(out, (self,), (out * (1.0 - out),))

    def exp(self) -> Value:
        """Return e^self."""
        out = math.exp(self.data)
        return Value(out, (self,), (out,))

    def log(self) -> Value:
        """Return the natural logarithm."""
        return Value(math.log(self.data), (self,), (1.0 / self.data,))

    def __neg__(self) -> Value:
        return self * -1.0

    def __sub__(self, other: Value | float) -> Value:
        return self + (-other)

    def __rsub__(self, other: Value | float) -> Value:
        return (-self) + other

    def __truediv__(self, other: Value | float) -> Value:
        return self * other**-1.0

    __radd__ = __add__
    __rmul__ = __mul__

    def backward(self) -> None:
        """Add the gradient of self to every value it was made from."""
        order: list[Value] = []
        visited: set[Value] = set()

        def visit(value: Value) -> None:
            if value not in visited:
                visited.add(value)
                for operand in value.operands:
                    visit(operand)
                order.append(value)

        visit(self)
        self.grad = 1.0
        for value in reversed(order):
            for operand, partial in zip(value.operands, value.partials, strict=True):
                operand.grad += partial * value.grad


def assign(leaf: Value, number: float) -> None:
    """Set the data and forget the gradient."""
    leaf.data = number
    leaf.grad = 0.0


TOOL = scalars.Scalars(
    leaves=lambda numbers: [Value(number) for number in numbers],
    backward=Value.backward,
    gradient=lambda leaf: leaf.grad,
    number=lambda leaf: leaf.data,
    relu=Value.relu,
    tanh=Value.tanh,
    sigmoid=Value.sigmoid,
    assign=assign,
)
chains, nodes, memory = scalars.chains(TOOL), scalars.nodes(TOOL), scalars.memory(TOOL)
step_tanh = step_relu = step_digits = scalars.step(TOOL)
