"""The main job: it succeeds, writes what it says, and its gradients agree three ways."""

import importlib.util
import os
import re
import subprocess
import sys

import numpy as np
import pytest

import nn
from nn import __main__ as command_line
from nn import agreement, closed_form

SMALL = ["digits", "--epochs", "1", "--hidden", "3"]


def run(*arguments, cwd, **environment):
    """Run the command line as a user does, but from an empty directory, with this checkout's packages."""
    root = os.path.dirname(os.path.dirname(nn.__file__))
    env = {**os.environ, "PYTHONPATH": root, **environment}
    return subprocess.run(
        [sys.executable, "-m", "nn", *arguments], cwd=cwd, env=env, capture_output=True, encoding="utf-8", check=False
    )


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    folder = tmp_path_factory.mktemp("job")
    return folder, run(*SMALL, cwd=folder)


def test_the_job_succeeds_quietly_and_plainly(job):
    _, result = job
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.isascii()
    assert "\x1b" not in result.stdout
    assert "\r" not in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_the_job_says_what_it_did(job):
    _, result = job
    for part in (
        "1797 handwritten digits",
        "1347 to train on, 450 for validation",
        "64-3-10",
        "235 parameters",
        "of the validation digits are read correctly",
        "for all 235 parameters",
        "All agree.",
    ):
        assert part in result.stdout


def test_the_table_has_a_line_for_each_array(job):
    _, result = job
    lines = re.findall(r"^(\w\d) +(\d+(?: x \d+)?) +(\S+) +(\S+) +(\w+) +(\S+) +(\w+)$", result.stdout, re.MULTILINE)
    assert [(name, shape) for name, shape, *_ in lines] == [
        ("W1", "3 x 64"),
        ("b1", "3"),
        ("W2", "10 x 3"),
        ("b2", "10"),
    ]
    for _, _, largest, exact, exact_verdict, numeric, numeric_verdict in lines:
        assert (exact_verdict, numeric_verdict) == ("right", "right")
        assert float(exact) <= 1e-12 * float(largest)
        # Two exact zeros would mean that the engine was compared with itself.
        assert 0 < float(numeric) <= 1e-6 * float(largest)


def test_the_weights_can_be_loaded_and_read_the_digits(job):
    folder, result = job
    model = nn.load(folder / "out" / "digits_weights.npz")
    with np.load(folder / "out" / "digits_weights.npz", allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["W2"], model.weights[1])
    _, test = nn.data.train_test_split(nn.data.load_digits(), seed=0)
    accuracy = nn.evaluate(model, test.X, nn.one_hot(test.y, 10), loss="cross_entropy").accuracy
    assert f"{accuracy:.2%} of the validation digits" in result.stdout


def test_the_picture_shows_a_small_network(job):
    folder, result = job
    assert f"wrote {os.path.join('out', 'backward_pass.svg')}" in result.stdout
    picture = (folder / "out" / "backward_pass.svg").read_text(encoding="utf-8")
    assert "<svg" in picture
    for label in ("W1[1,1]", "b2[0]", "z1[0]", "a1[1]", "z2[0]", ">C<"):
        assert label in picture


def test_the_network_and_the_page_of_a_digit_are_written_too(job):
    folder, result = job
    network = (folder / "out" / "network.svg").read_text(encoding="utf-8")
    assert "δ " in network
    page = (folder / "out" / "explorer.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert re.search(r"<title>A handwritten \d that a 64-3-10 network (reads as \d|finds hardest)</title>", page)
    tiles = (folder / "out" / "digit.svg").read_text(encoding="utf-8")
    assert 'aria-label="A 64-3-10 network: its values, and below them their gradients"' in tiles
    curve = folder / "out" / "loss_curve.svg"
    assert curve.is_file() if importlib.util.find_spec("matplotlib") else "no loss curve" in result.stdout


def test_the_same_seed_gives_the_same_result_with_and_without_graphviz(job, tmp_path, capsys, monkeypatch):
    folder, result = job
    monkeypatch.setenv("PATH", "")
    assert command_line.main([*SMALL, "--out", str(tmp_path)]) == 0
    weights = "digits_weights.npz"
    assert (tmp_path / weights).read_bytes() == (folder / "out" / weights).read_bytes()
    assert "b2[0]" in (tmp_path / "backward_pass.svg").read_text(encoding="utf-8")
    before, after = (
        [line for line in text.splitlines() if "wrote" not in line and " s of training" not in line]
        for text in (result.stdout, capsys.readouterr().out)
    )
    assert before == after


def test_a_disagreement_is_shown_and_ends_with_one(tmp_path, capsys, monkeypatch):
    right = closed_form.backprop

    def nearly(*arguments, **options):
        result = right(*arguments, **options)
        result.dW[1][2, 1] *= 1 + 1e-9
        return result

    monkeypatch.setattr(agreement.closed_form, "backprop", nearly)
    assert command_line.main([*SMALL, "--out", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert "THEY DO NOT AGREE" in out
    assert re.findall(r"^(..) .*(right|WRONG) .*(right|WRONG)$", out, re.MULTILINE) == [
        ("W1", "right", "right"),
        ("b1", "right", "right"),
        ("W2", "WRONG", "right"),
        ("b2", "right", "right"),
    ]


@pytest.mark.slow
def test_the_whole_job_reads_95_percent_of_the_validation_digits(tmp_path):
    result = run("digits", cwd=tmp_path)
    assert result.returncode == 0
    assert "64-30-10" in result.stdout
    assert float(re.search(r"([\d.]+)% of the validation", result.stdout)[1]) >= 95.0
    assert "All agree." in result.stdout


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_the_help_names_the_commands(arguments, tmp_path):
    result = run(*arguments, cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert "python -m nn digits" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["digit"], "invalid choice: 'digit'"),
        (["digits", "--epochs", "0"], "argument --epochs: needs a whole number greater than 0, got '0'"),
        (["digits", "--epochs", "many"], "needs a whole number greater than 0, got 'many'"),
        (["digits", "--seed", "-1"], "argument --seed: needs a whole number from 0 up, got '-1'"),
        (["digits", "--learning-rate", "nan"], "needs a finite number greater than 0, got 'nan'"),
        (["digits", "--learning-rate", "x"], "needs a finite number greater than 0, got 'x'"),
        (["digits", "--hidden", "1.5"], "needs a whole number greater than 0, got '1.5'"),
    ],
)
def test_wrong_arguments_exit_with_two_and_write_nothing(arguments, message, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as exit_:
        command_line.main(arguments)
    assert exit_.value.code == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_divergence_is_one_line_that_says_where(tmp_path, capsys):
    assert command_line.main([*SMALL, "--out", str(tmp_path), "--learning-rate", "1e308"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("deltagrad: error: ")
    assert "in epoch 1 of 1, batch " in error
    assert error.count("\n") == 1


def test_a_directory_that_cannot_be_made_is_one_line(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert command_line.main([*SMALL, "--out", str(tmp_path / "file")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("deltagrad: error: ")
    assert error.count("\n") == 1


X, T = np.random.default_rng(0).normal(size=(5, 2)), np.eye(2)[[0, 1, 1, 0, 1]]


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "leaky_relu", "softplus"])
def test_the_three_gradients_agree_and_no_parameter_moves(activation):
    model = nn.MLP(2, [3, 2], activation, "sigmoid", seed=0)
    before = model.state_dict()
    for row in nn.gradient_agreement(model, X, T, loss="binary_cross_entropy"):
        assert row.equals_closed_form
        assert row.equals_differences
        assert row.largest > 1e-3
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_coarse_differences_do_not_agree(monkeypatch):
    monkeypatch.setattr(agreement, "STEP", 1e-2)
    model = nn.MLP(2, [3, 2], "tanh", "sigmoid", seed=0)
    rows = nn.gradient_agreement(model, X, T, loss="binary_cross_entropy")
    assert [row.equals_differences for row in rows] == [False] * 4
    assert all(row.equals_closed_form for row in rows)


@pytest.mark.parametrize(
    ("model", "X", "loss", "message"),
    [
        (nn.MLP(2, [2], seed=0), X[:, :1], "mse_loss", "this MLP takes 2 inputs, got 1"),
        (nn.MLP(2, [2], seed=0), X[:4], "mse_loss", "as many rows, got 4 inputs and 5 targets"),
        (nn.MLP(2, [2], seed=0), X, "cross_entropie", "unknown loss"),
        (nn.MLP(2, [2], "sin", "sin", seed=0), X, "mse_loss", "sin"),
    ],
)
def test_what_has_no_closed_form_is_an_error(model, X, loss, message):
    with pytest.raises(ValueError, match=message):
        nn.gradient_agreement(model, X, T, loss=loss)
