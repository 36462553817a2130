"""From arrays that are wrong to the mistakes that produce exactly these numbers.

Layers are judged from the output downwards, because each array is computed from what stands above it: an array that is
right given what was handed in above is no mistake of its own. Where δ is handed in, every array is judged given that δ.
Where it is not, δ is inferred: of all δ that a mistake or two can produce, those that explain both gradients of the
layer with the fewest mistakes in all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from .arguments import FloatArray
from .delta_mistakes import delta_candidates
from .gradient_mistakes import bias_candidates, weight_candidates
from .judgement import Explanations, Target, location
from .mistakes import Candidate, Mistake, only_example, raised
from .reference import Reference
from .report import Finding

__all__ = ["Supplied", "cost", "findings"]

UNEXPLAINED = 5  # counts as so many mistakes when readings of what was handed in are compared


@dataclass(frozen=True, slots=True)
class Supplied:
    """What was handed in, in rows and with δ as that of each example by itself.

    Attributes:
        dW: One array a layer.
        db: One array a layer.
        delta: One array a layer; None if δ was not handed in.
    """

    dW: list[FloatArray]  # noqa: N815  # the gradient by W, as the documents write it
    db: list[FloatArray]
    delta: list[FloatArray] | None


def findings(r: Reference, supplied: Supplied) -> list[Finding]:
    """Return the findings on all arrays, the output layer first."""
    return list(_inferred(r, supplied) if supplied.delta is None else _given_delta(r, supplied, supplied.delta))


def cost(found: Iterable[Finding]) -> int:
    """Return the number of mistakes, an unexplained array counting as several."""
    return sum(
        min((len(explanation) for explanation in finding.explanations), default=UNEXPLAINED)
        for finding in found
        if finding.verdict == "wrong"
    )


def target(r: Reference, supplied: Supplied, array: str, l: int) -> Target:
    """Return the gradient "W" or "b" of a layer, to judge."""
    if array == "W":
        return Target(l + 1, array, supplied.dW[l], r.dW[l], r.rounding.dW[l])
    return Target(l + 1, array, supplied.db[l], r.db[l], r.rounding.db[l])


# --- with δ ---------------------------------------------------------------------------------------


def _given_delta(r: Reference, supplied: Supplied, deltas: list[FloatArray]) -> Iterator[Finding]:
    above: FloatArray | None = None
    right_above: FloatArray | None = None
    single = False
    for l in range(r.L - 1, -1, -1):
        this = Target(l + 1, "δ", deltas[l], r.delta[l], r.rounding.delta[l])
        on_delta = _of_one_example(r, this, single) or _delta_finding(r, l, this, above, right_above)
        single = on_delta.yours.shape != on_delta.right.shape and (
            "only the last example" in on_delta.kinds or on_delta.verdict == "follows"
        )
        yield on_delta
        fits = deltas[l].shape == r.delta[l].shape
        delta = deltas[l] if fits else r.delta[l]
        for array, candidates in (("W", weight_candidates), ("b", bias_candidates)):
            this = target(r, supplied, array, l)
            attempts = [("", candidates(r, l, delta, above))]
            if fits and on_delta.verdict not in ("right", "undecidable"):
                attempts.append(("the right ", candidates(r, l, r.delta[l], right_above)))
            yield _judged(r, this, attempts, f"δ{raised(l + 1)}")
        above, right_above = delta, r.delta[l]


def _of_one_example(r: Reference, this: Target, above: bool) -> Finding | None:
    """Return the finding on a δ that is that of the last example alone, in its shape; None if it is another.

    Args:
        r: The reference.
        this: δ of the layer.
        above: Whether δ of the layer above is that of the last example too, so that this one follows from it.
    """
    n = this.right.shape[1]
    last = Target(this.layer, this.array, this.yours.ravel(), this.right[-1], this.bound[-1])
    if r.N == 1 or this.yours.shape not in ((n,), (1, n), (n, 1)) or this.yours.shape == this.right.shape:
        return None
    if not last.is_right():
        return None
    if above:
        return this.finding("follows", (), f"right given your δ{raised(this.layer + 1)}")
    return this.finding("wrong", ((only_example("last", r.N),),))


def _delta_finding(
    r: Reference, l: int, this: Target, above: FloatArray | None, right_above: FloatArray | None
) -> Finding:
    attempts = [("", delta_candidates(r, l, above, lost_examples=True))]
    if above is not None and above is not right_above:
        attempts.append(("the right ", delta_candidates(r, l, right_above, lost_examples=True)))
    return _judged(r, this, attempts, f"δ{raised(l + 2)}")


def _judged(r: Reference, this: Target, attempts: list[tuple[str, Iterator[Candidate]]], source: str) -> Finding:
    """Return the finding on an array, given one or another source that it may have been computed from."""
    if not np.all(np.isfinite(this.yours)):
        return this.finding("wrong", (), "It holds NaN or infinity.")
    if this.is_right():
        return this.finding("right")
    if this.is_undecidable():
        return this.undecidable()
    for which, candidates in attempts:
        explanations = this.explanations(candidates)
        if explanations == ((),):
            if which:
                continue
            return this.finding("follows", (), f"right given your {source}")
        if explanations:
            given = f"Given {which or 'your '}{source}:" if len(attempts) > 1 else ""
            return this.finding("wrong", explanations, given)
    return this.finding("wrong", *location(r, this))


# --- without δ ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to explain both gradients of a layer: through its δ, and then each by itself."""

    delta: Candidate
    weight: Explanations
    bias: Explanations

    @property
    def cost(self) -> int:
        return len(self.delta.mistakes) + sum(
            min((len(e) for e in explanations), default=UNEXPLAINED) for explanations in (self.weight, self.bias)
        )


def _inferred(r: Reference, supplied: Supplied) -> Iterator[Finding]:
    layers: list[list[Finding]] = []
    aboves: list[FloatArray | None] = [None]
    previous: list[FloatArray | None] = [None]
    for l in range(r.L - 1, -1, -1):
        pair = (target(r, supplied, "W", l), target(r, supplied, "b", l))
        if all(this.is_right() or this.is_undecidable() for this in pair):
            if layers and any(this.is_right() for this in pair) and not _is_true(aboves, r.delta[l + 1]):
                _exonerate_delta(r, l + 1, supplied, previous, layers)
            layers.append([this.finding("right") if this.is_right() else this.undecidable() for this in pair])
            previous, aboves = aboves, [r.delta[l]]
            continue
        readings = _readings(r, l, pair, aboves)
        layers.append([_told(r, k, this, readings, l) for k, this in enumerate(pair)])
        previous = aboves
        aboves = _unique([reading.delta.array for reading in readings] or [_recovered(r, l, pair), r.delta[l]])
    for layer in layers:
        yield from layer


def _readings(
    r: Reference, l: int, pair: tuple[Target, Target], aboves: list[FloatArray | None], most: int = 2
) -> list[Reading]:
    """Return the readings with the fewest mistakes; none if both gradients stay unexplained."""
    best: list[Reading] = []
    fewest = 2 * UNEXPLAINED - 1
    for above in aboves:
        for delta in delta_candidates(r, l, above, lost_examples=True):
            count = len(delta.mistakes)
            if count > min(fewest, most):
                break
            reading = _reading(r, l, pair, delta, above)
            if reading is not None and reading.cost <= fewest:
                best = [*(b for b in best if b.cost == reading.cost), reading]
                fewest = reading.cost
    return [reading for reading in best if reading.cost < UNEXPLAINED] or best


def _reading(
    r: Reference, l: int, pair: tuple[Target, Target], delta: Candidate, above: FloatArray | None
) -> Reading | None:
    """Return how a δ explains both gradients; None if it explains neither without another mistake."""
    generators = (weight_candidates, bias_candidates)
    exact = [
        this.fits(next(candidates(r, l, delta.array, above)).array) or this.is_undecidable()
        for this, candidates in zip(pair, generators, strict=True)
    ]
    if delta.mistakes and not (all(exact) if len(delta.mistakes) > 1 else any(exact)):
        return None
    found: list[Explanations] = [
        ((),) if fits else this.explanations(candidates(r, l, delta.array, above))
        for fits, this, candidates in zip(exact, pair, generators, strict=True)
    ]
    return Reading(delta, *found)


def _told(r: Reference, k: int, this: Target, readings: list[Reading], l: int) -> Finding:
    """Return the finding on ∂C/∂W (k = 0) or ∂C/∂b (k = 1) that the readings of a layer amount to."""
    if not np.all(np.isfinite(this.yours)):
        return this.finding("wrong", (), "It holds NaN or infinity.")
    if this.is_right():
        return this.finding("right")
    if this.is_undecidable():
        return this.undecidable()
    found: dict[tuple[str, ...], tuple[Mistake, ...]] = {}
    through_delta = False
    for reading in readings:
        for own in (reading.weight, reading.bias)[k]:
            mistakes = reading.delta.mistakes + own
            found.setdefault(tuple(mistake.kind for mistake in mistakes), mistakes)
            through_delta = through_delta or bool(reading.delta.mistakes)
    if () in found:
        return this.finding("follows", (), f"right given the δ{raised(l + 2)} that the layer above implies")
    if not found:
        return this.finding("wrong", *location(r, this))
    remark = f"Your numbers are those of a wrong δ{raised(l + 1)}:" if through_delta else ""
    return this.finding("wrong", tuple(found.values()), remark, "δ" if through_delta else "")


def _exonerate_delta(
    r: Reference, l: int, supplied: Supplied, aboves: list[FloatArray | None], layers: list[list[Finding]]
) -> None:
    """Explain a layer anew without a wrong δ: the layer below shows that δ was right."""
    pair = (target(r, supplied, "W", l), target(r, supplied, "b", l))
    readings = _readings(r, l, pair, aboves, most=0)
    again = [_told(r, k, this, readings, l) for k, this in enumerate(pair)]
    if all(finding.verdict != "wrong" or finding.explanations for finding in again):
        layers[-1] = again


def _is_true(aboves: list[FloatArray | None], delta: FloatArray) -> bool:
    return any(above is not None and np.array_equal(above, delta) for above in aboves)


def _unique(arrays: list[FloatArray]) -> list[FloatArray | None]:
    kept: list[FloatArray] = []
    for array in arrays:
        if not any(np.array_equal(array, other) for other in kept):
            kept.append(array)
    return list(kept)


def _recovered(r: Reference, l: int, pair: tuple[Target, Target]) -> FloatArray:
    """Return the δ that the two gradients imply if they determine one, else the right one.

    They do where the N examples are independent: N · (∂C/∂W − l2 W | ∂C/∂b) = δᵀ (a | 1).
    """
    weight, bias = pair
    inputs = np.hstack([r.a[l], np.ones((r.N, 1))])
    shapes_fit = weight.yours.shape == weight.right.shape and bias.yours.shape == bias.right.shape
    if shapes_fit and inputs.shape[1] >= r.N and np.linalg.cond(inputs) < 1e4:
        gradients = r.N * np.hstack([weight.yours - r.l2 * r.W[l], bias.yours[:, None]])
        delta = np.asarray(np.linalg.lstsq(inputs.T, gradients.T, rcond=None)[0], dtype=np.float64)
        if np.allclose(delta.T @ inputs, gradients, rtol=1e-9, atol=1e-9 * abs(gradients).max()):
            return delta
    return r.delta[l]
