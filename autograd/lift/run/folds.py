"""Biases that are part of a matrix product: they lie beside their matrix in `flat`, above them stands a row of ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..matrices.block import Block
from ..matrices.expression import BatchSum, Expression, MatMul, Plus, Ref
from ..matrices.statement import Statement
from ..matrices.strided import strided
from .expression_code import ExpressionCode

__all__ = ["Fold", "folds"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Fold:
    """A bias that is part of a matrix product.

    Attributes:
        statement: What sets the sum of both.
        product: The product, without the bias.
        bias: The bias.
        index: The positions in `flat` of the matrix with the bias as its last column.
        inputs: What the matrix multiplies.
    """

    statement: Statement
    product: MatMul
    bias: Ref
    index: Array
    inputs: Block

    def bias_gradient(
        self, matrix: Block, product: MatMul, reverse: Iterable[Statement], code: ExpressionCode
    ) -> Statement | None:
        """Return the statement for the bias's gradient if one product gives it together with the matrix's.

        Args:
            matrix: A block of parameters.
            product: Its gradient.
            reverse: The reverse program, which has the statement or not.
            code: Knows the places in `flat`.
        """
        upstream, right = product.left, product.right
        if not (isinstance(upstream, Ref) and isinstance(right, Ref) and right.block is self.inputs):
            return None
        positions = code.flat_index(Ref(matrix))
        if positions is None or not np.array_equal(positions, self.index[:, :-1]) or self.bias.index is not None:
            return None
        for other in reverse:
            summed = other.value
            if (
                other.target.of is self.bias.block
                and not other.add
                and other.index is None
                and isinstance(summed, BatchSum)
                and isinstance(summed.value, Ref)
                and summed.value.block is upstream.block
                and summed.value.index is None
            ):
                return other
        return None


def folds(statements: Iterable[Statement], code: ExpressionCode) -> list[Fold]:
    """Return the biases in some statements that can be part of a product, at most one a statement."""
    found = []
    for statement in statements:
        terms = statement.value.terms if isinstance(statement.value, Plus) else ()
        pairs = ((product, bias) for product in terms if isinstance(product, MatMul) for bias in terms)
        fold = next(filter(None, (_fold(statement, product, bias, code) for product, bias in pairs)), None)
        if fold is not None:
            found.append(fold)
    return found


def _fold(statement: Statement, product: MatMul, bias: Expression, code: ExpressionCode) -> Fold | None:
    left, right = product.left, product.right
    if not (isinstance(left, Ref) and isinstance(right, Ref) and isinstance(bias, Ref)):
        return None
    matrix, vector = code.flat_index(left), code.flat_index(bias)
    if matrix is None or vector is None or right.index is not None or code.flat_index(right) is not None:
        return None
    if right.block.batched and len(right.block.shape) != 1:
        return None
    if vector.ndim == 2:
        if (vector != vector[:, :1]).any():
            return None
        vector = vector[:, 0]
    if len(vector) != len(matrix):
        return None
    index = np.hstack([matrix, vector[:, None]])
    regular = strided(index)
    if regular is None or regular.steps[1] != 1:
        return None
    return Fold(statement, product, bias, index, right.block)
