"""Markus Reynoso, "Backpropagation": gradient descent, equations (1) to (6), and where they stop to hold.

Layer l stands at index l - 1 of w and b, the weights and biases of layers 1 … L; a[l] is a^l, with a[0] the input.
"""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

import autograd
from autograd import Value, affine, exp, softmax, tangent, total
from nn.closed_form import backprop
from tests.documents import TOLERANCE, agree, data, differ, grad, values

SIZES = (3, 5, 4, 2)
SQUARE = (4, 4, 4, 4)  # the paper prints every weight matrix as s × s
BETA = 0.3
ACTIVATION = {
    "sigmoid": lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2,
    "tanh": lambda z: 1 / np.cosh(z) ** 2,
    "identity": np.ones_like,
}
# C of the output activations and the targets, on Values, and ∇C
COST = {
    "half_squared_error": (
        lambda a, t: total([(a_j - t_j) ** 2 for a_j, t_j in zip(a, t, strict=True)]) / 2,
        np.subtract,
    ),
    "a fourth power": (
        lambda a, t: total([(a_j - t_j) ** 4 for a_j, t_j in zip(a, t, strict=True)]),
        lambda a, t: 4 * (a - t) ** 3,
    ),
}


def numbers(sizes):
    rng = np.random.default_rng(2014)
    w = [rng.normal(size=(n, m)) for m, n in itertools.pairwise(sizes)]
    b = [rng.normal(size=n) for n in sizes[1:]]
    return w, b, rng.normal(size=sizes[0]), rng.normal(size=sizes[-1])


def elementwise(name):
    function = (lambda z: z + 0.0) if name == "identity" else getattr(autograd, name)
    return lambda z: [function(z_j) for z_j in z]


def record(sizes=SIZES, activation="sigmoid", cost="half_squared_error", output=None):
    """The graph of C with every w, b, z and a as an array of Values; `output` activates a whole last layer."""
    w, b, x, t = numbers(sizes)
    leaf_w, leaf_b = [values(w_l) for w_l in w], [values(b_l) for b_l in b]
    z, a = [], [x]
    for l in range(len(w)):
        z.append(
            np.array([affine(list(row), list(a[-1]), bias) for row, bias in zip(leaf_w[l], leaf_b[l], strict=True)])
        )
        activate = elementwise(activation) if output is None or l < len(w) - 1 else output
        a.append(np.array(activate(z[-1])))
    C = COST[cost][0](a[-1], t)
    return SimpleNamespace(w=leaf_w, b=leaf_b, z=z, a=a, C=C, t=t)


def formulas(g, activation="sigmoid", cost="half_squared_error"):
    """Equations (3) and (4) for the numbers of a recorded network: δ^1 … δ^L, and the a^l and a′^(l) they use."""
    w, a = [data(w_l) for w_l in g.w], [g.a[0], *(data(a_l) for a_l in g.a[1:])]
    a_prime = [ACTIVATION[activation](data(z_l)) for z_l in g.z]
    delta = [COST[cost][1](a[-1], g.t) * a_prime[-1]]
    for w_next, a_prime_l in zip(w[:0:-1], a_prime[-2::-1], strict=True):
        delta.insert(0, a_prime_l * (w_next.T @ delta[0]))
    return SimpleNamespace(w=w, b=[data(b_l) for b_l in g.b], a=a, a_prime=a_prime, delta=delta)


@pytest.fixture(params=[(name, cost) for name in ACTIVATION for cost in COST])
def both(request):
    """A recorded network after backward(), and the formulas."""
    g = record(SIZES, *request.param)
    g.C.backward()
    return g, formulas(g, *request.param)


@pytest.fixture
def square():
    g = record(SQUARE)
    g.C.backward()
    return g, formulas(g)


# Gradient descent


def f(x, y):
    return x * x * y + exp(x - 2 * y)


def gradient_of_f(x, y):
    return np.array([2 * x * y + np.exp(x - 2 * y), x * x - 2 * np.exp(x - 2 * y)])


def test_equations_1_and_2_step_against_the_gradient():
    x_k = np.array([1.2, -0.4])
    x, y = values(x_k)
    for _ in range(5):
        x.grad = y.grad = 0.0
        f(x, y).backward()
        agree(grad(np.array([x, y])), gradient_of_f(*x_k))
        x_k = x_k - 0.05 * gradient_of_f(*x_k)
        for theta in (x, y):
            theta.data = theta.data - 0.05 * theta.grad
        agree(data(np.array([x, y])), x_k)


def test_definition_1_the_directional_derivative_is_the_gradient_times_d():
    x, y = Value(1.2), Value(-0.4)
    d = np.array([0.3, -0.7])
    formula = gradient_of_f(1.2, -0.4) @ d
    agree(tangent(f(x, y), {x: d[0], y: d[1]}), formula)
    f(x, y).backward()
    agree(np.array([x.grad, y.grad]) @ d, formula)


def test_the_negative_gradient_is_a_descent_direction():
    x, y = Value(1.2), Value(-0.4)
    gradient = gradient_of_f(1.2, -0.4)
    slope = tangent(f(x, y), {x: -gradient[0], y: -gradient[1]})
    agree(slope, -(gradient @ gradient))
    assert slope < 0
    step = 1e-4 * gradient
    assert f(Value(1.2 - step[0]), Value(-0.4 - step[1])) < f(x, y)


# The output layer


def test_the_chain_rule_over_all_outputs_leaves_one_term_where_each_unit_has_its_own_activation(both):
    g, formula = both
    jacobian = []
    for a_i in g.a[-1]:
        for z_j in g.z[-1]:
            z_j.grad = 0.0  # a pass leaves the nodes that it does not reach as they were
        a_i.backward()
        jacobian.append(grad(g.z[-1]))
    agree(np.array(jacobian), np.diag(formula.a_prime[-1]))


def test_equation_3_and_its_entries(both):
    g, formula = both
    agree(grad(g.z[-1]), formula.delta[-1])
    for j, z_j in enumerate(g.z[-1]):
        assert abs(z_j.grad - g.a[-1][j].grad * formula.a_prime[-1][j]) <= TOLERANCE * np.abs(formula.delta[-1]).max()


# Hidden layers


@pytest.mark.parametrize("l", [1, 2])
def test_aside_the_derivative_of_z_i_of_the_next_layer_by_z_j(both, l):
    g, formula = both
    for i, z_i in enumerate(g.z[l]):
        z_i.backward()
        agree(grad(g.z[l - 1]), np.array([formula.w[l][i, j] * formula.a_prime[l - 1][j] for j in range(SIZES[l])]))


@pytest.mark.parametrize("l", [1, 2])
def test_equation_4_and_its_entries(both, l):
    g, formula = both
    agree(grad(g.z[l - 1]), formula.delta[l - 1])
    entries = [
        formula.a_prime[l - 1][j] * sum(formula.w[l][i, j] * formula.delta[l][i] for i in range(SIZES[l + 1]))
        for j in range(SIZES[l])
    ]
    agree(grad(g.z[l - 1]), np.array(entries))


@pytest.mark.parametrize("activation", ACTIVATION)
def test_the_closed_form_agrees_with_equations_3_and_4(activation):
    w, b, x, t = numbers(SIZES)
    formula = formulas(record(SIZES, activation), activation)
    result = backprop(w, b, x, t, activations=activation, loss="half_squared_error")
    for l in range(3):
        agree(result.delta[l], formula.delta[l])
        agree(result.dW[l], np.outer(formula.delta[l], formula.a[l]))
        agree(result.db[l], formula.delta[l])


# Updates


@pytest.mark.parametrize("l", [3, 2, 1])
def test_equations_5_and_6_and_the_hidden_updates(both, l):
    g, formula = both
    for theta in (*g.w[l - 1].flat, *g.b[l - 1]):
        theta.data = theta.data - BETA * theta.grad
    agree(data(g.w[l - 1]), formula.w[l - 1] - BETA * np.outer(formula.delta[l - 1], formula.a[l - 1]))
    agree(data(g.b[l - 1]), formula.b[l - 1] - BETA * formula.delta[l - 1])


@pytest.mark.parametrize("l", [3, 2, 1])
def test_entry_by_entry_the_updates_are_delta_j_a_k_and_delta_j(both, l):
    g, formula = both
    largest = np.abs(np.outer(formula.delta[l - 1], formula.a[l - 1])).max()
    for (j, k), w_jk in np.ndenumerate(g.w[l - 1]):
        assert abs(w_jk.grad - formula.delta[l - 1][j] * formula.a[l - 1][k]) <= TOLERANCE * largest
    agree(grad(g.b[l - 1]), formula.delta[l - 1])


def test_the_updates_with_the_deltas_written_out(both):
    g, formula = both
    gradient_of_C = np.array([a_j.grad for a_j in g.a[3]])
    agree(grad(g.w[2]), np.outer(gradient_of_C * formula.a_prime[2], formula.a[2]))
    agree(grad(g.b[2]), gradient_of_C * formula.a_prime[2])
    for l in (1, 2):
        delta = formula.a_prime[l - 1] * (formula.w[l].T @ formula.delta[l])
        agree(grad(g.w[l - 1]), np.outer(delta, formula.a[l - 1]))
        agree(grad(g.b[l - 1]), delta)


# Slips and limits


def test_at_a_stationary_point_the_negative_gradient_is_no_descent_direction():
    # The proof ends with -‖∇f‖² < 0, which needs ∇f ≠ 0.
    x, y = Value(3.0), Value(-1.0)
    bowl = (x - 3) ** 2 + (y + 1) ** 2
    bowl.backward()
    assert (x.grad, y.grad) == (0.0, 0.0)
    assert tangent(bowl, {x: -x.grad, y: -y.grad}) == 0.0


def test_a_constant_step_that_is_too_large_climbs():
    x = Value(1.0)
    (x * x).backward()
    assert (1.0 - 0.4 * x.grad) ** 2 < 1.0 < (1.0 - 1.5 * x.grad) ** 2


def test_for_a_softmax_output_the_one_term_chain_fails_and_the_whole_sum_holds():
    g = record(output=softmax)
    g.C.backward()
    delta, gradient_of_C = grad(g.z[-1]), grad(g.a[-1])
    a = data(g.a[-1])
    jacobian = np.diag(a) - np.outer(a, a)  # ∂a_i/∂z_j
    differ(delta, gradient_of_C * np.diag(jacobian))  # equation (3), with a′_j = ∂a_j/∂z_j
    agree(delta, jacobian.T @ gradient_of_C)


def test_the_transposed_weights_need_w_2s_in_row_2(square):
    # The matrix under the transposition sign ends its second row with w_1s.
    g, formula = square
    printed = formula.w[2].copy()
    printed[1, -1] = printed[0, -1]
    differ(grad(g.z[1]), formula.a_prime[1] * (printed.T @ formula.delta[2]))
    agree(grad(g.z[1]), formula.a_prime[1] * (formula.w[2].T @ formula.delta[2]))


def test_the_last_display_before_equation_4_needs_its_transposition_and_its_delta(square):
    # Printed: a′ ⊙ w, with w_1s at the end of rows 2 and s.
    g, formula = square
    printed = formula.w[2].copy()
    printed[1, -1] = printed[3, -1] = printed[0, -1]
    assert (formula.a_prime[1][:, np.newaxis] * printed).shape != grad(g.z[1]).shape
    differ(grad(g.z[1]), formula.a_prime[1] * (printed @ formula.delta[2]))  # without the transposition
    agree(grad(g.z[1]), formula.a_prime[1] * (formula.w[2].T @ formula.delta[2]))


def test_the_updated_output_weights_need_w_12_and_w_13_in_row_1(square):
    # The first row is printed with w_22 and w_33.
    g, formula = square
    step = BETA * np.outer(formula.delta[2], formula.a[2])
    printed = formula.w[2].copy()
    printed[0, 1], printed[0, 2] = printed[1, 1], printed[2, 2]
    updated = data(g.w[2]) - BETA * grad(g.w[2])
    differ(updated, printed - step)
    agree(updated, formula.w[2] - step)


def test_equation_5_needs_a_and_not_beta(square):
    # (β^{L-1})ᵀ for (a^{L-1})ᵀ: the power of a number makes a column of the step.
    g, formula = square
    printed = BETA * formula.delta[2] * BETA**2
    assert printed.shape != g.w[2].shape
    differ(BETA * grad(g.w[2]), printed[:, np.newaxis] * np.ones(4))
    agree(BETA * grad(g.w[2]), BETA * np.outer(formula.delta[2], formula.a[2]))


def test_the_hidden_updates_need_the_output_weights_from_before_their_update(square):
    # The paper updates the output layer first, and then writes w^{l+1} in the update of the hidden layer.
    g, formula = square
    updated = formula.w[2] - BETA * np.outer(formula.delta[2], formula.a[2])
    differ(grad(g.w[1]), np.outer(formula.a_prime[1] * (updated.T @ formula.delta[2]), formula.a[1]))
    agree(grad(g.w[1]), np.outer(formula.a_prime[1] * (formula.w[2].T @ formula.delta[2]), formula.a[1]))
