"""What a program offers beside its gradients: parameters, outputs, errors, guards, pickling, threads, text."""

from __future__ import annotations

import itertools
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest

import nn
from autograd import DomainError, Op, Value, affine, compile, lift, logsumexp, total
from nn.closed_form import backprop

EXACT = 1e-10


def network(sizes=(3, 4, 2), seed=0):
    """Return named parameters and the loss of one example with its outputs."""
    rng = np.random.default_rng(seed)
    named = {}
    for l, (n_in, n_out) in enumerate(itertools.pairwise(sizes), 1):
        named[f"W{l}"] = [[Value(rng.normal()) for _ in range(n_in)] for _ in range(n_out)]
        named[f"b{l}"] = [Value(rng.normal()) for _ in range(n_out)]

    def loss(x, t):
        a = x
        for l in range(1, len(sizes)):
            a = [affine(row, a, b).tanh() for row, b in zip(named[f"W{l}"], named[f"b{l}"], strict=True)]
        return 0.5 * total([(p - q) ** 2 for p, q in zip(a, t, strict=True)]), {"y": a, "first": a[0]}

    return named, loss


def batch(rows=5, n_x=3, n_t=2, seed=1):
    rng = np.random.default_rng(seed)
    return {"x": rng.normal(size=(rows, n_x)), "t": rng.normal(size=(rows, n_t))}


def compiled(reduce="mean"):
    named, loss = network()
    return compile(loss, parameters=named, reduce=reduce), named


def test_parameters_are_views_of_flat_and_assignment_checks_and_copies():
    program, named = compiled()
    program.value(**batch())
    assert list(program.parameters) == ["W1", "b1", "W2", "b2"]
    assert all(np.shares_memory(array, program.flat) for array in program.parameters.values())
    assert program.parameters["W1"][2, 1] == named["W1"][2][1].data
    new = np.arange(12.0).reshape(4, 3)
    program.parameters["W1"] = new
    new[:] = 0.0
    assert program.parameters["W1"][3, 2] == 11.0
    for wrong in (np.zeros((3, 4)), np.full((4, 3), np.nan)):
        with pytest.raises(ValueError, match="W1"):
            program.parameters["W1"] = wrong
    with pytest.raises(KeyError, match="W9"):
        program.parameters["W9"] = new
    program.push()
    assert named["W1"][3][2].data == 11.0
    named["W1"][0][0].data = 0.25
    program.pull()
    assert program.parameters["W1"][0, 0] == 0.25


def test_backward_leaves_views_and_value_and_grad_gives_copies():
    program, _ = compiled()
    loss = program.backward(**batch())
    assert loss == program.value(**batch())
    assert all(np.shares_memory(array, program.flat_gradient) for array in program.gradients.values())
    again, gradient = program.value_and_grad(**batch())
    assert again == loss
    assert not any(np.shares_memory(array, program.flat_gradient) for array in gradient.values())
    before = program.flat.copy()
    program.flat -= 0.1 * program.flat_gradient
    assert program.value(**batch()) < loss
    assert not np.array_equal(before, program.flat)


def test_outputs_need_no_targets_and_losses_are_one_per_row():
    program, _ = compiled()
    data = batch()
    with pytest.raises(RuntimeError, match="nothing is recorded"):
        program.outputs(x=data["x"])
    mean = program.value(**data)
    outputs = program.outputs(x=data["x"])
    assert outputs["y"].shape == (5, 2)
    assert outputs["first"].shape == (5, 1)
    np.testing.assert_array_equal(outputs["first"][:, 0], outputs["y"][:, 0])
    expected = 0.5 * ((outputs["y"] - data["t"]) ** 2).sum(axis=1)
    np.testing.assert_allclose(program.losses(**data), expected, rtol=1e-13)
    assert mean == pytest.approx(expected.mean(), rel=1e-13)


def test_sums_over_batches_add_up():
    program, _ = compiled("sum")
    data = batch(7)
    loss, gradient = program.value_and_grad(**data)
    parts = [program.value_and_grad(**{name: rows[a:b] for name, rows in data.items()}) for a, b in ((0, 3), (3, 7))]
    assert loss == pytest.approx(sum(part for part, _ in parts), rel=1e-13)
    for name, array in gradient.items():
        np.testing.assert_allclose(array, sum(part[name] for _, part in parts), rtol=1e-11, atol=1e-13)


def test_one_row_may_be_given_as_a_vector():
    program, _ = compiled()
    data = batch(1)
    assert program.value(**data) == program.value(**{name: rows[0] for name, rows in data.items()})


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"x": np.zeros((5, 4))}, ValueError, r"'x' needs 3 number"),
        ({"x": np.zeros((4, 3))}, ValueError, "different numbers of rows"),
        ({"x": np.zeros((0, 3)), "t": np.zeros((0, 2))}, ValueError, "at least one row"),
        ({"x": np.zeros((5, 3, 1))}, ValueError, "shape"),
        ({"x": np.full((5, 3), np.nan)}, ValueError, "row 0"),
        ({"x": np.full((5, 3), "a")}, TypeError, "real numbers"),
        ({"x": np.zeros((5, 3), dtype=complex)}, TypeError, "real numbers"),
        ({"z": np.zeros((5, 3))}, TypeError, "no input 'z'"),
        ({"x": None}, TypeError, "real numbers"),
    ],
)
def test_wrong_inputs_are_refused(change, error, message):
    program, _ = compiled()
    data = batch()
    expected = program.value(**data)
    with pytest.raises(error, match=message):
        program.value_and_grad(**(data | change))
    with pytest.raises(error, match=message):
        program.backward(**(data | change))
    assert program.backward(**data) == expected


def test_a_missing_input_is_named():
    program, _ = compiled()
    program.value(**batch())
    with pytest.raises(TypeError, match="'t' is missing"):
        program.backward(x=batch()["x"])


def test_integers_lists_and_other_layouts_give_the_same():
    program, _ = compiled()
    data = {"x": np.arange(15).reshape(5, 3) % 4, "t": np.ones((5, 2), dtype=int)}
    expected = program.backward(**{name: rows.astype(float) for name, rows in data.items()})
    assert program.backward(**data) == expected
    assert program.backward(**{name: rows.tolist() for name, rows in data.items()}) == expected
    layout = {name: np.asfortranarray(rows.astype(float)) for name, rows in data.items()}
    assert program.backward(**layout) == pytest.approx(expected, rel=1e-14)


def test_a_domain_error_names_the_statement_and_the_row():
    w = Value(1.0, "w")
    program = compile(lambda x: (w * x[0]).log(), parameters=[w])
    assert program.value(x=[[1.0], [2.0]]) == pytest.approx(np.log(2.0) / 2)
    with pytest.raises(DomainError, match=r"log needs x > 0.*row 1") as caught:
        program.value_and_grad(x=[[1.0], [-2.0], [3.0]])
    assert "log" in str(caught.value)
    exploding = compile(lambda x: (w * x[0]).exp(), parameters=[w])
    exploding.value(x=[[1.0], [2.0]])
    with pytest.raises(DomainError, match="row 2"):
        exploding.backward(x=[[1.0], [2.0], [1000.0]])


@pytest.mark.parametrize(("examples", "wrong"), [(1, 0), (7, 0), (7, 4), (7, 6)])
@pytest.mark.parametrize("kind", ["value_and_grad", "backward", "value", "losses"])
def test_a_domain_error_of_code_that_has_run_names_the_statement_and_the_row(kind, examples, wrong):
    w = [Value(1.0, "w[0]"), Value(0.5, "w[1]")]
    program = compile(lambda x: total([(each * x[0] + 0.25).log() for each in w]), parameters={"w": w})
    X = np.full((examples, 1), 2.0)
    run = getattr(program, kind)
    run(x=X)
    run(x=X)
    X[wrong] = -1.0
    with pytest.raises(DomainError, match=rf"log needs x > 0, got .* in log1 .*at row {wrong} of the batch"):
        run(x=X)
    for name, number, what in (("exp", 1000.0, "exp has no finite result"), ("sqrt", -1.0, "sqrt needs")):
        other = compile(lambda x, name=name: getattr(w[0] * x[0], name)(), parameters=w)
        run = getattr(other, kind)
        X[:] = 2.0
        run(x=X)
        X[wrong] = number
        with pytest.raises(DomainError, match=rf"{what}.* in loss .*at row {wrong} of the batch"):
            run(x=X)


def test_overflow_that_numpy_does_not_signal_is_found():
    W = [[Value(1e200), Value(1e200)], [Value(1.0), Value(2.0)]]
    program = compile(lambda x: sum(affine(row, x, 0.0).tanh() for row in W))
    assert np.isfinite(program.value(x=[[1.0, 1.0], [0.5, 0.25]]))
    with pytest.raises(DomainError, match="z1"):
        program.value(x=[[1e150, 1e150], [1.0, 1.0]])


def test_a_derivative_that_nobody_asks_for_may_be_undefined():
    w = Value(4.0, "w")
    program = compile(lambda x: x[0] * w.sqrt() + x[0] * (w - 4.0), parameters=[w])
    program.value(x=[[1.0], [0.0]])
    program.parameters["w"] = 0.0
    loss, gradient = program.value_and_grad(x=[[0.0], [0.0]])
    assert (loss, gradient["w"]) == (0.0, 0.0)
    with pytest.raises(DomainError, match="w"):
        program.value_and_grad(x=[[1.0], [0.0]])


def test_a_parameter_that_is_not_finite_is_refused():
    program, _ = compiled()
    program.value(**batch())
    program.flat[3] = np.nan
    with pytest.raises(ValueError, match="holds NaN"):
        program.backward(**batch())


def test_parameters_of_a_large_network_that_are_not_finite_or_overflow_are_found():
    model = nn.MLP(70, [60, 2], activation="tanh", seed=0)
    program = compile(lambda x, t: nn.half_squared_error(model(x), t), parameters=model)
    data = batch(4, 70, 2)
    loss, gradient = program.value_and_grad(**data)
    exact = backprop(
        model.weights,
        model.biases,
        data["x"],
        data["t"],
        activations=["tanh", "identity"],
        loss="half_squared_error",
    )
    assert loss == pytest.approx(float(exact.loss), rel=EXACT)
    np.testing.assert_allclose(gradient["W1"], exact.dW[0], rtol=0.0, atol=EXACT * np.abs(exact.dW[0]).max())
    np.testing.assert_allclose(gradient["b1"], exact.db[0], rtol=0.0, atol=EXACT * np.abs(exact.db[0]).max())
    for wrong, error in ((np.nan, ValueError), (np.inf, ValueError), (1e308, DomainError)):
        for run in (program.backward, program.value, program.losses):
            program.parameters["W1"][3, :2] = wrong
            with pytest.raises(error):
                run(**data | {"x": np.full((4, 70), 1e3)})
    program.pull()
    assert np.isfinite(program.backward(**data))


def test_saturated_sigmoids_are_right_far_out():
    w = Value(1.0, "w")
    program = compile(lambda x: -(w * x[0]).sigmoid().log(), parameters=[w])
    program.value(x=[[1.0], [2.0]])
    for x in (-720.0, -500.0, 40.0, 800.0):
        leaf = Value(x)
        exact = -(w * leaf).sigmoid().log()
        assert program.value(x=[[x]]) == pytest.approx(exact.data, rel=1e-12)


# --- guards and recordings ------------------------------------------------------------------------


def test_a_comparison_that_comes_out_differently_is_refused_with_row_and_line():
    w = Value(2.0, "w")

    def branching(x):
        z = w * x[0]
        return z * z if z > 0.5 else z

    program = compile(branching, parameters=[w])
    assert program.value(x=[[1.0], [2.0]]) == 10.0
    with pytest.raises(RuntimeError, match=r"test_lift_program.py, line \d+ gave True.*row 1"):
        program.value_and_grad(x=[[1.0], [-1.0]])
    assert "Guard" in program.report()


def test_a_function_that_depends_on_numbers_outside_the_graph_is_refused():
    w = Value(2.0, "w")
    rng = np.random.default_rng(0)
    functions = [
        lambda x: w * x[0].data,
        lambda x: w * x[0] if x[0].data > 1.5 else w + x[0],
        lambda x: w * x[0] * float(rng.normal()),
        lambda x: w * Value(x[0].data),
        lambda x: w * x[0] if x[0] > 1.5 else w + x[0],
    ]
    for function in functions:
        with pytest.raises(RuntimeError, match="outside the graph"):
            compile(function, parameters=[w]).value(x=[[1.0], [2.0]])


def test_a_comparison_without_influence_is_no_guard():
    w = Value(2.0, "w")
    seen = []

    def counting(x):
        seen.append(x[0] > 1.5)
        return w * x[0]

    program = compile(counting, parameters=[w])
    assert program.value(x=[[1.0], [2.0]]) == 3.0
    assert program.value(x=[[5.0], [-2.0]]) == 3.0


def test_the_self_check_refuses_a_program_that_disagrees_with_the_engine():
    # A rule that gives arrays another derivative than floats: the engine and the program must differ.
    treacherous = Op(
        "treacherous",
        forward=lambda x: x * x,
        array=np.square,
        partials=(lambda out, x: 2.0 * x if isinstance(x, float) else 2.5 * x,),
        samples=((0.7,),),
    )
    w = Value(2.0, "w")
    with pytest.raises(RuntimeError, match="disagrees with the engine"):
        compile(lambda x: treacherous(w * x[0]), parameters=[w]).value(x=[[1.0], [2.0]])


def test_an_operation_of_your_own_is_compiled_and_its_domain_kept():
    cube = Op("cube", forward=lambda x: x**3, partials=(lambda out, x: 3.0 * x**2.0,), samples=((0.7,),))
    w = Value(2.0, "w")
    program = compile(lambda x: cube(w * x[0]), parameters=[w])
    loss, gradient = program.value_and_grad(x=[[1.0], [2.0]])
    assert (loss, gradient["w"]) == (36.0, 54.0)
    with pytest.raises(TypeError, match="cube"):
        program.source  # noqa: B018  # the property raises


def test_wrong_arguments_of_compile_and_lift_are_refused():
    w = Value(2.0)
    with pytest.raises(ValueError, match="reduce"):
        compile(lambda x: x[0], reduce="max")
    with pytest.raises(TypeError, match="function"):
        compile(3)
    with pytest.raises(TypeError, match="needs a Value"):
        lift(3.0)
    with pytest.raises(TypeError, match="leaf"):
        lift(w * w, {"x": [w * w]})
    with pytest.raises(ValueError, match="twice"):
        lift(w * w, {"x": [w]}, [w])
    with pytest.raises(ValueError, match="rectangular"):
        lift(w * w, {}, {"W": [[w, Value(1.0)], [Value(2.0)]]})
    with pytest.raises(TypeError, match="must return a loss"):
        compile(lambda x: (x[0], x[0], x[0])).value(x=[[1.0], [2.0]])


# --- pickling and threads -------------------------------------------------------------------------


def test_a_pickled_program_gives_the_same_and_has_no_values():
    program, _ = compiled()
    expected = program.value_and_grad(**batch())
    again = pickle.loads(pickle.dumps(program))
    loss, gradient = again.value_and_grad(**batch())
    assert loss == expected[0]
    assert all(np.array_equal(array, expected[1][name]) for name, array in gradient.items())
    assert np.array_equal(again.outputs(x=batch()["x"])["y"], program.outputs(x=batch()["x"])["y"])
    for method in (again.pull, again.push):
        with pytest.raises(RuntimeError, match="unpickled"):
            method()
    again.parameters["b1"] = np.ones(4)
    assert not np.array_equal(program.parameters["b1"], np.ones(4))


def test_threads_have_gradients_of_their_own():
    program, _ = compiled()
    batches = [batch(4 + k % 3, seed=k) for k in range(6)]
    expected = [program.value_and_grad(**data) for data in batches]
    wrong: list[int] = []

    def work(k):
        for _ in range(100):
            loss = program.backward(**batches[k])
            same = all(np.array_equal(array, expected[k][1][name]) for name, array in program.gradients.items())
            if loss != expected[k][0] or not same:
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# --- text ------------------------------------------------------------------------------------------


def test_the_source_runs_in_a_process_that_has_only_numpy(tmp_path):
    rng = np.random.default_rng(0)
    for k, loss in enumerate(("half", "softmax")):
        W = [[Value(v, f"W1[{i},{j}]") for j, v in enumerate(row)] for i, row in enumerate(rng.normal(size=(4, 3)))]
        b = [Value(v, f"b1[{i}]") for i, v in enumerate(rng.normal(size=4))]

        def function(x, t, W=W, b=b, loss=loss):
            z = [affine(row, x, c) for row, c in zip(W, b, strict=True)]
            if loss == "softmax":
                return logsumexp(z) - total([p * q for p, q in zip(t, z, strict=True)])
            return 0.5 * total([(v.sigmoid() - q) ** 2 for v, q in zip(z, t, strict=True)])

        program = compile(function)
        data = batch(6, 3, 4)
        expected, gradient = program.value_and_grad(**data)
        folder = tmp_path / str(k)
        folder.mkdir()
        (folder / "derived.py").write_text(program.source, encoding="utf-8")
        np.savez(folder / "data.npz", **data, **program.parameters)
        (folder / "run.py").write_text(
            "import numpy as np\nfrom derived import value_and_grad\nd = dict(np.load('data.npz'))\n"
            "loss, g = value_and_grad(d, d['x'], d['t'])\nnp.savez('out.npz', loss=loss, **g)\n"
            "import sys\nassert 'autograd' not in sys.modules\n"
        )
        subprocess.run([sys.executable, "run.py"], cwd=folder, check=True)
        out = np.load(folder / "out.npz")
        assert float(out["loss"]) == pytest.approx(expected, rel=1e-12)
        for name, array in gradient.items():
            np.testing.assert_allclose(out[name], array, rtol=1e-11, atol=1e-14)


def test_the_source_of_a_network_reads_as_one_writes_it():
    rng = np.random.default_rng(0)
    model = nn.MLP(3, [4, 2], activation="sigmoid", output_activation="sigmoid", seed=0)
    program = compile(lambda x, t: nn.half_squared_error(model(x), t), parameters=model)
    program.value(x=rng.normal(size=(2, 3)), t=rng.random((2, 2)))
    lines = [line.strip() for line in program.source.splitlines()]
    expected = [
        "z1 = W1 @ x + b1[..., None]",
        "a1 = sigmoid(z1)",
        "z2 = W2 @ a1 + b2[..., None]",
        "a2 = sigmoid(z2)",
        "delta2 = da2 * (a2 * (1.0 - a2))",
        "da1 = W2.T @ delta2",
        "delta1 = da1 * (a1 * (1.0 - a1))",
        "dW1 = delta1 @ x.T",
        "db1 = delta1.sum(axis=-1)",
    ]
    assert [line for line in lines if line in expected] == expected


def test_the_report_says_what_was_recognised_and_what_was_not():
    program, _ = compiled()
    program.value(**batch())
    text = program.report()
    assert "z1: 4 value(s) for each example, a matrix product" in text
    w = [Value(0.1 * k) for k in range(8)]
    ragged = lift(sum((w[k] * w[(3 * k + j) % 8]).tanh() for k in range(8) for j in range(k % 3 + 1)) + w[0])
    assert "parameters" in ragged.report()


# --- the closed form --------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["identity", "sigmoid", "tanh", "relu", "leaky_relu", "softplus"])
@pytest.mark.parametrize(
    "loss",
    [
        "half_squared_error",
        "mse_loss",
        "hinge_loss",
        "cross_entropy",
        "binary_cross_entropy_with_logits",
        "binary_cross_entropy",
    ],
)
def test_networks_of_every_activation_and_loss_equal_the_closed_form(activation, loss):
    rng = np.random.default_rng(5)
    last = "sigmoid" if loss == "binary_cross_entropy" else "identity"
    model = nn.MLP(3, [5, 4, 3], activation=activation, output_activation=last, seed=2)
    X, T = rng.normal(size=(6, 3)), rng.random((6, 3))
    T = {"hinge_loss": np.sign(T - 0.5), "cross_entropy": T / T.sum(axis=1, keepdims=True)}.get(loss, T)
    formula = getattr(nn, loss)
    program = compile(lambda x, t: formula(model(x), t), parameters=model)
    value, gradient = program.value_and_grad(x=X, t=T)
    exact = backprop(model.weights, model.biases, X, T, activations=[activation, activation, last], loss=loss)
    assert value == pytest.approx(float(exact.loss), rel=EXACT)
    for l in range(3):
        for name, array in ((f"W{l + 1}", exact.dW[l]), (f"b{l + 1}", exact.db[l])):
            np.testing.assert_allclose(gradient[name], array, rtol=0.0, atol=EXACT * max(1e-3, np.abs(array).max()))


def test_a_compiled_logsumexp_keeps_its_small_terms():
    """Of 0 and −40 it is log(1 + e⁻⁴⁰), about e⁻⁴⁰; log of the rounded sum would be 0."""
    program = compile(lambda x: logsumexp([x[0], x[1]]))
    x = np.array([[0.0, -40.0], [-40.0, 0.0], [0.0, -40.0]])
    assert program.losses(x=x) == pytest.approx([np.exp(-40.0)] * 3, rel=1e-15, abs=0.0)
    namespace = {}
    exec(program.source, namespace)
    assert namespace["value_and_grad"]({}, x)[0] == pytest.approx(np.exp(-40.0), rel=1e-15, abs=0.0)


@pytest.mark.parametrize("heads", [1, 3])
def test_a_compiled_logsumexp_counts_ties_and_keeps_small_terms_in_each_set(heads):
    """The value is log(n + s) above the largest: n terms that are largest, and s, the small ones."""
    program = compile(lambda x: total([logsumexp(x[3 * k : 3 * k + 3]) for k in range(heads)]))
    cases = [([7.0, 7.0, 7.0], 7.0 + np.log(3.0)), ([0.0, -40.0, -41.0], np.exp(-40.0) + np.exp(-41.0))]
    cases += [
        ([-3.0, -3.0, -43.0], -3.0 + np.log(2.0 + np.exp(-40.0))),
        ([800.0, -800.0, 799.0], 800.0 + np.log1p(np.exp(-1.0))),
    ]
    for k in range(heads):
        for numbers, expected in cases:
            x = np.zeros((2, 3 * heads))
            x[:, 3 * k : 3 * k + 3] = numbers
            found = program.losses(x=x)[0] - (heads - 1) * np.log(3.0)
            assert found == pytest.approx(expected, rel=4e-16, abs=0.0 if heads == 1 else 1e-15)
