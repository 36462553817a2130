"""One-dimensional convolution, then the largest of each pair of neighbours, by autograd.maximum.

Prints:

Forward
  zₕₙ = Σₖ wₖx₂ₕ₊ₖ₊ₙ₋₃, h = 1, …, 3, n = 1, 2
  mₕ = max(zₕ₁, zₕ₂)
  y = Σₕ vₕmₕ
  C = (y − t)²
Backward
  δy = 2(y − t)
  δₕ₁ = ½([zₕ₁ > zₕ₂] + [zₕ₁ ≥ zₕ₂])δy vₕ
  δₕ₂ = ½([zₕ₂ > zₕ₁] + [zₕ₂ ≥ zₕ₁])δy vₕ
Gradients
  ∂C/∂wₖ = Σₕₙ δₕₙx₂ₕ₊ₙ₊ₖ₋₃
  ∂C/∂vₕ = δy mₕ

δv is ∂C/∂v, and δ alone is that of z.
"""

from autograd import maximum
from tests.gallery.parameters import dot, vector

L, K = 7, 2
w, v = vector("w", K), vector("v", 3)
SHAPES = {"x": L, "t": 1}


def fun(x, t):
    z = [dot(w, x[p : p + K]) for p in range(L - K + 1)]
    m = [maximum(z[2 * p], z[2 * p + 1]) for p in range(3)]
    return (dot(v, m) - t[0]) ** 2
