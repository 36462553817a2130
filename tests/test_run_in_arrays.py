"""A run keeps its parameters in one array, and whoever may look finds its Values up to date."""

import warnings

import numpy as np
import pytest

import nn
from autograd import Value
from tests.classification import examples, network, state

X, T = examples()


def fit(model, **options):
    settings = {"loss": "cross_entropy", "epochs": 3, "batch_size": 4, "seed": 0}
    settings["optimizer"] = nn.SGD(model.parameters(), learning_rate=0.1, momentum=0.9)
    return nn.fit(model, X, T, **(settings | options))


def states_by_epoch(epochs=3, **options):
    """The weights after each epoch, of runs of one, two, three epochs."""
    found = []
    for epoch in range(1, epochs + 1):
        model = network()
        fit(model, epochs=epoch, **options)
        found.append(state(model))
    return found


def test_callbacks_metrics_and_schedules_find_the_values_up_to_date():
    model, seen = network(), {"callback": [], "metric": [], "schedule": []}

    def metric(_outputs, _targets):
        seen["metric"].append(state(model))
        return 0.0

    def schedule(_epoch):
        seen["schedule"].append(state(model))
        return 1.0

    fit(
        model,
        callbacks=[lambda end: seen["callback"].append(state(end.model))],
        metrics=[metric],
        schedule=schedule,
    )
    expected = states_by_epoch()
    assert seen["callback"] == seen["metric"] == expected
    assert seen["schedule"] == [state(network()), *expected[:2]]


def test_what_a_callback_changes_is_trained_on_from_there():
    def halve(end):
        if end.epoch == 1:
            for leaf in end.model.parameters():
                leaf.data /= 2
            end.optimizer.state = {"velocity": np.zeros(len(end.optimizer.parameters))}

    model, by_hand = network(), network()
    fit(model, epochs=2, callbacks=[halve], shuffle=False)
    fit(by_hand, epochs=1, shuffle=False)
    for leaf in by_hand.parameters():
        leaf.data /= 2
    fit(by_hand, epochs=1, shuffle=False)
    assert state(model) == state(by_hand)


def test_the_state_of_the_optimiser_is_in_the_order_of_its_parameters():
    model = network()
    leaves = model.parameters()[::-1]
    backwards = nn.SGD(leaves, learning_rate=0.1, momentum=0.9)
    fit(model, optimizer=backwards)
    forwards_model = network()
    forwards = nn.SGD(forwards_model.parameters(), learning_rate=0.1, momentum=0.9)
    fit(forwards_model, optimizer=forwards)
    assert state(model) == state(forwards_model)
    np.testing.assert_array_equal(backwards.state["velocity"], forwards.state["velocity"][::-1])


def test_an_apply_of_ones_own_is_called_with_every_step_and_changes_nothing():
    seen = []

    class Watching(nn.SGD):
        def apply(self, gradients):
            seen.append([leaf.data for leaf in self.parameters])
            super().apply(gradients)

    watched, plain = network(), network()
    fit(watched, optimizer=Watching(watched.parameters(), learning_rate=0.1, momentum=0.9))
    fit(plain)
    assert state(watched) == state(plain)
    assert len(seen) == 9
    assert seen[0] == state(network())


def test_only_what_the_optimiser_holds_is_trained_and_a_callback_may_change_the_rest():
    def shift(end):
        if end.epoch == 1:
            end.model.biases = [b + 1.0 for b in end.model.biases]

    def w2_only(model):
        return nn.SGD([*model.parameter_arrays()["W2"].flat], learning_rate=0.1)

    model, by_hand = network(), network()
    frozen = model.weights[0]
    fit(model, optimizer=w2_only(model), callbacks=[shift], epochs=2, shuffle=False)
    np.testing.assert_array_equal(model.weights[0], frozen)
    fit(by_hand, optimizer=w2_only(by_hand), epochs=1, shuffle=False)
    by_hand.biases = [b + 1.0 for b in by_hand.biases]
    fit(by_hand, optimizer=w2_only(by_hand), epochs=1, shuffle=False)
    assert state(model) == state(by_hand)


# --- what cannot be compiled


class Reading(nn.MLP):
    """A network that takes its inputs as an array."""

    def __call__(self, x):
        return super().__call__(x.tolist())


class Complaining(nn.MLP):
    """A network that refuses Values."""

    def __call__(self, x):
        for number in x:
            if isinstance(number, Value):
                raise ValueError("numbers only")
        return super().__call__(x)


@pytest.mark.parametrize(("kind", "says"), [(Reading, "AttributeError"), (Complaining, "numbers only")])
def test_what_cannot_be_compiled_is_trained_eagerly_and_the_warning_names_file_and_line(kind, says):
    model = kind(2, [7, 3], seed=2)
    with pytest.warns(RuntimeWarning, match=says) as caught:
        fit(model)
    (warning,) = caught
    assert f"{__file__}, line " in str(warning.message)
    assert warning.filename == __file__  # of the call of fit
    assert str(warning.message).startswith("training goes on with the eager engine")
    expected = nn.MLP(2, [7, 3], seed=2)
    fit(expected, engine="eager")
    assert state(model) == state(expected)


def test_an_error_of_the_model_itself_is_raised_and_not_taken_for_something_to_compile():
    class Wrong(nn.MLP):
        def __call__(self, x):
            if calls:  # the first is the trial before anything happens
                raise ValueError("mine")
            calls.append(None)
            return super().__call__(x)

    calls = []
    model = Wrong(2, [7, 3], seed=2)
    before = state(model)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match="mine"):
            fit(model)
    assert state(model) == before


def test_an_error_that_is_no_arithmetic_leaves_what_was_learned():
    class Ended(Exception):  # noqa: N818  # any
        pass

    def metric(_outputs, _targets):
        if len(seen) == 2:
            raise Ended
        seen.append(None)
        return 0.0

    seen, model = [], network()
    with pytest.raises(Ended):
        fit(model, metrics=[metric])
    assert state(model) == states_by_epoch()[2]


# --- evaluation by the program


def test_evaluation_by_the_program_is_that_of_the_scalars():
    rng = np.random.default_rng(0)
    many, targets = rng.normal(size=(100, 2)), nn.one_hot(rng.integers(0, 3, 100), 3)
    model = network()
    for change in (0.0, 0.25):
        model.weights = [W + change for W in model.weights]  # the kept program has to notice
        parts = [
            nn.evaluate(model, many[k : k + 10], targets[k : k + 10], loss="cross_entropy") for k in range(0, 100, 10)
        ]
        found = nn.evaluate(model, many, targets, loss="cross_entropy")
        assert found.loss == pytest.approx(np.mean([part.loss for part in parts]), rel=1e-13)
        assert found.accuracy == pytest.approx(np.mean([part.accuracy for part in parts]), rel=1e-13)


def test_evaluation_notices_another_network_in_the_model():
    rng = np.random.default_rng(0)
    many, targets = rng.normal(size=(40, 2)), nn.one_hot(rng.integers(0, 3, 40), 3)
    model, other = network(), nn.MLP(2, [7, 3], activation="relu", seed=9)
    nn.evaluate(model, many, targets, loss="cross_entropy")
    model.layers = other.layers
    expected = nn.evaluate(other, many, targets, loss="cross_entropy")
    assert nn.evaluate(model, many, targets, loss="cross_entropy") == expected


def test_an_evaluation_keeps_no_network_alive():
    import gc
    import weakref

    rng = np.random.default_rng(0)
    model = network()
    nn.evaluate(model, rng.normal(size=(40, 2)), nn.one_hot(rng.integers(0, 3, 40), 3), loss="cross_entropy")
    find = weakref.ref(model)
    del model
    gc.collect()
    assert find() is None


def test_an_evaluation_that_overflows_names_what_and_where():
    many = np.full((40, 2), 1e308)
    with pytest.raises(ArithmeticError, match=r"W1\["):
        nn.evaluate(network(), many, nn.one_hot([0] * 40, 3), loss="cross_entropy")
