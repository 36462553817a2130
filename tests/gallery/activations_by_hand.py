"""An MLP whose activations are all written out of exp and log: softplus, tanh, sigmoid, gelu (tanh form).

Prints:

Forward
  z¹ = W¹x
  a¹ = softplus(z¹)
  z² = W²a¹
  a² = tanh(z²)
  z³ = W³a²
  a³ = σ(z³)
  z⁴ = W⁴a³
  a⁴ = gelu(z⁴)
  y = vᵀa⁴
  C = (y − t)²
Backward
  δy = 2(y − t)
  δ⁴ = δy v ⊙ gelu′(z⁴)
  δ³ = (W⁴)ᵀδ⁴ ⊙ σ′(z³)
  δ² = (W³)ᵀδ³ ⊙ tanh′(z²)
  δ¹ = (W²)ᵀδ² ⊙ softplus′(z¹)
Gradients
  ∂C/∂W¹ = δ¹xᵀ
  ∂C/∂W² = δ²(a¹)ᵀ
  ∂C/∂W³ = δ³(a²)ᵀ
  ∂C/∂W⁴ = δ⁴(a³)ᵀ
  ∂C/∂v = δy a⁴

σ is the sigmoid.
gelu(z) = ½z(1 + tanh(√(2/π)(z + 0.044715z³))), σ′(z) = σ(z)(1 − σ(z)), tanh′(z) = 1 − tanh(z)², softplus′(z) = σ(z).
δv is ∂C/∂v, and δ alone is that of z.
"""

import math

from autograd import exp, log, tanh
from tests.gallery.parameters import dot, matrix, vector

W1, W2, W3, W4, v = matrix("W1", 4, 3), matrix("W2", 4, 4), matrix("W3", 4, 4), matrix("W4", 4, 4), vector("v", 4)
SHAPES = {"x": 3, "t": 1}


def fun(x, t):
    z1 = [dot(row, x) for row in W1]
    a1 = [log(1 + exp(z)) for z in z1]
    z2 = [dot(row, a1) for row in W2]
    a2 = [(exp(z) - exp(-z)) / (exp(z) + exp(-z)) for z in z2]
    z3 = [dot(row, a2) for row in W3]
    a3 = [1 / (1 + exp(-z)) for z in z3]
    z4 = [dot(row, a3) for row in W4]
    a4 = [0.5 * z * (1 + tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3))) for z in z4]
    return (dot(v, a4) - t[0]) ** 2
