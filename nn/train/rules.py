"""The rules of optimisers: the mathematics of a step, over arrays.

A rule is a frozen record of hyperparameters with

- `init(parameters)`, the state before the first step, a mapping of names to arrays, and
- `update(gradients, state, parameters)`, what to add to the parameters, and the next state.

It keeps nothing between calls and works elementwise on arrays of any shape, so the same rule serves Values, whole
weight matrices and a compiled program. `nn.train.optimizers` binds rules to parameters.

In the formulas θ are the parameters, g the gradients, η the learning rate and λ the weight decay.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from ..arguments import FloatArray

__all__ = ["AdamRule", "AdamWRule", "RMSpropRule", "Rule", "SGDRule", "State", "clipped", "require_max_norm"]

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

    With v the velocity (0 at first) and μ the momentum, a step is

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


@dataclasses.dataclass(frozen=True)
class AdamRule:
    """Adam with the semantics of `torch.optim.Adam`.

    With m and v running means of g and g² (0 at first), t the number of this step, and all operations elementwise:

        g ← g + λ θ,   m ← m + (1 − β₁)(g − m),   v ← β₂ v + (1 − β₂) g²,
        θ ← θ − η / (1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε).

    Attributes:
        learning_rate: η, finite and not negative.
        betas: β₁ and β₂, each at least 0 and less than 1.
        epsilon: ε, finite and not negative.
        weight_decay: λ, finite and not negative; it acts on every parameter, biases too.

    Raises:
        TypeError: If a hyperparameter is not a number, or `betas` not a pair.
        ValueError: If it is outside its range.

    Source: D. P. Kingma and J. Ba, "Adam: A Method for Stochastic Optimization", 2015, algorithm 1.
    """

    learning_rate: float
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        _require_range("learning_rate", self.learning_rate)
        if not isinstance(self.betas, (tuple, list)) or len(self.betas) != 2:
            raise TypeError(f"betas must be a pair of numbers, got {self.betas!r}")
        for k, beta in enumerate(self.betas):
            _require_range(f"betas[{k}]", beta, below=1.0)
        object.__setattr__(self, "betas", tuple(self.betas))
        _require_range("epsilon", self.epsilon)
        _require_range("weight_decay", self.weight_decay)

    def init(self, parameters: FloatArray) -> State:
        """Return the two running means, zeros, and the number of steps taken."""
        return {"mean": np.zeros_like(parameters), "square": np.zeros_like(parameters), "steps": np.array(0.0)}

    def update(self, gradients: FloatArray, state: State, parameters: FloatArray) -> tuple[FloatArray, State]:
        """Return the step, and the running means with this gradient in them."""
        return self._step(gradients + self.weight_decay * parameters if self.weight_decay else gradients, state)

    def _step(self, g: FloatArray, state: State) -> tuple[FloatArray, State]:
        beta1, beta2 = self.betas
        steps = state["steps"] + 1.0
        mean = state["mean"] + (1.0 - beta1) * (g - state["mean"])
        square = beta2 * state["square"] + (1.0 - beta2) * g * g
        size = np.sqrt(square) / np.sqrt(1.0 - beta2**steps) + self.epsilon
        # Where no gradient has come yet and ε is 0, this is 0/0: nothing to step along.
        direction = np.divide(mean, size, out=np.zeros_like(mean), where=size != 0.0)
        step = -self.learning_rate / (1.0 - beta1**steps) * direction
        return step, {"mean": mean, "square": square, "steps": np.asarray(steps)}


@dataclasses.dataclass(frozen=True)
class AdamWRule(AdamRule):
    """Adam with decoupled weight decay, as in `torch.optim.AdamW`.

    The gradient is left alone; the step is Adam's, taken from θ − η λ θ. Weight decay is 0.01 unless given.

    Source: I. Loshchilov and F. Hutter, "Decoupled Weight Decay Regularization", 2019, algorithm 2.
    """

    weight_decay: float = 0.01

    def update(self, gradients: FloatArray, state: State, parameters: FloatArray) -> tuple[FloatArray, State]:
        """Return Adam's step and the decay, and the running means with this gradient in them."""
        step, state = self._step(gradients, state)
        return step - self.learning_rate * self.weight_decay * parameters, state


@dataclasses.dataclass(frozen=True)
class RMSpropRule:
    """RMSprop with the semantics of `torch.optim.RMSprop`.

    With s the running mean of g², u that of g (if centred) and v the velocity, all 0 at first:

        g ← g + λ θ,   s ← α s + (1 − α) g²,   u ← α u + (1 − α) g,
        v ← μ v + g / (√(s − u²) + ε),   θ ← θ − η v,

    where u is 0 unless centred.

    Attributes:
        learning_rate: η, finite and not negative.
        alpha: α, at least 0 and less than 1.
        epsilon: ε, finite and not negative.
        weight_decay: λ, finite and not negative.
        momentum: μ, at least 0 and less than 1.
        centered: Whether to divide by the standard deviation of the gradients instead of their size.

    Raises:
        TypeError: If a hyperparameter is not a number.
        ValueError: If it is outside its range.

    Source: T. Tieleman and G. Hinton, lecture 6.5 of "Neural Networks for Machine Learning", 2012; the centred form:
        A. Graves, "Generating Sequences With Recurrent Neural Networks", 2013, equations 38 to 45.
    """

    learning_rate: float
    alpha: float = 0.99
    epsilon: float = 1e-8
    weight_decay: float = 0.0
    momentum: float = 0.0
    centered: bool = False

    def __post_init__(self) -> None:
        _require_range("learning_rate", self.learning_rate)
        _require_range("alpha", self.alpha, below=1.0)
        _require_range("epsilon", self.epsilon)
        _require_range("weight_decay", self.weight_decay)
        _require_range("momentum", self.momentum, below=1.0)

    def init(self, parameters: FloatArray) -> State:
        """Return the running means and the velocity that are needed, all zeros."""
        names = ["square", *(["mean"] if self.centered else []), *(["velocity"] if self.momentum else [])]
        return {name: np.zeros_like(parameters) for name in names}

    def update(self, gradients: FloatArray, state: State, parameters: FloatArray) -> tuple[FloatArray, State]:
        """Return the step, and the running means with this gradient in them."""
        g = gradients + self.weight_decay * parameters if self.weight_decay else gradients
        square = self.alpha * state["square"] + (1.0 - self.alpha) * g * g
        after, variance = {"square": square}, square
        if self.centered:
            after["mean"] = state["mean"] + (1.0 - self.alpha) * (g - state["mean"])
            variance = np.maximum(square - after["mean"] ** 2, 0.0)  # rounding can leave it below 0
        size = np.sqrt(variance) + self.epsilon
        direction = np.divide(g, size, out=np.zeros_like(g), where=size != 0.0)
        if self.momentum:
            direction = after["velocity"] = self.momentum * state["velocity"] + direction
        return -self.learning_rate * direction, after


def clipped(gradients: ArrayLike, max_norm: float) -> FloatArray:
    """Return gradients whose Euclidean norm is at most `max_norm`, in the same direction.

    The factor is max_norm / (‖g‖ + 1e-6) where that is less than 1, as in `torch.nn.utils.clip_grad_norm_`.

    Args:
        gradients: All gradients together, of any shape.
        max_norm: The largest norm allowed, finite and greater than 0.

    Raises:
        TypeError: If `max_norm` is not a number.
        ValueError: If `max_norm` is not finite and greater than 0.

    Example:
        >>> clipped(np.array([3.0, 4.0]), 10.0)
        array([3., 4.])
        >>> clipped([3e200, 4e200], 1.0).round(6)
        array([0.6, 0.8])
    """
    require_max_norm(max_norm)
    gradients = np.asarray(gradients, dtype=float)
    largest = float(np.abs(gradients).max(initial=0.0))
    if largest == 0.0 or not math.isfinite(largest):
        return gradients  # what is not finite is reported where the step is taken
    norm = largest * float(np.linalg.norm(gradients / largest))  # without squares of large numbers
    factor = max_norm / (norm + 1e-6)
    return gradients if factor >= 1.0 else gradients * factor


def require_max_norm(max_norm: float) -> None:
    """Check that a largest norm is finite and greater than 0.

    Raises:
        TypeError: If it is not a number.
        ValueError: If it is not finite and greater than 0.
    """
    _require_range("max_norm", max_norm)
    if max_norm == 0.0:
        raise ValueError("max_norm must be greater than 0, got 0: no step could be taken")


def _require_range(name: str, number: float, below: float = math.inf) -> None:
    if isinstance(number, (bool, np.bool_)) or not isinstance(number, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name} must be a number, got {number!r} of type {type(number).__name__}")
    if not 0.0 <= number < below:  # also false for NaN
        limit = "finite" if below == math.inf else f"less than {below:g}"
        raise ValueError(f"{name} must be at least 0 and {limit}, got {number!r}")
