"""The judgement of one array: right, undecidable, explained by a mistake, or at least located."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from .arguments import FloatArray
from .mistakes import Candidate, Mistake, raised
from .reference import Reference
from .report import Finding

__all__ = ["Explanations", "Target", "location"]

TOLERANCE = 1e-10  # of the largest entry: far above rounding in sums of thousands, far below any mistake
COARSE = 1e-6  # hypotheses must fit to this at least, however rounding blurs an array

Explanations = tuple[tuple[Mistake, ...], ...]


@dataclass(frozen=True, slots=True)
class Target:
    """One array to judge."""

    layer: int
    array: str
    yours: FloatArray
    right: FloatArray
    bound: FloatArray

    def is_right(self) -> bool:
        """Return whether the numbers agree with the engine's."""
        if self.yours.shape != self.right.shape or not self.right.any():
            return False
        difference = abs(self.yours - self.right)
        fine = difference.max() <= TOLERANCE * abs(self.right).max()
        return bool(fine or (np.all(difference <= self.bound) and not self.is_blurred()))

    def is_undecidable(self) -> bool:
        """Return whether nothing can be told: the right array is 0, or lost in rounding."""
        if self.yours.shape != self.right.shape or self.is_right():
            return False
        if not self.right.any():
            return not self.yours.any() or bool(np.all(abs(self.yours) <= self.bound))
        return bool(np.all(abs(self.yours - self.right) <= self.bound))

    def is_blurred(self) -> bool:
        """Return whether rounding alone may change the array in its leading digits."""
        return bool(self.bound.max() > 1e-3 * abs(self.right).max())

    def fits(self, array: FloatArray) -> bool:
        """Return whether these are your numbers."""
        if self.yours.shape != array.shape:
            return False
        size = abs(array).max()
        if not size:
            return not self.yours.any()
        largest = abs(self.right).max()
        blur = self.bound.max() * max(1.0, size / largest) if largest else 0.0
        return bool(abs(self.yours - array).max() <= max(TOLERANCE * size, min(blur, COARSE * max(size, largest))))

    def explanations(self, candidates: Iterable[Candidate]) -> Explanations:
        """Return the mistakes of the candidates that fit, of those with the fewest."""
        found: dict[tuple[str, ...], tuple[Mistake, ...]] = {}
        fewest = None
        for candidate in candidates:
            if fewest is not None and len(candidate.mistakes) > fewest:
                break
            if self.fits(candidate.array):
                fewest = len(candidate.mistakes)
                found.setdefault(tuple(mistake.kind for mistake in candidate.mistakes), candidate.mistakes)
        return tuple(found.values())

    def finding(self, verdict: str, explanations: Explanations = (), remark: str = "", blamed: str = "") -> Finding:
        """Return the finding on this array."""
        return Finding(self.layer, self.array, verdict, explanations, remark, self.yours, self.right, blamed)

    def undecidable(self) -> Finding:
        """Return the finding that nothing can be told, with the reason."""
        if not self.right.any():
            remark = (
                f"All {self.right.size} entries of the right array are 0 on this data, so a right and a wrong formula "
                "look alike. Check with other inputs, targets or weights."
            )
        else:
            remark = (
                "On this data rounding alone can make the difference: saturated activations or sums that cancel leave "
                "no digits to compare. Check with data nearer to 1."
            )
        return self.finding("undecidable", (), remark)


def location(r: Reference, this: Target) -> tuple[Explanations, str]:
    """Return a common factor as the explanation, or a remark on which entries are wrong."""
    yours, right = this.yours, this.right
    if yours.shape != right.shape:
        return (), "None of the known mistakes gives an array of this shape."
    if not yours.any():
        return (), "All of its entries are 0."
    if not right.any():
        return (), "All entries of the right array are 0."
    factor = float((yours * right).sum() / (right * right).sum())
    if np.count_nonzero(right) > 1 and this.fits(factor * right):
        text = f"Every entry is {factor:.6g} times what it should be."
        return ((Mistake("factor", text),),), ""
    decay = _decay(r, this)
    if decay is not None:
        return decay, ""
    return (), _which_entries(abs(yours - right) > TOLERANCE * abs(right).max())


def _decay(r: Reference, this: Target) -> Explanations | None:
    """Return the explanation that a multiple of W or b was added, whatever its size."""
    p = (r.W if this.array == "W" else r.b)[this.layer - 1]  # δ never has the shape of b
    if p.shape != this.right.shape or np.count_nonzero(p) < 3:
        return None
    extra = float(((this.yours - this.right) * p).sum() / (p * p).sum())
    if not this.fits(this.right + extra * p):
        return None
    name = f"{this.array}{raised(this.layer)}"
    if this.array == "b":
        text = f"The bias is regularised: {extra:.6g} · {name} is added to ∂C/∂{name}, but only weights are penalised."
        return ((Mistake("bias regularised", text),),)
    text = f"The regularisation has the wrong size: {r.l2 + extra:.6g} · {name} where l2 = {r.l2:.6g} belongs."
    return ((Mistake("wrong l2", text),),)


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
