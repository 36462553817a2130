"""The edge points of every operation: signed zeros, subnormals, ±1, large numbers, kinks, ties, borders, overflow.

Plain data without imports, so that the environments of other libraries can read it too.
"""

TINY, HUGE = 5e-324, 1.7e308
COMMON = (0.0, -0.0, TINY, -TINY, 1.0, -1.0, 710.0, -750.0, HUGE, -HUGE)
PAIRS = ((0.0, -0.0), (-0.0, -0.0), (1.0, 1.0), (-1.0, 1.0), (TINY, TINY), (HUGE, HUGE), (HUGE, -HUGE), (1e200, 1e-200))

UNARY = (
    *("neg", "abs", "sign", "step", "exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tan", "arctan", "sinh"),
    *("cosh", "tanh", "sigmoid", "softplus", "relu", "leaky_relu", "elu", "erf", "erfc", "gelu", "silu"),
    *("stop_gradient", "floor", "cbrt", "exp2", "log2", "log10", "arcsin", "arccos", "arcsinh", "arctanh", "lgamma"),
)

POINTS = {
    **{name: tuple((x,) for x in COMMON) for name in UNARY},
    **dict.fromkeys(("add", "sub", "mul"), PAIRS),
    "div": ((1.0, 0.0), (1.0, -0.0), (0.0, 0.0), (0.0, 1.0), (-0.0, 1.0), (1.0, TINY), (TINY, HUGE), (HUGE, HUGE)),
    "pow": (
        *((0.0, 0.0), (-0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (0.0, 2.0), (0.0, 3.0), (0.0, 0.5), (0.0, -1.0)),
        *((-2.0, 2.0), (-2.0, 3.0), (-1.0, 0.5), (-8.0, 1.0 / 3.0), (TINY, 1.0), (10.0, 400.0), (10.0, -400.0)),
        *((1.0, HUGE), (HUGE, 1.0)),
    ),
    "maximum": ((0.0, 0.0), (0.0, -0.0), (1.5, 1.5), (1.0, 2.0), (HUGE, -HUGE)),
    "minimum": ((0.0, 0.0), (0.0, -0.0), (1.5, 1.5), (1.0, 2.0), (HUGE, -HUGE)),
    "hypot": ((0.0, 0.0), (0.0, -0.0), (3.0, 4.0), (TINY, 0.0), (1e200, 1e200), (HUGE, HUGE)),
    "indicator": ((0.0, -0.0), (1.0, 1.0), (1.0, 2.0), (TINY, 0.0), (HUGE, HUGE)),
    "mod": ((6.0, 2.0), (-6.0, 2.0), (5.0, -2.0), (0.0, 2.0), (1.0, 0.0), (1.0, HUGE), (-1.0, HUGE), (HUGE, 2.0)),
    "arctan2": ((0.0, 0.0), (-0.0, 0.0), (0.0, -1.0), (-0.0, -1.0), (1.0, 0.0), (TINY, TINY), (HUGE, HUGE)),
    "arccosh": ((1.0,), (0.0,), (1.0 + 2.0**-52,), (710.0,), (HUGE,)),
    "logaddexp": ((0.0, 0.0), (0.0, -0.0), (1000.0, 1000.0), (-1000.0, -1000.0), (HUGE, -HUGE), (-HUGE, HUGE)),
    "polygamma": ((0.0, 1.0), (0.0, 0.0), (0.0, -1.0), (0.0, HUGE), (1.0, 1.0), (2.0, -0.5), (0.5, 1.0)),
    "where": ((0.0, 1.0, 2.0), (-0.0, 1.0, 2.0), (1.0, 1.0, 2.0), (TINY, 1.0, 2.0)),
    "total": ((0.0, -0.0), (1.0, 1e100, -1e100), (HUGE, HUGE, -HUGE)),
    "affine": ((0.0, 1.0, 2.0), (HUGE, 1.0, -HUGE), (HUGE, 2.0, -HUGE)),
    "logsumexp": ((0.0,), (0.0, 0.0), (1000.0, 1000.0), (-1000.0, -1000.0), (HUGE, 0.0), (-HUGE, HUGE)),
}
