"""Logistic regression with the sigmoid and the binary cross-entropy written by hand.

Prints:

Forward
  z = wᵀx + b
  p = σ(z)
  C = −t log(p) − (1 − t)log(1 − p)
Backward
  δ = p − t
Gradients
  ∂C/∂w = δx
  ∂C/∂b = δ

σ is the sigmoid.
δv is ∂C/∂v, and δ alone is that of z.
"""

from autograd import exp, log
from tests.gallery.parameters import dot, scalar, vector

w, b = vector("w", 3), scalar("b")
SHAPES = {"x": 3, "t": 1}
TARGET = "binary"


def fun(x, t):
    z = dot(w, x) + b
    p = 1 / (1 + exp(-z))
    return -(t[0] * log(p) + (1 - t[0]) * log(1 - p))
