"""From arrays that are wrong to the mistakes that produce exactly these numbers.

Layers are judged from the output downwards, because each array is computed from what stands above it: an array that is
right given what was handed in above is no mistake of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..arguments import FloatArray
from .comparison import Comparison, Comparisons, fewest_mistakes
from .delta_mistakes import delta_candidates
from .gradient_mistakes import GRADIENT_CANDIDATES
from .inference import inferred
from .mistakes import Candidate, Mistake, only_example, raised
from .reference import Reference
from .report import Finding
from .unexplained import unexplained

__all__ = ["diagnosis"]


def diagnosis(r: Reference, compared: Comparisons) -> tuple[list[Finding], str]:
    """Return the findings on all arrays, the output layer first, and how δ is to be read: with or without 1/N."""
    if ("δ", 0) not in compared:
        return inferred(r, compared), ""
    without = list(_given_delta(r, compared))
    if r.N == 1:
        return without, ""
    scaled = {key: replace(this, yours=r.N * this.yours) for key, this in compared.items() if key[0] == "δ"}
    carried = list(_given_delta(r, compared | scaled))
    if _doubts(carried) < _doubts(without):
        as_they_came = [replace(f, yours=f.yours / r.N, right=f.right / r.N) if f.array == "δ" else f for f in carried]
        return as_they_came, "with 1/N"
    return without, "without 1/N"


def _doubts(findings: list[Finding]) -> tuple[int, int]:
    """Return how many δ are not right, and how many mistakes there are."""
    mistakes = sum(fewest_mistakes(f.explanations) for f in findings if f.verdict == "wrong")
    return sum(f.array == "δ" and f.verdict != "right" for f in findings), mistakes


def _given_delta(r: Reference, compared: Comparisons) -> Iterator[Finding]:
    above: FloatArray | None = None
    right_above: FloatArray | None = None
    alone: Finding | None = None
    for l in range(r.L - 1, -1, -1):
        this, n = compared["δ", l], raised(l + 1)
        alone = _of_one_example(r, this, follows=alone is not None)
        on_delta = alone or _judged(r, this, _sources_of_delta(r, l, above, right_above), f"δ{raised(l + 2)}")
        yield on_delta
        fits = this.yours.shape == this.right.shape
        delta = this.yours if fits else this.right
        for array in (name for name in GRADIENT_CANDIDATES if (name, l) in compared):
            candidates = GRADIENT_CANDIDATES[array]
            sources = [("", candidates(r, l, delta, above))]
            if fits and on_delta.verdict not in ("right", "undecidable"):
                sources = [(f"Given your δ{n}:", candidates(r, l, delta, above))]
                sources.append((f"Given the right δ{n}:", candidates(r, l, this.right, right_above)))
            yield _judged(r, compared[array, l], sources, f"δ{n}")
        above, right_above = delta, this.right


def _of_one_example(r: Reference, this: Comparison, *, follows: bool) -> Finding | None:
    """Return the finding on a δ that is that of the last example alone, in its shape; None if it is another.

    Args:
        r: The reference.
        this: δ of the layer.
        follows: Whether δ of the layer above is that of the last example too, so that this one follows from it.
    """
    n = this.right.shape[1]
    last = Comparison(this.layer, this.array, this.yours.ravel(), this.right[-1], this.bound[-1])
    if r.N == 1 or this.yours.shape not in ((n,), (1, n), (n, 1)) or this.yours.shape == this.right.shape:
        return None
    if not last.is_right():
        return None
    if follows:
        return this.finding("follows", (), f"right given your δ{raised(this.layer + 1)}")
    return this.finding("wrong", ((only_example("last", r.N),),))


def _sources_of_delta(
    r: Reference, l: int, above: FloatArray | None, right_above: FloatArray | None
) -> list[tuple[str, Iterator[Candidate]]]:
    """Return what a δ may be, given yours of the layer above or the right one, and that it may be transposed."""
    up = raised(l + 2)
    sources = [("" if above is right_above else f"Given your δ{up}:", delta_candidates(r, l, above))]
    if above is not right_above:
        sources.append((f"Given the right δ{up}:", delta_candidates(r, l, right_above)))
    text = f"δ{raised(l + 1)} is transposed: `layout` says whether an example is a row or a column."
    turned = Mistake("transposed", text)
    right = delta_candidates(r, l, right_above)
    return [*sources, ("", (Candidate((*c.mistakes, turned), c.array.T) for c in right if len(c.mistakes) < 2))]


def _judged(r: Reference, this: Comparison, sources: list[tuple[str, Iterator[Candidate]]], first: str) -> Finding:
    """Return the finding on an array, given what it may have been computed from; `first` names the first source."""
    if (settled := this.settled()) is not None:
        return settled
    for k, (given, candidates) in enumerate(sources):
        explanations = this.explanations(candidates)
        if explanations == ((),):
            if k == 0:
                return this.finding("follows", (), f"right given your {first}")
        elif explanations:
            return this.finding("wrong", explanations, given)
    return this.finding("wrong", *unexplained(r, this))
