"""Multiclass hinge loss with an L2 penalty; a parameter called C.

Prints:

Forward
  s = Wx
  right = tᵀs
  u = s + 1 − right𝟏
  hinge = (1 − t)ᵀ relu(u)
  L = ½‖W‖² + C hinge
Backward
  δu = C(1 − t) ⊙ relu′(u)
  δs = δu − (Σ δu)t
Gradients
  ∂L/∂W = δsxᵀ + W
  ∂L/∂C = hinge

relu′(z) = [z > 0].
δv is ∂L/∂v.
𝟏 is a vector of ones.
"""

from autograd import relu
from tests.gallery.parameters import dot, matrix, scalar

K, D = 3, 4
W, C = matrix("W", K, D), scalar("C")
SHAPES = {"x": D, "t": K}
TARGET = "onehot"


def fun(x, t):
    s = [dot(row, x) for row in W]
    right = dot(t, s)
    hinge = sum((1 - t[k]) * relu(s[k] - right + 1) for k in range(K))
    return C * hinge + 0.5 * sum(w * w for row in W for w in row)
