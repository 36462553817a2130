"""The post "Neural Networks - Backpropagation" (ML-15): logistic units, bias columns, m examples, regularisation.

As in the post, layers count from 1, Θ^(l) leads from layer l to l + 1, and its column 0 holds the biases: a_0 = 1.
Lists start at index 0, so that Theta[l - 1] is Θ^(l).
"""

from types import SimpleNamespace

import numpy as np
import pytest

from autograd import Value, affine, log, sigmoid, total
from nn.closed_form import backprop
from tests.documents import agree, data, differ, grad, values
from tests.documents import logistic as g

FOUR_LAYERS = (3, 5, 4, 2)  # s_1 … s_4, the bias units not counted
INTUITION = (2, 2, 2, 1)  # the network of the second half


def numbers(s=FOUR_LAYERS, m=6):
    rng = np.random.default_rng(15)
    Theta = [rng.normal(size=(s[l + 1], s[l] + 1)) for l in range(len(s) - 1)]
    return Theta, rng.normal(size=(m, s[0])), rng.integers(0, 2, size=(m, s[-1])).astype(float)


def scalars(Theta, x):
    """z^(2) … z^(L) and a^(1) … a^(L) of one example as arrays of Values; a^(l) includes a_0 = 1, but for l = L."""
    z, a = [], [np.array([1.0, *x], dtype=object)]
    for l, Theta_l in enumerate(Theta, 1):
        z.append(np.array([affine(list(row), list(a[-1])) for row in Theta_l]))
        units = [sigmoid(z_j) for z_j in z[-1]]
        a.append(np.array(units if l == len(Theta) else [1.0, *units], dtype=object))
    return z, a


def cost(h, y):
    """The cost of one example, with the minus that equation (5) lacks."""
    return -total([y_k * log(h_k) + (1 - y_k) * log(1 - h_k) for h_k, y_k in zip(h, y, strict=True)])


def overall_cost(Theta, X, Y, lam):
    """Equation (1) on Values: the sum over j and i ≥ 1 of every Θ_ji² leaves out the biases."""
    mean = total([cost(scalars(Theta, x)[1][-1], y) for x, y in zip(X, Y, strict=True)]) / len(X)
    return mean + lam / (2 * len(X)) * total([t**2 for Theta_l in Theta for t in Theta_l[:, 1:].flat])


def forward(Theta, x):
    z, a = [], [np.array([1.0, *x])]
    for l, Theta_l in enumerate(Theta, 1):
        z.append(Theta_l @ a[-1])
        a.append(g(z[-1]) if l == len(Theta) else np.array([1.0, *g(z[-1])]))
    return z, a


def backward(Theta, z, a, y):
    """δ^(2) … δ^(L): the recursion of the post without the row of the bias unit, which has no z."""
    delta = [a[-1] - y]
    for Theta_l, z_l in zip(Theta[:0:-1], z[-2::-1], strict=True):
        delta.insert(0, (Theta_l.T @ delta[0])[1:] * g(z_l) * (1 - g(z_l)))
    return delta


def accumulated(Theta, X, Y):
    """Δ^(l), by steps 1 to 5."""
    Delta = [np.zeros_like(Theta_l) for Theta_l in Theta]
    for x, y in zip(X, Y, strict=True):
        z, a = forward(Theta, x)
        for Delta_l, delta, a_l in zip(Delta, backward(Theta, z, a, y), a[:-1], strict=True):
            Delta_l += np.outer(delta, a_l)
    return Delta


def gradient(Theta, X, Y, lam):
    """D^(l), with λ/m where the post prints λ."""
    m = len(X)
    result = [Delta_l / m for Delta_l in accumulated(Theta, X, Y)]
    for D_l, Theta_l in zip(result, Theta, strict=True):
        D_l[:, 1:] += lam / m * Theta_l[:, 1:]
    return result


def closed(Theta, X, Y, lam=0.0):
    weights, biases = [Theta_l[:, 1:] for Theta_l in Theta], [Theta_l[:, 0] for Theta_l in Theta]
    m = 1 if np.ndim(X) == 1 else len(X)
    return backprop(weights, biases, X, Y, activations="sigmoid", loss="binary_cross_entropy", l2=lam / m)


def one_example(s=FOUR_LAYERS):
    """One example: the recorded graph after backward(), the formulas, and the closed form."""
    Theta, X, Y = numbers(s)
    x, y = X[0], Y[0]
    leaves = [values(Theta_l) for Theta_l in Theta]
    z, a = scalars(leaves, x)
    loss = cost(a[-1], y)
    loss.backward()
    z_, a_ = forward(Theta, x)
    return SimpleNamespace(
        Theta=Theta,
        x=x,
        y=y,
        leaves=leaves,
        cost=loss,
        result=closed(Theta, x, y),
        node_z=z,
        node_a=a,
        z=z_,
        a=a_,
        delta=backward(Theta, z_, a_, y),
    )


# One example


def test_forward_propagation_with_bias_units():
    e = one_example()
    for l, (z, a) in enumerate(zip(e.z, e.a[1:], strict=True)):
        units = a if l == 2 else a[1:]
        agree(data(e.node_z[l]), z)
        agree(e.result.z[l], z)
        agree(data(e.node_a[l + 1] if l == 2 else e.node_a[l + 1][1:]), units)
        agree(e.result.a[l + 1], units)


def test_delta_4_is_the_output_less_the_target():
    e = one_example()
    agree(grad(e.node_z[2]), e.a[3] - e.y)
    agree(e.result.delta[2], e.a[3] - e.y)


@pytest.mark.parametrize("l", [3, 2])
def test_delta_3_and_delta_2_are_propagated_back(l):
    e = one_example()
    units = e.a[l - 1][1:]
    formula = (e.Theta[l - 1][:, 1:].T @ e.delta[l - 1]) * units * (1 - units)
    agree(grad(e.node_z[l - 2]), formula)
    agree(e.result.delta[l - 2], formula)


def test_the_derivative_of_the_logistic_function_is_a_times_1_minus_a():
    for z_j in (Value(-3.0), Value(0.0), Value(0.8)):
        a_j = sigmoid(z_j)
        a_j.backward()
        agree(z_j.grad, a_j.data * (1 - a_j.data))


def test_there_is_a_gradient_at_layer_1_but_no_derivative_of_g_in_it():
    # The post leaves out δ^(1): the inputs are not to be changed. What it would be is (Θ^(1))ᵀ δ^(2).
    e = one_example()
    x = values(e.x)
    cost(scalars(e.Theta, x)[1][-1], e.y).backward()
    agree(grad(x), e.Theta[0][:, 1:].T @ e.delta[0])


@pytest.mark.parametrize("l", [1, 2, 3])
def test_equation_3_entry_by_entry(l):
    e = one_example()
    formula = np.empty_like(e.Theta[l - 1])
    for i, j in np.ndindex(formula.shape):  # j = 0 is the bias column, for which a_0 = 1
        formula[i, j] = e.a[l - 1][j] * e.delta[l - 1][i]
    agree(grad(e.leaves[l - 1]), formula)
    agree(e.result.dW[l - 1], formula[:, 1:])
    agree(e.result.db[l - 1], formula[:, 0])


# m examples


@pytest.mark.parametrize("lam", [0.0, 1.5])
def test_equation_1_and_its_gradient(lam):
    Theta, X, Y = numbers()
    leaves = [values(Theta_l) for Theta_l in Theta]
    loss = overall_cost(leaves, X, Y, lam)
    loss.backward()
    result = closed(Theta, X, Y, lam)
    formula = 0.0
    for x, y in zip(X, Y, strict=True):
        h = forward(Theta, x)[1][-1]
        formula -= np.sum(y * np.log(h) + (1 - y) * np.log(1 - h)) / len(X)
    formula += lam / (2 * len(X)) * sum(np.sum(Theta_l[:, 1:] ** 2) for Theta_l in Theta)
    agree(loss.data, formula)
    agree(result.loss, formula)
    for l, D_l in enumerate(gradient(Theta, X, Y, lam)):
        agree(grad(leaves[l]), D_l)
        agree(result.dW[l], D_l[:, 1:])
        agree(result.db[l], D_l[:, 0])


def test_leaves_accumulate_the_sum_over_the_examples():
    Theta, X, Y = numbers()
    leaves = [values(Theta_l) for Theta_l in Theta]
    for x, y in zip(X, Y, strict=True):
        cost(scalars(leaves, x)[1][-1], y).backward()
    for leaf, Delta in zip(leaves, accumulated(Theta, X, Y), strict=True):
        agree(grad(leaf), Delta)


@pytest.mark.parametrize("l", [1, 2, 3])
def test_step_5_entry_by_entry_and_as_a_matrix(l):
    Theta, X, Y = numbers()
    entries, result = np.zeros_like(Theta[l - 1]), closed(Theta, X, Y)
    for x, y in zip(X, Y, strict=True):
        z, a = forward(Theta, x)
        delta = backward(Theta, z, a, y)
        for i, j in np.ndindex(entries.shape):
            entries[i, j] += a[l - 1][j] * delta[l - 1][i]
    agree(accumulated(Theta, X, Y)[l - 1], entries)
    agree(result.dW[l - 1] * len(X), entries[:, 1:])


def test_the_biases_are_not_regularised():
    Theta, X, Y = numbers()
    plain, regularised = closed(Theta, X, Y), closed(Theta, X, Y, 1.5)
    leaves = [values(Theta_l) for Theta_l in Theta]
    overall_cost(leaves, X, Y, 1.5).backward()
    for l in range(3):
        agree(grad(leaves[l])[:, 0], plain.db[l])
        agree(regularised.db[l], plain.db[l])


# The 2-2-2-1 network


def test_equation_4_is_the_weighted_input_of_the_first_unit_of_layer_3():
    e = one_example(INTUITION)
    Theta, a = e.Theta[1], e.a[1]
    formula = Theta[0, 0] * 1 + Theta[0, 1] * a[1] + Theta[0, 2] * a[2]
    agree(e.node_z[1][0].data, formula)
    agree(e.result.z[1][0], formula)
    assert len(e.node_z[1]) == 2  # so that z^(3), as printed, is a vector


def test_the_cost_with_one_output_unit():
    e = one_example(INTUITION)
    h, y = e.a[3][0], e.y[0]
    formula = -(y * np.log(h) + (1 - y) * np.log(1 - h))
    agree(e.cost.data, formula)
    agree(e.result.loss, formula)


def test_delta_is_the_derivative_of_the_cost_by_z():
    e = one_example(INTUITION)
    for l in range(3):
        agree(grad(e.node_z[l]), e.delta[l])
        agree(e.result.delta[l], e.delta[l])


def test_delta_2_of_layer_2():
    e = one_example(INTUITION)
    Theta, delta, a = e.Theta[1], e.delta[1], e.a[1][2]
    formula = (Theta[0, 2] * delta[0] + Theta[1, 2] * delta[1]) * a * (1 - a)
    agree(e.node_z[0][1].grad, formula)
    agree(e.result.delta[0][1], formula)


# Slips


def test_the_gradient_needs_lambda_over_m():
    Theta, X, Y = numbers()
    leaves = [values(Theta_l) for Theta_l in Theta]
    overall_cost(leaves, X, Y, 1.5).backward()
    for l, Delta in enumerate(accumulated(Theta, X, Y)):
        differ(grad(leaves[l])[:, 1:], Delta[:, 1:] / len(X) + 1.5 * Theta[l][:, 1:])
        agree(grad(leaves[l])[:, 1:], Delta[:, 1:] / len(X) + 1.5 / len(X) * Theta[l][:, 1:])


def test_equation_3_needs_delta_of_layer_l_plus_1_and_not_l_plus_i():
    # For l = 1 and i = 2 the printed index names layer 3, which has a unit 2.
    e = one_example()
    printed, corrected = e.delta[1][1], e.delta[0][1]
    differ(grad(e.leaves[0])[1], e.a[0] * printed)
    agree(grad(e.leaves[0])[1], e.a[0] * corrected)


def test_step_3_needs_a_minus_y_and_not_0_minus_y():
    e = one_example()
    differ(grad(e.node_z[2]), 0 - e.y)
    agree(grad(e.node_z[2]), e.a[3] - e.y)


def test_delta_is_the_error_with_respect_to_z_and_not_to_a():
    e = one_example()
    for l in range(3):
        units = e.node_a[l + 1] if l == 2 else e.node_a[l + 1][1:]
        differ(grad(units), e.delta[l])
        agree(grad(e.node_z[l]), e.delta[l])


def test_the_input_needs_its_bias_unit():
    e = one_example()
    with pytest.raises(ValueError, match="matmul"):
        e.Theta[0] @ e.x
    agree(data(e.node_z[0]), e.Theta[0] @ np.array([1.0, *e.x]))


def test_the_recursion_needs_the_row_of_the_bias_unit_dropped():
    # With a_0 = 1, a ⊙ (1 - a) makes an entry 0 of δ^(3), for which Θ^(2) has no row.
    e = one_example()
    printed = (e.Theta[2].T @ e.delta[2]) * e.a[2] * (1 - e.a[2])
    assert printed[0] == 0
    agree(printed[1:], grad(e.node_z[1]))
    with pytest.raises(ValueError, match="matmul"):
        e.Theta[1].T @ printed
    agree((e.Theta[1].T @ printed[1:])[1:] * e.a[1][1:] * (1 - e.a[1][1:]), grad(e.node_z[0]))


def test_equation_5_needs_its_minus():
    e = one_example(INTUITION)
    (h,), (y,) = e.node_a[3], e.y
    printed = y * log(h) + (1 - y) * log(1 - h)
    printed.backward()
    differ(grad(e.node_z[2]), e.delta[2])
    agree(grad(e.node_z[2]), -e.delta[2])
    (-printed).backward()
    agree(grad(e.node_z[2]), e.delta[2])


def test_the_squared_error_that_replaces_the_cost_has_another_delta():
    e = one_example(INTUITION)
    (h,), (y,) = e.node_a[3], e.y
    ((h - y) ** 2).backward()
    differ(grad(e.node_z[2]), e.delta[2])
    agree(grad(e.node_z[2]), 2 * (e.a[3] - e.y) * e.a[3] * (1 - e.a[3]))


def test_the_last_equation_needs_the_derivative_of_g_and_the_weights_of_layer_2():
    e = one_example(INTUITION)
    assert e.Theta[2].shape == (1, 3)  # no Θ_22^(3), as printed
    Theta, delta, a = e.Theta[1], e.delta[1], e.a[1][2]
    printed = Theta[0, 2] * delta[0] + Theta[1, 2] * delta[1]
    differ(e.node_z[0][1].grad, printed)
    agree(e.node_z[0][1].grad, printed * a * (1 - a))
    agree(e.node_a[1][2].grad, printed)  # it is the derivative by a_2^(2)
