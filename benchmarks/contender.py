"""A peer, or ourselves, in a process of its own that takes turns with the others."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import IO, Any, cast

from environments import interpreter
from harness import ONE_THREAD, ROOT

__all__ = ["OURS", "Contender", "ContenderError", "whole_process"]

HERE = Path(__file__).parent
OURS = ("ours", "compiled")
"""The names of our own ways to work: the eager engine, and the program lifted from its graph."""


class ContenderError(RuntimeError):
    """A contender could not do its work; the message is its traceback."""


class Contender:
    """One tool at work in its own process.

    Args:
        name: One of `OURS`, or a name in `environments.PACKAGES`.

    Raises:
        UnavailableError: If its environment cannot be made.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._process = subprocess.Popen(
            command(name),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=surroundings(),
        )
        self._requests = cast("IO[str]", self._process.stdin)  # pipes, as asked for
        self._answers = cast("IO[str]", self._process.stdout)

    def __enter__(self) -> Contender:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._requests.close()
        self._answers.close()
        self._process.wait()

    def ask(self, **request: Any) -> Any:
        """Return the answer to a request, as `worker` says."""
        try:
            self._requests.write(json.dumps(request) + "\n")
            self._requests.flush()
            line = self._answers.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise ContenderError(f"{self.name} ended with status {self._process.wait()}")
        reply = json.loads(line)
        if "error" in reply:
            raise ContenderError(f"{self.name}: {reply['error']}")
        return reply["answer"]

    def prepare(self, name: str, workload: str, problem: dict[str, Any]) -> None:
        """Set a workload up with a problem, under a name."""
        self.ask(do="prepare", name=name, workload=workload, problem=problem)

    def check(self, name: str, times: int) -> list[float]:
        """Return the numbers computed after running a workload some times."""
        numbers: list[float] = self.ask(do="check", name=name, times=times)
        return numbers

    def time(self, name: str, times: int = 1) -> dict[str, float]:
        """Return the mean seconds of each phase of some runs on end, "total" among them."""
        seconds: dict[str, float] = self.ask(do="time", name=name, times=times)
        return seconds

    def versions(self) -> dict[str, str]:
        """Return the versions of what the tool consists of."""
        found: dict[str, str] = self.ask(do="versions")
        return found


def whole_process(name: str, workload: str, problem: dict[str, Any], times: int) -> list[float]:
    """Return the numbers a workload computed in a process that was started for it and has ended."""
    requests = [
        {"do": "prepare", "name": "job", "workload": workload, "problem": problem},
        {"do": "check", "name": "job", "times": times},
    ]
    text = "".join(json.dumps(request) + "\n" for request in requests)
    done = subprocess.run(command(name), input=text, capture_output=True, text=True, env=surroundings(), check=True)
    reply = json.loads(done.stdout.splitlines()[-1])
    if "error" in reply:
        raise ContenderError(f"{name}: {reply['error']}")
    numbers: list[float] = reply["answer"]
    return numbers


def surroundings() -> dict[str, str]:
    """Return a contender's environment variables: one thread, and no folder of ours to import from by accident."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return kept | ONE_THREAD | {"PYTHONHASHSEED": "0"}


def command(name: str) -> list[str]:
    """Return the command that starts a contender."""
    folders = [str(HERE / "peers"), *([str(ROOT)] if name in OURS else [])]
    return [str(interpreter(name)), "-P", str(HERE / "worker.py"), name, *folders]
