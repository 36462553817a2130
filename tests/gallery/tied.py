"""Autoencoder with tied weights: decoder = transposed encoder.

Prints:

Forward
  z = Wx + b
  h = σ(z)
  r = Wᵀh + c
  C = ½‖r − x‖²
Backward
  δr = r − x
  δ = Wδr ⊙ σ′(z)
Gradients
  ∂C/∂W = δxᵀ + hδrᵀ
  ∂C/∂b = δ
  ∂C/∂c = δr

σ is the sigmoid.
σ′(z) = σ(z)(1 − σ(z)).
δv is ∂C/∂v, and δ alone is that of z.
"""

from autograd import sigmoid
from tests.gallery.parameters import dot, matrix, vector

W, b, c = matrix("W", 3, 5), vector("b", 3), vector("c", 5)
SHAPES = {"x": 5}


def fun(x):
    h = [sigmoid(dot(row, x) + bi) for row, bi in zip(W, b)]
    r = [sum(W[i][j] * h[i] for i in range(3)) + c[j] for j in range(5)]
    return 0.5 * sum((rj - xj) ** 2 for rj, xj in zip(r, x))
