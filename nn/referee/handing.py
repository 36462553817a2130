"""How arrays are handed to a backward pass: by place, by the names of its arguments, or as attributes of its object.

A function of (weights, biases, X, T) is called so. Any other is called by what its arguments are called: `X`, `y`,
`W1`, `b1`, `params`, `lr`. A method finds weights and biases in its object, which afterwards is as it was before.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arguments import FloatArray
from .returned import parameter_name

__all__ = ["BY_PLACE", "Handed", "Handing", "handing", "holds_no_arrays"]

Role = tuple[str, int | None]
"""What an argument stands for: "dW" or "db" and its layer, as the name counts it, or None; or another thing."""

WORDS = {
    "X": "x xs x_batch input inputs a0 data features",
    "T": "t ts y ys y_batch y_true target targets label labels expected",
    "parameters": "parameters params param",
    "rate": "learning_rate lr eta alpha rate step_size",
    "N": "m n batch_size n_examples num_examples",
    "output": "output outputs out o y_hat y_pred pred prediction predictions probs a_out al",
}
ROLES = {word.replace("_", ""): role for role, words in WORDS.items() for word in words.split()}
FORWARD = ("forward", "feedforward", "feed_forward", "forward_pass", "forward_propagation", "forward_prop", "predict")
RATE = 0.125  # of a step whose size is an argument: a power of two, so that dividing by it does not round


@dataclass(frozen=True, slots=True)
class Handed:
    """The arrays of a network and a batch as a function takes them.

    Attributes:
        weights: One array a layer.
        biases: One array a layer.
        X: The inputs.
        T: The targets.
        N: The number of examples.
        widths: The number of inputs and the number of neurons of each layer.
    """

    weights: list[FloatArray]
    biases: list[FloatArray]
    X: FloatArray
    T: FloatArray
    N: int
    widths: list[int]

    def parameters(self) -> dict[str, Any]:
        """Return a dictionary of "W1", "b1" and so on."""
        lists = (("W", self.weights), ("b", self.biases))
        return {f"{name}{l}": array for name, arrays in lists for l, array in enumerate(arrays, start=1)}

    def of(self, role: Role) -> Any:
        """Return what stands for a role of X, T, N, and of the parameters one by one or as a list."""
        what, layer = role
        if what in ("dW", "db"):
            arrays = self.weights if what == "dW" else self.biases
            return arrays if layer is None else arrays[layer]
        return {"X": self.X, "T": self.T, "N": self.N}[what]


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
    """

    roles: tuple[tuple[str, Role], ...] = ()
    takes_biases: bool = True
    owner: Any = None
    held: tuple[tuple[str, Role], ...] = ()
    forward: str = ""
    rate: float | None = None

    @property
    def takes_rate(self) -> bool:
        """Whether the rate of a step is among the arguments."""
        return any(what == "rate" for _, (what, _) in self.roles)

    @property
    def understood(self) -> str:
        """What was made of names, as a phrase; nothing where the call is the documented one."""
        said = f"called by names as ({', '.join(name for name, _ in self.roles)})" if self.roles else ""
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
        returned = function(**{name: own[role[0]] if role[0] in own else given.of(role) for name, role in self.roles})
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


def handing(function: Callable[..., Any], L: int, bias_column: str) -> Handing:
    """Return how a function of a network of L layers is called.

    Raises:
        TypeError: If its arguments are not those that are documented, and their names do not tell what they stand for.
    """
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return Handing(takes_biases=not bias_column)
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return Handing(takes_biases=not bias_column)
    data = (("X", None), ("T", None))
    required = [
        p for p in parameters if (p.default is p.empty or _role(p.name) in data) and p.kind is not p.VAR_KEYWORD
    ]
    owner, held = _owner(function, L)
    roles = _with_layers([(p.name, _role(p.name)) for p in parameters if p in required], L)
    documented = [("dW", None), ("db", None), ("X", None), ("T", None)]
    wanted = [role for role in documented if role[0] != "db"] if bias_column else documented
    found = [role for _, role in roles]
    without_biases = [documented[0], *documented[2:]]
    if not held and found in (documented, without_biases):
        return Handing(takes_biases=found == documented and not bias_column)
    rates = [p for p in parameters if _role(p.name) == ("rate", None)]
    has_weights = bool(held) or ("parameters", None) in found or any(what == "dW" for what, _ in found)
    all_known = len(roles) == len(required) and len(set(found)) == len(found)
    if all_known and has_weights and {("X", None), ("T", None)} <= set(found):
        forward = next((name for name in FORWARD if owner is not None and callable(getattr(owner, name, None))), "")
        if ("output", None) in found and not forward:
            raise TypeError(_what_to_write(function, "the outputs, which no method of its object computes"))
        rate = next((p.default for p in rates if isinstance(p.default, float)), RATE if rates else _rate_of(owner))
        roles += [(p.name, ("rate", None)) for p in rates if p not in required]
        has = {what for what, _ in found} | {what for _, (what, _) in held}
        takes_biases = not bias_column and bool(has & {"db", "parameters"})
        needs = ("output", None) in found or _reads_what_forward_left(function, forward)
        return Handing(tuple(roles), takes_biases, owner if held else None, held, forward if needs else "", rate)
    by_place = sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)
    in_place = all(_role(p.name) in (None, role) for p, role in zip(required, wanted, strict=False))
    if in_place and len(required) <= len(wanted) <= by_place and len(required) >= 3:
        return Handing(takes_biases=not bias_column)
    if len(required) == 3 == by_place:
        return Handing(takes_biases=False)
    unknown = [p.name for p in required if p.name not in dict(roles)]
    told = f"what {' and '.join(map(repr, unknown))} stands for" if unknown else "weights, X and T"
    raise TypeError(_what_to_write(function, told))


def _what_to_write(function: Callable[..., Any], unknown: str) -> str:
    name = getattr(function, "__qualname__", type(function).__name__)
    return (
        f"{name}{inspect.signature(function)} cannot be called: its arguments do not tell {unknown}. It is called with "
        "(weights, biases, X, T), or by names such as X, y, W1, b1, params, lr; for another one write "
        "check_backprop(lambda weights, biases, X, T: …, …) around it"
    )


def _role(name: str) -> Role | None:
    """Return what an argument or attribute is by its name, with the layer as the name counts it."""
    short = re.sub(r"[\W_]", "", name.lower())
    if short in ROLES:
        return ROLES[short], None
    parameter = parameter_name(name)
    return None if parameter is None or parameter.is_marked else (parameter.what, parameter.layer)


def _with_layers(named: list[tuple[str, Role | None]], L: int) -> list[tuple[str, Role]]:
    """Return the names that stand for something; layers count from 0. Those of a kind that is not whole are left out.

    "W" is the list of all weights.
    """
    found: list[tuple[str, Role]] = []
    for name, role in named:
        if role is None:
            continue
        what, layer = role
        if what in ("dW", "db") and layer is not None:
            layers = sorted(l for _, r in named if r is not None and r[0] == what and (l := r[1]) is not None)
            if layers not in (list(range(1, L + 1)), list(range(L))):
                continue
            layer -= layers[0]
        found.append((name, (what, layer)))
    return found


def _owner(function: Callable[..., Any], L: int) -> tuple[Any, tuple[tuple[str, Role], ...]]:
    """Return the object of a method, and which of its attributes hold weights and biases."""
    owner = getattr(inspect.unwrap(function), "__self__", None)
    if owner is None or isinstance(owner, type) or not hasattr(owner, "__dict__"):
        return None, ()
    named: list[tuple[str, Role | None]] = [
        (name, _role(name)) for name, value in vars(owner).items() if isinstance(value, (list, tuple, np.ndarray))
    ]
    held = [(name, role) for name, role in _with_layers(named, L) if role[0] in ("dW", "db")]
    if any(what == "dW" for _, (what, _) in held):
        return owner, tuple(held)
    for name, value in vars(owner).items():
        if isinstance(value, dict) and _role(name) == ("parameters", None) and {"W1", "b1"} <= set(value):
            return owner, ((name, ("parameters", None)),)
    return owner, ()


def _rate_of(owner: Any) -> float | None:
    for name, value in vars(owner).items() if hasattr(owner, "__dict__") else ():
        if isinstance(value, float) and _role(name) == ("rate", None):
            return value
    return None


def _reads_what_forward_left(function: Callable[..., Any], forward: str) -> bool:
    """Return whether a method of an object with a forward method does not call that itself."""
    code = getattr(getattr(inspect.unwrap(function), "__func__", None), "__code__", None)
    return bool(forward) and code is not None and forward not in code.co_names


def _of_this_size(attributes: Mapping[str, Any], widths: list[int]) -> dict[str, Any]:
    """Return the attributes that list the widths of the network, for one of other widths."""
    return dict(_sizes(attributes, widths))


def _sizes(attributes: Mapping[str, Any], widths: list[int]) -> Iterator[tuple[str, Any]]:
    for name, value in attributes.items():
        alike = isinstance(value, (list, tuple)) and len(value) == len(widths)
        if alike and all(isinstance(size, int) and not isinstance(size, bool) for size in value):
            yield name, type(value)(widths)
