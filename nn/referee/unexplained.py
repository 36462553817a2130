"""What is said of an array that no combination of known mistakes explains."""

from __future__ import annotations

import numpy as np

from ..arguments import FloatArray
from .comparison import TOLERANCE, Comparison, Explanations
from .mistakes import Mistake, raised
from .reference import Reference

__all__ = ["unexplained"]

TYPED = 1e-6  # how near a number must be to one of two digits to count as one that somebody has typed
LEAST = 3  # numbers that must agree before one that was fitted to them is believed
ROUNDED = 1e-5  # of the largest entry: what single precision and finite differences leave


def unexplained(r: Reference, this: Comparison) -> tuple[Explanations, str]:
    """Return a factor, a penalty or a step of whatever size as the explanation, or a remark on where it is wrong."""
    yours, right = this.yours, this.right
    if yours.shape != right.shape:
        return (), _of_shape(r, this)
    if not yours.any():
        return (), "All of its entries are 0."
    if not right.any():
        return (), "All entries of the right array are 0."
    mistake = _factor(this) or _penalty(r, this) or _step(r, this) or _updated_weights(r, this)
    if mistake:
        return ((mistake,),), ""
    distance = abs(yours - right) / abs(right).max()
    if distance.max() <= ROUNDED:
        return (), (
            f"It agrees with the right array to {distance.max():.1e} of the largest entry: rounded numbers, float32 or "
            "finite differences?"
        )
    return (), _which_entries(distance > TOLERANCE)


def _factor(this: Comparison) -> Mistake | None:
    """Return the mistake that every entry is multiplied by the same number."""
    factor = float((this.yours * this.right).sum() / (this.right * this.right).sum())
    if np.count_nonzero(this.right) < 2 or not _is_typed(factor) or not this.fits(factor * this.right):
        return None
    return Mistake("factor", f"Every entry is {factor:.6g} times what it should be.")


def _penalty(r: Reference, this: Comparison) -> Mistake | None:
    """Return the mistake that a multiple of W or b was added."""
    p = (r.W if this.array == "W" else r.b)[this.layer - 1]  # δ never has the shape of b
    if p.shape != this.right.shape or np.count_nonzero(p) < 3:
        return None
    extra = float(((this.yours - this.right) * p).sum() / (p * p).sum())
    if not this.fits(this.right + extra * p):
        return None
    name = f"{this.array}{raised(this.layer)}"
    if this.array == "b":
        text = f"The bias is regularised: {extra:.6g} · {name} is added to ∂C/∂{name}, but only weights are penalised."
        return Mistake("bias regularised", text)
    text = f"The regularisation has the wrong size: {r.l2 + extra:.6g} · {name} where l2 = {r.l2:.6g} belongs."
    return Mistake("wrong l2", text)


def _step(r: Reference, this: Comparison) -> Mistake | None:
    """Return the mistake that it is W or b after a step along the gradient."""
    p = (r.W if this.array == "W" else r.b)[this.layer - 1]
    if p.shape != this.right.shape or np.count_nonzero(this.right) < LEAST:
        return None
    rate = float(((p - this.yours) * this.right).sum() / (this.right * this.right).sum())
    if not _is_typed(rate) or not this.fits(p - rate * this.right):
        return None
    name = f"{this.array}{raised(this.layer)}"
    text = f"It is {name} after a step, {name} {_signed(-rate)} · ∂C/∂{name}: the gradient alone belongs here."
    return Mistake("step", text)


def _updated_weights(r: Reference, this: Comparison) -> Mistake | None:
    """Return the mistake that a δ came back through weights that the step had already changed."""
    l, up = this.layer - 1, raised(this.layer + 1)
    if this.array != "δ" or this.layer == r.L:
        return None
    change = (r.delta[l + 1] @ r.dW[l + 1]) * r.slope(l, r.z[l])
    rate = float(((this.right - this.yours) * change).sum() / max(float((change * change).sum()), np.finfo(float).tiny))
    if np.count_nonzero(change) < LEAST or not _is_typed(rate) or not this.fits(this.right - rate * change):
        return None
    step = _signed(-rate).replace(" ", "")
    text = f"W{up} was changed before δ{up} went back through it, by {step} · ∂C/∂W{up}: the step comes last."
    return Mistake("updated W", text)


def _is_typed(number: float) -> bool:
    """Return whether a number has two digits at most, as one that somebody has typed, and is not all but 0.

    Any other number can be fitted to numbers that have another reason.
    """
    return bool(1e-8 < abs(number) < 1e8 and abs(number - float(f"{number:.1e}")) <= TYPED * abs(number))


def _signed(number: float) -> str:
    """Return a number as a term that is added or taken away."""
    return f"{'−' if number < 0 else '+'} {abs(number):.6g}"


def _of_shape(r: Reference, this: Comparison) -> str:
    """Return what is known of an array of another shape."""
    yours, right = this.yours, this.right
    if this.array == "W" and yours.ndim < right.ndim:
        kind = "a number" if yours.size == 1 else "a vector"
        return f"It is {kind} where a matrix belongs: is a product of the kind δ aᵀ (np.outer) a dot product?"
    if this.array == "W" and yours.ndim == 2 and yours.shape == (right.shape[0], right.shape[1] + 1):
        bias = r.db[this.layer - 1]
        for column, place in ((0, "first"), (-1, "last")):
            if np.allclose(yours[:, column], bias, rtol=1e-8, atol=1e-12 + 1e-8 * abs(bias).max()):
                name = f"∂C/∂b{raised(this.layer)}"
                return f"Its {place} column is {name}: the bias column is still in it."
        return "It has a column more than the weights: is that of the bias still in it?"
    if this.array == "W" and yours.shape == r.b[this.layer - 1].shape:
        return "It has the shape of a bias gradient: are dW and db exchanged?"
    return "None of the known mistakes gives an array of this shape."


def _which_entries(wrong: FloatArray) -> str:
    if wrong.size == 1:
        return "None of the known mistakes gives this number."
    if wrong.sum() == 1:
        place = ", ".join(str(k) for k in np.argwhere(wrong)[0])
        return f"None of the known mistakes gives these numbers; only the entry [{place}] is wrong."
    if wrong.all():
        return "None of the known mistakes gives these numbers; every entry is wrong."
    if wrong.ndim == 2:
        for axis, name in ((1, "row"), (0, "column")):
            lines = np.flatnonzero(wrong.any(axis=axis))
            if len(lines) < wrong.shape[1 - axis]:
                listed = ", ".join(map(str, lines[:6])) + (", …" if len(lines) > 6 else "")
                return f"None of the known mistakes gives these numbers; the wrong ones are in {name} {listed}."
    return f"None of the known mistakes gives these numbers; {int(wrong.sum())} of {wrong.size} entries are wrong."
