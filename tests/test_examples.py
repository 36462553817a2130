"""The scripts in examples/ run from anywhere, without a warning, and print what they promise."""

import functools
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"

QUICK = {
    "xor": ((), ["-1 xor -1  →  -0.9", "-1 xor  1  →  +0.9", " 1 xor -1  →  +0.9", " 1 xor  1  →  -0.9"]),
    "check_your_backprop": ((), ["The factor σ′(z¹) is missing.", "This makes δ¹, ∂C/∂W¹ and ∂C/∂b¹ right."]),
    "derive_equations": ((), ["δ¹ = (δa² + (W²)ᵀδ) ⊙ tanh′(z¹)", "weights = softmax(U)", "δkeys = δUᵀ queries"]),
    # sinh(ln 2) = 3/4 and cosh(ln 2) = 5/4: arctan(3/4), and the derivatives 1/cosh = 0.8 and −sinh/cosh² = −0.48.
    "own_operation": ((), ["gudermannian(log 2) = 0.643501, derivative 0.800000", "-0.480000", "1 right"]),
    "in_a_notebook": ((), ["the loss of all examples: 0.", "∂C/∂w = −8", "2 first derivatives: 2 right"]),
    "newton": ((), ["at (1.000000, 1.000000)"]),
    "explorer": ((), ["loss = ", "wrote explorer.html", "wrote backward.svg"]),
}
SLOW = {
    "microgpt": (
        ("3",),
        [
            "578 names, 578 of them in 22 batches",
            "compiled: loss apart from the eager one by",
            "epoch 3: loss 2.4",
            "a new name: ",
        ],
    ),
    "moons": ((), ["step 99 loss 0.01", "accuracy 100%", "compiled: loss 0.01"]),
    "digits": ((), ["epoch 3: loss 0.", "validation digits read correctly: 9"]),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """What an example prints, and the folder that it worked in; each is run once for the tests of this module."""

    @functools.cache
    def of(name, arguments):
        folder = tmp_path_factory.mktemp(name)
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PYTHONIOENCODING": "utf-8",
        }
        done = subprocess.run(
            [sys.executable, "-W", "error", str(EXAMPLES / f"{name}.py"), *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout, folder

    return of


@pytest.mark.parametrize("name", QUICK)
def test_a_quick_example_prints_what_it_promises(name, run):
    arguments, promised = QUICK[name]
    printed, _ = run(name, arguments)
    assert [line for line in promised if line not in printed] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW)
def test_a_long_example_prints_what_it_promises(name, run):
    arguments, promised = SLOW[name]
    printed, _ = run(name, arguments)
    assert [line for line in promised if line not in printed] == []


def test_the_compiled_moons_demo_trains_as_the_eager_one(run):
    printed, _ = run("moons", ("3",))
    assert all(part in printed for part in ("number of parameters 337", "at first: loss ", "step 1 loss"))
    assert float(printed.splitlines()[-1].split("by ")[1]) < 1e-12  # rounding: the sums are taken in another order


def test_the_explorer_example_leaves_a_page_and_a_picture(run):
    _, folder = run("explorer", ())
    assert "<svg" in (folder / "explorer.html").read_text(encoding="utf-8")
    assert (folder / "backward.svg").read_text(encoding="utf-8").rstrip().endswith("</svg>")


def test_every_example_is_run():
    scripts = {path.stem for path in EXAMPLES.glob("*.py")} - {"make_notebooks"}  # that one: test_notebooks.py
    assert scripts == set(QUICK) | set(SLOW)
