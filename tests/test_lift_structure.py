"""What a graph is recognised as: the statements of the program."""

from __future__ import annotations

import gc
import itertools
from contextlib import nullcontext

import numpy as np
import pytest

from autograd import Value, affine, compile
from autograd.lift import Program, lift
from autograd.lift.expression import MatMul, children


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


def matrix_products(program: Program) -> list[str]:
    def count(expression):
        return isinstance(expression, MatMul) + sum(count(child) for child in children(expression))

    return [s.target.name for s in program.derived.forward.statements for _ in range(count(s.value))]


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
