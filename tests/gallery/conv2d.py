"""Two-dimensional convolution with 2 filters of 2×3 over a 4×5 image, then mean over the image (global pooling).

Prints:

Forward
  Zₙ = Wₙ ⋆ X + bₙ𝟏𝟏ᵀ
  Aₙ = tanh(Zₙ)
  mₙ = mean(Aₙ)
  y = vᵀm
  C = (y − t)²
Backward
  δy = 2(y − t)
  δₙ = (1/9)δy vₙ tanh′(Zₙ)
Gradients
  ∂C/∂Wₙ = δₙ ⋆ X
  ∂C/∂bₙ = Σ δₙ
  ∂C/∂v = δy m

tanh′(z) = 1 − tanh(z)².
δv is ∂C/∂v, and δ alone is that of z.
X is x as 4×5.
(w ⋆ x)ₚ = Σₖ wₖxₚ₊ₖ₋₁.
𝟏 is a vector of ones.
"""

from autograd import tanh
from tests.gallery.parameters import dot, tensor, vector

R, S, A, B, F = 4, 5, 2, 3, 2
w, b, v = tensor("w", F, A, B), vector("b", F), vector("v", F)
SHAPES = {"x": R * S, "t": 1}


def fun(x, t):
    X = [x[r * S : (r + 1) * S] for r in range(R)]
    z = [
        [
            [sum(w[f][i][j] * X[r + i][s + j] for i in range(A) for j in range(B)) + b[f] for s in range(S - B + 1)]
            for r in range(R - A + 1)
        ]
        for f in range(F)
    ]
    a = [[[tanh(u) for u in row] for row in plane] for plane in z]
    m = [sum(sum(row) for row in plane) / ((R - A + 1) * (S - B + 1)) for plane in a]
    return (dot(v, m) - t[0]) ** 2
