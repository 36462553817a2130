"""How arrays are handed to a backward pass: by place, by the names of its arguments, or as attributes of its object.

A method finds weights and biases in its object, which afterwards is as it was before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arguments import FloatArray
from .returned import parameter_name

__all__ = ["BY_PLACE", "RATE", "Forward", "Handed", "Handing", "Role", "holds_no_arrays"]

Role = tuple[str, int | None]
"""What an argument stands for: "dW" or "db" and its layer, or None for the list of all; or another thing, and None; or
"width" and the place among the numbers of inputs and neurons."""

RATE = 0.125  # of a step whose size is an argument: a power of two, so that dividing by it does not round


@dataclass(frozen=True, slots=True)
class Handed:
    """The arrays of a network and a batch as a function takes them.

    Attributes:
        weights: One array a layer.
        biases: One array a layer.
        vector: Returns all of both in one new vector.
        X: The inputs.
        T: The targets.
        N: The number of examples.
        widths: The number of inputs and the number of neurons of each layer.
        l2: The coefficient c of the penalty (c/2) Σ‖W‖² beside the loss that is differentiated.
        l2_of_sum: The same times N where that is a mean: what texts call λ.
        columns: Whether an example is a column.
    """

    weights: list[FloatArray]
    biases: list[FloatArray]
    vector: Callable[[], FloatArray]
    X: FloatArray
    T: FloatArray
    N: int
    widths: list[int]
    l2: float
    l2_of_sum: float
    columns: bool

    def parameters(self) -> dict[str, Any]:
        """Return a dictionary of "W1", "b1" and so on."""
        lists = (("W", self.weights), ("b", self.biases))
        return {f"{name}{l}": array for name, arrays in lists for l, array in enumerate(arrays, start=1)}

    def of(self, role: Role) -> Any:
        """Return what stands for a role, if a network and a batch have it: not outputs, nor a rate."""
        what, place = role
        match what:
            case "dW" | "db":
                arrays = self.weights if what == "dW" else self.biases
                return arrays if place is None else arrays[place]
            case "vector":
                return self.vector()
            case "pairs" if self.columns:
                return [(self.X[:, [n]], self.T[:, [n]]) for n in range(self.N)]
            case "pairs":
                return list(zip(self.X, self.T, strict=True))
            case "width":
                return self.widths[place or 0]
        return {"X": self.X, "T": self.T, "N": self.N, "l2": self.l2, "l2_of_sum": self.l2_of_sum}[what]


@dataclass(frozen=True, slots=True)
class Forward:
    """A function that runs before, and leaves what the backward pass takes.

    Attributes:
        function: The function.
        roles: The name of each of its arguments and what it stands for.
        left: The names of the arguments of the backward pass that it leaves.
    """

    function: Callable[..., Any]
    roles: tuple[tuple[str, Role], ...]
    left: tuple[str, ...]

    def results(self, given: Handed, parameters: dict[str, Any]) -> dict[str, Any]:
        """Return what it leaves: its results one by one, or of several the output, an array, and a cache, a container.

        Raises:
            TypeError: If its results are not as many, and not of that kind.
        """
        named = {name: parameters if role[0] == "parameters" else given.of(role) for name, role in self.roles}
        returned = self.function(**named)
        results = list(returned) if isinstance(returned, tuple) else [returned]
        if len(results) != len(self.left):
            last = [part for part in results if isinstance(part, (dict, list, tuple))]
            results = last[-1:] if len(self.left) == 1 else []
        if len(results) != len(self.left):
            raise TypeError(f"{self.function.__name__} must return {', '.join(self.left)}, got {_kinds(returned)}")
        return dict(zip(self.left, results, strict=True))


def _kinds(returned: Any) -> str:
    parts = returned if isinstance(returned, tuple) else (returned,)
    return ", ".join(type(part).__name__ for part in parts)


@dataclass(frozen=True, slots=True)
class Handing:
    """How a function is called.

    Attributes:
        roles: The name of each argument and what it stands for; empty for (weights, biases, X, T).
        takes_biases: Whether biases are handed over.
        owner: The object whose method it is, if that holds the weights.
        held: The attributes of the object and what each stands for.
        forward: The name of the method that is to run before, if there is one.
        rate: The rate of its step, if that is an argument or an attribute.
        before: The function that is to run before, if it is no method.
    """

    roles: tuple[tuple[str, Role], ...] = ()
    takes_biases: bool = True
    owner: Any = None
    held: tuple[tuple[str, Role], ...] = ()
    forward: str = ""
    rate: float | None = None
    before: Forward | None = None

    @property
    def takes_vector(self) -> bool:
        """Whether all parameters are one vector among the arguments."""
        return ("vector", None) in dict(self.roles).values()

    @property
    def takes_rate(self) -> bool:
        """Whether the rate of a step is among the arguments."""
        return any(what == "rate" for _, (what, _) in self.roles)

    @property
    def understood(self) -> str:
        """What was made of names, as a phrase; nothing where the call is the documented one."""
        values = {"l2": " = l2", "l2_of_sum": " = N·l2"}
        names = ", ".join(name + values.get(role[0], "") for name, role in self.roles)
        said = f"called by names as ({names})" if names else ""
        if self.before is not None:
            said += f" after {self.before.function.__name__}({', '.join(name for name, _ in self.before.roles)})"
        if self.held:
            names = ", ".join(name for name, _ in self.held)
            said += f" with {names} in the {type(self.owner).__name__}"
            said += f" after {self.forward}(X)" if self.forward else ""
        return said

    def call(self, function: Callable[..., Any], given: Handed, rate: float | None) -> tuple[Any, dict[str, list[Any]]]:
        """Return what a function returns, and the parameters as it leaves them; those in its object become arrays.

        Raises:
            ValueError: If the parameters are no longer where they were.
        """
        if self.owner is None:
            return self._called(function, given, rate, given.parameters())
        attributes = vars(self.owner)
        before = dict(attributes)
        attributes |= _of_this_size(attributes, given.widths)
        parameters = given.parameters()
        attributes |= {name: parameters if role[0] == "parameters" else given.of(role) for name, role in self.held}
        try:
            return self._called(function, given, rate, parameters)
        finally:
            attributes.clear()
            attributes.update(before)

    def _called(
        self, function: Callable[..., Any], given: Handed, rate: float | None, parameters: dict[str, Any]
    ) -> tuple[Any, dict[str, list[Any]]]:
        if not self.roles:
            arguments: list[Any] = [given.weights, given.biases, given.X, given.T]
            returned = function(*(arguments if self.takes_biases else [given.weights, *arguments[2:]]))
            return returned, {"dW": given.weights, "db": given.biases}
        output = getattr(self.owner, self.forward)(given.X) if self.forward else None
        own = {"parameters": parameters, "rate": RATE if rate is None else rate, "output": output}
        left = self.before.results(given, parameters) if self.before is not None else {}
        others = [(name, role) for name, role in self.roles if name not in left]
        named = {name: own[role[0]] if role[0] in own else given.of(role) for name, role in others}
        returned = function(**named, **left)
        if self.owner is not None and (holds_no_arrays(returned) or returned is self.owner):
            found = {
                name: value for name, value in vars(self.owner).items() if (r := parameter_name(name)) and r.is_marked
            }
            returned = found or returned
        if any(what == "parameters" for _, (what, _) in (*self.roles, *self.held)):
            return returned, {
                "dW": [parameters[f"W{l + 1}"] for l in range(len(given.weights))],
                "db": [parameters[f"b{l + 1}"] for l in range(len(given.biases))],
            }
        return returned, self._left(given)

    def _left(self, given: Handed) -> dict[str, list[Any]]:
        """Return weights and biases as they stand where they were handed over."""
        left: dict[str, list[Any]] = {"dW": given.weights, "db": given.biases}
        for name, (what, layer) in self.held:
            array = getattr(self.owner, name)
            if layer is None:
                left[what] = list(array)
            else:
                left[what] = [array if l == layer else other for l, other in enumerate(left[what])]
        return left


def holds_no_arrays(returned: Any) -> bool:
    """Return whether nothing was returned, or a number, such as the loss beside a step."""
    return returned is None or isinstance(returned, (int, float, np.number))


BY_PLACE = Handing()
"""The call as it is documented."""


def _of_this_size(attributes: Mapping[str, Any], widths: list[int]) -> dict[str, Any]:
    """Return the attributes that list the widths of the network, for one of other widths."""
    return dict(_sizes(attributes, widths))


def _sizes(attributes: Mapping[str, Any], widths: list[int]) -> Iterator[tuple[str, Any]]:
    for name, value in attributes.items():
        alike = isinstance(value, (list, tuple)) and len(value) == len(widths)
        if alike and all(isinstance(size, int) and not isinstance(size, bool) for size in value):
            yield name, type(value)(widths)
