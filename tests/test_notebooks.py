"""The notebooks are made from their scripts, and run."""

import json
from pathlib import Path

import pytest

from tests.scripts import script

EXAMPLES = Path(__file__).parents[1] / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))

pytestmark = pytest.mark.slow


def test_there_are_two_without_outputs():
    assert [path.stem for path in NOTEBOOKS] == ["check_your_backprop", "explorer"]
    for path in NOTEBOOKS:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        assert [cell["source"] for cell in cells if cell.get("outputs") or cell.get("execution_count")] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_holds_what_its_script_holds(path):
    """After a change to the script: run `python examples/make_notebooks.py`."""
    pytest.importorskip("jupytext", reason="jupytext, which makes the notebooks, is not installed")
    make_notebooks = script("examples/make_notebooks.py")
    made, there = (json.loads(text)["cells"] for text in (make_notebooks.notebook(path.stem), path.read_text("utf-8")))
    assert [(cell["cell_type"], cell["source"]) for cell in made] == [(c["cell_type"], c["source"]) for c in there]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("name", "promised"), [("check_your_backprop", "The factor σ′(z¹) is missing."), ("explorer", "iframe")]
)
def test_a_notebook_runs_and_shows_what_it_promises(name, promised, tmp_path, monkeypatch):
    """The warnings left out are those of the notebook machinery itself."""
    nbclient = pytest.importorskip("nbclient", reason="nbclient, which runs notebooks, is not installed")
    pytest.importorskip("ipykernel", reason="ipykernel, which runs notebooks, is not installed")
    nbformat = pytest.importorskip("nbformat")
    monkeypatch.setenv("PYTHONPATH", str(EXAMPLES.parent))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    notebook = nbformat.read(EXAMPLES / f"{name}.ipynb", as_version=4)
    nbclient.NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    ).execute()
    assert promised in json.dumps([cell.get("outputs") for cell in notebook.cells], ensure_ascii=False)
