"""What keeps a function harmless that runs many times: no output, no effects, the same random numbers, an end.

While a function is read, nothing it prints is shown, and what would leave a trace (writing or removing a file, another
process, a connection) or wait for somebody (`input`) is refused before it happens, through Python's audit events. The
global generators of random numbers begin anew for every run, and are put back at the end.
"""

from __future__ import annotations

import contextlib
import io
import os
import random
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

__all__ = ["EXCHANGE", "Deadline", "Halt", "Refused", "guarded", "seeded"]

EXCHANGE = threading.RLock()
"""Held while functions are exchanged for others: one reading at a time."""

REFUSED = (
    "builtins.input", "os.chmod", "os.chown", "os.exec", "os.fork", "os.forkpty", "os.kill", "os.link", "os.mkdir",
    "os.posix_spawn", "os.putenv", "os.remove", "os.rename", "os.rmdir", "os.spawn", "os.startfile", "os.symlink",
    "os.system", "os.truncate", "os.unsetenv", "shutil.", "socket.connect", "socket.bind", "subprocess.Popen",
    "webbrowser.open",
)  # fmt: skip


PATIENCE = 10.0  # seconds on the clock for one of the processor


class Halt(BaseException):
    """Ends a run of a function; no `except Exception` of the function's own catches it."""


class Refused(Halt):
    """A function was about to do something that would leave a trace."""


class Deadline:
    """The end of the time that reading may take.

    Args:
        seconds: From now on, of the processor's time, so that a busy machine does not change what is found; of the
            clock's time ten times as many.
    """

    def __init__(self, seconds: float) -> None:
        self._processor = time.thread_time() + seconds
        self._clock = time.perf_counter() + PATIENCE * seconds

    @property
    def left(self) -> float:
        """The seconds that are left; negative when it has passed."""
        return min(self._processor - time.thread_time(), (self._clock - time.perf_counter()) / PATIENCE)

    def part(self, share: float) -> Deadline:
        """Return the deadline after a share of what is left."""
        return Deadline(max(0.0, self.left * share))


class _Auditor:
    """The audit hook; Python has no way to remove one, so there is one and it sleeps between readings."""

    def __init__(self) -> None:
        self.thread: int | None = None
        self.installed = False
        self.refused = ""

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.thread is None or threading.get_ident() != self.thread:
            return
        if (event == "open" and _writes(arguments)) or event.startswith(REFUSED):
            self.refused = f"{event}({', '.join(map(repr, arguments[:2]))})"
            raise Refused(self.refused)


_AUDITOR = _Auditor()


def _writes(arguments: tuple[Any, ...]) -> bool:
    path, mode, flags = (*arguments, None, None, None)[:3]
    if path == os.devnull:
        return False
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Keep what runs within harmless, and put everything back at its end."""
    with EXCHANGE:
        if not _AUDITOR.installed:
            sys.addaudithook(_AUDITOR)
            _AUDITOR.installed = True
        states = random.getstate(), np.random.get_state()  # noqa: NPY002  # the generator that user code may draw from
        keep = sys.dont_write_bytecode
        nowhere = io.StringIO()
        try:
            _AUDITOR.thread, sys.dont_write_bytecode = threading.get_ident(), True
            with (
                contextlib.redirect_stdout(nowhere),
                contextlib.redirect_stderr(nowhere),
                warnings.catch_warnings(),
                np.errstate(all="ignore"),
            ):
                warnings.simplefilter("ignore")
                yield
        finally:
            _AUDITOR.thread, sys.dont_write_bytecode = None, keep
            random.setstate(states[0])
            np.random.set_state(states[1])  # noqa: NPY002  # as above


def seeded(seed: int = 0) -> None:
    """Let the global generators begin anew."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  # the generator that user code may draw from
