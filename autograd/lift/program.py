"""The program that a graph was lifted to: it runs on batches, and its parameters are arrays."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from ..collector import collector_paused
from ..value import Value, recording
from .equations import equations, latex
from .given import given_parameters
from .lifted import Lifted, lifted
from .named import NamedArrays
from .recording import Recording, two_rows
from .report import report
from .run.batch import Batch, taken
from .run.checked import checked_result
from .run.runner import Kind, runner
from .run.self_check import self_check
from .run.workspace import aligned
from .shards import Map, Shard, ShardedProgram
from .source import source

__all__ = ["Program"]

Array = np.ndarray[Any, Any]
_SIZES = 8  # how many batch sizes a thread keeps buffers for, for each kind of run
_NO_INPUT = (None,)


class Program:
    """The matrix form of a scalar graph, forward and reverse.

    Inputs are arrays with a row for each example, (N, length), or (length,) for a single one. The loss is the mean over
    the rows, or with `reduce="sum"` the sum of what the scalar function gives for each row; so what it adds for every
    example, such as a penalty on the weights, counts once in a mean and N times in a sum.

    Several threads may run one program; buffers and gradients belong to the thread, the parameters to all.

    `compile` and `lift` make programs.

    Raises:
        ValueError: If `reduce` is neither "mean" nor "sum".
    """

    def __init__(
        self,
        reduce: str,
        fun: Callable[..., Any] | None = None,
        parameters: Any = None,
        recorded: Recording | None = None,
    ) -> None:
        if reduce not in ("mean", "sum"):
            raise ValueError(f'reduce must be "mean" or "sum", got {reduce!r}')
        self._mean = reduce == "mean"
        self._fun, self._given = fun, parameters
        self._derived: Lifted | None = None
        self._leaves: list[Value] | None = None
        self._flat: Array = np.zeros(0)
        self._notes: list[str] = []
        self._tracing = threading.RLock()
        self._is_tracing = False
        self._local = threading.local()
        if recorded is not None:
            with recording(), collector_paused():
                self._derive(recorded)

    # --- results ---------------------------------------------------------------------------------

    def value_and_grad(self, /, **batch: Any) -> tuple[float, dict[str, Array]]:
        """Return the loss of a batch and its gradient by parameter name, as fresh arrays.

        Raises:
            TypeError: If an input is missing, unknown, or no array of real numbers.
            ValueError: If a shape is wrong or a number is not finite.
            DomainError: If the engine would raise one; it names the statement and the row.
            RuntimeError: If a comparison comes out differently from when the graph was recorded.
        """
        loss = self.backward(**batch)
        return loss, {name: gradient.copy() for name, gradient in self.gradients.items()}

    def backward(self, /, **batch: Any) -> float:
        """Return the loss of a batch and leave its gradient in `gradients`.

        Raises as `value_and_grad` does; after a DomainError or RuntimeError the gradient is 0, and not half of one.
        """
        try:
            function = self._local.backward[len(next(iter(batch.values()), _NO_INPUT))]
            return function(batch)  # type: ignore[no-any-return]  # a float
        except (AttributeError, LookupError, TypeError, ArithmeticError, ValueError):
            return float(self._run("backward", batch))

    def value(self, /, **batch: Any) -> float:
        """Return the loss of a batch. Raises as `value_and_grad` does."""
        return float(self._run("value", batch))

    def losses(self, /, **batch: Any) -> Array:
        """Return the loss of each row, (N,). Raises as `value_and_grad` does."""
        result: Array = self._run("losses", batch)
        return result

    def outputs(self, /, **batch: Any) -> dict[str, Array]:
        """Return the named outputs, each (N, k). Inputs that they don't depend on may be left out.

        Comparisons that take such an input, as a loss may make them, are not checked here; all others are.
        Raises as `value_and_grad` does; also a RuntimeError if nothing is recorded yet.
        """
        result: dict[str, Array] = self._run("outputs", batch)
        return result

    def sharded(self, shards: Iterable[Shard], *, map: Map = map) -> ShardedProgram:
        """Return this program on data in shards, which may be computed in processes or on other machines.

        Loss and gradient are those of all rows together, and their bits do not depend on who computes what: the sums of
        the shards are added up in the order of the shards.

        Args:
            shards: The data, cut: for each shard a dict of arrays (N, length) by input, or a function that loads one,
                which must be picklable where `map` needs that. A function that is called again for each step may keep
                what it has loaded, by `functools.cache`.
            map: What calls a function for each shard and gives the results in order: `map`, `Executor.map` of
                `concurrent.futures`, of mpi4py, or of Dask's `client.get_executor()`.

        Raises:
            ImportError: If threadpoolctl is missing (the extra "cluster").
            TypeError: If a shard is neither a mapping nor a function, or `map` is none.
            ValueError: If there is no shard.
            RuntimeError: If nothing is recorded yet: call the program with a few rows first.

        Example:
            >>> from autograd import Value
            >>> w = Value(2.0, "w")
            >>> program = Program("mean", lambda x: (w * x[0]) ** 2, {"w": w})
            >>> _ = program.value(x=[[1.0]])
            >>> program.sharded([{"x": [[1.0], [2.0]]}, {"x": [[4.0]]}]).value_and_grad()
            (28.0, {'w': array(28.)})
        """
        return ShardedProgram(self, shards, map)

    # --- parameters ------------------------------------------------------------------------------

    @property
    def reduce(self) -> str:
        """How the losses of a batch are put together: "mean" or "sum"."""
        return "mean" if self._mean else "sum"

    @property
    def derived(self) -> Lifted:
        """What was derived from the graph: blocks, statements, places.

        Raises:
            RuntimeError: If nothing is recorded yet; everything below that reads it raises likewise.
        """
        if self._derived is None:
            raise RuntimeError(
                "nothing is recorded yet: call value_and_grad, backward, value or losses with a batch first"
            )
        return self._derived

    @property
    def flat(self) -> Array:
        """All parameters as one vector, which may be changed in place."""
        self.derived  # noqa: B018  # raises if there are none yet
        return self._flat

    @flat.setter
    def flat(self, numbers: Any) -> None:
        flat = self.flat
        if numbers is not flat:  # as it is after `program.flat -= step`
            flat[...] = numbers

    @property
    def flat_gradient(self) -> Array:
        """The gradient that this thread's latest `backward` left, in the order of `flat`."""
        gradient = getattr(self._local, "gradient", None)
        if gradient is None:
            gradient = self._local.gradient = aligned((self.derived.parameters.flat.size,))
        return gradient

    @flat_gradient.setter
    def flat_gradient(self, numbers: Any) -> None:
        gradient = self.flat_gradient
        if numbers is not gradient:
            gradient[...] = numbers

    @property
    def parameters(self) -> NamedArrays:
        """The parameters by name, views of `flat`; assignment checks the shape and copies."""
        return NamedArrays(self._views(self.flat))

    @property
    def gradients(self) -> Mapping[str, Array]:
        """The gradients by name, views of `flat_gradient`."""
        found = getattr(self._local, "gradients", None)
        if found is None:
            found = self._local.gradients = self._views(self.flat_gradient)
        return found

    def _views(self, flat: Array) -> dict[str, Array]:
        return {each.name: each.view(flat) for each in self.derived.parameters.all}

    def named(self, vector: Any) -> dict[str, Array]:
        """Return views of a vector that has the order of `flat`, by parameter name."""
        return self._views(np.asarray(vector))

    def pull(self) -> None:
        """Copy the data of the Values that are the parameters into `flat`.

        Raises:
            RuntimeError: If the program was unpickled, and so has no Values.
        """
        self.flat[self.derived.parameters.position] = [leaf.data for leaf in self._values()]

    def push(self) -> None:
        """Assign `flat` to the Values that are the parameters.

        Raises:
            ValueError: If a number is not finite; then no Value has changed.
            RuntimeError: If the program was unpickled, and so has no Values.
        """
        leaves = self._values()
        numbers = self.flat[self.derived.parameters.position]
        if not np.isfinite(numbers).all():
            raise ValueError("the parameters hold NaN or infinity, which a Value cannot")
        for leaf, number in zip(leaves, numbers.tolist(), strict=True):
            leaf.data = number

    def _values(self) -> list[Value]:
        self.derived  # noqa: B018  # raises if there are none yet
        if self._leaves is None:
            raise RuntimeError("this program was unpickled, so it has arrays and no Values to copy from or to")
        return self._leaves

    # --- text ------------------------------------------------------------------------------------

    @property
    def source(self) -> str:
        """The text of a module with `value_and_grad(parameters, **inputs)`, which needs NumPy alone.

        All its arrays are float64, and it changes none of them. It raises a ValueError for rows where a comparison that
        the recording relied on comes out otherwise. An input whose name the text needs for itself, such as N, or that
        Python reserves has an underscore behind it; the order of the inputs is that of the recording.

        Raises:
            TypeError: If an operation of the user's own has no NumPy text, or one that does not define it.
        """
        return source(self.derived, mean=self._mean)

    def report(self) -> str:
        """Return in words what was recognised in the graph, and what was not and why."""
        return report(self.derived, self._notes)

    def equations(self, notation: str = "superscript") -> str:
        """Return the equations of the forward and the backward pass as Unicode text, in the documents' notation.

        They are for one example; what a batch does is said below them. An adjoint of a weighted input is simplified by
        exact algebra: the sigmoid and its cross-entropy give δ = a − y because the division leaves no remainder. A form
        is taken only if it has fewer operations and no larger rounding error at saturated activations.

        Args:
            notation: "superscript" (z², W², δ²), "theta" (Θ⁽²⁾ with a bias column, z⁽³⁾, δ⁽³⁾, g), "epsilon" (W⁽²⁾,
                z⁽³⁾, ε⁽³⁾), "prime" (w², a′⁽²⁾ ⊙ …) or "parentheses" (w², ((w²)ᵀδ²) ⊙ …).

        Raises:
            TypeError: If the notation is no string.
            ValueError: If there is no notation of that name.
            RuntimeError: If nothing is recorded yet.
        """
        return equations(self.derived, notation, mean=self._mean)

    def latex(self, notation: str = "superscript") -> str:
        """Return the same equations for LaTeX with amsmath: an `align*` for each pass, and sentences below.

        Takes and raises what `equations` does.
        """
        return latex(self.derived, notation, mean=self._mean)

    # --- running ---------------------------------------------------------------------------------

    def _run(self, kind: Kind, given: Mapping[str, Any]) -> Any:
        if self._derived is None:
            self._record(kind, given)
        derived = self.derived
        batch = taken(derived, given, outputs_only=kind == "outputs")
        function = self._function(kind, batch.examples)
        try:
            return function(batch.named)
        except (ArithmeticError, ValueError):
            return checked_result(derived, self._flat, self._gradient(kind), batch, kind, mean=self._mean)

    def _gradient(self, kind: Kind) -> Array:
        return self.flat_gradient if kind == "backward" else np.zeros(0)

    def _function(self, kind: Kind, examples: int) -> Callable[..., Any]:
        functions: dict[int, Callable[..., Any]] = self._local.__dict__.setdefault(kind, {})
        found = functions.get(examples)
        if found is None:
            found, _ = runner(self.derived, self._flat, self._gradient(kind), examples, kind, mean=self._mean)
            if len(functions) >= _SIZES:
                functions.pop(next(iter(functions)))
            functions[examples] = found
        return found

    def _record(self, kind: Kind, given: Mapping[str, Any]) -> None:
        if self._fun is None or kind == "outputs":  # which may be called without some inputs
            return
        with self._tracing, recording(), collector_paused():
            if self._is_tracing:
                raise RuntimeError("the function runs the program that is being compiled from it: call the function")
            if self._derived is not None:
                return
            self._is_tracing = True
            try:
                batch = Batch.of(given)
                self._derive(two_rows(self._fun, batch.named))
                self.derived.keep_sums(batch.named)
            finally:
                self._is_tracing = False

    def _derive(self, recorded: Recording) -> None:
        """Take over what is derived from a recording, after comparing it with the engine."""
        given = self._given
        leaves, named = (recorded.other_leaves, None) if given is None else given_parameters(given)
        derived = lifted(recorded, leaves, named)
        note = self_check(derived, recorded, leaves)
        if note:
            self._notes.append(note)
        self._leaves = leaves
        self._flat = aligned(derived.start.shape)
        self._flat[...] = derived.start
        self._derived = derived

    def __getstate__(self) -> dict[str, Any]:
        return {
            "derived": self.derived,
            "flat": self._flat,
            "mean": self._mean,
            "notes": self._notes,
        }

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__init__("mean" if state["mean"] else "sum")  # type: ignore[misc]  # sets up what is not pickled
        self._derived, self._flat, self._notes = state["derived"], state["flat"], state["notes"]
