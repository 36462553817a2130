"""Siamese network with contrastive loss: one encoder for two inputs.

Prints:

Forward
  zu = Wx + b
  zv = Wy + b
  u = tanh(zu)
  v = tanh(zv)
  w = u − v
  d₂ = ‖w‖²
  d = √d₂
  C = ½td₂ + ½(1 − t)relu(1.5 − d)²
Backward
  δw = (t − (1 − t)relu(1.5 − d)relu′(1.5 − d) / d)w
  δzv = −δw ⊙ tanh′(zv)
  δzu = δw ⊙ tanh′(zu)
Gradients
  ∂C/∂W = δzv yᵀ + δzu xᵀ
  ∂C/∂b = δzv + δzu

tanh′(z) = 1 − tanh(z)², relu′(z) = [z > 0].
δv is ∂C/∂v.
"""

from autograd import relu, sqrt, tanh
from tests.gallery.parameters import dot, matrix, vector

W, b = matrix("W", 4, 3), vector("b", 4)
SHAPES = {"x": 3, "y": 3, "t": 1}
TARGET = "binary"


def encode(x):
    return [tanh(dot(row, x) + bi) for row, bi in zip(W, b)]


def fun(x, y, t):
    u = encode(x)
    v = encode(y)
    d2 = sum((ui - vi) ** 2 for ui, vi in zip(u, v))
    d = sqrt(d2)
    return 0.5 * (t[0] * d2 + (1 - t[0]) * relu(1.5 - d) ** 2)
