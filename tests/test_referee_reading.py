"""The referee names the line that is wrong, and what it prints as corrected is right when it is pasted in."""

import itertools
import os
import random
import sys
import threading
import types

import numpy as np
import pytest

from nn import MLP, check_backprop
from nn.referee.reading.guard import Deadline, Refused, guarded
from nn.referee.reading.watch import Watch
from tests.courses_styles import STYLES
from tests.mutated_styles import mutants, pairs_of_mutants, planted_pairs, with_mistake
from tests.scripts import module_of, said
from tests.written_networks import ERROR, SIGMA, written_network

AS_GOOD_ELSEWHERE = {  # another change does the same, and nothing tells which one was meant
    ("caches_of_linear_and_activation", 2),  # or the cache is to hold a, not z
    ("jacobian_of_softmax", 0),  # or p is to be added where the Jacobian is applied
    ("jacobian_of_softmax", 1),
    ("jacobian_of_softmax", 4),  # or the Jacobian is to be left out
    ("line_by_line_with_logits", 2),  # or the product with it is to be taken away, a line below
    ("linked_layers", 1),  # the slope of softplus by a, in a function, or where it is called
    ("momentum_within", 0),  # 1/N here, or where all gradients go through
    ("momentum_within", 2),  # or β = 0
}
PLANTED = [
    pair
    for name, style in STYLES.items()
    for k in range(len(style.mistakes))
    if (pair := (name, k)) not in AS_GOOD_ELSEWHERE
]
MEASURE = bool(os.environ.get("MEASURE"))  # large samples, which take an hour
LOOPS = {
    "scalars",
    "entry_by_entry",
    "plain_lists",
    "perceptron_of_lists",
}  # a run of these takes a hundred times as long
ELSEWHERE = 20.0  # seconds; the machine that runs the tests may be busy


def planted(name, k):
    """A text with a mistake, and the lines that it stands in."""
    old, new = STYLES[name].mistakes[k]
    text, first = with_mistake(STYLES[name].text, old, new)
    return text, range(first, first + max(1, old.count("\n")))


def report_on(text, style, **options):
    arguments, more = style.problem()
    return check_backprop(module_of(text).my_backprop, *arguments, **more, time_limit=ELSEWHERE, **options)


def pasted(text, report):
    """The text with all corrections put in by their places."""
    lines = text.splitlines(keepends=True)
    for c in sorted(report.corrections, key=lambda c: (c.line, c.column), reverse=True):
        line = lines[c.line - 1]
        assert c.source == line.rstrip("\n")
        lines[c.line - 1] = c.corrected + "\n"
    return "".join(lines)


@pytest.mark.parametrize("name", STYLES)
def test_right_code_is_called_right_in_every_style(name):
    style = STYLES[name]
    report = report_on(style.text, style)
    assert report.ok, str(report)
    assert report.corrections == ()


def require_line(name, k):
    text, lines = planted(name, k)
    report = report_on(text, STYLES[name])
    assert not report.ok
    assert report.reading.explains_all, f"{STYLES[name].mistakes[k]}\n{report}"
    assert all(c.line in lines for c in report.corrections), f"{STYLES[name].mistakes[k]}\n{report}"
    assert all(c.proved_on for c in report.corrections)
    if len(report.corrections) == 1 and report.corrections[0].corrected:
        assert report_on(pasted(text, report), STYLES[name]).ok, f"the correction is none\n{report}"


QUICK = [pair for pair in PLANTED if pair[0] not in LOOPS]
LONG = (
    "jacobian_of_softmax",
    "network_class",
    "layer_objects",
    "leaky_where",
)  # seconds each: of them the slow tests take all


@pytest.mark.parametrize(
    ("name", "k"),
    [pytest.param(*pair, marks=pytest.mark.slow if pair[0] in LONG else ()) for pair in QUICK[::24]],
)
def test_a_planted_mistake_is_found_in_its_line(name, k):
    require_line(name, k)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "k"), PLANTED if MEASURE else PLANTED[::2])
def test_every_planted_mistake_is_found_in_its_line(name, k):
    require_line(name, k)


TWO = [
    (
        "leaky_where",
        ("np.where(s > 0, 1, SLOPE)", "np.where(s > 0, 1, 0)"),
        ("rectify_slope(sums[l - 1])", "rectify_slope(outs[l])[::-1]"),
    ),
    (
        "hinge",
        ("T * scores < 1", "T * scores < 0"),
        ("np.where(outside, -T, 0.0)", "np.where(outside, T, 0.0)"),
    ),
    (
        "network_class",
        ("return output - y", "return y - output"),
        ("return self.sigmoid(z) * (1 - self.sigmoid(z))", "return self.sigmoid(z)"),
    ),
    (
        "helpers",
        ("a1 = logistic(z1)", "a1 = np.tanh(z1)"),
        ("logistic_slope(z1)", "logistic_slope(a1)"),
    ),
    (
        "layer_objects",
        ("np.sum(output_gradient, axis=0)", "output_gradient[0]"),
        ("self.prime(self.input))", "self.function(self.input))"),
    ),
]


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [pytest.param(*each, id=each[0], marks=pytest.mark.slow if each[0] in LONG else ()) for each in TWO],
)
def test_two_mistakes_that_hide_one_another_are_found_in_their_lines(name, one, other):
    text, line = with_mistake(STYLES[name].text, *one)
    text, other_line = with_mistake(text, *other)
    report = report_on(text, STYLES[name])
    assert report.reading.explains_all, str(report)
    assert {c.line for c in report.corrections} == {line, other_line}, str(report)


# --- the catalogue, in networks of any depth, activation and loss ------------------------------------

NETWORKS = list(itertools.product((1, 2, 3, 4), SIGMA, ERROR, (False, True), (False, True)))


def catalogue_sample(count, seed, of_each):
    """Written networks, each with some mistakes of the catalogue: one at a time, or two."""
    rng = random.Random(seed)
    for depth, activation, loss, in_loop, with_delta in rng.sample(NETWORKS, count):
        style = written_network(depth, activation, loss, in_loop=in_loop, with_delta=with_delta)
        if of_each == 1:
            old, new = rng.choice(style.mistakes)
            text, line = with_mistake(style.text, old, new)
            yield style, ((line,), text)
        else:
            yield from ((style, drawn) for drawn in planted_pairs(style, 1, seed))


def shares(sample):
    """How many of the reports name exactly the lines that are wrong, of how many that are not right."""
    reports = [(lines, report_on(text, style)) for style, (lines, text) in sample]
    wrong = [(lines, report) for lines, report in reports if not report.ok]
    assert wrong
    hits = [r.reading.explains_all and tuple(sorted({c.line for c in r.corrections})) == lines for lines, r in wrong]
    return sum(hits), len(hits)


@pytest.mark.slow
def test_mistakes_of_the_catalogue_are_found_in_their_lines():
    hits, count = shares(catalogue_sample(400 if MEASURE else 20, 7, 1))
    assert hits >= 0.98 * count, (hits, count)


@pytest.mark.slow
def test_pairs_of_mistakes_of_the_catalogue_are_found_in_their_lines():
    hits, count = shares(catalogue_sample(200 if MEASURE else 10, 8, 2))
    assert hits >= 0.9 * count, (hits, count)


# --- mistakes drawn at random ----------------------------------------------------------------------


MEASURED = pytest.mark.skipif(
    not MEASURE, reason="a measurement of many minutes: run it by MEASURE=1 python -m pytest -m slow"
)


@MEASURED
@pytest.mark.slow
def test_nearly_all_single_mistakes_drawn_at_random_are_found_in_their_lines():
    names = [name for name in STYLES if name not in LOOPS]
    hits, count = shares((STYLES[name], drawn) for name in names for drawn in mutants(STYLES[name], 2, seed=101))
    assert hits >= 0.9 * count, (hits, count)


@MEASURED
@pytest.mark.slow
def test_most_pairs_of_mistakes_drawn_at_random_are_found_in_their_lines():
    names = random.Random(0).sample([name for name in STYLES if name not in LOOPS], 12)
    hits, count = shares((STYLES[name], drawn) for name in names for drawn in pairs_of_mutants(STYLES[name], 1, 102))
    assert hits >= 0.6 * count, (hits, count)


# --- right code at any scale ------------------------------------------------------------------------

SCALES = [(name, scale, seed) for name in STYLES for scale in (1e-8, 1e-4, 1.0, 1e4, 1e8) for seed in range(4)]


def require_no_accusation(name, scale, seed):
    """Right code has no correction; where nothing can be told, as with saturated σ, that is no accusation."""
    style = STYLES[name]
    arguments, more = style.problem(seed, scale if style.loss != "binary_cross_entropy" else min(scale, 1.0))
    with np.errstate(all="ignore"):
        try:
            report = check_backprop(module_of(style.text).my_backprop, *arguments, **more)
        except OverflowError:  # of the code itself, which math.exp raises and np.exp does not
            assert scale > 1.0
            assert "math.exp" in style.text
            return
    wrong = [finding for finding in report.findings if finding.verdict not in ("right", "undecidable")]
    if not any(not np.isfinite(finding.yours).all() for finding in wrong):  # else the code overflows by itself
        assert not wrong, str(report)
        assert report.corrections == ()


@pytest.mark.parametrize(("name", "scale", "seed"), SCALES[::29])
def test_right_code_is_never_accused_at_any_scale(name, scale, seed):
    require_no_accusation(name, scale, seed)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "scale", "seed"), SCALES)
def test_right_code_is_never_accused_in_any_style_at_any_scale(name, scale, seed):
    require_no_accusation(name, scale, seed)


# --- what keeps it harmless -------------------------------------------------------------------------

WRONG = STYLES["logistic_regression"].text.replace("p - T", "T - p", 1)


def test_right_code_is_called_once():
    style = STYLES["logistic_regression"]
    module, calls = module_of(style.text), []

    def counting(*arrays):
        calls.append(arrays)
        return module.my_backprop(*arrays)

    arguments, more = style.problem()
    assert check_backprop(counting, *arguments, **more).ok
    assert len(calls) == 1


def test_the_code_of_every_function_is_put_back():
    module = module_of(STYLES["helpers"].text.replace("logistic_slope(z2)", "logistic(z2)", 1))
    before = [f.__code__ for f in (module.my_backprop, module.forward, module.logistic, module.logistic_slope)]
    arguments, more = STYLES["helpers"].problem()
    assert check_backprop(module.my_backprop, *arguments, **more).corrections
    after = [f.__code__ for f in (module.my_backprop, module.forward, module.logistic, module.logistic_slope)]
    assert all(one is other for one, other in zip(before, after, strict=True))


def test_the_code_is_put_back_after_an_interruption():
    module = module_of(STYLES["helpers"].text)
    code = module.my_backprop.__code__
    watch = Watch((module.my_backprop,))

    def interrupt(_number, _value):
        raise KeyboardInterrupt

    (model, X, T, _), _ = STYLES["helpers"].problem()
    with watch.running({}, interrupt):
        assert module.my_backprop.__code__ is not code
        with pytest.raises(KeyboardInterrupt):
            module.my_backprop(list(model.weights), list(model.biases), X, T)
    assert module.my_backprop.__code__ is code


@pytest.mark.parametrize(("name", "calls"), [("helpers", 2), ("helpers", 9), ("helpers", 40), ("scalars", 60)])
def test_an_interruption_at_any_time_leaves_all_as_it_was(name, calls):
    module = module_of(planted(name, 0)[0])
    functions = [held for held in vars(module).values() if isinstance(held, types.FunctionType)]
    codes, counted, out = [f.__code__ for f in functions], itertools.count(1), sys.stdout

    def interrupted(*arrays):
        if next(counted) == calls:
            raise KeyboardInterrupt
        return module.my_backprop(*arrays)

    arguments, more = STYLES[name].problem()
    with pytest.raises(KeyboardInterrupt):
        check_backprop(interrupted, *arguments, **more)
    assert [f.__code__ for f in functions] == codes
    assert sys.stdout is out
    with open(os.devnull, "w") as file:  # what was refused is allowed again
        file.write("x")


@pytest.mark.parametrize("name", ["helpers", pytest.param("scalars", marks=pytest.mark.slow)])
def test_another_thread_gets_the_numbers_of_the_code_as_it_is_while_it_is_read(name):
    module = module_of(planted(name, 0)[0])
    arguments, more = STYLES[name].problem()
    given = [list(arguments[0].weights), list(arguments[0].biases), *arguments[1:3]]
    first = np.concatenate([np.ravel(dW) for dW in module.my_backprop(*given)[0]])
    stopped, others = threading.Event(), []

    def call():
        while not stopped.is_set():
            found = np.concatenate([np.ravel(dW) for dW in module.my_backprop(*given)[0]])
            if not np.array_equal(found, first):
                others.append(found)

    thread = threading.Thread(target=call)
    thread.start()
    try:
        report = check_backprop(module.my_backprop, *arguments, **more, time_limit=ELSEWHERE)
    finally:
        stopped.set()
        thread.join()
    assert report.corrections
    assert others == []


def test_another_thread_runs_the_code_as_it_is_meanwhile():
    module = module_of(STYLES["helpers"].text)
    (model, X, T, _), _ = STYLES["helpers"].problem()
    watch, seen, results = Watch((module.my_backprop,)), [], []

    def call():
        results.append(module.my_backprop(list(model.weights), list(model.biases), X, T))

    with watch.running({}, lambda number, _value: seen.append(number)):
        thread = threading.Thread(target=call)
        thread.start()
        thread.join()
        assert seen == []
        call()
    assert seen
    for one, other in zip(results[0][0], results[1][0], strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_a_function_prints_is_shown_once(capsys):
    text = WRONG.replace("    error =", "    print('called')\n    error =", 1)
    assert report_on(text, STYLES["logistic_regression"]).corrections
    assert capsys.readouterr().out == "called\n"


def test_a_function_that_writes_is_judged_by_its_numbers(tmp_path):
    path = tmp_path / "written.txt"
    line = f"    with open({str(path)!r}, 'a') as file:\n        file.write('x')\n    error ="
    report = report_on(WRONG.replace("    error =", line, 1), STYLES["logistic_regression"])
    assert path.read_text() == "x"
    assert report.corrections == ()
    assert report.reading.note.startswith("Your code was not read, only judged by its numbers: it calls open(")
    assert "The sign of" in said(report)
    assert report.reading.note in said(report)


def test_a_function_that_draws_numbers_of_its_own_is_judged_by_its_numbers():
    line = "    X = X + 1e-3 * np.random.default_rng().normal(size=X.shape)\n    error ="
    report = report_on(WRONG.replace("    error =", line, 1), STYLES["logistic_regression"])
    assert report.corrections == ()
    assert "called again with the same arrays it gives others" in said(report)


def test_global_random_numbers_are_put_back():
    np.random.seed(7)  # noqa: NPY002  # the generator that user code draws from
    first = np.random.rand(3)  # noqa: NPY002
    np.random.seed(7)  # noqa: NPY002
    report_on(WRONG, STYLES["logistic_regression"])
    np.testing.assert_array_equal(np.random.rand(3), first)  # noqa: NPY002


def test_code_without_source_is_judged_by_its_numbers():
    names = {}
    exec(compile(WRONG, "<nowhere>", "exec"), names)
    arguments, more = STYLES["logistic_regression"].problem()
    report = check_backprop(names["my_backprop"], *arguments, **more)
    assert report.corrections == ()
    assert report.reading.note == "Your code was not read: there is no source of <nowhere>."


def test_no_time_leaves_the_numbers():
    report = report_on_with_limit(WRONG, 0.0)
    assert (report.corrections, report.reading.note) == ((), "")
    assert "The sign of" in said(report)


def report_on_with_limit(text, seconds):
    arguments, more = STYLES["logistic_regression"].problem()
    return check_backprop(module_of(text).my_backprop, *arguments, **more, time_limit=seconds)


def test_what_is_refused_is_refused_while_guarded_only(tmp_path):
    with guarded(), pytest.raises(Refused, match="open"):
        (tmp_path / "a").write_text("x")
    (tmp_path / "a").write_text("x")
    assert Deadline(5.0).part(0.5).left < 2.6
    assert sys.stdout is not None


# --- the report -------------------------------------------------------------------------------------


def test_a_report_is_also_data():
    report = report_on(WRONG, STYLES["logistic_regression"])
    found = report.to_dict()
    (correction,) = found["corrections"]
    assert (correction["line"], correction["expression"], correction["replacement"]) == (7, "T - p", "p - T")
    assert correction["source"][correction["column"] : correction["end_column"]] == "T - p"
    assert correction["corrected"] == "    error = p - T"
    assert {"array": "W", "layer": 1} in correction["mends"]
    assert len(correction["proved_on"]) >= 3
    assert correction["pasted"]
    assert [array["verdict"] for array in found["arrays"]] == ["wrong", "wrong"]
    assert found["ok"] is False


def test_a_failing_test_says_the_line_first():
    with pytest.raises(AssertionError, match=r"^/texts/text_\w+\.py:7: `T - p` is −δ¹; δ¹ belongs here\. The sign is"):
        report_on(WRONG, STYLES["logistic_regression"]).assert_ok()


@pytest.mark.parametrize("time_limit", [0, ELSEWHERE])
def test_a_report_fits_80_columns(time_limit):
    for text in (STYLES["helpers"].text, planted("helpers", 0)[0], planted("helpers", 1)[0]):
        arguments, more = STYLES["helpers"].problem()
        report = check_backprop(module_of(text).my_backprop, *arguments, **more, time_limit=time_limit)
        assert max(map(len, str(report).splitlines())) <= 80


@pytest.mark.parametrize(
    ("where", "corrections", "said"),
    [("search.small_changes", 0, "Your code could not be read."), ("edits.names_in", 1, "One mistake found in your")],
)
def test_an_error_of_the_reader_is_told_and_fails_where_it_is_to_fail(where, corrections, said, monkeypatch):
    def report():
        return report_on(WRONG, STYLES["logistic_regression"])

    monkeypatch.setattr(f"nn.referee.reading.{where}", None)
    with pytest.raises(TypeError, match="'NoneType' object is not callable"):
        report()
    monkeypatch.delenv("DELTAGRAD_STRICT")
    found = report()
    assert len(found.corrections) == corrections
    text = " ".join(str(found).split())
    assert said in text
    assert "an error of the referee's own; please report it: TypeError: 'NoneType' object is not callable (" in text
    assert found.to_dict()["fault"].endswith(")")
    monkeypatch.undo()
    assert not report().reading.fault


CHAIN = """
def my_backprop(weights, X, T):
    error = T - X @ weights[0].T
    scaled = error / len(X)
    return [scaled.T @ X]
"""


def test_another_line_that_does_the_same_is_named_as_an_equal_and_is_right_when_pasted():
    model, X = MLP(3, [2], bias=False, seed=0), np.random.default_rng(0).normal(size=(5, 3))
    report = check_backprop(module_of(CHAIN).my_backprop, model, X, X[:, :2], "half_squared_error")
    (correction,) = report.corrections
    assert (correction.line, correction.replacement) == (3, "X @ weights[0].T - T")
    assert "Or, equally, line 4: `-error / len(X)` in place of `error / len(X)`." in " ".join(str(report).split())
    assert correction.alternatives
    for other in correction.alternatives:
        lines = CHAIN.splitlines()
        lines[other.line - 1] = lines[other.line - 1].replace(other.expression, other.replacement)
        pasted = module_of("\n".join(lines)).my_backprop
        assert check_backprop(pasted, model, X, X[:, :2], "half_squared_error").ok


def test_no_change_that_spoils_what_is_right_is_called_an_equal():
    old, new = STYLES["line_by_line_with_logits"].mistakes[2]  # the minus of −1/s² is missing, after the forward pass
    text, line = with_mistake(STYLES["line_by_line_with_logits"].text, old, new)
    backward = text[: text.index("# backward")].count("\n") + 1
    (correction,) = report_on(text, STYLES["line_by_line_with_logits"]).corrections
    lines = {correction.line, *(other.line for other in correction.alternatives)}
    assert line in lines
    assert min(lines) > backward


def test_where_the_first_of_two_changes_has_an_equal_it_is_named():
    style = STYLES["layer_functions"]
    text, line = with_mistake(style.text, "np.maximum(0, x), x", "np.maximum(0, x), -x")
    report = report_on(text.replace("dx / n", "dx"), style)
    first, second = report.corrections
    assert line in {first.line, *(other.line for other in first.alternatives)}, str(report)
    assert second.replacement == "dx / n"
    assert second.together


HIDDEN_PAIRS = {  # two mistakes that one quantity in one place would hide: what stands there, what is written instead
    "zip_reversed": [("a_out * (1 - a_out)", "a_in * (1 - a_out)"), ("error = delta @ W", "error = error @ W")],
    "softmax_rows": [
        ("e / e.sum(axis=1, keepdims=True)", "e / e.sum()"),
        ("= softmax(scores) - T", "= (softmax(scores) - T) * softmax(scores) * (1 - softmax(scores))"),
    ],
    "jacobian_of_softmax": [("np.diag(s) - np.outer(s, s)", "np.diag(s * (1 - s))"), ("dp = -t / p", "dp = t / p")],
    "parameters_in_a_dictionary": [("dscores.dot(W2.T)", "probs.dot(W2.T)"), ("[pre <= 0]", "[dhidden <= 0]")],
    "two_lines_and_no_bias": [("l2_delta.dot(syn1.T)", "l2_error.dot(syn1.T)"), ("dot(l1_delta)", "dot(l1_error)")],
    "flag_for_the_slope": [
        ("2 * (z3 - T) / T.shape[1]", "2 * (z3 - T)"),
        ("weights[1] * tanh(z1, deriv=True)", "weights[1] * tanh(z1)"),
    ],
    "bias_trick": [("E = H - Y", "E = Y - H"), ("Theta[l][:, :-1]", "Theta[l][:, 1:]")],
    "logistic_regression": [
        ("np.exp(-(X @ W.T + b))", "np.exp(-b)"),
        ("(error.T @ X) / X.shape[0]", "(error.T @ X) * X.shape[0]"),
    ],
    "flat_vector": [
        ("1 / (1 + np.exp(-(a1 @ W2.T + b2)))", "1 + np.exp(-(a1 @ W2.T + b2))"),
        ("d2.T @ a1", "T.T @ a1"),
    ],
}


@pytest.mark.parametrize("name", ["softmax_rows", pytest.param("zip_reversed", marks=pytest.mark.slow)])
def test_two_mistakes_are_both_named_where_one_quantity_would_hide_them(name):
    style = STYLES[name]
    text, planted_in = style.text, set()
    for right, wrong in HIDDEN_PAIRS[name]:
        assert text.count(right) == 1
        planted_in.add(text[: text.index(right)].count("\n") + 1)
        text = text.replace(right, wrong)
    report = report_on(text, style)
    assert {c.line for c in report.corrections} == planted_in, str(report)
    assert report.reading.explains_all


SIGMOID_ON_TANH = """
import numpy as np


def my_backprop(weights, biases, X, T):
    h = np.tanh(X @ weights[0].T + biases[0])
    error = (h @ weights[1].T + biases[1] - T) / len(X)
    back = error @ weights[1] * h * (1 - h)
    return [back.T @ X, error.T @ h], [back.sum(axis=0), error.sum(axis=0)]
"""


def test_the_slope_of_another_function_is_one_mistake_though_it_stands_in_two_factors():
    model, rng = MLP(3, [4, 2], activation="tanh", seed=0), np.random.default_rng(0)
    X, T = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    report = check_backprop(module_of(SIGMOID_ON_TANH).my_backprop, model, X, T, "half_squared_error")
    assert [c.corrected.strip() for c in report.corrections] == ["back = error @ weights[1] * (1 - h ** 2)"], str(
        report
    )
    assert "a(1 − a) is the slope of the sigmoid; that of tanh is 1 − a²." in str(report)


def test_what_is_cut_from_a_product_keeps_its_parentheses():
    style = STYLES["theta_with_bias_column"]
    right, wrong = "(d3 @ Theta2)[:, 1:]", "(d3 @ Theta2)[:, :-1]"
    line = next(line for line in style.text.splitlines() if right in line)
    report = report_on(style.text.replace(right, wrong), style)
    assert [c.corrected for c in report.corrections] == [line], str(report)
