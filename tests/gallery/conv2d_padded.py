"""Two-dimensional convolution of two channels with a padding of zeros and a stride of 2, as images are made smaller.

Prints:

Forward
  zₙₖ = Σᵢⱼ Wᵢⱼ planes[2n+i-3,2k+j-3] + b, n = 1, …, 3, k = 1, …, 3
  aₙₖ = relu(zₙₖ)
  m = (1/9) Σₙₖ aₙₖ
  y = vᵀm
  C = (y − t)²
Backward
  δy = 2(y − t)
  δₙₖ = (1/9)δy v ⊙ relu′(zₙₖ)
Gradients
  ∂C/∂Wᵢⱼ = Σₙₖ δₙₖ planes[2n+i-3,2k+j-3]ᵀ
  ∂C/∂b = Σₙₖ δₙₖ
  ∂C/∂v = δy m

relu′(z) = [z > 0].
δv is ∂C/∂v, and δ alone is that of z.
planes is x as 2×6×6.
A name is 0 where an index is outside of its range.
"""

from autograd import relu
from tests.gallery.parameters import dot, tensor, vector

C, N, F, K = 2, 6, 3, 3
W, b, v = tensor("W", F, C, K, K), vector("b", F), vector("v", F)
SHAPES = {"x": C * N * N, "t": 1}


def fun(x, t):
    planes = [[x[c * N * N + r * N : c * N * N + (r + 1) * N] for r in range(N)] for c in range(C)]
    edge = [[0.0] * (N + 2)]
    padded = [edge + [[0.0, *row, 0.0] for row in plane] + edge for plane in planes]
    window = [(c, i, j) for c in range(C) for i in range(K) for j in range(K)]
    a = [
        [
            [relu(sum(W[f][c][i][j] * padded[c][2 * p + i][2 * q + j] for c, i, j in window) + b[f]) for q in range(3)]
            for p in range(3)
        ]
        for f in range(F)
    ]
    m = [sum(sum(row) for row in plane) / 9 for plane in a]
    return (dot(v, m) - t[0]) ** 2
