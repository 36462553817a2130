"""The classical optimisers of SciPy on the loss of all examples at once.

They choose their steps themselves, so there is neither a learning rate nor a batch. What they are given is the compiled
loss as a function of the vector of all parameters, its gradient, and, where they use curvature, its product with the
Hessian (`Program.hvp`).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from autograd.value import assign

from ..arguments import FloatArray, unknown_name, whole_number
from ..loss.classes import Label
from ..loss.loss_table import LossFunction, loss_named, name_of
from ..model.module import Module
from ..rows import BLOCK
from .engines import ROWS_IN_A_SHARD, CompiledEngine, require_map
from .evaluation import BatchGradient, Model
from .examples import Examples
from .history import FINISHED, History, Record
from .interruption import Interruption
from .penalty import Penalty
from .run import Callback, EpochEnd, require_callbacks

if TYPE_CHECKING:
    from tqdm import tqdm

    from autograd.lift.run.shards import Map

__all__ = ["METHODS", "minimize"]

LEAST_SQUARES = "least-squares"
_SHARDS = 64  # that a `map` is given at a time

METHODS = {
    "L-BFGS-B": False,
    "CG": False,
    "BFGS": False,
    "Newton-CG": True,
    "trust-ncg": True,
    "trust-krylov": True,
    LEAST_SQUARES: False,
}
"""The methods, and whether they take products with the Hessian."""

_SQUARES: dict[str, Callable[[int], float]] = {
    "half_squared_error": lambda _n_out: 1.0,
    "mse_loss": lambda n_out: math.sqrt(2.0 / n_out),
}
"""What (a − t)/√N is multiplied by, so that half the sum of its squares is the loss."""


def minimize(
    model: Model,
    X: ArrayLike,
    T: ArrayLike,
    *,
    loss: str | LossFunction,
    method: str = "L-BFGS-B",
    l2: float = 0.0,
    iterations: int = 200,
    tolerance: float | None = None,
    sample_weight: ArrayLike | None = None,
    classes: Sequence[Label] | None = None,
    validation: tuple[ArrayLike, ArrayLike] | tuple[ArrayLike, ArrayLike, ArrayLike] | None = None,
    options: Mapping[str, Any] | None = None,
    callbacks: Sequence[Callback] = (),
    progress: bool | None = None,
    map: Map | None = None,
) -> History:
    """Minimise the mean loss over all examples with an optimiser of SciPy, and return what happened.

    Ctrl-C ends it after the iteration at hand: the model keeps what it has learned, and the history says where it
    ended. Dropout is off.

    Args:
        model: An MLP or another module that is called with the numbers of one example.
        X: Inputs, shape (N, n_in), as `fit` takes them.
        T: Targets, shape (N, n_out), as `fit` takes them.
        loss: The name of a loss, or a function of one example's outputs and target.
        method: "L-BFGS-B", "CG" or "BFGS", which use gradients; "Newton-CG", "trust-ncg" or "trust-krylov", which use
            products with the Hessian too; or "least-squares" (Levenberg's and Marquardt's idea in a trust region) for
            half_squared_error and mse_loss, which uses the Jacobian of the outputs and is for few parameters.
        l2: The coefficient c of the penalty (c/2) Σ w² over the model's weights, not its biases.
        iterations: The largest number of iterations.
        tolerance: When to stop, as the method understands `tol`; None for the method's own.
        sample_weight: How much each example counts, shape (N,), from 0 up; the mean is Σ w C / Σ w.
        classes: The classes in the order of the outputs, where targets are labels.
        validation: Inputs and targets to evaluate after each iteration, and their weights, if they have some.
        options: Options of the method, as SciPy documents them.
        callbacks: Called with an `EpochEnd` after each iteration, in order. What they assign to parameters does not
            move the method.
        progress: Whether to show a progress bar on the standard error; by default, if that is a terminal.
        map: What computes losses and gradients in parts of 256 rows, as for `fit`.

    Returns:
        A history with an entry for each iteration, of the loss after it, with the penalty. `ended` gives the method's
        own words where it stopped before the last iteration.

    Raises:
        ImportError: If SciPy is not installed, or there is a `map` and threadpoolctl is not.
        TypeError: If an argument is of the wrong kind.
        ValueError: If shapes do not fit, there are no examples, a number is not finite, a target is none of the loss, a
            name is unknown, or the method does not go with model and loss. Then nothing has changed.
        ArithmeticError: If a loss or a gradient on the way is not finite. The parameters are then those after the last
            iteration.

    Source: J. Nocedal and S. J. Wright, "Numerical Optimization", 2nd edition, 2006: algorithms 7.4 (L-BFGS), 5.4 (CG),
        7.1 and 7.2 (Newton-CG, by line search and in a trust region), section 10.3 (least squares).
    """
    if not isinstance(method, str):
        raise TypeError(f"method must be one of the names {', '.join(METHODS)}, got {method!r}")
    if method not in METHODS:
        raise unknown_name("method", method, METHODS)
    optimize = _scipy_optimize()
    require_callbacks(callbacks)
    require_map(map)
    loss = loss_named(loss)
    iterations = whole_number("iterations", iterations)
    classes = classes if classes is not None else getattr(model, "classes", None)
    examples = Examples.of(model, loss, X, T, sample_weight, classes=classes)
    known = classes if examples.classes is None else examples.classes
    held_out = Examples.for_validation(model, loss, validation, known)
    if method == LEAST_SQUARES and name_of(loss) not in _SQUARES:
        raise ValueError(f'method="{LEAST_SQUARES}" needs one of the losses {", ".join(_SQUARES)}, got {name_of(loss)}')
    run = _Minimization(model, loss, examples, held_out, l2, iterations, callbacks, map)
    if (METHODS[method] or method == LEAST_SQUARES) and run.engine.program is None:
        raise ValueError(f'method="{method}" needs a model that can be compiled; "L-BFGS-B" does not')
    if examples.classes is not None and isinstance(model, Module):
        model.classes = examples.classes
    hidden = not (sys.stderr.isatty() if progress is None else progress)
    from tqdm import tqdm  # here as in `fit`

    with tqdm(total=iterations, unit=" iterations", disable=hidden) as bar:
        return run.history(optimize, method, tolerance, dict(options or {}), bar)


class _StoppedError(Exception):
    """Ends an optimiser from within."""


class _Minimization:
    """The objective with the penalty, and what is noted after each iteration."""

    def __init__(
        self,
        model: Model,
        loss: LossFunction,
        examples: Examples,
        held_out: Examples | None,
        l2: float,
        iterations: int,
        callbacks: Sequence[Callback] = (),
        map: Map | None = None,
    ) -> None:
        self.model, self.callbacks = model, callbacks
        self.rows = BLOCK if map is None else _SHARDS * ROWS_IN_A_SHARD
        self.examples, self.held_out, self.iterations = examples, held_out, iterations
        scale = _SQUARES.get(name_of(loss))
        self.scale = 1.0 if scale is None else scale(examples.T.shape[1])
        Penalty.of(model, l2, model.parameters())  # raises where it does not go with the model
        self.engine = CompiledEngine(model, loss, model.parameters(), map=map)
        _, first = next(iter(examples.blocks()))
        self.engine.prepare(first)
        self.penalty = Penalty.of(model, l2, self.engine.leaves)
        self.data: FloatArray = np.array([leaf.data for leaf in self.engine.leaves])
        self.record = Record(examples.classify, {})
        self.latest: tuple[FloatArray, BatchGradient] | None = None

    def history(
        self, optimize: Any, method: str, tolerance: float | None, options: dict[str, Any], bar: tqdm[Any]
    ) -> History:
        """Run the method and return what happened."""
        ended = FINISHED
        try:
            with Interruption() as interruption:
                after = self._after(bar, interruption)
                found = self._run(optimize, method, tolerance, options, after)
            done = len(self.record.series.get("loss", ()))
            if done < self.iterations:
                ended = f"ended after iteration {done} of {self.iterations}: {found.message}"
        except _StoppedError as stopped:
            ended = str(stopped)
        except ArithmeticError as error:
            done = len(self.record.series.get("loss", ()))
            error.add_note(f"in iteration {done + 1} of {method}; the parameters are those after the one before")
            raise
        finally:
            assign(self.engine.leaves, self.data.tolist())
        return self.record.history(ended=ended)

    def _run(
        self,
        optimize: Any,
        method: str,
        tolerance: float | None,
        options: dict[str, Any],
        after: Callable[[FloatArray], None],
    ) -> Any:
        start = self.data.copy()
        if method != LEAST_SQUARES:
            return optimize.minimize(
                self.cost,
                start,
                jac=True,
                method=method,
                tol=tolerance,
                callback=after,
                options={"maxiter": self.iterations, **options},
                **({"hessp": self.curvature} if METHODS[method] else {}),
            )
        steps: list[None] = []

        def jacobian(vector: FloatArray) -> FloatArray:  # taken once at the start, and once at each point accepted
            if steps:
                after(vector)
            steps.append(None)
            return self.jacobian(vector)

        if tolerance is not None:
            options = {"ftol": tolerance, "xtol": tolerance, "gtol": tolerance, **options}
        found = optimize.least_squares(self.residuals, start, jac=jacobian, x_scale="jac", **options)
        if not np.array_equal(found.x, self.data):
            after(found.x)
        return found

    def _after(self, bar: tqdm[Any], interruption: Interruption) -> Callable[[FloatArray], None]:
        def after(vector: FloatArray) -> None:
            self.data = np.array(vector)
            found = self._at(self.data)
            weights = self.examples.weights
            self.record.add(found.loss, found.outputs)
            self.record.close_epoch(self.examples.T, slice(None), [1.0], weights)
            if self.held_out is not None:
                assessed = self.held_out.assessed(partial(self.engine.assessed, self.data))
                self.record.validate(*assessed, self.held_out.T, self.held_out.weights)
            done = len(self.record.series["loss"])
            bar.update(1)
            bar.set_postfix_str(self.record.latest(), refresh=False)
            stopped = self._called_back(done)
            if stopped and done < self.iterations:
                raise _StoppedError(stopped)
            if interruption.requested and done < self.iterations:
                raise _StoppedError(f"interrupted after iteration {done} of {self.iterations}")
            if done >= self.iterations:
                raise _StoppedError(FINISHED)

        return after

    def _called_back(self, done: int) -> str:
        """Call the callbacks, and return why to stop, or ""."""
        stopped = ""
        for callback in self.callbacks:
            assign(self.engine.leaves, self.data.tolist())
            end = EpochEnd(done, self.iterations, self.model, None, self.record.history())
            callback(end)
            stopped = stopped or end.stopped
        return stopped

    # --- what the methods are given --------------------------------------------------------------

    def cost(self, vector: FloatArray) -> tuple[float, FloatArray]:
        """Return the loss with the penalty, and its gradient."""
        found = self._at(vector)
        return found.loss, found.gradients.copy()

    def _at(self, vector: FloatArray) -> BatchGradient:
        """Return the loss, the outputs and the gradient at a vector; those at the latest one are at hand."""
        if self.latest is not None and np.array_equal(self.latest[0], vector):
            return self.latest[1]
        parts = [(part, self.engine.gradient(vector, batch)) for part, batch in self.examples.blocks(self.rows)]
        gradient = parts[0][0] * parts[0][1].gradients
        for part, found in parts[1:]:
            gradient += part * found.gradients
        loss = math.fsum(part * found.loss for part, found in parts)
        whole = BatchGradient(loss, np.concatenate([found.outputs for _, found in parts]), gradient)
        whole = whole if self.penalty is None else self.penalty.added(whole, vector)
        self.latest = (np.array(vector), whole)
        return whole

    def curvature(self, vector: FloatArray, direction: FloatArray) -> FloatArray:
        """Return the product of the Hessian at a vector with a direction."""
        program = self._program_at(vector)
        parts = (part * program.hvp(direction, **batch) for part, batch in self.examples.blocks())
        product = _total(parts)
        return product if self.penalty is None else product + self.penalty.c * self.penalty.positions * direction

    def residuals(self, vector: FloatArray) -> FloatArray:
        """Return numbers of which half the sum of the squares is the loss with the penalty."""
        found = self._at(vector).outputs
        own = self._row_scale()[:, None] * (found - self.examples.T)
        return own.ravel() if self.penalty is None else np.concatenate([own.ravel(), self._decay() * vector])

    def jacobian(self, vector: FloatArray) -> FloatArray:
        """Return the derivatives of the residuals by the parameters."""
        program = self._program_at(vector)
        found = np.concatenate([program.jacobian(**batch)["y"] for _, batch in self.examples.blocks()])
        own = (self._row_scale()[:, None, None] * found).reshape(-1, len(vector))
        return own if self.penalty is None else np.concatenate([own, np.diag(self._decay())])

    def _row_scale(self) -> FloatArray:
        weights = np.ones(len(self.examples)) if self.examples.weights is None else self.examples.weights
        scale: FloatArray = self.scale * np.sqrt(weights / weights.sum())
        return scale

    def _decay(self) -> FloatArray:
        if self.penalty is None:
            return np.zeros(len(self.data))
        decay: FloatArray = math.sqrt(self.penalty.c) * self.penalty.positions
        return decay

    def _program_at(self, vector: FloatArray) -> Any:
        program = self.engine.program
        if program is None:
            raise ValueError("the model compares numbers and cannot be compiled for what came on the way")
        program.flat[...] = vector
        return program


def _total(parts: Iterable[FloatArray]) -> FloatArray:
    first, *rest = parts
    for part in rest:
        first = first + part
    return first


def _scipy_optimize() -> Any:
    try:
        from scipy import optimize  # an extra
    except ImportError as error:
        raise ImportError('nn.minimize needs SciPy: pip install "deltagrad[scipy]"') from error
    return optimize
