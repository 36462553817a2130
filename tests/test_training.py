"""Training takes the steps it says it takes, and says what it reaches."""

import numpy as np
import pytest

import nn
from autograd import DomainError, Value
from nn import closed_form
from nn.loss.loss_table import facts_of
from nn.loss.targets import decision
from nn.train import evaluation
from tests.classification import examples, network


def fit(model, X, T, **options):
    options = {"loss": "cross_entropy", "epochs": 2, "batch_size": 4, "seed": 0} | options
    optimizer = options.pop("optimizer", None) or nn.SGD(model.parameters(), learning_rate=0.1)
    return nn.fit(model, X, T, optimizer=optimizer, **options)


def test_a_full_batch_epoch_is_one_step_along_the_closed_form_gradient():
    X, T = examples()
    model = network()
    W, b = model.weights, model.biases
    expected = closed_form.backprop(W, b, X, T, activations=model.activations, loss="cross_entropy")
    history = fit(model, X, T, epochs=1, batch_size=10)
    assert history.loss[0] == pytest.approx(expected.loss, rel=1e-14)
    for before, after, gradient in zip(
        (*W, *b), (*model.weights, *model.biases), (*expected.dW, *expected.db), strict=True
    ):
        np.testing.assert_allclose(after, before - 0.1 * gradient, rtol=0, atol=1e-15)


def test_the_gradient_is_the_same_in_one_pass_and_in_several(monkeypatch):
    X, T = examples(70)
    several, one = network(), network()
    fit(several, X, T, batch_size=70)
    monkeypatch.setattr(evaluation, "EXAMPLES_IN_A_PASS", 1000)
    fit(one, X, T, batch_size=70)
    for W, W_one in zip(several.weights, one.weights, strict=True):
        np.testing.assert_allclose(W, W_one, rtol=0, atol=1e-15)


def test_every_example_is_taken_once_an_epoch_in_batches_of_the_given_size():
    taken, steps = [], []
    model = nn.MLP(1, [1], seed=0)
    sgd = nn.SGD(model.parameters(), learning_rate=0.1)
    step = sgd.apply

    def counted_loss(y, t):
        taken.append(t[0])
        return nn.half_squared_error(y, t)

    def counted_apply(gradients):
        steps.append(len(taken))
        step(gradients)

    sgd.apply = counted_apply
    X = np.arange(10.0)[:, None] / 10
    fit(model, X, X, loss=counted_loss, optimizer=sgd, epochs=3, engine="eager")
    assert steps == [4, 8, 10, 14, 18, 20, 24, 28, 30]
    epochs = [taken[:10], taken[10:20], taken[20:]]
    assert all(sorted(epoch) == X[:, 0].tolist() for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]


def test_the_history_holds_means_over_examples_not_over_batches():
    X, T = examples()
    model = network()
    frozen = nn.SGD(model.parameters(), learning_rate=0.0)
    # 10 examples in batches of 4 leave a last batch of 2, whose examples must not count double.
    history = fit(model, X, T, optimizer=frozen, validation=examples(7, seed=1))
    loss, accuracy = nn.evaluate(model, X, T, loss="cross_entropy")
    np.testing.assert_allclose(history.loss, [loss, loss], rtol=1e-14)
    np.testing.assert_allclose(history.accuracy, [accuracy, accuracy], rtol=1e-14)
    validation = nn.evaluate(model, *examples(7, seed=1), loss="cross_entropy")
    assert history.validation_loss[1] == pytest.approx(validation.loss, rel=1e-14)  # the program against the scalars
    assert history.validation_accuracy[1] == validation.accuracy


def test_evaluation_is_the_closed_forms_loss_and_counts_right_classes():
    X, T = examples(30)
    model = network()
    oracle = closed_form.backprop(
        model.weights, model.biases, X, T, activations=model.activations, loss="cross_entropy"
    )
    loss, accuracy = nn.evaluate(model, X, T, loss="cross_entropy")
    assert loss == pytest.approx(oracle.loss, rel=1e-14)
    assert accuracy == np.mean(oracle.a[-1].argmax(axis=1) == T.argmax(axis=1))
    assert 0 < accuracy < 1


def test_evaluation_records_no_graph():
    def loss(y, t):
        assert all(value.is_leaf for value in y)
        return nn.mse_loss(y, t)

    assert nn.evaluate(network(), *examples(), loss=loss).loss > 0


def test_evaluation_leaves_gradients_alone():
    model = network()
    model([1.0, 2.0])[0].backward()
    before = [parameter.grad for parameter in model.parameters()]
    nn.evaluate(model, *examples(), loss="cross_entropy")
    assert [parameter.grad for parameter in model.parameters()] == before


def test_a_seed_fixes_the_weights():
    first, again, other = network(), network(), network()
    for model, seed in ((first, 5), (again, 5), (other, 6)):
        fit(model, *examples(), seed=seed)
    for W, W_again, W_other in zip(first.weights, again.weights, other.weights, strict=True):
        assert (W_again == W).all()
        assert (W_other != W).any()


def test_training_solves_xor():
    xor = nn.data.xor()
    model = nn.MLP(2, [4, 1], seed=1)
    sgd = nn.SGD(model.parameters(), learning_rate=0.5, momentum=0.9)
    history = fit(model, xor.X, xor.y[:, None], loss="binary_cross_entropy_with_logits", optimizer=sgd, epochs=200)
    assert history.accuracy[-1] == 1.0
    assert history.loss[-1] < 0.01 < history.loss[0]


def test_a_module_of_your_own_can_be_trained():
    class Line(nn.Module):
        def __init__(self):
            self.slope, self.intercept = Value(0.0), Value(0.0)

        def __call__(self, x):
            return self.slope * x[0] + self.intercept

    line = Line()
    X = np.linspace(-1, 1, 9)[:, None]
    history = fit(line, X, 3 * X - 1, loss="half_squared_error", epochs=200)
    assert (line.slope.data, line.intercept.data) == (pytest.approx(3, abs=1e-3), pytest.approx(-1, abs=1e-3))
    assert history.accuracy is None


def test_the_repr_of_a_history_can_be_read():
    history = nn.History(np.array([2.0, 0.5]), np.array([0.25, 1.0]), validation_loss=np.array([3.0, 1.0]))
    assert repr(history) == "History(2 epochs: loss 2 → 0.5, accuracy 0.25 → 1, validation loss 3 → 1)"
    assert repr(nn.History(np.array([2.0]))) == "History(1 epoch: loss 2 → 2)"


def test_nothing_is_printed_unless_the_output_is_a_terminal(capfd):
    fit(network(), *examples())
    assert capfd.readouterr() == ("", "")


def test_progress_shows_loss_metric_and_speed(capfd):
    fit(network(), *examples(), progress=True)
    out, err = capfd.readouterr()
    assert out == ""
    for part in ("epoch 2/2", "20/20", "loss ", "accuracy ", "examples/s"):
        assert part in err


# --- what counts as a class


def decision_for(T, loss):
    facts = facts_of(loss)
    return decision(np.array(T, dtype=float), off=facts.off, middle=facts.middle)


@pytest.mark.parametrize(
    ("T", "loss", "outputs", "classes"),
    [
        ([[0, 1], [1, 0]], "cross_entropy", [[-1, 2], [3, 2]], [1, 0]),
        ([[0, 1], [1, 0]], "half_squared_error", [[-1, 2], [3, 2]], [1, 0]),
        ([[0, 1], [1, 0]], "my_loss", [[-1, 2], [3, 2]], [1, 0]),
        ([[-1, 1], [1, -1]], "hinge_loss", [[-1, 2], [3, 2]], [1, 0]),
        ([[0], [1]], "binary_cross_entropy", [[0.4], [0.6]], [0, 1]),
        ([[0], [1]], "half_squared_error", [[0.4], [0.6]], [0, 1]),
        ([[0], [1]], "binary_cross_entropy_with_logits", [[0.4], [-0.6]], [1, 0]),
        ([[-1], [1]], "hinge_loss", [[0.4], [-0.6]], [1, 0]),
    ],
)
def test_classes_are_read_from_outputs(T, loss, outputs, classes):
    classify = decision_for(T, loss)
    assert classify(np.array(outputs, dtype=float)).tolist() == classes
    assert classify(np.array(T, dtype=float)).tolist() == [row.index(1) if len(row) > 1 else row[0] > 0 for row in T]


@pytest.mark.parametrize(
    ("T", "loss"),
    [
        ([[0.5, 0.5]], "cross_entropy"),
        ([[1, 1], [1, 0]], "binary_cross_entropy"),
        ([[0, 0]], "binary_cross_entropy"),
        ([[0.3], [1.0]], "half_squared_error"),
        ([[1], [0]], "my_loss"),
        ([[1], [1]], "cross_entropy"),
        ([[0], [1]], "hinge_loss"),
        ([[-1], [1]], "half_squared_error"),
    ],
)
def test_targets_that_are_not_classes_have_no_accuracy(T, loss):
    assert decision_for(T, loss) is None


# --- what goes wrong


def test_an_overflow_in_training_says_where_and_keeps_the_last_good_step():
    X, T = examples(8)
    order = np.random.default_rng(0).permutation(8)
    X[order[7]] = 1e308  # in the second batch of the first epoch
    model, good = network(), network()
    good_rows = order[:4]
    fit(good, X[good_rows], T[good_rows], epochs=1)
    with pytest.raises(DomainError) as caught:
        fit(model, X, T)
    assert caught.value.__notes__ == [
        "at example 4 of the batch of 4",
        "in epoch 1 of 2, batch 2 of 2; the parameters are those after the step before",
    ]
    for W, W_good in zip(model.weights, good.weights, strict=True):
        np.testing.assert_allclose(W, W_good, rtol=1e-13)  # the batch is the same but for the order of its rows
    assert all(parameter.grad == 0.0 for parameter in model.parameters())


def test_the_mean_of_large_losses_does_not_overflow():
    model = nn.MLP(1, [1], seed=0)
    X = np.full((3, 1), 1.2e154)
    frozen = nn.SGD(model.parameters(), learning_rate=0.0)
    history = fit(model, X, 0 * X, loss=lambda y, t: (y[0] - t[0]) * 0 + 1.5e308, batch_size=2, optimizer=frozen)
    assert history.loss.tolist() == [1.5e308, 1.5e308]


def test_a_step_that_overflows_names_the_parameter_and_changes_nothing():
    X = np.ones((4, 1))
    model = nn.MLP(1, [1], seed=0)
    before = model.state_dict()
    with pytest.raises(FloatingPointError, match=r'"W1\[0,0\]"') as caught:
        fit(model, X, 1e6 * X, loss="mse_loss", optimizer=nn.SGD(model.parameters(), learning_rate=1e305))
    assert "in epoch 1 of 2, batch 1 of 1" in caught.value.__notes__[0]
    assert model.state_dict() == before
    assert all(parameter.grad == 0.0 for parameter in model.parameters())


X, T = examples()
OTHER = network()


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"X": np.empty((0, 2)), "T": np.empty((0, 3))}, ValueError, "X must hold at least one example, got an empty"),
        ({"X": []}, ValueError, "X must hold at least one example"),
        ({"X": X[:, 0]}, ValueError, r"X must have two dimensions, one row per example, got shape \(10,\)"),
        ({"X": X[:9]}, ValueError, "as many rows, got 9 inputs and 10 targets"),
        ({"X": X[:, :1]}, ValueError, "this MLP takes 2 inputs, got 1"),
        ({"T": T[:, :2] + [[1e-9, 0]], "loss": "mse_loss"}, ValueError, "3 outputs, but T has 2 columns"),
        ({"T": T.argmax(axis=1), "loss": "mse_loss"}, ValueError, r"T must have two dimensions.*nn.one_hot"),
        ({"T": T / 2}, ValueError, r"a probability vector .*\(row 0 of the targets\)"),
        ({"X": np.where(X[3, 1] == X, np.nan, X)}, ValueError, r"X must be finite, got nan at index \(3, 1\)"),
        ({"X": [[1.0, 2.0], [3.0]]}, ValueError, "X must be rectangular"),
        ({"X": [["a", "b"]] * 10}, TypeError, "X must hold real numbers"),
        ({"loss": "cross_entropie"}, ValueError, "unknown loss 'cross_entropie': did you mean 'cross_entropy'"),
        ({"loss": 3}, TypeError, "loss must be a name or a function"),
        ({"loss": lambda y, t: 1.0}, TypeError, "must return a Value"),
        ({"epochs": 0}, ValueError, "epochs must be at least 1, got 0"),
        ({"epochs": 1.5}, TypeError, "epochs must be a whole number, got 1.5"),
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1, got 0"),
        ({"batch_size": "all"}, TypeError, "batch_size must be a whole number, got 'all'"),
        ({"seed": -1}, ValueError, "seed must be a whole number from 0 up or a numpy.random.Generator, got -1"),
        ({"optimizer": nn.SGD(OTHER.parameters(), learning_rate=0.1)}, ValueError, "no parameter of this model"),
        ({"optimizer": "sgd"}, TypeError, "such as nn.SGD, got 'sgd'"),
        ({"validation": (X, T[:3])}, ValueError, "the validation X and the validation T must have as many rows"),
        ({"validation": X}, TypeError, r"a pair \(X, T\).*got ndarray"),
    ],
)
def test_what_cannot_be_trained_is_an_error_and_nothing_changes(changes, error, message):
    model = network()
    before = [*model.parameters(), *(parameter.data for parameter in model.parameters())]
    arguments = {"X": X, "T": T} | changes
    with pytest.raises(error, match=message):
        fit(model, **arguments)
    assert [*model.parameters(), *(parameter.data for parameter in model.parameters())] == before


def test_what_is_no_model_cannot_be_trained():
    with pytest.raises(TypeError, match=r"has parameters\(\), got array"):
        fit(X, X, T, optimizer=nn.SGD(OTHER.parameters(), learning_rate=0.1))
