"""The referee for networks that are no MLP: whatever is written with Values and holds its parameters.

The user's own model is differentiated by the engine, at the user's numbers and, to read wrong code, at others of the
same shapes. There are no layers here: an array is known by the name of its parameter, and stands in a layer 0.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd import Value, gradients
from autograd.value import recording

from ..arguments import FloatArray
from ..loss.loss_table import LossFunction, name_of
from ..model.module import Module, assign, data_of
from .mistakes import Mistake
from .reading import Reading
from .reading.probes import Key, Probe, Verdicts, generic_targets
from .reading.quantities import Quantity
from .reading.read import read
from .report import Finding, Report

__all__ = ["check_network", "parameters_of"]

TOLERANCE = 1e-10  # of the largest entry


def parameters_of(model: Any) -> dict[str, Any]:
    """Return the arrays of Values that an object holds, by name; none for what is no model."""
    return Module.parameter_arrays(model) if callable(model) and hasattr(model, "__dict__") else {}


@dataclass(frozen=True, slots=True)
class NamedGradients:
    """What a backward pass returned, by the names of the parameters."""

    found: dict[str, FloatArray]
    precision: np.dtype[Any]
    understood: str = ""
    blur: dict[Key, FloatArray] = field(default_factory=dict)

    def arrays(self) -> dict[Key, FloatArray]:
        """Return the gradients by parameter, all of layer 0."""
        return {(name, 0): array for name, array in self.found.items()}


@dataclass(frozen=True, slots=True)
class NamedCalling:
    """How a backward pass of named parameters is called: (parameters, X, T), or by the names of its arguments.

    Raises:
        TypeError: If its arguments do not tell what they stand for.
    """

    function: Callable[..., Any]
    names: tuple[str, ...]
    columns: bool = False

    @property
    def functions(self) -> tuple[Any, ...]:
        """What the user wrote: the code that a reader begins with."""
        return (self.function,)

    @property
    def by_name(self) -> tuple[str, ...]:
        """The arguments, if all of them are parameters, X or T by their names; else none."""
        try:
            signature = inspect.signature(self.function)
        except (TypeError, ValueError):
            return ()
        required = [p.name for p in signature.parameters.values() if p.default is p.empty]
        known = {*self.names, *INPUTS, *TARGETS}
        return tuple(required) if required and set(required) <= known else ()

    def __call__(
        self, weights: list[FloatArray], _biases: list[FloatArray], X: FloatArray, T: FloatArray
    ) -> NamedGradients:
        """Return what the function returns for parameters in the order of their names, which it may change.

        Raises:
            TypeError: If what comes back is not numbers.
            ValueError: If an array is missing.
        """
        parameters = dict(zip(self.names, weights, strict=True))
        if names := self.by_name:
            given = {**dict.fromkeys(INPUTS, X), **dict.fromkeys(TARGETS, T), **parameters}
            return self._named(self.function(*(given[name] for name in names)))
        return self._named(self.function(parameters, X, T))

    def _named(self, returned: Any) -> NamedGradients:
        """Return what came back by the names of the parameters."""
        if isinstance(returned, Mapping):
            plain = {_letters(str(name)): array for name, array in returned.items()}
            ways = {name: [way for way in _ways(name) if way in plain] for name in self.names}
            found = {name: plain[there[0]] for name, there in ways.items() if there}
        elif isinstance(returned, (list, tuple)) and len(returned) == len(self.names):
            found = dict(zip(self.names, returned, strict=True))
        else:
            found = {self.names[0]: returned} if len(self.names) == 1 else {}
        missing = [name for name in self.names if found.get(name) is None]
        if missing:
            got = f"the names {', '.join(map(str, returned))}" if isinstance(returned, Mapping) else _told(returned)
            example = ", ".join(f'"{name}": …' for name in self.names)
            raise ValueError(f"my_backprop must return {{{example}}}, the gradient of each parameter, got {got}")
        arrays = {name: np.asarray(array) for name, array in found.items()}
        for name, array in arrays.items():
            if array.dtype.kind not in "biuf":
                raise TypeError(f"the gradient of {name} must be an array of real numbers, got one of {array.dtype}")
        types = [array.dtype for array in arrays.values() if array.dtype.kind == "f"]
        precision = max(types, key=lambda dtype: np.finfo(dtype).eps, default=np.dtype(float))
        return NamedGradients({name: array.astype(float) for name, array in arrays.items()}, precision)


INPUTS = ("X", "x", "inputs")
TARGETS = ("T", "t", "Y", "y", "targets", "target")


def _letters(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _ways(name: str) -> Iterator[str]:
    """Yield the names that the gradient by a parameter may have, without signs."""
    for before, after in (("d", ""), ("grad", ""), ("grads", ""), ("", "grad"), ("", "")):
        yield _letters(f"{before}{name}{after}")


def _told(returned: Any) -> str:
    return f"{type(returned).__name__}{f' of {len(returned)}' if isinstance(returned, (list, tuple)) else ''}"


class GraphReference:
    """What the engine finds for a model of any kind.

    Args:
        model: The model; its parameters are as before afterwards.
        numbers: The numbers at which it is differentiated, in the order of its parameters.
        X: The inputs, one row an example.
        T: The targets.
        loss: The loss of one example.
        whole_batch: Whether the model takes all rows at once and returns as many.

    Attributes:
        L: The number of layers that are known, none.
        a: The inputs and the outputs.
        right: The gradients by parameter.

    Raises:
        TypeError: If the loss is no Value.
        ValueError: If the outputs are not as many as the targets.
    """

    L = 0

    def __init__(
        self, model: Any, numbers: list[FloatArray], X: FloatArray, T: FloatArray, loss: LossFunction, whole_batch: bool
    ) -> None:
        self.model, self.T, self.loss, self.whole_batch = model, T, loss, whole_batch
        self.N, self.W = len(X), [np.array(array) for array in numbers]
        held = parameters_of(model)
        self.names = tuple(held)
        before = [data_of(array) for array in held.values()]
        assign({name: (array, new) for (name, array), new in zip(held.items(), self.W, strict=True)})
        try:
            with recording():
                rows = _outputs(model, X, whole_batch)
                if len(rows) != self.N:
                    raise ValueError(f"the model must return {self.N} rows for {self.N} examples, got {len(rows)}")
                costs = [loss(row, t) for row, t in zip(rows, T.tolist(), strict=True)]
                cost = sum(costs[1:], costs[0]) / self.N
                if not isinstance(cost, Value):
                    raise TypeError(f"the loss must return a Value, got {cost!r} of type {type(cost).__name__}")
                flat = [[y for y in row if isinstance(y, Value)] for row in rows]
                found, at_outputs = gradients(cost, [list(held.values()), flat])
        finally:
            assign({name: (array, old) for (name, array), old in zip(held.items(), before, strict=True)})
        self.right = {name: np.asarray(array, dtype=float) for name, array in zip(held, found, strict=True)}
        self.a = [X, np.array([[y.data if isinstance(y, Value) else y for y in row] for row in rows], dtype=float)]
        whole = all(len(row) == len(rows[0]) for row in flat) and bool(flat[0])
        self.gradient = self.N * np.array(at_outputs, dtype=float) if whole else None

    def arrays(self) -> dict[Key, FloatArray]:
        """Return the right gradients, all of layer 0."""
        return {(name, 0): array for name, array in self.right.items()}

    def quantities(self) -> list[Quantity]:
        """Return what has a name without layers: inputs, outputs, targets, parameters and gradients."""
        outputs = self.a[1]
        found = [Quantity("x", "x", 0, self.a[0]), Quantity("t", "t", 0, self.T), Quantity("y", "y", 0, outputs)]
        if outputs.shape == self.T.shape:
            found.append(Quantity("y − t", "e", 0, outputs - self.T, is_sum=True))
        if self.gradient is not None:
            found.append(Quantity("∂C/∂y", "g", 0, self.gradient))
        for name, number in zip(self.names, self.W, strict=True):
            found.append(Quantity(name, "W", 0, number, rows=False))
            found.append(Quantity(f"∂C/∂{name}", "dW", 0, self.right[name], rows=False))
        return [quantity for quantity in found if quantity.array.size]


def _outputs(model: Any, X: FloatArray, whole_batch: bool) -> list[list[Any]]:
    """Return the outputs, a list for every example."""
    rows = model(X.tolist()) if whole_batch else [model(x) for x in X.tolist()]
    return [list(row) if isinstance(row, (Sequence, np.ndarray)) else [row] for row in rows]


class GraphProbe(Probe):
    """A network of any kind at one set of numbers."""

    def __init__(self, name: str, calling: NamedCalling, reference: GraphReference) -> None:
        self.name, self.calling, self.l2 = name, calling, 0.0  # type: ignore[assignment]  # called in the same way
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
        return {
            key: self._same(key, array, tolerance)
            for key, array in submission.arrays().items()
            if self.right[key].any() or array.any()
        }

    def relatives(self, seed: int) -> Iterator[Probe]:
        """Yield the same model at generic numbers, and this probe."""
        rng = np.random.default_rng(seed)
        r = self.reference
        for name in ("sibling", "second sibling"):
            numbers = [np.where(W, W * np.exp(0.4 * rng.normal(size=W.shape)), rng.normal(size=W.shape)) for W in r.W]
            X = self.X + 0.5 * rng.normal(size=self.X.shape)
            T = generic_targets(self.T, self.T.shape, name_of(r.loss), rng)
            try:
                other = GraphReference(r.model, numbers, X, T, r.loss, r.whole_batch)
            except (ArithmeticError, ValueError):  # these numbers are none for this model
                continue
            yield GraphProbe(name, self.calling, other)  # type: ignore[arg-type]  # called in the same way
        yield self


def check_network(
    my_backprop: Callable[..., Any],
    model: Any,
    X: FloatArray,
    T: FloatArray,
    loss: LossFunction,
    *,
    whole_batch: bool,
    time_limit: float,
) -> Report:
    """Return the report on a backward pass of a model that is no MLP.

    Args:
        my_backprop: Called with the parameters by name, inputs and targets, or by the names of its arguments; returns
            the gradients of the mean loss by name, or in the order of the parameters.
        model: Holds its parameters as Values, and is called with the inputs of one example, or with all rows.
        X: The inputs, one row an example.
        T: The targets, one row an example.
        loss: The loss of one example.
        whole_batch: Whether the model takes all rows at once.
        time_limit: The seconds that reading may take.

    Raises:
        TypeError: If what comes back is not numbers, or the loss is no Value.
        ValueError: If a gradient is missing, or the outputs are not as many as the targets.
        DomainError: If the loss or a derivative is undefined on this data.
    """
    held = parameters_of(model)
    calling = NamedCalling(my_backprop, tuple(held))
    own = GraphProbe("own", calling, GraphReference(model, list(map(data_of, held.values())), X, T, loss, whole_batch))
    submission: Any = calling(*own.arguments())
    findings = tuple(
        _finding(name, submission.found[name], right, submission.precision, own.N)
        for name, right in own.reference.right.items()
    )
    reading = Reading()
    if time_limit > 0 and any(finding.verdict == "wrong" for finding in findings):
        reading = read(own, submission, time_limit)
    count = f"{own.N} examples" if own.N > 1 else "one example"
    subject = f"Your backpropagation of {type(model).__name__}, {name_of(loss)}, {count}, against the engine"
    names = calling.by_name
    understood = f"Read as: called by names as ({', '.join(names)})." if names and len(names) != 3 else ""
    return Report(findings, subject, examples=own.N, reading=reading, understood=understood)


def _finding(name: str, yours: FloatArray, right: FloatArray, precision: np.dtype[Any], N: int) -> Finding:
    def found(verdict: str, remark: str = "", mistake: Mistake | None = None) -> Finding:
        return Finding(0, name, verdict, ((mistake,),) if mistake else (), remark, yours, right)

    if not np.all(np.isfinite(yours)):
        return found("wrong", "It holds NaN or infinity.")
    size = float(np.abs(right).max(initial=0.0))
    tolerance = max(TOLERANCE, 1e3 * float(np.finfo(precision).eps)) * size

    def same(array: FloatArray) -> bool:
        return array.shape == right.shape and bool(np.all(np.abs(array - right) <= tolerance))

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
