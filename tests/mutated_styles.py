"""Mistakes drawn at random: one expression of a right backward pass is changed, where it makes a difference."""

import ast
import random

import numpy as np

from nn.referee.argument_roles import handing
from nn.referee.submission import Calling
from tests.scripts import module_of

SIZES = {"zeros", "ones", "zeros_like", "range", "reshape", "len", "enumerate", "zip", "rand"}
OPERATORS = {"+": "-", "-": "+", "*": "/", "/": "*"}
SIGNS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}


def changes(text):
    """Every change of one expression: the line, and the whole text with it."""
    tree = ast.parse(text)
    lines = text.splitlines(keepends=True)
    skipped = {id(part) for node in ast.walk(tree) for part in _untouched(node)}
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        names = sorted({n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)})
        for node in ast.walk(function):
            if not isinstance(node, ast.expr) or id(node) in skipped or node.lineno != node.end_lineno:
                continue
            for new in _instead(node, names):
                line = lines[node.lineno - 1].encode()
                made = line[: node.col_offset] + new.encode() + line[node.end_col_offset :]
                yield node.lineno, "".join([*lines[: node.lineno - 1], made.decode(), *lines[node.lineno :]])


def _untouched(node):
    """What bounds a loop, is the size of something, or is no expression of arithmetic."""
    if isinstance(node, (ast.For, ast.comprehension)):
        yield from ast.walk(node.iter)
        yield from ast.walk(node.target)
    if isinstance(node, ast.Call):
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        yield node.func
        if name in SIZES:
            yield from (part for argument in node.args for part in ast.walk(argument))
    if isinstance(node, (ast.While, ast.If)):
        yield from ast.walk(node.test)
    if isinstance(node, ast.arguments):
        yield from ast.walk(node)


def _instead(node, names):
    text = ast.unparse
    if isinstance(node, ast.BinOp):
        left, right = text(node.left), text(node.right)
        if type(node.op) in SIGNS:
            yield f"(({left}) {OPERATORS[SIGNS[type(node.op)]]} ({right}))"
        yield f"({left})"
        yield f"({right})"
        if isinstance(node.op, ast.MatMult):
            yield f"(({left}).T @ ({right}))"
            yield f"(({left}) @ ({right}).T)"
        yield f"(-({text(node)}))"
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        yield from (name for name in names if name != node.id)
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield from (repr(other) for other in (0, 1, 2, -1) if other != node.value)
    elif isinstance(node, ast.Attribute) and node.attr == "T":
        yield text(node.value)
    elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load) and not isinstance(node.slice, ast.Slice):
        yield f"{text(node.value)}[{text(node.slice)} - 1]" if not isinstance(node.slice, ast.Tuple) else text(node)
    elif isinstance(node, ast.Call) and len(node.args) == 1:
        yield f"({text(node.args[0])})"
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield f"({text(node.operand)})"


def arrays(text, style, seed=0):
    """What a text gives on its network, by array; None if it fails or gives something else than finite arrays."""
    (model, X, T, _), options = style.problem(seed)
    try:
        function = module_of(text).my_backprop
    except Exception:  # whatever a changed text raises
        return None
    bias_column = options.get("bias_column", "")
    calling = Calling(
        function,
        columns=options["layout"] == "columns",
        in_out=options.get("weights") == "in_out",
        bias_column=bias_column,
        learning_rate=options.get("learning_rate"),
        has_biases=style.biases,
        handing=handing(function, len(model.weights), bias_column),
    )
    try:
        with np.errstate(all="ignore"):
            np.random.seed(0)  # noqa: NPY002  # the generator that a style draws from
            W, b = [np.array(w) for w in model.weights], [np.array(v) for v in model.biases]
            found = calling(W, b, X.copy(), T.copy()).arrays()
    except Exception:  # likewise
        return None
    return found if all(np.all(np.isfinite(array)) for array in found.values()) else None


def same_in(key, one, other):
    return (
        key in one and one[key].shape == other[key].shape and np.allclose(one[key], other[key], rtol=1e-7, atol=1e-12)
    )


def same(one, other):
    return set(one) == set(other) and all(same_in(key, one, other) for key in one)


def mutants(style, count, seed):
    """Up to `count` texts with one mistake that shows: the lines with it, and the text."""
    right = arrays(style.text, style)
    drawn = list(changes(style.text))
    random.Random(seed).shuffle(drawn)
    found = []
    for line, text in drawn:
        made = arrays(text, style)
        if made is not None and not same(made, right):
            found.append(((line,), text))
        if len(found) == count:
            break
    return found


def pairs_of_mutants(style, count, seed):
    """Up to `count` texts with two mistakes in two lines, each of which shows, alone and beside the other."""
    rng = random.Random(seed)
    right = style.text.splitlines(keepends=True)
    singles = mutants(style, 24, seed + 1)
    found = []
    for _ in range(20 * count):
        ((one,), first), ((other,), second) = rng.sample(singles, 2) if len(singles) > 1 else [((0,), "")] * 2
        if one == other:
            continue
        lines = list(right)
        lines[one - 1], lines[other - 1] = (
            text.splitlines(keepends=True)[k - 1] for text, k in ((first, one), (second, other))
        )
        text = "".join(lines)
        made = arrays(text, style)
        if made is not None and not any(same(made, arrays(alone, style)) for alone in (style.text, first, second)):
            found.append((tuple(sorted((one, other))), text))
        if len(found) == count:
            break
    return found


def with_mistake(text, old, new):
    """The text with a mistake planted in it, and the line where it begins."""
    assert old in text
    changed = text.replace(old, new, 1)
    lines = zip(text.splitlines(), changed.splitlines(), strict=False)
    return changed, next(n for n, (a, b) in enumerate(lines, 1) if a != b)


def planted_pairs(style, count, seed):
    """Up to `count` texts with two of a style's mistakes in two lines, neither of which mends what the other breaks."""
    rng, right = random.Random(f"{seed} {style.name}"), arrays(style.text, style)
    single = [(old, new) for old, new in style.mistakes if not old.count("\n")]
    found = {}
    for _ in range(60):
        if len(found) == count or len(single) < 2:
            break
        (old, new), (other_old, other_new) = rng.sample(single, 2)
        first, line = with_mistake(style.text, old, new)
        second, other_line = with_mistake(style.text, other_old, other_new)
        if other_old not in first or line == other_line:
            continue
        text, _ = with_mistake(first, other_old, other_new)
        made, parts = arrays(text, style), [arrays(part, style) for part in (first, second)]
        if made is None or any(part is None or same(made, part) or same(part, right) for part in parts):
            continue
        if all(same_in(key, made, right) <= min(same_in(key, part, right) for part in parts) for key in right):
            found[text] = tuple(sorted((line, other_line))), text
    return list(found.values())
