"""Modern Hopfield network: three retrieval steps ξ ← Mᵀ softmax(β M ξ) from stored patterns.

Prints:

Forward
  ξ₀ = x
  for s = 1, …, 3
    yₛ = Mξₛ₋₁
    uₛ = βyₛ
    pₛ = softmax(uₛ)
    ξₛ = Mᵀpₛ
  C = ½‖ξ₃ − t‖²
Backward
  for s = 3, …, 1
    δξₛ = Mᵀδyₛ₊₁, s < 3
    δξ₃ = ξ₃ − t
    δpₛ = Mδξₛ
    δuₛ = (δpₛ − δpₛᵀpₛ𝟏) ⊙ pₛ
    δyₛ = β δuₛ
Gradients
  ∂C/∂M = Σₛ pₛδξₛᵀ + Σₛ δyₛξₛ₋₁ᵀ
  ∂C/∂β = Σₛ δuₛᵀyₛ

δv is ∂C/∂v.
𝟏 is a vector of ones.
"""

from autograd import softmax
from tests.gallery.parameters import dot, matrix, scalar

N, D = 4, 3
M, beta = matrix("M", N, D), scalar("beta")
SHAPES = {"x": D, "t": D}


def fun(x, t):
    xi = x
    for _ in range(3):
        p = softmax([beta * dot(row, xi) for row in M])
        xi = [sum(p[n] * M[n][j] for n in range(N)) for j in range(D)]
    return 0.5 * sum((a - b) ** 2 for a, b in zip(xi, t))
