"""Softmax regression with the softmax and the cross-entropy written by hand, the largest logit subtracted.

Prints:

Forward
  z = Wx + b
  p = softmax(z)
  C = −tᵀ log(p)
Backward
  δ = p − t
Gradients
  ∂C/∂W = δxᵀ
  ∂C/∂b = δ

δv is ∂C/∂v, and δ alone is that of z.
"""

from autograd import exp, log
from tests.gallery.parameters import dot, matrix, vector

W, b = matrix("W", 3, 4), vector("b", 3)
SHAPES = {"x": 4, "t": 3}
TARGET = "onehot"


def softmax(z):
    e = [exp(v) for v in z]
    s = sum(e)
    return [v / s for v in e]


def fun(x, t):
    z = [dot(row, x) + c for row, c in zip(W, b)]
    p = softmax(z)
    return -sum(ti * log(pi) for ti, pi in zip(t, p))
