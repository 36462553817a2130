"""From a graph of scalars to a program of matrices.

`lift` takes a graph that was recorded one scalar at a time and derives the matrix form of its forward and its reverse
pass; `compile` does so for a function that returns the loss of one example. The passes, in order: `canonical` (the same
sums whichever way they were written), `groups` and `terms` (which values form an array, which sums a matrix product),
`parameters` (names and places), `forward` and `adjoint` (the two programs as statements over `expression`), and then
what runs them (`run`) or shows them (`source`, `report`, `equations`). `neurons_under` reads the canonical form for
those who want to point at the recorded Values.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from .entry import compile, lift
from .tape import RecordingError

__all__ = ["Neuron", "Place", "Program", "RecordingError", "compile", "lift", "neurons_under"]

_LATER = {"Neuron": ".neurons", "Place": ".neurons", "neurons_under": ".neurons", "Program": ".program"}

if _TYPE_CHECKING:
    from .neurons import Neuron, Place, neurons_under
    from .program import Program
else:

    def __getattr__(name: str) -> _Any:
        if name in _LATER:
            return getattr(_import_module(_LATER[name], __name__), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
