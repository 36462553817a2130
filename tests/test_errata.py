"""The list of errata names tests that exist."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SECTIONS = (ROOT / "docs" / "errata.md").read_text(encoding="utf-8").split("\n## ")[1:]


def rows(section):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"][
        2:
    ]


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.splitlines()[0])
def test_every_row_is_notation_or_names_a_test_of_its_document(section):
    (path,) = re.findall(r"^Tests in `(.+)`\.$", section, re.MULTILINE)
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    tests = {f"`{node.name}`" for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert rows(section)
    for place, printed, right, shown_by in rows(section):
        assert place
        assert printed != right
        assert shown_by == "notation" or shown_by in tests, shown_by


def test_all_five_documents_and_the_worked_examples_are_listed():
    assert len(SECTIONS) == 6
