"""check_gradients tells right derivatives from wrong ones, kinks from mistakes, and says what it cannot tell."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd import DomainError, Op, Value, check_gradients, exp, grad, log, maximum, sin, sqrt, stop_gradient, tanh
from autograd.differences import slopes


def op_with_slope(slope, *, forward=lambda x: x):
    return Op("planted", forward=forward, partials=(lambda out, x: slope,))


def verdicts(report):
    return [coordinate.verdict for coordinate in report.coordinates]


SMOOTH = {
    "product": (lambda x: sin(x[0]) * exp(x[1]) + x[2] ** 3, [1.0, 2.0, 0.5]),
    "near a border": (lambda x: log(x[0]) + sqrt(x[1]), [1e-8, 1e-12]),
    "steep": (lambda x: sin(1e8 * x[0]), [1.0]),
    "saturated": (lambda x: tanh(x[0]), [20.0]),
    "small": (lambda x: exp(x[0]), [-700.0]),
    "layer": (lambda x: (np.tanh(np.array([[0.3, -1.1], [0.9, 0.2]]) @ x) ** 2).sum(), np.array([0.4, -0.2])),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_right_derivatives_pass(name):
    report = check_gradients(*SMOOTH[name])
    assert set(verdicts(report)) == {"right"}, str(report)


@pytest.mark.parametrize("name", [name for name in SMOOTH if name not in ("steep", "near a border")])
def test_right_second_derivatives_pass(name):
    report = check_gradients(*SMOOTH[name], order=2)
    assert report.ok, str(report)


@pytest.mark.parametrize("at", [1e-310, 1e-300, 1e-100, 1e-20, 1e-12, 1e-9, 1e9, 1e20, 1e100, 1e300])
@pytest.mark.parametrize("fun", [log, sqrt, lambda x: 1.0 / x, lambda x: x * 1e-5, lambda x: abs(x)])
def test_right_derivatives_pass_at_coordinates_of_every_size(fun, at):
    try:
        grad(fun)(at)
    except DomainError:
        return  # the slope of 1/x overflows
    assert verdicts(check_gradients(fun, at)) == ["right"]


@pytest.mark.parametrize("at", [1e-12, 1e9])
@pytest.mark.parametrize("fun", [log, sqrt, lambda x: 1.0 / x])
def test_wrong_derivatives_are_caught_at_coordinates_of_every_size(fun, at):
    wrong = op_with_slope(1.0 + 1e-4)
    assert verdicts(check_gradients(lambda x: fun(wrong(x)), at)) == ["wrong"]


@pytest.mark.parametrize("at", [1e10, -1e10, 1e8 + 0.1])
def test_a_function_much_finer_than_its_coordinate_is_resolved(at):
    """The first steps, a hundredth of the coordinate, go over many periods."""
    assert verdicts(check_gradients(sin, at)) == ["right"]
    assert verdicts(check_gradients(lambda x: sin(op_with_slope(1.01)(x)), at)) == ["wrong"]


@pytest.mark.parametrize("lost", [1e3, 1e6, 1e9])
@pytest.mark.parametrize("at", [3.6e-11, 0.3, 500.0])
@pytest.mark.parametrize("frequency", [0.01, 1.0, 50.0])
def test_rounding_within_a_function_is_no_mistake(lost, at, frequency):
    """The sum takes digits that the difference does not give back, and leaves a staircase."""
    report = check_gradients(lambda x: (sin(x * frequency) * 1e-3 + lost) - lost, at)
    assert set(verdicts(report)) <= {"right", "unresolved"}, str(report)


def test_values_and_slopes_near_the_ends_of_the_floats_are_compared():
    assert verdicts(check_gradients(lambda x: x * 1e308, 1.7)) == ["right"]
    assert verdicts(check_gradients(exp, 709.7)) == ["right"]
    assert verdicts(check_gradients(lambda x: x * 5e-324, 1.3)) == ["unresolved"]


def test_a_function_that_is_undefined_everywhere_around_is_unresolved():
    def only_at_two(x):
        return Op("one point", forward=lambda x: {2.0: 1.0}[x], partials=(lambda out, x: 1.0,))(x)

    def along(x):
        try:
            return only_at_two(x)
        except KeyError:
            raise DomainError("undefined") from None

    report = check_gradients(along, 2.0)
    assert verdicts(report) == ["unresolved"]
    assert report.worst[0].difference == 0.0


def test_an_array_of_no_dimension_and_no_entries_at_all_can_be_checked():
    assert verdicts(check_gradients(lambda x: x, np.array(2.0))) == ["right"]
    assert str(check_gradients(lambda x: Value(1.0), [])) == "0 first derivatives: x has no entries."


@pytest.mark.parametrize("scale", [1e-8, 1e-6, 1.0, 1e8])
def test_a_wrong_factor_is_caught_at_every_size_of_the_gradient(scale):
    """No absolute tolerance hides a small gradient: nine times 1e-6 beside a 1 is found."""
    wrong = op_with_slope(9 * scale, forward=lambda x: scale * x)
    report = check_gradients(lambda x: wrong(x) + 1.0, 2.0)
    assert verdicts(report) == ["wrong"]
    assert report.coordinates[0].numeric == pytest.approx(scale, rel=1e-4, abs=0.0)
    with pytest.raises(AssertionError, match="1 first derivatives: 1 wrong"):
        report.assert_ok()


def test_a_wrong_second_derivative_is_caught_where_the_first_is_right():
    square = Op("square", forward=lambda x: x * x, partials=(lambda out, x: 2.0 * stop_gradient(x),))
    assert check_gradients(square, 3.0).ok
    assert verdicts(check_gradients(square, 3.0, order=2)) == ["wrong"]


def test_an_absolute_tolerance_applies_only_if_given():
    wrong = op_with_slope(1.0 + 1e-4)
    assert not check_gradients(wrong, 2.0).ok
    assert check_gradients(wrong, 2.0, atol=1e-3).ok
    assert check_gradients(wrong, 2.0, rtol=1e-3).ok


@pytest.mark.parametrize(
    ("fun", "at", "left", "right", "used"),
    [
        (abs, 0.0, -1, 1, 0),
        (Value.relu, 0.0, 0, 1, 0),
        (lambda x: maximum(x, 3.0), 3.0, 0, 1, 0.5),
        (lambda x: abs(x - 2.0) * x, 2.0, -2, 2, 0),
    ],
)
def test_a_kink_is_told_and_does_not_fail(fun, at, left, right, used):
    report = check_gradients(fun, at)
    (found,) = report.coordinates
    assert report.ok
    assert str(found) == f"x: not differentiable here: left {left}, right {right}, the engine uses {used}"


def test_a_kink_nearby_is_no_kink_here():
    assert verdicts(check_gradients(lambda x: x[0].relu() + x[1].relu(), [1e-5, -1e-5])) == ["right", "right"]


def test_a_kink_of_the_gradient_is_one_of_the_second_derivative():
    report = check_gradients(lambda x: x.relu() * x, 0.0, order=2)
    assert verdicts(report) == ["not differentiable"]


def test_a_jump_is_told():
    report = check_gradients(Value.step, 0.0)
    assert "the function jumps" in str(report)
    assert report.ok


def test_what_rounding_hides_is_unresolved_and_not_called_right():
    report = check_gradients(lambda x: 1e10 + 1e-9 * x, 1.0)
    assert verdicts(report) == ["unresolved"]
    assert "unresolved" in str(report)


def test_a_disagreement_of_forward_and_reverse_mode_is_wrong(monkeypatch):
    monkeypatch.setattr("autograd.check._by_backward", lambda output, variables: [1.0 + 1e-7])
    assert verdicts(check_gradients(lambda x: x * 1.0, 2.0)) == ["wrong"]


def test_parameters_keep_their_gradients():
    w = Value(3.0)
    w.grad = 7.0
    assert check_gradients(lambda x: w * x, 2.0).ok
    assert w.grad == 7.0


def test_a_smooth_function_takes_few_evaluations():
    """Central differences have errors in h² only, and extrapolation makes use of it."""
    calls = []

    def counted(x):
        calls.append(x)
        return exp(sin(x))

    assert check_gradients(counted, 1.0).ok
    assert len(calls) <= 20


def test_the_worst_come_first_and_are_named():
    wrong = op_with_slope(3.0)
    report = check_gradients(lambda p: p["a"][0] ** 2 + wrong(p["b"][1, 0]), {"a": [1.0], "b": np.ones((2, 2))})
    assert [c.verdict for c in report.worst].count("wrong") == 1
    assert report.worst[0].name == "x['b'][1,0]"
    assert "x['b'][1,0]" in str(report)


def test_arguments_out_of_range_are_refused():
    with pytest.raises(ValueError, match="order must be 1 or 2"):
        check_gradients(abs, 1.0, order=3)
    with pytest.raises(ValueError, match="eps must be positive"):
        check_gradients(abs, 1.0, eps=0.0)
    with pytest.raises(ValueError, match="eps must be positive and finite"):
        check_gradients(abs, 1.0, eps=math.inf)
    with pytest.raises(TypeError, match="needs numbers in x"):
        check_gradients(abs, Value(1.0))


@settings(max_examples=50, deadline=None)
@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(-1, 1))
def test_differences_are_within_their_own_error_estimate(a, b, at):
    """The derivative of a·sin(t + at) + b·t² + e^t at 0 is known; estimates may be low by a factor of ten."""
    found = slopes(lambda t: np.array([a * np.sin(t + at) + b * t * t + np.exp(t)]), 1e-2)
    expected = a * np.cos(at) + 1.0
    assert abs(found.central[0] - expected) <= 10 * found.error[0] + 1e-15
    assert found.error[0] < 1e-9
