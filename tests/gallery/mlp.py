"""Multilayer perceptron, tanh hidden layer, linear output, half squared error.

Prints:

Forward
  z¹ = W¹x + b¹
  a¹ = tanh(z¹)
  z² = W²a¹ + b²
  C = ½‖z² − t‖²
Backward
  δ² = z² − t
  δ¹ = (W²)ᵀδ² ⊙ tanh′(z¹)
Gradients
  ∂C/∂W¹ = δ¹xᵀ
  ∂C/∂b¹ = δ¹
  ∂C/∂W² = δ²(a¹)ᵀ
  ∂C/∂b² = δ²

tanh′(z) = 1 − tanh(z)².
δv is ∂C/∂v, and δ alone is that of z.
"""

from autograd import tanh
from tests.gallery.parameters import dot, matrix, vector

W1, b1 = matrix("W1", 5, 3), vector("b1", 5)
W2, b2 = matrix("W2", 2, 5), vector("b2", 2)
SHAPES = {"x": 3, "t": 2}


def fun(x, t):
    a1 = [tanh(dot(row, x) + b) for row, b in zip(W1, b1)]
    z2 = [dot(row, a1) + b for row, b in zip(W2, b2)]
    return 0.5 * sum((y - v) ** 2 for y, v in zip(z2, t))
