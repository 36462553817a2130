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
from .ops import *  # noqa: F403  # every operation is a function of the package
from .ops import __all__ as _operations
from .transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from .value import Value, no_grad, vector
from .value import affine as affine  # type: ignore[assignment]  # records layers; that of `ops` takes them flat

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
    "check_gradients",
    "compile",
    "explain",
    "grad",
    "gradients",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "lift",
    "lookup",
    "no_grad",
    "tangent",
    "value_and_grad",
    "vector",
    "vjp",
    *_operations,
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
