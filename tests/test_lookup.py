"""A row of a table by its index is the same row in the engine and in a program, for every index."""

import numpy as np
import pytest

import autograd
from autograd import Value, lookup

TABLE = [[Value(float(10 * k + d), f"E[{k},{d}]") for d in range(2)] for k in range(3)]


@pytest.mark.parametrize("index", [2, 2.0, np.int64(2), np.float64(2.0), Value(2.0)], ids=lambda i: type(i).__name__)
def test_an_index_picks_its_row(index):
    assert [entry.data for entry in lookup(TABLE, index)] == [20.0, 21.0]
    assert lookup([1.5, 2.5, 3.5], index) == 3.5
    assert lookup(np.arange(12.0).reshape(3, 2, 2), 2)[1][0] == 10.0


def test_a_program_picks_another_row_for_each_example():
    def loss(x, t):
        row = lookup(TABLE, x[0])
        return (row[0] * row[1] - lookup(row, t[0])) ** 2 / 1000.0

    program = autograd.compile(loss, parameters={"E": TABLE})
    x, t = np.array([[0], [2], [1], [2]]), np.array([[1], [0], [1], [1]])
    value, gradients = program.value_and_grad(x=x, t=t)
    leaves = [leaf for row in TABLE for leaf in row]
    eager = autograd.mean([loss(a, b) for a, b in zip(x.tolist(), t.tolist(), strict=True)])
    for leaf in leaves:
        leaf.grad = 0.0
    eager.backward()
    assert value == pytest.approx(eager.data, rel=1e-14)
    expected = np.array([leaf.grad for leaf in leaves]).reshape(3, 2)
    np.testing.assert_allclose(gradients["E"], expected, rtol=1e-13)


@pytest.mark.parametrize("index", [3, -1, 3.0, Value(3.0), Value(-1.0), Value(0.5)], ids=str)
def test_what_is_no_index_of_the_table_is_an_error(index):
    with pytest.raises(IndexError, match="whole number from 0 to 2, got"):
        lookup(TABLE, index)


def test_a_program_refuses_an_index_that_is_none():
    program = autograd.compile(lambda x: autograd.total(lookup(TABLE, x[0])), parameters={"E": TABLE})
    program.value(x=[[0], [1]])
    with pytest.raises(IndexError, match="whole number from 0 to 2, got 7"):
        program.value(x=[[0], [7]])


@pytest.mark.parametrize(
    ("table", "index", "error", "message"),
    [
        ("abc", 0, TypeError, "a table, a list or an array"),
        ({0: 1.0}, 0, TypeError, "a table, a list or an array"),
        ([], 0, ValueError, "at least one row"),
        ([[1.0], [1.0, 2.0]], Value(0.0), ValueError, "rows of different lengths"),
        ([1.0, 2.0], 0.5, TypeError, "a whole number as index, got 0.5"),
        ([1.0, 2.0], "0", TypeError, "a whole number as index"),
    ],
)
def test_what_is_no_table_or_no_number_is_refused(table, index, error, message):
    with pytest.raises(error, match=message):
        lookup(table, index)


def test_equations_write_rows_by_onehot_where_the_index_is_checked_to_be_one():
    def picked(x):
        return autograd.log_softmax([lookup(column, x[0]) for column in zip(*TABLE, strict=True)])[0]

    def unchecked(x):
        tests = [autograd.indicator(x[0], float(k)) for k in range(3)]
        return autograd.total([test * row[0] for test, row in zip(tests, TABLE, strict=True)])

    texts = []
    for loss in (picked, unchecked):
        program = autograd.compile(loss, parameters={"E": TABLE})
        program.value(x=[[1]])
        texts.append(program.equations())
    assert "ᵀ onehot(x)" in texts[0]
    assert "onehot(k) is 1 at k, counted from 0, and 0 elsewhere." in texts[0]
    assert "onehot" not in texts[1]


def test_equations_know_that_the_members_of_a_onehot_sum_to_1():
    scores = [Value(0.1 * k, f"z[{k}]") for k in range(4)]
    program = autograd.compile(lambda t: -lookup(autograd.log_softmax(scores), t[0]), parameters=scores)
    program.value(t=[[2]])
    assert "∂C/∂z = softmax(z) − onehot(t)" in program.equations()
