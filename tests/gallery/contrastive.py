"""Contrastive learning (InfoNCE): each row should be most like the row of its own number in the other view.

Prints:

Forward
  U = XWᵀ
  V = YWᵀ
  S = 2UVᵀ
  C = −(1/3) Σₖ (Sₖₖ − lseₗ(Sₖₗ))
Backward
  δSₖₗ = (1/3)(softmaxₗ(Sₖₗ) − [k = l])
  δV = 2δSᵀU
  δU = 2δSV
Gradients
  ∂C/∂W = δVᵀY + δUᵀX

δv is ∂C/∂v.
X is x as 3×4.
Y is y as 3×4.
"""

from autograd import log, softmax
from tests.gallery.parameters import dot, matrix

N, D, H = 3, 4, 2
W = matrix("W", H, D)
SHAPES = {"x": N * D, "y": N * D}


def encoded(row):
    return [dot(w, row) for w in W]


def fun(x, y):
    u = [encoded(x[k * D : (k + 1) * D]) for k in range(N)]
    v = [encoded(y[k * D : (k + 1) * D]) for k in range(N)]
    loss = 0
    for k in range(N):
        s = [dot(u[k], other) / 0.5 for other in v]
        loss = loss - log(softmax(s)[k])
    return loss / N
