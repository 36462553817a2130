"""Transposed convolution: each number is spread over a window, two places further for each; then a squared error.

Prints:

Forward
  yₙ = Σₚ wₙ₋₂ₚ₊₂xₚ, n = 1, …, 9
  C = ½ Σₙ (yₙ − tₙ)²
Backward
  δyₙ = yₙ − tₙ
Gradients
  ∂C/∂wₖ = Σₚ δy₂ₚ₊ₖ₋₂ xₚ

δv is ∂C/∂v.
A name is 0 where an index is outside of its range.
"""

from tests.gallery.parameters import vector

N, K = 4, 3
w = vector("w", K)
SHAPES = {"x": N, "t": 2 * N + K - 2}


def fun(x, t):
    y = [0.0] * (2 * N + K - 2)
    for p in range(N):
        for k in range(K):
            y[2 * p + k] = y[2 * p + k] + w[k] * x[p]
    return sum((yn - tn) ** 2 for yn, tn in zip(y, t)) / 2
