"""Every expression has the same value in the code that is run and step by step, also those that no graph makes."""

from __future__ import annotations

import numpy as np
import pytest

from autograd import Value, compile, ops
from autograd.lift.matrices.expression import (
    Apply,
    BatchSum,
    Constant,
    MatMul,
    Number,
    Plus,
    Ref,
    RunSum,
    Seed,
    Spread,
    Take,
)
from autograd.lift.run.checked import CheckedRun
from autograd.lift.run.expression_code import ExpressionCode

EXAMPLES = 4
TWO, SEED = Number(2.0), Seed()
ROW, COLUMN = Constant(np.array([1.0, -2.0, 3.0])), Constant(np.array([[2.0], [5.0]]))
PADDED, SIZES = np.array([0, -1, 0]), np.array([2, 1])


def expressions(x, w):
    """Return expressions of an input (3,), which has examples, and parameters (2, 3), which have none."""
    return {
        "members of a number": Take(TWO, PADDED),
        "members of a seed": Take(SEED, PADDED),
        "members of a sum": Take(Plus((x, TWO)), np.array([2, -1, 0, 0])),
        "all members of a product": Take(w * TWO, np.arange(6)),
        "members of what is repeated": Take(Spread(x, np.array([1, 2, 1])), np.array([3, 0])),
        "members of one that is repeated": Take(Spread(Take(x, np.array([1])), np.array([3])), np.array([2, 0])),
        "an operation on numbers": Apply(ops.maximum, (TWO, Number(3.0))),
        "arrays of different ranks": Apply(ops.maximum, (ROW, w)),
        "an input with a matrix": Apply(ops.maximum, (x, w)),
        "a sum of ranks": Plus((x, w)),
        "a sum of numbers": Plus((TWO, Number(3.0))),
        "a sum that is repeated": Plus((ROW, COLUMN)),
        "a number less an array": Plus((TWO, x * Number(-1.0))),
        "a scaled sum": Plus((x * TWO, Apply(ops.exp, (x,)) * Number(-2.0))),
        "runs of a number": RunSum(Take(TWO, np.zeros(3, dtype=np.intp)), SIZES),
        "runs": RunSum(x, SIZES),
        "runs of one": RunSum(Spread(Take(x, np.array([0])), np.array([3])), SIZES),
        "one run": RunSum(x, np.array([3])),
        "examples of a number": BatchSum(Number(2.0, (3,))),
        "examples of what has none": BatchSum(w),
        "examples of an input": BatchSum(x),
        "examples of a product": BatchSum(Apply(ops.mul, (x, x))),
        "a matrix product": MatMul(w, x),
        "a product with a number": MatMul(w, Number(2.0, (3,))),
        "a product over the examples": MatMul(x, x, transpose_right=True, sum_batch=True),
        "a product for each example": MatMul(Apply(ops.mul, (x, w)), x),
        "a product turned": MatMul(w, w, transpose_right=True),
    }


def both():
    """Return the writer of code, the evaluation step by step, and the expressions."""
    leaves = [[Value(v) for v in row] for row in ((0.5, -1.0, 2.0), (1.5, 0.25, -0.75))]
    program = compile(
        lambda x: sum(w * v for row in leaves for w, v in zip(row, x, strict=True)), parameters={"w": leaves}
    )
    X = np.arange(12.0).reshape(EXAMPLES, 3) / 7.0 - 0.5
    program.value(x=X)
    derived = program.derived
    block = derived.forward.inputs["x"]
    code = ExpressionCode(derived, program.flat, program.flat_gradient, EXAMPLES, mean=True)
    code.allocate(block)[...] = X.T
    steps = CheckedRun(derived.parameters, program.flat, {block: X}, EXAMPLES, mean=True)
    return code, steps, expressions(Ref(block), Ref(derived.parameters.all[0].block))


@pytest.mark.parametrize("name", both()[2])
@pytest.mark.parametrize("given", [False, True])
def test_an_expression_has_the_same_value_in_code_and_step_by_step(name, given):
    code, steps, every = both()
    expression = every[name]
    shape = code.shape(expression)
    found = code.value(expression, np.full(shape, np.nan) if given else None)
    exec("\n".join(code.lines), code.names)
    expected = np.broadcast_to(steps.evaluate(expression), shape)
    np.testing.assert_allclose(np.broadcast_to(found, shape), expected, rtol=1e-13, atol=1e-14)
