"""Inputs with more axes than one come as nested lists, and every shape of them has its program."""

import numpy as np
import pytest

import autograd
from autograd import Value, softmax

ROUNDING = 1e-12


def attention():
    rng = np.random.default_rng(0)
    W = {
        name: [[Value(rng.normal(), f"{name}[{i},{j}]") for j in range(2)] for i in range(2)]
        for name in ("Wq", "Wk", "Wv")
    }

    def product(matrix, vector):
        return [sum(w * a for w, a in zip(row, vector, strict=True)) for row in matrix]

    def loss(x, t):
        queries, keys, values = ([product(W[name], token) for token in x] for name in ("Wq", "Wk", "Wv"))
        total = 0.0
        for query, target in zip(queries, t, strict=True):
            weights = softmax([sum(q * k for q, k in zip(query, key, strict=True)) for key in keys])
            for d in range(2):
                mixed = sum(a * value[d] for a, value in zip(weights, values, strict=True))
                total = total + 0.5 * (mixed - target[d]) ** 2
        return total

    return loss, W


def eager(loss, W, x, t):
    leaves = [leaf for rows in W.values() for row in rows for leaf in row]
    for leaf in leaves:
        leaf.grad = 0.0
    mean = autograd.mean([loss(a, b) for a, b in zip(x.tolist(), t.tolist(), strict=True)])
    mean.backward()
    return mean.data, np.array([leaf.grad for leaf in leaves])


def test_nested_lists_are_arrays_with_more_axes_of_any_length():
    loss, W = attention()
    program = autograd.compile(loss, parameters=W)
    rng = np.random.default_rng(1)
    for positions in (3, 2, 5, 3):
        x, t = rng.normal(size=(4, positions, 2)), rng.normal(size=(4, positions, 2))
        value, gradients = program.value_and_grad(x=x, t=t)
        expected, slopes = eager(loss, W, x, t)
        assert value == pytest.approx(expected, rel=ROUNDING)
        found = np.concatenate([gradients[name].ravel() for name in W])
        np.testing.assert_allclose(found, slopes, atol=ROUNDING * abs(slopes).max(), rtol=0)
        assert program.value(x=x.tolist(), t=t.tolist()) == value
        np.testing.assert_allclose(program.losses(x=x, t=t).mean(), value, rtol=ROUNDING)
    assert "softmax" in program.equations()


def test_shapes_of_one_size_have_each_their_program():
    w = Value(2.0, "w")
    program = autograd.compile(lambda x: w * x[0][1] + len(x), parameters=[w])
    assert program.value(x=np.arange(6.0).reshape(1, 2, 3)) == 4.0
    assert program.value(x=np.arange(6.0).reshape(1, 3, 2)) == 5.0
    assert program.value(x=np.arange(6.0).reshape(1, 2, 3)) == 4.0


def test_branches_on_nested_inputs_are_taken_row_by_row():
    w = Value(2.0, "w")

    def loss(x):
        return w * x[1][0] if x[0][0] > x[1][1] else -3.0 * w

    program = autograd.compile(loss, parameters=[w])
    x = np.random.default_rng(2).normal(size=(20, 2, 2))
    expected = [loss(row).data for row in x.tolist()]
    np.testing.assert_allclose(program.losses(x=x), expected, rtol=ROUNDING)


def test_a_row_that_is_not_finite_is_named():
    w = Value(2.0, "w")
    program = autograd.compile(lambda x: w * sum(map(sum, x)), parameters=[w])
    x = np.ones((3, 2, 2))
    x[1, 0, 1] = np.nan
    with pytest.raises(ValueError, match="input 'x' needs finite numbers, got NaN or infinity in row 1"):
        program.value(x=x)
    with pytest.raises(ValueError, match="rows of one length"):
        program.value(x=[[[1.0], [1.0, 2.0]]])
