"""What a graph is recognised as: the statements of the program."""

from __future__ import annotations

import gc
import itertools
from contextlib import nullcontext

import numpy as np
import pytest

from autograd import Op, Value, affine, compile, total
from autograd.lift import lift
from tests.lift_graphs import matrix_products


def chain(row, inputs, bias):
    return sum((w * a for w, a in zip(row, inputs, strict=True)), bias)


def network(sizes, neuron, seed=0, labelled=True):
    """Return inputs, targets, parameters and half the squared error of a tanh network."""
    rng = np.random.default_rng(seed)
    x, t = [Value(v) for v in rng.normal(size=sizes[0])], [Value(v) for v in rng.normal(size=sizes[-1])]
    a, leaves = x, []
    for l, (n_in, n_out) in enumerate(itertools.pairwise(sizes), 1):
        W = [[Value(rng.normal(), f"W{l}[{i},{j}]" * labelled) for j in range(n_in)] for i in range(n_out)]
        b = [Value(rng.normal(), f"b{l}[{i}]" * labelled) for i in range(n_out)]
        leaves += [*(w for row in W for w in row), *b]
        a = [neuron(row, a, bias).tanh() for row, bias in zip(W, b, strict=True)]
    return x, t, leaves, 0.5 * sum((p - q) ** 2 for p, q in zip(a, t, strict=True))


@pytest.mark.parametrize("labelled", [True, False])
@pytest.mark.parametrize("neuron", [affine, chain])
def test_a_network_has_the_same_statements_however_its_neurons_are_written(neuron, labelled):
    x, t, leaves, cost = network([3, 4, 2], neuron, labelled=labelled)
    program = lift(cost, {"x": x, "t": t})
    names = [s.target.name for s in program.derived.forward.statements]
    assert names == ["z1", "a1", "z2", "a2", "s1", "loss"]
    assert matrix_products(program) == ["z1", "z2"]
    assert [p.name for p in program.derived.parameters.all] == ["W1", "b1", "W2", "b2"]
    backward = [s.target.name for s in program.derived.reverse.statements]
    assert backward == ["ds1", "da2", "delta2", "da1", "delta1", "dW1", "db1", "dW2", "db2"]
    cost.backward()
    loss, gradient = program.value_and_grad(x=[v.data for v in x], t=[v.data for v in t])
    assert loss == pytest.approx(cost.data, rel=1e-13)
    for p in program.derived.parameters.all:
        expected = np.array([leaves[k].grad for k in p.leaves.ravel()]).reshape(p.shape)
        np.testing.assert_allclose(gradient[p.name], expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("fails", [True, False])
def test_the_garbage_collector_rests_while_a_program_is_derived_and_is_then_as_it_was(running, fails):
    seen = []

    def square(x):
        seen.append(gc.isenabled())
        if fails:
            raise LookupError
        return x[0] * x[0]

    before = gc.isenabled()
    try:
        (gc.enable if running else gc.disable)()
        with pytest.raises(LookupError) if fails else nullcontext():
            compile(square).value(x=[[1.0], [2.0]])
        after = gc.isenabled()
    finally:
        (gc.enable if before else gc.disable)()
    assert not any(seen)
    assert after == running


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_weighted_input_that_is_added_to_its_like_counts_twice(sign):
    """w·x written twice, once to be used elsewhere as well: both are the same value, and both are in the sum."""
    w = [Value(0.5, "w[0]"), Value(-0.25, "w[1]")]

    def cost(x):
        z, again = (w[0] * x[0] + w[1] * x[1] for _ in range(2))
        return z.tanh() + ((again + x[2]) + sign * z)

    program = compile(cost, parameters={"w": w})
    rows = [[1.0, 2.0, 3.0], [0.5, -1.0, 2.0]]
    loss, gradient = program.value_and_grad(x=rows)
    z = [0.5 * a - 0.25 * b for a, b, _ in rows]
    assert loss == pytest.approx(np.mean([np.tanh(v) + v + row[2] + sign * v for v, row in zip(z, rows, strict=True)]))
    slope = [1.0 - np.tanh(v) ** 2 + 1.0 + sign for v in z]
    np.testing.assert_allclose(
        gradient["w"], [np.mean([s * row[k] for s, row in zip(slope, rows, strict=True)]) for k in (0, 1)]
    )


# --- the report ----------------------------------------------------------------------------------


def test_the_report_says_why_members_in_no_regular_order_are_gathered_and_added_one_by_one():
    w = [Value(0.1 * k, f"w[{k}]") for k in range(6)]
    order = [3, 1, 4, 0, 5, 2]
    program = compile(lambda x: total([(w[p] * x[k]).tanh() for k, p in enumerate(order)]), parameters={"w": w})
    program.value(x=[[0.5, 1.0, -1.0, 2.0, 0.1, 0.3], [1.0] * 6])
    text = program.report()
    assert "Gathered one by one, 6 members of w (3, 1, 4, 0, 5, 2): they do not lie at equal distances." in text
    assert "In reverse, dw: Added one by one, to 6 members (3, 1, 4, 0, 5, 2)" in text


def test_the_report_says_why_sums_of_different_lengths_are_no_array():
    w = [Value(0.1 * k, f"w[{k}]") for k in range(9)]
    pairs = ([(0, 1), (2, 5)], [(1, 7), (3, 3), (2, 8)], [(4, 6)])
    text = lift(sum(total([w[i] * w[j] for i, j in each]).tanh() for each in pairs)).report()
    assert "Kept apart, s1, s2, s3: sums over parameters alike, with different numbers or kinds of products." in text


def test_the_report_says_why_a_thin_network_is_no_matrix_product():
    """Below the density at which a matrix with zeros pays: 450 of 90,000 connections."""
    rng = np.random.default_rng(0)
    inputs = [rng.choice(300, 1 + i % 2, replace=False).tolist() for i in range(300)]
    weights = [[Value(float(v)) for v in rng.normal(size=len(each))] for each in inputs]
    program = compile(
        lambda x: total(
            [
                total([w * x[j] for w, j in zip(ws, js, strict=True)]).tanh()
                for ws, js in zip(weights, inputs, strict=True)
            ]
        )
    )
    program.value(x=rng.normal(size=(2, 300)))
    text = program.report()
    assert "No matrix product: the sums are not all the pairs of some rows and some columns." in text
    assert "Gathered one by one, 450 members of x" in text
    assert "and some occur more than once" in text


def test_the_report_says_which_operation_has_no_form_for_arrays():
    cube = Op("cube", lambda x: x**3, partials=(lambda out, x: 3.0 * x * x,))
    program = compile(lambda x: total([cube(v) for v in x]))
    program.value(x=[[1.0, 2.0], [3.0, 4.0]])
    assert "cube is called number by number: it has no form for arrays." in program.report()


def test_the_report_of_a_network_has_nothing_to_explain():
    x, t, _, cost = network((3, 4, 2), affine)
    text = lift(cost, {"x": x, "t": t}).report()
    for word in ("one by one", "Kept apart", "No matrix product", "number by number"):
        assert word not in text
