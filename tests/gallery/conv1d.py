"""One-dimensional convolution, 2 channels in, 3 out, kernel 3, then relu and a weighted sum.

Prints:

Forward
  zₙ = Σₘ wₙₘ ⋆ Xₘ + bₙ𝟏
  aₙ = relu(zₙ)
  y = Σₙ vₙᵀaₙ
  C = (y − t)²
Backward
  δy = 2(y − t)
  δₙ = δy vₙ ⊙ relu′(zₙ)
Gradients
  ∂C/∂wₙₘ = δₙ ⋆ Xₘ
  ∂C/∂bₙ = Σ δₙ
  ∂C/∂vₙ = δy aₙ

relu′(z) = [z > 0].
δv is ∂C/∂v, and δ alone is that of z.
X is x as 2×7.
(w ⋆ x)ₚ = Σₖ wₖxₚ₊ₖ₋₁.
𝟏 is a vector of ones.
"""

from autograd import relu
from tests.gallery.parameters import matrix, tensor, vector

L, CI, CO, K = 7, 2, 3, 3
P = L - K + 1
w, b, v = tensor("w", CO, CI, K), vector("b", CO), matrix("v", CO, P)
SHAPES = {"x": CI * L, "t": 1}


def fun(x, t):
    X = [x[c * L : (c + 1) * L] for c in range(CI)]
    z = [
        [sum(w[o][c][k] * X[c][p + k] for c in range(CI) for k in range(K)) + b[o] for p in range(P)] for o in range(CO)
    ]
    a = [[relu(zp) for zp in row] for row in z]
    y = sum(v[o][p] * a[o][p] for o in range(CO) for p in range(P))
    return (y - t[0]) ** 2
