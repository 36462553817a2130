"""What a step costs as machine code, beside the NumPy program it is made from.

    python benchmarks/native.py            # on the screen, in results.json and in docs/performance.md
    python benchmarks/native.py --quick    # on the screen, few rounds

needs a C compiler. Both give the loss and the gradient of the same batch, in turn, on one thread.
"""

from __future__ import annotations

import harness  # isort: skip  # limits the threads before NumPy is loaded

import argparse
import functools
import subprocess
import sys
from typing import Any

import numpy as np

sys.path.insert(0, str(harness.ROOT))
import autograd
import nn
from autograd.lift.run.native import _compiler

BATCH, CALLS, ROUNDS = 32, 300, 25
NETWORKS = {"2-16-16-1": (2, [16, 16, 1]), "64-30-10": (64, [30, 10]), "784-30-10": (784, [30, 10])}


def jobs_of(n_in: int, layers: list[int], rows: int) -> dict[str, Any]:
    """Return what computes the gradient of a batch, by name."""
    rng = np.random.default_rng(0)
    model = nn.MLP(n_in, layers, activation="tanh", seed=0)
    loss = nn.half_squared_error if layers[-1] == 1 else nn.cross_entropy
    program = autograd.compile(lambda x, t: loss(model(x), t), parameters=model)
    X = rng.normal(size=(rows, n_in))
    T = rng.normal(size=(rows, 1)) if layers[-1] == 1 else np.eye(10)[rng.integers(0, 10, rows)]
    program.backward(x=X, t=T)
    native = program.native()
    return {"NumPy": functools.partial(program.backward, x=X, t=T), "C": functools.partial(native.backward, x=X, t=T)}


def main() -> None:
    """Measure, print and keep everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few rounds, and keep nothing")
    rounds = 5 if parser.parse_args().quick else ROUNDS
    rows = []
    for name, (n_in, layers) in NETWORKS.items():
        jobs = jobs_of(n_in, layers, BATCH)
        harness.agree({which: [job()] for which, job in jobs.items()}, "NumPy")
        timed = {which: functools.partial(_calls, job) for which, job in jobs.items()}
        found = harness.alternate(timed, rounds)
        seconds = harness.medians(found)
        rows.append(
            [
                name,
                *(f"{seconds[which] / CALLS * 1e6:.1f}" for which in jobs),
                f"{harness.ratio(found, 'C', 'NumPy'):.2f}",
            ]
        )
    command = [*_compiler(), "--version"]
    version = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]
    header = [f"batches of {BATCH}", "NumPy, µs", "C, µs", "C / NumPy"]
    text = f"{harness.table(header, rows)}\n\nCompiler: {version}."
    print(text)
    if rounds == ROUNDS:
        harness.record("native", {"rows": rows, "compiler": version})
        harness.write_section("native", text)


def _calls(job: Any) -> None:
    for _ in range(CALLS):
        job()


if __name__ == "__main__":
    main()
