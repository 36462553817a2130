"""Which functions may be called though the user's own run did not reach them: those of plain arithmetic."""

from __future__ import annotations

import ast
import types

from .watch import Source, Unreadable

__all__ = ["is_harmless"]

BUILTINS = {"abs", "enumerate", "float", "int", "len", "max", "min", "pow", "range", "reversed", "sum", "zip"}
FORBIDDEN = (
    ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal, ast.Delete, ast.With, ast.AsyncWith, ast.While, ast.Yield,
    ast.YieldFrom, ast.Await, ast.AsyncFunctionDef, ast.ClassDef, ast.Raise,
)  # fmt: skip
ARITHMETIC = {
    "abs", "absolute", "array", "asarray", "ceil", "clip", "cosh", "diag", "divide", "dot", "exp", "expit", "expm1",
    "eye", "fabs", "heaviside", "log", "log1p", "matmul", "max", "maximum", "mean", "min", "minimum", "multiply",
    "ones", "ones_like", "outer", "power", "sign", "sin", "cos", "sinh", "sqrt", "square", "subtract", "sum", "tanh",
    "transpose", "where", "zeros", "zeros_like", "astype", "copy", "reshape", "add", "negative", "reciprocal",
}  # fmt: skip


def is_harmless(function: types.FunctionType, depth: int = 3) -> bool:
    """Return whether a function only computes: it calls nothing but arithmetic, and changes nothing outside."""
    if depth == 0:
        return False
    try:
        node, _ = Source(function.__code__.co_filename, function.__globals__).function(function.__code__)
    except Unreadable:
        return False
    return all(_is_plain(part, function, depth) for part in ast.walk(node))


def _is_plain(node: ast.AST, function: types.FunctionType, depth: int) -> bool:
    if isinstance(node, FORBIDDEN):
        return False
    if isinstance(node, (ast.Assign, ast.AugAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return not any(isinstance(target, ast.Attribute) for target in targets)
    if not isinstance(node, ast.Call):
        return True
    if isinstance(node.func, ast.Attribute):
        return node.func.attr in ARITHMETIC
    if not isinstance(node.func, ast.Name):
        return False
    held = function.__globals__.get(node.func.id)
    if isinstance(held, types.FunctionType):
        return is_harmless(held, depth - 1)
    return node.func.id in BUILTINS or getattr(held, "__name__", "") in ARITHMETIC
