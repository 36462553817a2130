"""Which recorded Values are the weighted inputs and the activations of which layer: `neurons_under`."""

import itertools
import math
import os
import random
import subprocess
import sys

import pytest

import nn
import viz
from autograd import Value, abs, affine, exp, lift, logsumexp, relu, sigmoid, softplus, sqrt, tanh, total, vector
from autograd.graph import stored_operands
from autograd.lift import neurons_under
from tests.lift_graphs import random_function
from viz.neurons import contracted, neurons

WRITTEN = {
    "affine": lambda w, x, b: affine(w, vector(x), b),
    "micrograd": lambda w, x, b: sum((wi * xi for wi, xi in zip(w, x, strict=True)), b),
    "bias last": lambda w, x, b: sum(wi * xi for wi, xi in zip(w, x, strict=True)) + b,
    "total": lambda w, x, b: b + total([xi * wi for wi, xi in zip(w, x, strict=True)][::-1]),
    "minus minus": lambda w, x, b: b - sum(-wi * xi for wi, xi in zip(w, x, strict=True)),
    "a multiple": lambda w, x, b: 2.0 * (sum(wi * xi for wi, xi in zip(w, x, strict=True)) + b),
    "scaled inputs": lambda w, x, b: sum((wi * (xi / 255.0) for wi, xi in zip(w, x, strict=True)), b),
}
"""The same weighted input, written in ways that a search for one shape would tell apart."""


def network(sizes, neuron, seed=0, x=None):
    """Return the loss of a network whose output layer is linear, and for each layer its weights, biases and outputs."""
    rng = random.Random(seed)
    value = lambda: Value(rng.uniform(-1.0, 1.0))  # noqa: E731  # a name for a draw
    a = inputs = [value() for _ in range(sizes[0])] if x is None else x
    layers = []
    for n_in, n_out in itertools.pairwise(sizes):
        W, b = [[value() for _ in range(n_in)] for _ in range(n_out)], [value() for _ in range(n_out)]
        z = [neuron(row, a, bias) for row, bias in zip(W, b, strict=True)]
        a = z if n_out == sizes[-1] else [tanh(each) for each in z]
        layers.append((W, b, z, a))
    return total([(y - 0.25) ** 2 for y in a]), inputs, layers


def operand(place):
    """What stands at a place: a Value, or a number."""
    return stored_operands(place.node)[place.slot]


def same(found, expected):
    return sorted(map(id, found)) == sorted(map(id, expected))


@pytest.mark.parametrize("written", WRITTEN)
def test_a_network_has_the_same_neurons_however_they_are_written(written):
    loss, inputs, layers = network((3, 4, 3, 2), WRITTEN[written])
    found = neurons_under(loss)
    assert [neuron.layer for neuron in found] == [1] * 4 + [2] * 3 + [3] * 2
    sources = inputs
    for k, (W, b, _, a) in enumerate(layers, 1):
        layer = [neuron for neuron in found if neuron.layer == k]
        for neuron, row, bias in zip(layer, W, b, strict=True):
            assert same(map(operand, neuron.weights), row)
            assert same(map(operand, neuron.biases), [bias])
        if written != "scaled inputs":  # there it is the quotient that several neurons use
            assert all(same(map(operand, neuron.sources), sources) for neuron in layer)
        if k < 3:
            assert same([neuron.a for neuron in layer], a)
        sources = a


@pytest.mark.parametrize("written", WRITTEN)
def test_layers_and_deltas_are_those_of_the_matrix_equations(written):
    """A bias' gradient is its neuron's δ, up to the multiple that z was written with behind the bias."""
    loss, inputs, _ = network((3, 4, 3, 2), WRITTEN[written])
    program = lift(loss, {"x": inputs})
    blocks = {block.layer: block for s in program.derived.forward.statements if (block := s.target).role == "z"}
    _, gradients = program.value_and_grad(x=[leaf.data for leaf in inputs])
    found = neurons_under(loss)
    loss.backward()
    factor = 2.0 if written == "a multiple" else 1.0
    for layer, block in blocks.items():
        deltas = [factor * neuron.z.grad for neuron in found if neuron.layer == layer]
        if layer == 3:  # of z − 0.25 nothing but the inner sum is a neuron of the last layer
            deltas = [delta / factor for delta in deltas]
        assert block.shape == (len(deltas),)
        # the same sums in another order: a few roundings
        assert sorted(gradients[f"b{layer}"].tolist()) == pytest.approx(sorted(deltas), rel=1e-12)
    assert len(blocks) == 3


def test_numbers_are_inputs_where_weights_multiply_them():
    loss, _, layers = network((2, 3, 1), WRITTEN["micrograd"], x=[0.5, -1.0])
    found = neurons_under(loss)
    assert [neuron.layer for neuron in found] == [1, 1, 1, 2]
    assert [operand(place) for place in found[0].sources] == [0.5, -1.0]
    assert same(map(operand, found[0].weights), layers[0][0][0])


@pytest.mark.parametrize("given", ["Values", "numbers"])
@pytest.mark.parametrize("written", ["affine", "micrograd", "bias last"])
def test_weights_that_examples_share_are_weights_even_where_examples_outnumber_outputs(written, given):
    rng = random.Random(1)
    neuron = WRITTEN[written]
    W, b = [[Value(rng.uniform(-1, 1)) for _ in range(3)] for _ in range(2)], [Value(0.1), Value(-0.2)]
    rows = [[rng.uniform(-1, 1) for _ in range(3)] for _ in range(7)]
    rows = [[Value(v) for v in row] for row in rows] if given == "Values" else rows
    outputs = [[tanh(neuron(w, x, bias)) for w, bias in zip(W, b, strict=True)] for x in rows]
    found = neurons_under(total([y * y for row in outputs for y in row]) / 7.0)
    assert len(found) == 14
    assert all(any(same(map(operand, neuron.weights), row) for row in W) for neuron in found)


def test_numbers_are_no_weights_even_where_nothing_else_tells():
    w, v, rows = Value(0.5), Value(-0.25), [[0.1 * k, 1.0 - k] for k in range(5)]
    found = neurons_under(total([tanh(w * x + v * y) for x, y in rows]))
    assert len(found) == 5
    assert all(same(map(operand, neuron.weights), [w, v]) for neuron in found)


def test_a_weight_of_inputs_and_of_what_is_computed_is_a_weight_of_both():
    w, b, h = Value(0.5), Value(0.1), Value(0.0)
    for x in (Value(1.0), Value(-0.5), Value(0.25)):
        h = tanh(w * x + w * h * 1.0 + b)
    assert [{id(operand(place)) for place in neuron.weights} for neuron in neurons_under(h * h)] == [{id(w)}] * 3


def test_an_input_that_gates_what_was_computed_from_it_is_no_weight():
    x = Value(0.5)
    a = tanh(Value(0.3) * x + Value(0.1) * Value(0.7) + Value(0.2))
    assert [neuron.a for neuron in neurons_under(relu(x * a))] == [a]


def test_a_recurrent_cell_is_a_neuron_of_a_layer_of_its_own_at_every_time():
    w, u, b, c = (Value(v) for v in (0.5, -0.25, 0.1, 0.2))
    h = Value(0.0)
    for x in (Value(1.0), Value(-0.5), Value(0.25)):
        h = tanh(affine([w], [x], b) + affine([u], [h], c))
    found = neurons_under(h * h)
    assert [neuron.layer for neuron in found] == [1, 2, 3]
    for neuron in found:
        assert same(map(operand, neuron.weights), [w, u])
        assert same(map(operand, neuron.biases), [b, c])


@pytest.mark.parametrize("written", ["affine", "micrograd"])
def test_what_is_added_to_a_weighted_input_is_no_part_of_it(written):
    """A skip around a layer, before and after its activation; a target that is subtracted."""
    rng = random.Random(2)
    row = lambda: [Value(rng.uniform(-1, 1)) for _ in range(2)]  # noqa: E731  # a name for a draw
    neuron, x, W, b, v = WRITTEN[written], row(), [row(), row()], row(), row()
    z = [neuron(w, x, bias) for w, bias in zip(W, b, strict=True)]
    h = [relu(zi + xi) for zi, xi in zip(z, x, strict=True)]
    a = [tanh(neuron(w, h, bias)) for w, bias in zip((row(), row()), row(), strict=True)]
    y = neuron(v, [ai + hi for ai, hi in zip(a, h, strict=True)], Value(0.3))
    found = neurons_under((y - Value(0.7)) ** 2)
    assert [neuron.layer for neuron in found] == [1, 1, 2, 2, 3]
    assert same([neuron.z for neuron in found[:2]], z)
    assert same([neuron.a for neuron in found], [*z, *a, y])


def test_several_weighted_inputs_in_one_sum_are_several_neurons():
    model = nn.MLP(2, [3, 2], seed=0)
    z = model([0.5, -1.0])
    assert same([neuron.z for neuron in neurons_under(total(z)) if neuron.layer == 2], z)
    examples = [model(x)[0] for x in ([0.5, -1.0], [1.0, 2.0])]
    assert same([neuron.z for neuron in neurons_under(sum(examples) / 2.0) if neuron.layer == 2], examples)


@pytest.mark.parametrize(
    "loss",
    [
        lambda z: relu(1.0 - 0.5 * z),
        lambda z: softplus(-1.0 * z),
        lambda z: softplus(-(Value(1.0) * z)),
        lambda z: abs(z - Value(0.3)),
        lambda z: sqrt((z - 0.3) ** 2 + 1.0),
        lambda z: exp(z),
        lambda z: logsumexp([z, Value(0.0)]) - z * 1.0,
    ],
    ids=["hinge", "logistic", "logistic of labels", "absolute", "pseudo-Huber", "exponential", "cross-entropy"],
)
@pytest.mark.parametrize("written", ["affine", "micrograd"])
def test_what_a_loss_does_with_an_output_is_no_activation(written, loss):
    w, x = [Value(0.5), Value(-0.25)], [Value(1.0), Value(2.0)]
    z = WRITTEN[written](w, x, Value(0.1))
    (found,) = neurons_under(loss(z))
    assert found.z is found.a is z
    assert same(map(operand, found.weights), w)


def test_a_threshold_that_is_subtracted_is_a_bias():
    w, x, threshold = [Value(0.5), Value(-0.25)], [Value(1.0), Value(2.0)], Value(0.7)
    (found,) = neurons_under(sigmoid(w[0] * x[0] + w[1] * x[1] - threshold))
    assert same(map(operand, found.biases), [threshold])


def test_a_weight_with_its_sign_changed_is_the_weight():
    w, x = [Value(0.5), Value(0.25)], Value(2.0)
    found = neurons_under(sigmoid(-w[0] * x) * sigmoid(-w[1] * x))
    assert [[operand(place) for place in neuron.weights] for neuron in found] == [[w[0]], [w[1]]]


def test_affine_says_that_it_is_a_weighted_sum_and_which_its_weights_are():
    w, x, t = [Value(0.5), Value(-0.25)], [Value(1.0), Value(2.0)], [Value(0.0), Value(1.0)]
    (found,) = neurons_under(affine(w, x, 0.0))
    assert same(map(operand, found.weights), w)
    z = [tanh(each) for each in x]
    assert neurons_under(logsumexp(z) - affine(z, t, 0.0)) == ()  # cross-entropy, with targets that are Values


def test_a_weight_that_occurs_twice_in_a_sum_leaves_no_half_of_a_neuron():
    w, x = [Value(0.5), Value(-0.25)], [Value(1.0), Value(2.0), Value(3.0)]
    shared = [w[0] * each for each in x]
    half, t = (Value(0.1) + shared[0]) + w[1] * x[1], Value(0.3)
    z = half + shared[2]
    assert neurons_under(z * z) == ()
    half = (Value(0.1) + w[0] * x[0]) + w[1] * x[1]
    z = half + ((w[0] * x[2] - t) + Value(0.7) * Value(0.2))
    assert neurons_under(z * z) == ()


def test_rows_without_bias_and_activation_are_a_layer_but_a_single_one_is_none():
    x = [Value(0.5), Value(-0.5)]
    q = [w * x[0] + v * x[1] for w, v in ((Value(0.1), Value(0.2)), (Value(0.3), Value(0.4)))]
    assert len(neurons_under(q[0] * q[1])) == 2
    assert neurons_under(Value(0.1) * x[0] + Value(0.2) * x[1]) == ()


def test_a_single_output_without_a_bias_is_a_neuron_if_it_weighs_a_layer():
    x, draw = [Value(0.5), Value(-0.5)], random.Random(3).uniform
    row = lambda: [Value(draw(-1, 1)) for _ in range(2)]  # noqa: E731  # a name for a draw
    product = lambda w, v: w[0] * v[0] + w[1] * v[1]  # noqa: E731
    h = [tanh(product(w, x)) for w in (row(), row())]
    after_a_skip = [p + q for p, q in zip(h, [tanh(product(w, h)) for w in (row(), row())], strict=True)]
    for sources, layer in ((h, 2), (after_a_skip, 3)):
        w = row()
        y = product(w, sources)
        last = neurons_under((y - 1.0) ** 2)[-1]
        assert last.z is last.a is y
        assert last.layer == layer
        assert same(map(operand, last.weights), w)
        assert same(map(operand, last.sources), sources)
    assert len(neurons_under(product(row(), [exp(each) for each in h]))) == 2  # what is no activation makes no layer


@pytest.mark.parametrize(
    "graph",
    [
        lambda x, t: x,
        lambda x, t: x * x + 1.0,
        lambda x, t: x * x + 2.0 * x,
        lambda x, t: (x - t) ** 2.0,
        lambda x, t: logsumexp([x, t]) - x * 0.5,
        lambda x, t: affine([x, t], [x, t], 0.0),
        lambda x, t: affine([0.5, 0.25], [tanh(x), tanh(t)], 0.0),
        lambda x, t: tanh(x) * tanh(t) + t,
        lambda x, t: tanh(x * t) + tanh(t * (u := Value(0.5))) + tanh(u * x),
        lambda x, t: Value(2.0) * 3.0,
    ],
)
def test_where_there_is_no_layer_there_is_no_neuron(graph):
    assert neurons_under(graph(Value(2.0), Value(0.3))) == ()


def graph_of(seed):
    """A random graph of anything at all, weighted sums among it."""
    n, m, k, function = random_function(seed)
    rng = random.Random(seed)
    x, t, parameters = ([Value(rng.uniform(-1.0, 1.0)) for _ in range(length)] for length in (n, m, k))
    try:
        out = function(x, t, parameters)
        out.backward()
    except (ArithmeticError, ValueError, AttributeError):  # outside a domain, or no graph but a number
        return None
    return out


GRAPHS = 400
"""So many random graphs are looked at; about every third has a neuron."""


def test_nothing_but_weights_sources_and_biases_enters_a_neuron_and_nothing_but_a_leaves_it():
    seen = 0
    for out in map(graph_of, range(GRAPHS)):
        found = neurons_under(out) if out is not None else ()
        members = [id(member) for neuron in found for member in neuron.members]
        assert len(members) == len(set(members))
        users = {}
        for node in viz.trace(out).nodes if found else ():
            for each in stored_operands(node.value) if node.op else ():
                users.setdefault(id(each), set()).add(id(node.value))
        for neuron in found:
            seen += 1
            inside = {id(member) for member in neuron.members}
            entering = {id(operand(place)) for place in (*neuron.weights, *neuron.sources, *neuron.biases)}
            assert {id(neuron.z), id(neuron.a)} <= inside
            for member in neuron.members:
                operands = [each for each in stored_operands(member) if not isinstance(each, float)]
                assert {id(each) for each in operands if not each.is_literal} <= inside | entering
                assert member is neuron.a or users.get(id(member), set()) <= inside
    assert seen > 100


def test_gradients_between_the_neurons_of_any_graph_are_the_engines():
    for out in map(graph_of, range(GRAPHS)):
        if out is None:
            continue
        traced = viz.trace(out)
        found = neurons(traced)
        groups, edges = contracted(traced, found)
        arrived = [[] for _ in groups]
        for edge in edges:
            arrived[edge.tail].append(edge.contribution)
        hidden = {k for neuron in found for k in (*neuron.weights, *neuron.biases)}
        for group, parts in zip(groups, arrived, strict=True):
            node = traced.nodes[group.out]
            if node.index != traced.root and node.index not in hidden and not node.is_constant:
                # the same products added in another order: roundings of the largest of them
                size = max(map(math.fabs, parts), default=0.0)
                assert math.fsum(parts) == pytest.approx(node.value.grad, rel=1e-9, abs=1e-9 * size)


def test_looking_for_neurons_changes_nothing():
    loss, _, _ = network((2, 3, 1), WRITTEN["micrograd"], x=[0.5, -1.0])
    nodes = [node.value for node in viz.trace(loss).nodes if node.op]
    before = [(node.data, node.grad, stored_operands(node)) for node in nodes]
    neurons_under(loss)
    for node, (data, grad, operands) in zip(nodes, before, strict=True):
        assert (node.data, node.grad) == (data, grad)
        assert all(one is other for one, other in zip(stored_operands(node), operands, strict=True))


def test_the_same_graph_has_the_same_neurons_whatever_the_hash_seed():
    program = (
        "from tests.test_lift_neurons import WRITTEN, network\n"
        "from viz import trace; from viz.neurons import neurons\n"
        "print([neurons(trace(network((3, 4, 3, 2), how)[0])) for how in WRITTEN.values()])\n"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.PIPE,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(runs) == 1


def test_a_chain_of_ten_thousand_and_a_sum_of_a_thousand_outputs_are_searched_at_once():
    x, w = Value(0.5), Value(0.001)
    y = x
    for _ in range(10_000):
        y = y + w * x
    assert neurons_under(y) == ()
    z = [affine([Value(0.1), Value(0.2)], [x, w], Value(0.3)) for _ in range(1000)]
    assert len(neurons_under(total(z))) == 1000
