"""The engines that compute gradients in training give the same run."""

from __future__ import annotations

import math

import numpy as np
import pytest

import nn
from autograd import Value, log, where

SAME = 1e-9  # of the largest entry after 50 steps: rounding, grown by the steps


def run(engine, loss, output_activation="identity", **options):
    rng = np.random.default_rng(3)
    X, classes = rng.normal(size=(50, 4)), rng.integers(0, 3, 50)
    T = nn.one_hot(classes, 3)
    model = nn.MLP(4, [5, 6, 3], activation="tanh", output_activation=output_activation, seed=1)
    optimizer = nn.SGD(model.parameters(), learning_rate=0.1, momentum=0.9)
    settings = {"loss": loss, "optimizer": optimizer, "epochs": 10, "batch_size": 10, "seed": 0, "progress": False}
    history = nn.fit(model, X, T, engine=engine, **(settings | options))
    return model, history


@pytest.mark.parametrize(
    ("loss", "output"),
    [
        ("cross_entropy", "identity"),
        ("half_squared_error", "sigmoid"),
        ("binary_cross_entropy", "sigmoid"),
        ("binary_cross_entropy_with_logits", "identity"),
        ("mse_loss", "softplus"),
    ],
)
def test_the_three_engines_give_the_same_run_after_50_steps(loss, output):
    runs = {engine: run(engine, loss, output, l2=1e-3) for engine in ("compiled", "eager", "closed_form")}
    model, history = runs["eager"]
    for engine in ("compiled", "closed_form"):
        other, other_history = runs[engine]
        np.testing.assert_allclose(other_history.loss, history.loss, rtol=SAME)
        for name, array in model.state_dict().items():
            np.testing.assert_allclose(other.state_dict()[name], array, rtol=0.0, atol=SAME * np.abs(array).max())


def by_sign(y, t):
    return sum((a - b) ** 2 if a.data > 0.0 else (a - b) * (b - a) * -2.0 for a, b in zip(y, t, strict=True))


def test_a_loss_that_branches_on_its_numbers_is_compiled():
    model, history = run("compiled", by_sign)
    expected, expected_history = run("eager", by_sign)
    np.testing.assert_allclose(history.loss, expected_history.loss, rtol=SAME)
    for a, b in zip(model.weights, expected.weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=0.0, atol=SAME * np.abs(b).max())


def test_a_loss_that_cannot_be_recorded_is_trained_eagerly_with_a_warning_that_names_the_line():
    def measured(y, t):
        return by_sign(y, t) * math.exp(-abs(y[0].data))

    with pytest.warns(RuntimeWarning, match=r"eager engine.*test_engines.py, line \d+: float\(\)"):
        model, _ = run("compiled", measured)
    expected, _ = run("eager", measured)
    assert all(np.array_equal(a, b) for a, b in zip(model.weights, expected.weights, strict=True))


def test_an_unknown_engine_and_one_that_does_not_fit_are_refused():
    with pytest.raises(ValueError, match="compiled"):
        run("magic", "cross_entropy")
    with pytest.raises(TypeError, match="engine"):
        run(None, "cross_entropy")
    with pytest.raises(ValueError, match="closed_form"):
        run("closed_form", lambda y, t: -log(where(t[0], y[0] * y[0] + 1.0, 1.5)))

    class Line(nn.Module):
        def __init__(self):
            self.w = Value(0.5, "w")

        def __call__(self, x):
            return self.w * x[0]

    line = Line()
    with pytest.raises(TypeError, match="MLP"):
        nn.fit(
            line,
            [[1.0]],
            [[2.0]],
            loss="mse_loss",
            optimizer=nn.SGD(line.parameters(), learning_rate=0.1),
            epochs=1,
            batch_size=1,
            seed=0,
            engine="closed_form",
        )
