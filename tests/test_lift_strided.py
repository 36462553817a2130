"""Which arrays of numbers a view stands for: checked against NumPy's own indexing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograd.lift.matrices.block import Block
from autograd.lift.matrices.parameters import Parameter
from autograd.lift.matrices.strided import is_everything, strided

ROWS = np.arange(120.0).reshape(60, 2)

# at most 3 axes of at most 3, and a distance of at most ±9 along each, so that the numbers stay among the rows
affine_arrays = st.tuples(
    st.integers(0, 59), st.lists(st.tuples(st.integers(1, 3), st.integers(-9, 9)), min_size=1, max_size=3)
)


def numbers_of(start, axes):
    grids = np.indices([length for length, _ in axes])
    return start + sum(step * grid for (_, step), grid in zip(axes, grids, strict=True))


@given(affine_arrays)
def test_a_view_reads_what_indexing_reads(drawn):
    index = numbers_of(*drawn)
    regular = strided(index)
    if index.min() < 0:
        assert regular is None
    elif index.max() < len(ROWS):
        view = regular.view(ROWS)
        assert np.shares_memory(view, ROWS)
        np.testing.assert_array_equal(view, ROWS[index])
        np.testing.assert_array_equal(regular.view(ROWS[:, 0]), ROWS[index, 0])


@given(hnp.arrays(np.intp, hnp.array_shapes(max_dims=2, max_side=4), elements=st.integers(0, 9)))
def test_what_is_not_regular_is_not_called_so(index):
    regular = strided(index)
    steps = [np.diff(index, axis=axis) for axis in range(index.ndim)]
    assert (regular is not None) == all((step == step.flat[0]).all() for step in steps if step.size)
    if regular is not None:
        np.testing.assert_array_equal(regular.view(ROWS), ROWS[index])
        assert sorted(set(index[regular.distinct].ravel())) == sorted(set(index.ravel()))


@given(st.integers(0, 9), st.integers(-3, 4), st.integers(1, 6))
def test_the_text_of_a_slice_reads_the_same_numbers(start, step, length):
    index = start + step * np.arange(length)
    text = strided(index).slice_text if index.min() >= 0 else ""
    if text:
        np.testing.assert_array_equal(eval(f"ROWS[{text}]"), ROWS[index])
    assert bool(text) == (index.min() >= 0 and (step > 0 or length == 1))


def test_repetitions_are_left_out_once_for_each_axis():
    regular = strided(np.broadcast_to(np.array([[4], [6]]), (2, 5)))
    assert regular.repeated == (1,)
    assert regular.distinct == (slice(None), 0)


def test_a_parameter_whose_places_are_irregular_has_no_view():
    block = Block("W", (3,), False, "parameter")
    parameter = Parameter("W", np.arange(3), (3,), block, positions=np.array([0, 1, 3]))
    with pytest.raises(RuntimeError, match="the entries of W lie at unequal distances"):
        parameter.view(np.zeros(4))


@pytest.mark.parametrize("shape", [(0,), (2, 0)])
def test_no_numbers_at_all_are_an_empty_view(shape):
    regular = strided(np.zeros(shape, dtype=np.intp))
    assert regular.view(ROWS).shape == (*shape, 2)
    assert not regular.slice_text


@pytest.mark.parametrize(
    ("index", "size", "expected"),
    [
        ([0, 1, 2], 3, True),
        ([[0, 1], [2, 3]], 4, True),
        ([0, 1], 3, False),
        ([0, 2, 1], 3, False),
        ([[0, 2], [1, 3]], 4, False),
    ],
)
def test_everything_is_counted_through_in_order(index, size, expected):
    assert is_everything(np.array(index), size) is expected
