"""What the referee infers where δ was not handed in: a wrong δ is found, and blamed only where it has to be."""

import numpy as np

from nn import check_backprop
from tests.planted_mistakes import Problem, arrays_with, report_on


def given(p):
    return p.model, p.X, p.T, p.loss


def test_without_delta_a_wrong_delta_is_inferred():
    report = report_on(Problem(3, "tanh", "half_squared_error"), {("δ", 3): ("σ′ missing",)}, with_delta=False)
    assert "σ′ missing" in report.of("W", 3).kinds & report.of("b", 3).kinds
    assert [report.of(array, 3).verdict for array in "Wb"] == ["wrong", "wrong"]
    assert "Your numbers are those of a wrong δ³:" in str(report)
    for finding in report.findings[2:]:
        source = "²³"[finding.layer - 1]
        assert (finding.verdict, finding.explanations) == ("follows", ())
        assert finding.remark == f"right given the δ{source} that the layer above implies"


def test_without_delta_a_right_layer_below_shows_that_delta_was_right():
    p = Problem(2, "tanh", "half_squared_error")
    report = report_on(p, {("W", 2): ("sign",), ("b", 2): ("sign",)}, with_delta=False)
    assert [report.of(array, 2).kinds for array in "Wb"] == [{"sign"}, {"sign"}]
    assert "wrong δ²" not in str(report)
    assert {report.of(array, 1).verdict for array in "Wb"} == {"right"}


def test_a_layer_that_nothing_explains_still_says_what_follows_from_it():
    """Of four examples and three inputs both gradients determine δ, and the layer below is judged by it."""
    p = Problem(2, "tanh", "half_squared_error", l2=0.3)
    dW, db, delta = arrays_with(p, {})
    delta[1] = delta[1] + np.cos(np.arange(12.0) ** 2).reshape(4, 3)  # like no mistake there is
    delta[0] = (delta[1] @ p.W[1]) * p.slope(0)
    for l in (0, 1):
        dW[l], db[l] = delta[l].T @ p.a[l] / p.N + p.l2 * p.W[l], delta[l].mean(axis=0)
    report = check_backprop(lambda *_: (dW, db), p.model, p.X, p.T, p.loss, l2=p.l2)
    assert [report.of(array, 2).explanations for array in "Wb"] == [(), ()]
    assert [report.of(array, 1).verdict for array in "Wb"] == ["follows", "follows"]
    more = Problem(2, "tanh", "half_squared_error", N=6)  # six examples: they do not
    dW, db, _ = arrays_with(more, {})
    report = check_backprop(lambda *_: ([dW[0], np.cos(p.W[1])], [db[0], np.sin(db[1])]), *given(more))
    assert [report.of(array, 2).kinds for array in "Wb"] == [set(), set()]
    assert [report.of(array, 1).verdict for array in "Wb"] == ["right", "right"]


def of_layers(p, **planted):
    """The report on gradients of which each layer is that of a backward pass of its own, with the mistakes planted."""
    passes = [arrays_with(p, planted.get(f"layer{l}", {})) for l in range(1, p.depth + 1)]
    returned = [dW[l] for l, (dW, _, _) in enumerate(passes)], [db[l] for l, (_, db, _) in enumerate(passes)]
    return check_backprop(lambda *_: returned, *given(p), l2=p.l2)


def test_a_wrong_delta_is_blamed_where_nothing_else_explains_its_gradients():
    p = Problem(2, "tanh", "half_squared_error")
    report = of_layers(p, layer2={("δ", 2): ("σ′ missing",)})  # layer 1 was computed from the right δ²
    for array in "Wb":
        finding = report.of(array, 2)
        assert ("σ′ missing" in finding.kinds, finding.blamed) == (True, "δ")
        assert report.of(array, 1).verdict == "right"
    assert str(report).count("The equation is δ² = ∇ₐC ⊙ σ′(z²).") == 1


def test_no_delta_is_blamed_above_a_right_layer_where_each_gradient_has_a_mistake_of_its_own():
    p = Problem(3, "tanh", "half_squared_error")
    signs = {("W", 3): ("sign",), ("b", 3): ("sign",), ("W", 2): ("factor 2",), ("b", 2): ("factor 2",)}
    report = report_on(p, signs, with_delta=False)
    assert [[report.of(array, l).kinds for array in "Wb"] for l in (3, 2)] == [[{"sign"}] * 2, [{"factor 2"}] * 2]
    assert {finding.blamed for finding in report.findings} == {""}
    assert "wrong δ" not in str(report)


def test_a_wrong_delta_and_a_mistake_in_one_gradient_are_found_together():
    p = Problem(2, "tanh", "half_squared_error", l2=0.3)
    for mistakes in (("σ′ missing",), ("σ′ missing", "sign")):
        report = report_on(p, {("δ", 1): mistakes, ("W", 1): ("transposed",)}, with_delta=False)
        assert [m.kind for m in report.of("W", 1).explanations[0]] == [*mistakes, "transposed"]
        assert [m.kind for m in report.of("b", 1).explanations[0]] == [*mistakes]
        report = report_on(p, {("δ", 1): mistakes, ("b", 1): ("wrong axis",)}, with_delta=False)
        assert [m.kind for m in report.of("W", 1).explanations[0]] == [*mistakes]
        assert {report.of(array, 1).remark for array in "Wb"} == {"Your numbers are those of a wrong δ¹:"}


def test_what_delta_or_the_gradient_alone_may_have_caused_is_told_as_one_of_two():
    p = Problem(1, "identity", "half_squared_error")
    p.T = p.a[-1] - np.outer([1.0, -1.0, 2.0, -2.0], [1.0, 2.0, 3.0])  # Σ δ = 0: the bias gradient tells nothing
    report = report_on(p, {("W", 1): ("sign",)}, with_delta=False)
    assert report.of("b", 1).verdict == "undecidable"
    finding = report.of("W", 1)
    assert [mistake.text for (mistake,) in finding.explanations] == [
        "The sign of ∂C/∂W¹ is reversed.",
        "The sign of δ¹ is reversed.",
    ]
    assert (finding.remark, finding.blamed) == ("", "")
