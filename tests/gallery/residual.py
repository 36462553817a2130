"""Three residual blocks x + W₂ relu(W₁ x + b₁) + b₂.

Prints:

Forward
  h⁰ = x
  for l = 1, …, 3
    zˡ = Aˡhˡ⁻¹ + aˡ
    uˡ = relu(zˡ)
    yˡ = Bˡuˡ + bˡ
    hˡ = yˡ + hˡ⁻¹
  o = vᵀh³
  C = (o − t)²
Backward
  δo = 2(o − t)
  for l = 3, …, 1
    δh³ = δo v
    δhˡ = δhˡ⁺¹ + (Aˡ⁺¹)ᵀδˡ⁺¹, l < 3
    δˡ = (Bˡ)ᵀδhˡ ⊙ relu′(zˡ)
Gradients
  ∂C/∂Aˡ = δˡ(hˡ⁻¹)ᵀ
  ∂C/∂aˡ = δˡ
  ∂C/∂Bˡ = δhˡ(uˡ)ᵀ
  ∂C/∂bˡ = δhˡ
  ∂C/∂v = δo h³

relu′(z) = [z > 0].
δv is ∂C/∂v, and δ alone is that of z.
"""

from autograd import relu
from tests.gallery.parameters import dot, matrix, vector

blocks = [(matrix(f"A{k}", 5, 4), vector(f"a{k}", 5), matrix(f"B{k}", 4, 5), vector(f"b{k}", 4)) for k in (1, 2, 3)]
v = vector("v", 4)
SHAPES = {"x": 4, "t": 1}


def fun(x, t):
    h = x
    for A, a, B, b in blocks:
        u = [relu(dot(row, h) + c) for row, c in zip(A, a)]
        h = [hi + dot(row, u) + c for hi, row, c in zip(h, B, b)]
    return (dot(v, h) - t[0]) ** 2
