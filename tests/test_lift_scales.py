"""Numbers near the ends of the floats: what is multiplied out in the canonical form must not leave them."""

import math

import pytest

from autograd import Value, affine, lift, total
from tests.lift_graphs import by_source

# most were refused, or ended in an error of the lifter's own, although all the engine's numbers are finite
GRAPHS = {
    "a difference that is 0 times a number whose square overflows": (lambda a, b: (a - a) * a + b, 1e200, 2.0),
    "a product by 0 times a number whose square overflows": (lambda a, b: (a * 0.0) * a + b, 1e200, 2.0),
    "a small multiple beside a large constant": (lambda a, b: total([(a / 1e-101) * 1e-99, b, 1e300]), 1.5, 2.0),
    "a sum with a large constant, divided and multiplied": (
        lambda a, b: (total([a, b, -1e200]) / 1e99) * 5e-324 - b,
        1e-120,
        1e200,
    ),
    "large multiples one after the other": (lambda a, b: ((a * 1e300) / 1e-99) * b * 1e-150, 1e-120, 1e-120),
    "small multiples one after the other": (lambda a, b: (total([a, a, 1e300]) * 1e-300) * 1e-101 * b, 1e-200, -0.5),
    "a neuron with a large bias": (lambda a, b: affine([a, 1e300], [b, a], 1e300) * 1e-300 * 1e-150, 1e-120, 1e-120),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_multiples_near_the_ends_of_the_floats_are_those_of_the_engine(name):
    function, *numbers = GRAPHS[name]
    leaves = [Value(number) for number in numbers]
    cost = function(*leaves)
    cost.backward()
    program = lift(cost, parameters={"w": leaves})
    for loss, gradients in (program.value_and_grad(), by_source(program, {})):
        assert loss == pytest.approx(cost.data, rel=1e-13, abs=0.0)
        for mine, leaf in zip(gradients["w"], leaves, strict=True):
            assert math.isclose(mine, leaf.grad, rel_tol=1e-13, abs_tol=0.0)
