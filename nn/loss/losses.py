"""The losses, each written once, for one example; `nn.loss.loss_table` checks what they are given."""

from __future__ import annotations

from collections.abc import Sequence

from autograd import DomainError, Value, affine, log, logsumexp, ops, relu, softplus, total, where

from .loss_table import LOSSES, Facts, Scalar, Vector, number_of, tabled
from .targets import DISTRIBUTION, PROBABILITIES, SIGNS

__all__ = [
    "LOSSES",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "half_squared_error",
    "hinge_loss",
    "mse_loss",
]


@tabled(Facts(middle=0.5, also_called=("half_squared", "half_mse", "quadratic", "quadratic_cost", "quadratic_loss")))
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


@tabled(Facts(middle=0.5, also_called=("mean_squared_error", "squared_error")))
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


@tabled(Facts(PROBABILITIES, middle=0.5, classifies=True, also_called=("bce",)))
def binary_cross_entropy(outputs: Vector, target: Vector) -> Scalar:
    """Return −Σₖ (tₖ log aₖ + (1 − tₖ) log(1 − aₖ)), summed over the components.

    0 · log 0 counts as 0, so an output may be exactly 0 or 1 where its target is the same. The logarithms of an output
    that `sigmoid` made are those of its weighted input, right also where it is rounded to 0 or 1: the loss is what
    `binary_cross_entropy_with_logits` gives. PyTorch's function of this name takes the mean over the components.

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
        if not (isinstance(a_k, Value) and a_k.op is ops.sigmoid):
            _require_finite_logs(k, number_of(a_k), number_of(t_k))
        terms += _times_log(t_k, a_k) + _times_log(1.0 - t_k, 1.0 - a_k)
    return -_sum(terms)


@tabled(
    Facts(
        PROBABILITIES,
        middle=0.0,
        classifies=True,
        also_called=("bce_with_logits", "sigmoid_cross_entropy"),
    )
)
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


@tabled(
    Facts(
        DISTRIBUTION,
        classifies=True,
        also_called=("softmax_cross_entropy", "ce"),
    )
)
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


@tabled(Facts(SIGNS, off=-1.0, middle=0.0, classifies=True, also_called=("svm", "max_margin")))
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
