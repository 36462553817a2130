"""One of your arrays beside the right one: the same numbers, not to be told, or those of a mistake?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..arguments import FloatArray
from .mistakes import Candidate, Mistake
from .reference import Reference
from .report import Finding
from .rounding import Rounding
from .submission import Submission

__all__ = ["TOLERANCE", "Comparison", "Comparisons", "Explanations", "comparisons", "fewest_mistakes"]

TOLERANCE = 1e-10  # of the largest entry: far above rounding in sums of thousands, far below any mistake
COARSE = 1e-6  # hypotheses must fit to this at least, however rounding blurs an array
UNEXPLAINED = 5  # counts as so many mistakes when readings of what was handed in are compared

Explanations = tuple[tuple[Mistake, ...], ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Your array and the right one.

    Attributes:
        layer: The layer, counted from 1.
        array: "δ", "W" or "b", the latter two for ∂C/∂W and ∂C/∂b.
        yours: The array that was handed in.
        right: The array of the engine.
        bound: How far rounding can move each entry of `right`.
    """

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
            told_by_zeros = candidate.mistakes and not candidate.array.any()  # anything may give nothing but 0
            if not told_by_zeros and self.fits(candidate.array):
                fewest = len(candidate.mistakes)
                found.setdefault(tuple(mistake.kind for mistake in candidate.mistakes), candidate.mistakes)
        return tuple(found.values())

    def finding(self, verdict: str, explanations: Explanations = (), remark: str = "", blamed: str = "") -> Finding:
        """Return the finding on this array."""
        return Finding(self.layer, self.array, verdict, explanations, remark, self.yours, self.right, blamed)

    def settled(self) -> Finding | None:
        """Return the finding that needs no hypothesis: not finite, right, or undecidable; None if it needs one."""
        if not np.all(np.isfinite(self.yours)):
            return self.finding("wrong", (), "It holds NaN or infinity.")
        if self.is_right():
            return self.finding("right")
        if not self.is_undecidable():
            return None
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


Comparisons = dict[tuple[str, int], Comparison]
"""By array, "δ", "W" or "b", and layer, counted from 0; without δ and b where they were not handed in."""


def comparisons(r: Reference, submission: Submission) -> Comparisons:
    """Return every array that was handed in beside the right one."""
    bounds = Rounding(r, float(np.finfo(submission.precision).eps))
    arrays = [("W", submission.dW, r.dW, bounds.dW)]
    if submission.db is not None:
        arrays.append(("b", submission.db, r.db, bounds.db))
    if submission.delta is not None:
        arrays.append(("δ", submission.delta, r.delta, bounds.delta))
    return {
        (array, l): Comparison(l + 1, array, yours[l], right[l], bound[l] + submission.blur.get((array, l + 1), 0.0))
        for array, yours, right, bound in arrays
        for l in range(r.L)
    }


def fewest_mistakes(explanations: Explanations) -> int:
    """Return the number of mistakes of the shortest explanation; none at all counts as several mistakes."""
    return min(map(len, explanations), default=UNEXPLAINED)
