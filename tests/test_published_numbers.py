"""Worked examples that others have published, recomputed by the engine and, where they are networks, in closed form.

A published number is compared to half a unit of its last printed digit, or to a whole one where the source goes on
with rounded numbers.
"""

import itertools

import numpy as np
import pytest

from autograd import Value, affine, exp, log, sigmoid, sin, tangent, tanh, total
from nn.closed_form import backprop, hidden_delta, output_delta, weighted_input
from tests.documents import logistic


def units(actual, printed):
    """How many units of the last printed digit lie between a number and a printed decimal."""
    return abs(actual - float(printed)) * 10 ** len(printed.partition(".")[2])


def matches(actual, printed):
    return units(actual, printed) <= 0.5 + 1e-6  # 1e-6 for the rounding of the decimal itself


def nearly_matches(actual, printed):
    return units(actual, printed) <= 1.0


def backward(output, *leaves):
    output.backward()
    return [leaf.grad for leaf in leaves]


# Matt Mazur, "A Step by Step Backpropagation Example" (mattmazur.com, 2015): 2-2-2, logistic, ½ Σ (target - out)²,
# rate 0.5, biases kept. The article numbers the weights w1 … w8 neuron by neuron.

MAZUR_W = np.array([[[0.15, 0.20], [0.25, 0.30]], [[0.40, 0.45], [0.50, 0.55]]])
MAZUR_B = np.array([[0.35, 0.35], [0.60, 0.60]])
MAZUR_I, MAZUR_T = [0.05, 0.10], [0.01, 0.99]
MAZUR_NEXT = ["0.149780716", "0.19956143", "0.24975114", "0.29950229"]
MAZUR_NEXT += ["0.35891648", "0.408666186", "0.511301270", "0.561370121"]


def mazur_by_scalars(w):
    """The loss after the forward pass, and the weights as Values in the article's order."""
    leaves = np.vectorize(Value, otypes=[object])(w)
    a = MAZUR_I
    for w_l, b_l in zip(leaves, MAZUR_B, strict=True):
        a = [sigmoid(affine(list(row), a, bias)) for row, bias in zip(w_l, b_l, strict=True)]
    return total([(t - o) ** 2 for t, o in zip(MAZUR_T, a, strict=True)]) / 2, list(leaves.flat)


def mazur_in_closed_form(w):
    return backprop(w, MAZUR_B, MAZUR_I, MAZUR_T, activations="sigmoid", loss="half_squared_error")


def mazur_step(w):
    return w - 0.5 * np.array(mazur_in_closed_form(w).dW)


def test_mazur_forward_pass():
    result = mazur_in_closed_form(MAZUR_W)
    printed = ["0.3775", "0.593269992", "0.596884378", "1.105905967", "0.75136507", "0.772928465"]
    actual = [result.z[0][0], *result.a[1], result.z[1][0], *result.a[2]]
    assert all(map(matches, actual, printed))
    assert matches(result.loss, "0.298371109")
    assert matches(mazur_by_scalars(MAZUR_W)[0].data, "0.298371109")


def test_mazur_gradients():
    loss, w = mazur_by_scalars(MAZUR_W)
    gradient = backward(loss, *w)
    assert matches(gradient[4], "0.082167041")
    assert matches(gradient[0], "0.000438568")
    assert matches(mazur_in_closed_form(MAZUR_W).delta[1][0], "0.138498562")


def test_mazur_weights_after_one_step():
    loss, w = mazur_by_scalars(MAZUR_W)
    loss.backward()
    assert all(map(matches, [w_k.data - 0.5 * w_k.grad for w_k in w], MAZUR_NEXT))
    assert all(map(matches, mazur_step(MAZUR_W).flat, MAZUR_NEXT))


def test_mazur_loss_after_one_step():
    # The article prints 0.291027924, see the next test.
    expected = 0.29102777369359933
    assert mazur_by_scalars(mazur_step(MAZUR_W))[0].data == pytest.approx(expected, rel=1e-14)
    assert mazur_in_closed_form(mazur_step(MAZUR_W)).loss == pytest.approx(expected, rel=1e-14)
    assert not matches(expected, "0.291027924")


def mazur_step_of_the_article(w):
    """A step whose δ of the hidden layer uses output weights that the same step has already updated."""
    out_h = logistic(weighted_input(w[0], MAZUR_I, MAZUR_B[0]))
    out_o = logistic(weighted_input(w[1], out_h, MAZUR_B[1]))
    delta_o = output_delta(out_o - MAZUR_T, out_o * (1 - out_o))
    output = w[1] - 0.5 * np.outer(delta_o, out_h)
    delta_h = hidden_delta(output, delta_o, out_h * (1 - out_h))
    return np.array([w[0] - 0.5 * np.outer(delta_h, MAZUR_I), output])


def test_mazur_later_numbers_are_of_a_step_with_weights_already_updated():
    w = mazur_step_of_the_article(MAZUR_W)
    assert matches(mazur_in_closed_form(w).loss, "0.291027924")
    for _ in range(9_999):
        w = mazur_step_of_the_article(w)
    result = mazur_in_closed_form(w)
    assert matches(result.a[2][0], "0.015912196")
    assert matches(result.a[2][1], "0.984065734")
    # The loss of these outputs, 0.000035085, is printed with one digit too many, as 0.0000351085.
    assert matches(result.loss, "0.000035085")
    assert not matches(result.loss, "0.0000351085")


# Andrej Karpathy, micrograd (github.com/karpathy/micrograd), README, "Example usage": the comments beside the prints.


def test_micrograd_readme():
    a, b = Value(-4.0), Value(2.0)
    c = a + b
    d = a * b + b**3
    c = c + (c + 1)
    c = c + (1 + c + (-a))
    d = d + (d * 2 + (b + a).relu())
    d = d + (3 * d + (b - a).relu())
    e = c - d
    f = e**2
    g = f / 2.0
    g = g + 10.0 / f
    assert matches(g.data, "24.7041")
    assert all(map(matches, backward(g, a, b), ["138.8338", "645.5773"]))


# Andrej Karpathy, lecture "The spelled-out intro to neural networks and backpropagation: building micrograd", notebook
# lectures/micrograd/micrograd_lecture_first_half_roughly.ipynb of github.com/karpathy/nn-zero-to-hero: the graph of L
# and the step below it; the graph of the neuron o.


def karpathy_loss(a, b, c, f):
    e = a * b
    d = e + c
    return d * f, d, e


def test_karpathy_expression():
    leaves = a, b, c, f = Value(2.0), Value(-3.0), Value(10.0), Value(-2.0)
    L, d, e = karpathy_loss(*leaves)
    assert L.data == -8.0
    assert backward(L, a, b, c, d, e, f) == [6.0, -4.0, -2.0, -2.0, -2.0, 4.0]
    L, *_ = karpathy_loss(*(leaf.data + 0.01 * leaf.grad for leaf in leaves))
    assert matches(L, "-7.286496")


def test_karpathy_neuron():
    x1, x2, w1, w2, b = Value(2.0), Value(0.0), Value(-3.0), Value(1.0), Value(6.8813735870195432)
    n = x1 * w1 + x2 * w2 + b
    o = tanh(n)
    assert all(map(matches, [b.data, n.data, o.data], ["6.8814", "0.8814", "0.7071"]))
    printed = ["0.5000", "0.5000", "-1.5000", "1.0000", "0.5000", "0.0000"]
    assert all(map(matches, backward(o, n, b, x1, w1, x2, w2), printed))
    result = backprop([[[-3, 1]]], [[b.data]], [2, 0], [o.data - 1], activations="tanh", loss="half_squared_error")
    assert all(map(matches, [result.delta[0][0], *result.dW[0][0]], ["0.5000", "1.0000", "0.0000"]))


# Stanford CS231n, notes "Backpropagation, Intuitions".


def test_cs231n_circuit():
    x, y, z = Value(-2.0), Value(5.0), Value(-4.0)
    q = x + y
    f = q * z
    assert f.data == -12.0
    assert backward(f, x, y, z, q) == [-4.0, -4.0, 3.0, -4.0]


@pytest.mark.parametrize("whole", [True, False])
def test_cs231n_sigmoid_neuron(whole):
    w, x = [Value(2.0), Value(-3.0), Value(-3.0)], [Value(-1.0), Value(-2.0)]
    dot = w[0] * x[0] + w[1] * x[1] + w[2]
    f = sigmoid(dot) if whole else 1.0 / (1.0 + exp(-1.0 * dot))
    assert matches(f.data, "0.73")
    printed = ["-0.20", "-0.39", "0.20", "0.39", "-0.59"]
    assert all(map(matches, backward(f, *w, *x), printed))


# Baydin, Pearlmutter, Radul and Siskind, "Automatic Differentiation in Machine Learning: a Survey", JMLR 18 (2018),
# section 3, f(x1, x2) = ln x1 + x1 x2 - sin x2 at (2, 5): table 2 (values v1 … v5 and their tangents in x1) and table 3
# (their adjoints, then those of x1 and x2).


def test_the_example_of_the_survey_in_both_modes():
    x1, x2 = Value(2.0), Value(5.0)
    v1, v2, v3 = log(x1), x1 * x2, sin(x2)
    v4 = v1 + v2
    v5 = v4 - v3
    trace = (v1, v2, v3, v4, v5)
    assert all(map(matches, [v.data for v in trace], ["0.693", "10", "-0.959", "10.693", "11.652"]))
    assert all(map(matches, [tangent(v, {x1: 1.0}) for v in trace], ["0.5", "5", "0", "5.5", "5.5"]))
    assert all(map(matches, backward(v5, *trace, x1, x2), ["1", "1", "-1", "1", "1", "5.5", "1.716"]))


# Christopher Olah, "Calculus on Computational Graphs: Backpropagation" (colah.github.io, 2015), sections "Computational
# Graphs" (e = 6) and "Derivatives on Computational Graphs": ∂e/∂a = 1 · 2 and ∂e/∂b = 1 · 2 + 1 · 3.


def test_olah_graph():
    a, b = Value(2.0), Value(1.0)
    c, d = a + b, b + 1
    e = c * d
    assert e.data == 6.0
    assert backward(e, a, b, c, d) == [1 * 2, 1 * 2 + 1 * 3, 2.0, 3.0]


# Han, Kamber and Pei, "Data Mining", 3rd edition (2012), section 9.2.3, example 9.1: 3-2-1, logistic, rate 0.9.
# Their error of a unit is the negative δ.


def test_han_kamber_pei_update():
    weights = [np.array([[0.2, 0.4, -0.5], [-0.3, 0.1, 0.2]]), np.array([[-0.3, -0.2]])]
    biases = [np.array([-0.4, 0.2]), np.array([0.1])]
    x, t = [1.0, 0.0, 1.0], [1.0]
    result = backprop(weights, biases, x, t, activations="sigmoid", loss="half_squared_error")
    assert all(map(matches, [*result.a[1], *result.a[2]], ["0.332", "0.525", "0.474"]))
    assert all(map(nearly_matches, [*-result.delta[0], *-result.delta[1]], ["-0.0087", "-0.0065", "0.1311"]))
    w = [np.vectorize(Value, otypes=[object])(array) for array in (*weights, *biases)]
    hidden = [sigmoid(affine(list(row), x, bias)) for row, bias in zip(w[0], w[2], strict=True)]
    output = sigmoid(affine(list(w[1][0]), hidden, w[3][0]))
    ((output - t[0]) ** 2 / 2).backward()
    updated = [v.data - 0.9 * v.grad for v in itertools.chain(*(array.flat for array in w))]
    printed = ["0.192", "0.400", "-0.508", "-0.306", "0.100", "0.194", "-0.261", "-0.138", "-0.408", "0.194", "0.218"]
    assert all(map(matches, updated, printed))


# Jason Brownlee, "How to Code a Neural Network with Backpropagation In Python (from scratch)",
# machinelearningmastery.com: 2-1-2, logistic; section 2 prints the outputs for [1, 0].


def test_brownlee_forward_pass():
    weights = [[[0.13436424411240122, 0.8474337369372327]], [[0.2550690257394217], [0.4494910647887381]]]
    biases = [[0.763774618976614], [0.49543508709194095, 0.651592972722763]]
    result = backprop(weights, biases, [1, 0], [0, 1], activations="sigmoid", loss="half_squared_error")
    assert result.a[1][0] == pytest.approx(0.7105668883115941, rel=1e-15)
    assert result.a[2] == pytest.approx([0.6629970129852887, 0.7253160725279748], rel=1e-15)
    (hidden,) = (
        sigmoid(affine(row, [Value(1.0), Value(0.0)], b)) for row, b in zip(weights[0], biases[0], strict=True)
    )
    outputs = [sigmoid(affine(row, [hidden], b)).data for row, b in zip(weights[1], biases[1], strict=True)]
    assert outputs == pytest.approx([0.6629970129852887, 0.7253160725279748], rel=1e-15)


def test_brownlee_deltas():
    # Section 3 gives the outputs, and its error signals have the sign of expected - output.
    given = [0.7105668883115941, 0.6213859615555266, 0.6573693455986976]
    z = [Value(np.log(o / (1 - o))) for o in given[1:]]
    loss = total([(sigmoid(z_j) - t) ** 2 for z_j, t in zip(z, [0, 1], strict=True)]) / 2
    delta = backward(loss, *z)
    assert delta == pytest.approx([0.14619064683582808, -0.0771723774346327], rel=1e-13)
    hidden = Value(np.log(given[0] / (1 - given[0])))
    weighted = sigmoid(hidden) * (0.2550690257394217 * delta[0] + 0.4494910647887381 * delta[1])
    assert backward(weighted, hidden) == pytest.approx([0.0005348048046610517], rel=1e-12)
