"""The numbers that a program holds of Values: its parameters as one flat vector, and constants that stand in its code.

The Values and the program cannot drift apart. Every assignment to any leaf moves a counter; when it has moved, a call
of the program looks at its own leaves and takes over those that were assigned since it looked last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ...graph import assignments, number
from ...value import Value, assign, assigned_meanwhile
from ..matrices.lifted import Lifted
from ..matrices.parameters import Parameters
from .workspace import aligned

__all__ = ["Held"]

Array = np.ndarray[Any, Any]


class Held:
    """The parameters and constants of one program.

    Attributes:
        places: The parameters' names and places; None before the first path is lifted.
        flat: All parameters as one vector.
        leaves: Their Values; None for a program that was unpickled, or before the first path is lifted.
        seen_at: The counter of assignments when the leaves were last looked at.
    """

    def __init__(self) -> None:
        self.places: Parameters | None = None
        self.flat: Array = np.zeros(0)
        self.leaves: list[Value] | None = None
        self.seen_at = -1
        self._serials: Array = np.zeros(0)  # of the leaves, which get another with every assignment
        self._constants: dict[Value, float] = {}

    def begin(self, derived: Lifted, leaves: Sequence[Value]) -> None:
        """Take the parameters of the first path, and the numbers that their leaves hold."""
        self.places = derived.parameters
        self.flat = aligned(derived.start.shape)
        self.flat[...] = derived.start
        self.leaves = list(leaves)
        self._look()

    def add_constants(self, leaves: Iterable[Value]) -> None:
        """Keep in mind which numbers of leaves that are no parameters stand in the program."""
        self._constants.update((leaf, number(leaf)) for leaf in leaves)

    def changed_constant(self) -> Value | None:
        """Return a leaf that is no parameter and was assigned since its number came into the program."""
        return next((leaf for leaf, old in self._constants.items() if number(leaf) != old), None)

    def forget_constants(self) -> None:
        """Keep none in mind, because no path is left in which one stands."""
        self._constants.clear()

    # --- the leaves' numbers ---------------------------------------------------------------------

    def follow(self) -> None:
        """Take over what was assigned to leaves since they were last looked at, and nothing else."""
        if self.leaves is None or self.places is None:
            return
        before = self._serials
        self._look()
        changed = self._serials != before
        if changed.any():
            self.flat[self.places.position[changed]] = _numbers(self.leaves)[changed]

    def pull(self) -> None:
        """Take over what all leaves hold."""
        leaves, places = self._both()
        self._look()
        self.flat[places.position] = _numbers(leaves)

    def push(self) -> None:
        """Assign the vector to the leaves, all of them or none."""
        leaves, places = self._both()
        numbers = self.flat[places.position]
        _require_finite(numbers)
        assign(leaves, numbers.tolist())
        self._look()

    @contextmanager
    def in_leaves(self) -> Iterator[None]:
        """A context in which the leaves hold what the vector does, for a function that reads them."""
        if self.leaves is None or self.places is None:
            yield
            return
        numbers = self.flat[self.places.position]
        if np.array_equal(numbers, _numbers(self.leaves)):
            yield
            return
        _require_finite(numbers)
        with assigned_meanwhile(self.leaves, numbers.tolist()):
            yield

    def _look(self) -> None:
        self.seen_at = assignments[0]
        self._serials = np.array([leaf._serial for leaf in self.leaves or ()])

    def _both(self) -> tuple[list[Value], Parameters]:
        if self.leaves is None or self.places is None:
            raise RuntimeError("this program was unpickled, so it has arrays and no Values to copy from or to")
        return self.leaves, self.places


def _numbers(leaves: Iterable[Value]) -> Array:
    return np.array([leaf._data for leaf in leaves], dtype=float)


def _require_finite(numbers: Array) -> None:
    if not np.isfinite(numbers).all():
        raise ValueError("the parameters hold NaN or infinity, which a Value cannot")
