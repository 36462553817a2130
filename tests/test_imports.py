"""Who may import whom."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("autograd", "nn", "viz")
ENGINE_ORDER = ("op", "ops", "reverse", "value")
FILES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def imported(path):
    """The modules of this project that a file imports at run time, as dotted names."""
    package = path.parent.relative_to(ROOT).parts
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else ()
            module = ".".join((*base, *([node.module] if node.module else [])))
            found |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] in PACKAGES}


def relative(path):
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_packages_import_only_those_below_them(path):
    packages = {name.split(".")[0] for name in imported(path)}
    allowed = {"autograd": {"autograd"}, "nn": {"autograd", "nn"}, "viz": {"autograd", "viz"}}[
        relative(path).split("/")[0]
    ]
    if relative(path) in ("viz/network.py", "viz/plots.py"):
        allowed = allowed | {"nn"}
    if relative(path) == "nn/__main__.py":
        allowed = set(PACKAGES)
    assert packages <= allowed


@pytest.mark.parametrize("path", [p for p in FILES if relative(p).startswith("autograd/")], ids=relative)
def test_the_engine_is_built_in_one_order(path):
    module = path.stem
    rank = (
        ENGINE_ORDER.index(module) if module in ENGINE_ORDER and path.parent.name == "autograd" else len(ENGINE_ORDER)
    )
    for name in imported(path):
        parts = name.split(".")
        if len(parts) > 1 and parts[1] in ENGINE_ORDER and rank < len(ENGINE_ORDER):
            assert ENGINE_ORDER.index(parts[1]) < rank


def test_the_closed_form_is_independent_of_the_engine():
    source = (ROOT / "nn" / "closed_form.py").read_text(encoding="utf-8")
    modules = {
        alias.name if isinstance(node, ast.Import) else node.module
        for node in ast.walk(ast.parse(source))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
    assert "numpy" in modules
    assert not {module.split(".")[0] for module in modules} - {
        "numpy",
        "__future__",
        "collections",
        "dataclasses",
        "typing",
        "math",
    }


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_no_module_is_a_drawer_for_odds_and_ends(path):
    assert path.stem not in {"utils", "helpers", "common", "misc"}
