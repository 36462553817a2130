"""Every primitive operation, declared once.

Each block below is the whole truth about its operation; see `autograd.op.Op` for what the fields mean. Rules for
partial derivatives take the result and the arguments, `(out, *args)`, and use only arithmetic, comparisons and the
operations of this module.

A NaN among the arguments of `forward`, which stands for a number beyond all floats, has to give NaN unless the result
does not depend on it.

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
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "cbrt",
    "cos",
    "cosh",
    "digamma",
    "div",
    "elu",
    "erf",
    "erfc",
    "exp",
    "exp2",
    "expm1",
    "floor",
    "gelu",
    "hypot",
    "indicator",
    "leaky_relu",
    "lgamma",
    "log",
    "log1p",
    "log2",
    "log10",
    "log_softmax",
    "logaddexp",
    "logsumexp",
    "maximum",
    "mean",
    "minimum",
    "mod",
    "mul",
    "neg",
    "polygamma",
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
_LOG_2, _LOG2_E, _LOG10_E = math.log(2.0), 1.0 / math.log(2.0), 1.0 / math.log(10.0)
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798)  # B₂, B₄, … B₁₈

# --- arithmetic ---------------------------------------------------------------------------------

add: Op = Op(
    "add",
    doc="x + y",
    symbol="+",
    c="x + y",
    forward=lambda x, y: x + y,
    array=np.add,
    partials=(lambda out, x, y: 1.0, lambda out, x, y: 1.0),
    samples=((0.7, -1.3), (2.0, 5.0), (-0.0, 3.0)),
)

sub: Op = Op(
    "sub",
    doc="x − y",
    symbol="−",
    c="x - y",
    forward=lambda x, y: x - y,
    array=np.subtract,
    partials=(lambda out, x, y: 1.0, lambda out, x, y: -1.0),
    samples=((0.7, -1.3), (2.0, 5.0), (-0.5, 3.0)),
)

mul: Op = Op(
    "mul",
    doc="x y",
    symbol="×",
    c="x * y",
    forward=lambda x, y: x * y,
    array=np.multiply,
    partials=(lambda out, x, y: y, lambda out, x, y: x),
    samples=((0.7, -1.3), (2.0, 5.0), (-0.5, 3.0)),
)

div: Op = Op(
    "div",
    doc="x / y",
    symbol="÷",
    c="x / y",
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
    c="pow(x, y)",
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
    c="-x",
    forward=lambda x: -x,
    array=np.negative,
    partials=(lambda out, x: -1.0,),
    samples=((0.7,), (-2.0,)),
)

abs: Op = Op(
    "abs",
    doc="|x|",
    c="fabs(x)",
    forward=math.fabs,
    array=np.abs,
    partials=(lambda out, x: sign(x),),
    samples=((0.7,), (-2.0,)),
    at_kinks=(Kink((0.0,), (0.0,)), Kink((-0.0,), (0.0,))),
)

sign: Op = Op(
    "sign",
    doc="−1, 0 or 1, as x is negative, zero or positive",
    selects=True,
    c="x > 0.0 ? 1.0 : x < 0.0 ? -1.0 : x",
    forward=lambda x: 1.0 if x > 0.0 else -1.0 if x < 0.0 else x,
    array=np.sign,
    partials=(lambda out, x: 0.0,),
    samples=((0.7,), (-2.0,)),
    at_kinks=(Kink((0.0,), (0.0,)),),
)

step: Op = Op(
    "step",
    doc="1 where x > 0, and 0 elsewhere",
    selects=True,
    numpy="""def step(x):
    return np.where(x > 0.0, 1.0, 0.0)""",
    c="x > 0.0 ? 1.0 : 0.0",
    forward=lambda x: 1.0 if x > 0.0 else 0.0 if x <= 0.0 else x,
    array=lambda x: 1.0 * (x > 0.0),
    partials=(lambda out, x: 0.0,),
    samples=((0.7,), (-2.0,)),
    at_kinks=(Kink((0.0,), (0.0,)),),
)

indicator: Op = Op(
    "indicator",
    doc="1 where x = y, and 0 elsewhere",
    selects=True,
    numpy="""def indicator(x, y):
    return np.where(x == y, 1.0, 0.0)""",
    c="x == y ? 1.0 : 0.0",
    forward=lambda x, y: 1.0 if x == y else 0.0,
    array=lambda x, y: 1.0 * (x == y),
    partials=(lambda out, x, y: 0.0, lambda out, x, y: 0.0),
    samples=((0.7, -1.3), (2.0, 5.0)),
    at_kinks=(Kink((2.0, 2.0), (0.0, 0.0)),),
)

floor: Op = Op(
    "floor",
    doc="the largest whole number that is not above x",
    selects=True,
    c="floor(x)",
    forward=lambda x: math.copysign(float(math.floor(x)), x) if math.isfinite(x) else x,
    array=np.floor,
    partials=(lambda out, x: 0.0,),
    samples=((0.7,), (-2.3,)),
    at_kinks=(Kink((2.0,), (0.0,)), Kink((0.0,), (0.0,))),
)

mod: Op = Op(
    "mod",
    doc="x − y floor(x / y), the rest of a division, which has the sign of y; the same as x % y",
    symbol="%",
    c="floored_mod(x, y)",
    forward=lambda x, y: x % y,
    array=np.mod,
    partials=(lambda out, x, y: 1.0, lambda out, x, y: -floor(0.5 + (x - out) / y)),
    domain=Domain(lambda x, y: y != 0.0, "y ≠ 0", refused=((1.0, 0.0), (0.0, -0.0))),
    samples=((7.3, 2.0), (-1.3, 0.7), (0.5, 2.0), (0.5, -0.8)),
    at_kinks=(Kink((6.0, 2.0), (1.0, -3.0)), Kink((0.0, 2.0), (1.0, 0.0))),
)

# --- exponentials, logarithms, roots ------------------------------------------------------------

exp: Op = Op(
    "exp",
    doc="eˣ",
    c="fast_exp(x)",
    forward=math.exp,
    array=np.exp,
    partials=(lambda out, x: out,),
    samples=((0.7,), (-1.3,), (2.0,)),
)

expm1: Op = Op(
    "expm1",
    doc="eˣ − 1, to full precision also near x = 0",
    c="expm1(x)",
    forward=math.expm1,
    array=np.expm1,
    partials=(lambda out, x: exp(x),),
    samples=((0.7,), (-1.3,), (2.0,), (1e-9,)),
)

log: Op = Op(
    "log",
    doc="the natural logarithm of x",
    c="log(x)",
    forward=math.log,
    array=np.log,
    partials=(lambda out, x: 1.0 / x,),
    domain=Domain(lambda x: x > 0.0, "x > 0", refused=((0.0,), (-1.0,), (-0.0,))),
    samples=((0.7,), (1.3,), (4.0,)),
)

log1p: Op = Op(
    "log1p",
    doc="log(1 + x), to full precision also near x = 0",
    c="log1p(x)",
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
    c="sqrt(x)",
    forward=math.sqrt,
    array=np.sqrt,
    partials=(lambda out, x: 0.5 / out,),
    domain=Domain(lambda x: x >= 0.0, "x ≥ 0", refused=((-1.0,), (-1e-300,))),
    samples=((0.7,), (2.0,), (4.0,)),
    at_kinks=(Kink((0.0,), (None,)),),
)

cbrt: Op = Op(
    "cbrt",
    doc="the cube root of x, negative where x is",
    symbol="∛",
    c="cbrt(x)",
    forward=math.cbrt,
    array=np.cbrt,
    partials=(lambda out, x: 1.0 / (3.0 * out * out),),
    samples=((0.7,), (-1.3,), (4.0,)),
    at_kinks=(Kink((0.0,), (None,)),),
)

exp2: Op = Op(
    "exp2",
    doc="2ˣ",
    c="exp2(x)",
    forward=math.exp2,
    array=np.exp2,
    partials=(lambda out, x: _LOG_2 * out,),
    samples=((0.7,), (-1.3,), (2.0,)),
)

log2: Op = Op(
    "log2",
    doc="the logarithm of x to base 2",
    c="log2(x)",
    forward=math.log2,
    array=np.log2,
    partials=(lambda out, x: _LOG2_E / x,),
    domain=Domain(lambda x: x > 0.0, "x > 0", refused=((0.0,), (-1.0,), (-0.0,))),
    samples=((0.7,), (1.3,), (4.0,)),
)

log10: Op = Op(
    "log10",
    doc="the logarithm of x to base 10",
    c="log10(x)",
    forward=math.log10,
    array=np.log10,
    partials=(lambda out, x: _LOG10_E / x,),
    domain=Domain(lambda x: x > 0.0, "x > 0", refused=((0.0,), (-1.0,), (-0.0,))),
    samples=((0.7,), (1.3,), (4.0,)),
)


def _share_of_two(x: Any, y: Any) -> Any:
    """Return eˣ/(eˣ + eʸ), which is 0 or 1 where the difference of x and y overflows."""
    try:
        return sigmoid(x - y)
    except ValueError:
        return 1.0 * (x > y)


logaddexp: Op = Op(
    "logaddexp",
    doc="log(eˣ + eʸ), stable for all finite x and y",
    c="(x > y ? x : y) + log1p(fast_exp(-fabs(x - y)))",
    forward=lambda x, y: max(x, y) + math.log1p(math.exp(-math.fabs(x - y))),
    array=np.logaddexp,
    partials=(lambda out, x, y: _share_of_two(x, y), lambda out, x, y: _share_of_two(y, x)),
    samples=((0.7, -1.3), (2.0, 1.5), (-0.4, 1.0)),
)

# --- trigonometric and hyperbolic ---------------------------------------------------------------

sin: Op = Op(
    "sin",
    doc="sin x, with x in radians",
    c="sin(x)",
    forward=math.sin,
    array=np.sin,
    partials=(lambda out, x: cos(x),),
    samples=((0.7,), (-1.3,), (2.0,)),
)

cos: Op = Op(
    "cos",
    doc="cos x, with x in radians",
    c="cos(x)",
    forward=math.cos,
    array=np.cos,
    partials=(lambda out, x: -sin(x),),
    samples=((0.7,), (-1.3,), (2.0,)),
)

tan: Op = Op(
    "tan",
    doc="tan x, with x in radians",
    c="tan(x)",
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
    c="atan(x)",
    forward=math.atan,
    array=np.arctan,
    partials=(lambda out, x: _slope_of_arctan(x),),
    samples=((0.7,), (-1.3,), (2.0,)),
)

sinh: Op = Op(
    "sinh",
    doc="sinh x",
    c="sinh(x)",
    forward=math.sinh,
    array=np.sinh,
    partials=(lambda out, x: cosh(x),),
    samples=((0.7,), (-1.3,), (2.0,)),
)

cosh: Op = Op(
    "cosh",
    doc="cosh x",
    c="cosh(x)",
    forward=math.cosh,
    array=np.cosh,
    partials=(lambda out, x: sinh(x),),
    samples=((0.7,), (-1.3,), (2.0,)),
)

tanh: Op = Op(
    "tanh",
    doc="tanh x",
    c="fast_tanh(x)",
    forward=math.tanh,
    array=np.tanh,
    partials=(lambda out, x: 1.0 - out * out,),
    samples=((0.7,), (-1.1,), (0.2,)),
)


def _one_minus_square(x: Any) -> Any:
    """Return 1 − x², whose derivatives keep their digits at 0 in the first form and at ±1 in the second."""
    return where(abs(x) < 0.5, 1.0 - x * x, (1.0 - x) * (1.0 + x))


def _slope_of_arcsin(x: Any) -> Any:
    return 1.0 / sqrt(_one_minus_square(x))


_WITHIN_ONE = Domain(lambda x: (x >= -1.0) & (x <= 1.0), "−1 ≤ x ≤ 1", refused=((1.1,), (-1.1,), (2.0,)))

arcsin: Op = Op(
    "arcsin",
    doc="the angle between −π/2 and π/2 whose sine is x, in radians",
    c="asin(x)",
    forward=math.asin,
    array=np.arcsin,
    partials=(lambda out, x: _slope_of_arcsin(x),),
    domain=_WITHIN_ONE,
    samples=((0.7,), (-0.3,), (0.8,)),
    at_kinks=(Kink((1.0,), (None,)), Kink((-1.0,), (None,))),
)

arccos: Op = Op(
    "arccos",
    doc="the angle between 0 and π whose cosine is x, in radians",
    c="acos(x)",
    forward=math.acos,
    array=np.arccos,
    partials=(lambda out, x: -_slope_of_arcsin(x),),
    domain=_WITHIN_ONE,
    samples=((0.7,), (-0.3,), (0.8,)),
    at_kinks=(Kink((1.0,), (None,)), Kink((-1.0,), (None,))),
)

arctan2: Op = Op(
    "arctan2",
    doc="the angle between −π and π of the point with abscissa y and ordinate x, as in NumPy: its tangent is x/y",
    c="atan2(x, y)",
    forward=math.atan2,
    array=np.arctan2,
    partials=(
        lambda out, x, y: y / hypot(x, y) / hypot(x, y),
        lambda out, x, y: -(x / hypot(x, y)) / hypot(x, y),
    ),
    samples=((0.7, -1.3), (2.0, 1.5), (-0.5, -0.3), (-0.5, 0.8)),
    at_kinks=(Kink((0.0, 0.0), (None, None)), Kink((0.0, -2.0), (-0.5, 0.0))),
)

arcsinh: Op = Op(
    "arcsinh",
    doc="the number whose hyperbolic sine is x",
    c="asinh(x)",
    forward=math.asinh,
    array=np.arcsinh,
    partials=(lambda out, x: 1.0 / hypot(1.0, x),),
    samples=((0.7,), (-1.3,), (2.0,)),
)

arccosh: Op = Op(
    "arccosh",
    doc="the number that is not negative and whose hyperbolic cosine is x",
    c="acosh(x)",
    forward=math.acosh,
    array=np.arccosh,
    partials=(lambda out, x: 1.0 / (sqrt(x - 1.0) * sqrt(x + 1.0)),),
    domain=Domain(lambda x: x >= 1.0, "x ≥ 1", refused=((0.9,), (-2.0,))),
    samples=((1.3,), (2.0,), (4.0,)),
    at_kinks=(Kink((1.0,), (None,)),),
)

arctanh: Op = Op(
    "arctanh",
    doc="the number whose hyperbolic tangent is x",
    c="atanh(x)",
    forward=math.atanh,
    array=np.arctanh,
    partials=(lambda out, x: 1.0 / _one_minus_square(x),),
    domain=Domain(lambda x: (x > -1.0) & (x < 1.0), "−1 < x < 1", refused=((1.0,), (-1.0,), (2.0,))),
    samples=((0.7,), (-0.3,), (0.1,)),
)

# --- the gamma function -------------------------------------------------------------------------

_IS_POLE = "x that is not 0, −1, −2, …"

lgamma: Op = Op(
    "lgamma",
    doc="log |Γ(x)|, where Γ(n + 1) = n!",
    numpy="""lgamma = np.vectorize(math.lgamma, otypes=[float])""",
    c="lgamma(x)",
    forward=math.lgamma,
    array=np.vectorize(math.lgamma, otypes=[float]),
    partials=(lambda out, x: polygamma(0.0, x),),
    domain=Domain(lambda x: (x > 0.0) | (x % 1.0 != 0.0), _IS_POLE, refused=((0.0,), (-1.0,), (-7.0,))),
    samples=((0.7,), (-1.3,), (4.0,)),
)


def _polygamma(n: float, x: float) -> float:
    """Return ψ⁽ⁿ⁾(x) by steps up to 16 and the asymptotic series there; below 0 by reflection.

    Abramowitz and Stegun (1964): 6.3.5 and 6.4.6 for the steps, 6.3.18 and 6.4.11 for the series, 6.4.7 for the
    reflection, whose derivatives of the cotangent c are polynomials in c: c′ = −π(1 + c²).
    """
    if math.isnan(n + x):
        return math.nan
    order = int(n)
    if x < 0.0:
        r = x - round(x)
        far = math.copysign(0.5, r) - r  # from where the cotangent is 0, exact where it is small
        cotangent = math.tan(math.pi * far) if -0.25 < far < 0.25 else 1.0 / math.tan(math.pi * r)
        polynomial = [0.0, 1.0]
        for _ in range(order):
            slopes = [k * c for k, c in enumerate(polynomial)][1:]
            polynomial = [-(a + b) for a, b in zip([*slopes, 0.0, 0.0], [0.0, 0.0, *slopes], strict=True)]
        reflected = math.pi ** (order + 1) * math.fsum(c * cotangent**k for k, c in enumerate(polynomial))
        return (-1.0) ** order * _polygamma(n, 1.0 - x) - reflected
    steps = max(0, math.ceil(16.0 + order - x))
    below = [1.0 / (x + k) ** (order + 1) for k in range(steps)]
    x += steps
    y = 1.0 / x
    if order == 0:
        series = [-b / (2 * k) * y ** (2 * k) for k, b in enumerate(_BERNOULLI, 1)]
        return math.fsum([math.log(x), -0.5 * y, *series, *[-step for step in below]])
    series = [b * math.comb(2 * k + order - 1, 2 * k) * y ** (2 * k) for k, b in enumerate(_BERNOULLI, 1)]
    tail = math.fsum([1.0, 0.5 * order * y, *series]) * y**order / order
    return (-1.0) ** (order + 1) * math.factorial(order) * math.fsum([tail, *below])


_POLYGAMMA_TEXT = """def polygamma(n, x):
    def positive(n, x):  # steps up to 16 and the asymptotic series there
        steps = [1.0 / (x + k) ** (n + 1) for k in range(max(0, math.ceil(16.0 + n - x)))]
        y = 1.0 / (x + len(steps))
        bernoulli = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798)
        if n == 0:
            series = [-b / (2 * k) * y ** (2 * k) for k, b in enumerate(bernoulli, 1)]
            return math.fsum([-math.log(y), -0.5 * y, *series, *[-step for step in steps]])
        series = [b * math.comb(2 * k + n - 1, 2 * k) * y ** (2 * k) for k, b in enumerate(bernoulli, 1)]
        tail = math.fsum([1.0, 0.5 * n * y, *series]) * y**n / n
        return (-1.0) ** (n + 1) * math.factorial(n) * math.fsum([tail, *steps])

    def anywhere(n, x):
        n = int(n)
        if x > 0.0:
            return positive(n, x)
        r = x - round(x)
        polynomial = [0.0, 1.0]
        far = math.copysign(0.5, r) - r
        cotangent = math.tan(math.pi * far) if -0.25 < far < 0.25 else 1.0 / math.tan(math.pi * r)
        for _ in range(n):  # c' = -pi (1 + c c) differentiates a polynomial in the cotangent c
            slopes = [k * c for k, c in enumerate(polynomial)][1:]
            polynomial = [-(a + b) for a, b in zip([*slopes, 0.0, 0.0], [0.0, 0.0, *slopes])]
        reflected = math.pi ** (n + 1) * math.fsum(c * cotangent**k for k, c in enumerate(polynomial))
        return (-1.0) ** n * positive(n, 1.0 - x) - reflected

    return np.vectorize(anywhere, otypes=[float])(n, x)"""

polygamma: Op = Op(
    "polygamma",
    selects=True,
    doc="ψ⁽ˣ⁾(y), the derivative of order x = 0, 1, 2, … of the digamma function ψ = (log Γ)′ at y",
    numpy=_POLYGAMMA_TEXT,
    forward=_polygamma,
    array=np.vectorize(_polygamma, otypes=[float]),
    partials=(lambda out, x, y: 0.0, lambda out, x, y: polygamma(x + 1.0, y)),
    domain=Domain(
        lambda x, y: (x >= 0.0) & (x % 1.0 == 0.0) & ((y > 0.0) | (y % 1.0 != 0.0)),
        "an order x that is 0, 1, 2, … and y that is not 0, −1, −2, …",
        refused=((0.5, 1.0), (-1.0, 1.0), (0.0, 0.0), (2.0, -3.0)),
    ),
    samples=((0.0, 0.7), (0.0, -1.47), (1.0, 1.3), (2.0, 2.0), (3.0, 2.5)),
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
    c="fast_sigmoid(x)",
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
    c="(x > 0.0 ? x : 0.0) + log1p(fast_exp(-fabs(x)))",
    forward=lambda x: max(x, 0.0) + math.log1p(math.exp(-math.fabs(x))),
    array=lambda x: np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x))),
    into=lambda x, out: np.logaddexp(_ZERO, x, out),
    partials=(lambda out, x: sigmoid(x),),
    samples=((0.7,), (-1.3,), (2.0,)),
)

relu: Op = Op(
    "relu",
    doc="max(x, 0)",
    selects=True,
    numpy="""def relu(x):
    return np.where(x > 0.0, x, 0.0)""",
    c="x > 0.0 ? x : 0.0",
    forward=lambda x: 0.0 if x <= 0.0 else x,
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
    c="x > 0.0 ? x : 0.01 * x",
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
    c="x > 0.0 ? x : expm1(x)",
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
    c="erf(x)",
    forward=math.erf,
    array=np.vectorize(math.erf, otypes=[float]),
    partials=(lambda out, x: _TWO_BY_ROOT_PI * _gaussian(x),),
    samples=((0.7,), (-1.1,), (0.2,)),
)

erfc: Op = Op(
    "erfc",
    doc="1 − erf x, to full precision also for large x",
    numpy="""erfc = np.vectorize(math.erfc, otypes=[float])""",
    c="erfc(x)",
    forward=math.erfc,
    array=np.vectorize(math.erfc, otypes=[float]),
    partials=(lambda out, x: -_TWO_BY_ROOT_PI * _gaussian(x),),
    samples=((0.7,), (-1.1,), (0.2,)),
)


def _gaussian(x: Any) -> Any:
    """Return e^(−x²)."""
    if isinstance(x, float):
        return math.exp(-(x * x))  # which is 0 where x² is infinite
    return exp(-(x * x))


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
    c="0.5 * x * erfc(-0.70710678118654752 * x)",
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
    c="x * fast_sigmoid(x)",
    forward=lambda x: x * _sigmoid(x),
    array=lambda x: x * _sigmoid_array(x),
    partials=(lambda out, x: sigmoid(x) * (1.0 + x * sigmoid(-x)),),
    samples=((0.7,), (-0.4,), (2.0,)),
)

# --- selection ----------------------------------------------------------------------------------

maximum: Op = Op(
    "maximum",
    doc="the larger one of x and y; each gets half the derivative where they are equal",
    selects=True,
    symbol="max",
    c="x >= y ? x : y",
    forward=lambda x, y: x if x >= y else y if y > x else x + y,
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
    selects=True,
    symbol="min",
    c="x <= y ? x : y",
    forward=lambda x, y: x if x <= y else y if y < x else x + y,
    array=np.minimum,
    partials=(
        lambda out, x, y: 0.5 * (x < y) + 0.5 * (x <= y),
        lambda out, x, y: 0.5 * (y < x) + 0.5 * (y <= x),
    ),
    samples=((0.7, -1.3), (2.0, 5.0)),
    at_kinks=(Kink((1.5, 1.5), (0.5, 0.5)), Kink((0.0, -0.0), (0.5, 0.5))),
)


def _cosine(x: Any, out: Any) -> Any:
    """Return x/out, and 0 at the origin, where it has no derivative: a recorded 0 refuses to be differentiated."""
    cosine = x / where(out, out, 1.0)
    return where(out, cosine, sqrt(x - x)) if getattr(out, "records", False) else cosine


hypot: Op = Op(
    "hypot",
    doc="√(x² + y²)",
    c="hypot(x, y)",
    forward=math.hypot,
    array=np.hypot,
    partials=(
        lambda out, x, y: _cosine(x, out),
        lambda out, x, y: _cosine(y, out),
    ),
    samples=((0.7, -1.3), (2.0, 1.5)),
    at_kinks=(Kink((0.0, 0.0), (0.0, 0.0)),),
)


def _where_into(condition: Any, a: Any, b: Any, out: Any) -> None:
    np.copyto(out, b)
    np.copyto(out, a, where=np.not_equal(condition, _ZERO))


where: Op = Op(
    "where",
    doc="y where the condition x is not 0, and z elsewhere",
    selects=True,
    numpy="""def where(condition, a, b):
    return np.where(condition != 0.0, a, b)""",
    c="x != 0.0 ? y : z",
    forward=lambda condition, a, b: a if condition else b,
    array=lambda condition, a, b: np.where(condition != 0.0, a, b),
    into=_where_into,
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
    selects=True,
    c="x",
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


def _shares(out: Any, *x: Any) -> tuple[Any, ...]:
    """Return e^xₖ / Σ e^xᵢ: from numbers as shifted exponentials divided by their sum, which is exact to a few units.

    Recorded and written down it is e^(xₖ − out), which is evaluated like that too.
    """
    if not isinstance(out, float):
        return tuple([_share(value, out) for value in x])
    largest = float(max(x))
    terms = [math.exp(float(value) - largest) for value in x]
    sum_of_terms = math.fsum(terms)
    return tuple([term / sum_of_terms for term in terms])


def _share(value: Any, out: Any) -> Any:
    try:
        return exp(value - out)
    except DomainError:  # the difference overflows to −∞
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
    first = np.indices(rows.shape)[1] == rows.argmax(axis=1, keepdims=True)  # it is 1, and added by log1p
    return np.log1p(np.where(first, 0.0, terms).sum(axis=1)) + largest[:, 0]""",
    symbol="lse",
    forward=_logsumexp,
    partials=_shares,
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


def digamma(x: Any) -> Any:
    """Return ψ(x) = Γ′(x)/Γ(x), the derivative of `lgamma`, of a number, an array or a Value.

    Raises:
        TypeError: If `x` is something else.
        DomainError: If it is 0, −1, −2, …

    Example:
        >>> round(digamma(1.0), 15)  # minus Euler's constant
        -0.577215664901533
    """
    return polygamma(0.0, x)


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
    if isinstance(normaliser, np.ndarray) and normaliser.dtype != object:
        rows = np.stack(np.broadcast_arrays(*values)).astype(float)
        terms = np.exp(rows - rows.max(axis=0))
        return list(terms / terms.sum(axis=0))
    return list(_shares(normaliser, *values))


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
