"""What is wrong with all that was handed in is said once: a common factor, reversed lists, the type of numbers."""

import numpy as np
import pytest

from nn import MLP, check_backprop, closed_form
from tests.planted_mistakes import Problem, arrays_with
from tests.scripts import said


def given(p):
    return p.model, p.X, p.T, p.loss


def report_of(p, *returned):
    return check_backprop(lambda *_: returned, *given(p), l2=p.l2)


def uneven():
    """A network whose layers all have shapes of their own."""
    rng = np.random.default_rng(3)
    model = MLP(2, [4, 3], activation="sigmoid", output_activation="sigmoid", seed=0)
    X, T = rng.normal(size=(5, 2)), rng.uniform(size=(5, 3))
    right = closed_form.backprop(model.weights, model.biases, X, T, activations="sigmoid", loss="half_squared_error")
    return (model, X, T, "half_squared_error"), right


@pytest.mark.parametrize("with_delta", [True, False])
def test_a_learning_rate_in_every_gradient_is_named_once(with_delta):
    p = Problem(2, "tanh", "half_squared_error", l2=0.3, N=5)
    dW, db, delta = arrays_with(p, {})
    for rate in (0.01, -0.3):
        text = str(report_of(p, [rate * d for d in dW], [rate * d for d in db], delta if with_delta else None))
        assert f"Every gradient is {rate:g} times what it should be: is it a learning rate?" in text
        assert text.count("is wrong.") == 1
    assert "The same holds for ∂C/∂b², ∂C/∂W¹, ∂C/∂b¹." in text or "The same holds for ∂C/∂b²." in text


def test_no_learning_rate_is_seen_where_a_gradient_has_another_factor_or_another_shape():
    p = Problem(2, "tanh", "half_squared_error", N=5)
    dW, db, _ = arrays_with(p, {})
    tenth = [0.1 * d for d in dW]
    for others in ([0.1 * db[0], 0.2 * db[1]], [0.1 * db[0], 0.1 * db[1][:2]], [0.1 * db[0], np.inf * db[1]], db):
        assert "Every gradient" not in said(report_of(p, tenth, others))
    assert "Every gradient" not in said(report_of(p, [0.1 * dW[0], 0.1 * dW[1][:2]], [0.1 * d for d in db]))
    assert "Every gradient" not in said(report_of(p, [0.0 * d for d in dW], [0.0 * d for d in db]))


def test_lists_that_begin_with_the_output_layer_are_told_so():
    arguments, right = uneven()
    told = "Your lists begin with the output layer: return them with the first layer first."
    report = check_backprop(lambda *_: (right.dW[::-1], right.db[::-1]), *arguments)
    assert (told in said(report), report.ok) == (True, False)
    assert told not in said(check_backprop(lambda *_: (right.dW, right.db[::-1]), *arguments))
    assert told not in said(check_backprop(lambda *_: (right.dW, right.db), *arguments))
    p = Problem(3, "tanh", "half_squared_error")  # all layers have the same shapes: only the numbers tell
    dW, db, _ = arrays_with(p, {})
    assert told in said(report_of(p, dW[::-1], db[::-1]))
    assert told not in said(report_of(p, [dW[1], dW[0], dW[2]], db))
    alone = Problem(1, "tanh", "half_squared_error")
    assert told not in said(report_of(alone, *arrays_with(alone, {("W", 1): ("sign",)})))


@pytest.mark.parametrize("type_", [np.float32, np.float64])
def test_numbers_are_right_as_far_as_their_precision_can_tell(type_):
    p = Problem(3, "tanh", "half_squared_error", l2=0.3)
    answers = [[array.astype(type_) for array in arrays] for arrays in arrays_with(p, {})]
    report = report_of(p, *answers)
    assert report.ok
    assert (", float32, against the engine" in said(report)) == (type_ is np.float32)
    wrong = [[array.astype(type_) for array in arrays] for arrays in arrays_with(p, {("δ", 2): ("σ′ missing",)})]
    report = report_of(p, *wrong)
    assert (report.of("δ", 2).kinds, report.of("W", 2).verdict) == ({"σ′ missing"}, "follows")


def test_the_least_precise_array_sets_the_precision_and_half_precision_tells_nothing():
    p = Problem(2, "tanh", "half_squared_error")
    dW, db, delta = arrays_with(p, {})
    single = [array.astype(np.float32) for array in dW]
    assert "float32" in said(report_of(p, single, db, delta))
    assert "float32" in said(report_of(p, [dW[0], single[1]], [[0, 1, 2], db[1]]))
    assert "float16" in said(report_of(p, single, [array.astype(np.float16) for array in db]))
    assert not report_of(p, [array.astype(np.float16) for array in dW], db).ok


def test_rounded_numbers_are_told_from_wrong_ones():
    p = Problem(2, "tanh", "half_squared_error")
    dW, db, _ = arrays_with(p, {})
    share = 0.9e-5 * np.abs(dW[0]).max() * np.eye(3)
    remark = report_of(p, [dW[0] + share, dW[1]], db).of("W", 1).remark
    assert remark.startswith("It agrees with the right array to 9.0e-06 of the largest entry: rounded numbers, float32")
    remark = report_of(p, [dW[0] + 1.2 * share, dW[1]], db).of("W", 1).remark
    assert remark == "None of the known mistakes gives these numbers; 3 of 9 entries are wrong."


def test_weights_after_the_step_are_no_gradients():
    p = Problem(2, "tanh", "half_squared_error")
    dW, db, delta = arrays_with(p, {})
    report = report_of(p, [p.W[0] - 0.1 * dW[0], dW[1]], [db[0], p.b[1] - 0.1 * db[1]], delta)
    assert [report.of(array, l).kinds for array, l in (("W", 1), ("b", 2))] == [{"step"}, {"step"}]
    assert "It is W¹ after a step, W¹ − 0.1 · ∂C/∂W¹: the gradient alone belongs here." in said(report)
    assert report.of("W", 2).verdict == "right"


@pytest.mark.parametrize("N", [4, 3])
def test_a_transposed_delta_is_named_and_spoils_nothing_below(N):
    p = Problem(2, "tanh", "half_squared_error", N=N)  # with N = 3 it has the right shape
    dW, db, delta = arrays_with(p, {("δ", 1): ("σ′ missing",)})
    report = report_of(p, dW, db, [d.T for d in delta])
    assert report.of("δ", 2).kinds == {"transposed"}
    assert [mistake.kind for mistake in report.of("δ", 1).explanations[0]] == ["σ′ missing", "transposed"]
    assert "δ² is transposed: `layout` says whether an example is a row or a column." in said(report)
    assert report.of("W", 2).verdict == "right"


def test_an_answer_that_no_function_gave_is_refused():
    p = Problem(1, "tanh", "half_squared_error")
    with pytest.raises(TypeError, match=r"my_backprop must be a function of \(weights, biases, X, T\), got None"):
        check_backprop(None, *given(p))
    for dW, message in (
        (p.W[0] + 0j, "complex128"),
        (p.W[0].astype(str), "<U32"),
        ([[1, 2], [3]], r"\[\[1, 2\], \[3\]\]"),
    ):
        with pytest.raises(TypeError, match=r"dW\[0\] must be an array of real numbers, got .*" + message):
            report_of(p, [dW], [p.b[0]])
    with pytest.raises(ValueError, match="must return both dW and db, got the names first, db"):
        check_backprop(lambda *_: {"first": p.W, "db": p.b}, *given(p))


def test_what_is_undecidable_stays_told_under_a_sentence_for_all():
    p = Problem(2, "identity", "half_squared_error")
    p.T = p.a[-1] - np.outer([1.0, -1.0, 2.0, -2.0], [1.0, 2.0, 3.0])  # Σ δ = 0: the bias gradients tell nothing
    right = closed_form.backprop(p.W, p.b, p.X, p.T, activations="identity", loss="half_squared_error")
    rounding = [np.full_like(b, 1e-16) for b in p.b]  # not the sums of this machine, which may be 0 on both sides
    text = str(report_of(p, [-dW for dW in right.dW], rounding))
    assert "Every gradient is −1 times" in text
    assert text.count("cannot be judged.") == 2


def test_a_delta_through_weights_that_the_step_has_changed_is_named():
    p = Problem(3, "tanh", "half_squared_error", l2=0.3)
    dW, db, delta = arrays_with(p, {})
    delta[0] = (delta[1] @ (p.W[1] - 0.5 * dW[1])) * p.slope(0)
    dW[0], db[0] = delta[0].T @ p.X / p.N + p.l2 * p.W[0], delta[0].mean(axis=0)
    report = report_of(p, dW, db, delta)
    assert "W² was changed before δ² went back through it, by −0.5 · ∂C/∂W²: the step comes last." in said(report)
    assert [report.of(array, 1).verdict for array in "δWb"] == ["wrong", "follows", "follows"]
    delta[0][0, 0] += 1e-3
    assert report_of(p, dW, db, delta).of("δ", 1).kinds == set()


@pytest.mark.parametrize("number", [np.nan, np.inf, -1e308, 1e-320])
@pytest.mark.parametrize("scale", [1.0, 1 / 3])
def test_numbers_of_any_size_are_judged_without_a_warning(number, scale):
    p = Problem(2, "tanh", "half_squared_error", N=3)
    answers = [[np.full_like(array, number) for array in arrays] for arrays in arrays_with(p, {})]
    answers[2] = [scale * array for array in answers[2]]
    for given_arrays in (answers, answers[:2]):
        report = report_of(p, *given_arrays)
        assert report.findings[0].verdict == "wrong"
        assert {finding.verdict for finding in report.findings} <= {"wrong", "follows"}
        assert ("It holds NaN or infinity." in said(report)) == (not np.isfinite(number))
