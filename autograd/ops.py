"""Every primitive operation, declared once.

Each block below is the whole truth about its operation; see `autograd.op.Op` for what the fields mean. Rules for
partial derivatives take the result and the arguments, `(out, *args)`, and use only arithmetic, comparisons and the
operations of this module.

The functions at the end (`affine`, `mean`, `softmax`, …) take sequences and are built on the primitives.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from operator import mul as _product
from typing import Any

import numpy as np

from .op import PRIMITIVES, Domain, DomainError, Kink, Op, Operand

__all__ = [
    "abs",
    "add",
    "affine",
    "arctan",
    "cos",
    "cosh",
    "div",
    "elu",
    "erf",
    "erfc",
    "exp",
    "expm1",
    "gelu",
    "hypot",
    "indicator",
    "leaky_relu",
    "log",
    "log1p",
    "log_softmax",
    "logsumexp",
    "maximum",
    "mean",
    "minimum",
    "mul",
    "neg",
    "pow",
    "relu",
    "sigmoid",
    "sign",
    "silu",
    "sin",
    "sinh",
    "softmax",
    "softplus",
    "sqrt",
    "step",
    "stop_gradient",
    "sub",
    "tan",
    "tanh",
    "total",
    "where",
]

_TWO_BY_ROOT_PI = 2.0 / math.sqrt(math.pi)
_ROOT_HALF = math.sqrt(0.5)
_ROOT_HALF_HIGH, _ROOT_HALF_LOW = 0.7071067690849304, 1.210161710447897e-08  # 24 bits of √½, and the rest of it
_EXACT = 2.0**53  # beyond it floats are even numbers

# --- arithmetic ---------------------------------------------------------------------------------

add: Op = Op(
    "add",
    doc="x + y",
    symbol="+",
    forward=lambda x, y: x + y,
    array=np.add,
    partials=(lambda out, x, y: 1.0, lambda out, x, y: 1.0),
    samples=((0.7, -1.3), (2.0, 5.0), (-0.0, 3.0)),
)

sub: Op = Op(
    "sub",
    doc="x − y",
    symbol="−",
    forward=lambda x, y: x - y,
    array=np.subtract,
    partials=(lambda out, x, y: 1.0, lambda out, x, y: -1.0),
    samples=((0.7, -1.3), (2.0, 5.0), (-0.5, 3.0)),
)

mul: Op = Op(
    "mul",
    doc="x y",
    symbol="×",
    forward=lambda x, y: x * y,
    array=np.multiply,
    partials=(lambda out, x, y: y, lambda out, x, y: x),
    samples=((0.7, -1.3), (2.0, 5.0), (-0.5, 3.0)),
)

div: Op = Op(
    "div",
    doc="x / y",
    symbol="÷",
    forward=lambda x, y: x / y,
    array=np.divide,
    partials=(lambda out, x, y: 1.0 / y, lambda out, x, y: -out / y),
    domain=Domain(lambda x, y: y != 0.0, "y ≠ 0", refused=((1.0, 0.0), (0.0, 0.0), (2.0, -0.0))),
    samples=((0.7, -1.3), (2.0, 1.5), (-0.5, 0.8)),
)


def _power_by_base(_out: Any, x: Any, y: Any) -> Any:
    """Return y·x^(y−1), with 0 for y = 0, where x^(−1) may not exist.

    A number as exponent stays a number, so that derivatives of every order exist for x < 0. A recorded exponent is
    masked only at (0, 0), so that its own derivative stays right elsewhere.
    """
    if isinstance(y, (int, float)):
        if not -_EXACT <= y <= _EXACT:
            return y * sign(x) * abs(x) ** (y - 1.0)  # y is even, and y − 1 is rounded to an even number too
        return y * x ** (y - 1.0) if y else 0.0
    return y * x ** where(maximum(abs(sign(x)), abs(sign(y))), y - 1.0, 1.0)


pow: Op = Op(
    "pow",
    doc="xʸ",
    symbol="**",
    forward=lambda x, y: x**y,
    array=np.power,
    partials=(
        _power_by_base,
        lambda out, x, y: out * log(where(x, x, 1.0)),
    ),
    domain=Domain(
        lambda x, y: (x > 0.0) | ((x < 0.0) & (y % 1.0 == 0.0)) | ((x == 0.0) & (y >= 0.0)),
        "x > 0, or x < 0 with an integer y, or x = 0 with y ≥ 0",
        refused=((-8.0, 1.0 / 3.0), (0.0, -1.0), (-1.0, 0.5)),
    ),
    samples=((1.7, 1.3), (0.6, 2.0), (2.0, -0.5), (1.5, 0.5)),
    at_kinks=(
        Kink((0.0, 0.0), (0.0, 0.0)),
        Kink((0.0, 2.0), (0.0, 0.0)),
        Kink((0.0, 1.0), (1.0, 0.0)),
        Kink((-2.0, 3.0), (12.0, None)),
    ),
)

neg: Op = Op(
    "neg",
    doc="−x",
    symbol="−",
    forward=lambda x: -x,
    array=np.negative,
    partials=(lambda out, x: -1.0,),
    samples=((0.7,), (-2.0,)),
)

abs: Op = Op(
    "abs",
    doc="|x|",
    forward=math.fabs,
    array=np.abs,
    partials=(lambda out, x: sign(x),),
    samples=((0.7,), (-2.0,)),
    at_kinks=(Kink((0.0,), (0.0,)), Kink((-0.0,), (0.0,))),
)

sign: Op = Op(
    "sign",
    doc="−1, 0 or 1, as x is negative, zero or positive",
    forward=lambda x: math.copysign(1.0, x) if x else x,
    array=np.sign,
    partials=(lambda out, x: 0.0,),
    samples=((0.7,), (-2.0,)),
    at_kinks=(Kink((0.0,), (0.0,)),),
)

step: Op = Op(
    "step",
    doc="1 where x > 0, and 0 elsewhere",
    numpy="""def step(x):
    return np.where(x > 0.0, 1.0, 0.0)""",
    forward=lambda x: 1.0 if x > 0.0 else 0.0,
    array=lambda x: 1.0 * (x > 0.0),
    partials=(lambda out, x: 0.0,),
    samples=((0.7,), (-2.0,)),
    at_kinks=(Kink((0.0,), (0.0,)),),
)

indicator: Op = Op(
    "indicator",
    doc="1 where x = y, and 0 elsewhere",
    numpy="""def indicator(x, y):
    return np.where(x == y, 1.0, 0.0)""",
    forward=lambda x, y: 1.0 if x == y else 0.0,
    array=lambda x, y: 1.0 * (x == y),
    partials=(lambda out, x, y: 0.0, lambda out, x, y: 0.0),
    samples=((0.7, -1.3), (2.0, 5.0)),
    at_kinks=(Kink((2.0, 2.0), (0.0, 0.0)),),
)

# --- exponentials, logarithms, roots ------------------------------------------------------------

exp: Op = Op(
    "exp",
    doc="eˣ",
    forward=math.exp,
    array=np.exp,
    partials=(lambda out, x: out,),
    samples=((0.7,), (-1.3,), (2.0,)),
)

expm1: Op = Op(
    "expm1",
    doc="eˣ − 1, to full precision also near x = 0",
    forward=math.expm1,
    array=np.expm1,
    partials=(lambda out, x: exp(x),),
    samples=((0.7,), (-1.3,), (2.0,), (1e-9,)),
)

log: Op = Op(
    "log",
    doc="the natural logarithm of x",
    forward=math.log,
    array=np.log,
    partials=(lambda out, x: 1.0 / x,),
    domain=Domain(lambda x: x > 0.0, "x > 0", refused=((0.0,), (-1.0,), (-0.0,))),
    samples=((0.7,), (1.3,), (4.0,)),
)

log1p: Op = Op(
    "log1p",
    doc="log(1 + x), to full precision also near x = 0",
    forward=math.log1p,
    array=np.log1p,
    partials=(lambda out, x: 1.0 / (1.0 + x),),
    domain=Domain(lambda x: x > -1.0, "x > −1", refused=((-1.0,), (-2.0,))),
    samples=((0.7,), (-0.3,), (4.0,), (1e-9,)),
)

sqrt: Op = Op(
    "sqrt",
    doc="√x",
    symbol="√",
    forward=math.sqrt,
    array=np.sqrt,
    partials=(lambda out, x: 0.5 / out,),
    domain=Domain(lambda x: x >= 0.0, "x ≥ 0", refused=((-1.0,), (-1e-300,))),
    samples=((0.7,), (2.0,), (4.0,)),
    at_kinks=(Kink((0.0,), (None,)),),
)

# --- trigonometric and hyperbolic ---------------------------------------------------------------

sin: Op = Op(
    "sin",
    doc="sin x, with x in radians",
    forward=math.sin,
    array=np.sin,
    partials=(lambda out, x: cos(x),),
    samples=((0.7,), (-1.3,), (2.0,)),
)

cos: Op = Op(
    "cos",
    doc="cos x, with x in radians",
    forward=math.cos,
    array=np.cos,
    partials=(lambda out, x: -sin(x),),
    samples=((0.7,), (-1.3,), (2.0,)),
)

tan: Op = Op(
    "tan",
    doc="tan x, with x in radians",
    forward=math.tan,
    array=np.tan,
    partials=(lambda out, x: 1.0 + out * out,),
    samples=((0.7,), (-1.1,), (2.0,)),
)


def _slope_of_arctan(x: Any) -> Any:
    try:
        return 1.0 / (1.0 + x * x)
    except DomainError:  # x² overflows, and what is recorded is 0, as between floats
        return 0.0 * x


arctan: Op = Op(
    "arctan",
    doc="the angle between −π/2 and π/2 whose tangent is x, in radians",
    forward=math.atan,
    array=np.arctan,
    partials=(lambda out, x: _slope_of_arctan(x),),
    samples=((0.7,), (-1.3,), (2.0,)),
)

sinh: Op = Op(
    "sinh",
    doc="sinh x",
    forward=math.sinh,
    array=np.sinh,
    partials=(lambda out, x: cosh(x),),
    samples=((0.7,), (-1.3,), (2.0,)),
)

cosh: Op = Op(
    "cosh",
    doc="cosh x",
    forward=math.cosh,
    array=np.cosh,
    partials=(lambda out, x: sinh(x),),
    samples=((0.7,), (-1.3,), (2.0,)),
)

tanh: Op = Op(
    "tanh",
    doc="tanh x",
    forward=math.tanh,
    array=np.tanh,
    partials=(lambda out, x: 1.0 - out * out,),
    samples=((0.7,), (-1.1,), (0.2,)),
)

# --- activations --------------------------------------------------------------------------------


def _sigmoid(x: float) -> float:
    """Return 1/(1 + e^(−x)), above 0 as 1 − σ(−x), whose rounding is half as large where 1 − a matters."""
    small = math.exp(-math.fabs(x))
    tail = small / (1.0 + small)
    return 1.0 - tail if x >= 0.0 else tail


def _sigmoid_array(x: Any) -> Any:
    small = np.exp(-np.abs(x))
    tail = small / (1.0 + small)
    return np.where(x >= 0.0, 1.0 - tail, tail)


_ZERO, _ONE = np.array(0.0), np.array(1.0)  # which NumPy reads faster than Python's floats


def _sigmoid_into(x: Any, out: Any) -> None:
    np.negative(x, out)
    np.exp(out, out)
    np.add(out, _ONE, out)
    np.reciprocal(out, out)


sigmoid: Op = Op(
    "sigmoid",
    doc="1/(1 + e⁻ˣ), stable for every finite x",
    numpy="""def sigmoid(x):
    small = np.exp(-np.abs(x))
    return np.where(x >= 0.0, 1.0, small) / (1.0 + small)""",
    symbol="σ",
    forward=_sigmoid,
    array=_sigmoid_array,
    into=_sigmoid_into,
    partials=(lambda out, x: out * (1.0 - out),),
    samples=((0.7,), (-1.3,), (1.5,)),
)

softplus: Op = Op(
    "softplus",
    doc="log(1 + eˣ), stable for every finite x",
    numpy="""def softplus(x):
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))""",
    forward=lambda x: max(x, 0.0) + math.log1p(math.exp(-math.fabs(x))),
    array=lambda x: np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x))),
    partials=(lambda out, x: sigmoid(x),),
    samples=((0.7,), (-1.3,), (2.0,)),
)

relu: Op = Op(
    "relu",
    doc="max(x, 0)",
    numpy="""def relu(x):
    return np.where(x > 0.0, x, 0.0)""",
    forward=lambda x: x if x > 0.0 else 0.0,
    array=lambda x: np.where(x > 0.0, x, 0.0),
    into=lambda x, out: np.maximum(x, _ZERO, out=out),
    partials=(lambda out, x: 1.0 * (x > 0.0),),
    samples=((0.7,), (-1.3,)),
    at_kinks=(Kink((0.0,), (0.0,)), Kink((-0.0,), (0.0,))),
)

leaky_relu: Op = Op(
    "leaky_relu",
    doc="x where x > 0, and 0.01 x elsewhere (Maas, Hannun and Ng 2013)",
    numpy="""def leaky_relu(x):
    return np.where(x > 0.0, x, 0.01 * x)""",
    forward=lambda x: x if x > 0.0 else 0.01 * x,
    array=lambda x: np.where(x > 0.0, x, 0.01 * x),
    into=lambda x, out: np.maximum(x, np.multiply(x, 0.01, out), out=out),
    partials=(lambda out, x: where(x > 0.0, 1.0, 0.01),),
    samples=((0.7,), (-1.3,)),
    at_kinks=(Kink((0.0,), (0.01,)),),
)

elu: Op = Op(
    "elu",
    doc="x where x > 0, and eˣ − 1 elsewhere (Clevert, Unterthiner and Hochreiter 2016)",
    numpy="""def elu(x):
    return np.where(x > 0.0, x, np.expm1(np.minimum(x, 0.0)))""",
    forward=lambda x: x if x > 0.0 else math.expm1(x),
    array=lambda x: np.where(x > 0.0, x, np.expm1(np.minimum(x, 0.0))),
    partials=(lambda out, x: where(x > 0.0, 1.0, exp(minimum(x, 0.0))),),
    samples=((0.7,), (-1.3,), (-0.2,)),
    at_kinks=(Kink((0.0,), (1.0,)),),
)

erf: Op = Op(
    "erf",
    doc="the error function (2/√π) ∫₀ˣ exp(−t²) dt",
    numpy="""erf = np.vectorize(math.erf, otypes=[float])""",
    forward=math.erf,
    array=np.vectorize(math.erf, otypes=[float]),
    partials=(lambda out, x: _TWO_BY_ROOT_PI * _gaussian(x),),
    samples=((0.7,), (-1.1,), (0.2,)),
)

erfc: Op = Op(
    "erfc",
    doc="1 − erf x, to full precision also for large x",
    numpy="""erfc = np.vectorize(math.erfc, otypes=[float])""",
    forward=math.erfc,
    array=np.vectorize(math.erfc, otypes=[float]),
    partials=(lambda out, x: -_TWO_BY_ROOT_PI * _gaussian(x),),
    samples=((0.7,), (-1.1,), (0.2,)),
)


def _gaussian(x: Any) -> Any:
    """Return e^(−x²); beyond |x| = 30 it is 0 in floats, and clamping there keeps x² from overflowing."""
    return exp(-(minimum(abs(x), 30.0) ** 2.0))


def _gelu(x: float) -> float:
    """Return x·Φ(x) = ½ x erfc(−x/√2).

    Below 0 the argument t of erfc is carried in two floats, t + e: there a relative error of t counts 2t² times. The
    product with √½ is split as Dekker does it, so that e is what rounding took from t.
    """
    t = -_ROOT_HALF * x
    if not -40.0 < x < 0.0:
        return 0.5 * x * math.erfc(t)
    shifted = 134217729.0 * x  # 2²⁷ + 1
    high = shifted - (shifted - x)
    e = (-high * _ROOT_HALF_HIGH - t) - ((x - high) * _ROOT_HALF_HIGH + x * _ROOT_HALF_LOW)
    return 0.5 * x * (math.erfc(t) - e * _TWO_BY_ROOT_PI * math.exp(-t * t))


gelu: Op = Op(
    "gelu",
    doc="x Φ(x), with the normal distribution function Φ by erfc (Hendrycks and Gimpel 2016)",
    numpy="""def gelu(x):
    return 0.5 * x * np.vectorize(math.erfc, otypes=[float])(-x * math.sqrt(0.5))""",
    forward=_gelu,
    array=np.vectorize(_gelu, otypes=[float]),
    partials=(
        lambda out, x: (
            0.5 * erfc(-_ROOT_HALF * x) + x * (0.5 * _ROOT_HALF * _TWO_BY_ROOT_PI) * _gaussian(_ROOT_HALF * x)
        ),
    ),
    samples=((0.7,), (-1.3,), (2.0,)),
)

silu: Op = Op(
    "silu",
    doc="x sigmoid(x) (Elfwing, Uchibe and Doya 2018)",
    numpy="""def silu(x):
    small = np.exp(-np.abs(x))
    return x * np.where(x >= 0.0, 1.0, small) / (1.0 + small)""",
    forward=lambda x: x * _sigmoid(x),
    array=lambda x: x * _sigmoid_array(x),
    partials=(lambda out, x: sigmoid(x) * (1.0 + x * sigmoid(-x)),),
    samples=((0.7,), (-0.4,), (2.0,)),
)

# --- selection ----------------------------------------------------------------------------------

maximum: Op = Op(
    "maximum",
    doc="the larger one of x and y; each gets half the derivative where they are equal",
    symbol="max",
    forward=lambda x, y: x if x >= y else y,
    array=np.maximum,
    partials=(
        lambda out, x, y: 0.5 * (x > y) + 0.5 * (x >= y),
        lambda out, x, y: 0.5 * (y > x) + 0.5 * (y >= x),
    ),
    samples=((0.7, -1.3), (2.0, 5.0)),
    at_kinks=(Kink((1.5, 1.5), (0.5, 0.5)), Kink((0.0, -0.0), (0.5, 0.5))),
)

minimum: Op = Op(
    "minimum",
    doc="the smaller one of x and y; each gets half the derivative where they are equal",
    symbol="min",
    forward=lambda x, y: x if x <= y else y,
    array=np.minimum,
    partials=(
        lambda out, x, y: 0.5 * (x < y) + 0.5 * (x <= y),
        lambda out, x, y: 0.5 * (y < x) + 0.5 * (y <= x),
    ),
    samples=((0.7, -1.3), (2.0, 5.0)),
    at_kinks=(Kink((1.5, 1.5), (0.5, 0.5)), Kink((0.0, -0.0), (0.5, 0.5))),
)

hypot: Op = Op(
    "hypot",
    doc="√(x² + y²)",
    forward=math.hypot,
    array=np.hypot,
    partials=(
        lambda out, x, y: x / where(out, out, 1.0),
        lambda out, x, y: y / where(out, out, 1.0),
    ),
    samples=((0.7, -1.3), (2.0, 1.5)),
    at_kinks=(Kink((0.0, 0.0), (0.0, 0.0)),),
)

where: Op = Op(
    "where",
    doc="y where the condition x is not 0, and z elsewhere",
    numpy="""def where(condition, a, b):
    return np.where(condition != 0.0, a, b)""",
    forward=lambda condition, a, b: a if condition else b,
    array=lambda condition, a, b: np.where(condition != 0.0, a, b),
    partials=(
        lambda out, condition, a, b: 0.0,
        lambda out, condition, a, b: where(condition, 1.0, 0.0),
        lambda out, condition, a, b: where(condition, 0.0, 1.0),
    ),
    samples=((1.0, 0.7, -1.3), (0.0, 2.0, 5.0), (-0.5, 0.3, 0.4)),
    at_kinks=(Kink((0.0, 1.0, 2.0), (0.0, 0.0, 1.0)),),
)

stop_gradient: Op = Op(
    "stop_gradient",
    doc="x, as a number that no gradient flows through",
    forward=lambda x: x,
    array=np.positive,
    partials=(lambda out, x: 0.0,),
)

# --- any number of arguments --------------------------------------------------------------------
# Such an operation takes one sequence: total([x, y, z]).


def _logsumexp(*x: float) -> float:
    largest = max(x)
    # the largest term is 1: taking it off exactly keeps the digits of the small ones, which matter where largest is 0
    return largest + math.log1p(math.fsum([*[math.exp(value - largest) for value in x], -1.0]))


def _share(value: Any, out: Any) -> Any:
    """Return e^(value − out), which is 0 where the difference overflows to −∞."""
    if isinstance(out, float):
        return math.exp(max(float(value) - out, -746.0))
    try:
        return exp(value - out)
    except DomainError:
        return 0.0 * out


def _affine(*x: float) -> float:
    n = len(x) // 2
    return float(sum(map(_product, x[:n], x[n:]))) + x[-1]


total: Op = Op(
    "total",
    doc="the sum of a sequence, Σ xₖ",
    symbol="Σ",
    forward=lambda *x: math.fsum(x),
    partials=lambda out, *x: (1.0,) * len(x),
    samples=((0.7,), (0.7, -1.3), (2.0, 5.0, -0.4, 1.0)),
)

affine: Op = Op(
    "affine",
    doc="Σ wₖaₖ + b of the sequence w₁ … wₙ, a₁ … aₙ, b",
    forward=_affine,
    partials=lambda out, *x: (*x[len(x) // 2 : -1], *x[: len(x) // 2], 1.0),
    domain=Domain(
        lambda *x: len(x) % 2 == 1,
        "as many weights as inputs, and a bias",
        refused=((), (1.0, 2.0), (1.0, 2.0, 3.0, 4.0)),
    ),
    samples=((0.5,), (0.7, -1.3, 0.4), (2.0, 0.5, -0.4, 1.0, 0.3)),
)
"""The flat form Σ wₖaₖ + b of `[*weights, *inputs, bias]`; `autograd.affine(weights, inputs, bias)` records it."""

logsumexp: Op = Op(
    "logsumexp",
    doc="log Σ e^xₖ of a sequence, stable for all finite xₖ",
    numpy="""def logsumexp(rows):
    largest = rows.max(axis=1, keepdims=True)
    terms = np.exp(rows - largest)
    np.put_along_axis(terms, rows.argmax(axis=1, keepdims=True), 0.0, 1)  # it is 1, and added by log1p
    return np.log1p(terms.sum(axis=1)) + largest[:, 0]""",
    symbol="lse",
    forward=_logsumexp,
    partials=lambda out, *x: tuple([_share(value, out) for value in x]),
    domain=Domain(lambda *x: len(x) > 0, "at least one argument", refused=((),)),
    samples=((0.7,), (0.7, -1.3), (2.0, 0.5, 1.4)),
)

PRIMITIVES.update({op.name: op for op in list(globals().values()) if isinstance(op, Op)})

# --- built on the primitives --------------------------------------------------------------------


def mean(values: Iterable[Any]) -> Any:
    """Return the arithmetic mean of a sequence of numbers or Values.

    Raises:
        ValueError: If the sequence is empty.

    Example:
        >>> mean([1.0, 2.0, 6.0])
        3.0
    """
    values = tuple(values)
    if not values:
        raise ValueError("mean needs at least one value, got none")
    return total(values) / float(len(values))


def softmax(values: Iterable[Any]) -> list[Any]:
    """Return e^vᵢ / Σ e^vₖ for a sequence of numbers or Values, stable for every finite input.

    Raises:
        TypeError: If something is neither a number nor a Value.
        DomainError: If the sequence is empty.

    Example:
        >>> softmax([0.0, 1000.0])
        [0.0, 1.0]
    """
    values = tuple(values)
    normaliser = logsumexp(values)
    return [_share(value, normaliser) for value in values]


def log_softmax(values: Iterable[Any]) -> list[Any]:
    """Return vᵢ − log Σ e^vₖ for a sequence of numbers or Values, stable for every finite input.

    Raises:
        TypeError: If something is neither a number nor a Value.
        DomainError: If the sequence is empty, or a result is not finite.

    Example:
        >>> log_softmax([0.0, 0.0])
        [-0.6931471805599453, -0.6931471805599453]
    """
    values = tuple(values)
    normaliser = logsumexp(values)
    return [value - normaliser if isinstance(normaliser, Operand) else sub(value, normaliser) for value in values]
