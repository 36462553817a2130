"""The quantities of the equations on one network, by value: which one is an array of the user's?

The right ones come first: a, z, W a, σ′(z), ∇ₐC, (W)ᵀδ, δ, the gradients. Near misses follow, such as σ′(a), softmax
over the wrong axis or a sum over everything: they only give names to what stands in the code.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...arguments import FloatArray
from ...loss.loss_table import name_of
from ...model.mlp import Layer
from ..mistakes import raised
from ..reference import Reference, slope_of

__all__ = ["Index", "Naming", "Quantity", "quantities", "scaled"]

OTHER_SLOPES = ("sigmoid", "tanh", "relu", "leaky_relu", "softplus")
PLAIN = (0.0, 1.0, -1.0, 2.0, 0.5)  # numbers that tell nothing of where they come from
CLOSE = 1e-9


@dataclass(frozen=True, eq=False, slots=True)
class Quantity:
    """An array of the equations.

    Attributes:
        name: As the documents write it.
        family: What it is in any layer: "a", "δ", "dW", …
        layer: Its layer.
        array: One row an example, or the shape of a parameter.
        rows: Whether it has a row for each example.
        right: Whether a right backward pass may hold it; else it is a near miss.
        is_sum: Whether its name is a sum, which needs parentheses in a product.
    """

    name: str
    family: str
    layer: int
    array: FloatArray
    rows: bool = True
    right: bool = True
    is_sum: bool = False


def quantities(r: Reference) -> list[Quantity]:
    """Return the quantities of one network and batch, the right ones first."""
    right = [*_forward(r), *_errors(r), *_backward(r), *_gradients(r), *_of_activations(r), *_with_bias_column(r)]
    with np.errstate(all="ignore"):
        near = [q for q in _near_misses(r) if np.all(np.isfinite(q.array))]
    return right + near


def _forward(r: Reference) -> Iterator[Quantity]:
    yield Quantity("x", "a", 0, r.a[0])
    yield Quantity("t", "t", r.L, r.T)
    for l in range(1, r.L + 1):
        s, z, a = raised(l), r.z[l - 1], r.a[l]
        yield Quantity(f"W{s}", "W", l, r.W[l - 1], rows=False)
        yield Quantity(f"b{s}", "b", l, r.b[l - 1], rows=False)
        yield Quantity(f"z{s}", "z", l, z)
        yield Quantity(f"W{s}a{raised(l - 1)}", "Wa", l, z - r.b[l - 1])
        yield Quantity(f"a{s}", "a", l, a)
        yield Quantity(f"σ′(z{s})", "slope", l, r.slope(l - 1, z))


def _is_softmax(r: Reference) -> bool:
    return name_of(r.loss) == "cross_entropy" and r.model.activations[-1] == "identity"


def _errors(r: Reference) -> Iterator[Quantity]:
    top = raised(r.L)
    if _is_softmax(r):
        p = _softmax(r.z[-1])
        yield Quantity(f"softmax(z{top})", "p", r.L, p)
        yield Quantity(f"log softmax(z{top})", "log p", r.L, np.log(p))
        jacobians = p[:, :, None] * (np.eye(p.shape[1]) - p[:, None, :])
        yield Quantity(f"(∂softmax(z{top})/∂z{top})", "∂p", r.L, jacobians)
    error = r.a[-1] - r.T
    is_gradient = np.allclose(r.gradient, error, rtol=1e-12, atol=0)
    uses_error = is_gradient or name_of(r.loss) == "mse_loss"
    yield Quantity(f"a{top} − t", "e", r.L, error, right=uses_error, is_sum=True)
    if not is_gradient:
        name = f"softmax(z{top}) − t" if _is_softmax(r) else "∇ₐC"
        yield Quantity(name, "g", r.L, r.gradient, is_sum=_is_softmax(r))


def _backward(r: Reference) -> Iterator[Quantity]:
    for l in range(r.L, 0, -1):
        yield Quantity(f"δ{raised(l)}", "δ", l, r.delta[l - 1])
        if l < r.L:
            yield Quantity(f"(W{raised(l + 1)})ᵀδ{raised(l + 1)}", "back", l, r.delta[l] @ r.W[l])
    yield Quantity("(W¹)ᵀδ¹", "back", 0, r.delta[0] @ r.W[0])


def _gradients(r: Reference) -> Iterator[Quantity]:
    for l in range(1, r.L + 1):
        s, before, delta, a = raised(l), raised(l - 1), r.delta[l - 1], r.a[l - 1]
        yield Quantity(f"∂C/∂W{s}", "dW", l, r.dW[l - 1], rows=False)
        yield Quantity(f"∂C/∂b{s}", "db", l, r.db[l - 1], rows=False)
        if r.l2:
            yield Quantity(f"(1/N) Σ δ{s}(a{before})ᵀ", "data", l, delta.T @ a / r.N, rows=False)
            yield Quantity(f"l2·W{s}", "decay", l, r.l2 * r.W[l - 1], rows=False)


def _of_activations(r: Reference) -> Iterator[Quantity]:
    for l in range(1, r.L + 1):
        s, z, a = raised(l), r.z[l - 1], r.a[l]
        yield Quantity(f"1 − a{s}", "1-a", l, 1 - a, is_sum=True)
        yield Quantity(f"1 − (a{s})²", "1-a²", l, 1 - a * a, is_sum=True)
        yield Quantity(f"a{s} ⊙ (1 − a{s})", "a(1-a)", l, a * (1 - a))
        yield Quantity(f"(a{s})²", "a²", l, a * a)
        yield Quantity(f"[z{s} > 0]", "mask", l, np.asarray(z > 0, dtype=float))


def _with_bias_column(r: Reference) -> Iterator[Quantity]:
    one = np.ones((r.N, 1))
    for l in range(1, r.L + 1):
        s, before = raised(l), raised(l - 1)
        W, b, dW, db = r.W[l - 1], r.b[l - 1][:, None], r.dW[l - 1], r.db[l - 1][:, None]
        if np.any(b):
            yield Quantity(f"(b{s} W{s})", "Θ", l, np.hstack([b, W]), rows=False)
            yield Quantity(f"(W{s} b{s})", "Θ", l, np.hstack([W, b]), rows=False)
            yield Quantity(f"(∂C/∂b{s} ∂C/∂W{s})", "dΘ", l, np.hstack([db, dW]), rows=False)
            yield Quantity(f"(∂C/∂W{s} ∂C/∂b{s})", "dΘ", l, np.hstack([dW, db]), rows=False)
        yield Quantity(f"(1 a{before})", "1a", l - 1, np.hstack([one, r.a[l - 1]]))
        yield Quantity(f"(a{before} 1)", "1a", l - 1, np.hstack([r.a[l - 1], one]))


def _near_misses(r: Reference) -> Iterator[Quantity]:
    for l in range(1, r.L + 1):
        yield from _near_slopes(r, l)
        delta = r.delta[l - 1]
        everything = np.full(delta.shape[1], delta.sum())
        yield Quantity(f"the sum over all of δ{raised(l)}", "total", l, everything, rows=False, right=False)
        yield Quantity(f"δ{raised(l)} of the last example", "last", l, delta[-1], rows=False, right=False)
    top, error = raised(r.L), r.a[-1] - r.T
    back = error
    for l in range(r.L - 1, -1, -1):
        back = back @ r.W[l]
        chain = f"(W{raised(l + 1)})ᵀ" + (f"⋯(W{top})ᵀ" if l < r.L - 1 else "")
        yield Quantity(f"{chain}(a{top} − t)", "back e", l, back, right=False)
    yield Quantity("softmax over the examples", "p", r.L, _softmax(r.z[-1], 0), right=False)
    yield Quantity("softmax over the whole batch", "p", r.L, _softmax(r.z[-1], None), right=False)
    if not _is_softmax(r):
        yield Quantity(f"softmax(z{top})", "p", r.L, _softmax(r.z[-1]), right=False)
    yield Quantity(f"t ⊘ a{top}", "t/a", r.L, r.T / r.a[-1], right=False)
    yield Quantity(f"(1 − t) ⊘ (1 − a{top})", "(1-t)/(1-a)", r.L, (1 - r.T) / (1 - r.a[-1]), right=False)
    yield Quantity("1 − t", "1-t", r.L, 1 - r.T, right=False, is_sum=True)
    yield Quantity(f"(a{top} − t) ⊙ σ′(z{top})", "eσ′", r.L, error * r.slope(-1, r.z[-1]), right=False)
    yield Quantity(f"(a{top} − t)²", "e²", r.L, error * error, right=False)


def _near_slopes(r: Reference, l: int) -> Iterator[Quantity]:
    s, z, a, layer = raised(l), r.z[l - 1], r.a[l], r.model.layers[l - 1]
    right = r.slope(l - 1, z)

    def of(name: str, family: str, array: FloatArray | None, *, is_sum: bool = False) -> Iterator[Quantity]:
        if array is not None:
            yield Quantity(name, family, l, array, right=False, is_sum=is_sum)

    yield from of(f"σ′(a{s})", "slope at a", _slope(layer, a))
    yield from of(f"1 − (z{s})²", "1-z²", 1 - z * z, is_sum=True)
    yield from of(f"z{s} ⊙ (1 − z{s})", "z(1-z)", z * (1 - z))
    yield from of(f"1 − z{s}", "1-z", 1 - z, is_sum=True)
    for other in OTHER_SLOPES:
        if other != r.model.activations[l - 1]:
            yield from of(f"{other}′(z{s})", "other slope", _slope(Layer(1, 1, other, init="zeros"), z))
    yield from of(f"1/σ′(z{s})", "1/slope", 1 / right)
    yield from of(f"σ′(z{s})²", "slope²", right * right)


def _slope(layer: Layer, at: FloatArray) -> FloatArray | None:
    try:
        return slope_of(layer, at)
    except (ArithmeticError, ValueError):
        return None


def _softmax(z: FloatArray, axis: int | None = 1) -> FloatArray:
    e = np.exp(z - z.max())
    return np.asarray(e / e.sum(axis=axis, keepdims=True))


@dataclass(frozen=True, eq=False, slots=True)
class Naming:
    """What an array is called.

    Attributes:
        text: The name, with the number in front.
        quantity: What it is a multiple of.
        factor: The number in front.
        turned: Whether it is transposed against the quantity as it is kept.
        is_sum: Whether the text is a sum, which needs parentheses in a product.
    """

    text: str
    quantity: Quantity
    factor: float
    turned: bool
    is_sum: bool


def scaled(factor: str, q: Quantity, suffix: str = "") -> tuple[str, bool]:
    """Return the name of a multiple of a quantity, and whether it is a sum."""
    if not q.is_sum:
        return f"{factor}{q.name}{suffix}", False
    if suffix or factor not in ("", "−"):
        return f"{factor}({q.name}){suffix}", False
    if factor == "":
        return q.name, True
    first, second = q.name.rsplit(" − ", 1)
    return f"{second} − {first}", True


class Index:
    """Finds the quantity that an array is, up to a number in front, a transposition and a choice of example.

    Args:
        r: The right arrays on a network.
        found: The quantities there.
    """

    def __init__(self, r: Reference, found: list[Quantity]) -> None:
        self.quantities = found
        self.N = r.N
        self.factors = _factors(r)
        self._named = [*self.factors, (2.0 * r.N, "2N·"), (-2.0 * r.N, "−2N·"), (r.N / 2, "(N/2)·")]
        self._by_shape: dict[tuple[int, ...], list[tuple[FloatArray, Quantity, str, bool]]] = {}
        for q in self.quantities:
            self._enter(q.array, q, "")
            if q.rows and r.N > 1:
                for row in q.array:
                    self._enter(row, q, "ₙ")
        entries = [
            (float(number), k)
            for k, q in enumerate(self.quantities)
            for number in q.array.ravel().tolist()
            if number not in PLAIN
        ]
        entries.sort()
        self._numbers = np.array([number for number, _ in entries])
        self._owners = [k for _, k in entries]
        self._cache: dict[tuple[tuple[int, ...], bytes], Naming | None] = {}

    def _enter(self, array: FloatArray, q: Quantity, suffix: str) -> None:
        flat = np.squeeze(array)
        self._by_shape.setdefault(flat.shape, []).append((flat, q, suffix, False))
        if flat.ndim == 2:
            self._by_shape.setdefault(flat.T.shape, []).append((flat.T, q, suffix, True))

    def of(self, value: Any) -> Naming | None:
        """Return what a value is called, or None if it is no quantity."""
        try:
            array = np.asarray(value)
            if array.dtype.kind not in "biuf" or array.size == 0:
                return None
            array = np.squeeze(array.astype(float))
        except (TypeError, ValueError):
            return None
        key = array.shape, array.tobytes()
        if key not in self._cache:
            self._cache[key] = self._found(array)
        return self._cache[key]

    def _found(self, array: FloatArray) -> Naming | None:
        if not np.all(np.isfinite(array)) or not array.any():
            return None
        if array.size == 1:
            return self._entry(float(array))
        best: tuple[tuple[int, bool], Naming] | None = None
        for known, q, suffix, turned in self._by_shape.get(array.shape, ()):
            factor = _multiple(array, known)
            if factor is None:
                continue
            name = next((text for number, text in self._named if abs(factor - number) <= CLOSE * abs(number)), None)
            if name is None and (array.size < 3 or abs(factor - float(f"{factor:.1e}")) > CLOSE * abs(factor)):
                continue  # a number that nobody has typed has another reason
            rank = (0 if name == "" else 1 if name is not None else 2), not q.right
            if best is None or rank < best[0]:
                text, is_sum = scaled(f"{factor:.4g}·" if name is None else name, q, suffix)
                best = rank, Naming(text, q, factor, turned, is_sum)
            if rank == (0, False):
                break
        return best[1] if best else None

    def _entry(self, number: float) -> Naming | None:
        """Return the name of a single number: an entry of a quantity."""
        if number in PLAIN or not len(self._numbers):
            return None
        for factor, text in self.factors:
            sought = number / factor
            k = int(np.searchsorted(self._numbers, sought - 1e-10 * abs(sought)))
            owners = []
            while k < len(self._numbers) and self._numbers[k] <= sought + 1e-10 * abs(sought):
                owners.append(self._owners[k])
                k += 1
            if owners:
                q = self.quantities[min(owners)]
                if q.array.size == 1:
                    name, is_sum = scaled(text, q)
                    return Naming(name, q, factor, False, is_sum)
                at = "j" if q.array.ndim == 1 or (q.rows and self.N == 1) else "nj" if q.rows else "ij"
                name, _ = scaled(text, q)
                return Naming(f"({name})[{at}]" if q.is_sum else f"{name}[{at}]", q, factor, False, False)
        return None


def _factors(r: Reference) -> list[tuple[float, str]]:
    """Return the numbers that may stand in front of a quantity by mistake, and how they are written."""
    N, n = r.N, r.a[-1].shape[1]
    found = [(1.0, ""), (-1.0, "−")]
    if N > 1:
        found += [(1 / N, "(1/N)"), (-1 / N, "−(1/N)"), (float(N), "N·"), (-float(N), "−N·"), (1 / N**2, "(1/N²)")]
    found += [(2.0, "2"), (-2.0, "−2"), (0.5, "½"), (-0.5, "−½"), (4.0, "4")]
    if N > 1:
        found += [(2 / N, "(2/N)"), (4 / N, "(4/N)"), (0.5 / N, "(1/2N)")]
    if n > 1:
        found += [(1 / n, "(1/n)"), (2 / n, "(2/n)"), (float(n), "n·")]
    if n > 1 and N > 1:
        found += [(2 / n / N, "(2/nN)"), (1 / n / N, "(1/nN)")]
    return found


def _multiple(array: FloatArray, known: FloatArray) -> float | None:
    """Return by which number a quantity is to be multiplied to give the array, if by any."""
    k = int(np.abs(known).argmax())
    largest = known.flat[k]
    if largest == 0:
        return None
    factor = float(array.flat[k] / largest)
    if abs(factor) < 1e-12 or np.abs(array - factor * known).max() > CLOSE * np.abs(array).max():
        return None
    return factor
