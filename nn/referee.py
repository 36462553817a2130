"""The referee: is a backpropagation derived by hand right, and if not, where and how is it wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from .arguments import FloatArray, float_rows
from .diagnosis import Supplied, cost, findings
from .losses import LossFunction, loss_named, name_of, require_targets
from .mlp import MLP
from .reference import Reference
from .report import Finding, Report

__all__ = ["check_backprop"]

Backprop = Callable[[list[FloatArray], list[FloatArray], FloatArray, FloatArray], Any]


def check_backprop(
    my_backprop: Backprop,
    model: MLP,
    X: ArrayLike,
    T: ArrayLike,
    loss: str | LossFunction,
    *,
    l2: float = 0.0,
    layout: Literal["rows", "columns"] = "rows",
) -> Report:
    """Return a report on a hand-written backward pass: for every array, right or wrong, and how.

    The engine differentiates the loss of the same network scalar by scalar, exactly, and each of your arrays must agree
    with it to 1e-10 of its largest entry, plus what rounding can do to such a sum. A diagnosis is given only where the
    mistake explains the whole array, given the arrays above it.

    Args:
        my_backprop: Called once as `my_backprop(weights, biases, X, T)`, with copies. Returns (dW, db) or
            (dW, db, delta), each a list with one array a layer, first layer first; or a dict or an object with these
            names. dW and db are gradients of the mean loss over the batch; δ may carry 1/N or not.
        model: The network.
        X: The inputs, one row an example, shape (N, n_0), in either layout.
        T: The targets, shape (N, n_L).
        loss: The loss of one example: a name, or a function of outputs and target.
        l2: The coefficient c of (c/2) Σ‖W‖², added once per batch.
        layout: "rows" hands over X (N, n_0), T and biases (n_l,), and takes δ of shape (N, n_l). "columns" hands over
            the transposed X and T and biases (n_l, 1), and takes δ of shape (n_l, N). dW has the shape of W in both,
            and db may be (n_l,), (1, n_l) or (n_l, 1).

    Raises:
        TypeError: If what comes back is not numbers, or the model is not an MLP.
        ValueError: If shapes of X and T do not fit, or an array is missing.
        DomainError: If the loss or a derivative is undefined on this data.

    Example:
        >>> from nn import MLP, check_backprop
        >>> def my_backprop(weights, biases, X, T):
        ...     delta = X @ weights[0].T + biases[0] - T
        ...     return [delta.T @ X], [delta.mean(axis=0)]
        >>> X, T = [[1, 2], [3, 4], [5, 7]], [[1], [0], [1]]
        >>> report = check_backprop(my_backprop, MLP(2, [1], seed=0), X, T, "half_squared_error")
        >>> report.of("W", 1).kinds, report.of("b", 1).verdict
        ({'factor m'}, 'right')
    """
    if not isinstance(model, MLP):
        raise TypeError(f"check_backprop needs an nn.MLP, got {model!r} of type {type(model).__name__}")
    if layout not in ("rows", "columns"):
        raise ValueError(f"layout must be 'rows' or 'columns', got {layout!r}")
    l2 = _coefficient(l2)
    rows, targets = _batch(model, X, T)
    function = loss_named(loss)
    require_targets(function, targets)
    returned = _called(my_backprop, model, rows, targets, layout)
    reference = Reference(model, rows, targets, function, l2)
    dW, db, delta = _arrays(returned, reference.L)
    db = [array.ravel() if array.ndim == 2 and 1 in array.shape else array for array in db]
    found, scale = _judged(reference, dW, db, _in_rows(delta, reference, layout))
    if layout == "columns":
        found = [_transposed(finding) if finding.array == "δ" else finding for finding in found]
    count = f"{reference.N} examples" if reference.N > 1 else "one example"
    subject = f"Your backpropagation of {_title(model)}, {name_of(function)}, {count}" + (
        f", l2 = {l2:g}" if l2 else ""
    )
    return Report(tuple(found), subject + ", against the engine", scale, _headline(found, reference), reference.N, l2)


def _called(my_backprop: Backprop, model: MLP, X: FloatArray, T: FloatArray, layout: str) -> Any:
    weights, biases = [np.array(W) for W in model.weights], [np.array(b) for b in model.biases]
    if layout == "columns":
        return my_backprop(weights, [b[:, None] for b in biases], X.T.copy(), T.T.copy())
    return my_backprop(weights, biases, X.copy(), T.copy())


def _judged(
    r: Reference, dW: list[FloatArray], db: list[FloatArray], delta: list[FloatArray] | None
) -> tuple[list[Finding], str]:
    """Return the findings under the reading of δ, with or without 1/N, that leaves fewer mistakes."""
    if delta is None:
        return findings(r, Supplied(dW, db, None)), ""
    without = findings(r, Supplied(dW, db, delta))
    if r.N == 1:
        return without, ""
    carried = findings(r, Supplied(dW, db, [r.N * array for array in delta]))
    if (-_right_deltas(carried), cost(carried)) < (-_right_deltas(without), cost(without)):
        scaled = [replace(f, yours=f.yours / r.N, right=f.right / r.N) if f.array == "δ" else f for f in carried]
        return scaled, "with 1/N"
    return without, "without 1/N"


def _right_deltas(found: Sequence[Finding]) -> int:
    return sum(f.array == "δ" and f.verdict == "right" for f in found)


def _headline(found: Sequence[Finding], r: Reference) -> str:
    """Return a sentence if every gradient is off by the same factor."""
    wrong = [f for f in found if f.array != "δ" and f.verdict in ("wrong", "follows")]
    if len(wrong) < 2 or any(f.array != "δ" and f.verdict == "right" for f in found):
        return ""
    for factor, name in ((-1.0, "−1"), (2.0, "2"), (0.5, "½"), (float(r.N), "m"), (1.0 / r.N, "1/m")):
        if factor != 1.0 and all(_is_multiple(f, factor, r) for f in wrong):
            size = f", m = {r.N}" if "m" in name else ""
            return f"Every gradient is {name} times what it should be{size}: probably one mistake, made once for all.\n"
    return ""


def _is_multiple(f: Finding, factor: float, r: Reference) -> bool:
    """Return whether a gradient, but for its regularisation, is `factor` times the right one."""
    if f.yours.shape != f.right.shape:
        return False
    decay = r.l2 * r.W[f.layer - 1] if f.array == "W" else 0.0
    expected = factor * (f.right - decay)
    return bool(abs(f.yours - decay - expected).max() <= 1e-9 * abs(expected).max())


# --- what is handed in ------------------------------------------------------------------------------


def _batch(model: MLP, X: ArrayLike, T: ArrayLike) -> tuple[FloatArray, FloatArray]:
    rows, targets = float_rows("X", np.atleast_2d(X)), float_rows("T", np.atleast_2d(T))
    for name, array, width in (("X", rows, model.n_in), ("T", targets, model.n_out)):
        if array.shape[1] != width:
            raise ValueError(f"{name} needs one row an example, with {width} entries, got shape {array.shape}")
    if len(rows) != len(targets):
        raise ValueError(f"X and T need as many rows, got {len(rows)} and {len(targets)}")
    return rows, targets


def _coefficient(l2: float) -> float:
    if isinstance(l2, bool) or not isinstance(l2, (int, float, np.integer, np.floating)):
        raise TypeError(f"l2 must be a number, got {l2!r}")
    if not 0.0 <= l2 < np.inf:
        raise ValueError(f"l2 must be finite and not negative, got {l2!r}")
    return float(l2)


def _arrays(returned: Any, L: int) -> tuple[list[FloatArray], list[FloatArray], list[FloatArray] | None]:
    """Return dW, db and δ, in whatever form they came."""
    if isinstance(returned, Mapping):
        parts = [returned.get(name) for name in ("dW", "db", "delta")]
    elif hasattr(returned, "dW") and hasattr(returned, "db"):
        parts = [returned.dW, returned.db, getattr(returned, "delta", None)]
    elif isinstance(returned, (tuple, list)) and len(returned) in (2, 3):
        parts = [*returned, None][:3]
    else:
        raise TypeError(f"my_backprop must return (dW, db) or (dW, db, delta), got {type(returned).__name__}")
    if parts[0] is None or parts[1] is None:
        raise ValueError("my_backprop must return both dW and db")
    dW, db = _list(parts[0], "dW", L), _list(parts[1], "db", L)
    return dW, db, None if parts[2] is None else _list(parts[2], "delta", L)


def _list(arrays: Any, name: str, L: int) -> list[FloatArray]:
    if not isinstance(arrays, (list, tuple)) or len(arrays) != L:
        got = f"{len(arrays)}" if isinstance(arrays, (list, tuple)) else f"a {type(arrays).__name__}"
        raise ValueError(f"my_backprop must return {name} as a list of {L} arrays, one a layer, got {got}")
    found = []
    for l, array in enumerate(arrays):
        try:
            found.append(np.array(array, dtype=float))
        except (TypeError, ValueError) as error:
            raise TypeError(f"{name}[{l}] must be an array of real numbers, got {array!r}") from error
    return found


def _in_rows(delta: list[FloatArray] | None, r: Reference, layout: str) -> list[FloatArray] | None:
    """Return δ with a row for each example; one example may come as a vector."""
    if delta is None:
        return None
    columns = layout == "columns"
    whole = [array.T if columns else array for array in delta]
    return [array[None, :] if array.ndim == 1 and r.N == 1 else array for array in whole]


def _transposed(f: Finding) -> Finding:
    return replace(f, yours=f.yours.T, right=f.right.T)


def _title(model: MLP) -> str:
    return f"MLP({model.n_in}, {[layer.n_out for layer in model.layers]}) with {', '.join(model.activations)}"
