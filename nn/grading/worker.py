"""The program that runs one submission: `python -I -S worker.py`, with one request on standard input.

It is run as a file, not imported, needs NumPy alone, and writes one answer: the length of a header (eight bytes,
little-endian), the header in JSON, and the bytes of the arrays that it lists, or an error.
"""

import json
import os
import struct
import sys
import traceback
from collections.abc import Iterator
from importlib.abc import MetaPathFinder
from typing import Any

HIDDEN = ("autograd", "nn", "viz")
"""Packages that a submission is to do without."""


class _Hidden(MetaPathFinder):
    """Refuses the packages that hold the answers."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> None:  # noqa: ARG002  # the protocol
        if fullname.split(".")[0] in HIDDEN:
            raise ModuleNotFoundError(f"a submission is graded without {fullname}", name=fullname)


def _limit(memory: int, seconds: int) -> None:
    """Bound this process's memory, processor time and files, where the system can."""
    try:
        import resource
    except ImportError:  # Windows
        return
    for kind, most in (("AS", memory), ("CPU", seconds), ("FSIZE", 2**20), ("CORE", 0)):
        number = getattr(resource, f"RLIMIT_{kind}")
        _, hard = resource.getrlimit(number)
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(number, (least, least))


def _arrays(request: dict[str, Any], numbers: bytes) -> Iterator[tuple[Any, ...]]:
    """Yield the arrays of each batch: weights, biases, X, T."""
    import numpy as np

    offset = 0
    for shapes in request["batches"]:
        found = []
        for shape in shapes:
            size = 8 * int(np.prod(shape))
            found.append(np.frombuffer(numbers[offset : offset + size], dtype="<f8").reshape(shape).copy())
            offset += size
        layers = (len(found) - 2) // 2
        yield found[:layers], found[layers : 2 * layers], found[-2], found[-1]


def _listed(returned: Any, layers: int) -> list[tuple[str, Any]]:
    """Return what a submission returned as (name, array) pairs."""
    import numpy as np

    names = ("dW", "db", "delta")
    if isinstance(returned, dict):
        parts = {name: returned.get(name) for name in names}
    elif hasattr(returned, "dW") and hasattr(returned, "db"):
        parts = {name: getattr(returned, name, None) for name in names}
    elif isinstance(returned, (tuple, list)) and len(returned) in (2, 3):
        parts = dict(zip(names, returned))  # noqa: B905  # delta may be left out
    else:
        raise TypeError(f"it must return (dW, db) or (dW, db, delta), got {type(returned).__name__}")
    pairs = []
    for name, arrays in parts.items():
        if arrays is None and name == "delta":
            continue
        if not isinstance(arrays, (list, tuple)) or len(arrays) != layers:
            raise ValueError(f"{name} must be a list of {layers} arrays, one a layer")
        for given in arrays:
            array = np.asarray(given)
            kind = array.dtype.str if array.dtype.str in ("<f2", "<f4") else "<f8"
            pairs.append((name, array.astype(kind)))
    return pairs


def _answer(request: dict[str, Any], numbers: bytes) -> tuple[dict[str, Any], bytes]:
    """Return the header and the bytes of the answer of the submission to all batches."""
    path, name = request["path"], request["function"]
    with open(path, encoding="utf-8") as file:
        code = compile(file.read(), path, "exec")
    module = {"__name__": "submission", "__file__": path, "__builtins__": __builtins__}
    exec(code, module)
    function = module.get(name)
    if not callable(function):
        raise LookupError(f"there is no function {name}(weights, biases, X, T)")
    listed, data = [], []
    for weights, biases, X, T in _arrays(request, numbers):
        pairs = _listed(function(weights, biases, X, T), len(weights))
        listed.append([[part, array.dtype.str, list(array.shape)] for part, array in pairs])
        data += [array.tobytes() for _, array in pairs]
    return {"batches": listed}, b"".join(data)


def _error(error: BaseException, path: str) -> dict[str, str]:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    if isinstance(error, SyntaxError) and error.filename == path:
        lines = [error.lineno]
    place = f"line {lines[-1]}: " if lines else ""
    return {"error": f"{place}{type(error).__name__}: {str(error)[:500]}"}


def main() -> None:
    """Read the request, close what a submission could print to, run it, and answer."""
    data = sys.stdin.buffer.read()
    answers = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    (length,) = struct.unpack_from("<Q", data)
    request = json.loads(data[8 : 8 + length])
    sys.path.insert(0, request["numpy"])
    sys.meta_path.insert(0, _Hidden())
    import numpy  # noqa: F401  # before the limits: its threads reserve memory

    _limit(request["memory"], request["seconds"])
    try:
        header, numbers = _answer(request, data[8 + length :])
    except BaseException as error:  # SystemExit and KeyboardInterrupt of the submission, too
        header, numbers = _error(error, request["path"]), b""
    text = json.dumps(header).encode()
    answers.write(struct.pack("<Q", len(text)) + text + numbers)
    answers.flush()
    os._exit(0)  # nothing that the submission has left to be done at the end is done


if __name__ == "__main__":
    main()
