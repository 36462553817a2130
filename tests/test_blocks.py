"""Many rows are taken a block at a time, and what is not in memory is read so; only the order of sums changes."""

import tracemalloc

import numpy as np
import pytest

import autograd
import nn
from autograd import Value
from autograd.lift.run.blocks import BLOCK

# The sums of blocks differ from those of the whole by rounding, some hundred units in the last place of the largest.
SAME = 1e-13
ROWS = 2 * BLOCK + 300


class Slices:
    """Something like a data set in a file: a shape, and slices that are arrays; it keeps account of what is read."""

    def __init__(self, array):
        self.array, self.shape, self.largest = array, array.shape, 0

    def __getitem__(self, rows):
        assert isinstance(rows, slice)
        part = self.array[rows]
        self.largest = max(self.largest, len(part))
        return part.copy()


def network():
    return nn.MLP(3, [4, 2], activation="tanh", seed=0)


def data(rows=ROWS):
    rng = np.random.default_rng(0)
    return rng.normal(size=(rows, 3)), nn.one_hot(rng.integers(0, 2, rows), 2)


def program(model, reduce="mean"):
    def one_example(x, t):
        y = model(x)
        return nn.cross_entropy(y, t), {"y": y}

    return autograd.compile(one_example, parameters=model, reduce=reduce)


def by_hand(model, X, T, reduce):
    """The loss, the gradients and the outputs, from the documents' equations on all rows at once."""
    found = nn.closed_form.backprop(
        model.weights, model.biases, X, T, activations=model.activations, loss="cross_entropy"
    )
    times = 1.0 if reduce == "mean" else len(X)
    gradients = {f"W{l}": times * dW for l, dW in enumerate(found.dW, start=1)}
    gradients |= {f"b{l}": times * db for l, db in enumerate(found.db, start=1)}
    return times * found.loss, gradients, found.a[-1]


@pytest.mark.parametrize("reduce", ["mean", "sum"])
@pytest.mark.parametrize("form", [lambda X: X, Slices, list, lambda X: X.tolist()])
def test_a_large_batch_gives_what_the_equations_give_for_all_rows_at_once(reduce, form):
    model = network()
    X, T = data()
    loss, gradients, outputs = by_hand(model, X, T, reduce)
    run = program(model, reduce)
    found, found_gradients = run.value_and_grad(x=form(X), t=form(T))
    assert found == pytest.approx(loss, rel=SAME)
    for name, gradient in gradients.items():
        np.testing.assert_allclose(found_gradients[name], gradient, rtol=0, atol=SAME * np.abs(gradient).max())
    both, named = run.backward_with_outputs(x=form(X), t=form(T))
    assert both == found
    for each in (named["y"], run.outputs(x=form(X))["y"]):
        np.testing.assert_allclose(each, outputs, rtol=0, atol=SAME * np.abs(outputs).max())
    assert run.value(x=form(X), t=form(T)) == pytest.approx(loss, rel=SAME)
    losses = run.losses(x=form(X), t=form(T))
    assert losses.shape == (ROWS,)
    assert losses.sum() / (ROWS if reduce == "mean" else 1) == pytest.approx(loss, rel=SAME)


@pytest.mark.parametrize("rows", [1, BLOCK, BLOCK + 1, 2 * BLOCK])
def test_every_row_counts_once_whatever_their_number(rows):
    w = Value(1.0, "w")
    run = autograd.compile(lambda x: w * x[0], reduce="sum")
    X = np.arange(1.0, rows + 1)[:, None]
    _, gradients = run.value_and_grad(x=X)
    assert gradients["w"] == rows * (rows + 1) / 2


def test_what_is_behind_slices_is_read_block_by_block():
    X, T = map(Slices, data())
    program(network()).backward(x=X, t=T)
    assert X.largest == T.largest == BLOCK


def test_a_mapped_file_is_never_copied_whole(tmp_path):
    rows = 40 * BLOCK
    X, T = data(rows)
    X.tofile(tmp_path / "X")
    mapped = np.memmap(tmp_path / "X", dtype=float, mode="r", shape=X.shape)
    run = program(network())
    expected = run.backward(x=X, t=T)
    run.backward(x=mapped[:BLOCK], t=T[:BLOCK])
    tracemalloc.start()
    assert run.backward(x=mapped, t=T) == expected
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < X.nbytes / 4


def test_a_memory_mapped_training_is_that_of_the_array(tmp_path):
    X, T = data(2000)
    X.astype("<f4").tofile(tmp_path / "X")
    mapped = np.memmap(tmp_path / "X", dtype="<f4", mode="r", shape=X.shape)
    states = []
    for inputs in (np.asarray(mapped, dtype=float), mapped, Slices(np.asarray(mapped))):
        model = network()
        sgd = nn.SGD(model.parameters(), learning_rate=0.1)
        settings = {"loss": "cross_entropy", "optimizer": sgd, "epochs": 2, "batch_size": 100, "seed": 0}
        history = nn.fit(model, inputs, T, validation=(inputs, T), **settings)
        states.append(([leaf.data for leaf in model.parameters()], history.validation_loss.tolist()))
        assert model.predict(inputs).shape == (2000, 2)
    assert states[0] == states[1] == states[2]


def test_slices_are_not_read_whole_in_training_and_evaluation():
    X, T = data()
    slices = Slices(X)
    model = network()
    sgd = nn.SGD(model.parameters(), learning_rate=0.1)
    nn.fit(model, slices, T, loss="cross_entropy", optimizer=sgd, epochs=1, batch_size=64, seed=0)
    nn.evaluate(model, slices, T, loss="cross_entropy")
    model.score(slices, T)
    assert slices.largest <= BLOCK


def test_an_error_says_where_the_block_begins_and_leaves_no_half_gradient():
    X = np.ones((ROWS, 1))
    X[BLOCK + 7] = 0.0
    w = Value(1.0, "w")
    run = autograd.compile(lambda x: w * autograd.log(x[0]))
    run.backward(x=[[2.0]])
    assert run.flat_gradient.any()
    with pytest.raises(ArithmeticError, match=r"log needs x > 0.* 7") as caught:
        run.backward(x=X)
    assert any(f"from row {BLOCK} of the batch" in note for note in caught.value.__notes__)
    assert not run.flat_gradient.any()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("kind", ["<f8", "<f4"])
def test_a_number_that_is_not_finite_is_refused_in_any_block(bad, kind, tmp_path):
    X, T = data()
    X[ROWS - 1, 2] = bad
    with pytest.raises(ValueError, match="finite"):
        program(network()).value(x=X, t=T)
    X.astype(kind).tofile(tmp_path / "X")
    mapped = np.memmap(tmp_path / "X", dtype=kind, mode="r", shape=X.shape)
    for inputs in (X, mapped, Slices(X.astype(kind))):
        with pytest.raises(ValueError, match=rf"X must be finite, got {bad} at index \({ROWS - 1}, 2\)"):
            nn.evaluate(network(), inputs, T, loss="cross_entropy")


def test_masks_are_refused_in_any_block():
    X, T = data()
    masked = np.ma.masked_array(X, mask=np.zeros(X.shape, dtype=bool))
    masked.mask[ROWS - 1, 0] = True
    with pytest.raises(ValueError, match="masked"):
        program(network()).value(x=masked, t=T)


def test_inputs_with_different_numbers_of_rows_are_refused():
    X, T = data()
    with pytest.raises(ValueError, match="different numbers of rows"):
        program(network()).value(x=X, t=T[:5])
    with pytest.raises(ValueError, match="at least one row"):
        program(network()).value(x=Slices(X[:0]), t=Slices(T[:0]))
