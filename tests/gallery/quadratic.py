"""Quadratic form xᵀQx + bᵀx of an input, term by term.

Prints:

Forward
  y = bᵀx + xᵀQx + c
  C = (y − t)²
Backward
  δy = 2(y − t)
Gradients
  ∂C/∂Q = δy xxᵀ
  ∂C/∂b = δy x
  ∂C/∂c = δy

δv is ∂C/∂v.
"""

from tests.gallery.parameters import dot, matrix, scalar, vector

Q, b, c = matrix("Q", 3, 3), vector("b", 3), scalar("c")
SHAPES = {"x": 3, "t": 1}


def fun(x, t):
    s = sum(x[i] * Q[i][j] * x[j] for i in range(3) for j in range(3))
    y = s + dot(b, x) + c
    return (y - t[0]) ** 2
