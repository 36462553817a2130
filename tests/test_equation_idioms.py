"""Functions that were written out: each rule fires, and what it says has the engine's value and derivative."""

import math

import numpy as np
import pytest

from autograd import Value, compile, exp, log, log1p, logsumexp, tanh
from autograd.lift.derive.idioms import IDIOMS
from autograd.lift.language.term import Call, Reduction, Softmax, walk

W = [
    [Value(w, f"W[{i},{j}]") for j, w in enumerate(row)] for i, row in enumerate(((0.3, -0.8), (1.1, 0.4), (-0.6, 0.9)))
]


def weighted(x):
    return [sum(w * v for w, v in zip(row, x, strict=True)) for row in W]


def shares(z):
    e = [exp(v) for v in z]
    total = sum(e)
    return [v / total for v in e]


def shares_by_logsumexp(z):
    total = logsumexp(z)
    return [exp(v - total) for v in z]


def shifted(z):
    return [z[0] + logsumexp([v - z[0] for v in z])]


CASES = {
    "½ z (1 + tanh(√(2/π) (z + 0.044715 z³))) = gelu(z)": (
        lambda z: [0.5 * v * (1 + tanh(math.sqrt(2 / math.pi) * (v + 0.044715 * v**3))) for v in z],
        "gelu",
    ),
    "exp(z − lse(z)) = softmax(z)": (shares_by_logsumexp, "softmax"),
    "exp(z) / Σ exp(z) = softmax(z)": (shares, "softmax"),
    "1 / (1 + exp(−z)) = σ(z)": (lambda z: [1 / (1 + exp(-v)) for v in z], "sigmoid"),
    "exp(z) σ(−z) = σ(z)": (lambda z: [exp(v) / (1 + exp(v)) for v in z], "sigmoid"),
    "log(1 + exp(z)) = softplus(z)": (lambda z: [log(1 + exp(v)) for v in z], "softplus"),
    "(exp(z) − exp(−z)) / (exp(z) + exp(−z)) = tanh(z)": (
        lambda z: [(exp(v) - exp(-v)) / (exp(v) + exp(-v)) for v in z],
        "tanh",
    ),
    "log Σ exp(z) = lse(z)": (lambda z: [log(sum(exp(v) for v in z))], "logsumexp"),
    "m + lse(z − m) = lse(z)": (shifted, "logsumexp"),
    "log(exp(z)) = z": (lambda z: [log(exp(v)) for v in z], "sum"),
}
FURTHER = {
    "log1p(exp(z))": (lambda z: [log1p(exp(v)) for v in z], "softplus"),
}


def functions_in(program):
    found = set()
    for term in program.derivation.found.terms.values():
        for each in walk(term):
            if isinstance(each, Call):
                found.add(each.op.name)
            elif isinstance(each, Softmax):
                found.add("softmax")
            elif isinstance(each, Reduction):
                found.add(each.name)
    return found


def test_every_rule_has_a_case():
    assert {rule.identity for rule in IDIOMS} == set(CASES)


@pytest.mark.parametrize("identity", [*CASES, *FURTHER])
def test_a_function_written_out_is_recognised_with_its_value_and_derivative(identity):
    function, name = {**CASES, **FURTHER}[identity]
    weights = [0.7, -1.3, 0.4]
    program = compile(lambda x: sum(w * v * v for w, v in zip(weights, function(weighted(x)), strict=False)))
    rows = np.random.default_rng(1).normal(size=(4, 2))
    program.value(x=rows)
    found = functions_in(program)
    assert name in found
    assert "exp" not in found
    for row in rows:
        numbers = program.derivation.numbers({"x": row}, program.parameters)
        loss, gradients = program.value_and_grad(x=row[None])
        assert numbers[program.derivation.found.loss] == pytest.approx(loss, rel=1e-12)
        (gradient,) = program.derivation.found.gradients
        np.testing.assert_allclose(numbers[gradient], gradients["W"], rtol=1e-9, atol=1e-12)


def test_what_only_looks_like_one_is_left_alone():
    program = compile(lambda x: sum(exp(v) / (2 + exp(v)) for v in weighted(x)))
    program.value(x=[[0.3, -0.2]])
    assert "exp" in functions_in(program)
    numbers = program.derivation.numbers({"x": [0.3, -0.2]}, program.parameters)
    assert numbers[program.derivation.found.loss] == pytest.approx(program.value(x=[[0.3, -0.2]]), rel=1e-12)
