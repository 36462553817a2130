"""Write the notebooks from their scripts, without outputs: python examples/make_notebooks.py (needs jupytext)."""

from pathlib import Path

import jupytext

HERE = Path(__file__).parent
NAMES = ("check_your_backprop", "explorer")


def notebook(name: str) -> str:
    """Return the notebook of a script, the same bytes for the same script: its docstring is the heading."""
    made = jupytext.read(HERE / f"{name}.py", fmt="py:light")
    made.cells[0].cell_type = "markdown"
    made.cells[0].source = "# " + made.cells[0].source.strip('"')
    made.cells[0].pop("outputs", None)
    made.cells[0].pop("execution_count", None)
    for number, cell in enumerate(made.cells, start=1):
        cell["id"] = f"cell-{number}"
    made.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return jupytext.writes(made, fmt="ipynb") + "\n"


if __name__ == "__main__":
    for name in NAMES:
        (HERE / f"{name}.ipynb").write_text(notebook(name), encoding="utf-8", newline="\n")
