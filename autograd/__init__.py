"""A scalar reverse-mode autograd engine.

`Value` is the node; every operation of `autograd.ops` is a function here, on numbers, arrays and Values alike.
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from .check import check_gradients
from .collector import spare_graphs
from .explain import Explanation, explain
from .forward import tangent
from .habits import MODULE as _HABITS
from .habits import no_attribute as _no_attribute
from .lift import RecordingError, compile, lift
from .linearization import gradients
from .lookup import lookup
from .op import Domain, DomainError, Kink, Op, Operand
from .ops import (
    abs,
    add,
    arccos,
    arccosh,
    arcsin,
    arcsinh,
    arctan,
    arctan2,
    arctanh,
    cbrt,
    cos,
    cosh,
    digamma,
    div,
    elu,
    erf,
    erfc,
    exp,
    exp2,
    expm1,
    floor,
    gelu,
    hypot,
    indicator,
    leaky_relu,
    lgamma,
    log,
    log1p,
    log2,
    log10,
    log_softmax,
    logaddexp,
    logsumexp,
    maximum,
    mean,
    minimum,
    mod,
    mul,
    neg,
    polygamma,
    pow,
    relu,
    sigmoid,
    sign,
    silu,
    sin,
    sinh,
    softmax,
    softplus,
    sqrt,
    step,
    stop_gradient,
    sub,
    tan,
    tanh,
    total,
    where,
)
from .transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from .value import Value, affine, no_grad, vector

spare_graphs()

__all__ = [
    "Domain",
    "DomainError",
    "Explanation",
    "Kink",
    "Op",
    "Operand",
    "Program",
    "RecordingError",
    "Value",
    "abs",
    "add",
    "affine",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "cbrt",
    "check_gradients",
    "compile",
    "cos",
    "cosh",
    "digamma",
    "div",
    "elu",
    "erf",
    "erfc",
    "exp",
    "exp2",
    "explain",
    "expm1",
    "floor",
    "gelu",
    "grad",
    "gradients",
    "hessian",
    "hvp",
    "hypot",
    "indicator",
    "jacobian",
    "jvp",
    "leaky_relu",
    "lgamma",
    "lift",
    "log",
    "log1p",
    "log2",
    "log10",
    "log_softmax",
    "logaddexp",
    "logsumexp",
    "lookup",
    "maximum",
    "mean",
    "minimum",
    "mod",
    "mul",
    "neg",
    "no_grad",
    "polygamma",
    "pow",
    "relu",
    "sigmoid",
    "sign",
    "silu",
    "sin",
    "sinh",
    "softmax",
    "softplus",
    "sqrt",
    "step",
    "stop_gradient",
    "sub",
    "tan",
    "tangent",
    "tanh",
    "total",
    "value_and_grad",
    "vector",
    "vjp",
    "where",
]

if _TYPE_CHECKING:
    from .lift import Program
else:

    def __getattr__(name: str) -> _Any:
        if name == "Program":  # which brings the whole lift: not for those who never compile
            from .lift import Program

            return Program
        raise _no_attribute("deltagrad's autograd", name, _HABITS, None)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
