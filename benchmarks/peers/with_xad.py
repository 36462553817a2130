"""XAD: a tape in C++ behind Python numbers."""

from __future__ import annotations

from collections.abc import Iterable

import scalars
from xad import math
from xad.adj_1st import Real, Tape

PACKAGES = ("xad",)

TAPE = Tape()
TAPE.activate()


def leaves(numbers: Iterable[float]) -> list[Real]:
    """Return inputs of a new recording, once the old ones are gone; a Real cannot be assigned."""
    TAPE.clearAll()
    made = [Real(number) for number in numbers]
    TAPE.registerInputs(made)
    TAPE.newRecording()
    return made


def backward(root: Real) -> None:
    """Compute the adjoints."""
    TAPE.registerOutput(root)
    root.derivative = 1.0
    TAPE.computeAdjoints()


TOOL = scalars.Scalars(
    leaves=leaves,
    backward=backward,
    gradient=lambda leaf: leaf.derivative,
    number=lambda leaf: leaf.value,
    relu=lambda x: math.max(x, 0.0),
    tanh=math.tanh,
    sigmoid=lambda x: 1.0 / (1.0 + math.exp(-x)),
)
chains, nodes = scalars.chains(TOOL), scalars.nodes(TOOL)
step_tanh = step_relu = step_digits = scalars.step(TOOL)
