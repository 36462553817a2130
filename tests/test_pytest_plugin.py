"""The plugin for pytest fails where a backward pass is wrong, with the referee's text and nothing else."""

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

RIGHT = """
MODEL = __import__("nn").MLP(2, [1], seed=0)

def my_backprop(weights, biases, X, T):
    delta = X @ weights[0].T + biases[0] - T
    return [delta.T @ X / len(X)], [delta.mean(axis=0)]
"""
WRONG = RIGHT.replace(" / len(X)", "")

FIXTURE = """
import nn
from backprop import MODEL, my_backprop

def test_mine(check_backprop):
    report = check_backprop(my_backprop, MODEL, [[1, 2], [3, 4], [5, 7]], [[1], [0], [1]], "half_squared_error")
    assert report.ok
"""


def run(folder, *arguments):
    installed = any(point.name == "deltagrad" for point in importlib.metadata.entry_points(group="pytest11"))
    plugin = [] if installed else ["-p", "nn.commands.pytest_plugin"]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *plugin, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize(("text", "code", "count"), [(RIGHT, 0, "1 passed"), (WRONG, 1, "1 failed")])
def test_the_option_checks_a_file(tmp_path, text, code, count):
    (tmp_path / "mine.py").write_text(text)
    result = run(tmp_path, "--check-backprop", "mine.py")
    assert (result.returncode, count in result.stdout) == (code, True), result.stdout
    if code:
        assert "the division by the N examples is missing" in " ".join(result.stdout.split())
        assert "Traceback" not in result.stdout
        assert "runtest" not in result.stdout


def test_the_option_may_be_repeated_and_a_file_that_cannot_be_checked_is_a_failure_of_one_line(tmp_path):
    (tmp_path / "mine.py").write_text(RIGHT)
    (tmp_path / "none.py").write_text("x = 1\n")
    result = run(tmp_path, "--check-backprop", "mine.py", "--check-backprop", "none.py")
    assert result.returncode == 1
    assert "1 failed, 1 passed" in result.stdout
    assert "none.py must define a function my_backprop(weights, biases, X, T)" in result.stdout


@pytest.mark.parametrize(("text", "code"), [(RIGHT, 0), (WRONG, 1)])
def test_the_fixture_fails_with_the_report(tmp_path, text, code):
    (tmp_path / "backprop.py").write_text(text)
    (tmp_path / "test_mine.py").write_text(FIXTURE)
    result = run(tmp_path)
    assert result.returncode == code, result.stdout
    if code:
        assert "the division by the N examples is missing" in " ".join(result.stdout.split())
        assert "def test_mine" not in result.stdout
