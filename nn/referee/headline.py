"""What is wrong with all of it at once, if one sentence says it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .comparison import Comparison, Comparisons
from .reference import Reference

__all__ = ["headline"]


def headline(r: Reference, compared: Comparisons) -> str:
    """Return a sentence if the lists are reversed, or every gradient is off by the same factor; else nothing."""
    if _are_reversed([compared["W", l] for l in range(r.L)]):
        return "Your lists begin with the output layer: return them with the first layer first.\n"
    gradients = [this for (array, _), this in compared.items() if array != "δ" and not this.is_undecidable()]
    if len(gradients) < 2 or not all(np.all(np.isfinite(this.yours)) and not this.is_right() for this in gradients):
        return ""
    told = {float(r.N): f"m times what it should be, m = {r.N}", 1.0 / r.N: f"1/m times what it should be, m = {r.N}"}
    told |= {factor: f"{name} times what it should be" for factor, name in ((-1.0, "−1"), (2.0, "2"), (0.5, "½"))}
    for factor, text in told.items():
        if factor != 1.0 and all(_is_multiple(this, factor, r) for this in gradients):
            return f"Every gradient is {text}: probably one mistake, made once for all.\n"
    rate = _factor(max(gradients, key=lambda this: float(abs(this.right).max())))
    if rate and all(_is_multiple(this, rate, r) for this in gradients):
        reason = "is it a learning rate? That belongs to the step, not to the gradient"
        return f"Every gradient is {rate:.6g} times what it should be: {reason}.\n"
    return ""


def _factor(this: Comparison) -> float:
    """Return the number by which the right array is to be multiplied to come nearest to yours; 0 if none does."""
    if this.yours.shape != this.right.shape:
        return 0.0
    return float((this.yours * this.right).sum() / (this.right * this.right).sum())


def _is_multiple(this: Comparison, factor: float, r: Reference) -> bool:
    """Return whether a gradient, with its regularisation or but for it, is `factor` times the right one."""
    decay = {"W": r.l2 * r.W[this.layer - 1], "b": r.l2_of_b * r.b[this.layer - 1]}.get(this.array, 0.0 * this.right)
    return this.fits(factor * this.right) or this.fits(factor * (this.right - decay) + decay)


def _are_reversed(given: list[Comparison]) -> bool:
    """Return whether the weight gradients have the shapes, or the numbers, of those in reversed order."""
    turned = [replace(given[-1 - l], yours=this.yours) for l, this in enumerate(given)]
    if all(this.yours.shape == this.right.shape for this in given):
        return all(this.is_right() for this in turned) and not all(this.is_right() for this in given)
    return all(this.yours.shape == this.right.shape for this in turned)
