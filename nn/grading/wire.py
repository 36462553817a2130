"""What goes through the pipes between grader and submission: numbers, text, arrays, and lists and dictionaries of them.

A message is the length of a header (eight bytes, little-endian), the header in JSON, and the bytes of the arrays that
stand in it. Nothing else can come through, whatever a submission writes. The module needs NumPy alone: the worker,
which is run as a file, imports it as its neighbour.
"""

import json
import math
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["LARGEST", "RefusedError", "message", "received"]

LARGEST = 64 * 2**20
"""The bytes that a message may take."""

KINDS = ("<f2", "<f4", "<f8", "<i8")


class RefusedError(ValueError):
    """A message that is none."""


def message(content: Any) -> bytes:
    """Return the bytes of a message.

    Raises:
        TypeError: If something in it is neither a number, text, nor an array or a list, tuple or dictionary of them.
    """
    data: list[bytes] = []
    text = json.dumps(_packed(content, data), allow_nan=True).encode()
    numbers = b"".join(data)
    return struct.pack("<QQ", len(text), len(numbers)) + text + numbers


def received(read: Callable[[int], bytes]) -> Any:
    """Return the content of the next message.

    Args:
        read: Returns so many bytes; fewer at the end.

    Raises:
        EOFError: If there is none.
        RefusedError: If it is none.
    """
    start = read(16)
    if len(start) < 16:
        raise EOFError
    header, numbers = struct.unpack("<QQ", start)
    if header + numbers > LARGEST:
        raise RefusedError("a message is too large")
    try:
        tree, data = json.loads(read(header)), read(numbers)
        return _unpacked(tree, data)
    except (ValueError, TypeError, KeyError, IndexError, RecursionError, MemoryError, AttributeError) as error:
        raise RefusedError("not a message") from error


def _packed(value: Any, data: list[bytes]) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        array = np.asarray(value)
        if array.dtype.kind in "US":
            return {"text": array.tolist()}
        kind = array.dtype.str if array.dtype.str in KINDS else "<f8"
        data.append(np.ascontiguousarray(array, dtype=kind).tobytes())
        return {"array": [sum(map(len, data[:-1])), kind, list(array.shape)]}
    if isinstance(value, (list, tuple)):
        return {"tuple" if isinstance(value, tuple) else "list": [_packed(part, data) for part in value]}
    if isinstance(value, dict):
        return {"dict": [[str(name), _packed(part, data)] for name, part in value.items()]}
    if hasattr(value, "dW") and hasattr(value, "db"):
        held = {name: getattr(value, name, None) for name in ("dW", "db", "delta")}
        return _packed({name: part for name, part in held.items() if part is not None}, data)
    raise TypeError(f"it must return arrays, got {type(value).__name__}")


def _unpacked(tree: Any, data: bytes) -> Any:
    if not isinstance(tree, dict):
        return tree
    ((kind, held),) = tree.items()
    if kind == "array":
        offset, dtype, shape = held
        if dtype not in KINDS:
            raise RefusedError("no array")
        size = int(dtype[2]) * math.prod(int(n) for n in shape)
        found = np.frombuffer(data[int(offset) : int(offset) + size], dtype=dtype)
        return found.reshape([int(n) for n in shape]).copy()
    if kind == "dict":
        return {str(name): _unpacked(part, data) for name, part in held}
    if kind == "text":
        return np.array(held)
    parts = [_unpacked(part, data) for part in held]
    return tuple(parts) if kind == "tuple" else parts
