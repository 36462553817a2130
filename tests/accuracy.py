"""How accurate values and derivatives are, measured against mpmath at 50 digits.

`python -m tests.accuracy` prints the worst case of every operation.
"""

import math
import random
import sys

from mpmath import mp, mpf

from autograd import hessian
from autograd.op import PRIMITIVES

DIGITS = 50
POINTS = 2000


def _s(x):
    return 1 / (1 + mp.exp(-x))


def _phi(x):
    return mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)


def _normal(x):
    return mp.erfc(-x / mp.sqrt(2)) / 2


def _gauss(x):
    return 2 / mp.sqrt(mp.pi) * mp.exp(-x * x)


def _constant(c):
    return lambda *_: mpf(c)


def _lgamma(x):
    """log |Γ(x)| and the terms it is summed from: near its zeros, and below 0 by reflection, they cancel."""
    value = mp.log(abs(mp.gamma(x)))
    return value, 1 + abs(value) + (abs(mp.loggamma(1 - x)) if x < 0 else 0)


def _trigamma(x):
    return mp.psi(1, x)


# Value, first and second derivative of the operations of one argument, by mpmath.
EXACT = {
    "neg": (lambda x: -x, _constant(-1), _constant(0)),
    "abs": (abs, mp.sign, _constant(0)),
    "sign": (mp.sign, _constant(0), _constant(0)),
    "step": (lambda x: mpf(x > 0), _constant(0), _constant(0)),
    "exp": (mp.exp, mp.exp, mp.exp),
    "expm1": (mp.expm1, mp.exp, mp.exp),
    "log": (mp.log, lambda x: 1 / x, lambda x: -1 / x**2),
    "log1p": (mp.log1p, lambda x: 1 / (1 + x), lambda x: -1 / (1 + x) ** 2),
    "sqrt": (mp.sqrt, lambda x: 1 / (2 * mp.sqrt(x)), lambda x: -1 / (4 * x * mp.sqrt(x))),
    "sin": (mp.sin, mp.cos, lambda x: -mp.sin(x)),
    "cos": (mp.cos, lambda x: -mp.sin(x), lambda x: -mp.cos(x)),
    "tan": (mp.tan, lambda x: mp.sec(x) ** 2, lambda x: 2 * mp.tan(x) * mp.sec(x) ** 2),
    "arctan": (mp.atan, lambda x: 1 / (1 + x * x), lambda x: -2 * x / (1 + x * x) ** 2),
    "sinh": (mp.sinh, mp.cosh, mp.sinh),
    "cosh": (mp.cosh, mp.sinh, mp.cosh),
    "tanh": (mp.tanh, lambda x: mp.sech(x) ** 2, lambda x: -2 * mp.tanh(x) * mp.sech(x) ** 2),
    "sigmoid": (_s, lambda x: _s(x) * _s(-x), lambda x: _s(x) * _s(-x) * (_s(-x) - _s(x))),
    "softplus": (lambda x: mp.log1p(mp.exp(x)), _s, lambda x: _s(x) * _s(-x)),
    "relu": (lambda x: max(x, mpf(0)), lambda x: mpf(x > 0), _constant(0)),
    "leaky_relu": (lambda x: x if x > 0 else mpf(0.01) * x, lambda x: mpf(1 if x > 0 else 0.01), _constant(0)),
    "elu": (
        lambda x: x if x > 0 else mp.expm1(x),
        lambda x: mp.exp(min(x, 0)),
        lambda x: mp.exp(x) if x < 0 else mpf(0),
    ),
    "erf": (mp.erf, _gauss, lambda x: -2 * x * _gauss(x)),
    "erfc": (mp.erfc, lambda x: -_gauss(x), lambda x: 2 * x * _gauss(x)),
    "gelu": (lambda x: x * _normal(x), lambda x: _normal(x) + x * _phi(x), lambda x: (2 - x * x) * _phi(x)),
    "silu": (
        lambda x: x * _s(x),
        lambda x: _s(x) * (1 + x * _s(-x)),
        lambda x: _s(x) * _s(-x) * (2 + x * (_s(-x) - _s(x))),
    ),
    "stop_gradient": (lambda x: x,),
    "floor": (mp.floor, _constant(0), _constant(0)),
    "cbrt": (
        lambda x: mp.sign(x) * mp.cbrt(abs(x)),
        lambda x: 1 / (3 * mp.cbrt(abs(x)) ** 2),
        lambda x: -2 * mp.sign(x) / (9 * mp.cbrt(abs(x)) ** 5),
    ),
    "exp2": (lambda x: mpf(2) ** x, lambda x: mp.ln2 * mpf(2) ** x, lambda x: mp.ln2**2 * mpf(2) ** x),
    "log2": (lambda x: mp.log(x, 2), lambda x: 1 / (x * mp.ln2), lambda x: -1 / (x * x * mp.ln2)),
    "log10": (mp.log10, lambda x: 1 / (x * mp.ln10), lambda x: -1 / (x * x * mp.ln10)),
    "arcsin": (mp.asin, lambda x: 1 / mp.sqrt(1 - x * x), lambda x: x / mp.sqrt(1 - x * x) ** 3),
    "arccos": (mp.acos, lambda x: -1 / mp.sqrt(1 - x * x), lambda x: -x / mp.sqrt(1 - x * x) ** 3),
    "arcsinh": (mp.asinh, lambda x: 1 / mp.sqrt(1 + x * x), lambda x: -x / mp.sqrt(1 + x * x) ** 3),
    "arccosh": (mp.acosh, lambda x: 1 / mp.sqrt(x * x - 1), lambda x: -x / mp.sqrt(x * x - 1) ** 3),
    "arctanh": (mp.atanh, lambda x: 1 / (1 - x * x), lambda x: 2 * x / (1 - x * x) ** 2),
    "lgamma": (_lgamma, mp.digamma, _trigamma),
}

# What a derivative is judged against where it is a sum with a zero crossing: Σ|terms|.
TERMS = {
    "gelu": (lambda x: _normal(x) + abs(x) * _phi(x), lambda x: (2 + x * x) * _phi(x)),
    "silu": (lambda x: _s(x) * (1 + abs(x) * _s(-x)), lambda x: _s(x) * _s(-x) * (2 + abs(x))),
    "sigmoid": (lambda x: _s(x) * _s(-x), lambda x: _s(x) * _s(-x)),
    "lgamma": (lambda x: 1 + abs(mp.digamma(x)), lambda x: abs(mp.psi(1, x))),
}

# Of two arguments: value; ∂/∂x, ∂/∂y; ∂²/∂x², ∂²/∂x∂y, ∂²/∂y². A pair is a sum and its Σ|terms|.
EXACT_2 = {
    "add": (lambda x, y: (x + y, abs(x) + abs(y)), _constant(1), _constant(1), *[_constant(0)] * 3),
    "sub": (lambda x, y: (x - y, abs(x) + abs(y)), _constant(1), _constant(-1), *[_constant(0)] * 3),
    "mul": (lambda x, y: x * y, lambda _, y: y, lambda x, _: x, _constant(0), _constant(1), _constant(0)),
    "div": (
        lambda x, y: x / y,
        lambda _, y: 1 / y,
        lambda x, y: -x / y**2,
        _constant(0),
        lambda _, y: -1 / y**2,
        lambda x, y: 2 * x / y**3,
    ),
    "pow": (
        mp.power,
        lambda x, y: y * x ** (y - 1),
        lambda x, y: x**y * mp.log(x),
        lambda x, y: y * (y - 1) * x ** (y - 2),
        lambda x, y: (x ** (y - 1) * (1 + y * mp.log(x)), x ** (y - 1) * (1 + abs(y * mp.log(x)))),
        lambda x, y: x**y * mp.log(x) ** 2,
    ),
    "hypot": (
        mp.hypot,
        lambda x, y: x / mp.hypot(x, y),
        lambda x, y: y / mp.hypot(x, y),
        lambda x, y: (y * y / mp.hypot(x, y) ** 3, 2 / mp.hypot(x, y)),
        lambda x, y: -x * y / mp.hypot(x, y) ** 3,
        lambda x, y: (x * x / mp.hypot(x, y) ** 3, 2 / mp.hypot(x, y)),
    ),
    "indicator": (lambda x, y: mpf(x == y), *[_constant(0)] * 5),
    "mod": (
        lambda x, y: x - y * mp.floor(x / y),
        _constant(1),
        lambda x, y: -mp.floor(x / y),
        *[_constant(0)] * 3,
    ),
    "arctan2": (
        mp.atan2,
        lambda x, y: y / (x * x + y * y),
        lambda x, y: -x / (x * x + y * y),
        lambda x, y: -2 * x * y / (x * x + y * y) ** 2,
        lambda x, y: ((x * x - y * y) / (x * x + y * y) ** 2, 1 / (x * x + y * y)),
        lambda x, y: 2 * x * y / (x * x + y * y) ** 2,
    ),
    "logaddexp": (
        lambda x, y: (max(x, y) + mp.log1p(mp.exp(-abs(x - y))), max(abs(x), abs(y)) + mp.log1p(mp.exp(-abs(x - y)))),
        lambda x, y: _s(x - y),
        lambda x, y: _s(y - x),
        *[lambda x, y, sign=sign: (sign * _s(x - y) * _s(y - x), mpf(0.01)) for sign in (1, -1, 1)],  # as σ′ is judged
    ),
    "polygamma": (
        lambda n, x: (mp.psi(int(n), x), (n + 1) * (1 + abs(mp.psi(int(n), x)))),  # n + 1 factors are rounded
        _constant(0),
        lambda n, x: mp.psi(int(n) + 1, x),
        *[_constant(0)] * 2,
        lambda n, x: mp.psi(int(n) + 2, x),
    ),
    "maximum": (max, lambda x, y: mpf(x > y), lambda x, y: mpf(y > x), *[_constant(0)] * 3),
    "minimum": (min, lambda x, y: mpf(x < y), lambda x, y: mpf(y < x), *[_constant(0)] * 3),
}


def _select(condition, a, b):
    true = mpf(bool(condition))
    return a if condition else b, [mpf(0), true, 1 - true], {}


def _sum(*x):
    return (mp.fsum(x), mp.fsum(map(abs, x))), [mpf(1)] * len(x), {}


def _affine(*x):
    """Σwₖaₖ + b: ∂/∂w = a and ∂/∂a = w, and of the second derivatives only ∂²/∂w∂a = 1 is not 0."""
    n = len(x) // 2
    terms = [w * a for w, a in zip(x[:n], x[n:-1], strict=True)] + [x[-1]]
    crossed = {(k, n + k): mpf(1) for k in range(n)} | {(n + k, k): mpf(1) for k in range(n)}
    return (mp.fsum(terms), mp.fsum(map(abs, terms))), [*x[n:-1], *x[:n], mpf(1)], crossed


def _logsumexp(*x):
    """The largest argument plus a logarithm; then pᵢ = exp(xᵢ − out) and pᵢ(δᵢⱼ − pⱼ)."""
    largest = max(x)
    rest = mp.log(mp.fsum(mp.exp(value - largest) for value in x))
    p = [mp.exp(value - largest - rest) for value in x]
    second = {
        (i, j): (p[i] * ((i == j) - p[j]), p[i] * ((i == j) + p[j])) for i in range(len(x)) for j in range(len(x))
    }
    return (largest + rest, abs(largest) + rest), p, second


# Of more arguments: value, first derivatives, and those second derivatives that are not 0. A pair as above.
EXACT_N = {"where": _select, "total": _sum, "affine": _affine, "logsumexp": _logsumexp}
COUNTS = {"where": (3,), "total": (1, 2, 3, 5, 10), "affine": (1, 3, 5, 9), "logsumexp": (1, 2, 3, 5, 10)}

# Where the operation is defined and its value in the range of floats: the largest |x| below and above 0.
RANGE = {
    "exp": (700.0, 700.0),
    "expm1": (700.0, 700.0),
    "log": (0.0, 1e300),
    "log1p": (0.999, 1e300),
    "sqrt": (0.0, 1e300),
    "sinh": (700.0, 700.0),
    "cosh": (700.0, 700.0),
    "elu": (1e300, 1e300),
    "erfc": (100.0, 26.0),  # beyond, the value is subnormal
    "gelu": (37.0, 1e150),
    "silu": (700.0, 1e150),
    "softplus": (700.0, 1e300),
    "sigmoid": (700.0, 1e300),
    "sin": (1e6, 1e6),
    "cos": (1e6, 1e6),
    "tan": (1e6, 1e6),
    "tanh": (1e150, 1e150),
    "erf": (1e150, 1e150),
    "arctan": (1e150, 1e150),
    "exp2": (1000.0, 1000.0),
    "log2": (0.0, 1e300),
    "log10": (0.0, 1e300),
    "arcsin": (1.0, 1.0),
    "arccos": (1.0, 1.0),
    "arctanh": (1.0, 1.0),
    "arcsinh": (1e100, 1e100),
    "arccosh": (0.0, 1e100),
    "lgamma": (1e3, 1e100),
}

# The largest first and second derivative over the domain, where it is bounded. A derivative that goes to 0, such as
# 1 − a² of a saturated tanh, is judged against it.
LARGEST = {
    "tanh": (1.0, 0.77),
    "sigmoid": (0.25, 0.0963),
    "softplus": (1.0, 0.25),
    "erf": (1.13, 0.968),
    "erfc": (1.13, 0.968),
    "gelu": (1.13, 0.798),
    "silu": (1.1, 0.5),
    "sin": (1.0, 1.0),
    "cos": (1.0, 1.0),
    "arctan": (1.0, 0.65),
    "elu": (1.0, 1.0),
    "relu": (1.0, 0.0),
    "leaky_relu": (1.0, 0.0),
}


def points(name, count, seed=0):
    """Points spread over the domain: half of them evenly near 0, half over all sizes."""
    rng = random.Random(f"{name} {seed}")
    below, above = RANGE.get(name, (1e300, 1e300))
    found = []
    while len(found) < count:
        side, largest = rng.choice([(-1.0, below), (1.0, above)])
        if largest:
            near = rng.uniform(0.0, min(largest, 20.0))
            spread = 10.0 ** rng.uniform(-150.0, math.log10(largest))
            x = side * rng.choice([near, spread])
            if PRIMITIVES[name].domain.holds(x):
                found.append(x)
    return found


def pairs(name, count, seed=0):
    """Points of two arguments of all sizes whose result stays in range."""
    rng = random.Random(f"{name} {seed}")
    found = []
    for _ in range(count):
        if name == "pow":
            x = 10.0 ** rng.uniform(-3.0, 3.0)
            found.append((x, rng.uniform(-80.0, 80.0)))
        elif name == "polygamma":
            found.append((float(rng.randrange(6)), rng.choice([-1.0, 1.0]) * rng.uniform(0.01, 30.0)))
        elif name == "mod":
            y = rng.choice([-1.0, 1.0]) * 10.0 ** rng.uniform(-45.0, 45.0)
            found.append((y * rng.uniform(-1e3, 1e3), y))
        else:
            largest = 45.0 if name in ("mul", "div", "hypot", "arctan2") else 150.0
            found.append(tuple(rng.choice([-1.0, 1.0]) * 10.0 ** rng.uniform(-largest, largest) for _ in "xy"))
    return found


def sequences(name, count, seed=0):
    """Arguments in changing numbers: half of the sequences evenly near 0, half over all sizes, some that cancel."""
    rng = random.Random(f"{name} {seed}")
    largest = {"affine": 70.0, "logsumexp": 4.0}.get(name, 150.0)
    found = []
    for k in range(count):
        n = rng.choice(COUNTS[name])
        if k % 2:
            args = [rng.uniform(-20.0, 20.0) for _ in range(n)]
        else:
            args = [rng.choice([-1.0, 1.0]) * 10.0 ** rng.uniform(-largest, largest) for _ in range(n)]
        if name == "where":
            args[0] = rng.choice([args[0], 0.0, -0.0])
        elif n > 1 and not k % 5:
            args[-1] = -args[0] * (args[n // 2] if name == "affine" else 1.0)
        found.append(tuple(args))
    return found


def ulps(value, exact):
    """The distance of a float from the exact value in units of the last place of the latter, or of Σ|terms|."""
    exact, scale = exact if isinstance(exact, tuple) else (exact, exact)
    return float(abs(mpf(value) - exact) / mpf(math.ulp(float(scale))))


def derivative_error(found, exact, terms=0, largest=0):
    """The error as a fraction of what is allowed: 1e-13 relative, or 1e-15 of the largest size on the domain."""
    exact, terms = exact if isinstance(exact, tuple) else (exact, terms)
    allowed = max(mpf(1e-13) * max(abs(exact), terms), mpf(1e-15) * mpf(largest), mpf(2) ** -1070)
    return float(abs(mpf(found) - exact) / allowed)


def errors(name, x):
    """The error of the value in ulps, and of the first and second derivative as shares of their tolerances."""
    op, exact = PRIMITIVES[name], EXACT[name]
    out = op.evaluate((x,))
    found = [ulps(out, exact[0](mpf(x))) if abs(out) > 1e-290 else 0.0]
    slopes = (float(op.local(0, out, (x,))), hessian(op)(x)) if len(exact) > 1 else ()
    for k, slope in enumerate(slopes):
        terms = TERMS[name][k](mpf(x)) if name in TERMS else 0
        found.append(derivative_error(slope, exact[k + 1](mpf(x)), terms, LARGEST.get(name, (0.0, 0.0))[k]))
    return found


def errors_2(name, args):
    """The same for two arguments: the worst of the partial derivatives."""
    op, exact = PRIMITIVES[name], EXACT_2[name]
    x, y = map(mpf, args)
    out = op.evaluate(args)
    first = [derivative_error(op.local(k, out, args), exact[1 + k](x, y)) for k in (0, 1)]
    (xx, xy), (yx, yy) = hessian(lambda v: op(v[0], v[1]))(list(args))
    second = [derivative_error(h, exact[k](x, y)) for h, k in ((xx, 3), (xy, 4), (yx, 4), (yy, 5))]
    return [ulps(out, exact[0](x, y)), max(first), max(second)]


def errors_n(name, args):
    """The same for any number of arguments."""
    op = PRIMITIVES[name]
    exact, slopes, curvatures = EXACT_N[name](*map(mpf, args))
    out = op.evaluate(args)
    # exp(x − out) inherits the rounding of x − out, which is relative to the largest argument
    scale = 1.0 + max(map(abs, args)) if name == "logsumexp" else 0.0
    first = [derivative_error(f, e, 0, scale) for f, e in zip(op.locals(out, args), slopes, strict=True)]
    H = hessian(op if op.arity is None else lambda v: op(*v))(list(args))
    second = [
        derivative_error(h, curvatures.get((i, j), mpf(0)), 0, 2 * scale)
        for i, row in enumerate(H)
        for j, h in enumerate(row)
    ]
    return [ulps(out, exact), max(first), max(second)]


def measure(name, count=POINTS, seed=0):
    """The worst cases of an operation: (ulps, where), and (share of the tolerance, where) for both derivatives."""
    one = name in EXACT
    drawn, judged = (points, errors) if one else (pairs, errors_2) if name in EXACT_2 else (sequences, errors_n)
    worst = [(0.0, ())] * 3
    with mp.workdps(DIGITS):
        for at in drawn(name, count, seed):
            found = judged(name, at)
            worst = [max(w, (e, (at,) if one else at)) for w, e in zip(worst, found, strict=False)] + worst[
                len(found) :
            ]
    return worst


def main(count=POINTS):
    write = sys.stdout.write
    write(f"{count} points each: worst value in ulps; worst derivatives as shares of their tolerance\n")
    for name in [*EXACT, *EXACT_2, *EXACT_N]:
        cells = [f"{error:9.3f} at {', '.join(map(repr, at)):<42}" for error, at in measure(name, count) if at]
        write(f"{name:<14}" + " ".join(cells).rstrip() + "\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
