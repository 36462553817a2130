"""Linear-chain CRF: log-partition by the forward recursion in the log domain, minus the score.

Prints:

Forward
  uₛ = Wxₛ
  α₁ = u₁
  for s = 2, …, 4
    Vₛ = Aᵀ + 𝟏αₛ₋₁ᵀ
    αₛ = uₛ + lse(Vₛ)
  logz = lse(α₄)
  C = logz − Σₛ YₛᵀAYₛ₊₁ − Σₛ Yₛᵀuₛ
Backward
  δα₄ = softmax(α₄)
  for s = 4, …, 2
    δVₛ = diag(δαₛ)softmax(Vₛ)
    δαₛ₋₁ = δVₛᵀ𝟏
  δuₛ = δαₛ − Yₛ
Gradients
  ∂C/∂W = Σₛ δuₛxₛᵀ
  ∂C/∂A = Σₛ δVₛᵀ − Σₛ YₛYₛ₊₁ᵀ

δv is ∂C/∂v.
x is 4×2; its rows have an index.
Y is y as 4×3, and its rows are columns where they have an index.
softmax is by rows.
𝟏 is a vector of ones.
"""

from autograd import logsumexp
from tests.gallery.parameters import dot, matrix

T, S, D = 4, 3, 2
W, A = matrix("W", S, D), matrix("A", S, S)
SHAPES = {"x": T * D, "y": T * S}
ONEHOT = {"y": S}


def fun(x, y):
    u = [[dot(row, x[s * D : (s + 1) * D]) for row in W] for s in range(T)]
    Y = [y[s * S : (s + 1) * S] for s in range(T)]
    alpha = u[0]
    for s in range(1, T):
        alpha = [logsumexp([alpha[i] + A[i][j] for i in range(S)]) + u[s][j] for j in range(S)]
    logz = logsumexp(alpha)
    score = sum(dot(u[s], Y[s]) for s in range(T))
    score = score + sum(Y[s][i] * A[i][j] * Y[s + 1][j] for s in range(T - 1) for i in range(S) for j in range(S))
    return logz - score
