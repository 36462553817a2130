"""Mixture of experts: 3 experts, each with its own matrix, and a softmax gate.

Prints:

Forward
  zₙ = Wⁿx
  u = Gx
  yₙ = tanh(zₙ)
  g = softmax(u)
  o = Σₙ gₙyₙ
  C = ½‖o − t‖²
Backward
  δo = o − t
  δgₙ = δoᵀyₙ
  δu = (δg − δgᵀg𝟏) ⊙ g
  δₙ = gₙ δo ⊙ tanh′(zₙ)
Gradients
  ∂C/∂Wⁿ = δₙxᵀ
  ∂C/∂G = δuxᵀ

tanh′(z) = 1 − tanh(z)².
δv is ∂C/∂v, and δ alone is that of z.
𝟏 is a vector of ones.
"""

from autograd import softmax, tanh
from tests.gallery.parameters import dot, matrix

D, M, X = 3, 2, 3
W = [matrix(f"W{e}", M, D) for e in range(1, X + 1)]
G = matrix("G", X, D)
SHAPES = {"x": D, "t": M}


def fun(x, t):
    y = [[tanh(dot(row, x)) for row in We] for We in W]
    g = softmax([dot(row, x) for row in G])
    o = [sum(g[e] * y[e][i] for e in range(X)) for i in range(M)]
    return 0.5 * sum((oi - ti) ** 2 for oi, ti in zip(o, t))
