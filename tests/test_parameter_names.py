"""What the parameters of a program are called: as they were given, or as their labels say, or by their part."""

import re

import numpy as np
import pytest

from autograd import Value, lift, total


def vector_of(*labels):
    return [Value(1.0 + k, label) for k, label in enumerate(labels)]


def program_of(leaves, parameters=None):
    x = Value(0.5, "x")
    cost = total([leaf * leaf * x for leaf in leaves])
    return lift(cost, inputs={"x": [x]}, parameters=leaves if parameters is None else parameters)


def test_labels_with_indices_are_arrays():
    program = program_of(vector_of("W[0,1]", "W[0,0]", "W[1,0]", "W[1,1]", "b[1]", "b[0]", "c"))
    named = {name: array.tolist() for name, array in program.parameters.items()}
    assert named == {"W": [[2.0, 1.0], [3.0, 4.0]], "b": [6.0, 5.0], "c": 7.0}


@pytest.mark.parametrize(
    ("labels", "note"),
    [
        (("W[0]", "W[0]"), "The labels 'W' are not used as a name: two leaves are labelled 'W[0]'."),
        (("x[0]", "x[1]"), "The labels 'x' are not used as a name: an input has this name."),
        (("W[0,0]", "W[1,1]"), "The labels of 'W' do not fill a rectangle, so it is a vector of its 2 entries."),
        (("W[0]", "W[0,1]"), "The labels of 'W' do not fill a rectangle, so it is a vector of its 2 entries."),
    ],
)
def test_labels_that_name_no_array_are_reported(labels, note):
    program = program_of(vector_of(*labels))
    assert note in program.report()
    assert program.flat.tolist() == [1.0, 2.0]
    _, gradients = program.value_and_grad(x=[[0.5]])
    assert sorted(np.concatenate([g.ravel() for g in gradients.values()])) == [1.0, 2.0]  # 2 · leaf · x


def test_a_label_that_is_no_name_is_as_good_as_none():
    for labels in (("3[0]", "3[1]"), ("a b", "c d"), ("lambda x", "")):
        names = program_of(vector_of(*labels)).parameters
        assert all(name.isidentifier() for name in names)


W = [[Value(1.0), Value(2.0)], [Value(3.0), Value(4.0)]]


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"2W": W}, TypeError, "a parameter's name must be an identifier, got '2W'"),
        ({1: W}, TypeError, "a parameter's name must be an identifier, got 1"),
        ({"W": []}, ValueError, "parameter 'W' is empty"),
        ({"W": [W[0], []]}, ValueError, "parameter 'W' is not rectangular: 2 and 0 entries"),
        ({"W": [1.0]}, TypeError, "a parameter must be a leaf Value, got 1.0"),
        ({"W": W, "V": W[0]}, ValueError, "leaf 1.0 occurs twice among the parameters"),
        ("Wb", TypeError, "parameters must be a module, an iterable of leaves or a mapping, got 'Wb'"),
        (W[0][0], TypeError, "parameters must be a module, an iterable of leaves or a mapping, got Value"),
        (3, TypeError, "parameters must be a module, an iterable of leaves or a mapping, got 3"),
        ([W[0][0] * 2.0], TypeError, "a parameter must be a leaf Value, got Value"),
    ],
)
def test_what_is_no_set_of_leaves_is_refused(parameters, error, message):
    with pytest.raises(error, match=re.escape(message)):
        program_of(W[0], parameters)


@pytest.mark.parametrize("index", ["9" * 5000, "9" * 18, f"{'9' * 18},{'9' * 18}", "4294967296,4294967296"])
def test_a_label_with_an_index_beyond_all_arrays_makes_no_array_of_that_size(index):
    program = program_of(vector_of(f"W[{index}]", "W[0]", "b[0]"))
    assert sorted(program.flat.tolist()) == [1.0, 2.0, 3.0]
    assert sum(array.size for array in program.parameters.values()) == 3
