"""What is said of an array that no combination of known mistakes explains."""

from __future__ import annotations

import numpy as np

from ..arguments import FloatArray
from .comparison import TOLERANCE, Comparison, Explanations
from .mistakes import Mistake, raised
from .reference import Reference

__all__ = ["unexplained"]

ROUNDED = 1e-5  # of the largest entry: what single precision and finite differences leave


def unexplained(r: Reference, this: Comparison) -> tuple[Explanations, str]:
    """Return a factor, a penalty or a step of whatever size as the explanation, or a remark on where it is wrong."""
    yours, right = this.yours, this.right
    if yours.shape != right.shape:
        return (), "None of the known mistakes gives an array of this shape."
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
    if np.count_nonzero(this.right) < 2 or not this.fits(factor * this.right):
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
    if p.shape != this.right.shape or np.count_nonzero(this.right) < 2:
        return None
    rate = float(((p - this.yours) * this.right).sum() / (this.right * this.right).sum())
    if not this.fits(p - rate * this.right):
        return None
    name = f"{this.array}{raised(this.layer)}"
    return Mistake(
        "step", f"It is {name} after a step, {name} − {rate:.6g} · ∂C/∂{name}: the gradient alone belongs here."
    )


def _updated_weights(r: Reference, this: Comparison) -> Mistake | None:
    """Return the mistake that a δ came back through weights that the step had already changed."""
    l, up = this.layer - 1, raised(this.layer + 1)
    if this.array != "δ" or this.layer == r.L:
        return None
    change = (r.delta[l + 1] @ r.dW[l + 1]) * r.slope(l, r.z[l])
    rate = float(((this.right - this.yours) * change).sum() / max(float((change * change).sum()), np.finfo(float).tiny))
    if not this.fits(this.right - rate * change):
        return None
    text = f"W{up} was changed before δ{up} went back through it, by −{rate:.6g} · ∂C/∂W{up}: the step comes last."
    return Mistake("updated W", text)


def _which_entries(wrong: FloatArray) -> str:
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
