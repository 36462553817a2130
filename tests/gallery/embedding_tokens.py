"""Two tokens that index the rows of an embedding matrix, a hidden layer, the probability of a third token.

Prints:

Forward
  e = onehot(x)E
  zh = Σₙ Wₙeₙ
  h = tanh(zh)
  z = Uh
  p = log softmax(z)
  C = −pᵀ onehot(t)
Backward
  δ = softmax(z) − onehot(t)
  δzh = Uᵀδ ⊙ tanh′(zh)
  δeₙ = Wₙᵀδzh
Gradients
  ∂C/∂E = onehot(x)ᵀδe
  ∂C/∂Wₙ = δzh eₙᵀ
  ∂C/∂U = δhᵀ

tanh′(z) = 1 − tanh(z)².
δv is ∂C/∂v, and δ alone is that of z.
onehot(k) is 1 at k, counted from 0, and 0 elsewhere; of a vector, by rows.
"""

from autograd import log_softmax, lookup, tanh
from tests.gallery.parameters import dot, matrix

V, D, H = 5, 3, 4
E, W, U = matrix("E", V, D), matrix("W", H, 2 * D), matrix("U", V, H)
SHAPES = {"x": 2, "t": 1}
TOKENS = V


def fun(x, t):
    e = [lookup(E, token) for token in x]
    h = [tanh(dot(row, e[0] + e[1])) for row in W]
    z = [dot(row, h) for row in U]
    p = log_softmax(z)
    return -lookup(p, t[0])
