"""The one way in which this project writes a file: as a whole or not at all.

A regular file is written beside its place, flushed to the disk and renamed, so that whatever happens the path holds the
old file or all of the new one. What cannot be replaced without harm (a device, a pipe, the file that the standard
output goes to) is written to as it is.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import stat
import sys
from pathlib import Path
from typing import TypeAlias

__all__ = ["FilePath", "remove_partial_files", "written"]

FilePath: TypeAlias = str | os.PathLike[str]

_OF_DESCRIPTORS = re.compile(r"/(?:dev|proc/[^/]+)/fd")
_LONGEST = 150  # bytes of a name to which something is added


def written(path: FilePath, data: bytes) -> None:
    """Put `data` at a path.

    A regular file is replaced at once: at any moment the path holds the old file or all of the new one, with the mode
    of the old one. A link is followed to its end, and stays. A device, a pipe, and a file that this process has as its
    standard output or error are written to.

    Raises:
        OSError: If it cannot be written, or the links at the path form a loop; it names the path. Then a regular file
            is still the old one. An IsADirectoryError if the path is a folder, a FileNotFoundError if its folder is
            missing.
    """
    try:
        _write(path, data)
    except OSError as error:
        if error.errno is None:  # says all in its message
            raise
        raise type(error)(error.errno, error.strerror, os.fspath(path)) from None


def _write(path: FilePath, data: bytes) -> None:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        status = None
    descriptor = _own_descriptor(path, status)
    if descriptor is not None:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        _stream(os.dup(descriptor), data)
        return
    if status is not None and stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(f"{os.fspath(path)} cannot be written: it is a folder, and a file is needed")
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{os.fspath(path)} cannot be written: there is no folder {target.parent}")
    if status is not None and not stat.S_ISREG(status.st_mode):
        _stream(os.open(path, os.O_WRONLY | getattr(os, "O_BINARY", 0)), data)
        return
    _replace(target, data, None if status is None else stat.S_IMODE(status.st_mode))


def _own_descriptor(path: FilePath, status: os.stat_result | None) -> int | None:
    """Return the descriptor of this process that a path means: /dev/stdout and /dev/fd/3, or where its output goes."""
    place = Path(path)
    for _ in range(40):
        if place.name.isdecimal() and _OF_DESCRIPTORS.fullmatch(os.path.realpath(place.parent)):
            return int(place.name)
        if not place.is_symlink():
            break
        place = place.parent / os.readlink(place)
    for descriptor in (1, 2):
        with contextlib.suppress(OSError):
            if status is not None and os.path.samestat(os.fstat(descriptor), status):
                return descriptor
    return None


def _stream(descriptor: int, data: bytes) -> None:
    with open(descriptor, "wb") as file:
        file.write(data)


def _replace(target: Path, data: bytes, mode: int | None) -> None:
    partial = target.with_name(f"{_prefix(target)}{secrets.token_hex(8)}.partial")
    # Created here and not by tempfile, so that a new file gets the permissions every new file gets.
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        with open(descriptor, "wb") as file:
            if mode is not None and hasattr(os, "fchmod"):
                os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    with contextlib.suppress(OSError):  # some systems cannot open a folder; the file itself is on the disk
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # the renaming too
        finally:
            os.close(folder)


def _prefix(target: Path) -> str:
    """Return how the files that become `target` begin."""
    name = os.fsencode(target.name)
    return f".{target.name if len(name) <= _LONGEST else hashlib.sha256(name).hexdigest()}."


def remove_partial_files(path: FilePath) -> None:
    """Remove what writers of this path left beside it when they were killed; there must be no writer at work."""
    target = Path(os.path.realpath(path))
    for entry in target.parent.iterdir():
        if entry.name.startswith(_prefix(target)) and entry.name.endswith(".partial"):
            entry.unlink(missing_ok=True)
