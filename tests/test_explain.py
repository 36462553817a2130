"""The paths behind a gradient: their products sum to it, and the totals need no enumeration."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd import DomainError, Op, Value, explain, gradients, tanh
from nn import MLP

ROUNDING = 1e-12
SUBNORMAL = 1e-300  # below it products lose digits


def all_paths(output, wrt):
    """Every path by brute force: the product of local derivatives, read off the table one edge at a time."""
    if output is wrt:
        return [1.0]
    if output.is_leaf:
        return []
    args = [operand.data for operand in output.operands]
    return [
        product * float(output.op.local(place, output.data, args))
        for place, operand in enumerate(output.operands)
        for product in all_paths(operand, wrt)
    ]


@st.composite
def graphs(draw):
    """A random graph of a few operations with much sharing."""
    values = [Value(draw(st.floats(-2, 2))) for _ in range(2)]
    for _ in range(draw(st.integers(1, 7))):
        a, b = (draw(st.sampled_from(values[-4:])) for _ in range(2))
        kind = draw(st.sampled_from(["+", "-", "*", "tanh", "relu"]))
        values.append({"+": a + b, "-": a - b, "*": a * b, "tanh": a.tanh(), "relu": a.relu()}[kind])
    return values[-1], values[0]


@settings(max_examples=100, deadline=None)
@given(graphs())
def test_totals_and_paths_are_those_of_an_enumeration(graph):
    output, wrt = graph
    products = all_paths(output, wrt)
    found = explain(output, wrt, top=5)
    size = math.fsum(map(abs, products))
    assert found.count == len(products)
    assert found.positive == pytest.approx(math.fsum(p for p in products if p > 0), rel=ROUNDING, abs=SUBNORMAL)
    assert found.negative == pytest.approx(math.fsum(p for p in products if p < 0), rel=ROUNDING, abs=SUBNORMAL)
    assert found.gradient == pytest.approx(math.fsum(products), rel=ROUNDING, abs=ROUNDING * size + SUBNORMAL)
    largest = sorted((abs(p) for p in products if abs(p) > SUBNORMAL), reverse=True)[:5]
    sizes = [abs(path.product) for path in found.paths if abs(path.product) > SUBNORMAL]
    assert sizes == pytest.approx(largest, rel=ROUNDING, abs=0.0)


@settings(max_examples=50, deadline=None)
@given(graphs())
def test_the_steps_of_a_path_multiply_to_its_product_and_are_edges_of_the_graph(graph):
    output, wrt = graph
    found = explain(output, wrt, top=1000)
    for path in found.paths:
        at = wrt
        for step in path.steps:
            assert step.operand is at
            assert step.node.operands[step.place] is at
            at = step.node
        assert at is output
        assert math.prod(step.local for step in path.steps) == pytest.approx(path.product, rel=ROUNDING, abs=SUBNORMAL)
    edges = Counter(tuple((id(step.node), step.place) for step in path.steps) for path in found.paths)
    assert set(edges.values()) <= {1}, "a path is listed twice"


def test_paths_are_counted_without_being_enumerated():
    x = Value(1.0)
    y = x
    for _ in range(200):
        y = y + y
    found = explain(y * 1e-50, x, top=2)
    assert found.count == 2**200
    assert found.positive == pytest.approx(2.0**200 * 1e-50)


def test_paths_are_ranked_by_size_whatever_their_sign():
    x = Value(1.0)
    assert [path.product for path in explain(x * 5.0 + x * -7.0 + x * 6.0, x, top=2).paths] == [-7.0, 6.0]


def test_dead_relus_cut_paths():
    x = Value(2.0, "x")
    y = (x * 3.0).relu() + (x * -1.0).relu() + x * 0.0
    found = explain(y, x)
    assert (found.count, found.cut, found.gradient) == (3, 1, 3.0)
    assert "3 paths, 1 of them cut by a dead ReLU" in str(found)


def test_cancellation_is_the_mass_over_the_sum():
    x = Value(1.0)
    assert explain(x * 3.0 - x * 2.0, x).cancellation == 5.0
    assert explain(x - x, x).cancellation == math.inf
    assert explain(x * 3.0 + x * 2.0, x).cancellation == 1.0


def test_a_path_of_a_network_reads_as_the_chain_rule():
    model = MLP(2, [2, 1], seed=0)
    (y,) = model([0.5, -1.0])
    y.label = "y"
    weight = model.layers[0].neurons[1].w[0]
    text = str(explain(y, weight))
    first, second = text.splitlines()
    assert first.startswith("∂y/∂W1[1,0] = ")
    assert " = ∂y/∂a1[1] · ∂a1[1]/∂z1[1] · ∂z1[1]/∂W1[1,0] = " in second
    assert explain(y, weight).gradient == gradients(y, weight)


def test_values_that_share_a_label_are_told_apart():
    x = Value(1.0, "x")
    a, b = x.tanh(), x.sin()
    a.label = b.label = "a"
    assert "∂a#2/∂x" in str(explain(a * b, x))


def test_names_that_are_made_up_are_nobody_elses_label():
    x = Value(2.0, "v1")
    nodes = [x]
    for label in ("", "a", "a#2", "a", "", "v3", "a"):
        nodes.append(nodes[-1] * 1.0)
        nodes[-1].label = label
    found = explain(nodes[-1], x)
    assert [found.name(node) for node in nodes] == ["v1", "v2", "a", "a#2", "a#3", "v4", "v3", "a#4"]


def test_what_is_left_out_is_summed():
    x = Value(1.0, "x")
    y = x * 5.0 + x * 2.0 + x * 1.0
    assert str(explain(y, x, top=1)).endswith("… and 2 more paths, 3 in all")


def test_long_paths_are_abridged():
    y = x = Value(0.5, "x")
    for _ in range(100):
        y = tanh(y)
    (line,) = str(explain(y, x)).splitlines()[1:]
    assert line.count("… 88 more …") == 2


def test_no_path_and_the_output_itself():
    x, y = Value(1.0, "x"), Value(2.0, "y")
    assert str(explain(y * y, x)) == "∂output/∂x = 0: no path leads from x to the output"
    assert explain(y, y).paths[0].product == 1.0


def test_a_value_in_itself_has_the_derivative_1():
    y = Value(2.0, "y") * 1.5
    told = explain(y, y)
    assert (told.gradient, told.count, told.cancellation) == (1.0, 1, 1.0)
    assert "1 = the derivative of a Value in itself" in str(told)


def test_dead_paths_alone_cancel_nothing():
    x = Value(-2.0, "x")
    told = explain(x.relu() * 3.0, x)
    assert (told.gradient, told.count, told.cut, told.paths, told.cancellation) == (0.0, 1, 1, (), 1.0)


def test_bad_arguments_and_undefined_derivatives_are_refused():
    x = Value(0.0, "x")
    with pytest.raises(TypeError, match="needs a Value as wrt"):
        explain(x * x, 1.0)
    with pytest.raises(ValueError, match="top must be"):
        explain(x * x, x, top=0)
    with pytest.raises(DomainError, match="derivative of sqrt"):
        explain(x.sqrt(), x)


def test_paths_that_overflow_although_they_cancel_are_refused():
    x = Value(1e-200, "x")
    large = x * 1e200 * 1e200
    with pytest.raises(DomainError, match=r"the contributions of the paths to .* are not finite, although they cancel"):
        explain(large - large, x)


def test_the_number_of_paths_may_be_any_integer():
    x = Value(1.5)
    assert len(explain(x * x, x, top=np.int64(1)).paths) == 1


def test_grads_are_left_alone():
    x = Value(2.0)
    x.grad = 7.0
    explain(x * x, x)
    assert x.grad == 7.0


def test_a_rule_that_is_not_a_function_of_its_arguments_is_noticed():
    answers = iter([1.0, 2.0, 3.0])
    fickle = Op("fickle", forward=lambda x: x, partials=(lambda out, x: next(answers),))
    x = Value(1.0)
    with pytest.raises(ArithmeticError, match="sum to"):
        explain(fickle(x), x)
