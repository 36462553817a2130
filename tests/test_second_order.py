"""Products with the Hessian, Jacobians and gradients of single examples agree with the scalar engine and by hand."""

import pickle
import threading

import numpy as np
import pytest

import autograd
import nn
from autograd import Value, affine, hypot, logsumexp, maximum, total, where
from autograd.lift.run.blocks import BLOCK

EXACT = 1e-12  # of the largest entry: two exact computations, in another order of sums
DIFFERENCES = 1e-6  # central differences of gradients lose a third of the digits to truncation


def residual(w, x, t):
    a = [affine(w[3 * k : 3 * k + 3], x).tanh() for k in range(3)]
    b = [a_k + 0.5 * affine(w[9 + 3 * k : 12 + 3 * k], a).sigmoid() for k, a_k in enumerate(a)]
    return 0.5 * total([(b_k - t_k) ** 2 for b_k, t_k in zip(b, [t[0], t[1], t[0] * t[1]], strict=True)])


def recurrent(w, x, t):
    h = 0.1 * x[0]
    for x_k in [*x, *x]:  # the same weights at every step
        h = (w[0] * h + w[1] * x_k + w[2]).tanh()
    return (h * w[3] - t[0]) ** 2


def attention(w, x, t):
    scores = [x_k * w[0] + w[1] for x_k in x]
    norm = logsumexp(scores)
    values = [(s - norm).exp() * (w[2] * x_k + w[3] ** 2) for s, x_k in zip(scores, x, strict=True)]
    return (total(values) - t[1]) ** 2 / (1.0 + w[4] * w[4])


def irregular(w, x, t):
    y = w[0] * x[1] ** 2 + w[2] / (1.0 + w[1] * w[1]) - (w[5] * x[0]).exp() * w[4]
    return hypot(y, w[3] + 2.0) + where(x[2], w[0] * w[5], w[1] ** 3) + maximum(y, w[2] * t[0]) ** 2


def several_softmaxes(w, x, t):
    parts = [logsumexp([w[3 * k + j] * x[j] * w[(3 * k + j + 4) % 9] for j in range(3)]) for k in range(3)]
    return affine(parts, [t[0], t[1], x[0]])


FUNCTIONS = [(residual, 18), (recurrent, 4), (attention, 5), (irregular, 6), (several_softmaxes, 9)]


def started(count):
    rng = np.random.default_rng(4)
    leaves = [Value(number) for number in rng.normal(size=count).tolist()]
    return leaves, rng.normal(size=(6, 3)), rng.normal(size=(6, 2)), rng.normal(size=count)


def compiled(fun, leaves, **options):
    return autograd.compile(lambda x, t: fun(leaves, x, t), parameters=leaves, **options)


def in_order(program, leaves_first):
    """A vector in the order of `flat`, of one in the order of the leaves."""
    vector = np.empty_like(leaves_first)
    vector[program.derived.parameters.position] = leaves_first
    return vector


@pytest.mark.parametrize(("fun", "count"), FUNCTIONS)
@pytest.mark.parametrize("reduce", ["mean", "sum"])
def test_the_product_with_the_hessian_is_the_engines(fun, count, reduce):
    leaves, X, T, v = started(count)
    program = compiled(fun, leaves, reduce=reduce)
    program.backward(x=X, t=T)
    found = program.hvp(in_order(program, v), x=X, t=T)[program.derived.parameters.position]
    numbers = [leaf.data for leaf in leaves]
    rows = [autograd.hvp(lambda w, x=x, t=t: fun(w, x, t), numbers, v.tolist()) for x, t in zip(X.tolist(), T.tolist())]  # noqa: B905
    expected = np.mean(rows, axis=0) if reduce == "mean" else np.sum(rows, axis=0)
    np.testing.assert_allclose(found, expected, rtol=0, atol=EXACT * np.abs(expected).max())


@pytest.mark.parametrize("activation", sorted(set(nn.model.activations.ACTIVATIONS)))
@pytest.mark.parametrize("loss", sorted(set(nn.LOSSES) - {"binary_cross_entropy", "hinge_loss"}))
def test_the_product_with_the_hessian_is_the_difference_of_gradients(activation, loss):
    rng = np.random.default_rng(0)
    X, T = rng.normal(size=(7, 3)), nn.one_hot(rng.integers(0, 2, 7), 2)
    model = nn.MLP(3, [4, 5, 2], activation=activation, seed=1)
    program = autograd.compile(lambda x, t: nn.LOSSES[loss](model(x), t), parameters=model)
    objective = program.objective(x=X, t=T)
    w, v, step = program.flat.copy(), rng.normal(size=program.flat.size), 1e-5
    expected = (objective(w + step * v)[1] - objective(w - step * v)[1]) / (2 * step)
    np.testing.assert_allclose(program.hvp(v, x=X, t=T), expected, rtol=0, atol=DIFFERENCES * np.abs(expected).max())


def test_the_hessian_of_a_line_is_that_of_the_normal_equations():
    rng = np.random.default_rng(0)
    X, T = rng.normal(size=(20, 3)), rng.normal(size=(20, 1))
    leaves = [Value(0.1, f"w[{k}]") for k in range(3)]
    program = autograd.compile(lambda x, t: 0.5 * (affine(leaves, x) - t[0]) ** 2, parameters=leaves)
    np.testing.assert_allclose(program.hessian(x=X, t=T), X.T @ X / 20, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize(("fun", "count"), FUNCTIONS)
def test_a_hessian_is_symmetric(fun, count):
    leaves, X, T, _ = started(count)
    H = compiled(fun, leaves).hessian(x=X, t=T)
    np.testing.assert_allclose(H, H.T, rtol=0, atol=EXACT * np.abs(H).max())


def test_the_jacobian_is_the_engines():
    rng = np.random.default_rng(2)
    X, T = rng.normal(size=(4, 2)), rng.normal(size=(4, 2))
    model = nn.MLP(2, [3, 2], seed=0)

    def one_example(x, t):
        y = model(x)
        return nn.half_squared_error(y, t), {"y": y, "first": y[0] * 2.0, "number": 1.5}

    program = autograd.compile(one_example, parameters=model)
    found = program.jacobian(x=X, t=T)
    position = program.derived.parameters.position
    numbers = [leaf.data for leaf in model.parameters()]
    assert found["y"].shape == (4, 2, 17)
    for x, J in zip(X, found["y"], strict=True):
        expected = np.array(autograd.jacobian(lambda w, x=x: model.apply(w, x))(numbers))
        np.testing.assert_allclose(J[:, position], expected, rtol=0, atol=EXACT * np.abs(expected).max())
    np.testing.assert_allclose(found["first"][:, 0], 2.0 * found["y"][:, 0], rtol=1e-15)
    assert not found["number"].any()


@pytest.mark.parametrize("reduce", ["mean", "sum"])
@pytest.mark.parametrize(("fun", "count"), FUNCTIONS)
def test_gradients_of_single_examples_are_those_of_batches_of_one_and_add_up(fun, count, reduce):
    leaves, X, T, _ = started(count)
    program = compiled(fun, leaves, reduce=reduce)
    program.backward(x=X, t=T)
    kept = program.flat_gradient.copy()
    found = program.per_example_gradients(x=X, t=T)
    np.testing.assert_array_equal(program.flat_gradient, kept)
    whole = found.mean(axis=0) if reduce == "mean" else found.sum(axis=0)
    np.testing.assert_allclose(whole, kept, rtol=0, atol=EXACT * np.abs(found).max())
    for x, t, gradient in zip(X.tolist(), T.tolist(), found, strict=True):
        for leaf in leaves:
            leaf.grad = 0.0
        fun(leaves, x, t).backward()
        expected = in_order(program, np.array([leaf.grad for leaf in leaves]))
        np.testing.assert_allclose(gradient, expected, rtol=0, atol=EXACT * np.abs(expected).max())


def test_an_objective_is_a_function_and_leaves_the_program_as_it_was():
    leaves, X, T, v = started(4)
    program = compiled(recurrent, leaves)
    loss, _ = program.value_and_grad(x=X, t=T)
    before = program.flat.copy()
    objective = program.objective(x=X, t=T)
    assert objective(before)[0] == loss
    elsewhere, gradient = objective(before + v)
    assert elsewhere != loss
    objective.hvp(before + v, v)
    np.testing.assert_array_equal(program.flat, before)
    again = compiled(recurrent, [Value(number) for number in (before + v)[program.derived.parameters.position]])
    np.testing.assert_allclose(again.value(x=X, t=T), elsewhere, rtol=1e-14)
    with pytest.raises(ValueError, match="finite"):
        objective(before * np.nan)
    np.testing.assert_array_equal(program.flat, before)
    assert gradient.shape == before.shape


def test_an_objective_that_fails_leaves_the_program_as_it_was():
    w = Value(2.0, "w")
    program = autograd.compile(lambda x: autograd.log(w * x[0]))
    objective = program.objective(x=[[1.0]])
    with pytest.raises(autograd.DomainError, match="log needs"):
        objective([-1.0])
    assert program.flat.tolist() == [2.0]


def branching(w, x, t):
    y = w[0] * x[0] + w[1] * x[1] ** 2
    if x[0] > 0.5:
        return (y * w[2] - t[0]) ** 2
    if y > 0.0:
        return y.exp() * w[3] ** 2
    return (w[2] * y).tanh() + t[1] * w[1] ** 3


def test_every_row_has_the_curvature_of_its_own_path_also_of_one_that_comes_later():
    leaves, X, T, v = started(4)
    program = compiled(branching, leaves)
    for rows in (X[:2], np.vstack([X, -X, X[:, ::-1]])):
        targets = np.resize(T, (len(rows), 2))
        found = program.hvp(in_order_of(program, v, rows, targets), x=rows, t=targets)
        numbers = [leaf.data for leaf in leaves]
        expected = np.mean(
            [
                autograd.hvp(lambda w, x=x, t=t: branching(w, x, t), numbers, v.tolist())
                for x, t in zip(rows.tolist(), targets.tolist(), strict=True)
            ],
            axis=0,
        )
        found = found[program.derived.parameters.position]
        np.testing.assert_allclose(found, expected, rtol=0, atol=EXACT * np.abs(expected).max())
        each = program.per_example_gradients(x=rows, t=targets)
        program.backward(x=rows, t=targets)
        np.testing.assert_allclose(each.mean(axis=0), program.flat_gradient, rtol=0, atol=EXACT * np.abs(each).max())


def in_order_of(program, vector, X, T):
    program.value(x=X, t=T)
    return in_order(program, vector)


def test_outputs_come_beside_the_gradient_on_several_paths():
    leaves, X, T, _ = started(4)
    rows = np.vstack([X, -X, X[:, ::-1]])
    targets = np.resize(T, (len(rows), 2))

    def with_outputs(x, t):
        cost = branching(leaves, x, t)
        return cost, {"cost": cost, "first": leaves[0] * x[1]}

    program = autograd.compile(with_outputs, parameters=leaves)
    for _ in range(2):  # the second call takes the way that is tried at once
        loss, outputs = program.backward_with_outputs(x=rows, t=targets)
        gradient = program.flat_gradient.copy()
        np.testing.assert_allclose(outputs["cost"][:, 0], program.losses(x=rows, t=targets), rtol=1e-14)
        np.testing.assert_allclose(outputs["first"][:, 0], leaves[0].data * rows[:, 1], rtol=1e-15)
        assert loss == pytest.approx(program.backward(x=rows, t=targets), rel=1e-14)
        np.testing.assert_allclose(gradient, program.flat_gradient, rtol=1e-13)


def test_nothing_needs_to_be_recorded_before():
    leaves, X, T, v = started(4)
    for call in (
        lambda program: program.hvp(v, x=X, t=T),
        lambda program: program.hessian(x=X, t=T),
        lambda program: program.per_example_gradients(x=X, t=T),
        lambda program: program.objective(x=X, t=T)(v),
        lambda program: program.jacobian(x=X, t=T),
    ):
        call(compiled(recurrent, leaves))


def test_many_rows_are_taken_in_blocks():
    w = Value(2.0, "w")
    program = autograd.compile(lambda x: (w * x[0]) ** 2)
    X = np.arange(1.0, 2 * BLOCK + 5)[:, None]
    np.testing.assert_allclose(program.hvp([3.0], x=X), [6.0 * (X**2).mean()], rtol=1e-13)


def test_a_pickled_program_has_them_too():
    leaves, X, T, v = started(9)
    program = compiled(several_softmaxes, leaves)
    expected = program.hvp(v, x=X, t=T)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(program)).hvp(v, x=X, t=T), expected)


def test_threads_have_directions_of_their_own():
    leaves, X, T, _ = started(18)
    program = compiled(residual, leaves)
    program.backward(x=X, t=T)
    units = np.eye(18)
    expected = [program.hvp(unit, x=X, t=T) for unit in units]
    wrong = []

    def run(k):
        wrong.extend(k for _ in range(30) if not np.array_equal(program.hvp(units[k], x=X, t=T), expected[k]))

    threads = [threading.Thread(target=run, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_changed_parameters_are_seen():
    w = Value(2.0, "w")
    program = autograd.compile(lambda x: w**3 * x[0])
    assert program.hvp([1.0], x=[[1.0]]) == [12.0]
    program.flat[0] = 5.0
    assert program.hvp([1.0], x=[[1.0]]) == [30.0]


@pytest.mark.parametrize(
    ("vector", "error", "message"),
    [
        ([1.0], ValueError, r"each of 4 parameters, got shape \(1,\)"),
        ([1.0, 2.0, np.inf, 0.0], ValueError, "finite numbers, got NaN or infinity at 2"),
        (["a"] * 4, TypeError, "real numbers"),
    ],
)
def test_what_is_no_direction_is_refused(vector, error, message):
    leaves, X, T, _ = started(4)
    with pytest.raises(error, match=message):
        compiled(recurrent, leaves).hvp(vector, x=X, t=T)


@pytest.mark.extra
def test_scipy_takes_an_objective():
    optimize = pytest.importorskip("scipy.optimize", reason="needs SciPy")
    rng = np.random.default_rng(0)
    X, T = rng.normal(size=(30, 2)), rng.normal(size=(30, 1))
    leaves = [Value(0.0, f"w[{k}]") for k in range(2)]
    program = autograd.compile(lambda x, t: 0.5 * (affine(leaves, x) - t[0]) ** 2, parameters=leaves)
    objective = program.objective(x=X, t=T)
    for method in ("L-BFGS-B", "CG", "Newton-CG", "trust-ncg", "trust-krylov"):
        curvature = {} if method in ("L-BFGS-B", "CG") else {"hessp": objective.hvp}
        found = optimize.minimize(objective, np.zeros(2), jac=True, method=method, tol=1e-10, **curvature)
        np.testing.assert_allclose(found.x, np.linalg.lstsq(X, T[:, 0], rcond=None)[0], rtol=1e-6)


def test_the_equations_are_pearlmutters():
    model = nn.MLP(3, [4, 2], activation="tanh", seed=0)
    program = autograd.compile(lambda x, t: nn.cross_entropy(model(x), t), parameters=model)
    program.value(x=np.eye(3)[:2], t=np.eye(2))
    lines = [line.strip() for line in program.hvp_equations().splitlines()]
    # B. A. Pearlmutter 1994, equations 4.3: R{x} = Σ w R{y} + v y, R{y} = R{x} σ′(x), and the same backward.
    for line in (
        "R{z¹} = V¹a⁰ + v¹",
        "R{a¹} = R{z¹} ⊙ σ′(z¹)",
        "R{z²} = W²R{a¹} + V²a¹ + v²",
        "R{δ¹} = ((W²)ᵀR{δ²} + (V²)ᵀδ²) ⊙ σ′(z¹) − 2(W²)ᵀδ² ⊙ a¹ ⊙ R{a¹}",
        "R{∂C/∂W¹} = R{δ¹}(a⁰)ᵀ",
        "R{∂C/∂W²} = δ²(R{a¹})ᵀ + R{δ²}(a¹)ᵀ",
        "R{∂C/∂b²} = R{δ²}",
    ):
        assert line in lines
    with pytest.raises(ValueError, match="notation"):
        program.hvp_equations("magic")
