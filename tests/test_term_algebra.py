"""Terms in normal form are the numbers that they were written as: exactly, against a reading of our own and SymPy."""

import itertools
import random
from fractions import Fraction

import numpy as np
import pytest
import sympy

from autograd import ops
from autograd.lift.language import build
from autograd.lift.language.algebra import Ratio
from autograd.lift.language.evaluate import Evaluator
from autograd.lift.language.index import Axis, Index, at, fixed
from autograd.lift.language.term import (
    Call,
    Condition,
    Family,
    Number,
    Power,
    Product,
    Reduction,
    Reference,
    Sum,
    Term,
)
from autograd.lift.language.term import Test as Comparison

HOLDS = {"=": lambda a, b: a == b, "≤": lambda a, b: a <= b, "≠": lambda a, b: a != b}
TESTS = {"<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b}
EXACT = {
    ops.relu: lambda x: max(x, 0),
    ops.step: lambda x: int(x > 0),
    ops.maximum: max,
    ops.abs: abs,
    ops.add: lambda x, y: x + y,
    ops.sub: lambda x, y: x - y,
    ops.mul: lambda x, y: x * y,
    ops.neg: lambda x: -x,
}


def read(term, where, numbers):
    """The number of a term, exactly: one recursion over what its kinds mean, with numbers for the axes."""
    match term:
        case Number():
            return term.value
        case Reference():
            place = tuple(int(index.numbers(where)) for index in term.indices)
            inside = all(0 <= k < size for k, size in zip(place, term.family.shape, strict=True))
            return numbers[term.family][place] if inside else Fraction(0)
        case Condition():
            return Fraction(HOLDS[term.relation](int(term.left.numbers(where)), int(term.right.numbers(where))))
        case Sum():
            return sum((read(part, where, numbers) for part in term.parts), Fraction(0))
        case Product():
            found = [read(part, where, numbers) for part in term.parts]
            return Fraction(np.prod(np.array(found, dtype=object)))
        case Power():
            return read(term.base, where, numbers) ** term.exponent
        case Call():
            return Fraction(EXACT[term.op](*(read(part, where, numbers) for part in term.parts)))
        case Comparison():
            return Fraction(TESTS[term.relation](*(read(part, where, numbers) for part in term.parts)))
        case Reduction(name="sum"):
            ranges = itertools.product(*(range(axis.size) for axis in term.axes))
            return sum(
                (read(term.body, {**where, **dict(zip(term.axes, k, strict=True))}, numbers) for k in ranges),
                Fraction(0),
            )
    raise TypeError(term)


class Terms:
    """Random terms, as they are written and not in normal form, over a few families of fractions."""

    def __init__(self, seed):
        self.rng = rng = random.Random(seed)
        self.n, self.m = Axis(4), Axis(3)
        self.numbers = {}
        for name, kind, sizes in (
            ("x", "input", (4,)),
            ("h", "value", (3,)),
            ("W", "parameter", (4, 3)),
            ("c", "value", ()),
        ):
            family = Family(name, kind, [Axis(size) for size in sizes])
            self.numbers[family] = {
                place: Fraction(rng.choice([-3, -2, -1, 1, 2, 3]), rng.choice([1, 1, 2, 3]))
                for place in itertools.product(*map(range, sizes))
            }
        masked = Family("A", "value", [Axis(4), Axis(4)])
        masked.mask = np.tri(4, 4, rng.choice([-1, 0]), dtype=bool)
        self.numbers[masked] = {
            place: Fraction(rng.randint(1, 5)) if masked.mask[place] else Fraction(0)
            for place in itertools.product(range(4), repeat=2)
        }
        self.families = list(self.numbers)

    def index(self, axes):
        rng = self.rng
        axis = rng.choice(axes)
        match rng.randrange(8):
            case 0:
                return fixed(rng.randint(-1, 4))
            case 1:
                return at(axis, rng.choice([-1, 1]))
            case 2:
                return Index(rng.randint(0, 3), [(axis, rng.choice([-1, 2]))])
            case 3:
                table = np.array([rng.randint(-1, 3) for _ in range(axis.size)], dtype=np.intp)
                return Index(table=table, axes=[axis])
        return at(axis)

    def leaf(self, axes):
        rng = self.rng
        match rng.randrange(5):
            case 0:
                return Number(Fraction(rng.randint(-3, 3), rng.randint(1, 3)))
            case 1:
                left, right = (self.index(axes) for _ in range(2))
                return Condition(left, rng.choice(["=", "≤", "≤", "≠"]), right)
        family = rng.choice(self.families)
        return Reference(family, [self.index(axes) for _ in family.axes])

    def term(self, axes, depth):
        rng = self.rng
        if depth == 0:
            return self.leaf(axes)
        match rng.randrange(9):
            case 0 | 1:
                return Sum([self.term(axes, depth - 1) for _ in range(rng.randint(2, 3))])
            case 2 | 3:
                return Product([self.term(axes, depth - 1) for _ in range(rng.randint(2, 3))])
            case 4:
                return Power(self.term(axes, depth - 1), rng.choice([0, 1, 2, 3, -1]))
            case 5:
                op = rng.choice(list(EXACT))
                return Call(op, [self.term(axes, depth - 1) for _ in range(op.arity)])
            case 6:
                return Comparison(rng.choice(list(TESTS)), self.term(axes, depth - 1), self.term(axes, depth - 1))
        bound = [Axis(rng.choice([1, 2, 4])) for _ in range(rng.choice([1, 1, 2]))]
        return Reduction("sum", bound, self.term([*axes, *bound], depth - 1))

    def everywhere(self, term):
        """The numbers of a term at all places of the two free axes; None where it divides by 0 somewhere."""
        try:
            return [
                read(term, {self.n: i, self.m: j}, self.numbers) for i in range(self.n.size) for j in range(self.m.size)
            ]
        except ZeroDivisionError:
            return None


def normal(term):
    """The term put together by the functions of `build`."""
    if isinstance(term, Condition):
        return build.condition(term.left, term.relation, term.right)
    return term.rebuilt([normal(part) for part in term.parts]) if term.parts else term


@pytest.fixture(scope="module")
def samples():
    found = []
    for seed in range(700):
        terms = Terms(seed)
        term = terms.term([terms.n, terms.m], terms.rng.randint(1, 4))
        if (numbers := terms.everywhere(term)) is not None:
            found.append((terms, term, numbers))
    assert len(found) > 500
    return found


def test_the_normal_form_is_the_same_numbers(samples):
    shorter = 0
    for terms, term, numbers in samples:
        found = normal(term)
        assert terms.everywhere(found) == numbers, (term, found)
        shorter += len(repr(found)) < len(repr(term))
    assert shorter > 200


def test_a_normal_form_stays_as_it_is(samples):
    for _, term, _ in samples:
        found = normal(term)
        assert normal(found).key is found.key


def test_an_axis_is_replaced_by_an_index_wherever_it_occurs(samples):
    for terms, term, _ in samples:
        found, other = normal(term), Axis(2)
        by = terms.rng.choice([fixed(1), at(other, 1), Index(3, [(other, -2)]), at(terms.m)])
        new = build.substituted(found, {terms.n: by})
        assert terms.n not in new.free
        for j, k in itertools.product(range(3), range(2)):
            there = {terms.m: j, other: k}
            before = {terms.m: j, terms.n: int(by.numbers(there))}
            try:
                expected = read(found, before, terms.numbers)
            except ZeroDivisionError:
                continue
            assert read(new, there, terms.numbers) == expected


def shuffled(term, rng, names):
    """The same term with its sums and products in another order and its bound axes by other names."""
    if isinstance(term, Reduction):
        new = {axis: axis.like() for axis in term.axes}
        axes = rng.sample(term.axes, len(term.axes))
        return Reduction("sum", [new[axis] for axis in axes], shuffled(term.body, rng, {**names, **new}))
    by = {axis: at(new) for axis, new in names.items()}
    if isinstance(term, Reference):
        return Reference(term.family, [index.substituted(by) for index in term.indices])
    if isinstance(term, Condition):
        return Condition(term.left.substituted(by), term.relation, term.right.substituted(by))
    parts = [shuffled(part, rng, names) for part in term.parts]
    if isinstance(term, (Sum, Product)):
        rng.shuffle(parts)
    return term.copied(parts)


def test_order_and_names_make_no_difference_and_numbers_do(samples):
    by_key = {}
    for terms, term, numbers in samples:
        found = normal(term)
        assert shuffled(found, terms.rng, {}).key is found.key
        assert by_key.setdefault((terms.families[0], found.key), numbers) == numbers
    assert len(by_key) > 500


def test_terms_that_read_other_bound_axes_differ():
    """Σᵢ (Σⱼ Aᵢⱼ)², with the other index or one of them twice: as many keys as numbers."""
    i, j = Axis(3), Axis(3)
    family = Family("A", "input", [Axis(3), Axis(3)])
    numbers = {
        family: {place: Fraction(3 ** place[0] + 7 ** place[1]) for place in itertools.product(range(3), repeat=2)}
    }
    found = {}
    for read_at in itertools.product([i, j], repeat=2):
        for outer, inner in ((i, j), (j, i)):
            inside = Reduction("sum", [inner], Reference(family, [at(axis) for axis in read_at]))
            term = Reduction("sum", [outer], Power(inside, 2))
            found.setdefault(read(term, {}, numbers), set()).add(term.key)
            both = Reduction("sum", [outer, inner], Power(Reference(family, [at(axis) for axis in read_at]), 2))
            found.setdefault(read(both, {}, numbers), set()).add(both.key)
    assert all(len(keys) == 1 for keys in found.values())
    assert len(found) == len(set().union(*found.values())) == 6


def test_arrays_hold_what_the_term_says_at_each_place(samples):
    for terms, term, numbers in samples:
        arrays = {}
        for family, known in terms.numbers.items():
            arrays[family] = np.array([float(known[place]) for place in itertools.product(*map(range, family.shape))])
            arrays[family] = arrays[family].reshape(family.shape)
        live = [(axis, np.arange(axis.size)) for axis in (terms.n, terms.m)]
        found = np.broadcast_to(Evaluator(arrays).term(normal(term), live), (4, 3))
        size = max(1.0, *(abs(float(number)) for number in numbers))
        np.testing.assert_allclose(found.ravel(), [float(number) for number in numbers], rtol=1e-12, atol=1e-13 * size)


@pytest.mark.parametrize("op", [ops.add, ops.sub, ops.mul, ops.div, ops.neg, ops.abs, ops.pow])
def test_rules_of_operations_run_on_terms_as_on_numbers(op):
    """What the operators of Python give on terms, on either side of a number."""
    family = Family("x", "input", [Axis(1)])
    x, number = Reference(family, [fixed(0)]), Fraction(3)
    numbers = {family: {(0,): Fraction(-2, 3)}}
    functions = {
        ops.add: (lambda a, b: a + b),
        ops.sub: (lambda a, b: a - b),
        ops.mul: (lambda a, b: a * b),
        ops.div: (lambda a, b: a / b),
        ops.neg: (lambda a, _: -a),
        ops.abs: (lambda a, _: abs(a)),
        ops.pow: (lambda a, b: a**b if b == 3 else abs(a) ** 2),
    }
    function = functions[op]
    for a, b in ((x, number), (number, x)):
        value = function(a, b)
        plain = function(*(read(each, {}, numbers) if isinstance(each, Term) else each for each in (a, b)))
        assert isinstance(value, Term) or not isinstance(a, Term)
        assert (read(value, {}, numbers) if isinstance(value, Term) else value) == plain


# --- SymPy ------------------------------------------------------------------------------------------


def random_ratios(rng, depth):
    """A ratio of ours and the same in SymPy."""
    if depth == 0 or rng.random() < 0.15:
        if rng.random() < 0.3:
            number = Fraction(rng.randint(-3, 3), rng.randint(1, 3))
            return Ratio(number), sympy.Rational(number.numerator, number.denominator)
        name = rng.choice("abt")
        return Ratio.of(name), sympy.Symbol(name)
    (left, f), (right, g) = (random_ratios(rng, depth - 1) for _ in range(2))
    match rng.randrange(4):
        case 0:
            return Ratio.sum([left, right]), f + g
        case 1:
            return left - right, f - g
        case 2:
            return left * right, f * g
    if g.equals(0):
        return left, f
    return left * right.power(-1), f / g


def in_sympy(polynomial):
    return sum(
        sympy.Rational(c.numerator, c.denominator) * sympy.prod(sympy.Symbol(atom) ** e for atom, e in monomial)
        for monomial, c in polynomial.terms.items()
    )


def test_ratios_are_those_of_sympy_with_nothing_left_to_cancel():
    rng = random.Random(1)
    with_denominator = 0
    for _ in range(120):
        ours, theirs = random_ratios(rng, 3)
        top, bottom = sympy.fraction(sympy.cancel(theirs))
        over = sympy.prod(in_sympy(factor) ** e for factor, e in ours.denominator().items())
        assert sympy.expand(in_sympy(ours.numerator()) * bottom - top * over) == 0
        if ours.denominator():
            with_denominator += 1
        else:
            assert not bottom.free_symbols or not ours.scale
        assert bool(ours.scale) == (top != 0)
    assert with_denominator > 30
