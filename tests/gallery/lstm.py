"""LSTM with named gates, 4 steps.

Prints:

Forward
  for s = 1, …, 4
    ziₛ = Wi xₛ + Ri hₛ₋₁ + bi
    zfₛ = Wf xₛ + Rf hₛ₋₁ + bf
    zoₛ = Wo xₛ + Ro hₛ₋₁ + bo
    zgₛ = Wg xₛ + Rg hₛ₋₁ + bg
    iₛ = σ(ziₛ)
    fₛ = σ(zfₛ)
    oₛ = σ(zoₛ)
    gₛ = tanh(zgₛ)
    cₛ = iₛ ⊙ gₛ + cₛ₋₁ ⊙ fₛ
    hₛ = oₛ ⊙ tanh(cₛ)
  y = wᵀh₄
  C = ½(y − t)²
Backward
  δy = y − t
  for s = 4, …, 1
    δh₄ = δy w
    δhₛ = Rgᵀδzgₛ₊₁ + Roᵀδzoₛ₊₁ + Rfᵀδzfₛ₊₁ + Riᵀδziₛ₊₁, s < 4
    δcₛ = δcₛ₊₁ ⊙ fₛ₊₁ + δhₛ ⊙ oₛ ⊙ tanh′(cₛ)
    δzgₛ = δcₛ ⊙ iₛ ⊙ tanh′(zgₛ)
    δzoₛ = δhₛ ⊙ tanh(cₛ) ⊙ σ′(zoₛ)
    δzfₛ = δcₛ ⊙ cₛ₋₁ ⊙ σ′(zfₛ)
    δziₛ = δcₛ ⊙ gₛ ⊙ σ′(ziₛ)
Gradients
  ∂C/∂Wi = Σₛ δziₛxₛᵀ
  ∂C/∂Wf = Σₛ δzfₛxₛᵀ
  ∂C/∂Wo = Σₛ δzoₛxₛᵀ
  ∂C/∂Wg = Σₛ δzgₛxₛᵀ
  ∂C/∂Ri = Σₛ δziₛhₛ₋₁ᵀ
  ∂C/∂Rf = Σₛ δzfₛhₛ₋₁ᵀ
  ∂C/∂Ro = Σₛ δzoₛhₛ₋₁ᵀ
  ∂C/∂Rg = Σₛ δzgₛhₛ₋₁ᵀ
  ∂C/∂bi = Σₛ δziₛ
  ∂C/∂bf = Σₛ δzfₛ
  ∂C/∂bo = Σₛ δzoₛ
  ∂C/∂bg = Σₛ δzgₛ
  ∂C/∂w = δy h₄

σ is the sigmoid.
σ′(z) = σ(z)(1 − σ(z)), tanh′(z) = 1 − tanh(z)².
δv is ∂C/∂v.
x is 4×2; its rows have an index.
h₀ and c₀ and δc₅ and f₅ are 0.
"""

from autograd import sigmoid, tanh
from tests.gallery.parameters import dot, matrix, vector

T, D, H = 4, 2, 3
Wi, Wf, Wo, Wg = (matrix(name, H, D) for name in ("Wi", "Wf", "Wo", "Wg"))
Ri, Rf, Ro, Rg = (matrix(name, H, H) for name in ("Ri", "Rf", "Ro", "Rg"))
bi, bf, bo, bg = (vector(name, H) for name in ("bi", "bf", "bo", "bg"))
w = vector("w", H)
SHAPES = {"x": T * D, "t": 1}


def gate(act, W, R, b, x, h):
    return [act(dot(W[j], x) + dot(R[j], h) + b[j]) for j in range(H)]


def fun(x, t):
    h, c = [0.0] * H, [0.0] * H
    for s in range(T):
        xs = x[s * D : (s + 1) * D]
        i = gate(sigmoid, Wi, Ri, bi, xs, h)
        f = gate(sigmoid, Wf, Rf, bf, xs, h)
        o = gate(sigmoid, Wo, Ro, bo, xs, h)
        g = gate(tanh, Wg, Rg, bg, xs, h)
        c = [fj * cj + ij * gj for fj, cj, ij, gj in zip(f, c, i, g)]
        h = [oj * tanh(cj) for oj, cj in zip(o, c)]
    y = dot(w, h)
    return 0.5 * (y - t[0]) ** 2
