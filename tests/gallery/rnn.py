"""Recurrent network over 5 steps, output at the last step; backpropagation through time.

Prints:

Forward
  for s = 1, …, 5
    zₛ = Uxₛ + Whₛ₋₁ + b
    hₛ = tanh(zₛ)
  y = vᵀh₅
  C = ½(y − t)²
Backward
  δy = y − t
  for s = 5, …, 1
    δ₅ = δy v ⊙ tanh′(z₅)
    δₛ = Wᵀδₛ₊₁ ⊙ tanh′(zₛ), s < 5
Gradients
  ∂C/∂U = Σₛ δₛxₛᵀ
  ∂C/∂W = Σₛ δₛhₛ₋₁ᵀ
  ∂C/∂b = Σₛ δₛ
  ∂C/∂v = δy h₅

tanh′(z) = 1 − tanh(z)².
δv is ∂C/∂v, and δ alone is that of z.
x is 5×2; its rows have an index.
h₀ is 0.
"""

from autograd import tanh
from tests.gallery.parameters import dot, matrix, vector

T, D, H = 5, 2, 3
U, W, b, v = matrix("U", H, D), matrix("W", H, H), vector("b", H), vector("v", H)
SHAPES = {"x": T * D, "t": 1}


def fun(x, t):
    h = [0.0] * H
    for s in range(T):
        xs = x[s * D : (s + 1) * D]
        z = [dot(U[i], xs) + dot(W[i], h) + b[i] for i in range(H)]
        h = [tanh(zi) for zi in z]
    y = dot(v, h)
    return 0.5 * (y - t[0]) ** 2
