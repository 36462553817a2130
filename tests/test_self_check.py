"""The comparison of a program with the engine takes no rounding for a fault, and finds every fault of a statement."""

from __future__ import annotations

import contextlib
import importlib
import operator
import random
from dataclasses import replace

import numpy as np
import pytest

import autograd as ag
from autograd import Value, compile, ops
from autograd.graph import Graph
from autograd.lift.matrices.expression import Apply, Number, Plus
from autograd.lift.run.rounding_bound import rounding_bounds
from autograd.lift.run.runner import runner
from autograd.lift.run.self_check import self_check
from tests.lift_graphs import random_function
from tests.sampled import sampled

program_module = importlib.import_module("autograd.lift.run.recorder")  # autograd.lift is the function

VISIBLE = 1e-6  # of an entry of the gradient, or of the loss: a fault that changes less than that is none


def compiled(monkeypatch, seed, scale=1.0, input_scale=1.0):
    """Compile a random function and return what it was derived to and from; None where it is undefined."""
    checked = []

    def noting(derived, recording, leaves):
        checked.append((derived, recording, leaves))
        return self_check(derived, recording, leaves)

    monkeypatch.setattr(program_module, "self_check", noting)
    n_x, n_t, n_parameters, function = random_function(seed)
    rng = np.random.default_rng(seed)
    parameters = [Value(v) for v in rng.normal(size=n_parameters) * scale]
    batch = {"x": rng.normal(size=(2, n_x)) * input_scale}
    if n_t:
        batch["t"] = rng.normal(size=(2, n_t))
    program = compile(lambda x, t=(): function(x, t, parameters), parameters=parameters)
    try:
        program.value_and_grad(**batch)
    except (ArithmeticError, ValueError):
        return None
    return checked[0] if checked else None


def test_saturated_activations_are_not_refused():
    for seed in range(60):
        rng = random.Random(seed)
        w = [Value(rng.uniform(-1.0, 1.0) * 10.0 ** rng.uniform(0.0, 3.0)) for _ in range(3)]
        sigma = rng.choice([ag.tanh, ag.sigmoid, ag.erf, ag.softplus, ag.gelu])
        program = compile(lambda x, w=w, sigma=sigma: ag.total([sigma(a * b) for a, b in zip(w, x, strict=True)]))
        program.value_and_grad(x=np.random.default_rng(seed).normal(size=(3, 3)) * 10.0)


@pytest.mark.parametrize("chunk", range(3))
def test_random_programs_at_all_scales_are_not_refused(monkeypatch, chunk):
    for seed in range(20 * chunk, 20 * chunk + 20):
        rng = np.random.default_rng(seed)
        compiled(monkeypatch, seed, 10.0 ** rng.uniform(-3.0, 3.0), 10.0 ** rng.uniform(-3.0, 3.0))


@pytest.mark.parametrize("relation", [operator.lt, operator.le, operator.gt, operator.ge])
def test_rounding_may_turn_any_relation_of_a_rule_at_its_kink_only(relation):
    bent = ops.Op(
        "bent",
        forward=lambda x: 3.0 * x if relation(x, 0.5) else x,
        partials=(lambda out, x: ag.where(relation(x, 0.5), 3.0, 1.0),),
    )
    for factor, least, most in ((1.0, 0.0, 1e-12), (2.0, 1.0, 10.0), (3.0, 0.0, 1e-12)):  # 2 · 0.25 is at the kink
        w = Value(0.25, "w")
        y = bent(w * factor)
        assert least <= rounding_bounds(Graph([y]).nodes, y, [w])[0] <= most


# --- faults ---------------------------------------------------------------------------------------


def faults(value):
    """Return wrong expressions in the place of one."""
    yield "off by a thousandth", Apply(ops.mul, (value, Number(1.001)))
    yield "of the other sign", Apply(ops.mul, (value, Number(-1.0)))
    if isinstance(value, Plus):
        for k in range(len(value.terms)):
            rest = [term for i, term in enumerate(value.terms) if i != k]
            if Plus(tuple(rest)).shape == value.shape:
                yield f"without term {k}", Plus(tuple(rest)) if len(rest) > 1 else rest[0]
    if isinstance(value, Apply) and value.op.arity == 1:
        yield "of another operation", Apply(ops.sin if value.op is not ops.sin else ops.tanh, value.args)
    if isinstance(value, Apply) and value.op.arity == 2:
        yield "with its operands exchanged", Apply(value.op, value.args[::-1])


def planted(derived):
    for part in ("forward", "reverse"):
        program = getattr(derived, part)
        for k, statement in enumerate(program.statements):
            for what, value in faults(statement.value):
                if value.shape == statement.value.shape:
                    statements = [*program.statements]
                    statements[k] = replace(statement, value=value)
                    name = f"{part} {statement.target.name} {what}"
                    yield name, replace(derived, **{part: replace(program, statements=statements)})


def results(derived, recording, leaves):
    """The loss and the gradient of a program at other numbers than those it is checked at; None where undefined."""
    rng = np.random.default_rng(12345)

    def moved(numbers):
        return numbers + 0.05 * (np.abs(numbers) + 0.1) * rng.uniform(-1.0, 1.0, numbers.shape)

    flat, gradient = np.zeros(len(leaves)), np.zeros(len(leaves))
    flat[:] = moved(derived.start)
    rows = {name: moved(np.array([[v.data for v in values]] * 2)) for name, values in recording.inputs.items()}
    run, _ = runner(derived.without_guards(), flat, gradient, 2 if rows else 1, "backward", mean=True)
    try:
        loss = run(rows)
    except (ArithmeticError, ValueError):
        return None
    return np.append(gradient, loss)


@pytest.mark.parametrize(
    "seed", sampled([*range(9), 86, 117], 4, [117])
)  # the last two have branches that are not taken
def test_every_planted_fault_of_a_statement_is_found(monkeypatch, seed):
    found = compiled(monkeypatch, seed)
    if found is None:
        pytest.skip("undefined at these numbers")
    derived, recording, leaves = found
    right = results(derived, recording, leaves)
    if right is None:
        pytest.skip("undefined at these numbers")
    missed, visible = [], 0
    for name, faulty in planted(derived):
        wrong = results(faulty, recording, leaves)
        if wrong is None or not (np.abs(wrong - right) > VISIBLE * np.maximum(np.abs(right), np.abs(wrong))).any():
            continue
        visible += 1
        with contextlib.suppress(RuntimeError):
            self_check(faulty, recording, leaves)
            missed.append(name)
    assert missed == []
    assert visible or not derived.reverse.statements
