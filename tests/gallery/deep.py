"""Four hidden layers of equal width with the parameters in lists: one equation for all layers.

Prints:

Forward
  a⁰ = x
  for l = 1, …, 4
    zˡ = Wˡaˡ⁻¹ + bˡ
    aˡ = σ(zˡ)
  y = vᵀa⁴
  C = (y − t)²
Backward
  δy = 2(y − t)
  for l = 4, …, 1
    δ⁴ = δy v ⊙ σ′(z⁴)
    δˡ = (Wˡ⁺¹)ᵀδˡ⁺¹ ⊙ σ′(zˡ), l < 4
Gradients
  ∂C/∂Wˡ = δˡ(aˡ⁻¹)ᵀ
  ∂C/∂bˡ = δˡ
  ∂C/∂v = δy a⁴

σ is the sigmoid.
σ′(z) = σ(z)(1 − σ(z)).
δv is ∂C/∂v, and δ alone is that of z.
"""

from autograd import sigmoid
from tests.gallery.parameters import dot, matrix, vector

W = [matrix(f"W{l}", 4, 4 if l > 1 else 3) for l in range(1, 5)]
b = [vector(f"b{l}", 4) for l in range(1, 5)]
v = vector("v", 4)
SHAPES = {"x": 3, "t": 1}


def fun(x, t):
    a = x
    for Wl, bl in zip(W, b):
        a = [sigmoid(dot(row, a) + bi) for row, bi in zip(Wl, bl)]
    y = dot(v, a)
    return (y - t[0]) ** 2
