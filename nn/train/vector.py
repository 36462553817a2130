"""The parameters of a run as one array, and the moments at which their Values are brought up to date."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from autograd import Value

from ..arguments import FloatArray
from .optimizers import Optimizer, stepped
from .rules import State

__all__ = ["ParameterVector"]


class ParameterVector:
    """The parameters of an optimiser and its state as arrays, in an order that suits whoever computes the gradients.

    Steps change the arrays alone. `show` brings Values and optimiser up to date, `read` takes over what they are. An
    optimiser with an `apply` of its own is called with every step, and finds its Values up to date.

    Args:
        optimizer: The optimiser.
        leaves: Its parameters in the order of the arrays.
        show: What assigns numbers to them.

    Attributes:
        data: The numbers of the parameters.
        state: The state of the optimiser's rule.
    """

    def __init__(self, optimizer: Optimizer, leaves: Sequence[Value], show: Callable[[FloatArray], None]) -> None:
        place = {leaf: k for k, leaf in enumerate(optimizer.parameters)}
        self.optimizer = optimizer
        self.leaves, self._assign = tuple(leaves), show
        self._order = np.array([place[leaf] for leaf in leaves])
        self._back = np.argsort(self._order)
        self._in_order = bool((self._order == np.arange(len(self._order))).all())
        apply = getattr(optimizer, "apply")  # noqa: B009  # may be one of the instance
        self._own_apply = getattr(apply, "__func__", None) is not Optimizer.apply
        self.read()

    def read(self) -> None:
        """Take over the numbers of the Values and the state of the optimiser."""
        self.data: FloatArray = np.array([leaf.data for leaf in self.leaves])
        self.state: State = self._arranged(self.optimizer.state, self._order)
        self._shown = True

    def show(self) -> None:
        """Bring the Values and the optimiser up to date."""
        if not self._shown:
            self._assign(self.data)
            self.optimizer.state = self._arranged(self.state, self._back)
            self._shown = True

    def step(self, gradients: FloatArray) -> None:
        """Take a step of the optimiser.

        Raises:
            FloatingPointError: If a parameter or the state would not be finite afterwards; then nothing has changed.
        """
        if self._own_apply:
            self.show()
            self.optimizer.apply(gradients[self._back])
            self.read()
            return
        self.data, self.state = stepped(self.optimizer.rule, self.leaves, gradients, self.state, self.data)
        self._shown = False

    def _arranged(self, state: Mapping[str, FloatArray], order: NDArray[np.int64]) -> State:
        if self._in_order:
            return dict(state)
        return {name: array[order] if array.shape[:1] == order.shape else array for name, array in state.items()}
