"""A submission's process: what goes in and what comes out are bytes in pipes, within limits of time and memory."""

from __future__ import annotations

import contextlib
import inspect
import math
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from .wire import LARGEST, RefusedError, message, received

__all__ = ["Limits", "SubmissionError", "submitted"]

WORKER = Path(__file__).with_name("worker.py")


class Limits(NamedTuple):
    """What a submission may use.

    Attributes:
        seconds: Of time, for all its calls.
        megabytes: Of memory.
    """

    seconds: float = 10.0
    megabytes: int = 2048


class SubmissionError(ValueError):
    """Why a submission gave no answer."""


@contextlib.contextmanager
def submitted(path: Path, function: str, limits: Limits) -> Iterator[Any]:
    """A context with the function of a file, which runs in a process of its own when it is called.

    It has the arguments of the function there. A method is one of an object with the attributes that go through a
    pipe. If the file defines no such function, but functions of layers, it is a dictionary of these.

    Args:
        path: The file.
        function: The function in it, or a method of an object: net.backprop.
        limits: Of time and memory.

    Raises:
        SubmissionError: If it cannot be called, or does not answer within its limits.
    """
    with tempfile.TemporaryDirectory(prefix="deltagrad-grade-") as folder:
        empty = Path(folder) / "empty"
        empty.mkdir()
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", str(WORKER), _numpy_alone(Path(folder))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=empty,
            env=_environment(),
            start_new_session=True,
        )
        talk = _Talk(process, limits.seconds)
        try:
            request = {
                "path": str(path.resolve()),
                "function": function,
                "memory": limits.megabytes * 2**20,
                "seconds": math.ceil(limits.seconds) + 1,
            }
            yield _function(talk, function, talk.answer(request))
        finally:
            talk.end()


class _Talk:
    """Requests to a process and its answers.

    Args:
        process: The process.
        seconds: For all of it.
    """

    def __init__(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        self.process, self.seconds = process, seconds
        self.deadline = time.monotonic() + seconds
        self.problem = ""
        self._sent: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._received: queue.Queue[bytes] = queue.Queue(maxsize=LARGEST // 2**16)
        self._rest = b""
        for work, stream in ((self._send, process.stdin), (self._receive, process.stdout)):
            threading.Thread(target=work, args=(stream,), daemon=True).start()

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer to a request.

        Raises:
            SubmissionError: If there is none, or an error is the answer.
        """
        if self.problem:
            raise SubmissionError(self.problem)
        self._sent.put(message(request))
        try:
            found: dict[str, Any] = received(self._read)
            if not isinstance(found, dict):
                raise RefusedError("no answer")
        except TimeoutError:
            self.problem = f"it took longer than {self.seconds:g} s"
        except (EOFError, RefusedError):
            self.end()
            code = self.process.returncode
            how = f"ended by signal {-code}" if code < 0 else f"ended with code {code}"
            self.problem = f"it gave no answer: its process {how}, without the arrays"
        if self.problem:
            self.end()
            raise SubmissionError(self.problem)
        if "error" in found:
            raise SubmissionError(str(found["error"])[:600])
        return found

    def _read(self, count: int) -> bytes:
        parts, left = [self._rest[:count]], count - len(self._rest)
        self._rest = self._rest[count:]
        while left > 0:
            try:
                piece = self._received.get(timeout=max(0.0, self.deadline - time.monotonic()))
            except queue.Empty:
                raise TimeoutError from None
            if not piece:
                break
            parts.append(piece[:left])
            self._rest, left = piece[left:] if left < len(piece) else b"", left - len(piece)
        return b"".join(parts)

    def _send(self, stream: IO[bytes]) -> None:
        with contextlib.suppress(OSError), stream:  # it may have ended without reading
            while (request := self._sent.get()) is not None:
                stream.write(request)
                stream.flush()

    def _receive(self, stream: IO[bytes]) -> None:
        with contextlib.suppress(OSError, ValueError), stream:
            while piece := os.read(stream.fileno(), 2**16):
                self._received.put(piece)
        self._received.put(b"")

    def end(self) -> None:
        """End the process and those it has started, unless they have left its session."""
        self._sent.put(None)
        with contextlib.suppress(OSError):
            if hasattr(os, "killpg"):
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(0.2)  # it may be about to end by itself, with a code that says how
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.kill()
        self.process.wait()
        with contextlib.suppress(queue.Empty):
            while True:  # a thread that waits for room can end
                self._received.get_nowait()


def _function(talk: _Talk, name: str, described: Mapping[str, Any]) -> Any:
    """Return what is called by a name in a submission."""
    from ..referee.layer_functions import are_layer_functions

    functions = {each: _remote(talk, each, arguments, None) for each, arguments in described["functions"].items()}
    for each in functions.values():
        each.neighbours = functions  # type: ignore[attr-defined]  # where a forward pass is looked for
    *owner, last = name.split(".")
    if owner and last in described.get("methods", {}):
        stub = type(str(described["class"]), (), {})()
        vars(stub).update(described["attributes"])
        for each, arguments in described["methods"].items():
            if each not in vars(stub):
                setattr(type(stub), each, _remote(talk, each, arguments, stub))
        return getattr(stub, last)
    if name in functions:
        return functions[name]
    if are_layer_functions(functions):
        return functions
    raise SubmissionError(f"LookupError: there is no function {name}(weights, biases, X, T)")


def _remote(talk: _Talk, name: str, arguments: Any, owner: Any) -> Callable[..., Any]:
    """Return a function that is called in the process of a submission; a method if there is an object for it."""

    def called(*place: Any, **named: Any) -> Any:
        given = list(place if owner is None else place[1:])
        attributes = {} if owner is None else vars(owner)
        request = {"function": name, "place": given, "named": named, "attributes": attributes}
        found = talk.answer(request)
        for kind, here in (("place", given), ("named", named), ("attributes", attributes)):
            if kind in found:
                _copied(here, found[kind])
        return found.get("returned")

    called.__name__ = called.__qualname__ = name
    empty = inspect.Parameter.empty
    signature = inspect.Signature(
        [
            inspect.Parameter(str(each), inspect._ParameterKind(kind), default=default[0] if default else empty)
            for each, kind, default in arguments
        ]
    )
    if owner is not None:
        own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
        others = [p.replace(kind=max(p.kind, own.kind)) for p in signature.parameters.values()]
        signature = signature.replace(parameters=[own, *others])
    called.__signature__ = signature  # type: ignore[attr-defined]  # what inspect reads
    return called


def _copied(here: Any, there: Any) -> None:
    """Change lists, dictionaries and arrays to what they are in another process."""
    if isinstance(here, np.ndarray) and isinstance(there, np.ndarray) and here.shape == there.shape:
        if not np.array_equal(here, there):  # what was not changed may be read-only
            np.copyto(here, there, casting="unsafe")
    elif isinstance(here, list) and isinstance(there, list):
        if len(here) != len(there):
            here[:] = there
        for k, (old, new) in enumerate(zip(here, there, strict=True)):
            here[k] = _kept(old, new)
    elif isinstance(here, dict) and isinstance(there, dict):
        for name, new in there.items():
            here[name] = _kept(here.get(name), new)


def _kept(old: Any, new: Any) -> Any:
    """Return what stands there, changed in place where that is possible."""
    if type(old) is not type(new) or not isinstance(old, (np.ndarray, list, dict)):
        return new
    if isinstance(old, np.ndarray) and old.shape != new.shape:
        return new
    _copied(old, new)
    return old


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
