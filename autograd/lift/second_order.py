"""What optimisers of second order ask of a program: the objective of a vector, products with the Hessian, Jacobians."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from .lifted import Lifted

__all__ = ["Objective", "direction_of", "hessian", "jacobian", "per_example_gradients"]

Array = np.ndarray[Any, Any]


class Differentiable(Protocol):
    """What of a program is used here; `autograd.lift.program.Program` says what each does."""

    flat: Array
    flat_gradient: Array

    @property
    def derived(self) -> Lifted: ...

    def backward(self, /, **batch: Any) -> float: ...

    def hvp(self, vector: Any, /, **batch: Any) -> Array: ...

    def jvp(self, vector: Any, /, **batch: Any) -> dict[str, Array]: ...


class Objective:
    """The loss of a batch as a function of the vector of all parameters, which leaves those of the program alone.

    It is what the optimisers of SciPy take, with `jac=True`, and `hessp=objective.hvp` for those that use curvature.
    """

    def __init__(self, program: Differentiable, batch: Mapping[str, Any]) -> None:
        self._program, self._batch = program, dict(batch)

    def __call__(self, vector: Any) -> tuple[float, Array]:
        """Return the loss and its gradient at a vector, in the order of `flat`.

        Raises:
            ValueError: If the vector has not one finite number for each parameter.
            DomainError: If the engine would raise one there.
        """
        with _At(self._program, vector):
            loss = self._program.backward(**self._batch)
        return loss, self._program.flat_gradient.copy()

    def hvp(self, vector: Any, direction: Any) -> Array:
        """Return the product of the Hessian at a vector with a direction. Raises as a call does."""
        with _At(self._program, vector):
            return self._program.hvp(direction, **self._batch)


class _At:
    """A context in which a program has other parameters."""

    def __init__(self, program: Differentiable, vector: Any) -> None:
        self._flat = program.flat
        self._vector = direction_of("the vector", vector, self._flat.size)
        self._before = self._flat.copy()

    def __enter__(self) -> None:
        self._flat[...] = self._vector

    def __exit__(self, *_: object) -> None:
        self._flat[...] = self._before


def direction_of(name: str, given: Any, count: int) -> Array:
    """Return a vector with a finite number for each parameter.

    Raises:
        TypeError: If it holds something else than real numbers.
        ValueError: If it has another length, or a number is not finite.
    """
    vector = np.asarray(given)
    if vector.dtype.kind not in "biuf":
        raise TypeError(f"{name} needs real numbers, got {type(given).__name__} of dtype {vector.dtype}")
    if vector.shape != (count,):
        raise ValueError(f"{name} needs a number for each of {count} parameters, got shape {vector.shape}")
    if not np.isfinite(vector).all():
        raise ValueError(f"{name} needs finite numbers, got NaN or infinity at {int(np.argmin(np.isfinite(vector)))}")
    return vector.astype(float)


def hessian(program: Differentiable, batch: Mapping[str, Any]) -> Array:
    """Return the Hessian of the loss of a batch, (parameters, parameters), a product for each column."""
    count = program.flat.size
    return np.stack([program.hvp(unit, **batch) for unit in np.eye(count)], axis=1)


def jacobian(program: Differentiable, batch: Mapping[str, Any]) -> dict[str, Array]:
    """Return the derivatives of the outputs by the parameters, (N, k, parameters) by name, a direction for each."""
    columns = [program.jvp(unit, **batch) for unit in np.eye(program.flat.size)]
    return {name: np.stack([column[name] for column in columns], axis=-1) for name in columns[0]} if columns else {}


def per_example_gradients(program: Differentiable, batch: Mapping[str, Any]) -> Array:
    """Return the gradient of the loss of each row, (N, parameters), a backward pass for each."""
    rows = {name: np.atleast_2d(np.asarray(values)) for name, values in batch.items()}
    count = max((len(values) for values in rows.values()), default=1)
    found = []
    for n in range(count):
        program.backward(**{name: values[n : n + 1] for name, values in rows.items()})
        found.append(program.flat_gradient.copy())
    return np.stack(found)
