"""What a document costs the GPT of examples/microgpt.py: compiled, and the same program on other scalars.

    python benchmarks/microgpt.py            # on the screen, in results.json and in docs/performance.md
    python benchmarks/microgpt.py --quick    # on the screen, few rounds

The network is the code of the example, not a copy; only what its names `Value`, `relu`, `softmax`, … mean is exchanged.
Loss and all gradients of a batch are compared before anything is timed.
"""

from __future__ import annotations

import harness  # isort: skip  # limits the threads before NumPy is loaded

import argparse
import contextlib
import functools
import importlib.util
import io
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any
from unittest import mock

import numpy as np

sys.path.insert(0, str(harness.ROOT))
sys.path.insert(0, str(harness.ROOT / "benchmarks" / "peers"))
from with_micro_value import Value as MicroValue

BATCH, POSITIONS, CALLS, ROUNDS = 32, 11, 20, 9
Answer = tuple[float, list[float]]


def example() -> ModuleType:
    """Return the example as a module, run for one epoch."""
    spec = importlib.util.spec_from_file_location("microgpt", harness.ROOT / "examples" / "microgpt.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError("examples/microgpt.py is missing: run this in a copy of the repository")
    module = importlib.util.module_from_spec(spec)
    silent = contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO())
    with silent[0], silent[1], mock.patch.object(sys, "argv", ["microgpt.py", "1"]):
        spec.loader.exec_module(module)
    return module


def softmax(values: Sequence[MicroValue]) -> list[MicroValue]:
    """Return exp(v) over the sum of all, shifted by the largest."""
    largest = max(value.data for value in values)
    powers = [(value - largest).exp() for value in values]
    total = sum(powers[1:], powers[0])
    return [power / total for power in powers]


def on_micro_values(gpt: ModuleType) -> Callable[..., Answer]:
    """Return what differentiates a document on microgpt-style Values."""
    program = example()
    leaves = {name: [[MicroValue(leaf.data) for leaf in row] for row in rows] for name, rows in gpt.parameters.items()}
    names = {
        "relu": MicroValue.relu,
        "softmax": softmax,
        "log_softmax": lambda values: [value.log() for value in softmax(values)],
        "lookup": lambda table, index: table[index],
    }
    for name, own in {**leaves, **names}.items():
        setattr(program, name, own)
    flat = [leaf for rows in leaves.values() for row in rows for leaf in row]
    return functools.partial(_differentiated, program.loss, flat)


def on_values(gpt: ModuleType) -> Callable[..., Answer]:
    """Return what differentiates a document on our Values."""
    flat = [leaf for rows in gpt.parameters.values() for row in rows for leaf in row]
    return functools.partial(_differentiated, gpt.loss, flat)


def _differentiated(loss: Callable[[Any, Any], Any], leaves: list[Any], x: list[int], t: list[int]) -> Answer:
    for leaf in leaves:
        leaf.grad = 0.0
    cost = loss(x, t)
    cost.backward()
    return cost.data, [leaf.grad for leaf in leaves]


def main() -> None:
    """Measure, print and keep everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few rounds, and keep nothing")
    rounds = 2 if parser.parse_args().quick else ROUNDS
    gpt = example()
    rng = np.random.default_rng(0)
    letters = rng.integers(1, gpt.VOCABULARY, (BATCH, POSITIONS - 1))
    x, t = np.pad(letters, ((0, 0), (1, 0))), np.pad(letters, ((0, 0), (0, 1)))
    gpt.program.pull()

    scalars = {"Values, one document after the other": on_values(gpt), "microgpt-style Values": on_micro_values(gpt)}
    answers = {}
    for name, of in scalars.items():
        documents = [of(a, b) for a, b in zip(x.tolist(), t.tolist(), strict=True)]
        answers[name] = np.mean([[loss, *gradients] for loss, gradients in documents], axis=0)
    loss, gradients = gpt.program.value_and_grad(x=x, t=t)
    answers["compiled"] = np.array([loss, *(g for name in gpt.parameters for g in gradients[name].ravel())])
    harness.agree(answers, "compiled")

    def compiled() -> None:
        for _ in range(CALLS):
            gpt.program.backward(x=x, t=t)

    document = x[0].tolist(), t[0].tolist()
    jobs: dict[str, Callable[[], Any]] = {name: functools.partial(_run, of, document) for name, of in scalars.items()}
    times = harness.alternate({**jobs, "compiled": compiled}, rounds)
    times["compiled"] = [seconds / CALLS / BATCH for seconds in times["compiled"]]
    seconds = harness.medians(times)
    faster = {name: 1.0 / harness.ratio(times, "compiled", name) for name in seconds}
    rows = [[name, f"{of * 1e3:,.3f}", f"{faster[name]:,.0f}"] for name, of in seconds.items()]
    text = harness.table([f"{POSITIONS} positions", "a document, ms", "this / compiled"], rows)
    print(text)
    if rounds == ROUNDS:
        harness.record("microgpt", {"rows": rows})
        harness.write_section("microgpt", text)


def _run(of: Callable[..., Answer], document: tuple[list[int], list[int]]) -> None:
    of(*document)


if __name__ == "__main__":
    main()
