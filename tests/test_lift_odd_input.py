"""Odd but legal use of `compile` and `lift`: names, guards beside outputs, `no_grad`, programs within functions."""

from __future__ import annotations

import itertools
import threading

import numpy as np
import pytest

from autograd import RecordingError, Value, compile, lift, no_grad, total
from tests.sampled import sampled

ROWS = [[1.0], [2.0]]


def weights():
    return Value(2.0, "w"), Value(3.0, "v")


# --- names ----------------------------------------------------------------------------------------

# what the written function uses itself, what it defines, what it calls its constants, and what Python reserves
NAMES = ["np", "float", "N", "flat", "dflat", "parameters", "pick", "sigmoid", "relu", "lambda", "class", "loss", "z1"]
CONSTANTS = ["INDEX_1", "NUMBERS_1", "NUMBERS_2", "STARTS_1", "SIZES_1"]


def irregular(x, w):
    """Return a cost that needs definitions, gathers and constants in its source."""
    ragged = sum((w[k] * w[(3 * k + j) % 5]).tanh() for k in range(5) for j in range(k % 3 + 1))
    return total([w[k] * x[(k * 2) % 3] for k in range(5)]).sigmoid() + ragged + (x[0] * 2.0 + x[2] * 3.0).relu()


@pytest.mark.parametrize(
    ("name", "part"), sampled(list(itertools.product(NAMES + CONSTANTS, ("input", "parameter"))), 3)
)
def test_the_source_holds_under_every_name(name, part):
    x, w = [Value(0.3), Value(0.4), Value(0.5)], [Value(0.1 * k + 0.1) for k in range(5)]
    names = {"input": (name, "w"), "parameter": ("x", name)}[part]
    program = lift(irregular(x, w), {names[0]: x}, {names[1]: w})
    rows = np.array([[0.3, 0.4, 0.5], [0.1, 0.2, 0.9]])
    loss, gradients = program.value_and_grad(**{names[0]: rows})
    module: dict = {}
    exec(program.source, module)
    again, by_source = module["value_and_grad"](dict(program.parameters), rows)
    assert again == pytest.approx(loss, rel=1e-13)
    np.testing.assert_allclose(by_source[names[1]], gradients[names[1]], rtol=1e-12)


def test_inputs_may_have_the_names_that_others_get_in_the_source():
    w, v = weights()
    one, other, x = Value(0.5), Value(0.25), Value(1.5)
    program = lift(w * one + v * other * x, {"N": [one], "N_": [other], "INDEX_1": [x]})
    module: dict = {}
    exec(program.source, module)
    loss, _ = module["value_and_grad"](dict(program.parameters), [[0.5]], [[0.25]], [[1.5]])
    assert loss == 2.0 * 0.5 + 3.0 * 0.25 * 1.5


def test_an_input_may_be_called_self():
    w, _ = weights()
    program = compile(lambda self: w * self[0])
    for run in (program.value, program.backward, program.value_and_grad, program.losses):
        run(self=ROWS)
    assert program.value(self=ROWS) == 3.0


# --- what is given --------------------------------------------------------------------------------


def test_parameters_may_come_from_an_iterator():
    w, v = weights()
    loss, gradients = lift(w * v, {"x": [v]}, (leaf for leaf in [w])).value_and_grad(x=ROWS)
    assert loss == 3.0
    assert {name: float(gradient) for name, gradient in gradients.items()} == {"w": 1.5}

    program = compile(lambda x: w * x[0] if len(x) == 1 else v, parameters=iter([w, v]))
    with pytest.raises(TypeError, match="real numbers"):
        program.value(x="no numbers")
    _, gradients = program.value_and_grad(x=ROWS)
    assert {name: float(gradient) for name, gradient in gradients.items()} == {"w": 1.5, "v": 0.0}


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ("x", "inputs must be a mapping .* got 'x'"),
        ([Value(1.0)], "inputs must be a mapping"),
        ({"x": Value(1.0)}, "input 'x' must be a sequence of leaf Values"),
        ({"x": None}, "input 'x' must be a sequence of leaf Values, got None"),
        ({"x": [1.0]}, r"got 1\.0 in it"),
        ({"a b": [Value(1.0)]}, "must be an identifier, got 'a b'"),
    ],
)
def test_inputs_that_are_no_leaves_by_name_are_refused(inputs, message):
    w, v = weights()
    with pytest.raises(TypeError, match=message):
        lift(w * v, inputs)


@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[1.0], [1.0, 2.0]], "input 'x' needs rows of one length"),
        (np.array([[np.longdouble(1e300) * np.longdouble(1e300)]]), "input 'x' needs finite numbers"),
        (np.ma.masked_equal([[1.0], [2.0]], 2.0), "input 'x' needs a number in every place, got a masked array"),
    ],
)
def test_rows_that_are_no_array_of_floats_are_refused_by_name(rows, message, recorded):
    w, _ = weights()
    program = compile(lambda x: w * x[0])
    if recorded:
        program.value(x=ROWS)
    for run in (program.backward, program.value, program.losses):
        with pytest.raises(ValueError, match=message):
            run(x=rows)
    assert program.value(x=ROWS) == 3.0


# --- outputs --------------------------------------------------------------------------------------


def branching(w, v):
    return lambda x: w * x[0] if x[0] > 0.0 else v * x[0]


def test_outputs_follow_a_comparison_row_by_row():
    w, v = weights()
    branch = branching(w, v)
    program = compile(lambda x: (branch(x), {"y": branch(x)}), parameters=[w, v])
    program.value(x=ROWS)
    np.testing.assert_array_equal(program.outputs(x=[[3.0], [-1.0], [4.0]])["y"], [[6.0], [-3.0], [8.0]])


def test_outputs_follow_a_comparison_of_parameters():
    w, v = weights()
    program = compile(lambda x: (x[0] * w, {"y": w * x[0] if w < v else v * x[0]}), parameters=[w, v])
    program.value(x=ROWS)
    program.parameters["w"] = 5.0
    np.testing.assert_array_equal(program.outputs(x=ROWS)["y"], [[3.0], [6.0]])


def test_outputs_that_a_missing_input_decides_are_refused():
    w, v = weights()
    program = compile(lambda x, t: (w * x[0], {"y": w * x[0] if t[0] > 0.0 else v * x[0]}), parameters=[w, v])
    program.value(x=ROWS, t=[[1.0], [-1.0]])
    with pytest.raises(RecordingError, match=r"line \d+, which takes an input that is not given"):
        program.outputs(x=ROWS)
    np.testing.assert_array_equal(program.outputs(x=ROWS, t=[[1.0], [-1.0]])["y"], [[2.0], [6.0]])


def test_a_comparison_with_the_target_does_not_ask_the_outputs_for_one():
    w, _ = weights()

    def hinge(x, t):
        y = w * x[0]
        margin = 1.0 - t[0] * y
        return (margin if margin > 0.0 else 0.0 * y), {"y": y}

    program = compile(hinge)
    program.value(x=ROWS, t=[[-1.0], [-1.0]])
    np.testing.assert_array_equal(program.outputs(x=[[-3.0]])["y"], [[-6.0]])


@pytest.mark.parametrize(
    ("outputs", "error", "message"),
    [({"y": []}, ValueError, "output 'y' needs at least one value"), ({1: 2.0}, TypeError, "must be a string, got 1")],
)
def test_outputs_without_a_value_or_a_name_are_refused(outputs, error, message):
    w, _ = weights()
    with pytest.raises(error, match=message):
        compile(lambda x: (w * x[0], outputs)).value(x=ROWS)


# --- where a program is recorded ------------------------------------------------------------------


def test_a_program_is_recorded_and_checked_also_under_no_grad():
    w, v = weights()
    recorded = w * v * v
    with no_grad():
        loss, gradients = compile(lambda x: w * x[0]).value_and_grad(x=ROWS)
        assert (loss, float(gradients["w"])) == (3.0, 1.5)
        assert float(lift(recorded).value_and_grad()[1]["w"]) == 9.0
        assert (w * v).is_leaf  # and afterwards nothing is recorded, as before


def test_a_function_that_runs_its_own_program_is_told_so():
    w, _ = weights()
    told = []

    def loss(x):
        return w * x[0] * program.value(x=ROWS)

    program = compile(loss)

    def work():
        with pytest.raises(RuntimeError, match="runs the program that is being compiled from it"):
            program.value(x=ROWS)
        told.append(True)

    thread = threading.Thread(target=work, daemon=True)  # a lock that is waited for forever would hang the tests
    thread.start()
    thread.join(20.0)
    assert told


def test_a_function_may_run_another_program():
    w, v = weights()
    inner = compile(lambda x: w * x[0])
    outer = compile(lambda x: v * x[0] + 0.0 * inner.value(x=ROWS))
    assert outer.value_and_grad(x=ROWS)[0] == 4.5
    assert inner.value(x=ROWS) == 3.0
