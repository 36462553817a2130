"""Everything public is in the reference, and says what it returns and what it raises."""

import ast
import importlib
import inspect
import re
from pathlib import Path

import pytest

import autograd
from autograd.op import PRIMITIVES

ROOT = Path(__file__).parents[1]
PUBLIC = ("autograd", "nn", "nn.closed_form", "nn.data", "viz", "viz.plots")
DIRECTIVE = re.compile(r"^::: ([\w.]+)$", re.MULTILINE)
MODULES = sorted(path for package in ("autograd", "nn", "viz") for path in (ROOT / package).rglob("*.py"))
NEVER = {
    "AssertionError",
    "NotImplementedError",
}  # a mistake of this program, and a method that a subclass has to write


def things():
    for module in map(importlib.import_module, PUBLIC):
        for name in module.__all__:
            yield f"{module.__name__}.{name}", getattr(module, name)


THINGS = {path: thing for path, thing in things() if not inspect.ismodule(thing)}


def found(path):
    """What a directive of the reference names."""
    *parents, name = path.split(".")
    for cut in range(len(parents), 0, -1):
        try:
            thing = importlib.import_module(".".join(parents[:cut]))
        except ModuleNotFoundError:
            continue
        for part in [*parents[cut:], name]:
            thing = getattr(thing, part)
        return thing
    return importlib.import_module(path)


def shown():
    """The things that the pages of the reference show: `.ci/check_site.py` looks for them in the site itself."""
    for page in (ROOT / "docs" / "reference").glob("*.md"):
        for path in DIRECTIVE.findall(page.read_text(encoding="utf-8")):
            try:
                module = importlib.import_module(path)
            except ModuleNotFoundError:
                yield found(path)
            else:
                yield from (thing for name, thing in vars(module).items() if not name.startswith("_"))


def test_every_public_name_is_in_the_reference():
    there = {id(thing) for thing in shown()}
    assert [path for path, thing in THINGS.items() if id(thing) not in there] == []


def documented():
    """Every public function, class, method and property with its docstring."""
    for path, thing in THINGS.items():
        if inspect.isclass(thing) or inspect.isfunction(thing):
            yield path, thing
        if inspect.isclass(thing):
            for name, member in vars(thing).items():
                of = getattr(member, "fget", None) or getattr(member, "__func__", member)
                if inspect.isfunction(of) and (name == "__call__" or not name.startswith("_")):
                    yield f"{path}.{name}", of


@pytest.mark.parametrize(
    ("path", "thing"), list(documented()), ids=lambda thing: thing if isinstance(thing, str) else ""
)
def test_every_public_docstring_begins_with_a_sentence(path, thing):
    first, *rest = (inspect.getdoc(thing) or "").split("\n\n")
    assert re.match(r"[A-ZδΣ∂]", first), path
    assert re.search(r"[.:]$|\.\)$", first), path
    assert all(part.strip() for part in rest), path


def test_the_methods_of_value_say_what_their_operation_says():
    for op in PRIMITIVES.values():
        assert op.doc, op.name
        assert op.docstring.startswith("Return ")
        if op.arity == 1:
            name = op.name if hasattr(autograd.Value, op.name) else f"__{op.name}__"
            assert getattr(autograd.Value, name).__doc__ == op.docstring


def test_the_docstring_of_an_operation_tells_its_domain_and_its_kinks():
    assert PRIMITIVES["sqrt"].docstring == (
        "Return √x.\n\nAt x = 0 its derivative is undefined.\n\nRaises:\n    DomainError: It needs x ≥ 0."
    )
    assert PRIMITIVES["abs"].docstring == "Return |x|.\n\nAt x = 0 its derivative is 0."  # said once for 0.0 and −0.0
    assert autograd.Op("cube", lambda x: x**3, (lambda out, x: 3 * x**2,)).docstring == "Return cube of its arguments."


def raised(function):
    """The errors that a function raises itself, in no function within it."""
    names, nodes = set(), list(function.body)
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Raise) and node.exc is not None:
            error = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            names.add(ast.unparse(error).rpartition(".")[2])
        if not isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Lambda)):
            nodes.extend(ast.iter_child_nodes(node))
    return {name for name in names if name[0].isupper()} - NEVER


def undocumented(text):
    """The errors that public functions of a module raise without a word on them, as `name: error`."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield from (f"{node.name}: {e}" for e in raised(node) if e not in (ast.get_docstring(node) or ""))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            of_class = ast.get_docstring(node) or ""
            getters: dict[str, str] = {}
            for method in node.body:
                if not isinstance(method, ast.FunctionDef):
                    continue
                made = method.name in ("__init__", "__post_init__", "__call__")
                if method.name.startswith("_") and not made:
                    continue
                doc = (ast.get_docstring(method) or getters.get(method.name, "")) + (of_class if made else "")
                getters[method.name] = doc
                yield from (f"{node.name}.{method.name}: {error}" for error in raised(method) if error not in doc)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_a_public_function_raises_stands_in_its_docstring(path):
    assert list(undocumented(path.read_text(encoding="utf-8"))) == []


def test_an_error_that_no_docstring_names_is_found():
    text = 'def f():\n    """Return."""\n    def inner():\n        raise KeyError\n    raise ValueError("x")\n'
    assert list(undocumented(text)) == ["f: ValueError"]
