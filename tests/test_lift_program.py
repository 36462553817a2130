"""What a program offers beside its gradients: parameters, outputs, checks of what is given, pickling, threads, text."""

from __future__ import annotations

import itertools
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest

import nn
from autograd import DomainError, Value, affine, compile, lift, logsumexp, softmax, total
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
    with pytest.raises(RuntimeError, match="nothing is recorded"):
        pickle.dumps(program)
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
    assert again.equations("theta") == program.equations("theta")
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
    assert (
        program.source.partition("    N = len(x)\n\n")[2]
        == """\
    z1 = x @ W1.T + b1
    a1 = sigmoid(z1)
    z2 = a1 @ W2.T + b2
    a2 = sigmoid(z2)
    loss = 0.5 * np.sum((a2 - t) ** 2, axis=-1)

    delta2 = (a2 - t) * a2 * (1.0 - a2)
    delta1 = delta2 @ W2 * a1 * (1.0 - a1)

    dW1 = delta1.T @ x / N
    db1 = np.sum(delta1, axis=0) / N
    dW2 = delta2.T @ a1 / N
    db2 = np.sum(delta2, axis=0) / N
    return np.mean(loss), {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}
"""
    )


def test_the_report_says_what_was_recognised_and_what_was_not():
    program, _ = compiled()
    program.value(**batch())
    text = program.report()
    assert "z1: 4 value(s) for each example, a matrix product" in text
    w = [Value(0.1 * k) for k in range(8)]
    ragged = lift(sum((w[k] * w[(3 * k + j) % 8]).tanh() for k in range(8) for j in range(k % 3 + 1)) + w[0])
    assert "parameters" in ragged.report()


def test_a_program_whose_derivatives_are_zero_but_for_rounding_is_no_fault():
    """The softmax of a row sums to 1, so its sum with one weight for the whole row does not depend on anything."""
    rng = np.random.default_rng(5)
    W = [[Value(rng.normal(), f"W[{i},{j}]") for j in range(4)] for i in range(3)]
    cost = total([weight * p for row, weight in zip(W, (1.5, -0.5, 2.0), strict=True) for p in softmax(row)])
    loss, gradients = lift(cost, {}).value_and_grad()
    assert loss == pytest.approx(3.0, rel=1e-15)
    assert np.abs(gradients["W"]).max() < 1e-15


@pytest.mark.parametrize("seed", range(20))
def test_a_loss_that_is_zero_but_for_rounding_is_no_fault(seed):
    """The entries of a standardised row add up to 0: what program and engine make of it is rounding."""
    rng = np.random.default_rng(seed)
    w, factor = [Value(number) for number in rng.normal(size=2 + seed % 5)], float(rng.normal())

    def loss(x):
        a = [w_k * x[0] for w_k in w]
        mean = total(a) / len(a)
        deviation = (total([(a_k - mean) * (a_k - mean) for a_k in a]) / len(a) + 1e-3).sqrt()
        return total([(a_k - mean) / deviation * factor for a_k in a])

    value, gradient = compile(loss).value_and_grad(x=rng.normal(size=(3, 1)))
    assert abs(value) < 1e-14
    assert all(np.abs(array).max() < 1e-13 for array in gradient.values())
