"""Two tokens as one-hot vectors, one embedding matrix for both, a hidden layer.

Prints:

Forward
  e = XE
  zh = Σₙ Wₙeₙ
  h = tanh(zh)
  z = Uh
  p = log softmax(z)
  C = −tᵀp
Backward
  δ = softmax(z) − t
  δzh = Uᵀδ ⊙ tanh′(zh)
  δeₙ = Wₙᵀδzh
Gradients
  ∂C/∂E = Xᵀδe
  ∂C/∂Wₙ = δzh eₙᵀ
  ∂C/∂U = δhᵀ

tanh′(z) = 1 − tanh(z)².
δv is ∂C/∂v, and δ alone is that of z.
X is x as 2×5.
"""

from autograd import log_softmax, tanh
from tests.gallery.parameters import dot, matrix

V, D, H = 5, 3, 4
E, W, U = matrix("E", V, D), matrix("W", H, 2 * D), matrix("U", V, H)
SHAPES = {"x": 2 * V, "t": V}
TARGET = "onehot"
ONEHOT = {"x": V}


def fun(x, t):
    X = [x[:V], x[V:]]
    e = [[sum(xi[k] * E[k][c] for k in range(V)) for c in range(D)] for xi in X]
    h = [tanh(dot(row, e[0] + e[1])) for row in W]
    z = [dot(row, h) for row in U]
    p = log_softmax(z)
    return -dot(t, p)
