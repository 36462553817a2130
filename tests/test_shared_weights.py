"""Weights that many affine nodes share: what the reverse pass forms as matrix products equals the table's rule."""

import random

import pytest

from autograd import DomainError, Value, affine, relu, tanh, total, vector
from autograd.value import assign

MANY = 1200  # nodes: more than those below which products are added one by one
RELATIVE = 1e-13  # sums of at most 6,400 products of size 1, in another order


def network(examples, width, sigma, weighted_sum):
    """The loss of a layer with shared weights over some examples, and its leaves; `weighted_sum` makes a node."""
    rng = random.Random(examples * 100 + width)
    numbers = [[rng.uniform(-1, 1) for _ in range(width)] for _ in range(width + 1)]
    rows = [[Value(w) for w in row] for row in numbers[:-1]]
    biases = [Value(b) for b in numbers[-1]]
    shared = [vector(row) for row in rows]
    losses = []
    for _ in range(examples):
        a = [rng.uniform(-1, 1) for _ in range(width)]
        for _ in range(2):  # the same weights twice: once on numbers, once on nodes
            inputs = vector(a)
            a = [sigma(weighted_sum(w, inputs, b)) for w, b in zip(shared, biases, strict=True)]
        losses.append(total([out * rng.uniform(-1, 1) for out in a]))
    return total(losses), [leaf for row in (*rows, biases) for leaf in row]


def by_the_table(weights, inputs, bias):
    """The same number from elementary operations, whose rules are tested on their own."""
    return total([*(w * x for w, x in zip(weights, inputs, strict=True)), bias])


@pytest.mark.parametrize("examples", [1, 5, 40, pytest.param(400, marks=pytest.mark.slow)])
@pytest.mark.parametrize("width", [1, 3, 8])
@pytest.mark.parametrize("sigma", [tanh, relu], ids=["tanh", "relu"])
def test_shared_weights_receive_the_sum_over_all_nodes(examples, width, sigma):
    loss, leaves = network(examples, width, sigma, affine)
    expected, theirs = network(examples, width, sigma, by_the_table)
    loss.backward()
    expected.backward()
    wanted = [leaf.grad for leaf in theirs]
    assert [leaf.grad for leaf in leaves] == pytest.approx(wanted, rel=RELATIVE, abs=RELATIVE * max(map(abs, wanted)))
    once = [leaf.grad for leaf in leaves]
    loss.backward()
    assert [leaf.grad for leaf in leaves] == [2.0 * grad for grad in once]


@pytest.mark.parametrize("examples", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("width", [1, 3, 4, 5])
def test_a_few_examples_within_a_large_graph_receive_the_same(examples, width):
    grads = []
    for weighted_sum in (affine, by_the_table):
        loss, leaves = network(examples, width, tanh, weighted_sum)
        for _ in range(MANY):
            loss = loss * 1.0  # makes the graph large and changes nothing
        loss.backward()
        grads.append([leaf.grad for leaf in leaves])
    assert grads[0] == pytest.approx(grads[1], rel=RELATIVE, abs=RELATIVE)


def test_examples_with_other_weights_do_not_mix():
    w, v = Value(0.5), Value(0.25)
    one, other = vector([w]), vector([v])
    inputs = [vector([float(k)]) for k in range(MANY)]
    total([affine(one, x, 0.0) for x in inputs] + [affine(other, x, 0.0) for x in inputs[: MANY // 2]]).backward()
    assert (w.grad, v.grad) == (sum(range(MANY)), sum(range(MANY // 2)))


def test_a_leaf_that_is_twice_among_the_weights_receives_both():
    w = Value(0.5)
    weights = vector([w, w, 2.0])
    loss = total([affine(weights, [float(k), 1.0, 7.0], 0.0) for k in range(MANY)])
    loss.backward()
    assert w.grad == sum(range(MANY)) + float(MANY)


def test_weights_that_are_nodes_pass_their_adjoints_on():
    leaf = Value(0.5)
    weights = vector([leaf * 3.0, leaf * 5.0])
    total([affine(weights, [float(k), 1.0], 0.0) for k in range(MANY)]).backward()
    assert leaf.grad == 3.0 * sum(range(MANY)) + 5.0 * MANY


def test_a_product_that_is_not_finite_changes_no_gradient():
    leaves = [Value(1e-200), Value(1.0)]
    weights = vector(leaves)
    loss = total([affine(weights, [1e200, 1.0], 0.0) for _ in range(MANY)])
    leaves[0].grad = 0.25
    with pytest.raises(DomainError, match="not finite"):
        loss.backward(1e200)
    assert [leaf.grad for leaf in leaves] == [0.25, 0.0]


def test_many_leaves_are_assigned_together():
    leaves = [Value(float(k)) for k in range(5)]
    shared = vector(leaves)
    old = affine(shared, [1.0] * 5, 0.0)
    assign(leaves, [2, 3.0, 4.0, 5.0, 6.0])
    assert [leaf.data for leaf in leaves] == [2.0, 3.0, 4.0, 5.0, 6.0]
    assert affine(shared, [1.0] * 5, 0.0).data == 20.0
    with pytest.raises(RuntimeError, match="assigned after"):
        old.backward()


@pytest.mark.parametrize(
    ("numbers", "error"),
    [([1.0, float("nan")], ValueError), ([1.0, "2"], TypeError), ([1.0, True], TypeError), ([1.0], ValueError)],
)
def test_all_leaves_are_assigned_or_none(numbers, error):
    leaves = [Value(7.0), Value(8.0)]
    node = leaves[0] + leaves[1]
    with pytest.raises(error):
        assign(leaves, numbers)
    assert [leaf.data for leaf in leaves] == [7.0, 8.0]
    node.backward()  # and nothing counts as assigned


@pytest.mark.parametrize("wrong", [Value(1.0) + 1.0, (Value(1.0) + 1.0).operands[1]], ids=["node", "literal"])
def test_only_leaves_are_assigned(wrong):
    leaf = Value(7.0)
    with pytest.raises(AttributeError):
        assign([leaf, wrong], [1.0, 2.0])
    assert leaf.data == 7.0
