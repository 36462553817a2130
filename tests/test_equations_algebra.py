"""The exact algebra behind the equations, against fractions."""

import random
from fractions import Fraction

import pytest

from autograd import ops
from autograd.lift.derive.choices import without_choices
from autograd.lift.language.algebra import Polynomial, Ratio, TooLargeError
from autograd.lift.language.build import call, multiply
from autograd.lift.language.index import Axis
from autograd.lift.language.term import Family, Number, Reduction
from autograd.lift.language.term import Test as Relation

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


# --- choices -------------------------------------------------------------------------------------

I = Axis(2)
a, t = (Family(name, "input", [I.like()]).whole_at([I]) for name in "at")


def chosen(condition, yes, no):
    return call(ops.where, condition, yes, no)


def test_a_choice_goes_where_both_cases_agree():
    """t / where(t, a, 1) is t/a, because at t = 0 both are 0."""
    assert without_choices(t / chosen(t, a, 1.0)) == t / a
    log = call(ops.log, a)
    assert without_choices((1 - t) * call(ops.log, chosen(1 - t, a, 1.0))) == (1 - t) * log
    assert without_choices(Reduction("sum", [I], t / chosen(t, a, 1.0))) == Reduction("sum", [I], t / a)


@pytest.mark.parametrize(
    "term",
    [
        chosen(t, a, 1.0),
        a * chosen(t, a, 1.0),
        (1 - t) * chosen(t, a, 1.0),
        Reduction("sum", [I], chosen(t, a, 1.0)),
        multiply(Reduction("sum", [I], t), chosen(t, a, 1.0)),  # the sum is not 0 where a member is
        chosen(Relation(">", a, Number(0)), 1.0, 0.01),
    ],
    ids=str,
)
def test_a_choice_stays_where_it_makes_a_difference(term):
    assert without_choices(term) == term
