"""A program as machine code: its C text, compiled by the compiler of this machine and called by ctypes.

A compiled text is kept in a folder of the user's cache and found again by the hash of all that it came from. What the
code cannot answer, because something is undefined or takes another path, the program itself is asked for: it gives the
numbers, or raises the error that says what is wrong.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np

from ...files import written
from .running import Running

__all__ = ["NativeProgram"]

Array = np.ndarray[Any, Any]
OPTIONS = ("-std=c99", "-O3", "-march=native", "-ffp-contract=fast", "-fno-math-errno", "-shared", "-fPIC")
_COMPILERS = ("cc", "gcc", "clang")
_SECONDS = 600  # that a compiler may take


class NativeProgram:
    """A compiled program that runs as machine code.

    `Program.native` makes one. Parameters and gradient are those of the program: `program.flat` and
    `program.flat_gradient` are the memory that it works on.

    Attributes:
        program: The program.
        library: The file that holds the code.
    """

    def __init__(self, program: Running) -> None:
        self.program = program
        self._load()

    def _load(self) -> None:
        program = self.program
        self._derived = program.derived
        self.library = _library(program.c_source())
        code = ctypes.CDLL(str(self.library))
        arrays = 1 + len(program.derived.inputs)
        pointer: Any = ctypes.c_void_p
        self._gradient, self._step = code.value_and_grad, code.gradient_step
        self._gradient.argtypes = [*[pointer] * arrays, ctypes.c_long, *[pointer] * 3]
        self._step.argtypes = [*[pointer] * arrays, ctypes.c_long, ctypes.c_double, *[pointer] * 2]
        code.memory_size.restype = ctypes.c_size_t
        self._size = int(code.memory_size())
        self._inputs = tuple(program.derived.axes.items())
        self._local = threading.local()

    def __reduce__(self) -> tuple[Any, ...]:
        return NativeProgram, (self.program,)

    def backward(self, /, **batch: Any) -> float:
        """Return the loss of a batch and leave its gradient in `program.flat_gradient`.

        Raises as `Program.backward` does.
        """
        program = self.program
        flat = program.flat
        rows, arrays, loss, memory = self._call(batch)
        if rows:
            pointers = (_address(flat), *map(_address, arrays), rows)
            if not self._gradient(*pointers, _address(loss), _address(program.flat_gradient), memory):
                return float(loss[0])
        return program.backward(**batch)

    def value_and_grad(self, /, **batch: Any) -> tuple[float, dict[str, Array]]:
        """Return the loss of a batch and its gradient by parameter name, as fresh arrays.

        Raises as `Program.value_and_grad` does.
        """
        loss = self.backward(**batch)
        return loss, {name: gradient.copy() for name, gradient in self.program.gradients.items()}

    def step(self, learning_rate: float, /, **batch: Any) -> float:
        """Move the parameters against the gradient of a batch, and return the loss before.

        Args:
            learning_rate: What the gradient is multiplied by; from 0 up.
            **batch: The rows of each input.

        Raises:
            ValueError: If the learning rate is negative or not finite.
            DomainError: As `Program.backward` raises it; then the parameters are those from before.
            FloatingPointError: If the step would make a parameter infinite; likewise.
        """
        if not 0.0 <= learning_rate < float("inf"):
            raise ValueError(f"a learning rate must be finite and not negative, got {learning_rate!r}")
        program = self.program
        flat = program.flat
        rows, arrays, loss, memory = self._call(batch)
        if rows:
            pointers = (_address(flat), *map(_address, arrays), rows)
            if not self._step(*pointers, learning_rate, _address(loss), memory):
                return float(loss[0])
        found = program.backward(**batch)
        moved = program.flat - learning_rate * program.flat_gradient
        if not np.isfinite(moved).all():
            raise FloatingPointError("a step would make a parameter infinite; try a smaller learning rate")
        program.flat[:] = moved
        return found

    def _call(self, batch: Mapping[str, Any]) -> tuple[int, list[Array], Array, int]:
        """Return the number of rows, their arrays, and this thread's memory; 0 rows if the program has to look."""
        if not self._is_current():
            return 0, [], np.zeros(1), 0
        local = self._local
        try:
            loss, memory = local.loss, local.memory
        except AttributeError:
            loss = local.loss = np.zeros(1)
            local.held = np.zeros(self._size // 8 + 8)
            memory = local.memory = _address(local.held)
        arrays: list[Array] = []
        rows = 0 if self._inputs else 1
        if len(batch) != len(self._inputs):
            return 0, arrays, loss, memory
        for name, shape in self._inputs:
            given = batch.get(name)
            if type(given) is not np.ndarray or given.dtype != float or not given.flags.c_contiguous:
                if not isinstance(given, (np.ndarray, list, tuple)) or isinstance(given, np.ma.MaskedArray):
                    return 0, arrays, loss, memory
                try:
                    given = np.ascontiguousarray(given, dtype=float)
                except (TypeError, ValueError):
                    return 0, arrays, loss, memory
            if given.ndim < 2 or given.shape[1:] != shape:
                return 0, arrays, loss, memory
            count = given.shape[0]
            if not count or (rows and count != rows):
                return 0, arrays, loss, memory
            rows = count
            arrays.append(given)
        return rows, arrays, loss, memory

    def _is_current(self) -> bool:
        """Whether the code is that of what the program has recorded; after another recording it is made anew."""
        try:
            derived = self.program.derived
        except RuntimeError:  # a number in the graph was assigned, and it will be recorded again
            return False
        if derived is not self._derived:
            self._load()
        return True


def _address(array: Array) -> int:
    try:
        return ctypes.addressof(ctypes.c_char.from_buffer(cast(Any, array)))  # four times as fast as what follows
    except (TypeError, ValueError):  # an array that cannot be written to
        return array.ctypes.data


def _library(text: str) -> Path:
    """Return the file of the code of a text, compiled now or before.

    Raises:
        RuntimeError: If there is no compiler, or it refuses the text.
    """
    compiler = _compiler()
    key = hashlib.sha256("\0".join([text, *OPTIONS, _described(compiler), platform.platform()]).encode()).hexdigest()
    folder = _folder()
    library, check = folder / f"{key}.so", folder / f"{key}.sha256"
    if _is_whole(library, check):
        return library
    with tempfile.TemporaryDirectory() as scratch:
        source, made = Path(scratch) / "program.c", Path(scratch) / "program.so"
        source.write_text(text, encoding="ascii")
        command = [*compiler, *OPTIONS, str(source), "-o", str(made), "-lm"]
        found = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
        if found.returncode:
            raise RuntimeError(f"{' '.join(command)} failed:\n{found.stderr.strip()[-2000:]}")
        code = made.read_bytes()
    written(library, code)
    written(check, hashlib.sha256(code).hexdigest().encode())
    return library


def _is_whole(library: Path, check: Path) -> bool:
    try:
        return hashlib.sha256(library.read_bytes()).hexdigest() == check.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return False


def _compiler() -> list[str]:
    named = os.environ.get("CC", "").split()
    if named:
        if shutil.which(named[0]) is None:
            raise RuntimeError(f"native needs a C compiler, and the variable CC names {named[0]!r}, which is not here")
        return named
    for name in _COMPILERS:
        if shutil.which(name):
            return [name]
    raise RuntimeError(
        f"native needs a C compiler, and there is none of {', '.join(_COMPILERS)} here: install one, or name it in the "
        "variable CC; the program itself needs none"
    )


def _described(compiler: list[str]) -> str:
    found = subprocess.run([*compiler, "--version"], capture_output=True, text=True, timeout=60, check=False)
    return " ".join([*compiler, found.stdout, platform.machine(), _processor()])


def _processor() -> str:
    """Return what this processor can do, since the code is made for it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")


def _folder() -> Path:
    """Return the folder for compiled texts, made for this user alone."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    folder = Path(base) / "deltagrad"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.access(folder, os.W_OK) and (not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid()):
            return folder
    except OSError:
        pass
    return Path(tempfile.mkdtemp(prefix="deltagrad-"))
