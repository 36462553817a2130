"""What the tools that work on arrays have in common: the loss of a batch, rows of X as examples, written once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from time import perf_counter
from typing import Any

Run = Callable[[], tuple[dict[str, float], Callable[[], list[float]]]]


def mean_loss(problem: dict[str, Any], sigma: Mapping[str, Callable[[Any], Any]]) -> Callable[..., Any]:
    """Return loss(W, b, X, T) for lists of weight matrices and bias vectors."""
    activations, l2, half_squared = problem["activations"], problem["l2"], problem["loss"] == "half_squared_error"
    examples = len(problem["X"])

    def loss(W: Sequence[Any], b: Sequence[Any], X: Any, T: Any) -> Any:
        a = X
        for W_l, b_l, name in zip(W, b, activations, strict=True):
            a = a @ W_l.T + b_l
            if name != "identity":
                a = sigma[name](a)
        of_examples = (0.5 * (a - T) ** 2).sum() if half_squared else sigma["relu"](1.0 - a * T).sum()
        mean = of_examples / examples
        return mean + 0.5 * l2 * sum((W_l * W_l).sum() for W_l in W) if l2 else mean

    return loss


def repeated(step: Callable[[], None], numbers: Callable[[], Iterable[float]]) -> Run:
    """Return the run of a step that is timed as a whole."""

    def run() -> tuple[dict[str, float], Callable[[], list[float]]]:
        at = perf_counter()
        step()
        return {"total": perf_counter() - at}, lambda: list(numbers())

    return run


def flat(loss: Any, arrays: Iterable[Any]) -> list[float]:
    """Return a loss and the entries of arrays."""
    return [float(loss), *(float(entry) for array in arrays for entry in array.ravel())]
