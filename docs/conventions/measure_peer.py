"""Measure another library at the edge points: `python measure_peer.py torch|jax|hips|math > out.json`.

Run it in an environment of its own that has the library; nothing of this project is imported, because the package of
HIPS autograd has the same name as ours. The results are merged into peers.json by hand, with the versions they state.
"""

import json
import math
import platform
import sys
import warnings

from points import POINTS

warnings.filterwarnings("ignore")

INVERSES = ("arcsin", "arccos", "arctan2", "arcsinh", "arccosh", "arctanh")


def with_torch():
    import torch
    from torch.nn import functional

    same = ("neg", "abs", "sign", "exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tan", "arctan", "sinh", "cosh")
    table = {name: getattr(torch, name) for name in (*same, "tanh", "sigmoid", "erf", "erfc", "relu")}
    table |= {name: getattr(functional, name) for name in ("softplus", "leaky_relu", "elu", "gelu", "silu")}
    table |= {name: getattr(torch, name) for name in ("add", "sub", "mul", "div", "pow", "maximum", "minimum", "hypot")}
    named = ("floor", "exp2", "log2", "log10", "arcsin", "arccos", "arcsinh", "arctanh", "lgamma", "arctan2", "arccosh")
    table |= {name: getattr(torch, name) for name in (*named, "logaddexp")}
    table |= {"mod": torch.remainder, "polygamma": lambda n, x: torch.special.polygamma(int(n), x)}
    table["stop_gradient"] = lambda x: x.detach() + 0 * x.detach()
    table["where"] = lambda c, a, b: torch.where(c != 0, a, b)
    table["total"] = lambda *x: torch.stack(x).sum()
    table["affine"] = lambda w, x, b: torch.dot(w[None], x[None]) + b
    table["logsumexp"] = lambda *x: torch.logsumexp(torch.stack(x), 0)

    def measure(function, args):
        x = [torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in args]
        out = function(*x)
        found = torch.autograd.grad(out, x, allow_unused=True) if out.requires_grad else [None] * len(x)
        return float(out), [0.0 if g is None else float(g) for g in found]

    return f"PyTorch {torch.__version__.split('+')[0]}", table, measure


def with_jax():
    import jax
    from jax import numpy as jnp

    jax.config.update("jax_enable_x64", True)
    same = (
        "abs",
        "sign",
        "exp",
        "expm1",
        "log",
        "log1p",
        "sqrt",
        "sin",
        "cos",
        "tan",
        "arctan",
        "sinh",
        "cosh",
        "tanh",
    )
    table = {name: getattr(jnp, name) for name in (*same, "tanh", "maximum", "minimum", "hypot")}
    table |= {name: getattr(jax.nn, name) for name in ("sigmoid", "softplus", "relu", "leaky_relu", "elu", "silu")}
    table |= {"neg": jnp.negative, "erf": jax.scipy.special.erf, "erfc": jax.scipy.special.erfc}
    table |= {"gelu": lambda x: jax.nn.gelu(x, approximate=False), "stop_gradient": jax.lax.stop_gradient}
    table |= {"add": jnp.add, "sub": jnp.subtract, "mul": jnp.multiply, "div": jnp.divide, "pow": jnp.power}
    table |= {name: getattr(jnp, name) for name in ("floor", "cbrt", "exp2", "log2", "log10", *INVERSES, "logaddexp")}
    table |= {"mod": jnp.mod, "lgamma": jax.scipy.special.gammaln, "polygamma": jax.scipy.special.polygamma}
    table["step"] = lambda x: jnp.heaviside(x, 0.0)
    table["where"] = lambda c, a, b: jnp.where(c != 0, a, b)
    table["total"] = lambda *x: jnp.sum(jnp.stack(x))
    table["affine"] = lambda w, x, b: w * x + b
    table["logsumexp"] = lambda *x: jax.nn.logsumexp(jnp.stack(x))

    def measure(function, args):
        value = float(function(*map(jnp.float64, args)))
        found = jax.grad(function, argnums=tuple(range(len(args))))(*map(float, args))
        return value, [float(g) for g in found]

    return f"JAX {jax.__version__}", table, measure


def with_hips():
    from importlib.metadata import version

    import autograd
    import autograd.numpy as anp
    from autograd.scipy import special

    same = (
        "abs",
        "sign",
        "exp",
        "expm1",
        "log",
        "log1p",
        "sqrt",
        "sin",
        "cos",
        "tan",
        "arctan",
        "sinh",
        "cosh",
        "tanh",
    )
    table = {name: getattr(anp, name) for name in (*same, "tanh", "maximum", "minimum", "hypot")}
    table |= {"neg": anp.negative, "sigmoid": special.expit, "erf": special.erf, "erfc": special.erfc}
    table |= {"add": anp.add, "sub": anp.subtract, "mul": anp.multiply, "div": anp.true_divide, "pow": anp.power}
    table |= {name: getattr(anp, name) for name in ("floor", "exp2", "log2", "log10", *INVERSES, "logaddexp")}
    table |= {"mod": anp.mod, "lgamma": special.gammaln, "polygamma": special.polygamma}
    table["softplus"] = lambda x: anp.logaddexp(0.0, x)
    table["relu"] = lambda x: anp.maximum(x, 0.0)
    table["where"] = lambda c, a, b: anp.where(c != 0, a, b)
    table["total"] = lambda *x: anp.sum(anp.array(x))
    table["affine"] = lambda w, x, b: w * x + b
    table["logsumexp"] = lambda *x: special.logsumexp(anp.array(x))

    def measure(function, args):
        args = tuple(map(float, args))
        value = float(function(*args))
        return value, [float(autograd.grad(function, k)(*args)) for k in range(len(args))]

    return f"HIPS autograd {version('autograd')}", table, measure


def with_math():
    same = ("exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "erf", "erfc")
    table = {name: getattr(math, name) for name in (*same, "hypot", "pow")}
    table |= {"arctan": math.atan, "abs": math.fabs, "total": lambda *x: math.fsum(x)}
    table |= {"neg": lambda x: -x, "maximum": max, "minimum": min, "mod": lambda x, y: x % y}
    table |= {name: getattr(math, name) for name in ("floor", "cbrt", "exp2", "log2", "log10", "lgamma")}
    table |= {name: getattr(math, name.replace("arc", "a")) for name in INVERSES}
    table |= {
        "add": lambda x, y: x + y,
        "sub": lambda x, y: x - y,
        "mul": lambda x, y: x * y,
        "div": lambda x, y: x / y,
    }
    return f"Python {platform.python_version()} math", table, lambda function, args: (function(*args), [])


def main(peer):
    version, table, measure = {"torch": with_torch, "jax": with_jax, "hips": with_hips, "math": with_math}[peer]()
    results = {}
    for name, points in POINTS.items():
        if name in table:
            results[name] = [_measured(measure, table[name], args) for args in points]
    json.dump({"version": version, "results": results}, sys.stdout, indent=1)


def _measured(measure, function, args):
    try:
        value, partials = measure(function, args)
    except (ArithmeticError, ValueError, TypeError, NotImplementedError) as error:
        return [type(error).__name__, []]
    return [repr(value), [repr(partial) for partial in partials]]


if __name__ == "__main__":
    main(sys.argv[1])
