"""What to write here for what other libraries call otherwise.

Each table maps a name that people bring along to advice, the end of the sentence "… has no attribute 'item': …".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

__all__ = ["MODULE", "VALUE", "answered", "no_attribute"]

_NUMBER = "v.data is the number"
_ONE_NUMBER = "a Value is one number; np.array([v, …]) of Values has shapes, rows and products"
_ON_THE_CPU = "a Value is a Python float on the CPU, so leave it out"
_INTERIOR = "every node keeps its adjoint in `grad` after backward()"

VALUE: Mapping[str, str] = {
    **dict.fromkeys(("item", "value", "tolist", "numpy"), _NUMBER),
    **dict.fromkeys(("requires_grad", "requires_grad_"), "every Value gets a gradient and no number does; "
                    "autograd.no_grad() records nothing, v.detach() is a leaf of its own"),
    **dict.fromkeys(("shape", "dtype", "ndim", "size", "T", "reshape", "view", "matmul", "mm", "dot"), _ONE_NUMBER),
    **dict.fromkeys(("cpu", "cuda", "to", "device", "double", "float"), _ON_THE_CPU),
    **dict.fromkeys(("retain_grad", "register_hook"), _INTERIOR),
    **dict.fromkeys(("grad_fn", "_op"), "v.op is the operation that made it, v.operands what it was applied to"),
    **dict.fromkeys(("_prev", "children", "parents"), "v.operands are the Values it was computed from"),
    "zero_grad": "write v.grad = 0.0, or model.zero_grad() for all parameters of a model",
    "clone": "v.detach() is a leaf with the same data; v * 1.0 is a node of the graph",
    "copy": "v.detach() is a leaf with the same data; v * 1.0 is a node of the graph",
    "sum": "autograd.total([v, …]) is the sum of a sequence",
    "mean": "autograd.mean([v, …]) is the mean of a sequence",
    "softmax": "autograd.softmax([v, …]) takes a sequence",
    "log_softmax": "autograd.log_softmax([v, …]) takes a sequence",
    "ln": "the natural logarithm is v.log()",
    "square": "write v**2",
    "pow": "write v**y",
    "forward": "a Value is computed when it is written down; there is nothing to run again",
    **dict.fromkeys(("clip", "clamp"), "write autograd.minimum(autograd.maximum(v, low), high)"),
    **dict.fromkeys(("add", "sub", "mul", "div"), "write + - * / between Values and numbers"),
}  # fmt: skip
"""Of a Value."""

MODULE: Mapping[str, str] = {
    "numpy": "NumPy's own functions work on object arrays of Values: import numpy as np (autograd.numpy is of the "
    "library `autograd` by HIPS, whose import name this package shares)",
    "elementwise_grad": "autograd.grad differentiates a function of one number or of a list",
    "Variable": "it is autograd.Value",
    "Tensor": "the node is autograd.Value, one number; np.array of Values has shapes",
    "backward": "it is a method: v.backward()",
    "sum": "it is autograd.total(sequence)",
    "ln": "it is autograd.log",
    "Function": "an operation of your own is an autograd.Op",
    "enable_grad": "recording is on unless autograd.no_grad() is open",
    "jacrev": "it is autograd.jacobian",
    "vmap": "autograd.compile runs a function of one example on batches",
    "jit": "autograd.compile makes a program of a function",
    "clip": "write autograd.minimum(autograd.maximum(v, low), high)",
    **{short: f"it is autograd.{name}" for short, name in {
        "asin": "arcsin", "acos": "arccos", "atan": "arctan", "atan2": "arctan2", "asinh": "arcsinh",
        "acosh": "arccosh", "atanh": "arctanh", "max": "maximum", "min": "minimum", "remainder": "mod",
        "gammaln": "lgamma", "psi": "digamma", "sgn": "sign", "swish": "silu",
        "heaviside": "step", "detach": "stop_gradient"}.items()},
}  # fmt: skip
"""Of the package `autograd`."""


class _Elsewhere:
    """An attribute of other libraries' classes: reading it raises the error that says what to write here."""

    __slots__ = ("instead", "name", "owner")

    def __init__(self, owner: str, name: str, instead: Mapping[str, str]) -> None:
        self.owner, self.name, self.instead = owner, name, instead

    def __get__(self, instance: object, kind: type) -> NoReturn:
        raise no_attribute(self.owner or kind.__name__, self.name, self.instead, instance)


def answered(kind: type, instead: Mapping[str, str], owner: str = "") -> None:
    """Let a class answer the names of a table with their advice.

    A `__getattr__` would do, but with one CPython no longer caches where a class keeps its attributes, which made a
    reverse pass take twice as long.

    Args:
        kind: The class; an instance, or a subclass, may still have an attribute of such a name.
        instead: The table.
        owner: What an error calls an instance; by default by the name of its class.
    """
    for name in instead:
        setattr(kind, name, _Elsewhere(owner, name, instead))


def no_attribute(owner: str, name: str, instead: Mapping[str, str], obj: object) -> AttributeError:
    """Return the error for an attribute that does not exist, with advice if it is one of another library."""
    advice = f": {instead[name]}" if name in instead else ""
    return AttributeError(f"{owner} has no attribute {name!r}{advice}", name=name, obj=obj)
