"""Multi-head self-attention: 2 heads of width 3 in a model of width 6, with an output projection.

Prints:

Forward
  Qₕ = X Wqₕᵀ
  Kₕ = X Wkₕᵀ
  Vₕ = X Wvₕᵀ
  Sₕ = QₕKₕᵀ / √3
  Aₕ = softmax(Sₕ)
  Oₕ = AₕVₕ
  Y = Σₕ Oₕ Woₕᵀ
  C = ½‖Y − T‖²
Backward
  δY = Y − T
  δOₕ = δY Woₕ
  δAₕ = δOₕVₕᵀ
  δSₕ = Aₕ ⊙ (δAₕ − (Aₕ ⊙ δAₕ)𝟏𝟏ᵀ)
  δVₕ = AₕᵀδOₕ
  δKₕ = δSₕᵀQₕ / √3
  δQₕ = δSₕKₕ / √3
Gradients
  ∂C/∂Wqₕ = δQₕᵀX
  ∂C/∂Wkₕ = δKₕᵀX
  ∂C/∂Wvₕ = δVₕᵀX
  ∂C/∂Woₕ = δYᵀOₕ

δv is ∂C/∂v.
X is x as 3×6.
T is t as 3×6.
softmax is by rows.
𝟏 is a vector of ones.
"""

import math

from autograd import softmax
from tests.gallery.parameters import dot, matrix

T, D, H = 3, 6, 2
K = D // H
Wq, Wk, Wv, Wo = (matrix(name, D, D) for name in ("Wq", "Wk", "Wv", "Wo"))
SHAPES = {"x": T * D, "t": T * D}


def fun(x, t):
    X = [x[i * D : (i + 1) * D] for i in range(T)]
    q = [[dot(row, xi) for row in Wq] for xi in X]
    k = [[dot(row, xi) for row in Wk] for xi in X]
    v = [[dot(row, xi) for row in Wv] for xi in X]
    o = [[] for _ in range(T)]
    for h in range(H):
        part = slice(h * K, (h + 1) * K)
        for i in range(T):
            s = [dot(q[i][part], k[j][part]) / math.sqrt(K) for j in range(T)]
            a = softmax(s)
            o[i] += [sum(a[j] * v[j][part][c] for j in range(T)) for c in range(K)]
    y = [[dot(row, oi) for row in Wo] for oi in o]
    return 0.5 * sum((yi - ti) ** 2 for yi, ti in zip([c for row in y for c in row], t))
