"""Who may import whom."""

import ast
import functools
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("autograd", "nn", "viz")
BELOW = {"autograd": {"autograd"}, "nn": {"autograd", "nn"}, "viz": {"autograd", "viz"}}
ENGINE_ORDER = (
    *("printable", "op", "graph", "ops", "shared_weights", "symbolic", "wide"),
    *("careful", "reverse", "habits", "notebook", "value"),
)
FILES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


@functools.cache
def statements(path):
    """The statements of a file that import."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]


def imported(path):
    """The modules of this project that a file imports at run time, as dotted names."""
    package = path.parent.relative_to(ROOT).parts
    found = set()
    for node in statements(path):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        else:
            base = package[: len(package) + 1 - node.level] if node.level else ()
            module = ".".join((*base, *([node.module] if node.module else [])))
            found |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] in PACKAGES}


def relative(path):
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_a_file_imports_what_is_below_it(path):
    """Other packages in their order by absolute names, its own by relative ones; the command line is on top."""
    package = relative(path).split("/")[0]
    command_line = relative(path) == "nn/__main__.py" or relative(path).startswith("nn/commands/")
    allowed = set(PACKAGES) if command_line else BELOW[package]
    if relative(path) in ("viz/network.py", "viz/notebook.py", "viz/plots.py"):
        allowed = allowed | {"nn"}
    found = imported(path)
    assert {name.split(".")[0] for name in found} <= allowed
    assert command_line or not {name for name in found if name.startswith(("nn.commands", "nn.__main__"))}
    absolute = [node.module for node in statements(path) if isinstance(node, ast.ImportFrom) and not node.level]
    assert [name for name in absolute if name.split(".")[0] == package] == []
    assert path.stem not in {"utils", "helpers", "common", "misc"}  # drawers for odds and ends


@pytest.mark.parametrize("name", ENGINE_ORDER)
def test_the_engine_is_built_in_one_order(name):
    below = {other.split(".")[1] for other in imported(ROOT / "autograd" / f"{name}.py") if "." in other}
    assert below <= set(ENGINE_ORDER[: ENGINE_ORDER.index(name)])


def module(path):
    return relative(path)[:-3].replace("/", ".").removesuffix(".__init__")


def modules_imported(path):
    """The modules that a file imports, also those that it imports for type annotations only."""
    found = imported(path) & {module(other) for other in FILES}
    return {name for name in found if not any(each.startswith(f"{name}.") for each in found)}


def in_circles(below):
    """The nodes of a graph that are in circles or lead to them."""
    left = {node: set(others) & set(below) for node, others in below.items()}
    while ends := [node for node, others in left.items() if not others]:
        left = {node: others - set(ends) for node, others in left.items() if node not in ends}
    return sorted(left)


@pytest.mark.parametrize("package", ["autograd/lift", "nn", "viz"])
def test_no_modules_import_each_other_in_a_circle(package):
    below = {module(path): modules_imported(path) for path in FILES if relative(path).startswith(package)}
    assert in_circles(below) == []


def test_the_folders_of_the_lift_do_not_import_each_other_in_a_circle():
    def folder(name):
        own = name.split(".")[2:3]
        return own[0] if own and (ROOT / "autograd" / "lift" / own[0]).is_dir() else "the lift itself"

    below = {}
    for path in (path for path in FILES if relative(path).startswith("autograd/lift/")):
        found = {folder(name) for name in modules_imported(path) if name.startswith("autograd.lift.")}
        below.setdefault(folder(module(path)), set()).update(found)
    assert len(below) > 5
    assert in_circles({name: found - {name} for name, found in below.items()}) == []


def test_circles_are_found():
    assert in_circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"e"}, "e": set()}) == ["a", "b", "c"]


def test_the_closed_form_is_independent_of_the_engine():
    path = ROOT / "nn" / "closed_form.py"
    modules = set()
    for node in statements(path):
        if isinstance(node, ast.Import):
            modules |= {alias.name.split(".")[0] for alias in node.names}
        else:
            assert node.level == 0
            modules.add(str(node.module).split(".")[0])
    assert {module for module in modules if module not in sys.stdlib_module_names} == {"numpy"}


@pytest.mark.parametrize(
    ("statement", "unused"),
    [
        ("import autograd", ["autograd.lift.program", "nn", "viz"]),
        ("import nn", ["autograd.lift.program", "nn.referee", "viz", "sklearn", "scipy", "onnx", "tqdm"]),
        ("import viz", ["autograd.lift.program", "nn.referee", "viz.explorer", "matplotlib"]),
        (
            "from nn.__main__ import main; main(['draw', 'x*3', '--at', 'x=2'])",
            ["autograd.lift.program", "nn.referee", "nn.commands.digits"],
        ),
    ],
)
def test_what_is_not_asked_for_is_not_imported(statement, unused):
    loaded = "import sys; print(*sys.modules, file=sys.stderr)"
    ran = subprocess.run(
        [sys.executable, "-c", f"{statement}; {loaded}"], cwd=ROOT, capture_output=True, encoding="utf-8", check=True
    )
    assert not set(unused) & set(ran.stderr.split())


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_can_be_had(package):
    module = importlib.import_module(package)
    assert {name: getattr(module, name) for name in module.__all__}.keys() == set(module.__all__)
    assert set(module.__all__) <= set(dir(module))
