"""A compiled function gives what the Python function gives, row by row, or an error that says why it cannot."""

from __future__ import annotations

import functools
import pickle
import random
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import nn
from autograd import DomainError, RecordingError, Value, affine, compile, lift, total
from autograd.lift.run.paths import MOST_PATHS
from tests.random_branches import random_branches
from tests.sampled import sampled
from tests.small_functions import COMPILED, REFUSED

EXACT = 1e-12
START = (0.75, -1.25, 0.5)


def rows():
    """Return inputs with many small whole numbers, whose comparisons are often ties, and targets 0, 1, 2."""
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.integers(-2, 3, size=(8, 3)) * 1.0, rng.integers(-9, 10, size=(10, 3)) / 4.0])
    X[0] = [1.0, 1.0, -1.0]
    X[1] = [-2.0, -2.0, -2.0]
    return X, rng.integers(0, 3, size=(len(X), 1)) * 1.0


def eagerly(function, numbers, X, T):
    """Return the loss of every row, the gradient of their mean, and the outputs, by the engine."""
    w = [Value(number) for number in numbers]
    losses, outputs = [], []
    for x, t in zip(X.tolist(), T.tolist(), strict=True):
        loss = function(w, [Value(v) for v in x], [Value(v) for v in t])
        if isinstance(loss, tuple):
            loss, named = loss
            outputs.append([v.data if isinstance(v, Value) else v for v in (named["y"], *named["more"])])
        if isinstance(loss, Value):
            loss.backward(1.0 / len(X))
        losses.append(loss.data if isinstance(loss, Value) else float(loss))
    return np.array(losses), np.array([leaf.grad for leaf in w]), np.array(outputs)


def assert_alike(program, function, numbers, X, T):
    losses, gradient, outputs = eagerly(function, numbers, X, T)
    scale = max(np.abs(losses).max(), np.abs(gradient).max(), 1.0)
    for _ in range(2):  # by code that is new, and by code that has run
        value, found = program.value_and_grad(x=X, t=T)
        np.testing.assert_allclose(value, losses.mean(), rtol=0.0, atol=EXACT * scale)
        np.testing.assert_allclose(found["w"], gradient, rtol=0.0, atol=EXACT * scale)
    np.testing.assert_allclose(program.losses(x=X, t=T), losses, rtol=0.0, atol=EXACT * scale)
    np.testing.assert_allclose(program.value(x=X, t=T), losses.mean(), rtol=0.0, atol=EXACT * scale)
    if len(outputs):
        found = program.outputs(x=X, t=T)
        np.testing.assert_allclose(np.hstack([found["y"], found["more"]]), outputs, rtol=0.0, atol=EXACT * scale)


@pytest.mark.parametrize(
    ("name", "order"),
    [
        *sampled([(name, "given") for name in COMPILED], 2),
        *sampled([(name, "one by one") for name in COMPILED], 8),
    ],
)
def test_a_compiled_function_gives_what_the_function_gives_on_every_row(name, order):
    function = COMPILED[name]
    X, T = rows()
    places = np.random.default_rng(1).permutation(len(X))
    batches = [[k] for k in places] if order == "one by one" else [places, places[:5], places[::-1], places[-1:]]
    w = [Value(number) for number in START]
    program = compile(lambda x, **given: function(w, x, given["t"]), parameters={"w": w})
    for batch in batches:
        assert_alike(program, function, START, X[batch], T[batch])


@pytest.mark.parametrize("name", sampled(COMPILED, 3))
def test_a_compiled_function_follows_its_parameters(name):
    function = COMPILED[name]
    X, T = rows()
    w = [Value(number) for number in START]
    program = compile(lambda x, **given: function(w, x, given["t"]), parameters={"w": w})
    program.value(x=X, t=T)
    new = (-0.5, 1.75, 0.25)
    program.named(program.flat)["w"][...] = new
    assert_alike(program, function, new, X, T)
    new = (3.0, 0.125, -2.0)
    for leaf, number in zip(w, new, strict=True):
        leaf.data = number
    assert_alike(program, function, new, X, T)
    new = (0.25, -0.125, 1.0)
    for leaf, number in zip(w, new, strict=True):
        leaf.grad = leaf.data - number
    nn.SGD(w, learning_rate=1.0).step()
    assert_alike(program, function, new, X, T)


def compare(seed):
    """Hold a random function and its program equal on batches of any size, while parameters change in every way."""
    function, rng = random_branches(seed), np.random.default_rng(seed)
    numbers = (rng.integers(-2, 3, 3) / 2).tolist()
    w = [Value(number) for number in numbers]
    program = compile(lambda **of: function(w, of["x"], of["t"]), parameters={"w": w})
    for step in range(4):
        rows = int(rng.choice([1, 3, 8, 17]))
        X = np.where(rng.random((rows, 3)) < 0.5, rng.integers(-2, 3, (rows, 3)) * 1.0, rng.normal(size=(rows, 3)))
        T = rng.integers(0, 3, (rows, 1)) * 1.0
        assert_alike(program, function, numbers, X, T)
        numbers = (rng.integers(-2, 3, 3) / 2).tolist()
        if step % 2:
            program.named(program.flat)["w"][...] = numbers
        else:
            for leaf, number in zip(w, numbers, strict=True):
                leaf.data = number


@pytest.mark.parametrize("seed", range(8))
def test_random_branches_give_what_the_engine_gives(seed):
    compare(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8, 640))
def test_many_random_branches_give_what_the_engine_gives(seed):
    compare(seed)


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_compiled_is_refused_with_the_reason(name):
    function, match = REFUSED[name]
    T = rows()[1]
    many = np.random.default_rng(0).normal(size=(200, 3))
    w = [Value(number) for number in START]
    states = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    program = compile(lambda x, **given: function(w, x, given["t"]), parameters={"w": w})
    for _ in range(2):
        with pytest.raises(RecordingError, match=match):
            program.value_and_grad(x=many, t=np.resize(T, (200, 1)))
    assert (random.getstate(), np.random.get_state()[1].tolist()) == states  # noqa: NPY002
    assert [leaf.data for leaf in w] == list(START)


def test_the_corpus_is_large():
    assert len(COMPILED) + len(REFUSED) >= 60


# --- paths ------------------------------------------------------------------------------------------


def by_sign(w):
    return lambda x: w[0] * x[0] if x[0] > 0 else w[1] * x[0] * x[0]


def weights():
    return [Value(2.0, "w"), Value(3.0, "v")]


@pytest.mark.parametrize("reduce", ["mean", "sum"])
@pytest.mark.parametrize("rows", [1, 2, 3, 7, 64, 100])
def test_mean_and_sum_over_rows_of_several_paths_are_the_engines(rows, reduce):
    w = weights()
    program = compile(by_sign(w), parameters=w, reduce=reduce)
    for seed in range(4):
        X = np.random.default_rng(seed).normal(size=(rows, 1))
        value, gradient = program.value_and_grad(x=X)
        costs = [by_sign(w)([Value(v)]) for v in X[:, 0].tolist()]
        for leaf in w:
            leaf.grad = 0.0
        cost = total(costs) / (rows if reduce == "mean" else 1)
        cost.backward()
        assert value == pytest.approx(cost.data, rel=EXACT)
        assert float(gradient["w"]) == pytest.approx(w[0].grad, rel=EXACT, abs=0.0)
        assert float(gradient["v"]) == pytest.approx(w[1].grad, rel=EXACT, abs=0.0)


def test_a_parameter_that_no_row_of_the_batch_uses_has_gradient_0():
    w = weights()
    program = compile(by_sign(w), parameters=w)
    program.value(x=[[1.0], [-1.0]])
    assert float(program.value_and_grad(x=[[1.0], [2.0]])[1]["v"]) == 0.0
    assert float(program.value_and_grad(x=[[-1.0], [-2.0]])[1]["w"]) == 0.0


def test_an_error_on_one_path_names_the_row_of_the_whole_batch_and_leaves_no_gradient():
    w = weights()
    program = compile(lambda x: w[0] * x[0] if x[0] > 0 else w[1] * (x[0] + 2.0).log(), parameters=w)
    program.backward(x=[[1.0], [-1.0]])
    for run in (program.backward, program.value, program.losses):
        with pytest.raises(DomainError, match=r"log needs x > 0.*at row 3 of the batch"):
            run(x=[[1.0], [2.0], [-1.0], [-5.0]])
    with pytest.raises(DomainError):
        program.backward(x=[[1.0], [2.0], [-1.0], [-5.0]])
    assert not program.flat_gradient.any()


def test_an_error_that_the_function_handles_is_found_when_a_row_comes_that_raises_it():
    w = weights()

    def careful(x):
        try:
            return w[0] * x[0].log()
        except DomainError:
            return w[1] * x[0]

    program = compile(careful, parameters=w)
    assert program.value(x=[[1.0]]) == 0.0
    for run in (program.backward, program.value, program.losses):
        with pytest.raises(RecordingError, match=r"test_paths.py, line \d+: log needs x > 0.*handles this error"):
            run(x=[[2.0], [-1.0]])


def test_more_paths_than_the_limit_are_refused_with_the_line():
    w = weights()

    def counted(x):
        k = 0
        while k < x[0]:
            k += 1
        return w[0] * k

    program = compile(counted, parameters=w)
    some = np.arange(float(MOST_PATHS))[:, None]
    assert program.value(x=some) == 2.0 * some.mean()
    with pytest.raises(RecordingError, match=rf"more than {MOST_PATHS} different paths, .*test_paths.py, line \d+"):
        program.value(x=[[MOST_PATHS + 1.0]])
    assert program.value(x=some) == 2.0 * some.mean()


def test_without_names_the_parameters_are_those_of_all_paths_of_the_first_batch():
    w = weights()
    program = compile(by_sign(w))
    program.value(x=[[1.0], [2.0], [-3.0]])
    assert set(program.parameters) == {"w", "v"}
    other = compile(by_sign(w))
    other.value(x=[[1.0]])
    with pytest.raises(RecordingError, match=r'leaf "v" = 3.0 is used only on a path .*name them'):
        other.value(x=[[-1.0]])
    assert other.value(x=[[1.0]]) == 2.0


def test_paths_are_recorded_at_the_programs_parameters_and_leave_the_values_alone():
    w = weights()
    program = compile(lambda x: w[0] * x[0] if w[0] > 2.5 else w[1] * x[0], parameters=w)
    graph = w[0] * w[1]
    assert program.value(x=[[1.0]]) == 3.0
    program.parameters["w"] = 4.0
    assert program.value(x=[[1.0]]) == 4.0
    assert [leaf.data for leaf in w] == [2.0, 3.0]
    graph.backward()  # no leaf counts as changed since
    assert w[0].grad == 3.0


def test_inputs_of_another_shape_have_a_program_of_their_own_over_the_same_parameters():
    w = weights()
    program = compile(lambda x: w[0] * total(x) + w[1] * len(x), parameters=w)
    assert program.value(x=[[1.0, 2.0]]) == 12.0
    assert program.value(x=[[1.0, 2.0, 3.0]]) == 21.0
    program.flat[...] = 1.0
    assert program.value(x=[[1.0, 2.0]]) == 5.0
    assert program.value_and_grad(x=[[1.0, 2.0, 3.0]])[1]["v"] == 3.0
    weighted = compile(lambda x: affine(w, x, 0.0), parameters=w)
    weighted.value(x=[[1.0, 2.0]])
    with pytest.raises(ValueError, match=r"'x' needs 2 number.*for another length the function raises"):
        weighted.value(x=[[1.0, 2.0, 3.0]])


def test_a_pickled_program_keeps_its_paths_and_refuses_rows_of_others():
    w = weights()
    program = compile(by_sign(w), parameters=w)
    expected = program.value_and_grad(x=[[1.0], [-2.0]])
    again = pickle.loads(pickle.dumps(program))
    assert again.value_and_grad(x=[[1.0], [-2.0]]) == expected
    one = compile(by_sign(w), parameters=w)
    one.value(x=[[1.0]])
    with pytest.raises(RecordingError, match=r"line \d+ gave True .* False at row 1"):
        pickle.loads(pickle.dumps(one)).value(x=[[1.0], [-2.0]])


def test_threads_may_record_and_run_the_paths_of_one_program():
    w = weights()
    program = compile(by_sign(w), parameters=w)
    batches = [np.random.default_rng(k).normal(size=(k % 5 + 1, 1)) for k in range(24)]
    expected = [np.mean([by_sign(w)([Value(v)]).data for v in X[:, 0].tolist()]) for X in batches]
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda X: program.value_and_grad(x=X)[0], batches * 4))
    np.testing.assert_allclose(found, expected * 4, rtol=EXACT)


# --- what comes from outside the graph ------------------------------------------------------------------


def test_a_constant_that_is_assigned_is_seen_by_the_next_call():
    w, c = weights()
    program = compile(lambda x: w * x[0] * c, parameters=[w])
    assert program.value(x=[[1.0]]) == 6.0
    c.data = 5.0
    assert program.value(x=[[1.0]]) == 10.0
    assert program.value_and_grad(x=[[2.0]])[1]["w"] == 10.0
    lifted = lift(w * c, parameters=[w])
    assert lifted.value() == 10.0
    c.data = 7.0
    with pytest.raises(RuntimeError, match=r'leaf "v" = 7.0 was assigned, and is no parameter'):
        lifted.value()


def test_what_was_changed_in_flat_is_kept_when_other_leaves_are_assigned():
    w = weights()
    program = compile(by_sign(w), parameters=w)
    program.value(x=[[1.0], [-1.0]])
    program.parameters["w"] = 10.0
    w[1].data = 20.0
    Value(0.0).data = 1.0
    assert {name: float(value) for name, value in program.parameters.items()} == {"w": 10.0, "v": 20.0}
    assert program.value(x=[[1.0], [-1.0]]) == 15.0
    w[0].data = 2.0  # what it held before
    assert program.value(x=[[1.0], [-1.0]]) == 11.0
    program.parameters["w"] = 10.0
    program.pull()
    assert float(program.parameters["w"]) == 2.0


def test_named_gives_views_of_any_vector_in_the_order_of_flat():
    named = {"W": [[Value(1.0), Value(2.0)], [Value(3.0), Value(4.0)]], "b": [Value(5.0), Value(6.0)]}
    program = compile(
        lambda x: total([affine(row, x, b).tanh() for row, b in zip(named["W"], named["b"], strict=True)]),
        parameters=named,
    )
    program.value(x=[[0.1, 0.2]])
    vector = np.arange(6.0)
    views = program.named(vector)
    assert {name: view.shape for name, view in views.items()} == {"W": (2, 2), "b": (2,)}
    views["b"][...] = -1.0
    assert sorted(vector) == sorted([*views["W"].ravel(), -1.0, -1.0])
    for name, view in program.named(program.flat).items():
        np.testing.assert_array_equal(view, program.parameters[name])
    with pytest.raises(ValueError, match="6 numbers"):
        program.named(np.zeros(5))


def test_inputs_that_nothing_reads_are_refused_with_their_shapes():
    w = weights()
    with pytest.raises(ValueError, match=r"reads the input 't' of shape \(2, 3\)"):
        compile(lambda x, t: w[0] * x[0], parameters=w).value(x=[[1.0], [2.0]], t=np.ones((2, 3)))
    program = compile(lambda x: w[0] * x[0], parameters=w)
    for _ in range(2):
        with pytest.raises(ValueError, match=r"shape \(3,\) .* pass x\[:, None\], of shape \(3, 1\), for 3 examples"):
            program.value(x=[1.0, 2.0, 3.0])
        assert program.value(x=np.array([1.0, 2.0, 3.0])[:, None]) == 4.0
        assert program.value(x=[[1.0, 2.0, 3.0]]) == 2.0
        assert program.value(x=[1.0]) == 2.0


def test_a_sum_that_began_with_a_nameless_zero_is_not_trained():
    w, b = Value(2.0, "w"), Value(0.0)
    data = [(1.0, 2.0), (3.0, 4.0)]

    def cost(start, within):
        for x, t in data:
            z = within() + w * x + b
            start = start + (z - t) ** 2
        return start * 0.5

    program = lift(cost(Value(0.0), lambda: Value(0.0)))
    assert program.flat.size == 2  # w and b, which is 0 too but has two uses
    assert "constants" in program.report()
    kept = Value(0.0, "kept")
    assert lift(cost(kept, lambda: 0.0)).flat.size == 3
    start = Value(0.0)
    assert lift(cost(start, lambda: 0.0), parameters=[w, b, start]).flat.size == 3


def test_a_reading_that_outlives_its_recording_is_a_number():
    w = weights()
    kept = []

    def function(x):
        kept.append(x[0].data)
        return w[0] * x[0]

    compile(function, parameters=w).value(x=[[1.5]])
    number = kept[0]
    assert (number + 1, 2 * number, number / 2, -number, abs(number)) == (2.5, 3.0, 0.75, -1.5, 1.5)
    assert (float(number), int(number), f"{number:.2f}", repr(number)) == (1.5, 1, "1.50", "1.5")
    assert type(number * 2) is float
    assert (w[0] * number).data == 3.0
    assert Value(number).is_leaf
    assert np.mean(kept) == pytest.approx(np.mean([1.5, 1.5, *map(float, kept[2:])]))


def test_a_hidden_import_of_random_numbers_through_an_object_is_found():
    class Layer:
        def __init__(self):
            self.rng = np.random.default_rng(0)
            self.w = Value(2.0, "w")

        def __call__(self, x):
            return self.w * x[0] if self.rng.random() > 0.5 else 0.5 * self.w * x[0]

    layer = Layer()
    for function in (layer.__call__, layer, lambda x: layer(x), functools.partial(Layer.__call__, layer)):
        with pytest.raises(RecordingError, match="draws random numbers from 'rng'"):
            compile(function, parameters=[layer.w]).value(x=[[1.0], [2.0]])
    assert layer.rng.random() == np.random.default_rng(0).random()
