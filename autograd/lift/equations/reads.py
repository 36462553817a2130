"""What reads what: questions about statements, expressions and formulas."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from ... import ops
from ..matrices.block import Block
from ..matrices.expression import Apply, Expression, MatMul, Plus, Ref, RunSum, Take
from ..matrices.statement import Statement, blocks_in
from .layout import layout_of

__all__ = ["in_order_of_layers", "indices_of_all", "is_linear_in", "reads", "uses"]

_ARITHMETIC = (ops.add, ops.sub, ops.mul, ops.div, ops.pow, ops.neg)


def indices_of_all(value: Expression) -> np.ndarray[Any, Any]:
    """Return the indices of a flat vector, laid out as the matrix that it was made from, if it was."""
    size = int(np.prod(value.shape))
    if isinstance(value, Take) and np.array_equal(value.index, np.arange(size)):
        return np.arange(size).reshape(value.value.shape)
    return np.arange(size)


def in_order_of_layers(parameters: list[Block]) -> list[Block]:
    """Return parameters in the order of their layers, if all names end in a number, otherwise as they are."""
    numbers = [re.search(r"\d+$", block.name) for block in parameters]
    if not all(numbers):
        return parameters
    return sorted(parameters, key=lambda block: (int(re.findall(r"\d+$", block.name)[0]), block.name))


def uses(statements: Iterable[Statement]) -> dict[Block, int]:
    """Return in how many statements each block is read."""
    found: dict[Block, int] = {}
    for statement in statements:
        for block in blocks_in(statement.value):
            found[block] = found.get(block, 0) + 1
    return found


def reads(value: Expression, block: Block) -> bool:
    """Whether an expression reads a block."""
    return block in blocks_in(value)


def is_linear_in(value: Expression, block: Block) -> bool:
    """Whether a value is computed from a block by arithmetic alone, or by a layer's product with its weights."""
    match value:
        case Ref():
            return value.block is not block or layout_of(block.shape, value.index).kind == "whole"
        case MatMul():
            weights = all(block.role == "parameter" for block in blocks_in(value.left))
            return not reads(value, block) or (weights and is_linear_in(value.right, block))
        case Apply() if value.op not in _ARITHMETIC:
            return not reads(value, block)
        case Apply() | Plus() | RunSum():
            return all(is_linear_in(part, block) for part in value.parts)
    return not reads(value, block)
