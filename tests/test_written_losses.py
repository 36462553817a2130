"""Losses as people write them give the same training run by the compiled engine as by the scalar one.

Where that is not possible, training goes on eagerly, and a warning names the line.
"""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

import nn
from autograd import Value, exp, log, relu, sigmoid

SAME = 1e-9  # of the largest entry after 24 steps: rounding, grown by the steps
WEIGHT = {0.0: 1.0, 1.0: 5.0}
TABLE = [1.0, 5.0]


def fitted(loss, engine, *, output="sigmoid", classes=2):
    """Return the weights and the history of a small run, and the warnings that it gave."""
    data = nn.data.moons(60, noise=0.2, seed=0)
    T = data.y[:, None] * 1.0
    order = np.argsort(data.y, kind="stable")  # sorted by class: the first batch takes one path
    model = nn.MLP(2, [5, classes - 1], activation="tanh", output_activation=output, seed=0)
    sgd = nn.SGD(model.parameters(), learning_rate=0.05)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        history = nn.fit(
            model,
            data.X[order],
            T[order],
            loss=loss,
            optimizer=sgd,
            epochs=6,
            batch_size=15,
            seed=0,
            shuffle=False,
            progress=False,
            engine=engine,
        )
    return model.state_dict(), history, [str(each.message) for each in caught]


def assert_the_same_run(loss, **options):
    weights, history, warned = fitted(loss, "compiled", **options)
    expected, expected_history, _ = fitted(loss, "eager", **options)
    np.testing.assert_allclose(history.loss, expected_history.loss, rtol=SAME)
    for name, array in expected.items():
        np.testing.assert_allclose(weights[name], array, rtol=0.0, atol=SAME * np.abs(array).max())
    return warned


def cross_entropy_by_case(y, t):
    return -log(y[0]) if t[0] == 1 else -log(1 - y[0])


def cross_entropy_by_the_other_case(y, t):
    return -log(1 - y[0]) if t[0] != 1 else -log(y[0])


def member(y, t):
    return -log(y[0]) if t[0] in (1, 2) else -log(1 - y[0])


def equal_lists(y, t):
    return -log(y[0]) if t == [1.0] else -log(1 - y[0])


def equal_arrays(y, t):
    return -log(y[0]) if (np.array(t) == 1).all() else -log(1 - y[0])


def counted(y, t):
    return t.count(1.0) * (y[0] - 1.0) ** 2 + t.count(0.0) * y[0] ** 2


def weighted_by_class(y, t):
    return (y[0] - t[0]) ** 2 * ((t[0] == 1) * 5 + 1)


def weighted_by_a_dictionary(y, t):
    return (y[0] - t[0]) ** 2 * WEIGHT[t[0]]


def weighted_by_a_table(y, t):
    return (y[0] - t[0]) ** 2 * TABLE[int(t[0])]


def only_mistakes(y, t):
    return (y[0] - t[0]) ** 2 * (0.5 if round(y[0].data) == t[0] else 2.0)


def focal(y, t):
    p = y[0] if t[0] else 1 - y[0]
    return -((1 - p) ** 2) * log(p)


def hard_examples(y, t):
    e = (y[0] - t[0]) ** 2
    return e if e > 0.2 else 0.1 * e


def huber(y, t):
    e = abs(y[0] - t[0])
    return 0.5 * e * e if e < 0.3 else 0.3 * (e - 0.15)


def pinball(y, t):
    return max(0.9 * (t[0] - y[0]), 0.1 * (y[0] - t[0]))


def with_a_detached_target(y, t):
    confidence = y[0].detach() if y[0] > 0.5 else 1 - y[0].data
    return confidence * (y[0] - t[0]) ** 2


def with_a_python_mean(y, t):
    return sum((a - b) ** 2 for a, b in zip(y, t, strict=True)) / len(t)


def with_numbers_of_targets(y, t):
    return (y[0] - math.floor(t[0] + 0.5)) ** 2 + float(t[0]) * relu(0.5 - y[0])


def signed(y, t):
    return relu(1.0 - y[0] * (1 if t[0] > 0.5 else -1))


def of_a_target_that_is_a_power(y, t):
    return (y[0] - 2 ** t[0]) ** 2 + exp(t[0]) * y[0]


COMPILED = [
    each
    for each in list(globals().values())
    if getattr(each, "__module__", "") == __name__ and callable(each) and each.__code__.co_varnames[:2] == ("y", "t")
]


@pytest.mark.parametrize("loss", COMPILED, ids=lambda loss: loss.__name__)
def test_a_loss_with_branches_is_compiled_and_gives_the_run_of_the_eager_engine(loss):
    assert not assert_the_same_run(loss)


@pytest.mark.parametrize("loss", [cross_entropy_by_case, lambda y, _t: (sigmoid(y[0]) - 0.5) ** 2])
def test_a_loss_is_called_to_record_its_paths_and_no_more(loss):
    calls = []

    def watched(y, t):
        calls.append(t)
        return loss(y, t)

    assert not fitted(watched, "compiled")[2]
    assert len(calls) < 20  # of 360 examples


def test_cross_entropy_by_case_learns_the_classes():
    _, history, _ = fitted(cross_entropy_by_case, "compiled")
    assert history.loss[-1] > 0.05  # with one branch for all rows it fell to 0.002


def reads_the_number(y, t):
    return (y[0] - t[0]) ** 2 * math.exp(y[0].data)


def prints(y, t):
    assert f"{y[0]:.2f}"
    return (y[0] - t[0]) ** 2


def ignores_the_target(y, _t):
    return (sigmoid(y[0]) - 0.5) ** 2


@pytest.mark.parametrize("loss", [reads_the_number, prints], ids=lambda loss: loss.__name__)
def test_a_loss_that_cannot_be_compiled_is_trained_eagerly_with_a_warning_that_names_the_line(loss):
    line = loss.__code__.co_firstlineno + 1
    (message,) = assert_the_same_run(loss)
    assert "eager engine" in message
    assert f"test_written_losses.py, line {line}" in message


def test_noise_is_drawn_alike_by_both_engines():
    rng = np.random.default_rng(0)

    def noisy(y, t):
        return (y[0] - t[0] + 0.1 * rng.normal()) ** 2

    weights, _, (message,) = fitted(noisy, "compiled")
    rng = np.random.default_rng(0)
    expected, _, _ = fitted(noisy, "eager")
    assert "draws random numbers from 'rng'" in message
    assert all(np.array_equal(weights[name], array) for name, array in expected.items())


def test_a_loss_may_ignore_its_target():
    assert not assert_the_same_run(ignores_the_target)


def test_a_model_with_a_branch_is_compiled():
    class Gated(nn.Module):
        def __init__(self):
            self.w = [Value(0.5), Value(-0.25)]

        def __call__(self, x):
            return self.w[0] * x[0] if x[1] > 0 else self.w[1] * x[0] * x[1]

    X = np.random.default_rng(0).normal(size=(40, 2))
    T = np.where(X[:, 1:] > 0, 2.0, -1.0) * X[:, :1]
    runs = []
    for engine in ("compiled", "eager"):
        model = Gated()
        sgd = nn.SGD(model.parameters(), learning_rate=0.1)
        nn.fit(model, X, T, loss="mse_loss", optimizer=sgd, epochs=5, batch_size=8, seed=0, engine=engine)
        runs.append([leaf.data for leaf in model.parameters()])
    np.testing.assert_allclose(*runs, rtol=SAME)
