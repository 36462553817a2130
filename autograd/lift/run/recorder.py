"""From a function to the paths of a program: what is recorded when, and what the paths share.

Paths are recorded when rows come that take them. There is a set of paths for each shape of the inputs; all of them
have the same parameters in the same places of one flat vector.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from ...collector import collector_paused
from ...graph import serial
from ...op import DomainError, errors_noticed
from ...value import Value, no_grad, recording, watched_by
from ..matrices.lifted import Lifted, lifted
from ..record.accumulators import accumulators
from ..record.given import given_parameters
from ..record.randomness import Randomness
from ..record.recording import Recording, example, record
from ..record.tape import RecordingError, place_of_caller
from ..record.verification import verified
from .batch import Batch, shape_of_row, taken
from .checked import check_guards, checked_result
from .held import Held
from .paths import MOST_PATHS, Fits, Path, Paths, require_few
from .self_check import self_check

__all__ = ["Recorder"]

Array = np.ndarray[Any, Any]
Shape = tuple[tuple[str, tuple[int, ...]], ...]
_PROBED = (4, 16)  # numbers of paths at which more rows are looked at, so as not to lift many for nothing
_SCANNED = 64  # rows of the first batch in which parameters are looked for


class Recorder:
    """A function with what has been recorded and lifted of it.

    Args:
        fun: The function of one example; None if there is none, and so nothing can be recorded any more.
        given: What the caller gave as parameters.

    Attributes:
        shapes: The paths for inputs of each shape, the first that was recorded first.
        held: The numbers of Values that all of them share.
        notes: Sentences for the report.
    """

    def __init__(self, fun: Callable[..., Any] | None = None, given: Any = None) -> None:
        self.fun, self._given = fun, given
        self.shapes: dict[Shape, Paths] = {}
        self.held = Held()
        self.notes: list[str] = []
        self.lock = threading.RLock()
        self._is_recording = False

    @property
    def first(self) -> Path:
        """The path that was recorded first.

        Raises:
            RuntimeError: If there is none yet.
        """
        if not self.shapes:
            raise RuntimeError(
                "nothing is recorded yet: call value_and_grad, backward, value or losses with a batch first"
            )
        return next(iter(self.shapes.values())).first

    # --- which paths -----------------------------------------------------------------------------

    def paths(self, given: Mapping[str, Any], *, outputs_only: bool) -> tuple[Paths, Batch]:
        """Return the paths for inputs of the shape that is given, of which there is at least one, and the batch.

        Raises:
            TypeError: If an input is missing, unknown, or no array of real numbers.
            ValueError: If a shape is wrong or a number is not finite.
            Exception: What `record` raises.
        """
        known = self._known(given, outputs_only=outputs_only)
        if known is not None:
            batch = taken(known.first.derived, given, outputs_only=outputs_only)
        else:
            batch = Batch.of(given)
            with self.lock:
                known = self._known(given, outputs_only=outputs_only) or self._new_shape(batch)
        if batch.examples == 1 and self.fun is not None:
            known.require_rows(given)
        return known, batch

    def _known(self, given: Mapping[str, Any], *, outputs_only: bool) -> Paths | None:
        if not self.shapes:
            if self.fun is None or outputs_only:  # some inputs may be missing
                self.first  # noqa: B018  # raises
            return None
        first = next(iter(self.shapes.values()))
        try:
            rows = {name: shape_of_row(values) for name, values in given.items()}
        except (ValueError, IndexError):
            return first  # by which the arguments are found wrong
        for shape, paths in self.shapes.items():
            if all(rows.get(name, of_row) == of_row for name, of_row in shape):
                return paths
        may_be_new = self.fun is not None and not outputs_only and given.keys() == first.first.derived.inputs.keys()
        return None if may_be_new else first

    def split(self, paths: Paths, batch: Batch, *, outputs_only: bool) -> list[tuple[Path, Array]]:
        """Return which rows take which path, by number, having recorded those that took none.

        Raises:
            RecordingError: If a row takes a path that cannot be recorded.
        """
        parts, rest = paths.split(self.held.flat, batch, outputs_only=outputs_only)
        while len(rest):
            if outputs_only or self.fun is None:
                unfit = batch.part(rest)
                check_guards(paths.first.derived, self.held.flat, unfit, paths.first.guards(outputs_only=outputs_only))
            path = self._record(paths, batch, rest)
            fit = Fits(self.held.flat, batch.part(rest)).of(path)
            fit[0] = True  # the function has decided, where rounding might say otherwise
            parts.append((path, rest[fit]))
            rest = rest[~fit]
        merged: dict[Path, list[Array]] = {}
        for path, rows in parts:
            merged.setdefault(path, []).append(rows)
        return [(path, np.sort(np.concatenate(rows))) for path, rows in merged.items()]

    def require_raised(self, path: Path, batch: Batch) -> None:
        """Raise a RecordingError if a function handles an error that the program of a path raises for some rows."""
        if self.fun is None:
            return
        try:
            checked_result(path.unguarded, self.held.flat, np.zeros(0), batch, "losses", mean=True)
        except DomainError as error:
            lines: list[str] = []
            noticed = errors_noticed(lambda: lines.append(place_of_caller()))
            with no_grad(), watched_by(None), noticed, self.held.in_leaves():
                for row in range(batch.examples):
                    try:
                        _read(self.fun(**example(batch.row(row))))
                    except Exception:  # it does raise, which is what the program says too
                        return
            raise RecordingError(
                f"{', '.join(dict.fromkeys(lines)) or 'the function'}: {error}; the function handles this error, and "
                "no comparison says for which rows: test the operands instead, as in `if x > 0`"
            ) from None

    # --- recording -------------------------------------------------------------------------------

    def take(self, recorded: Recording) -> None:
        """Lift a graph that is recorded already."""
        with recording(), watched_by(None), collector_paused():
            paths = Paths()
            paths.add(Path(self._lifted(recorded, Batch({}, 1), np.arange(1))), recorded)
            self.shapes[tuple((name, (len(values),)) for name, values in recorded.inputs.items())] = paths

    def follow(self) -> bool:
        """Take over what was assigned to leaves; return whether the paths had to be given up for it.

        Raises:
            RuntimeError: If a number that stands in a lifted graph was assigned, and there is no function to record.
        """
        with self.lock:
            changed = self.held.changed_constant()
            if changed is not None:
                if self.fun is None:
                    raise RuntimeError(
                        f"{changed.describe()} was assigned, and is no parameter of this program: lift the graph "
                        "again, or make it a parameter"
                    )
                self.shapes.clear()
                self.held.forget_constants()
            self.held.follow()
            return changed is not None

    def _new_shape(self, batch: Batch) -> Paths:
        paths = Paths()
        known = next(iter(self.shapes.values()), None)
        try:
            path = self._record(paths, batch, np.arange(batch.examples))
        except (RecordingError, ArithmeticError):
            raise
        except (ValueError, TypeError, LookupError) as error:
            if known is not None:
                taken(known.first.derived, batch.named, outputs_only=False, because=error)
            for name, shape in batch.axes.items():
                raise ValueError(
                    f"input {name!r} has rows of shape {shape}, so the function gets nested lists, and raises: {error}"
                ) from error
            raise
        if not path.choices:
            paths.require_read(batch.named, _needed_arguments(self.fun))
        path.derived.keep_sums(batch.named)
        self.shapes[tuple((name, rows.shape) for name, rows in batch.row(0).items())] = paths
        return paths

    def _record(self, paths: Paths, batch: Batch, rest: Array) -> Path:
        """Return the path that the first of some rows takes: a new one, unless rounding has kept a known one apart."""
        fun = self.fun
        if fun is None:
            raise RuntimeError("this program has no function to record")
        with self.lock, recording(), watched_by(None), collector_paused(), self.held.in_leaves():
            if self._is_recording:
                raise RuntimeError("the function runs the program that is being compiled from it: call the function")
            self._is_recording = True
            randomness = Randomness(fun)
            try:
                return self._path(fun, paths, batch, rest, randomness)
            except BaseException:
                randomness.restore()  # so that whoever calls the function instead draws what it would have drawn
                raise
            finally:
                self._is_recording = False

    def _path(self, fun: Callable[..., Any], paths: Paths, batch: Batch, rest: Array, randomness: Randomness) -> Path:
        if paths.all and (known := paths.known(record(fun, batch.row(rest[0])).path)) is not None:
            return known
        if len(paths.all) in _PROBED:
            require_few([record(fun, batch.row(row)) for row in rest[: 2 * MOST_PATHS]], paths)
        recorded = verified(fun, batch.row(rest[0]), _others(batch, rest), randomness)
        path = Path(self._lifted(recorded, batch, rest))
        paths.add(path, recorded)
        return path

    def _lifted(self, recorded: Recording, batch: Batch, rest: Array) -> Lifted:
        """Return what is derived from a recording, after comparing it with the engine."""
        held, named = self.held, None
        if held.leaves is not None:
            leaves = held.leaves
        elif self._given is not None:
            leaves, named = given_parameters(self._given)
        elif self.fun is None:
            leaves = self._trainable(recorded)
        else:
            leaves = _found_leaves(self.fun, recorded, batch, rest)
        mine = set(leaves)
        others = [leaf for leaf in recorded.other_leaves if leaf not in mine]
        if others and self._given is None and self.fun is not None:
            raise RecordingError(
                f"{others[0].describe()} is used only on a path that came after it was settled what the parameters "
                "are: name them, as in compile(fun, parameters=[…])"
            )
        derived = lifted(recorded, leaves, named, held.places)
        note = self_check(derived, recorded, leaves)
        if note and note not in self.notes:
            self.notes.append(note)
        if held.places is None:
            held.begin(derived, leaves)
        held.add_constants(others)
        return derived

    def _trainable(self, recorded: Recording) -> list[Value]:
        """Return the leaves of a graph that was recorded before, without those that only began a sum."""
        leaves = recorded.other_leaves
        sums = set(accumulators(recorded.loss, recorded.graph, leaves))
        if sums:
            self.notes.append(
                f"{len(sums)} leaves without a label that are 0 and only began a sum are constants: label them, or "
                "name the parameters, if they are to be trained."
            )
        return [leaf for leaf in leaves if leaf not in sums]


def _found_leaves(fun: Callable[..., Any], recorded: Recording, batch: Batch, rest: Array) -> list[Value]:
    """Return the leaves that existed before a function was recorded, on any path of the batch."""
    found = set(recorded.other_leaves)
    if recorded.compared:
        for row in rest[1 : 1 + _SCANNED]:
            with suppress(Exception):  # which the row raises when it has its turn
                found.update(record(fun, batch.row(row)).other_leaves)
    return sorted(found, key=serial)


def _needed_arguments(fun: Callable[..., Any] | None) -> set[str]:
    """Return the names of the arguments that a function needs, without those it takes by `**` or may do without."""
    try:
        found = inspect.signature(fun).parameters.values() if fun is not None else ()
    except (TypeError, ValueError):  # of a callable that does not tell
        return set()
    return {each.name for each in found if each.kind is not each.VAR_KEYWORD and each.default is each.empty}


def _others(batch: Batch, rest: Array) -> list[dict[str, Array]]:
    """Return rows to compare the first of some with: the one that differs most from it, the next and the last."""
    if not batch.named or len(rest) < 2:
        return []
    different = sum((values[rest] != values[rest[0]]).sum(axis=1) for values in batch.named.values())
    best = int(np.argmax(different))
    return [batch.row(rest[k]) for k in dict.fromkeys([best, 1, len(rest) - 1]) if k]


def _read(result: Any) -> None:
    """Read what a function returned: a number that is beyond all floats raises its error only then."""
    outputs = [*result[1].values()] if isinstance(result, tuple) and len(result) > 1 else []
    for each in (result[0] if isinstance(result, tuple) else result, *outputs):
        for value in np.ravel(np.array(each, dtype=object)).tolist():
            if isinstance(value, Value):
                value.data  # noqa: B018  # raises
