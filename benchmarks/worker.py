"""The other end of a `Contender`: runs one peer's workloads in the peer's own environment.

It is started as `python -P worker.py NAME [FOLDER …]`, with the folders to import from, and reads one JSON request a
line. `prepare` gives a problem to a workload and a name to both; `check` runs it and returns the numbers it computed;
`time` does so and returns the mean seconds of its phases; `versions` returns what is installed.

A workload is a function of `peers/NAME.py`. It takes the problem and returns `run`; each `run()` does the work once and
returns the seconds of its phases and a function that gives the computed numbers, which is not called when timing.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import sys
import traceback
from collections.abc import Callable
from typing import Any

Run = Callable[[], tuple[dict[str, float], Callable[[], list[float]]]]


def answer(peer: Any, runs: dict[str, Run], request: dict[str, Any]) -> Any:
    """Return what a request asks for."""
    do, name = request["do"], request.get("name", "")
    if do == "versions":
        return {name: importlib.metadata.version(name) for name in peer.PACKAGES}
    if do == "prepare":
        runs[name] = getattr(peer, request["workload"])(request["problem"])
        return None
    if do == "check":
        for _ in range(request["times"] - 1):
            runs[name]()
        _, numbers = runs[name]()
        return [float(number) for number in numbers()]
    times = request["times"]
    phases = [runs[name]()[0] for _ in range(times)]
    return {phase: sum(seconds[phase] for seconds in phases) / times for phase in phases[0]}


def main() -> None:
    """Answer requests until there are no more."""
    name, *folders = sys.argv[1:]
    sys.path[:0] = folders
    out, sys.stdout = sys.stdout, sys.stderr  # what a peer prints is no answer
    peer = importlib.import_module(f"with_{name}")
    runs: dict[str, Run] = {}
    for line in sys.stdin:
        try:
            reply = {"answer": answer(peer, runs, json.loads(line))}
        except Exception:
            reply = {"error": traceback.format_exc()}
        out.write(json.dumps(reply) + "\n")
        out.flush()


if __name__ == "__main__":
    main()
