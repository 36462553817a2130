"""Which conventions a hand-written backward pass follows: those it was said to, and those that shapes tell."""

from __future__ import annotations

import itertools
import math
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..arguments import FloatArray
from ..model.mlp import MLP
from .argument_roles import handing, is_theta, with_vector
from .layer_functions import LayerFunctions
from .submission import Calling, Submission
from .unrolled import Unrolled

__all__ = ["rate_found", "recognised", "understood"]

NOT_THE_USERS = (str(Path(__file__).parents[1]), str(Path(np.__file__).parent))

MARGIN = 0.1  # of likeness, by which another reading must be better

Key = tuple[str, int]
Classes = tuple[Any, ...]
Run = Callable[[Calling], Submission]


def recognised(
    told: Calling, model: MLP, run: Run, is_open: Sequence[str], labels: Classes, right: Mapping[Key, FloatArray]
) -> tuple[Calling, Submission]:
    """Return how a function is to be called, and what it returned when it was called so.

    What is documented comes first. Other conventions are tried only where it leads to an error, and taken where all
    shapes fit; if all fit in none, where the most do. Of those that no shape tells apart, that of the most right arrays
    is taken.

    Args:
        told: The function, and what was said of it.
        model: The network.
        run: Calls it on copies of the arrays of the network and the batch.
        is_open: The fields of `told` that are open, such as "in_out", "row_biases", "columns" and "one_by_one".
        labels: The classes, if targets may be handed over as labels.
        right: The right arrays.

    Raises:
        TypeError: If what comes back is not numbers, or names do not tell what the arguments stand for.
        ValueError: If it takes no biases and the network has some, or an array is missing.
    """
    errors: list[Exception] = []
    nearest: tuple[float, Calling, Submission] | None = None
    for calling, is_guessed in _conventions(told, model, is_open, labels):
        try:
            submission = run(calling)
        except Exception as error:
            if not is_guessed or isinstance(error, (TypeError, ValueError)):
                errors.append(error)
            continue
        share = 1.0 if not is_guessed else _share(submission, model)
        if share == 1.0:
            return _likeliest(calling, submission, run, labels, right)
        if share > 0.5 and (nearest is None or share > nearest[0]):
            nearest = share, calling, submission
    if nearest is not None:
        return nearest[1:]
    raise _most_telling(errors)


def _likeliest(
    calling: Calling, submission: Submission, run: Run, labels: Classes, right: Mapping[Key, FloatArray]
) -> tuple[Calling, Submission]:
    """Return the reading with the most right arrays, of those that no shape tells apart from the one given."""
    best, most = (calling, submission), _likeness(submission, right)
    is_one = np.shape(submission.dW[-1])[:1] == (1,)
    for other in _alike(calling, submission, labels, is_one=is_one):
        if most >= 1.0:
            break
        try:
            found = run(other)
        except Exception:  # it cannot be called so
            continue
        if other.labels and not _has_direction(found, right):
            continue  # what is only nearer by chance are no labels
        if (likeness := _likeness(found, right)) > most + MARGIN:
            best, most = (other, found), likeness
    return best


def _likeness(submission: Submission, right: Mapping[Key, FloatArray]) -> float:
    """Return the mean cosine between arrays and the right ones, whatever its sign: 1 if they point the same way."""
    return round(float(np.mean(_cosines(submission, right))), 9)


def _has_direction(submission: Submission, right: Mapping[Key, FloatArray]) -> bool:
    """Return whether some array is a multiple of the right one."""
    return max(_cosines(submission, right)) > 1.0 - 1e-9


def _cosines(submission: Submission, right: Mapping[Key, FloatArray]) -> list[float]:
    found = []
    for key, array in submission.arrays().items():
        if array.shape != right[key].shape:
            return [0.0]
        with np.errstate(all="ignore"):
            found.append(abs(np.vdot(array, right[key])) / (np.linalg.norm(array) * np.linalg.norm(right[key])))
    return [float(each) for each in np.nan_to_num(found, posinf=0.0)]


def _alike(calling: Calling, submission: Submission, labels: Classes, *, is_one: bool) -> Iterator[Calling]:
    """Yield the other callings that differ in numbers only."""
    if calling.handing.takes_vector or submission.is_vector:
        columns = ["first", "last", ""] if calling.handing.takes_vector else [calling.bias_column]
        for column, unrolled in itertools.product(columns, Unrolled.all()):
            yield replace(calling, unrolled=unrolled, bias_column=column)
    if labels and not calling.labels:
        yield replace(calling, labels=labels, vector_targets=True)
        yield replace(calling, labels=labels)
    if is_one and not calling.vector_targets:
        yield replace(calling, vector_targets=True)


def _most_telling(errors: list[Exception]) -> Exception:
    """Return the error of the call in which the function came furthest: it returned, or stopped at a later line."""
    return max(errors, key=lambda error: math.inf if (line := _line(error)) is None else line)


def _line(error: Exception) -> int | None:
    """Return the line at which the user's code stopped; None if it did not."""
    frames = traceback.extract_tb((error.__cause__ or error).__traceback__)
    own = [frame.lineno or 0 for frame in frames if not frame.filename.startswith(NOT_THE_USERS)]
    return own[0] if own else None  # not of a helper that it called, which may stand anywhere


def rate_found(steps: Mapping[tuple[str, int], FloatArray], right: Mapping[tuple[str, int], FloatArray]) -> float:
    """Return the rate of which most steps are multiples of the right gradients; 1 if none is.

    Args:
        steps: What was subtracted from each array.
        right: The right gradients of the same names.
    """
    rates = []
    for key, step in steps.items():
        gradient = right[key]
        if step.shape == gradient.shape and np.any(gradient):
            rate = float(np.vdot(step, gradient) / np.vdot(gradient, gradient))
            if rate > 0 and np.abs(step - rate * gradient).max() <= 1e-9 * rate * np.abs(gradient).max():
                rates.append(float(f"{rate:.7g}"))
    return max(rates, key=rates.count, default=1.0)


def understood(calling: Calling, submission: Submission, targets: str, *, said_columns: bool) -> str:
    """Return in one line what was taken in another way than the documented one; nothing if nothing was.

    Args:
        calling: How the function was called.
        submission: What it returned.
        targets: What the targets were taken for, as a phrase.
        said_columns: Whether columns were asked for, which need not be told again.
    """
    said = ["weights (in, out)"] if calling.in_out else []
    said += ["one column an example"] if calling.columns and not said_columns else []
    said += [f"the biases as the {calling.bias_column} column of the weights"] if calling.bias_column else []
    said += ["biases (1, n)"] if calling.row_biases else []
    said += ["no biases"] if not calling.has_biases else []
    gradients = "summed over the examples (divided by N below)" if calling.summed else "averaged"
    said += ["one example at a time"] if calling.one_by_one else []
    said += [f"gradients {gradients}"] if calling.one_by_one or calling.summed else []
    said += [calling.function.understood] if isinstance(calling.function, LayerFunctions) else []
    said += [calling.handing.understood] if calling.handing.understood else []
    said += [submission.understood] if submission.understood else []
    said += [targets] if targets else []
    said += [f"handed over as labels{'' if calling.vector_targets else ' (N, 1)'}"] if calling.labels else []
    said += ["targets (N,)"] if calling.vector_targets and not calling.labels else []
    return f"Read as: {', '.join(said)}." if said else ""


def _conventions(told: Calling, model: MLP, is_open: Sequence[str], labels: Classes) -> Iterator[tuple[Calling, bool]]:
    """Yield the ways to call a function, the documented one first, and whether they are guessed."""
    hand_over = handing(told.function, len(model.layers), told.bias_column)
    has_no_biases = not any("b" in layer.parameter_arrays() for layer in model.layers)
    are_zero = not any(np.any(b) for b in model.biases)
    vector = with_vector(hand_over, told.function)
    values: dict[str, list[Any]] = {field: [True] for field in is_open if field != "bias_column"}
    if all(W.shape[0] == W.shape[1] for W in model.weights):
        values.pop("in_out", None)
    if labels:
        values["labels"] = [labels]
    elif model.n_out == 1:
        values["vector_targets"] = [True]
    if vector is not None:
        values["handing"] = [vector]
    first = replace(told, has_biases=hand_over.takes_biases or bool(told.bias_column), handing=hand_over)
    if not first.has_biases and "bias_column" in is_open and is_theta(told.function):
        values["bias_column"] = ["first", "last"]
    if not first.has_biases and not are_zero and not {"bias_column", "handing"} & set(values):
        raise ValueError(
            "my_backprop takes no biases, and those of the model are not 0: take nn.MLP(…, bias=False), "
            'or bias_column="first" or "last" if they are a column of the weights'
        )
    for changed in _changes(values):
        way = replace(first, **changed)
        way = replace(way, has_biases=way.handing.takes_biases or bool(way.bias_column))
        if way.has_biases or are_zero:
            yield way, bool(changed)
        if way.handing.takes_biases and has_no_biases:
            yield replace(way, has_biases=False), bool(changed)


def _changes(values: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """Yield none of some values, then each, then each two, and so on, with labels as a vector first."""
    for count in range(len(values) + 1):
        for fields in itertools.combinations(values, count):
            if {"row_biases", "columns"} <= set(fields):
                continue
            for chosen in itertools.product(*(values[field] for field in fields)):
                changed = dict(zip(fields, chosen, strict=True))
                if "labels" in changed:
                    yield changed | {"vector_targets": True}
                yield changed


def _share(submission: Submission, model: MLP) -> float:
    """Return the share of gradients that have the shapes of the parameters."""
    given = [*submission.dW, *(submission.db or [])]
    right = [*model.weights, *(model.biases if submission.db else [])]
    return float(np.mean([np.shape(array) == np.shape(other) for array, other in zip(given, right, strict=True)]))
