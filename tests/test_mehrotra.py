"""Aditya Mehrotra, "Neural Networks", November 2020: the four fundamental equations, and the cost averaged by 1/2N.

Layer l stands at index l - 1 of w, b, z and δ; a[l] is a^l, with a[0] the input. Neurons count from 0.
"""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

import autograd
from autograd import affine, total
from nn.closed_form import backprop
from tests.documents import CLEARLY, SIGMA, agree, data, differ, grad, values

SIZES = (3, 4, 5, 2)  # n_in, …, n_out
N = 5


def numbers():
    rng = np.random.default_rng(2020)
    w = [rng.normal(size=(m, n)) for n, m in itertools.pairwise(SIZES)]
    b = [rng.normal(size=m) for m in SIZES[1:]]
    return w, b, rng.normal(size=(N, SIZES[0])), rng.normal(size=(N, SIZES[-1]))


def feed(w, b, x, sigma):
    """z^1 … z^L and a^0 … a^L of one training example, as arrays of Values."""
    z, a = [], [x]
    for w_l, b_l in zip(w, b, strict=True):
        z.append(np.array([affine(list(w_j), list(a[-1]), b_j) for w_j, b_j in zip(w_l, b_l, strict=True)]))
        a.append(np.array([getattr(autograd, sigma)(z_j) for z_j in z[-1]]))
    return z, a


def cost(output, y):
    """C = ½ Σ_j (a_j^L - y_j)², the cost of one training example."""
    return total([(a_j - y_j) ** 2 for a_j, y_j in zip(output, y, strict=True)]) / 2


def recorded_example(sigma):
    """The first training example after the backward pass of its own cost."""
    w, b, X, Y = numbers()
    w, b = [values(w_l) for w_l in w], [values(b_l) for b_l in b]
    z, a = feed(w, b, X[0], sigma)
    C = cost(a[-1], Y[0])
    C.backward()
    return SimpleNamespace(w=w, b=b, z=z, a=a, C=C)


def recorded_average(sigma):
    """All of them after the backward pass of C = 1/2N Σ_x ‖a^L(x) - y(x)‖²; z has a list for every example."""
    w, b, X, Y = numbers()
    w, b = [values(w_l) for w_l in w], [values(b_l) for b_l in b]
    passes = [feed(w, b, x, sigma) for x in X]
    C = total([cost(a[-1], y) for (_, a), y in zip(passes, Y, strict=True)]) / N
    C.backward()
    return SimpleNamespace(w=w, b=b, z=[z for z, _ in passes], C=C)


def equations(sigma, i=0):
    """The paper's equations for training example i; dw holds δ^l (a^{l-1})ᵀ."""
    sigma, sigma_prime = SIGMA[sigma]
    w, b, X, Y = numbers()
    z, a = [], [X[i]]
    for w_l, b_l in zip(w, b, strict=True):
        z.append(w_l @ a[-1] + b_l)
        a.append(sigma(z[-1]))
    delta = [(a[-1] - Y[i]) * sigma_prime(z[-1])]
    for w_next, z_l in zip(w[:0:-1], z[-2::-1], strict=True):
        delta.insert(0, (w_next.T @ delta[0]) * sigma_prime(z_l))
    dw = [np.outer(delta_l, a_l) for delta_l, a_l in zip(delta, a[:-1], strict=True)]
    return SimpleNamespace(w=w, y=Y[i], z=z, a=a, a_prime=[sigma_prime(z_l) for z_l in z], delta=delta, dw=dw)


def closed(sigma, i=0):
    """The closed form for one example, or for all of them with i = slice(None)."""
    w, b, X, Y = numbers()
    return backprop(w, b, X[i], Y[i], activations=sigma, loss="half_squared_error")


@pytest.fixture(params=SIGMA)
def sigma(request):
    return request.param


@pytest.fixture
def example(sigma):
    return recorded_example(sigma)


@pytest.fixture
def formula(sigma):
    return equations(sigma)


# One training example


def test_forward_propagation_neuron_by_neuron_and_as_matrices(example, formula, sigma):
    w, b, *_ = numbers()
    result = closed(sigma)
    for l in range(3):
        neurons = [sum(w[l][j, k] * formula.a[l][k] for k in range(SIZES[l])) + b[l][j] for j in range(SIZES[l + 1])]
        for z in (data(example.z[l]), result.z[l], formula.z[l]):
            agree(z, np.array(neurons))
        agree(data(example.a[l + 1]), formula.a[l + 1])
        agree(result.a[l + 1], formula.a[l + 1])


def test_the_cost_of_one_training_example(example, formula, sigma):
    agree(example.C.data, np.sum((formula.a[3] - formula.y) ** 2) / 2)
    agree(closed(sigma).loss, np.sum((formula.a[3] - formula.y) ** 2) / 2)


def test_the_gradient_by_the_output_activations_is_a_minus_y(example, formula):
    agree(grad(example.a[3]), formula.a[3] - formula.y)


def test_equation_1(example, formula, sigma):
    agree(grad(example.z[2]), formula.delta[2])
    agree(closed(sigma).delta[2], formula.delta[2])


@pytest.mark.parametrize("l", [2, 1])
def test_equation_2(example, formula, sigma, l):
    agree(grad(example.z[l - 1]), formula.delta[l - 1])
    agree(closed(sigma).delta[l - 1], formula.delta[l - 1])


@pytest.mark.parametrize("l", [2, 1])
def test_equation_2_neuron_by_neuron(example, formula, l):
    # The rows of the last display of 2.2: Σ_j ∂C/∂z_j^{l+1} · ∂z_j^{l+1}/∂a_k^l, times ∂a_k^l/∂z_k^l.
    sums = [sum(formula.delta[l][j] * formula.w[l][j, k] for j in range(SIZES[l + 1])) for k in range(SIZES[l])]
    agree(grad(example.a[l]), np.array(sums))
    agree(grad(example.z[l - 1]), np.array(sums) * formula.a_prime[l - 1])


@pytest.mark.parametrize("l", [1, 2])
def test_the_weights_are_the_derivatives_of_z_by_the_activations(example, formula, l):
    for j, z_j in enumerate(example.z[l]):
        z_j.backward()
        agree(grad(example.a[l]), formula.w[l][j])


@pytest.mark.parametrize("l", [1, 2, 3])
def test_equation_3(example, formula, sigma, l):
    agree(grad(example.b[l - 1]), formula.delta[l - 1])
    agree(closed(sigma).db[l - 1], formula.delta[l - 1])


@pytest.mark.parametrize("l", [1, 2, 3])
def test_equation_4_weight_by_weight_and_as_a_matrix(example, formula, sigma, l):
    weight_by_weight = np.empty_like(formula.w[l - 1])
    for j, k in np.ndindex(weight_by_weight.shape):
        weight_by_weight[j, k] = formula.a[l - 1][k] * formula.delta[l - 1][j]
    agree(formula.dw[l - 1], weight_by_weight)
    agree(grad(example.w[l - 1]), weight_by_weight)
    agree(closed(sigma).dW[l - 1], weight_by_weight)


# N training examples


def test_the_cost_averaged_over_n_examples(sigma):
    _, _, _, Y = numbers()
    outputs = np.array([equations(sigma, i).a[3] for i in range(N)])
    formula = np.sum((outputs - Y) ** 2) / (2 * N)
    agree(recorded_average(sigma).C.data, formula)
    agree(closed(sigma, slice(None)).loss, formula)


def test_under_the_average_the_adjoint_of_z_is_delta_over_n(sigma):
    g, result = recorded_average(sigma), closed(sigma, slice(None))
    for i, l in itertools.product(range(N), range(3)):
        agree(grad(g.z[i][l]), equations(sigma, i).delta[l] / N)
        agree(result.delta[l][i], equations(sigma, i).delta[l])


@pytest.mark.parametrize("l", [1, 2, 3])
def test_under_the_average_equations_3_and_4_are_means_over_the_examples(sigma, l):
    g, result = recorded_average(sigma), closed(sigma, slice(None))
    db = np.mean([equations(sigma, i).delta[l - 1] for i in range(N)], axis=0)
    dw = np.mean([equations(sigma, i).dw[l - 1] for i in range(N)], axis=0)
    agree(grad(g.b[l - 1]), db)
    agree(result.db[l - 1], db)
    agree(grad(g.w[l - 1]), dw)
    agree(result.dW[l - 1], dw)


# Slips


@pytest.mark.parametrize("l", [1, 2, 3])
def test_equations_3_and_4_do_not_hold_for_the_averaged_cost_that_the_paper_defines(sigma, l):
    # Each example has a δ^l of its own, and neither one of them nor their sum is the gradient.
    g = recorded_average(sigma)
    each = [equations(sigma, i) for i in range(N)]
    for printed in (each[0].delta[l - 1], sum(e.delta[l - 1] for e in each)):
        differ(grad(g.b[l - 1]), printed)
    for printed in (each[0].dw[l - 1], sum(e.dw[l - 1] for e in each)):
        differ(grad(g.w[l - 1]), printed)
    agree(grad(g.b[l - 1]), sum(e.delta[l - 1] for e in each) / N)
    agree(grad(g.w[l - 1]), sum(e.dw[l - 1] for e in each) / N)


def test_equation_2_needs_a_column_and_no_row_behind_the_entrywise_product(example, formula):
    # With the printed transposition NumPy makes a matrix of it, of which only the diagonal is δ^l.
    column = formula.w[2].T @ formula.delta[2].reshape(-1, 1)
    printed = column * formula.a_prime[1].reshape(-1, 1).T
    assert printed.shape == (5, 5)
    differ(grad(example.z[1]), printed[:, 0])
    agree(grad(example.z[1]), np.diag(printed))
    agree(grad(example.z[1]), (column * formula.a_prime[1].reshape(-1, 1))[:, 0])


def test_the_last_derivative_in_equation_2_is_of_a_n_and_not_of_a_k(example, formula):
    # ∂a_k^l/∂z_n^l is 0 for every k but n.
    *others, a_n = example.a[2]
    for a_k in others:
        example.z[1][-1].grad = 0.0
        a_k.backward()
        assert example.z[1][-1].grad == 0.0
    assert formula.a_prime[1][-1] > CLEARLY
    a_n.backward()
    agree(example.z[1][-1].grad, formula.a_prime[1][-1])


@pytest.mark.parametrize("l", [2, 3])
def test_equation_4_needs_the_first_activation_of_layer_l_minus_1(example, formula, l):
    # The row (a_1^l … a_n^{l-1}) is printed for (a_1^{l-1} … a_n^{l-1}).
    printed = formula.a[l - 1].copy()
    printed[0] = formula.a[l][0]
    differ(grad(example.w[l - 1]), np.outer(formula.delta[l - 1], printed))
    agree(grad(example.w[l - 1]), np.outer(formula.delta[l - 1], formula.a[l - 1]))


def test_z_j_depends_on_the_weights_of_neuron_j_only(example, formula):
    # ∂z_j^l/∂w_ik^l is printed for ∂z_j^l/∂w_jk^l, and said to depend on nothing indexed with layer l - 1:
    # it does depend on a_k^{l-1}, but not on j.
    for j, z_j in enumerate(example.z[1]):
        for w in example.w[1].flat:
            w.grad = 0.0
        z_j.backward()
        for i in range(5):
            agree(grad(example.w[1][i]), formula.a[1] if i == j else np.zeros(4))
