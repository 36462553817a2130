"""A weight counts an example as often as it says."""

import numpy as np
import pytest

import nn

RNG = np.random.default_rng(0)
X, T = RNG.normal(size=(12, 2)), nn.one_hot(RNG.integers(0, 3, 12), 3)
TIMES = np.array([1, 2, 0, 3, 1, 1, 4, 0, 2, 1, 1, 5])
SAME = 1e-13  # of the largest entry: other orders of the same sums


def trained(X, T, engine="compiled", **options):
    model = nn.MLP(2, [4, 3], seed=0)
    sgd = nn.SGD(model.parameters(), learning_rate=0.3, momentum=0.5)
    settings = {"loss": "cross_entropy", "epochs": 5, "batch_size": len(X), "seed": 0, "optimizer": sgd}
    history = nn.fit(model, X, T, engine=engine, **(settings | options))
    return np.array([leaf.data for leaf in model.parameters()]), history, model


@pytest.mark.parametrize("engine", ["compiled", "eager"])
def test_whole_weights_are_repeated_examples(engine):
    repeated = np.repeat(np.arange(12), TIMES)
    validation = (X[:6], T[:6])
    found, history, model = trained(
        X, T, engine, sample_weight=TIMES, validation=(*validation, TIMES[:6]), metrics=["accuracy"]
    )
    rows = np.repeat(np.arange(6), TIMES[:6])
    expected, expected_history, _ = trained(X[repeated], T[repeated], engine, validation=(X[rows], T[rows]))
    np.testing.assert_allclose(found, expected, rtol=0, atol=SAME * np.abs(expected).max())
    for (name, series), (_, other) in zip(history.series(), expected_history.series(), strict=True):
        np.testing.assert_allclose(series, other, rtol=1e-12, err_msg=name)
    weighted = nn.evaluate(model, X, T, loss="cross_entropy", sample_weight=TIMES)
    whole = nn.evaluate(model, X[repeated], T[repeated], loss="cross_entropy")
    assert weighted.loss == pytest.approx(whole.loss, rel=1e-13)
    assert weighted.accuracy == pytest.approx(whole.accuracy, rel=1e-13)


def test_many_weighted_examples_are_evaluated_as_repeated_ones():
    rng = np.random.default_rng(1)
    many, targets = rng.normal(size=(3000, 2)), nn.one_hot(rng.integers(0, 3, 3000), 3)
    times = rng.integers(0, 3, 3000)
    rows = np.repeat(np.arange(3000), times)
    model = nn.MLP(2, [4, 3], seed=0)
    found = nn.evaluate(model, many, targets, loss="cross_entropy", sample_weight=times)
    assert found == pytest.approx(nn.evaluate(model, many[rows], targets[rows], loss="cross_entropy"), rel=1e-12)


def test_equal_weights_of_any_size_are_none():
    found, history, _ = trained(X, T, sample_weight=np.full(12, 7.0), batch_size=5)
    expected, expected_history, _ = trained(X, T, batch_size=5)
    np.testing.assert_allclose(found, expected, rtol=0, atol=SAME * np.abs(expected).max())
    np.testing.assert_allclose(history.loss, expected_history.loss, rtol=1e-13)


def test_a_batch_without_weight_takes_no_gradient():
    weights = np.r_[np.ones(4), np.zeros(8)]
    options = {"shuffle": False, "batch_size": 4, "epochs": 1}
    found, history, _ = trained(X, T, sample_weight=weights, **options)
    expected, expected_history, _ = trained(X[:4], T[:4], **options)
    sgd_goes_on = np.abs(found - expected).max()  # its velocity still moves the weights in two batches without gradient
    assert sgd_goes_on > 0
    assert history.loss[0] == pytest.approx(expected_history.loss[0], rel=1e-13)


@pytest.mark.parametrize("loss", sorted(nn.LOSSES))
def test_a_loss_takes_the_weight_of_its_example(loss):
    function = nn.LOSSES[loss]
    y, t = ([0.3, 0.6], [1.0, -1.0]) if loss == "hinge_loss" else ([0.3, 0.6], [0.0, 1.0])
    assert function(y, t, sample_weight=2.5) == 2.5 * function(y, t)
    assert function(y, t, sample_weight=0) == 0.0
    for wrong, error in ((-1.0, ValueError), (np.nan, ValueError), ("a", TypeError)):
        with pytest.raises(error, match="sample_weight"):
            function(y, t, sample_weight=wrong)


@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        (np.ones(11), ValueError, r"sample_weight must have shape \(12,\), got \(11,\)"),
        (-np.ones(12), ValueError, "sample_weight must be from 0 up, got -1.0 for example 0"),
        (np.zeros(12), ValueError, "greater than 0 for at least one"),
        (np.full(12, np.nan), ValueError, "sample_weight must be finite"),
        (["a"] * 12, TypeError, "sample_weight must hold real numbers"),
    ],
)
def test_weights_that_make_no_sense_are_errors(weights, error, message):
    with pytest.raises(error, match=message):
        trained(X, T, sample_weight=weights)
    with pytest.raises(error, match=message):
        nn.evaluate(nn.MLP(2, [3], seed=0), X, T, loss="cross_entropy", sample_weight=weights)


def test_the_closed_form_knows_no_weights():
    with pytest.raises(ValueError, match="sample_weight"):
        trained(X, T, "closed_form", sample_weight=TIMES)


def test_a_weighted_run_is_resumed_bit_for_bit(tmp_path):
    whole, _, _ = trained(X, T, sample_weight=TIMES, batch_size=5)
    path = tmp_path / "c.npz"
    trained(X, T, sample_weight=TIMES, batch_size=5, epochs=2, checkpoint=path, checkpoint_every=1)
    found, _, _ = trained(X, T, sample_weight=TIMES, batch_size=5, checkpoint=path, resume=True)
    np.testing.assert_array_equal(found, whole)
    with pytest.raises(ValueError, match="the data are different"):
        trained(X, T, sample_weight=TIMES + 1, batch_size=5, checkpoint=path, resume=True)
