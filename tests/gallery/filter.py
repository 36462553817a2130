"""A recursive filter: what comes out is fed back.

Prints:

Forward
  for s = 1, …, 6
    new₁ = b₁x₁
    newₛ = Σₖ bₖxₛ₋ₖ₊₁ + a newₛ₋₁, s > 1
  C = ½‖new − t‖²
Backward
  for s = 6, …, 1
    δnewₛ = a δnewₛ₊₁ + newₛ − tₛ
Gradients
  ∂C/∂a = Σₛ δnewₛ newₛ₋₁
  ∂C/∂bₖ = [1 = k]x₁δnew₁ + Σ_{2 ≤ s} δnewₛ xₛ₋ₖ₊₁

δv is ∂C/∂v.
δnew₇ is 0.
A name is 0 where an index is outside of its range.
"""

from tests.gallery.parameters import scalar, vector

T = 6
a, b = scalar("a"), vector("b", 2)
SHAPES = {"x": T, "t": T}


def fun(x, t):
    y = []
    for n in range(T):
        new = b[0] * x[n]
        if n > 0:
            new = new + b[1] * x[n - 1] + a * y[n - 1]
        y.append(new)
    return sum((yn - tn) ** 2 for yn, tn in zip(y, t)) / 2
