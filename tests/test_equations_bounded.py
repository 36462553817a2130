"""The equations of a graph take work in proportion to it, however large they would get if everything were expanded."""

import cProfile
import importlib
from fractions import Fraction

import numpy as np
import pytest

from autograd import Value, compile, log
from autograd.lift import lift
from autograd.lift.language.algebra import WORK, Polynomial, TooLargeError, limited
from tests.equation_graphs import kalman_filter, quadratic_map

algebra = importlib.import_module("autograd.lift.language.algebra")  # `autograd.lift` is a function


@pytest.mark.parametrize(("graph", "steps"), [(quadratic_map, (4, 8, 16)), (kalman_filter, (2, 4, 6))])
def test_the_work_for_the_equations_grows_with_the_graph(graph, steps, monkeypatch):
    done, count = 0, algebra._step

    def counted(terms):
        nonlocal done
        done += terms
        count(terms)

    monkeypatch.setattr(algebra, "_step", counted)
    work = []
    for n in steps:
        done = 0
        assert lift(*graph(np.random.default_rng(0), n)).equations("superscript")
        work.append(done)
    more = (steps[2] - steps[1]) / (steps[1] - steps[0])
    assert work[2] - work[1] <= 1.5 * more * (work[1] - work[0])


def filter_with_corrections(rng, steps):
    """A Kalman filter whose every step reads a number that two later ones use: expanded, it doubles with each step."""
    a, q, r = (Value(number, name) for number, name in zip((0.9, 0.3, 0.5), "aqr", strict=True))
    y = [Value(float(number)) for number in rng.normal(size=steps)]
    mean, variance, loss = Value(0.0), Value(1.0), Value(0.0)
    for observed in y:
        mean, variance = a * mean, a * a * variance + q
        e, s = observed - mean, variance + r
        gain = variance / s
        loss = loss + e * e / s + log(s)
        mean, variance = mean + gain * e, (1 - gain) * variance
    return loss, {"y": y}, [a, q, r]


@pytest.mark.parametrize("graph", [quadratic_map, kalman_filter, filter_with_corrections])
def test_the_text_in_the_names_of_the_code_grows_with_the_graph(graph):
    eight, sixteen = (len(lift(*graph(np.random.default_rng(0), n)).equations()) for n in (8, 16))
    assert sixteen <= 3 * eight  # with the square it would be four times as long, doubled with each step 256 times


def test_equations_can_be_asked_for_under_a_profiler():
    w = Value(0.3, "w")
    program = compile(lambda x: w * x[0], parameters=[w])
    program.value(x=[[1.0], [2.0]])
    with cProfile.Profile() as profile:
        text = program.equations()
        min(1, 2)
    assert text == program.equations()
    assert any("min" in str(entry.code) for entry in profile.getstats())


def squared_again_and_again(steps):
    w, x = Value(0.3, "w"), Value(0.7)
    y = w
    for _ in range(steps):
        y = (y * y + x) * 0.5
    return lift(y, {"x": [x]}, [w]).equations("superscript")


def test_a_line_that_is_dear_to_simplify_is_written_as_it_stands():
    """Expanded it would have 2⁴⁰ terms; as it stands each of its factors is written out."""
    assert len(squared_again_and_again(40)) <= 5.0 * len(squared_again_and_again(20))


def test_algebra_gives_up_after_its_number_of_steps_and_not_before():
    large = Polynomial({((f"a{k}", 1),): Fraction(1) for k in range(20)})
    with limited():
        for _ in range(WORK // 400):
            assert large * large
        with pytest.raises(TooLargeError):
            large * large  # it is too much
    assert large * large  # outside there is no limit
