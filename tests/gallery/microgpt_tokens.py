"""One block of microgpt whose tokens are whole numbers: `lookup` takes rows of the embedding, and of the log-softmax.

Prints:

Forward
  E = onehot(x)wte + wpe
  n₁ᵢ = Eᵢ / √(mean(Eᵢ²) + 10⁻⁵)
  Qₕ = n₁ Wqₕᵀ
  keysₕ = n₁ Wkₕᵀ
  valuesₕ = n₁ Wvₕᵀ
  Sₕ = Qₕ keysₕᵀ / √2
  Aₕ = softmax(Sₕ + M)
  Oₕ = Aₕ valuesₕ
  U = Σₕ Oₕ Woₕᵀ
  Y = E + U
  n₂ᵢ = Yᵢ / √(mean(Yᵢ²) + 10⁻⁵)
  Z = n₂ fc₁ᵀ
  s₁ = relu(Z)fc₂ᵀ
  R = Y + s₁
  logits = R headᵀ
  logp = log softmax(logits)
  C = −(1/3)(Σ(onehot(t) ⊙ logp))
Backward
  δlogits = (1/3)(softmax(logits) − onehot(t))
  δR = δlogits head
  δ = δR fc₂ ⊙ relu′(Z)
  δn₂ = δ fc₁
  δYᵢ = δRᵢ + (δn₂ᵢ − mean(δn₂ᵢ ⊙ n₂ᵢ)n₂ᵢ) / √(mean(Yᵢ²) + 10⁻⁵)
  δOₕ = δY Woₕ
  δAₕ = δOₕ valuesₕᵀ
  δSₕ = Aₕ ⊙ (δAₕ − (Aₕ ⊙ δAₕ)𝟏𝟏ᵀ)
  δvaluesₕ = AₕᵀδOₕ
  δkeysₕ = δSₕᵀQₕ / √2
  δQₕ = δSₕ keysₕ / √2
  δn₁ = Σₕ δvaluesₕ Wvₕ + Σₕ δkeysₕ Wkₕ + Σₕ δQₕ Wqₕ
  δEᵢ = δYᵢ + (δn₁ᵢ − mean(δn₁ᵢ ⊙ n₁ᵢ)n₁ᵢ) / √(mean(Eᵢ²) + 10⁻⁵)
Gradients
  ∂C/∂wte = onehot(x)ᵀδE
  ∂C/∂wpe = δE
  ∂C/∂Wqₕ = δQₕᵀn₁
  ∂C/∂Wkₕ = δkeysₕᵀn₁
  ∂C/∂Wvₕ = δvaluesₕᵀn₁
  ∂C/∂Woₕ = δYᵀOₕ
  ∂C/∂fc₁ = δᵀn₂
  ∂C/∂fc₂ = δRᵀ relu(Z)
  ∂C/∂head = δlogitsᵀR

relu′(z) = [z > 0].
δv is ∂C/∂v, and δ alone is that of z.
softmax is by rows.
M is 0 where the column is not after the row, and −∞ elsewhere.
onehot(k) is 1 at k, counted from 0, and 0 elsewhere; of a vector, by rows.
𝟏 is a vector of ones.
"""

from autograd import log_softmax, lookup, relu, softmax
from tests.gallery.parameters import dot, matrix

T, V, D, H = 3, 5, 4, 2
K = D // H
wte, wpe = matrix("wte", V, D), matrix("wpe", T, D)
Wq, Wk, Wv, Wo = (matrix(name, D, D) for name in ("Wq", "Wk", "Wv", "Wo"))
fc1, fc2, head = matrix("fc1", 4 * D, D), matrix("fc2", D, 4 * D), matrix("head", V, D)
SHAPES = {"x": T, "t": T}
TOKENS = V


def linear(x, W):
    return [dot(row, x) for row in W]


def rmsnorm(x):
    scale = (dot(x, x) / len(x) + 1e-5) ** -0.5
    return [scale * v for v in x]


def fun(x, t):
    keys, values, losses = [], [], []
    for i in range(T):
        tok = lookup(wte, x[i])
        e = [a + b for a, b in zip(tok, wpe[i])]
        n1 = rmsnorm(e)
        q = linear(n1, Wq)
        k = linear(n1, Wk)
        v = linear(n1, Wv)
        keys.append(k)
        values.append(v)
        o = []
        for h in range(H):
            hs = h * K
            s = [sum(q[hs + c] * keys[j][hs + c] for c in range(K)) / K**0.5 for j in range(i + 1)]
            a = softmax(s)
            o += [sum(a[j] * values[j][hs + c] for j in range(i + 1)) for c in range(K)]
        y = [a + b for a, b in zip(e, linear(o, Wo))]
        n2 = rmsnorm(y)
        m = linear([relu(u) for u in linear(n2, fc1)], fc2)
        r = [a + b for a, b in zip(y, m)]
        logits = linear(r, head)
        logp = log_softmax(logits)
        losses.append(-lookup(logp, t[i]))
    return (1 / T) * sum(losses)
