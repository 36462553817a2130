"""A formula on the command line is what Python would make of it, or an error, and never runs anything else."""

import math

import pytest

from nn.commands.formula import OPERATIONS, value_of


@pytest.mark.parametrize(
    ("formula", "at", "expected"),
    [
        ("x", {"x": 2.0}, 2.0),
        ("-x**2 + +x", {"x": 3.0}, -6.0),
        ("a - b - c", {"a": 1, "b": 2, "c": 3}, -4.0),
        ("2**x**2", {"x": 2.0}, 16.0),
        ("exp(x)/(1 + exp(x))", {"x": 0.3}, math.exp(0.3) / (1 + math.exp(0.3))),
        ("logsumexp(x, 1, y)", {"x": 0.5, "y": 2}, math.log(math.exp(0.5) + math.e + math.exp(2))),
        ("mean(x, 3) + total(x)", {"x": 1.0}, 3.0),
        ("where(x, 3, y)", {"x": 0.0, "y": 5.0}, 5.0),
        ("  hypot(x, 4)  ", {"x": 3.0}, 5.0),
        ("exp*exp(exp)", {"exp": 0.0}, 0.0),
    ],
)
def test_a_formula_is_what_python_would_make_of_it(formula, at, expected):
    value, leaves = value_of(formula, at)
    assert value.data == pytest.approx(expected, rel=1e-15)
    assert {name: leaf.data for name, leaf in leaves.items()} == at


def test_a_variable_that_comes_twice_is_one_leaf():
    value, leaves = value_of("x*x + x", {"x": 3.0})
    value.backward()
    assert leaves["x"].grad == 7.0


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_operation_of_the_table_can_be_called(name):
    op = OPERATIONS[name]
    samples = getattr(op, "samples", ())
    sample = samples[0] if samples else (0.5, 0.7)[: getattr(op, "arity", None)]
    at = {f"x{k}": float(number) for k, number in enumerate(sample)}
    value, _ = value_of(f"{name}({', '.join(at)})", at)
    expected = op(*sample) if getattr(op, "arity", None) is not None else op(list(sample))
    assert value.data == expected


@pytest.mark.parametrize(
    ("formula", "at", "message"),
    [
        ("__import__('os').system('true')", {}, "cannot stand in a formula|at least one variable"),
        ("x.__class__", {"x": 1}, "x.__class__ cannot stand in a formula"),
        ("(lambda: x)()", {"x": 1}, "cannot stand in a formula"),
        ("[x for x in y]", {"x": 1, "y": 1}, "cannot stand in a formula"),
        ("x if x else x", {"x": 1}, "cannot stand in a formula"),
        ("x < 1", {"x": 1}, "cannot stand in a formula"),
        ("x @ x", {"x": 1}, "cannot stand in a formula"),
        ("x // 2", {"x": 1}, "cannot stand in a formula"),
        ("not x", {"x": 1}, "cannot stand in a formula"),
        ("x + True", {"x": 1}, "True cannot stand in a formula"),
        ("x + 'a'", {"x": 1}, "'a' cannot stand in a formula"),
        ("x + 1j", {"x": 1}, "1j cannot stand in a formula"),
        ("(y := x)", {"x": 1, "y": 1}, "cannot stand in a formula"),
        ("exp(x=1)", {"x": 1}, "does not occur in the formula"),
        ("exp(*x)", {"x": 1}, "cannot stand in a formula"),
        ("eval(x)", {"x": 1}, "unknown operation 'eval'"),
        ("tanhh(x)", {"x": 1}, "unknown operation 'tanhh': did you mean 'tanh'"),
        ("tanh(x, x)", {"x": 1}, r"tanh takes 1 argument\(s\), got 2"),
        ("x + total()", {"x": 1}, "total takes at least one argument"),
        ("x +", {"x": 1}, "is no formula: invalid syntax"),
        ("x $ x", {"x": 1}, "is no formula: .* at character 3"),
        ("", {}, "is no formula"),
        ("x; x", {"x": 1}, "is no formula"),
        ("3 + 4", {}, "at least one variable"),
        ("x + y", {"x": 1}, "y must be given: --at y="),
        ("x", {"x": 1, "y": 2}, "y does not occur in the formula, which has x"),
        ("x" + " + x" * 1000, {"x": 1}, "a formula may have 2000 characters"),
        ("-" * 1990 + "x", {"x": 1}, "nested too deeply"),
        ("(" * 900 + "x" + ")" * 900, {"x": 1}, "nested|too many"),
        ("x + 1" + "0" * 400, {"x": 1}, "too large"),
        ("x + 1e999", {"x": 1}, "too large"),
        ("x\0", {"x": 1}, "no formula|NUL"),
        ("9**9**9**9 + x", {"x": 1}, "no finite result"),
    ],
)
def test_what_is_no_formula_is_an_error_and_is_never_run(formula, at, message):
    with pytest.raises(ValueError, match=message):
        value_of(formula, at)
