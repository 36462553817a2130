"""Write the notebooks from their scripts, with what they show: python examples/make_notebooks.py.

It needs the extra `notebooks`: jupytext makes a notebook of a script, nbclient runs it.
"""

import os
import re
import tempfile
from pathlib import Path
from typing import Any

import jupytext
import nbclient
import nbformat

HERE = Path(__file__).parent
NAMES = ("check_your_backprop", "explorer", "in_a_notebook")
CELL = re.compile(r"\S*ipykernel_\d+[/\\]\d+\.py")  # the file that a kernel names for the code of a cell
NOTE = re.compile(r"  # noqa: B018.*$", re.MULTILINE)


def notebook(name: str) -> Any:
    """Return the notebook of a script, without outputs: its docstring is the heading."""
    made = jupytext.read(HERE / f"{name}.py", fmt="py:light")
    made.cells[0].cell_type = "markdown"
    made.cells[0].source = "# " + made.cells[0].source.strip('"')
    made.cells[0].pop("outputs", None)
    made.cells[0].pop("execution_count", None)
    for number, cell in enumerate(made.cells, start=1):
        cell["id"] = f"cell-{number}"
        cell.source = NOTE.sub("", cell.source)  # for those who read the script
    made.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return made


def run(made: Any) -> Any:
    """Return the notebook with what its cells show when they run in an empty folder, on the code of this checkout."""
    os.environ["PYTHONPATH"] = str(HERE.parent)
    with tempfile.TemporaryDirectory() as folder:
        client = nbclient.NotebookClient(
            made,
            timeout=300,
            kernel_name="python3",
            coalesce_streams=True,
            resources={"metadata": {"path": folder}},
        )
        ran = client.execute()
    for cell in ran.cells:
        cell.metadata.pop("execution", None)  # when it ran
        for output in cell.get("outputs", []):
            if "text" in output:
                output.text = CELL.sub("cell", output.text)
    ran.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return ran


if __name__ == "__main__":
    for name in NAMES:
        text = nbformat.writes(run(notebook(name))) + "\n"
        (HERE / f"{name}.ipynb").write_text(text, encoding="utf-8", newline="\n")
