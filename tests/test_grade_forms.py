"""Submissions are taken in the forms in which `check` takes them, though they run in a process of their own."""

import re

import pytest

from nn.grading import Assignment, graded
from nn.grading.process import Limits
from tests.sampled import sampled
from tests.written_forms import FORMS

CONSTANT = re.compile(r"^(import nn|RNG|MODEL|X|LOSS|L2|ONE_BY_ONE)\b.*\n", re.MULTILINE)
OF_ONE_SIZE, OF_MORE_CONSTANTS = ["one example, summed"], ["softmax with squared error", "a leaky slope of one's own"]
SAME_FOR_ALL = [name for name in FORMS if name not in OF_ONE_SIZE + OF_MORE_CONSTANTS]


def handed_in(tmp_path, text):
    """The assignment and the submission that a file for `check` is together."""
    task = "".join(found[0] for found in CONSTANT.finditer(text))
    first = re.search(r"(1 \+ )?np\.arange\(9\)", text)
    labels = "" if first is None else f"LABELS = range({1 if first[1] else 0}, {5 if first[1] else 4})\n"
    (tmp_path / "task.py").write_text(f"import numpy as np\n{task}{labels}", encoding="utf-8")
    (tmp_path / "mine.py").write_text(CONSTANT.sub("", text), encoding="utf-8")
    return tmp_path / "task.py", tmp_path / "mine.py"


@pytest.mark.parametrize("name", sampled(SAME_FOR_ALL, 3))
def test_a_submission_is_taken_in_its_form(name, tmp_path):
    form = FORMS[name]
    for text in {form.text, form.text.replace(form.right, form.wrong)}:
        task, mine = handed_in(tmp_path, text)
        mark = graded(mine, "mine", Assignment.from_file(task, form.function), seed=1, limits=Limits(20.0))
        assert mark.total == (2 if "MLP(3, [2]" in text else 4)
        assert (mark.right == mark.total) == (text == form.text), mark
        assert mark.text, mark.finding
        assert form.said in " ".join(mark.text.split())


def test_an_option_that_is_not_known_is_said_before_anything_is_graded(tmp_path):
    for text, message in (("LAYOUT = 'x'", "layout must be"), ("L2 = 'a'", "l2"), ("REDUCE = 1", "reduce must be")):
        (tmp_path / "task.py").write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=message):
            Assignment.from_file(tmp_path / "task.py", "my_backprop")


def test_what_goes_through_no_pipe_is_refused(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("def my_backprop(weights, biases, X, T):\n    return {1, 2}\n", encoding="utf-8")
    mark = graded(path, "mine", Assignment.from_file(None, "my_backprop"), seed=1, limits=Limits())
    assert (mark.right, mark.finding) == (0, "TypeError: it must return arrays, got set")
