"""The standard output of a command: it is escaped for a terminal, and where nobody reads it nothing is lost."""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
from collections.abc import Iterator
from typing import TextIO

from autograd.printable import printable

from .arguments import COLOURS

__all__ = ["Channel", "channelled"]

_OURS = re.compile(f"(\x1b\\[(?:0|{'|'.join(COLOURS.values())})m|[\n\t])")
"""What a command itself writes to a terminal beside text that shows: its colours, and the ends of lines."""


class Channel(io.TextIOBase):
    """Writes to a stream as long as that takes it.

    Attributes:
        error: Why the stream took no more; None if it took everything.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.error: OSError | ValueError | None = None

    def writable(self) -> bool:
        """Whether it can be written to: always, as text that nobody reads is dropped."""
        return True

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        return self.stream.isatty()

    def fileno(self) -> int:
        """Return the descriptor of the stream."""
        return self.stream.fileno()

    def write(self, text: str) -> int:
        """Write text with what does not show escaped."""
        shown = "".join(part if _OURS.fullmatch(part) else printable(part) for part in _OURS.split(text))
        self._write(shown)
        return len(text)

    def write_data(self, text: str) -> None:
        """Write text for another program to read: as it is, unless a terminal shows it."""
        if self.isatty():
            self.write(text)
        else:
            self._write(text)

    def _write(self, text: str) -> None:
        with self._noticing():
            self.stream.write(text)

    def flush(self) -> None:
        """Hand on what is buffered."""
        with self._noticing():
            self.stream.flush()

    @contextlib.contextmanager
    def _noticing(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:  # a full disk, a reader that has gone, a closed stream
            self.error = self.error or error
            with contextlib.suppress(OSError, ValueError):  # what is buffered is not written again at the end
                os.dup2(os.open(os.devnull, os.O_WRONLY), self.stream.fileno())


@contextlib.contextmanager
def channelled() -> Iterator[Channel]:
    """A context in which `print` writes to a channel around the standard output, or to nothing if there is none."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed when Python began
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  # for as long as Python runs
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names of classes may hold what the terminal cannot show
    channel = Channel(sys.stdout)
    with contextlib.redirect_stdout(channel):
        try:
            yield channel
        finally:
            channel.flush()
