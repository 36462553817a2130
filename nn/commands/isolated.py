"""A command run in a process of its own, with an end to its time and its memory."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

__all__ = ["isolated", "limit_memory"]

ROOT = Path(__file__).resolve().parents[2]
RUN = "import sys; sys.path.insert(0, {root!r}); from nn.__main__ import main; sys.exit(main(sys.argv[1:]))"


def isolated(arguments: Sequence[str], seconds: float) -> int:
    """Run this program with the given arguments in a process of its own, and return what it exits with.

    What it prints goes where this process prints; colours stay, if that is a terminal.

    Args:
        arguments: Those of the command line.
        seconds: On the clock; then the process is ended.

    Raises:
        ValueError: If it does not end in time.
    """
    command = [sys.executable, "-c", RUN.format(root=str(ROOT)), *arguments]
    direct = _is_plain(sys.stdout) and _is_plain(sys.stderr)
    try:
        done = subprocess.run(
            command, timeout=seconds, check=False, capture_output=not direct, text=True, encoding="utf-8"
        )
    except subprocess.TimeoutExpired as error:
        raise ValueError(f"the file did not come to an end within {seconds:g} seconds") from error
    if not direct:
        sys.stdout.write(done.stdout)
        sys.stderr.write(done.stderr)
    return done.returncode


def _is_plain(stream: TextIO) -> bool:
    """Return whether a process can write where this stream does."""
    if stream not in (sys.__stdout__, sys.__stderr__):
        return False
    with contextlib.suppress(AttributeError, io.UnsupportedOperation, ValueError):
        return bool(stream.fileno() >= 0)
    return False


def limit_memory(megabytes: int) -> None:
    """End this process's claims on memory at a size, where the system can do that."""
    try:
        import resource
    except ImportError:  # Windows
        return
    size = megabytes * 2**20
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (size, hard))
