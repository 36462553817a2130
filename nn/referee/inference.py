"""The diagnosis where δ was not handed in: it is inferred from the gradients.

Of all δ that a mistake or two can produce, those count that explain both gradients of their layer with the fewest
mistakes in all. The layer below is judged given that δ.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arguments import FloatArray
from .comparison import Comparison, Comparisons, Explanations, fewest_mistakes
from .delta_mistakes import delta_candidates
from .gradient_mistakes import GRADIENT_CANDIDATES
from .mistakes import Candidate, Mistake, raised
from .reference import Reference
from .report import Finding
from .unexplained import unexplained

__all__ = ["inferred"]


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to explain both gradients of a layer: through its δ, and then "W" and "b" each by itself."""

    delta: Candidate
    own: dict[str, Explanations]

    @property
    def cost(self) -> int:
        return len(self.delta.mistakes) + sum(map(fewest_mistakes, self.own.values()))


def inferred(r: Reference, compared: Comparisons) -> list[Finding]:
    """Return the findings on all gradients, the output layer first."""
    layers: list[list[Finding]] = []
    aboves: list[FloatArray | None] = [None]  # what δ of the layer above may be
    for l in range(r.L - 1, -1, -1):
        pair = _gradients(compared, l)
        readings: list[Reading] = []
        if all(this.is_right() or this.is_undecidable() for this in pair):
            if any(this.is_right() for this in pair):
                _exonerate_deltas(r, compared, layers)
            aboves = [r.delta[l]]
        else:
            readings = _readings(r, l, pair, aboves)
            aboves = _unique([reading.delta.array for reading in readings] or [_recovered(r, l, pair), r.delta[l]])
        layers.append([_finding(r, this, readings) for this in pair])
    return [finding for layer in layers for finding in layer]


def _gradients(compared: Comparisons, l: int) -> list[Comparison]:
    """Return the gradients of a layer that were handed in: that of W, and that of b if there is one."""
    return [compared[array, l] for array in GRADIENT_CANDIDATES if (array, l) in compared]


def _readings(r: Reference, l: int, pair: list[Comparison], aboves: list[FloatArray | None]) -> list[Reading]:
    """Return the readings with the fewest mistakes; none if both gradients stay unexplained."""
    found = [_reading(r, l, pair, delta, above) for above in aboves for delta in delta_candidates(r, l, above)]
    readings = [reading for reading in found if reading is not None]
    fewest = min((reading.cost for reading in readings), default=0)
    return [reading for reading in readings if reading.cost == fewest]


def _reading(
    r: Reference, l: int, pair: list[Comparison], delta: Candidate, above: FloatArray | None
) -> Reading | None:
    """Return how a δ explains both gradients; None if it explains neither, or is wrong and needs mistakes in both."""
    candidates = {this.array: GRADIENT_CANDIDATES[this.array] for this in pair}
    exact = {
        this.array: this.is_undecidable() or this.fits(next(candidates[this.array](r, l, delta.array, above)).array)
        for this in pair
    }
    if delta.mistakes and not any(exact.values()):
        return None
    own: dict[str, Explanations] = {
        this.array: ((),) if exact[this.array] else this.explanations(candidates[this.array](r, l, delta.array, above))
        for this in pair
    }
    return Reading(delta, own) if any(own.values()) else None


def _finding(r: Reference, this: Comparison, readings: list[Reading]) -> Finding:
    """Return the finding on a gradient that the readings of its layer amount to."""
    if (settled := this.settled()) is not None:
        return settled
    n = this.layer
    found: dict[tuple[bool, tuple[str, ...]], tuple[Mistake, ...]] = {}
    for reading in readings:
        for own in reading.own[this.array]:
            mistakes = reading.delta.mistakes + own
            kinds = tuple(mistake.kind for mistake in mistakes)
            found.setdefault((bool(reading.delta.mistakes), kinds), mistakes)
    if () in found.values():
        return this.finding("follows", (), f"right given the δ{raised(n + 1)} that the layer above implies")
    if not found:
        return this.finding("wrong", *unexplained(r, this))
    if all(through_delta for through_delta, _ in found):
        return this.finding("wrong", tuple(found.values()), f"Your numbers are those of a wrong δ{raised(n)}:", "δ")
    return this.finding("wrong", tuple(found.values()))


def _exonerate_deltas(r: Reference, compared: Comparisons, layers: list[list[Finding]]) -> None:
    """Explain the layers above anew with the right δ where that explains them: what is below shows it was right."""
    for k in range(len(layers)):
        l = r.L - 1 - k
        pair = _gradients(compared, l)
        reading = _reading(r, l, pair, Candidate((), r.delta[l]), r.delta[l + 1] if k else None)
        again = [_finding(r, this, [reading] if reading else []) for this in pair]
        if all(finding.verdict != "wrong" or finding.explanations for finding in again):
            layers[k] = again


def _unique(arrays: list[FloatArray]) -> list[FloatArray | None]:
    kept: list[FloatArray] = []
    for array in arrays:
        if not any(np.array_equal(array, other) for other in kept):
            kept.append(array)
    return list(kept)


def _recovered(r: Reference, l: int, pair: list[Comparison]) -> FloatArray:
    """Return the δ that the two gradients imply if they determine one, else the right one.

    They do where the N examples are independent: N · (∂C/∂W − l2 W | ∂C/∂b − l2 b) = δᵀ (a | 1).
    """
    weight, *biases = pair
    inputs = np.hstack([r.a[l], *(np.ones((r.N, 1)) for _ in biases)])
    usable = all(this.yours.shape == this.right.shape and np.all(np.isfinite(this.yours)) for this in pair)
    if usable and inputs.shape[1] >= r.N and np.linalg.cond(inputs) < 1e4:
        of_biases = ((bias.yours - r.l2_of_b * r.b[l])[:, None] for bias in biases)
        gradients = r.N * np.hstack([weight.yours - r.l2 * r.W[l], *of_biases])
        delta = np.asarray(np.linalg.lstsq(inputs.T, gradients.T, rcond=None)[0], dtype=np.float64)
        if abs(delta.T @ inputs - gradients).max() <= 1e-9 * abs(gradients).max():
            return delta
    return r.delta[l]
