"""Which conventions a hand-written backward pass follows: those it was said to, and those that shapes tell."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ..model.mlp import MLP
from .submission import Backprop, Calling, Submission

__all__ = ["recognised", "understood"]

Run = Callable[[Calling], Submission]


def recognised(told: Calling, model: MLP, run: Run, *, in_out_is_open: bool) -> tuple[Calling, Submission]:
    """Return how a function is to be called, and what it returned when it was called so.

    What is documented comes first. Other conventions are tried only where it leads to an error.

    Args:
        told: The function, and what was said of it.
        model: The network.
        run: Calls it on copies of the arrays of the network and the batch.
        in_out_is_open: Whether shapes are to tell if weights have the shape (inputs, outputs).

    Raises:
        TypeError: If what comes back is not numbers.
        ValueError: If it takes no biases and the network has some, or an array is missing.
    """
    first: Exception | None = None
    for calling in _conventions(told, model, in_out_is_open):
        try:
            submission = run(calling)
        except (TypeError, ValueError) as error:
            first = first or error
            continue
        is_guessed = calling.in_out and not told.in_out
        if not is_guessed or all(map(_has_shape_of, submission.dW, model.weights)):
            return calling, submission
    raise first or ValueError("there is no way to call my_backprop")


def understood(calling: Calling, submission: Submission, targets: str) -> str:
    """Return in one line what was taken in another way than the documented one; nothing if nothing was.

    Args:
        calling: How the function was called.
        submission: What it returned.
        targets: What the targets were taken for, as a phrase.
    """
    said = ["weights (in, out)"] if calling.in_out else []
    said += [f"the biases as the {calling.bias_column} column of the weights"] if calling.bias_column else []
    said += ["no biases"] if not calling.has_biases else []
    said += ["one example at a time, gradients averaged"] if calling.one_by_one else []
    said += ["gradients summed over the examples (divided by N below)"] if calling.summed else []
    said += [f"gradients from the step in place, with rate {calling.learning_rate:g}"] if calling.learning_rate else []
    said += [submission.understood] if submission.understood else []
    said += [targets] if targets else []
    return f"Read as: {', '.join(said)}." if said else ""


def _conventions(told: Calling, model: MLP, in_out_is_open: bool) -> Iterator[Calling]:
    """Yield the ways to call a function, the documented one first."""
    are_zero = not any(np.any(b) for b in model.biases)
    takes_biases = not told.bias_column and _most_arguments(told.function) != 3
    has_biases = takes_biases or bool(told.bias_column)
    if not has_biases and not are_zero:
        raise ValueError(
            "my_backprop(weights, X, T) takes no biases, and those of the model are not 0: take nn.MLP(…, bias=False), "
            'or bias_column="first" or "last" if they are a column of the weights'
        )
    ways = [replace(told, has_biases=has_biases, takes_biases=takes_biases)]
    if takes_biases and not any("b" in layer.parameter_arrays() for layer in model.layers):
        ways.append(replace(told, has_biases=False))
    yield from ways
    if in_out_is_open and any(W.shape[0] != W.shape[1] for W in model.weights):
        yield from (replace(way, in_out=True) for way in ways)


def _has_shape_of(array: Any, other: Any) -> bool:
    return bool(np.shape(array) == np.shape(other))


def _most_arguments(function: Backprop) -> int | None:
    """Return how many arguments a function takes by place at most; None where that cannot be said."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        return None
    by_place = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(parameter.kind in by_place for parameter in parameters)
