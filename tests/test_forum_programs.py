"""Programs are taken as people write them: by the names of their arguments, as methods, in steps."""

import numpy as np
import pytest

from nn import MLP, check_backprop
from nn.commands.file_report import report_on
from tests.forum_programs import HEAD, PROGRAMS

LOSS = "half_squared_error"


@pytest.fixture
def report(tmp_path):
    def judged(text, function, time_limit=0.0):
        path = tmp_path / "mine.py"
        path.write_text(HEAD + text, encoding="utf-8")
        return report_on(path, function, 0, time_limit)

    return judged


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_is_taken_as_it_is_written(report, name):
    function, text, (line, wrong) = PROGRAMS[name]
    right = report(text, function)
    assert right.ok, str(right)
    assert right.understood.startswith("Read as: ")
    assert not report(text.replace(line, wrong), function).ok


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_wrong_line_of_a_program_is_found(report, name):
    function, text, (line, wrong) = PROGRAMS[name]
    text = text.replace(line, wrong)
    found = report(text, function, 10.0)
    at = (HEAD + text).splitlines().index(next(row for row in (HEAD + text).splitlines() if row.strip() == wrong)) + 1
    assert [correction.line for correction in found.corrections] == [at], str(found)


def test_a_rate_among_the_arguments_does_not_make_gradients_a_step():
    def backward(X, y, W1, b1, W2, b2, lr=0.01):  # noqa: ARG001  # taken and left alone
        hidden = np.tanh(X @ W1.T + b1)
        delta = (hidden @ W2.T + b2 - y) / len(X)
        below = delta @ W2 * (1 - hidden**2)
        return below.T @ X, below.sum(axis=0), delta.T @ hidden, delta.sum(axis=0)

    model, rng = MLP(3, [4, 2], seed=0), np.random.default_rng(0)
    report = check_backprop(backward, model, rng.normal(size=(5, 3)), rng.normal(size=(5, 2)), LOSS)
    assert report.ok, str(report)
    assert "step" not in report.understood


def test_arguments_that_tell_nothing_are_answered_with_what_to_write():
    model, X, T = MLP(3, [4, 2], seed=0), np.ones((5, 3)), np.ones((5, 2))
    with pytest.raises(TypeError, match=r"do not tell what 'cache' stands for.*check_backprop\(lambda weights, biases"):
        check_backprop(lambda parameters, cache, X, Y: None, model, X, T, LOSS)
    with pytest.raises(TypeError, match=r"do not tell weights, X and T"):
        check_backprop(lambda X, y: None, model, X, T, LOSS)
