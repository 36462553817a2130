"""The referee finds no mistake in right code, says what it cannot tell, and reports what it finds."""

import numpy as np
import pytest

from nn import MLP, check_backprop, closed_form
from tests.matrix_networks import ACTIVATIONS, LOSSES
from tests.planted_mistakes import SIGMA, Problem, arrays_with, report_on
from tests.scripts import said

# --- right code -------------------------------------------------------------------------------------


SCALES = [
    (activation, loss, scale)
    for activation in SIGMA
    for loss in LOSSES
    for scale in (1e-8, 1e-4, 1.0, 1e4, 1e8)
    if loss != "binary_cross_entropy" or scale <= 1.0  # it is infinite where σ(z) is 1 in floats
]


def require_no_mistake(activation, loss, scale):
    p = Problem(2, activation, loss, l2=0.3, scale=scale)
    for other_way in (True, False):
        if other_way and activation in ACTIVATIONS:
            returned = closed_form.backprop(p.W, p.b, p.X, p.T, activations=p.activations, loss=loss, l2=p.l2)
        else:
            with np.errstate(over="ignore"):
                returned = arrays_with(p, {})
        report = check_backprop(lambda *_, arrays=returned: arrays, p.model, p.X, p.T, loss, l2=p.l2)
        assert all(finding.verdict in ("right", "undecidable") for finding in report.findings), str(report)
        if scale <= 1.0:
            assert all(f.verdict == "right" for f in report.findings if f.right.any()), str(report)


@pytest.mark.parametrize(("activation", "loss", "scale"), SCALES[::13])
def test_right_code_has_no_mistake_at_any_scale_of_data(activation, loss, scale):
    require_no_mistake(activation, loss, scale)


@pytest.mark.slow
@pytest.mark.parametrize(("activation", "loss", "scale"), SCALES)
def test_right_code_has_no_mistake_for_any_loss_at_any_scale(activation, loss, scale):
    require_no_mistake(activation, loss, scale)


def test_delta_is_accepted_with_and_without_the_mean_and_the_report_says_which():
    p = Problem(2, "tanh", "half_squared_error")
    without, carrying = report_on(p, {}), report_on(p, {}, scale=1 / p.N)
    assert (without.ok, without.delta_scale) == (True, "without 1/N")
    assert (carrying.ok, carrying.delta_scale) == (True, "with 1/N")
    assert "of the mean over the batch" in said(carrying)
    wrong = report_on(p, {("δ", 1): ("sign",)}, scale=1 / p.N)
    assert wrong.of("δ", 1).kinds == {"sign"}
    assert wrong.of("δ", 2).verdict == "right"


def test_a_delta_that_carries_the_mean_is_shown_as_it_came():
    p = Problem(2, "tanh", "half_squared_error")
    _, _, delta = arrays_with(p, {})
    report = report_on(p, {}, scale=1 / p.N)
    for finding in report.findings:
        if finding.array == "δ":
            np.testing.assert_allclose(finding.yours, delta[finding.layer - 1] / p.N, rtol=1e-15)
        np.testing.assert_allclose(finding.yours, finding.right, rtol=0, atol=1e-12 * np.abs(finding.right).max())


def test_a_delta_that_is_wrong_with_and_without_the_mean_is_taken_as_it_came():
    p = Problem(2, "tanh", "half_squared_error")
    dW, db, delta = arrays_with(p, {})
    noise = [np.cos(np.arange(d.size) ** 2.0).reshape(d.shape) for d in delta]
    report = check_backprop(lambda *_: (dW, db, noise), p.model, p.X, p.T, p.loss)
    assert report.delta_scale == "without 1/N"
    np.testing.assert_array_equal(report.of("δ", 2).yours, noise[1])
    assert {finding.verdict for finding in report.findings if finding.array == "δ"} == {"wrong"}


def test_the_report_counts_the_examples():
    for count, told in ((1, "one example, against"), (2, "2 examples, against"), (3, "3 examples, against")):
        p = Problem(2, "tanh", "half_squared_error", N=count)
        returned = arrays_with(p, {})
        assert told in said(check_backprop(lambda *_, returned=returned: returned, p.model, p.X, p.T, p.loss))


@pytest.mark.parametrize("wrap", [lambda v: v, lambda v: v[None, :]], ids=["vector", "row"])
def test_of_one_example_delta_may_come_as_a_vector(wrap):
    p = Problem(2, "tanh", "half_squared_error", N=1)
    dW, db, delta = arrays_with(p, {})
    returned = dW, db, [wrap(d[0]) for d in delta]
    report = check_backprop(lambda *_: returned, p.model, p.X[0], p.T[0], p.loss)
    assert (report.ok, report.delta_scale) == (True, "")
    assert "one example, against the engine" in said(report)
    wrong = check_backprop(lambda *_: (dW, db, [2.0 * d for d in returned[2]]), p.model, p.X, p.T, p.loss)
    assert wrong.of("δ", 2).kinds == {"factor 2"}


def test_a_bias_gradient_is_taken_in_any_shape_of_a_vector_and_in_no_other():
    p = Problem(2, "tanh", "half_squared_error", N=5)
    dW, db, delta = arrays_with(p, {})
    for shape in ((3,), (1, 3), (3, 1)):
        assert check_backprop(lambda *_, s=shape: (dW, [b.reshape(s) for b in db]), p.model, p.X, p.T, p.loss).ok
    unsummed = check_backprop(lambda *_: (dW, [db[0], delta[1] / p.N], delta), p.model, p.X, p.T, p.loss)
    assert unsummed.of("b", 2).kinds == {"not summed"}
    assert "Yours has shape (5, 3); (3,) is right." in said(unsummed)


def test_the_report_says_what_was_checked():
    p = Problem(2, "tanh", "half_squared_error", l2=0.3)
    first = "Your backpropagation of MLP(3, [3, 3]) with tanh, tanh, half_squared_error, 4 examples, l2 = 0.3, "
    assert said(report_on(p, {})).startswith(first + "against the engine layer")
    p = Problem(1, "sigmoid", "cross_entropy")
    first = "Your backpropagation of MLP(3, [3]) with identity, cross_entropy, 4 examples, against the engine layer"
    assert said(report_on(p, {})).startswith(first)


def test_columns_are_handed_over_and_taken_as_columns():
    p = Problem(2, "sigmoid", "half_squared_error", width=3)

    def columns(weights, biases, X, T):
        assert X.shape == (3, p.N)
        assert [b.shape for b in biases] == [(3, 1), (3, 1)]
        a1 = 1 / (1 + np.exp(-(weights[0] @ X + biases[0])))
        a2 = 1 / (1 + np.exp(-(weights[1] @ a1 + biases[1])))
        delta2 = (a2 - T) * a2 * (1 - a2)
        delta1 = weights[1].T @ delta2 * a1 * (1 - a1)
        return {
            "dW": [delta1 @ X.T / p.N, delta2 @ a1.T / p.N],
            "db": [delta1.mean(axis=1, keepdims=True), delta2.mean(axis=1)],
            "delta": [delta1, delta2],
        }

    report = check_backprop(columns, p.model, p.X, p.T, p.loss, layout="columns")
    assert report.ok, str(report)
    assert report.of("δ", 1).right.shape == (3, p.N)


def test_what_is_handed_over_are_copies():
    p = Problem(2, "tanh", "half_squared_error")

    def careless(weights, biases, X, T):
        arrays = arrays_with(p, {})
        for array in (*weights, *biases, X, T):
            array[...] = 0.0
        return arrays

    assert check_backprop(careless, p.model, p.X, p.T, p.loss).ok
    assert p.model.weights[0].any()


def test_no_gradient_of_the_model_changes():
    p = Problem(2, "tanh", "half_squared_error")
    for k, parameter in enumerate(p.model.parameters()):
        parameter.grad = float(k)
    assert report_on(p, {}).ok
    assert [parameter.grad for parameter in p.model.parameters()] == list(range(len(p.model.parameters())))


# --- what cannot be told ------------------------------------------------------------------------------


def test_an_all_zero_reference_is_undecidable_and_never_right():
    model = MLP(2, [3, 1], activation="relu", seed=0)
    model.biases = [[-100.0] * 3, [0.5]]  # every relu is dead
    report = check_backprop(
        lambda W, b, X, T: closed_form.backprop(
            W, b, X, T, activations=["relu", "identity"], loss="half_squared_error"
        ),
        model,
        [[1.0, 2.0], [0.5, -1.0]],
        [[0.0], [2.0]],
        "half_squared_error",
    )
    assert [report.of(array, 1).verdict for array in ("δ", "W", "b")] == ["undecidable"] * 3
    assert report.of("b", 2).verdict == "right"
    assert not report.ok
    assert "All 6 entries of the right array are 0" in said(report)


def test_mistakes_that_give_the_same_numbers_are_named_as_equals():
    p = Problem(2, "sigmoid", "half_squared_error")
    finding = report_on(p, {("δ", 2): ("σ′ missing",)}).of("δ", 2)
    assert [[m.kind for m in explanation] for explanation in finding.explanations] == [
        ["σ′ missing"],
        ["cross-entropy δ"],
    ]


@pytest.mark.parametrize(
    ("loss", "told"),
    [
        ("cross_entropy", "a squared error, a − t, but of cross_entropy ∇ₐC is softmax(a²) − t."),
        (
            "binary_cross_entropy_with_logits",
            "a squared error, a − t, but of binary_cross_entropy_with_logits ∇ₐC is σ(a²) − t.",
        ),
        (
            "binary_cross_entropy",
            "a squared error, (a − t) ⊙ σ′, but of binary_cross_entropy ∇ₐC ⊙ σ′(z²) is a² − t where σ is the sigmoid.",
        ),
    ],
)
def test_of_a_squared_error_s_delta_the_right_one_is_told(loss, told):
    finding = report_on(Problem(2, "tanh", loss), {("δ", 2): ("squared-error δ",)}).of("δ", 2)
    assert f"δ² is that of {told}" in [mistake.text for (mistake,) in finding.explanations]


def test_a_mistake_that_leaves_the_numbers_unchanged_is_not_reported():
    assert report_on(Problem(2, "identity", "half_squared_error"), {("δ", 1): ("σ′ missing",)}).ok


def test_one_mistake_explains_everything_below_it():
    report = report_on(Problem(3, "tanh", "half_squared_error"), {("δ", 2): ("sign",)})
    assert (report.of("δ", 2).kinds, report.of("δ", 2).remark) == ({"sign"}, "Given your δ³:")
    top = report_on(Problem(3, "tanh", "half_squared_error"), {("δ", 3): ("sign",)}).of("δ", 3)
    assert (top.kinds, top.remark) == ({"sign"}, "")  # there is no δ above
    assert report.of("δ", 1).verdict == "follows"
    assert "δ¹: right given your δ²" in said(report)


def test_what_was_computed_from_the_right_delta_and_not_from_yours_is_told():
    p = Problem(2, "tanh", "half_squared_error")
    dW, db, delta = arrays_with(p, {("δ", 1): ("σ′ missing",)})
    right_dW, right_db, _ = arrays_with(p, {})
    delta[1] = delta[1] + np.cos(np.arange(12.0) ** 2).reshape(4, 3)  # after δ¹ and the gradients were computed
    report = check_backprop(lambda *_: ([2.0 * right_dW[0], dW[1]], [right_db[0], -db[1]], delta), *given(p))
    assert (report.of("δ", 2).verdict, report.of("δ", 2).kinds) == ("wrong", set())
    assert (report.of("δ", 1).kinds, report.of("δ", 1).remark) == ({"σ′ missing"}, "Given the right δ²:")
    assert (report.of("W", 1).kinds, report.of("W", 1).remark) == ({"factor 2"}, "Given the right δ¹:")
    assert (report.of("b", 2).kinds, report.of("b", 2).remark) == ({"sign"}, "Given the right δ²:")
    assert (report.of("W", 2).verdict, report.of("b", 1).verdict) == ("right", "right")
    below = [-(delta[1] @ p.W[1]) * p.slope(0), delta[1]]  # from yours, with a mistake
    report = check_backprop(lambda *_: (right_dW, right_db, below), *given(p))
    assert (report.of("δ", 1).kinds, report.of("δ", 1).remark) == ({"sign"}, "Given your δ²:")


def test_any_size_of_regularisation_is_recognised():
    p = Problem(2, "tanh", "half_squared_error", l2=0.3)
    dW, db, delta = arrays_with(p, {})
    dW[0] = dW[0] + 0.123 * p.W[0]
    db[1] = db[1] + 0.077 * p.b[1]
    report = check_backprop(lambda *_: (dW, db, delta), p.model, p.X, p.T, p.loss, l2=p.l2)
    assert report.of("W", 1).kinds == {"wrong l2"}
    assert "0.423 · W¹ where l2 = 0.3" in said(report)
    assert report.of("b", 2).kinds == {"bias regularised"}


def test_a_single_wrong_entry_is_located_and_not_diagnosed():
    p = Problem(2, "tanh", "half_squared_error")
    dW, db, delta = arrays_with(p, {})
    dW[0][1, 2] += 1.0
    report = check_backprop(lambda *_: (dW, db, delta), p.model, p.X, p.T, p.loss)
    finding = report.of("W", 1)
    assert (finding.explanations, finding.worst()[0][0]) == ((), (1, 2))
    assert "only the entry [1, 2] is wrong" in said(report)
    assert finding.worst()[0][1] == pytest.approx(finding.worst()[0][2] + 1.0)


@pytest.mark.parametrize(
    ("kind", "told", "scale"),
    [
        ("sign", "−1 times what it should be: ", 1e4),
        ("factor 2", "2 times what it should be: ", 1e-4),
        ("factor 1/2", "½ times what it should be: ", 1.0),
        ("factor m", "m times what it should be, m = 5: ", 1.0),
        ("factor 1/m", "1/m times what it should be, m = 5: ", 1e4),
    ],
)
def test_a_factor_made_once_for_all_is_the_headline(kind, told, scale):
    p = Problem(2, "leaky_relu", "half_squared_error", N=5, l2=0.3, scale=scale)
    every = {(array, layer): (kind,) for array in "Wb" for layer in (1, 2)}
    assert f"Every gradient is {told}probably one mistake" in said(report_on(p, every))


def test_there_is_no_headline_where_one_gradient_is_right_or_off_by_another_factor():
    p = Problem(2, "tanh", "half_squared_error", l2=0.3)
    every = {(array, layer): ("factor 2",) for array in "Wb" for layer in (1, 2)}
    for changes in ({("b", 2): ()}, {("W", 1): ("factor m",)}, {("W", 1): ("factor 2", "no l2")}):
        assert "Every gradient" not in said(report_on(p, every | changes))
    alone = Problem(1, "tanh", "half_squared_error")
    for planted in ({("b", 1): ("sign",)}, {("W", 1): ("sign",)}):
        assert "Every gradient" not in said(report_on(alone, planted))
    assert "Every gradient is −1 times" in said(report_on(alone, {("W", 1): ("sign",), ("b", 1): ("sign",)}))
    dW, db, _ = arrays_with(p, every)
    report = check_backprop(lambda *_: ([dW[0], dW[1][:1]], db), p.model, p.X, p.T, p.loss, l2=p.l2)
    assert "Every gradient" not in said(report)


def test_arrays_of_another_shape_or_with_nan_are_wrong():
    p = Problem(2, "tanh", "half_squared_error")
    dW, db, _ = arrays_with(p, {})
    report = check_backprop(lambda *_: ([dW[0][:1], dW[1]], db), p.model, p.X, p.T, p.loss)
    assert report.of("W", 1).verdict == "wrong"
    assert "Yours has shape (1, 3); (3, 3) is right." in said(report)
    report = check_backprop(lambda *_: ([dW[0] * np.nan, dW[1]], db), p.model, p.X, p.T, p.loss)
    assert "∂C/∂W¹ is wrong.\n    It holds NaN or infinity." in str(report)
    _, _, delta = arrays_with(p, {})
    for which in range(3):
        arrays = [list(array) for array in (dW, db, delta)]
        arrays[which][0] = arrays[which][0] * np.inf
        finding = check_backprop(lambda *_, a=arrays: a, *given(p)).of("Wbδ"[which], 1)
        assert (finding.verdict, finding.remark) == ("wrong", "It holds NaN or infinity.")


def given(p):
    return p.model, p.X, p.T, p.loss


def test_mistakes_that_cannot_be_told_apart_are_listed_as_one_of_these():
    text = said(report_on(Problem(2, "sigmoid", "half_squared_error"), {("δ", 2): ("σ′ missing",)}))
    assert "One of these; they give the same numbers here, so the numbers cannot tell which: – " in text


def test_an_array_of_another_shape_has_no_worst_entries_and_is_infinitely_wrong():
    p = Problem(2, "tanh", "half_squared_error")
    dW, db, _ = arrays_with(p, {})
    finding = check_backprop(lambda *_: ([dW[0][:1], dW[1]], db), *given(p)).of("W", 1)
    assert (finding.error, finding.worst()) == (np.inf, [])


def test_there_are_findings_on_what_was_handed_in_only():
    report = report_on(Problem(2, "tanh", "half_squared_error"), {}, with_delta=False)
    for array, layer in (("δ", 1), ("W", 3), ("W", 0)):
        with pytest.raises(KeyError, match="there is no finding on"):
            report.of(array, layer)


def test_a_loss_that_records_nothing_is_refused():
    p = Problem(2, "tanh", "half_squared_error")
    with pytest.raises(TypeError, match=r"the loss must return a Value, got 1\.5 of type float"):
        check_backprop(lambda *_: arrays_with(p, {}), p.model, p.X, p.T, lambda y, t: 1.5)


# --- the interface --------------------------------------------------------------------------------------


def test_assert_ok_tells_the_report():
    p = Problem(1, "tanh", "half_squared_error")
    report_on(p, {}).assert_ok()
    with pytest.raises(AssertionError, match=r"The sign of ∂C/∂W¹ is reversed\."):
        report_on(p, {("W", 1): ("sign",)}).assert_ok()


@pytest.mark.parametrize(
    ("returned", "error", "message"),
    [
        (None, TypeError, "must return"),
        (([1.0], [2.0]), ValueError, "dW as a list of 2 arrays"),
        ((np.zeros((2, 3, 3)), [1.0, 2.0]), ValueError, "dW as a list of 2 arrays, one a layer, got a ndarray"),
        (([["a"], [1.0]], [[1.0], [1.0]]), TypeError, r"dW\[0\] must be an array of real numbers"),
        ({"dW": [[1.0], [1.0]]}, ValueError, "both dW and db"),
        (([[1.0], [1.0]], None), ValueError, "both dW and db"),
        (([[1.0], [1.0]],) * 4, TypeError, r"\(dW, db\) or \(dW, db, delta\), got tuple"),
        (([[1.0], [1.0]],), TypeError, "must return .*got tuple"),
        (([[1.0], [1.0]], [[1.0]]), ValueError, "db as a list of 2 arrays, one a layer, got 1"),
        (([[1.0], [1.0]], [[1.0], [1j]]), TypeError, r"db\[1\] must be an array of real numbers"),
        (([[1.0], [1.0]], [[1.0], [1.0]], [[1.0]]), ValueError, "delta as a list of 2 arrays, one a layer, got 1"),
    ],
)
def test_what_comes_back_in_another_form_is_refused(returned, error, message):
    p = Problem(2, "tanh", "half_squared_error")
    with pytest.raises(error, match=message):
        check_backprop(lambda *_: returned, p.model, p.X, p.T, p.loss)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"X": np.ones((4, 2))}, ValueError, r"X needs one row an example, with 3 entries, got shape \(4, 2\)"),
        ({"T": np.ones((4, 2))}, ValueError, r"T needs one row an example, with 3 entries, got shape \(4, 2\)"),
        ({"X": np.ones((2, 3))}, ValueError, "X and T need as many rows, got 2 and 4"),
        ({"X": np.full((4, 3), np.nan)}, ValueError, "^X "),
        ({"T": np.full((4, 3), np.inf)}, ValueError, "^T "),
        ({"layout": "transposed"}, ValueError, "layout must be 'rows', 'columns' or None, got 'transposed'"),
        ({"l2": -1.0}, ValueError, "l2 must be finite and not negative, got -1.0"),
        ({"l2": np.inf}, ValueError, "l2 must be finite and not negative, got inf"),
        ({"l2": np.nan}, ValueError, "l2 must be finite and not negative, got nan"),
        ({"l2": True}, TypeError, "l2 must be a number, got True"),
        ({"l2": "1"}, TypeError, "l2 must be a number, got '1'"),
        ({"model": "tanh"}, TypeError, "check_backprop needs an nn.MLP, or a callable .*, got 'tanh' of type str"),
        ({"loss": "cross_entropy"}, ValueError, "probability"),
    ],
)
def test_what_cannot_be_checked_is_refused_before_anything_is_called(changes, error, message):
    p = Problem(2, "tanh", "half_squared_error")
    arguments = {"model": p.model, "X": p.X, "T": p.T, "loss": p.loss} | changes
    with pytest.raises(error, match=message):
        check_backprop(lambda *_: pytest.fail("called"), **arguments)


def test_a_penalty_of_numpy_s_own_types_counts_as_a_number():
    p = Problem(2, "tanh", "half_squared_error", l2=0.5)
    for l2 in (np.float32(0.5), np.float64(0.5)):
        assert check_backprop(lambda *_: arrays_with(p, {}), p.model, p.X, p.T, p.loss, l2=l2).ok
    p = Problem(2, "tanh", "half_squared_error", l2=1.0)
    for l2 in (1, np.int64(1)):
        assert check_backprop(lambda *_: arrays_with(p, {}), p.model, p.X, p.T, p.loss, l2=l2).ok


def test_every_wrong_array_is_told_with_its_equation():
    p = Problem(2, "tanh", "half_squared_error", l2=0.3)
    planted = {("δ", 2): ("sign",), ("δ", 1): ("σ′ missing",), ("W", 1): ("factor 2",), ("b", 2): ("factor 2",)}
    text = str(report_on(p, planted))
    for equation in (
        "δ² = ∇ₐC ⊙ σ′(z²)",
        "δ¹ = ((W²)ᵀ δ²) ⊙ σ′(z¹)",
        "∂C/∂W¹ = (1/N) Σ δ¹ (a⁰)ᵀ + l2 · W¹",
        "∂C/∂b² = (1/N) Σ δ²",
    ):
        assert f"The equation is {equation}." in text
