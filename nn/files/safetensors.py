"""Arrays in the format safetensors, which other libraries read and write: no package is needed for it.

A file is the length of its header (eight bytes, little-endian), the header, and the numbers. The header is JSON: for
each array its type, its shape, and where its bytes begin and end among the numbers; and texts under `__metadata__`.
Whatever a header promises is checked against the bytes that are there before anything is made of it.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from autograd.files import FilePath, written

from ..arguments import FloatArray, float_array
from .storage import MAX_BYTES, MAX_HEADER, ModelFileError

__all__ = ["load_safetensors", "read_with_metadata", "save_safetensors"]

_TYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "<i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "<u1",
    "BOOL": "|b1",
}
_BFLOAT = "BF16"  # the upper half of a float32, which NumPy has no type for
_ALIGNED = 8


def save_safetensors(
    arrays: Mapping[str, ArrayLike], path: FilePath, *, metadata: Mapping[str, str] | None = None
) -> None:
    """Write arrays of numbers to a file in the format safetensors, as float64, atomically.

    Args:
        arrays: Arrays by name, such as `model.state_dict()` or `nn.to_torch_state_dict(model)`.
        path: Where to; `.safetensors` is the suffix.
        metadata: Texts to keep beside them.

    Raises:
        TypeError: If something is no array of numbers, or the metadata are no texts.
        ValueError: If a number is not finite, or the file would be too large to be read again.
        OSError: If it cannot be written. Whatever goes wrong, what was at the path before is still there.

    Example:
        >>> import nn
        >>> save_safetensors(nn.MLP(2, [1], seed=0).state_dict(), "model.safetensors")  # doctest: +SKIP
    """
    numbers = {str(name): float_array(str(name), array) for name, array in arrays.items()}
    if "__metadata__" in numbers:
        raise ValueError("an array cannot be called __metadata__, which is the place of texts in this format")
    texts = dict(metadata or {})
    if not all(isinstance(name, str) and isinstance(text, str) for name, text in texts.items()):
        raise TypeError(f"the metadata of a safetensors file are texts by name, got {texts!r}")
    header: dict[str, Any] = {"__metadata__": texts} if texts else {}
    end = 0
    for name, array in numbers.items():
        begin, end = end, end + array.nbytes
        header[name] = {"dtype": "F64", "shape": list(array.shape), "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNED)
    if len(text) > MAX_HEADER or 8 + len(text) + end > MAX_BYTES:
        raise ValueError(f"a file may take {MAX_BYTES} bytes, this one would take {8 + len(text) + end}")
    data = b"".join(np.ascontiguousarray(array, dtype="<f8").tobytes() for array in numbers.values())
    written(path, struct.pack("<Q", len(text)) + text + data)


def load_safetensors(path: FilePath, *, max_bytes: int = MAX_BYTES) -> dict[str, FloatArray]:
    """Return the arrays of a safetensors file by name, as float64; whole numbers and truth values become floats.

    Args:
        path: The file.
        max_bytes: The largest file to read; 64 MiB unless given.

    Raises:
        ModelFileError: If the file is damaged, too large, or holds NaN or an infinity; it says what and where.
        OSError: If it cannot be read.
    """
    return read_with_metadata(path, max_bytes=max_bytes)[0]


def read_with_metadata(path: FilePath, *, max_bytes: int = MAX_BYTES) -> tuple[dict[str, FloatArray], dict[str, str]]:
    """Return the arrays of a file and the texts beside them. Takes what `load_safetensors` does.

    Raises:
        ModelFileError: If the file is damaged, too large, or holds NaN or an infinity; it says what and where.
        OSError: If it cannot be read.
    """
    if (size := Path(path).stat().st_size) > max_bytes:
        raise ModelFileError(f"{path}: {size} bytes are more than {max_bytes}; pass max_bytes if you trust it")
    data = Path(path).read_bytes()
    try:
        return _arrays(data)
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from None


def _arrays(data: bytes) -> tuple[dict[str, FloatArray], dict[str, str]]:
    header, numbers = _header(data)
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise ModelFileError("the metadata are no texts")
    places = {name: _place(name, entry, len(numbers)) for name, entry in header.items()}
    end = 0
    for name, (_, _, begin, after) in sorted(places.items(), key=lambda item: item[1][2:]):
        if begin != end:
            raise ModelFileError(f"the array {name!r} begins at byte {begin} of the numbers, where {end} is expected")
        end = after
    if end != len(numbers):
        raise ModelFileError(f"the arrays take {end} of {len(numbers)} bytes")
    return {name: _array(name, numbers, *place) for name, place in places.items()}, metadata


def _header(data: bytes) -> tuple[dict[str, Any], bytes]:
    if len(data) < 8:
        raise ModelFileError("too short for a safetensors file")
    (length,) = struct.unpack_from("<Q", data)
    if length > min(MAX_HEADER, len(data) - 8):
        raise ModelFileError(f"no safetensors file: a header of {length} bytes is announced, in {len(data)} bytes")
    try:
        header = json.loads(data[8 : 8 + length], object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"the header is no JSON: {error}") from None
    if not isinstance(header, dict):
        raise ModelFileError("the header is no table of arrays")
    return header, data[8 + length :]


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name comes twice")
    return found


def _place(name: str, entry: Any, length: int) -> tuple[str, tuple[int, ...], int, int]:
    """Return type, shape, begin and end of an array, checked against each other and the length of the numbers."""
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise ModelFileError(f"the header does not say what {name!r} is")
    kind, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if kind != _BFLOAT and kind not in _TYPES:
        raise ModelFileError(f"the array {name!r} is of the type {kind!r}, which is not known")
    whole = all(isinstance(n, list) and all(type(k) is int and k >= 0 for k in n) for n in (shape, offsets))
    if not whole or len(offsets) != 2:
        raise ModelFileError(f"the header gives {shape!r} as shape and {offsets!r} as place of {name!r}")
    begin, end = offsets
    size = 2 if kind == _BFLOAT else np.dtype(_TYPES[kind]).itemsize
    if not begin <= end <= length or end - begin != size * math.prod(shape):
        raise ModelFileError(f"the array {name!r} of shape {tuple(shape)} and type {kind} does not fit its place")
    return kind, tuple(shape), begin, end


def _array(name: str, numbers: bytes, kind: str, shape: tuple[int, ...], begin: int, end: int) -> FloatArray:
    if kind == _BFLOAT:
        upper = np.frombuffer(numbers[begin:end], dtype="<u2").astype("<u4") << np.uint32(16)
        array = upper.view("<f4").astype(np.float64)
    else:
        array = np.frombuffer(numbers[begin:end], dtype=_TYPES[kind]).astype(np.float64)
    if not np.isfinite(array).all():
        raise ModelFileError(f"the array {name!r} holds {array[~np.isfinite(array)][0]}")
    return array.reshape(shape)
