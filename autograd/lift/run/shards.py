"""A program on data that lie in shards, computed wherever a `map` computes: here, in processes, on a cluster.

A task is one shard: it gets the program and the parameters, and returns sums over its rows. They are added up in the
order of the shards, and BLAS runs on one thread within a task, because the bits of a matrix product depend on the
number of its threads. So the bits of loss and gradient depend on how the data are cut, not on who computes what, nor
when.
"""

from __future__ import annotations

import hashlib
import pickle
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from .running import Running

__all__ = ["Map", "Shard", "ShardedProgram", "require_map"]

Array = np.ndarray[Any, Any]
Shard: TypeAlias = Mapping[str, Any] | Callable[[], Mapping[str, Any]]
"""The inputs of some rows by name, or a function without arguments that loads them."""

Map: TypeAlias = Callable[..., Iterable[Any]]
"""Such as `map`, or `map` of a `concurrent.futures.Executor`: results in the order of the arguments."""


class Sums(NamedTuple):
    """What a task returns: sums over the rows of a shard.

    Attributes:
        rows: Their number.
        loss: The sum of their losses.
        gradient: The sum of their gradients, in the order of `Program.flat`; None if it was not asked for.
        outputs: The named outputs of each row, if they were asked for.
    """

    rows: int
    loss: float
    gradient: Array | None
    outputs: Mapping[str, Array]


class Task(NamedTuple):
    """What a task needs: the pickled program with its digest, the parameters, and the shard with its place."""

    program: bytes
    digest: bytes
    flat: Array
    shard: Shard
    place: int
    kind: Literal["value", "backward", "backward_with_outputs"]


def require_map(map: object) -> None:
    """Raise if shards cannot be computed by a `map`.

    Raises:
        ImportError: If threadpoolctl is missing (the extra "cluster").
        TypeError: If it is no function.
    """
    _controller()
    if not callable(map):
        raise TypeError(f"map must be a function such as map or Executor.map, got {map!r}")


class ShardedProgram:
    """The loss and the gradient of a program over all rows of several shards.

    `Program.sharded` makes one. The parameters are those of the program: change `program.flat` between two calls.

    Attributes:
        program: The program. It must have been recorded.
        shards: The shards, in the order in which their sums are added up.

    Raises:
        ImportError: If threadpoolctl is missing.
        TypeError: If a shard is neither a mapping nor a function, or `map` is no function.
        ValueError: If there is no shard.
    """

    def __init__(self, program: Running, shards: Iterable[Shard], map: Map) -> None:
        require_map(map)
        self.program, self._map = program, map
        self.shards: Sequence[Shard] = tuple(shards)
        if not self.shards:
            raise ValueError("a program needs at least one shard, got none")
        for place, shard in enumerate(self.shards):
            if not isinstance(shard, Mapping) and not callable(shard):
                raise TypeError(f"shard {place} must be a dict of arrays or a function that loads one, got {shard!r}")
        self._pickled = pickle.dumps(program)
        self._digest = hashlib.sha256(self._pickled).digest()

    def value(self) -> float:
        """Return the loss over all rows. Raises as `value_and_grad` does."""
        return self._added("value")[0]

    def value_and_grad(self) -> tuple[float, dict[str, Array]]:
        """Return the loss over all rows and its gradient by parameter name, as fresh arrays.

        Raises:
            TypeError: If a shard is no mapping to arrays with a row for each example, or an input is missing.
            ValueError: If shapes do not fit or a number is not finite.
            DomainError: If the engine would raise one. The notes of each error say which shard it was.
        """
        loss, gradient, _ = self._added("backward")
        return loss, {name: view.copy() for name, view in self.program.named(gradient).items()}

    def backward(self) -> float:
        """Return the loss over all rows and leave its gradient in `program.flat_gradient`. Raises as above."""
        loss, self.program.flat_gradient[...], _ = self._added("backward")
        return loss

    def backward_with_outputs(self) -> tuple[float, dict[str, Array]]:
        """Return the loss and the named outputs of all rows, and leave the gradient in `program.flat_gradient`.

        Raises as above.
        """
        loss, self.program.flat_gradient[...], outputs = self._added("backward_with_outputs")
        return loss, {name: np.concatenate([part[name] for part in outputs]) for name in outputs[0]}

    def _added(
        self, kind: Literal["value", "backward", "backward_with_outputs"]
    ) -> tuple[float, Array, list[Mapping[str, Array]]]:
        flat = self.program.flat.copy()
        tasks = [Task(self._pickled, self._digest, flat, shard, place, kind) for place, shard in enumerate(self.shards)]
        outputs = []
        rows, loss, gradient = 0, 0.0, np.zeros_like(flat)
        for sums in self._map(sums_of, tasks):
            rows += sums.rows
            loss += sums.loss
            outputs.append(sums.outputs)
            if sums.gradient is not None:
                gradient += sums.gradient
        if self.program.reduce == "mean":
            return loss / rows, gradient / rows, outputs
        return loss, gradient, outputs


def sums_of(task: Task) -> Sums:
    """Return the sums over the rows of one shard; this is what the `map` calls."""
    try:
        with _controller().limit(limits=1, user_api="blas"):
            shard = task.shard if isinstance(task.shard, Mapping) else task.shard()
            rows = _rows(shard)
            program = _program(task.program, task.digest)
            program.flat[...] = task.flat
            outputs: Mapping[str, Array] = {}
            if task.kind == "backward_with_outputs":
                loss, outputs = program.backward_with_outputs(**shard)
            else:
                loss = program.backward(**shard) if task.kind == "backward" else program.value(**shard)
            times = rows if program.reduce == "mean" else 1
            gradient = None if task.kind == "value" else times * program.flat_gradient
            return Sums(rows, times * loss, gradient, outputs)
    except Exception as error:
        error.add_note(f"in shard {task.place}")
        raise


def _rows(shard: Any) -> int:
    """Return how many rows the arrays of a shard have."""
    if not isinstance(shard, Mapping) or not shard:
        raise TypeError(f"a shard must be a dict of arrays with a row for each example, got {shard!r}")
    counts = {name: np.shape(values)[0] if np.ndim(values) > 1 else 0 for name, values in shard.items()}
    if len(set(counts.values())) > 1 or not all(counts.values()):
        shapes = ", ".join(f"{name} {np.shape(values)}" for name, values in shard.items())
        raise ValueError(f"a shard needs arrays of shape (N, length) with one N, at least 1, got {shapes}")
    return next(iter(counts.values()))


_local = threading.local()


def _program(pickled: bytes, digest: bytes) -> Running:
    """Return this thread's own copy of the program, so that a task that is late cannot change another's parameters."""
    if getattr(_local, "digest", None) != digest:
        _local.program, _local.digest = pickle.loads(pickled), digest
    found: Running = _local.program
    return found


def _controller() -> Any:
    """Return what limits the threads of BLAS; finding the libraries takes long, so it is done once a process."""
    global _found_controller
    if _found_controller is None:
        try:
            from threadpoolctl import ThreadpoolController
        except ImportError as error:
            raise ImportError(
                "data in shards need threadpoolctl, which keeps the bits the same on any number of workers: "
                'pip install threadpoolctl, or the extra "cluster"'
            ) from error
        _found_controller = ThreadpoolController()
    return _found_controller


_found_controller: Any = None
