"""Variational autoencoder with the noise as an input.

Prints:

Forward
  zh = Ax
  h = tanh(zh)
  s = Sh
  μ = Mh
  z = μ + ε ⊙ exp(½s)
  r = Bz + c
  C = ½Σ exp(s) + ½‖μ‖² + ½‖r − x‖² − ½Σ s − 1
Backward
  δr = r − x
  δ = Bᵀδr
  δμ = δ + μ
  δs = ½(ε ⊙ δ ⊙ exp(½s) + exp(s) − 1)
  δzh = (Mᵀδμ + Sᵀδs) ⊙ tanh′(zh)
Gradients
  ∂C/∂A = δzh xᵀ
  ∂C/∂M = δμhᵀ
  ∂C/∂S = δshᵀ
  ∂C/∂B = δrzᵀ
  ∂C/∂c = δr

tanh′(z) = 1 − tanh(z)².
δv is ∂C/∂v, and δ alone is that of z.
"""

from autograd import exp, tanh
from tests.gallery.parameters import dot, matrix, vector

D, H, Z = 4, 5, 2
A, Mu, S, B, c = matrix("A", H, D), matrix("M", Z, H), matrix("S", Z, H), matrix("B", D, Z), vector("c", D)
SHAPES = {"x": D, "eps": Z}


def fun(x, eps):
    h = [tanh(dot(row, x)) for row in A]
    mu = [dot(row, h) for row in Mu]
    s = [dot(row, h) for row in S]
    z = [m + exp(si / 2) * e for m, si, e in zip(mu, s, eps)]
    r = [dot(row, z) + ci for row, ci in zip(B, c)]
    rec = 0.5 * sum((ri - xi) ** 2 for ri, xi in zip(r, x))
    kl = 0.5 * sum(exp(si) + m * m - 1 - si for m, si in zip(mu, s))
    return rec + kl
