"""The paths of a function for inputs of one shape, and which rows of a batch take which of them.

A path is a sequence of comparisons with their outcomes, and the program lifted from a row that took it. It computes
every row for which all its comparisons come out so; a row that fits no path has to be recorded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ...graph import Graph, number, stored_operands
from ..matrices.lifted import Lifted
from ..matrices.statement import Statement
from ..record.recording import Recording
from ..record.tape import Guard, RecordingError
from .batch import Batch
from .checked import outcomes

__all__ = ["MOST_PATHS", "Fits", "Path", "Paths", "require_few"]

Array = np.ndarray[Any, Any]
MOST_PATHS = 64
"""How many paths a compiled function may have for inputs of one shape."""


class Path:
    """One way through a function.

    Attributes:
        derived: What was lifted from it; its guards are the comparisons.
        choices: For each comparison its place and what came out.
        outputs: What tells the graph of its outputs apart from others.
        keys: For each comparison a number that is the same where another path makes the same one.
    """

    def __init__(self, derived: Lifted) -> None:
        self.derived = derived
        self.choices: list[tuple[str, Any]] = []
        self.outputs: tuple[int, ...] = ()
        self.keys: list[int] = []
        self._needed: dict[tuple[int, ...], list[Statement]] = {}

    @property
    def taken(self) -> tuple[Any, ...]:
        """What tells it apart from other paths."""
        return tuple(outcome for _, outcome in self.choices)

    @cached_property
    def unguarded(self) -> Lifted:
        """What was lifted without its comparisons, for rows that are known to fit."""
        return self.derived.without_guards() if self.derived.guards else self.derived

    def guards(self, *, outputs_only: bool) -> list[Guard]:
        """Return the comparisons that decide whether a row fits, or those of them for which the outputs' inputs do."""
        return self.derived.output_guards if outputs_only else self.derived.guards

    def needed(self, guards: Sequence[Guard]) -> list[Statement]:
        """Return the statements that some of the comparisons need."""
        key = tuple(map(id, guards))
        if key not in self._needed:
            self._needed[key] = self.derived.forward.needed(side for guard in guards for side in guard.sides)
        return self._needed[key]

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_needed": {}}


class Fits:
    """Which rows of a batch take which path; a comparison that several paths make is made once."""

    def __init__(self, flat: Array, batch: Batch, *, outputs_only: bool = False) -> None:
        self._flat, self._batch, self._outputs_only = flat, batch, outputs_only
        self._found: dict[int, Array] = {}

    def of(self, path: Path) -> Array:
        """Return which rows take a path, (N,)."""
        guards = path.guards(outputs_only=self._outputs_only)
        keys = dict(zip(map(id, path.derived.guards), path.keys, strict=True))
        missing = [guard for guard in guards if keys[id(guard)] not in self._found]
        if missing:
            found = outcomes(path.derived, path.needed(missing), self._flat, self._batch, missing)
            self._found.update(zip([keys[id(guard)] for guard in missing], found, strict=True))
        fit = np.ones(self._batch.examples, dtype=bool)
        for guard in guards:
            fit &= self._found[keys[id(guard)]] == guard.outcome
        return fit


class Paths:
    """The paths known for inputs of one shape, in the order in which they were recorded.

    Attributes:
        all: The paths.
        read: For each input the members that some path reads.
    """

    def __init__(self) -> None:
        self.all: list[Path] = []
        self.read: dict[str, set[int]] = {}
        self._numbers: dict[Any, int] = {}  # of the different nodes that outputs and comparisons are made of

    def __getstate__(self) -> dict[str, Any]:
        return {"all": self.all, "read": self.read, "_numbers": {}}  # a program that was unpickled records no more

    @property
    def first(self) -> Path:
        """The path of the row that was recorded first."""
        return self.all[0]

    def replaced(self, derive: Callable[[Lifted], Lifted]) -> Paths:
        """Return the same paths with something else derived from each."""
        found = Paths()
        found.read = self.read
        for path in self.all:
            other = Path(derive(path.derived))
            other.choices, other.outputs, other.keys = path.choices, path.outputs, path.keys
            found.all.append(other)
        return found

    def known(self, taken: tuple[Any, ...]) -> Path | None:
        """Return the path with these outcomes."""
        return next((path for path in self.all if path.taken == taken), None)

    def add(self, path: Path, recorded: Recording) -> None:
        """Add a path that was lifted from a recording.

        Raises:
            RecordingError: If there are too many.
        """
        path.choices = recorded.choices
        leaves = set(recorded.graph.leaves)
        for name, values in recorded.inputs.items():
            self.read.setdefault(name, set()).update(k for k, leaf in enumerate(values) if leaf in leaves)
        if recorded.compared:
            require_few([recorded], self)
            self._number(path, recorded)
        self.all.append(path)

    def require_read(self, named: Mapping[str, Array], names: Container[str]) -> None:
        """Raise a ValueError if one of some inputs, (N, length), is read by nothing."""
        unread = [name for name in named if name in names and not self.read[name]]
        if unread:
            shapes = ", ".join(f"{name!r} of shape {named[name].shape}" for name in unread)
            raise ValueError(
                f"no operation and no comparison reads the input {shapes}: leave it out of the function's arguments, "
                "or look whether the function reads what it should"
            )

    def require_rows(self, given: Mapping[str, Any]) -> None:
        """Raise a ValueError if N numbers were given as one row of which only the first is read."""
        for name, values in given.items():
            shape = np.shape(values)
            if len(shape) == 1 and shape[0] > 1 and self.read.get(name) == {0}:
                raise ValueError(
                    f"input {name!r} of shape {shape} is one example of {shape[0]} numbers, and the function reads "
                    f"only the first: pass {name}[:, None], of shape ({shape[0]}, 1), for {shape[0]} examples, or "
                    f"{name}[None] for one"
                )

    def split(self, flat: Array, batch: Batch, *, outputs_only: bool) -> tuple[list[tuple[Path, Array]], Array]:
        """Return which rows take which path, by number, and the numbers of those that take none.

        Raises:
            RecordingError: If the outputs of a row depend on a comparison with an input that is not given.
        """
        fits, free = Fits(flat, batch, outputs_only=outputs_only), np.ones(batch.examples, dtype=bool)
        parts: list[tuple[Path, Array]] = []
        for path in self.all:
            fit = fits.of(path) & free
            if fit.any():
                parts.append((path, np.flatnonzero(fit)))
                if outputs_only:
                    self._require_alike(path, fits, fit)
                free &= ~fit
            if not free.any():
                break
        return parts, np.flatnonzero(free)

    def _require_alike(self, path: Path, fits: Fits, rows: Array) -> None:
        """Refuse outputs that another path, which the given inputs cannot tell from this one, computes otherwise."""
        for other in self.all[self.all.index(path) + 1 :]:
            if other.outputs != path.outputs and (fits.of(other) & rows).any():
                undecided = [each for each in path.derived.guards if each not in path.derived.output_guards]
                raise RecordingError(
                    f"which outputs these are depends on the comparison in {undecided[0].place}, which takes an input "
                    "that is not given: pass all inputs"
                )

    def _number(self, path: Path, recorded: Recording) -> None:
        """Give the path numbers that are the same for the same outputs and comparisons, also on another path."""
        known: dict[Any, int] = {}
        numbers = self._numbers

        def numbered(node: Any) -> int:
            if node.__class__ is not float and node in known:
                return known[node]
            return numbers.setdefault(("number", number(node).hex()), len(numbers))

        for name, leaves in recorded.inputs.items():
            known.update((leaf, numbers.setdefault((name, k), len(numbers))) for k, leaf in enumerate(leaves))
        known.update((leaf, numbers.setdefault(leaf, len(numbers))) for leaf in recorded.other_leaves)
        outputs = [value for values in recorded.outputs.values() for value in values]
        sides = [side for each in recorded.compared for side in each.sides]
        for node in Graph([*outputs, *sides]).nodes:
            known[node] = numbers.setdefault((node.op, *map(numbered, stored_operands(node))), len(numbers))
        path.outputs = tuple(map(numbered, outputs))
        path.keys = [
            numbers.setdefault((each.relation, *map(numbered, each.sides)), len(numbers)) for each in recorded.compared
        ]


def require_few(found: Iterable[Recording], paths: Paths) -> None:
    """Refuse more paths than a program may have.

    Args:
        found: Recordings of paths that would be added.
        paths: Those that are known.

    Raises:
        RecordingError: If there are too many; it names the lines that most of them differ in.
    """
    choices = {path.taken: path.choices for path in paths.all} | {each.path: each.choices for each in found}
    if len(choices) <= MOST_PATHS:
        return
    outcomes: dict[str, set[Any]] = {}
    for made in choices.values():
        for place, outcome in made:
            outcomes.setdefault(place, set()).add(outcome)
    often = Counter({place: len(different) for place, different in outcomes.items() if len(different) > 1})
    lines = " and ".join(place for place, _ in often.most_common(3)) or "its comparisons"
    raise RecordingError(
        f"the function takes more than {MOST_PATHS} different paths, by the choices in {lines}: select within the "
        "graph, with autograd.where, maximum, minimum, abs or relu, or work with numbers that take few values"
    )
