"""Probes: networks and batches on which a function is read.

Not the user's numbers first, but a twin: a network of the same depth, activations and loss whose widths are all
different, so that a shape tells which array it is of, with generic numbers, so that different formulas give different
numbers. Then a second twin, a sibling with the user's own shapes, and the user's own numbers. A probe counts only if
the function is right and wrong on it in the same arrays as on the user's own.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import numpy as np

from ...arguments import FloatArray
from ...loss.loss_table import LossFunction, name_of
from ...model.mlp import MLP
from ..comparison import comparisons
from ..reference import Reference
from ..submission import Calling, Submission
from .guard import Deadline, passed_over, seeded
from .quantities import Quantity, quantities
from .watch import Watch

__all__ = ["Key", "Probe", "Verdicts", "candidates", "generic_targets", "readable"]

Key = tuple[str, int]
"""An array: "δ", "W" or "b", and its layer, counted from 1."""

Verdicts = dict[Key, bool]
"""Whether each array is right; without those that cannot be judged."""

MANY = 1500  # values in one run, beyond which a function is taken to loop over scalars
TWIN, OTHER, SMALL = (5, 7, 3, 6, 4), (6, 3, 5, 7, 4), (2, 4, 3, 5, 6)


class Probe:
    """A network and a batch.

    Args:
        name: Which one it is: "twin", "second twin", "small twin", "sibling" or "own".
        calling: How the function is called.
        model: The network.
        X: The inputs, one row an example.
        T: The targets.
        loss: The loss of one example.
        l2: The coefficient of the penalty.

    Attributes:
        reference: The right arrays.
        right: The right ones of those that can be handed in.
        N: The number of examples.
    """

    def __init__(
        self, name: str, calling: Calling, model: MLP, X: FloatArray, T: FloatArray, loss: LossFunction, l2: float
    ) -> None:
        self.name, self.calling, self.l2 = name, calling, l2
        self.reference = r = Reference(model, X, T, loss, calling.l2_of_mean(l2, len(X)), calling.l2_biases)
        self.X, self.T, self.N = X, T, r.N
        self.right: dict[Key, FloatArray] = r.arrays()
        self._sizes = {key: float(np.abs(array).max()) for key, array in self.right.items()}

    def quantities(self) -> list[Quantity]:
        """Return what has a name on this network, by value."""
        return quantities(self.reference)

    def relatives(self, seed: int) -> Iterator[Probe]:
        """Yield other networks for the same function, those that tell most first, and this probe."""
        return candidates(self, seed)

    def run(self) -> Submission:
        """Return what the function returns here."""
        seeded()
        return self.calling(*self.arguments())

    def arguments(self) -> tuple[list[FloatArray], list[FloatArray], FloatArray, FloatArray]:
        """Return copies of weights, biases, inputs and targets."""
        r = self.reference
        return [np.array(W) for W in r.W], [np.array(b) for b in r.b], np.array(self.X), np.array(self.T)

    def verdicts(self, submission: Submission) -> Verdicts:
        """Return which arrays are right; a δ may carry 1/N."""
        if self.name == "own":
            compared = comparisons(self.reference, submission)
            carrying = {
                key: this.is_right() for key, this in compared.items() if this.is_right() or not this.is_undecidable()
            }
            found = {(array, l + 1): right for (array, l), right in carrying.items()}
        else:
            found = {}
        tolerance = max(1e-9, 2e3 * float(np.finfo(submission.precision).eps))
        blur = {key: float(array.max()) for key, array in submission.blur.items()}
        plain = {
            key: self._same(key, array, tolerance, blur.get(key, 0.0)) for key, array in submission.arrays().items()
        }
        scaled = {
            key: self._same(key, self.N * array, tolerance)
            for key, array in submission.arrays().items()
            if key[0] == "δ" and self.N > 1
        }
        if sum(scaled.values()) > sum(plain[key] for key in scaled):
            plain |= scaled
            found |= {key: right for key, right in scaled.items() if key in found}
        return found if self.name == "own" else plain

    @cached_property
    def _factors(self) -> list[float]:
        counts = (1.0, 2.0, self.N, self.N * self.T.shape[1])
        return [sign * number for count in counts for number in (count, 1 / count) for sign in (1, -1)]

    def are_right_but_for_factors(self, arrays: Mapping[Key, FloatArray]) -> bool:
        """Return whether each array is right but for a sign, a 2 or the number of examples or targets."""
        for key, array in arrays.items():
            right, size = self.right[key], self._sizes[key]
            if array.shape != right.shape or not size:
                return False
            largest = int(np.abs(right).argmax())
            factor = array.flat[largest] / right.flat[largest]
            if not any(abs(factor - number) <= 1e-9 * abs(number) for number in self._factors):
                return False
            if not self._same(key, array / factor, 1e-9):
                return False
        return bool(arrays)

    def may_be_right(self, key: Key, entry: float, k: int) -> bool:
        """Return whether an array may be right, as far as one of its entries tells; a δ may carry 1/N."""
        counts = (1.0, self.N) if key[0] == "δ" else (1.0,)
        return any(abs(count * entry - self.right[key].flat[k]) <= 1e-6 * self._sizes[key] for count in counts)

    def _same(self, key: Key, yours: FloatArray, tolerance: float, blur: float = 0.0) -> bool:
        right = self.right[key]
        if yours.shape != right.shape:
            return False
        return bool(np.abs(yours - right).max() <= tolerance * self._sizes[key] + 4 * blur)


def candidates(own: Probe, seed: int = 0) -> Iterator[Probe]:
    """Yield the probes for a function, those that tell most first."""
    r = own.reference
    model = r.model
    rng = np.random.default_rng(seed)
    widths = [model.n_in, *(layer.n_out for layer in model.layers)]
    for name, wanted, N in (
        ("twin", TWIN, 8),
        ("second twin", OTHER, 9),
        ("small twin", SMALL, 5 if len(widths) <= 3 else 7),
    ):
        drawn = [wanted[k % len(wanted)] if k < len(wanted) else wanted[k % 4] for k in range(len(widths))]
        drawn = [1 if own_width == 1 else width for own_width, width in zip(widths, drawn, strict=True)]
        yield _drawn(name, own, drawn, 1 if r.N == 1 else N, rng)
    yield _drawn("sibling", own, widths, r.N, rng)
    yield own


def _drawn(name: str, own: Probe, widths: list[int], N: int, rng: np.random.Generator) -> Probe:
    """Return a probe with generic numbers; biases that are all 0 in the user's network stay 0."""
    r = own.reference
    activations = [layer.activation.op or "identity" for layer in r.model.layers]
    model = MLP(widths[0], widths[1:], activation=activations, seed=1)
    model.weights = [1.2 * rng.normal(size=W.shape) / np.sqrt(max(1, W.shape[1])) for W in model.weights]
    model.biases = [
        0.7 * rng.normal(size=b.shape) if np.any(given) else np.zeros(b.shape)
        for b, given in zip(model.biases, r.b, strict=True)
    ]
    T = generic_targets(own.T, (N, widths[-1]), name_of(r.loss), rng)
    return Probe(name, own.calling, model, rng.normal(size=(N, widths[0])), T, r.loss, own.l2)


def generic_targets(given: FloatArray, shape: tuple[int, int], loss: str, rng: np.random.Generator) -> FloatArray:
    """Return targets of the kind of those given: classes, probabilities, signs, fractions or any numbers."""
    N, n = shape
    binary = bool(np.all((given == 0) | (given == 1)))
    if n > 1 and binary and np.all(given.sum(axis=1) == 1):
        chosen = rng.permutation(np.arange(N) % n)
        return np.asarray(np.eye(n)[chosen])
    if loss == "cross_entropy":
        return rng.dirichlet(np.ones(n), size=N)
    if loss == "hinge_loss" or np.all(np.abs(given) == 1):
        return rng.choice([-1.0, 1.0], size=shape)
    if binary and given.any() and N > 1:
        return rng.permuted(np.resize([0.0, 1.0], N * n)).reshape(shape)
    if given.min() >= 0 and given.max() <= 1:
        return rng.uniform(0.1, 0.9, size=shape)
    return rng.normal(size=shape)


def readable(own: Probe, watch: Watch, deadline: Deadline) -> tuple[Verdicts, list[Probe]]:
    """Return the verdicts on the user's own numbers, and the probes that agree with them, the most telling first."""
    verdicts = own.verdicts(own.run())
    exact: list[Probe] = []
    near: list[Probe] = []
    slow = False
    for probe in own.relatives(0):
        if deadline.left < 0 and probe.name != "own":
            continue
        if probe.name == "small twin" and not slow:
            continue
        try:
            if probe.name == "twin":
                slow = _values_in_a_run(watch, probe) > MANY
            found = probe.verdicts(probe.run())
        except Exception as error:  # a function that is made for certain shapes may raise anything
            passed_over(error)
            continue
        if all(found.get(key) == right for key, right in verdicts.items()):
            exact.append(probe)
        elif all(right or not found.get(key, True) for key, right in verdicts.items()):
            near.append(probe)
    if slow:
        exact.sort(key=lambda probe: ("small twin", "sibling", "own", "second twin", "twin").index(probe.name))
    return verdicts, exact + near


def _values_in_a_run(watch: Watch, probe: Probe) -> int:
    """Return how many values a function hands over on a probe, which does not depend on the machine as time does."""

    def reach(_number: int, value: Any) -> None:
        if isinstance(value, (types.FunctionType, types.MethodType, type)):
            watch.reach(value)

    with watch.running({}, reach):
        probe.run()
    return watch.visits
