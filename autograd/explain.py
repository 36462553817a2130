"""Why one gradient is what it is: the paths of the graph it sums over.

By the chain rule ∂output/∂wrt is the sum, over all paths from `wrt` to the output, of the product of the local
derivatives along the path. There may be exponentially many paths, but their number, the sums of the positive and of the
negative products, and the largest products follow from one sweep over the edges, because each of these of a node is
made from those of its operands.
"""

from __future__ import annotations

import heapq
import html
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from typing import NamedTuple

from .graph import undefined
from .linearization import Linearization, Use, gradients
from .notebook import table
from .op import DomainError
from .ops import relu
from .printable import printable
from .value import Value

__all__ = ["Explanation", "Path", "Step", "explain"]

ROUNDING = 1e-12  # relative to Σ|products|: sums of the same products in another order
SUBNORMAL = 1e-300  # products below it have lost digits
SHOWN = 6  # steps of a path that are written out


class Step(NamedTuple):
    """One edge of a path.

    Attributes:
        operand: Where it starts.
        place: Which operand of `node` it is; an operand that is used twice has two places.
        node: Where it leads.
        local: ∂node/∂operand at this place.
    """

    operand: Value
    place: int
    node: Value
    local: float


class Path(NamedTuple):
    """One way from `wrt` to the output.

    Attributes:
        product: The product of the local derivatives along it: its contribution to the gradient.
        steps: Its edges, from `wrt` to the output.
    """

    product: float
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Explanation:
    """The paths behind ∂output/∂wrt; `print(explanation)` writes them as the chain rule.

    Attributes:
        output: The output.
        wrt: What it is differentiated in.
        gradient: ∂output/∂wrt by reverse mode.
        paths: The largest contributions in size, the largest first.
        count: The number of all paths, exactly.
        positive: The sum of all positive contributions.
        negative: The sum of all negative contributions, a number that is not positive.
        cut: The number of paths that a dead ReLU cuts: their product is 0.
        names: What each Value on a path is called, by `id`.
    """

    output: Value
    wrt: Value
    gradient: float
    paths: tuple[Path, ...]
    count: int
    positive: float
    negative: float
    cut: int
    names: dict[int, str] = field(repr=False)

    @property
    def cancellation(self) -> float:
        """Σ|products| / |Σ products|: 1 if all paths pull in one direction, infinite if they cancel entirely."""
        size = self.positive - self.negative
        if not size:
            return 1.0
        return size / abs(self.gradient) if self.gradient else math.inf

    def name(self, value: Value) -> str:
        """Return what a Value on a path is called: its label, or "v1", "v2", … in the order of computation."""
        return self.names[id(value)]

    def __str__(self) -> str:
        return "\n".join(map(printable, _lines(self)))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Return the paths as a table, each with its share of Σ|products|, for a notebook."""
        headline, *_ = str(self).splitlines()
        size = (self.positive - self.negative) or 1.0
        rows = [
            (path.product, f"{abs(path.product) / size:.1%}", " → ".join(self._names_on(path))) for path in self.paths
        ]
        return f"<p>{html.escape(headline)}</p>" + table(("contribution", "share", "path"), rows)

    def _names_on(self, path: Path) -> list[str]:
        names = [self.name(self.wrt), *(self.name(step.node) for step in path.steps)]
        return names if len(names) <= 2 * SHOWN else [*names[:SHOWN], "…", *names[-SHOWN:]]


def explain(output: Value, wrt: Value, top: int = 10) -> Explanation:
    """Return the paths from `wrt` to `output` with the product of local derivatives along each, largest first.

    Linear in the edges for the totals, and times `top` for the paths. No `grad` changes. The sum of the positive and
    negative contributions is compared with the gradient by reverse mode.

    Args:
        output: The output.
        wrt: A leaf or an interior Value.
        top: How many paths to return.

    Raises:
        TypeError: If an argument is not a Value, or `wrt` is a literal number.
        ValueError: If `top` is not a positive whole number.
        RuntimeError: If a leaf was assigned after a node that uses it was recorded.
        DomainError: If a derivative is needed where it is undefined, or is not finite.
        ArithmeticError: If the sum over the paths is not the gradient, which would be a mistake of this program.

    Example:
        >>> x = Value(3.0, "x")
        >>> y = x * x + 2.0 * x
        >>> y.label = "y"
        >>> print(explain(y, x))
        ∂y/∂x = 8, the sum of 3 paths: 8 − 0, cancellation 1
        3 = ∂y/∂v1 · ∂v1/∂x = 1 × 3
        3 = ∂y/∂v1 · ∂v1/∂x = 1 × 3
        2 = ∂y/∂v2 · ∂v2/∂x = 1 × 2
    """
    for what, value in (("output", output), ("wrt", wrt)):
        if not isinstance(value, Value) or value.is_literal:
            raise TypeError(f"explain needs a Value as {what}, got {value!r}")
    if isinstance(top, bool) or not isinstance(top, Integral) or top < 1:
        raise ValueError(f"top must be a positive whole number, got {top!r}")
    gradient = float(gradients(output, wrt))
    edges = Linearization([output], [wrt]).edges
    totals = _totals(edges, wrt).get(id(output), _Totals(0, 0, 0.0, 0.0))
    size = totals.positive + totals.negative
    if not math.isfinite(size):
        raise DomainError(f"the contributions of the paths to {output.describe()} are not finite, although they cancel")
    if not abs(totals.positive - totals.negative - gradient) <= ROUNDING * size + SUBNORMAL:
        raise ArithmeticError(
            f"the contributions of the paths sum to {totals.positive - totals.negative!r}, but the gradient is "
            f"{gradient!r}: a partial derivative of a node in between depends on more than its arguments"
        )
    paths = _largest_paths(edges, wrt, output, top)
    names = _names([wrt, *(node for node, _ in edges)])
    cut = totals.paths - totals.live
    return Explanation(output, wrt, gradient, paths, totals.paths, totals.positive, -totals.negative, cut, names)


class _Totals(NamedTuple):
    """What all paths from `wrt` to one node amount to."""

    paths: int
    live: int  # those that no dead ReLU cuts
    positive: float
    negative: float


def _totals(edges: Sequence[tuple[Value, list[Use]]], wrt: Value) -> dict[int, _Totals]:
    found = {id(wrt): _Totals(1, 1, 1.0, 0.0)}
    for node, uses in edges:
        count = live = 0
        positive: list[float] = []
        negative: list[float] = []
        for operand, _, local, _ in uses:
            before = found[id(operand)]
            count += before.paths
            if node.op is not relu or _number(local, node):
                live += before.live
            slope = _number(local, node)
            same, opposite = (positive, negative) if slope > 0.0 else (negative, positive)
            same.append(abs(slope) * before.positive)
            opposite.append(abs(slope) * before.negative)
        found[id(node)] = _Totals(count, live, math.fsum(positive), math.fsum(negative))
    return found


def _largest_paths(edges: Sequence[tuple[Value, list[Use]]], wrt: Value, output: Value, top: int) -> tuple[Path, ...]:
    """Return the paths with the largest products in size that are not 0.

    Of every node the `top` largest products are kept, each with the edge it came by and the rank at the operand.
    """
    best: dict[int, list[tuple[float, Use | None, int]]] = {id(wrt): [(1.0, None, 0)]}
    nodes = {id(wrt): wrt}
    for node, uses in edges:
        candidates = [
            (product * _number(edge.local, node), edge, rank)
            for edge in uses
            for rank, (product, _, _) in enumerate(best[id(edge.operand)])
            if product * _number(edge.local, node)
        ]
        best[id(node)] = heapq.nlargest(top, candidates, key=lambda candidate: abs(candidate[0]))
        nodes[id(node)] = node
    found = []
    for product, edge, rank in best.get(id(output), []):
        steps: list[Step] = []
        at = output
        while edge is not None:
            steps.append(Step(edge.operand, edge.place, at, _number(edge.local, at)))
            at = edge.operand
            _, edge, rank = best[id(at)][rank]
        found.append(Path(product, tuple(reversed(steps))))
    return tuple(found)


def _number(local: object, node: Value) -> float:
    if isinstance(local, Exception):
        raise undefined(node, local) from local
    if not isinstance(local, float):
        raise TypeError(f"a local derivative of {node.describe()} is {local!r}, not a number")
    return local


def _names(values: Sequence[Value]) -> dict[int, str]:
    """Return a name for every Value: its label, numbered if several share it, or v1, v2, … for those without.

    What is numbered passes over the labels of others.
    """
    names: dict[int, str] = {}
    labels = {value.label for value in values}
    uses: Counter[str] = Counter()
    for value in values:
        if id(value) in names:
            continue
        label = name = value.label
        uses[label] += 1
        while not name or (uses[label] > 1 and name in labels):
            name = f"{label}#{uses[label]}" if label else f"v{uses[label]}"
            if name in labels:
                name = ""
                uses[label] += 1
        names[id(value)] = name
    return names


def _lines(explanation: Explanation) -> Iterator[str]:
    e = explanation
    name = f"∂{e.name(e.output) if id(e.output) in e.names else 'output'}/∂{e.name(e.wrt)}"
    if not e.count:
        yield f"{name} = 0: no path leads from {e.name(e.wrt)} to the output"
        return
    paths = f"{e.count} path{'s' if e.count != 1 else ''}"
    cut = f", {e.cut} of them cut by a dead ReLU" if e.cut else ""
    sums = f"{_short(e.positive)} − {_short(-e.negative)}, cancellation {e.cancellation:.3g}"
    yield f"{name} = {_short(e.gradient)}, the sum of {paths}{cut}: {sums}"
    for path in e.paths:
        if not path.steps:
            yield "1 = the derivative of a Value in itself"
            continue
        steps = path.steps[::-1]
        symbols = [f"∂{e.name(step.node)}/∂{e.name(step.operand)}" for step in steps]
        numbers = [_short(step.local) if step.local >= 0 else f"({_short(step.local)})" for step in steps]
        yield f"{_short(path.product)} = {' · '.join(_abridged(symbols))} = {' × '.join(_abridged(numbers))}"
    rest = e.count - e.cut - len(e.paths)
    if rest > 0:
        left = e.gradient - math.fsum(path.product for path in e.paths)
        yield f"… and {rest} more path{'s' if rest > 1 else ''}, {_short(left)} in all"


def _abridged(parts: list[str]) -> list[str]:
    if len(parts) <= 2 * SHOWN:
        return parts
    return [*parts[:SHOWN], f"… {len(parts) - 2 * SHOWN} more …", *parts[-SHOWN:]]


def _short(number: float) -> str:
    return f"{number:.6g}".replace("-", "−")
