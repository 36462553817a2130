"""What is handed in: the function is called in its own layout, and what it returns is brought into one form."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..arguments import FloatArray
from .handing import BY_PLACE, Handed, Handing, holds_no_arrays
from .returned import Places, sorted_out
from .unrolled import ROW_BY_ROW, Unrolled

__all__ = ["Backprop", "Calling", "Submission", "singly"]

Backprop = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Submission:
    """The arrays that a hand-written backward pass returned, in rows.

    Attributes:
        dW: One array a layer.
        db: One array a layer; None if none are asked for.
        delta: One array a layer, with 1/N or without; None if δ was not handed in.
        precision: The least precise type of floats among them.
        understood: What was made of a form other than the documented one, as a phrase.
        blur: How far each array may be off because it is the difference of weights before and after a step.
        is_vector: Whether gradients came as one vector.
        has_rate: Whether the rate of the step from which gradients were taken was known; else it is taken for 1.
    """

    dW: list[FloatArray]  # noqa: N815  # the gradient by W, as the documents write it
    db: list[FloatArray] | None
    delta: list[FloatArray] | None
    precision: np.dtype[Any]
    understood: str = ""
    blur: Mapping[tuple[str, int], FloatArray] = field(default_factory=dict)
    is_vector: bool = False
    has_rate: bool = True

    def arrays(self) -> dict[tuple[str, int], FloatArray]:
        """Return all of them by "W", "b" or "δ" and the layer, counted from 1."""
        lists = (("W", self.dW), ("b", self.db), ("δ", self.delta))
        return {(name, l): array for name, arrays in lists if arrays for l, array in enumerate(arrays, start=1)}


@dataclass(frozen=True, slots=True)
class Calling:
    """How a hand-written backward pass is called, and how what it returns is read.

    Attributes:
        function: What was handed in.
        columns: Whether it works with one column an example.
        in_out: Whether it works with weights of shape (inputs, outputs), the transposed ones.
        row_biases: Whether it works with biases of shape (1, n).
        summed: Whether it gives the gradients of the sum over the batch, which are divided by N.
        l2_biases: Whether the penalty that it differentiates has the biases in it too.
        l2: The coefficient of that penalty.
        one_by_one: Whether it is called for each example by itself, with vectors; the gradients are averaged.
        bias_column: "first" or "last" if W holds b as a column more, and the gradient too; empty otherwise.
        learning_rate: The rate of the step by which it changes weights and biases; None if it is not known.
        has_biases: Whether gradients by biases are asked for.
        handing: How the arrays are handed to it.
        labels: The classes, in the order of the outputs, if it takes labels for targets; else none.
        vector_targets: Whether it takes labels, or the targets of one output, as (N,).
        unrolled: How all parameters or gradients are one vector, if they are.

    Raises:
        TypeError: If it is no function.
    """

    function: Backprop
    columns: bool = False
    in_out: bool = False
    row_biases: bool = False
    summed: bool = False
    l2_biases: bool = False
    l2: float = 0.0
    one_by_one: bool = False
    bias_column: str = ""
    learning_rate: float | None = None
    has_biases: bool = True
    handing: Handing = BY_PLACE
    labels: tuple[Any, ...] = ()
    vector_targets: bool = False
    unrolled: Unrolled = ROW_BY_ROW

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise TypeError(f"my_backprop must be a function of (weights, biases, X, T), got {self.function!r}")

    @property
    def functions(self) -> tuple[Any, ...]:
        """What the user wrote: the code that a reader begins with."""
        if self.handing.before is not None:
            return self.function, self.handing.before.function
        forward = self.handing.forward
        written = getattr(self.function, "functions", (self.function,))
        return (*written, getattr(self.handing.owner, forward)) if forward else written

    def __call__(self, weights: list[FloatArray], biases: list[FloatArray], X: FloatArray, T: FloatArray) -> Submission:
        """Return what the function returns for the arrays of a network and a batch in rows, which it may change.

        Raises:
            TypeError: If what comes back is not numbers.
            ValueError: If an array is missing.
        """
        if not self.one_by_one:
            return self._called(weights, biases, X, T)
        return _averaged(
            [self._called([W.copy() for W in weights], [b.copy() for b in biases], x, t) for x, t in singly(X, T)]
        )

    def _called(self, weights: list[FloatArray], biases: list[FloatArray], X: FloatArray, T: FloatArray) -> Submission:
        handed = self._with_columns(weights, biases) if self.bias_column else weights
        N, places = len(X), self._places(handed)
        handed = [W.T.copy() for W in handed] if self.in_out else handed
        vectors = [b[:, None] if self.columns else b[None] if self.row_biases else b for b in biases]
        T = self._targets(T)
        if self.columns:
            X, T = X.T.copy(), T.T.copy()
        elif self.one_by_one:
            X, T = X[0], T[0]
        rate = self.handing.rate if self.learning_rate is None else self.learning_rate
        before = {"dW": _copies(handed), "db": _copies(vectors)}
        data = X.copy(), T.copy()
        given = Handed(
            handed,
            vectors,
            lambda: self.unrolled.vector(handed, vectors if ("db", 0) in places else []),
            X,
            T,
            N,
            [weights[0].shape[1], *map(len, weights)],
            self.l2,
            self.l2 if self.summed else self.l2 * N,
            self.columns,
        )
        returned, after = self.handing.call(self.function, given, rate)
        is_step = holds_no_arrays(returned)
        if not is_step and self.learning_rate is None and not self.handing.takes_rate:
            return self._submission(returned, places, N)
        parts = ("dW", "db") if ("db", 0) in places else ("dW",)
        has_moved = any(not _are_same(before[name], after[name]) for name in parts)
        if not is_step and self.learning_rate is None:
            if has_moved:
                return self._submission(returned, places, N)
            again = replace(given, weights=_copies(before["dW"]), biases=_copies(before["db"]), X=data[0], T=data[1])
            gradients = self._submission(returned, places, N)
            stepped, _ = self.handing.call(self.function, again, 2 * (rate or 1.0))
            if _alike(gradients, self._submission(stepped, places, N)):  # what follows the rate is no gradient
                return gradients
        if is_step and not has_moved:
            raise TypeError(
                f"my_backprop must return (dW, db) or change weights and biases in place, got {returned!r} "
                "and no change"
            )
        if not has_moved:
            found = sorted_out(returned, places, self.unrolled)
            after = {name: found.parts[name] for name in parts}
        steps = {name: _steps(before[name], after[name], name, rate or 1.0) for name in parts}
        how = "the step in place" if has_moved else "the weights that are returned after a step"
        told = f", with rate {rate:g}" if rate else ""
        return replace(
            self._submission(steps, places, N),
            understood=f"gradients from {how}{told}",
            has_rate=bool(rate),
            blur=self._blur({name: before[name] for name in parts}, rate or 1.0),
        )

    def _targets(self, T: FloatArray) -> np.ndarray[Any, Any]:
        """Return the targets in the form in which they are taken."""
        if self.labels:
            at = T.argmax(axis=1) if T.shape[1] > 1 else (T[:, 0] == 1).astype(int)
            T = np.array(self.labels)[at][:, None]
        return T[:, 0] if self.vector_targets else T

    def _blur(self, before: Mapping[str, list[FloatArray]], rate: float) -> dict[tuple[str, int], FloatArray]:
        """Return the rounding of W − rate · ∂C/∂W, in units of ∂C/∂W, for arrays by rows."""
        unit = 2 * float(np.finfo(float).eps) / rate
        found: dict[tuple[str, int], FloatArray] = {}
        for l, W in enumerate(before["dW"], start=1):
            rows = unit * abs(W.T if self.in_out else W)
            if self.bias_column:
                first = self.bias_column == "first"
                found["b", l] = rows[:, 0] if first else rows[:, -1]
                rows = rows[:, 1:] if first else rows[:, :-1]
            found["W", l] = rows
        for l, b in enumerate(before.get("db", ()), start=1):
            found["b", l] = unit * abs(b.ravel())
        return found

    def _with_columns(self, weights: list[FloatArray], biases: list[FloatArray]) -> list[FloatArray]:
        both = zip((b[:, None] for b in biases), weights, strict=True)
        return [np.hstack((b, W) if self.bias_column == "first" else (W, b)) for b, W in both]

    def l2_of_mean(self, l2: float, N: int) -> float:
        """Return the coefficient of the penalty beside the mean loss of N examples."""
        return float(l2) / N if self.summed else float(l2)

    def _places(self, weights: list[FloatArray]) -> Places:
        places: dict[tuple[str, int], tuple[int, ...]] = {}
        for l, W in enumerate(weights):
            places["dW", l] = W.T.shape if self.in_out else W.shape
            if self.has_biases and not self.bias_column:
                places["db", l] = (len(W),)
        return places

    def _submission(self, returned: Any, places: Places, N: int) -> Submission:
        found = sorted_out(returned, places, self.unrolled)
        L = 1 + max(l for _, l in places)
        given = {name: _arrays(part, name, L) for name, part in found.parts.items() if part is not None}
        if "dW" not in given or ("db" not in given and ("db", 0) in places):
            names = f", got the names {', '.join(map(str, returned))}" if isinstance(returned, Mapping) else ""
            raise ValueError(f"my_backprop must return both dW and db{names}")
        types = {array.dtype for arrays in given.values() for array in arrays if array.dtype.kind == "f"}
        floats = {name: [array.astype(float) for array in arrays] for name, arrays in given.items()}
        if self.bias_column:
            floats |= self._without_columns(floats["dW"], places)
        elif self.in_out:
            floats["dW"] = [array.T for array in floats["dW"]]
        if self.summed:
            floats |= {name: [array / N for array in floats[name]] for name in ("dW", "db") if name in floats}
        return Submission(
            floats["dW"],
            [_as_vector(array) for array in floats["db"]] if self.has_biases else None,
            [_in_rows(array, N, self.columns) for array in floats["delta"]] if "delta" in floats else None,
            max(types, key=lambda dtype: np.finfo(dtype).eps, default=np.dtype(float)),
            found.understood,
            is_vector=found.is_vector,
        )

    def _without_columns(self, gradients: list[FloatArray], places: Places) -> dict[str, list[FloatArray]]:
        """Return the gradients by weights and by biases of those of weights that hold a column of biases."""
        for l, array in enumerate(gradients):
            required = places["dW", l]
            if array.shape != required:
                raise ValueError(
                    f"my_backprop must return dW[{l}] with the biases in it, of shape {required}, got {array.shape}"
                )
        turned = [array.T if self.in_out else array for array in gradients]
        first = self.bias_column == "first"
        return {
            "dW": [array[:, 1:] if first else array[:, :-1] for array in turned],
            "db": [array[:, 0] if first else array[:, -1] for array in turned],
        }


def _copies(arrays: list[FloatArray]) -> list[FloatArray]:
    return [array.copy() for array in arrays]


def _alike(one: Submission, other: Submission) -> bool:
    a, b = one.arrays(), other.arrays()
    return all(np.array_equal(a[key], b[key], equal_nan=True) for key in a)


def _are_same(before: list[FloatArray], after: list[Any]) -> bool:
    return all(map(np.array_equal, before, after))


def _steps(before: list[FloatArray], after: list[Any], name: str, rate: float) -> list[FloatArray]:
    """Return the gradients that a step in place followed, W − rate · ∂C/∂W.

    Raises:
        TypeError: If what stands there afterwards is not numbers.
        ValueError: If an array has another shape, or is missing.
    """
    arrays = _arrays(after, name, len(before))
    for l, (old, new) in enumerate(zip(before, arrays, strict=True)):
        if new.size != old.size:
            raise ValueError(f"the step changed the shape of what {name}[{l}] belongs to, {old.shape}, to {new.shape}")
    return [(old - new.reshape(old.shape)) / rate for old, new in zip(before, arrays, strict=True)]


def singly(X: FloatArray, T: FloatArray) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Yield copies of the examples of a batch, each as a batch of one."""
    for n in range(len(X)):
        yield X[n : n + 1].copy(), T[n : n + 1].copy()


def _averaged(each: list[Submission]) -> Submission:
    """Return the mean gradients of examples that were handed in one by one, and their δ in rows.

    Raises:
        ValueError: If an array has not the same shape for every example.
    """
    first = each[0]
    if any(_shapes(one) != _shapes(first) for one in each):
        raise ValueError("my_backprop must return arrays of the same shapes for every example")

    def mean(key: str, arrays: list[FloatArray]) -> list[FloatArray]:
        return [np.mean([one.arrays()[key, l + 1] for one in each], axis=0) for l in range(len(arrays))]

    def stacked(arrays: list[FloatArray]) -> list[FloatArray]:
        return [np.concatenate([np.atleast_1d(one.arrays()["δ", l + 1]) for one in each]) for l in range(len(arrays))]

    return replace(
        first,
        dW=mean("W", first.dW),
        db=None if first.db is None else mean("b", first.db),
        delta=None if first.delta is None else stacked(first.delta),
    )


def _shapes(submission: Submission) -> dict[tuple[str, int], tuple[int, ...]]:
    return {key: array.shape for key, array in submission.arrays().items()}


def _as_vector(array: FloatArray) -> FloatArray:
    return array.ravel() if array.ndim == 0 or (array.ndim == 2 and 1 in array.shape) else array


def _arrays(arrays: Any, name: str, L: int) -> list[np.ndarray[Any, Any]]:
    if not isinstance(arrays, (list, tuple)) or len(arrays) != L:
        got = f"{len(arrays)}" if isinstance(arrays, (list, tuple)) else f"a {type(arrays).__name__}"
        raise ValueError(f"my_backprop must return {name} as a list of {L} arrays, one a layer, got {got}")
    return [_numbers(array, f"{name}[{l}]") for l, array in enumerate(arrays)]


def _numbers(given: Any, name: str) -> np.ndarray[Any, Any]:
    """Return an array of bools, integers or floats; objects are read as floats."""
    try:
        array = np.asarray(given)
        array = array.astype(float) if array.dtype.kind == "O" else array
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must be an array of real numbers, got {given!r}") from error
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must be an array of real numbers, got one of {array.dtype}")
    return array


def _in_rows(delta: FloatArray, N: int, columns: bool) -> FloatArray:
    """Return a δ with a row for each example; one example may come as a vector."""
    rows = delta.T if columns else delta
    return rows[None, :] if rows.ndim == 1 and N == 1 else rows
