"""From a graph of scalars to a program of matrices.

`lift` takes a graph that was recorded one scalar at a time and derives the matrix form of its forward and its reverse
pass; `compile` does so for a function that returns the loss of one example. The folders, in the order of the
work: `record` (a call of the function becomes a graph), `matrices` (which values form an array, which sums a matrix
product; both passes as statements), `run` (what runs the statements on batches), `write` (their text); and for
equations `language`, `recognise` and `derive`. `neurons_under` reads the canonical form for those who want to point at
the recorded Values.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from .entry import compile, lift
from .record.tape import RecordingError

__all__ = ["Neuron", "Place", "Program", "RecordingError", "compile", "lift", "neurons_under"]

_LATER = {
    "Neuron": ".matrices.neurons",
    "Place": ".matrices.neurons",
    "neurons_under": ".matrices.neurons",
    "Program": ".program",
}

if _TYPE_CHECKING:
    from .matrices.neurons import Neuron, Place, neurons_under
    from .program import Program
else:

    def __getattr__(name: str) -> _Any:
        if name in _LATER:
            return getattr(_import_module(_LATER[name], __name__), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
