"""`python -m nn check FILE` prints the referee's report and exits with 0 only if every array is right."""

import os

import pytest

from nn.__main__ import main
from tests.sampled import sampled

RIGHT = """
import numpy as np
from nn import closed_form


def my_backprop(weights, biases, X, T):
    return closed_form.backprop(weights, biases, X, T, activations="sigmoid", loss="half_squared_error")
"""

COLUMNS = """
import numpy as np
from nn import MLP

MODEL = MLP(2, [2], activation=["tanh"], seed=0)
X, T = [[0.5, -1.0], [1.0, 2.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, 0.0], [0.5, 0.5]]
LOSS, L2, LAYOUT = "mse_loss", 0.1, "columns"


def my_backprop(weights, biases, X, T):
    a = np.tanh(weights[0] @ X + biases[0])
    delta = (a - T) * (1 - a * a)
    return [delta @ X.T / X.shape[1] + 0.1 * weights[0]], [delta.mean(axis=1)], [delta]
"""


@pytest.fixture
def check(tmp_path, capsys):
    def run(text, *options):
        path = tmp_path / "my_backprop.py"
        path.write_text(text, encoding="utf-8")
        code = main(["check", str(path), *options])
        return code, capsys.readouterr()

    return run


def test_right_code_exits_with_0(check):
    code, said = check(RIGHT)
    assert code == 0
    assert "All 9 arrays are right" in said.out


@pytest.mark.parametrize("loss", ["half_squared_error", "mse_loss", "binary_cross_entropy"])
def test_targets_fit_the_loss(check, loss):
    code, _ = check(RIGHT.replace('"half_squared_error"', "LOSS") + f'\n\nLOSS = "{loss}"\n')
    assert code == 0


def test_wrong_code_is_diagnosed_and_exits_with_1(check):
    wrong = RIGHT.replace("    return ", "    right = ") + "    return [2 * dW for dW in right.dW], right.db\n"
    code, said = check(wrong)
    assert code == 1
    assert "my_backprop.py:8, in my_backprop\n    return [2 * dW for dW in right.dW], right.db\n" in said.out
    assert "    Corrected: return [dW for dW in right.dW], right.db\n" in said.out
    code, said = check(wrong, "--time-limit", "0")
    assert "∂C/∂W³ is twice as large as it should be" in said.out


def test_the_file_may_choose_model_data_loss_and_layout(check):
    code, said = check(COLUMNS)
    assert code == 0, said.out
    assert "MLP(2, [2]) with tanh, mse_loss, 3 examples, l2 = 0.1" in said.out


def test_another_function_can_be_named(check):
    code, _ = check(RIGHT.replace("my_backprop", "backward"), "--function", "backward")
    assert code == 0


@pytest.mark.parametrize(
    ("text", "message"),
    sampled(
        [
            ("x = 1\n", "must define a function my_backprop(weights, biases, X, T)"),
            ("def my_backprop(:\n", "cannot be run: SyntaxError"),
            ("import there_is_no_such_module\n", "cannot be run, line 1: ModuleNotFoundError"),
            ("def my_backprop(W, b, X, T):\n    return W[7]\n", "line 2: IndexError: list index out of range"),
            ("def my_backprop(W, b, X, T):\n    return None\n", "must return (dW, db)"),
            ("rates = {}\nrate = rates['learning']\n", "cannot be run, line 2: KeyError: 'learning'"),
            ("import numpy\nnumpy.no_such_function()\n", "line 2: AttributeError"),
            ("\n1 / 0\n", "line 2: ZeroDivisionError"),
            (RIGHT + "MODEL = 'mine'\n", "MODEL must be an nn.MLP, got one of type str"),
            (RIGHT + "MODEL = np.ones(2)\n", "MODEL must be an nn.MLP, got one of type ndarray"),
            (RIGHT + "X = [[1, 2, 3], [1]]\n", "X must be rectangular"),
            (RIGHT + "T = [[1, 2], [1]]\n", "T must be rectangular"),
        ],
        4,
    ),
)
def test_what_cannot_be_checked_is_said_in_one_line(check, text, message):
    code, said = check(text)
    assert code == 1
    assert message in said.err
    assert said.err.count("\n") == 1


def test_a_missing_file_is_said(capsys):
    assert main(["check", "there_is_no_such_file.py"]) == 1
    assert "there_is_no_such_file.py" in capsys.readouterr().err


def test_a_file_that_changed_within_a_second_is_read_anew(tmp_path):
    """Python's own cache would take the bytecode of the file as it was, if that has its size and its second."""
    verdicts = []
    for text in (COLUMNS, COLUMNS.replace("(a - T)", "(a + T)"), COLUMNS):
        path = tmp_path / "my_backprop.py"
        path.write_text(text, encoding="utf-8")
        os.utime(path, (1e9, 1e9))
        verdicts.append(main(["check", str(path), "--in-process", "--time-limit", "0"]))
    assert verdicts == [0, 1, 0]
    assert not (tmp_path / "__pycache__").exists()
