"""What a loss is: a function of the outputs of a model and a target, for one example, and the table of those known.

A loss takes outputs and target and returns one number: a Value where an output is a Value, which is what training
differentiates, or a float where all are numbers. Outputs and target are sequences or vectors of equal length; a single
Value or number counts as a sequence of one. The mean over a batch is taken elsewhere (`nn.fit`), once for all losses.

What a loss requires of a target is checked on its numbers, so a target may consist of Values too.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

import numpy as np

from autograd import DomainError, Value
from autograd.graph import number
from autograd.op import finite_float

from ..arguments import FloatArray, unknown_name
from .targets import Requirement

__all__ = [
    "LOSSES",
    "Loss",
    "LossFunction",
    "Scalar",
    "Vector",
    "loss_named",
    "name_of",
    "number_of",
    "require_targets",
    "tabled",
]

Scalar: TypeAlias = Any
"""A Value or a number."""
Vector: TypeAlias = Any
"""A sequence or a one-dimensional array of Values or numbers, or a single one."""

LossFunction: TypeAlias = Callable[[Vector, Vector], Scalar]
"""What training accepts as a loss: any function of outputs and target."""


class Loss(Protocol):
    """A loss of the table."""

    __name__: str

    def __call__(self, outputs: Vector, target: Vector) -> Scalar:
        """Return the loss of one example."""


LOSSES: dict[str, Loss] = {}
"""The losses by name."""

REQUIREMENTS: dict[object, Requirement] = {}


def tabled(requirement: Requirement = lambda _target: "") -> Callable[[Loss], Loss]:
    """Return the decorator that checks what a loss is given, and what it returns, and enters it in the table."""

    def decorate(formula: Loss) -> Loss:
        @functools.wraps(formula)
        def loss(outputs: Vector, target: Vector) -> Scalar:
            a, t = _paired(formula.__name__, outputs, target)
            problem = requirement([number_of(t_k) for t_k in t])
            if problem:
                raise ValueError(f"{formula.__name__} needs {problem}")
            try:
                result = formula(a, t)
            except OverflowError:
                result = math.inf
            if isinstance(result, float) and not math.isfinite(result):
                raise DomainError(f"{formula.__name__} has no finite result at outputs {a} and target {t}")
            return result

        LOSSES[formula.__name__] = loss
        REQUIREMENTS[loss] = requirement
        return loss

    return decorate


def loss_named(loss: str | LossFunction) -> LossFunction:
    """Return the loss with the given name, or the given function itself.

    Raises:
        TypeError: If it is neither a name nor a function.
        ValueError: If no loss has that name.
    """
    if callable(loss):
        return loss
    if not isinstance(loss, str):
        raise TypeError(f"loss must be a name or a function (outputs, target), got {loss!r}")
    if loss not in LOSSES:
        raise unknown_name("loss", loss, LOSSES)
    return LOSSES[loss]


def require_targets(loss: LossFunction, T: FloatArray) -> None:
    """Check that every row of T is a target of the loss, where the loss has requirements.

    Raises:
        ValueError: If a row is not; the message says which.
    """
    requirement = REQUIREMENTS.get(loss)
    if requirement is None:
        return
    for n, row in enumerate(T.tolist()):
        problem = requirement(row)
        if problem:
            raise ValueError(f"{name_of(loss)} needs {problem} (row {n} of the targets)")


def name_of(loss: LossFunction) -> str:
    """Return what a loss is called."""
    return str(getattr(loss, "__name__", type(loss).__name__))


def _paired(loss: str, outputs: Vector, target: Vector) -> tuple[list[Scalar], list[Scalar]]:
    """Return outputs and target as lists of equal length, of Values and finite floats."""
    a, t = _components(loss, "outputs", outputs), _components(loss, "the target", target)
    if not a:
        raise ValueError(f"{loss} needs at least one output, got none")
    if len(a) == len(t):
        return a, t
    if isinstance(target, (int, np.integer)):
        raise TypeError(
            f"{loss} needs a target for each of {len(a)} outputs, got the number {target}; if it is a class, use "
            f"nn.one_hot({target}, {len(a)})"
        )
    raise ValueError(f"{loss} needs as many targets as outputs, got {len(a)} outputs and {len(t)} targets")


def _components(loss: str, what: str, given: Vector) -> list[Scalar]:
    if isinstance(given, np.ndarray):
        if given.ndim > 1:
            raise ValueError(f"{loss} takes one example at a time, got {what} of shape {given.shape}")
        given = np.atleast_1d(given).tolist()
    elif isinstance(given, (Value, int, float, np.integer, np.floating)):
        given = [given]
    elif not isinstance(given, (list, tuple)):
        raise TypeError(f"{loss} needs {what} as a sequence of numbers or Values, got {given!r}")
    return [x if isinstance(x, Value) else finite_float(x, loss) for x in given]


def number_of(x: Scalar) -> float:
    """Return a number, or that of a Value, for a check that decides nothing but whether to raise."""
    return number(x) if isinstance(x, Value) else float(x)
