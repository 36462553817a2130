"""The two ways in: compiling a function of one example, and lifting a graph that is already recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..value import Value

if TYPE_CHECKING:
    from .program import Program

__all__ = ["compile", "lift"]


def compile(fun: Callable[..., Any], *, parameters: Any = None, reduce: str = "mean") -> Program:
    """Return the program that computes `fun` and its gradient for whole batches.

    It records `fun` at the first call of `value_and_grad`, `backward`, `value` or `losses`, and again for rows whose
    comparisons come out otherwise: every row is computed by the path through `fun` that it takes, up to 64 paths for
    inputs of one shape. What reads a number of a Value, such as `v.data`, is computed again for every row.

    Args:
        fun: Called with a list of Values for each input, by keyword, it returns the loss of one example; or the loss
            and a dict of named outputs. An input of more axes, such as (N, positions, width), comes as nested lists.
            There is one program for each shape of the inputs, so that sequences of any length just work.
        parameters: A module, an iterable of leaves, or a mapping from names to nested lists of leaves; by default the
            leaves that existed before `fun` was recorded.
        reduce: "mean" or "sum": how the losses of a batch are put together.

    Raises:
        TypeError: If `fun` is not a function.
        ValueError: If `reduce` is something else.

    What depends on the graph is raised when it is recorded: a TypeError or ValueError if `fun` returns no loss or the
    parameters are no leaves, a ValueError if nothing reads an argument that it names, and a RecordingError, which is
    a RuntimeError, if what it does cannot be recorded; that one names the line.

    Example:
        >>> w = Value(2.0, "w")
        >>> program = compile(lambda x, t: (w * x[0] - t[0]) ** 2)
        >>> program.value_and_grad(x=[[1.0], [2.0]], t=[[1.0], [5.0]])
        (1.0, {'w': array(-1.)})
    """
    if not callable(fun):
        raise TypeError(f"compile needs a function of one example, got {fun!r}")
    from .program import Program  # here, because most who import this package never compile

    return Program(reduce, fun, _repeatable(parameters))


def lift(
    output: Value, inputs: Mapping[str, Sequence[Value]] | None = None, parameters: Any = None, *, reduce: str = "mean"
) -> Program:
    """Return the matrix program of a graph that is already recorded, also of one that holds a whole batch.

    Args:
        output: The loss.
        inputs: The leaves that are inputs, by name; the program takes arrays with a row for each example.
        parameters: As for `compile`; by default all leaves that are neither inputs nor literals, nor only began a sum,
            as `total = Value(0.0)` does: nameless, zero and added once.
        reduce: "mean" or "sum": how the losses of the rows of a batch are put together.

    Raises:
        TypeError: If `output` is no Value, or `inputs` is no mapping from names to leaves.
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
    from .program import Program
    from .record.given import given_inputs
    from .record.recording import Recording

    parameters = _repeatable(parameters)
    leaves = given_inputs({} if inputs is None else inputs, parameters)
    return Program(reduce, parameters=parameters, recorded=Recording(leaves, output))


def _repeatable(parameters: Any) -> Any:
    """Return what was given as parameters in a form that can be read more than once."""
    return list(parameters) if isinstance(parameters, Iterator) else parameters
