"""The program that runs one submission: `python -I -S worker.py`, with one request after the other on standard input.

It is run as a file, needs NumPy alone, and answers each request: first what the file defines, then calls of it.
"""

import inspect
import os
import sys
import traceback
from collections.abc import Callable
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


class _Submission:
    """What a file defines.

    Args:
        path: The file.
        name: A function, or a method of an object in it: net.backprop.
    """

    def __init__(self, path: str, name: str) -> None:
        with open(path, encoding="utf-8") as file:
            code = compile(file.read(), path, "exec")
        self.module: dict[str, Any] = {"__name__": "submission", "__file__": path, "__builtins__": __builtins__}
        exec(code, self.module)
        *owner, _ = name.split(".")
        self.owner = self.module.get(owner[0]) if owner else None
        for part in owner[1:]:
            self.owner = getattr(self.owner, part, None)

    def described(self) -> dict[str, Any]:
        """Return the functions with their arguments, and the object with its attributes and methods."""
        functions = {name: f for name, f in self.module.items() if inspect.isfunction(f)}
        found: dict[str, Any] = {"functions": {name: _arguments(f) for name, f in functions.items()}}
        if self.owner is not None:
            methods = {name: f for name, f in inspect.getmembers(self.owner, callable) if not name.startswith("__")}
            found["methods"] = {name: _arguments(f) for name, f in methods.items()}
            found["attributes"] = _plain(vars(self.owner))
            found["class"] = type(self.owner).__name__
        return found

    def called(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return what a function returns, and what it was given as it leaves that."""
        place, named = request["place"], request["named"]
        if self.owner is not None:
            vars(self.owner).update(request["attributes"])
            function = getattr(self.owner, request["function"])
        else:
            function = self.module[request["function"]]
        returned = function(*place, **named)
        if returned is self.owner:
            returned = None
        attributes = _plain(vars(self.owner)) if self.owner is not None else {}
        return {"returned": returned, "place": place, "named": named, "attributes": attributes}


def _arguments(function: Callable[..., Any]) -> list[Any]:
    """Return name, kind and, in a list, default of each argument; none where they are not known."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return [["arguments", int(inspect.Parameter.VAR_POSITIONAL), []]]
    numbers = (int, float, type(None))
    return [
        [p.name, int(p.kind), [] if p.default is p.empty else [p.default if isinstance(p.default, numbers) else "…"]]
        for p in parameters
    ]


def _plain(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes that go through a pipe."""
    from wire import message  # type: ignore[import-not-found]  # the neighbour of this file

    found = {}
    for name, value in attributes.items():
        try:
            message(value)
        except (TypeError, ValueError, RecursionError):
            continue
        found[name] = value
    return found


def _error(error: BaseException, path: str) -> dict[str, str]:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    if isinstance(error, SyntaxError) and error.filename == path:
        lines = [error.lineno]
    place = f"line {lines[-1]}: " if lines else ""
    return {"error": f"{place}{type(error).__name__}: {str(error)[:500]}"}


def main() -> None:
    """Close what a submission could print to, and answer requests until there are no more."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    folder, packages = os.path.dirname(os.path.abspath(__file__)), sys.argv[1]
    sys.path[:0] = [packages, folder]
    from wire import message, received  # before the limits: the threads of NumPy reserve memory

    sys.path.remove(folder)
    sys.meta_path.insert(0, _Hidden())
    submission: Any = None
    path = ""
    while True:
        try:
            request = received(requests.read)
        except EOFError:
            os._exit(0)  # nothing that the submission has left to be done at the end is done
        try:
            if submission is None:
                path = request["path"]
                _limit(request["memory"], request["seconds"])
                submission = _Submission(path, request["function"])
                answer = message(submission.described())
            else:
                answer = message(submission.called(request))
        except BaseException as error:  # SystemExit and KeyboardInterrupt of the submission, too
            answer = message(_error(error, path))
        answers.write(answer)
        answers.flush()


if __name__ == "__main__":
    main()
