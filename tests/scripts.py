"""Scripts of the repository that belong to no package, as modules."""

import hashlib
import importlib.util
import linecache
import types
from pathlib import Path

ROOT = Path(__file__).parents[1]


def script(path):
    """The module that a script is, its path taken from the root of the repository."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def module_of(text):
    """The module that a text is, with its source where tracebacks look for it."""
    name = f"text_{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    file = f"/texts/{name}.py"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    module = types.ModuleType(name)
    exec(compile(text, file, "exec"), module.__dict__)
    return module


def said(report):
    """What a report says, in one line."""
    return " ".join(str(report).split())
