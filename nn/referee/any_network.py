"""The referee for networks that are no MLP: whatever is written with Values and holds its parameters.

The user's own model is differentiated by the engine, at the user's numbers and, to read wrong code, at others of the
same shapes. There are no layers here: an array is known by the name of its parameter, and stands in a layer 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..arguments import FloatArray
from ..loss.loss_table import name_of
from .conventions import rate_found
from .graph_reference import GraphReference
from .mistakes import Mistake
from .named_gradients import NamedCalling, NamedGradients
from .reading import Reading
from .reading.probes import Probe, Verdicts, generic_targets
from .reading.quantities import Quantity
from .reading.read import read
from .report import Finding, Report
from .symbols import Symbols

__all__ = ["check_network"]

TOLERANCE = 1e-10  # of the largest entry


class GraphProbe(Probe):
    """A network of any kind at one set of numbers."""

    def __init__(self, name: str, calling: NamedCalling, reference: GraphReference) -> None:
        self.name, self.calling, self.l2 = name, calling, reference.l2  # type: ignore[assignment]  # called in the same way
        self.reference: Any = reference
        self.X, self.T, self.N = reference.a[0], reference.T, reference.N
        self.right = reference.arrays()
        self._sizes = {key: float(np.abs(array).max(initial=0.0)) for key, array in self.right.items()}

    def quantities(self) -> list[Quantity]:
        """Return what has a name on this network."""
        found: list[Quantity] = self.reference.quantities()
        return found

    def arguments(self) -> tuple[list[FloatArray], list[FloatArray], FloatArray, FloatArray]:
        """Return copies of the parameters, no biases, inputs and targets."""
        return [np.array(W) for W in self.reference.W], [], np.array(self.X), np.array(self.T)

    def verdicts(self, submission: Any) -> Verdicts:
        """Return which gradients are right."""
        tolerance = max(1e-9, 2e3 * float(np.finfo(submission.precision).eps))
        blur = {key: float(array.max(initial=0.0)) for key, array in submission.blur.items()}
        return {
            key: self._same(key, array, tolerance, blur.get(key, 0.0))
            for key, array in submission.arrays().items()
            if (self.right[key].any() or array.any()) and key[0] not in self.reference.noise
        }

    def relatives(self, seed: int) -> Iterator[Probe]:
        """Yield the same model at generic numbers, and this probe."""
        rng = np.random.default_rng(seed)
        r = self.reference
        for name in ("sibling", "second sibling"):
            numbers = [np.where(W, W * np.exp(0.4 * rng.normal(size=W.shape)), rng.normal(size=W.shape)) for W in r.W]
            are_indices = self.X.dtype.kind == "i"
            X = self.X if are_indices else self.X + 0.5 * rng.normal(size=self.X.shape)
            T = generic_targets(self.T, self.T.shape, name_of(r.loss), rng)
            try:
                other = r.at(numbers, X, T)
            except (ArithmeticError, ValueError):  # these numbers are none for this model
                continue
            yield GraphProbe(name, self.calling, other)  # type: ignore[arg-type]  # called in the same way
        yield self


def check_network(
    calling: NamedCalling,
    reference: GraphReference,
    symbols: Symbols,
    *,
    time_limit: float,
    understood: Sequence[str] = (),
) -> Report:
    """Return the report on a backward pass of a model that is no MLP.

    Args:
        calling: The function; it is called with the parameters by name, inputs and targets, or by the names of its
            arguments, and returns gradients by name, or in the order of the parameters, or takes a step.
        reference: What the engine finds for the model.
        symbols: The letters of the report.
        time_limit: The seconds that reading may take.
        understood: What was made of the targets, as phrases.

    Raises:
        TypeError: If what comes back is not numbers.
        ValueError: If a gradient is missing.
    """
    own = GraphProbe("own", calling, reference)
    submission: Any = calling(*own.arguments())
    if not submission.has_rate:
        calling = replace(calling, learning_rate=rate_found(submission.arrays(), reference.arrays()))
        own = GraphProbe("own", calling, reference)
        submission = calling(*own.arguments())
    blur = {(name, 0): noise for name, noise in reference.noise.items()} | submission.blur
    findings = tuple(
        _finding(name, submission.found[name], right, submission.precision, own.N, blur.get((name, 0), 0.0))
        for name, right in reference.right.items()
    )
    reading = Reading()
    if time_limit > 0 and any(finding.verdict == "wrong" for finding in findings):
        reading = read(own, submission, time_limit)
    return Report(
        findings,
        _subject(reference),
        examples=own.N,
        l2=reference.l2 * (own.N if calling.summed else 1),
        l2_biases=reference.l2_biases,
        reading=reading,
        understood=_understood(calling, submission, understood),
        symbols=symbols,
    )


def _subject(r: GraphReference) -> str:
    count = f"{r.N} examples" if r.N > 1 else "one example"
    where = " on all parameters" if r.l2_biases else " on arrays of two axes and more"
    penalty = f", l2 = {r.l2:g}{where}" if r.l2 else ""
    name = getattr(r.model, "name", "") or type(r.model).__name__
    return f"Your backpropagation of {name}, {name_of(r.loss)}, {count}{penalty}, against {r.who}"


def _understood(calling: NamedCalling, submission: NamedGradients, targets: Sequence[str]) -> str:
    names = calling.by_name
    gradients = "summed over the examples (divided by N below)" if calling.summed else "averaged"
    said = ["one example at a time"] if calling.one_by_one else []
    said += [f"gradients {gradients}"] if calling.one_by_one or calling.summed else []
    said += [f"called by names as ({', '.join(names)})"] if names and len(names) != 3 else []
    said += [submission.understood] if submission.understood else []
    said += targets
    return f"Read as: {', '.join(said)}." if said else ""


def _finding(name: str, yours: FloatArray, right: FloatArray, precision: np.dtype[Any], N: int, blur: Any) -> Finding:
    def found(verdict: str, remark: str = "", mistake: Mistake | None = None) -> Finding:
        return Finding(0, name, verdict, ((mistake,),) if mistake else (), remark, yours, right)

    if not np.all(np.isfinite(yours)):
        return found("wrong", "It holds NaN or infinity.")
    size = float(np.abs(right).max(initial=0.0))
    tolerance = max(TOLERANCE, 1e3 * float(np.finfo(precision).eps)) * size

    def same(array: FloatArray) -> bool:
        return array.shape == right.shape and bool(np.all(np.abs(array - right) <= tolerance + 4 * np.max(blur)))

    if not size:
        return found("undecidable", "The right array is 0 on this data: check with other inputs or parameters.")
    if same(yours):
        return found("right")
    if same(yours.T):
        return found("wrong", "", Mistake("transposed", f"∂C/∂{name} is transposed."))
    for factor, told in ((-1.0, "−1"), (2.0, "2"), (0.5, "½"), (float(N), "N"), (1 / N, "1/N")):
        if factor != 1.0 and same(yours / factor):
            return found("wrong", "", Mistake(f"factor {told}", f"∂C/∂{name} is {told} times what it should be."))
    if not yours.any():
        return found("wrong", "All of its entries are 0.")
    return found("wrong", "No single factor gives these numbers.")
