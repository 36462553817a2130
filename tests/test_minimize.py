"""SciPy's optimisers reach the minima that algebra gives, on the objective that training has."""

import signal
import sys

import numpy as np
import pytest

import nn
from autograd import Value
from nn.train.examples import Examples
from nn.train.minimize import METHODS, _Minimization
from tests.page_blocks import run_python_blocks

pytest.importorskip("scipy", reason="needs SciPy")
pytestmark = pytest.mark.extra


def test_the_page_on_these_methods_says_what_is_true():
    names = run_python_blocks("newton.md")
    losses = {method: course.loss for method, course in names["courses"].items()}
    assert all(len(loss) == 12 and loss[-1] < 0.5 * loss[0] for loss in losses.values())
    assert losses["Newton-CG"][-1] < losses["L-BFGS-B"][-1]
    assert names["history"].loss[-1] < 1e-3
    assert names["found"].fun <= names["history"].loss[-1]


RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
LINE = X @ [[1.0], [-2.0], [0.5]] + 0.3 + 0.1 * RNG.normal(size=(60, 1))


def line():
    return nn.MLP(3, [1], init="zeros")


def solution(l2=0.0, weights=None):
    """The minimum of ½ Σ w (a − t)² / Σ w + (c/2) ‖W‖², from the normal equations."""
    w = np.ones(60) if weights is None else weights
    A = np.column_stack([X, np.ones(60)])
    normal = A.T @ (w[:, None] * A) / w.sum() + l2 * np.diag([1.0, 1.0, 1.0, 0.0])
    return np.linalg.solve(normal, A.T @ (w * LINE[:, 0]) / w.sum())


def numbers(model):
    return np.array([leaf.data for leaf in model.parameters()])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("l2", [0.0, 0.2])
@pytest.mark.parametrize("weighted", [False, True])
def test_every_method_solves_the_normal_equations(method, l2, weighted):
    weights = RNG.integers(0, 3, 60).astype(float) if weighted else None
    model = line()
    history = nn.minimize(
        model, X, LINE, loss="half_squared_error", method=method, l2=l2, tolerance=1e-10, sample_weight=weights
    )
    np.testing.assert_allclose(numbers(model), solution(l2, weights), rtol=0, atol=1e-5)
    y = model.predict(X)
    w = np.ones(60) if weights is None else weights
    cost = 0.5 * np.average((y - LINE)[:, 0] ** 2, weights=w) + 0.5 * l2 * (model.weights[0] ** 2).sum()
    assert history.loss[-1] == pytest.approx(cost, rel=1e-9)
    assert history.loss[-1] < history.loss[0] or len(history) == 1


@pytest.mark.parametrize("method", METHODS)
def test_the_mean_over_components_is_minimised_alike(method):
    T = np.column_stack([LINE, -LINE])
    model = nn.MLP(3, [2], init="zeros")
    nn.minimize(model, X, T, loss="mse", method=method, tolerance=1e-10)
    np.testing.assert_allclose(model.weights[0][0], solution()[:3], rtol=0, atol=1e-5)
    np.testing.assert_allclose(model.weights[0][1], -solution()[:3], rtol=0, atol=1e-5)


@pytest.mark.parametrize("method", [name for name in METHODS if name != "least-squares"])
def test_a_network_is_trained_as_far_as_its_gradient_vanishes(method):
    labels = np.where(np.abs(X[:, 0]) > 0.7, "far", "near")
    model = nn.MLP(3, [4, 1], seed=0)
    history = nn.minimize(
        model,
        X,
        labels,
        loss="bce_with_logits",
        method=method,
        l2=0.01,
        tolerance=1e-6,
        iterations=500,
        validation=(X[:9], labels[:9]),
    )
    assert model.classes == ("far", "near")
    t = (labels == "near").astype(float)[:, None]
    found = nn.closed_form.backprop(
        model.weights,
        model.biases,
        X,
        t,
        activations=model.activations,
        loss="binary_cross_entropy_with_logits",
        l2=0.01,
    )
    largest = max(np.abs(part).max() for part in (*found.dW, *found.db))
    assert largest < 1e-3
    assert history.accuracy[-1] == model.score(X, labels)
    assert history.validation_loss[-1] == pytest.approx(
        nn.evaluate(model, X[:9], labels[:9], loss="bce_with_logits").loss, rel=1e-12
    )
    assert len(history) == len(history.validation_loss) > 1
    assert history.ended.startswith("ended after iteration")


def test_the_number_of_iterations_is_kept():
    model = nn.MLP(3, [4, 1], seed=0)
    history = nn.minimize(model, X, LINE, loss="mse", iterations=3)
    assert (len(history), history.ended) == (3, "finished")
    assert nn.evaluate(model, X, LINE, loss="mse").loss == pytest.approx(history.loss[-1], rel=1e-12)


@pytest.mark.parametrize("l2", [0.0, 0.3])
def test_what_the_methods_are_given_are_derivatives_of_each_other(l2):
    model = nn.MLP(3, [4, 1], seed=0)
    weights = RNG.uniform(0.0, 2.0, 60)
    examples = Examples.of(model, nn.mse_loss, X, LINE, weights)
    run = _Minimization(model, nn.mse_loss, examples, None, l2, 1)
    here, d, step = run.data.copy(), RNG.normal(size=run.data.size), 1e-5
    cost, gradient = run.cost(here)
    residuals = run.residuals(here)
    assert 0.5 * (residuals**2).sum() == pytest.approx(cost, rel=1e-13)
    np.testing.assert_allclose(run.jacobian(here).T @ residuals, gradient, rtol=0, atol=1e-13)
    # Differences of a quadratic's derivatives lose a third of the digits.
    differences = (run.cost(here + step * d)[1] - run.cost(here - step * d)[1]) / (2 * step)
    np.testing.assert_allclose(run.curvature(here, d), differences, rtol=0, atol=1e-7 * np.abs(differences).max())
    slope = (run.cost(here + step * d)[0] - run.cost(here - step * d)[0]) / (2 * step)
    assert gradient @ d == pytest.approx(slope, rel=1e-7)


def test_many_rows_in_blocks_have_the_same_minimum():
    model, many = line(), line()
    nn.minimize(model, X, LINE, loss="half_squared_error", tolerance=1e-12)
    nn.minimize(many, np.tile(X, (40, 1)), np.tile(LINE, (40, 1)), loss="half_squared_error", tolerance=1e-12)
    np.testing.assert_allclose(numbers(many), numbers(model), rtol=0, atol=1e-5)


def test_a_model_that_branches_is_minimised_by_its_gradients_alone():
    class Reading(nn.MLP):
        def __call__(self, x):
            return super().__call__(x.tolist())

    model = Reading(3, [1], init="zeros")
    with pytest.warns(RuntimeWarning, match="eager engine"):
        nn.minimize(model, X, LINE, loss="half_squared_error", tolerance=1e-10)
    np.testing.assert_allclose(numbers(model), solution(), rtol=0, atol=1e-5)
    with pytest.warns(RuntimeWarning, match="eager engine"), pytest.raises(ValueError, match="can be compiled"):
        nn.minimize(model, X, LINE, loss="half_squared_error", method="Newton-CG")


@pytest.mark.parametrize("train", ["fit", "minimize"])
@pytest.mark.parametrize(("validation", "got"), [((X,), "a tuple of 1"), ([X, LINE], "list")])
def test_validation_that_is_no_pair_is_refused_in_one_line(train, validation, got):
    model = line()
    options = {"loss": "mse", "validation": validation}
    if train == "fit":
        options |= {"optimizer": nn.SGD(model.parameters(), 0.1), "epochs": 1, "batch_size": 9, "seed": 0}
    with pytest.raises(TypeError) as caught:
        getattr(nn, train)(model, X, LINE, **options)
    assert str(caught.value) == f"validation must be a pair (X, T), or (X, T, sample_weight), got {got}"


def test_ctrl_c_ends_after_the_iteration_and_keeps_what_was_learned():
    calls = []

    def loss(y, t):
        return nn.half_squared_error(y, t)

    class Interrupting(nn.MLP):
        def __call__(self, x):
            calls.append(None)
            if len(calls) == 200:
                signal.raise_signal(signal.SIGINT)
            return super().__call__(x.tolist())

    model = Interrupting(3, [3, 1], seed=0)
    with pytest.warns(RuntimeWarning, match="eager engine"):
        history = nn.minimize(model, X, LINE, loss=loss)
    assert history.ended == f"interrupted after iteration {len(history)} of 200"
    assert 1 <= len(history) < 10
    assert nn.evaluate(model, X, LINE, loss=loss).loss == pytest.approx(history.loss[-1], rel=1e-12)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_callbacks_see_each_iteration_and_can_end_it():
    seen = []

    def watch(end):
        seen.append((end.epoch, end.epochs, end.optimizer, end.history.loss[-1], [p.data for p in model.parameters()]))
        if end.epoch == 3:
            end.stop("far enough")

    iris = nn.data.load_iris()
    model = nn.MLP(4, [3, 3], activation="tanh", seed=0)
    history = nn.minimize(model, iris.X, iris.T, loss="cross_entropy", iterations=9, callbacks=[watch], progress=False)
    assert history.ended == "far enough"
    assert [(epoch, epochs, optimizer) for epoch, epochs, optimizer, *_ in seen] == [(k, 9, None) for k in (1, 2, 3)]
    assert [loss for *_, loss, _ in seen] == history.loss.tolist()
    assert len({tuple(numbers) for *_, numbers in seen}) == 3
    assert seen[-1][-1] == [p.data for p in model.parameters()]
    with pytest.raises(TypeError, match="callbacks must be a list of functions"):
        nn.minimize(model, iris.X, iris.T, loss="cross_entropy", callbacks=watch)


def test_an_overflow_keeps_the_last_iterate_and_says_where():
    w = Value(1.0, "w")

    class Steep(nn.Module):
        def __init__(self):
            self.w = w

        def __call__(self, x):
            return -(self.w * x[0]).exp()

    with pytest.raises(ArithmeticError) as caught:
        nn.minimize(Steep(), [[1.0]], [[0.0]], loss=lambda y, t: y[0] + t[0], method="CG")
    assert "of CG; the parameters are those after the one before" in caught.value.__notes__[-1]
    assert np.isfinite(w.data)


def test_without_scipy_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(ImportError, match=r'pip install "deltagrad\[scipy\]"'):
        nn.minimize(line(), X, LINE, loss="mse")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"method": "newton-cg"}, ValueError, "unknown method 'newton-cg': .*Newton-CG"),
        ({"method": 3}, TypeError, "method must be one of the names"),
        ({"method": "least-squares", "loss": "hinge_loss"}, ValueError, "half_squared_error"),
        ({"iterations": 0}, ValueError, "iterations must be at least 1"),
        ({"l2": -1.0}, ValueError, "l2 must be finite and not negative"),
        ({"loss": "magic"}, ValueError, "unknown loss"),
        ({"validation": X}, TypeError, "a pair"),
        ({"sample_weight": -np.ones(60)}, ValueError, "from 0 up"),
    ],
)
def test_what_cannot_be_minimised_is_an_error_and_nothing_changes(options, error, message):
    model = line()
    with pytest.raises(error, match=message):
        nn.minimize(model, X, np.sign(LINE), **({"loss": "mse"} | options))
    assert not numbers(model).any()
