"""The equations of a graph take work in proportion to it, however large they would get if everything were expanded."""

import sys

import numpy as np
import pytest

from autograd import Value
from autograd.lift import lift
from autograd.lift.equations.algebra import WORK, Polynomial, TooLargeError, limited
from tests.equation_graphs import kalman_filter, quadratic_map


def calls(function):
    """Return how many functions of Python a function calls: its work, whatever the machine does beside."""
    count = 0

    def profile(_, event, __):
        nonlocal count
        count += event == "call"

    sys.setprofile(profile)
    try:
        function()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize(("graph", "steps"), [(quadratic_map, (6, 12, 24)), (kalman_filter, (3, 6, 12))])
def test_the_work_for_the_equations_grows_with_the_graph(graph, steps):
    programs = [lift(*graph(np.random.default_rng(0), n)) for n in steps]
    work = [calls(program.equations) for program in programs]
    assert work[2] - work[1] <= 3.0 * max(work[1] - work[0], work[0])
    lengths = [len(program.equations()) for program in programs]
    assert lengths[2] - lengths[1] <= 3.0 * (lengths[1] - lengths[0])


def squared_again_and_again(steps):
    w, x = Value(0.3, "w"), Value(0.7)
    y = w
    for _ in range(steps):
        y = (y * y + x) * 0.5
    return lift(y, {"x": [x]}, [w]).equations()


def test_a_line_that_is_dear_to_simplify_is_written_as_it_stands():
    """Expanded it would have 2⁴⁰ terms; as it stands each of its factors is written out."""
    assert len(squared_again_and_again(40)) <= 5.0 * len(squared_again_and_again(20))


def test_algebra_gives_up_after_its_number_of_steps_and_not_before():
    large = Polynomial({((f"a{k}", 1),): 1 for k in range(20)})
    with limited():
        large * large  # noqa: B018  # it is done
        with pytest.raises(TooLargeError):
            for _ in range(WORK):
                large * large  # noqa: B018  # as often as it can
    large * large  # noqa: B018  # outside there is no limit
