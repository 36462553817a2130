"""Batch normalisation: the graph holds a batch of 6 examples.

Prints:

Forward
  Zₙ = WXₙ
  μ = (1/6) Σₙ Zₙ
  var = (1/6) Σₙ (Zₙ − μ)²
  Hₙ = (Zₙ − μ) / √(var + 10⁻⁵)
  Yₙ = γ ⊙ Hₙ + β
  oₙ = vᵀ relu(Yₙ)
  C = (1/6) Σₙ (oₙ − tₙ)²
Backward
  δoₙ = (1/3)(oₙ − tₙ)
  δYₙ = δoₙ v ⊙ relu′(Yₙ)
  δZₙ = ((δYₙ − (1/6) Σₘ δYₘ − (1/6)Hₙ ⊙ Σₘ (δYₘ ⊙ Hₘ)) ⊙ γ) / √(var + 10⁻⁵)
Gradients
  ∂C/∂W = Σₙ δZₙXₙᵀ
  ∂C/∂γ = Σₙ (δYₙ ⊙ Hₙ)
  ∂C/∂β = Σₙ δYₙ
  ∂C/∂v = Σₙ δoₙ relu(Yₙ)

relu′(z) = [z > 0].
δv is ∂C/∂v.
X is x as 6×3, and its rows are columns where they have an index.
"""

from autograd import relu, sqrt
from tests.gallery.parameters import dot, matrix, vector

N, D = 6, 3
W, gamma, beta, v = matrix("W", 4, D), vector("gamma", 4), vector("beta", 4), vector("v", 4)
SHAPES = {"x": N * D, "t": N}


def fun(x, t):
    X = [x[n * D : (n + 1) * D] for n in range(N)]
    Z = [[dot(row, xn) for row in W] for xn in X]
    mu = [sum(Z[n][i] for n in range(N)) / N for i in range(4)]
    var = [sum((Z[n][i] - mu[i]) ** 2 for n in range(N)) / N for i in range(4)]
    H = [[(Z[n][i] - mu[i]) / sqrt(var[i] + 1e-5) for i in range(4)] for n in range(N)]
    Y = [[gamma[i] * H[n][i] + beta[i] for i in range(4)] for n in range(N)]
    o = [dot(v, [relu(y) for y in row]) for row in Y]
    return sum((on - tn) ** 2 for on, tn in zip(o, t)) / N
