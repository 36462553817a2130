"""The Python blocks of a page that needs an extra, which the test of that extra runs."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def run_python_blocks(page, section=None):
    """Run the blocks of a page from top to bottom; they share their names, which are returned.

    With a section only those under its heading, and those above all sections.
    """
    names = {}
    text = (DOCS / page).read_text(encoding="utf-8")
    if section is not None:
        first, *sections = re.split(r"^## ", text, flags=re.M)
        text = first + "".join(part for part in sections if part.startswith(f"{section}\n"))
    for block in re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S):
        exec(compile(block, page, "exec"), names)
    return names
