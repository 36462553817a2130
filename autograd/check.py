"""Is a derivative right? Reverse mode, forward mode and differences of function values must agree."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .call import Call
from .differences import UNIT, Slopes, slopes
from .graph import Graph, number
from .linearization import Linearization
from .notebook import table
from .structure import Structure, taken_apart
from .transforms import grad, jacobian
from .value import Value, no_grad, recording

__all__ = ["Coordinate", "GradientReport", "check_gradients"]

Fun: TypeAlias = Callable[..., Any]
Array: TypeAlias = NDArray[np.float64]
_Routes: TypeAlias = tuple[Array, Array, Array, Callable[[list[float]], Array], float]

ROUTES = 1e-10  # between forward and reverse mode, relative to Σ|paths|: they sum the same products in another order
COARSE = 1e-3  # what differences must tell at least, relative to the derivative
SMALL = 1e-8  # coordinates below it may need smaller steps than those from 1e-2 to 1e-14
SHOWN = 8
SHOWN_ROWS = 20  # of the table in a notebook


@dataclass(frozen=True, slots=True)
class Coordinate:
    """One derivative and what the routes say about it.

    Attributes:
        name: What it is in: "x[1]"; for second derivatives "x[1], x[0]".
        verdict: "right", "wrong", "not differentiable" or "unresolved" (rounding in the function hides it).
        reverse: By reverse mode.
        forward: By forward mode.
        numeric: By differences.
        error: An estimate of the error of `numeric`.
        left: The slope from below.
        right: The slope from above.
        jumps: Whether the function itself jumps there.
    """

    name: str
    verdict: str
    reverse: float
    forward: float
    numeric: float
    error: float
    left: float
    right: float
    jumps: bool = False

    @property
    def difference(self) -> float:
        """How far the engine and the differences are apart, relative to the larger one."""
        apart = max(abs(self.reverse - self.forward), abs(self.reverse - self.numeric))  # the second may be NaN
        return apart / max(abs(self.reverse), abs(self.numeric), self.error, 5e-324)

    def __str__(self) -> str:
        if self.verdict == "not differentiable":
            where = "the function jumps" if self.jumps else f"left {self.left:.6g}, right {self.right:.6g}"
            return f"{self.name}: not differentiable here: {where}, the engine uses {self.reverse:.6g}"
        numbers = f"reverse {self.reverse:.10g}, forward {self.forward:.10g}, differences {self.numeric:.10g}"
        return f"{self.name}: {self.verdict}: {numbers} ± {self.error:.1g}"


@dataclass(frozen=True, slots=True, repr=False)
class GradientReport:
    """What `check_gradients` found; `print(report)` tells it.

    Attributes:
        coordinates: Every derivative, in order.
        order: 1 for first derivatives, 2 for second ones.
    """

    coordinates: tuple[Coordinate, ...]
    order: int = 1

    @property
    def ok(self) -> bool:
        """Whether no derivative is wrong; kinks and what rounding hides do not count as wrong."""
        return not any(c.verdict == "wrong" for c in self.coordinates)

    @property
    def worst(self) -> list[Coordinate]:
        """The derivatives, wrong ones first, then by their relative difference."""
        return sorted(self.coordinates, key=lambda c: (c.verdict != "wrong", -c.difference))

    def assert_ok(self) -> None:
        """Raise an AssertionError that tells the report if a derivative is wrong."""
        if not self.ok:
            raise AssertionError(f"\n{self}")

    def __str__(self) -> str:
        return "\n".join(_lines(self))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = [(c.name, c.verdict, c.reverse, c.forward, c.numeric, f"{c.error:.1g}") for c in self.worst[:SHOWN_ROWS]]
        more = len(self.coordinates) - len(rows)
        head = ("derivative", "verdict", "reverse", "forward", "differences", "±")
        return table(head, rows) + (f"<p>and {more} more, none of them worse</p>" if more else "")


def check_gradients(
    fun: Fun, x: Any, *, order: int = 1, eps: float = 1e-2, rtol: float = 1e-6, atol: float = 0.0
) -> GradientReport:
    """Return a report that compares the derivatives of `fun` at x, one by one, by three routes.

    Differences are extrapolated to step 0 with a step of its own for each coordinate, and come with an estimate of
    their error. A derivative is right if reverse mode and differences agree within atol + rtol · (the larger one) + ten
    times that estimate, and forward and reverse mode within rounding. There is no absolute tolerance that a small
    gradient could hide behind unless you give one. Where slopes from left and right differ, the report says so and what
    the engine uses, and nothing fails.

    Args:
        fun: Takes one argument and returns one Value; called 20 to 80 times for each entry of x, or up to 160 times
            where an entry that is not 0 is below 1e-8.
        x: Numbers: one, or nested lists, tuples, dicts and arrays.
        order: 1 for the gradient, 2 for the Hessian, compared with differences of the gradient.
        eps: The largest step, relative to the coordinate, or to 1 for smaller ones; it is halved as often as it helps.
            Where that resolves nothing, a small coordinate is moved by steps relative to itself.
        rtol: The relative tolerance.
        atol: The absolute tolerance.

    Raises:
        TypeError: If `fun` does not return a Value or x holds Values.
        ValueError: If `order` is neither 1 nor 2, `eps` is not positive and finite, or a tolerance is negative.
        DomainError: If `fun` or a derivative is undefined at x.

    Example:
        >>> print(check_gradients(lambda x: abs(x[0]) + x[1] ** 3, [0.0, 2.0]))
        2 first derivatives: 1 right, 1 not differentiable.
        x[0]: not differentiable here: left -1, right 1, the engine uses 0
    """
    if order not in (1, 2):
        raise ValueError(f"order must be 1 or 2, got {order!r}")
    if not (0.0 < eps < math.inf and rtol >= 0.0 and atol >= 0.0):
        raise ValueError(f"eps must be positive and finite, rtol and atol not negative, got {eps}, {rtol}, {atol}")
    entries, structure = taken_apart(x, "x")
    if any(isinstance(entry, Value) for entry in entries):
        raise TypeError("check_gradients needs numbers in x, got a Value")
    routes = _first_order if order == 1 else _second_order
    reverse, forward, mass, values, noise = routes(fun, x, structure)
    names = [f"x{name}" for name in structure.names]
    found: list[Coordinate] = []
    for i, at in enumerate(entries):
        scales = (1.0, abs(at)) if 0.0 < abs(at) < SMALL else (max(abs(at), 1.0),)

        def along(distance: float, i: int = i) -> Array:
            return values([*entries[:i], entries[i] + distance, *entries[i + 1 :]])

        numeric = slopes(along, *[_power_of_two(eps * scale) for scale in scales], noise=noise)
        for j in range(len(reverse)):
            name = names[i] if order == 1 else f"{names[j]}, {names[i]}"
            found.append(_coordinate(name, (reverse[j, i], forward[j, i], mass[j, i]), numeric, j, (rtol, atol)))
    return GradientReport(tuple(found), order)


def _power_of_two(step: float) -> float:
    """Return the largest one that is not above the step: a coordinate is moved by it without rounding."""
    return math.ldexp(0.5, math.frexp(step)[1])


def _coordinate(
    name: str, routes: tuple[float, float, float], numeric: Slopes, j: int, tolerances: tuple[float, float]
) -> Coordinate:
    reverse, forward, mass = map(float, routes)
    n, error = float(numeric.central[j]), float(numeric.error[j])
    rtol, atol = tolerances
    size = max(abs(reverse), abs(n))
    verdict = "right"
    if abs(reverse - forward) > ROUTES * mass:
        verdict = "wrong"
    elif numeric.jumps[j] or numeric.kinks[j]:
        verdict = "not differentiable"
    elif abs(reverse - n) > atol + rtol * size + 10 * error:
        verdict = "wrong"
    elif math.isnan(n) or (reverse and 10 * error > COARSE * size):
        verdict = "unresolved"
    sides = float(numeric.left[j]), float(numeric.right[j])
    return Coordinate(name, verdict, reverse, forward, n, error, *sides, bool(numeric.jumps[j]))


def _first_order(fun: Fun, x: Any, structure: Structure) -> _Routes:
    """Return the gradient by reverse mode, by forward mode, Σ|paths| for each entry, the function, and its noise.

    What rounding does to the function is, to first order, Σ|adjoint·data| over all nodes, in units of the last place.
    """
    call = Call(fun, (x,), {}, (0,))
    call.require_one_output("check_gradients")
    (output,), variables = call.outputs, call.variables
    derivative = Linearization([output], variables)
    directions = list(zip(variables, np.eye(len(variables)), strict=True))
    forward = np.broadcast_to(derivative.push(directions, [output])[0], len(variables))
    mass = np.broadcast_to(derivative.push(directions, [output], absolute=True)[0], len(variables))

    def values(entries: list[float]) -> Array:
        with no_grad():
            result = fun(structure.filled([Value(entry) for entry in entries]))
            return np.array([number(taken_apart(result, "the result of the function")[0][0])])

    by_reverse = _by_backward(output, variables)
    noise = UNIT * sum(abs(node.grad * node.data) for node in Graph([output]).nodes)
    return np.array([by_reverse]), forward[None], mass[None], values, noise


def _second_order(fun: Fun, x: Any, structure: Structure) -> _Routes:
    """Return the Hessian by reverse over reverse, by forward over reverse, Σ|paths|, and the gradient; 0 for noise."""

    def gradient(entries: list[float]) -> Array:
        return np.array(taken_apart(grad(fun)(structure.filled(entries)), "the gradient")[0])

    def flat(entries: list[Value]) -> Any:
        return fun(structure.filled(entries))

    entries = taken_apart(x, "x")[0]
    by_reverse = np.array(jacobian(lambda e: grad(flat)(list(e)))(entries)).reshape(len(entries), len(entries))
    call = Call(flat, (entries,), {}, (0,))
    call.require_one_output("check_gradients")
    with recording():
        slopes_ = call.gradient(recorded=True)
    moving = [slope for slope in slopes_ if isinstance(slope, Value)]
    derivative = Linearization(moving, call.variables)
    directions = list(zip(call.variables, np.eye(len(entries)), strict=True))
    forward, mass = np.zeros((2, len(entries), len(entries)))
    places = [k for k, slope in enumerate(slopes_) if isinstance(slope, Value)]
    for k, row, total in zip(
        places, derivative.push(directions, moving), derivative.push(directions, moving, absolute=True), strict=True
    ):
        forward[k], mass[k] = row, total
    return by_reverse, forward, mass, gradient, 0.0


def _by_backward(output: Value, variables: list[Value]) -> list[float]:
    """Return the gradient by the engine's own reverse pass, and put every gradient of other leaves back."""
    leaves = Graph([output]).leaves
    before = [leaf.grad for leaf in leaves]
    try:
        output.backward()
        return [variable.grad for variable in variables]
    finally:
        for leaf, gradient in zip(leaves, before, strict=True):
            leaf.grad = gradient


def _lines(report: GradientReport) -> Iterator[str]:
    kind = "first" if report.order == 1 else "second"
    counts = [
        f"{sum(c.verdict == verdict for c in report.coordinates)} {verdict}"
        for verdict in ("wrong", "right", "not differentiable", "unresolved")
        if any(c.verdict == verdict for c in report.coordinates)
    ]
    yield f"{len(report.coordinates)} {kind} derivatives: {', '.join(counts) or 'x has no entries'}."
    worst = report.worst
    wrong = [c for c in worst if c.verdict == "wrong"]
    if wrong:
        width = max(len(c.name) for c in wrong[:SHOWN])
        yield f"  {'in':<{width}}  {'reverse':>16} {'forward':>16} {'differences':>16} {'error':>8}"
        for c in wrong[:SHOWN]:
            numbers = f"{c.reverse:>16.9g} {c.forward:>16.9g} {c.numeric:>16.9g} {c.difference:>8.1g}"
            yield f"  {c.name:<{width}}  {numbers}"
        if len(wrong) > SHOWN:
            yield f"  … and {len(wrong) - SHOWN} more"
    elif all(c.verdict == "right" for c in worst) and worst:
        yield f"The worst is {worst[0]}."
    for c in worst:
        if c.verdict in ("not differentiable", "unresolved"):
            yield str(c)
