"""The exact algebra behind the equations, against fractions."""

import random
from fractions import Fraction

import pytest

from autograd import ops
from autograd.lift.equations.formula import MINUS_ONE, ONE, ZERO, Call, Cases, Local, Name, Power, Sum, Test
from autograd.lift.equations.normal_form import numeral, operations, plus, power, times, total, transposed
from autograd.lift.equations.rounding import loses_no_digits
from autograd.lift.equations.simplify import simplest, without_cases
from autograd.lift.language.algebra import Polynomial, Ratio, TooLargeError
from autograd.lift.matrices.block import Block

ATOMS = "atz"


def random_ratio(rng, depth=3):
    """Return a ratio and the function that it is, on fractions."""
    if depth == 0 or rng.random() < 0.2:
        if rng.random() < 0.3:
            number = Fraction(rng.randint(-4, 4), rng.randint(1, 4))
            return Ratio(number), lambda _: number
        atom = rng.choice(ATOMS)
        return Ratio.of(atom), lambda at: at[atom]
    (left, f), (right, g) = random_ratio(rng, depth - 1), random_ratio(rng, depth - 1)
    match rng.randrange(4):
        case 0:
            return Ratio.sum([left, right]), lambda at: f(at) + g(at)
        case 1:
            return left - right, lambda at: f(at) - g(at)
        case 2:
            return left * right, lambda at: f(at) * g(at)
    return left * right.power(-1), lambda at: f(at) / g(at)


def evaluated(ratio, at):
    def polynomial(p):
        result = Fraction(0)
        for monomial, c in p.terms.items():
            for atom, e in monomial:
                c *= at[atom] ** e
            result += c
        return result

    result = ratio.scale
    for factor, e in ratio.factors.items():
        result *= polynomial(factor) ** e
    return result


def test_ratios_are_the_functions_they_stand_for():
    rng = random.Random(0)
    compared = 0
    for _ in range(400):
        try:
            ratio, function = random_ratio(rng)
            at = {atom: Fraction(rng.randint(-50, 50), rng.randint(1, 9)) for atom in ATOMS}
            assert evaluated(ratio, at) == function(at)
            compared += 1
        except ZeroDivisionError:
            continue
    assert compared > 300


def test_a_factor_cancels_within_a_product():
    a, one = Ratio.of("a"), Ratio(Fraction(1))
    assert (one - a * a) * (one - a).power(-1) == Ratio.sum([one, a])


def test_division_is_exact_or_refused():
    p = Polynomial({(("a", 1),): Fraction(1), (): Fraction(-2)})
    q = Polynomial({(("a", 1), ("t", 1)): Fraction(3), (): Fraction(1)})
    assert (p * q).divided_by(q) == p
    assert (p * q + Polynomial.number(Fraction(1))).divided_by(q) is None
    with pytest.raises(ZeroDivisionError):
        p.divided_by(Polynomial({}))


def test_an_expression_nobody_would_read_is_not_expanded():
    many = Ratio.sum([Ratio.of(f"x{k}") for k in range(30)])
    with pytest.raises(TooLargeError):
        Ratio.sum([many.power(6), Ratio.of("y")])
    terms = plus(*(Name(Block(f"x{k}", (2,), True), 1) for k in range(30)))
    formula = plus(power(terms, 6), ONE)
    assert simplest(formula) == formula


# --- formulas ------------------------------------------------------------------------------------

a = Name(Block("a2", (2,), True, "a", 2), 1)
z = Name(Block("z2", (2,), True, "z", 2), 1)
t = Name(Block("t", (2,), True, "input"), 1)


def minus(left, right):
    return plus(left, times(MINUS_ONE, right))


def test_a_form_that_cancels_is_refused():
    """a − a² has as many operations as a(1 − a), and no digit left near a = 1."""
    short, stable = minus(a, power(a, 2)), times(a, minus(ONE, a))
    assert not loses_no_digits(short, stable)
    assert loses_no_digits(stable, short)


def test_fewer_operations_do_not_pay_for_lost_digits():
    """1 − a² is shorter than (1 − a)(1 + a), and loses digits near a = 1."""
    product = times(minus(ONE, a), plus(ONE, a))
    assert operations(minus(ONE, power(a, 2))) < operations(product)
    assert simplest(times(product, a, power(a, -1))) == product
    assert simplest(product) == product


def test_a_derivative_stays_a_symbol_where_nothing_cancels():
    local = Local(ops.sigmoid, z, times(a, minus(ONE, a)))
    assert simplest(times(minus(a, t), local)) == times(minus(a, t), local)
    assert simplest(times(minus(a, t), power(times(a, minus(ONE, a)), -1), local)) == minus(a, t)


def test_a_selection_goes_where_both_cases_agree():
    """t / where(t, a, 1) is t/a, because at t = 0 both are 0."""
    assert without_cases(times(t, power(Cases(t, a, ONE), -1))) == times(t, power(a, -1))
    assert without_cases(times(minus(ONE, t), Call("log", (Cases(minus(ONE, t), a, ONE),), 1))) == times(
        minus(ONE, t), Call("log", (a,), 1)
    )


@pytest.mark.parametrize(
    "formula",
    [
        Cases(t, a, ONE),
        times(a, Cases(t, a, ONE)),
        times(minus(ONE, t), Cases(t, a, ONE)),
        total(Cases(t, a, ONE)),
        times(total(t), Cases(t, a, ONE)),  # the sum is not 0 where a member is
        Cases(Test(">", z, ZERO), ONE, numeral(0.01)),
    ],
    ids=str,
)
def test_a_selection_stays_where_it_makes_a_difference(formula):
    assert without_cases(formula) == formula


def test_formulas_are_tidy():
    assert plus(a, t, times(MINUS_ONE, a)) == t
    assert times(a, a, power(a, -2)) == ONE
    assert isinstance(times(a, a), Power)
    assert isinstance(plus(a, ONE), Sum)
    assert transposed(transposed(a)) == a
    assert total(times(numeral(2.0), a)) == times(numeral(2.0), total(a))
