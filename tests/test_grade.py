"""Marks are for right arrays, and nothing else that a submission does gives any."""

import json
import re
import time
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import nn
from nn.__main__ import main
from nn.grading import Assignment, graded, page
from nn.grading.process import Limits, submitted

RIGHT = """
import numpy as np

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def my_backprop(weights, biases, X, T):
    a = [X]
    for W, b in zip(weights, biases):
        a.append(sigmoid(a[-1] @ W.T + b))
    delta = (a[-1] - T) * a[-1] * (1 - a[-1])
    dW, db = [], []
    for l in range(len(weights) - 1, -1, -1):
        dW.insert(0, delta.T @ a[l] / len(X))
        db.insert(0, delta.mean(axis=0))
        if l:
            delta = (delta @ weights[l]) * a[l] * (1 - a[l])
    return dW, db
"""

ZEROS = """
def my_backprop(weights, biases, X, T):
    return [0 * W for W in weights], [0 * b for b in biases]
"""

CHEATS = {
    "ends at once": "import os\nos._exit(0)",
    "ends when called": "import os\ndef my_backprop(*_):\n    os._exit(0)",
    "raises SystemExit": "raise SystemExit(0)",
    "leaves its work to the end": "import atexit, os\natexit.register(lambda: os._exit(0))" + ZEROS,
    "runs forever": "while True:\n    pass",
    "runs forever when called": "def my_backprop(*_):\n    while True:\n        pass",
    "ignores signals and sleeps": "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(1e6)",
    "patches the report": "try:\n    import nn\n    nn.Report.ok = True\nexcept ImportError:\n    pass" + ZEROS,
    "patches NumPy": "import numpy as np\nnp.allclose = lambda *a, **k: True\nnp.abs = lambda x: 0 * x\n" + ZEROS,
    "patches its own worker": "import sys\nsys.modules['__main__']._arguments = lambda *a: []" + ZEROS,
    "equals everything": """
import numpy as np
class Same(np.ndarray):
    def __eq__(self, other): return np.ones(self.shape, bool)
    def __sub__(self, other): return np.zeros(self.shape)
def my_backprop(weights, biases, X, T):
    return [np.zeros(W.shape).view(Same) for W in weights], [np.zeros(b.shape).view(Same) for b in biases]
""",
    "gives NaN": """
def my_backprop(weights, biases, X, T):
    return [W * float('nan') for W in weights], [b * float('nan') for b in biases]
""",
    "gives wrong shapes": "def my_backprop(weights, *_):\n    return [0.0] * len(weights), [0.0] * len(weights)",
    "gives too few": "def my_backprop(weights, biases, X, T):\n    return [], []",
    "gives text": "def my_backprop(weights, *_):\n    return ['right'] * len(weights), ['right'] * len(weights)",
    "has no function": "x = 1",
    "is no Python": "def my_backprop(:",
    "writes an answer of its own": """
import os
for descriptor in range(3, 20):
    try:
        os.write(descriptor, b'\\0' * 8 + b'{"ok": true, "batches": [[], [], []]}')
    except OSError:
        pass
os._exit(0)
""",
    "floods the pipe": """
import os
def my_backprop(*_):
    while True:
        for descriptor in range(3, 20):
            try:
                os.write(descriptor, b'x' * 2**20)
            except OSError:
                pass
""",
    "nests its header": """
import os, struct
text = b'[' * 100000
for descriptor in range(3, 20):
    try:
        os.write(descriptor, struct.pack('<Q', len(text)) + text)
    except OSError:
        pass
os._exit(0)
""",
    "takes all memory": "x = bytearray(2**40)",
}


def mark(tmp_path, text, *, seconds=20.0, assignment=None, **limits):
    path = tmp_path / "submission.py"
    path.write_text(text, encoding="utf-8")
    assignment = assignment or Assignment.from_file(None, "my_backprop")
    return graded(path, "submission.py", assignment, seed=7, limits=Limits(seconds, **limits))


def test_what_is_right_gets_all_marks(tmp_path):
    given = mark(tmp_path, RIGHT)
    assert (given.right, given.total, given.share, given.finding) == (6, 6, 1.0, "all arrays are right")


@pytest.mark.parametrize("name", CHEATS)
def test_nothing_but_right_arrays_gives_marks(tmp_path, name):
    given = mark(tmp_path, CHEATS[name], seconds=0.8 if re.search(r"while|sleep", CHEATS[name]) else 20.0)
    assert given.right == 0
    assert given.finding != "all arrays are right"


@pytest.mark.parametrize("name", ["atexit", "print", "thread", "nan elsewhere"])
def test_what_does_no_harm_costs_nothing(tmp_path, name):
    extra = {
        "atexit": "import atexit\natexit.register(lambda: 1 / 0)\n",
        "print": "print('x' * 10**6)\nimport sys\nsys.stderr.write('y' * 10**6)\n",
        "thread": "import threading, time\nthreading.Thread(target=time.sleep, args=(100,)).start()\n",
        "nan elsewhere": "import numpy as np\nnp.seterr(all='raise')\n",
    }[name]
    assert mark(tmp_path, extra + RIGHT).right == 6


def test_a_mistake_costs_the_arrays_that_it_makes_wrong_and_is_named(tmp_path):
    given = mark(tmp_path, RIGHT.replace("delta.T @ a[l] / len(X)", "delta.T @ a[l]"))
    assert (given.right, given.total) == (3, 6)
    assert "the division by the 5 examples of the batch is missing" in given.finding
    assert "∂C/∂W" in given.text


def test_a_mean_that_only_one_example_hides_is_seen(tmp_path):
    given = mark(tmp_path, RIGHT.replace("delta.mean(axis=0)", "delta[0]").replace("/ len(X)", ""))
    assert given.right == 0


@pytest.mark.parametrize("module", ["nn", "autograd", "viz"])
def test_a_submission_does_without_the_packages_that_know_the_answer(tmp_path, module):
    given = mark(tmp_path, f"import {module}\n" + RIGHT)
    assert given.right == 0
    assert given.finding == f"line 1: ModuleNotFoundError: a submission is graded without {module}"


def test_the_installed_packages_are_not_on_its_path(tmp_path):
    text = "import sys\nsys.meta_path.pop(0)\nimport nn\n" + RIGHT
    assert "No module named 'nn'" in mark(tmp_path, text).finding


def test_an_error_says_its_line(tmp_path):
    text = RIGHT.replace("    a = [X]", "    a = [X]\n    1 / 0")
    assert mark(tmp_path, text).finding == "line 9: ZeroDivisionError: division by zero"
    assert mark(tmp_path, "x = (\n").finding.startswith("line 1: SyntaxError")


def test_time_and_memory_are_bounded(tmp_path):
    begin = time.perf_counter()
    assert mark(tmp_path, CHEATS["runs forever"], seconds=1.0).finding == "it took longer than 1 s"
    assert time.perf_counter() - begin < 15.0
    given = mark(tmp_path, "x = [bytearray(2**20) for _ in range(4000)]\n" + RIGHT, megabytes=1024)
    assert "MemoryError" in given.finding


def test_a_child_of_a_submission_does_not_outlive_it(tmp_path):
    pid = tmp_path / "pid"
    text = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(1000)'])
open({str(pid)!r}, 'w').write(str(child.pid))
"""
    mark(tmp_path, text + RIGHT, seconds=5.0)
    status = Path(f"/proc/{pid.read_text()}/stat")
    if not Path("/proc/self/stat").exists():
        pytest.skip("this system has no /proc to look for the child in")
    for _ in range(50):
        if not status.exists() or status.read_text().split(")")[-1].split()[0] == "Z":
            return
        time.sleep(0.1)
    pytest.fail("the child still runs")


def test_an_answer_has_the_precision_that_it_was_computed_in(tmp_path):
    path = tmp_path / "single.py"
    path.write_text(RIGHT.replace("return dW, db", "return [a.astype('float32') for a in dW], db"))
    assignment = Assignment.from_file(None, "my_backprop")
    trial = next(iter(assignment.trials(0)))
    with submitted(path, "my_backprop", Limits()) as function:
        dW, _ = function(list(trial.model.weights), list(trial.model.biases), trial.X, trial.T)
    assert {array.dtype for array in dW} == {np.dtype("float32")}
    assert graded(path, "single", assignment, seed=0, limits=Limits()).right == 6


def test_an_assignment_says_network_loss_penalty_and_layout(tmp_path):
    task = tmp_path / "task.py"
    task.write_text(
        "import nn\nMODEL = nn.MLP(2, [3, 2], activation='tanh')\n"
        "LOSS = 'cross_entropy'\nL2 = 0.1\nLAYOUT = 'columns'\n"
    )
    text = """
import numpy as np
def my_backprop(weights, biases, X, T):
    (W1, W2), (b1, b2), N = weights, biases, X.shape[1]
    a1 = np.tanh(W1 @ X + b1)
    e = np.exp(W2 @ a1 + b2)
    d2 = e / e.sum(axis=0) - T
    d1 = (W2.T @ d2) * (1 - a1 ** 2)
    return ([d1 @ X.T / N + 0.1 * W1, d2 @ a1.T / N + 0.1 * W2],
            [d.mean(axis=1, keepdims=True) for d in (d1, d2)])
"""
    assignment = Assignment.from_file(task, "my_backprop")
    assert mark(tmp_path, text, assignment=assignment).right == 4
    assert mark(tmp_path, text.replace("+ 0.1 * W1", ""), assignment=assignment).right == 3


def test_what_is_hidden_depends_on_the_seed():
    assignment = Assignment.from_file(None, "my_backprop")
    first, again, other = (next(iter(assignment.trials(seed))) for seed in (1, 1, 2))
    assert np.array_equal(first.X, again.X)
    assert not np.array_equal(first.X, other.X)
    assert not np.array_equal(first.model.weights[0], other.model.weights[0])


@pytest.fixture
def folder(tmp_path):
    homework = tmp_path / "homework"
    homework.mkdir()
    (homework / "ada.py").write_text(RIGHT)
    (homework / "bob<b>.py").write_text("import os\nos._exit(0)")
    return homework


def test_the_command_prints_a_table_and_writes_both_files(folder, tmp_path, capsys):
    files = ["--json", str(tmp_path / "m.json"), "--html", str(tmp_path / "m.html")]
    assert main(["grade", str(folder), "--seed", "3", *files]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^ada\.py +6/6  all arrays are right$", printed, re.MULTILINE)
    assert re.search(r"^bob<b>\.py +0/6  it gave no answer: its process ended with code 0", printed, re.MULTILINE)
    result = json.loads((tmp_path / "m.json").read_text(encoding="utf-8"))
    assert result["seed"] == 3
    assert [(m["name"], m["right"], m["total"], m["share"]) for m in result["marks"]] == [
        ("ada.py", 6, 6, 1.0),
        ("bob<b>.py", 0, 6, 0.0),
    ]
    shown = (tmp_path / "m.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in shown
    assert "<b>.py" not in shown
    assert "ada.py" in shown


def test_a_page_is_well_formed(tmp_path):
    text = page([mark(tmp_path, RIGHT), mark(tmp_path, "raise ValueError('<i>')")], "A & B")
    body = re.search(r"<body>(.*)</body>", text, re.DOTALL)[1]
    assert len(list(ElementTree.fromstring(f"<div>{body}</div>").iter("tr"))) == 3


def test_what_cannot_be_graded_is_one_line(tmp_path, capsys):
    for arguments, message in (
        ([str(tmp_path / "none")], "there is no folder"),
        ([str(tmp_path)], "no file in"),
    ):
        assert main(["grade", *arguments]) == 1
        assert message in capsys.readouterr().err
    (tmp_path / "x.py").write_text("")
    assert main(["grade", str(tmp_path), "--json", str(tmp_path / "no" / "m.json")]) == 1
    assert "there is no folder" in capsys.readouterr().err


def test_the_reference_is_that_of_the_closed_form(tmp_path):
    """The marks of right arrays do not come from the submission's own formulas: the closed form gets them too."""
    trial = next(iter(Assignment.from_file(None, "my_backprop").trials(7)))
    formula = nn.closed_form.backprop(
        trial.model.weights, trial.model.biases, trial.X, trial.T, activations="sigmoid", loss="half_squared_error"
    )
    names = {}
    exec(RIGHT, names)
    dW, _ = names["my_backprop"](list(trial.model.weights), list(trial.model.biases), trial.X, trial.T)
    for mine, theirs in zip(dW, formula.dW, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12)
    assert mark(tmp_path, RIGHT).right == 6
