"""What a loss is: a function of the outputs of a model and a target, for one example, and the table of those known.

The table holds everything that is said of a loss by its name: the function, what it requires of a target, how classes
are told to it and read from outputs, and what else people call it.

A loss takes outputs and target and returns one number: a Value where an output is a Value, which is what training
differentiates, or a float where all are numbers. Outputs and target are sequences or vectors of equal length; a single
Value or number counts as a sequence of one. The mean over a batch is taken elsewhere (`nn.fit`), once for all losses.

What a loss requires of a target is checked on its numbers, so a target may consist of Values too.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import math
import re
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

import numpy as np

from autograd import DomainError, Value
from autograd.graph import number
from autograd.op import finite_float

from ..arguments import FloatArray, unknown_name
from .targets import ANYTHING, Requirement

__all__ = [
    "LOSSES",
    "Facts",
    "Loss",
    "LossFunction",
    "Scalar",
    "Vector",
    "facts_of",
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

    def __call__(self, outputs: Vector, target: Vector, *, sample_weight: float = 1.0) -> Scalar:
        """Return the loss of one example, times its weight."""


@dataclasses.dataclass(frozen=True)
class Facts:
    """What is known of a loss beside its formula.

    Attributes:
        requirement: What a target must be.
        off: What stands in a target for a class that is not the example's; 1 stands for the one that is.
        middle: The output above which a single output means the second of two classes; None where it means no class.
        classifies: Whether the loss is for classes, so that labels are understood as targets.
        also_called: Other names for the same thing.
    """

    requirement: Requirement = ANYTHING
    off: float = 0.0
    middle: float | None = None
    classifies: bool = False
    also_called: tuple[str, ...] = ()


LOSSES: dict[str, Loss] = {}
"""The losses by name."""

_FACTS: dict[object, Facts] = {}
_OWN = Facts()  # of a loss of somebody's own

_ADVICE = {
    (
        "nll",
        "negative_log_likelihood",
    ): "log-probabilities have no loss here: leave log_softmax out and take loss='cross_entropy', of logits",
    (
        "categorical_cross_entropy",
        "sparse_categorical_cross_entropy",
    ): "take loss='cross_entropy' with output_activation='identity': it contains softmax, and takes classes as targets",
    (
        "log_loss",
        "deviance",
        "logistic_loss",
    ): "take 'cross_entropy' for several classes, 'binary_cross_entropy_with_logits' for one output",
    (
        "mae",
        "l1",
        "mean_absolute_error",
        "absolute_error",
    ): "take a function: loss=lambda y, t: sum(abs(a - b) for a, b in zip(y, t)) / len(t)",
    (
        "sse",
        "sum_squared_error",
        "sum_of_squares",
        "rss",
        "l2",
    ): "'half_squared_error' is half the sum; for the sum take loss=lambda y, t: 2 * nn.half_squared_error(y, t)",
    ("rmse",): "'mse' has its minimum at the same place; a root is no mean over examples",
    ("huber", "smooth_l1"): "take a function of outputs and target, with autograd.where",
    ("kl", "kl_div", "kl_divergence", "kullback_leibler_divergence"): "'cross_entropy' has the same gradient",
}
"""Names that people type for what is not here, with what to do instead."""


def tabled(facts: Facts = _OWN) -> Callable[[Callable[[Any, Any], Scalar]], Loss]:
    """Return the decorator that checks what a loss is given, and what it returns, and enters it in the table."""

    def decorate(formula: Callable[[Any, Any], Scalar]) -> Loss:
        name = formula.__name__

        @functools.wraps(formula)
        def loss(outputs: Vector, target: Vector, *, sample_weight: float = 1.0) -> Scalar:
            a, t = _paired(name, outputs, target)
            problem = facts.requirement.problem([number_of(t_k) for t_k in t])
            if problem:
                raise ValueError(f"{name} needs {problem}")
            try:
                result = formula(a, t)
                if sample_weight.__class__ is not float or sample_weight != 1.0:
                    result = _weight(name, sample_weight) * result
            except OverflowError:
                result = math.inf
            if isinstance(result, float) and not math.isfinite(result):
                raise DomainError(f"{name} has no finite result at outputs {a} and target {t}")
            return result

        vars(loss)["__signature__"] = inspect.signature(loss, follow_wrapped=False)
        LOSSES[name] = loss
        _FACTS[loss] = facts
        return loss

    return decorate


def _weight(name: str, weight: object) -> Scalar:
    if isinstance(weight, Value):
        return weight
    number = finite_float(weight, f"the sample_weight of {name}")
    if number < 0.0:
        raise ValueError(f"{name} needs a sample_weight from 0 up, got {weight!r}")
    return number


def loss_named(loss: str | LossFunction) -> LossFunction:
    """Return the loss with the given name, or the given function itself.

    Other names for the same thing, such as `mse`, are understood. Capitals, blanks, hyphens and underscores do not
    count, and neither does "loss" at the end.

    Raises:
        TypeError: If it is neither a name nor a function.
        ValueError: If no loss has that name.
    """
    if callable(loss):
        return loss
    if not isinstance(loss, str):
        raise TypeError(f"loss must be a name or a function (outputs, target), got {loss!r}")
    plain = _plain(loss)
    for name, function in LOSSES.items():
        if plain in map(_plain, (name, *_FACTS[function].also_called)):
            return function
    for names, advice in _ADVICE.items():
        if plain in map(_plain, names):
            raise ValueError(f"unknown loss {loss!r}: {advice}")
    raise unknown_name("loss", loss, LOSSES)


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]", "", name.lower()).removesuffix("loss")


def facts_of(loss: str | LossFunction) -> Facts:
    """Return what is known of a loss; little of one of your own."""
    return _FACTS.get(LOSSES.get(loss) if isinstance(loss, str) else loss, _OWN)


def require_targets(loss: LossFunction, T: FloatArray) -> None:
    """Check that every row of T is a target of the loss, where the loss has requirements.

    Raises:
        ValueError: If a row is not; the message says which.
    """
    requirement = facts_of(loss).requirement
    for n in np.flatnonzero(~requirement.surely(T)).tolist():
        problem = requirement.problem(T[n].tolist())
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
