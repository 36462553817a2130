"""What the package depends on is listed with its licence and its lowest version."""

import importlib.util
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def declared():
    """Name and lowest version of every dependency, by what it is needed for."""
    project = PROJECT["project"]
    groups = {"running": project["dependencies"], "building": PROJECT["build-system"]["requires"]}
    groups |= {f"extra `{name}`": needed for name, needed in project["optional-dependencies"].items()}
    for group, requirements in groups.items():
        for requirement in requirements:
            name, lowest = re.fullmatch(r"([\w-]+)(?:\[\w+\])?(?:>=([\d.]+))?(?:,<\d+)?", requirement).groups()
            if name != PROJECT["project"]["name"]:
                yield name, group, lowest or "–"


def tables():
    """The rows of the two tables of the page: what is declared, and what that brings with it."""
    for text in (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8").split("<!-- transitive: begin -->"):
        rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
        yield [[cell.strip() for cell in row] for row in rows[2:]]


def test_every_dependency_is_listed_with_its_licence():
    rows, _ = tables()
    assert {tuple(row[:3]) for row in rows} == set(declared())
    assert all(row[4] for row in rows)


def test_what_the_dependencies_bring_with_them_is_listed_with_its_licence():
    """After new dependencies: run `python docs/make_dependencies.py` where all extras are installed."""
    spec = importlib.util.spec_from_file_location("make_dependencies", ROOT / "docs" / "make_dependencies.py")
    make_dependencies = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_dependencies)
    _, rows = tables()
    brought = make_dependencies.transitive(missing_ok=True)  # of what is installed here
    assert {"pluggy", "iniconfig", "sortedcontainers"} <= set(brought)
    assert set(brought) <= {row[0] for row in rows}
    assert all(row[3] for row in rows)


def test_the_lowest_versions_are_those_that_are_tested():
    pinned = dict(re.findall(r"^([\w-]+)==([\d.]+)$", (ROOT / ".ci" / "lowest.txt").read_text(), re.MULTILINE))
    wanted = {name: lowest for name, group, lowest in declared() if group in ("running", "extra `test`")}
    assert {name: version.removesuffix(".0") for name, version in pinned.items()} == wanted


def test_the_citation_names_this_version():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^version: (.+)$", citation, re.MULTILINE)[1] == PROJECT["project"]["version"]
    assert re.search(r"^title: (.+)$", citation, re.MULTILINE)[1] == PROJECT["project"]["name"]
