"""Values and the first two derivatives against mpmath at 50 digits."""

import math
from fractions import Fraction

import pytest
from mpmath import mp, mpf

from autograd import grad, hessian, logsumexp, ops, total
from autograd.op import PRIMITIVES
from tests.accuracy import DIGITS, EXACT, EXACT_2, EXACT_N, POINTS, measure

VALUE_ULPS = 4.0
PYTHONS_OWN = {"lgamma": 6.0}  # `math.lgamma` adds up thirteen terms by Lanczos, and is off by at most 4.6 here
SHARE = 1.0  # of the tolerance: 1e-13 relative or 1e-15 of the largest derivative
NAMES = [*EXACT, *EXACT_2, *EXACT_N]


def require_accuracy(name, count, seed):
    (value, *_), first, second = measure(name, count, seed)
    worst = f"{name}: {measure(name, count, seed)}"
    assert value <= PYTHONS_OWN.get(name, VALUE_ULPS), worst
    assert first[0] <= SHARE, worst
    assert second[0] <= SHARE, worst


def test_every_operation_is_measured():
    assert set(NAMES) == set(PRIMITIVES)


@pytest.mark.parametrize("name", NAMES)
def test_values_and_derivatives_are_accurate_at_some_points(name):
    require_accuracy(name, 30, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_values_and_derivatives_are_accurate_all_over_the_domain(name):
    require_accuracy(name, POINTS, seed=1)


@pytest.mark.parametrize("x", [-37.0, -18.68002903450397, -5.0, -1e-3])
def test_the_tail_of_gelu_keeps_its_digits(x):
    with mp.workdps(DIGITS):
        exact = mpf(x) * mp.erfc(-mpf(x) / mp.sqrt(2)) / 2
        assert abs(ops.gelu(x) - exact) <= VALUE_ULPS * mpf(math.ulp(float(exact)))


@pytest.mark.parametrize("args", [[1e16, 1.0, -1e16], [0.1] * 10, [1e300, 1e-300, -1e300]])
def test_a_total_is_rounded_once(args):
    exact = sum(map(Fraction, args))
    assert abs(Fraction(total(args)) - exact) <= Fraction(math.ulp(float(exact))) / 2


@pytest.mark.parametrize(
    "args", [[0.3, -1.2, 2.5], [1000.0, 999.0], [-1000.0, -1000.0, -1001.0], [1e8, 1.0], [0.0, -40.0], [5.0]]
)
def test_logsumexp_is_accurate(args):
    """The value to 4 ulps of the largest argument; derivatives are softmax pᵢ and pᵢ(δᵢⱼ − pⱼ)."""
    with mp.workdps(DIGITS):
        exact = mp.log(sum(mp.exp(mpf(x)) for x in args))
        assert abs(logsumexp(args) - exact) <= VALUE_ULPS * mpf(math.ulp(max(map(abs, args))))
        p = [mp.exp(mpf(x) - exact) for x in args]
        scale = 1.0 + max(map(abs, args))  # exp(x − lse) inherits the rounding of x − lse
        for found, exact_p in zip(grad(logsumexp)(args), p, strict=True):
            assert abs(found - exact_p) <= 1e-15 * scale
        H = hessian(logsumexp)(args)
        for i, row in enumerate(H):
            for j, found in enumerate(row):
                assert abs(found - p[i] * ((i == j) - p[j])) <= 2e-15 * scale
