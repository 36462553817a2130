"""Single-head self-attention over 4 positions.

Prints:

Forward
  Q = X Wqᵀ
  K = X Wkᵀ
  V = X Wvᵀ
  S = QKᵀ / √2
  A = softmax(S)
  O = AV
  y = Ow
  C = ½‖y − t‖²
Backward
  δy = y − t
  δO = δywᵀ
  δA = δOVᵀ
  δS = A ⊙ (δA − (A ⊙ δA)𝟏𝟏ᵀ)
  δV = AᵀδO
  δK = δSᵀQ / √2
  δQ = δSK / √2
Gradients
  ∂C/∂Wq = δQᵀX
  ∂C/∂Wk = δKᵀX
  ∂C/∂Wv = δVᵀX
  ∂C/∂w = Oᵀδy

δv is ∂C/∂v.
X is x as 4×3.
softmax is by rows.
𝟏 is a vector of ones.
"""

import math

from autograd import softmax
from tests.gallery.parameters import dot, matrix, vector

T, D, K = 4, 3, 2
Wq, Wk, Wv, w = matrix("Wq", K, D), matrix("Wk", K, D), matrix("Wv", K, D), vector("w", K)
SHAPES = {"x": T * D, "t": T}


def fun(x, t):
    X = [x[i * D : (i + 1) * D] for i in range(T)]
    q = [[dot(row, xi) for row in Wq] for xi in X]
    k = [[dot(row, xi) for row in Wk] for xi in X]
    v = [[dot(row, xi) for row in Wv] for xi in X]
    s = [[dot(qi, kj) / math.sqrt(K) for kj in k] for qi in q]
    a = [softmax(row) for row in s]
    o = [[sum(a[i][j] * v[j][c] for j in range(T)) for c in range(K)] for i in range(T)]
    y = [dot(w, oi) for oi in o]
    return 0.5 * sum((yi - ti) ** 2 for yi, ti in zip(y, t))
