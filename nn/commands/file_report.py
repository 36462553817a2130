"""The report on a backward pass in a Python file, which may define the network, the batch and the loss too."""

from __future__ import annotations

import functools
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

import nn

from ..arguments import float_array
from ..referee.file_options import drawn_targets, options_in
from ..referee.layer_functions import are_layer_functions

__all__ = ["DEFAULT", "report_on"]

DEFAULT = "my_backprop"
LOSS_BY_DEFAULT = "half_squared_error"


def report_on(path: Path, function: str, seed: int, time_limit: float = 10.0, notation: str | None = None) -> nn.Report:
    """Return the report on a function in a file.

    Raises:
        ValueError: If the file does not define the function, or the function fails.
        TypeError: If its MODEL is no MLP.
        OSError: If there is no such file.
    """
    module = _module(path)
    backprop: Any = module
    for name in function.split("."):
        backprop = getattr(backprop, name, None)
    model, loss = getattr(module, "MODEL", None), getattr(module, "LOSS", LOSS_BY_DEFAULT)
    if backprop is None and function == DEFAULT and are_layer_functions(module):
        backprop = module
    elif not callable(backprop):
        others = [name for name, held in vars(module).items() if getattr(held, "__module__", "") == module.__name__]
        told = f"; it defines {', '.join(others)}: name one with --function" if others else ""
        raise ValueError(f"{path} must define a function {function}(weights, biases, X, T){told}")
    rng = np.random.default_rng(seed)
    if model is None:
        model = _model(rng)
    X = getattr(module, "X", None)
    T = getattr(module, "T", None)
    if not isinstance(model, nn.MLP) and (X is None or T is None):
        raise TypeError(
            f"{path}: MODEL must be an nn.MLP, got one of type {type(model).__name__}; for another network that is "
            "written with Values the file must define X and T too"
        )
    options = options_in(vars(module)) | ({"notation": notation} if notation else {})
    labels = getattr(module, "LABELS", None)
    N = len(np.atleast_2d(float_array("X", X))) if X is not None else max(5, len(labels or ()))
    return nn.check_backprop(
        _located(backprop, path) if callable(backprop) else backprop,
        model,
        rng.normal(size=(N, model.n_in)) if X is None else X,
        drawn_targets(rng, loss, N, model.n_out, labels) if T is None else T,
        loss,
        **options,
        whole_batch=getattr(module, "WHOLE_BATCH", False),
        time_limit=time_limit,
    )


def _located(backprop: Callable[..., Any], path: Path) -> Callable[..., Any]:
    """Return the function with errors that say in which line of the file they arose."""

    @functools.wraps(backprop)
    def called(*arrays: Any, **named: Any) -> Any:
        try:
            return backprop(*arrays, **named)
        except Exception as error:
            raise ValueError(f"{path}{_line(error, path)}: {type(error).__name__}: {error}") from error

    return called


def _line(error: Exception, path: Path) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if Path(frame.filename).name == path.name]
    return f", line {lines[-1]}" if lines else ""


def _module(path: Path) -> ModuleType:
    """Return the file as a module; it may import its neighbours."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    if path.suffix != ".py":
        raise ValueError(f"{path} is not a Python file: its name must end in .py")
    module = ModuleType(path.stem)
    module.__file__ = str(path)
    sys.path.insert(0, str(path.parent.resolve()))
    try:  # not by an import, which takes bytecode of the same second and size for that of a file that has changed
        exec(compile(path.read_bytes(), path, "exec"), module.__dict__)
    except Exception as error:
        raise ValueError(f"{path} cannot be run{_line(error, path)}: {type(error).__name__}: {error}") from error
    finally:
        sys.path.pop(0)
    return module


def _model(rng: np.random.Generator) -> nn.MLP:
    """Return a network whose biases are not 0, so that mistakes in them show."""
    model = nn.MLP(3, [4, 4, 2], activation="sigmoid", output_activation="sigmoid", seed=int(rng.integers(2**31)))
    model.biases = [rng.normal(size=b.shape) for b in model.biases]
    return model
