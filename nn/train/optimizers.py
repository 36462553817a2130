"""Optimisers: a rule of `nn.train.rules` bound to parameters, with the habits of PyTorch around it."""

from __future__ import annotations

import dataclasses
import inspect
import math
from collections.abc import Iterable, Sequence
from typing import Any, Self

import numpy as np

from autograd import Value
from autograd.value import assign

from ..arguments import FloatArray
from ..habits import KEYWORDS
from .rules import AdamRule, AdamWRule, RMSpropRule, Rule, SGDRule, State

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "RMSprop", "stepped"]


class Optimizer:
    """A rule bound to parameters: `step()` applies it to their `grad`, `zero_grad()` clears them.

    Args:
        parameters: Leaf Values, each once, such as `model.parameters()`.
        rule: How to step.

    Raises:
        TypeError: If something among the parameters is not a Value.
        ValueError: If there are none, one of them comes twice or is not a leaf.
    """

    def __new__(cls, *_: Any, **options: Any) -> Self:
        """Refuse a hyperparameter by the name it has elsewhere, saying the one it has here."""
        known = inspect.signature(cls).parameters
        for name in options:
            if name not in known and KEYWORDS.get(name) in known:
                raise TypeError(f"{cls.__name__} has no argument {name!r}: it is called {KEYWORDS[name]} here")
        return super().__new__(cls)

    def __init__(self, parameters: Iterable[Value], rule: Rule) -> None:
        self.parameters = _distinct_leaves(parameters)
        self.rule = rule
        self.state = rule.init(self._data())

    def step(self) -> None:
        """Change every parameter by one step of the rule, from the gradient in its `grad`.

        Raises:
            FloatingPointError: If a parameter or the state would not be finite afterwards; then nothing has changed.
        """
        self.apply(np.array([parameter.grad for parameter in self.parameters]))

    def apply(self, gradients: FloatArray) -> None:
        """Change every parameter by one step of the rule, from gradients given in the order of `parameters`.

        Raises:
            ValueError: If there is not one gradient per parameter.
            FloatingPointError: If a parameter or the state would not be finite afterwards; then nothing has changed.
        """
        data = self._data()
        if gradients.shape != data.shape:
            raise ValueError(f"apply needs gradients of shape {data.shape}, one per parameter, got {gradients.shape}")
        data, state = stepped(self.rule, self.parameters, gradients, self.state, data)
        assign(self.parameters, data.tolist())
        self.state = state

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step; can be assigned between steps.

        Raises:
            AttributeError: If the rule is one of your own that has none, or none that can be replaced.
        """
        rate: float = getattr(self.rule, "learning_rate")  # noqa: B009  # a rule of your own may have none
        return rate

    @learning_rate.setter
    def learning_rate(self, learning_rate: float) -> None:
        if not dataclasses.is_dataclass(self.rule):
            raise AttributeError(f"{type(self.rule).__name__} is no dataclass with a learning_rate to replace")
        self.rule = dataclasses.replace(self.rule, learning_rate=learning_rate)

    def zero_grad(self) -> None:
        """Set the `grad` of every parameter to 0."""
        for parameter in self.parameters:
            parameter.grad = 0.0

    def _data(self) -> FloatArray:
        return np.array([parameter.data for parameter in self.parameters])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.parameters)} parameters, {self.rule})"


def stepped(
    rule: Rule, parameters: Sequence[Value], gradients: FloatArray, state: State, data: FloatArray
) -> tuple[FloatArray, State]:
    """Return the numbers of parameters and the state of a rule after a step.

    Args:
        rule: How to step.
        parameters: The parameters, which only give their names to an error.
        gradients: An entry for each of them.
        state: The state before.
        data: Their numbers before.

    Raises:
        FloatingPointError: If a parameter or the state would not be finite afterwards.
    """
    with np.errstate(all="ignore"):
        updates, after = rule.update(gradients, state, data)
        numbers = data + updates
        for array in (numbers, *after.values()):
            if not np.vdot(array, array) < math.inf:
                break
        else:
            return numbers, after  # no square is infinite, so no entry is
    finite = np.isfinite(numbers)
    if not finite.all():
        k = int(np.argmin(finite))
        raise FloatingPointError(
            f"a step would set {_name(parameters[k], k)} from {data[k]:.6g} to {numbers[k]} (gradient "
            f"{gradients[k]:.6g}), so no parameter was changed; try a smaller learning rate"
        )
    for name, array in after.items():
        if not np.isfinite(array).all():
            raise FloatingPointError(
                f"a step would make the {name} of {type(rule).__name__} infinite (largest gradient "
                f"{np.abs(gradients).max():.6g}), so no parameter was changed; clip the gradients"
            )
    return numbers, after


class SGD(Optimizer):
    """Stochastic gradient descent; `SGDRule` says what a step does and what the hyperparameters mean.

    Raises:
        TypeError: If a parameter is not a Value or a hyperparameter not a number.
        ValueError: If there are no parameters, one comes twice or is not a leaf, or a hyperparameter is outside its
            range.

    Example:
        >>> w = Value(3.0, label="w")
        >>> optimizer = SGD([w], learning_rate=0.1)
        >>> (w**2).backward()
        >>> optimizer.step()
        >>> w.data
        2.4
    """

    rule: SGDRule

    def __init__(
        self,
        parameters: Iterable[Value],
        learning_rate: float,
        *,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        super().__init__(parameters, SGDRule(learning_rate, momentum, weight_decay, nesterov))


class Adam(Optimizer):
    """Adam; `AdamRule` says what a step does and what the hyperparameters mean.

    Raises:
        TypeError: If a parameter is not a Value or a hyperparameter not a number.
        ValueError: If there are no parameters, one comes twice or is not a leaf, or a hyperparameter is outside its
            range.

    Example:
        >>> w = Value(3.0, label="w")
        >>> optimizer = Adam([w], learning_rate=0.5)
        >>> (w**2).backward()
        >>> optimizer.step()
        >>> round(w.data, 6)
        2.5
    """

    rule: AdamRule

    def __init__(
        self,
        parameters: Iterable[Value],
        learning_rate: float = 0.001,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, AdamRule(learning_rate, betas, epsilon, weight_decay))


class AdamW(Optimizer):
    """Adam with decoupled weight decay; `AdamWRule` says what a step does and what the hyperparameters mean.

    Raises:
        TypeError: If a parameter is not a Value or a hyperparameter not a number.
        ValueError: If there are no parameters, one comes twice or is not a leaf, or a hyperparameter is outside its
            range.
    """

    rule: AdamWRule

    def __init__(
        self,
        parameters: Iterable[Value],
        learning_rate: float = 0.001,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(parameters, AdamWRule(learning_rate, betas, epsilon, weight_decay))


class RMSprop(Optimizer):
    """RMSprop; `RMSpropRule` says what a step does and what the hyperparameters mean.

    Raises:
        TypeError: If a parameter is not a Value or a hyperparameter not a number.
        ValueError: If there are no parameters, one comes twice or is not a leaf, or a hyperparameter is outside its
            range.
    """

    rule: RMSpropRule

    def __init__(
        self,
        parameters: Iterable[Value],
        learning_rate: float = 0.01,
        *,
        alpha: float = 0.99,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
    ) -> None:
        super().__init__(parameters, RMSpropRule(learning_rate, alpha, epsilon, weight_decay, momentum, centered))


def _distinct_leaves(parameters: Iterable[Value]) -> tuple[Value, ...]:
    if not isinstance(parameters, Iterable):
        raise TypeError(
            f"an optimiser needs an iterable of parameters, such as model.parameters(), got {type(parameters).__name__}"
        )
    leaves = tuple(parameters)
    if not leaves:
        raise ValueError("an optimiser needs at least one parameter, got none")
    first: dict[int, int] = {}
    for k, leaf in enumerate(leaves):
        if not isinstance(leaf, Value):
            raise TypeError(f"a parameter must be a Value, got {leaf!r} of type {type(leaf).__name__} at position {k}")
        if leaf.op is not None:
            raise ValueError(f"a parameter must be a leaf, got the result of an operation, {_name(leaf, k)}")
        if first.setdefault(id(leaf), k) != k:
            raise ValueError(
                f"{_name(leaf, k)} is already at position {first[id(leaf)]}: give every parameter once, or it would "
                "step twice"
            )
    return leaves


def _name(parameter: Value, position: int) -> str:
    return f'parameter {position} ("{parameter.label}")' if parameter.label else f"parameter {position}"
