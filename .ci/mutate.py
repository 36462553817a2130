"""Mutation testing: which small faults in a module would its own tests not notice?

    python .ci/mutate.py nn/referee/check.py --sample 150 --seed 0

plants one fault at a time in a copy of the tree, runs the tests that belong to the module (TESTS) and lists the faults
that pass them. A fault is one comparison, arithmetic or boolean operator, number or name replaced, one condition
negated, two neighbouring arguments exchanged, one result replaced by None, or one statement left out.

Left alone is what no test of behaviour can or should see: docstrings, annotations, decorators, `__all__`, sentences
(strings with a space in them, f-strings, what is handed to an exception), `strict=` of zip, which guards against faults
of the module itself, and the points at which the tests try an operation (`samples=` and `refused=`).
"""

import argparse
import ast
import copy
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
# The tests of a module run in at most 5 s on an unmutated tree (compiled code: 14 s). A module stands for its doctests.
REFEREE = tuple(f"tests/test_referee{name}.py" for name in ("", "_whole_answers", "_without_delta", "_one_example"))
CATALOGUE = ("tests/test_catalogue_of_mistakes.py", *REFEREE)
REVERSE = ("tests/test_graph.py", "tests/test_reverse.py", "tests/test_shared_weights.py")
CLOSED_FORM = (
    "tests/test_closed_form.py",
    "tests/test_closed_form_arguments.py",
    "tests/test_closed_form_on_values.py",
)
RUN = tuple(
    f"tests/test_lift_{name}.py" for name in ("errors", "program", "overflow", "patterns", "expressions", "use")
)
LIFT = tuple(f"tests/test_lift_{name}.py" for name in ("structure", "errors", "patterns", "strided"))
EQUATIONS = tuple(
    f"tests/test_{name}.py"
    for name in (
        "gallery",
        "equation_idioms",
        "lift_index",
        "equations_cancel",
        "lookup",
        "more_axes",
        "forum_programs",
    )
)
FRONT = {
    "language": ("algebra", "build", "evaluate", "index", "recurrences", "term"),
    "recognise": (
        *("canonical_sums", "collect", "families", "leaves", "names", "parts", "patterns", "recognition", "shift"),
        *("skeleton", "steps", "watch", "whole_numbers"),
    ),
    "derive": ("adjoint", "equations", "idioms", "simplify"),
    "write": ("indexing", "layout", "naming", "page", "style", "tree", "typeset"),
}
LAYERS = tuple(f"tests/test_equations{name}.py" for name in ("", "_algebra", "_cancel", "_latex", "_of_graphs"))
SOURCE = ("tests/test_lift_source.py", "tests/test_lift_program.py")
TESTS = {
    "autograd/ops.py": ("tests/test_operations.py", "tests/test_against_mpmath.py", "autograd/ops.py"),
    "autograd/reverse.py": REVERSE,
    "autograd/graph.py": REVERSE,
    "autograd/shared_weights.py": REVERSE,
    **{f"autograd/lift/run/{name}.py": RUN for name in ("array_code", "batch", "checked", "expression_code", "folds")},
    **{f"autograd/lift/run/{name}.py": RUN for name in ("forward_code", "runner", "self_check", "workspace")},
    **{
        f"autograd/lift/matrices/{name}.py": LIFT
        for name in ("adjoint", "canonical", "factors", "forward", "groups", "terms")
    },
    **{f"autograd/lift/{folder}/{name}.py": EQUATIONS for folder, names in FRONT.items() for name in names},
    **{f"autograd/lift/language/{name}.py": ("tests/test_term_algebra.py", *EQUATIONS) for name in FRONT["language"]},
    **{f"autograd/lift/write/{name}.py": (*SOURCE, "tests/test_gallery.py") for name in ("term_arrays", "term_source")},
    **{f"autograd/lift/derive/{name}.py": LAYERS for name in ("choices", "layers")},
    **{f"autograd/lift/write/{name}.py": LAYERS for name in ("layers", "layer_legend")},
    "autograd/lift/write/edges.py": ("tests/test_structural_zeros.py", *SOURCE),
    "autograd/lift/write/numpy_text.py": SOURCE,
    "autograd/lift/write/source.py": SOURCE,
    "autograd/lift/write/style.py": ("tests/test_numbers_in_styles.py", *EQUATIONS),
    "autograd/lift/matrices/parameters.py": ("tests/test_lift_program.py", *LIFT),
    "viz/layout.py": ("tests/test_viz_layout.py",),
    "viz/trace.py": ("tests/test_viz_trace.py",),
    "nn/closed_form.py": (*CLOSED_FORM, "nn/closed_form.py"),
    "nn/referee/check.py": (*REFEREE, "nn/referee/check.py"),
    "nn/referee/submission.py": REFEREE,
    "nn/referee/headline.py": ("tests/test_referee_whole_answers.py", "tests/test_referee.py"),
    "nn/referee/comparison.py": ("tests/test_comparison.py", *REFEREE),
    "nn/referee/unexplained.py": ("tests/test_comparison.py", *REFEREE),
    "nn/referee/mistakes.py": CATALOGUE,
    "nn/referee/delta_mistakes.py": CATALOGUE,
    "nn/referee/gradient_mistakes.py": CATALOGUE,
    "nn/referee/diagnosis.py": REFEREE,
    "nn/referee/inference.py": REFEREE,
}
PATIENCE = 3  # a mutant that takes so many times as long as the unmutated tests is stopped, and counts as noticed
MEMORY = 8 << 30  # bytes of address space, for a loop that no longer ends

COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.MatMult: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
NOT_MUTATED = {"strict", "samples", "refused"}  # arguments by name
SYMMETRIC = {"min", "max", "maximum", "minimum", "array_equal"}  # calls whose arguments may be exchanged
REMOVABLE = (ast.Expr, ast.AugAssign, ast.Raise, ast.Continue, ast.Break, ast.Delete)


class Mutant(NamedTuple):
    """A fault: bytes `start` to `end` of the module, replaced by `new`."""

    start: int
    end: int
    new: str
    kind: str


def mutants(source: bytes) -> list[Mutant]:
    """Return every fault that can be planted in a module, in the order of the text."""
    lines = source.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    found = []
    for node, new, kind in _faults(ast.parse(source)):
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[node.end_lineno - 1] + node.end_col_offset
        found.append(Mutant(start, end, new, kind))
    return sorted(set(found))


def _faults(node: ast.AST) -> Iterator[tuple[ast.AST, str, str]]:
    """Yield what to replace, by what, and the kind of the fault, for a node and all below it."""
    yield from ((target, f"({ast.unparse(new)})", kind) for target, new, kind in _in_expression(node))
    yield from _in_statement(node)
    for child in _children(node):
        yield from _faults(child)


def _in_statement(node: ast.AST) -> Iterator[tuple[ast.AST, str, str]]:
    match node:
        case ast.Return(value=None) | ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield node, "pass", "statement left out"
        case ast.Return() if not isinstance(node.value, ast.Constant):
            yield node.value, "None", "None returned"
        case ast.Lambda():
            yield node.body, "None", "None returned"
        case _ if isinstance(node, REMOVABLE) and not _is_docstring(node):
            yield node, "pass", "statement left out"


def _in_expression(node: ast.AST) -> Iterator[tuple[ast.AST, ast.AST, str]]:
    match node:
        case ast.Compare():
            for k, op in enumerate(node.ops):
                for other in COMPARISONS[type(op)]:
                    yield node, _with(node, "ops", [*node.ops[:k], other(), *node.ops[k + 1 :]]), "comparison"
        case ast.BinOp() if type(node.op) in ARITHMETIC:
            yield node, _with(node, "op", ARITHMETIC[type(node.op)]()), "arithmetic"
        case ast.UnaryOp():
            yield node, node.operand, "operator left out"
        case ast.BoolOp():
            yield node, _with(node, "op", ast.Or() if isinstance(node.op, ast.And) else ast.And()), "boolean"
        case ast.Constant(value=bool()):
            yield node, ast.Constant(not node.value), "constant"
        case ast.Constant(value=int() | float()):
            yield node, ast.Constant(node.value + 1), "constant"
        case ast.Constant(value=str()) if node.value and not any(map(str.isspace, node.value)):
            yield node, ast.Constant(node.value + "_"), "name"
        case ast.Call() if getattr(node.func, "id", getattr(node.func, "attr", "")) not in SYMMETRIC:
            for k, (one, other) in enumerate(zip(node.args, node.args[1:], strict=False)):
                if ast.Starred not in (type(one), type(other)) and ast.dump(one) != ast.dump(other):
                    yield node, _with(node, "args", [*node.args[:k], other, one, *node.args[k + 2 :]]), "arguments"
    conditions = node.ifs if isinstance(node, ast.comprehension) else [getattr(node, "test", None)]
    for condition in conditions:
        if isinstance(condition, (ast.Name, ast.Attribute, ast.Call, ast.Subscript)):
            yield condition, ast.UnaryOp(ast.Not(), condition), "condition"


def _with(node: ast.AST, field: str, value: object) -> ast.AST:
    changed = copy.copy(node)
    setattr(changed, field, value)
    return changed


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes below one that may be mutated."""
    if isinstance(node, (ast.JoinedStr, ast.Raise)) or _is_docstring(node):
        return
    if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
        return
    for field, value in ast.iter_fields(node):
        if field not in ("annotation", "returns", "decorator_list"):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST) and not (isinstance(child, ast.keyword) and child.arg in NOT_MUTATED):
                    yield child


# --- running the tests ------------------------------------------------------------------------------


def notices(tree: Path, tests: tuple[str, ...], seconds: float) -> str:
    """Return how the tests end in a tree: "" if they pass, else "failed" or "stopped"."""
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests],
        cwd=tree,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)),
    )
    try:
        return "failed" if run.wait(seconds) else ""
    except subprocess.TimeoutExpired:
        return "stopped"
    finally:
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)
            run.wait()


def copied_tree(folder: Path) -> Path:
    """Return a copy of the packages and tests, compiled but for what will be mutated."""
    for name in ("autograd", "nn", "viz", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, folder)
    subprocess.run([sys.executable, "-m", "compileall", "-q", "autograd", "nn", "viz"], cwd=folder, check=True)
    for module in TESTS:
        for compiled in (folder / module).parent.glob(f"__pycache__/{Path(module).stem}.*"):
            compiled.unlink()
    return folder


def described(source: bytes, mutant: Mutant, module: str) -> str:
    """Return the place of a fault, the lines it is in, and what stands there instead."""
    first = source.rfind(b"\n", 0, mutant.start) + 1
    last = source.find(b"\n", mutant.end)
    old = source[first:last].decode()
    new = (source[first : mutant.start] + mutant.new.encode() + source[mutant.end : last]).decode()
    line = source.count(b"\n", 0, mutant.start) + 1
    shown = [f"{sign} {text}" for sign, whole in (("-", old), ("+", new)) for text in whole.splitlines()]
    return "\n".join([f"{module}:{line}: {mutant.kind}", *shown])


def main() -> None:
    """Print the faults that survive and how many were noticed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("module", choices=TESTS)
    parser.add_argument("--sample", type=int, help="how many faults, chosen at random; all if not given")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--part", default="1/1", help="1/4 … 4/4: a quarter of the sample")
    options = parser.parse_args()
    source = (ROOT / options.module).read_bytes()
    every = mutants(source)
    chosen = sorted(random.Random(options.seed).sample(every, min(options.sample or len(every), len(every))))
    part, parts = map(int, options.part.split("/"))
    chosen = chosen[part - 1 :: parts]
    with tempfile.TemporaryDirectory() as folder:
        tree = copied_tree(Path(folder))
        begin = time.monotonic()
        if notices(tree, TESTS[options.module], 60.0):
            sys.exit("the tests fail without any fault")
        seconds = time.monotonic() - begin
        results = []
        for mutant in chosen:
            (tree / options.module).write_bytes(source[: mutant.start] + mutant.new.encode() + source[mutant.end :])
            results.append(notices(tree, TESTS[options.module], PATIENCE * seconds))
            if not results[-1]:
                print(described(source, mutant, options.module), end="\n\n", flush=True)
    killed = len(results) - results.count("")
    print(
        f"{options.module}: {killed} of {len(chosen)} faults noticed, {killed / len(chosen):.1%}, "
        f"{results.count('stopped')} of them by time; chosen from {len(every)}; a run takes {seconds:.1f} s"
    )


if __name__ == "__main__":
    main()
