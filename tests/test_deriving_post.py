"""The post "Deriving the Back-Propagation Algorithm": the ε recursion, with W^(l) leading from layer l to layer l + 1.

Layers count from 1, as in the post: every list here has an unused entry 0, so that W[l] is W^(l). The regularisation
that the post's notes ask for is that of the UFLDL tutorial: J(W, b) = (1/m) Σ J(W, b; x, y) + (λ/2) Σ (W_ji^(l))².
"""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

from autograd import affine, sigmoid, total
from nn.closed_form import backprop
from tests.documents import TOLERANCE, agree, data, differ, grad, logistic, values

L = 4
WIDTHS = {"different widths": (3, 5, 4, 2), "equal widths": (3, 3, 3, 3)}


def numbers(widths, m=4):
    rng = np.random.default_rng(4)
    W = [None, *(rng.normal(size=(n_next, n)) for n, n_next in itertools.pairwise(widths))]
    b = [None, *(rng.normal(size=n) for n in widths[1:])]
    return W, b, rng.normal(size=(m, widths[0])), rng.normal(size=(m, widths[-1]))


def network(W, b, x):
    """z^(2) … z^(L) and a^(1) … a^(L) as arrays of Values."""
    z, a = [None, None], [None, x]
    for l in range(1, L):
        z.append(np.array([affine(list(W_i), list(a[l]), b_i) for W_i, b_i in zip(W[l], b[l], strict=True)]))
        a.append(np.array([sigmoid(z_i) for z_i in z[l + 1]]))
    return z, a


def cost(output, y):
    """J = ½‖n(x) - y‖² for one training example."""
    return total([(a_q - y_q) ** 2 for a_q, y_q in zip(output, y, strict=True)]) / 2


def leaves(W, b):
    return [None, *map(values, W[1:])], [None, *map(values, b[1:])]


def recorded(widths):
    """The first training example after the backward pass of its cost."""
    W, b, X, Y = numbers(widths)
    W, b = leaves(W, b)
    z, a = network(W, b, X[0])
    cost(a[L], Y[0]).backward()
    return SimpleNamespace(W=W, b=b, z=z, a=a)


def formulas(widths, i=0):
    """The compact equations for training example i, index by index, with the sums that the post leaves implicit."""
    W, b, X, Y = numbers(widths)
    z, a = [None, None], [None, X[i]]
    for l in range(1, L):
        z.append(W[l] @ a[l] + b[l])
        a.append(logistic(z[l + 1]))
    sigma_prime = [None, None, *(logistic(z_l) * (1 - logistic(z_l)) for z_l in z[2:])]
    epsilon = [None] * L + [(a[L] - Y[i]) * sigma_prime[L]]
    for l in (3, 2):
        epsilon[l] = np.array(
            [sum(epsilon[l + 1][q] * W[l][q, r] for q in range(widths[l])) for r in range(widths[l - 1])]
        )
        epsilon[l] = epsilon[l] * sigma_prime[l]
    return SimpleNamespace(W=W, y=Y[i], z=z, a=a, sigma_prime=sigma_prime, epsilon=epsilon)


def closed(widths, i=0, l2=0.0):
    """The closed form for one example, or for all of them with i = slice(None)."""
    W, b, X, Y = numbers(widths)
    return backprop(W[1:], b[1:], X[i], Y[i], activations="sigmoid", loss="half_squared_error", l2=l2)


@pytest.fixture(params=WIDTHS.values(), ids=WIDTHS.keys())
def widths(request):
    return request.param


def test_forward_propagation_with_the_shifted_index(widths):
    g, formula, result = recorded(widths), formulas(widths), closed(widths)
    for l in range(1, L):
        agree(data(g.z[l + 1]), formula.z[l + 1])
        agree(data(g.a[l + 1]), formula.a[l + 1])
        agree(result.z[l - 1], formula.z[l + 1])
        agree(result.a[l], formula.a[l + 1])


def test_the_cost_of_one_training_example(widths):
    formula = formulas(widths)
    J = np.sum((formula.a[L] - formula.y) ** 2) / 2
    agree(cost(recorded(widths).a[L], formula.y).data, J)
    agree(closed(widths).loss, J)


@pytest.mark.parametrize("l", [4, 3, 2])
def test_epsilon_is_the_adjoint_of_z(widths, l):
    formula = formulas(widths)
    agree(grad(recorded(widths).z[l]), formula.epsilon[l])
    agree(closed(widths).delta[l - 2], formula.epsilon[l])


@pytest.mark.parametrize("l", [3, 2, 1])
def test_the_compact_gradients(widths, l):
    g, formula, result = recorded(widths), formulas(widths), closed(widths)
    W = np.empty_like(formula.W[l])
    for i, j in np.ndindex(W.shape):
        W[i, j] = formula.a[l][j] * formula.epsilon[l + 1][i]
    agree(grad(g.W[l]), W)
    agree(result.dW[l - 1], W)
    agree(grad(g.b[l]), formula.epsilon[l + 1])
    agree(result.db[l - 1], formula.epsilon[l + 1])


@pytest.mark.parametrize("l", [3, 2])
def test_the_recursion_as_a_matrix_product(widths, l):
    formula = formulas(widths)
    agree(grad(recorded(widths).z[l]), (formula.W[l].T @ formula.epsilon[l + 1]) * formula.sigma_prime[l])


def jacobians(widths, l):
    """∂a_r^(L-1)/∂W_ij^(l) and ∂a_r^(L-1)/∂b_i^(l) from the engine, one r at a time."""
    W, b, X, _ = numbers(widths)
    rows_W, rows_b = [], []
    for r in range(widths[L - 2]):
        leaf_W, leaf_b = leaves(W, b)
        network(leaf_W, leaf_b, X[0])[1][L - 1][r].backward()
        rows_W.append(grad(leaf_W[l]))
        rows_b.append(grad(leaf_b[l]))
    return np.array(rows_W), np.array(rows_b)


@pytest.mark.parametrize("l", [3, 2, 1])
def test_the_last_line_of_the_derivation(widths, l):
    # ε_i^(L) a_j^(L-1) δ_(l,L-1) + ε_q^(L) W_qr^(L-1) ∂a_r^(L-1)/∂W_ij^(l), and likewise for b_i^(l).
    formula = formulas(widths)
    dW, db = jacobians(widths, l)
    W = np.einsum("q,qr,rij->ij", formula.epsilon[L], formula.W[L - 1], dW)
    b = np.einsum("q,qr,ri->i", formula.epsilon[L], formula.W[L - 1], db)
    if l == L - 1:  # the Kronecker δ
        W = W + np.outer(formula.epsilon[L], formula.a[L - 1])
        b = b + formula.epsilon[L]
    agree(grad(recorded(widths).W[l]), W)
    agree(grad(recorded(widths).b[l]), b)


# The L2 term of the notes


@pytest.mark.parametrize("lam", [0.0, 0.7])
def test_weight_decay_adds_lambda_w_to_the_mean_gradient_of_the_weights(widths, lam):
    W, b, X, Y = numbers(widths)
    leaf_W, leaf_b = leaves(W, b)
    mean = total([cost(network(leaf_W, leaf_b, x)[1][L], y) for x, y in zip(X, Y, strict=True)]) / len(X)
    J = mean + lam / 2 * total([w**2 for W_l in leaf_W[1:] for w in W_l.flat])
    J.backward()
    result = closed(widths, slice(None), l2=lam)
    agree(result.loss, J.data)
    each = [formulas(widths, i) for i in range(len(X))]
    for l in range(1, L):
        dW = sum(np.outer(e.epsilon[l + 1], e.a[l]) for e in each) / len(X) + lam * W[l]
        db = sum(e.epsilon[l + 1] for e in each) / len(X)
        agree(grad(leaf_W[l]), dW)
        agree(result.dW[l - 1], dW)
        agree(grad(leaf_b[l]), db)
        agree(result.db[l - 1], db)


# Slips


def test_the_bias_derivation_needs_epsilon_of_layer_big_l():
    # ε_q^(l) is printed for ε_q^(L).
    widths, l = WIDTHS["equal widths"], 2
    formula = formulas(widths)
    db = jacobians(widths, l)[1]
    actual = grad(recorded(widths).b[l])
    differ(actual, np.einsum("q,qr,ri->i", formula.epsilon[l], formula.W[L - 1], db))
    agree(actual, np.einsum("q,qr,ri->i", formula.epsilon[L], formula.W[L - 1], db))


def test_the_biases_end_with_b_of_layer_big_l_minus_1(widths):
    # {b^(1), …, b^(l-1)} is printed; there is one for every weight matrix, that is up to L - 1.
    assert len(closed(widths).db) == L - 1


@pytest.mark.parametrize("l", [2, 3])
def test_b_of_layer_l_belongs_to_the_neurons_of_layer_l_plus_1(l):
    # The post calls b^(l) the bias vector for the neurons in layer l.
    equal, different = WIDTHS["equal widths"], WIDTHS["different widths"]
    formula = formulas(equal)
    differ(grad(recorded(equal).b[l]), formula.epsilon[l])
    agree(grad(recorded(equal).b[l]), formula.epsilon[l + 1])
    assert recorded(different).b[l].shape == (different[l],)
    assert recorded(different).b[l].shape != (different[l - 1],)


def test_y_cannot_be_both_the_output_and_the_target(widths):
    # With y = a^(L), as defined above "Backpropagation", the cost and its gradient vanish.
    W, b, X, _ = numbers(widths)
    output = formulas(widths).a[L]
    result = backprop(W[1:], b[1:], X[0], output, activations="sigmoid", loss="half_squared_error")
    assert result.loss <= TOLERANCE
    differ(closed(widths).dW[0], result.dW[0])


def test_the_index_i_is_not_summed_in_the_compact_equations(widths):
    # With the summation convention of the derivation, an index that stands twice in a product would be summed.
    formula = formulas(widths)
    summed = np.sum((formula.a[L] - formula.y) * formula.sigma_prime[L])
    differ(grad(recorded(widths).z[L]), summed)
    agree(grad(recorded(widths).z[L]), (formula.a[L] - formula.y) * formula.sigma_prime[L])
