"""Graphs of every shape: the program equals the engine, and structure is found where there is some."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

import autograd as ag
from autograd import Value, affine, compile, lift, logsumexp, total
from tests.lift_graphs import by_engine, matrix_products

EXACT = 1e-10  # of the largest entry: these functions are well conditioned


def leaves(*shape, seed=0, scale=0.5):
    rng = np.random.default_rng(seed)
    numbers = rng.normal(scale=scale, size=shape)
    if len(shape) == 1:
        return [Value(v) for v in numbers]
    return [[Value(v) for v in row] for row in numbers]


def layer(W, a, b):
    return [affine(row, a, bias) for row, bias in zip(W, b, strict=True)]


def flat(*arrays):
    return [v for array in arrays for row in array for v in (row if isinstance(row, list) else [row])]


def check(function, parameters, n_x, n_t=0, rows=7, reduce="mean"):
    """Compare at several batch sizes with the engine, and return the program."""
    rng = np.random.default_rng(1)
    program = compile(lambda x, t=(): function(x, t), parameters=parameters, reduce=reduce)
    for count in (rows, 1, 3):
        X, T = rng.normal(size=(count, n_x)), rng.normal(size=(count, n_t))
        exact = by_engine(lambda x, t, _: function(x, t), parameters, X, T)
        exact = exact * (count if reduce == "sum" else 1)
        loss, gradient = program.value_and_grad(**({"x": X, "t": T} if n_t else {"x": X}))
        found = np.zeros(len(parameters))
        for each in program.derived.parameters.all:
            found[each.leaves.ravel()] = gradient[each.name].ravel()
        found = np.append(loss, found)
        np.testing.assert_allclose(found, exact, rtol=0.0, atol=EXACT * np.abs(exact).max())
    return program


def half_square(y, t):
    return 0.5 * total([(p - q) ** 2 for p, q in zip(y, t, strict=True)])


# --- what breaks a naive lifter ------------------------------------------------------------------


def test_products_of_two_batched_vectors_are_taken_example_by_example():
    Q, K = leaves(3, 2, seed=1), leaves(3, 2, seed=2)
    b = leaves(3)

    def attention(x, _t):
        q, k = layer(Q, x[:2], b), layer(K, x[2:], b)
        scores = [[sum(q[i] * k[j] for _ in range(1)) for j in range(3)] for i in range(3)]
        mixed = [sum(scores[i][j] * k[j] for j in range(3)) for i in range(3)]
        table = [
            [q[0] * k[0] + q[1] * k[1], q[0] * k[2] + q[1] * k[0]],
            [q[2] * k[0] + q[0] * k[1], q[2] * k[2] + q[0] * k[0]],
        ]
        return sum(v * v for v in mixed) + sum(v.tanh() for row in table for v in row)

    check(attention, flat(Q, K, b), 4)


@pytest.mark.parametrize("shape", ["right", "tree"])
def test_right_nested_and_tree_shaped_sums_are_matrix_products(shape):
    W, b = leaves(3, 40), leaves(3)

    def nested(terms):
        if len(terms) == 1:
            return terms[0]
        if shape == "right":
            result = terms[-1]
            for term in reversed(terms[:-1]):
                result = term + result
            return result
        half = len(terms) // 2
        return nested(terms[:half]) + nested(terms[half:])

    def function(x, _t):
        return sum(
            (nested([w * v for w, v in zip(row, x, strict=True)]) + c).tanh() for row, c in zip(W, b, strict=True)
        )

    program = check(function, flat(W, b), 40)
    assert matrix_products(program) == ["z1"]


def test_neurons_that_sum_in_another_order_and_mix_wx_with_xw_are_one_matrix_product():
    W, b = leaves(5, 6), leaves(5)
    shuffle = random.Random(3)

    def function(x, _t):
        z = []
        for row, c in zip(W, b, strict=True):
            terms = [w * v if shuffle.random() < 0.5 else v * w for w, v in zip(row, x, strict=True)]
            order = random.Random(id(row) % 97).sample([*terms, c], len(terms) + 1)
            z.append(sum(order[1:], order[0]))
        return sum(v.tanh() for v in z)

    shuffle_state = shuffle.getstate()

    def same_each_time(x, t):
        shuffle.setstate(shuffle_state)
        return function(x, t)

    assert matrix_products(check(same_each_time, flat(W, b), 6)) == ["z1"]


def test_a_weight_that_is_tied_transposed_a_bias_and_in_the_loss_gets_all_of_its_gradient():
    W = leaves(3, 3)

    def function(x, t):
        hidden = [v.tanh() for v in layer(W, x, W[0])]
        back = [affine([W[i][j] for i in range(3)], hidden, W[2][j]) for j in range(3)]
        return half_square(back, t) + 0.01 * sum(w * w for row in W for w in row) + W[1][1]

    program = check(function, flat(W), 3, 3)
    assert matrix_products(program) == ["z1", "z2"]


def test_missing_constant_and_subtracted_biases_and_a_neuron_without_inputs_are_right():
    W, b = leaves(4, 3), leaves(4)

    def function(x, _t):
        sums = [sum(w * v for w, v in zip(row, x, strict=True)) for row in W]
        z = [sums[0], sums[1] + 2.5, sums[2] - b[2], sums[3] + b[3], b[0]]
        return sum(v.sigmoid() for v in z)

    program = check(function, flat(W, b), 3)
    assert matrix_products(program) == ["z1"]


def test_variadic_operations_over_repeated_leaves_are_right():
    w = leaves(3)

    def function(x, _t):
        return logsumexp([w[0], w[0], x[0], w[1] * x[1], x[0]]) + total([w[2], w[2], x[1], 2.0]) * x[0]

    check(function, w, 2)


def test_interleaved_activations_into_concatenation_and_skips_are_right():
    W, V, b, c = leaves(4, 3, seed=1), leaves(2, 10, seed=2), leaves(4), leaves(2)

    def function(x, t):
        z = layer(W, x, b)
        a = [v.tanh() if k % 2 else v.relu() for k, v in enumerate(z)]
        joined = [a[2], *x, a[0], z[1], a[3], a[1], x[0], z[0]]
        y = layer(V, joined, c)
        return half_square([p + q for p, q in zip(y, x, strict=False)], t)

    check(function, flat(W, V, b, c), 3, 2)


@pytest.mark.parametrize("reduce", ["mean", "sum"])
def test_a_penalty_on_the_weights_counts_as_often_as_the_function_says(reduce):
    W, b = leaves(2, 3), leaves(2)

    def function(x, t):
        penalty = 0.05 * sum(w * w for row in W for w in row)
        return half_square([v.tanh() for v in layer(W, x, b)], t) + penalty

    check(function, flat(W, b), 3, 2, reduce=reduce)


class Neuron:
    """micrograd's neuron, by Andrej Karpathy, in its shape: one sum of products from the bias on."""

    def __init__(self, n, rng, nonlinear):
        self.w = [Value(rng.uniform(-1, 1)) for _ in range(n)]
        self.b = Value(0.0)
        self.nonlinear = nonlinear

    def __call__(self, x):
        z = sum((w * v for w, v in zip(self.w, x, strict=True)), self.b)
        return z.relu() if self.nonlinear else z


class Network:
    """micrograd's MLP."""

    def __init__(self, sizes, seed=1):
        rng = random.Random(seed)
        shapes = list(itertools.pairwise(sizes))
        self.layers = [
            [Neuron(n_in, rng, nonlinear=l < len(shapes) - 1) for _ in range(n_out)]
            for l, (n_in, n_out) in enumerate(shapes)
        ]

    def __call__(self, x):
        for neurons in self.layers:
            x = [neuron(x) for neuron in neurons]
        return x[0] if len(x) == 1 else x

    def parameters(self):
        return [p for neurons in self.layers for neuron in neurons for p in (*neuron.w, neuron.b)]


def demo(count, inputs, sizes=(2, 8, 8, 1)):
    """Return micrograd's demo: hinge loss and L2 over a whole batch in one graph, for literals, leaves or inputs."""
    model = Network(list(sizes))
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(count, sizes[0])), np.sign(rng.normal(size=count))
    rows = X.tolist() if inputs == "literals" else [[Value(v) for v in row] for row in X]
    losses = [(1 + -t * model(row)).relu() for row, t in zip(rows, y.tolist(), strict=True)]
    cost = sum(losses) * (1.0 / count) + 1e-4 * sum(p * p for p in model.parameters())
    return model, rows, X, cost


def test_the_micrograd_network_gives_a_product_for_each_layer_one_row_at_a_time():
    model = Network([2, 8, 8, 1])

    def function(x, t):
        return (1 + -t[0] * model(x)).relu() + 1e-4 * sum(p * p for p in model.parameters())

    program = check(function, model.parameters(), 2, 1)
    assert matrix_products(program) == ["z1", "z2", "z3"]
    assert [s.target.name for s in program.derived.forward.statements][:5] == ["z1", "a1", "z2", "a2", "z3"]


@pytest.mark.parametrize("inputs", ["literals", "anonymous leaves", "inputs"])
def test_a_whole_batch_in_one_graph_is_lifted_to_one_matrix_product_a_layer(inputs):
    model, rows, X, cost = demo(20, inputs)
    given = {"x": [v for row in rows for v in row]} if inputs == "inputs" else {}
    parameters = None if inputs == "anonymous leaves" else model.parameters()
    program = lift(cost, given, parameters)
    assert len(matrix_products(program)) == 3
    cost.backward()
    loss, gradient = program.value_and_grad(**({"x": X.ravel()} if given else {}))
    assert loss == pytest.approx(cost.data, rel=1e-12)
    expected = np.array([leaf.grad for leaf in program._recorder.held.leaves])
    found = np.zeros(len(expected))
    for each in program.derived.parameters.all:
        found[each.leaves.ravel()] = gradient[each.name].ravel()
    np.testing.assert_allclose(found, expected, rtol=0.0, atol=EXACT * np.abs(expected).max())


def test_roots_that_are_leaves_constants_or_cancel_are_right():
    w = Value(3.0, "w")
    X = np.array([[2.0], [5.0]])
    cases = {
        "an input": (lambda x: x[0], 3.5, 0.0),
        "a parameter": (lambda **_: w, 3.0, 1.0),
        "a constant": (lambda **_: 7.0, 7.0, 0.0),
        "a difference of itself": (lambda x: w - w + x[0] - x[0], 0.0, 0.0),
        "a constant operation": (lambda **_: ag.exp(Value(0.0)), 1.0, 0.0),
    }
    for name, (function, value, gradient) in cases.items():
        program = compile(function, parameters=[w])
        loss, found = program.value_and_grad(x=X)
        assert (loss, found["w"]) == (value, gradient), name
        assert program.losses(x=X).shape == (2,)
        total_program = compile(function, parameters=[w], reduce="sum")
        loss, found = total_program.value_and_grad(x=X)
        assert (loss, found["w"]) == (2 * value, 2 * gradient), name


def test_no_inputs_no_parameters_and_unused_inputs_are_right():
    w = Value(2.0, "w")
    assert lift(w * w).value_and_grad() == (4.0, {"w": 4.0})
    program = compile(lambda x, t, **_: (x[0] - t[0]) ** 2)
    loss, gradient = program.value_and_grad(x=[[1.0], [2.0]], t=[[0.0], [0.0]], unused=[[1.0, 2.0], [3.0, 4.0]])
    assert (loss, gradient) == (2.5, {})
    with pytest.raises(TypeError, match="'unused' is missing"):
        program.value(x=[[1.0]], t=[[1.0]])
    with pytest.raises(ValueError, match=r"reads the input 'unused' of shape \(1, 2\)"):
        compile(lambda x, unused: x[0]).value(x=[[1.0]], unused=[[1.0, 2.0]])


# --- further shapes ------------------------------------------------------------------------------


def test_a_convolution_is_a_matrix_product():
    kernels, bias = leaves(2, 3), leaves(2)

    def function(x, _t):
        z = [[affine(kernel, x[p : p + 3], b) for p in range(6)] for kernel, b in zip(kernels, bias, strict=True)]
        return sum(v.tanh() for row in z for v in row)

    assert matrix_products(check(function, flat(kernels, bias), 8)) == ["z1"]


def test_a_second_convolution_adds_up_the_gradients_of_overlapping_windows():
    first, second, b = leaves(2, 3, seed=1), leaves(3, seed=2), leaves(2)

    def function(x, _t):
        a = [[affine(kernel, x[p : p + 3], c).tanh() for p in range(6)] for kernel, c in zip(first, b, strict=True)]
        return sum(affine(second, row[p : p + 3], 0.1).sigmoid() for row in a for p in range(4))

    check(function, flat(first, second, b), 8)


def test_an_unrolled_recurrence_is_two_products_a_step():
    W, U, b = leaves(3, 3, seed=1), leaves(3, 2, seed=2), leaves(3)

    def function(x, _t):
        h = [0.1, -0.2, 0.3]
        for step in range(4):
            z = [affine([*w, *u], [*h, *x[2 * step : 2 * step + 2]], c) for w, u, c in zip(W, U, b, strict=True)]
            h = [v.tanh() for v in z]
        return sum(v * v for v in h)

    program = check(function, flat(W, U, b), 8)
    assert len(matrix_products(program)) == 8


def test_pruned_weights_are_a_matrix_with_exact_zeros():
    W, b = leaves(6, 8), leaves(6)
    rng = random.Random(0)
    kept = [[k for k in range(8) if rng.random() < 0.4] or [0] for _ in range(6)]

    def function(x, _t):
        return sum(
            affine([row[k] for k in ks], [x[k] for k in ks], c).tanh() for row, ks, c in zip(W, kept, b, strict=True)
        )

    assert matrix_products(check(function, flat(W, b), 8)) == ["z1"]


def test_layer_normalisation_softmax_heads_and_selections_are_right():
    W, b, g = leaves(4, 3), leaves(4), leaves(4, seed=3)

    def function(x, t):
        z = layer(W, x, b)
        middle = ag.mean(z)
        spread = (ag.mean([(v - middle) ** 2 for v in z]) + 1e-3).sqrt()
        y = [s * (v - middle) / spread for s, v in zip(g, z, strict=True)]
        p = ag.softmax(y)
        clipped = [ag.maximum(ag.minimum(v, 0.4), 0.1) for v in p]
        chosen = [ag.where(ag.step(u), v, w) for u, v, w in zip(t, clipped, y, strict=True)]
        return sum(v * v for v in chosen) - p[0].log() + logsumexp(z)

    check(function, flat(W, b, g), 3, 4)


def test_towers_that_share_weights_are_one_product():
    W, b = leaves(3, 2), leaves(3)

    def function(x, _t):
        one, other = ([v.tanh() for v in layer(W, part, b)] for part in (x[:2], x[2:]))
        return sum((p - q) ** 2 for p, q in zip(one, other, strict=True))

    assert len(matrix_products(check(function, flat(W, b), 4))) <= 2


def test_cancelling_constants_stay_where_they_were():
    w = Value(1.0, "w")
    program = compile(lambda x: (w * x[0] + 1e20) - 1e20, parameters=[w])
    loss, _ = program.value_and_grad(x=[[1.0], [2.0]])
    assert loss == 0.0


@pytest.mark.parametrize("depth", [60, pytest.param(200, marks=pytest.mark.slow)])
def test_deep_networks_are_right(depth):
    Ws, bs = [leaves(3, 3, seed=k, scale=0.6) for k in range(depth)], [leaves(3, seed=k) for k in range(depth)]

    def function(x, t):
        a = x
        for W, b in zip(Ws, bs, strict=True):
            a = [v.tanh() for v in layer(W, a, b)]
        return half_square(a, t)

    assert len(matrix_products(check(function, flat(*Ws, *bs), 3, 3))) == depth


@pytest.mark.slow
def test_a_layer_of_a_thousand_units_is_right():
    W, b, V, c = leaves(1000, 4, seed=1), leaves(1000), leaves(2, 1000, seed=2, scale=0.05), leaves(2)

    def function(x, t):
        return half_square(layer(V, [v.sigmoid() for v in layer(W, x, b)], c), t)

    assert matrix_products(check(function, flat(W, b, V, c), 4, 2)) == ["z1", "z2"]


def test_factors_and_nested_multiples_keep_their_coefficients():
    w, v = Value(0.7, "w"), Value(-1.3, "v")

    def function(x, _t):
        product = (2.0 * w) * (x[0] * 3.0)
        return product + 0.5 * (v * x[1] - 4.0 * (w - 0.25 * v * v)) - (x[0] / 8.0 + product.tanh() * -2.0)

    check(function, [w, v], 2)


def test_two_products_with_rows_and_columns_exchanged_are_added_in_the_right_places():
    A, B = leaves(3, 2, seed=1), leaves(4, 2, seed=2)

    def function(x, t):
        columns, rows = [x[2 * j : 2 * j + 2] for j in range(4)], [t[2 * i : 2 * i + 2] for i in range(3)]
        return sum(
            (affine(A[i], columns[j], 0.0) + affine(B[j], rows[i], 0.0)).tanh() * (1.0 + i + 5.0 * j)
            for i in range(3)
            for j in range(4)
        )

    program = check(function, flat(A, B), 8, 6)
    assert matrix_products(program)[:2] == ["z1", "z1"]


def test_windows_that_overlap_in_one_row_add_up_in_the_gradient():
    first, second, b = leaves(3, seed=1), leaves(3, seed=2), leaves(1)

    def function(x, _t):
        a = [affine(first, x[p : p + 3], b[0]).tanh() for p in range(6)]
        return sum(affine(second, a[p : p + 3], 0.1).sigmoid() for p in range(4))

    check(function, flat(first, second, b), 8)
