"""What lies under an output: every node once and oldest first, the leaves without literals; and shared operands."""

import pickle

import pytest

from autograd import Value, affine, total, vector
from autograd.graph import Graph, Vector, refuse_changed_leaves


def test_interior_nodes_come_once_and_oldest_first():
    x, y = Value(0.5, "x"), Value(2.0, "y")
    a = x * y
    b = a.tanh() + a
    c = affine([a, x, 3.0], [b, b, y], b)
    _ = c * 2.0  # above the output, so not under it
    assert Graph([c]).nodes == [a, b.operands[0], b, c]
    assert Graph([c, a, b]).nodes == Graph([c]).nodes
    assert Graph([x]).nodes == Graph([]).nodes == []


def test_leaves_under_an_output_are_those_it_was_computed_from_and_no_numbers():
    x, y, other = Value(0.5, "x"), Value(2.0, "y"), Value(1.0, "other")
    _ = x * other
    z = total([x * 3.0, affine([y, 2.0], [x, 1.0], 0.5), x])
    _ = [node.operands for node in Graph([z]).nodes]  # makes literals of the numbers
    assert Graph([z]).leaves == [x, y]
    assert Graph([x]).leaves == [x]
    assert Graph([y - x]).leaves == Graph([x - y]).leaves == [x, y]  # each as either operand
    assert Graph([affine([x], [2.0], y)]).leaves == Graph([affine([y], [2.0], x)]).leaves == [x, y]  # and as the bias
    assert Graph([(x * 3.0).operands[1]]).leaves == []  # a literal has no gradient


def test_a_leaf_that_was_assigned_is_found_before_anything_is_read():
    x, y = Value(0.5, "x"), Value(2.0, "y")
    z = x * y
    w = z * z
    x.data = 1.0
    with pytest.raises(RuntimeError, match=r'leaf "x" = 1\.0 was assigned after mul 1\.0 was recorded from it'):
        refuse_changed_leaves(Graph([w]).nodes)
    refuse_changed_leaves(Graph([y * y, x * y]).nodes)


def test_shared_operands_are_a_sequence_that_keeps_numbers_as_they_are():
    x = Value(0.5, "x")
    shared = vector([x, 2.0, x])
    assert (len(shared), list(shared)) == (3, [x, 2.0, x])
    assert shared.numbers() == [0.5, 2.0, 0.5]
    x.data = 0.25
    assert shared.numbers() == [0.25, 2.0, 0.25]
    assert vector(shared) is shared


def test_shared_operands_are_read_once_until_some_leaf_is_assigned():
    x, other = Value(0.5, "x"), Value(1.0, "other")
    shared = vector([x, 2.0])
    read = shared.numbers()
    assert shared.numbers() is read
    other.data = 3.0  # nobody knows which Vectors a leaf is in
    assert (shared.numbers() is not read, shared.numbers()) == (True, read)


def test_shared_operands_know_whether_all_that_have_a_gradient_are_leaves():
    x, y = Value(0.5, "x"), Value(2.0, "y")
    for operands, leaves_only in (([x, y], True), ([x, 2.0], True), ([x, x * y], False), ([2.0, x + 1.0], False)):
        shared = vector(operands)
        assert [shared.of_leaves(), shared.of_leaves()] == [leaves_only] * 2


def test_shared_operands_are_copied_without_the_numbers_they_have_read():
    shared = vector([Value(0.5, "x"), 2.0])
    shared.numbers()
    other = pickle.loads(pickle.dumps(shared))
    assert isinstance(other, Vector)
    other.values[0].data = 0.125
    assert (other.numbers(), shared.numbers()) == ([0.125, 2.0], [0.5, 2.0])
