"""The referee takes backward passes as people write them, and says how it read them."""

import math

import numpy as np
import pytest

from nn import MLP, check_backprop
from nn.__main__ import main

LOSS = "half_squared_error"


def network(widths=(3, 4, 2), *, bias=True):
    rng = np.random.default_rng(5)
    model = MLP(widths[0], list(widths[1:]), activation="tanh", bias=bias, seed=1)
    if bias:
        model.biases = [rng.normal(size=b.shape) for b in model.biases]
    return model, rng.normal(size=(6, widths[0])), rng.normal(size=(6, widths[-1]))


def gradients(weights, biases, X, T, slip=1.0):
    """tanh below, identity at the output; `slip` multiplies the first layer's δ."""
    a = [X]
    for k, (W, b) in enumerate(zip(weights, biases, strict=True)):
        z = a[-1] @ W.T + b
        a.append(np.tanh(z) if k < len(weights) - 1 else z)
    delta = (a[-1] - T) / len(X)
    dW, db = [], []
    for k in reversed(range(len(weights))):
        if k == 0:
            delta = slip * delta
        dW.insert(0, delta.T @ a[k])
        db.insert(0, delta.sum(axis=0))
        delta = delta @ weights[k] * (1 - a[k] ** 2)
    return dW, db


def flat(dW, db):
    return np.concatenate([part.ravel() for pair in zip(dW, db, strict=True) for part in pair])


FORMS = {
    "dW1, db1": lambda dW, db: {f"d{n}{l + 1}": g[l] for n, g in (("W", dW), ("b", db)) for l in (0, 1)},
    "W1, b1": lambda dW, db: {f"{n}{l + 1}": g[l] for n, g in (("W", dW), ("b", db)) for l in (0, 1)},
    "from 0": lambda dW, db: {f"grad_{n}_{l}": g[l] for n, g in (("weight", dW), ("bias", db)) for l in (0, 1)},
    "W, b": lambda dW, db: {"W": dW, "b": db},
    "with others": lambda dW, db: {"cost": 1.0, "dW2": dW[1], "db2": db[1], "dA1": 0, "dW1": dW[0], "db1": db[0]},
    "bias first": lambda dW, db: (db, dW),
    "pairs": lambda dW, db: list(zip(dW, db, strict=True)),
    "pairs, bias first": lambda dW, db: list(zip(db, dW, strict=True)),
    "pairs downwards": lambda dW, db: list(zip(dW, db, strict=True))[::-1],
    "layer by layer": lambda dW, db: (dW[0], db[0], dW[1], db[1]),
    "downwards": lambda dW, db: (dW[1], db[1], dW[0], db[0]),
    "kinds": lambda dW, db: (db[0], db[1], dW[0], dW[1]),
    "any order": lambda dW, db: (db[1], dW[0], dW[1], db[0][:, None]),
    "vector": flat,
}


@pytest.mark.parametrize("form", FORMS)
def test_gradients_are_taken_in_the_form_in_which_they_come(form):
    model, X, T = network()
    for slip in (1.0, -1.0):
        report = check_backprop(
            lambda *given, slip=slip: FORMS[form](*gradients(*given, slip=slip)), model, X, T, LOSS, time_limit=0
        )
        assert report.ok == (slip == 1.0), str(report)
        assert report.understood.startswith("Read as: ")
        told = str(report).split("\n\n")[0].splitlines()
        assert " ".join(told) == f"{report.subject} {report.understood}"
        assert report.understood == report.to_dict()["understood"]
        assert max(map(len, told)) <= 80
        assert [report.of("W", l).verdict for l in (1, 2)] == ["right" if slip == 1.0 else "wrong", "right"]


def test_the_documented_form_is_not_told():
    model, X, T = network()
    for wrap in (tuple, list, lambda found: dict(zip(("dW", "db"), found, strict=True))):
        report = check_backprop(lambda *given, wrap=wrap: wrap(gradients(*given)), model, X, T, LOSS)
        assert (report.ok, report.understood) == (True, "")


def test_a_wrong_line_is_found_whatever_the_form():
    def backprop(weights, biases, X, T):
        hidden = np.tanh(X @ weights[0].T + biases[0])
        delta2 = (hidden @ weights[1].T + biases[1] - T) / len(X)
        delta1 = delta2 @ weights[1] * (1 - hidden)
        return {
            "dW1": delta1.T @ X,
            "db1": delta1.sum(axis=0),
            "dW2": delta2.T @ hidden,
            "db2": delta2.sum(axis=0),
        }

    report = check_backprop(backprop, *network(), LOSS)
    (correction,) = report.corrections
    assert correction.corrected.strip() == "delta1 = delta2 @ weights[1] * (1 - hidden ** 2)"


def test_shapes_that_do_not_tell_are_refused_with_what_was_required_and_what_came():
    model, X, T = network((3, 3, 3))
    with pytest.raises(ValueError, match=r"tuple of arrays of the shapes \(3, 3\), .* do not tell"):
        check_backprop(lambda *given: FORMS["layer by layer"](*gradients(*given)), model, X, T, LOSS)
    model, X, T = network()
    with pytest.raises(TypeError, match=r"got tuple of arrays of the shapes .*; required are dW1 \(4, 3\), db1 \(4,\)"):
        check_backprop(lambda *given: tuple(gradients(*given)[0] * 2), model, X, T, LOSS)
    with pytest.raises(ValueError, match="both dW and db, got the names dW1, dW2"):
        check_backprop(lambda *_: {"dW1": 0, "dW2": 0}, model, X, T, LOSS)
    with pytest.raises(ValueError, match="each array once, got 'dW1' and 'dw1'"):
        check_backprop(lambda *_: {"dW1": 0, "dw1": 0}, model, X, T, LOSS)
    with pytest.raises(TypeError, match=r"got an array of shape \(25,\)"):
        check_backprop(lambda *given: flat(*gradients(*given))[1:], model, X, T, LOSS)


def test_rounding_of_a_small_step_is_no_mistake():
    model, X, T = network()

    def stepping_little(weights, biases, X, T):
        before = [[array.copy() for array in arrays] for arrays in (weights, biases)]
        stepping(weights, biases, X, T)
        for old, new in zip(before, (weights, biases), strict=True):
            new[:] = [a + 1e-7 * (b - a) for a, b in zip(old, new, strict=True)]

    assert check_backprop(stepping_little, model, X, T, LOSS, learning_rate=1e-8).ok


def test_a_list_that_holds_itself_is_refused_at_once():
    model, X, T = network()
    itself = [[np.ones(2)], [np.ones(2)]]
    itself.append(itself)
    itself.append(itself)
    with pytest.raises(TypeError, match="lists more than 6 deep: does one hold itself"):
        check_backprop(lambda *_: itself, model, X, T, LOSS)


def test_without_biases_none_are_asked_for():
    model, X, T = network(bias=False)
    zeros = [np.zeros(4), np.zeros(2)]

    def without_biases(slip):
        return lambda weights, X, T: gradients(weights, zeros, X, T, slip)[0]

    for slip in (1.0, -1.0):
        report = check_backprop(without_biases(slip), model, X, T, LOSS, time_limit=0)
        assert report.ok == (slip == 1.0), str(report)
        assert "no biases" in report.understood
        assert [finding.name for finding in report.findings] == ["∂C/∂W²", "∂C/∂W¹"]
        assert report.of("W", 1).kinds == (set() if slip == 1.0 else {"sign"})
        alone = check_backprop(lambda *given, s=slip: gradients(*given, s)[0], model, X, T, LOSS, time_limit=0)
        assert (alone.ok, alone.understood.startswith("Read as: no biases")) == (slip == 1.0, True)
    assert check_backprop(gradients, model, X, T, LOSS).understood == ""
    turned = check_backprop(lambda *given: [W.T for W in gradients(*given)[0]], model, X, T, LOSS, time_limit=0)
    assert turned.of("W", 1).kinds == {"transposed"}


def test_a_function_without_biases_cannot_be_that_of_a_network_with_some():
    with pytest.raises(ValueError, match=r"takes no biases, and those of the model are not 0"):
        check_backprop(lambda weights, X, T: weights, *network(), LOSS)


def in_out(weights, biases, X, T):
    hidden = np.tanh(X @ weights[0] + biases[0])
    delta = (hidden @ weights[1] + biases[1] - T) / len(X)
    below = delta @ weights[1].T * (1 - hidden**2)
    return [X.T @ below, hidden.T @ delta], [below.sum(axis=0), delta.sum(axis=0)]


def in_out_wrong(weights, biases, X, T):
    hidden = np.tanh(X @ weights[0] + biases[0])
    delta = (hidden @ weights[1] + biases[1] - T) / len(X)
    below = delta @ weights[1].T * (1 - hidden)
    return [X.T @ below, hidden.T @ delta], [below.sum(axis=0), delta.sum(axis=0)]


def test_weights_may_be_transposed_said_or_recognised():
    model, X, T = network()
    for weights in (None, "in_out"):
        report = check_backprop(in_out, model, X, T, LOSS, weights=weights)
        assert (report.ok, report.understood) == (True, "Read as: weights (in, out).")
        wrong = check_backprop(in_out_wrong, model, X, T, LOSS, weights=weights)
        assert [c.corrected.strip() for c in wrong.corrections] == ["below = delta @ weights[1].T * (1 - hidden ** 2)"]
        assert wrong.of("W", 2).verdict == "right"
    with pytest.raises(ValueError, match="matmul"):
        check_backprop(in_out, model, X, T, LOSS, weights="out_in")


def test_square_weights_are_transposed_only_if_it_is_said():
    model, X, T = network((3, 3, 3))
    assert check_backprop(in_out, model, X, T, LOSS, weights="in_out").ok
    assert not check_backprop(in_out, model, X, T, LOSS, time_limit=0).ok
    with pytest.raises(ValueError, match="weights must be 'out_in', 'in_out' or None, got 'T'"):
        check_backprop(in_out, model, X, T, LOSS, weights="T")


def softmax_backprop(weights, biases, X, T, sign=1.0):
    hidden = np.tanh(X @ weights[0].T + biases[0])
    exponentials = np.exp(hidden @ weights[1].T + biases[1])
    delta = sign * (exponentials / exponentials.sum(axis=1, keepdims=True) - T) / len(X)
    below = delta @ weights[1] * (1 - hidden**2)
    return [below.T @ X, delta.T @ hidden], [below.sum(axis=0), delta.sum(axis=0)]


@pytest.mark.parametrize("labels", [[0, 1, 2, 2, 1, 0], np.array([0.0, 1.0, 2.0, 2.0, 1.0, 0.0]), list("abccba")])
def test_class_labels_are_handed_over_as_rows(labels):
    model, X, _ = network((3, 4, 3))
    report = check_backprop(softmax_backprop, model, X, labels, "CrossEntropyLoss")
    assert report.ok, str(report)
    assert report.understood.startswith("Read as: targets of the classes ")
    wrong = check_backprop(lambda *given: softmax_backprop(*given, -1.0), model, X, labels, "CE", time_limit=0)
    assert {finding.verdict for finding in wrong.findings} == {"wrong", "follows"}


def test_a_vector_holds_the_targets_of_one_output():
    model, X, _ = network((3, 4, 1))
    T = np.linspace(-1, 1, 6)
    for slip in (1.0, 2.0):
        report = check_backprop(lambda *given, s=slip: gradients(*given, s), model, X, T, LOSS, time_limit=0)
        assert report.ok == (slip == 1.0)
    with pytest.raises(ValueError, match="as many rows, got 6 and 5"):
        check_backprop(gradients, model, X, T[1:], LOSS)


def summed(weights, biases, X, T):
    hidden = np.tanh(X @ weights[0].T + biases[0])
    delta = hidden @ weights[1].T + biases[1] - T
    below = delta @ weights[1] * (1 - hidden**2)
    dW = [below.T @ X + 0.3 * weights[0], delta.T @ hidden + 0.3 * weights[1]]
    return dW, [below.sum(axis=0), delta.sum(axis=0)], [below, delta]


def summed_wrong(weights, biases, X, T):
    hidden = np.tanh(X @ weights[0].T + biases[0])
    delta = hidden @ weights[1].T + biases[1] - T
    below = delta @ weights[1] * (1 - hidden)
    dW = [below.T @ X + 0.3 * weights[0], delta.T @ hidden + 0.3 * weights[1]]
    return dW, [below.sum(axis=0), delta.sum(axis=0)], [below, delta]


def test_gradients_may_be_those_of_a_sum():
    model, X, T = network()
    report = check_backprop(summed, model, X, T, LOSS, l2=0.3, reduce="sum")
    assert report.ok, str(report)
    assert "gradients summed over the examples" in report.understood
    wrong = check_backprop(summed_wrong, model, X, T, LOSS, l2=0.3, reduce="sum")
    assert [c.corrected.strip() for c in wrong.corrections] == ["below = delta @ weights[1] * (1 - hidden ** 2)"]
    assert wrong.of("W", 2).verdict == "right"
    mean = check_backprop(gradients, model, X, T, LOSS, reduce="sum", time_limit=0)
    assert mean.of("W", 2).kinds == {"factor 1/m"}
    assert check_backprop(summed, model, X, T, LOSS, l2=0.3, time_limit=0).of("b", 2).kinds == {"factor m"}
    with pytest.raises(ValueError, match="reduce must be 'mean' or 'sum', got 'none'"):
        check_backprop(summed, model, X, T, LOSS, reduce="none")


def of_one(weights, biases, x, t):
    hidden = np.tanh(weights[0] @ x + biases[0])
    delta = weights[1] @ hidden + biases[1] - t
    below = weights[1].T @ delta * (1 - hidden**2)
    return [np.outer(below, x), np.outer(delta, hidden)], [below, delta], [below, delta]


def of_one_wrong(weights, biases, x, t):
    hidden = np.tanh(weights[0] @ x + biases[0])
    delta = weights[1] @ hidden + biases[1] - t
    below = weights[1].T @ delta * (1 - hidden)
    return [np.outer(below, x), np.outer(delta, hidden)], [below, delta], [below, delta]


def test_a_function_of_one_example_is_called_for_each():
    model, X, T = network()
    for layout in ("rows", "columns"):
        report = check_backprop(of_one, model, X, T, LOSS, one_by_one=True, layout=layout)
        assert report.ok, str(report)
        assert report.understood == "Read as: one example at a time, gradients averaged."
    as_sum = check_backprop(of_one, model, X, T, LOSS, one_by_one=True, reduce="sum")
    assert (as_sum.ok, "one example at a time, gradients summed" in as_sum.understood) == (True, True)
    assert not check_backprop(of_one, model, X, T, LOSS, l2=0.1, one_by_one=True, reduce="sum", time_limit=0).ok
    wrong = check_backprop(of_one_wrong, model, X, T, LOSS, one_by_one=True)
    assert [c.corrected.strip() for c in wrong.corrections] == ["below = weights[1].T @ delta * (1 - hidden ** 2)"]
    assert wrong.of("W", 2).verdict == "right"


def test_a_step_within_one_example_does_not_reach_the_next():
    def stepping(weights, biases, x, t):
        found = of_one(weights, biases, x, t)
        weights[0] -= found[0][0]
        biases[0] -= found[1][0]
        return found

    assert check_backprop(stepping, *network(), LOSS, one_by_one=True).ok


def with_ones(a):
    return np.hstack([np.ones((len(a), 1)), a])


def of_thetas(thetas, X, T):
    inputs = with_ones(X)
    hidden = np.tanh(inputs @ thetas[0].T)
    delta = with_ones(hidden) @ thetas[1].T - T
    below = delta @ thetas[1][:, 1:] * (1 - hidden**2)
    return below.T @ inputs / len(X), delta.T @ with_ones(hidden) / len(X)


def of_thetas_wrong(thetas, X, T):
    inputs = with_ones(X)
    hidden = np.tanh(inputs @ thetas[0].T)
    delta = with_ones(hidden) @ thetas[1].T - T
    below = delta @ thetas[1][:, 1:] * (1 - hidden)
    return below.T @ inputs / len(X), delta.T @ with_ones(hidden) / len(X)


def test_biases_may_be_a_column_of_the_weights():
    model, X, T = network()
    report = check_backprop(of_thetas, model, X, T, LOSS, bias_column="first")
    assert report.ok, str(report)
    assert report.understood.startswith("Read as: the biases as the first column of the weights")
    assert report.of("b", 1).right.shape == (4,)
    wrong = check_backprop(of_thetas_wrong, model, X, T, LOSS, bias_column="first")
    assert [c.corrected.strip() for c in wrong.corrections] == ["below = delta @ thetas[1][:, 1:] * (1 - hidden ** 2)"]
    assert not check_backprop(of_thetas, model, X, T, LOSS, bias_column="last", time_limit=0).ok

    def last(thetas, X, T):
        turned = of_thetas([np.roll(theta.T, 1, axis=1) for theta in thetas], X, T)
        return [np.roll(gradient, -1, axis=1).T for gradient in turned]

    assert check_backprop(last, model, X, T, LOSS, bias_column="last", weights="in_out").ok
    with pytest.raises(ValueError, match=r"dW\[0\] with the biases in it, of shape \(4, 4\), got \(4, 3\)"):
        check_backprop(
            lambda *given: [gradient[:, 1:] for gradient in of_thetas(*given)], model, X, T, LOSS, bias_column="first"
        )
    with pytest.raises(ValueError, match="bias_column must be 'first', 'last' or None, got 0"):
        check_backprop(of_thetas, model, X, T, LOSS, bias_column=0)


def stepping(weights, biases, X, T):
    hidden = np.tanh(X @ weights[0].T + biases[0])
    delta = (hidden @ weights[1].T + biases[1] - T) / len(X)
    below = delta @ weights[1] * (1 - hidden**2)
    weights[0] -= 0.1 * below.T @ X
    weights[1] = weights[1] - 0.1 * delta.T @ hidden
    biases[0] -= 0.1 * below.sum(axis=0)
    biases[1] -= 0.1 * delta.sum(axis=0)


def stepping_wrong(weights, biases, X, T):
    hidden = np.tanh(X @ weights[0].T + biases[0])
    delta = (hidden @ weights[1].T + biases[1] - T) / len(X)
    below = delta @ weights[1] * (1 - hidden)
    weights[0] -= 0.1 * below.T @ X
    weights[1] = weights[1] - 0.1 * delta.T @ hidden
    biases[0] -= 0.1 * below.sum(axis=0)
    biases[1] -= 0.1 * delta.sum(axis=0)


def test_a_step_in_place_is_taken_for_the_gradient_it_follows():
    model, X, T = network()
    before = [*model.weights, *model.biases]
    report = check_backprop(stepping, model, X, T, LOSS, learning_rate=0.1)
    assert (report.ok, report.understood) == (True, "Read as: gradients from the step in place, with rate 0.1.")
    assert all(map(np.array_equal, before, [*model.weights, *model.biases]))
    wrong = check_backprop(stepping_wrong, model, X, T, LOSS, learning_rate=0.1)
    assert [c.corrected.strip() for c in wrong.corrections] == ["below = delta @ weights[1] * (1 - hidden ** 2)"]
    other = check_backprop(stepping, model, X, T, LOSS, learning_rate=0.2, time_limit=0)
    assert "Every gradient is ½ times what it should be" in other.headline
    not_stepped = check_backprop(gradients, model, X, T, LOSS, learning_rate=0.1, time_limit=0)
    assert "the weights that are returned after a step, with rate 0.1" in not_stepped.understood
    assert not not_stepped.ok
    with pytest.raises(TypeError, match=r"got None and no change"):
        check_backprop(lambda *_: None, model, X, T, LOSS)
    with pytest.raises(ValueError, match=r"learning_rate must be greater than 0, got 0\.0"):
        check_backprop(stepping, model, X, T, LOSS, learning_rate=0.0)


THETAS = """
import numpy as np
from nn import MLP

MODEL = MLP(3, [2], activation=["tanh"], seed=0)
MODEL.biases = [[0.5, -0.25]]
WEIGHTS, REDUCE, BIAS_COLUMN = "in_out", "sum", "last"


def my_backprop(thetas, X, T):
    inputs = np.hstack([X, np.ones((len(X), 1))])
    a = np.tanh(inputs @ thetas[0])
    return [inputs.T @ ((a - T) * (1 - a * a))]
"""

STEP = """
import numpy as np
from nn import MLP

MODEL = MLP(3, [2], activation=["tanh"], seed=0)
ONE_BY_ONE, LEARNING_RATE = True, 0.5


def my_backprop(weights, biases, x, t):
    a = np.tanh(weights[0] @ x + biases[0])
    delta = (a - t) * (1 - a * a)
    weights[0] -= 0.5 * np.outer(delta, x)
    biases[0] -= 0.5 * delta
"""


@pytest.mark.parametrize("text", [THETAS, STEP])
def test_a_file_says_how_it_is_to_be_read(text, tmp_path, capsys):
    path = tmp_path / "mine.py"
    for written, code in ((text, 0), (text.replace("(a - T)", "(T - a)").replace("(a - t)", "(t - a)"), 1)):
        path.write_text(written, encoding="utf-8")
        assert main(["check", str(path), "--in-process", "--time-limit", "0"]) == code
        assert "Read as: " in capsys.readouterr().out


def test_names_are_taken_in_small_letters_too():
    model, X, T = network()
    for slip in (1.0, -1.0):
        report = check_backprop(
            lambda *given, s=slip: dict(zip(("dw", "db"), gradients(*given, s), strict=True)),
            model,
            X,
            T,
            LOSS,
            time_limit=0,
        )
        assert (report.ok, report.understood) == (slip == 1.0, "Read as: the gradients dw, db, by their names.")


def test_numbers_in_the_place_of_arrays_are_judged_and_not_refused():
    model, X, T = network()

    def summed_to_numbers(weights, biases, X, T):
        dW, db = gradients(weights, biases, X, T)
        return [np.sum(each) for each in dW], [np.sum(each) for each in db]

    report = check_backprop(summed_to_numbers, model, X, T, LOSS)
    assert {finding.verdict for finding in report.findings} == {"wrong"}


def test_of_several_ways_to_call_the_error_is_that_of_the_call_that_came_furthest():
    """The helper that overflows stands above the line where rows in the place of columns fail."""
    model, X, T = network()

    def grown(x):
        return math.exp(x)

    def overflows(weights, biases, X, T):  # noqa: ARG001
        W, b = [w.tolist() for w in weights], [v.tolist() for v in biases]
        for x in X.tolist():
            sums = [sum(p * q for p, q in zip(row, x, strict=True)) + c for row, c in zip(W[0], b[0], strict=True)]
            W = [[grown(1e6 * abs(each)) for each in sums]]
        return W, b

    with pytest.raises(OverflowError):
        check_backprop(overflows, model, X, T, LOSS)
