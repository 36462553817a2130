"""What the gradients of a layer become by the mistakes people make in them, given its δ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..arguments import FloatArray
from .mistakes import Candidate, Choice, Mistake, combined, examples, factors, matching, raised
from .reference import Reference

__all__ = ["GRADIENT_CANDIDATES"]


def _weight_candidates(r: Reference, l: int, delta: FloatArray, above: FloatArray | None) -> Iterator[Candidate]:
    n, before = raised(l + 1), raised(l)
    what = f"∂C/∂W{n}"
    inputs: list[Choice] = [(None, r.a[l])]
    for k, a in enumerate(r.a):
        if k != l:
            kind = "this layer's a" if k == l + 1 else "wrong layer's a"
            inputs.append(
                (Mistake(kind, f"a{raised(k)} is used where a{before} belongs: ∂C/∂W{n} = δ{n}(a{before})ᵀ."), a)
            )
    if l:
        inputs.append(
            (Mistake("z instead of a", f"z{before} is used where a{before} = σ(z{before}) belongs."), r.z[l - 1])
        )
    transposed = Mistake("transposed", f"{what} is transposed: its shape is that of W{n}, (n_{l + 1}, n_{l}).")
    turns: list[Choice] = [(None, ""), (transposed, "all"), (transposed, "data")]

    def gradient(
        D: FloatArray, A: FloatArray, turn: str, weights: FloatArray, decay: Any, *numbers: float
    ) -> FloatArray:
        data = float(np.prod(numbers)) * ((D * weights[:, None]).T @ A) / r.N
        whole: FloatArray = (data.T if turn == "data" else data) + decay
        return whole.T if turn == "all" else whole

    decays: list[Choice] = _decays(r, r.W[l], f"W{n}")
    places = [_deltas(l, delta, above), inputs, turns, examples(r.N), decays, *factors(r.N, what)]
    yield from combined(places, gradient)


def _bias_candidates(r: Reference, l: int, delta: FloatArray, above: FloatArray | None) -> Iterator[Candidate]:
    n = raised(l + 1)
    what = f"∂C/∂b{n}"
    axis = Mistake("wrong axis", f"{what} is summed over the wrong axis: the sum of δ{n} runs over the {r.N} examples.")
    unsummed = Mistake("not summed", f"δ{n} is not summed over the {r.N} examples: {what} has one entry a neuron.")
    sums: list[Choice] = [(None, lambda D: D.sum(axis=0) / r.N)]
    if r.N > 1:
        sums += [(unsummed, lambda D: D / r.N), (unsummed, lambda D: D)]
    sums += [(axis, lambda D, k=k: D.sum(axis=1) / k) for k in sorted({1, r.N, delta.shape[1]})]
    text = f"The bias is regularised: l2 · b{n} is added to {what}, but only weights are penalised."
    decays: list[Choice] = _decays(r, r.b[l], f"b{n}") if r.l2_of_b else [(None, 0.0)]
    if np.any(r.b[l]) and not r.l2_of_b:
        decays += [(Mistake("bias regularised", text), c * r.b[l]) for c in _sizes(r) if c]

    def gradient(D: FloatArray, summed: Any, weights: FloatArray, decay: Any, *numbers: float) -> Any:
        total = float(np.prod(numbers)) * summed(D * weights[:, None])
        return total if np.ndim(decay) == 0 else total + matching(decay, total)

    yield from combined([_deltas(l, delta, above), sums, examples(r.N), decays, *factors(r.N, what)], gradient)


def _deltas(l: int, delta: FloatArray, above: FloatArray | None) -> list[Choice]:
    choices: list[Choice] = [(None, delta)]
    if above is not None and above.shape == delta.shape:
        text = f"δ{raised(l + 2)}, that of the layer above, is used where δ{raised(l + 1)} belongs."
        choices.append((Mistake("wrong layer's δ", text), above))
    return choices


def _sizes(r: Reference) -> list[float]:
    """Return the coefficients of a penalty that people use by mistake."""
    return sorted({r.l2, 2 * r.l2, r.l2 / 2, r.l2 / r.N, r.l2 * r.N, -r.l2})


def _decays(r: Reference, W: FloatArray, what: str) -> list[Choice]:
    choices: list[Choice] = [(None, r.l2 * W)]
    if r.l2:
        choices.append((Mistake("no l2", f"The regularisation is missing: l2 · {what} belongs in it."), 0.0))
        for c in _sizes(r):
            if c != r.l2:
                text = f"The regularisation has the wrong size: {c:.6g} · {what} where l2 = {r.l2:.6g} belongs."
                choices.append((Mistake("wrong l2", text), c * W))
    return choices


GRADIENT_CANDIDATES = {"W": _weight_candidates, "b": _bias_candidates}
"""What the weight gradient and the bias gradient of a layer may be, given its δ and that of the layer above."""
