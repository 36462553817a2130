"""The notebooks are made from their scripts, and hold what they show when they run."""

import json
from pathlib import Path

import pytest

from tests.scripts import script

EXAMPLES = Path(__file__).parents[1] / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))
PROMISED = {
    "check_your_backprop": ["The factor σ′(z¹) is missing."],
    "in_a_notebook": ["<table", "<svg", "begin{align*}", "polyline", "2 first derivatives: 2 right"],
    "explorer": ["iframe"],
}

pytestmark = [
    pytest.mark.slow,
    # of the notebook machinery itself
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::RuntimeWarning"),
]


def make_notebooks():
    for package in ("jupytext", "nbclient", "ipykernel", "nbformat"):
        pytest.importorskip(package, reason=f"{package}, of the extra notebooks, is not installed")
    return script("examples/make_notebooks.py")


def cells_of(path):
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def text_in(cells):
    """What the cells print, and the plain text of what they show; pictures are numbered as they are shown."""
    shown = [output for cell in cells for output in cell.get("outputs", [])]
    texts = [output.get("text") or output.get("data", {}).get("text/plain") for output in shown]
    return "".join("".join(text) if isinstance(text, list) else text for text in texts if text)


def test_there_is_one_for_each_name():
    assert {path.stem for path in NOTEBOOKS} == set(PROMISED) == set(make_notebooks().NAMES)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_holds_what_its_script_holds(path):
    """After a change to the script: run `python examples/make_notebooks.py`."""
    made = make_notebooks().notebook(path.stem).cells
    there = [(cell["cell_type"], "".join(cell["source"])) for cell in cells_of(path)]
    assert [(cell.cell_type, cell.source) for cell in made] == there


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_holds_what_it_shows_when_it_runs(path, tmp_path, monkeypatch):
    """After a change to what is shown: run `python examples/make_notebooks.py`, and look at it."""
    made = make_notebooks()
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    there = cells_of(path)
    for promise in PROMISED[path.stem]:
        assert promise in json.dumps([cell.get("outputs") for cell in there], ensure_ascii=False)
    assert text_in(made.run(made.notebook(path.stem)).cells) == text_in(there)
