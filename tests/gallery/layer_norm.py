"""Layer normalisation of a hidden layer.

Prints:

Forward
  z = Wx
  μ = mean(z)
  var = mean((z − μ𝟏)²)
  n = (z − μ𝟏) / √(var + 10⁻⁵)
  y = g ⊙ n + b
  h = tanh(y)
  o = vᵀh
  C = (o − t)²
Backward
  δo = 2(o − t)
  δy = δo v ⊙ tanh′(y)
  δn = δy ⊙ g
  δ = (δn − mean(δn)𝟏 − mean(δn ⊙ n)n) / √(var + 10⁻⁵)
Gradients
  ∂C/∂W = δxᵀ
  ∂C/∂g = δy ⊙ n
  ∂C/∂b = δy
  ∂C/∂v = δo h

tanh′(z) = 1 − tanh(z)².
δv is ∂C/∂v, and δ alone is that of z.
𝟏 is a vector of ones.
"""

from autograd import sqrt, tanh
from tests.gallery.parameters import dot, matrix, vector

W, g, b, v = matrix("W", 5, 3), vector("g", 5), vector("b", 5), vector("v", 5)
SHAPES = {"x": 3, "t": 1}


def fun(x, t):
    z = [dot(row, x) for row in W]
    mu = sum(z) / len(z)
    var = sum((zi - mu) ** 2 for zi in z) / len(z)
    n = [(zi - mu) / sqrt(var + 1e-5) for zi in z]
    y = [gi * ni + bi for gi, ni, bi in zip(g, n, b)]
    h = [tanh(yi) for yi in y]
    return (dot(v, h) - t[0]) ** 2
