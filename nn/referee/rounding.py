"""How far rounding alone can move the arrays of a backward pass."""

from __future__ import annotations

import numpy as np

from ..arguments import FloatArray
from .reference import Reference, gradient_of

__all__ = ["Rounding"]


class Rounding:
    """Bounds on how far two right computations of a backward pass can be apart, by running error analysis.

    Every sum of n products may err by n units of the last place of Σ|terms|, and errors are carried on: into σ′ by
    evaluating it at both ends of the interval that z may lie in, which also covers kinks. Another order of summation,
    or 1 − a² computed from an a near 1, therefore never counts as a mistake.

    Args:
        reference: The right arrays.
        unit: The rounding error of one operation, relative to its result, in the precision of your numbers.

    Attributes:
        delta: A bound for every entry of δ¹ … δ^L.
        dW: A bound for every entry of each weight gradient.
        db: A bound for every entry of each bias gradient.

    Source: Nicholas Higham, "Accuracy and Stability of Numerical Algorithms", chapter 3 (running error bounds).
    """

    def __init__(self, reference: Reference, unit: float) -> None:
        r = reference
        self.reference, self.unit = r, unit
        self._a = [np.zeros_like(r.a[0])]
        self._slope: list[FloatArray] = []
        for l in range(r.L):
            self._forward(l)
        self.delta = self._backward()
        n = (r.N + 8) * self.unit
        self.dW, self.db = [], []
        for l, (delta, a) in enumerate(zip(r.delta, r.a[:-1], strict=True)):
            error = self.delta[l].T @ abs(a) + abs(delta).T @ self._a[l] + n * abs(delta).T @ abs(a)
            self.dW.append(error / r.N + 8 * self.unit * r.l2 * abs(r.W[l]))
            of_b = (self.delta[l] + n * abs(delta)).sum(axis=0) / r.N
            self.db.append(of_b + 8 * self.unit * r.l2_of_b * abs(r.b[l]))

    def _forward(self, l: int) -> None:
        r = self.reference
        n = (r.W[l].shape[1] + 8) * self.unit
        z = self._a[-1] @ abs(r.W[l]).T + n * (abs(r.a[l]) @ abs(r.W[l]).T + abs(r.b[l]))
        here = r.slope(l, r.z[l])
        ends = [r.slope(l, r.z[l] + side * z) for side in (-1.0, 1.0)]
        jump = np.maximum(*(abs(end - here) for end in ends))
        self._slope.append(jump + 8 * self.unit * np.maximum(abs(here), 1.0))
        self._a.append(z * np.maximum(abs(here), np.maximum(*map(abs, ends))) + 4 * self.unit * abs(r.a[l + 1]))

    def _backward(self) -> list[FloatArray]:
        r = self.reference
        error = self._of_gradient()
        slope = r.slope(-1, r.z[-1])
        delta = [error * abs(slope) + abs(r.gradient) * self._slope[-1]]
        for l in range(r.L - 2, -1, -1):
            above, W = r.delta[l + 1], r.W[l + 1]
            n = (len(W) + 8) * self.unit
            carried = delta[0] @ abs(W) + n * abs(above) @ abs(W)
            delta.insert(0, carried * abs(r.slope(l, r.z[l])) + abs(above @ W) * self._slope[l])
        return delta

    def _of_gradient(self) -> FloatArray:
        """Return how far ∇ₐC moves when the outputs move within their errors, all up or all down."""
        r = self.reference
        error = 8 * self.unit * abs(r.gradient) + 4 * self.unit * (abs(r.a[-1]) + abs(r.T))
        for side in (-1.0, 1.0):
            for k, (a, t, e) in enumerate(zip(r.a[-1], r.T, self._a[-1], strict=True)):
                moved = gradient_of(r.loss, a + side * e, t)
                error[k] += abs(moved - r.gradient[k]) if moved is not None else 0.0
        return error
