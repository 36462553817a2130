"""What the arguments of a backward pass, and the attributes of its object, stand for by their names.

A function of (weights, biases, X, T) is called so. Any other is called by what its arguments are called: `X`, `y`,
`W1`, `b1`, `params`, `lr`, `nn_params`, `mini_batch`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .handing import RATE, Forward, Handing, Role
from .returned import parameter_name

__all__ = ["handing", "is_theta", "with_vector"]

WORDS: dict[Role, str] = {
    ("X", None): "x xs xb x_train x_batch input inputs a0 data features",
    ("T", None): "t ts y ys yb y_train y_batch y_true target targets label labels expected",
    ("pairs", None): "mini_batch minibatch training_data",
    ("parameters", None): "parameters params param",
    ("vector", None): "nn_params initial_nn_params theta_vec theta_vector params_vec params_vector flat flat_params",
    ("rate", None): "learning_rate lr eta alpha rate step_size",
    ("N", None): "m n batch_size n_examples num_examples",
    ("output", None): "output outputs out o y_hat y_pred pred prediction predictions probs a_out al",
    ("l2", None): "reg l2 l2_reg weight_decay",
    ("l2_of_sum", None): "lambda_ lam lamb lambd lmbda lmbd lamda reg_lambda lambda_reg",
    ("width", 0): "input_layer_size input_size n_input n_inputs input_dim n_x",
    ("width", 1): "hidden_layer_size hidden_size n_hidden hidden_dim n_h",
    ("width", -1): "num_labels n_labels output_layer_size output_size n_output n_outputs output_dim num_classes n_y",
}
ROLES = {word.replace("_", ""): role for role, words in WORDS.items() for word in words.split()}
FORWARD = ("forward", "feedforward", "feed_forward", "forward_pass", "forward_propagation", "forward_prop", "predict")
FORWARD_FUNCTIONS = (*FORWARD, "forward_pass", "L_model_forward", "model_forward", "forward_propagate")
WEIGHTS, BIASES, INPUTS, TARGETS = DOCUMENTED = [("dW", None), ("db", None), ("X", None), ("T", None)]
SCALARS = ("l2", "l2_of_sum")


def handing(function: Callable[..., Any], L: int, bias_column: str) -> Handing:
    """Return how a function of a network of L layers is called.

    Raises:
        TypeError: If its arguments are not those that are documented, and their names do not tell what they stand for.
    """
    takes_biases = not bias_column
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return Handing(takes_biases=takes_biases)
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return Handing(takes_biases=takes_biases)
    required = [p for p in parameters if _is_required(p)]
    owner, held = _owner(function, L)
    roles = _with_layers([(p.name, _role(p.name)) for p in required], L)
    found = [role for _, role in roles]
    without_biases = [WEIGHTS, INPUTS, TARGETS]
    if not held and found in (DOCUMENTED, without_biases):
        return Handing(takes_biases=found == DOCUMENTED and takes_biases)
    all_known = len(roles) == len(required) and len(set(found)) == len(found)
    if all_known and _is_enough(found, bool(held)) and (owner is not None or ("output", None) not in found):
        return _by_names(function, parameters, roles, owner, held, takes_biases=takes_biases)
    if owner is None and (before := _before(function, [p.name for p in required], roles, L)) is not None:
        return before
    wanted = DOCUMENTED if takes_biases else without_biases
    by_place = sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)
    in_place = all(_role(p.name) in (None, role) for p, role in zip(required, wanted, strict=False))
    if in_place and 3 <= len(required) <= len(wanted) <= by_place:
        return Handing(takes_biases=takes_biases)
    if len(required) == 3 == by_place:
        return Handing(takes_biases=False)
    unknown = [repr(p.name) for p in required if p.name not in dict(roles)]
    told = f"what {' and '.join(unknown)} stand{'s' * (len(unknown) == 1)} for" if unknown else "weights, X and T"
    raise TypeError(_what_to_write(function, told))


def with_vector(hand_over: Handing, function: Callable[..., Any]) -> Handing | None:
    """Return the call of a function of weights, X and T with one vector for the weights; None of another function."""
    if hand_over.roles:
        changed = [
            (name, ("vector", None) if role in (WEIGHTS, ("parameters", None)) else role)
            for name, role in hand_over.roles
        ]
        return (
            replace(hand_over, roles=tuple(changed), takes_biases=True) if tuple(changed) != hand_over.roles else None
        )
    if hand_over.takes_biases or not is_theta(function):
        return None
    names = list(inspect.signature(function).parameters)[:3]
    roles = tuple(zip(names, (("vector", None), INPUTS, TARGETS), strict=True))
    return replace(hand_over, roles=roles, takes_biases=True)


def is_theta(function: Callable[..., Any]) -> bool:
    """Return whether the names of arguments tell weights that hold the biases."""
    try:
        return any("theta" in name.lower() for name in inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return False


def _is_required(p: inspect.Parameter) -> bool:
    """Return whether an argument is to be given: a penalty that is off by default is, too."""
    role = _role(p.name)
    is_off = p.default is None or (isinstance(p.default, (int, float)) and p.default == 0)
    is_needed = (
        p.default is p.empty or role in (INPUTS, TARGETS) or (role is not None and role[0] in SCALARS and is_off)
    )
    return is_needed and p.kind is not p.VAR_KEYWORD


def _is_enough(found: Sequence[Role], is_held: bool) -> bool:
    """Return whether weights, inputs and targets are among what stands in arguments and object."""
    whats = {what for what, _ in found}
    return bool(is_held or whats & {"dW", "parameters", "vector"}) and ("pairs" in whats or {"X", "T"} <= whats)


def _by_names(
    function: Callable[..., Any],
    parameters: Sequence[inspect.Parameter],
    roles: list[tuple[str, Role]],
    owner: Any,
    held: tuple[tuple[str, Role], ...],
    *,
    takes_biases: bool,
) -> Handing:
    """Return the call by names.

    Raises:
        TypeError: If it needs outputs, which nothing computes.
    """
    forward = next((name for name in FORWARD if owner is not None and callable(getattr(owner, name, None))), "")
    takes_output = ("output", None) in [role for _, role in roles]
    if takes_output and not forward:
        raise TypeError(_what_to_write(function, "the outputs, which no method of its object computes"))
    rates = [p for p in parameters if _role(p.name) == ("rate", None)]
    rate = next((p.default for p in rates if isinstance(p.default, float)), RATE if rates else _rate_of(owner))
    roles = roles + [(p.name, ("rate", None)) for p in rates if p.name not in dict(roles)]
    has = {what for _, (what, _) in (*roles, *held)}
    needs = takes_output or _reads_what_forward_left(function, forward)
    return Handing(
        tuple(roles),
        takes_biases and bool(has & {"db", "parameters", "vector"}),
        owner if held else None,
        held,
        forward if needs else "",
        rate,
    )


def _before(
    function: Callable[..., Any], names: Sequence[str], roles: Sequence[tuple[str, Role]], L: int
) -> Handing | None:
    """Return the call of a function that takes what another one beside it leaves; None if there is none."""
    known = {name: role for name, role in roles if role != ("output", None)}
    if ("T", None) not in known.values():
        return None
    left = tuple(name for name in names if name not in known)
    beside = getattr(function, "neighbours", None) or getattr(inspect.unwrap(function), "__globals__", {})
    for name in FORWARD_FUNCTIONS:
        if not callable(forward := beside.get(name)):
            continue
        required = [p for p in inspect.signature(forward).parameters.values() if _is_required(p)]
        own = _with_layers([(p.name, _role(p.name)) for p in required], L)
        whats = {what for _, (what, _) in own}
        if left and len(own) == len(required) and "X" in whats and whats & {"dW", "parameters"}:
            taken = tuple((each, known.get(each, ("output", None))) for each in names)
            has_biases = bool(whats & {"db", "parameters"})
            return Handing(taken, has_biases, before=Forward(forward, tuple(own), left))
    return None


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
        return ROLES[short]
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
