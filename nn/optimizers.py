"""Optimisers: rules over arrays, and the habit of PyTorch around them.

A rule is the mathematics alone: a frozen record of hyperparameters with

- `init(parameters)`, the state before the first step, a mapping of names to arrays, and
- `update(gradients, state, parameters)`, what to add to the parameters, and the next state.

It keeps nothing between calls and works elementwise on arrays of any shape, so the same rule serves Values, whole
weight matrices and a compiled program. `Optimizer` binds a rule to parameters and keeps its state.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from typing import Protocol, TypeAlias

import numpy as np

from autograd import Value
from nn.arguments import FloatArray

__all__ = ["SGD", "Optimizer", "Rule", "SGDRule"]

State: TypeAlias = Mapping[str, FloatArray]


class Rule(Protocol):
    """How an optimiser turns gradients into a step; see the description of this module."""

    def init(self, parameters: FloatArray) -> State:
        """Return the state before the first step."""

    def update(self, gradients: FloatArray, state: State, parameters: FloatArray) -> tuple[FloatArray, State]:
        """Return what to add to the parameters, and the next state."""


@dataclasses.dataclass(frozen=True)
class SGDRule:
    """Stochastic gradient descent with the semantics of `torch.optim.SGD`.

    With θ the parameters, g the gradients, v the velocity (0 at first), η the learning rate, μ the momentum and λ the
    weight decay, a step is

        g ← g + λ θ,   v ← μ v + g,   θ ← θ − η v,        with Nesterov's look-ahead θ ← θ − η (g + μ v).

    Weight decay acts on every parameter it is given, biases too, as in PyTorch; `nn.l2_penalty` spares the biases. The
    learning rate multiplies the velocity when it is used, not when it is stored, so a new rate acts at once.

    Attributes:
        learning_rate: η, finite and not negative.
        momentum: μ, at least 0 and less than 1.
        weight_decay: λ, finite and not negative.
        nesterov: Whether to look ahead; needs a positive momentum.

    Raises:
        TypeError: If a hyperparameter is not a number.
        ValueError: If it is outside its range.

    Source: B. T. Polyak, 1964 (momentum); Y. Nesterov, 1983, in the form of I. Sutskever et al., 2013.

    Example:
        >>> import numpy as np
        >>> rule = SGDRule(learning_rate=0.5, momentum=0.9)
        >>> theta = np.array([1.0])
        >>> step, state = rule.update(np.array([2.0]), rule.init(theta), theta)
        >>> step, state
        (array([-1.]), {'velocity': array([2.])})
    """

    learning_rate: float
    momentum: float = 0.0
    weight_decay: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        _require_range("learning_rate", self.learning_rate)
        _require_range("momentum", self.momentum, below=1.0)
        _require_range("weight_decay", self.weight_decay)
        if self.nesterov and self.momentum == 0.0:
            raise ValueError("nesterov needs a momentum greater than 0, got momentum = 0")

    def init(self, parameters: FloatArray) -> State:
        """Return a velocity of zeros, or nothing where there is no momentum."""
        return {"velocity": np.zeros_like(parameters)} if self.momentum else {}

    def update(self, gradients: FloatArray, state: State, parameters: FloatArray) -> tuple[FloatArray, State]:
        """Return −η times the descent direction, and the next velocity."""
        g = gradients + self.weight_decay * parameters if self.weight_decay else gradients
        if not self.momentum:
            return -self.learning_rate * g, {}
        velocity = self.momentum * state["velocity"] + g
        direction = g + self.momentum * velocity if self.nesterov else velocity
        return -self.learning_rate * direction, {"velocity": velocity}


class Optimizer:
    """A rule bound to parameters: `step()` applies it to their `grad`, `zero_grad()` clears them.

    Args:
        parameters: Leaf Values, each once, such as `model.parameters()`.
        rule: How to step.

    Raises:
        TypeError: If something among the parameters is not a Value.
        ValueError: If there are none, one of them comes twice or is not a leaf.
    """

    def __init__(self, parameters: Iterable[Value], rule: Rule) -> None:
        self.parameters = _distinct_leaves(parameters)
        self.rule = rule
        self.state = rule.init(self._data())

    def step(self) -> None:
        """Change every parameter by one step of the rule, from the gradient in its `grad`.

        Raises:
            FloatingPointError: If a parameter would not be finite afterwards; then nothing has changed.
        """
        self.apply(np.array([parameter.grad for parameter in self.parameters]))

    def apply(self, gradients: FloatArray) -> None:
        """Change every parameter by one step of the rule, from gradients given in the order of `parameters`.

        Raises:
            ValueError: If there is not one gradient per parameter.
            FloatingPointError: If a parameter would not be finite afterwards; then nothing has changed.
        """
        data = self._data()
        if gradients.shape != data.shape:
            raise ValueError(f"apply needs gradients of shape {data.shape}, one per parameter, got {gradients.shape}")
        with np.errstate(all="ignore"):
            updates, state = self.rule.update(gradients, self.state, data)
            stepped = data + updates
        finite = np.isfinite(stepped)
        if not finite.all():
            k = int(np.argmin(finite))
            raise FloatingPointError(
                f"a step would set {_name(self.parameters[k], k)} from {data[k]:.6g} to {stepped[k]} (gradient "
                f"{gradients[k]:.6g}), so no parameter was changed; try a smaller learning rate"
            )
        for parameter, number in zip(self.parameters, stepped.tolist(), strict=True):
            parameter.data = number
        self.state = state

    def zero_grad(self) -> None:
        """Set the `grad` of every parameter to 0."""
        for parameter in self.parameters:
            parameter.grad = 0.0

    def _data(self) -> FloatArray:
        return np.array([parameter.data for parameter in self.parameters])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.parameters)} parameters, {self.rule})"


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

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step; can be assigned between steps."""
        return self.rule.learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate: float) -> None:
        self.rule = dataclasses.replace(self.rule, learning_rate=learning_rate)


def _require_range(name: str, number: float, below: float = math.inf) -> None:
    if isinstance(number, (bool, np.bool_)) or not isinstance(number, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name} must be a number, got {number!r} of type {type(number).__name__}")
    if not 0.0 <= number < below:  # also false for NaN
        limit = "finite" if below == math.inf else f"less than {below:g}"
        raise ValueError(f"{name} must be at least 0 and {limit}, got {number!r}")


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
