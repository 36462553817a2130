"""The plugin for pytest fails where a backward pass is wrong, with the referee's text and nothing else."""

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

RIGHT = """
MODEL = __import__("nn").MLP(2, [1], seed=0)

def my_backprop(weights, biases, X, T):
    delta = X @ weights[0].T + biases[0] - T
    return [delta.T @ X / len(X)], [delta.mean(axis=0)]
"""
WRONG = RIGHT.replace(" / len(X)", "")

FIXTURE = """
import pytest
import right, wrong

@pytest.mark.parametrize("mine", [right, wrong])
def test_mine(check_backprop, mine):
    X, T = [[1, 2], [3, 4], [5, 7]], [[1], [0], [1]]
    assert check_backprop(mine.my_backprop, mine.MODEL, X, T, "half_squared_error").ok
"""


def run(folder, *arguments):
    installed = any(point.name == "deltagrad" for point in importlib.metadata.entry_points(group="pytest11"))
    plugin = [] if installed else ["-p", "nn.commands.pytest_plugin"]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *plugin, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def require_one_verdict_each(result, wrong):
    assert result.returncode == 1
    assert f"{wrong} failed, 1 passed" in result.stdout, result.stdout
    assert "the division by the N examples is missing" in " ".join(result.stdout.split())
    assert "Traceback" not in result.stdout


def test_the_option_checks_files_and_one_that_cannot_be_checked_is_a_failure_of_one_line(tmp_path):
    options = []
    for name, text in {"right": RIGHT, "wrong": WRONG, "none": "x = 1\n"}.items():
        (tmp_path / f"{name}.py").write_text(text)
        options += ["--check-backprop", f"{name}.py"]
    result = run(tmp_path, *options)
    require_one_verdict_each(result, 2)
    assert "runtest" not in result.stdout
    assert "none.py must define a function my_backprop(weights, biases, X, T)" in result.stdout


def test_the_fixture_fails_with_the_report(tmp_path):
    for name, text in {"right": RIGHT, "wrong": WRONG, "test_mine": FIXTURE}.items():
        (tmp_path / f"{name}.py").write_text(text)
    result = run(tmp_path)
    require_one_verdict_each(result, 1)
    assert "def test_mine" not in result.stdout
