"""What optimisers of second order ask of a program: the objective of a vector, products with the Hessian, Jacobians."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..graph import assignments
from .matrices.lifted import Lifted
from .matrices.tangents import curvature, pushforward
from .run.paths import Path
from .run.recorder import Recorder
from .run.workspace import aligned

__all__ = ["Objective", "SecondOrder"]

Array = np.ndarray[Any, Any]


class Objective:
    """The loss of a batch as a function of the vector of all parameters, which leaves those of the program alone.

    It is what the optimisers of SciPy take, with `jac=True`, and `hessp=objective.hvp` for those that use curvature.
    """

    def __init__(self, program: SecondOrder, batch: Mapping[str, Any]) -> None:
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

    def __init__(self, program: SecondOrder, vector: Any) -> None:
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


def hessian(program: SecondOrder, batch: Mapping[str, Any]) -> Array:
    """Return the Hessian of the loss of a batch, (parameters, parameters), a product for each column."""
    count = program.flat.size
    return np.stack([program.hvp(unit, **batch) for unit in np.eye(count)], axis=1)


def jacobian(program: SecondOrder, batch: Mapping[str, Any]) -> dict[str, Array]:
    """Return the derivatives of the outputs by the parameters, (N, k, parameters) by name, a direction for each."""
    columns = [program.jvp(unit, **batch) for unit in np.eye(program.flat.size)]
    return {name: np.stack([column[name] for column in columns], axis=-1) for name in columns[0]} if columns else {}


def per_example_gradients(program: SecondOrder, batch: Mapping[str, Any]) -> Array:
    """Return the gradient of the loss of each row, (N, parameters), a backward pass for each."""
    rows = {name: np.atleast_2d(np.asarray(values)) for name, values in batch.items()}
    count = max((len(values) for values in rows.values()), default=1)
    found = []
    for n in range(count):
        program.backward(**{name: values[n : n + 1] for name, values in rows.items()})
        found.append(program.flat_gradient.copy())
    return np.stack(found)


class SecondOrder:
    """What a program has for optimisers of second order; `autograd.lift.program.Program` is one."""

    flat: Array
    flat_gradient: Array
    _mean: bool
    _local: threading.local
    _recorder: Recorder

    @property
    def derived(self) -> Lifted:
        """What was derived from the graph."""
        raise NotImplementedError

    def backward(self, /, **batch: Any) -> float:
        """Return the loss of a batch and leave its gradient in `flat_gradient`."""
        raise NotImplementedError

    def outputs(self, /, **batch: Any) -> dict[str, Array]:
        """Return the named outputs."""
        raise NotImplementedError

    def value(self, /, **batch: Any) -> float:
        """Return the loss of a batch."""
        raise NotImplementedError

    def objective(self, /, **batch: Any) -> Objective:
        """Return the loss of a batch as a function of the vector of all parameters, in the order of `flat`.

        The function returns the loss and its gradient, as `scipy.optimize.minimize` takes them with `jac=True`, and has
        `hvp(vector, direction)` for `hessp`. It leaves `flat` as it was.

        Example:
            >>> from autograd import Value, compile
            >>> w = Value(2.0, "w")
            >>> objective = compile(lambda x: (w * x[0] - 6.0) ** 2).objective(x=[[1.0], [3.0]])
            >>> objective([2.0])
            (8.0, array([-4.]))
        """
        self._ready(batch)
        return Objective(self, batch)

    def hvp(self, vector: Any, /, **batch: Any) -> Array:
        """Return the product of the Hessian of the loss of a batch with a vector, in the order of `flat`.

        The program for it is derived from the statements of this one by Pearlmutter's operator R, at the first call.
        Where a derivative is no limit, as that of relu at 0, its derivative is 0.

        Raises:
            TypeError: If the vector holds something else than real numbers; and as `value_and_grad` does.
            ValueError: If the vector has not one finite number for each parameter; and as `value_and_grad` does.
            DomainError: As `value_and_grad`.
            RuntimeError: As `value_and_grad`.
        """
        program = self._directional(curvature, vector, batch)
        program.backward(**batch)
        return program.flat_gradient.copy()

    def jvp(self, vector: Any, /, **batch: Any) -> dict[str, Array]:
        """Return the derivatives of the named outputs in the direction of a vector, each (N, k). Raises as `hvp`."""
        return self._directional(pushforward, vector, batch).outputs(**batch)

    def hessian(self, /, **batch: Any) -> Array:
        """Return the Hessian of the loss of a batch, (n, n), for n parameters in the order of `flat`.

        It takes n products `hvp`, so it is for few parameters. Raises as `value_and_grad` does.
        """
        self._ready(batch)
        return hessian(self, batch)

    def jacobian(self, /, **batch: Any) -> dict[str, Array]:
        """Return the derivatives of the named outputs by the n parameters, each (N, k, n).

        It takes n forward passes, so it is for few parameters. Raises as `value_and_grad` does.
        """
        self._ready(batch)
        return jacobian(self, batch)

    def per_example_gradients(self, /, **batch: Any) -> Array:
        """Return the gradient of the loss of each row, (N, n), in the order of `flat`. Raises as `value_and_grad` does.

        Their mean, or their sum with `reduce="sum"`, is the gradient of the batch.
        """
        self._ready(batch)
        kept = self.flat_gradient.copy()
        try:
            return per_example_gradients(self, batch)
        finally:
            self.flat_gradient[...] = kept

    def _ready(self, batch: Mapping[str, Any]) -> None:
        """Have the paths recorded that the rows of a batch take."""
        shapes = self._recorder.shapes
        if not shapes or any(path.derived.guards for paths in shapes.values() for path in paths.all):
            self.value(**batch)

    def _directional(self, derive: Callable[[Lifted], Lifted], vector: Any, batch: Mapping[str, Any]) -> SecondOrder:
        """Return the thread's program for derivatives in a direction, at the parameters and in the direction given."""
        self._ready(batch)
        count = self.flat.size
        direction = direction_of("the vector", vector, count)
        shapes = self._recorder.shapes
        known = [path for paths in shapes.values() for path in paths.all]
        programs: dict[Any, tuple[list[Path], SecondOrder]] = self._local.__dict__.setdefault("directional", {})
        found = programs.get(derive)
        if found is None or found[0] != known:
            restored: Any = self.__reduce__()[0]
            derived = {shape: paths.replaced(derive) for shape, paths in shapes.items()}
            program: SecondOrder = restored(self._mean, derived, [], aligned((2 * count,)), None)
            found = programs[derive] = (known, program)
        held = found[1]._recorder.held
        held.flat[:count], held.flat[count:] = self.flat, direction
        held.seen_at = assignments[0]  # it holds no Values, so it has seen them all
        return found[1]
