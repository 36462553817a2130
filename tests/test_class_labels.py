"""Labels of classes are targets wherever a loss is for classes, and mean the same as the rows they stand for."""

import numpy as np
import pytest

import nn
from nn.loss.classes import known_classes

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 2))
NUMBERS = RNG.integers(0, 3, 40)
NUMBERS[:3] = [0, 1, 2]
TWO = (NUMBERS > 0).astype(int)
WORDS = np.array(["setosa", "versicolor", "virginica"])


def trained(T, loss="cross_entropy", n_out=3, **options):
    model = nn.MLP(2, [4, n_out], output_activation=options.pop("output", "identity"), seed=0)
    settings = {"epochs": 3, "batch_size": 8, "seed": 0, "optimizer": nn.SGD(model.parameters(), learning_rate=0.1)}
    history = nn.fit(model, X, T, loss=loss, **(settings | options))
    return model, history


def numbers(model):
    return [leaf.data for leaf in model.parameters()]


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (NUMBERS, (0, 1, 2)),
        (NUMBERS.astype(np.uint8), (0, 1, 2)),
        (NUMBERS.astype(float), (0, 1, 2)),
        (NUMBERS.tolist(), (0, 1, 2)),
        (NUMBERS + 7, (7, 8, 9)),
        (-NUMBERS[::1] + 2, (0, 1, 2)),
        (WORDS[NUMBERS], ("setosa", "versicolor", "virginica")),
        (WORDS[NUMBERS].astype(object), ("setosa", "versicolor", "virginica")),
        (WORDS[NUMBERS].tolist(), ("setosa", "versicolor", "virginica")),
    ],
)
def test_labels_of_several_classes_train_as_one_hot_rows(labels, classes):
    model, history = trained(labels)
    places = np.array([classes.index(label) for label in np.asarray(labels).tolist()])
    expected, expected_history = trained(nn.one_hot(places, 3))
    assert numbers(model) == numbers(expected)
    assert history.accuracy.tolist() == expected_history.accuracy.tolist()
    assert model.classes == classes
    assert expected.classes is None
    assert all(type(label) in (int, str) for label in model.classes)


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (TWO, (0, 1)),
        (TWO.astype(bool), (False, True)),
        (np.where(TWO, "yes", "no"), ("no", "yes")),
        (TWO * 5 - 2, (-2, 3)),
    ],
)
@pytest.mark.parametrize(
    ("loss", "output", "off"),
    [
        ("binary_cross_entropy", "sigmoid", 0.0),
        ("binary_cross_entropy_with_logits", "identity", 0.0),
        ("hinge_loss", "identity", -1.0),
    ],
)
def test_labels_of_two_classes_train_a_single_output(labels, classes, loss, output, off):
    model, _ = trained(labels, loss, 1, output=output)
    expected, _ = trained(np.where(TWO == 1, 1.0, off)[:, None], loss, 1, output=output)
    assert numbers(model) == numbers(expected)
    if off == 0.0 or classes != (0, 1):
        assert model.classes == classes


def test_signs_are_the_classes_of_a_hinge():
    model, _ = trained(2 * TWO - 1, "hinge_loss", 1)
    assert model.classes == (-1, 1)


def test_a_class_that_is_missing_keeps_its_output():
    few = np.where(NUMBERS == 1, 0, NUMBERS)
    assert trained(few)[0].classes == (0, 1, 2)
    assert trained(few, classes=[2, 1, 0])[0].classes == (2, 1, 0)
    assert trained(np.full(40, "b"), classes=["a", "b", "c"])[0].classes == ("a", "b", "c")


def test_a_vector_of_numbers_is_one_column_for_a_single_output():
    for loss, output in (("mse_loss", "identity"), ("binary_cross_entropy", "sigmoid")):
        t = RNG.random(40)
        assert numbers(trained(t, loss, 1, output=output)[0]) == numbers(trained(t[:, None], loss, 1, output=output)[0])
    assert numbers(trained(NUMBERS, "mse_loss", 1)[0]) == numbers(trained(NUMBERS[:, None] * 1.0, "mse_loss", 1)[0])


def test_the_model_knows_its_classes_in_validation_evaluation_scores_and_predictions(tmp_path):
    labels = WORDS[NUMBERS]
    model, history = trained(labels, validation=(X[:5], labels[:5]), epochs=30)
    found = nn.evaluate(model, X[:5], labels[:5], loss="cross_entropy")
    assert history.validation_accuracy[-1] == found.accuracy
    assert model.predict_classes(X).tolist() == WORDS[model.predict(X).argmax(axis=1)].tolist()
    assert model.score(X, labels) == (model.predict_classes(X) == labels).mean()
    nn.save(model, tmp_path / "m.npz")
    loaded = nn.load(tmp_path / "m.npz")
    assert loaded.classes == model.classes
    assert loaded.score(X, labels) == model.score(X, labels)
    history = nn.fit(  # what only some of the classes occur in, goes on with all of them
        loaded,
        X[:2],
        labels[:2],
        loss="cross_entropy",
        optimizer=nn.SGD(loaded.parameters(), 0.1),
        epochs=1,
        batch_size=2,
        seed=0,
    )
    assert loaded.classes == model.classes


@pytest.mark.parametrize("labels", [TWO.astype(bool), TWO * 3 + 4])
def test_classes_of_every_kind_come_back_from_a_file(labels, tmp_path):
    model, _ = trained(labels, "binary_cross_entropy_with_logits", 1)
    nn.save(model, tmp_path / "m.npz")
    found = nn.load(tmp_path / "m.npz").classes
    assert found == model.classes
    assert [type(label) for label in found] == [type(label) for label in model.classes]


def test_without_labels_predicted_classes_are_numbers():
    model = nn.MLP(2, [3], seed=0)
    assert model.predict_classes(X).tolist() == model.predict(X).argmax(axis=1).tolist()
    assert nn.MLP(2, [1], "tanh", "sigmoid", init="zeros").predict_classes(X[:2]).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("T", "options", "error", "message"),
    [
        (WORDS[NUMBERS], {"loss": "mse_loss"}, ValueError, "mse_loss takes numbers.*cross_entropy"),
        (NUMBERS, {"loss": "half_squared_error"}, ValueError, "two dimensions"),
        (NUMBERS + np.arange(40), {}, ValueError, "3 outputs tell 3 classes apart, got"),
        (WORDS[TWO], {}, ValueError, "3 outputs tell 3 classes apart, got 2: 'setosa', 'versicolor'"),
        (WORDS[NUMBERS], {"n_out": 1, "loss": "bce_with_logits"}, ValueError, "a single output tells 2 classes apart"),
        (WORDS[NUMBERS], {"classes": ["setosa", "b", "c"]}, ValueError, "'versicolor', which is none of the classes"),
        (WORDS[NUMBERS], {"classes": ["a", "a", "c"]}, ValueError, "a class comes twice"),
        (np.array([1, "a"] * 20, dtype=object), {}, TypeError, "of one kind"),
        (np.array([1.5] * 40, dtype=object), {}, TypeError, "of one kind"),
        (WORDS[NUMBERS][:, None], {}, ValueError, r"one class for each example, shape \(N,\)"),
        (WORDS[NUMBERS][:30], {}, ValueError, "as many rows, got 40 inputs and 30 targets"),
        (np.full(40, 0.5), {}, ValueError, "two dimensions"),
    ],
)
def test_labels_that_do_not_fit_are_errors_and_nothing_changes(T, options, error, message):
    model = nn.MLP(2, [4, options.get("n_out", 3)], seed=0)
    before = numbers(model)
    settings = {"loss": "cross_entropy", "epochs": 1, "batch_size": 4, "seed": 0} | options
    settings.pop("n_out", None)
    with pytest.raises(error, match=message):
        nn.fit(model, X, T, optimizer=nn.SGD(model.parameters(), learning_rate=0.1), **settings)
    assert numbers(model) == before
    assert model.classes is None


def test_true_is_not_the_number_one_among_words():
    with pytest.raises(ValueError, match="none of the classes"):
        trained(TWO, "bce_with_logits", 1, classes=["0", "1"])


def test_many_classes_are_not_all_listed():
    with pytest.raises(ValueError, match="…"):
        known_classes("T", np.arange(5, 50), 3)
