"""Bilinear form zᵀUx with the products written term by term, next to a layer.

Prints:

Forward
  zz = Wx
  z = tanh(zz)
  s = zᵀUy
  C = (s − t)²
Backward
  δs = 2(s − t)
  δzz = δs Uy ⊙ tanh′(zz)
Gradients
  ∂C/∂W = δzz xᵀ
  ∂C/∂U = δs zyᵀ

tanh′(z) = 1 − tanh(z)².
δv is ∂C/∂v.
"""

from autograd import tanh
from tests.gallery.parameters import dot, matrix

W, U = matrix("W", 4, 3), matrix("U", 4, 2)
SHAPES = {"x": 3, "y": 2, "t": 1}


def fun(x, y, t):
    z = [tanh(dot(row, x)) for row in W]
    s = sum(U[i][j] * y[j] * z[i] for i in range(4) for j in range(2))
    return (s - t[0]) ** 2
