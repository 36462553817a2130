"""The shapes of what is printed, by the reader's rules: a vector is a column, and nothing is reshaped in silence.

A shape is () for a scalar, which fits entrywise to anything, or (rows, columns). None is the length of a vector of ones
that nothing in the text fixes: 𝟏 is as long as it has to be.
"""

from __future__ import annotations

import math
from typing import Any

from autograd.lift.equations.equation import Derivation, Equation
from autograd.lift.equations.formula import (
    Call,
    Formula,
    LineSum,
    Local,
    Mat,
    Name,
    Num,
    Numbers,
    Pick,
    Repeat,
    Stack,
    Total,
    Trans,
)

__all__ = ["MisfitError", "check_fits", "printed_shape"]

Shape = tuple[int | None, ...]


class MisfitError(AssertionError):
    """A printed operation whose operands have shapes that do not fit."""


def check_fits(found: Derivation, equation: Equation) -> None:
    """Check that both sides of a printed equation have shapes that fit.

    Raises:
        MisfitError: If something in it does not fit.
    """
    for right in (equation.right, equation.general, equation.raw):
        if right is not None:
            _common(right, printed_shape(found, equation.left), printed_shape(found, right))


def printed_shape(found: Derivation, formula: Formula) -> Shape:
    """Return the shape of a printed formula.

    Raises:
        MisfitError: If its operands do not fit.
    """
    parts = [printed_shape(found, part) for part in formula.parts]
    if isinstance(formula, (Total, Pick)) and None in parts[0]:
        raise MisfitError(f"{formula}: nothing says how long the ones are")
    match formula:
        case Num():
            return ()
        case Name():
            return _settled(_of_name(found, formula)) if formula.kind or formula.view else ()
        case Local():
            return printed_shape(found, formula.at)
        case Numbers():
            return _listed(found.translator.numbers[formula.number - 1])
        case Pick():
            index = found.translator.lists[formula.number - 1]
            if None not in parts[0] and index.max() >= math.prod(n for n in parts[0] if n is not None):
                raise MisfitError(f"{formula}: reads member {index.max()} of {parts[0]}")
            return _listed(index)
        case Stack():
            parts = [shape or (1, 1) for shape in parts]
            if len({columns for _, columns in parts}) > 1:
                raise MisfitError(f"{formula}: {parts}")
            return (sum(rows or 0 for rows, _ in parts), parts[0][1])
        case Mat() | Trans() | Total() | LineSum() | Repeat():
            return _settled(_of_matrices(formula, parts))
        case Call():
            return _of_call(formula, parts)
    return _common(formula, *parts)


def _of_name(found: Derivation, name: Name) -> Shape:
    shape = found.translator.shape(name.block.of or name.block)
    rows, columns = shape if len(shape) == 2 else (shape[0], 1)
    if name.view.startswith("["):
        slices = [slice(*(int(n) if n else None for n in part.split(":"))) for part in name.view[1:-1].split(", ")]
        lengths = [len(range(n)[part]) for n, part in zip((rows, columns), slices, strict=False)]
        return (lengths[0], lengths[1] if len(lengths) == 2 else columns)
    if name.view:
        laid_out = tuple(int(n) for n in name.view.split("×"))
        if math.prod(laid_out) != rows * columns:
            raise MisfitError(f"{name}: {rows}×{columns}")
        return laid_out
    return (rows, columns)


def _listed(values: Any) -> Shape:
    return _settled(values.shape if values.ndim == 2 else (values.size, 1))


def _settled(shape: Shape) -> Shape:
    return () if shape == (1, 1) else shape


def _common(formula: Formula, *shapes: Shape) -> Shape:
    result: Shape = ()
    for shape in shapes:
        if not shape or not result:
            result = result or shape
            continue
        pairs = list(zip(result, shape, strict=True))
        if any(None not in pair and pair[0] != pair[1] for pair in pairs):
            raise MisfitError(f"{formula}: entrywise with {result} and {shape}")
        result = tuple(b if a is None else a for a, b in pairs)
    return result


def _of_matrices(formula: Formula, parts: list[Shape]) -> Shape:
    rows, columns = parts[0] or (1, 1)
    match formula:
        case Mat():
            inner, outer = parts[1] or (1, 1)
            if (columns != inner and None not in (columns, inner)) or columns is inner is None:
                raise MisfitError(f"{formula}: the product of {parts[0]} and {parts[1]}")
            return (rows, outer)
        case Trans():
            return (columns, rows)
        case LineSum():
            if columns == 1 or (rows, columns)[formula.axis] is None:
                raise MisfitError(f"{formula}: sums of lines of {parts[0]}")
            return (rows if formula.axis == 1 else columns, 1)
        case Repeat():
            if columns != 1:
                raise MisfitError(f"{formula}: {parts[0]} is repeated, not a vector")
            return (rows, None) if formula.axis == 1 else (None, rows)
    return ()


def _of_call(formula: Call, parts: list[Shape]) -> Shape:
    shape = parts[0]
    by_rows = formula.name.endswith("by rows")
    if (by_rows and not shape) or (formula.name.split()[0] in ("softmax", "logsumexp", "total") and None in shape):
        raise MisfitError(f"{formula}: of {shape}")
    if not by_rows and formula.name in ("softmax", "logsumexp", "total") and shape and 1 not in shape:
        raise MisfitError(f"{formula}: of a matrix {shape}")
    if formula.name.startswith("softmax"):
        return shape
    if formula.name.startswith(("logsumexp", "total")):
        return (shape[0], 1) if by_rows else ()
    return _common(formula, *parts)
