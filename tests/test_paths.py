"""A compiled function gives what the Python function gives, row by row, or an error that says why it cannot."""

from __future__ import annotations

import random

import numpy as np
import pytest

import nn
from autograd import RecordingError, Value, compile
from tests.small_functions import COMPILED, REFUSED

EXACT = 1e-12
START = (0.75, -1.25, 0.5)


def rows():
    """Return inputs with many small whole numbers, whose comparisons are often ties, and targets 0, 1, 2."""
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.integers(-2, 3, size=(8, 3)) * 1.0, rng.integers(-9, 10, size=(10, 3)) / 4.0])
    X[0] = [1.0, 1.0, -1.0]
    X[1] = [-2.0, -2.0, -2.0]
    return X, rng.integers(0, 3, size=(len(X), 1)) * 1.0


def eagerly(function, numbers, X, T):
    """Return the loss of every row, the gradient of their mean, and the outputs, by the engine."""
    w = [Value(number) for number in numbers]
    losses, outputs = [], []
    for x, t in zip(X.tolist(), T.tolist(), strict=True):
        loss = function(w, [Value(v) for v in x], [Value(v) for v in t])
        if isinstance(loss, tuple):
            loss, named = loss
            outputs.append([v.data if isinstance(v, Value) else v for v in (named["y"], *named["more"])])
        if isinstance(loss, Value):
            loss.backward(1.0 / len(X))
        losses.append(loss.data if isinstance(loss, Value) else float(loss))
    return np.array(losses), np.array([leaf.grad for leaf in w]), np.array(outputs)


def assert_alike(program, function, numbers, X, T):
    losses, gradient, outputs = eagerly(function, numbers, X, T)
    scale = max(np.abs(losses).max(), np.abs(gradient).max(), 1.0)
    for _ in range(2):  # by code that is new, and by code that has run
        value, found = program.value_and_grad(x=X, t=T)
        np.testing.assert_allclose(value, losses.mean(), rtol=0.0, atol=EXACT * scale)
        np.testing.assert_allclose(found["w"], gradient, rtol=0.0, atol=EXACT * scale)
    np.testing.assert_allclose(program.losses(x=X, t=T), losses, rtol=0.0, atol=EXACT * scale)
    np.testing.assert_allclose(program.value(x=X, t=T), losses.mean(), rtol=0.0, atol=EXACT * scale)
    if len(outputs):
        found = program.outputs(x=X, t=T)
        np.testing.assert_allclose(np.hstack([found["y"], found["more"]]), outputs, rtol=0.0, atol=EXACT * scale)


@pytest.mark.parametrize("order", ["given", "one by one"])
@pytest.mark.parametrize("name", COMPILED)
def test_a_compiled_function_gives_what_the_function_gives_on_every_row(name, order):
    function = COMPILED[name]
    X, T = rows()
    places = np.random.default_rng(1).permutation(len(X))
    batches = [[k] for k in places] if order == "one by one" else [places, places[:5], places[::-1], places[-1:]]
    w = [Value(number) for number in START]
    program = compile(lambda x, **given: function(w, x, given["t"]), parameters={"w": w})
    for batch in batches:
        assert_alike(program, function, START, X[batch], T[batch])


@pytest.mark.parametrize("name", COMPILED)
def test_a_compiled_function_follows_its_parameters(name):
    function = COMPILED[name]
    X, T = rows()
    w = [Value(number) for number in START]
    program = compile(lambda x, **given: function(w, x, given["t"]), parameters={"w": w})
    program.value(x=X, t=T)
    new = (-0.5, 1.75, 0.25)
    program.named(program.flat)["w"][...] = new
    assert_alike(program, function, new, X, T)
    new = (3.0, 0.125, -2.0)
    for leaf, number in zip(w, new, strict=True):
        leaf.data = number
    assert_alike(program, function, new, X, T)
    new = (0.25, -0.125, 1.0)
    for leaf, number in zip(w, new, strict=True):
        leaf.grad = leaf.data - number
    nn.SGD(w, learning_rate=1.0).step()
    assert_alike(program, function, new, X, T)


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_compiled_is_refused_with_the_reason(name):
    function, match = REFUSED[name]
    T = rows()[1]
    many = np.random.default_rng(0).normal(size=(200, 3))
    w = [Value(number) for number in START]
    states = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    program = compile(lambda x, **given: function(w, x, given["t"]), parameters={"w": w})
    for _ in range(2):
        with pytest.raises(RecordingError, match=match):
            program.value_and_grad(x=many, t=np.resize(T, (200, 1)))
    assert (random.getstate(), np.random.get_state()[1].tolist()) == states  # noqa: NPY002
    assert [leaf.data for leaf in w] == list(START)


def test_the_corpus_is_large():
    assert len(COMPILED) + len(REFUSED) >= 60
