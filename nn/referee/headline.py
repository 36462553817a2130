"""What is wrong with all of it at once, if one sentence says it."""

from __future__ import annotations

import numpy as np

from .comparison import Comparison, Comparisons
from .reference import Reference

__all__ = ["headline"]

FACTORS = {-1.0: "−1", 2.0: "2", 0.5: "½"}


def headline(r: Reference, compared: Comparisons) -> str:
    """Return a sentence if the lists are reversed, or every gradient is off by the same factor; else nothing."""
    if _are_reversed(r, compared):
        return "Your lists begin with the output layer: return them with the first layer first.\n"
    gradients = [this for (array, _), this in compared.items() if array != "δ" and not this.is_undecidable()]
    if len(gradients) < 2 or any(this.is_right() for this in gradients):
        return ""
    largest = max(gradients, key=lambda this: float(abs(this.right).max()))
    for factor in (*FACTORS, float(r.N), 1.0 / r.N, _factor(largest)):
        if factor not in (0.0, 1.0) and all(_is_multiple(this, factor, r) for this in gradients):
            return f"Every gradient is {_sized(factor, r.N)}.\n"
    return ""


def _sized(factor: float, N: int) -> str:
    by_examples = {float(N): "m", 1.0 / N: "1/m"}
    name = FACTORS.get(factor) or by_examples.get(factor)
    size = f", m = {N}" if factor in by_examples and factor not in FACTORS else ""
    if name is not None:
        return f"{name} times what it should be{size}: probably one mistake, made once for all"
    return f"{factor:.6g} times what it should be: is it a learning rate? That belongs to the step, not to the gradient"


def _factor(this: Comparison) -> float:
    """Return the number by which the right array is to be multiplied to come nearest to yours."""
    if this.yours.shape != this.right.shape or not np.all(np.isfinite(this.yours)):
        return 0.0
    return float((this.yours * this.right).sum() / (this.right * this.right).sum())


def _is_multiple(this: Comparison, factor: float, r: Reference) -> bool:
    """Return whether a gradient, with its regularisation or but for it, is `factor` times the right one."""
    decay = r.l2 * r.W[this.layer - 1] if this.array == "W" else np.zeros_like(this.right)
    return this.fits(factor * this.right) or this.fits(factor * (this.right - decay) + decay)


def _are_reversed(r: Reference, compared: Comparisons) -> bool:
    """Return whether the weight gradients have the shapes, or the numbers, of those in reversed order."""
    given = [compared["W", l] for l in range(r.L)]
    reverse = [
        Comparison(that.layer, "W", this.yours, that.right, that.bound)
        for this, that in zip(given, given[::-1], strict=True)
    ]
    if all(this.yours.shape == this.right.shape for this in given):
        return not all(this.is_right() for this in given) and all(this.is_right() for this in reverse)
    return all(this.yours.shape == this.right.shape for this in reverse)
