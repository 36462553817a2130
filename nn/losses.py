"""The losses, each written once, for one example.

A loss takes the outputs of a model and a target and returns one number: a Value where an output is a Value, which is
what training differentiates, or a float where all are numbers. Outputs and target are sequences or vectors of equal
length; a single Value or number counts as a sequence of one. The mean over a batch is taken elsewhere (`nn.fit`), once
for all losses.

What a loss requires of a target is checked on its numbers, so a target may consist of Values too.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np

from autograd import DomainError, Value, affine, log, logsumexp, relu, softplus, total, where
from autograd.op import finite_float

from .arguments import FloatArray, unknown_name
from .module import Module
from .targets import Requirement, distribution, probabilities, signs

__all__ = [
    "LOSSES",
    "Loss",
    "LossFunction",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "half_squared_error",
    "hinge_loss",
    "l2_penalty",
    "loss_named",
    "mse_loss",
    "name_of",
    "require_targets",
]

Scalar: TypeAlias = Any
"""A Value or a number."""
Vector: TypeAlias = Any
"""A sequence or a one-dimensional array of Values or numbers, or a single one."""

LossFunction: TypeAlias = Callable[[Vector, Vector], Scalar]
"""What training accepts as a loss: any function of outputs and target."""


class Loss(Protocol):
    """A loss of this module."""

    __name__: str

    def __call__(self, outputs: Vector, target: Vector) -> Scalar:
        """Return the loss of one example."""


LOSSES: dict[str, Loss] = {}
"""The losses by name."""

_REQUIREMENTS: dict[object, Requirement] = {}


def _loss(requirement: Requirement = lambda _target: "") -> Callable[[Loss], Loss]:
    """Return the decorator that checks what a loss is given, and what it returns, and enters it in the table."""

    def decorate(formula: Loss) -> Loss:
        @functools.wraps(formula)
        def loss(outputs: Vector, target: Vector) -> Scalar:
            a, t = _paired(formula.__name__, outputs, target)
            problem = requirement([_number(t_k) for t_k in t])
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
        _REQUIREMENTS[loss] = requirement
        return loss

    return decorate


@_loss()
def half_squared_error(outputs: Vector, target: Vector) -> Scalar:
    """Return ½ Σₖ (aₖ − tₖ)².

    Raises:
        TypeError: If something is neither a number nor a Value.
        ValueError: If there are not as many targets as outputs, or none.

    Source: the cost ½‖a² − t‖² of the post "Backpropagation in Neural Networks" of 7 April 2018.

    Example:
        >>> half_squared_error([3.0, 1.0], [1.0, 0.0])
        2.5
    """
    return 0.5 * _sum([(a_k - t_k) ** 2 for a_k, t_k in zip(outputs, target, strict=True)])


@_loss()
def mse_loss(outputs: Vector, target: Vector) -> Scalar:
    """Return (1/n) Σₖ (aₖ − tₖ)², the mean over the n components of one example.

    Raises:
        TypeError: If something is neither a number nor a Value.
        ValueError: If there are not as many targets as outputs, or none.

    Example:
        >>> mse_loss([3.0, 1.0], [1.0, 0.0])
        2.5
    """
    return _sum([(a_k - t_k) ** 2 for a_k, t_k in zip(outputs, target, strict=True)]) / len(outputs)


@_loss(probabilities)
def binary_cross_entropy(outputs: Vector, target: Vector) -> Scalar:
    """Return −Σₖ (tₖ log aₖ + (1 − tₖ) log(1 − aₖ)), summed over the components.

    0 · log 0 counts as 0, so an output may be exactly 0 or 1 where its target is the same. PyTorch's function of this
    name takes the mean over the components instead.

    Args:
        outputs: Probabilities a, from 0 to 1.
        target: Probabilities t, from 0 to 1.

    Raises:
        TypeError: If something is neither a number nor a Value.
        ValueError: If there are not as many targets as outputs, or none, or a target is not between 0 and 1.
        DomainError: If an output is outside [0, 1], or is 0 or 1 against another target, where the loss is infinite.

    Source: the cost of the lecture "Neural Networks - Backpropagation", ML-15, summed over K outputs.

    Example:
        >>> binary_cross_entropy([0.5, 1.0], [1.0, 1.0])
        0.6931471805599453
    """
    terms = []
    for k, (a_k, t_k) in enumerate(zip(outputs, target, strict=True)):
        _require_finite_logs(k, _number(a_k), _number(t_k))
        terms += _times_log(t_k, a_k) + _times_log(1.0 - t_k, 1.0 - a_k)
    return -_sum(terms)


@_loss(probabilities)
def binary_cross_entropy_with_logits(outputs: Vector, target: Vector) -> Scalar:
    """Return Σₖ (log(1 + e^zₖ) − tₖ zₖ), the binary cross-entropy of a = σ(z), finite for every z.

    PyTorch's function of this name takes the mean over the components instead.

    Args:
        outputs: Logits, which are weighted inputs z: any numbers.
        target: Probabilities t, from 0 to 1.

    Raises:
        TypeError: If something is neither a number nor a Value.
        ValueError: If there are not as many targets as outputs, or none, or a target is not between 0 and 1.

    Example:
        >>> binary_cross_entropy_with_logits([0.0], [1.0])
        0.6931471805599453
    """
    return _sum([softplus(z_k) - z_k * t_k for z_k, t_k in zip(outputs, target, strict=True)])


@_loss(distribution)
def cross_entropy(outputs: Vector, target: Vector) -> Scalar:
    """Return log Σₖ e^zₖ − Σₖ tₖ zₖ, the cross-entropy −Σₖ tₖ log softmax(z)ₖ of a target with sum 1.

    Args:
        outputs: Logits, which are weighted inputs z: any numbers; softmax is part of the loss.
        target: A probability vector t: entries from 0 up, with sum 1. `one_hot` makes one from a class.

    Raises:
        TypeError: If the target is a class, or something is neither a number nor a Value.
        ValueError: If there are not as many targets as outputs, or the target is no probability vector.

    Example:
        >>> cross_entropy([0.0, 0.0], [1.0, 0.0])
        0.6931471805599453
    """
    return logsumexp(outputs) - affine(outputs, target)


@_loss(signs)
def hinge_loss(outputs: Vector, target: Vector) -> Scalar:
    """Return Σₖ max(0, 1 − tₖ yₖ), summed over the components; its derivative at the kink is 0.

    Args:
        outputs: Scores y, any numbers.
        target: −1 or +1 for each.

    Raises:
        TypeError: If something is neither a number nor a Value.
        ValueError: If there are not as many targets as outputs, or none, or a target is neither −1 nor +1.

    Example:
        >>> hinge_loss([0.5, 2.0], [1.0, 1.0])
        0.5
    """
    return _sum([relu(1.0 - y_k * t_k) for y_k, t_k in zip(outputs, target, strict=True)])


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


def l2_penalty(model_or_weights: Module | Iterable[Any], c: float) -> Scalar:
    """Return (c/2) Σ w² over all weights; biases are not penalised.

    Add it once to the mean loss of a batch. Where a text writes (λ/2m) Σ w² for m examples, c is λ/m.

    Args:
        model_or_weights: A model, or weights: Values, numbers, arrays, nested as you like.
        c: The coefficient, finite and not negative.

    Returns:
        A Value for a model or where a weight is a Value, otherwise a float.

    Raises:
        TypeError: If a weight is neither a number nor a Value, or a module does not say which parameters are weights.
        ValueError: If `c` is negative or not finite.

    Example:
        >>> l2_penalty([[1.0, 2.0], [3.0]], c=0.5)
        3.5
    """
    if isinstance(c, bool) or not isinstance(c, (int, float, np.integer, np.floating)):
        raise TypeError(f"l2_penalty needs a number c, got {c!r} of type {type(c).__name__}")
    if not (c >= 0.0 and math.isfinite(c)):
        raise ValueError(f"l2_penalty needs a finite c that is not negative, got {c!r}")
    held = model_or_weights.weight_values() if isinstance(model_or_weights, Module) else model_or_weights
    weights = tuple(_flat(held))
    return 0.5 * float(c) * affine(weights, weights)


def require_targets(loss: LossFunction, T: FloatArray) -> None:
    """Check that every row of T is a target of the loss, where the loss has requirements.

    Raises:
        ValueError: If a row is not; the message says which.
    """
    requirement = _REQUIREMENTS.get(loss)
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


def _number(x: Scalar) -> float:
    return x.data if isinstance(x, Value) else float(x)


def _sum(terms: Sequence[Scalar]) -> Scalar:
    return total(terms) if len(terms) > 1 else terms[0]


def _require_finite_logs(k: int, a: float, t: float) -> None:
    if not 0.0 <= a <= 1.0 or (a == 0.0 and t != 0.0) or (a == 1.0 and t != 1.0):
        raise DomainError(
            "binary_cross_entropy needs outputs between 0 and 1, and 0 or 1 itself only where the target is the same, "
            f"got output {k} = {a!r} with target {t!r}; binary_cross_entropy_with_logits takes the weighted inputs z "
            "instead and cannot saturate"
        )


def _times_log(factor: Scalar, x: Scalar) -> list[Scalar]:
    """Return the summand factor · log x, where 0 · log 0 = 0; nothing for a factor that is the number 0."""
    if isinstance(factor, Value):
        return [factor * log(where(factor, x, 1.0))]
    if factor == 0.0:
        return []
    return [log(x) if factor == 1.0 else factor * log(x)]


def _flat(weights: Any) -> Iterable[Scalar]:
    if isinstance(weights, np.ndarray):
        yield from weights.ravel().tolist()
    elif isinstance(weights, Iterable) and not isinstance(weights, (str, bytes)):
        for item in weights:
            yield from _flat(item)
    else:
        yield weights
