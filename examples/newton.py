"""Newton's method on Rosenbrock's function, with the exact Hessian, beside gradient descent."""

import numpy as np

import autograd


def rosenbrock(x):
    """Return (1 − x₀)² + 100 (x₁ − x₀²)², whose minimum, 0 at (1, 1), lies in a curved valley."""
    return (1.0 - x[0]) ** 2 + 100.0 * (x[1] - x[0] ** 2) ** 2


gradient, hessian = autograd.grad(rosenbrock), autograd.hessian(rosenbrock)

x = np.array([-1.2, 1.0])
print("Newton")
for step in range(8):
    print(f"  step {step}: f = {rosenbrock(x):.3e} at ({x[0]:.6f}, {x[1]:.6f})")
    if np.linalg.norm(gradient(x)) < 1e-12:
        break
    x = x - np.linalg.solve(hessian(x), gradient(x))

x = np.array([-1.2, 1.0])
for _ in range(1000):
    x = x - 1e-3 * gradient(x)
print(f"gradient descent after 1000 steps: f = {rosenbrock(x):.3e} at ({x[0]:.3f}, {x[1]:.3f})")
