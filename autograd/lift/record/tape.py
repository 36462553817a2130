"""What is noted while a function is recorded: comparisons with their outcomes, and what cannot be recorded.

The comparisons in their order, with what they gave, are the path that the function took. For numbers for which they all
come out the same it takes the same path, because all that it reads of its Values goes through here.
"""

from __future__ import annotations

import math
import os
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path
from traceback import walk_tb
from types import FrameType, TracebackType
from typing import Any, NamedTuple, NoReturn

from ... import ops
from ...graph import stored_operands
from ...op import Op, Relation
from ...reading import reading_of
from ...value import Value, made, watched_by

__all__ = ["Guard", "RecordingError", "Tape", "place_in", "place_of_caller"]

_OWN = tuple(str(Path(__file__).parents[3] / package) + os.sep for package in ("autograd", "nn"))
_LIBRARIES = (*_OWN, "<frozen", *(sysconfig.get_path(name) + os.sep for name in ("stdlib", "purelib", "platlib")))


class RecordingError(RuntimeError):
    """A function cannot be compiled, or not for these numbers; the error names the line and what to do."""


class Guard(NamedTuple):
    """A comparison that was made while a function was recorded.

    Attributes:
        relation: "<", "<=", ">", ">=" or "==".
        sides: What was compared: a Value, and a Value or a float.
        outcome: What it gave.
        place: The file and the line that asked.
    """

    relation: Relation
    sides: tuple[Any, Any]
    outcome: bool
    place: str


class Tape:
    """Notes on one call of a function.

    Args:
        inputs: The leaves that are the inputs.
        start: A serial: leaves that existed before the call have smaller ones.

    Attributes:
        comparisons: The comparisons, each once, in the order in which they were first made.
        refusals: The errors for what cannot be recorded, also if the function caught them.
        failures: The lines of the DomainErrors that came meanwhile.
    """

    def __init__(self, inputs: Iterable[Value], start: float) -> None:
        self._inputs = set(inputs)
        self._start = start
        self._fixed: dict[Any, bool] = {}
        self._noted: dict[Any, Guard] = {}
        self.refusals: list[RecordingError] = []
        self.failures: list[str] = []

    @property
    def comparisons(self) -> list[Guard]:
        """The comparisons, each once, in the order in which they were first made."""
        return list(self._noted.values())

    # --- what a Watcher does ---------------------------------------------------------------------

    def read(self, value: Value) -> Value | float:
        """Return the number of a Value as a constant of the graph; that of a literal is the same everywhere."""
        return value._data if value.is_literal else reading_of(value)

    def detached(self, value: Value) -> Value:
        """Return a node through which no gradient flows."""
        node = made(ops.stop_gradient, (_source(value),), value._data)
        node.label = value.label
        return node

    def unrecorded(self, op: Op, operands: tuple[Any, ...], data: float) -> Value:
        """Return the node of an operation under `no_grad`, through which no gradient flows."""
        node = made(op, tuple(map(_source, operands)), data)
        return made(ops.stop_gradient, (node,), data)

    def compared(self, relation: Relation, left: Value, right: Value | float, outcome: bool) -> None:
        """Take note of a comparison and of what it gave."""
        if right.__class__ is float and math.isinf(right):
            return  # every number compares alike with infinity
        sides = (_source(left), _source(right))
        key = (relation, *(side if side.__class__ is float else id(side) for side in sides))
        if key not in self._noted:
            self._noted[key] = Guard(relation, sides, outcome, place_of_caller())

    def written(self, value: Value) -> float:
        """Return the number of a Value for text, likewise; an error message of these packages may show any."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame.f_code.co_name in ("__repr__", "__format__", "_written"):
            frame = frame.f_back
        if frame is not None and frame.f_code.co_filename.startswith(_OWN):
            return value._data
        return self.pinned(value, "text", "return the number as an output, and print that")

    def pinned(
        self, value: Value, use: str, instead: str = "write it with operations of autograd, as in autograd.log(v.data)"
    ) -> float:
        """Return the number of a Value, having noted that the recording holds for this number only."""
        if not self._is_fixed(value):
            self._refuse(
                f"{use} needs the number of {_source(value).describe()}, which depends on a parameter and so is "
                f"another one after every step: {instead}"
            )
        self.compared("==", value, value._data, True)
        return value._data

    def assigned(self, value: Value) -> NoReturn:
        """Refuse an assignment, which would happen once and not for every row."""
        self._refuse(
            f"an assignment to {value.describe()} happens once, when the function is recorded: keep the sum "
            "in a variable, or return it as an output"
        )

    def differentiated(self, value: Value) -> NoReturn:
        """Refuse a reverse pass, whose gradients would be numbers outside the graph."""
        self._refuse(
            f"backward() of {value.describe()} leaves gradients outside the graph: use autograd.grad, which "
            "gives Values"
        )

    def failed(self) -> None:
        """Take note that an operation raised a DomainError in the line that is running."""
        self.failures.append(place_of_caller())

    # --- what it rests on ------------------------------------------------------------------------

    def _refuse(self, what: str) -> NoReturn:
        error = RecordingError(f"{place_of_caller()}: {what}")
        self.refusals.append(error)
        raise error

    def _is_fixed(self, value: Value) -> bool:
        """Whether a Value depends on the inputs and on numbers only, not on a leaf that existed before."""
        with watched_by(None):
            known = self._fixed
            waiting: list[Any] = [value]
            while waiting:
                node = waiting[-1]
                below = (
                    []
                    if node.op is None
                    else [operand for operand in stored_operands(node) if operand.__class__ is not float]
                )
                unknown = [operand for operand in below if operand not in known]
                if unknown:
                    waiting += unknown
                    continue
                waiting.pop()
                if node.op is None:
                    known[node] = node in self._inputs or node.is_literal or node._serial >= self._start
                else:
                    known[node] = all(known[operand] for operand in below)
            return known[value]


def _source(operand: Any) -> Any:
    """Return what a `stop_gradient` was applied to, and the operand itself for anything else."""
    return operand._a if isinstance(operand, Value) and operand.op is ops.stop_gradient else operand


def is_of_a_library(file: str) -> bool:
    """Whether a file belongs to these packages, to Python or to an installed package."""
    return file.startswith(_LIBRARIES)


def place_of_caller() -> str:
    """Return the file and the line that are running, of the innermost code that is nobody's library."""
    frames = []
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        frames.append((frame.f_code.co_filename, frame.f_lineno))
        if not frames[-1][0].startswith(_LIBRARIES):
            return _place(frames[-1])
        frame = frame.f_back
    return _place(next((each for each in frames if not each[0].startswith(_OWN)), frames[0]))


def place_in(traceback: TracebackType | None) -> str:
    """Return the file and the line that an error came through, of the innermost code that is nobody's library."""
    lines = [(frame.f_code.co_filename, line) for frame, line in walk_tb(traceback)][::-1]
    for libraries in (_LIBRARIES, _OWN):
        for line in lines:
            if not line[0].startswith(libraries):
                return _place(line)
    return "an unknown line"


def _place(line: tuple[str, int]) -> str:
    return f"{line[0]}, line {line[1]}"
