"""Matrix factorisation: R ≈ PQᵀ with a penalty, all entries observed.

Prints:

Forward
  E = R − PQᵀ
  C = 0.1‖P‖² + 0.1‖Q‖² + ‖E‖²
Backward
  δE = 2E
Gradients
  ∂C/∂P = 0.2P − δEQ
  ∂C/∂Q = 0.2Q − δEᵀP

δv is ∂C/∂v.
R is r as 4×3.
"""

from tests.gallery.parameters import dot, matrix

M, N, K = 4, 3, 2
P, Q = matrix("P", M, K), matrix("Q", N, K)
SHAPES = {"r": M * N}


def fun(r):
    R = [r[i * N : (i + 1) * N] for i in range(M)]
    e = [[R[i][j] - dot(P[i], Q[j]) for j in range(N)] for i in range(M)]
    loss = sum(eij * eij for row in e for eij in row)
    return loss + 0.1 * (sum(p * p for row in P for p in row) + sum(q * q for row in Q for q in row))
