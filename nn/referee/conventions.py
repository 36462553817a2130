"""Which conventions a hand-written backward pass follows: those it was said to, and those that shapes tell."""

from __future__ import annotations

import itertools
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..arguments import FloatArray
from ..model.mlp import MLP
from .handing import handing
from .submission import Calling, Submission

__all__ = ["rate_found", "recognised", "understood"]

NOT_THE_USERS = (str(Path(__file__).parents[1]), str(Path(np.__file__).parent))

Run = Callable[[Calling], Submission]


def recognised(told: Calling, model: MLP, run: Run, is_open: Sequence[str]) -> tuple[Calling, Submission]:
    """Return how a function is to be called, and what it returned when it was called so.

    What is documented comes first. Other conventions are tried only where it leads to an error, and taken only where
    all shapes fit.

    Args:
        told: The function, and what was said of it.
        model: The network.
        run: Calls it on copies of the arrays of the network and the batch.
        is_open: The fields of `told` that are open: of "in_out", "row_biases", "columns" and "one_by_one".

    Raises:
        TypeError: If what comes back is not numbers, or names do not tell what the arguments stand for.
        ValueError: If it takes no biases and the network has some, or an array is missing.
    """
    errors: list[Exception] = []
    for calling in _conventions(told, model, is_open):
        is_guessed = any(getattr(calling, field) != getattr(told, field) for field in is_open)
        try:
            submission = run(calling)
        except (TypeError, ValueError) as error:
            errors.append(error)
            continue
        except Exception:
            if not is_guessed:
                raise
            continue
        if not is_guessed or _fits(submission, model):
            return calling, submission
    raise _most_telling(errors)


def _most_telling(errors: list[Exception]) -> Exception:
    """Return the first error if the function returned, else that of the call in which it came furthest."""
    lines = [_line(error) for error in errors]
    return errors[0] if lines[0] is None else errors[max(range(len(errors)), key=lambda k: lines[k] or 0)]


def _line(error: Exception) -> int | None:
    """Return the line at which the user's code stopped; None if it did not."""
    frames = traceback.extract_tb((error.__cause__ or error).__traceback__)
    own = [frame.lineno or 0 for frame in frames if not frame.filename.startswith(NOT_THE_USERS)]
    return own[-1] if own else None


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
    said += ["one example at a time, gradients averaged"] if calling.one_by_one else []
    said += ["gradients summed over the examples (divided by N below)"] if calling.summed else []
    said += [calling.handing.understood] if calling.handing.understood else []
    said += [submission.understood] if submission.understood else []
    said += [targets] if targets else []
    return f"Read as: {', '.join(said)}." if said else ""


def _conventions(told: Calling, model: MLP, is_open: Sequence[str]) -> Iterator[Calling]:
    """Yield the ways to call a function, the documented one first."""
    hand_over = handing(told.function, len(model.layers), told.bias_column)
    are_zero = not any(np.any(b) for b in model.biases)
    has_biases = hand_over.takes_biases or bool(told.bias_column)
    if not has_biases and not are_zero:
        raise ValueError(
            "my_backprop takes no biases, and those of the model are not 0: take nn.MLP(…, bias=False), "
            'or bias_column="first" or "last" if they are a column of the weights'
        )
    first = replace(told, has_biases=has_biases, handing=hand_over)
    free = [field for field in is_open if field != "in_out" or any(W.shape[0] != W.shape[1] for W in model.weights)]
    for count in range(len(free) + 1):
        for fields in itertools.combinations(free, count):
            if {"row_biases", "columns"} <= set(fields):
                continue
            changed: dict[str, Any] = dict.fromkeys(fields, True)
            way = replace(first, **changed)
            yield way
            if hand_over.takes_biases and not any("b" in layer.parameter_arrays() for layer in model.layers):
                yield replace(way, has_biases=False)


def _fits(submission: Submission, model: MLP) -> bool:
    """Return whether all gradients have the shapes of the parameters."""
    given = [*submission.dW, *(submission.db or [])]
    right = [*model.weights, *(model.biases if submission.db else [])]
    return all(np.shape(array) == np.shape(other) for array, other in zip(given, right, strict=True))
