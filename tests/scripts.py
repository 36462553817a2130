"""Scripts of the repository that belong to no package, as modules."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[1]


def script(path):
    """The module that a script is, its path taken from the root of the repository."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
