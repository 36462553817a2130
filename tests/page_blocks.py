"""The Python blocks of a page that needs an extra, which the test of that extra runs."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def run_python_blocks(page):
    """Run the blocks of a page from top to bottom; they share their names, which are returned."""
    names = {}
    for block in re.findall(r"^```python\n(.*?)^```$", (DOCS / page).read_text(encoding="utf-8"), re.M | re.S):
        exec(compile(block, page, "exec"), names)
    return names
