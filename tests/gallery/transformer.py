"""A block of a transformer: attention and a network for each row, with a normalisation and two shortcuts.

Prints:

Forward
  Q = X Wqᵀ
  K = X Wkᵀ
  V = X Wvᵀ
  s₁ = ½QKᵀ
  P = softmax(s₁)
  O = PV
  Y = O Woᵀ
  H = X + Y
  s₂ = H − ¼H𝟏𝟏ᵀ
  Nᵢ = s₂ᵢ / √(mean(s₂ᵢ²) + 10⁻⁵)
  U = N diag(g) + 𝟏bᵀ
  Z = U(W¹)ᵀ
  R = relu(Z)(W²)ᵀ
  s₃ = H + R − T
  C = ‖s₃‖²
Backward
  δ = 2s₃W² ⊙ relu′(Z)
  δU = δW¹
  δN = δU diag(g)
  δs₂ᵢ = (δNᵢ − mean(δNᵢ ⊙ Nᵢ)Nᵢ) / √(mean(s₂ᵢ²) + 10⁻⁵)
  δY = δs₂ + 2s₃ − ¼δs₂𝟏𝟏ᵀ
  δO = δY Wo
  δP = δOVᵀ
  δs₁ = P ⊙ (δP − (P ⊙ δP)𝟏𝟏ᵀ)
  δV = PᵀδO
  δK = ½δs₁ᵀQ
  δQ = ½δs₁K
Gradients
  ∂C/∂Wq = δQᵀX
  ∂C/∂Wk = δKᵀX
  ∂C/∂Wv = δVᵀX
  ∂C/∂Wo = δYᵀO
  ∂C/∂W¹ = δᵀU
  ∂C/∂W² = 2s₃ᵀ relu(Z)
  ∂C/∂g = (N ⊙ δU)ᵀ𝟏
  ∂C/∂b = δUᵀ𝟏

relu′(z) = [z > 0].
δv is ∂C/∂v, and δ alone is that of z.
X is x as 3×4.
T is t as 3×4.
softmax is by rows.
𝟏 is a vector of ones.
"""

from autograd import relu, softmax, sqrt
from tests.gallery.parameters import dot, matrix, vector

N, D, H = 3, 4, 6
Wq, Wk, Wv, Wo = (matrix(name, D, D) for name in ("Wq", "Wk", "Wv", "Wo"))
W1, W2, g, b = matrix("W1", H, D), matrix("W2", D, H), vector("g", D), vector("b", D)
SHAPES = {"x": N * D, "t": N * D}


def times(W, row):
    return [dot(w, row) for w in W]


def normalised(row):
    mean = sum(row) / D
    variance = sum((v - mean) ** 2 for v in row) / D
    return [(v - mean) / sqrt(variance + 1e-5) for v in row]


def fun(x, t):
    x = [x[k * D : (k + 1) * D] for k in range(N)]
    q, k, v = ([times(W, row) for row in x] for W in (Wq, Wk, Wv))
    loss = 0
    for row in range(N):
        p = softmax([dot(q[row], kj) / D**0.5 for kj in k])
        o = [sum(pj * vj[d] for pj, vj in zip(p, v)) for d in range(D)]
        h = [a + c for a, c in zip(x[row], times(Wo, o))]
        n = normalised(h)
        u = [gk * nk + bk for gk, nk, bk in zip(g, n, b)]
        f = times(W2, [relu(z) for z in times(W1, u)])
        loss += sum((hd + fd - t[row * D + d]) ** 2 for d, (hd, fd) in enumerate(zip(h, f)))
    return loss
