"""Each option of `nn.fit` against the same steps made by hand."""

import math

import numpy as np
import pytest

import nn
from autograd import Value
from nn import closed_form
from tests.classification import examples, network, state

X, T = examples()


def fit(model, X=X, T=T, **options):
    settings = {"loss": "cross_entropy", "epochs": 3, "batch_size": 4, "seed": 0}
    settings["optimizer"] = nn.SGD(model.parameters(), learning_rate=options.pop("learning_rate", 0.1))
    return nn.fit(model, X, T, **(settings | options))


# --- shuffle, penalty, clipping, schedule: each against the same steps made by hand


def test_without_shuffling_the_examples_come_in_order():
    seen = []

    def loss(y, t):
        seen.append(t)
        return nn.cross_entropy(y, t)

    fit(network(), loss=loss, shuffle=False, engine="eager")
    assert seen == T.tolist() * 3


def test_the_penalty_is_that_of_the_closed_form_once_a_batch_and_spares_the_biases():
    model = network()
    model.biases = [[0.5, -1.0, 2.0, 0.1], [1.0, -0.2, 0.3]]  # a penalty on them would not show at 0
    W, b = model.weights, model.biases
    expected = closed_form.backprop(W, b, X, T, activations=model.activations, loss="cross_entropy", l2=0.3)
    history = fit(model, epochs=1, batch_size=10, l2=0.3)
    for before, after, gradient in zip(
        (*W, *b), (*model.weights, *model.biases), (*expected.dW, *expected.db), strict=True
    ):
        # The sums of ten terms of size 1 differ by some units in the last place.
        np.testing.assert_allclose(after, before - 0.1 * gradient, rtol=0, atol=1e-15)
    penalty = 0.15 * sum((w**2).sum() for w in W)
    plain = closed_form.backprop(W, b, X, T, activations=model.activations, loss="cross_entropy").loss
    assert history.loss[0] == pytest.approx(plain + penalty, rel=1e-14)


def test_the_penalty_skips_weights_that_are_not_trained():
    model = network()
    frozen, W2 = model.weights[0], model.weights[1]
    optimizer = nn.SGD([*model.parameter_arrays()["W2"].flat], learning_rate=1.0)
    fit(model, np.zeros((1, 2)), T[:1], epochs=1, l2=0.5, optimizer=optimizer)
    np.testing.assert_array_equal(model.weights[0], frozen)
    # The hidden activations are tanh(0) = 0, so the penalty alone moves W2.
    np.testing.assert_allclose(model.weights[1], 0.5 * W2, rtol=1e-15)


def test_a_gradient_is_shortened_to_the_largest_norm():
    model = network()
    before = np.array(state(model))
    fit(model, 100 * X, T, epochs=1, batch_size=10, max_norm=0.01, learning_rate=1.0)
    # The factor is max_norm / (norm + 1e-6): a norm above 1 loses at most a millionth.
    assert np.linalg.norm(state(model) - before) == pytest.approx(0.01, rel=1e-6)


def test_the_schedule_multiplies_the_rate_epoch_by_epoch_and_gives_it_back():
    model, by_hand = network(), network()
    optimizer = nn.SGD(model.parameters(), learning_rate=0.5)
    fit(model, optimizer=optimizer, schedule=nn.StepSchedule(every=1, factor=0.5), shuffle=False)
    for rate in (0.5, 0.25, 0.125):
        fit(by_hand, epochs=1, learning_rate=rate, shuffle=False)
    assert state(model) == state(by_hand)
    assert optimizer.learning_rate == 0.5


# --- metrics


def test_metrics_are_taken_of_all_outputs_of_an_epoch_and_of_the_validation():
    def largest(outputs, _targets):
        return float(np.abs(outputs).max())

    model = network()
    validation = examples(7, seed=1)
    history = fit(
        model, learning_rate=0.0, metrics=["mean_absolute_error", largest, "r2", "accuracy"], validation=validation
    )
    y, y_validation = model.predict(X), model.predict(validation[0])
    assert history.metrics["mean_absolute_error"] == pytest.approx([np.abs(y - T).mean()] * 3)
    assert history.metrics["largest"] == pytest.approx([np.abs(y).max()] * 3)
    assert history.validation_metrics["largest"] == pytest.approx([np.abs(y_validation).max()] * 3)
    r2 = 1 - ((y - T) ** 2).sum() / ((T - T.mean(axis=0)) ** 2).sum()
    assert history.metrics["r2"] == pytest.approx([r2] * 3)
    assert dict(history.series()).keys() == {
        "loss",
        "accuracy",
        "validation_loss",
        "validation_accuracy",
        "mean_absolute_error",
        "largest",
        "r2",
        "validation_mean_absolute_error",
        "validation_largest",
        "validation_r2",
    }
    assert "validation largest" in repr(history)


# --- early stopping


def losses_of(numbers):
    """Options for a run whose metric `m` of the validation goes through the given numbers."""
    calls = iter([number for number in numbers for _ in range(2)])

    def m(_outputs, _targets):
        return next(calls)

    return {"metrics": [m], "validation": (X, T), "epochs": len(numbers)}


@pytest.mark.parametrize(
    ("numbers", "options", "epochs", "best"),
    [
        ([5, 4, 4, 4, 3], {"patience": 2}, 4, 2),
        ([5, 4, 4, 3, 3], {"patience": 2}, 5, 4),
        ([5, 4, 3, 2, 1], {"patience": 1}, 5, 5),
        ([5, 6, 1], {"patience": 1}, 2, 1),
        ([5, 4.9, 4.8, 1], {"patience": 2, "min_change": 0.5}, 3, 1),
        ([1, 2, 3, 2, 2, 9], {"patience": 2, "maximize": True}, 5, 3),
        ([3, 1, 2], {"patience": None}, 3, 2),
    ],
)
def test_patience_counts_epochs_without_improvement_and_the_best_weights_come_back(numbers, options, epochs, best):
    states = []
    model = network()
    rule = nn.EarlyStopping(monitor="validation_m", **({"maximize": False} | options))
    history = fit(
        model, early_stopping=rule, callbacks=[lambda end: states.append(state(end.model))], **losses_of(numbers)
    )
    assert (len(history), history.best_epoch) == (epochs, best)
    assert state(model) == states[best - 1]
    assert (history.ended == "finished") == (epochs == len(numbers))
    assert f"best weights from epoch {best}" in repr(history)


def test_the_last_weights_stay_where_the_best_are_not_wanted():
    states, model = [], network()
    rule = nn.EarlyStopping(None, monitor="loss", restore_best=False)
    history = fit(model, early_stopping=rule, callbacks=[lambda end: states.append(state(end.model))])
    assert state(model) == states[-1]
    assert history.best_epoch is None


def test_a_number_of_epochs_is_the_patience_with_the_validation_loss():
    model = network()
    with_loss_rising = (X, np.roll(T, 1, axis=1))
    history = fit(model, validation=with_loss_rising, early_stopping=2, epochs=50, learning_rate=0.5)
    assert len(history) == history.best_epoch + 2 < 50
    assert history.ended == f"stopped early after epoch {len(history)} of 50"


# --- callbacks


def test_callbacks_see_every_epoch_in_order_and_can_stop():
    seen = []

    def first(end):
        seen.append(("first", end.epoch, end.epochs, len(end.history)))

    def second(end):
        seen.append(("second", end.epoch))
        if end.epoch == 2:
            end.stop("good enough")

    model = network()
    history = fit(model, callbacks=[first, second])
    assert seen == [("first", 1, 3, 1), ("second", 1), ("first", 2, 3, 2), ("second", 2)]
    assert history.ended == "good enough"


def test_an_error_in_a_callback_comes_through_and_what_was_learned_stays():
    def fail(_end):
        raise RuntimeError("mine")

    model, one_epoch = network(), network()
    fit(one_epoch, epochs=1)
    with pytest.raises(RuntimeError, match="mine"):
        fit(model, callbacks=[fail])
    assert state(model) == state(one_epoch)


# --- divergence


def test_an_overflow_names_operation_example_batch_and_epoch():
    inputs = X.copy()
    inputs[5] = 1e308
    model = network()
    with pytest.raises(ArithmeticError, match=r"no finite result.*W1\[") as caught:
        fit(model, inputs, shuffle=False)
    assert caught.value.__notes__ == [
        "at example 2 of the batch of 4",
        "in epoch 1 of 3, batch 2 of 3; the parameters are those after the step before",
    ]


def test_after_divergence_the_weights_are_those_of_the_last_good_step_also_with_a_best_epoch(tmp_path):
    examples_seen = []

    def loss(y, t):
        examples_seen.append(None)
        return nn.cross_entropy(y, t) * (1e308 if len(examples_seen) > 24 else 1.0) * 1e3

    model, good = network(), network()
    path = tmp_path / "c.npz"
    with pytest.raises(ArithmeticError, match=r"overflow") as caught:
        fit(
            model,
            engine="eager",
            loss=loss,
            learning_rate=1e-4,
            early_stopping=nn.EarlyStopping(None, "loss"),
            checkpoint=path,
        )
    # 10 examples an epoch: the 25th is the first of the second batch of the third epoch.
    assert caught.value.__notes__[0] == "at example 1 of the batch of 4"
    assert "in epoch 3 of 3, batch 2 of 3" in caught.value.__notes__[1]
    examples_seen.clear()
    good_steps = []
    optimizer = nn.SGD(good.parameters(), learning_rate=1e-4)
    apply = optimizer.apply

    def seven_steps(gradients):
        if len(good_steps) < 7:
            apply(gradients)
        good_steps.append(None)

    optimizer.apply = seven_steps
    fit(good, engine="eager", loss=lambda y, t: nn.cross_entropy(y, t) * 1.0 * 1e3, optimizer=optimizer)
    assert state(model) == state(good)
    assert all(math.isfinite(number) for number in state(model))
    assert path.exists()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"l2": -1.0}, ValueError, "^l2 must be finite and not negative, got -1.0"),
        ({"l2": math.inf}, ValueError, "^l2 must be finite and not negative, got inf"),
        ({"l2": "x"}, TypeError, "^l2 must be a number, got 'x'"),
        ({"l2": True}, TypeError, "^l2 must be a number, got True"),
        ({"max_norm": 0.0}, ValueError, "max_norm must be greater than 0"),
        ({"max_norm": -1.0}, ValueError, "max_norm must be at least 0 and finite, got -1.0"),
        ({"schedule": 0.5}, TypeError, r"schedule must be a function of the epochs gone by, got 0\.5"),
        ({"schedule": lambda epoch: "1.0"}, TypeError, "the schedule must return a number, got '1.0' of type str"),
        ({"schedule": lambda epoch: None}, TypeError, "the schedule must return a number, got None"),
        ({"seed": "a"}, TypeError, "seed must be a whole number from 0 up or a numpy.random.Generator, got 'a'"),
        ({"seed": 1.5}, TypeError, "seed must be a whole number from 0 up .*, got 1.5"),
        ({"seed": -1}, ValueError, "seed must be a whole number from 0 up .*, got -1"),
        ({"callbacks": [3]}, TypeError, r"callbacks must be a list of functions, got \[3\]"),
        ({"callbacks": print}, TypeError, "callbacks must be a list of functions, got"),
        ({"metrics": "accuracy"}, TypeError, "metrics must be a list"),
        ({"metrics": ["recall"]}, ValueError, "unknown metric 'recall'"),
        ({"metrics": [3]}, TypeError, "a metric is a name or a function"),
        ({"metrics": ["r2", nn.METRICS["r2"]]}, ValueError, "two metrics are called 'r2'"),
        ({"metrics": ["accuracy"], "T": T / 2, "loss": "mse_loss"}, ValueError, "accuracy needs targets that are"),
        ({"early_stopping": 0}, ValueError, "patience must be at least 1, got 0"),
        ({"early_stopping": True}, TypeError, "early_stopping must be an nn.EarlyStopping"),
        ({"early_stopping": 3}, ValueError, "unknown number to monitor 'validation_loss'"),
        ({"early_stopping": nn.EarlyStopping(1, "r2")}, ValueError, "unknown number to monitor 'r2'"),
    ],
)
def test_wrong_options_are_errors_and_nothing_changes(options, error, message):
    model = network()
    with pytest.raises(error, match=message):
        fit(model, **options)
    assert state(model) == state(network())


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"patience": 1.5}, TypeError, "patience must be a whole number"),
        ({"patience": 1, "min_change": -1.0}, ValueError, "min_change must be at least 0 and finite, got -1.0"),
        ({"patience": 1, "min_change": math.nan}, ValueError, "min_change must be at least 0"),
        ({"patience": 1, "min_change": "0"}, TypeError, "min_change must be a number"),
        ({"patience": 1, "monitor": 3}, TypeError, "monitor must be a name"),
        ({"patience": 1, "monitor": "validation_mine"}, ValueError, "say whether more is better"),
    ],
)
def test_wrong_rules_of_stopping_are_errors(arguments, error, message):
    with pytest.raises(error, match=message):
        nn.EarlyStopping(**arguments)


@pytest.mark.parametrize(
    ("metric", "error", "message"),
    [
        (lambda y, t: math.nan, ValueError, "must return a finite number, got nan"),
        (lambda y, t: "much", TypeError, "must return a number, got 'much'"),
        (lambda y, t: True, TypeError, "must return a number, got True"),
    ],
)
def test_a_metric_that_is_no_number_is_an_error(metric, error, message):
    with pytest.raises(error, match=message):
        fit(network(), metrics=[metric])


def test_r2_needs_targets_that_differ():
    with pytest.raises(ValueError, match="r2 needs targets that differ"):
        nn.METRICS["r2"](np.zeros((3, 1)), np.ones((3, 1)))


def test_a_penalty_needs_to_know_the_weights():
    class Line(nn.Module):
        def __init__(self):
            self.slope = Value(1.0)

        def __call__(self, x):
            return self.slope * x[0]

    with pytest.raises(TypeError, match="does not say which parameters are weights"):
        fit(Line(), X, X[:, :1], loss="mse_loss", l2=0.1)
