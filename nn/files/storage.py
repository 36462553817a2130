"""The file in which models and checkpoints are kept: JSON and arrays of floats, under a checksum.

A file is an ordinary `.npz` archive that `numpy.load(path, allow_pickle=False)` opens:

- `header.json`: `format` ("deltagrad"), `version` (1), `kind`, `arrays` (name and shape of each), `content`;
- an entry `name.npy` for each array, in that order: NumPy's format 1.0, little-endian float64, rows first, finite;
- as the comment of the archive `sha256:` and 64 hexadecimal digits, the SHA-256 of everything before those digits.

Nothing is compressed and nothing is left to choice: header and numbers determine every byte. Reading relies on that.
After the checksum, the header says what each following byte must be, and a file that differs from that anywhere is
refused. So there is nothing to unpack, no pickle is ever looked at, and memory is bounded by the size of the file,
which is bounded before anything is read.

Writing is atomic: `autograd.files` says how.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import stat
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd.files import FilePath, written

from ..arguments import FloatArray

__all__ = ["MAX_BYTES", "ModelFileError", "Stored", "plain_text", "read", "write"]

FORMAT = "deltagrad"
VERSION = 1
MAX_BYTES = 64 * 2**20
"""The largest file that is written or read unless another limit is given: eight million numbers."""
MAX_HEADER = 2**20
MAX_DIMENSIONS = 4

_MARK = b"sha256:"
_DIGEST = 64
_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
# Version 2.0 of the format, names in UTF-8, not compressed, 1 January 1980: the same in every file.
_FIXED = (20, 0x800, 0, 0, 0x21)


class ModelFileError(ValueError):
    """A file that is not what was saved, or holds something else than what was asked for; it says what and where."""


class Stored(NamedTuple):
    """What a file holds.

    Attributes:
        content: Plain data: dicts with string keys, lists, strings, finite numbers, booleans, None.
        arrays: Arrays by name.
    """

    content: dict[str, Any]
    arrays: dict[str, FloatArray]


def write(path: FilePath, kind: str, stored: Stored) -> None:
    """Write a file, atomically.

    Raises:
        TypeError: If the content is not plain data.
        ValueError: If a number is not finite, or the file would be too large to be read again.
        OSError: If it cannot be written. Whatever goes wrong, what was at the path before is still there.
    """
    for name, array in stored.arrays.items():
        if array.dtype != np.float64 or not np.isfinite(array).all():
            raise ValueError(f"{name} must hold finite floats to be stored, got an array of {array.dtype}")
    shapes = [[name, list(array.shape)] for name, array in stored.arrays.items()]
    header = _json({"format": FORMAT, "version": VERSION, "kind": kind, "arrays": shapes, "content": stored.content})
    if len(header) > MAX_HEADER:
        raise ValueError(f"the header of a file may take {MAX_HEADER} bytes, got {len(header)}")
    numbers = [np.ascontiguousarray(array, dtype="<f8").tobytes() for array in stored.arrays.values()]
    body = b"".join(_pieces(header, stored.arrays, numbers))
    if len(body) + _DIGEST > MAX_BYTES:
        raise ValueError(f"a file may take {MAX_BYTES} bytes, this one would take {len(body) + _DIGEST}")
    written(path, body + hashlib.sha256(body).hexdigest().encode())


def read(path: FilePath, kind: str, *, max_bytes: int = MAX_BYTES) -> Stored:
    """Return what a file holds, after every byte of it has been checked.

    Args:
        path: The file.
        kind: What it must hold, as it was written.
        max_bytes: The largest file to read.

    Raises:
        ModelFileError: If it is too large, damaged, of another kind or of a newer version.
        OSError: If it cannot be read.
    """
    try:
        return _Reader(_bytes(path, max_bytes), kind).stored()
    except ModelFileError as error:
        raise ModelFileError(f"{os.fspath(path)}: {error}") from None


class _Reader:
    """Checks the bytes of a file against what its header says they must be."""

    def __init__(self, data: bytes, kind: str) -> None:
        self.data, self.kind = memoryview(data), kind

    def stored(self) -> Stored:
        self._check_digest()
        text = self._header_text()
        header = self._header(text)
        shapes = self._shapes(header["arrays"])
        offset = _LOCAL.size + len("header.json") + len(text)
        numbers, arrays = [], {}
        for name, shape in shapes.items():
            offset += _LOCAL.size + len(_entry(name)) + len(_npy_prefix(shape))
            size = 8 * math.prod(shape)
            if offset + size > len(self.data):
                raise ModelFileError(f"the array {name} of shape {shape} does not fit into the {len(self.data)} bytes")
            numbers.append(self.data[offset : offset + size])
            arrays[name] = np.frombuffer(numbers[-1], dtype="<f8").astype(np.float64).reshape(shape)
            offset += size
        self._compare(_pieces(text, arrays, numbers))
        for name, array in arrays.items():
            if not np.isfinite(array).all():
                index = tuple(int(k) for k in np.argwhere(~np.isfinite(array))[0])
                raise ModelFileError(f"the array {name} holds {array[index]} at index {index}")
        return Stored(header["content"], arrays)

    def _check_digest(self) -> None:
        if bytes(self.data[:4]) != b"PK\x03\x04":
            raise ModelFileError("no file of this program: an .npz archive was expected")
        mark = len(self.data) - _DIGEST - len(_MARK)
        if mark < 0 or bytes(self.data[mark : mark + len(_MARK)]) != _MARK:
            raise ModelFileError("cut off, or no file of this program: the checksum at the end is missing")
        digest = hashlib.sha256(self.data[:-_DIGEST]).hexdigest().encode()
        if bytes(self.data[-_DIGEST:]) != digest:
            raise ModelFileError("damaged: the checksum does not fit to the rest of the file")

    def _header_text(self) -> bytes:
        if len(self.data) < _LOCAL.size + len("header.json"):
            raise ModelFileError("too short for a header")
        size = _LOCAL.unpack_from(self.data)[8]
        if size > MAX_HEADER:
            raise ModelFileError(f"the header takes {size} bytes, more than {MAX_HEADER}")
        begin = _LOCAL.size + len("header.json")
        return bytes(self.data[begin : begin + size])

    def _header(self, text: bytes) -> dict[str, Any]:
        try:
            header = json.loads(text)
            canonical = _json(header) == text
        except (ValueError, RecursionError, MemoryError):
            raise ModelFileError("the header is not the JSON that this program writes") from None
        if not isinstance(header, dict) or header.get("format") != FORMAT:
            raise ModelFileError(f"the header does not name the format {FORMAT!r}")
        version = header.get("version")
        if type(version) is not int or version != VERSION:
            raise ModelFileError(f"version {version!r} of the format is not known, this program reads {VERSION}")
        if set(header) != {"format", "version", "kind", "arrays", "content"} or not canonical:
            raise ModelFileError("the header is not the one that this program writes")
        if header["kind"] != self.kind:
            raise ModelFileError(f"a {self.kind} was expected, the file holds a {header['kind']!r}")
        if not isinstance(header["content"], dict):
            raise ModelFileError("the header has no content")
        return header

    def _shapes(self, arrays: Any) -> dict[str, tuple[int, ...]]:
        shapes: dict[str, tuple[int, ...]] = {}
        for entry in arrays if isinstance(arrays, list) else [None]:
            if not (isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], str)):
                raise ModelFileError("the header lists its arrays wrongly")
            name, shape = entry
            if not isinstance(shape, list) or len(shape) > MAX_DIMENSIONS or any(type(n) is not int for n in shape):
                raise ModelFileError(f"the header gives no shape for the array {name!r}")
            if any(n < 0 for n in shape) or 8 * math.prod(shape) > len(self.data):
                raise ModelFileError(f"the shape {tuple(shape)} of the array {name!r} does not fit into the file")
            if name in shapes:
                raise ModelFileError(f"the array {name!r} comes twice")
            shapes[name] = tuple(shape)
        return shapes

    def _compare(self, pieces: Iterator[bytes | memoryview]) -> None:
        offset = 0
        for piece in pieces:
            if self.data[offset : offset + len(piece)] != piece:
                raise ModelFileError(f"not as this program writes it, at or after byte {offset}")
            offset += len(piece)
        if offset + _DIGEST != len(self.data):
            raise ModelFileError(f"something else follows at byte {offset}")


def _bytes(path: FilePath, max_bytes: int) -> bytes:
    status = os.stat(path)
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):  # a pipe would let us wait for a writer
        raise ModelFileError("not a regular file")
    if status.st_size <= max_bytes:
        with open(path, "rb") as file:
            data = file.read(status.st_size + 1)  # not max_bytes, for which room would be made at once
        if len(data) == status.st_size:
            return data
        raise ModelFileError("somebody is writing to it")
    raise ModelFileError(f"larger than {max_bytes} bytes; pass max_bytes if you trust it")


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n").encode("ascii")


def plain_text(value: Any) -> str:
    """Return plain data as the JSON that a header holds.

    Raises:
        TypeError: If it is no plain data.
        ValueError: If a number is not finite.
    """
    return _json(value).decode()


def _entry(name: str) -> bytes:
    return f"{name}.npy".encode("utf-8", "surrogatepass")


def _npy_prefix(shape: tuple[int, ...]) -> bytes:
    """Return what stands before the numbers in NumPy's format 1.0, padded to a multiple of 64 bytes."""
    text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (-(10 + len(text) + 1) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def _pieces(
    header: bytes, arrays: Mapping[str, FloatArray], numbers: Sequence[bytes | memoryview]
) -> Iterator[bytes | memoryview]:
    """Yield the bytes of an archive up to the digest, in order."""
    entries: list[tuple[bytes, bytes, bytes | memoryview]] = [(b"header.json", b"", header)]
    entries += [
        (_entry(name), _npy_prefix(array.shape), data)
        for (name, array), data in zip(arrays.items(), numbers, strict=True)
    ]
    directory, offset = [], 0
    for name, prefix, data in entries:
        size = len(prefix) + len(data)
        common = (*_FIXED, zlib.crc32(data, zlib.crc32(prefix)), size, size, len(name), 0)
        yield _LOCAL.pack(b"PK\x03\x04", *common)
        yield name
        yield prefix
        yield data
        directory.append(_CENTRAL.pack(b"PK\x01\x02", 20, *common, 0, 0, 0, 0, offset) + name)
        offset += _LOCAL.size + len(name) + size
    listing = b"".join(directory)
    yield listing
    comment = len(_MARK) + _DIGEST
    yield _END.pack(b"PK\x05\x06", 0, 0, len(entries), len(entries), len(listing), offset, comment)
    yield _MARK
