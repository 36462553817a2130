"""The equations as they are printed, evaluated: they give the engine's loss and gradient.

An evaluator of its own walks the formulas with NumPy, with vectors as columns. It starts from inputs and parameters and
follows the printed equations only, so an equation that is missing, out of order or wrong shows.
"""

import re
from functools import reduce

import numpy as np
import pytest

from autograd.lift import lift
from autograd.lift.equations.derivation import derivation
from autograd.lift.equations.formula import (
    Call,
    Cases,
    LineSum,
    Local,
    Mat,
    Name,
    Num,
    Numbers,
    Pick,
    Power,
    Prod,
    Repeat,
    Stack,
    Sum,
    Test,
    Total,
    Trans,
)
from autograd.lift.equations.layout import layout_of
from autograd.op import PRIMITIVES
from nn import LOSSES
from nn.model.activations import ACTIVATIONS
from tests.equation_graphs import GRAPHS, example, random_graph, row_of
from tests.printed_shapes import check_fits

TOLERANCE = 1e-11  # of the largest entry: some hundred roundings of 1e-16, and sums in another order


def stable_softmax(u, axis):
    power = np.exp(u - u.max(axis=axis, keepdims=True))
    return power / power.sum(axis=axis, keepdims=True)


def log_of_sum(u, axis):
    largest = u.max(axis=axis, keepdims=True)
    return largest + np.log(np.exp(u - largest).sum(axis=axis, keepdims=True))


class Evaluator:
    """The values of names, which are arrays with two axes."""

    def __init__(self, found):
        self.found = found
        self.values = {}
        self.sums_to_one = True

    def set(self, left, value, *, add=False):
        if isinstance(left, Stack):
            start = 0
            for name in left.names:
                rows = self.target(name).shape[0]
                self.set(name, value[start : start + rows], add=add)
                start += rows
            return
        target = self.target(left.value if isinstance(left, Pick) else left)
        if isinstance(left, Pick):
            index = self.found.translator.lists[left.number - 1]
            flat = self.values[self.key(left.value.block)].reshape(-1)
            if not add:
                flat[index.ravel()] = 0.0
            shape = index.shape if index.ndim == 2 else (index.size, 1)
            np.add.at(flat, index.ravel(), np.broadcast_to(value, shape).ravel())
            return
        target[...] = (target if add else 0.0) + value

    @staticmethod
    def key(block):
        return ("d", block.of.name) if block.role == "adjoint" else ("", block.name)

    def target(self, name):
        key = self.key(name.block)
        if key not in self.values:
            block = name.block.of or name.block
            shape = self.found.translator.shape(block)
            self.values[key] = np.zeros(shape if len(shape) == 2 else (shape[0], 1))
        return self.seen(self.values[key], name.view)

    @staticmethod
    def seen(array, view):
        if view.startswith("["):
            parts = [slice(*(int(n) if n else None for n in part.split(":"))) for part in view[1:-1].split(", ")]
            return array[tuple(parts)]
        return array.reshape([int(n) for n in view.split("×")]) if view else array

    def of(self, formula):
        match formula:
            case Num():
                return np.full((1, 1), float(formula.value))
            case Name():
                value = self.values[self.key(formula.block)]
                return self.seen(value, formula.view)
            case Numbers():
                value = self.found.translator.numbers[formula.number - 1]
                return value if value.ndim == 2 else value.reshape(-1, 1)
            case Stack():
                return np.vstack([self.of(name) for name in formula.names])
            case Sum():
                return reduce(np.add, [self.of(term) for term in formula.terms])
            case Prod():
                return reduce(np.multiply, [self.of(factor) for factor in formula.factors])
            case Power():
                return self.of(formula.base) ** float(formula.exponent)
            case Local():
                return self.of(formula.rule)
            case Cases():
                return np.where(self.of(formula.condition) != 0.0, self.of(formula.yes), self.of(formula.no))
            case Test():
                sides = self.of(formula.left), self.of(formula.right)
                relation = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}
                return relation[formula.relation](*sides) * 1.0
            case Call():
                return self.call(formula)
        return self.matrix(formula)

    def matrix(self, formula):
        match formula:
            case Mat():
                return self.of(formula.left) @ self.of(formula.right)
            case Trans():
                return self.of(formula.value).T
            case Total():
                return self.of(formula.value).sum().reshape(1, 1)
            case LineSum():
                return self.of(formula.value).sum(axis=formula.axis).reshape(-1, 1)
            case Repeat():
                value = self.of(formula.value)
                return value if formula.axis == 1 else value.T
            case Pick():
                index = self.found.translator.lists[formula.number - 1]
                value = np.append(self.of(formula.value).ravel(), 0.0)[index]
                return value if index.ndim == 2 else value.reshape(-1, 1)
        raise TypeError(formula)

    def call(self, formula):
        args = [self.of(arg) for arg in formula.args]
        if formula.name.startswith("softmax"):
            return stable_softmax(args[0], 1 if "rows" in formula.name else None)
        if formula.name.startswith("logsumexp"):
            return log_of_sum(args[0], 1 if "rows" in formula.name else None)
        op = PRIMITIVES[formula.name]
        function = op.array or np.vectorize(op.forward, otypes=[float])
        return np.asarray(function(*args), dtype=float)


def evaluated(program, **row):
    """Return the evaluator after all printed equations, for one example."""
    found = derivation(program.derived)
    run = Evaluator(found)
    for each in program.derived.parameters.all:
        run.values["", each.name] = program.flat[each.positions].reshape(each.block.shape[0], -1)
    run.values["", "parameters"] = program.flat.reshape(-1, 1)
    for name, values in row.items():
        run.values["", name] = np.asarray(values, dtype=float).reshape(-1, 1)
    for equation in [*found.forward, *found.backward, *found.gradients]:
        check_fits(found, equation)
        run.set(equation.left, run.of(equation.right), add=equation.add)
    return run


def assert_equations_hold(program, **row):
    run = evaluated(program, **row)
    loss, gradients = program.value_and_grad(**row)
    assert run.values["", "loss"].item() == pytest.approx(loss, rel=1e-12, abs=1e-14)
    for name, gradient in gradients.items():
        scale = max(np.abs(gradient).max(), 1e-3)
        own = run.values.get(("d", name), np.zeros(gradient.shape)).reshape(gradient.shape)
        across = run.values.get(("d", "parameters"), np.zeros(program.flat.size)).reshape(-1)
        found = own + program.derived.parameters.all[list(gradients).index(name)].view(across)
        np.testing.assert_allclose(found, gradient, rtol=0, atol=TOLERANCE * scale, err_msg=name)
    return run


@pytest.mark.parametrize("loss", LOSSES)
def test_equations_hold_for_every_loss(loss):
    output = "sigmoid" if loss == "binary_cross_entropy" else "identity"
    for seed in range(2):
        program, row = example(loss, ("tanh", output), seed, l2=0.1 * seed)
        assert_equations_hold(program, **row)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_equations_hold_for_every_activation(activation):
    program, row = example("half_squared_error", (activation, activation))
    assert_equations_hold(program, **row)


# --- every simplification ------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1.0, 5.0, 40.0])
@pytest.mark.parametrize("loss", LOSSES)
def test_what_is_simplified_equals_what_it_was(loss, scale):
    """At weights 40 times as large the activations are saturated."""
    output = "sigmoid" if loss == "binary_cross_entropy" else "identity"
    compared = 0
    for seed in range(3):
        try:
            program, row = example(loss, ("sigmoid", output), seed, l2=0.1, scale=scale)
        except ArithmeticError:  # a saturated output against another target: the loss itself is infinite
            assert loss == "binary_cross_entropy"
            continue
        run = evaluated(program, **row)
        found = run.found
        for equation in [*found.backward, *found.gradients]:
            if equation.raw is None:
                continue
            with np.errstate(all="ignore"):
                before = run.of(equation.raw)
            after = run.of(equation.right)
            assert np.isfinite(after).all()
            good = np.isfinite(before)
            np.testing.assert_allclose(
                after[good], before[good], rtol=1e-7 if scale > 1.0 else 1e-12, atol=1e-13 * scale**2
            )
            compared += 1
    assert compared or loss == "binary_cross_entropy"


def test_a_saturated_sigmoid_keeps_its_digits():
    """δ = a − t is right at a = 1, where the unsimplified form divides 0 by 0."""
    program, row = example("binary_cross_entropy", ("sigmoid", "sigmoid"))
    run = evaluated(program, **row)
    delta = next(e for e in run.found.backward if e.left.block.name == "delta2")
    run.values["", "a2"][...] = 1.0
    with np.errstate(all="ignore"):
        assert np.isnan(run.of(delta.raw)[0, 0])
    np.testing.assert_array_equal(run.of(delta.right).ravel(), 1.0 - row["t"])


# --- other graphs --------------------------------------------------------------------------------


@pytest.mark.parametrize("graph", GRAPHS, ids=lambda graph: graph.__name__)
def test_equations_hold_for_other_graphs(graph):
    rng = np.random.default_rng(5)
    cost, inputs = graph(rng)
    program = lift(cost, inputs)
    assert_equations_hold(program, **row_of(inputs))
    for notation in ("superscript", "theta"):
        assert not re.search(r"None|<|Name\(|Block", re.sub(r"[<>]=?", "", program.equations(notation)))


@pytest.mark.parametrize("seed", [*range(60), 119, 187, 198, 337, 372])
def test_equations_hold_for_random_graphs(seed):
    """Over all operations of the table, with shared members, constants, gathers and sums of all kinds."""
    graph = random_graph(seed)
    if graph is not None:
        cost, inputs = graph
        assert_equations_hold(lift(cost, inputs), **row_of(inputs))


def test_an_equation_that_is_wrong_is_noticed():
    """The evaluator can fail: with one sign turned it does."""
    program, row = example("half_squared_error", ("tanh", "tanh"))
    run = evaluated(program, **row)
    delta = next(e for e in run.found.backward if e.left.block.name == "delta2")
    run.set(delta.left, -run.of(delta.right))
    for equation in run.found.gradients:
        run.set(equation.left, run.of(equation.right), add=equation.add)
    _, gradients = program.value_and_grad(**row)
    assert not np.allclose(run.values["d", "W2"], gradients["W2"])


def test_a_layout_is_what_its_name_says():
    assert layout_of((6,), np.arange(6).reshape(2, 3)).view == "2×3"
    assert layout_of((6,), np.arange(6).reshape(2, 3).T).transposed
    assert layout_of((2, 3), np.array([2, 0, 1, 5, 4, 3])).kind == "permuted"
    assert layout_of((2, 3), np.array([2, 0, 1, 5, 5, 3])).kind == "picked"
    assert layout_of((3,), np.array([0, 0, 1, 1, 2, 2])).kind == "repeated"
    assert layout_of((1,), np.array([0, 0])).kind == "scalar"
