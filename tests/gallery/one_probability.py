"""The expected reward of a policy whose first action gives a reward of its own (Williams 1992).

Prints:

Forward
  logits = Wx
  C = −r exp(logits₁ − lse(logits))
Backward
  δlogitsₙ = (softmaxₙ(logitsₙ) − [1 = n])r exp(logits₁ − lseₘ(logitsₘ))
Gradients
  ∂C/∂W = δlogits xᵀ

δv is ∂C/∂v.
"""

from autograd import softmax
from tests.gallery.parameters import dot, matrix

W = matrix("W", 3, 2)
SHAPES = {"x": 2, "r": 1}


def fun(x, r):
    logits = [dot(row, x) for row in W]
    p = softmax(logits)
    return -r[0] * p[0]
