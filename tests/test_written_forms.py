"""Each form in which people hand in a backward pass: right code passes, and a planted mistake is told with its line."""

import json
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from nn import MLP, check_backprop
from nn.__main__ import main
from nn.commands.file_report import report_on
from tests.sampled import sampled
from tests.written_forms import FORMS, LAYERS

PLANTED = [name for name, form in FORMS.items() if form.right != form.wrong]


def report(capsys, path, function, *options):
    code = main(["check", str(path), "--function", function, "--in-process", "--json", *options])
    return code, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("name", FORMS)
def test_right_code_passes_whatever_its_form_and_is_told_how_it_was_read(name, tmp_path, capsys):
    form, path = FORMS[name], tmp_path / "mine.py"
    path.write_text(form.text, encoding="utf-8")
    code, found = report(capsys, path, form.function)
    assert (code, found["ok"], found["corrections"]) == (0, True, [])
    assert form.said in found["understood"]
    assert main(["check", str(path), "--function", form.function, "--in-process"]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


@pytest.mark.parametrize("name", sampled(PLANTED, 4))
def test_a_mistake_is_told_with_its_line_and_what_belongs_there(name, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)  # files are told from where one stands
    form, path = FORMS[name], tmp_path / "mine.py"
    assert form.text.count(form.right) == 1
    path.write_text(form.text.replace(form.right, form.wrong), encoding="utf-8")
    line = form.text[: form.text.index(form.right.strip())].count("\n") + 1
    told_of = report_on(path, form.function, seed=0)
    found = json.loads(json.dumps(told_of.to_dict()))
    assert not found["ok"]
    assert form.said in found["understood"]
    assert [told["line"] for told in found["corrections"]] == [line], found["corrections"]
    (told,) = found["corrections"]
    assert told["corrected"]
    with pytest.raises(AssertionError, match=rf"^mine\.py:{line}: "):
        told_of.assert_ok()
    plain = str(told_of)
    assert f"\nmine.py:{line}, in " in plain
    assert max(len(text) for text in plain.splitlines() if text.strip() != told["corrected"].strip()) <= 80
    painted = told_of.to_text(lambda text, style: f"<{style}>{text}</>")
    assert re.sub("<(bold|red|green|faint|/)>", "", painted) == plain
    assert "<red>wrong" in painted
    assert "<red>~" in painted
    assert ElementTree.fromstring(f"<div>{told_of._repr_html_()}</div>").findtext(".//td") is not None
    assert main(["check", str(path), "--function", form.function, "--in-process", "--time-limit", "0"]) == 1
    assert "wrong" in capsys.readouterr().out
    assert told["proved_on"]
    corrected = path.read_text(encoding="utf-8").splitlines()
    corrected[line - 1] = told["corrected"]
    path.write_text("\n".join(corrected), encoding="utf-8")
    assert report(capsys, path, form.function, "--time-limit", "0")[0] == 0


def test_layer_functions_come_as_a_dictionary_or_a_list():
    held = {"np": np}
    exec(LAYERS, held)
    model = MLP(3, [4, 4, 2], activation="relu", seed=0)
    X, T = np.random.default_rng(0).normal(size=(5, 3)), [0, 1, 1, 0, 1]
    for given in (held, [f for f in held.values() if callable(f)]):
        assert check_backprop(given, model, X, T, "cross_entropy").ok
    with pytest.raises(TypeError, match=r"one of tanh: required are tanh_forward and tanh_backward"):
        check_backprop(held, MLP(3, [4, 2], activation="tanh", seed=0), X, T, "cross_entropy")
    with pytest.raises(ValueError, match="no penalty"):
        check_backprop(held, model, X, T, "cross_entropy", l2=0.1)
    with pytest.raises(TypeError, match="affine_backward must return 3 things, got tuple of 2"):
        check_backprop(held | {"affine_backward": _of_two}, model, X, T, "cross_entropy", weights="in_out")


def affine_backward(dout, cache):
    return dout, cache


_of_two = affine_backward


def test_a_verdict_without_a_colour_is_told_on_a_terminal_too():
    model = MLP(3, [2], seed=0)
    X = np.zeros((4, 3))  # ∂C/∂W is 0 there, so nothing can be said of it
    report = check_backprop(
        lambda weights, biases, X, T: ([0 * weights[0]], [0 * biases[0]]),
        model,
        X,
        np.ones((4, 2)),
        "mse_loss",
        time_limit=0,
    )
    assert "undecidable" in report.to_text(lambda text, style: {"red": text, "green": text, "faint": text}[style])


def test_targets_of_one_output_may_be_taken_as_a_vector():
    rng = np.random.default_rng(1)
    model = MLP(3, [4, 1], activation=["tanh", "sigmoid"], seed=0)
    X, y = rng.normal(size=(6, 3)), (np.arange(6) % 2).astype(float)

    def of_a_vector(weights, biases, X, y):
        hidden = np.tanh(X @ weights[0].T + biases[0])
        out = 1 / (1 + np.exp(-(hidden @ weights[1][0] + biases[1])))
        d2 = (out - y) / len(y)
        d1 = d2[:, None] * weights[1] * (1 - hidden**2)
        return [d1.T @ X, (d2 @ hidden)[None]], [d1.sum(axis=0), [d2.sum()]]

    report = check_backprop(of_a_vector, model, X, y, "binary_cross_entropy")
    assert report.ok, str(report)
    assert report.understood == "Read as: targets (N,)."
