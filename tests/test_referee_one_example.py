"""What the referee says of a δ that holds one example only, in full shape or in that of the example."""

import numpy as np
import pytest

from nn import check_backprop
from tests.planted_mistakes import Problem, arrays_with, report_on

LAST = "only the last example"


@pytest.mark.parametrize("shape", [(-1,), (1, -1), (-1, 1)])
@pytest.mark.parametrize("carried", [1.0, 0.25])
def test_a_delta_in_the_shape_of_one_example_is_that_of_the_last_one(shape, carried):
    p = Problem(3, "tanh", "half_squared_error")
    dW, db, delta = arrays_with(p, {})
    last = [carried * d[-1].reshape(shape) for d in delta]
    report = check_backprop(lambda *_: (dW, db, last), p.model, p.X, p.T, p.loss)
    assert report.of("δ", 3).kinds == {"only the last example"}
    assert [report.of("δ", l).verdict for l in (1, 2)] == ["follows", "follows"]
    assert report.of("δ", 2).remark == "right given your δ³"
    assert {finding.verdict for finding in report.findings if finding.array != "δ"} == {"right"}
    assert "Only the last of the 4 examples is used" in str(report)
    alone = check_backprop(lambda *_: (dW, db, [last[0], *delta[1:]]), p.model, p.X, p.T, p.loss)
    assert (alone.of("δ", 1).kinds, alone.of("δ", 2).verdict) == (
        ({"only the last example"}, "right") if carried == 1.0 else (set(), "right")
    )


def test_a_delta_in_the_shape_of_one_example_with_other_numbers_has_the_wrong_shape():
    p = Problem(2, "tanh", "half_squared_error")
    dW, db, delta = arrays_with(p, {})
    report = check_backprop(lambda *_: (dW, db, [delta[0], delta[1][0]]), p.model, p.X, p.T, p.loss)
    assert (report.of("δ", 2).verdict, report.of("δ", 2).kinds) == ("wrong", set())
    assert "None of the known mistakes gives an array of this shape." in str(report)


def test_one_example_alone_is_no_consequence_of_a_delta_of_all_examples():
    p = Problem(3, "tanh", "half_squared_error")
    right = arrays_with(p, {})[2]
    dW, db, delta = arrays_with(p, {("δ", 3): ("factor 2",)})
    report = check_backprop(lambda *_: (dW, db, [right[0][-1], *delta[1:]]), p.model, p.X, p.T, p.loss)
    assert report.of("δ", 2).verdict == "follows"
    assert report.of("δ", 1).kinds == {LAST}


def test_a_delta_of_another_shape_is_no_source_of_those_below():
    p = Problem(3, "tanh", "half_squared_error")
    dW, db, delta = arrays_with(p, {("δ", 2): ("sign",)})
    report = check_backprop(lambda *_: (dW, db, [*delta[:2], delta[2][-1]]), p.model, p.X, p.T, p.loss)
    assert report.of("δ", 3).kinds == {LAST}
    assert (report.of("δ", 2).kinds, report.of("δ", 2).remark) == ({"sign"}, "")


def test_a_delta_of_another_shape_or_a_right_one_is_not_named_as_the_source_of_a_gradient():
    p = Problem(3, "tanh", "half_squared_error")
    dW, db, delta = arrays_with(p, {("W", 3): ("sign",), ("W", 1): ("sign",)})
    report = check_backprop(lambda *_: (dW, db, [*delta[:2], delta[2][-1]]), p.model, p.X, p.T, p.loss)
    for l in (3, 1):
        assert (report.of("W", l).kinds, report.of("W", l).remark) == ({"sign"}, "")


def test_examples_that_were_lost_are_found_given_the_right_delta_too():
    p = Problem(2, "tanh", "half_squared_error")
    dW, db, delta = arrays_with(p, {("δ", 1): (LAST,)})
    delta[1] = delta[1] + np.cos(np.arange(12.0) ** 2).reshape(4, 3)  # after δ¹ was computed from the right one
    report = check_backprop(lambda *_: (dW, db, delta), p.model, p.X, p.T, p.loss)
    assert (report.of("δ", 1).kinds, report.of("δ", 1).remark) == ({LAST}, "Given the right δ²:")


def test_examples_that_delta_lost_are_found_in_the_gradients_alone():
    report = report_on(Problem(2, "tanh", "half_squared_error"), {("δ", 2): (LAST,)}, with_delta=False)
    for array in "Wb":
        finding = report.of(array, 2)
        assert (finding.kinds, finding.remark) == ({LAST}, "Your numbers are those of a wrong δ²:")


def test_the_last_of_two_examples_is_named_and_of_one_there_is_no_last():
    p = Problem(2, "tanh", "half_squared_error", N=2)
    dW, db, delta = arrays_with(p, {})
    report = check_backprop(lambda *_: (dW, db, [d[-1] for d in delta]), p.model, p.X, p.T, p.loss)
    assert report.of("δ", 2).kinds == {LAST}
    p = Problem(2, "tanh", "half_squared_error", N=1)
    dW, db, delta = arrays_with(p, {})
    report = check_backprop(lambda *_: (dW, db, [d.T for d in delta]), p.model, p.X, p.T, p.loss)
    assert report.of("δ", 2).kinds == {"transposed"}
