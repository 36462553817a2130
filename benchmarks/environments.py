"""The environments of the peers: one for each, made once under `out/`, so that none can disturb another or us.

HIPS autograd has the import name of our own engine; the two cannot share an environment.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from harness import ROOT

__all__ = ["PACKAGES", "UnavailableError", "interpreter"]

PACKAGES: dict[str, tuple[str, ...]] = {
    "micrograd": ("micrograd==0.1.0",),
    "micro_value": (),
    "numpy_by_hand": (),
    "hips": ("autograd", "numpy"),
    "xad": ("xad",),
    "casadi": ("casadi", "numpy"),
    "jax": ("jax",),
    "torch": ("torch==2.13.0", "numpy"),
}
"""What pip installs for each peer."""

FOLDER = ROOT / "out" / "benchmarks" / "environments"
PYTHON = Path("Scripts", "python.exe") if os.name == "nt" else Path("bin", "python")
"""Where `venv` puts the interpreter in an environment."""


class UnavailableError(RuntimeError):
    """A peer's environment could not be made on this machine."""


def interpreter(peer: str) -> Path:
    """Return the Python of a peer's environment, which is made if it is not there.

    Raises:
        UnavailableError: If pip cannot install the peer for this Python.
    """
    if not PACKAGES.get(peer):
        return Path(sys.executable)
    folder = FOLDER / peer
    python = folder / PYTHON
    finished = folder / "finished"
    if finished.exists() and finished.read_text(encoding="utf-8") == " ".join(PACKAGES[peer]):
        return python
    steps = (
        (sys.executable, "-m", "venv", "--clear", str(folder)),
        (str(python), "-m", "pip", "install", "--quiet", *PACKAGES[peer]),
    )
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode:
            why = (done.stderr or done.stdout).strip().splitlines()[-1:]
            raise UnavailableError(f"no environment for {peer}: {' '.join(why)}")
    finished.write_text(" ".join(PACKAGES[peer]), encoding="utf-8")
    return python
