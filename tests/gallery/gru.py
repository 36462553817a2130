"""GRU with named gates, 4 steps from a state of zeros.

Prints:

Forward
  for s = 1, …, 4
    zzₛ = Wz xₛ + Uz hₛ₋₁
    zrₛ = Wr xₛ + Ur hₛ₋₁
    zₛ = σ(zzₛ)
    rₛ = σ(zrₛ)
    keptₛ = hₛ₋₁ ⊙ rₛ
    znₛ = Wn xₛ + Un keptₛ
    nₛ = tanh(znₛ)
    hₛ = zₛ ⊙ nₛ + hₛ₋₁ ⊙ (1 − zₛ)
  y = vᵀh₄
  C = ½(y − t)²
Backward
  δy = y − t
  for s = 4, …, 1
    δh₄ = δy v
    δhₛ = Urᵀδzrₛ₊₁ + Uzᵀδzzₛ₊₁ + δhₛ₊₁ ⊙ (1 − zₛ₊₁) + δkeptₛ₊₁ ⊙ rₛ₊₁, s < 4
    δznₛ = δhₛ ⊙ zₛ ⊙ tanh′(znₛ)
    δkeptₛ = Unᵀδznₛ
    δzrₛ = δkeptₛ ⊙ hₛ₋₁ ⊙ σ′(zrₛ)
    δzzₛ = (nₛ − hₛ₋₁) ⊙ δhₛ ⊙ σ′(zzₛ)
Gradients
  ∂C/∂Wz = Σₛ δzzₛxₛᵀ
  ∂C/∂Wr = Σₛ δzrₛxₛᵀ
  ∂C/∂Wn = Σₛ δznₛxₛᵀ
  ∂C/∂Uz = Σₛ δzzₛhₛ₋₁ᵀ
  ∂C/∂Ur = Σₛ δzrₛhₛ₋₁ᵀ
  ∂C/∂Un = Σₛ δznₛ keptₛᵀ
  ∂C/∂v = δy h₄

σ is the sigmoid.
σ′(z) = σ(z)(1 − σ(z)), tanh′(z) = 1 − tanh(z)².
δv is ∂C/∂v.
x is 4×2; its rows have an index.
h₀ is 0.
"""

from autograd import sigmoid, tanh
from tests.gallery.parameters import dot, matrix, vector

T, D, H = 4, 2, 3
Wz, Wr, Wn = (matrix(name, H, D) for name in ("Wz", "Wr", "Wn"))
Uz, Ur, Un = (matrix(name, H, H) for name in ("Uz", "Ur", "Un"))
v = vector("v", H)
SHAPES = {"x": T * D, "t": 1}


def fun(x, t):
    h = [0.0] * H
    for s in range(T):
        xs = x[s * D : (s + 1) * D]
        z = [sigmoid(dot(Wz[j], xs) + dot(Uz[j], h)) for j in range(H)]
        r = [sigmoid(dot(Wr[j], xs) + dot(Ur[j], h)) for j in range(H)]
        kept = [rj * hj for rj, hj in zip(r, h)]
        n = [tanh(dot(Wn[j], xs) + dot(Un[j], kept)) for j in range(H)]
        h = [(1 - zj) * hj + zj * nj for zj, hj, nj in zip(z, h, n)]
    y = dot(v, h)
    return 0.5 * (y - t[0]) ** 2
