"""The faults that `.ci/mutate.py` plants: each is one small change of the code, and none of its words."""

import ast

import pytest

from tests.scripts import ROOT, script

pytest.importorskip("resource", reason="the limits of a process are set as POSIX does it")
mutate = script(".ci/mutate.py")


def changed(source):
    """The source after each fault, by kind."""
    code = source.encode()
    found = {}
    for fault in mutate.mutants(code):
        after = (code[: fault.start] + fault.new.encode() + code[fault.end :]).decode()
        found.setdefault(fault.kind, []).append(ast.unparse(ast.parse(after)))
    return found


@pytest.mark.parametrize(
    ("source", "kind", "expected"),
    [
        ("a < b", "comparison", ["a <= b", "a >= b"]),
        ("a <= b", "comparison", ["a < b", "a > b"]),
        ("a is b", "comparison", ["a is not b"]),
        ("x = a + b", "arithmetic", ["x = a - b"]),
        ("x = a @ b", "arithmetic", ["x = a * b"]),
        ("x = a and b", "boolean", ["x = a or b"]),
        ("x = -a", "operator left out", ["x = a"]),
        ("x = 2.5", "constant", ["x = 3.5"]),
        ("x = True", "constant", ["x = False"]),
        ("x = 'W'", "name", ["x = 'W_'"]),
        ("f(a, b, c)", "arguments", ["f(a, c, b)", "f(b, a, c)"]),
        ("if a:\n    f()", "condition", ["if not a:\n    f()"]),
        ("def f():\n    return a", "None returned", ["def f():\n    return None"]),
        ("x = lambda: a", "None returned", ["x = lambda: None"]),
        ("def f():\n    g()", "statement left out", ["def f():\n    pass"]),
        ("x.y = a", "statement left out", ["pass"]),
        ("raise E", "statement left out", ["pass"]),
        ("x = 'δ'; y = 1", "constant", ["x = 'δ'\ny = 2"]),  # offsets are in bytes
    ],
)
def test_a_fault_is_one_small_change(source, kind, expected):
    assert sorted(changed(source)[kind]) == expected


@pytest.mark.parametrize(
    "source",
    [
        "'''A sentence.'''",
        "x = 'some words'",
        "x = f'{a} {b}'",
        "def f(x: 1): 'x'",
        "__all__ = ['f', 'g']",
        "max(a, b)",
        "f(a, a)",
        "f(strict=True)",
        "f(samples=((1.0,),))",
    ],
)
def test_words_and_what_changes_nothing_are_left_alone(source):
    assert [kind for kind in changed(source) if kind != "statement left out"] == []


def test_every_module_and_its_tests_exist():
    named = {path for module, tests in mutate.TESTS.items() for path in (module, *tests)}
    assert [path for path in named if not (ROOT / path).is_file()] == []


@pytest.mark.parametrize(
    "module",
    [pytest.param(each, marks=() if each == "nn/closed_form.py" else pytest.mark.slow) for each in mutate.TESTS],
)
def test_the_faults_of_every_module_can_be_read(module):
    source = (ROOT / module).read_bytes()
    faults = mutate.mutants(source)
    assert len(faults) >= 20
    for fault in faults[::10]:
        ast.parse(source[: fault.start] + fault.new.encode() + source[fault.end :])
        assert mutate.described(source, fault, module).startswith(f"{module}:")
