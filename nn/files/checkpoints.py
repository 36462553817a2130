"""Checkpoints: everything that a run needs to go on as if it had never stopped.

A checkpoint holds the parameters, the state of the optimiser and of the random generator, epoch and batch, the history,
the best weights, and a description of the run, so that it is not resumed with other data or settings. The generator is
kept as it was before the epoch's order was drawn: the order is drawn again. `nn.files.storage` describes the file.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from autograd.files import FilePath

from ..arguments import FloatArray
from .storage import MAX_BYTES, ModelFileError, Stored, read, write

__all__ = ["Checkpoint", "description", "digest", "read_checkpoint", "restored_generator", "write_checkpoint"]


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """A run between two steps.

    Attributes:
        run: What must be the same when it goes on: plain data.
        epoch: The epochs that are done.
        batch: The batches that are done of the next one.
        stopped: Why the run was stopped before all epochs were done, or "" where it can go on.
        generator: The state of the random generator before the order of the next epoch was drawn.
        learning_rate: The optimiser's, or None where it has none.
        best: The best epoch, what was watched in it, and the epochs since; the epoch is 0 before the first.
        parameters: The parameters.
        optimizer: The state of the optimiser.
        series: The history.
        losses: The mean losses of the next epoch's batches so far.
        outputs: The outputs of the next epoch's batches so far; empty if they are not needed.
        best_parameters: The parameters after the best epoch; empty before the first.
    """

    run: dict[str, Any]
    epoch: int
    batch: int
    stopped: str
    generator: dict[str, Any]
    learning_rate: float | None
    best: tuple[int, float, int]
    parameters: FloatArray
    optimizer: Mapping[str, FloatArray]
    series: Mapping[str, FloatArray]
    losses: FloatArray
    outputs: FloatArray
    best_parameters: FloatArray


_PLAIN = ("run", "epoch", "batch", "stopped", "generator", "learning_rate", "best")
_ARRAYS = ("parameters", "losses", "outputs", "best_parameters")


def write_checkpoint(path: FilePath, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, atomically.

    Raises:
        ValueError: If a number is not finite, or the file would be too large.
        OSError: If it cannot be written; then the one before is still there.
    """
    content = {name: getattr(checkpoint, name) for name in _PLAIN}
    content["generator"] = _plain(checkpoint.generator)
    arrays = {name: getattr(checkpoint, name) for name in _ARRAYS}
    arrays |= {f"optimizer.{name}": array for name, array in checkpoint.optimizer.items()}
    arrays |= {f"history.{name}": array for name, array in checkpoint.series.items()}
    write(path, "checkpoint", Stored(content, arrays))


def read_checkpoint(path: FilePath, run: Mapping[str, Any], like: Checkpoint, *, epochs: int) -> Checkpoint:
    """Return the checkpoint in a file, after everything has been checked.

    Args:
        path: The file.
        run: The description of the run that is to go on.
        like: A checkpoint of that run at its beginning, whose shapes it must have.
        epochs: How many epochs the run is to have.

    Raises:
        ModelFileError: If the file is damaged, too large, or no checkpoint.
        ValueError: If it is the checkpoint of another run; the message says what differs.
        OSError: If it cannot be read.
    """
    content, arrays = read(path, "checkpoint", max_bytes=MAX_BYTES)
    problem = _problem(content, arrays)
    if problem:
        raise ModelFileError(f"{path}: {problem}")
    _require_same_run(path, content["run"], run)
    problem = _misfit(content, arrays, like)
    if problem:
        raise ModelFileError(f"{path}: {problem}")
    if content["epoch"] > epochs or (content["epoch"] == epochs and content["batch"]):
        raise ValueError(f"{path} is from epoch {content['epoch'] + 1}, but epochs is {epochs}")
    return Checkpoint(
        run=content["run"],
        epoch=content["epoch"],
        batch=content["batch"],
        stopped=content["stopped"],
        generator=_unplain(content["generator"]),
        learning_rate=content["learning_rate"],
        best=tuple(content["best"]),
        parameters=arrays["parameters"],
        optimizer=_group("optimizer", arrays),
        series=_group("history", arrays),
        losses=arrays["losses"],
        outputs=arrays["outputs"],
        best_parameters=arrays["best_parameters"],
    )


def restored_generator(path: FilePath, generator: np.random.Generator, state: dict[str, Any]) -> None:
    """Set a generator to a state that was read from a file.

    Raises:
        ModelFileError: If that is no state of such a generator; then it has not changed.
    """
    bits = generator.bit_generator
    before = bits.state
    try:
        with warnings.catch_warnings():
            # NumPy 1.26 wraps a number out of range and warns; the comparison below finds it
            warnings.simplefilter("ignore", DeprecationWarning)
            bits.state = state
        if json.dumps(_plain(bits.state), sort_keys=True) == json.dumps(_plain(state), sort_keys=True):
            return
    except (TypeError, ValueError, KeyError, IndexError, OverflowError):
        pass
    bits.state = before
    raise ModelFileError(f"{path}: it does not hold a state of {type(bits).__name__}, the random generator of this run")


class InBlocks(Protocol):
    """An array that is read a block of rows at a time."""

    shape: tuple[int, ...]

    def blocks(self) -> Iterable[tuple[int, FloatArray]]:
        """Yield the number of the first row of each block, and the block."""


def digest(*arrays: FloatArray | InBlocks) -> str:
    """Return the SHA-256 of shapes and numbers."""
    sha = hashlib.sha256()
    for array in arrays:
        sha.update(f"{array.shape}".encode())
        for _, block in [(0, array)] if isinstance(array, np.ndarray) else array.blocks():
            sha.update(np.ascontiguousarray(block, dtype="<f8").tobytes())
    return sha.hexdigest()


def description(thing: object) -> Any:
    """Return plain data that tell a setting from another one: numbers and names, or the name of a function."""
    if thing is None or isinstance(thing, (bool, int, float, str)):
        return thing
    if isinstance(thing, (np.integer, np.floating)):
        return thing.item()
    if isinstance(thing, (list, tuple)):
        return [description(item) for item in thing]
    if dataclasses.is_dataclass(thing):
        fields = {field.name: description(getattr(thing, field.name)) for field in dataclasses.fields(thing)}
        return {"": type(thing).__qualname__, **fields}
    return str(getattr(thing, "__qualname__", type(thing).__qualname__))


def _problem(content: dict[str, Any], arrays: Mapping[str, FloatArray]) -> str:
    """Return what is wrong with the plain data of a checkpoint, or nothing."""
    if set(content) != set(_PLAIN) or not isinstance(content["run"], dict):
        return "the header describes no checkpoint that this program knows"
    for name in ("epoch", "batch"):
        if type(content[name]) is not int or content[name] < 0:
            return f"{name} is {content[name]!r}"
    if not isinstance(content["stopped"], str) or not isinstance(content["generator"], dict):
        return "the end or the random generator is described wrongly"
    if type(content["learning_rate"]) not in (float, int, type(None)):
        return "the learning rate is no number"
    best = content["best"]
    if not (isinstance(best, list) and [type(part) for part in best] == [int, float, int] and min(best[::2]) >= 0):
        return f"the best epoch is described as {best!r}"
    if not set(_ARRAYS) <= set(arrays):
        return f"the arrays {', '.join(sorted(set(_ARRAYS) - set(arrays)))} are missing"
    return ""


def _misfit(content: dict[str, Any], arrays: dict[str, FloatArray], like: Checkpoint) -> str:
    """Return which array is not one that this run would have written, or nothing."""
    expected: dict[str, tuple[int, ...]] = {"parameters": like.parameters.shape}
    expected |= {f"optimizer.{name}": array.shape for name, array in like.optimizer.items()}
    expected |= {f"history.{name}": (content["epoch"],) for name in like.series}
    expected["losses"] = (content["batch"],)
    expected["best_parameters"] = like.parameters.shape if content["best"][0] else (0,)
    for name, array in arrays.items():
        if name == "outputs":
            if array.ndim != 2 or bool(array.size) != bool(content["batch"] and like.outputs.shape[1]):
                return f"the array outputs has shape {array.shape} after {content['batch']} batches"
        elif expected.pop(name, None) != array.shape:
            return f"the array {name} of shape {array.shape} does not belong to this run"
    return f"the arrays {', '.join(expected)} are missing" if expected else ""


def _require_same_run(path: FilePath, then: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    different = [name for name in now if name not in then or then[name] != now[name]]
    if not different and len(then) == len(now):
        return
    parts = [
        f"{name} was {json.dumps(then.get(name))} and is {json.dumps(now[name])}"
        if name not in ("data", "validation", "parameters")
        else f"the {name} {'is' if name == 'validation' else 'are'} different"
        for name in different
    ]
    raise ValueError(f"{Path(path)} is the checkpoint of another run: {'; '.join(parts) or 'other settings'}")


def _group(prefix: str, arrays: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    return {name.removeprefix(f"{prefix}."): array for name, array in arrays.items() if name.startswith(f"{prefix}.")}


def _plain(state: Any) -> Any:
    """Return the state of a bit generator, in which some keep arrays of whole numbers, as plain data."""
    if isinstance(state, dict):
        return {name: _plain(part) for name, part in state.items()}
    if isinstance(state, np.ndarray):
        return {"array": state.tolist(), "dtype": state.dtype.name}
    return state.item() if isinstance(state, np.generic) else state


def _unplain(state: Any) -> Any:
    if not isinstance(state, dict):
        return state
    if set(state) == {"array", "dtype"}:
        if state["dtype"] not in ("uint32", "uint64") or not isinstance(state["array"], list):
            return None
        try:
            return np.array(state["array"], dtype=state["dtype"])
        except (TypeError, ValueError, OverflowError):
            return None
    return {name: _unplain(part) for name, part in state.items()}
