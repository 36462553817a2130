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
from .mistakes import Candidate, only_example, raised
from .reference import Reference
from .report import Finding
from .unexplained import unexplained

__all__ = ["diagnosis", "headline"]


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
        attempts = [("", delta_candidates(r, l, above))]
        if above is not right_above:
            attempts.append(("the right ", delta_candidates(r, l, right_above)))
        on_delta = alone or _judged(r, this, attempts, f"δ{raised(l + 2)}")
        yield on_delta
        fits = this.yours.shape == this.right.shape
        delta = this.yours if fits else this.right
        for array, candidates in GRADIENT_CANDIDATES.items():
            attempts = [("", candidates(r, l, delta, above))]
            if fits and on_delta.verdict not in ("right", "undecidable"):
                attempts.append(("the right ", candidates(r, l, this.right, right_above)))
            yield _judged(r, compared[array, l], attempts, f"δ{n}")
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


def _judged(r: Reference, this: Comparison, attempts: list[tuple[str, Iterator[Candidate]]], source: str) -> Finding:
    """Return the finding on an array, given one or another source that it may have been computed from."""
    if (settled := this.settled()) is not None:
        return settled
    for which, candidates in attempts:
        explanations = this.explanations(candidates)
        if explanations == ((),):
            if which:
                continue
            return this.finding("follows", (), f"right given your {source}")
        if explanations:
            given = f"Given {which or 'your '}{source}:" if len(attempts) > 1 else ""
            return this.finding("wrong", explanations, given)
    return this.finding("wrong", *unexplained(r, this))


def headline(findings: list[Finding], r: Reference) -> str:
    """Return a sentence if every gradient is off by the same factor, else nothing."""
    gradients = [f for f in findings if f.array != "δ" and f.verdict != "undecidable"]
    if len(gradients) < 2 or any(f.verdict == "right" for f in gradients):
        return ""
    for factor, name in ((-1.0, "−1"), (2.0, "2"), (0.5, "½"), (float(r.N), "m"), (1.0 / r.N, "1/m")):
        if factor != 1.0 and all(_is_multiple(f, factor, r) for f in gradients):
            size = f", m = {r.N}" if "m" in name else ""
            return f"Every gradient is {name} times what it should be{size}: probably one mistake, made once for all.\n"
    return ""


def _is_multiple(f: Finding, factor: float, r: Reference) -> bool:
    """Return whether a gradient, but for its regularisation, is `factor` times the right one."""
    if f.yours.shape != f.right.shape:
        return False
    decay = r.l2 * r.W[f.layer - 1] if f.array == "W" else 0.0
    expected = factor * (f.right - decay)
    return bool(abs(f.yours - decay - expected).max() <= 1e-9 * abs(expected).max())
