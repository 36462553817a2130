"""One call of a function whose derivative is wanted: fresh variables in the place of its numbers, and what came out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from .graph import Graph, stored_operands
from .linearization import Linearization
from .structure import Structure, taken_apart
from .value import Literal, Value, recording

__all__ = ["Call", "finished", "kind_of", "within_a_transformation"]

_here = threading.local()  # .variables: the variables of the transformations that are running, outermost first


class Call:
    """One call of a function with fresh variables, and what came out."""

    def __init__(
        self, fun: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], argnums: Sequence[int]
    ) -> None:
        self.variables: list[Value] = []
        self.structures: list[Structure] = []
        given: list[Any] = []
        full = list(args)
        for k in argnums:
            entries, structure = taken_apart(args[k], f"argument {k}")
            fresh = [_variable(entry) for entry in entries]
            given.extend(entries)
            self.variables.extend(fresh)
            self.structures.append(structure)
            full[k] = _with_values(structure, fresh)
        with _running(self.variables):
            result = fun(*full, **kwargs)
        self.outputs, self.out = _recorded_outputs(result)
        self.recorded = any(isinstance(entry, Value) for entry in given) or _reaches_outer_variables(self.outputs)

    def gradient(self, *, recorded: bool) -> list[Any]:
        """Return the derivative of the only output in every variable."""
        derivative = Linearization(self.outputs, self.variables, recorded=recorded)
        return derivative.pull([(self.outputs[0], 1.0)], self.variables)

    def require_one_output(self, transformation: str) -> None:
        """Raise a TypeError unless the function returned a single Value, be it in an array of shape ()."""
        if self.out.names != [""]:
            raise TypeError(
                f"{transformation} needs a function that returns one Value, but it returned {len(self.outputs)} in "
                f"{kind_of(self.out)}: sum them, pick one, or use jacobian"
            )

    def primals_out(self) -> Any:
        """Return what the function returned, in numbers unless a graph further out goes on from it."""
        return self.out.filled(finished(self.outputs, self.recorded))

    def filled(self, entries: Sequence[Any], *, recorded: bool) -> list[Any]:
        """Return, for every differentiated argument, its structure with one entry for every variable."""
        entries = finished(entries, recorded)
        trees, start = [], 0
        for structure in self.structures:
            size = sum(structure.sizes)
            trees.append(structure.filled(entries[start : start + size]))
            start += size
        return trees


def within_a_transformation() -> bool:
    """Return whether this thread is inside a function that a transformation is calling."""
    return bool(getattr(_here, "variables", ()))


def _variable(entry: Any) -> Value:
    """Return a new Value to differentiate in; a given Value is multiplied by 1, which makes a node of its own."""
    if isinstance(entry, Value):
        with recording():
            return entry * 1.0
    return Value(entry)


def _with_values(structure: Structure, values: list[Value]) -> Any:
    """Return the structure with Values in it, where an array is an object array even if it is empty."""
    tree = structure.filled(values)
    return tree.astype(object) if isinstance(tree, np.ndarray) else tree


@contextmanager
def _running(variables: list[Value]) -> Iterator[None]:
    outer = getattr(_here, "variables", ())
    _here.variables = (*outer, variables)
    try:
        with recording():
            yield
    finally:
        _here.variables = outer


def _reaches_outer_variables(outputs: list[Value]) -> bool:
    outer = {id(variable) for variables in getattr(_here, "variables", ()) for variable in variables}
    if not outer:
        return False
    return any(id(operand) in outer for node in Graph(outputs).nodes for operand in stored_operands(node)) or any(
        id(output) in outer for output in outputs
    )


def _recorded_outputs(result: Any) -> tuple[list[Value], Structure]:
    outputs, out = taken_apart(result, "the result of the function")
    for output, name in zip(outputs, out.names, strict=True):
        if not isinstance(output, Value):
            raise TypeError(
                f"the function must return Values, but its result{name} is the number {output!r}, without a graph: "
                "np.maximum, np.minimum, np.where and np.clip select instead of recording (use autograd.maximum, "
                "autograd.minimum, autograd.where); if it is meant to be constant, return Value(constant)"
            )
    return outputs, out


def finished(entries: Sequence[Any], recorded: bool) -> list[Any]:
    """Return Values, a literal for a number, if a graph further out goes on from them; numbers otherwise."""
    if recorded:
        return [entry if isinstance(entry, Value) else Literal(float(entry)) for entry in entries]
    return [entry.data if isinstance(entry, Value) else float(entry) for entry in entries]


def kind_of(structure: Structure) -> str:
    """Return what an error message calls a structure."""
    if len(structure.shapes) == 1 and structure.is_array[0]:
        return f"an array of shape {structure.shapes[0]}"
    if structure.names == [""]:
        return "one number"
    return f"entries {', '.join(structure.names[:6])}{', …' if len(structure.names) > 6 else ''}"
