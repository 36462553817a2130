"""Cosine similarity of two embeddings with a margin.

Prints:

Forward
  u = Wx
  v = Vy
  c = uᵀv / (‖u‖‖v‖)
  C = (c − t)²
Backward
  δc = 2(c − t)
  δv = δc (u / (‖u‖‖v‖) − cv / ‖v‖²)
  δu = δc (v / (‖u‖‖v‖) − cu / ‖u‖²)
Gradients
  ∂C/∂W = δuxᵀ
  ∂C/∂V = δvyᵀ

δv is ∂C/∂v.
"""

from autograd import sqrt
from tests.gallery.parameters import dot, matrix

W, V = matrix("W", 4, 3), matrix("V", 4, 2)
SHAPES = {"x": 3, "y": 2, "t": 1}


def fun(x, y, t):
    u = [dot(row, x) for row in W]
    v = [dot(row, y) for row in V]
    c = dot(u, v) / (sqrt(dot(u, u)) * sqrt(dot(v, v)))
    return (c - t[0]) ** 2
