"""Backpropagation as the documents write it: matrix equations, one function each, from NumPy alone.

`backprop` is an oracle for the engine and shares no line with it: σ, σ′, the losses and their gradients are written
out below, and nothing is differentiated automatically.

The documents work with columns and one example, z = W a + b. Here a row is an example, so that a batch is the matrix
of the transposed columns: z = a Wᵀ + b, and the other equations are transposed alike.

Every formula also runs on object arrays of variables that have the operators of a number and methods `exp`, `log`,
`log1p` and `tanh`. The loss of such a run is a variable too: differentiating it checks these formulas once more.

Sources: the post "Backpropagation in Neural Networks" of 7 April 2018 (notation); the post "Neural Networks -
Backpropagation", ML-15 (batches, cross-entropy, regularisation); Markus Reynoso, "Backpropagation"; Aditya Mehrotra,
"Neural Networks", November 2020; the post "Deriving the Back-Propagation Algorithm".
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

__all__ = [
    "BackwardPass",
    "backprop",
    "bias_gradient",
    "hidden_delta",
    "output_delta",
    "weight_gradient",
    "weighted_input",
]

Array = npt.NDArray[Any]
LEAKY_SLOPE = 0.01
PROBABILITY_TOLERANCE = 1e-9  # how far from 1 the sum of a target of cross_entropy may be


# The equations


def weighted_input(W: Array, a: Array, b: Array) -> Array:
    """Return z^l = W^l a^{l-1} + b^l for every row of a (post of 7 April 2018, second display).

    Shapes: W (n_l, n_{l-1}), a (N, n_{l-1}), b (n_l,); the result (N, n_l).
    """
    z: Array = a @ W.T + b
    return z


def output_delta(gradient: Array, sigma_prime: Array) -> Array:
    """Return δ^L = ∇_{a^L} C ⊙ σ′(z^L) for every row (Reynoso, equation 3; Mehrotra, equation 1).

    Shapes: both arguments and the result (N, n_L).
    """
    delta: Array = gradient * sigma_prime
    return delta


def hidden_delta(W: Array, delta: Array, sigma_prime: Array) -> Array:
    """Return δ^l = ((W^{l+1})ᵀ δ^{l+1}) ⊙ σ′(z^l) for every row (Reynoso, equation 4; Mehrotra, equation 2).

    Shapes: W (n_{l+1}, n_l), delta (N, n_{l+1}), sigma_prime (N, n_l); the result (N, n_l).
    """
    hidden: Array = (delta @ W) * sigma_prime
    return hidden


def weight_gradient(delta: Array, a: Array, W: Array, l2: float) -> Array:
    """Return ∂C/∂W^l = (1/N) Σ δ^l (a^{l-1})ᵀ + l2 · W^l, a sum over the N rows.

    Mehrotra, equation 4, averaged as in ML-15, where the sum is Δ^(l), the result D^(l), and l2 is λ/m.

    Shapes: delta (N, n_l), a (N, n_{l-1}), W and the result (n_l, n_{l-1}).
    """
    D: Array = delta.T @ a / len(delta) + l2 * W
    return D


def bias_gradient(delta: Array) -> Array:
    """Return ∂C/∂b^l = (1/N) Σ δ^l, a sum over the N rows (Mehrotra, equation 3; ML-15, D^(l) for j = 0).

    Shapes: delta (N, n_l); the result (n_l,).
    """
    D: Array = delta.sum(axis=0) / len(delta)
    return D


# The activations: σ(z) and σ′(z)


def _each(x: Array, name: str) -> Array:
    """Return NumPy's function of that name, or each entry's method where variables are among the entries."""
    of_numbers = getattr(np, name)
    if x.dtype != object:
        return np.asarray(of_numbers(x))
    result = np.empty_like(x)
    for index, v in np.ndenumerate(x):
        result[index] = float(of_numbers(float(v))) if isinstance(v, Real) else getattr(v, name)()
    return result


def _minus_abs(z: Array) -> Array:
    # Selected, since the derivative of abs at 0 is 0. At 0 every selection below takes the branch of z < 0, so that
    # a variable there has the derivative of that branch in every term.
    return np.where(z > 0, -z, z)


def _positive_part(z: Array) -> Array:
    return np.where(z > 0, z, 0.0)


def _sigmoid(z: Array) -> Array:
    """Return 1/(1 + e^{-z}), written so that no exponential overflows."""
    e = _each(_minus_abs(z), "exp")
    return np.where(z > 0, 1 / (1 + e), e / (1 + e))


def _sigmoid_prime(z: Array) -> Array:
    a = _sigmoid(z)
    sigma_prime: Array = a * (1 - a)
    return sigma_prime


def _tanh_prime(z: Array) -> Array:
    a = _each(z, "tanh")
    sigma_prime: Array = 1 - a * a
    return sigma_prime


def _log_1_plus_exp_minus_abs(z: Array) -> Array:
    return _each(_each(_minus_abs(z), "exp"), "log1p")


def _softplus(z: Array) -> Array:
    """Return log(1 + e^z), written so that no exponential overflows."""
    return _positive_part(z) + _log_1_plus_exp_minus_abs(z)


class _Activation(NamedTuple):
    sigma: Callable[[Array], Array]
    sigma_prime: Callable[[Array], Array]


_ACTIVATIONS = {
    "identity": _Activation(lambda z: z.copy(), lambda z: np.ones(z.shape)),
    "sigmoid": _Activation(_sigmoid, _sigmoid_prime),
    "tanh": _Activation(lambda z: _each(z, "tanh"), _tanh_prime),
    "relu": _Activation(_positive_part, lambda z: np.where(z > 0, 1.0, 0.0)),
    "leaky_relu": _Activation(
        lambda z: np.where(z > 0, z, LEAKY_SLOPE * z), lambda z: np.where(z > 0, 1.0, LEAKY_SLOPE)
    ),
    "softplus": _Activation(_softplus, _sigmoid),
}


# The losses: C(a, t) of every row as a column, ∇_a C, and what the targets must be


def _row_sums(terms: Array) -> Array:
    return np.asarray(terms.sum(axis=1, keepdims=True))


def _binary_cross_entropy(a: Array, t: Array) -> Array:
    """Return -Σ_k [t_k log a_k + (1 - t_k) log(1 - a_k)], where 0 · log 0 is 0 (ML-15, equation 1)."""
    if np.any((a < 0) | (a > 1) | ((a <= 0) & (t > 0)) | ((a >= 1) & (t < 1))):
        raise ValueError(
            f"binary_cross_entropy needs outputs between 0 and 1, and 0 or 1 only where the target is the same; got "
            f"outputs from {a.min()} to {a.max()}; use binary_cross_entropy_with_logits on an identity layer"
        )
    return -_row_sums(t * _each(_or_one(a), "log") + (1 - t) * _each(_or_one(1 - a), "log"))


def _binary_cross_entropy_gradient(a: Array, t: Array) -> Array:
    gradient: Array = (1 - t) / _or_one(1 - a) - t / _or_one(a)
    return gradient


def _or_one(p: Array) -> Array:
    # Where p is 0 its factor is 0 too, or the loss would have been refused: any positive number gives the product 0.
    return np.where(p > 0, p, 1.0)


def _binary_cross_entropy_with_logits(z: Array, t: Array) -> Array:
    """Return the binary cross-entropy of σ(z): Σ_k [max(z_k, 0) - t_k z_k + log(1 + e^{-|z_k|})]."""
    return _row_sums(_positive_part(z) - t * z + _log_1_plus_exp_minus_abs(z))


def _cross_entropy(z: Array, t: Array) -> Array:
    """Return log Σ_k e^{z_k} - Σ_k t_k z_k, which is -Σ_k t_k log softmax(z)_k since Σ_k t_k = 1."""
    largest = z.max(axis=1, keepdims=True)  # taken out, so that no exponential overflows
    shifted = z - largest
    loss: Array = _row_logsumexp(shifted) - _row_sums(t * shifted) + largest * (1 - _row_sums(t))
    return loss


def _cross_entropy_gradient(z: Array, t: Array) -> Array:
    """Return softmax(z) - t, the documents' a - y."""
    exponentials = _each(z - z.max(axis=1, keepdims=True), "exp")
    gradient: Array = exponentials / _row_sums(exponentials) - t
    return gradient


def _row_logsumexp(z: Array) -> Array:
    return _each(_row_sums(_each(z, "exp")), "log")


def _require_between_0_and_1(t: Array, loss: str) -> None:
    if np.any((t < 0) | (t > 1)):
        raise ValueError(f"{loss} needs targets between 0 and 1, got some from {t.min()} to {t.max()}")


def _require_distribution(t: Array, loss: str) -> None:
    excess = abs(_row_sums(t) - 1)
    if np.any(t < 0) or np.any(excess > PROBABILITY_TOLERANCE):
        raise ValueError(
            f"{loss} needs every target to be a probability vector, got entries from {t.min()} up and a sum that "
            f"differs from 1 by {excess.max()}; turn class numbers into one-hot rows"
        )


def _require_signs(t: Array, loss: str) -> None:
    if not np.all((abs(t) >= 1) & (abs(t) <= 1)):
        raise ValueError(
            f"{loss} needs targets -1 or +1, got others from {t.min()} to {t.max()}; turn labels 0 and 1 into 2 * T - 1"
        )


class _Loss(NamedTuple):
    value: Callable[[Array, Array], Array]
    gradient: Callable[[Array, Array], Array]
    require: Callable[[Array, str], None] | None = None


_LOSSES = {
    "half_squared_error": _Loss(lambda a, t: _row_sums((a - t) * (a - t)) / 2, lambda a, t: a - t),
    "mse_loss": _Loss(
        lambda a, t: _row_sums((a - t) * (a - t)) / a.shape[1], lambda a, t: np.asarray(2 * (a - t) / a.shape[1])
    ),
    "binary_cross_entropy": _Loss(_binary_cross_entropy, _binary_cross_entropy_gradient, _require_between_0_and_1),
    "binary_cross_entropy_with_logits": _Loss(
        _binary_cross_entropy_with_logits, lambda z, t: _sigmoid(z) - t, _require_between_0_and_1
    ),
    "cross_entropy": _Loss(_cross_entropy, _cross_entropy_gradient, _require_distribution),
    "hinge_loss": _Loss(
        lambda a, t: _row_sums(_positive_part(1 - t * a)), lambda a, t: np.where(1 - t * a > 0, -t, 0.0), _require_signs
    ),
}


# Both passes


@dataclass(frozen=True, slots=True, eq=False)
class BackwardPass:
    """The quantities of a forward and a backward pass; layer l stands at index l - 1, except in `a`.

    For a batch, rows are examples. For one example given as a vector, the entries of `z`, `a` and `delta` are vectors.

    Attributes:
        loss: The mean loss over the batch plus (l2/2) Σ‖W^l‖².
        z: z¹ … z^L, each of shape (N, n_l).
        a: a⁰ = X, a¹ … a^L, each of shape (N, n_l).
        delta: δ¹ … δ^L, each of shape (N, n_l): ∂C/∂z^l of each example's own loss, without 1/N.
        dW: The gradient of `loss` by each W^l, of shape (n_l, n_{l-1}).
        db: The gradient of `loss` by each b^l, of shape (n_l,).
    """

    loss: Any
    z: tuple[Array, ...]
    a: tuple[Array, ...]
    delta: tuple[Array, ...]
    dW: tuple[Array, ...]  # noqa: N815 - the gradient by W, as the documents write it
    db: tuple[Array, ...]


def backprop(
    weights: Sequence[npt.ArrayLike],
    biases: Sequence[npt.ArrayLike],
    X: npt.ArrayLike,
    T: npt.ArrayLike,
    *,
    activations: str | Sequence[str],
    loss: str,
    l2: float = 0.0,
) -> BackwardPass:
    """Return the loss, its gradient by every weight and bias, and every z, a and δ on the way.

    Args:
        weights: W¹ … W^L, each of shape (n_l, n_{l-1}).
        biases: b¹ … b^L, each of shape (n_l,).
        X: The inputs, of shape (N, n_0), or (n_0,) for one example.
        T: The targets, of shape (N, n_L), or (n_L,) for one example.
        activations: One name for all layers or one a layer: "identity", "sigmoid", "tanh", "relu", "leaky_relu"
            (slope 0.01), "softplus". The derivative of relu at 0 is 0, that of leaky_relu 0.01.
        loss: The loss of one example, a sum over its components unless said otherwise: "half_squared_error"
            ½‖a - t‖²; "mse_loss", the mean of (a - t)² over the components; "binary_cross_entropy"; for the weighted
            inputs of an identity layer "binary_cross_entropy_with_logits" and "cross_entropy" (of their softmax, with
            a probability vector as target); "hinge_loss", max(0, 1 - t a) with targets -1 or +1.
        l2: The coefficient c of (c/2) Σ‖W^l‖², added once per batch; biases are not penalised. ML-15 writes it λ/m.

    Raises:
        TypeError: An array holds something other than real numbers or variables, or a name is not a string.
        ValueError: A name is unknown, a shape does not fit, a number is not finite, or a target or an output is
            outside the domain of the loss.
        OverflowError: A result exceeds the range of a float.

    The binary cross-entropy of a sigmoid layer is that of its weighted inputs, with δ^L = a^L - t (ML-15): a sigmoid
    that is rounded to 0 or 1 would leave log 0 of it.

    Source: the documents that the module names; each equation is a function of its own.

    >>> result = backprop([[[2, 0]]], [[1]], [3, 5], [4], activations="identity", loss="half_squared_error")
    >>> result.loss, result.delta[0].tolist(), result.dW[0].tolist()
    (4.5, [3.0], [[9.0, 15.0]])
    """
    W, b, x, t = _validated(weights, biases, X, T)
    layers = _chosen_activations(activations, len(W))
    C = _named(loss, _LOSSES, "loss")
    c = _coefficient(l2)
    rows, targets = np.atleast_2d(x), np.atleast_2d(t)
    if C.require:
        C.require(targets, loss)
    with np.errstate(over="ignore", invalid="ignore"):
        z, a = _forward(W, b, rows, layers)
        penalty = sum((c / 2 * W_l * W_l).sum() for W_l in W)  # no square overflows where nothing is penalised
        of_logits = layers[-1] is _ACTIVATIONS["sigmoid"] and C is _LOSSES["binary_cross_entropy"]
        costs = _binary_cross_entropy_with_logits(z[-1], targets) if of_logits else C.value(a[-1], targets)
        cost = costs.sum() / len(rows) + penalty
        last = a[-1] - targets if of_logits else output_delta(C.gradient(a[-1], targets), layers[-1].sigma_prime(z[-1]))
        delta = _backward(W, z, layers, last)
        dW = [weight_gradient(*layer, c) for layer in zip(delta, a[:-1], W, strict=True)]
        db = [bias_gradient(delta_l) for delta_l in delta]
    for name, arrays in {"the loss of batch ": [np.array([cost])], "delta": delta, "dW": dW, "db": db}.items():
        _require_no_overflow(name, arrays)
    if x.ndim == 1:
        z, a, delta = ([batch[0] for batch in batches] for batches in (z, a, delta))
    value = float(cost) if isinstance(cost, Real) else cost
    return BackwardPass(value, tuple(z), tuple(a), tuple(delta), tuple(dW), tuple(db))


def _forward(W: list[Array], b: list[Array], X: Array, layers: list[_Activation]) -> tuple[list[Array], list[Array]]:
    z: list[Array] = []
    a = [X]
    for W_l, b_l, layer in zip(W, b, layers, strict=True):
        z.append(weighted_input(W_l, a[-1], b_l))
        _require_no_overflow("z", z)
        a.append(layer.sigma(z[-1]))
    return z, a


def _backward(W: list[Array], z: list[Array], layers: list[_Activation], last: Array) -> list[Array]:
    sigma_prime = [layer.sigma_prime(z_l) for layer, z_l in zip(layers[:-1], z[:-1], strict=True)]
    delta = [last]
    for W_next, sigma_prime_l in zip(W[:0:-1], sigma_prime[::-1], strict=True):
        delta.insert(0, hidden_delta(W_next, delta[0], sigma_prime_l))
    return delta


# What may be passed

_Entry = TypeVar("_Entry")


def _named(name: str, table: dict[str, _Entry], argument: str) -> _Entry:
    if not isinstance(name, str):
        raise TypeError(f"{argument} must be a name (a string), got {name!r} of type {type(name).__name__}")
    if name not in table:
        raise ValueError(f"{argument} must be one of {', '.join(table)}; got {name!r}")
    return table[name]


def _chosen_activations(names: str | Sequence[str], layers: int) -> list[_Activation]:
    if isinstance(names, str):
        return [_named(names, _ACTIVATIONS, "activations")] * layers
    if not isinstance(names, Sequence):
        raise TypeError(f"activations must be a name or a list of names, got {names!r}")
    if len(names) != layers:
        raise ValueError(f"activations must be one name, or one for each of the {layers} layers; got {len(names)}")
    return [_named(name, _ACTIVATIONS, f"activations[{i}]") for i, name in enumerate(names)]


def _coefficient(l2: float) -> float:
    if isinstance(l2, bool) or not isinstance(l2, Real):
        raise TypeError(f"l2 must be a real number, got {l2!r} of type {type(l2).__name__}")
    if not 0 <= l2 < math.inf:
        raise ValueError(f"l2 must be finite and not negative, got {l2!r}")
    return float(l2)


def _validated(
    weights: Sequence[npt.ArrayLike], biases: Sequence[npt.ArrayLike], X: npt.ArrayLike, T: npt.ArrayLike
) -> tuple[list[Array], list[Array], Array, Array]:
    if len(weights) != len(biases) or len(weights) == 0:
        raise ValueError(
            f"a network needs a bias vector for every weight matrix, and at least one of both; got {len(weights)} "
            f"weights and {len(biases)} biases"
        )
    x = _array(X, "X")
    if x.ndim not in (1, 2) or x.size == 0:
        raise ValueError(f"X must have shape (N, n_0), or (n_0,) for one example, none of them 0; got {x.shape}")
    width = x.shape[-1]
    W, b = [], []
    for i, (W_l, b_l) in enumerate(zip(weights, biases, strict=True)):
        W.append(_array(W_l, f"weights[{i}]"))
        b.append(_array(b_l, f"biases[{i}]"))
        if W[i].ndim != 2 or W[i].shape[1] != width or W[i].size == 0:
            source = f"the outputs of weights[{i - 1}]" if i else "the columns of X"
            raise ValueError(f"weights[{i}] must have shape (n_{i + 1}, {width}), after {source}; got {W[i].shape}")
        width = len(W[i])
        if b[i].shape != (width,):
            raise ValueError(
                f"biases[{i}] must have shape ({width},), after the rows of weights[{i}]; got {b[i].shape}"
            )
    t = _array(T, "T")
    if t.shape != (*x.shape[:-1], width):
        raise ValueError(
            f"T must have shape {(*x.shape[:-1], width)}, after X of shape {x.shape} and the rows of "
            f"weights[{len(W) - 1}]; got {t.shape}"
        )
    return W, b, x, t


def _array(values: npt.ArrayLike, name: str) -> Array:
    """Return a new array of floats, or of objects where variables are among the values."""
    try:
        array: Array = np.array(values)
    except ValueError as error:
        raise ValueError(f"{name} must be a rectangular array, but its rows differ in length") from error
    if array.dtype == object:
        for v in array.flat:
            if isinstance(v, bool) or not (isinstance(v, Real) or hasattr(v, "log1p")):
                raise TypeError(f"{name} must hold real numbers, got {v!r} of type {type(v).__name__}")
    elif array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold real numbers, got an array of {array.dtype}; convert it to floats")
    if not _is_finite(array):
        raise ValueError(f"{name} must be finite, but it holds nan, an infinity or a number too large for a float")
    if array.dtype == object and not all(isinstance(v, Real) for v in array.flat):
        return array
    return array.astype(float)


def _is_finite(array: Array) -> bool:
    if array.dtype != object:
        return bool(np.isfinite(array).all())
    try:
        return all(math.isfinite(v) for v in array.flat if isinstance(v, Real))
    except OverflowError:  # an integer too large for a float
        return False


def _require_no_overflow(name: str, arrays: list[Array]) -> None:
    for l, array in enumerate(arrays, 1):
        if not _is_finite(array):
            raise OverflowError(f"{name}{l} exceeds the range of a float; make the inputs or the weights smaller")
