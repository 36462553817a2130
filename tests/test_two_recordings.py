"""Two recordings of one function may differ in their inputs only; every other difference is named."""

import itertools

import pytest

from autograd import Value, affine, compile, total

w = [Value(2.0, "w"), Value(3.0, "v"), Value(5.0, "u")]


def alternating(make, *choices):
    """A function that makes its loss from another choice every time."""
    turns = itertools.cycle(choices)
    return lambda x: make(x, next(turns))


def compared(x, times):
    z = w[0] * x[0]
    for k in range(times):
        _ = z > float(k)
    return z


def with_a_factor(x, k):
    factors = [(w[0] * x[0]).tanh(), (w[0] * x[0]).sin()]
    return total([*factors, factors[0] * factors[k]])


@pytest.mark.parametrize(
    ("function", "difference"),
    [
        (alternating(lambda x, n: (w[0] * x[0], {"y": [x[0]] * n}), 1, 2), "output 'y' has 1 and 2 values"),
        (alternating(compared, 1, 2), "1 comparisons were made in one and 2 in the other"),
        (alternating(lambda x, n: total([x[0], *w[:n]]), 2, 3), "has 3 operands in one and 4 in the other"),
        (alternating(lambda x, k: x[0] * w[k], 0, 1), "uses 2.0 in one and 3.0 in the other"),
        (alternating(lambda x, n: sum([x[0]] * n, w[0]), 1, 2), "one has 1 operations and the other 2"),
        (alternating(with_a_factor, 0, 1), "has other operands in the other"),
        (
            alternating(lambda x, sigma: sigma(w[0] * x[0]), Value.tanh, Value.sin),
            "tanh .* in one is sin .* in the other",
        ),
        (alternating(lambda x, b: affine(w[1:], [x[0], x[1]], b), w[0], 1.0), "uses 2.0 in one and 1.0 in the other"),
    ],
)
def test_a_function_that_records_two_graphs_is_refused_with_the_difference(function, difference):
    program = compile(function, parameters=w)
    with pytest.raises(RuntimeError, match=f"depends on data outside the graph.*{difference}"):
        program.value_and_grad(x=[[1.0, 4.0], [2.0, 3.0]])


def test_without_inputs_a_function_is_recorded_all_the_same():
    program = compile(lambda: w[0] * w[0] + w[1], parameters=w)
    value, gradients = program.value_and_grad()
    assert value == 7.0
    assert {name: float(gradient) for name, gradient in gradients.items()} == {"w": 4.0, "v": 1.0, "u": 0.0}


@pytest.mark.parametrize("result", [(w[0], w[1]), (w[0], {}, 1), (w[0],)])
def test_what_is_neither_a_loss_nor_a_loss_and_outputs_is_refused(result):
    with pytest.raises(TypeError, match="must return a loss, or a loss and a dict of outputs"):
        compile(lambda x: result, parameters=w).value(x=[[1.0]])
