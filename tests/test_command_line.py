"""Each command says what it did and exits with 0, or says in one line what was wrong and exits with 2."""

import contextlib
import csv
import io
import os
import re
import signal
import subprocess
import sys
import time
from unittest import mock

import numpy as np
import pytest

import nn
from nn import __main__ as command_line

ROOT = os.path.dirname(os.path.dirname(nn.__file__))
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS")},
    "PYTHONPATH": ROOT,
    "TERM": "xterm",
}
DRAW = ["draw", "tanh(w*x + b)", "--at", "w=0.5", "x=2", "b=-1"]
WIDTH = 80


def run(*arguments, cwd, **environment):
    """Run the command line as a user does, piped, from an empty directory, with this checkout's packages."""
    return subprocess.run(
        [sys.executable, "-m", "nn", *map(str, arguments)],
        cwd=cwd,
        env=ENVIRONMENT | environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def at_once(*arguments, cwd, **environment):
    """The same within this process, which imports nothing anew; each command is run as a process, too."""
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(cwd),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        mock.patch.dict(os.environ, ENVIRONMENT | environment, clear=True),
    ):
        try:
            code = command_line.main(list(map(str, arguments)))
        except SystemExit as end:
            code = end.code
    return subprocess.CompletedProcess(arguments, code or 0, out.getvalue(), err.getvalue())


def require_plain(result, *, code=0, err=""):
    assert (result.returncode, result.stderr) == (code, err)
    assert "\x1b" not in result.stdout
    assert max(map(len, result.stdout.splitlines()), default=0) <= WIDTH


def require_one_line_error(result, message, *, code=1):
    assert result.returncode == code
    assert re.fullmatch(rf"deltagrad: error: .*{message}.*\n", result.stderr), result.stderr


# --- every command, as a process of its own


def test_without_arguments_the_shortest_way_to_a_picture_is_shown_and_it_works(tmp_path):
    result = run(cwd=tmp_path)
    require_plain(result)
    line = next(line for line in result.stdout.splitlines() if " draw " in line)
    shown = subprocess.run(
        line.strip().replace("python", sys.executable, 1), shell=True, cwd=tmp_path, env=ENVIRONMENT, check=False
    )
    assert shown.returncode == 0
    assert "<html" in (tmp_path / "step.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", [[], *([name] for name in command_line.COMMANDS)])
def test_help_fits_the_terminal_and_shows_examples(tmp_path, command):
    result = at_once(*command, "--help", cwd=tmp_path, COLUMNS="200")
    require_plain(result)
    assert "examples:\n  python -m nn " in result.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_help_lists_every_command(tmp_path):
    result = run("--help", cwd=tmp_path)
    assert {"check", "derive", "digits", "draw", "predict", "train"} <= set(command_line.COMMANDS)
    for command in command_line.COMMANDS:
        assert re.search(rf"^    {command} ", result.stdout, re.MULTILINE)


@pytest.mark.parametrize("formula", ["-x**2", "-x", "-(x - 1)*x", "- x", "-2*x", "-tanh(x)"])
def test_a_formula_may_begin_with_a_minus_sign(tmp_path, formula):
    for arguments in (["draw", formula, "--at", "x=0.5"], ["draw", "--at", "x=0.5", "-o", "a.txt", "--", formula]):
        result = at_once(*arguments, cwd=tmp_path)
        require_plain(result)
        assert f"{formula} = " in result.stdout
    assert "= -0.25\n  d/dx = -1\n" in at_once("draw", "-x**2", "--at", "x=0.5", cwd=tmp_path).stdout


def test_a_file_with_semicolons_and_decimal_commas_is_trained_on_and_classified(tmp_path):
    rows = "".join(f"{k},5;{'none' if k % 2 else 'NA'}\n" for k in range(20))
    (tmp_path / "data.csv").write_text(f"size;kind\n{rows}", encoding="utf-8")
    result = at_once("train", "data.csv", "--epochs", "1", cwd=tmp_path)
    require_one_line_error(result, "--missing")
    options = ["--missing", "unknown", "--decimal", ","]
    result = at_once("train", "data.csv", "--epochs", "1", *options, cwd=tmp_path)
    require_plain(result)
    assert "separated by ';'" in result.stdout
    for delimiter in ([], ["--delimiter", ";"]):
        result = at_once("predict", "model.npz", "data.csv", "--decimal", ",", *delimiter, cwd=tmp_path)
        require_plain(result)
        assert result.stdout.startswith("class,p(NA),p(none)\n")
    require_one_line_error(at_once("train", "data.csv", "--delimiter", "::", cwd=tmp_path), "one character", code=2)


def test_draw_shows_value_and_derivatives_in_the_terminal(tmp_path):
    result = run(*DRAW, cwd=tmp_path)
    require_plain(result)
    assert "tanh(w*x + b) = 0\n  d/dw = 2\n  d/dx = 0.5\n  d/db = 1\n" in result.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "start"),
    [("a.html", "<!doctype html>"), ("a.svg", "<"), ("a.txt", "C = tanh"), ("a.dot", "digraph"), ("a.json", "{")],
)
def test_draw_writes_what_the_suffix_says(tmp_path, name, start):
    result = at_once(*DRAW, "-o", name, cwd=tmp_path)
    require_plain(result)
    assert f"wrote {name}" in result.stdout
    assert (tmp_path / name).read_text(encoding="utf-8").lower().startswith(start.lower())


def test_check_without_a_file_checks_the_engine_for_every_loss(tmp_path):
    result = run("check", cwd=tmp_path)
    require_plain(result)
    for loss in nn.LOSSES:
        (numbers,) = re.findall(rf"^{loss} +(\S+)  right +(\S+)  right$", result.stdout, re.MULTILINE)
        # Two exact zeros would mean that the engine was compared with itself.
        assert 0 < float(numbers[1]) < 1e-6
    assert "All agree." in result.stdout


def test_check_says_whether_a_backward_pass_in_a_file_is_right(tmp_path):
    right = "delta = (X @ weights[0].T + biases[0] - T)"
    file = """\
import nn
MODEL = nn.MLP(2, [3], seed=0)
def my_backprop(weights, biases, X, T):
    {delta}
    return [delta.T @ X / len(X)], [delta.sum(axis=0) / len(X)]
"""
    (tmp_path / "right.py").write_text(file.format(delta=right))
    (tmp_path / "wrong.py").write_text(file.format(delta=f"{right} * 2"))
    assert run("check", "right.py", cwd=tmp_path).returncode == 0
    wrong = run("check", "wrong.py", cwd=tmp_path)
    assert (wrong.returncode, wrong.stderr) == (1, "")
    assert "This makes ∂C/∂W¹ and ∂C/∂b¹ right." in wrong.stdout
    require_one_line_error(run("check", "nothing.py", cwd=tmp_path), "nothing.py")


def test_a_self_check_that_fails_exits_with_one(monkeypatch, capsys):
    from nn import closed_form

    original = closed_form.weight_gradient
    monkeypatch.setattr(closed_form, "weight_gradient", lambda *arguments: 1.001 * original(*arguments))
    assert main("check") == 1
    assert "THEY DO NOT AGREE" in capsys.readouterr().out


@pytest.fixture(scope="module")
def flowers(tmp_path_factory):
    """A folder with iris as a CSV file and the network that `train` makes of it."""
    folder = tmp_path_factory.mktemp("flowers")
    iris = nn.data.load_iris()
    with open(folder / "iris.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["species", *iris.feature_names])
        writer.writerows([iris.class_names[y], *x] for x, y in zip(iris.X.tolist(), iris.y, strict=True))
    arguments = ["train", "iris.csv", "--target", "species", "--hidden", "6", "--epochs", "15", "--batch-size", "8"]
    return folder, run(*arguments, "--learning-rate", "0.03", cwd=folder)


def test_train_says_what_it_did_and_writes_a_network_that_takes_the_rows_as_they_are(flowers):
    folder, result = flowers
    require_plain(result)
    for part in (
        "150 examples, 4 inputs, 3 classes",
        "90 to train on, 30 to choose by, 30 to test",
        "4-6-3, tanh",
        "best",
    ):
        assert part in result.stdout
    model, notes = nn.load_with_notes(folder / "model.npz")
    iris = nn.data.load_iris()
    assert notes["classes"] == list(iris.class_names)
    assert notes["features"] == list(iris.feature_names)
    assert model.score(iris.X, iris.y) >= 0.9
    _, _, test = nn.data.train_validation_test_split(iris, seed=0)
    assert f"{model.score(test.X, test.y):.2%} of the 30 test examples are right" in result.stdout


def test_predict_answers_with_classes_and_probabilities(flowers):
    folder, _ = flowers
    result = run("predict", "model.npz", "iris.csv", cwd=folder)
    require_plain(result)
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    iris, model = nn.data.load_iris(), nn.load(folder / "model.npz")
    p = model.predict_proba(iris.X)
    assert [row["class"] for row in rows] == [iris.class_names[k] for k in p.argmax(axis=1)]
    # Four decimals are printed.
    got = [[float(row[f"p({name})"]) for name in iris.class_names] for row in rows]
    np.testing.assert_allclose(got, p, rtol=0, atol=0.5001e-4)
    written = run("predict", "model.npz", "iris.csv", "-o", "answer.csv", cwd=folder)
    require_plain(written)
    assert (folder / "answer.csv").read_text(encoding="utf-8") == result.stdout


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "rmsprop", "sgd"])
def test_train_makes_data_and_takes_every_optimiser(tmp_path, optimizer):
    result = at_once("train", "moons", "--optimizer", optimizer, "--epochs", "2", "--hidden", "3", "2", cwd=tmp_path)
    require_plain(result)
    assert "2-3-2-2, tanh" in result.stdout
    assert nn.load(tmp_path / "model.npz").n_out == 2


@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C to all processes of a terminal")
def test_a_run_that_is_interrupted_keeps_what_it_learned_and_can_go_on(tmp_path):
    arguments = ["train", "xor", "--epochs", "2000", "--hidden", "4", "--checkpoint", "run.npz", "--resume"]
    process = subprocess.Popen(
        [sys.executable, "-m", "nn", *arguments],
        cwd=tmp_path,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    for _ in range(600):  # at most a minute
        if (tmp_path / "run.npz").exists():
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert re.fullmatch(r"deltagrad: interrupted (in|after) epoch .*\n", err)
    assert "wrote model.npz" in out
    assert nn.load(tmp_path / "model.npz").n_in == 2
    done = int(re.search(r"epoch (\d+)", err)[1])
    again = run(*arguments[:3], str(done + 2), *arguments[4:], cwd=tmp_path)
    require_plain(again)


def test_an_interrupted_main_job_keeps_its_network(tmp_path, monkeypatch, capsys):
    def interrupted(_end):
        signal.raise_signal(signal.SIGINT)

    fit = nn.fit
    monkeypatch.setattr(nn, "fit", lambda *arguments, **options: fit(*arguments, **options, callbacks=[interrupted]))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        code = main("digits", "--epochs", "2", "--hidden", "3", "--out", tmp_path)
    finally:
        signal.signal(signal.SIGINT, before)
    assert code == 130
    assert capsys.readouterr().err == "deltagrad: interrupted after epoch 1 of 2\n"
    assert nn.load(tmp_path / "digits_weights.npz").n_in == 64


# --- errors: one line, exit code 1, or 2 for wrong arguments


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["drwa"], "invalid choice: 'drwa'"),
        (["draw"], "the following arguments are required: FORMULA"),
        (["train"], "the following arguments are required: DATA"),
        (["train", "iris", "--epochs", "x"], "argument --epochs: needs a whole number greater than 0, got 'x'"),
        (["train", "iris", "--l2", "-1"], "argument --l2: "),
        (["train", "iris", "--l2", "nan"], "argument --l2: needs a finite number from 0 up, got 'nan'"),
        (["train", "iris", "--seed", "x"], "argument --seed: needs a whole number from 0 up"),
        (["train", "iris", "--activation", "softmax"], "argument --activation: invalid choice: 'softmax'"),
        (["predict", "model.npz"], "the following arguments are required: FILE.csv"),
        (["--nonsense"], "unrecognized arguments: --nonsense"),
    ],
)
def test_wrong_arguments_are_one_line_and_exit_with_two(tmp_path, arguments, message):
    result = at_once(*arguments, cwd=tmp_path)
    require_one_line_error(result, re.escape(message), code=2)
    assert list(tmp_path.iterdir()) == []


def test_an_error_is_one_line_and_exits_with_one(tmp_path):
    result = run("draw", "log(x)", "--at", "x=-1", cwd=tmp_path)
    require_one_line_error(result, r'log needs x > 0, got x = -1\.0 \("x"\)')
    assert result.stdout == ""


def main(*arguments):
    """Run the command line in this process, which is faster, and return its code."""
    return command_line.main([str(argument) for argument in arguments])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "flowers"], "DATA is one of circles, .* or a file ending in .csv, got 'flowers'"),
        (["train", "nothing.csv"], "nothing.csv: No such file or directory"),
        (["train", "ragged.csv"], "ragged.csv: line 3 has 1 fields instead of 2"),
        (["train", "data.csv", "--target", "colour"], "unknown column 'colour'"),
        (["train", "one.csv"], "holds one class only, 'x'"),
        (
            ["train", "small.csv"],
            "the part with fraction 0.2 of 2 examples would be empty: each class is split by itself, and",
        ),
        (
            ["train", "iris", "--target", "species"],
            "--target, --categorical, --ignore, --delimiter and --missing are for",
        ),
        (["train", "xor", "--resume"], "--resume needs --checkpoint FILE"),
        (["train", "xor", "-o", "no/model.npz"], "there is no folder no to write model.npz to"),
        (["train", "xor", "--checkpoint", "no/run.npz"], "the folder no of the checkpoint does not exist"),
        (["train", "xor", "--learning-rate", "1e308", "--optimizer", "sgd"], "in epoch 1 of 60, batch "),
        (["predict", "nothing.npz", "data.csv"], "nothing.npz: No such file or directory"),
        (["predict", "data.csv", "data.csv"], "data.csv: no file of this program"),
        (["predict", "plain.npz", "data.csv"], "plain.npz does not say what its inputs and classes are called"),
        (["predict", "named.npz", "data.csv"], "data.csv: unknown column 'height'"),
        (["draw", "x", "--at", "x=1", "-o", "a.xyz"], "suffix '.xyz'"),
        (["draw", "x", "--at", "x=1", "-o", "no/a.html"], "there is no folder no"),
    ],
)
def test_what_cannot_be_done_is_one_line(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "ragged.csv": "a,b\n1,x\n2\n",
        "data.csv": "a,b\n1,x\n2,y\n",
        "one.csv": "a,b\n1,x\n2,x\n",
        "small.csv": "a,b\n1,x\n2,y\n",
    }.items():
        (tmp_path / name).write_text(text)
    nn.save(nn.MLP(1, [2], seed=0), "plain.npz")
    nn.save(nn.MLP(1, [2], seed=0), "named.npz", notes={"features": ["height"], "classes": ["x", "y"]})
    before = sorted(entry.name for entry in tmp_path.iterdir())
    assert main(*arguments) == 1
    error = capsys.readouterr().err
    assert re.fullmatch(rf"deltagrad: error: .*{message}.*\n", error), error
    assert sorted(entry.name for entry in tmp_path.iterdir()) == before


@pytest.mark.skipif(os.name == "nt", reason="the shell of Windows has no head")
def test_a_reader_that_has_seen_enough_is_no_error(tmp_path):
    line = f"{sys.executable} -m nn train iris --epochs 1 | head -n 1"
    result = subprocess.run(
        line, shell=True, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, encoding="utf-8", check=False
    )
    assert result.stderr == ""
    assert result.stdout.startswith("data ")


# --- terminal, colour, names


def in_a_terminal(arguments, cwd, **environment):
    """What a terminal shows of a command."""
    pty = pytest.importorskip("pty", reason="this system has no pseudo-terminals")
    parent, child = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "nn", *arguments], cwd=cwd, env=ENVIRONMENT | environment, stdout=child, stderr=child
    ) as process:
        os.close(child)
        shown = b""
        while True:
            try:
                part = os.read(parent, 4096)
            except OSError:  # Linux says so at the end
                break
            if not part:
                break
            shown += part
    os.close(parent)
    assert process.returncode in (0, 2)
    return shown.decode()


@pytest.mark.parametrize("arguments", [DRAW, ["drwa"]])
def test_colour_is_for_terminals_and_no_color_turns_it_off(tmp_path, arguments):
    assert "\x1b[" in in_a_terminal(arguments, tmp_path)
    assert "\x1b[" not in in_a_terminal(arguments, tmp_path, NO_COLOR="1")
    assert "\x1b[" not in in_a_terminal(arguments, tmp_path, TERM="dumb")


def test_names_that_a_terminal_cannot_show_do_no_harm(tmp_path):
    lines = ["größe,art", *(f"{k},{'rose' if k % 2 else 'öl'}" for k in range(20))]
    (tmp_path / "data.csv").write_text("\n".join(lines), encoding="utf-8")
    plain = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    assert run("train", "data.csv", "--epochs", "1", cwd=tmp_path, **plain).returncode == 0
    result = run("predict", "model.npz", "data.csv", cwd=tmp_path, **plain)
    assert (result.returncode, result.stderr) == (0, "")
    assert r"p(\xf6l)" in result.stdout


def test_the_installed_script_is_called_by_its_name(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["/somewhere/deltagrad"])
    assert main() == 0
    assert "\n  deltagrad digits\n" in capsys.readouterr().out
    import tomllib

    with open(os.path.join(ROOT, "pyproject.toml"), "rb") as file:
        assert tomllib.load(file)["project"]["scripts"]["deltagrad"] == "nn.__main__:main"


# --- assignments and derivations


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("x", "an assignment looks like w=0.5, got 'x'"),
        ("1=2", "an assignment looks like w=0.5, got '1=2'"),
        ("x=", "x needs a finite number, got ''"),
        ("x=one", "x needs a finite number, got 'one'"),
        ("x=nan", "x needs a finite number, got 'nan'"),
        ("x=1e999", "x needs a finite number, got '1e999'"),
    ],
)
def test_wrong_assignments_are_one_line(capsys, assignment, message):
    assert main("draw", "x", "--at", assignment) == 1
    assert message in capsys.readouterr().err


def test_a_variable_that_is_given_twice_is_an_error(capsys):
    assert main("draw", "x", "--at", "x=1", "x=2") == 1
    assert "x is given twice" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "  δ² = (a² − t) ⊙ σ′(z²)\n"),
        (["--loss", "binary_cross_entropy", "--notation", "theta"], "  δ⁽³⁾ = a⁽³⁾ − y\n"),
        (["--latex"], r"\delta^{2} &="),
        (["--numpy"], "    delta1 = "),
    ],
)
def test_derive_prints_equations_latex_or_a_module(arguments, expected, tmp_path):
    result = at_once("derive", "3-4-2", *arguments, cwd=tmp_path)
    if not arguments or "--notation" in arguments:
        require_plain(result)
    assert (result.returncode, result.stderr) == (0, "")
    assert expected in result.stdout
