"""A second run of a batch in which something was in doubt, with every step looked at."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .batch import Batch
from .evaluate import RELATIONS, Evaluation
from .lifted import Lifted
from .runner import Kind

__all__ = ["careful"]

Array = np.ndarray[Any, Any]


def careful(derived: Lifted, flat: Array, gradient: Array, batch: Batch, kind: Kind, *, mean: bool) -> Any:
    """Return what the fast code would have, having found that nothing is wrong.

    Raises:
        DomainError: If an operation or a needed derivative is undefined, or a result is not finite.
        RuntimeError: If a comparison comes out differently from when the graph was recorded.
        ValueError: If a parameter is not finite.
    """
    for each in derived.parameters.all:
        if not np.isfinite(each.view(flat)).all():
            raise ValueError(f"parameter {each.name!r} holds NaN or infinity")
    blocks = {derived.forward.inputs[name]: rows for name, rows in batch.named.items()}
    run = Evaluation(derived.parameters, flat, blocks, batch.examples, mean=mean)
    if kind == "outputs":
        run.forward(derived.forward, [each for row in derived.outputs.values() for each in row])
        return {
            name: np.concatenate([np.broadcast_to(run.evaluate(each), (1, batch.examples)).T for each in row], axis=1)
            for name, row in derived.outputs.items()
        }
    run.forward(derived.forward)
    _check_guards(derived, run)
    losses = run.losses(derived.forward.roots[0])
    if kind == "losses":
        return losses
    if kind == "backward":
        gradient[:] = run.backward(derived.reverse, derived.parameters)
    try:
        total = math.fsum(losses / batch.examples if mean else losses)
    except OverflowError:
        total = math.inf
    run.check_finite(np.array([[total]]))
    return total


def _check_guards(derived: Lifted, run: Evaluation) -> None:
    for guard in derived.guards:
        left, right = (run.evaluate(side) for side in guard.sides)
        wrong = RELATIONS[guard.relation](left, right) != guard.outcome
        if wrong.any():
            row = int(np.argwhere(wrong)[0][-1])
            raise RuntimeError(
                f"the comparison in {guard.place} gave {guard.outcome} when the function was recorded and gives "
                f"{not guard.outcome} at row {row} of the batch: the recorded graph does not hold there. "
                "Use autograd.where, maximum or abs to select within the graph, or compile again"
            )
