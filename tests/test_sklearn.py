"""The estimators are estimators of scikit-learn, and take its MLP's steps."""

import pickle

import numpy as np
import pytest

import autograd
import nn

pytestmark = pytest.mark.extra
sklearn = pytest.importorskip("sklearn", reason="the estimators are those of scikit-learn")

from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from nn.sklearn import DeltaClassifier, DeltaRegressor
from tests.page_blocks import run_python_blocks

STEPS = 2e-12  # the same sums in another order, over hundreds of steps
QUIET = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
IRIS = load_iris(return_X_y=True)
TUMOURS = load_breast_cancer(return_X_y=True)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # checks provoke warnings of all kinds
@parametrize_with_checks(
    [
        estimator(solver=solver, max_iter=60)
        for estimator in (DeltaClassifier, DeltaRegressor)
        for solver in ("adam", "sgd", "lbfgs")
    ]
)
def test_scikit_learns_own_checks_pass(estimator, check):
    check(estimator)


@QUIET
@pytest.mark.parametrize(
    "options",
    [
        {"solver": "sgd", "learning_rate_init": 0.05},
        {"solver": "sgd", "learning_rate_init": 0.05, "nesterovs_momentum": False, "shuffle": False},
        {"solver": "sgd", "momentum": 0.0, "batch_size": 17},
        {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.5},
        {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.1, "max_iter": 300},
        {"solver": "sgd", "activation": "logistic", "alpha": 0.1, "learning_rate_init": 0.1},
        {"solver": "sgd", "early_stopping": True, "learning_rate_init": 0.02},
        {"solver": "adam", "hidden_layer_sizes": (7, 5), "activation": "tanh"},
        {"solver": "adam", "activation": "identity", "learning_rate_init": 0.01},
    ],
    ids=str,
)
@pytest.mark.parametrize("data", [IRIS, TUMOURS], ids=["iris", "tumours"])
def test_classifiers_take_scikit_learns_steps(options, data):
    X, y = data
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    options = {"hidden_layer_sizes": (6,), "activation": "relu", "max_iter": 40, "random_state": 3, **options}
    weight = np.random.default_rng(0).uniform(0.2, 2.0, len(y))
    for given in (None, weight):
        theirs, ours = (each(**options).fit(X, y, given) for each in (MLPClassifier, DeltaClassifier))
        assert (ours.n_iter_, ours.t_, ours.n_layers_) == (theirs.n_iter_, theirs.t_, theirs.n_layers_)
        for arrays in ("coefs_", "intercepts_"):
            for a, b in zip(getattr(ours, arrays), getattr(theirs, arrays), strict=True):
                np.testing.assert_allclose(a, b, atol=STEPS * max(1.0, abs(b).max()), rtol=0)
        assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-10)
        np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-10)
        assert ours.score(X, y) == theirs.score(X, y)


@QUIET
@pytest.mark.parametrize("options", [{"solver": "sgd", "learning_rate_init": 0.01}, {"solver": "adam"}], ids=str)
def test_regressors_take_scikit_learns_steps(options):
    X, y = load_diabetes(return_X_y=True)
    Y = np.column_stack([y / 100.0, np.sin(y)])
    for targets in (Y, Y[:, 0]):
        theirs, ours = (
            each(hidden_layer_sizes=(5,), activation="tanh", random_state=1, max_iter=30, **options).fit(X, targets)
            for each in (MLPRegressor, DeltaRegressor)
        )
        for a, b in zip(ours.coefs_, theirs.coefs_, strict=True):
            np.testing.assert_allclose(a, b, atol=STEPS, rtol=0)
        np.testing.assert_allclose(ours.predict(X), theirs.predict(X), atol=1e-10)


def test_lbfgs_ends_where_the_gradient_is_small():
    X, y = IRIS
    ours = DeltaClassifier([4], "tanh", solver="lbfgs", alpha=1.0, tol=1e-6, max_iter=2000, random_state=0).fit(X, y)
    T = np.eye(3)[y]
    result = nn.closed_form.backprop(
        ours.model_.weights, ours.model_.biases, X, T, activations=["tanh", "identity"], loss="cross_entropy",
        l2=1.0 / len(X),
    )  # fmt: skip
    # SciPy stops where the loss falls by less than 2e-9 of itself: the gradient is then of the size of the root
    assert max(abs(d).max() for d in (*result.dW, *result.db)) < 3e-4


@QUIET
def test_a_weight_of_two_is_the_example_twice():
    X, y = IRIS
    weight = np.where(np.arange(len(y)) % 3 == 0, 2.0, 1.0)
    options = {"hidden_layer_sizes": [3], "solver": "lbfgs", "max_iter": 25, "random_state": 0}
    weighted = DeltaClassifier(**options).fit(X, y, weight)
    rows = np.repeat(np.arange(len(y)), weight.astype(int))
    repeated = DeltaClassifier(**options).fit(X[rows], y[rows])
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), atol=1e-6)


@QUIET
def test_the_model_is_the_network_that_predicts():
    X, y = IRIS
    ours = DeltaClassifier([5, 4], ["tanh", autograd.sin], max_iter=5, random_state=0).fit(X, y)
    assert isinstance(ours.model_, nn.MLP)
    assert ours.model_.activations == ("tanh", "sin", "identity")
    np.testing.assert_allclose(ours.model_.predict_proba(X), ours.predict_proba(X), atol=1e-14)
    assert [W.shape for W in ours.coefs_] == [(4, 5), (5, 4), (4, 3)]


@pytest.mark.parametrize(
    "y",
    [
        np.array(["b", "a", "c"] * 20),
        np.array(["b", "a", "c"] * 20, dtype=object),
        np.array([10, -3, 7] * 20),
        np.array([0.0, 2.0, 1.0] * 20),
        np.array([True, False, True] * 20),
        ["x", "y", "z"] * 20,
    ],
    ids=lambda y: str(np.asarray(y).dtype),
)
@QUIET
def test_labels_of_any_type_come_back_as_they_are(y):
    X = np.random.default_rng(0).normal(size=(60, 2))
    ours = DeltaClassifier([3], max_iter=3, random_state=0).fit(X, y)
    assert set(ours.predict(X).tolist()) <= set(np.asarray(y).tolist())
    assert ours.predict(X).dtype.kind == ours.classes_.dtype.kind
    np.testing.assert_allclose(ours.predict_proba(X).sum(axis=1), 1.0, atol=1e-12)
    np.testing.assert_allclose(np.exp(ours.predict_log_proba(X)), ours.predict_proba(X), atol=1e-12)


@QUIET
def test_several_labels_at_once():
    X, Y = make_multilabel_classification(n_samples=80, n_features=6, n_classes=3, random_state=0)
    theirs, ours = (each([4], max_iter=20, random_state=0).fit(X, Y) for each in (MLPClassifier, DeltaClassifier))
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-10)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))


@QUIET
def test_parts_of_the_examples_may_come_one_after_the_other():
    X, y = IRIS
    order = np.random.default_rng(0).permutation(len(y))
    theirs, ours = (each([4], random_state=0) for each in (MLPClassifier, DeltaClassifier))
    for _ in range(3):
        for rows in np.split(order, 3):
            theirs.partial_fit(X[rows], y[rows], classes=[0, 1, 2])
            ours.partial_fit(X[rows], y[rows], classes=[0, 1, 2])
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-10)
    assert ours.t_ == theirs.t_
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        DeltaClassifier().partial_fit(X, y)
    with pytest.raises(ValueError, match="classes not in"):
        ours.partial_fit(X[:3], [0, 1, 7])
    assert not hasattr(DeltaClassifier(solver="lbfgs"), "partial_fit")


@QUIET
def test_fit_goes_on_where_it_is_asked_to():
    X, y = IRIS
    options = {"hidden_layer_sizes": [4], "solver": "sgd", "momentum": 0.0, "shuffle": False, "random_state": 0}
    whole = DeltaClassifier(max_iter=8, **options).fit(X, y)
    halves = DeltaClassifier(max_iter=4, warm_start=True, **options).fit(X, y).fit(X, y)
    np.testing.assert_allclose(halves.coefs_[0], whole.coefs_[0], atol=1e-14)


@QUIET
def test_they_work_in_pipelines_searches_and_calibrations():
    X, y = IRIS
    base = DeltaClassifier([4], "tanh", solver="lbfgs", max_iter=60, random_state=0)
    pipeline = make_pipeline(StandardScaler(), base)
    assert cross_val_score(pipeline, X, y, cv=3).mean() > 0.9
    search = GridSearchCV(pipeline, {"deltaclassifier__alpha": [1e-3, 1.0]}, cv=3, n_jobs=2).fit(X, y)
    assert search.best_score_ > 0.9
    calibrated = CalibratedClassifierCV(base, cv=3).fit(X, y)
    np.testing.assert_allclose(calibrated.predict_proba(X).sum(axis=1), 1.0, atol=1e-12)


@QUIET
@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_data_frames_are_taken_as_they_are(library):
    frames = pytest.importorskip(library, reason="its frames are tried")
    X, y = IRIS
    columns = {f"size_{k}": X[:, k] for k in range(4)}
    frame = frames.table(columns) if library == "pyarrow" else frames.DataFrame(columns)
    ours = DeltaClassifier([4], max_iter=5, random_state=0).fit(frame, y)
    plain = DeltaClassifier([4], max_iter=5, random_state=0).fit(X, y)
    np.testing.assert_array_equal(ours.predict_proba(frame), plain.predict_proba(X))
    if library != "pyarrow":
        assert ours.feature_names_in_.tolist() == list(columns)
        with pytest.raises(ValueError, match="feature names"):
            ours.predict(frames.DataFrame({f"x_{k}": X[:, k] for k in range(4)}))
    scaled = make_pipeline(StandardScaler().set_output(transform="pandas"), clone(ours)).fit(frame, y)
    assert scaled[-1].feature_names_in_.tolist() == list(columns)


@QUIET
def test_sample_weights_are_routed_to_fit():
    X, y = IRIS
    weight = np.linspace(0.5, 2.0, len(y))
    with sklearn.config_context(enable_metadata_routing=True):
        ours = DeltaClassifier([3], max_iter=5, random_state=0).set_fit_request(sample_weight=True)
        ours.set_score_request(sample_weight=True)
        found = cross_validate(ours, X, y, params={"sample_weight": weight}, cv=3, return_estimator=True)
    rows = np.setdiff1d(np.arange(len(y)), found["estimator"][0].n_iter_)
    assert len(rows)
    assert len(found["test_score"]) == 3


@QUIET
def test_a_fitted_estimator_can_be_pickled_and_cloned():
    X, y = IRIS
    ours = DeltaClassifier([4], max_iter=5, random_state=0).fit(X, y)
    other = pickle.loads(pickle.dumps(ours))
    np.testing.assert_array_equal(other.predict_proba(X), ours.predict_proba(X))
    assert other.fit(X, y).n_iter_ == 5
    with pytest.raises(NotFittedError):
        clone(ours).predict(X)
    with pytest.raises((NotFittedError, AttributeError)):
        _ = clone(ours).model_


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"solver": "newton"}, "solver must be one of sgd, adam, lbfgs, got 'newton'"),
        ({"learning_rate": "fast"}, "learning_rate must be one of"),
        ({"alpha": -1.0}, "alpha must be a finite number, at least 0"),
        ({"learning_rate_init": float("nan")}, "learning_rate_init must be a finite number"),
        ({"hidden_layer_sizes": [4, 0]}, "hidden_layer_sizes must be > 0"),
        ({"activation": ["tanh", "tanh"]}, "activation needs one name, or one for each of 1 layers"),
        ({"activation": "swoosh"}, "unknown activation 'swoosh'"),
        ({"validation_fraction": 1.5}, "validation_fraction must lie between 0 and 1"),
        ({"max_iter": 0}, "max_iter must be at least 1"),
    ],
)
def test_parameters_that_cannot_be_used_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        DeltaClassifier(**{"hidden_layer_sizes": [3], **options}).fit(*IRIS)


def test_training_that_has_not_converged_says_so():
    for solver in ("sgd", "adam", "lbfgs"):
        with pytest.warns(ConvergenceWarning, match="converge"):
            DeltaClassifier([3], solver=solver, max_iter=2, random_state=0).fit(*IRIS)


def test_the_page_on_scikit_learn_says_what_it_prints(capsys):
    run_python_blocks("scikit_learn.md")
    printed = capsys.readouterr().out
    assert "right in cross-validation: 9" in printed
    assert "MLP(4, [6, 3], activations=['tanh', 'identity'])" in printed
