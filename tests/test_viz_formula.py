import math

import pytest

from autograd import Op, ops
from autograd.op import PRIMITIVES
from viz.formula import Symbol, rules

SCOPE = {
    "exp": math.exp, "log": math.log, "cos": math.cos, "sin": math.sin, "cosh": math.cosh, "sinh": math.sinh,
    "erfc": math.erfc, "sign": lambda v: math.copysign(1.0, v) if v else 0.0, "σ": lambda v: 1.0 / (1.0 + math.exp(-v)),
    "min": min, "abs": abs, "sqrt": math.sqrt, "hypot": math.hypot, "floor": math.floor,
    "polygamma": ops.polygamma.forward,
}  # fmt: skip


def as_python(formula: str) -> str:
    """Rewrite a formula as Python: what is left to Python's own grammar is precedence, which is what is tested."""
    for shown, written in (
        ("−", "-"),
        (" · ", "*"),
        ("²", "**2"),
        ("^", "**"),
        ("≥", ">="),
        ("≤", "<="),
        ("√", "sqrt"),
    ):
        formula = formula.replace(shown, written)
    while "|" in formula:
        formula = formula.replace("|", "abs(", 1).replace("|", ")", 1)
    return formula.replace("[", "(").replace("]", ")")


@pytest.mark.parametrize("op", [op for op in PRIMITIVES.values() if op.samples], ids=lambda op: op.name)
def test_a_formula_evaluates_to_the_partial_derivative(op):
    for sample in op.samples:
        names = [f"x{k}" for k in range(len(sample))]
        out = op.forward(*sample)
        partials = op.locals(out, sample)
        formulas = rules(op, names, sample, ("out", out))
        values = {**SCOPE, **dict(zip(names, sample, strict=True)), "out": out}
        for formula, partial in zip(formulas, partials, strict=True):
            # constants in a formula are rounded to four digits
            assert eval(as_python(formula), {"__builtins__": {}}, values) == pytest.approx(partial, rel=2e-3)


def test_the_formula_with_numbers_keeps_negative_operands_apart():
    assert rules(ops.log1p, ["−0.5"], [-0.5], ("−0.69", -0.69)) == ["1 / (1 + (−0.5))"]
    assert rules(ops.tanh, ["−1"], [-1.0], ("−0.76", -0.76)) == ["1 − (−0.76)²"]
    assert rules(ops.pow, ["x", ""], [3.0, 2.0], ("y", 9.0)) == ["2 · x", "y · log(x)"]


def test_an_operation_of_ones_own_has_its_formula():
    cube = Op("cube", forward=lambda x: x**3, partials=(lambda out, x: 3 * x**2,))
    assert rules(cube, ["x"], [2.0], ("y", 8.0)) == ["3 · x²"]


def test_a_rule_without_a_formula_gives_none():
    odd = Op("odd", forward=math.sin, partials=(lambda out, x: math.cos(x),))
    assert rules(odd, ["x"], [2.0], ("y", math.sin(2.0))) == [""]


def test_a_label_that_looks_like_a_comparison_is_not_one():
    assert ops.where(Symbol("[x > 0]", 0.0), 1.0, 2.0) == 2.0
