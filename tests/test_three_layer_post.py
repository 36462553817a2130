"""The post "Backpropagation in Neural Networks" of 7 April 2018: a 3-4-2 network with C = ½‖a² - t‖².

The formulas are written with NumPy as the post writes them, for column vectors; the engine sees one scalar at a time.
"""

from types import SimpleNamespace

import numpy as np
import pytest

import autograd
from autograd import affine, total
from nn.closed_form import backprop
from tests.documents import SIGMA, TOLERANCE, agree, data, differ, grad, values


def numbers(sizes=(3, 4, 2), seed=7):
    """Numbers for W^1, b^1, W^2, b^2, …, a^0 and t of a network of these sizes."""
    rng = np.random.default_rng(seed)
    p = {"a0": rng.normal(size=sizes[0]), "t": rng.normal(size=sizes[-1])}
    for l in range(1, len(sizes)):
        p[f"W{l}"] = rng.normal(size=(sizes[l], sizes[l - 1]))
        p[f"b{l}"] = rng.normal(size=sizes[l])
    return SimpleNamespace(**p, L=len(sizes) - 1)


def one_node(weights, inputs, bias):
    return affine(list(weights), list(inputs), bias)


def many_nodes(weights, inputs, bias):
    return sum((w * a for w, a in zip(weights, inputs, strict=True)), bias)


def record(p, sigma="sigmoid", weighted_input=one_node):
    """The graph of C, one scalar at a time; every z, a, W and b is an array of Values."""
    sigma = getattr(autograd, sigma)
    g = {"a0": p.a0}
    for l in range(1, p.L + 1):
        W, b, a = values(getattr(p, f"W{l}")), values(getattr(p, f"b{l}")), g[f"a{l - 1}"]
        z = np.array([weighted_input(W[j], a, b[j]) for j in range(len(b))])
        g |= {f"W{l}": W, f"b{l}": b, f"z{l}": z, f"a{l}": np.array([sigma(z_j) for z_j in z])}
    C = total([(a_j - t_j) ** 2 for a_j, t_j in zip(g[f"a{p.L}"], p.t, strict=True)]) / 2
    return SimpleNamespace(**g, C=C)


def closed(p, sigma="sigmoid"):
    layers = range(1, p.L + 1)
    weights, biases = [getattr(p, f"W{l}") for l in layers], [getattr(p, f"b{l}") for l in layers]
    return backprop(weights, biases, p.a0, p.t, activations=sigma, loss="half_squared_error")


def formulas(p, sigma="sigmoid"):
    """The post's summary, written out."""
    sigma, sigma_prime = SIGMA[sigma]
    z1 = p.W1 @ p.a0 + p.b1
    a1 = sigma(z1)
    z2 = p.W2 @ a1 + p.b2
    a2 = sigma(z2)
    delta2 = (a2 - p.t) * sigma_prime(z2)
    delta1 = (p.W2.T @ delta2) * sigma_prime(z1)
    return SimpleNamespace(
        z1=z1,
        a1=a1,
        z2=z2,
        a2=a2,
        delta2=delta2,
        delta1=delta1,
        C=np.sum((a2 - p.t) ** 2) / 2,
        dW2=np.outer(delta2, a1),
        db2=delta2,
        dW1=np.outer(delta1, p.a0),
        db1=delta1,
    )


@pytest.fixture(params=SIGMA)
def sigma(request):
    return request.param


@pytest.fixture(params=[one_node, many_nodes])
def recorded(request, sigma):
    g = record(numbers(), sigma, request.param)
    g.C.backward()
    return g


@pytest.fixture
def formula(sigma):
    return formulas(numbers(), sigma)


def test_forward_propagation_and_the_cost(recorded, formula, sigma):
    result = closed(numbers(), sigma)
    for l in (1, 2):
        agree(data(getattr(recorded, f"z{l}")), getattr(formula, f"z{l}"))
        agree(data(getattr(recorded, f"a{l}")), getattr(formula, f"a{l}"))
        agree(result.z[l - 1], getattr(formula, f"z{l}"))
        agree(result.a[l], getattr(formula, f"a{l}"))
    agree(recorded.C.data, formula.C)
    agree(result.loss, formula.C)


def test_delta_2_is_the_adjoint_of_z_2(recorded, formula, sigma):
    agree(grad(recorded.z2), formula.delta2)
    agree(closed(numbers(), sigma).delta[1], formula.delta2)


def test_delta_1_is_the_adjoint_of_z_1(recorded, formula, sigma):
    agree(grad(recorded.z1), formula.delta1)
    agree(closed(numbers(), sigma).delta[0], formula.delta1)


@pytest.mark.parametrize(("l", "shape"), [(2, (2, 4)), (1, (4, 3))])
def test_the_gradient_by_the_weights_is_delta_times_the_transposed_input(recorded, formula, sigma, l, shape):
    expected = getattr(formula, f"dW{l}")
    assert expected.shape == shape
    agree(grad(getattr(recorded, f"W{l}")), expected)
    agree(closed(numbers(), sigma).dW[l - 1], expected)


@pytest.mark.parametrize("l", [1, 2])
def test_the_gradient_by_the_biases_is_delta(recorded, formula, sigma, l):
    agree(grad(getattr(recorded, f"b{l}")), getattr(formula, f"db{l}"))
    agree(closed(numbers(), sigma).db[l - 1], getattr(formula, f"db{l}"))


@pytest.mark.parametrize("l", [1, 2])
def test_entry_by_entry_the_gradient_is_delta_j_times_a_k(recorded, formula, l):
    a, delta, W = (formula.a1, formula.delta2, recorded.W2) if l == 2 else (numbers().a0, formula.delta1, recorded.W1)
    for (j, k), w in np.ndenumerate(W):
        assert abs(w.grad - delta[j] * a[k]) <= TOLERANCE * np.abs(getattr(formula, f"dW{l}")).max()


@pytest.mark.parametrize("l", [1, 2])
def test_the_first_step_of_the_derivation_is_a_sum_over_the_outputs(formula, sigma, l):
    # ∂C/∂W^l = (a² - t) ∂a²/∂W^l: the rows of ∂a²/∂W^l come from the engine, one output at a time.
    terms = []
    for k in range(2):
        g = record(numbers(), sigma)
        g.a2[k].backward()
        terms.append((formula.a2[k] - numbers().t[k]) * grad(getattr(g, f"W{l}")))
    agree(sum(terms), getattr(formula, f"dW{l}"))


def test_one_gradient_step_changes_both_layers_and_lowers_the_cost(recorded, formula):
    p, alpha = numbers(), 0.05
    for l in (1, 2):
        for name in (f"W{l}", f"b{l}"):
            for v in getattr(recorded, name).flat:
                v.data = v.data - alpha * v.grad
            stepped = getattr(p, name) - alpha * getattr(formula, f"d{name}")
            agree(data(getattr(recorded, name)), stepped)
            setattr(p, name, stepped)
    assert closed(p).loss < closed(numbers()).loss


def test_both_gradients_of_a_step_are_taken_at_the_old_weights(recorded, formula, sigma):
    # The post's rule for l = 1, 2 read one line after the other would use the new W² in δ¹.
    p = numbers()
    new_W2 = p.W2 - 0.5 * formula.dW2
    delta1 = (new_W2.T @ formula.delta2) * SIGMA[sigma][1](formula.z1)
    differ(grad(recorded.W1), np.outer(delta1, p.a0))


def test_more_layers_show_the_same_pattern(sigma):
    p = numbers((3, 4, 5, 3, 2))
    g, result = record(p, sigma), closed(p, sigma)
    g.C.backward()
    sigma_, sigma_prime = SIGMA[sigma]
    a, z = [p.a0], [None]
    for l in range(1, 5):
        z.append(getattr(p, f"W{l}") @ a[-1] + getattr(p, f"b{l}"))
        a.append(sigma_(z[-1]))
    delta = (a[4] - p.t) * sigma_prime(z[4])
    for l in (4, 3, 2, 1):
        agree(grad(getattr(g, f"z{l}")), delta)
        agree(result.delta[l - 1], delta)
        agree(grad(getattr(g, f"W{l}")), np.outer(delta, a[l - 1]))
        agree(result.dW[l - 1], np.outer(delta, a[l - 1]))
        if l > 1:
            delta = (getattr(p, f"W{l}").T @ delta) * sigma_prime(z[l - 1])


# Slips


@pytest.fixture
def three_layers(sigma):
    """The 3-4-2 network with a third layer of 2 units behind it, so that there is a δ³, of the printed shape 2×1."""
    p = numbers((3, 4, 2, 2))
    g = record(p, sigma)
    g.C.backward()
    return p, g


def test_delta_3_does_not_exist_in_the_network_of_the_post():
    assert len(closed(numbers()).delta) == 2


def test_the_gradient_by_b_2_is_not_delta_3(three_layers):
    _, g = three_layers
    assert grad(g.z3).shape == (2,)
    differ(grad(g.b2), grad(g.z3))
    agree(grad(g.b2), grad(g.z2))


def test_delta_1_comes_from_delta_2_and_not_from_delta_3(three_layers, sigma):
    # Four times δ³ stands in the derivation of ∂C/∂W¹ and its dimensions, and once in the final summary.
    p, g = three_layers
    sigma_prime = SIGMA[sigma][1](data(g.z1))
    printed = (p.W2.T @ grad(g.z3)) * sigma_prime
    corrected = (p.W2.T @ grad(g.z2)) * sigma_prime
    differ(grad(g.z1), printed)
    agree(grad(g.z1), corrected)
    differ(grad(g.W1), np.outer(printed, p.a0))
    agree(grad(g.W1), np.outer(corrected, p.a0))


def test_the_matrix_product_binds_before_the_entrywise_product(sigma):
    # [W²]ᵀ δ² ∘ σ′(z¹) is printed without brackets. In the post's network only one reading has fitting shapes;
    # where both layers have the same width, the other one is wrong.
    p = numbers((3, 4, 4))
    g = record(p, sigma)
    g.C.backward()
    sigma_prime = SIGMA[sigma][1](data(g.z1))
    differ(grad(g.z1), p.W2.T @ (grad(g.z2) * sigma_prime))
    agree(grad(g.z1), (p.W2.T @ grad(g.z2)) * sigma_prime)
    post = formulas(numbers(), sigma)
    with pytest.raises(ValueError, match="broadcast"):
        post.delta2 * SIGMA[sigma][1](post.z1)
