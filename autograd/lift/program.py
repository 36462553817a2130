"""The program that a graph was lifted to: it runs on batches, and its parameters are arrays."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..collector import collector_paused
from ..value import Value
from .equations import equations, latex
from .lifted import Lifted, lifted
from .named import NamedArrays
from .parameters import given_parameters
from .recording import Recording, two_rows
from .report import report
from .run.batch import Batch, taken
from .run.checked import checked_result
from .run.runner import Kind, runner
from .run.self_check import self_check
from .run.workspace import aligned
from .source import source

__all__ = ["Program", "compile", "lift"]

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

    def __init__(self, reduce: str, fun: Callable[..., Any] | None = None, parameters: Any = None) -> None:
        if reduce not in ("mean", "sum"):
            raise ValueError(f'reduce must be "mean" or "sum", got {reduce!r}')
        self._mean = reduce == "mean"
        self._fun, self._given = fun, parameters
        self._derived: Lifted | None = None
        self._leaves: list[Value] | None = None
        self._flat: Array = np.zeros(0)
        self._notes: list[str] = []
        self._tracing = threading.Lock()
        self._local = threading.local()

    # --- results ---------------------------------------------------------------------------------

    def value_and_grad(self, **batch: Any) -> tuple[float, dict[str, Array]]:
        """Return the loss of a batch and its gradient by parameter name, as fresh arrays.

        Raises:
            TypeError: If an input is missing, unknown, or no array of real numbers.
            ValueError: If a shape is wrong or a number is not finite.
            DomainError: If the engine would raise one; it names the statement and the row.
            RuntimeError: If a comparison comes out differently from when the graph was recorded.
        """
        loss = self.backward(**batch)
        return loss, {name: gradient.copy() for name, gradient in self.gradients.items()}

    def backward(self, **batch: Any) -> float:
        """Return the loss of a batch and leave its gradient in `gradients`. Raises as `value_and_grad` does."""
        try:
            function = self._local.backward[len(next(iter(batch.values()), _NO_INPUT))]
            return function(batch)  # type: ignore[no-any-return]  # a float
        except (AttributeError, LookupError, TypeError, ArithmeticError, ValueError):
            return float(self._run("backward", batch))

    def value(self, **batch: Any) -> float:
        """Return the loss of a batch. Raises as `value_and_grad` does."""
        return float(self._run("value", batch))

    def losses(self, **batch: Any) -> Array:
        """Return the loss of each row, (N,). Raises as `value_and_grad` does."""
        result: Array = self._run("losses", batch)
        return result

    def outputs(self, **batch: Any) -> dict[str, Array]:
        """Return the named outputs, each (N, k). Inputs that they don't depend on may be left out.

        Raises as `value_and_grad` does; also a RuntimeError if nothing is recorded yet.
        """
        result: dict[str, Array] = self._run("outputs", batch)
        return result

    # --- parameters ------------------------------------------------------------------------------

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

        Raises:
            TypeError: If an operation of the user's own has no NumPy text.
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
        flat = self._flat
        function = self._function(kind, batch.examples)
        try:
            return function(batch.named)
        except (ArithmeticError, ValueError):
            gradient = self.flat_gradient if kind == "backward" else np.zeros(0)
            return checked_result(derived, flat, gradient, batch, kind, mean=self._mean)

    def _function(self, kind: Kind, examples: int) -> Callable[..., Any]:
        functions: dict[int, Callable[..., Any]] | None = getattr(self._local, kind, None)
        if functions is None:
            functions = {}
            setattr(self._local, kind, functions)
        found = functions.get(examples)
        if found is None:
            gradient = self.flat_gradient if kind == "backward" else np.zeros(0)
            found, _ = runner(self.derived, self._flat, gradient, examples, kind, mean=self._mean)
            if len(functions) >= _SIZES:
                functions.pop(next(iter(functions)))
            functions[examples] = found
        return found

    def _record(self, kind: Kind, given: Mapping[str, Any]) -> None:
        if self._fun is None or kind == "outputs":
            raise RuntimeError(
                "nothing is recorded yet: call value_and_grad, backward, value or losses with a batch first"
            )
        with self._tracing, collector_paused():
            if self._derived is not None:
                return
            batch = Batch.of(given)
            self._derive(two_rows(self._fun, batch.named))
            self.derived.keep_sums(batch.named)

    def _derive(self, recording: Recording) -> None:
        """Take over what is derived from a recording, after comparing it with the engine."""
        given = self._given
        leaves, named = (recording.other_leaves, None) if given is None else given_parameters(given)
        derived = lifted(recording, leaves, named)
        note = self_check(derived, recording, leaves)
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


def compile(fun: Callable[..., Any], *, parameters: Any = None, reduce: str = "mean") -> Program:
    """Return the program that computes `fun` and its gradient for whole batches.

    It records `fun` at the first call of `value_and_grad`, `backward`, `value` or `losses`.

    Args:
        fun: Called with a list of Values for each input, by keyword, it returns the loss of one example; or the loss
            and a dict of named outputs.
        parameters: A module, an iterable of leaves, or a mapping from names to nested lists of leaves; by default the
            leaves that existed before `fun` was recorded.
        reduce: "mean" or "sum": how the losses of a batch are put together.

    Raises:
        TypeError: If `fun` is not a function.
        ValueError: If `reduce` is something else.

    What depends on the graph is raised when it is recorded: a TypeError or ValueError if `fun` returns no loss or the
    parameters are no leaves, a RuntimeError if it does not record the same graph for two rows.

    Example:
        >>> w = Value(2.0, "w")
        >>> program = compile(lambda x, t: (w * x[0] - t[0]) ** 2)
        >>> program.value_and_grad(x=[[1.0], [2.0]], t=[[1.0], [5.0]])
        (1.0, {'w': array(-1.)})
    """
    if not callable(fun):
        raise TypeError(f"compile needs a function of one example, got {fun!r}")
    return Program(reduce, fun, parameters)


def lift(
    output: Value, inputs: Mapping[str, Sequence[Value]] | None = None, parameters: Any = None, *, reduce: str = "mean"
) -> Program:
    """Return the matrix program of a graph that is already recorded, also of one that holds a whole batch.

    Args:
        output: The loss.
        inputs: The leaves that are inputs, by name; the program takes arrays with a row for each example.
        parameters: As for `compile`; by default all leaves that are neither inputs nor literals.
        reduce: "mean" or "sum": how the losses of the rows of a batch are put together.

    Raises:
        TypeError: If `output` is no Value, or an input is no leaf.
        ValueError: If a leaf is in two places, or `reduce` is something else.

    Example:
        >>> from autograd import affine
        >>> w, x = [Value(2.0, "w[0]"), Value(-1.0, "w[1]")], [Value(3.0), Value(4.0)]
        >>> program = lift(affine(w, x) ** 2, {"x": x})
        >>> program.value_and_grad(x=[[3.0, 4.0], [1.0, 0.0]])
        (4.0, {'w': array([8., 8.])})
    """
    if not isinstance(output, Value):
        raise TypeError(f"lift needs a Value, got {output!r}")
    program = Program(reduce, parameters=parameters)
    with collector_paused():
        program._derive(Recording(_checked_inputs(inputs or {}, parameters), output))
    return program


def _checked_inputs(inputs: Mapping[str, Sequence[Value]], parameters: Any) -> dict[str, list[Value]]:
    seen = set() if parameters is None else set(given_parameters(parameters)[0])
    found = {}
    for name, leaves in inputs.items():
        if not isinstance(name, str) or not name.isidentifier():
            raise TypeError(f"an input's name must be an identifier, got {name!r}")
        found[name] = list(leaves)
        for leaf in found[name]:
            if not isinstance(leaf, Value) or not leaf.is_leaf or leaf.is_literal:
                raise TypeError(f"input {name!r} must be a sequence of leaf Values, got {leaf!r} in it")
            if leaf in seen:
                raise ValueError(f"{leaf.describe()} occurs twice among the inputs and parameters")
            seen.add(leaf)
    return found
