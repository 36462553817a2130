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
import sysconfig
import threading
import time
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

__all__ = [
    "EXCHANGE",
    "HERE",
    "Deadline",
    "Halt",
    "Refused",
    "faults",
    "guarded",
    "is_strict",
    "passed_over",
    "seeded",
    "told_fault",
]

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


STRICT = "DELTAGRAD_STRICT"
"""The variable of the environment that makes an error of the reader's own an error of the call."""

HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep
LIBRARIES = tuple(sysconfig.get_paths()[name] + os.sep for name in ("stdlib", "purelib", "platlib"))
SLIPS = (AttributeError, NameError, AssertionError)  # nobody raises them on purpose
_FAULTS: list[str] = []


def passed_over(error: BaseException) -> None:
    """Take what a changed function raised for an answer: with this change it fails.

    What the reader itself raised is no answer. It is kept among the `faults`, which the report tells; it goes on if the
    environment has DELTAGRAD_STRICT, as it does in the tests.
    """
    if isinstance(error, (Halt, RecursionError, MemoryError)) or not _is_own(error):
        return
    if is_strict():
        raise error
    _FAULTS.append(told_fault(error))


def is_strict() -> bool:
    """Return whether an error of the reader's own is an error of the call."""
    return bool(os.environ.get(STRICT))


def _is_own(error: BaseException) -> bool:
    """Return whether an error was raised by this package, or in a library that it called."""
    files = [file for file, _ in _places(error) if not file.startswith(LIBRARIES)]
    within = os.path.dirname(HERE.rstrip(os.sep)) + os.sep if isinstance(error, SLIPS) else HERE
    return bool(files) and files[-1].startswith(within)


def _places(error: BaseException) -> list[tuple[str, int]]:
    """Return files and lines of the frames that an error went through, the innermost last."""
    found, place = [], error.__traceback__
    while place is not None:
        found.append((place.tb_frame.f_code.co_filename, place.tb_lineno))
        place = place.tb_next
    return found


def told_fault(error: BaseException) -> str:
    """Return an error in one line: its type, what it says, and where in this package it was raised."""
    file, line = next((place for place in reversed(_places(error)) if place[0].startswith(HERE)), ("", 0))
    return " ".join(
        f"{type(error).__name__}: {error}{f' ({os.path.basename(file)}, line {line})' if line else ''}".split()
    )


def faults() -> tuple[str, ...]:
    """Return the errors of the reader's own since `guarded` began, each once."""
    return tuple(dict.fromkeys(_FAULTS))


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

    def at_most(self, seconds: float) -> Deadline:
        """Return the deadline after so many seconds, or a quarter of what is left."""
        return Deadline(max(0.0, min(seconds, self.left / 4)))

    def part(self, share: float) -> Deadline:
        """Return the deadline after a share of what is left."""
        return Deadline(max(0.0, self.left * share))


OWN = frozenset(
    ("code.__new__", "compile", "exec", "function.__new__", "object.__getattr__", "object.__setattr__", "sys._getframe")
)
"""What happens many times in each run, since code is exchanged, and leaves no trace."""


class _Auditor:
    """The audit hook; Python has no way to remove one, so there is one and it sleeps between readings."""

    def __init__(self) -> None:
        self.thread: int | None = None
        self.installed = False
        self.refused = ""

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in OWN or self.thread is None or threading.get_ident() != self.thread:
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
        _FAULTS.clear()
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
