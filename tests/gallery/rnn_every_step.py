"""Recurrent network with an output and a target at every step.

Prints:

Forward
  for s = 1, …, 4
    zₛ = Uxₛ + Whₛ₋₁ + b
    hₛ = tanh(zₛ)
  yₛ = Vhₛ + c
  C = ½ Σₛ ‖yₛ − tₛ‖²
Backward
  δyₛ = yₛ − tₛ
  for s = 4, …, 1
    δₛ = (Vᵀδyₛ + Wᵀδₛ₊₁) ⊙ tanh′(zₛ)
Gradients
  ∂C/∂U = Σₛ δₛxₛᵀ
  ∂C/∂W = Σₛ δₛhₛ₋₁ᵀ
  ∂C/∂b = Σₛ δₛ
  ∂C/∂V = Σₛ δyₛhₛᵀ
  ∂C/∂c = Σₛ δyₛ

tanh′(z) = 1 − tanh(z)².
δv is ∂C/∂v, and δ alone is that of z.
x is 4×2; its rows have an index.
t is 4×2; its rows have an index.
h₀ and δ₅ are 0.
"""

from autograd import tanh
from tests.gallery.parameters import dot, matrix, vector

T, D, H, M = 4, 2, 3, 2
U, W, b = matrix("U", H, D), matrix("W", H, H), vector("b", H)
V, c = matrix("V", M, H), vector("c", M)
SHAPES = {"x": T * D, "t": T * M}


def fun(x, t):
    h = [0.0] * H
    loss = 0.0
    for s in range(T):
        xs = x[s * D : (s + 1) * D]
        ts = t[s * M : (s + 1) * M]
        z = [dot(U[i], xs) + dot(W[i], h) + b[i] for i in range(H)]
        h = [tanh(zi) for zi in z]
        y = [dot(V[i], h) + c[i] for i in range(M)]
        loss = loss + 0.5 * sum((yi - ti) ** 2 for yi, ti in zip(y, ts))
    return loss
