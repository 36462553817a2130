"""One array beside the right one: what counts as the same numbers, what cannot be told, and where an array is wrong."""

from types import SimpleNamespace

import numpy as np
import pytest

from nn.referee.comparison import Comparison
from nn.referee.mistakes import Candidate, Mistake
from nn.referee.unexplained import unexplained

RIGHT = np.array([[1.0, -2.0, 0.5], [4.0, 0.25, -3.0]])
W = np.array([[0.3, -0.7, 0.2], [0.9, 0.4, -0.5]])
NETWORK = SimpleNamespace(L=1, W=[W], b=[np.array([0.3, -0.8, 0.6])], l2=0.5)


def judged(yours, right=RIGHT, bound=0.0, array="W"):
    yours, right = np.array(yours, dtype=float), np.array(right, dtype=float)
    return Comparison(1, array, yours, right, np.broadcast_to(np.array(bound, dtype=float), right.shape))


def moved(by):
    """The right array with its first entry moved by a share of the largest one, which is 4."""
    yours = RIGHT.copy()
    yours[0, 0] += 4.0 * by
    return yours


# --- the same numbers -----------------------------------------------------------------------------------


def test_an_array_is_right_to_1e_10_of_its_largest_entry():
    for sign in (-1.0, 1.0):
        assert judged(moved(0.9e-10 * sign)).is_right()
        assert not judged(moved(1.1e-10 * sign)).is_right()
    assert not judged(RIGHT[:1]).is_right()


def test_an_array_is_right_as_far_as_rounding_can_move_it():
    bound = np.zeros(RIGHT.shape)
    bound[0, 0] = 1e-6
    assert judged(RIGHT + bound / 2, bound=bound).is_right()
    assert not judged(RIGHT + bound * 2, bound=bound).is_right()
    assert not judged(moved(1e-9), bound=np.roll(bound, 1)).is_right()  # the bound is that of another entry


def test_a_difference_of_exactly_the_tolerance_is_within_it():
    right = np.array([0.0, 4.0, -2.0])  # what is added to 0 is the difference, to the last bit
    for tolerance, bound in ((1e-10 * 4.0, 0.0), (1e-6, [1e-6, 0.0, 0.0])):
        this = judged(right + np.array([tolerance, 0.0, 0.0]), right, bound=bound, array="b")
        assert this.is_right()
        assert this.fits(right)
    blurred = [1e-3 * 4.0, 0.0, 0.0]
    assert not judged(right, right, bound=blurred, array="b").is_blurred()
    lost = judged(right + np.array([8e-3, 0.0, 0.0]), right, bound=[8e-3, 0.0, 0.0], array="b")
    assert (lost.is_right(), lost.is_undecidable()) == (False, True)


def test_an_array_whose_leading_digits_are_lost_is_not_called_right_but_undecidable():
    lost, kept = 4e-3 * 1.1, 4e-3 * 0.9  # the largest entry is 4: a thousandth of it is the limit
    assert judged(moved(1e-4), bound=kept).is_right()
    assert not judged(moved(1e-4), bound=kept).is_undecidable()
    assert not judged(moved(1e-4), bound=lost).is_right()
    assert judged(moved(1e-4), bound=lost).is_undecidable()
    assert not judged(moved(1e-2), bound=lost).is_undecidable()
    assert judged(RIGHT, bound=lost).is_right()
    assert not judged(RIGHT, bound=lost).is_undecidable()
    assert not judged(RIGHT[:1], bound=lost).is_undecidable()


def test_where_the_right_array_is_0_only_an_array_that_is_not_0_can_be_told():
    zero = np.zeros(3)
    assert not judged(zero, zero).is_right()
    assert judged(zero, zero).is_undecidable()
    assert judged([0.0, 1e-17, 0.0], zero, bound=1e-16).is_undecidable()
    assert judged([0.0, 1e-17, 0.0], zero, bound=[0.0, 1e-16, 0.0]).is_undecidable()
    assert not judged([0.0, 1e-15, 0.0], zero, bound=1e-16).is_undecidable()
    assert not judged([0.0, 1e-15, 0.0], zero).is_undecidable()


def test_why_nothing_can_be_told_is_said():
    assert "All 3 entries of the right array are 0" in judged([0.0] * 3, [0.0] * 3).settled().remark
    assert "rounding alone can make the difference" in judged(moved(1e-4), bound=4.4e-3).settled().remark


# --- hypotheses -----------------------------------------------------------------------------------------


def test_a_hypothesis_fits_to_1e_10_of_its_own_largest_entry():
    for scale in (1e-3, 1.0, 1e3):
        this = judged(scale * moved(0.9e-10))
        assert this.fits(scale * RIGHT)
        assert not judged(scale * moved(1.1e-10)).fits(scale * RIGHT)
    assert not judged(RIGHT[:1]).fits(RIGHT)
    assert judged(np.zeros((2, 3))).fits(np.zeros((2, 3)))
    assert not judged(RIGHT).fits(np.zeros((2, 3)))
    assert judged(W, right=np.zeros((2, 3)), bound=1e-3).fits(W + 1e-12)
    assert not judged(W, right=np.zeros((2, 3)), bound=1e-3).fits(W + 1e-9)


def test_rounding_blurs_a_hypothesis_in_proportion_to_its_size():
    bound = 4e-9
    for scale in (10.0, 1.0):  # what is larger than the right array was summed from larger terms
        assert judged(scale * moved(0.9e-9), bound=bound).fits(scale * RIGHT)
        assert not judged(scale * moved(1.1e-9), bound=bound).fits(scale * RIGHT)
    assert judged(0.1 * RIGHT + 0.9 * bound, bound=bound).fits(0.1 * RIGHT)  # what is smaller may have cancelled
    assert not judged(0.1 * RIGHT + 1.1 * bound, bound=bound).fits(0.1 * RIGHT)


def test_however_rounding_blurs_an_array_a_hypothesis_fits_to_a_millionth():
    for scale in (10.0, 1.0):
        assert judged(scale * moved(0.9e-6), bound=1.0).fits(scale * RIGHT)
        assert not judged(scale * moved(1.1e-6), bound=1.0).fits(scale * RIGHT)
    assert judged(0.1 * RIGHT + 0.9 * 4e-6, bound=1.0).fits(0.1 * RIGHT)
    assert not judged(0.1 * RIGHT + 1.1 * 4e-6, bound=1.0).fits(0.1 * RIGHT)


def test_the_fewest_mistakes_that_fit_are_named_each_kind_once():
    sign, two, half = (Mistake(kind, f"It is {kind}.") for kind in ("sign", "two", "half"))
    again = Mistake("sign", "It is the sign, told otherwise.")
    candidates = [
        Candidate((), RIGHT + 1.0),
        Candidate((sign,), RIGHT),
        Candidate((half,), RIGHT + 2.0),
        Candidate((again,), RIGHT),
        Candidate((two,), RIGHT),
        Candidate((sign, half), RIGHT),
    ]
    this = judged(RIGHT)
    assert this.explanations(candidates) == ((sign,), (two,))
    assert this.explanations(candidates[-1:]) == ((sign, half),)
    assert this.explanations(candidates[:1]) == ()
    assert this.explanations([Candidate((), RIGHT), *candidates]) == ((),)


# --- where an array is wrong ------------------------------------------------------------------------------


def test_a_common_factor_of_any_size_is_found():
    for factor in (3.7, -0.01, 1e6):
        ((mistake,),), remark = unexplained(NETWORK, judged(factor * RIGHT))
        assert (mistake.kind, remark) == ("factor", "")
        assert mistake.text == f"Every entry is {factor:.6g} times what it should be."
    blurred = unexplained(NETWORK, judged(3.0 * RIGHT + 1e-9, bound=1e-8))
    assert blurred[0][0][0].kind == "factor"


def test_one_entry_has_no_common_factor():
    right = np.array([0.0, 2.0, 0.0])
    assert unexplained(NETWORK, judged(3.0 * right, right, array="b"))[0] == ()
    assert unexplained(NETWORK, judged([0.0, 6.0, 3.0], [0.0, 2.0, 1.0], array="b"))[0][0][0].kind == "factor"


def test_a_penalty_of_any_size_is_found():
    (((mistake,),), _) = unexplained(NETWORK, judged(RIGHT + 0.07 * W))
    assert mistake == Mistake("wrong l2", "The regularisation has the wrong size: 0.57 · W¹ where l2 = 0.5 belongs.")
    b, right = NETWORK.b[0], np.array([2.0, 1.0, -1.0])
    (((mistake,),), _) = unexplained(NETWORK, judged(right + 0.07 * b, right, array="b"))
    assert (mistake.kind, "0.07 · b¹" in mistake.text) == ("bias regularised", True)


def test_a_penalty_is_not_read_into_two_numbers_or_into_another_array():
    two = SimpleNamespace(W=[W], b=[np.array([0.3, 0.0, 0.6])], l2=0.0)
    right = np.array([2.0, 1.0, -1.0])
    assert unexplained(two, judged(right + 0.07 * two.b[0], right, array="b"))[0] == ()
    square = SimpleNamespace(W=[W[:, :2]], b=[np.ones(2)], l2=0.0)
    assert unexplained(square, judged(RIGHT + 0.07 * W))[0] == ()
    assert unexplained(NETWORK, judged(RIGHT + 0.07 * W, array="δ"))[0] == ()


@pytest.mark.parametrize(
    ("yours", "right", "remark"),
    [
        (np.zeros((3, 3)), RIGHT, "None of the known mistakes gives an array of this shape."),
        (np.zeros((2, 3)), RIGHT, "All of its entries are 0."),
        (RIGHT, np.zeros((2, 3)), "All entries of the right array are 0."),
    ],
)
def test_arrays_that_have_nothing_in_common_are_said_to_have_nothing(yours, right, remark):
    assert unexplained(NETWORK, judged(yours, right)) == ((), remark)


def wrong_at(shape, *places):
    right = 1.0 + np.arange(float(np.prod(shape))).reshape(shape)
    yours = right.copy()
    for k, place in enumerate(places):
        yours[place] -= 0.3 + 0.1 * k
    return judged(yours, right, array="δ")


@pytest.mark.parametrize(
    ("this", "remark"),
    [
        (wrong_at((3, 4), (1, 2)), "only the entry [1, 2] is wrong."),
        (wrong_at((5,), 3), "only the entry [3] is wrong."),
        (wrong_at((2, 2), (0, 0), (0, 1), (1, 0), (1, 1)), "every entry is wrong."),
        (wrong_at((3, 4), (1, 2), (1, 3)), "the wrong ones are in row 1."),
        (wrong_at((3, 4), (0, 0), (1, 3)), "the wrong ones are in row 0, 1."),
        (wrong_at((3, 4), (0, 1), (1, 1), (2, 3)), "the wrong ones are in column 1, 3."),
        (wrong_at((3, 3), (0, 1), (1, 2), (2, 0)), "3 of 9 entries are wrong."),
        (wrong_at((5,), 0, 3), "2 of 5 entries are wrong."),
        (wrong_at((7, 2), *((k, 0) for k in range(6))), "the wrong ones are in row 0, 1, 2, 3, 4, 5."),
        (wrong_at((8, 2), *((k, 0) for k in range(7))), "the wrong ones are in row 0, 1, 2, 3, 4, 5, …."),
    ],
)
def test_what_no_mistake_explains_is_at_least_located(this, remark):
    explanations, said = unexplained(NETWORK, this)
    assert explanations == ()
    assert said == f"None of the known mistakes gives these numbers; {remark}"


def test_an_entry_within_1e_10_of_the_largest_is_not_among_the_wrong_ones():
    yours = RIGHT + np.array([[3e-10, 0.0, 9.0], [0.0, 1.0, 0.0]])  # the largest is 4
    assert unexplained(NETWORK, judged(yours, array="δ"))[1].endswith("the wrong ones are in column 1, 2.")
    yours[0, 0] += 3e-10
    assert unexplained(NETWORK, judged(yours, array="δ"))[1].endswith("3 of 6 entries are wrong.")
