"""A submission's process: what goes in and what comes out are bytes in pipes, within limits of time and memory."""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from ..arguments import FloatArray

__all__ = ["Answer", "Limits", "answered"]

WORKER = Path(__file__).with_name("worker.py")
MOST_BYTES = 64 * 2**20
"""More than this no answer may take."""

Batch = tuple[Sequence[FloatArray], Sequence[FloatArray], FloatArray, FloatArray]


class Limits(NamedTuple):
    """What a submission may use.

    Attributes:
        seconds: Of time, for all its batches.
        megabytes: Of memory.
    """

    seconds: float = 10.0
    megabytes: int = 2048


class Answer(NamedTuple):
    """What came back.

    Attributes:
        batches: For each batch the arrays by the names dW, db and perhaps delta, one a layer; none if there is a
            problem.
        problem: Why there are no arrays, as a sentence; empty if there are.
    """

    batches: tuple[dict[str, list[np.ndarray[Any, Any]]], ...]
    problem: str = ""


def answered(path: Path, function: str, batches: Sequence[Batch], limits: Limits) -> Answer:
    """Return the arrays that the function in a file gives for batches, run in a process of its own.

    Args:
        path: The file.
        function: The name of the function in it.
        batches: Weights, biases, X and T of each, in the layout of the assignment.
        limits: Of time and memory.
    """
    with tempfile.TemporaryDirectory(prefix="deltagrad-grade-") as folder:
        numpy_alone = _numpy_alone(Path(folder))
        request = _request(path, function, batches, limits, numpy_alone)
        empty = Path(folder) / "empty"
        empty.mkdir()
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", str(WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=empty,
            env=_environment(),
            start_new_session=True,
        )
        data, in_time = _exchanged(process, request, limits.seconds)
    if not in_time:
        return Answer((), f"it took longer than {limits.seconds:g} s")
    return _read(data, process.returncode, [len(batch[0]) for batch in batches])


def _numpy_alone(folder: Path) -> str:
    """Return a folder in which NumPy can be found and, where links can be made, nothing else that is installed."""
    home = Path(np.__file__).parent.parent
    alone = folder / "packages"
    alone.mkdir()
    try:
        for name in ("numpy", "numpy.libs"):
            if (home / name).exists():
                (alone / name).symlink_to(home / name, target_is_directory=True)
    except OSError:  # links need a privilege on Windows; the packages with the answers are refused by name there too
        return str(home)
    return str(alone)


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("SYSTEMROOT", "LD_LIBRARY_PATH") if name in os.environ}
    return {**kept, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def _request(path: Path, function: str, batches: Sequence[Batch], limits: Limits, numpy_alone: str) -> bytes:
    arrays = [[*weights, *biases, X, T] for weights, biases, X, T in batches]
    header = {
        "path": str(path.resolve()),
        "function": function,
        "batches": [[list(array.shape) for array in batch] for batch in arrays],
        "numpy": numpy_alone,
        "memory": limits.megabytes * 2**20,
        "seconds": math.ceil(limits.seconds) + 1,
    }
    text = json.dumps(header).encode()
    numbers = b"".join(np.ascontiguousarray(array, dtype="<f8").tobytes() for batch in arrays for array in batch)
    return struct.pack("<Q", len(text)) + text + numbers


def _exchanged(process: subprocess.Popen[bytes], request: bytes, seconds: float) -> tuple[bytes, bool]:
    """Send a request and return what was written in answer, and whether all of it came in time."""
    received = bytearray()

    def send(stream: IO[bytes]) -> None:
        with contextlib.suppress(OSError), stream:  # it may have ended without reading
            stream.write(request)

    def receive(stream: IO[bytes]) -> None:
        while len(received) <= MOST_BYTES and (piece := os.read(stream.fileno(), 2**16)):
            received.extend(piece)

    streams = (process.stdin, process.stdout)
    sender = threading.Thread(target=send, args=streams[:1], daemon=True)
    receiver = threading.Thread(target=receive, args=streams[1:], daemon=True)
    sender.start()
    receiver.start()
    receiver.join(seconds)
    in_time = not receiver.is_alive()
    _end(process)
    sender.join(1.0)
    receiver.join(1.0)
    if process.stdout is not None and not receiver.is_alive():
        process.stdout.close()
    return bytes(received), in_time


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and those it has started, unless they have left its session."""
    with contextlib.suppress(OSError):
        if hasattr(os, "killpg"):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.2)  # it may be about to end by itself, with a code that says how
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()


def _read(data: bytes, code: int, layers: Sequence[int]) -> Answer:
    """Return the answer in the bytes of a worker, which are trusted in nothing."""
    try:
        (length,) = struct.unpack_from("<Q", data)
        header = json.loads(data[8 : 8 + length])
        if "error" in header:
            return Answer((), str(header["error"])[:600])
        batches, offset = [], 8 + length
        for listed, count in zip(header["batches"], layers, strict=True):
            batch: dict[str, list[np.ndarray[Any, Any]]] = {}
            for name, kind, shape in listed:
                if name not in ("dW", "db", "delta") or kind not in ("<f2", "<f4", "<f8"):
                    raise ValueError("no array of an answer")
                size = int(kind[2]) * math.prod(int(n) for n in shape)
                array = np.frombuffer(data[offset : offset + size], dtype=kind).reshape([int(n) for n in shape])
                batch.setdefault(name, []).append(array)
                offset += size
            if not {"dW", "db"} <= set(batch) or any(len(arrays) != count for arrays in batch.values()):
                raise ValueError("not one array a layer")
            batches.append(batch)
        if offset != len(data):
            raise ValueError("bytes are left over")
    except (ValueError, TypeError, KeyError, struct.error, RecursionError, MemoryError, AttributeError):
        how = f"ended by signal {-code}" if code < 0 else f"ended with code {code}"
        return Answer((), f"it gave no answer: its process {how}, without the arrays")
    return Answer(tuple(batches))
