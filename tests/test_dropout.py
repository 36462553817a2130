"""Dropout multiplies activations by masks that come from outside, in training only, and can be resumed."""

import numpy as np
import pytest

import nn
from autograd import Value
from nn.model.dropout import drawn_masks

RNG = np.random.default_rng(0)
X, T = RNG.normal(size=(20, 3)), nn.one_hot(RNG.integers(0, 2, 20), 2)


def network(dropout=0.5, **options):
    return nn.MLP(3, [6, 5, 2], dropout=dropout, seed=0, **options)


def trained(model, engine="compiled", **options):
    settings = {"loss": "cross_entropy", "epochs": 4, "batch_size": 8, "seed": 3}
    settings["optimizer"] = nn.Adam(model.parameters(), learning_rate=0.05)
    history = nn.fit(model, X, T, engine=engine, **(settings | options))
    return np.array([leaf.data for leaf in model.parameters()]), history


def by_hand(model, x, masks):
    a = np.asarray(x)
    for l, (W, b) in enumerate(zip(model.weights, model.biases, strict=True)):
        z = W @ a + b
        a = np.tanh(z) * masks[l] if l < 2 else z
    return a


def test_an_activation_is_multiplied_by_its_mask():
    model = network()
    masks = [[0.0, 2.0] * 3, [2.0, 0.0, 0.0, 2.0, 2.0]]
    y = [value.data for value in model(X[0], masks=masks)]
    np.testing.assert_allclose(y, by_hand(model, X[0], masks), rtol=1e-14)


def test_without_masks_nothing_is_dropped():
    plain, dropping = network(0.0), network(0.9)
    assert [v.data for v in plain(X[0])] == [v.data for v in dropping(X[0])]
    np.testing.assert_array_equal(plain.predict(X), dropping.predict(X))
    assert nn.evaluate(plain, X, T, loss="cross_entropy") == nn.evaluate(dropping, X, T, loss="cross_entropy")


def test_the_rate_is_the_share_of_zeros_and_the_mean_stays():
    masks = drawn_masks(network([0.25, 0.0, 0.0]), 20000, np.random.default_rng(0))
    assert list(masks) == ["mask1"]
    assert set(np.unique(masks["mask1"])) == {0.0, 1 / 0.75}
    # 120000 draws: five standard deviations of the share are 0.00625
    assert (masks["mask1"] == 0.0).mean() == pytest.approx(0.25, abs=0.00625)
    assert masks["mask1"].mean() == pytest.approx(1.0, abs=0.00834)


def test_a_step_is_along_the_gradient_with_the_masks_of_the_seed():
    model, other = network(), network()
    sgd = nn.SGD(model.parameters(), learning_rate=1.0)
    trained(model, optimizer=sgd, epochs=1, batch_size=20, shuffle=False)
    seed = int(np.random.default_rng(3).integers(2**63))
    masks = drawn_masks(other, 20, np.random.default_rng([seed, 0]))
    for x, t, m1, m2 in zip(X, T.tolist(), masks["mask1"].tolist(), masks["mask2"].tolist(), strict=True):
        (nn.cross_entropy(other(x, masks=[m1, m2]), t) / 20).backward()
    for leaf, moved in zip(other.parameters(), model.parameters(), strict=True):
        assert moved.data == pytest.approx(leaf.data - leaf.grad, rel=1e-12, abs=1e-14)


def test_the_engines_draw_the_same_masks():
    compiled, _ = trained(network())
    eager, _ = trained(network(), "eager")
    np.testing.assert_allclose(compiled, eager, rtol=0, atol=1e-9 * np.abs(eager).max())
    with pytest.raises(ValueError, match=r"closed_form.*dropout"):
        trained(network(), "closed_form")


def test_a_seed_fixes_the_masks_and_another_one_changes_them():
    one, again, other = (trained(network(), seed=seed, shuffle=False)[0] for seed in (3, 3, 4))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


def test_a_run_with_dropout_is_resumed_bit_for_bit_within_an_epoch(tmp_path):
    whole, _ = trained(network())

    class Ended(Exception):  # noqa: N818  # stands for the end of a process
        pass

    for after in (1, 4, 5, 10):
        model, path = network(), tmp_path / f"{after}.npz"
        adam = nn.Adam(model.parameters(), learning_rate=0.05)
        step, taken = adam.apply, []

        def dying(gradients, step=step, taken=taken, after=after):
            if len(taken) == after:
                raise Ended
            taken.append(None)
            step(gradients)

        adam.apply = dying
        with pytest.raises(Ended):
            trained(model, optimizer=adam, checkpoint=path, checkpoint_every=1)
        found, _ = trained(network(), checkpoint=path, checkpoint_every=1, resume=True)
        np.testing.assert_array_equal(found, whole)
    with pytest.raises(ValueError, match="another run"):
        trained(network(0.1), checkpoint=path, checkpoint_every=1, resume=True)


def test_validation_is_without_dropout():
    model = network(0.8)
    sgd = nn.SGD(model.parameters(), learning_rate=0.0)
    _, history = trained(model, optimizer=sgd, epochs=2, validation=(X, T))
    assert history.validation_loss == pytest.approx(nn.evaluate(model, X, T, loss="cross_entropy").loss, rel=1e-13)
    assert history.loss[0] != pytest.approx(history.validation_loss[0], rel=1e-3)
    assert history.loss[0] != history.loss[1]


def test_the_rates_are_kept_in_a_file(tmp_path):
    nn.save(network([0.5, 0.1, 0.0]), tmp_path / "m.npz")
    assert nn.load(tmp_path / "m.npz").dropout == (0.5, 0.1, 0.0)


@pytest.mark.parametrize(
    ("dropout", "error", "message"),
    [
        (1.0, ValueError, "at least 0 and less than 1, got 1.0"),
        (-0.1, ValueError, "at least 0"),
        (np.nan, ValueError, "at least 0"),
        ("half", TypeError, "a rate or a list"),
        (True, TypeError, "must be a number"),
        ([0.5], ValueError, "3 rates of dropout, got 1"),
        ([0.0, 0.0, 0.5], ValueError, "the last rate of dropout must be 0"),
        ([0.0, "a", 0.0], TypeError, "must be a number"),
    ],
)
def test_rates_that_make_no_sense_are_errors(dropout, error, message):
    with pytest.raises(error, match=message):
        network(dropout)


@pytest.mark.parametrize("masks", [[[1.0] * 6], [[1.0] * 6, [1.0] * 4], [[1.0] * 6] * 3])
def test_masks_that_do_not_fit_are_errors(masks):
    with pytest.raises(ValueError, match=r"masks of the lengths \[6, 5\]"):
        network()(X[0], masks=masks)


def test_masks_may_be_values():
    mask = [Value(2.0), *[1.0] * 5]
    y = network()(X[0], masks=[mask, [1.0] * 5])
    y[0].backward()
    assert mask[0].grad != 0.0


def test_every_batch_and_every_epoch_has_masks_of_its_own():
    seen = []

    class Watching(nn.MLP):
        def __call__(self, x, masks=()):
            if masks:
                seen.append(tuple(map(tuple, masks)))
            return super().__call__(x, masks)

    model = Watching(3, [20, 5, 2], dropout=0.5, seed=0)
    trained(model, "eager", epochs=2, shuffle=False)
    assert len(set(seen)) == len(seen) == 40
