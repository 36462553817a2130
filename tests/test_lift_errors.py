"""Errors of compiled programs: the statement and the row at fault, and functions that no program can stand for."""

from __future__ import annotations

import itertools
import pickle
import time

import numpy as np
import pytest

import autograd as ag
from autograd import DomainError, Op, RecordingError, Value, affine, compile, lift, total


def test_a_domain_error_names_the_statement_and_the_row():
    w = Value(1.0, "w")
    program = compile(lambda x: (w * x[0]).log(), parameters=[w])
    assert program.value(x=[[1.0], [2.0]]) == pytest.approx(np.log(2.0) / 2)
    with pytest.raises(DomainError, match=r"log needs x > 0.*row 1") as caught:
        program.value_and_grad(x=[[1.0], [-2.0], [3.0]])
    assert "log" in str(caught.value)
    exploding = compile(lambda x: (w * x[0]).exp(), parameters=[w])
    exploding.value(x=[[1.0], [2.0]])
    with pytest.raises(DomainError, match="row 2"):
        exploding.backward(x=[[1.0], [2.0], [1000.0]])


@pytest.mark.parametrize(("examples", "wrong"), [(1, 0), (7, 0), (7, 4), (7, 6)])
@pytest.mark.parametrize("kind", ["value_and_grad", "backward", "value", "losses"])
def test_a_domain_error_of_code_that_has_run_names_the_statement_and_the_row(kind, examples, wrong):
    w = [Value(1.0, "w[0]"), Value(0.5, "w[1]")]
    program = compile(lambda x: total([(each * x[0] + 0.25).log() for each in w]), parameters={"w": w})
    X = np.full((examples, 1), 2.0)
    run = getattr(program, kind)
    run(x=X)
    run(x=X)
    X[wrong] = -1.0
    with pytest.raises(DomainError, match=rf"log needs x > 0, got .* in log1 .*at row {wrong} of the batch"):
        run(x=X)
    for name, number, what in (("exp", 1000.0, "exp has no finite result"), ("sqrt", -1.0, "sqrt needs")):
        other = compile(lambda x, name=name: getattr(w[0] * x[0], name)(), parameters=w)
        run = getattr(other, kind)
        X[:] = 2.0
        run(x=X)
        X[wrong] = number
        with pytest.raises(DomainError, match=rf"{what}.* in loss .*at row {wrong} of the batch"):
            run(x=X)


def test_overflow_that_numpy_does_not_signal_is_found():
    W = [[Value(1e200), Value(1e200)], [Value(1.0), Value(2.0)]]
    program = compile(lambda x: sum(affine(row, x, 0.0).tanh() for row in W))
    assert np.isfinite(program.value(x=[[1.0, 1.0], [0.5, 0.25]]))
    with pytest.raises(DomainError, match="z1"):
        program.value(x=[[1e150, 1e150], [1.0, 1.0]])


def test_a_derivative_that_nobody_asks_for_may_be_undefined():
    w = Value(4.0, "w")
    program = compile(lambda x: x[0] * w.sqrt() + x[0] * (w - 4.0), parameters=[w])
    program.value(x=[[1.0], [0.0]])
    program.parameters["w"] = 0.0
    loss, gradient = program.value_and_grad(x=[[0.0], [0.0]])
    assert (loss, gradient["w"]) == (0.0, 0.0)
    with pytest.raises(DomainError, match="w"):
        program.value_and_grad(x=[[1.0], [0.0]])


# --- guards and recordings ------------------------------------------------------------------------


def test_a_comparison_that_comes_out_differently_is_refused_with_row_and_line_where_nothing_can_be_recorded():
    w = Value(2.0, "w")

    def branching(x):
        z = w * x[0]
        return z * z if z > 0.5 else z

    program = compile(branching, parameters=[w])
    assert program.value(x=[[1.0], [2.0]]) == 10.0
    again = pickle.loads(pickle.dumps(program))
    for run in (again.value_and_grad, again.backward, again.value, again.losses):
        with pytest.raises(RecordingError, match=r"test_lift_errors.py, line \d+ gave True.*row 1"):
            run(x=[[1.0], [-1.0]])
    assert program.value(x=[[1.0], [-1.0]]) == 1.0
    assert "Guard" in program.report()


def test_a_function_that_depends_on_numbers_outside_the_graph_is_refused():
    w = Value(2.0, "w")
    counter = itertools.count(1)
    functions = [
        lambda x: w * x[0] * next(counter),
        lambda x: w * x[0] * time.perf_counter(),
        lambda x: w * x[0]._data,
        lambda x: w * x[0] * id(x[0]),
    ]
    for function in functions:
        with pytest.raises(RecordingError, match="outside the graph"):
            compile(function, parameters=[w]).value(x=[[1.0], [2.0]])


def test_a_comparison_without_influence_is_no_guard():
    w = Value(2.0, "w")
    seen = []

    def counting(x):
        seen.append(x[0] > 1.5)
        return w * x[0]

    program = compile(counting, parameters=[w])
    assert program.value(x=[[1.0], [2.0]]) == 3.0
    assert program.value(x=[[5.0], [-2.0]]) == 3.0


def test_the_self_check_refuses_a_program_that_disagrees_with_the_engine():
    # A rule that gives arrays another derivative than floats: the engine and the program must differ.
    treacherous = Op(
        "treacherous",
        forward=lambda x: x * x,
        array=np.square,
        partials=(lambda out, x: 2.0 * x if isinstance(x, float) else 2.5 * x,),
        samples=((0.7,),),
    )
    w = Value(2.0, "w")
    with pytest.raises(RuntimeError, match="disagrees with the engine"):
        compile(lambda x: treacherous(w * x[0]), parameters=[w]).value(x=[[1.0], [2.0]])


def test_an_operation_of_your_own_is_compiled_and_its_domain_kept():
    cube = Op("cube", forward=lambda x: x**3, partials=(lambda out, x: 3.0 * x**2.0,), samples=((0.7,),))
    w = Value(2.0, "w")
    program = compile(lambda x: cube(w * x[0]), parameters=[w])
    loss, gradient = program.value_and_grad(x=[[1.0], [2.0]])
    assert (loss, gradient["w"]) == (36.0, 54.0)
    with pytest.raises(TypeError, match="cube"):
        program.source  # noqa: B018  # the property raises


def test_wrong_arguments_of_compile_and_lift_are_refused():
    w = Value(2.0)
    with pytest.raises(ValueError, match="reduce"):
        compile(lambda x: x[0], reduce="max")
    with pytest.raises(TypeError, match="function"):
        compile(3)
    with pytest.raises(TypeError, match="needs a Value"):
        lift(3.0)
    with pytest.raises(TypeError, match="leaf"):
        lift(w * w, {"x": [w * w]})
    with pytest.raises(ValueError, match="twice"):
        lift(w * w, {"x": [w]}, [w])
    with pytest.raises(ValueError, match="rectangular"):
        lift(w * w, {}, {"W": [[w, Value(1.0)], [Value(2.0)]]})
    with pytest.raises(TypeError, match="must return a loss"):
        compile(lambda x: (x[0], x[0], x[0])).value(x=[[1.0], [2.0]])


# --- names of inputs ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["run", "batch", "in_0", "v7", "dot", "len", "class", "None", "ﬁ"])
def test_an_input_may_have_any_name_that_an_argument_can_have(name):
    w = Value(2.0, "w")
    program = compile(lambda **inputs: (w * inputs[name][0] - 1.0) ** 2, parameters=[w])
    for kind in (program.value_and_grad, program.value_and_grad):
        loss, gradient = kind(**{name: [[1.0], [2.0]]})
        assert (loss, gradient["w"]) == (5.0, 7.0)


def test_an_input_too_many_or_too_few_is_refused_also_by_code_that_has_run():
    w = Value(2.0, "w")
    program = compile(lambda x, t: (w * x[0] - t[0]) ** 2, parameters=[w])
    X = np.ones((2, 1))
    for _ in range(2):
        for kind in (program.backward, program.value, program.losses):
            kind(x=X, t=X)
            with pytest.raises(TypeError, match="no input 'y'"):
                kind(x=X, t=X, y=X)
            with pytest.raises(TypeError, match="input 't' is missing"):
                kind(x=X)


def test_an_error_in_a_sum_names_the_operation_and_the_sizes_of_its_operands():
    w = [Value(1e200, "w[0]"), Value(2.0, "w[1]")]
    program = compile(lambda x: affine(w, x).tanh(), parameters={"w": w})
    program.value(x=[[0.3, 0.1], [0.2, 0.4]])
    message = r"computed from w \(up to 1e\+200 in size\) and x \(up to 1e\+200 in size\), in z1 \(affine .* row 1"
    with pytest.raises(DomainError, match=message):
        program.value(x=[[0.3, 0.1], [1e200, 0.4]])


def test_an_undefined_derivative_names_its_operation_its_operand_and_the_row():
    w, b = Value(1.0, "w"), Value(1.0, "b")
    program = compile(lambda x: ag.sqrt(w * x[0] + b), parameters=[w, b])
    X = np.ones((40, 1))
    program.value_and_grad(x=X)
    X[17] = -1.0
    with pytest.raises(DomainError, match=r"a derivative of sqrt 0\.0 .* x = 0\.0 .* in ds1 at row 17 of the batch"):
        program.value_and_grad(x=X)


def test_a_gradient_that_is_too_large_names_the_parameter_and_the_row():
    w = [Value(1.0, "w[0]"), Value(1e-300, "w[1]")]
    program = compile(lambda x: x[0] * w[0] + x[1] / w[1], parameters=w)
    X = np.zeros((5, 2))
    program.value_and_grad(x=X)
    X[3, 1] = 1.0
    with pytest.raises(DomainError, match=r'adjoint of leaf "w\[1\]" = 1e-300 is -inf in dw at row 3 of the batch'):
        program.value_and_grad(x=X)


def test_of_several_rows_in_doubt_the_one_that_fails_is_named():
    """Row 1 overflows on the way, and its result is finite; row 3 has none."""
    w = Value(1.0, "w")
    program = compile(lambda x: x[1] * ag.exp(w * x[0]) + 1.0 / (1.0 + ag.exp(w * x[0])), parameters=[w])
    X = np.zeros((5, 2))
    program.value(x=X)
    X[1], X[3] = [800.0, 0.0], [900.0, 2.0]
    with pytest.raises(DomainError, match=r"exp has no finite result .* x = 900\.0 in exp1 .* at row 3 of the batch"):
        program.value(x=X)
